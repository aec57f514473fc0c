//! Running one test body on both databases.

use sluice::store::{Location, Store};

use crate::postgres;
use crate::scratch::Scratch;

/// An empty database of one test.
#[derive(Debug)]
pub struct TestDatabase {
    /// Where it is.
    pub location: Location,
    /// Its directory, when it has one.
    _scratch: Option<Scratch>,
}

impl TestDatabase {
    /// A new SQLite database.
    pub fn sqlite() -> Self {
        let scratch = Scratch::new("sqlite");
        Self { location: Location::Sqlite { directory: scratch.path().to_owned() }, _scratch: Some(scratch) }
    }

    /// A new PostgreSQL database; `None` where there is no PostgreSQL.
    pub async fn postgres() -> Option<Self> {
        let url = postgres::shared()?.create_database().await;
        Some(Self { location: Location::Postgres { url }, _scratch: None })
    }

    /// A new database of a server that was started for it.
    pub async fn of_cluster(cluster: &postgres::Cluster) -> Self {
        Self { location: Location::Postgres { url: cluster.create_database().await }, _scratch: None }
    }

    /// A new database of each kind there is.
    pub async fn each() -> Vec<Self> {
        let mut databases = vec![Self::sqlite()];
        databases.extend(Self::postgres().await);
        databases
    }

    /// Opens it.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn open(&self) -> Store {
        match Store::open(&self.location).await {
            Ok(store) => store,
            Err(error) => panic!("open {:?}: {error}: {error:?}", self.location),
        }
    }

    /// Whether it is a PostgreSQL database.
    pub fn is_postgres(&self) -> bool {
        matches!(self.location, Location::Postgres { .. })
    }
}

/// Runs `test` on an empty store of each kind there is, one after the other.
pub async fn on_both_databases(test: impl AsyncFn(Store)) {
    for database in TestDatabase::each().await {
        // Printed only when the test fails, and then the last such line says where.
        println!("on {:?}", database.location);
        let store = database.open().await;
        test(store.clone()).await;
        store.close().await;
    }
}

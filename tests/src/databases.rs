//! Running one test body on both databases.

use sluice::store::{Location, Store};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

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

    /// Lets nobody commit until the answer is released; everybody may read.
    ///
    /// # Panics
    /// When the database cannot be reached.
    pub async fn hold_commits(&self) -> CommitsHeld {
        match &self.location {
            Location::Sqlite { directory } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.join("sluice.db"));
                let mut aside = SqliteConnection::connect_with(&options).await.expect("it opens");
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut aside).await.expect("the lock is free");
                CommitsHeld::Sqlite(aside)
            }
            Location::Postgres { url } => {
                let mut aside = PgConnection::connect(url).await.expect("it opens");
                let lock = "BEGIN; LOCK TABLE log_head IN EXCLUSIVE MODE";
                sqlx::raw_sql(lock).execute(&mut aside).await.expect("the lock is free");
                CommitsHeld::Postgres(aside)
            }
        }
    }

    /// Deletes the content of everything, as no store does.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn forget_blobs(&self) {
        match &self.location {
            Location::Sqlite { directory } => {
                let blobs = directory.join("blobs");
                let folders = std::fs::read_dir(&blobs).expect("a directory").map(|entry| entry.expect("one").path());
                folders.for_each(|folder| std::fs::remove_dir_all(folder).expect("it goes"));
            }
            Location::Postgres { .. } => self.run_aside("DELETE FROM blobs".to_owned()).await,
        }
    }

    /// Deletes what is stored under one digest.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn forget_blob(&self, digest: &str) {
        match &self.location {
            Location::Sqlite { directory } => {
                let (folder, name) = digest.split_at(2);
                std::fs::remove_file(directory.join("blobs").join(folder).join(name)).expect("it is stored");
            }
            Location::Postgres { .. } => self.run_aside(format!("DELETE FROM blobs WHERE digest = '{digest}'")).await,
        }
    }

    /// Changes one byte of what is stored under a digest, as a failing disk does.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn damage_blob(&self, digest: &str) {
        match &self.location {
            Location::Sqlite { directory } => {
                let (folder, name) = digest.split_at(2);
                let file = directory.join("blobs").join(folder).join(name);
                let mut content = std::fs::read(&file).expect("it is stored");
                let middle = content.len() / 2;
                content[middle] ^= 0xff;
                std::fs::write(&file, content).expect("it is written");
            }
            Location::Postgres { .. } => {
                let middle = "octet_length(content) / 2";
                self.run_aside(format!(
                    "UPDATE blobs SET content = set_byte(content, {middle}, get_byte(content, {middle}) # 255) \
                     WHERE digest = '{digest}'"
                ))
                .await;
            }
        }
    }

    /// Runs a statement beside every store.
    ///
    /// # Panics
    /// When it fails.
    pub async fn run_aside(&self, sql: String) {
        match &self.location {
            Location::Sqlite { directory } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.join("sluice.db"));
                let mut aside = SqliteConnection::connect_with(&options).await.expect("it opens");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut aside).await.expect("it runs");
                aside.close().await.expect("it closes");
            }
            Location::Postgres { url } => {
                let mut aside = PgConnection::connect(url).await.expect("it opens");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut aside).await.expect("it runs");
                aside.close().await.expect("it closes");
            }
        }
    }

    /// Whether it is a PostgreSQL database.
    pub fn is_postgres(&self) -> bool {
        matches!(self.location, Location::Postgres { .. })
    }
}

/// A lock that keeps everybody from committing.
pub enum CommitsHeld {
    /// The one lock for writing.
    Sqlite(SqliteConnection),
    /// The log's head, which every event moves.
    Postgres(PgConnection),
}

impl CommitsHeld {
    /// Lets everybody commit again.
    ///
    /// # Panics
    /// When the lock was lost meanwhile.
    pub async fn release(self) {
        match self {
            Self::Sqlite(mut aside) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut aside).await.expect("the lock was held");
                aside.close().await.expect("it closes");
            }
            Self::Postgres(mut aside) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut aside).await.expect("the lock was held");
                aside.close().await.expect("it closes");
            }
        }
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

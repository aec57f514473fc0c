//! Opening: what is created, what is migrated, and what is refused with which advice.

use e2e::databases::TestDatabase;
use e2e::records;
use e2e::scratch::Scratch;
use sluice::store::{Location, OpenError, Store, Unit};
use sqlx::{AssertSqlSafe, Connection as _};

/// Runs SQL behind the store's back.
async fn run(location: &Location, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match location {
        Location::Sqlite { directory } => {
            let options =
                sqlx::sqlite::SqliteConnectOptions::new().filename(directory.join("sluice.db")).create_if_missing(true);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Location::Postgres { url } => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

async fn refusal(location: &Location) -> OpenError {
    let error = Store::open(location).await.expect_err("it should be refused");
    assert!(!error.help().is_empty());
    error
}

#[tokio::test]
async fn a_store_opened_again_holds_what_it_held() {
    for database in TestDatabase::each().await {
        let store = database.open().await;
        store.commit(Unit { events: vec![records::plain_event("evt_1")], ..Unit::default() }).await.unwrap();
        store.close().await;
        let store = database.open().await;
        assert_eq!(store.log_head().await.unwrap(), 1);
        store.commit(Unit { events: vec![records::plain_event("evt_2")], ..Unit::default() }).await.unwrap();
        assert_eq!(store.log_head().await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    for database in TestDatabase::each().await {
        let store = database.open().await;
        store.close().await;
        let unit = Unit { events: vec![records::plain_event("evt_1")], ..Unit::default() };
        assert!(store.commit(unit).await.is_err());
        assert!(store.log_head().await.is_err());
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_newer_than_the_program_is_refused_with_both_numbers() {
    for database in TestDatabase::each().await {
        database.open().await.close().await;
        run(&database.location, "INSERT INTO schema_migrations (number, name) VALUES (4711, 'from the future')").await;
        let error = refusal(&database.location).await;
        let OpenError::NewerSchema { found: 4711, known } = error else { panic!("{error:?}") };
        assert!((1..100).contains(&known));
        assert_eq!(
            error.to_string(),
            format!("open a database of schema 4711: this program knows schemas up to {known}")
        );
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    for database in TestDatabase::each().await {
        run(&database.location, "CREATE TABLE songs (title TEXT)").await;
        assert!(matches!(refusal(&database.location).await, OpenError::Foreign));
        // It fails if the table is gone, or if another of ours was created.
        run(&database.location, "DROP TABLE songs; CREATE TABLE missions (id TEXT)").await;
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_damaged() {
    let database = TestDatabase::sqlite();
    let Location::Sqlite { directory } = &database.location else { unreachable!() };
    std::fs::write(directory.join("sluice.db"), "To be, or not to be, that is the question. ".repeat(200)).unwrap();
    assert!(matches!(refusal(&database.location).await, OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_directory_that_cannot_be_is_named() {
    let scratch = Scratch::new("opening");
    let file = scratch.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = refusal(&Location::Sqlite { directory: file.join("below") }).await;
    let OpenError::Directory { path, .. } = &error else { panic!("{error:?}") };
    assert!(path.starts_with(&file));
    assert!(error.to_string().contains("file/below"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let scratch = Scratch::new("opening");
    let url = format!("postgres:///sluice?host={}&user=postgres", scratch.path().display());
    assert!(matches!(refusal(&Location::Postgres { url }).await, OpenError::Unreachable { .. }));
    let url = "not a url".to_owned();
    assert!(matches!(refusal(&Location::Postgres { url }).await, OpenError::BadLocation { .. }));
    let Some(cluster) = e2e::postgres::shared() else { return };
    let url = cluster.url("no_such_database");
    assert!(matches!(refusal(&Location::Postgres { url }).await, OpenError::Unreachable { .. }));
}

#[tokio::test]
async fn a_server_setting_that_breaks_a_promise_is_refused() {
    let Some(cluster) = e2e::postgres::shared() else { return };
    cluster
        .execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc".to_owned(),
        )
        .await;
    let error = refusal(&Location::Postgres { url: cluster.url("latin") }).await;
    assert!(matches!(error, OpenError::Unsuitable { setting: "server_encoding", .. }), "{error:?}");
    assert_eq!(error.to_string(), "work with a database whose server_encoding is LATIN1, not UTF8");

    // The session asks for its own durability, whatever the database's default is.
    let url = cluster.create_database().await;
    let name = url.trim_start_matches("postgres:///").split('?').next().unwrap().to_owned();
    cluster.execute(format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
    let store = Store::open(&Location::Postgres { url: url.clone() }).await.unwrap();
    store.close().await;
    cluster.execute(format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    assert!(matches!(refusal(&Location::Postgres { url }).await, OpenError::ReadOnly { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hosts_that_open_an_empty_database_at_once_agree() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let opening: Vec<_> = (0..6)
        .map(|_| {
            let location = database.location.clone();
            tokio::spawn(async move { Store::open(&location).await.map(drop) })
        })
        .collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
    run(&database.location, "INSERT INTO log_head (id, seq) SELECT 1, 0 WHERE (SELECT COUNT(*) FROM log_head) <> 1")
        .await;
}

//! What a host tells of itself while its database does not.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::server::{ServerOptions, TestServer};
use sluice::store::Location;
use sqlx::Connection as _;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// Longer than the host waits, and much shorter than its database hangs.
const SOON: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_told_of_soon() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let Location::Postgres { url } = &database.location else { unreachable!("it is PostgreSQL's") };
    let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
    assert_eq!(server.get("/readyz").await.status, 200);
    let mut other = sqlx::PgConnection::connect(url).await.expect("a connection");
    let lock = "BEGIN; LOCK TABLE log_head, runs IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut other).await.expect("nobody else locks them for long");
    for (path, status, healthy) in
        [("/readyz", 503, Some(false)), ("/healthz", 200, Some(false)), ("/global/health", 200, Some(false))]
    {
        let asked = tokio::time::timeout(SOON, server.get(path)).await;
        let reply = asked.unwrap_or_else(|_| panic!("{path} waits for the database"));
        assert_eq!((reply.status, reply.body["healthy"].as_bool()), (status, healthy), "{path}: {:#}", reply.body);
    }
    let metrics = server.request(reqwest::Method::GET, "/metrics", &server.operator).send();
    let metrics = tokio::time::timeout(SOON, metrics).await.expect("metrics do not wait for the database");
    assert_eq!(metrics.expect("an answer").status(), 200);
    sqlx::raw_sql("COMMIT").execute(&mut other).await.expect("the lock is given back");
    assert_eq!(server.get("/readyz").await.status, 200);
}

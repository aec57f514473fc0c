//! Opening PostgreSQL: sessions, settings, and waking up when other hosts commit. The
//! statements are the same as SQLite's.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::sync::watch;

use super::error::{OpenError, is_lost};
use super::news::News;
use crate::domain::time::Timestamp;

/// Begins a batch: the log's lock first, so that everything after it (guards, the log's head)
/// sees what the batch before it committed, on whatever host. Two statements, because one
/// statement sees the data of the moment it began to wait. The key spells "sluice l".
pub(super) const BEGIN: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(8317151707346051180)";

/// The channel that tells other hosts of a commit; it belongs to one database.
pub(super) const CHANNEL: &str = "sluice_log";

/// Connections for reading, of one host.
const READERS_MAX: u32 = 8;

/// How long a reader waits for a connection, a new one included.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that nobody used is taken for sound.
const TRUSTED_FOR: Duration = Duration::from_millis(500);

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the listener waits before it connects again.
const LISTEN_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What the writing session insists on: a commit is on disk when it answers; a host that
/// freezes in the middle of a batch does not hold the log's lock for longer than ten seconds,
/// nor wait longer for it.
const WRITER_SETTINGS: &str = "SET synchronous_commit = on; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '10s'; SET client_min_messages = warning";

/// Reads a URL.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = PgConnectOptions::from_str(url).map_err(|error| OpenError::BadLocation { source: error.into() })?;
    Ok(options.application_name("sluice").disable_statement_logging())
}

/// Opens the writing connection.
pub(super) async fn connect_writer(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = tokio::time::timeout(CONNECT_TIMEOUT, options.connect())
        .await
        .map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))??;
    sqlx::raw_sql(WRITER_SETTINGS).execute(&mut connection).await?;
    Ok(connection)
}

/// The pool of readers. A connection is made when it is needed.
pub(super) fn readers(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // The pool tests each connection that is given back; to test it again at once would be a round trip for nothing
        // with every read.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for >= TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options)
}

/// Runs a query that does no harm when it is run again. A connection that the server dropped since it was used last is
/// found out by using it, which closes it: so the query is tried once on each that there was, and once on
/// a new one.
pub(super) async fn on_any<T, F>(pool: &PgPool, query: impl Fn() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let mut may_be_lost = pool.size();
    loop {
        match query().await {
            Err(error) if may_be_lost > 0 && is_lost(&error) => may_be_lost -= 1,
            done => return done,
        }
    }
}

/// What time it is for the server, at the moment it answers and not when a transaction began.
pub(super) async fn now(pool: &PgPool) -> Result<Timestamp, sqlx::Error> {
    const NOW: &str = "SELECT CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)";
    let row = on_any(pool, || sqlx::query(NOW).fetch_one(pool)).await?;
    let millis: i64 = row.try_get(0)?;
    Ok(Timestamp(u64::try_from(millis).unwrap_or(0)))
}

/// Refuses a database that cannot keep its promises.
pub(super) async fn check_settings(connection: &mut PgConnection) -> Result<(), OpenError> {
    let row = sqlx::query(
        "SELECT current_setting('server_encoding'), current_setting('synchronous_commit'), \
         current_setting('fsync'), current_setting('transaction_read_only')",
    )
    .fetch_one(connection)
    .await?;
    let encoding: String = row.try_get(0)?;
    if encoding != "UTF8" {
        return Err(OpenError::Unsuitable { setting: "server_encoding", found: encoding, wanted: "UTF8" });
    }
    let synchronous_commit: String = row.try_get(1)?;
    if synchronous_commit != "on" {
        return Err(OpenError::Unsuitable { setting: "synchronous_commit", found: synchronous_commit, wanted: "on" });
    }
    if row.try_get::<String, _>(3)? == "on" {
        return Err(OpenError::ReadOnly {
            source: "the server or the database takes no writes (transaction_read_only)".into(),
        });
    }
    let fsync: String = row.try_get(2)?;
    if fsync != "on" {
        tracing::warn!("the database server runs with fsync = {fsync}: a power failure can lose what was committed");
    }
    Ok(())
}

/// Tells `news` whenever another host than `host`, this one, commits, until `ended` changes or its sender is gone.
/// A lost connection is made again; what was missed meanwhile is made up for by telling
/// once, since nobody waits for one particular commit.
pub(super) async fn listen(options: PgConnectOptions, host: u64, news: Arc<News>, mut ended: watch::Receiver<()>) {
    // A pool of one of its own: a listener never gives its connection back.
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).connect_lazy_with(options);
    let listening = async {
        loop {
            if let Err(error) = listen_once(&pool, host, &news).await {
                tracing::warn!(%error, "lost the connection that tells of other hosts' commits");
            }
            tokio::time::sleep(LISTEN_AGAIN_AFTER).await;
        }
    };
    tokio::select! {
        () = listening => {}
        _ = ended.changed() => {}
    }
    pool.close().await;
}

async fn listen_once(pool: &PgPool, host: u64, news: &News) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    news.elsewhere();
    let own = host.to_string();
    while let Some(told) = listener.try_recv().await? {
        if told.payload() != own {
            news.elsewhere();
        }
    }
    Ok(())
}

//! Opening SQLite: files, modes, pragmas. The statements are the same as PostgreSQL's.
//!
//! The caller holds a lock on the data directory: one process at a time. Within it there is
//! one writing connection, and readers that never wait for it (WAL).

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Row as _};

use super::error::OpenError;

/// The database's file within its directory.
pub(super) const FILE_NAME: &str = "sluice.db";

/// Begins a transaction: takes the one write lock at once, so that what is read stays true.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Connections for reading. SQLite reads run on a thread each.
const READERS_MAX: u32 = 4;

/// What each reader keeps of the database, in KiB with a sign before it as SQLite has it: the upper pages of the
/// indices that searches of memory go through.
const READER_CACHE: &str = "-8192";

/// How long a connection waits for a lock. Only another process can hold one for long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a reader waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Pages in the WAL (4 KiB each) before a commit moves them into the database: at 1,000, the
/// default, every few batches pay for it.
const WAL_AUTOCHECKPOINT_PAGES: &str = "4000";

/// What the WAL's file is cut to after it has been moved, so that one large batch does not
/// occupy the disk for good.
const WAL_KEEP_BYTES: &str = "67108864";

/// Versions before this one can corrupt a database in WAL mode when a reader and a checkpoint
/// meet (SQLite's release notes of 3.51.3).
const VERSION_MIN: [u32; 3] = [3, 51, 3];

/// Creates what is missing in `directory`; the database file can be written afterwards. New
/// files are this user's alone.
pub(super) fn create_files(directory: &Path) -> Result<(), OpenError> {
    let at = |path: &Path, source: io::Error| match source.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            OpenError::ReadOnly { source: At::boxed(path, source) }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            OpenError::Full { source: At::boxed(path, source) }
        }
        _ => OpenError::Directory { path: path.to_owned(), source },
    };
    if !directory.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| at(directory, error))?;
    }
    let file = directory.join(FILE_NAME);
    let is_new = !file.exists();
    let options = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).clone();
    options.open(&file).map_err(|error| at(&file, error))?;
    if is_new {
        // SQLite makes the file's content durable; that the file has a name is ours to make so.
        fs::File::open(directory).and_then(|handle| handle.sync_all()).map_err(|error| at(directory, error))?;
        if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            // A parent that may not be read belongs to somebody who made it durable long ago.
            let _ = fs::File::open(parent).and_then(|handle| handle.sync_all());
        }
    }
    Ok(())
}

/// An input or output error with the path it happened at.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
struct At {
    path: std::path::PathBuf,
    source: io::Error,
}

impl At {
    fn boxed(path: &Path, source: io::Error) -> Box<dyn std::error::Error + Send + Sync> {
        Box::new(Self { path: path.to_owned(), source })
    }
}

/// How the writer connects.
pub(super) fn writer_options(directory: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(directory.join(FILE_NAME))
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // An answer of success means: on disk. NORMAL would lose the last commits with the power.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        // The schema has no foreign keys: guards decide, and they see whole batches.
        .foreign_keys(false)
        .pragma("wal_autocheckpoint", WAL_AUTOCHECKPOINT_PAGES)
        .pragma("journal_size_limit", WAL_KEEP_BYTES)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-32768")
        .disable_statement_logging()
}

/// Opens the writing connection.
pub(super) async fn connect_writer(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    options.connect().await
}

/// Opens the pool of readers. A connection is made when it is needed.
pub(super) fn readers(directory: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(directory.join(FILE_NAME))
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(false)
        .pragma("query_only", "ON")
        .pragma("temp_store", "memory")
        .pragma("cache_size", READER_CACHE)
        .disable_statement_logging();
    SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // There is no network in between that could have lost one.
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// Refuses an SQLite that loses data.
pub(super) async fn check_version(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let found: String = sqlx::query("SELECT sqlite_version()").fetch_one(connection).await?.try_get(0)?;
    if is_new_enough(&found) { Ok(()) } else { Err(OpenError::SqliteTooOld { found }) }
}

fn is_new_enough(version: &str) -> bool {
    let numbers: Option<Vec<u32>> = version.split('.').map(|number| number.parse().ok()).collect();
    numbers.is_some_and(|numbers| numbers.as_slice() >= VERSION_MIN.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_writer_waits_for_the_disk_and_readers_cannot_write() {
        let directory = std::env::temp_dir().join(format!("sluice-pragmas-{}", std::process::id()));
        create_files(&directory).unwrap();
        let mut writer = connect_writer(&writer_options(&directory)).await.unwrap();
        let synchronous = sqlx::query("PRAGMA synchronous").fetch_one(&mut writer).await.unwrap();
        assert_eq!(synchronous.get::<i64, _>(0), 2, "FULL");
        let journal = sqlx::query("PRAGMA journal_mode").fetch_one(&mut writer).await.unwrap();
        assert_eq!(journal.get::<String, _>(0), "wal");
        let readers = readers(&directory);
        assert!(sqlx::query("CREATE TABLE t (a)").execute(&readers).await.is_err());
        sqlx::query("CREATE TABLE t (a)").execute(&mut writer).await.unwrap();
        readers.close().await;
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn versions_are_compared_by_number_and_not_by_text() {
        for old in ["3.51.2", "3.9.9", "3.51", "2.99.99", "nonsense", ""] {
            assert!(!is_new_enough(old), "{old}");
        }
        for new in ["3.51.3", "3.51.10", "3.100.0", "4.0.0"] {
            assert!(is_new_enough(new), "{new}");
        }
    }
}

//! How storage fails, in kinds that callers decide by.
//!
//! [`OpenError`] is what a start can meet, [`CommitError`] what a unit of work can meet,
//! [`StorageError`] everything in between. Each Display is a fragment that completes
//! 'failed to ...'; the source's text is not in it, so log the chain. A new way to fail gets a
//! kind only if some caller acts on it.

use crate::domain::resource::Refused;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// What a caller can do about a storage failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StorageErrorKind {
    /// No room is left. Nothing was written; the same call succeeds once there is room.
    Full,
    /// The database or its directory cannot be written.
    ReadOnly,
    /// Somebody else holds the database for longer than the store waits. Worth a retry.
    Busy,
    /// The database did not answer, or an input or output failed. Whether the unit was written
    /// is unknown if it was being committed; its guards make a retry safe, because a unit that
    /// was written conflicts with itself.
    Unavailable,
    /// What was read is not what was written. Never retried.
    Corrupt,
    /// The unit holds what no database could: U+0000 in a text, a number over `i64::MAX`, or
    /// more bytes than a unit may have. Nothing was written; never retried.
    Invalid,
    /// Anything else: a broken constraint, a statement the database refused.
    Other,
}

impl StorageErrorKind {
    fn phrase(self) -> &'static str {
        match self {
            Self::Full => "use the database: no room is left",
            Self::ReadOnly => "use the database: it cannot be written",
            Self::Busy => "use the database: it is held by somebody else",
            Self::Unavailable => "reach the database",
            Self::Corrupt => "read the database: it holds what was never written",
            Self::Invalid => "store a value that no database column can hold",
            Self::Other => "carry out a database statement",
        }
    }
}

/// A storage failure. Cheap to clone, because one failure answers every unit of its batch.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", kind.phrase())]
pub struct StorageError {
    /// What can be done about it.
    pub kind: StorageErrorKind,
    /// What happened.
    pub source: Arc<dyn Error + Send + Sync>,
}

impl StorageError {
    /// A failure of `kind` because of `source`.
    pub(super) fn new(kind: StorageErrorKind, source: impl Error + Send + Sync + 'static) -> Self {
        Self { kind, source: Arc::new(source) }
    }

    /// A failure of `kind` for a reason that is a sentence.
    pub(super) fn because(kind: StorageErrorKind, reason: &'static str) -> Self {
        Self::new(kind, Reason(reason))
    }

    /// What a person can do next.
    pub fn help(&self) -> &'static str {
        match self.kind {
            StorageErrorKind::Full => "free some room on the disk; nothing was lost and work goes on by itself",
            StorageErrorKind::ReadOnly => "make the data directory and its files writable for this user",
            StorageErrorKind::Busy => "end the other program that uses this database",
            StorageErrorKind::Unavailable => "check the disk, or that the database server runs and can be reached",
            StorageErrorKind::Corrupt => "stop, keep a copy of the database, and restore a backup",
            StorageErrorKind::Invalid => "remove the U+0000 character or the oversized value from the input",
            StorageErrorKind::Other => "look at the log for the statement's own message",
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Reason(&'static str);

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        Self::new(kind_of(&error), error)
    }
}

/// Files beside SQLite.
impl From<std::io::Error> for StorageError {
    fn from(error: std::io::Error) -> Self {
        Self::new(kind_of_io(&error), error)
    }
}

/// Whether one unit alone can be the reason: then the others of its batch deserve another try.
pub(super) fn is_one_units_fault(error: &StorageError) -> bool {
    error.kind == StorageErrorKind::Other
}

/// Whether the connection is gone that something was tried on, and not the pool's patience.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    let is_the_pools = matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed);
    !is_the_pools && kind_of(error) == StorageErrorKind::Unavailable
}

fn kind_of(error: &sqlx::Error) -> StorageErrorKind {
    match error {
        sqlx::Error::Database(error) => match error.code() {
            Some(code) if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() => {
                kind_of_sqlstate(&code)
            }
            Some(code) => code.parse().map_or(StorageErrorKind::Other, kind_of_sqlite),
            None => StorageErrorKind::Other,
        },
        sqlx::Error::Io(error) => match kind_of_io(error) {
            StorageErrorKind::Other => StorageErrorKind::Unavailable,
            kind => kind,
        },
        sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StorageErrorKind::Unavailable,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StorageErrorKind::Corrupt,
        _ => StorageErrorKind::Other,
    }
}

fn kind_of_io(error: &std::io::Error) -> StorageErrorKind {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => StorageErrorKind::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => StorageErrorKind::ReadOnly,
        _ => StorageErrorKind::Other,
    }
}

/// Result codes of <https://www.sqlite.org/rescode.html>; the low byte is the primary one.
fn kind_of_sqlite(code: u32) -> StorageErrorKind {
    match code & 0xff {
        5 | 6 => StorageErrorKind::Busy,
        8 => StorageErrorKind::ReadOnly,
        10 | 14 => StorageErrorKind::Unavailable,
        11 | 26 => StorageErrorKind::Corrupt,
        13 => StorageErrorKind::Full,
        _ => StorageErrorKind::Other,
    }
}

/// Codes of the PostgreSQL manual's appendix 'PostgreSQL Error Codes'.
fn kind_of_sqlstate(code: &str) -> StorageErrorKind {
    match code {
        "53100" => StorageErrorKind::Full,
        "25006" => StorageErrorKind::ReadOnly,
        "40001" | "40P01" | "55P03" => StorageErrorKind::Busy,
        "25P03" | "53300" | "58030" => StorageErrorKind::Unavailable,
        "XX001" | "XX002" => StorageErrorKind::Corrupt,
        _ if code.starts_with("08") || code.starts_with("57P") => StorageErrorKind::Unavailable,
        _ => StorageErrorKind::Other,
    }
}

/// Why a unit of work was not committed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// A guard does not hold. Nothing of this unit was written; read again and decide anew.
    #[error("commit: {table} {key} is at {}, not at {}", revision(*found), revision(*expected))]
    Conflict {
        /// The guarded row's table.
        table: &'static str,
        /// Its key; the parts of a key of several are joined by `/`.
        key: String,
        /// The revision (or fence) that was asked for; `None` asked for absence. A guard that
        /// asks only for presence has 1 for it.
        expected: Option<u64>,
        /// What there is; `None` when there is none.
        found: Option<u64>,
        /// Which write of a shared resource was refused, by its place in the unit, and why.
        resource: Option<(usize, Refused)>,
    },
    /// Storage failed. Nothing of this unit was written, but see
    /// [`StorageErrorKind::Unavailable`].
    #[error("commit")]
    Storage(#[from] StorageError),
}

fn revision(revision: Option<u64>) -> String {
    revision.map_or_else(|| "no revision (absent)".to_owned(), |revision| format!("revision {revision}"))
}

/// Why a store could not be opened. Nothing was changed, except that migrations before a
/// failing one stay.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database was written by a newer program.
    #[error("open a database of schema {found}: this program knows schemas up to {known}")]
    NewerSchema {
        /// The newest migration the database has.
        found: u32,
        /// The newest migration the program has.
        known: u32,
    },
    /// The database belongs to another program.
    #[error("open a database that belongs to another program")]
    Foreign,
    /// The database or its directory cannot be written.
    #[error("write to the database")]
    ReadOnly {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No room is left.
    #[error("open the database: no room is left")]
    Full {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database server does not answer, or refuses this user.
    #[error("reach the database")]
    Unreachable {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The location is none.
    #[error("understand the database's location")]
    BadLocation {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The SQLite library loses data.
    #[error("trust SQLite {found}: versions before 3.51.3 can corrupt a database in WAL mode")]
    SqliteTooOld {
        /// Its version.
        found: String,
    },
    /// A setting of the database server that the store cannot work with.
    #[error("work with a database whose {setting} is {found}, not {wanted}")]
    Unsuitable {
        /// Which.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it has to be.
        wanted: &'static str,
    },
    /// The file is no database, or no longer one.
    #[error("read the database: it is damaged")]
    Damaged {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The data directory cannot be used.
    #[error("use the directory {}", path.display())]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else holds the database.
    #[error("open the database: it is held by somebody else")]
    Busy {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A migration failed.
    #[error("apply migration {number}")]
    Migration {
        /// Which.
        number: u32,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else.
    #[error("open the database")]
    Other {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl OpenError {
    /// What a person can do next.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NewerSchema { .. } => "use the newer program that wrote it, or another data directory",
            Self::Foreign => "name a directory or database of its own",
            Self::ReadOnly { .. } => "make the data directory and its files writable for this user, or name another",
            Self::Full { .. } => "free some room on the disk, or name a data directory on another one",
            Self::Unreachable { .. } => "check the address, the user and the password, and that the server runs",
            Self::BadLocation { .. } => "write it as postgres://user:password@host:5432/database",
            Self::SqliteTooOld { .. } => "build with the SQLite that comes with the program",
            Self::Unsuitable { .. } => "change that setting on the server, or create the database with it",
            Self::Damaged { .. } => "keep a copy of it, then restore a backup or name another data directory",
            Self::Directory { .. } => "name a directory that this user may create and write",
            Self::Busy { .. } => "end the other program that uses this database",
            Self::Migration { .. } => "keep a copy of the database and look at the log for the statement's message",
            Self::Other { .. } => "look at the log for the cause",
        }
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::Configuration(_)) {
            return Self::BadLocation { source: error.into() };
        }
        // Codes of class 28 (wrong password, no such user) and 3D (no such database).
        let refused = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| code.starts_with("28") || code.starts_with("3D"));
        if refused {
            return Self::Unreachable { source: error.into() };
        }
        match kind_of(&error) {
            StorageErrorKind::Full => Self::Full { source: error.into() },
            StorageErrorKind::ReadOnly => Self::ReadOnly { source: error.into() },
            StorageErrorKind::Busy => Self::Busy { source: error.into() },
            StorageErrorKind::Unavailable => Self::Unreachable { source: error.into() },
            StorageErrorKind::Corrupt => Self::Damaged { source: error.into() },
            StorageErrorKind::Invalid | StorageErrorKind::Other => Self::Other { source: error.into() },
        }
    }
}

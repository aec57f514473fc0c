//! Puts what SQLite has committed on disk, and keeps readers from what is not there yet.
//!
//! SQLite appends a commit to its log (the WAL) and shows it to readers at once; the synchronisation that makes it
//! outlive a loss of power is made here, on another thread, while the writer carries out the next batch. One commit
//! at a time is on its way: the next is not sent before. Who has read rows waits for what was sent until then, so
//! that nobody acts on what may vanish. Called by [`super::database`] and [`super::readers`].

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::error::{StorageError, StorageErrorKind};

/// How far the commits of one database are. They are numbered from 1.
#[derive(Debug)]
pub(super) struct Durability {
    /// The newest commit that readers may have seen.
    sent: AtomicU64,
    state: watch::Sender<State>,
    log: Log,
    /// How to connect for the checkpoint that is left when the log could not be synchronised.
    options: SqliteConnectOptions,
    /// Held by whoever tries that.
    healing: Mutex<()>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Commits up to this one are on disk.
    on_disk: u64,
    /// The one that was sent after it could not be put there.
    has_failed: bool,
}

/// SQLite's log. How it is synchronised is a function for the tests' sake: no disk fails on demand.
struct Log(Box<dyn Fn() -> io::Result<()> + Send + Sync>);

impl fmt::Debug for Log {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Log")
    }
}

impl Log {
    /// The log beside the database `file`. It is opened anew each time: a new connection may have
    /// made a new one, and synchronising one file through any handle writes all of it.
    fn of(file: &Path) -> Self {
        let mut path = file.as_os_str().to_owned();
        path.push("-wal");
        Self(Box::new(move || File::open(&path)?.sync_data()))
    }
}

impl Durability {
    /// Of the database that `options` connect to.
    pub(super) fn new(options: &SqliteConnectOptions) -> Arc<Self> {
        Self::with(Log::of(options.get_filename()), options)
    }

    fn with(log: Log, options: &SqliteConnectOptions) -> Arc<Self> {
        Arc::new(Self {
            sent: AtomicU64::new(0),
            state: watch::Sender::default(),
            log,
            options: options.clone(),
            healing: Mutex::default(),
        })
    }

    /// Returns when everything that was sent before this call is on disk.
    ///
    /// # Errors
    /// When it could not be put there, by another try as well. Each call makes one.
    ///
    /// *Cancellation*: safe.
    pub(super) async fn settled(&self) -> Result<(), StorageError> {
        if self.is_settled().await { Ok(()) } else { self.heal().await }
    }

    /// The same for who is in a transaction, which stands in the way of another try.
    pub(super) async fn settled_within(&self) -> Result<(), StorageError> {
        const REASON: &str = "what was committed before it could not be put on disk";
        if self.is_settled().await { Ok(()) } else { Err(StorageError::because(StorageErrorKind::Unavailable, REASON)) }
    }

    /// Waits until everything that was sent before this call is on disk, or cannot be put there.
    async fn is_settled(&self) -> bool {
        let sent = self.sent.load(Ordering::SeqCst);
        if self.state.borrow().on_disk >= sent {
            return true;
        }
        let mut state = self.state.subscribe();
        let ended = state.wait_for(|state| state.on_disk >= sent || state.has_failed).await;
        // The sender is `self`'s, so there is a state.
        ended.is_ok_and(|state| state.on_disk >= sent)
    }

    /// Announces a commit, before it is sent. Everything before it has to be [`Self::settled`].
    pub(super) fn send(self: &Arc<Self>) -> Pending {
        let number = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
        Pending { durability: Arc::clone(self), number, is_over: false }
    }

    /// Puts on disk what could not be, if there is such, by the way that is left. What a failed synchronisation did not write counts
    /// as written from then on, so that another of the log would prove nothing; a checkpoint copies every
    /// page of it into the database and synchronises that, and the log begins anew.
    pub(super) async fn heal(&self) -> Result<(), StorageError> {
        let _turn = self.healing.lock().await;
        if !self.state.borrow().has_failed {
            return Ok(());
        }
        let sent = self.sent.load(Ordering::SeqCst);
        let mut connection = self.options.connect().await?;
        let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await;
        let is_busy = done.and_then(|row| row.try_get::<i64, _>(0));
        // An error is of no use to anybody: nothing is open in the connection.
        let _ = connection.close().await;
        if is_busy? != 0 {
            return Err(StorageError::because(StorageErrorKind::Busy, "somebody reads what has to be moved"));
        }
        self.state.send_replace(State { on_disk: sent, has_failed: false });
        Ok(())
    }
}

/// A commit on its way to the disk. Dropped before its end, it counts as one that failed.
#[derive(Debug)]
pub(super) struct Pending {
    durability: Arc<Durability>,
    number: u64,
    is_over: bool,
}

impl Pending {
    /// Puts it on disk, on a thread of its own, and says so to `tell`, then to everybody who waits: what `tell` tells
    /// comes before anything of a later commit.
    pub(super) fn settle(mut self, tell: impl FnOnce(Result<(), StorageError>) + Send + 'static) -> JoinHandle<()> {
        tokio::task::spawn_blocking(move || {
            let Log(synchronise) = &self.durability.log;
            let outcome = synchronise();
            let is_on_disk = outcome.is_ok();
            tell(outcome.map_err(|error| StorageError::new(StorageErrorKind::Unavailable, error)));
            if is_on_disk {
                self.is_over = true;
                self.durability.state.send_replace(State { on_disk: self.number, has_failed: false });
            }
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_over {
            self.durability.state.send_modify(|state| state.has_failed = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;

    use super::super::database::{Committing, Connection, TransactionError, WriteConnection, WriteOptions};
    use super::super::readers::Readers;
    use super::super::row::Cell;
    use super::super::sqlite;
    use super::super::table::integer;
    use super::*;

    /// Long enough for anything that does not wait.
    const A_WHILE: Duration = Duration::from_millis(150);

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Mood {
        Writes,
        Hangs,
        Fails,
    }

    /// A disk with moods.
    #[derive(Clone)]
    struct Disk(Arc<(Mutex<Mood>, Condvar)>);

    impl Disk {
        fn is_now(&self, mood: Mood) {
            *self.0.0.lock().unwrap() = mood;
            self.0.1.notify_all();
        }

        fn log(&self) -> Log {
            let Self(disk) = self.clone();
            Log(Box::new(move || {
                let mood = disk.1.wait_while(disk.0.lock().unwrap(), |mood| *mood == Mood::Hangs).unwrap();
                if *mood == Mood::Fails { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
            }))
        }
    }

    struct Database {
        directory: PathBuf,
        disk: Disk,
        writer: WriteConnection,
        readers: Readers,
    }

    impl Database {
        async fn new(name: &str) -> Self {
            let directory = std::env::temp_dir().join(format!("sluice-{name}-{}", std::process::id()));
            sqlite::create_files(&directory).unwrap();
            let disk = Disk(Arc::new((Mutex::new(Mood::Writes), Condvar::new())));
            let options = sqlite::writer_options(&directory).busy_timeout(A_WHILE);
            let durability = Durability::with(disk.log(), &options);
            let readers = Readers::Sqlite(sqlite::readers(&directory), Arc::clone(&durability));
            let mut writer = WriteConnection::new(WriteOptions::Sqlite(Box::new(options), durability));
            writer.transaction(async |on| Ok(on.run("CREATE TABLE numbers (number INTEGER)").await?)).await.unwrap();
            Self { directory, disk, writer, readers }
        }

        async fn insert(&mut self, number: i64) -> Result<Committing, TransactionError> {
            let insert = async |on: &mut Connection| {
                Ok(on.execute("INSERT INTO numbers VALUES ($1)", &[Cell::Integer(number)]).await?)
            };
            self.writer.commit(insert).await.map(|(_, committing)| committing)
        }

        async fn numbers(&self) -> Result<Vec<Cell>, StorageError> {
            let sql = "SELECT number FROM numbers ORDER BY number".to_owned();
            Ok(self.readers.rows(sql, &[], &[integer("number")]).await?.into_iter().flatten().collect())
        }

        fn log_bytes(&self) -> u64 {
            std::fs::metadata(self.directory.join("sluice.db-wal")).unwrap().len()
        }
    }

    impl Drop for Database {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }

    fn numbers<const N: usize>(numbers: [i64; N]) -> Vec<Cell> {
        numbers.map(Cell::Integer).to_vec()
    }

    /// Settles, and answers what was told.
    async fn told(committing: Committing) -> Result<(), StorageError> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let settling = committing.expect("SQLite's are on their way").settle(|outcome| tell.send(outcome).unwrap());
        settling.await.unwrap();
        told.await.expect("it is told")
    }

    #[tokio::test]
    async fn nothing_is_told_or_shown_before_it_is_on_disk() {
        let mut database = Database::new("settled").await;
        database.disk.is_now(Mood::Hangs);
        let first = database.insert(1).await.unwrap();
        let mut first = tokio::spawn(told(first));
        assert!(tokio::time::timeout(A_WHILE, &mut first).await.is_err(), "its caller waits");
        assert!(tokio::time::timeout(A_WHILE, database.numbers()).await.is_err(), "and so does a reader");
        assert!(tokio::time::timeout(A_WHILE, database.insert(2)).await.is_err(), "and the next commit");
        database.disk.is_now(Mood::Writes);
        first.await.unwrap().unwrap();
        assert_eq!(database.numbers().await.unwrap(), numbers([1]), "the one that was given up is undone");
        told(database.insert(2).await.unwrap()).await.unwrap();
        assert_eq!(database.numbers().await.unwrap(), numbers([1, 2]));
    }

    #[tokio::test]
    async fn the_next_batch_is_carried_out_meanwhile() {
        let mut database = Database::new("meanwhile").await;
        database.disk.is_now(Mood::Hangs);
        let first = tokio::spawn(told(database.insert(1).await.unwrap()));
        let (did, mut done) = tokio::sync::oneshot::channel();
        let disk = database.disk.clone();
        let release = async {
            // Its statements run while the disk hangs.
            (&mut done).await.unwrap();
            disk.is_now(Mood::Writes);
        };
        let second = database.writer.commit(async |on: &mut Connection| {
            on.run("INSERT INTO numbers VALUES (2)").await?;
            did.send(()).unwrap();
            Ok(())
        });
        let (second, ()) = tokio::join!(second, release);
        first.await.unwrap().unwrap();
        told(second.unwrap().1).await.unwrap();
        assert_eq!(database.numbers().await.unwrap(), numbers([1, 2]));
    }

    #[tokio::test]
    async fn what_the_log_could_not_keep_is_moved_into_the_database() {
        let mut database = Database::new("healed").await;
        database.disk.is_now(Mood::Fails);
        let failed = told(database.insert(1).await.unwrap()).await.unwrap_err();
        assert_eq!(failed.kind, StorageErrorKind::Unavailable, "{failed:?}");
        assert_ne!(database.log_bytes(), 0);
        assert_eq!(database.numbers().await.unwrap(), numbers([1]), "it is seen, and on disk");
        assert_eq!(database.log_bytes(), 0, "the log, which may have lost it, is not needed any more");
        told(database.insert(2).await.unwrap()).await.unwrap_err();
        database.disk.is_now(Mood::Writes);
        told(database.insert(3).await.unwrap()).await.unwrap();
        assert_eq!(database.numbers().await.unwrap(), numbers([1, 2, 3]));
    }

    #[tokio::test]
    async fn what_cannot_be_moved_is_shown_to_nobody_and_nothing_is_built_on_it() {
        let mut database = Database::new("stuck").await;
        let options = sqlite::writer_options(&database.directory);
        let mut reads = sqlite::connect_writer(&options).await.unwrap();
        sqlx::raw_sql("BEGIN; SELECT * FROM numbers").execute(&mut reads).await.unwrap();
        database.disk.is_now(Mood::Fails);
        told(database.insert(1).await.unwrap()).await.unwrap_err();
        database.disk.is_now(Mood::Writes);
        assert_eq!(database.numbers().await.unwrap_err().kind, StorageErrorKind::Busy);
        let refused = database.insert(2).await.unwrap_err();
        assert!(!refused.commit_sent, "{refused:?}");
        sqlx::raw_sql("COMMIT").execute(&mut reads).await.unwrap();
        assert_eq!(database.numbers().await.unwrap(), numbers([1]));
        told(database.insert(3).await.unwrap()).await.unwrap();
        assert_eq!(database.numbers().await.unwrap(), numbers([1, 3]));
    }

    #[tokio::test]
    async fn a_commit_that_nobody_settles_holds_nobody_up() {
        let mut database = Database::new("dropped").await;
        drop(database.insert(1).await.unwrap());
        assert_eq!(database.numbers().await.unwrap(), numbers([1]));
        told(database.insert(2).await.unwrap()).await.unwrap();
    }
}

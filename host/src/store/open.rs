//! Opening a store, and the handle everything goes through.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::blobs::Blobs;
use super::database::{Connection, WriteConnection, WriteOptions};
use super::error::{CommitError, OpenError, StorageError, StorageErrorKind};
use super::memory_words::Indexes;
use super::news::{LogFeed, News, Topic, Wakes};
use super::prepare;
use super::readers::Readers;
use super::row::RowReader;
use super::select::{Record, Select};
use super::sql::{Dialect, Statements};
use super::unit::{Committed, Unit};
use super::writer::{Job, QUEUE_MAX, Writer};
use super::{migrate, postgres, sqlite};
use crate::domain::time::Timestamp;

/// Where a store lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A directory of this process alone (its owner holds a lock): `sluice.db` with SQLite's
    /// files beside it, and `blobs/`. It is created, mode 0700, if it does not exist.
    Sqlite {
        /// The directory.
        directory: PathBuf,
    },
    /// A database that other hosts may use at the same time.
    Postgres {
        /// `postgres://user:password@host:port/database`.
        url: String,
    },
}

/// A store. Cheap to clone; all clones share one writer and one set of readers.
///
/// Reads see everything that was committed before they began, on this host at least.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    jobs: mpsc::Sender<Job>,
    readers: Readers,
    blobs: Blobs,
    news: Arc<News>,
    indexes: Indexes,
    /// Ends what runs beside the writer, by a value or by being dropped.
    ended: watch::Sender<()>,
}

impl Location {
    /// Whether a store in a directory has been made there; one in a database may always be.
    pub fn may_exist(&self) -> bool {
        match self {
            Self::Sqlite { directory } => directory.join(sqlite::FILE_NAME).is_file(),
            Self::Postgres { .. } => true,
        }
    }
}

impl Store {
    /// Opens the store at `location`; creates it if there is none, and brings its schema up to
    /// date. Starts tasks on the current runtime, which end with the last clone.
    ///
    /// # Errors
    /// [`OpenError`]; its `help` says what to do next.
    pub async fn open(location: &Location) -> Result<Self, OpenError> {
        let (options, readers, blobs) = match location {
            Location::Sqlite { directory } => {
                let (here, blobs) = (directory.clone(), directory.join("blobs"));
                let opened = tokio::task::spawn_blocking(move || {
                    sqlite::create_files(&here)?;
                    Blobs::in_directory(blobs)
                });
                let blobs = opened.await.map_err(|error| OpenError::Other { source: error.into() })??;
                let options = WriteOptions::Sqlite(Box::new(sqlite::writer_options(directory)));
                (options, Readers::Sqlite(sqlite::readers(directory)), blobs)
            }
            Location::Postgres { url } => {
                let options = postgres::options(url)?;
                let readers = postgres::readers(options.clone());
                let blobs = Blobs::in_database(readers.clone());
                (WriteOptions::Postgres(Box::new(options)), Readers::Postgres(readers), blobs)
            }
        };
        let dialect = Self::check(&options).await?;
        let mut connection = WriteConnection::new(options);
        migrate::run(&mut connection).await?;

        let news = Arc::new(News::new());
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        // How this host knows its own commits among those it is told of.
        let host = getrandom::u64().map_err(|error| OpenError::Other { source: error.into() })?;
        let statements = Arc::new(Statements::new(dialect, host));
        tokio::spawn(Writer::new(queue, connection, statements, Arc::clone(&news)).run());
        let ended = watch::Sender::new(());
        if let Location::Postgres { url } = location {
            tokio::spawn(postgres::listen(postgres::options(url)?, host, Arc::clone(&news), ended.subscribe()));
        }
        Ok(Self { inner: Arc::new(Inner { jobs, readers, blobs, news, indexes: Indexes::default(), ended }) })
    }

    /// Refuses a database that cannot keep the store's promises.
    async fn check(options: &WriteOptions) -> Result<Dialect, OpenError> {
        let mut connection = options.connect().await?;
        let checked = match &mut connection {
            Connection::Sqlite(connection) => sqlite::check_version(connection).await,
            Connection::Postgres(connection) => postgres::check_settings(connection).await,
        };
        let dialect = connection.dialect();
        connection.close().await;
        checked.map(|()| dialect)
    }

    /// Commits a unit of work: all of it or nothing. When it answers, it is on disk.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when a guard does not hold, [`CommitError::Storage`] else.
    ///
    /// *Cancellation*: once queued, a unit is carried out whether its caller waits or not.
    ///
    /// *Limits*: 64 MiB for one unit; 1,024 units may wait, a caller beyond them waits its turn.
    pub async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        let prepared = prepare::prepare(&unit, self.dialect())?;
        drop(unit);
        let (answer, answered) = oneshot::channel();
        let closed = || StorageError::because(StorageErrorKind::Unavailable, "the store is closed");
        self.inner.jobs.send(Job::Commit(prepared, answer)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// A number that changes after each commit of this host and, on PostgreSQL, soon after each
    /// commit of another. Wakes loops that would have to poll; the value itself says nothing.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.inner.news.commits()
    }

    /// Tells when rows of a kind may have been written, by whatever host.
    pub fn wakes(&self, topic: Topic) -> Wakes {
        self.inner.news.wakes(topic)
    }

    /// The events this host commits from now on, as they are committed.
    pub fn feed(&self) -> LogFeed {
        self.inner.news.feed()
    }

    /// The time by the database's clock, which all hosts on it share; `None` on SQLite, whose clock
    /// is the machine's own.
    pub async fn database_now(&self) -> Result<Option<Timestamp>, StorageError> {
        Ok(match &self.inner.readers {
            Readers::Sqlite(_) => None,
            Readers::Postgres(pool) => Some(postgres::now(pool).await?),
        })
    }

    /// Ends the writer after what is queued, and closes every connection. Later calls fail with
    /// [`StorageErrorKind::Unavailable`].
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.inner.jobs.send(Job::Close(closed)).await.is_ok() {
            // An error says that the writer is gone, which is what is wanted.
            let _ = done.await;
        }
        self.inner.ended.send_replace(());
        self.inner.readers.close().await;
    }

    /// Which database it is.
    pub(super) fn dialect(&self) -> Dialect {
        match &self.inner.readers {
            Readers::Sqlite(_) => Dialect::Sqlite,
            Readers::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The tables of words that this host has read of.
    pub(super) fn indexes(&self) -> &Indexes {
        &self.inner.indexes
    }

    pub(super) fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// The records a query finds.
    pub(super) async fn many<R: Record>(&self, select: Select<R>) -> Result<Vec<R>, StorageError> {
        let Select { sql, arguments, columns, .. } = select;
        let rows = self.inner.readers.rows(sql, &arguments, &columns).await?;
        rows.into_iter().map(|row| R::read(&mut RowReader::new(R::SOURCE.from, &columns, row))).collect()
    }

    /// How SQLite goes about a query, a line for each step.
    #[cfg(test)]
    pub(super) async fn plan<R: Record>(&self, select: Select<R>) -> Vec<String> {
        use super::table::{integer, text};
        let columns = [integer("id"), integer("parent"), integer("unused"), text("detail")];
        let sql = format!("EXPLAIN QUERY PLAN {}", select.sql);
        let rows = self.inner.readers.rows(sql, &select.arguments, &columns).await.unwrap();
        let detail = |row: super::row::Row| match row.last() {
            Some(super::row::Cell::Text(detail)) => detail.to_string(),
            other => panic!("{other:?} is no step of a plan"),
        };
        rows.into_iter().map(detail).collect()
    }

    /// The first record a query finds.
    pub(super) async fn one<R: Record>(&self, select: Select<R>) -> Result<Option<R>, StorageError> {
        Ok(self.many(select).await?.into_iter().next())
    }
}

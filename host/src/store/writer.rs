//! The writer: one task that takes whatever units are waiting and commits them together.
//!
//! One synchronisation of the disk serves everybody who came while the last one ran, so the
//! more callers there are, the cheaper each unit. A unit that was queued is carried out whether
//! its caller still waits or not. The writer lives until the last [`super::Store`] is dropped or
//! one is closed; no failure ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::batch::{self, Answers, Written};
use super::database::{TransactionError, WriteConnection, WriteOptions};
use super::error::{CommitError, StorageError, StorageErrorKind, is_one_units_fault};
use super::news::News;
use super::prepare::PreparedUnit;
use super::sql::{Dialect, Statements};
use super::unit::Committed;

/// Units that may wait; a caller beyond them waits to be queued.
pub(super) const QUEUE_MAX: usize = 1024;

/// Most units of one batch.
const BATCH_UNITS_MAX: usize = 256;

/// How long a batch waits for half as many units as the last one had: whoever was answered by that one is
/// likely to come back at once, and a batch of few of them costs a synchronisation more. Not for all
/// of them, because those who have not come back yet keep the other cores busy while this batch is
/// written: at 64 clients over HTTP on two cores, half was 1.28 times as fast as all, and none 1.15 times.
/// Paid at most once each time that callers stay away.
const GATHER_TIMEOUT: Duration = Duration::from_millis(1);

/// Bytes after which a batch takes no further unit.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What the writer is asked for.
pub(super) enum Job {
    /// Commits a unit.
    Commit(PreparedUnit, oneshot::Sender<Result<Committed, CommitError>>),
    /// Ends the writer after everything queued before.
    Close(oneshot::Sender<()>),
}

/// The writer's state.
pub(super) struct Writer {
    jobs: mpsc::Receiver<Job>,
    /// Gone after a batch panicked; made anew for the next.
    connection: Option<WriteConnection>,
    options: WriteOptions,
    statements: Arc<Statements>,
    news: Arc<News>,
    /// How many units the last batch had.
    last_batch: usize,
}

/// What is committed together, and who waits for it.
#[derive(Default)]
struct Batch {
    units: Vec<PreparedUnit>,
    callers: Vec<oneshot::Sender<Result<Committed, CommitError>>>,
    bytes: usize,
    close: Option<oneshot::Sender<()>>,
}

impl Batch {
    fn add(&mut self, job: Job) {
        match job {
            Job::Commit(unit, caller) => {
                self.bytes += unit.bytes;
                self.units.push(unit);
                self.callers.push(caller);
            }
            Job::Close(closed) => self.close = Some(closed),
        }
    }

    fn takes_more(&self) -> bool {
        self.close.is_none() && self.units.len() < BATCH_UNITS_MAX && self.bytes < BATCH_BYTES_MAX
    }
}

impl Writer {
    /// A writer for what comes in by `jobs`.
    pub(super) fn new(
        jobs: mpsc::Receiver<Job>,
        connection: WriteConnection,
        statements: Arc<Statements>,
        news: Arc<News>,
    ) -> Self {
        let options = connection.options().clone();
        Self { jobs, connection: Some(connection), options, statements, news, last_batch: 1 }
    }

    /// Works until it is closed or nobody is left who could ask.
    pub(super) async fn run(mut self) {
        let mut closed = None;
        while closed.is_none() {
            let Some(first) = self.jobs.recv().await else { break };
            let Batch { units, callers, close, .. } = self.gather(first).await;
            closed = close;
            if units.is_empty() {
                continue;
            }
            self.last_batch = units.len();
            let answers = self.commit(units).await;
            for (caller, answer) in callers.into_iter().zip(answers) {
                // Whoever stopped waiting does not want the answer.
                let _ = caller.send(answer);
            }
        }
        self.jobs.close();
        if let Some(mut connection) = self.connection.take() {
            connection.close().await;
        }
        if let Some(closed) = closed {
            // Whoever stopped waiting does not want the answer.
            let _ = closed.send(());
        }
    }

    /// Takes `first` and what waits behind it; waits a moment for half as many as last time.
    async fn gather(&mut self, first: Job) -> Batch {
        let mut batch = Batch::default();
        batch.add(first);
        let until = tokio::time::Instant::now() + GATHER_TIMEOUT;
        while batch.takes_more() {
            match self.jobs.try_recv() {
                Ok(job) => batch.add(job),
                Err(_) if batch.units.len() >= self.last_batch.div_ceil(2) => break,
                Err(_) => match tokio::time::timeout_at(until, self.jobs.recv()).await {
                    Ok(Some(job)) => batch.add(job),
                    Ok(None) | Err(_) => break,
                },
            }
        }
        batch
    }

    /// Commits a batch; when one unit may be to blame for its failure, each unit alone.
    async fn commit(&mut self, units: Vec<PreparedUnit>) -> Answers {
        let count = units.len();
        let (units, error) = match self.transact(units).await {
            Ok(written) => return self.tell(written),
            Err(failed) => failed,
        };
        if count == 1 || units.is_empty() || !is_one_units_fault(&error) {
            tracing::error!(error = %chain(&error), units = count, "could not commit");
            return std::iter::repeat_n(Err(error.into()), count).collect();
        }
        tracing::warn!(error = %chain(&error), units = count, "could not commit a batch; trying its units one by one");
        let mut answers = Vec::with_capacity(count);
        for unit in units {
            match self.transact(vec![unit]).await {
                Ok(alone) => answers.extend(self.tell(alone)),
                Err((_, error)) => {
                    tracing::error!(error = %chain(&error), "could not commit a unit");
                    answers.push(Err(error.into()));
                }
            }
        }
        answers
    }

    /// Tells what is on disk now to those who listen.
    fn tell(&self, written: Written) -> Answers {
        if written.answers.iter().any(Result::is_ok) {
            self.news.committed(written.tables, written.told);
        }
        written.answers
    }

    /// Commits units in one transaction, or gives them back. A server that went away before
    /// COMMIT was sent is tried again once, on a new connection: it may only have been restarted.
    async fn transact(&mut self, units: Vec<PreparedUnit>) -> Result<Written, (Vec<PreparedUnit>, StorageError)> {
        let (units, failed) = match self.attempt(units).await {
            Ok(written) => return Ok(written),
            Err(failed) => failed,
        };
        let may_repeat = self.statements.dialect == Dialect::Postgres
            && failed.error.kind == StorageErrorKind::Unavailable
            && !failed.commit_sent;
        if !may_repeat {
            return Err((units, failed.error));
        }
        self.attempt(units).await.map_err(|(units, failed)| (units, failed.error))
    }

    /// One attempt, in a task of its own: should it panic, the connection and the units it had
    /// go with it, their callers get an error, and the writer goes on.
    async fn attempt(
        &mut self,
        mut units: Vec<PreparedUnit>,
    ) -> Result<Written, (Vec<PreparedUnit>, TransactionError)> {
        let mut connection = self.connection.take().unwrap_or_else(|| WriteConnection::new(self.options.clone()));
        let (statements, is_heard) = (Arc::clone(&self.statements), self.news.has_readers());
        let task = tokio::spawn(async move {
            let done = connection
                .transaction(async |connection| batch::carry_out(connection, &statements, &mut units, is_heard).await)
                .await;
            (connection, units, done)
        });
        match task.await {
            Ok((connection, units, done)) => {
                self.connection = Some(connection);
                done.map_err(|failed| (units, failed))
            }
            Err(panic) => {
                let error = StorageError::new(StorageErrorKind::Unavailable, panic);
                Err((Vec::new(), TransactionError { error, commit_sent: true }))
            }
        }
    }
}

/// An error with its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

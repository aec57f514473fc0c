//! What was committed lately, told to whoever would otherwise have to ask the database.
//!
//! Two kinds of listeners: loops that look at rows of a few kinds and want to know when there may
//! be new ones ([`Wakes`]), and the reader of the log, which gets the events themselves as long as
//! it keeps up ([`LogFeed`]). Nothing here is kept or promised: whoever misses something looks at
//! the rows.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use super::error::StorageError;
use super::log::EVENTS;
use super::row::{Cell, Row, RowReader};
use super::select::Record as _;
use super::table::TableId;
use crate::domain::event::LogEvent;

/// Batches of events that may wait for a reader of the log.
const FEED_BATCHES: usize = 32;
/// Bytes of a batch's events beyond which its reader takes them from the database: what waits
/// stays below 32 MiB.
const FEED_BATCH_BYTES_MAX: usize = 1 << 20;

/// What a loop looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Inputs that wait for their mission.
    Inputs,
    /// Requests for verdicts.
    Evaluations,
    /// Timers, and questions that end at a time.
    Timers,
    /// What is to be delivered to webhooks.
    Deliveries,
    /// Events that tell of a session.
    Sessions,
}

impl Topic {
    fn tables(self) -> Tables {
        match self {
            Self::Inputs => Tables::of(&[TableId::Inbox]),
            Self::Evaluations => Tables::of(&[TableId::Evaluations]),
            Self::Timers => Tables::of(&[TableId::Timers, TableId::Approvals]),
            Self::Deliveries => Tables::of(&[TableId::Deliveries]),
            Self::Sessions => Tables::default().with_sessions(),
        }
    }
}

/// Where [`Tables`] has a place for events of sessions, of which there are few among all events.
const OF_SESSIONS: usize = TableId::ALL.len();

/// Some of the tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tables(u64);

impl Tables {
    pub(super) fn of(tables: &[TableId]) -> Self {
        let mut all = Self::default();
        for table in tables {
            all.add(*table);
        }
        all
    }

    pub(super) fn add(&mut self, table: TableId) {
        self.0 |= 1 << table as u32;
    }

    pub(super) fn with_sessions(self) -> Self {
        Self(self.0 | 1 << OF_SESSIONS)
    }
}

/// How often what was written.
#[derive(Debug)]
struct Counts {
    commits: u64,
    /// By table; a commit of another host counts for each, since nobody says what it wrote.
    tables: [u64; OF_SESSIONS + 1],
    /// Commits of other hosts.
    elsewhere: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { commits: 0, tables: [0; OF_SESSIONS + 1], elsewhere: 0 }
    }
}

/// Tells what was committed. One for a store.
#[derive(Debug)]
pub(super) struct News {
    counts: watch::Sender<Counts>,
    commits: watch::Sender<u64>,
    events: broadcast::Sender<Arc<[Row]>>,
}

impl News {
    pub(super) fn new() -> Self {
        Self {
            counts: watch::Sender::default(),
            commits: watch::Sender::new(0),
            events: broadcast::Sender::new(FEED_BATCHES),
        }
    }

    /// Whether anybody takes events, so that they need not be gathered for nobody.
    pub(super) fn has_readers(&self) -> bool {
        self.events.receiver_count() > 0
    }

    /// This host has committed rows of `tables`, and `told`, which is empty when nobody takes events.
    pub(super) fn committed(&self, tables: Tables, told: Vec<Row>) {
        if !told.is_empty() {
            let is_large = told.iter().flatten().map(bytes).sum::<usize>() > FEED_BATCH_BYTES_MAX;
            // Nobody may listen any more.
            let _ = self.events.send(if is_large { Arc::new([]) } else { told.into() });
        }
        self.count(tables, false);
    }

    /// Another host may have committed anything.
    pub(super) fn elsewhere(&self) {
        self.count(Tables(u64::MAX), true);
    }

    fn count(&self, tables: Tables, is_elsewhere: bool) {
        self.counts.send_modify(|counts| {
            counts.commits += 1;
            counts.elsewhere += u64::from(is_elsewhere);
            for (table, count) in counts.tables.iter_mut().enumerate() {
                *count += tables.0 >> table & 1;
            }
        });
        self.commits.send_modify(|count| *count += 1);
    }

    pub(super) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    pub(super) fn wakes(&self, topic: Topic) -> Wakes {
        Wakes { counts: self.counts.subscribe(), tables: topic.tables(), seen: 0 }
    }

    pub(super) fn feed(&self) -> LogFeed {
        LogFeed { events: self.events.subscribe(), counts: self.counts.subscribe(), elsewhere: 0 }
    }
}

fn bytes(cell: &Cell) -> usize {
    if let Cell::Text(text) = cell { text.len() } else { size_of::<Cell>() }
}

/// Wakes a loop when rows it looks at may have been written.
#[derive(Debug)]
pub struct Wakes {
    counts: watch::Receiver<Counts>,
    tables: Tables,
    seen: u64,
}

impl Wakes {
    /// What was written so far is of no interest: a look begins now.
    pub fn mark_seen(&mut self) {
        self.seen = count_of(&self.counts.borrow_and_update(), self.tables);
    }

    /// Returns when something was written since the last [`Self::mark_seen`], at once if it was before
    /// this call. Never, once the store is gone.
    ///
    /// *Cancellation*: safe.
    pub async fn changed(&mut self) {
        let (tables, seen) = (self.tables, self.seen);
        let is_gone = self.counts.wait_for(|counts| count_of(counts, tables) != seen).await.is_err();
        if is_gone {
            std::future::pending::<()>().await;
        }
    }
}

fn count_of(counts: &Counts, tables: Tables) -> u64 {
    let chosen = counts.tables.iter().enumerate().filter(|(table, _)| tables.0 >> table & 1 == 1);
    chosen.map(|(_, count)| count).sum()
}

/// What a reader of the log is told.
#[derive(Debug)]
pub enum Fed {
    /// Events that this host has committed, in order and side by side.
    Events(Vec<LogEvent>),
    /// There may be events that are not told here: another host's, or more than a reader that is behind
    /// is given.
    Look,
}

/// The events this host commits, from the moment it was asked for.
#[derive(Debug)]
pub struct LogFeed {
    events: broadcast::Receiver<Arc<[Row]>>,
    counts: watch::Receiver<Counts>,
    elsewhere: u64,
}

impl LogFeed {
    /// The next events, or the advice to look. Never, once the store is gone.
    ///
    /// # Errors
    /// When a row is none of an event.
    ///
    /// *Cancellation*: safe.
    pub async fn next(&mut self) -> Result<Fed, StorageError> {
        let elsewhere = self.elsewhere;
        tokio::select! {
            rows = self.events.recv() => match rows {
                Ok(rows) if rows.is_empty() => Ok(Fed::Look),
                Ok(rows) => rows.iter().map(|row| {
                    LogEvent::read(&mut RowReader::new(EVENTS.name, EVENTS.columns, row.clone()))
                }).collect::<Result<_, _>>().map(Fed::Events),
                Err(broadcast::error::RecvError::Lagged(_)) => Ok(Fed::Look),
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            },
            elsewhere = more_elsewhere(&mut self.counts, elsewhere) => {
                self.elsewhere = elsewhere;
                Ok(Fed::Look)
            }
        }
    }
}

/// How often other hosts committed, once it is not `seen` any more.
async fn more_elsewhere(counts: &mut watch::Receiver<Counts>, seen: u64) -> u64 {
    let changed = counts.wait_for(|counts| counts.elsewhere != seen).await.map(|counts| counts.elsewhere);
    match changed {
        Ok(elsewhere) => elsewhere,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_loop_is_woken_by_its_own_rows_and_by_other_hosts() {
        let news = News::new();
        let mut wakes = news.wakes(Topic::Inputs);
        wakes.mark_seen();
        news.committed(Tables::of(&[TableId::Timers, TableId::Resources]), Vec::new());
        assert!(wakes.changed().now_or_never().is_none());
        news.committed(Tables::of(&[TableId::Inbox]), Vec::new());
        assert!(wakes.changed().now_or_never().is_some());
        assert!(wakes.changed().now_or_never().is_some(), "until it has looked");
        wakes.mark_seen();
        assert!(wakes.changed().now_or_never().is_none());
        news.elsewhere();
        assert!(wakes.changed().now_or_never().is_some());
        let mut sessions = news.wakes(Topic::Sessions);
        sessions.mark_seen();
        news.committed(Tables::of(&TableId::ALL), Vec::new());
        assert!(sessions.changed().now_or_never().is_none(), "events, and none of a session");
        news.committed(Tables::default().with_sessions(), Vec::new());
        assert!(sessions.changed().now_or_never().is_some());
    }

    #[test]
    fn a_reader_that_is_behind_is_told_to_look_and_then_goes_on() {
        let news = News::new();
        let mut feed = news.feed();
        let event = |seq: i64| {
            let mut row = vec![Cell::Integer(seq)];
            row.extend(EVENTS.columns[1..].iter().map(|column| match column.name {
                "properties" => Cell::from("{}"),
                "occurred_at_ms" => Cell::Integer(7),
                "session_id" | "run_id" | "mission_id" | "resource_key" => Cell::Null,
                name => Cell::from(name),
            }));
            row
        };
        for seq in 0..64 {
            news.committed(Tables::default(), vec![event(seq)]);
        }
        assert!(matches!(feed.next().now_or_never(), Some(Ok(Fed::Look))));
        let Some(Ok(Fed::Events(events))) = feed.next().now_or_never() else { panic!("events") };
        assert_eq!(events[0].seq, FEED_BATCHES as u64, "the oldest batch that is still there");
        news.elsewhere();
        let told: Vec<_> = (0..FEED_BATCHES).filter_map(|_| feed.next().now_or_never()).collect();
        assert_eq!(told.iter().filter(|told| matches!(told, Ok(Fed::Look))).count(), 1);
        let large = Cell::from("x".repeat(FEED_BATCH_BYTES_MAX).as_str());
        news.committed(Tables::default(), vec![vec![Cell::Integer(1), large]]);
        assert!(matches!(feed.next().now_or_never(), Some(Ok(Fed::Look))));
    }
}

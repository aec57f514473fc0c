//! `system.status_indexer`: makes of the log how each session stands, exactly once.
//!
//! A pass reads on from a cursor, folds, and commits cursor, what is known of the sessions and the
//! resources that show it as one unit, guarded by the cursor it started from: a crash between two
//! passes loses nothing, and of several hosts that index the same events one wins and the others
//! read on behind it. Its own writes move the log too, and are none of the events it wants, so that
//! it comes to rest by itself.

use std::collections::{BTreeMap, HashMap};

use crate::domain::event::LogEvent;
use crate::domain::id::WorkspaceId;
use crate::domain::resource::{Change, Expect, ResourceKey, ResourceWrite};
use crate::domain::session_status::{SessionStatus, Told};
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, SessionStatusRow, StorageError, StorageErrorKind, Unit, Write};
use crate::wire;

/// The name of the cursor.
const CURSOR: &str = "status_indexer";
/// Who writes the resources.
const WRITER: &str = "system.status_indexer";
/// Most events of one pass.
const PAGE: u32 = 500;
/// Events of no interest that may lie behind the durable cursor: what a start may have to read again.
const LAG_MAX: u64 = 10_000;
/// Most sessions that are remembered between passes.
const SESSIONS_MAX: usize = 2_048;
/// Tries of a single event that cannot be committed, before it is passed over.
const TRIES_MAX: u32 = 5;

/// What a pass found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Nothing new.
    Idle,
    /// Everything there was is dealt with.
    Done,
    /// There is more.
    More,
    /// Somebody else was faster; the next pass goes on behind them.
    Overtaken,
}

/// Where the indexer is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The cursor as it was written last; `None` before the first time.
    durable: Option<u64>,
    /// Everything up to here is dealt with.
    seen: u64,
}

/// A session that was seen lately.
struct Known {
    status: SessionStatus,
    revision: u64,
    /// The pass that used it last.
    used: u64,
}

type Session = (WorkspaceId, String);

/// The indexer of one host. What it remembers is right as long as the cursor is where it left it.
pub struct StatusIndexer {
    engine: Engine,
    place: Option<Place>,
    sessions: HashMap<Session, Known>,
    passes: u64,
    /// Most events of the next pass; fewer after a failure, until the one at fault is alone.
    limit: u32,
    failures: u32,
}

impl Engine {
    /// An indexer that goes on where the last one was.
    pub fn status_indexer(&self) -> StatusIndexer {
        StatusIndexer {
            engine: self.clone(),
            place: None,
            sessions: HashMap::new(),
            passes: 0,
            limit: PAGE,
            failures: 0,
        }
    }
}

impl StatusIndexer {
    /// Takes in the next events, if there are any.
    ///
    /// # Errors
    /// Storage; the next call goes on from the same place. An event that storage refuses again and again
    /// is passed over.
    pub async fn pass(&mut self) -> Result<Pass, EngineError> {
        let place = self.place().await?;
        let store = self.engine.store().clone();
        // The head first: whatever is committed while the page is read lies beyond it.
        let head = store.log_head().await?;
        if head <= place.seen {
            self.publish(place.seen);
            return Ok(Pass::Idle);
        }
        let page = store.log_of_types(wire::SESSION_EVENTS, place.seen, self.limit).await?;
        let is_full = page.len() >= self.limit as usize;
        let last = page.last().map_or(place.seen, |event| event.seq);
        let up_to = if is_full { last } else { last.max(head) };
        if page.is_empty() && up_to - place.durable.unwrap_or(0) <= LAG_MAX {
            self.place = Some(Place { seen: up_to, ..place });
            self.publish(up_to);
            return Ok(Pass::Idle);
        }
        match self.index(place, &page, up_to).await {
            Ok(true) => {
                self.failures = 0;
                self.limit = (self.limit * 2).min(PAGE);
                Ok(if is_full { Pass::More } else { Pass::Done })
            }
            Ok(false) => Ok(Pass::Overtaken),
            Err(error) => self.failed(place, &page, error).await,
        }
    }

    /// Where the indexer is; read anew when somebody else may have moved it.
    async fn place(&mut self) -> Result<Place, StorageError> {
        if let Some(place) = self.place {
            return Ok(place);
        }
        let durable = self.engine.store().log_cursor(CURSOR).await?;
        self.sessions.clear();
        let place = Place { durable, seen: durable.unwrap_or(0) };
        self.place = Some(place);
        Ok(place)
    }

    /// Commits what `page` makes of its sessions; false when somebody else moved the cursor.
    async fn index(&mut self, place: Place, page: &[LogEvent], up_to: u64) -> Result<bool, StorageError> {
        self.passes += 1;
        let told = told_of(page);
        self.load(told.keys()).await?;
        let mut unit = cursor_unit(place, up_to);
        let mut changed = Vec::with_capacity(told.len());
        for (session, told) in told {
            let (status, revision) = match self.sessions.get_mut(&session) {
                Some(known) => {
                    known.used = self.passes;
                    (known.status.clone(), known.revision)
                }
                None => (SessionStatus::default(), 0),
            };
            let after = self.take(&mut unit, &session, &status, revision, &told);
            changed.push((session, after, revision + 1));
        }
        match self.engine.store().commit(unit).await {
            Ok(committed) => {
                for (session, status, revision) in changed {
                    self.sessions.insert(session, Known { status, revision, used: self.passes });
                }
                self.forget();
                // What it has just told itself of need not be read.
                let own = committed.seqs.filter(|(first, _)| *first == up_to + 1);
                let seen = own.map_or(up_to, |(_, last)| last);
                self.place = Some(Place { durable: Some(up_to), seen });
                self.publish(seen);
                Ok(true)
            }
            Err(CommitError::Conflict { .. }) => {
                self.place = None;
                Ok(false)
            }
            Err(CommitError::Storage(error)) => {
                // Whether it was committed may not be known.
                self.place = None;
                Err(error)
            }
        }
    }

    /// Adds to `unit` what `told` makes of a session; what is known of it afterwards.
    fn take(
        &self,
        unit: &mut Unit,
        (workspace_id, session_id): &Session,
        before: &SessionStatus,
        revision: u64,
        told: &[Told],
    ) -> SessionStatus {
        let mut after = before.clone();
        for told in told {
            after.take(told);
        }
        unit.writes.push(Write::SessionStatus(SessionStatusRow {
            workspace_id: workspace_id.clone(),
            session_id: session_id.clone(),
            state: wire::session_state(&after),
            revision: revision + 1,
        }));
        let view = wire::session_status_view(session_id, &after);
        let key = ResourceKey::of_status(session_id);
        if let (Some(key), Some(view)) = (key, &view)
            && view_of(session_id, before).as_ref() != Some(view)
        {
            unit.resources.push(ResourceWrite {
                workspace_id: workspace_id.clone(),
                key,
                expect: Expect::Anything,
                becomes: None,
                change: Change::Put {
                    value: wire::json_of(view),
                    ttl_ms: None,
                    expires_at: None,
                    claim_of: None,
                    kept: false,
                },
                by_host: true,
                updated_by: WRITER.to_owned(),
                actor: WRITER.to_owned(),
                at: self.engine.now(),
                event_ids: self.engine.two_event_ids(),
            });
        }
        after
    }

    /// Has what is known of `sessions` at hand.
    async fn load(&mut self, sessions: impl Iterator<Item = &Session>) -> Result<(), StorageError> {
        let mut missing: BTreeMap<&WorkspaceId, Vec<String>> = BTreeMap::new();
        for session in sessions.filter(|session| !self.sessions.contains_key(*session)) {
            missing.entry(&session.0).or_default().push(session.1.clone());
        }
        for (workspace, sessions) in missing {
            for row in self.engine.store().session_statuses(workspace, &sessions).await? {
                let status = wire::read_session_state(&row.state).unwrap_or_else(|| {
                    tracing::warn!(session = row.session_id, "what was known of a session cannot be read");
                    SessionStatus::default()
                });
                let known = Known { status, revision: row.revision, used: self.passes };
                self.sessions.insert((row.workspace_id, row.session_id), known);
            }
        }
        Ok(())
    }

    /// Forgets the sessions that were seen least lately, half of them, when there are too many.
    fn forget(&mut self) {
        if self.sessions.len() > SESSIONS_MAX {
            let mut uses: Vec<u64> = self.sessions.values().map(|known| known.used).collect();
            uses.sort_unstable();
            let oldest_kept = uses[uses.len() / 2];
            self.sessions.retain(|_, known| known.used > oldest_kept);
        }
    }

    /// After a failure: fewer events the next time, and in the end none of the one at fault.
    async fn failed(&mut self, place: Place, page: &[LogEvent], error: StorageError) -> Result<Pass, EngineError> {
        let may_be_an_events_fault = matches!(error.kind, StorageErrorKind::Invalid | StorageErrorKind::Other);
        if !may_be_an_events_fault {
            return Err(error.into());
        }
        let [event] = page else {
            self.limit = u32::try_from(page.len() / 2).unwrap_or(PAGE).max(1);
            return Err(error.into());
        };
        self.failures += 1;
        if self.failures < TRIES_MAX {
            return Err(error.into());
        }
        tracing::error!(seq = event.seq, %error, "an event cannot be brought into its session's status; passing over");
        let unit = cursor_unit(place, event.seq);
        match self.engine.store().commit(unit).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => {
                self.failures = 0;
                self.place = None;
                Ok(Pass::More)
            }
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }

    fn publish(&self, seen: u64) {
        self.engine.parts.indexed.0.send_if_modified(|indexed| {
            let is_further = *indexed < seen;
            *indexed = seen.max(*indexed);
            is_further
        });
    }
}

fn view_of(session_id: &str, status: &SessionStatus) -> Option<sluice_api::session::SessionStatusView> {
    wire::session_status_view(session_id, status)
}

fn cursor_unit(place: Place, up_to: u64) -> Unit {
    Unit {
        guards: vec![Guard::log_cursor(CURSOR, place.durable)],
        writes: vec![Write::LogCursor(CURSOR, up_to)],
        ..Unit::default()
    }
}

/// What a page tells of each session, in the log's order. A session whose name makes no key has
/// nowhere to be shown and is left out.
fn told_of(page: &[LogEvent]) -> BTreeMap<Session, Vec<Told>> {
    let mut all: BTreeMap<Session, Vec<Told>> = BTreeMap::new();
    for event in page {
        for (session_id, told) in wire::told_of_sessions(event) {
            if ResourceKey::of_status(&session_id).is_some() {
                all.entry((event.event.workspace_id.clone(), session_id)).or_default().push(told);
            }
        }
    }
    all
}

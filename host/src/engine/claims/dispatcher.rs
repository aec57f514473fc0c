//! The dispatcher of one workspace: looks at what is queued when somebody waits for it, once for
//! all who wait.
//!
//! *When it looks.* A waiter that the candidates at hand do not serve makes it look: at once when
//! the waiter came after the last look, else when something was committed since, and at least
//! every [`POLL`]. A look may cost milliseconds with thousands of runs queued, so candidates are
//! used up for [`LOOK_SHARE`] times as long as it took to find them; every run is read again, whole,
//! before it is claimed, so an old candidate costs a read and never a wrong claim.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::grant::{Delivery, Report, grant};
use super::queue::Candidates;
use super::{HELD_RUNS_MAX, Waiter};
use crate::domain::id::{RunId, WorkspaceId};
use crate::domain::run::{ClaimableRun, Run};
use crate::engine::{Engine, EngineError, Parts};

/// Waiters that may arrive before they are taken in; a caller beyond them waits to be let in.
const ARRIVALS_MAX: usize = 1_024;
/// Waiters looked after at once.
const WAITERS_MAX: usize = 10_000;
/// Candidates read at once. With 16,000 runs queued a look costs 23 ms and 3.4 µs for each candidate
/// (SQLite 3.40, one core), so few large pages cost least.
const PAGE: u32 = 10_000;
/// Longest time between two looks while somebody waits.
const POLL: Duration = Duration::from_secs(1);
/// How many times as long as it took to find them candidates are good, and another look waits:
/// looking takes at most about a tenth of the time.
const LOOK_SHARE: u32 = 10;
/// Longest time candidates are good: fairness between missions is never older. Reached when a look
/// takes a tenth of it, which is with tens of thousands of runs queued.
const LOOK_GOOD_MAX: Duration = Duration::from_secs(1);

/// The dispatchers of one host, by workspace. Each ends with the engine.
#[derive(Default)]
pub(in crate::engine) struct Dispatchers {
    by_workspace: Mutex<HashMap<WorkspaceId, mpsc::Sender<Waiter>>>,
}

impl Dispatchers {
    /// Where the claims of a workspace go.
    pub(super) fn of(&self, engine: &Engine, workspace_id: &WorkspaceId) -> mpsc::Sender<Waiter> {
        let mut dispatchers = self.by_workspace.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = dispatchers.get(workspace_id).filter(|sender| !sender.is_closed()) {
            return known.clone();
        }
        let (sender, arrivals) = mpsc::channel(ARRIVALS_MAX);
        tokio::spawn(Dispatcher::new(engine, workspace_id.clone(), arrivals).run());
        dispatchers.insert(workspace_id.clone(), sender.clone());
        sender
    }
}

/// The last look, or the one that is read page by page.
struct Look {
    /// When it began and when its newest page was there, by the engine's clock.
    began: Duration,
    ended: Duration,
    /// The commits that were known when it began.
    commits: u64,
    /// Where the next page begins.
    last: Option<ClaimableRun>,
    /// Whether there is no next page.
    is_whole: bool,
}

impl Look {
    /// How long what it found is good, and how long the next one waits.
    fn good_for(&self) -> Duration {
        (self.ended.saturating_sub(self.began) * LOOK_SHARE).min(LOOK_GOOD_MAX)
    }
}

/// What to do about waiters that the candidates at hand do not serve.
enum Next {
    Look,
    Page,
    /// Nothing for this long, unless something happens.
    Rest(Duration),
}

struct Dispatcher {
    /// Weak, so that it ends with the engine's last owner.
    engine: Weak<Parts>,
    workspace_id: WorkspaceId,
    arrivals: mpsc::Receiver<Waiter>,
    reports: mpsc::UnboundedReceiver<Report>,
    reporter: mpsc::UnboundedSender<Report>,
    commits: watch::Receiver<u64>,
    /// In the order they came.
    waiters: VecDeque<Waiter>,
    arrived: u64,
    candidates: Candidates,
    look: Option<Look>,
    looks: u64,
    /// Runs that are being claimed, and for which principal.
    going: HashMap<RunId, String>,
    /// How many runs each principal holds, as far as known since the last look.
    held: HashMap<String, u64>,
}

impl Dispatcher {
    fn new(engine: &Engine, workspace_id: WorkspaceId, arrivals: mpsc::Receiver<Waiter>) -> Self {
        let (reporter, reports) = mpsc::unbounded_channel();
        Self {
            engine: Arc::downgrade(&engine.parts),
            workspace_id,
            arrivals,
            reports,
            reporter,
            commits: engine.store().commits(),
            waiters: VecDeque::new(),
            arrived: 0,
            candidates: Candidates::default(),
            look: None,
            looks: 0,
            going: HashMap::new(),
            held: HashMap::new(),
        }
    }

    async fn run(mut self) {
        let mut rest = POLL;
        while self.wait(rest).await {
            let Some(parts) = self.engine.upgrade() else { return };
            let engine = Engine { parts };
            self.take_in();
            rest = match self.serve(&engine).await {
                Ok(rest) => rest,
                Err(error) => {
                    self.fail(&error);
                    POLL
                }
            };
            self.answer_late();
        }
    }

    /// Waits until there is something to do, at most for `rest`; `false` when the engine is gone.
    async fn wait(&mut self, rest: Duration) -> bool {
        let is_waited_for = !self.waiters.is_empty();
        let looked_after = self.waiters.iter().filter(|waiter| self.was_looked_after(waiter));
        let until = looked_after.map(|waiter| waiter.deadline).fold(Instant::now() + rest, Instant::min);
        tokio::select! {
            arrival = self.arrivals.recv(), if self.waiters.len() < WAITERS_MAX => match arrival {
                Some(waiter) => self.admit(waiter),
                None => return false,
            },
            // Never none: the dispatcher has a sender itself.
            Some(report) = self.reports.recv() => self.hear(report),
            changed = self.commits.changed(), if is_waited_for => return changed.is_ok(),
            () = tokio::time::sleep_until(until), if is_waited_for => {}
        }
        true
    }

    /// Takes in whatever else is there, and forgets who left.
    fn take_in(&mut self) {
        while let Ok(report) = self.reports.try_recv() {
            self.hear(report);
        }
        while self.waiters.len() < WAITERS_MAX {
            let Ok(waiter) = self.arrivals.try_recv() else { break };
            self.admit(waiter);
        }
        self.waiters.retain(|waiter| !waiter.is_gone());
    }

    fn admit(&mut self, waiter: Waiter) {
        let (place, looks_before) = (self.arrived, self.looks);
        self.arrived += 1;
        self.waiters.push_back(Waiter { place, looks_before, ..waiter });
    }

    /// Puts a waiter back where it was.
    fn admit_again(&mut self, waiter: Waiter) {
        let at = self.waiters.partition_point(|other| other.place < waiter.place);
        self.waiters.insert(at, waiter);
    }

    fn hear(&mut self, report: Report) {
        match report {
            Report::Ended(ids) => {
                for id in ids {
                    self.going.remove(&id);
                }
            }
            Report::Again(waiter) => self.admit_again(*waiter),
            Report::GivenBack(held) => {
                let Some(parts) = self.engine.upgrade() else { return };
                let engine = Engine { parts };
                tokio::spawn(async move {
                    for held in held {
                        if let Err(error) = engine.give_back(&held).await {
                            tracing::warn!(run_id = %held.run.id, %error, "failed to give a run back; its lease will end");
                        }
                    }
                });
            }
        }
    }

    /// Gives out what there is; for how long there is nothing to do then.
    async fn serve(&mut self, engine: &Engine) -> Result<Duration, EngineError> {
        loop {
            let now = engine.clock().monotonic();
            if self.look.as_ref().is_some_and(|look| self.is_outdated(look, now)) {
                self.candidates.clear();
            }
            let matched = self.match_waiters(engine).await?;
            if !matched.is_empty() {
                self.hand_out(engine, matched).await?;
                continue;
            }
            match self.next(now) {
                Next::Look => {
                    self.candidates.clear();
                    self.held.clear();
                    self.looks += 1;
                    let commits = *self.commits.borrow_and_update();
                    self.look = Some(Look { began: now, ended: now, commits, last: None, is_whole: false });
                    self.read_page(engine).await?;
                }
                Next::Page => self.read_page(engine).await?,
                Next::Rest(rest) => return Ok(rest),
            }
        }
    }

    /// Whether something happened since `look`, so long ago that another look may be afforded.
    fn is_outdated(&self, look: &Look, now: Duration) -> bool {
        *self.commits.borrow() != look.commits && now.saturating_sub(look.ended) >= look.good_for()
    }

    fn next(&self, now: Duration) -> Next {
        let mut hungry = self.waiters.iter().filter(|waiter| !self.is_at_bound(waiter)).peekable();
        if hungry.peek().is_none() {
            return Next::Rest(POLL);
        }
        let Some(look) = &self.look else { return Next::Look };
        let age = now.saturating_sub(look.ended);
        if self.is_outdated(look, now) || age >= POLL {
            return Next::Look;
        }
        if !look.is_whole {
            return Next::Page;
        }
        let is_wanted =
            *self.commits.borrow() != look.commits || hungry.any(|waiter| waiter.looks_before >= self.looks);
        match (if is_wanted { look.good_for() } else { POLL }).saturating_sub(age) {
            Duration::ZERO => Next::Look,
            rest => Next::Rest(rest),
        }
    }

    async fn read_page(&mut self, engine: &Engine) -> Result<(), EngineError> {
        let Some(look) = &mut self.look else { return Ok(()) };
        let store = engine.store();
        let page = store.claimable_runs(&self.workspace_id, engine.now(), look.last.as_ref(), PAGE).await?;
        look.is_whole = page.len() < PAGE as usize;
        look.last = page.last().cloned().or_else(|| look.last.take());
        look.ended = engine.clock().monotonic();
        self.candidates.add(page, |id| self.going.contains_key(id));
        Ok(())
    }

    /// Takes candidates for those who wait, in the order they came.
    async fn match_waiters(&mut self, engine: &Engine) -> Result<Vec<(Waiter, Vec<ClaimableRun>)>, EngineError> {
        // Whoever is at the bound may no longer be, which decides whether a look is worth while.
        if self.candidates.is_empty() && !self.waiters.iter().any(|waiter| self.is_at_bound(waiter)) {
            return Ok(Vec::new());
        }
        self.count_held(engine).await?;
        let mut matched = Vec::new();
        for mut waiter in std::mem::take(&mut self.waiters) {
            let held = self.held.entry(waiter.claim.principal.clone()).or_default();
            let free = usize::try_from(HELD_RUNS_MAX.saturating_sub(*held)).unwrap_or(usize::MAX);
            let wanted = waiter.claim.max.min(free);
            let taken = self.candidates.take_for(&waiter.claim, wanted, &mut waiter.next_candidate);
            if taken.is_empty() {
                self.waiters.push_back(waiter);
            } else {
                *held += taken.len() as u64;
                matched.push((waiter, taken));
            }
        }
        Ok(matched)
    }

    /// Counts what principals hold of whom that is not known, or known to be the most they may.
    async fn count_held(&mut self, engine: &Engine) -> Result<(), EngineError> {
        let is_unknown = |principal: &String| self.held.get(principal).is_none_or(|held| *held >= HELD_RUNS_MAX);
        let unknown: HashSet<&String> =
            self.waiters.iter().map(|waiter| &waiter.claim.principal).filter(|name| is_unknown(name)).collect();
        let unknown: Vec<String> = unknown.into_iter().cloned().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let counted = engine.store().held_runs(&self.workspace_id, &unknown).await?;
        self.held.extend(unknown.into_iter().map(|name| (name, 0)));
        self.held.extend(counted);
        for principal in self.going.values() {
            if let Some(held) = self.held.get_mut(principal) {
                *held += 1;
            }
        }
        Ok(())
    }

    fn is_at_bound(&self, waiter: &Waiter) -> bool {
        self.held.get(&waiter.claim.principal).is_some_and(|held| *held >= HELD_RUNS_MAX)
    }

    /// Reads what was matched again, whole, and has it claimed.
    async fn hand_out(
        &mut self,
        engine: &Engine,
        matched: Vec<(Waiter, Vec<ClaimableRun>)>,
    ) -> Result<(), EngineError> {
        let ids: Vec<RunId> = matched.iter().flat_map(|(_, runs)| runs).map(|run| run.id.clone()).collect();
        let found = match engine.store().still_claimable(&ids, engine.now()).await {
            Ok(found) => found,
            Err(error) => {
                for (waiter, _) in matched {
                    self.admit_again(waiter);
                }
                return Err(error.into());
            }
        };
        let mut found: HashMap<RunId, Run> = found.into_iter().map(|run| (run.id.clone(), run)).collect();
        for (waiter, candidates) in matched {
            let runs: Vec<Run> = candidates.into_iter().filter_map(|candidate| found.remove(&candidate.id)).collect();
            if runs.is_empty() {
                self.admit_again(waiter);
                continue;
            }
            self.going.extend(runs.iter().map(|run| (run.id.clone(), waiter.claim.principal.clone())));
            tokio::spawn(grant(engine.clone(), waiter, runs, self.reporter.clone()));
        }
        Ok(())
    }

    /// Whether a look that began after `waiter` came found nothing for it.
    fn was_looked_after(&self, waiter: &Waiter) -> bool {
        let is_whole = self.look.as_ref().is_some_and(|look| look.is_whole);
        (is_whole && waiter.looks_before < self.looks) || self.is_at_bound(waiter)
    }

    /// Answers those whose time is up with nothing.
    fn answer_late(&mut self) {
        let now = Instant::now();
        for waiter in std::mem::take(&mut self.waiters) {
            if waiter.deadline <= now && self.was_looked_after(&waiter) {
                // Whoever stopped waiting does not want the answer.
                let _ = waiter.answer.send(Ok(Delivery::empty()));
            } else {
                self.waiters.push_back(waiter);
            }
        }
    }

    /// Tells everybody that storage failed; what was found before is not to be relied on.
    fn fail(&mut self, error: &EngineError) {
        self.look = None;
        self.candidates.clear();
        for waiter in self.waiters.drain(..) {
            let told = match error {
                EngineError::Storage(error) => EngineError::Storage(error.clone()),
                other => EngineError::HostFault(other.to_string()),
            };
            // Whoever stopped waiting does not want the answer.
            let _ = waiter.answer.send(Err(told));
        }
    }
}

//! Shadows: what components that are bound beside those that count would have decided, on the same input, after it,
//! and without effect.
//!
//! Whoever decides offers a question and goes on: it never waits, and nothing that happens here reaches it. Questions
//! wait in memory ([`queue`]), are asked one at a time on a host by the same limits as any call, and what comes of it is
//! counted and written behind ([`tally`]). How each kind is asked stands in [`events`], [`verdicts`] and [`texts`]; what
//! is the same is decided as in a check ([`super::check`]). A process that is killed loses what waits, which is counted
//! nowhere, and counts of less than a second.

mod trial;
mod queue;
mod tally;
mod events;
mod verdicts;
mod texts;
mod report;

pub(super) use texts::AskedText;
pub(super) use trial::Trial;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::events::Followers;
use self::queue::{Asked, LaneKey, Place, Queue};
use self::tally::Tallies;
use self::trial::Answer;
use super::{Engine, EngineError};
use crate::domain::id::WorkspaceId;
use crate::domain::mission::Mission;
use crate::domain::shadow::{ShadowCounts, ShadowRole};

/// How long it is believed that no reducer decides in shadow in a workspace, which another host may have changed.
const BELIEVED: Duration = Duration::from_secs(2);
/// Workspaces that are remembered for that.
const REMEMBERED_MAX: usize = 10_000;
/// How long counts wait to be written, so that one unit holds many.
const WAIT: Duration = Duration::from_millis(250);

/// What decides in shadow on this host, and what waits for it.
#[derive(Default)]
pub(super) struct Shadows(Mutex<State>);

#[derive(Default)]
struct State {
    queue: Queue,
    tallies: Tallies,
    /// Whether somebody is asking.
    is_running: bool,
    /// Which reducer decides in shadow, as far as it was seen.
    reducers: HashMap<WorkspaceId, Seen>,
    followers: Followers,
}

/// Which reducer decides in shadow in a workspace.
struct Seen {
    /// When that was looked at (monotonic).
    at: Duration,
    trial: Option<Arc<Trial>>,
}

impl Shadows {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something else is bound in a workspace.
    pub(super) fn forget(&self, workspace_id: &WorkspaceId) {
        let mut state = self.lock();
        state.reducers.remove(workspace_id);
        state.queue.wake(workspace_id);
    }
}

/// Says that nobody is asking any more, should whoever does break off; who comes to the end says so before.
struct Running(Option<Engine>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(engine) = &self.0 {
            engine.parts.shadows.lock().is_running = false;
        }
    }
}

impl Engine {
    /// A mission was told something, and its reducer decided. Costs a look into memory where no reducer decides in
    /// shadow.
    pub(super) fn shadow_event(&self, mission: &Mission) {
        let Some(seq) = mission.revision.checked_sub(1) else { return };
        let now = self.parts.clock.monotonic();
        let key = (mission.workspace_id.clone(), ShadowRole::Reducer);
        let trial = {
            let mut state = self.parts.shadows.lock();
            match state.reducers.get_mut(&mission.workspace_id) {
                Some(Seen { at, trial: None }) if now.saturating_sub(*at) < BELIEVED => return,
                Some(Seen { at, trial: None }) => {
                    // This one has it looked at again; those that follow meanwhile need not.
                    *at = now;
                    None
                }
                Some(Seen { trial, .. }) => trial.clone(),
                None => None,
            }
        };
        let asked = Asked::Events { mission_id: mission.id.clone(), from: seq, until: seq + 1 };
        self.offer(&key, asked, trial.as_ref());
    }

    /// Lets a question wait; one that finds no place is counted for `trial`.
    fn offer(&self, key: &LaneKey, asked: Asked, trial: Option<&Arc<Trial>>) {
        let now = self.parts.clock.monotonic();
        let must_run = {
            let mut state = self.parts.shadows.lock();
            let place = state.queue.offer(key, asked, now);
            match (place, trial) {
                (Place::Dropped, None) => return,
                (Place::Dropped, Some(trial)) => state.tallies.drop_some(trial, 1),
                (Place::Taken, _) => {}
            }
            !std::mem::replace(&mut state.is_running, true)
        };
        if must_run {
            let engine = self.clone();
            tokio::spawn(async move {
                let mut running = Running(Some(engine.clone()));
                engine.ask_shadows().await;
                running.0 = None;
            });
        }
    }

    /// Asks until nothing waits and everything is written; `is_running` is false then.
    async fn ask_shadows(&self) {
        let mut written_at = self.parts.clock.monotonic();
        loop {
            let next = self.parts.shadows.lock().queue.take();
            if let Some((key, asked)) = next {
                self.ask_shadow(&key, asked).await;
                if self.parts.clock.monotonic().saturating_sub(written_at) < WAIT {
                    continue;
                }
            } else {
                tokio::time::sleep(WAIT).await;
            }
            self.write_shadows().await;
            written_at = self.parts.clock.monotonic();
            let mut state = self.parts.shadows.lock();
            if state.queue.is_empty() && state.tallies.is_empty() {
                state.is_running = false;
                return;
            }
        }
    }

    async fn ask_shadow(&self, key: &LaneKey, asked: Asked) {
        let done = match asked {
            Asked::Events { mission_id, from, until } => self.ask_reducer(key, &mission_id, from, until).await,
            Asked::Verdict(trial, _) | Asked::Text(trial, _) if self.rests(key) => {
                self.parts.shadows.lock().tallies.drop_some(&trial, 1);
                Ok(())
            }
            Asked::Verdict(trial, id) => self.settle(key, &trial, self.ask_gate_in_shadow(&trial, &id).await),
            Asked::Text(trial, text) => self.settle(key, &trial, self.ask_scrubber(&trial, *text).await),
        };
        if let Err(error) = done {
            tracing::debug!(workspace_id = %key.0, role = %key.1, %error, "a component in shadow could not be asked");
        }
    }

    /// Counts what became of one question; nothing is counted of one that is none any more.
    fn settle(
        &self,
        key: &LaneKey,
        trial: &Arc<Trial>,
        answer: Result<Option<Answer>, EngineError>,
    ) -> Result<(), EngineError> {
        match answer {
            Ok(None) => Ok(()),
            Ok(Some(answer)) => {
                self.count(key, trial, answer);
                Ok(())
            }
            Err(error) => {
                self.parts.shadows.lock().tallies.drop_some(trial, 1);
                Err(error)
            }
        }
    }

    fn count(&self, key: &LaneKey, trial: &Arc<Trial>, answer: Answer) {
        let (id, at, now) = (self.new_id("shd_"), self.now(), self.parts.clock.monotonic());
        let mut state = self.parts.shadows.lock();
        state.queue.note(key, answer.has_failed, now);
        state.tallies.add(trial, answer, id, at);
    }

    /// Whether the component of a lane is left alone for now.
    fn rests(&self, key: &LaneKey) -> bool {
        let now = self.parts.clock.monotonic();
        self.parts.shadows.lock().queue.rests(key, now)
    }
}

/// Counts of nothing but what was never asked.
fn dropped(count: u64) -> ShadowCounts {
    ShadowCounts { dropped: count, ..ShadowCounts::default() }
}

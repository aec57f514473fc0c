//! A reducer in shadow: what it makes of events that missions were told.
//!
//! A reducer keeps nothing between events: it sees one event and the board. So its board is the one that what was
//! *recorded* led to, as in a check, and each event is judged by itself; were it to follow its own commands, the first
//! difference would make all that follow differ. A board of its own follows each mission's history behind
//! ([`crate::engine::replay`]). Boards of missions that were told something lately are kept, and others are followed
//! from their beginning.

use std::collections::VecDeque;
use std::sync::Arc;

use sluice_api::check::CheckOutcome;

use super::queue::{LaneKey, REST_AFTER};
use super::trial::{About, Answer, Differs, Trial};
use super::{REMEMBERED_MAX, Seen};
use crate::domain::artifact::Digest;
use crate::domain::event::HistoryEntry;
use crate::domain::id::MissionId;
use crate::domain::mission::Mission;
use crate::domain::shadow::ShadowRole;
use crate::engine::check::{commands_side, is_slower};
use crate::engine::ports::Plugins;
use crate::engine::replay::{Compared, Follower};
use crate::engine::workspaces::Bound;
use crate::engine::{Engine, EngineError};

/// Entries of a history read, and followed, at once.
const PAGE: u32 = 500;
/// Longest way that a board is followed to get at one question.
const FOLLOWED_MAX: u64 = 20_000;
/// Most boards that are kept.
const FOLLOWERS_MAX: usize = 64;
/// Most work items on all of them.
const ITEMS_MAX: usize = 100_000;

/// Boards that follow missions, the one that was asked about last at the end.
#[derive(Default)]
pub(super) struct Followers(VecDeque<Following>);

/// A board that follows a mission.
struct Following {
    mission_id: MissionId,
    /// The entry of the history that it takes up next.
    next: u64,
    follower: Follower,
}

impl Followers {
    fn take(&mut self, mission_id: &MissionId) -> Option<Following> {
        let at = self.0.iter().position(|of| of.mission_id == *mission_id)?;
        self.0.remove(at)
    }

    fn keep(&mut self, following: Following) {
        self.0.push_back(following);
        let items = |all: &VecDeque<Following>| all.iter().map(|of| of.follower.item_count()).sum::<usize>();
        while self.0.len() > FOLLOWERS_MAX || (self.0.len() > 1 && items(&self.0) > ITEMS_MAX) {
            self.0.pop_front();
        }
    }
}

/// What is asked of a page of a history.
struct Page {
    entries: Vec<HistoryEntry>,
    /// The first event that is asked about.
    from: u64,
    trial: Arc<Trial>,
    /// What decides; what another reducer decided is left out.
    deciding: Digest,
    plugins: Arc<dyn Plugins>,
}

impl Engine {
    /// Asks the reducer in shadow about events of a mission, if there is one, and the mission is pinned to what it
    /// decides beside.
    pub(super) async fn ask_reducer(
        &self,
        key: &LaneKey,
        mission_id: &MissionId,
        from: u64,
        until: u64,
    ) -> Result<(), EngineError> {
        let bound = self.bound(&key.0).await?;
        let trial = bound.trial(ShadowRole::Reducer).cloned();
        self.see_reducer(key, trial.clone());
        let Some(trial) = trial else { return Ok(()) };
        if self.rests(key) {
            self.parts.shadows.lock().tallies.drop_some(&trial, until - from);
            return Ok(());
        }
        let asked = self.ask_about_events(key, &trial, &bound, mission_id, (from, until)).await;
        asked.map_err(|(left, error)| {
            self.parts.shadows.lock().tallies.drop_some(&trial, left);
            error
        })
    }

    fn see_reducer(&self, key: &LaneKey, trial: Option<Arc<Trial>>) {
        let at = self.parts.clock.monotonic();
        let mut state = self.parts.shadows.lock();
        if state.reducers.len() >= REMEMBERED_MAX {
            state.reducers.clear();
        }
        state.reducers.insert(key.0.clone(), Seen { at, trial });
        if state.reducers.values().all(|seen| seen.trial.is_none()) {
            state.followers = Followers::default();
        }
    }

    /// Asks about the events from the first of `range` on and before its second. An error says how many were left.
    async fn ask_about_events(
        &self,
        key: &LaneKey,
        trial: &Arc<Trial>,
        bound: &Bound,
        mission_id: &MissionId,
        (from, until): (u64, u64),
    ) -> Result<(), (u64, EngineError)> {
        let all = |error| (until - from, error);
        let mission = self.parts.store.mission(&key.0, mission_id).await.map_err(|error| all(error.into()))?;
        let deciding = &bound.bindings.reducer;
        let Some(mission) = mission.filter(|mission| mission.bindings.reducer == *deciding) else { return Ok(()) };
        self.have_component(&trial.binding().digest).await.map_err(all)?;
        let kept = self.parts.shadows.lock().followers.take(mission_id);
        // A board that was taken past the question cannot go back.
        let mut following = kept.filter(|of| of.next <= from).unwrap_or_else(|| Following {
            mission_id: mission_id.clone(),
            next: 0,
            follower: Follower::default(),
        });
        if from - following.next > FOLLOWED_MAX {
            let why = format!("its history is longer than {FOLLOWED_MAX} events, and too many missions go on at once");
            return Err(all(EngineError::Conflict(why)));
        }
        while following.next < until {
            let left = until - following.next.max(from);
            let after = following.next.checked_sub(1);
            let page = self.parts.store.history(mission_id, after, PAGE).await;
            let mut entries = page.map_err(|error| (left, error.into()))?;
            entries.retain(|entry| entry.seq < until);
            if entries.is_empty() {
                return Err((left, EngineError::NotFound { what: "event", id: following.next.to_string() }));
            }
            let page = Page {
                entries,
                from,
                trial: Arc::clone(trial),
                deciding: deciding.digest.clone(),
                plugins: Arc::clone(&self.parts.plugins),
            };
            let asked = tokio::task::spawn_blocking(move || ask_page(following, &page)).await;
            let asked = asked.map_err(|error| EngineError::HostFault(error.to_string()));
            let (back, answers, skipped) = asked.and_then(|asked| asked).map_err(|error| (left, error))?;
            following = back;
            for answer in answers {
                self.count(key, trial, answer);
            }
            if skipped > 0 {
                self.parts.shadows.lock().tallies.drop_some(trial, skipped);
            }
        }
        self.keep_following(&mission, following);
        Ok(())
    }

    fn keep_following(&self, mission: &Mission, following: Following) {
        if !mission.status.is_final() {
            self.parts.shadows.lock().followers.keep(following);
        }
    }
}

/// Takes up a page, and asks about what is asked for: the board that goes on, what was answered, and how many events were
/// not asked about since the reducer kept failing. Blocks.
fn ask_page(mut following: Following, page: &Page) -> Result<(Following, Vec<Answer>, u64), EngineError> {
    let (mut answers, mut failures, mut skipped) = (Vec::new(), 0, 0);
    for entry in &page.entries {
        let is_asked = entry.seq >= page.from && entry.reducer_digest == page.deciding.as_str();
        let rests = failures >= REST_AFTER;
        skipped += u64::from(is_asked && rests);
        let candidate = (is_asked && !rests).then(|| (&*page.plugins, page.trial.binding()));
        if let Some(compared) = following.follower.take(entry, candidate)? {
            let answer = answer_of(entry, compared);
            failures = if answer.has_failed { failures + 1 } else { 0 };
            answers.push(answer);
        }
        following.next = entry.seq + 1;
    }
    Ok((following, answers, skipped))
}

fn answer_of(entry: &HistoryEntry, compared: Compared) -> Answer {
    let has_failed = compared.has_failed();
    let is_slower = is_slower(entry.fuel, compared.candidate.fuel);
    if !compared.differs() {
        return Answer { has_failed, is_slower, differs: None };
    }
    let outcome = if compared.fails_anew() { CheckOutcome::Failed } else { CheckOutcome::Different };
    let about = About {
        mission_id: Some(entry.mission_id.clone()),
        seq: Some(entry.seq),
        kind: entry.kind.to_string(),
        ..About::default()
    };
    let differs = Differs {
        about,
        outcome,
        decided: commands_side(&compared.recorded, compared.recorded_refusal),
        candidate: commands_side(&compared.candidate.commands, compared.candidate.refusal),
    };
    Answer { has_failed, is_slower, differs: Some(differs) }
}

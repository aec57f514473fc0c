//! Fires what is due: each routine in a unit of its own, committed side by side.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use tokio::task::JoinSet;

use super::launch::{Ground, Means};
use super::step::{Step, end};
use super::{ATTEMPTS_MAX, ROUTINES};
use crate::domain::id::{RoutineId, WorkspaceId};
use crate::domain::routine::{Dropped, Due, Occurrence, OccurrenceState, Routine, RoutineStatus, Slot, Trigger, due};
use crate::domain::schedule::jitter_of;
use crate::domain::time::Timestamp;
use crate::engine::{Bound, EndsSeen, Engine, EngineError};
use crate::store::{CommitError, StorageErrorKind};

/// Routines whose units are on their way at once.
const AT_ONCE: usize = 256;
/// Tasks that share them.
const TASKS: usize = 4;

/// A routine, by name.
pub(super) type Key = (WorkspaceId, RoutineId);

impl Engine {
    /// Waits for routines that this host saves.
    pub fn fires(&self) -> EndsSeen {
        self.parts.fires.subscribe()
    }

    /// Waits for occurrences that this host sees end.
    pub fn occurrences_over(&self) -> EndsSeen {
        self.parts.occurrences_over.subscribe()
    }

    /// Fires routines that are due after `after`, without for ever, and not after `until`: at most
    /// `limit`, the longest due first. How many there were; another host may have been faster.
    ///
    /// # Errors
    /// The first routine's that could not be fired; the others were.
    pub async fn fire_routines(
        &self,
        after: Option<Timestamp>,
        until: Timestamp,
        limit: u32,
    ) -> Result<usize, EngineError> {
        let due = self.parts.store.due_routines(after, until, limit).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let count = due.len();
        // Each task makes its units while the writer writes those of the others.
        let mut tasks = JoinSet::new();
        let mut due = due.into_iter();
        for _ in 0..TASKS {
            let share: Vec<Routine> = due.by_ref().take(count.div_ceil(TASKS)).collect();
            let engine = self.clone();
            tasks.spawn(async move { engine.fire_due(share).await });
        }
        let mut fired = Ok(count);
        while let Some(done) = tasks.join_next().await {
            let done = done.map_err(|error| EngineError::HostFault(error.to_string()));
            fired = fired.and(done.and_then(|done| done).map(|()| count));
        }
        fired
    }

    /// Fires routines that are due, as they were read. Whoever else has one of them meanwhile leaves it to
    /// the one who commits first; it may still be due then.
    ///
    /// # Errors
    /// The first routine's that could not be fired; the others were.
    pub async fn fire_due(&self, due: Vec<Routine>) -> Result<(), EngineError> {
        let mut bound: HashMap<WorkspaceId, Arc<Bound>> = HashMap::new();
        for routine in &due {
            if !bound.contains_key(&routine.workspace_id) {
                bound.insert(routine.workspace_id.clone(), self.bound(&routine.workspace_id).await?);
            }
        }
        let mut open = self.open_by_routine(due.iter().map(|routine| (&routine.workspace_id, &routine.id))).await?;
        let fire = due.into_iter().map(|routine| {
            let open = open.remove(&(routine.workspace_id.clone(), routine.id.clone())).unwrap_or_default();
            let bound = bound.get(&routine.workspace_id).cloned();
            self.fire_routine(routine, open, bound)
        });
        let results: Vec<_> = stream::iter(fire.collect::<Vec<_>>()).buffer_unordered(AT_ONCE / TASKS).collect().await;
        results.into_iter().collect()
    }

    /// What is not over of each of these routines.
    pub(super) async fn open_by_routine(
        &self,
        routines: impl Iterator<Item = (&WorkspaceId, &RoutineId)>,
    ) -> Result<HashMap<Key, Vec<Occurrence>>, EngineError> {
        let mut by_workspace: BTreeMap<&WorkspaceId, Vec<&RoutineId>> = BTreeMap::new();
        for (workspace, id) in routines {
            by_workspace.entry(workspace).or_default().push(id);
        }
        let mut found: HashMap<Key, Vec<Occurrence>> = HashMap::new();
        for (workspace, ids) in by_workspace {
            for occurrence in self.parts.store.open_occurrences(workspace, &ids).await? {
                let key = (workspace.clone(), occurrence.routine_id.clone());
                found.entry(key).or_default().push(occurrence);
            }
        }
        Ok(found)
    }

    /// Fires a routine with what its workspace binds: anew when something else was bound meanwhile.
    async fn fire_routine(
        &self,
        routine: Routine,
        open: Vec<Occurrence>,
        mut bound: Option<Arc<Bound>>,
    ) -> Result<(), EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let known = match bound.take() {
                Some(bound) => bound,
                None => self.bound(&routine.workspace_id).await?,
            };
            match self.fire_with(routine.clone(), open.clone(), &known).await {
                Err(EngineError::Contended) => {}
                fired => return fired,
            }
        }
        Err(EngineError::Contended)
    }

    async fn fire_with(&self, routine: Routine, open: Vec<Occurrence>, bound: &Bound) -> Result<(), EngineError> {
        let now = self.now();
        let schedule = match routine.settings.plan(routine.created_at) {
            Ok(schedule) => schedule,
            Err(fault) => {
                let why = format!("its schedule cannot be read any more: {fault}");
                return self.lay_aside(routine, &why, now).await;
            }
        };
        // Out of range only for what was never saved.
        let jitter_ms = jitter_of(routine.id.as_str(), routine.settings.jitter_ms).unwrap_or(0);
        let due = due(&schedule, jitter_ms, routine.settings.misfire, routine.cursor, now);
        let found = self.found_for(&routine).await;
        let rules = self.rules_of(&routine.workspace_id).await?;
        let on = Ground::new(&routine, &schedule, Means { bound, found: &found, rules: &rules }, now);
        let step = self.firing(&on, open.clone(), (&due, jitter_ms), &[]);
        match self.parts.store.commit(step.unit).await {
            Err(CommitError::Conflict { table: "occurrences", .. }) => {}
            Err(CommitError::Conflict { table: "workspaces", .. }) => return Err(EngineError::Contended),
            // After a conflict another host fired it, or somebody changed it: whoever did has seen to what
            // was due.
            Ok(_) | Err(CommitError::Conflict { .. }) => return Ok(()),
            // It would never be, and would be tried for ever.
            Err(CommitError::Storage(error)) if error.kind == StorageErrorKind::Invalid => {
                return self.lay_aside(routine, &format!("it cannot be written down: {}", error.source), now).await;
            }
            Err(CommitError::Storage(error)) => return Err(error.into()),
        }
        // Its cursor was set back, and some of this fired before.
        let slots: Vec<Slot> = due.fires.iter().map(|fire| fire.scheduled_at).map(Slot::scheduled).collect();
        let slots = slots.into_iter().chain(due.dropped.map(|dropped| Slot::scheduled(dropped.last)));
        let slots: Vec<Slot> = slots.collect();
        let taken = self.parts.store.occurrences_in(&routine.workspace_id, &routine.id, &slots).await?;
        let taken: Vec<Slot> = taken.into_iter().map(|occurrence| occurrence.slot).collect();
        let step = self.firing(&on, open, (&due, jitter_ms), &taken);
        match self.parts.store.commit(step.unit).await {
            Err(CommitError::Conflict { table: "workspaces", .. }) => Err(EngineError::Contended),
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }

    /// The unit that fires `due` of a routine, but for slots that are taken.
    fn firing(
        &self,
        on: &Ground<'_>,
        mut open: Vec<Occurrence>,
        (due, jitter_ms): (&Due, u64),
        taken: &[Slot],
    ) -> Step<'_> {
        let (mut step, now) = (Step::new(self, ROUTINES, on.now), on.now);
        let mut after = on.routine.clone();
        (after.cursor, after.next_fire_at) = (due.cursor, due.next_fire_at);
        if let Some(dropped) = due.dropped.filter(|dropped| !taken.contains(&Slot::scheduled(dropped.last))) {
            let row = self.missed_row(on, dropped, jitter_ms);
            step.add_occurrence(&row);
            step.tell_missed(on.routine, &row, dropped);
        }
        for fire in &due.fires {
            if taken.contains(&Slot::scheduled(fire.scheduled_at)) {
                continue;
            }
            let mut occurrence = self.new_occurrence(on, fire.scheduled_at, fire.trigger);
            occurrence.lateness_ms = now.millis_since(fire.scheduled_at.plus_millis(jitter_ms));
            (occurrence.missed_count, occurrence.missed_since) = fire.stands_for.unzip();
            let occurrence = self.admit(&mut step, on, occurrence, &mut open);
            if occurrence.state != OccurrenceState::Skipped && occurrence.state != OccurrenceState::Blocked {
                after.last_fired_at = Some(occurrence.scheduled_at);
                after.last_run = Some(occurrence.id);
            }
        }
        step.write_routine(&mut after);
        step
    }

    /// One row for all occurrences that are dropped.
    fn missed_row(&self, on: &Ground<'_>, dropped: Dropped, jitter_ms: u64) -> Occurrence {
        let mut row = self.new_occurrence(on, dropped.last, Trigger::Schedule);
        end(&mut row, OccurrenceState::Missed, dropped.reason.as_str(), on.now);
        row.lateness_ms = on.now.millis_since(dropped.last.plus_millis(jitter_ms));
        (row.missed_count, row.missed_since) = (Some(dropped.count), Some(dropped.first));
        row
    }

    /// Pauses a routine that can no longer be fired.
    async fn lay_aside(&self, mut routine: Routine, why: &str, now: Timestamp) -> Result<(), EngineError> {
        let mut step = Step::new(self, ROUTINES, now);
        routine.status = RoutineStatus::Paused;
        routine.status_reason = Some(why.to_owned());
        routine.next_fire_at = None;
        routine.updated_at = now;
        step.tell_updated(&routine, "laid_aside");
        step.write_routine(&mut routine);
        match self.parts.store.commit(step.unit).await {
            Err(CommitError::Conflict { table: "workspaces", .. }) => Err(EngineError::Contended),
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}

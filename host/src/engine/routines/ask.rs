//! Runs that somebody asks for: one now, or those of a time that is past.

use std::sync::Arc;

use super::launch::{Ground, Means};
use super::step::Step;
use super::template::Found;
use super::{ATTEMPTS_MAX, Backfill, RunNow};
use crate::domain::id::{RoutineId, WorkspaceId};
use crate::domain::routine::{
    CATCH_UP_MAX, Occurrence, OccurrenceState, Placement, Routine, RoutineStatus, Slot, Trigger, place,
};
use crate::domain::schedule::Schedule;
use crate::domain::time::Timestamp;
use crate::engine::advance::add_receipt;
use crate::engine::{Bound, Engine, EngineError};
use crate::policy::Rules;
use crate::store::CommitError;
use crate::wire::FieldError;

/// A routine and what was read with it.
struct Read {
    routine: Routine,
    schedule: Schedule,
    open: Vec<Occurrence>,
    bound: Arc<Bound>,
    found: Found,
    rules: Arc<Rules>,
    now: Timestamp,
}

impl Engine {
    /// Runs a routine once, now. It waits its turn while an earlier run is not over; under
    /// `cancel_previous` it takes its place. The schedule goes on as if nothing had been.
    ///
    /// # Errors
    /// [`EngineError::RoutineNotEnabled`]; [`EngineError::RoutineBlocked`], with the occurrence written
    /// down; [`EngineError::RoutineFull`]; [`EngineError::NotFound`]; storage.
    pub async fn run_routine_now(
        &self,
        workspace: &WorkspaceId,
        id: &RoutineId,
        ask: RunNow<'_>,
    ) -> Result<Occurrence, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let Read { mut routine, schedule, mut open, bound, found, rules, now } =
                self.read_routine(workspace, id).await?;
            if !ask.force || ask.by.is_agent() {
                check_enabled(&routine)?;
            }
            if place(routine.settings.overlap, Trigger::RunNow, &open) == Placement::Drop {
                return Err(full(&routine, &open));
            }
            let mut step = Step::new(self, ask.by.name, now);
            let on = Ground::new(&routine, &schedule, Means { bound: &bound, found: &found, rules: &rules }, now);
            let mut occurrence = self.new_occurrence(&on, now, Trigger::RunNow);
            occurrence.reason.clone_from(&ask.reason);
            let occurrence = self.admit(&mut step, &on, occurrence, &mut open);
            let is_blocked = occurrence.state == OccurrenceState::Blocked;
            if !is_blocked {
                routine.last_run = Some(occurrence.id.clone());
                if let Some((key, answer)) = ask.receipt {
                    add_receipt(&mut step.unit, key, 200, &answer(&occurrence), now);
                }
            }
            step.write_routine(&mut routine);
            match self.parts.store.commit(step.unit).await {
                Ok(_) if is_blocked => return Err(blocked(&routine, occurrence)),
                Ok(_) => return Ok(occurrence),
                Err(CommitError::Conflict { table: "routines", .. }) => {}
                Err(CommitError::Conflict { .. }) => return Err(EngineError::Contended),
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    /// Runs the occurrences of a time that is past, the earliest first, one after the other or, where
    /// the routine allows it, beside each other. Instants that were backfilled before are left out.
    ///
    /// # Errors
    /// [`EngineError::Field`] for a range that is none or not over; else as [`Self::run_routine_now`].
    pub async fn backfill_routine(
        &self,
        workspace: &WorkspaceId,
        id: &RoutineId,
        ask: Backfill<'_>,
    ) -> Result<Vec<Occurrence>, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let Read { mut routine, schedule, mut open, bound, found, rules, now } =
                self.read_routine(workspace, id).await?;
            check_range(&ask, now)?;
            check_enabled(&routine)?;
            let instants = self.to_backfill(&routine, &schedule, &ask).await?;
            let waiting = open.iter().filter(|occurrence| occurrence.mission_id.is_none()).count();
            if waiting + instants.len() > CATCH_UP_MAX as usize {
                return Err(full(&routine, &open));
            }
            let mut step = Step::new(self, ask.by.name, now);
            let on = Ground::new(&routine, &schedule, Means { bound: &bound, found: &found, rules: &rules }, now);
            if let (Some(_), Some(first)) = (on.blocked_by_policy(self), instants.first()) {
                // One row says it for all of them.
                let occurrence = self.new_occurrence(&on, now.max(*first), Trigger::RunNow);
                let occurrence = self.admit(&mut step, &on, occurrence, &mut open);
                self.parts.store.commit(step.unit).await.map_err(crate::engine::error::conflict_or_storage)?;
                return Err(blocked(&routine, occurrence));
            }
            let mut made = Vec::with_capacity(instants.len());
            for instant in instants {
                let mut occurrence = self.new_occurrence(&on, instant, Trigger::Backfill);
                occurrence.lateness_ms = now.millis_since(instant);
                made.push(self.admit(&mut step, &on, occurrence, &mut open));
            }
            if let Some((key, answer)) = ask.receipt {
                add_receipt(&mut step.unit, key, 200, &answer(&made), now);
            }
            step.write_routine(&mut routine);
            match self.parts.store.commit(step.unit).await {
                Ok(_) => return Ok(made),
                Err(CommitError::Conflict { table: "routines" | "occurrences" | "workspaces", .. }) => {}
                Err(CommitError::Conflict { .. }) => return Err(EngineError::Contended),
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    async fn read_routine(&self, workspace: &WorkspaceId, id: &RoutineId) -> Result<Read, EngineError> {
        let bound = self.bound(workspace).await?;
        let routine = self.routine(workspace, id).await?;
        let schedule = super::save::plan(&routine.settings, routine.created_at)?;
        let open = self.parts.store.open_occurrences(workspace, &[id]).await?;
        let found = self.found_for(&routine).await;
        let rules = self.rules_of(workspace).await?;
        Ok(Read { routine, schedule, open, bound, found, rules, now: self.now() })
    }

    /// The instants of the range that were not backfilled before.
    async fn to_backfill(
        &self,
        routine: &Routine,
        schedule: &Schedule,
        ask: &Backfill<'_>,
    ) -> Result<Vec<Timestamp>, EngineError> {
        let max = ask.max_runs as usize;
        let mut after = Timestamp(ask.from.as_millis().saturating_sub(1));
        let mut found = Vec::new();
        while found.len() < max {
            let page: Vec<Timestamp> = schedule.occurrences(after, ask.to, max).collect();
            let Some(last) = page.last() else { break };
            after = *last;
            let slots: Vec<Slot> = page.iter().map(|instant| Slot::backfilled(*instant)).collect();
            let taken = self.parts.store.occurrences_in(&routine.workspace_id, &routine.id, &slots).await?;
            let is_free = |instant: &Timestamp| {
                let slot = Slot::backfilled(*instant);
                taken.iter().all(|occurrence| occurrence.slot != slot)
            };
            found.extend(page.into_iter().filter(is_free));
        }
        found.truncate(max);
        Ok(found)
    }
}

fn check_enabled(routine: &Routine) -> Result<(), EngineError> {
    if routine.status == RoutineStatus::Enabled {
        return Ok(());
    }
    Err(EngineError::RoutineNotEnabled { id: routine.id.to_string(), status: routine.status })
}

fn check_range(ask: &Backfill<'_>, now: Timestamp) -> Result<(), FieldError> {
    if ask.to < ask.from {
        return Err(FieldError::new("to_ms", "lies before `from_ms`"));
    }
    if ask.to > now {
        return Err(FieldError::new("to_ms", "lies in the future; what is to come fires by itself"));
    }
    if !(1..=CATCH_UP_MAX).contains(&ask.max_runs) {
        return Err(FieldError::new("max_runs", format!("is {}; it is 1 to {CATCH_UP_MAX}", ask.max_runs)));
    }
    Ok(())
}

fn full(routine: &Routine, open: &[Occurrence]) -> EngineError {
    let waiting = open.iter().filter(|occurrence| occurrence.mission_id.is_none()).count();
    EngineError::RoutineFull { id: routine.id.to_string(), waiting }
}

fn blocked(routine: &Routine, occurrence: Occurrence) -> EngineError {
    let reason = occurrence.reason.unwrap_or_default();
    EngineError::RoutineBlocked { id: routine.id.to_string(), run_id: occurrence.id.to_string(), reason }
}

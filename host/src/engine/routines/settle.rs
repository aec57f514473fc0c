//! How an occurrence goes on with its mission, and what follows for its routine when it is over.
//!
//! The first is part of the mission's own unit of work, so that no occurrence is forgotten; the
//! second is a row's flag that the scheduler picks up, so that missions never wait for routines.

use std::collections::HashMap;

use futures_util::{StreamExt as _, stream};

use super::ROUTINES;
use super::fire::Key;
use super::launch::{Ground, Means};
use super::step::Step;
use crate::domain::event::Input;
use crate::domain::mission::{Mission, MissionStatus};
use crate::domain::routine::{Occurrence, OccurrenceState, Routine, RoutineStatus};
use crate::domain::time::Timestamp;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire;

/// Most occurrences told of in one look.
const PAGE: u32 = 500;
/// Routines whose units are on their way at once.
const AT_ONCE: usize = 256;

impl Engine {
    /// Has the occurrence whose work `mission` does, if there is one, stand where the mission does;
    /// part of the unit in which `input` moves the mission.
    pub(in crate::engine) async fn follow_mission(
        &self,
        unit: &mut Unit,
        mission: &Mission,
        input: &Input,
    ) -> Result<(), EngineError> {
        if mission.created_by != ROUTINES {
            return Ok(());
        }
        let Some(mut occurrence) = self.parts.store.occurrence_of_mission(&mission.id).await? else { return Ok(()) };
        let state = match mission.status {
            MissionStatus::Draft => return Ok(()),
            MissionStatus::Running => OccurrenceState::Running,
            MissionStatus::Paused => OccurrenceState::Paused,
            MissionStatus::Succeeded => OccurrenceState::Succeeded,
            MissionStatus::Failed => OccurrenceState::Failed,
            MissionStatus::Canceled => OccurrenceState::Canceled,
        };
        // What was denied or called off before its mission heard of it stays so.
        if !occurrence.state.is_open() || occurrence.state == state {
            return Ok(());
        }
        unit.guards.push(Guard::occurrence(
            &occurrence.workspace_id,
            &occurrence.routine_id,
            &occurrence.slot,
            Some(occurrence.revision),
        ));
        occurrence.revision += 1;
        occurrence.state = state;
        // A reducer need not repeat why somebody called it off.
        occurrence.reason = mission.reason.clone().or_else(|| said(input));
        occurrence.started_at = occurrence.started_at.or(mission.started_at);
        if !state.is_open() {
            occurrence.finished_at = Some(input.occurred_at);
            occurrence.untold = true;
        }
        unit.writes.push(Write::Occurrence(Box::new(occurrence)));
        Ok(())
    }

    /// Wakes whoever tells routines, when `mission` is a routine's and over.
    pub(in crate::engine) fn note_mission(&self, mission: &Mission) {
        if mission.created_by == ROUTINES && mission.status.is_final() {
            self.parts.occurrences_over.note(Timestamp(0));
        }
    }

    /// Tells routines of occurrences that are over: failures are counted, and what waited behind them
    /// begins. How many occurrences there were; of some, somebody else may have told meanwhile.
    ///
    /// # Errors
    /// The first routine's that could not be told; the others were.
    pub async fn tell_routines(&self) -> Result<usize, EngineError> {
        let untold = self.parts.store.untold_occurrences(PAGE).await?;
        if untold.is_empty() {
            return Ok(0);
        }
        let count = untold.len();
        let mut open = self.open_by_routine(untold.iter().map(|of| (&of.workspace_id, &of.routine_id))).await?;
        let mut by_routine: HashMap<Key, Vec<Occurrence>> = HashMap::new();
        for occurrence in untold {
            let key = (occurrence.workspace_id.clone(), occurrence.routine_id.clone());
            by_routine.entry(key).or_default().push(occurrence);
        }
        let tell: Vec<_> = by_routine
            .into_iter()
            .map(|(key, over)| {
                let open = open.remove(&key).unwrap_or_default();
                self.tell_routine(key, over, open)
            })
            .collect();
        let results: Vec<_> = stream::iter(tell).buffer_unordered(AT_ONCE).collect().await;
        results.into_iter().collect::<Result<(), _>>()?;
        Ok(count)
    }

    async fn tell_routine(
        &self,
        (workspace_id, id): Key,
        over: Vec<Occurrence>,
        mut open: Vec<Occurrence>,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let mut step = Step::new(self, ROUTINES, now);
        let mut routine = self.parts.store.routine(&workspace_id, &id).await?;
        let bound = self.bound(&workspace_id).await?;
        for mut occurrence in over {
            occurrence.untold = false;
            step.write_occurrence(&mut occurrence);
            match &mut routine {
                Some(routine) => {
                    count_failures(routine, occurrence.state);
                    step.tell_finished(routine, &occurrence);
                }
                None => step.note_finished(&occurrence),
            }
        }
        if let Some(routine) = &mut routine {
            if let Some(failures) = too_many_failures(routine) {
                routine.status = RoutineStatus::Paused;
                routine.status_reason = Some(format!("{failures} runs failed one after the other"));
                routine.next_fire_at = None;
                routine.updated_at = now;
                step.tell_updated(routine, "failures");
            }
            // What waits behind an unreadable schedule waits for somebody to mend it.
            if let Ok(schedule) = routine.settings.plan(routine.created_at) {
                let found = self.found_for(routine).await;
                let rules = self.rules_of(&routine.workspace_id).await?;
                let on = Ground::new(routine, &schedule, Means { bound: &bound, found: &found, rules: &rules }, now);
                self.go_on(&mut step, &on, &mut open);
            }
            step.write_routine(routine);
        }
        match self.parts.store.commit(step.unit).await {
            // Whoever changed one of the rows meanwhile left the others for the next look.
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}

/// The reason that an input names.
fn said(input: &Input) -> Option<String> {
    wire::value_of(&input.data).get("reason")?.as_str().map(str::to_owned)
}

fn count_failures(routine: &mut Routine, state: OccurrenceState) {
    match state {
        OccurrenceState::Succeeded => routine.failures_in_a_row = 0,
        OccurrenceState::Failed => routine.failures_in_a_row = routine.failures_in_a_row.saturating_add(1),
        // What a person or a policy ended says nothing about the work.
        _ => {}
    }
}

fn too_many_failures(routine: &Routine) -> Option<u32> {
    let max = routine.settings.pause_after_failures?;
    let failures = routine.failures_in_a_row;
    (routine.status == RoutineStatus::Enabled && failures >= max).then_some(failures)
}

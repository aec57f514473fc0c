//! Makes, changes and deletes routines.
//!
//! What an agent makes or changes is a draft: only a person enables it, and only a person loosens
//! what keeps it from the outside world.

use super::launch::{Ground, Means};
use super::step::{Step, end};
use super::template::Found;
use super::{ATTEMPTS_MAX, NewRoutine, ResumeMissed, RoutineActor, RoutineChange, entrypoint};
use crate::domain::event::InputKind;
use crate::domain::id::{RoutineId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::routine::{
    CATCH_UP_MAX, CreatorType, GRACE_MAX_MS, Misfire, OPEN_MAX, Occurrence, OccurrenceState, Overlap, Routine,
    RoutineSettings, RoutineStatus, WINDOW_MAX_MS, check_id,
};
use crate::domain::schedule::{Schedule, jitter_of};
use crate::domain::time::Timestamp;
use crate::engine::advance::add_receipt;
use crate::engine::error::conflict_or_storage;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Write};
use crate::wire::FieldError;

/// Longest name, in characters.
const NAME_MAX_CHARS: usize = 200;

impl Engine {
    /// Makes a routine. It fires from now on: what its schedule has of the past is not made up for.
    ///
    /// # Errors
    /// [`EngineError::RoutineTaken`]; [`EngineError::RoutineSchedule`]; [`EngineError::Field`];
    /// [`EngineError::RoutineDraft`]; storage.
    pub async fn create_routine(&self, new: NewRoutine<'_>) -> Result<Routine, EngineError> {
        let NewRoutine { workspace_id, id, settings, enabled, by, maker, receipt } = new;
        if let Some(id) = &id {
            check_id(id.as_str()).map_err(|error| FieldError::new("id", error.to_string()))?;
        }
        check_draft(by, None, &settings)?;
        let is_draft = by.is_agent() || maker.creator_type == CreatorType::Agent;
        let now = self.now();
        let found = self.find_named(workspace_id, &settings.entrypoint, false).await;
        let (schedule, external_side_effects) = check(&settings, &found, now, now)?;
        let mut routine = Routine {
            workspace_id: workspace_id.clone(),
            id: id.unwrap_or_else(|| RoutineId::new(self.new_id(RoutineId::PREFIX))),
            status: if enabled && !is_draft { RoutineStatus::Enabled } else { RoutineStatus::Disabled },
            status_reason: None,
            settings,
            external_side_effects,
            template: found.digest(),
            creator_type: maker.creator_type,
            creator_id: maker.creator_id.to_owned(),
            owner: maker.owner.to_owned(),
            edition: 1,
            cursor: now,
            next_fire_at: None,
            last_fired_at: None,
            last_run: None,
            failures_in_a_row: 0,
            created_at: now,
            updated_at: now,
            revision: 1,
        };
        routine.next_fire_at = next_fire(&routine, &schedule);
        let mut step = Step::new(self, by.name, now);
        step.unit.guards.push(Guard::routine(workspace_id, &routine.id, None));
        step.unit.writes.push(Write::Routine(Box::new(routine.clone())));
        step.tell_created(&routine);
        if let Some((key, answer)) = receipt {
            add_receipt(&mut step.unit, key, 201, &answer(&routine), now);
        }
        match self.parts.store.commit(step.unit).await {
            Ok(_) => self.note_next(&routine),
            Err(CommitError::Conflict { table: "routines", .. }) => {
                return Err(EngineError::RoutineTaken { id: routine.id.to_string() });
            }
            Err(error) => return Err(conflict_or_storage(error)),
        }
        Ok(routine)
    }

    /// A routine.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; storage.
    pub async fn routine(&self, workspace: &WorkspaceId, id: &RoutineId) -> Result<Routine, EngineError> {
        let found = self.parts.store.routine(workspace, id).await?;
        found.ok_or_else(|| EngineError::NotFound { what: "routine", id: id.to_string() })
    }

    /// Changes what a routine says or where it stands. A schedule that changes counts from now on.
    ///
    /// # Errors
    /// [`EngineError::Revision`]; else as [`Self::create_routine`] and [`Self::routine`].
    pub async fn change_routine(
        &self,
        workspace: &WorkspaceId,
        id: &RoutineId,
        change: RoutineChange<'_>,
    ) -> Result<Routine, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let before = self.routine(workspace, id).await?;
            if let Some(expected) = change.if_revision.filter(|expected| *expected != before.revision) {
                return Err(EngineError::Revision { expected, current: before.revision });
            }
            match self.try_change(before, &change).await {
                Err(EngineError::Contended) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_change(&self, before: Routine, change: &RoutineChange<'_>) -> Result<Routine, EngineError> {
        let now = self.now();
        let found = self.found_after(&before, change).await;
        let (mut routine, schedule, reason) = changed(&before, change, &found, now)?;
        let mut step = Step::new(self, change.by.name, now);
        if routine.status == RoutineStatus::Enabled && before.status != RoutineStatus::Enabled {
            let bound = self.bound(&routine.workspace_id).await?;
            let mut open = self.parts.store.open_occurrences(&routine.workspace_id, &[&routine.id]).await?;
            let rules = self.rules_of(&routine.workspace_id).await?;
            let on = Ground::new(&routine, &schedule, Means { bound: &bound, found: &found, rules: &rules }, now);
            self.go_on(&mut step, &on, &mut open);
        }
        step.write_routine(&mut routine);
        step.tell_updated(&routine, reason);
        if let Some((key, answer)) = change.receipt {
            add_receipt(&mut step.unit, key, 200, &answer(&routine), now);
        }
        self.parts.store.commit(step.unit).await.map_err(conflict_or_storage)?;
        self.note_next(&routine);
        Ok(routine)
    }

    /// What the entrypoint names once `change` is made: as long as it stays what it is, a text that was a
    /// template's name remains one, and one that was none does not become one.
    async fn found_after(&self, before: &Routine, change: &RoutineChange<'_>) -> Found {
        match &change.settings {
            Some(settings) if settings.entrypoint != before.settings.entrypoint => {
                self.find_named(&before.workspace_id, &settings.entrypoint, false).await
            }
            _ => self.found_for(before).await,
        }
    }

    /// Deletes a routine. What runs goes on to its end; what waits is called off.
    ///
    /// # Errors
    /// As [`Self::routine`].
    pub async fn delete_routine(
        &self,
        workspace: &WorkspaceId,
        id: &RoutineId,
        by: RoutineActor<'_>,
    ) -> Result<(), EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let routine = self.routine(workspace, id).await?;
            let now = self.now();
            let mut step = Step::new(self, by.name, now);
            for mut occurrence in self.parts.store.open_occurrences(workspace, &[id]).await? {
                self.withdraw(&mut step, &mut occurrence, by.name);
            }
            step.unit.guards.push(Guard::routine(workspace, id, Some(routine.revision)));
            step.unit.writes.push(Write::DeleteRoutine(workspace.clone(), id.clone()));
            step.tell_deleted(&routine);
            match self.parts.store.commit(step.unit).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    /// Calls an occurrence off that waits for its predecessor or for a person.
    fn withdraw(&self, step: &mut Step<'_>, occurrence: &mut Occurrence, actor: &str) {
        let asks = occurrence.state == OccurrenceState::ApprovalRequired;
        if let Some(mission_id) = occurrence.mission_id.as_ref().filter(|_| asks) {
            let data = Json::from_valid(r#"{"reason":"its routine was deleted"}"#);
            let kind = InputKind::MissionCanceled;
            let input = self.mission_input(&occurrence.workspace_id, mission_id, kind, data, actor);
            step.unit.writes.push(Write::Input(input));
        }
        if asks || occurrence.mission_id.is_none() {
            end(occurrence, OccurrenceState::Canceled, "its routine was deleted", step.now);
            step.write_occurrence(occurrence);
            step.note_finished(occurrence);
        }
    }

    fn note_next(&self, routine: &Routine) {
        if let Some(next) = routine.next_fire_at {
            self.parts.fires.note(next);
        }
    }
}

/// When it happens.
pub(super) fn plan(settings: &RoutineSettings, created_at: Timestamp) -> Result<Schedule, EngineError> {
    settings.plan(created_at).map_err(|fault| EngineError::RoutineSchedule { fault: Box::new(fault) })
}

/// What `change` makes of a routine, and what is told of it in a word.
fn changed(
    before: &Routine,
    change: &RoutineChange<'_>,
    found: &Found,
    now: Timestamp,
) -> Result<(Routine, Schedule, &'static str), EngineError> {
    let mut routine = before.clone();
    let mut reason = "edited";
    let edit = change.settings.as_ref().filter(|settings| **settings != before.settings);
    let schedule = match edit {
        None => plan(&before.settings, before.created_at)?,
        Some(settings) => {
            check_draft(change.by, Some(&before.settings), settings)?;
            let (schedule, external_side_effects) = check(settings, found, before.created_at, now)?;
            routine.settings = settings.clone();
            routine.template = found.digest();
            routine.external_side_effects = external_side_effects;
            routine.edition += 1;
            if happens_differently(&before.settings, settings) {
                routine.cursor = now;
            }
            if change.by.is_agent() && before.status == RoutineStatus::Enabled {
                routine.status = RoutineStatus::Disabled;
                routine.status_reason = Some("an agent changed it; a person has to enable it again".to_owned());
                reason = "disabled";
            }
            schedule
        }
    };
    if let Some(status) = change.status.filter(|status| *status != routine.status) {
        if status == RoutineStatus::Enabled && change.by.is_agent() {
            return Err(EngineError::RoutineDraft { member: "status" });
        }
        reason = match status {
            RoutineStatus::Enabled => "enabled",
            RoutineStatus::Disabled => "disabled",
            RoutineStatus::Paused => "paused",
        };
        if status == RoutineStatus::Enabled {
            routine.failures_in_a_row = 0;
            let is_policys = change.resume_missed == ResumeMissed::Policy && before.status == RoutineStatus::Paused;
            if !is_policys {
                routine.cursor = now;
            }
        }
        routine.status = status;
        routine.status_reason.clone_from(&change.status_reason);
    }
    routine.next_fire_at = next_fire(&routine, &schedule);
    routine.updated_at = now;
    Ok((routine, schedule, reason))
}

/// When it fires next, as it stands.
fn next_fire(routine: &Routine, schedule: &Schedule) -> Option<Timestamp> {
    if routine.status != RoutineStatus::Enabled {
        return None;
    }
    let jitter_ms = jitter_of(routine.id.as_str(), routine.settings.jitter_ms).unwrap_or(0);
    Some(schedule.next(routine.cursor)?.plus_millis(jitter_ms))
}

fn happens_differently(a: &RoutineSettings, b: &RoutineSettings) -> bool {
    let when = |settings: &RoutineSettings| {
        let RoutineSettings { schedule, timezone, exclude, starts_at, ends_at, .. } = settings.clone();
        (schedule, timezone, exclude, starts_at, ends_at)
    };
    when(a) != when(b)
}

/// Refuses an agent's wish to loosen what keeps a routine in check.
fn check_draft(
    by: RoutineActor<'_>,
    before: Option<&RoutineSettings>,
    settings: &RoutineSettings,
) -> Result<(), EngineError> {
    if !by.is_agent() {
        return Ok(());
    }
    if settings.external_integrations_allowed && !before.is_some_and(|before| before.external_integrations_allowed) {
        return Err(EngineError::RoutineDraft { member: "external_integrations_allowed" });
    }
    if !settings.requires_approval && before.is_none_or(|before| before.requires_approval) {
        return Err(EngineError::RoutineDraft { member: "requires_approval" });
    }
    Ok(())
}

/// Checks everything that a routine says; when it happens, and whether it reaches the outside world.
fn check(
    settings: &RoutineSettings,
    found: &Found,
    created_at: Timestamp,
    now: Timestamp,
) -> Result<(Schedule, bool), EngineError> {
    let chars = settings.name.chars().count();
    if settings.name.trim().is_empty() || chars > NAME_MAX_CHARS || settings.name.contains('\0') {
        let message = format!("has {chars} characters; 1 to {NAME_MAX_CHARS} are allowed, not only blanks");
        return Err(FieldError::new("name", message).into());
    }
    check_policies(settings)?;
    let schedule = plan(settings, created_at)?;
    if schedule.next(now).is_none() {
        let message = "never happens from now on; look at it with `routine preview`";
        return Err(FieldError::new("schedule", message).into());
    }
    Ok((schedule, entrypoint::check(settings, found)?))
}

fn check_policies(settings: &RoutineSettings) -> Result<(), FieldError> {
    let out_of = |field: &str, given: u64, range: std::ops::RangeInclusive<u64>| {
        if range.contains(&given) {
            return Ok(());
        }
        Err(FieldError::new(field, format!("is {given}; it is {} to {}", range.start(), range.end())))
    };
    match settings.misfire {
        Misfire::Skip { grace_ms } => out_of("misfire_policy.grace_ms", grace_ms, 0..=GRACE_MAX_MS)?,
        Misfire::RunOnce { window_ms } => out_of("misfire_policy.window_ms", window_ms, 1..=WINDOW_MAX_MS)?,
        Misfire::CatchUp { max_runs } => {
            out_of("misfire_policy.max_runs", max_runs.into(), 1..=CATCH_UP_MAX.into())?;
        }
    }
    match settings.overlap {
        Overlap::Queue { max } => out_of("queue_max", max.into(), 1..=OPEN_MAX.into())?,
        Overlap::Allow { max } => out_of("allow_max", max.into(), 1..=OPEN_MAX.into())?,
        Overlap::Skip | Overlap::CancelPrevious => {}
    }
    match settings.pause_after_failures {
        Some(0) => Err(FieldError::new("pause_after_failures", "is 0; leave it out to never pause")),
        _ => Ok(()),
    }
}

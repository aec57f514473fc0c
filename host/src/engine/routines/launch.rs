//! How an occurrence begins: policy first, then its place among those that are not over, then its
//! mission, and with it the question for a person where one has to be asked.

use std::sync::OnceLock;

use serde_json::json;

use super::entrypoint::{self, Work};
use super::step::{Step, end};
use super::template::Found;
use super::{ROUTINES, approve};
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::event::{Input, InputKind};
use crate::domain::id::{EventId, MissionId, OccurrenceId, WorkspaceId};
use crate::domain::routine::{
    Occurrence, OccurrenceState, Placement, Routine, RoutineStatus, Slot, Trigger, may_start, place,
};
use crate::domain::schedule::{Schedule, Zone};
use crate::domain::time::Timestamp;
use crate::engine::missions::Pinned;
use crate::engine::policy::SideEffectJudged;
use crate::engine::told::LogWriter;
use crate::engine::{Bound, Engine};
use crate::policy::{Asker, Denial, Effect, Rules, SideEffect};
use crate::store::Write;
use crate::wire::{self, FieldError};

/// What missions of a routine are made with.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    /// What the workspace binds.
    pub(super) bound: &'a Bound,
    /// What its entrypoint names.
    pub(super) found: &'a Found,
    /// The policies that hold.
    pub(super) rules: &'a Rules,
}

/// What policy says of what a routine reaches outside.
struct Judged {
    effect: SideEffect,
    verdict: SideEffectJudged,
    /// What policies that are only observed would have denied.
    observed: Option<Denial>,
}

/// What an occurrence begins with.
pub(super) struct Ground<'a> {
    pub(super) routine: &'a Routine,
    pub(super) schedule: &'a Schedule,
    pub(super) now: Timestamp,
    means: Means<'a>,
    /// Whether it reaches the outside world, by its settings or by its template as it is now.
    reaches_outside: bool,
    /// What policy says of that, asked once.
    judged: OnceLock<Judged>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(routine: &'a Routine, schedule: &'a Schedule, means: Means<'a>, now: Timestamp) -> Self {
        let reaches_outside =
            routine.external_side_effects || entrypoint::template_reaches_outside(&routine.settings, means.found);
        Self { routine, schedule, now, means, reaches_outside, judged: OnceLock::new() }
    }

    /// Why the routine may not run now at all.
    pub(super) fn blocked_by_policy(&self, engine: &Engine) -> Option<&str> {
        let verdict = &self.judged(engine)?.verdict;
        (verdict.effect == Effect::Denied).then_some(verdict.reason.as_str())
    }

    /// What policy says of what it would reach outside; `None` for one that reaches nothing.
    fn judged(&self, engine: &Engine) -> Option<&Judged> {
        self.reaches_outside.then(|| self.judged.get_or_init(|| self.judge(engine)))
    }

    fn judge(&self, engine: &Engine) -> Judged {
        let effect = entrypoint::side_effect(&self.routine.settings, self.means.found);
        let asker = asker_of(self.routine);
        let (verdict, observed) = engine.judge_by(self.means.rules, &self.routine.workspace_id, &asker, &effect);
        Judged { effect, verdict, observed }
    }
}

/// A routine, as policies know it.
fn asker_of(routine: &Routine) -> Asker {
    Asker::Routine {
        id: routine.id.to_string(),
        creator_type: routine.creator_type.as_str(),
        external_integrations_allowed: routine.settings.external_integrations_allowed,
        requires_approval: routine.settings.requires_approval,
    }
}

impl Engine {
    /// An occurrence that is yet to be placed.
    pub(super) fn new_occurrence(&self, on: &Ground<'_>, scheduled_at: Timestamp, trigger: Trigger) -> Occurrence {
        let id = OccurrenceId::new(self.new_id(OccurrenceId::PREFIX));
        let slot = match trigger {
            Trigger::Schedule | Trigger::CatchUp => Slot::scheduled(scheduled_at),
            Trigger::Backfill => Slot::backfilled(scheduled_at),
            Trigger::RunNow => Slot::asked(&id),
        };
        Occurrence {
            workspace_id: on.routine.workspace_id.clone(),
            routine_id: on.routine.id.clone(),
            slot,
            id,
            scheduled_at,
            local: on.schedule.line(scheduled_at).local,
            zone: on.schedule.zone().name().to_owned(),
            tzdata: Zone::tzdata_version().to_owned(),
            trigger,
            state: OccurrenceState::Queued,
            reason: None,
            lateness_ms: 0,
            missed_count: None,
            missed_since: None,
            edition: on.routine.edition,
            template: None,
            mission_id: None,
            approval_id: None,
            fired_at: on.now,
            started_at: None,
            finished_at: None,
            untold: false,
            revision: 1,
        }
    }

    /// Places an occurrence that is not there yet among those that are `open`, begins it if it is its
    /// turn, and writes it down.
    pub(super) fn admit(
        &self,
        step: &mut Step<'_>,
        on: &Ground<'_>,
        mut occurrence: Occurrence,
        open: &mut Vec<Occurrence>,
    ) -> Occurrence {
        // Only what somebody asked for has a reason yet.
        let asked_because = occurrence.reason.clone();
        if let Some(reason) = on.blocked_by_policy(self) {
            end(&mut occurrence, OccurrenceState::Blocked, reason, on.now);
            step.add_occurrence(&occurrence);
            step.tell_blocked(on.routine, &occurrence);
            step.unit.audit.push(blocked_entry(on.routine, &occurrence, on.now));
            return occurrence;
        }
        let placement = place(on.routine.settings.overlap, occurrence.trigger, open);
        match placement {
            Placement::Drop => {
                end(&mut occurrence, OccurrenceState::Skipped, "an earlier run is not over", on.now);
                step.add_occurrence(&occurrence);
                step.tell_skipped(on.routine, &occurrence);
                return occurrence;
            }
            Placement::Wait => occurrence.reason = Some("an earlier run is not over".to_owned()),
            Placement::Start | Placement::StartInstead => {
                if placement == Placement::StartInstead {
                    self.call_off(step, open, &format!("run `{}` takes its place", occurrence.id));
                }
                self.launch(step, on, &mut occurrence);
            }
        }
        step.add_occurrence(&occurrence);
        step.tell_fired(on.routine, &occurrence, asked_because.as_deref());
        if occurrence.state == OccurrenceState::ApprovalRequired {
            step.tell_approval_required(on.routine, &occurrence);
        }
        if occurrence.state.is_open() {
            open.push(occurrence.clone());
        }
        occurrence
    }

    /// Begins of those that wait as many as may, the oldest first.
    pub(super) fn go_on(&self, step: &mut Step<'_>, on: &Ground<'_>, open: &mut [Occurrence]) {
        let begun = open.iter().filter(|occurrence| occurrence.mission_id.is_some()).count();
        let mut places = may_start(on.routine.settings.overlap, begun);
        let is_enabled = on.routine.status == RoutineStatus::Enabled;
        for occurrence in open.iter_mut().filter(|occurrence| occurrence.mission_id.is_none()) {
            let is_asked_for = matches!(occurrence.trigger, Trigger::RunNow | Trigger::Backfill);
            if places == 0 || !(is_enabled || is_asked_for) {
                continue;
            }
            occurrence.edition = on.routine.edition;
            if let Some(reason) = on.blocked_by_policy(self) {
                end(occurrence, OccurrenceState::Blocked, reason, on.now);
                step.write_occurrence(occurrence);
                step.tell_blocked(on.routine, occurrence);
                continue;
            }
            occurrence.reason = None;
            self.launch(step, on, occurrence);
            places -= usize::from(occurrence.state.is_open());
            step.write_occurrence(occurrence);
            if occurrence.state == OccurrenceState::ApprovalRequired {
                step.tell_approval_required(on.routine, occurrence);
            }
        }
    }

    /// Makes an occurrence's mission, started or, where a person has to say yes, waiting.
    fn launch(&self, step: &mut Step<'_>, on: &Ground<'_>, occurrence: &mut Occurrence) {
        if let Err(error) = self.try_launch(step, on, occurrence) {
            // What was saved was checked; a newer version may be stricter.
            end(occurrence, OccurrenceState::Failed, format!("no mission can be made of it: {error}"), on.now);
            occurrence.untold = true;
        }
    }

    fn try_launch(&self, step: &mut Step<'_>, on: &Ground<'_>, occurrence: &mut Occurrence) -> Result<(), FieldError> {
        let routine = on.routine;
        let work: Work = entrypoint::work_of(&routine.settings, on.means.found, Some(occurrence))?;
        let bound = on.means.bound;
        bound.check_signed().map_err(|error| FieldError::new("bindings", error.to_string()))?;
        let id = self.new_mission_id();
        let bindings = bound.pins(&id, work.has_gates);
        let pinned = Pinned { id: &id, bindings: &bindings };
        let judged = on.judged(self);
        let asks = judged.is_some_and(|of| of.verdict.effect == Effect::Approval);
        let made = self.made_mission(&routine.workspace_id, work.request, pinned, !asks, ROUTINES, on.now)?;
        occurrence.mission_id = Some(made.mission.id.clone());
        occurrence.template = on.means.found.digest();
        occurrence.state = OccurrenceState::Queued;
        step.unit.guards.extend([made.guard, bound.guard()]);
        step.unit.writes.extend(made.writes);
        step.unit.events.extend(made.events);
        if let Some(Judged { effect, observed: Some(denial), .. }) = judged {
            let mut log = LogWriter::of_workspace(self, &routine.workspace_id, None, ROUTINES, on.now);
            log.side_effect_observed(&asker_of(routine), effect, denial);
            step.unit.events.extend(log.into_events());
        }
        if asks {
            occurrence.state = OccurrenceState::ApprovalRequired;
            occurrence.reason = Some("it has external side effects; a person has to say yes".to_owned());
            let approval = self.question(routine, occurrence, &made.mission.id, on.now);
            occurrence.approval_id = Some(approval.id.clone());
            let mut log = LogWriter::of_mission(self, &routine.workspace_id, &made.mission.id, ROUTINES, on.now);
            log.approval_requested(&approval);
            step.unit.events.extend(log.into_events());
            step.unit.writes.push(Write::Approval(approval));
        }
        Ok(())
    }

    fn question(
        &self,
        routine: &Routine,
        occurrence: &Occurrence,
        mission_id: &MissionId,
        now: Timestamp,
    ) -> crate::domain::approval::Approval {
        let expires_at = now.plus_millis(self.parts.options.approval_ttl_ms.min(approve::TTL_MAX_MS));
        let id = crate::domain::id::ApprovalId::new(self.new_id(crate::domain::id::ApprovalId::PREFIX));
        approve::question(id, routine, occurrence, mission_id, expires_at, now)
    }

    /// Has the missions of what is open called off; how each occurrence ends is known when its mission has.
    pub(super) fn call_off(&self, step: &mut Step<'_>, open: &[Occurrence], reason: &str) {
        for occurrence in open {
            if let Some(mission_id) = &occurrence.mission_id {
                let data = wire::json_of(&json!({"reason": reason}));
                let input = self.mission_input(
                    &occurrence.workspace_id,
                    mission_id,
                    InputKind::MissionCanceled,
                    data,
                    ROUTINES,
                );
                step.unit.writes.push(Write::Input(input));
            }
        }
    }

    /// Something a mission of a routine is told.
    pub(super) fn mission_input(
        &self,
        workspace_id: &WorkspaceId,
        mission_id: &MissionId,
        kind: InputKind,
        data: crate::domain::json::Json,
        actor: &str,
    ) -> Input {
        Input {
            id: EventId::new(self.new_id(EventId::PREFIX)),
            workspace_id: workspace_id.clone(),
            mission_id: mission_id.clone(),
            kind,
            work_item_id: None,
            run_id: None,
            data,
            occurred_at: self.now(),
            actor: actor.to_owned(),
        }
    }
}

/// The audit's entry for what policy kept from running.
fn blocked_entry(routine: &Routine, occurrence: &Occurrence, now: Timestamp) -> NewAuditEntry {
    NewAuditEntry {
        workspace_id: routine.workspace_id.clone(),
        at: now,
        actor: ROUTINES.to_owned(),
        action: "routine.run".to_owned(),
        resource: format!("routine/{}", routine.id),
        outcome: AuditOutcome::Denied,
        detail: wire::json_of(&json!({"run_id": occurrence.id.as_str(), "reason": occurrence.reason})),
    }
}

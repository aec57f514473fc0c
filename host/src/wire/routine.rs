//! Routines and their runs: requests read into settings, nouns written as answers.
//!
//! It says which members a kind of policy has; how large a number may be, and what an entrypoint may
//! hold, is judged by the engine when settings are saved.

use serde_json::Value;

use sluice_api::routine::{CreateRoutine, MisfireView, PatchRoutine, RoutineHistoryEntry, RoutineView};
use sluice_api::routine_run::RoutineRunView;

use super::history::{json_of, value_of};
use super::mission::{FieldError, budgets_from_view, budgets_view};
use super::schedule::{ScheduleProblem, ScheduleTerms, ZONE_DEFAULT, read_schedule, schedule_spec, schedule_view};
use crate::domain::id::{ApprovalId, MissionId, OccurrenceId};
use crate::domain::json::Json;
use crate::domain::routine::{
    ALLOW_MAX_DEFAULT, GRACE_DEFAULT_MS, Misfire, OPEN_MAX, Occurrence, OccurrenceState, Overlap, QUEUE_MAX_DEFAULT,
    Routine, RoutineEntry, RoutineSettings, WINDOW_DEFAULT_MS,
};
use crate::domain::time::Timestamp;

/// What a request says of a new routine; an interval without an anchor counts from `now`.
///
/// # Errors
/// The first member at fault.
pub fn settings_of(request: CreateRoutine, now: Timestamp) -> Result<RoutineSettings, ScheduleProblem> {
    check_schedule(&request, now)?;
    let misfire = request.misfire_policy.as_ref().map(read_misfire).transpose()?;
    Ok(RoutineSettings {
        name: request.name,
        schedule: schedule_spec(&request.schedule)?,
        timezone: request.timezone.unwrap_or_else(|| ZONE_DEFAULT.to_owned()),
        exclude: request.exclude,
        jitter_ms: request.jitter_ms.unwrap_or(0),
        starts_at: request.starts_at_ms.map(Timestamp),
        ends_at: request.ends_at_ms.map(Timestamp),
        misfire: misfire.unwrap_or_default(),
        overlap: read_overlap(request.overlap_policy.as_deref(), request.overlap_max, Overlap::default())?,
        entrypoint: json_of(&request.entrypoint),
        args: json_of(&request.args),
        budgets: budgets_from_view(&request.budgets),
        capabilities: request.capabilities,
        requires_approval: request.requires_approval.unwrap_or(true),
        external_integrations_allowed: request.external_integrations_allowed.unwrap_or(false),
        pause_after_failures: request.pause_after_failures,
    })
}

/// The engine judges schedules too; read here, a fault is told with the member as it was written.
fn check_schedule(request: &CreateRoutine, now: Timestamp) -> Result<(), ScheduleProblem> {
    let terms = ScheduleTerms {
        schedule: &request.schedule,
        timezone: request.timezone.as_deref(),
        exclude: &request.exclude,
        starts_at_ms: request.starts_at_ms,
        ends_at_ms: request.ends_at_ms,
    };
    read_schedule(terms, now).map(drop)
}

/// Lays what a change says over settings.
///
/// # Errors
/// The first member at fault.
pub fn lay_over(settings: &mut RoutineSettings, patch: PatchRoutine) -> Result<(), ScheduleProblem> {
    if let Some(given) = &patch.schedule {
        let terms =
            ScheduleTerms { schedule: given, timezone: None, exclude: &[], starts_at_ms: None, ends_at_ms: None };
        read_schedule(terms, Timestamp(0))?;
        settings.schedule = schedule_spec(given)?;
    }
    if let Some(misfire) = &patch.misfire_policy {
        settings.misfire = read_misfire(misfire)?;
    }
    settings.overlap = read_overlap(patch.overlap_policy.as_deref(), patch.overlap_max, settings.overlap)?;
    settings.name = patch.name.unwrap_or_else(|| std::mem::take(&mut settings.name));
    settings.timezone = patch.timezone.unwrap_or_else(|| std::mem::take(&mut settings.timezone));
    settings.exclude = patch.exclude.unwrap_or_else(|| std::mem::take(&mut settings.exclude));
    settings.jitter_ms = patch.jitter_ms.map_or(settings.jitter_ms, Option::unwrap_or_default);
    settings.starts_at = patch.starts_at_ms.map_or(settings.starts_at, |at| at.map(Timestamp));
    settings.ends_at = patch.ends_at_ms.map_or(settings.ends_at, |at| at.map(Timestamp));
    settings.pause_after_failures = patch.pause_after_failures.unwrap_or(settings.pause_after_failures);
    settings.requires_approval = patch.requires_approval.unwrap_or(settings.requires_approval);
    settings.external_integrations_allowed =
        patch.external_integrations_allowed.unwrap_or(settings.external_integrations_allowed);
    if let Some(entrypoint) = &patch.entrypoint {
        settings.entrypoint = json_of(entrypoint);
    }
    if let Some(args) = &patch.args {
        settings.args = json_of(args);
    }
    if let Some(budgets) = &patch.budgets {
        settings.budgets = budgets_from_view(budgets);
    }
    if let Some(capabilities) = patch.capabilities {
        settings.capabilities = capabilities;
    }
    Ok(())
}

fn read_misfire(view: &MisfireView) -> Result<Misfire, FieldError> {
    let MisfireView { kind, grace_ms, window_ms, max_runs } = view;
    let (misfire, own) = match &**kind {
        "skip" => (Misfire::Skip { grace_ms: grace_ms.unwrap_or(GRACE_DEFAULT_MS) }, "grace_ms"),
        "run_once" => (Misfire::RunOnce { window_ms: window_ms.unwrap_or(WINDOW_DEFAULT_MS) }, "window_ms"),
        "catch_up" => {
            let missing = || FieldError::new("misfire_policy.max_runs", "is missing; `catch_up` says how many");
            (Misfire::CatchUp { max_runs: max_runs.ok_or_else(missing)? }, "max_runs")
        }
        other => {
            let message = format!("is `{other}`; expected one of skip, run_once, catch_up");
            return Err(FieldError::new("misfire_policy.type", message));
        }
    };
    let given =
        [("grace_ms", grace_ms.is_some()), ("window_ms", window_ms.is_some()), ("max_runs", max_runs.is_some())];
    match given.into_iter().find(|(name, is_given)| *is_given && *name != own) {
        Some((name, _)) => {
            Err(FieldError::new(format!("misfire_policy.{name}"), format!("`{kind}` has none; it has `{own}`")))
        }
        None => Ok(misfire),
    }
}

/// The policy of a word and a number, each of which may be left as it is.
fn read_overlap(word: Option<&str>, max: Option<u32>, before: Overlap) -> Result<Overlap, FieldError> {
    let kept = |word: &str| match before {
        Overlap::Queue { max } | Overlap::Allow { max } if before.as_str() == word => Some(max),
        _ => None,
    };
    let word = word.unwrap_or(before.as_str());
    let max_or = |default| max.or_else(|| kept(word)).unwrap_or(default);
    let overlap = match word {
        "skip" => Overlap::Skip,
        "cancel_previous" => Overlap::CancelPrevious,
        "queue" => Overlap::Queue { max: max_or(QUEUE_MAX_DEFAULT) },
        "allow" => Overlap::Allow { max: max_or(ALLOW_MAX_DEFAULT) },
        other => {
            let message = format!("is `{other}`; expected one of skip, queue, allow, cancel_previous");
            return Err(FieldError::new("overlap_policy", message));
        }
    };
    if max.is_some() && matches!(overlap, Overlap::Skip | Overlap::CancelPrevious) {
        return Err(FieldError::new("overlap_max", format!("`{word}` has none; `queue` and `allow` have one")));
    }
    if let Some(max) = max.filter(|max| !(1..=OPEN_MAX).contains(max)) {
        return Err(FieldError::new("overlap_max", format!("is {max}; it is 1 to {OPEN_MAX}")));
    }
    Ok(overlap)
}

/// A routine.
pub fn routine_view(routine: &Routine) -> RoutineView {
    let settings = &routine.settings;
    // What was saved was judged then, by the same rules.
    let meaning = settings.plan(routine.created_at).map(|schedule| schedule.meaning()).unwrap_or_default();
    RoutineView {
        id: routine.id.to_string(),
        name: settings.name.clone(),
        status: routine.status.to_string(),
        status_reason: routine.status_reason.clone(),
        schedule: schedule_view(&settings.schedule, routine.created_at),
        meaning,
        timezone: settings.timezone.clone(),
        exclude: settings.exclude.clone(),
        misfire_policy: misfire_view(settings.misfire),
        overlap_policy: settings.overlap.as_str().to_owned(),
        overlap_max: match settings.overlap {
            Overlap::Queue { max } | Overlap::Allow { max } => Some(max),
            Overlap::Skip | Overlap::CancelPrevious => None,
        },
        jitter_ms: Some(settings.jitter_ms).filter(|jitter| *jitter > 0),
        starts_at_ms: settings.starts_at.map(Timestamp::as_millis),
        ends_at_ms: settings.ends_at.map(Timestamp::as_millis),
        entrypoint: value_of(&settings.entrypoint),
        template_digest: routine.template.as_ref().map(ToString::to_string),
        args: value_of(&settings.args),
        budgets: budgets_view(&settings.budgets),
        capabilities: settings.capabilities.clone(),
        creator_type: routine.creator_type.to_string(),
        creator_id: routine.creator_id.clone(),
        owner: routine.owner.clone(),
        requires_approval: settings.requires_approval,
        external_integrations_allowed: settings.external_integrations_allowed,
        external_side_effects: routine.external_side_effects,
        pause_after_failures: settings.pause_after_failures,
        failures_in_a_row: routine.failures_in_a_row,
        next_fire_at_ms: routine.next_fire_at.map(Timestamp::as_millis),
        last_fired_at_ms: routine.last_fired_at.map(Timestamp::as_millis),
        last_run: routine.last_run.as_ref().map(OccurrenceId::to_string),
        created_at_ms: routine.created_at.as_millis(),
        updated_at_ms: routine.updated_at.as_millis(),
        revision: routine.revision,
    }
}

fn misfire_view(misfire: Misfire) -> MisfireView {
    let view = MisfireView { kind: misfire.as_str().to_owned(), grace_ms: None, window_ms: None, max_runs: None };
    match misfire {
        Misfire::Skip { grace_ms } => MisfireView { grace_ms: Some(grace_ms), ..view },
        Misfire::RunOnce { window_ms } => MisfireView { window_ms: Some(window_ms), ..view },
        Misfire::CatchUp { max_runs } => MisfireView { max_runs: Some(max_runs), ..view },
    }
}

/// What an open run waits for, in the words that runs of missions have too.
pub fn waiting_for(occurrence: &Occurrence) -> Option<&'static str> {
    match occurrence.state {
        OccurrenceState::ApprovalRequired => Some("approval"),
        OccurrenceState::Queued if occurrence.mission_id.is_none() => Some("dependency"),
        OccurrenceState::Queued => Some("worker"),
        _ => None,
    }
}

/// A run of a routine.
pub fn routine_run_view(occurrence: &Occurrence) -> RoutineRunView {
    RoutineRunView {
        id: occurrence.id.to_string(),
        run_id: occurrence.id.to_string(),
        routine_id: occurrence.routine_id.to_string(),
        status: occurrence.state.to_string(),
        reason: occurrence.reason.clone(),
        waiting_for: waiting_for(occurrence).map(str::to_owned),
        trigger: occurrence.trigger.to_string(),
        scheduled_at_ms: occurrence.scheduled_at.as_millis(),
        local: occurrence.local.clone(),
        timezone: occurrence.zone.clone(),
        tzdata: occurrence.tzdata.clone(),
        lateness_ms: occurrence.lateness_ms,
        missed_count: occurrence.missed_count,
        missed_since_ms: occurrence.missed_since.map(Timestamp::as_millis),
        template_digest: occurrence.template.as_ref().map(ToString::to_string),
        mission_id: occurrence.mission_id.as_ref().map(MissionId::to_string),
        approval_id: occurrence.approval_id.as_ref().map(ApprovalId::to_string),
        fired_at_ms: occurrence.fired_at.as_millis(),
        started_at_ms: occurrence.started_at.map(Timestamp::as_millis),
        finished_at_ms: occurrence.finished_at.map(Timestamp::as_millis),
    }
}

/// A line of a routine's history.
pub fn routine_entry_view(entry: &RoutineEntry) -> RoutineHistoryEntry {
    RoutineHistoryEntry {
        event: entry.event.to_string(),
        ts_ms: entry.at.as_millis(),
        run_id: entry.run_id.as_ref().map(OccurrenceId::to_string),
        scheduled_at_ms: entry.scheduled_at.map(Timestamp::as_millis),
        trigger: entry.trigger.map_or_else(|| entry.actor.clone(), |trigger| trigger.to_string()),
        actor: entry.actor.clone(),
        detail: in_one_line(&entry.detail),
        data: value_of(&entry.detail),
    }
}

/// `status failed, reason no worker came`: the members of an object one after the other.
fn in_one_line(detail: &Json) -> Option<String> {
    let Value::Object(members) = value_of(detail) else { return None };
    let parts: Vec<String> = members
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn create(mut more: Value) -> CreateRoutine {
        let mut request = json!({"name": "n", "schedule": "@daily", "entrypoint": "do it"});
        request.as_object_mut().unwrap().append(more.as_object_mut().unwrap());
        serde_json::from_value(request).unwrap()
    }

    fn field(more: Value) -> String {
        match settings_of(create(more), Timestamp(0)).unwrap_err() {
            ScheduleProblem::Field(error) => error.field,
            ScheduleProblem::Fault { field, .. } => field,
        }
    }

    #[test]
    fn what_is_not_said_is_careful() {
        let settings = settings_of(create(json!({})), Timestamp(0)).unwrap();
        assert_eq!((settings.requires_approval, settings.external_integrations_allowed), (true, false));
        assert_eq!((settings.misfire, settings.overlap), (Misfire::default(), Overlap::Skip));
        assert_eq!(settings.timezone, "UTC");
    }

    #[test]
    fn each_policy_has_its_own_members() {
        assert_eq!(field(json!({"misfire_policy": {"type": "catch_up"}})), "misfire_policy.max_runs");
        assert_eq!(field(json!({"misfire_policy": {"type": "skip", "max_runs": 1}})), "misfire_policy.max_runs");
        assert_eq!(field(json!({"misfire_policy": {"type": "drop"}})), "misfire_policy.type");
        assert_eq!(field(json!({"overlap_policy": "run"})), "overlap_policy");
        assert_eq!(field(json!({"overlap_policy": "skip", "overlap_max": 3})), "overlap_max");
        assert_eq!(field(json!({"timezone": "Mars"})), "timezone");
        assert_eq!(field(json!({"starts_at_ms": 5, "ends_at_ms": 5})), "ends_at_ms");
        assert_eq!(field(json!({"exclude": ["02-30"]})), "exclude");
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let queue = json!({"overlap_policy": "queue", "overlap_max": 3, "ends_at_ms": 9, "jitter_ms": 4});
        let before = settings_of(create(queue), Timestamp(0)).unwrap();
        let patched = |patch: Value| {
            let mut settings = before.clone();
            lay_over(&mut settings, serde_json::from_value(patch).unwrap()).map(|()| settings)
        };
        assert_eq!(patched(json!({})).unwrap(), before);
        assert_eq!(patched(json!({"overlap_max": 5})).unwrap().overlap, Overlap::Queue { max: 5 });
        assert_eq!(patched(json!({"overlap_policy": "queue"})).unwrap().overlap, Overlap::Queue { max: 3 });
        assert_eq!(patched(json!({"overlap_policy": "allow"})).unwrap().overlap, Overlap::Allow { max: 10 });
        let cleared = patched(json!({"ends_at_ms": null, "jitter_ms": null})).unwrap();
        assert_eq!((cleared.ends_at, cleared.jitter_ms), (None, 0));
        let wrong = patched(json!({"schedule": "61 * * * *"})).unwrap_err();
        assert_eq!(wrong.expression().map(|fault| fault.at), Some(0));
    }
}

//! One unit of work about a routine: what it writes, and what it tells the log and the history.

use serde_json::{Map, Value, json};

use crate::domain::event::NewLogEvent;
use crate::domain::event_type::EventType;
use crate::domain::id::{EventId, RunId};
use crate::domain::routine::{Dropped, HistoryEvent, Occurrence, OccurrenceState, Routine, RoutineEntry};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::store::{Guard, Unit, Write};
use crate::wire;

/// A unit that grows.
pub(super) struct Step<'e> {
    engine: &'e Engine,
    actor: String,
    pub(super) now: Timestamp,
    pub(super) unit: Unit,
}

/// Something to be told.
struct Telling<'o> {
    event: Option<EventType>,
    history: HistoryEvent,
    occurrence: Option<&'o Occurrence>,
    detail: Map<String, Value>,
}

impl<'e> Step<'e> {
    pub(super) fn new(engine: &'e Engine, actor: &str, now: Timestamp) -> Self {
        Self { engine, actor: actor.to_owned(), now, unit: Unit::default() }
    }

    /// Writes `routine`, which was read at the revision it has, as the next one.
    pub(super) fn write_routine(&mut self, routine: &mut Routine) {
        self.unit.guards.push(Guard::routine(&routine.workspace_id, &routine.id, Some(routine.revision)));
        routine.revision += 1;
        self.unit.writes.push(Write::Routine(Box::new(routine.clone())));
    }

    /// Writes an occurrence that is not there yet.
    pub(super) fn add_occurrence(&mut self, occurrence: &Occurrence) {
        self.guard_occurrence(occurrence, None);
        self.unit.writes.push(Write::Occurrence(Box::new(occurrence.clone())));
    }

    /// Writes an occurrence that was read at the revision it has, as the next one.
    pub(super) fn write_occurrence(&mut self, occurrence: &mut Occurrence) {
        self.guard_occurrence(occurrence, Some(occurrence.revision));
        occurrence.revision += 1;
        self.unit.writes.push(Write::Occurrence(Box::new(occurrence.clone())));
    }

    fn guard_occurrence(&mut self, of: &Occurrence, revision: Option<u64>) {
        self.unit.guards.push(Guard::occurrence(&of.workspace_id, &of.routine_id, &of.slot, revision));
    }

    pub(super) fn tell_created(&mut self, routine: &Routine) {
        let detail = members(json!({"name": routine.settings.name, "status": routine.status.as_str()}));
        self.tell(routine, EventType::RoutineCreated, HistoryEvent::Created, None, detail);
    }

    pub(super) fn tell_deleted(&mut self, routine: &Routine) {
        self.tell(routine, EventType::RoutineDeleted, HistoryEvent::Deleted, None, Map::new());
    }

    /// It, or how it stands, changed because of `reason`.
    pub(super) fn tell_updated(&mut self, routine: &Routine, reason: &str) {
        let detail = members(json!({
            "status": routine.status.as_str(),
            "next_fire_at_ms": routine.next_fire_at.map(Timestamp::as_millis),
            "reason": reason,
        }));
        self.tell(routine, EventType::RoutineUpdated, HistoryEvent::Updated, None, detail);
    }

    /// It fired; `because` is why somebody asked for it.
    pub(super) fn tell_fired(&mut self, routine: &Routine, occurrence: &Occurrence, because: Option<&str>) {
        let mut detail = members(json!({
            "status": occurrence.state.as_str(),
            "lateness_ms": occurrence.lateness_ms,
            "reason": because,
        }));
        if let (Some(count), Some(since)) = (occurrence.missed_count, occurrence.missed_since) {
            detail.insert("missed_count".to_owned(), count.into());
            detail.insert("missed_since_ms".to_owned(), since.as_millis().into());
        }
        self.tell(routine, EventType::RoutineFired, HistoryEvent::Fired, Some(occurrence), detail);
    }

    pub(super) fn tell_approval_required(&mut self, routine: &Routine, occurrence: &Occurrence) {
        let approval_id = occurrence.approval_id.as_ref().map(ToString::to_string);
        let detail = members(json!({"approval_id": approval_id, "reason": occurrence.reason}));
        let (event, history) = (EventType::RoutineApprovalRequired, HistoryEvent::ApprovalRequired);
        self.tell(routine, event, history, Some(occurrence), detail);
    }

    pub(super) fn tell_blocked(&mut self, routine: &Routine, occurrence: &Occurrence) {
        let detail = members(json!({"reason": occurrence.reason}));
        self.tell(routine, EventType::RoutineBlocked, HistoryEvent::Blocked, Some(occurrence), detail);
    }

    /// Occurrences were too late; `row` stands for them.
    pub(super) fn tell_missed(&mut self, routine: &Routine, row: &Occurrence, dropped: Dropped) {
        let detail = members(json!({
            "reason": dropped.reason.as_str(),
            "count": dropped.count,
            "first_ms": dropped.first.as_millis(),
            "last_ms": dropped.last.as_millis(),
        }));
        self.tell(routine, EventType::RoutineMissed, HistoryEvent::Missed, Some(row), detail);
    }

    /// An occurrence was dropped because an earlier one is not over.
    pub(super) fn tell_skipped(&mut self, routine: &Routine, occurrence: &Occurrence) {
        let at = occurrence.scheduled_at.as_millis();
        let detail = members(json!({"reason": "overlap", "count": 1, "first_ms": at, "last_ms": at}));
        self.tell(routine, EventType::RoutineMissed, HistoryEvent::Missed, Some(occurrence), detail);
    }

    /// An occurrence is over.
    pub(super) fn tell_finished(&mut self, routine: &Routine, occurrence: &Occurrence) {
        let state = occurrence.state.as_str();
        let detail = members(json!({
            "status": state,
            "reason": format!("run_{state}"),
            "detail": occurrence.reason,
            "next_fire_at_ms": routine.next_fire_at.map(Timestamp::as_millis),
        }));
        self.tell(routine, EventType::RoutineUpdated, HistoryEvent::Finished, Some(occurrence), detail);
    }

    /// An occurrence of a routine that is gone is over: only its history says so.
    pub(super) fn note_finished(&mut self, occurrence: &Occurrence) {
        let detail = members(json!({"status": occurrence.state.as_str(), "detail": occurrence.reason}));
        let telling = Telling { event: None, history: HistoryEvent::Finished, occurrence: Some(occurrence), detail };
        self.push(&occurrence.workspace_id.clone(), &occurrence.routine_id.clone(), telling);
    }

    fn tell(
        &mut self,
        routine: &Routine,
        event: EventType,
        history: HistoryEvent,
        occurrence: Option<&Occurrence>,
        detail: Map<String, Value>,
    ) {
        let telling = Telling { event: Some(event), history, occurrence, detail };
        self.push(&routine.workspace_id, &routine.id, telling);
    }

    fn push(
        &mut self,
        workspace_id: &crate::domain::id::WorkspaceId,
        routine_id: &crate::domain::id::RoutineId,
        telling: Telling<'_>,
    ) {
        let Telling { event, history, occurrence, detail } = telling;
        let id = EventId::new(self.engine.new_id(EventId::PREFIX));
        self.unit.writes.push(Write::RoutineEntry(RoutineEntry {
            workspace_id: workspace_id.clone(),
            routine_id: routine_id.clone(),
            id: id.clone(),
            event: history,
            at: self.now,
            run_id: occurrence.map(|of| of.id.clone()),
            scheduled_at: occurrence.map(|of| of.scheduled_at),
            trigger: occurrence.map(|of| of.trigger),
            actor: self.actor.clone(),
            detail: wire::json_of(&detail),
        }));
        let Some(event) = event else { return };
        let mut properties = members(json!({"routine_id": routine_id.as_str()}));
        if let Some(of) = occurrence {
            properties.insert("run_id".to_owned(), of.id.as_str().into());
            properties.insert("trigger".to_owned(), of.trigger.as_str().into());
            properties.insert("scheduled_at_ms".to_owned(), of.scheduled_at.as_millis().into());
            if let Some(mission_id) = &of.mission_id {
                properties.insert("mission_id".to_owned(), mission_id.as_str().into());
            }
        }
        properties.extend(detail);
        self.unit.events.push(NewLogEvent {
            event_id: id,
            event_type: event.as_str().to_owned(),
            workspace_id: workspace_id.clone(),
            session_id: None,
            run_id: occurrence.map(|of| RunId::new(of.id.as_str())),
            mission_id: occurrence.and_then(|of| of.mission_id.clone()),
            resource_key: None,
            actor: self.actor.clone(),
            occurred_at: self.now,
            properties: wire::json_of(&properties),
        });
    }
}

/// Ends an occurrence that has no mission, or whose mission is told to end.
pub(super) fn end(occurrence: &mut Occurrence, state: OccurrenceState, reason: impl Into<String>, now: Timestamp) {
    occurrence.state = state;
    occurrence.reason = Some(reason.into());
    occurrence.finished_at = Some(now);
}

/// The members of an object; absent ones are left out.
fn members(value: Value) -> Map<String, Value> {
    let Value::Object(mut members) = value else { return Map::new() };
    members.retain(|_, value| !value.is_null());
    members
}

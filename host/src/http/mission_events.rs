//! What clients may tell a mission, and by which right: starting and stopping is control,
//! observations are told, a person's answer is an answer, and a run's end is its worker's word.

use sluice_api::mission::{MissionEvent, MissionEventRequest};
use sluice_api::work::FinishRequest;

use super::access::Caller;
use super::host::Host;
use super::json;
use super::problem::{self, Problem};
use crate::domain::event::InputKind;
use crate::domain::id::{ApprovalId, RunId};
use crate::domain::mission::Mission;
use crate::domain::receipt::ReceiptKey;
use crate::engine::{Advanced, Decision, NewEvent};
use crate::policy::Action;

/// Carries out an event that a client posted.
///
/// # Errors
/// 400 for an event of another mission, 403, 409 when the mission refuses it or is at another
/// revision, 422 naming the member.
pub(super) async fn post(
    host: &Host,
    caller: &Caller,
    mission: &Mission,
    body: MissionEventRequest,
    receipt: Option<ReceiptKey>,
) -> Result<Advanced, Problem> {
    let MissionEventRequest { event, if_revision } = body;
    let kind = kind_of(&event)?;
    let event = of_this_mission(event, mission)?;
    let resource = format!("mission/{}", mission.id);
    match kind {
        InputKind::ApprovalGranted | InputKind::ApprovalDenied => {
            return answer(host, caller, mission, kind, event, if_revision).await;
        }
        InputKind::RunFinished => return finish(host, caller, mission, event, if_revision).await,
        InputKind::MissionStarted
        | InputKind::MissionPaused
        | InputKind::MissionResumed
        | InputKind::MissionCanceled
        | InputKind::TimerFired => {
            caller.allow_action(Action::MissionControl, &resource, Some(&mission.created_by)).await?;
        }
        InputKind::RunStarted | InputKind::ToolObserved | InputKind::ResourceChanged | InputKind::WorkItemsProposed => {
        }
        InputKind::MissionCreated
        | InputKind::RunClaimed
        | InputKind::ReducerChanged
        | InputKind::RunInterrupted
        | InputKind::GateVerdict
        | InputKind::ApprovalExpired => {
            let detail = format!("event.type: only the host tells a mission `{kind}`");
            return Err(Problem::field("event.type", detail));
        }
    }
    let new = NewEvent { kind, data: event.data, if_revision, receipt };
    Ok(host.engine.post_event_if(mission, new, caller.name()).await?)
}

/// Whether everything about the event that may change meanwhile is judged when it is applied; what
/// goes by another row first has to be looked at as it stands in storage.
pub(super) fn is_judged_by_its_board(body: &MissionEventRequest) -> bool {
    !matches!(kind_of(&body.event), Ok(InputKind::ApprovalGranted | InputKind::ApprovalDenied | InputKind::RunFinished))
}

fn kind_of(event: &MissionEvent) -> Result<InputKind, Problem> {
    event.kind.parse().map_err(|error| Problem::field("event.type", format!("event.type: {error}")))
}

/// The event without the mission it names, which has to be this one.
fn of_this_mission(mut event: MissionEvent, mission: &Mission) -> Result<MissionEvent, Problem> {
    match event.data.remove("mission_id") {
        Some(named) if named.as_str() != Some(mission.id.as_str()) => {
            let detail = format!("event.mission_id: is {named}; the path says `{}`", mission.id);
            Err(Problem::new(problem::MISSION_EVENT_MISMATCH, detail).with("field", "event.mission_id"))
        }
        _ => Ok(event),
    }
}

fn text_member(event: &MissionEvent, name: &str) -> Result<String, Problem> {
    let text = event.data.get(name).and_then(|value| value.as_str());
    text.map(str::to_owned).ok_or_else(|| {
        let field = format!("event.{name}");
        Problem::field(&field, format!("{field}: is missing; `{}` needs it, as text", event.kind))
    })
}

fn check_revision(mission: &Mission, if_revision: Option<u64>) -> Result<(), Problem> {
    match if_revision {
        Some(expected) if expected != mission.revision => {
            Err(crate::engine::EngineError::Revision { expected, current: mission.revision }.into())
        }
        _ => Ok(()),
    }
}

/// The same act as answering the approval, with the same right.
async fn answer(
    host: &Host,
    caller: &Caller,
    mission: &Mission,
    kind: InputKind,
    event: MissionEvent,
    if_revision: Option<u64>,
) -> Result<Advanced, Problem> {
    let id = text_member(&event, "approval_id")?;
    let reason = event.data.get("reason").and_then(|reason| reason.as_str()).map(str::to_owned);
    let approval = super::approvals::find(host, caller, &id).await?;
    if approval.mission_id.as_ref() != Some(&mission.id) {
        return Err(Problem::not_found("approval", &id));
    }
    let resource = format!("approval/{id}");
    caller.allow_action(Action::ApprovalDecide, &resource, Some(&approval.requested_by)).await?;
    check_revision(mission, if_revision)?;
    let decision = if kind == InputKind::ApprovalGranted { Decision::Grant } else { Decision::Deny };
    host.engine
        .decide_approval(caller.workspace(), &ApprovalId::new(id), decision, caller.name(), reason, None)
        .await?;
    Ok(host.engine.advanced_by(mission, |entry| entry.kind == kind).await?)
}

/// The end of a run that the caller holds, or that nobody holds yet.
async fn finish(
    host: &Host,
    caller: &Caller,
    mission: &Mission,
    event: MissionEvent,
    if_revision: Option<u64>,
) -> Result<Advanced, Problem> {
    caller.allow_action(Action::RunClaim, &format!("mission/{}", mission.id), None).await?;
    check_revision(mission, if_revision)?;
    let run_id = RunId::new(text_member(&event, "run_id")?);
    let mut data = event.data;
    data.remove("run_id");
    data.remove("work_item_id");
    let request: FinishRequest = json::typed(serde_json::Value::Object(data))?;
    let report = super::runs::report_of(host, &run_id, request).await?;
    host.engine.finish_unheld(mission, &run_id, caller.name(), report).await?;
    let is_it = |entry: &crate::domain::event::HistoryEntry| {
        entry.kind == InputKind::RunFinished && entry.run_id.as_ref() == Some(&run_id)
    };
    Ok(host.engine.advanced_by(mission, is_it).await?)
}

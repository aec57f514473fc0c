//! Sessions: what events of many engines tell of their runs, and how a session's status is kept and
//! shown.
//!
//! Engines agree on few words. What is read here is what they write; what nobody knows is taken to
//! mean the least: a part of unknown type is output, a tool call in an unknown state is going.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use sluice_api::session::SessionStatusView;

use super::history::{json_of, value_of};
use crate::domain::event::LogEvent;
use crate::domain::event_type::EventType;
use crate::domain::id::RunId;
use crate::domain::json::Json;
use crate::domain::session_status::{
    CallTrace, End, Last, RunTrace, SessionState, SessionStatus, Stamp, Told, ToolCall, What,
};

/// Longest name of a tool or word for an end that is shown, and longest name of a call, in
/// characters.
const NAME_MAX_CHARS: usize = 128;

/// The types of events that tell of sessions.
pub const SESSION_EVENTS: &[EventType] = &[
    EventType::RunQueued,
    EventType::RunClaimed,
    EventType::RunStarted,
    EventType::RunProgress,
    EventType::RunInterrupted,
    EventType::RunFinished,
    EventType::PartUpdated,
];

/// What an event tells, and the sessions it tells it of: its own; for the host's own runs also that
/// of the run, which was there before a worker named another, and the one the run has left.
pub fn told_of_sessions(event: &LogEvent) -> Vec<(String, Told)> {
    let seq = event.seq;
    let event = &event.event;
    let (Some(session), Some(run_id)) = (&event.session_id, &event.run_id) else { return Vec::new() };
    let Some(event_type) = event.event_type.parse().ok().filter(|known| SESSION_EVENTS.contains(known)) else {
        return Vec::new();
    };
    let properties = value_of(&event.properties);
    // Only the host tells of runs of missions.
    let by_host = event.mission_id.is_some();
    let what = what_of(event_type, &properties);
    let told = Told { run_id: run_id.clone(), at: event.occurred_at, seq, by_host, event_type, what };
    let mut all = Vec::with_capacity(1);
    if by_host && session.as_str() != run_id.as_str() {
        all.push((run_id.to_string(), told.clone()));
    }
    let left = properties.get("left_session_id").and_then(Value::as_str);
    if let Some(left) = left.filter(|left| by_host && *left != run_id.as_str()) {
        all.push((left.to_owned(), Told { what: What::Left, ..told.clone() }));
    }
    all.push((session.clone(), told));
    all
}

fn what_of(event_type: EventType, properties: &Value) -> What {
    match event_type {
        EventType::RunQueued => What::Waits,
        EventType::RunInterrupted => What::Interrupted,
        EventType::RunFinished => What::Finished { result: result_of(properties) },
        EventType::PartUpdated => match properties.get("part").and_then(Value::as_object).and_then(tool_call) {
            Some(call) => What::Calls(call),
            None => What::Works,
        },
        _ => What::Works,
    }
}

/// How a run ended, in a word.
fn result_of(properties: &Value) -> Option<String> {
    let words = ["status", "outcome", "state", "result"].into_iter().filter_map(|name| word_of(properties.get(name)?));
    let word = words.into_iter().find(|word| !word.is_empty() && !word.contains(char::is_whitespace));
    let has_failed = properties.get("error").is_some_and(|error| !error.is_null());
    word.map(|word| short(&word)).or_else(|| has_failed.then(|| "failed".to_owned()))
}

/// A word, or that of an object such as `{"status":"running"}` or `{"type":"success"}`.
fn word_of(value: &Value) -> Option<String> {
    let inner = |object: &Map<String, Value>| {
        ["status", "state", "type"].into_iter().find_map(|name| object.get(name).cloned())
    };
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(object) => inner(object).and_then(|inner| inner.as_str().map(str::to_owned)),
        _ => None,
    }
}

/// Small letters and digits alone: `tool-call`, `tool_call` and `toolCall` are one word.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// States in which a call has ended, as [`plain`] words. Every other one is a call that goes on.
const ENDED: &[&str] = &[
    "completed",
    "complete",
    "done",
    "finished",
    "ended",
    "success",
    "succeeded",
    "successful",
    "ok",
    "result",
    "resolved",
    "output",
    "outputavailable",
    "outputerror",
    "outputdenied",
    "error",
    "errored",
    "failed",
    "failure",
    "canceled",
    "cancelled",
    "aborted",
    "denied",
    "rejected",
    "declined",
    "interrupted",
    "timeout",
    "timedout",
    "skipped",
    "killed",
];

/// What follows `tool-` in types of parts that do not name the tool there.
const KINDS_OF_TOOL_PARTS: &[&str] = &["invocation", "call", "use", "result", "output", "error"];

/// The tool call that a part is about.
fn tool_call(part: &Map<String, Value>) -> Option<ToolCall> {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let word = plain(kind);
    if !(word.starts_with("tool") || matches!(&*word, "dynamictool" | "functioncall" | "functioncalloutput")) {
        return None;
    }
    // Some engines keep all of it one level down.
    let nested = ["toolInvocation", "tool_invocation", "toolCall", "tool_call"];
    let nested = nested.into_iter().find_map(|name| part.get(name).and_then(Value::as_object));
    let find = |names: &[&str]| {
        let of = |object: &Map<String, Value>| {
            names.iter().find_map(|name| object.get(*name).filter(|v| !v.is_null()).cloned())
        };
        nested.and_then(of).or_else(|| of(part))
    };
    let name_of = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Object(object) => object.get("name").and_then(Value::as_str).map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let id = find(&["call_id", "callID", "callId", "tool_call_id", "toolCallID", "toolCallId", "tool_use_id", "id"]);
    let tool = find(&["tool", "tool_name", "toolName", "name"]).and_then(name_of);
    // Or the tool stands in the type: `tool-grep`.
    let typed = kind.strip_prefix("tool-").filter(|rest| !KINDS_OF_TOOL_PARTS.contains(rest)).map(str::to_owned);
    let tool = tool.or(typed);
    let state = find(&["state", "status"]).and_then(|state| word_of(&state)).map(|state| plain(&state));
    let is_answer = ["result", "output", "error"].iter().any(|end| word.starts_with("tool") && word.ends_with(end))
        || word == "functioncalloutput";
    let has_ended = match &state {
        Some(state) if !state.is_empty() => is_answer || ENDED.contains(&&**state),
        _ => is_answer || find(&["result", "output", "error"]).is_some(),
    };
    Some(ToolCall {
        id: id.and_then(name_of).filter(|id| !id.is_empty()).map(|id| short(&id)),
        tool: tool.map(|tool| short(&tool)).unwrap_or_default(),
        has_ended,
    })
}

/// A text of another's as it may be stored and shown: cut, and without characters that move a
/// cursor.
fn short(text: &str) -> String {
    let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(NAME_MAX_CHARS).map(shown).collect()
}

/// How a session stands, for whoever reads `run/{session_id}/status`.
pub fn session_status_view(session_id: &str, status: &SessionStatus) -> Option<SessionStatusView> {
    let shown = status.shown()?;
    Some(SessionStatusView {
        session_id: session_id.to_owned(),
        run_id: shown.run_id.to_string(),
        state: shown.state.to_string(),
        phase: shown.phase().to_string(),
        tool_active: shown.tool.is_some(),
        tool: shown.tool.filter(|tool| !tool.is_empty()).map(str::to_owned),
        result: shown.result.map(str::to_owned),
        event_type: shown.event_type.to_string(),
    })
}

/// A stamp: its order and its place in the log.
type StampDoc = [u64; 2];

#[derive(Serialize, Deserialize)]
struct StatusDoc {
    runs: Vec<RunDoc>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct RunDoc {
    id: String,
    began: StampDoc,
    last: StampDoc,
    event: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interrupted: Option<StampDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<(StampDoc, Option<String>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallDoc>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<u64>,
}

/// Id, tool, began, runs, ended.
type CallDoc = (Option<String>, String, StampDoc, Option<StampDoc>, Option<StampDoc>);

fn doc_of(stamp: Stamp) -> StampDoc {
    [stamp.order, stamp.seq]
}

fn stamp_of([order, seq]: StampDoc) -> Stamp {
    Stamp { order, seq }
}

/// What is known of a session, as the store keeps it.
pub fn session_state(status: &SessionStatus) -> Json {
    let call = |call: &CallTrace| -> CallDoc {
        (call.id.clone(), call.tool.clone(), doc_of(call.began), call.runs.map(doc_of), call.ended.map(doc_of))
    };
    let run = |run: &RunTrace| RunDoc {
        id: run.run_id.to_string(),
        began: doc_of(run.began),
        last: doc_of(run.last.stamp),
        event: run.last.event_type.to_string(),
        state: run.last.state.to_string(),
        interrupted: run.interrupted.map(doc_of),
        end: run.end.as_ref().map(|end| (doc_of(end.stamp), end.result.clone())),
        calls: run.calls.iter().map(call).collect(),
        forgotten: run.forgotten.clone(),
    };
    json_of(&StatusDoc { runs: status.runs.iter().map(run).collect(), forgotten: status.forgotten.clone() })
}

/// What [`session_state`] wrote; `None` for anything else.
pub fn read_session_state(state: &Json) -> Option<SessionStatus> {
    let doc: StatusDoc = serde_json::from_str(state.as_str()).ok()?;
    let call = |(id, tool, began, runs, ended): CallDoc| CallTrace {
        id,
        tool,
        began: stamp_of(began),
        runs: runs.map(stamp_of),
        ended: ended.map(stamp_of),
    };
    let run = |run: RunDoc| {
        let state: SessionState = run.state.parse().ok()?;
        Some(RunTrace {
            run_id: RunId::new(run.id),
            began: stamp_of(run.began),
            last: Last { stamp: stamp_of(run.last), event_type: run.event.parse().ok()?, state },
            interrupted: run.interrupted.map(stamp_of),
            end: run.end.map(|(stamp, result)| End { stamp: stamp_of(stamp), result }),
            calls: run.calls.into_iter().map(call).collect(),
            forgotten: run.forgotten,
        })
    };
    let runs = doc.runs.into_iter().map(run).collect::<Option<Vec<_>>>()?;
    Some(SessionStatus { runs, forgotten: doc.forgotten })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::NewLogEvent;
    use crate::domain::id::{EventId, MissionId, WorkspaceId};
    use crate::domain::time::Timestamp;
    use serde_json::json;

    fn call(part: &Value) -> Option<(Option<String>, String, bool)> {
        tool_call(part.as_object().unwrap()).map(|call| (call.id, call.tool, call.has_ended))
    }

    #[test]
    fn tool_calls_are_understood_as_many_engines_write_them() {
        let is = |id: &str, tool: &str, has_ended| Some((Some(id.to_owned()), tool.to_owned(), has_ended));
        let cases = [
            (
                json!({"type": "tool", "callID": "c", "tool": "bash", "state": {"status": "running"}}),
                is("c", "bash", false),
            ),
            (
                json!({"type": "tool", "callID": "c", "tool": "bash", "state": {"status": "completed", "output": "x"}}),
                is("c", "bash", true),
            ),
            (
                json!({"type": "tool", "id": "p", "callID": "c", "tool": "bash", "state": {"status": "error"}}),
                is("c", "bash", true),
            ),
            (json!({"type": "tool", "id": "p", "name": "bash", "state": "pending"}), is("p", "bash", false)),
            (json!({"type": "tool_call", "id": 7, "tool_name": "bash"}), is("7", "bash", false)),
            (json!({"type": "tool-call", "toolCallId": "c", "toolName": "bash", "args": {}}), is("c", "bash", false)),
            (
                json!({"type": "tool-result", "toolCallId": "c", "toolName": "bash", "result": {}}),
                is("c", "bash", true),
            ),
            (json!({"type": "tool_result", "tool_use_id": "c", "content": "x"}), is("c", "", true)),
            (json!({"type": "tool_use", "id": "c", "name": "bash", "input": {}}), is("c", "bash", false)),
            (
                json!({"type": "tool-invocation", "toolInvocation": {"state": "call", "toolCallId": "c", "toolName": "bash"}}),
                is("c", "bash", false),
            ),
            (
                json!({"type": "tool-invocation", "toolInvocation": {"state": "result", "toolCallId": "c", "toolName": "bash"}}),
                is("c", "bash", true),
            ),
            (
                json!({"type": "tool-invocation", "call_id": "c", "tool": {"name": "bash"}, "state": "TIMED_OUT"}),
                is("c", "bash", true),
            ),
            (
                json!({"type": "dynamic-tool", "toolCallId": "c", "toolName": "bash", "state": "output-available"}),
                is("c", "bash", true),
            ),
            (json!({"type": "tool-bash", "toolCallId": "c", "state": "input-streaming"}), is("c", "bash", false)),
            (
                json!({"type": "function_call", "call_id": "c", "name": "bash", "status": "in_progress"}),
                is("c", "bash", false),
            ),
            (json!({"type": "function_call_output", "call_id": "c", "output": "x"}), is("c", "", true)),
            (json!({"type": "tool", "tool": "bash", "output": "x"}), Some((None, "bash".to_owned(), true))),
            (json!({"type": "tool", "tool": "ba\u{7}sh", "state": 7}), Some((None, "ba\u{fffd}sh".to_owned(), false))),
            (json!({"type": "text", "tool": "bash"}), None),
            (json!({"type": 5}), None),
            (json!({}), None),
        ];
        for (part, expected) in cases {
            assert_eq!(call(&part), expected, "{part}");
        }
        let long = json!({"type": "tool", "tool": "x".repeat(500)});
        assert_eq!(call(&long).unwrap().1.len(), NAME_MAX_CHARS);
    }

    #[test]
    fn how_a_run_ended_is_a_word() {
        let cases = [
            (json!({"status": "succeeded", "result": "ok"}), Some("succeeded")),
            (json!({"result": "a long answer", "outcome": "failed"}), Some("failed")),
            (json!({"status": {"type": "error"}}), Some("error")),
            (json!({"result": "a long answer"}), None),
            (json!({"error": {"message": "no"}}), Some("failed")),
            (json!({"error": null}), None),
            (json!(["x"]), None),
        ];
        for (properties, expected) in cases {
            assert_eq!(result_of(&properties).as_deref(), expected, "{properties}");
        }
    }

    #[test]
    fn the_host_tells_of_each_session_a_run_has_to_do_with() {
        let event = |mission: Option<&str>, kind: &str, properties: Value| LogEvent {
            seq: 3,
            event: NewLogEvent {
                event_id: EventId::new("evt_1"),
                event_type: kind.to_owned(),
                workspace_id: WorkspaceId::new("w"),
                session_id: Some("s".to_owned()),
                run_id: Some(RunId::new("r")),
                mission_id: mission.map(MissionId::new),
                resource_key: None,
                actor: "a".to_owned(),
                occurred_at: Timestamp(5),
                properties: json_of(&properties),
            },
        };
        let sessions = |event: LogEvent| {
            let told = told_of_sessions(&event).into_iter().map(|(session, told)| (session, told.what));
            told.collect::<Vec<_>>()
        };
        let of = |session: &str, what: &What| (session.to_owned(), what.clone());
        let left = json!({"left_session_id": "t"});
        let all = [of("r", &What::Works), of("t", &What::Left), of("s", &What::Works)];
        assert_eq!(sessions(event(Some("m"), "session.run.claimed", left.clone())), all);
        // Another engine speaks for its own session alone.
        assert_eq!(sessions(event(None, "session.run.claimed", left)), [of("s", &What::Works)]);
        assert_eq!(sessions(event(None, "gate.passed", json!({}))), []);
        assert_eq!(sessions(event(None, "message.part.updated", json!([]))), [of("s", &What::Works)]);
    }

    #[test]
    fn what_is_kept_of_a_session_is_read_as_it_was() {
        let mut status = SessionStatus::default();
        let mut take = |seq, run: &str, event_type, what| {
            status.take(&Told { run_id: RunId::new(run), at: Timestamp(seq), seq, by_host: false, event_type, what });
        };
        take(1, "a", EventType::RunQueued, What::Waits);
        take(2, "a", EventType::RunFinished, What::Finished { result: Some("failed".to_owned()) });
        take(3, "b", EventType::RunInterrupted, What::Interrupted);
        for (seq, id, has_ended) in [(4, Some("1"), false), (5, None, true)] {
            let call = ToolCall { id: id.map(str::to_owned), tool: "grep".to_owned(), has_ended };
            take(seq, "b", EventType::PartUpdated, What::Calls(call));
        }
        status.forgotten.push(u64::MAX);
        status.runs[1].forgotten.push(7);
        assert_eq!(read_session_state(&session_state(&status)), Some(status.clone()));
        assert_eq!(session_status_view("s", &status).unwrap().tool.as_deref(), Some("grep"));
        assert_eq!(read_session_state(&Json::from_valid("{}")), None);
    }
}

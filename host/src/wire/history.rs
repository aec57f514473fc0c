//! History entries and log events, and opaque JSON in both directions.

use serde::Serialize;
use serde_json::Value;

use sluice_api::command::CommandView;
use sluice_api::event::EventView;
use sluice_api::history::HistoryEntryView;

use crate::domain::event::{HistoryEntry, LogEvent};
use crate::domain::json::Json;

/// Text of `value`.
///
/// # Panics
/// Never for the types of `sluice-api`: they have text keys and no failing serialisers.
pub fn json_of(value: &impl Serialize) -> Json {
    match serde_json::to_string(value) {
        Ok(text) => Json::from_valid(text),
        Err(error) => unreachable_serialisation(&error),
    }
}

/// Text of `value` in canonical form: keys in the order of their bytes, no blanks. Two parties
/// that mean the same write the same, so that its digest can stand for it.
pub fn canonical_json(value: &Value) -> Json {
    let mut text = String::new();
    write_canonical(value, &mut text);
    Json::from_valid(text)
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by(|a, b| a.0.cmp(b.0));
            text.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(value, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

fn unreachable_serialisation(error: &serde_json::Error) -> ! {
    panic!("a wire type failed to serialise: {error}")
}

/// The value of opaque JSON; `null` for text that is none, which only damage explains.
pub(crate) fn value_of(json: &Json) -> Value {
    serde_json::from_str(json.as_str()).unwrap_or(Value::Null)
}

/// A history entry for people and programs.
pub fn entry_view(entry: &HistoryEntry) -> HistoryEntryView {
    HistoryEntryView {
        seq: entry.seq,
        event_id: entry.event_id.to_string(),
        kind: entry.kind.to_string(),
        work_item_id: entry.work_item_id.as_ref().map(ToString::to_string),
        run_id: entry.run_id.as_ref().map(ToString::to_string),
        data: value_of(&entry.data),
        occurred_at_ms: entry.occurred_at.as_millis(),
        actor: entry.actor.clone(),
        commands: commands_of(&entry.commands),
        disposition: entry.disposition.to_string(),
        refusal: entry.refusal.as_ref().map(value_of),
        reducer_digest: entry.reducer_digest.clone(),
        fuel: entry.fuel,
    }
}

fn commands_of(json: &Json) -> Vec<CommandView> {
    serde_json::from_str(json.as_str()).unwrap_or_default()
}

/// An event of the log for people and programs.
pub fn log_event_view(event: &LogEvent) -> EventView {
    let LogEvent { seq, event } = event;
    EventView {
        event_id: event.event_id.to_string(),
        seq: *seq,
        event_type: event.event_type.clone(),
        occurred_at_ms: event.occurred_at.as_millis(),
        workspace_id: event.workspace_id.to_string(),
        session_id: event.session_id.clone(),
        run_id: event.run_id.as_ref().map(ToString::to_string),
        mission_id: event.mission_id.as_ref().map(ToString::to_string),
        actor: event.actor.clone(),
        properties: value_of(&event.properties),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::artifact::Digest;

    /// What people said yes to is known by this digest, whatever order JSON is kept in.
    #[test]
    fn the_canonical_form_is_sorted_however_a_value_was_written() {
        let canonical = r#"{"A":true,"a":"10","b":{"a":[{"x":"é\"\\","y":null}],"z":1},"n":1.5}"#;
        for written in [
            canonical,
            r#"{"b": {"z": 1, "a": [{"y": null, "x": "é\"\\"}]}, "a": "10", "A": true, "n": 1.5}"#,
            r#"{"n": 1.5, "A": true, "b": {"a": [{"x": "\u00e9\"\\", "y": null}], "z": 1}, "a": "10"}"#,
        ] {
            let value = serde_json::from_str(written).expect("it is JSON");
            assert_eq!(canonical_json(&value).as_str(), canonical, "{written}");
        }
        let digest = Digest::of(canonical.as_bytes());
        assert_eq!(digest.as_str(), "9dd16d0225a104fc207ce2a10f21061cfae546b5a9968ed6c9a0ff0b7602af92");
    }
}

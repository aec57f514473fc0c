//! What is written to a stream, as text.

use std::fmt::Write as _;

use serde_json::{Value, json};

use sluice_api::event::EventView;

use crate::domain::event::LogEvent;
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;
use crate::wire;

/// Milliseconds after which a browser comes back.
const RETRY_MS: u64 = 1_000;

/// An event of the log as one frame.
pub(super) fn event(event: &LogEvent) -> String {
    of_view(&wire::log_event_view(event))
}

/// The same, with the value that the event gave a resource, if there is one.
pub(super) fn event_with_value(event: &LogEvent, value: Option<&Json>) -> String {
    of_view(&view_with_value(event, value))
}

/// An event with the value that it gave a resource, if there is one.
pub(super) fn view_with_value(event: &LogEvent, value: Option<&Json>) -> EventView {
    let mut view = wire::log_event_view(event);
    if let (Some(value), Value::Object(properties)) = (value, &mut view.properties) {
        properties.insert("value".to_owned(), wire::value_of(value));
    }
    view
}

fn of_view(view: &EventView) -> String {
    format!("id: {}\ndata: {}\n\n", view.seq, wire::json_of(view).as_str())
}

/// The first frame of a stream that begins after `seq`.
pub(super) fn ready(seq: u64, workspace: &WorkspaceId) -> String {
    let data = json!({"seq": seq, "workspace_id": workspace.as_str()});
    format!("retry: {RETRY_MS}\nevent: ready\ndata: {data}\n\n")
}

/// The client asked for events that are gone: it has to read the present `state` anew, and follows on
/// from `seq`.
pub(super) fn write_reset(oldest_seq: u64, seq: u64, state: &[String], text: &mut String) {
    let data = json!({"oldest_seq": oldest_seq, "snapshot": {"seq": seq, "read": state}});
    // A String takes every write.
    let _ = write!(text, "event: reset\ndata: {data}\n\n");
}

/// The log was read up to `seq`.
pub(super) fn write_bookmark(seq: u64, text: &mut String) {
    // A String takes every write.
    let _ = write!(text, "event: bookmark\ndata: {{\"seq\":{seq}}}\n\n");
}

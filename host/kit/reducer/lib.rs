//! {{name}}: a reducer that works a mission's items one after another.
//!
//! A reducer is told each event of a mission, reads the board and issues commands. It keeps no state: whatever it
//! needs to know later stands on the board. It enforces nothing: the host checks every command, and one that is
//! illegal refuses the whole event, so each is issued only where the board shows it to be legal.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use sluice_plugin::mission::{Board, Commands, Event, MissionStatus, Reducer, WorkItem, WorkItemStatus};
use sluice_plugin::settings;

/// What an operator can say; the schema in `manifest.json` describes the same.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    max_attempts: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { max_attempts: 3 }
    }
}

/// What is read of the mission's `data`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Header {
    required_gates: Vec<String>,
}

/// What is read of an item's `data`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ItemData {
    title: String,
    gates: BTreeMap<String, GateData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GateData {
    status: String,
}

/// The reducer.
pub struct OneByOne;

impl Reducer for OneByOne {
    fn init(board: &dyn Board, _: &mut dyn Commands) -> Result<(), String> {
        if board.list_ready(1).is_empty() {
            return Err("this reducer plans nothing; give the mission a work item that can start".to_owned());
        }
        Ok(())
    }

    fn on_event(event: &Event, board: &dyn Board, out: &mut dyn Commands) -> Result<(), String> {
        match event.kind.as_str() {
            "mission_started" | "mission_resumed" => {
                out.set_mission_status(MissionStatus::Running, json!({}));
                start_next(board, out)
            }
            "mission_paused" => {
                out.set_mission_status(MissionStatus::Paused, json!({}));
                Ok(())
            }
            "mission_canceled" => {
                out.set_mission_status(MissionStatus::Canceled, json!({}));
                Ok(())
            }
            "run_finished" | "gate_verdict" => {
                let item = event.work_item.as_deref().and_then(|id| board.work_item(id));
                item.map_or(Ok(()), |item| go_on(event, &item, board, out))
            }
            "timer_fired" if board.mission().status == MissionStatus::Running => start_next(board, out),
            // Kinds it does not know are none of its business.
            _ => Ok(()),
        }
    }

    fn check_settings(text: &str) -> Result<(), String> {
        settings::parse_text::<Settings>(text).map(|_| ())
    }
}

/// Decides what follows from a finished run of `item`, or from a verdict on it.
fn go_on(event: &Event, item: &WorkItem, board: &dyn Board, out: &mut dyn Commands) -> Result<(), String> {
    let data: Value = read(&event.data)?;
    if data["status"] != "succeeded" && data["outcome"] != "pass" {
        return again_or_fail(event, item, &data, out);
    }
    let header: Header = read(&board.mission().data)?;
    let gates = read::<ItemData>(&item.data)?.gates;
    let is_open = |gate: &&String| gates.get(*gate).is_none_or(|state| state.status != "passed");
    if let Some(gate) = header.required_gates.iter().find(is_open) {
        let stage = if gate == "review" { WorkItemStatus::Review } else { WorkItemStatus::Test };
        if item.status != stage {
            out.set_work_item_status(&item.id, stage, None);
        }
        out.request_gate(&item.id, gate);
        return Ok(());
    }
    out.set_work_item_status(&item.id, WorkItemStatus::Done, None);
    // The board shows the item as it was before this call's commands.
    let is_last = board.count_by_status().iter().all(|entry| match entry.status {
        WorkItemStatus::Done => true,
        status => entry.count == u32::from(status == item.status),
    });
    if is_last {
        out.set_mission_status(MissionStatus::Succeeded, json!({"phase": "summarizing"}));
    } else {
        look_again(event, out);
    }
    Ok(())
}

/// Has the item worked again while it has attempts left.
fn again_or_fail(event: &Event, item: &WorkItem, data: &Value, out: &mut dyn Commands) -> Result<(), String> {
    let settings: Settings = settings::parse()?;
    let reason = data["summary"].as_str().unwrap_or("it did not succeed");
    if item.attempts >= settings.max_attempts {
        let reason = format!("work item {} was worked {} times: {reason}", item.id, item.attempts);
        out.set_mission_status(MissionStatus::Failed, json!({"reason": reason}));
        return Ok(());
    }
    out.set_work_item_status(&item.id, WorkItemStatus::Rework, Some(reason));
    look_again(event, out);
    Ok(())
}

/// Has itself called on the board as it will be after this call's commands.
fn look_again(event: &Event, out: &mut dyn Commands) {
    out.schedule_timer("next", event.occurred_at, json!({}));
}

/// Starts what is to be worked again, else the next item, unless one is being worked or judged.
fn start_next(board: &dyn Board, out: &mut dyn Commands) -> Result<(), String> {
    let is_busy = board.count_by_status().iter().any(|entry| {
        let moves = [WorkItemStatus::InProgress, WorkItemStatus::Review, WorkItemStatus::Test];
        entry.count > 0 && moves.contains(&entry.status)
    });
    let again = board.list_by_status(WorkItemStatus::Rework, None, 1);
    let Some(id) = again.into_iter().chain(board.list_ready(1)).next().filter(|_| !is_busy) else { return Ok(()) };
    let title = match board.work_item(&id) {
        Some(item) => read::<ItemData>(&item.data)?.title,
        None => String::new(),
    };
    out.start_run(Some(&id), json!({"prompt": title}));
    Ok(())
}

fn read<T: for<'d> Deserialize<'d>>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("the board does not read: {error}"))
}

sluice_plugin::export_reducer!(OneByOne);

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_plugin::mission::RunStatus;
    use sluice_plugin::testing::{MemoryBoard, MemoryMission, set_settings};

    #[test]
    fn items_are_worked_one_after_another_through_their_gates() {
        set_settings("{}");
        let board = MemoryBoard::new()
            .with("required_gates", json!(["review"]))
            .item("a", &json!({"title": "A"}))
            .item("b", &json!({"title": "B", "depends_on": ["a"]}));
        let mut mission = MemoryMission::<OneByOne>::create(board).unwrap();
        mission.tell("mission_started", &json!({})).unwrap();
        for id in ["a", "b"] {
            let run = mission.open_run_of(id).unwrap();
            mission.finish_run(&run, RunStatus::Succeeded, None).unwrap();
            mission.give_verdict(id, "review", "pass", "fine").unwrap();
            if id == "a" {
                mission.fire_timer("next").unwrap();
            }
        }
        assert_eq!(mission.board.status, MissionStatus::Succeeded);
    }
}

//! In the making.
use sluice_plugin::mission::{Board, Commands, Event, MissionStatus, Reducer};

struct Default;

impl Reducer for Default {
    fn init(_: &dyn Board, _: &mut dyn Commands) -> Result<(), String> {
        Ok(())
    }
    fn on_event(event: &Event, _: &dyn Board, out: &mut dyn Commands) -> Result<(), String> {
        if event.kind == "mission_started" {
            out.set_mission_status(MissionStatus::Running, serde_json::json!({"phase": "working"}));
        }
        Ok(())
    }
}

sluice_plugin::export_reducer!(Default);

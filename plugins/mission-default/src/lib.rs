//! `mission-default`: the reducer that missions have unless told otherwise.
//!
//! In the order things happen: `planning` gets work items from a planner, `dispatch` starts
//! runs, `gates` sends what they left through the required gates, `retry` tries again what was
//! rejected, `ending` closes the mission with a summary or a reason. `flow` routes events to
//! them; `turn` is what one event's decisions share.
//!
//! It keeps no state: whatever it needs to know later stands on the board. It never pages through
//! a mission's items but once, for the summary. It enforces nothing: the host checks every
//! command, and one illegal command refuses the whole event, so each is issued only where the
//! board shows it to be legal.

mod dispatch;
mod ending;
mod flow;
mod gates;
mod graph;
mod header;
mod item;
mod plan;
mod planning;
mod prompt;
mod retry;
mod settings;
mod turn;

use sluice_plugin::mission::{Board, Commands, Event, Reducer};

/// The reducer.
pub struct MissionDefault;

impl Reducer for MissionDefault {
    fn init(board: &dyn Board, _: &mut dyn Commands) -> Result<(), String> {
        flow::init(&settings::Settings::bound()?, board)
    }

    fn on_event(event: &Event, board: &dyn Board, out: &mut dyn Commands) -> Result<(), String> {
        if !flow::concerns(&event.kind) {
            return Ok(());
        }
        flow::on_event(&settings::Settings::bound()?, event, board, out)
    }

    fn check_settings(settings: &str) -> Result<(), String> {
        settings::Settings::read(settings).map(|_| ())
    }
}

sluice_plugin::export_reducer!(MissionDefault);

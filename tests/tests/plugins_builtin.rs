//! The components that come with the host, called as the engine calls them.

use e2e::plugins::{board, event, host};
use sluice::domain::command::Command;
use sluice::domain::event::InputKind;
use sluice::domain::json::Json;
use sluice::domain::mission::MissionStatus;
use sluice::domain::plugin::PluginKind;
use sluice::engine::ports::{Plugins as _, ReducerCall};
use sluice::plugins::Limits;

#[test]
fn the_default_reducer_starts_the_mission() {
    let host = host(Limits::default());
    let binding = host.bind("mission-default", PluginKind::Reducer, &Json::empty_object()).unwrap();
    let board = board(&binding, 2);
    host.reduce(&binding, board.clone(), ReducerCall::Init).unwrap();
    let reduction = host.reduce(&binding, board, event(InputKind::MissionStarted, "{}")).unwrap();
    let first = reduction.commands.first();
    assert!(matches!(first, Some(Command::SetMissionStatus { status: MissionStatus::Running, .. })), "{first:?}");
    assert!(reduction.report.fuel > 0 && reduction.report.memory_bytes > 0, "{:?}", reduction.report);
}

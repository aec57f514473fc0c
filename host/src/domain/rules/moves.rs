//! The tables of legal moves.

use crate::domain::mission::{MissionStatus, Phase};
use crate::domain::work_item::WorkItemStatus;

/// Where an item may go from `from`. `in_progress` is not listed: only `start_run` moves there.
pub fn of_item(from: WorkItemStatus) -> &'static [WorkItemStatus] {
    use WorkItemStatus::{Blocked, Canceled, Done, Failed, InProgress, Review, Rework, Test, Todo};
    match from {
        Todo | Rework => &[Blocked, Failed, Canceled],
        InProgress => &[Todo, Blocked, Review, Test, Rework, Done, Failed, Canceled],
        Review => &[Blocked, Test, Rework, Done, Failed, Canceled],
        Test => &[Blocked, Review, Rework, Done, Failed, Canceled],
        Blocked => &[Todo, Review, Test, Rework, Done, Failed, Canceled],
        Done | Failed | Canceled => &[],
    }
}

/// Where a mission may go from `from`. The same status is listed where its phase may change.
pub fn of_mission(from: MissionStatus) -> &'static [MissionStatus] {
    use MissionStatus::{Canceled, Draft, Failed, Paused, Running, Succeeded};
    match from {
        Draft => &[Running, Failed, Canceled],
        Running => &[Running, Paused, Succeeded, Failed, Canceled],
        Paused => &[Paused, Running, Failed, Canceled],
        Succeeded | Failed | Canceled => &[],
    }
}

/// Whether a mission's phase may change so: it only moves forward.
pub fn phase_may_change(from: Phase, to: Phase) -> bool {
    to >= from
}

//! Statuses on both sides of the border. Written out, so that a status added on one side does not
//! compile until the other knows it.

use super::bindings::mission::sluice::mission::types;
use crate::domain::mission::MissionStatus;
use crate::domain::run::RunStatus;
use crate::domain::work_item::WorkItemStatus;

/// A mission's status as plugins see it.
pub(super) fn of_mission(status: MissionStatus) -> types::MissionStatus {
    match status {
        MissionStatus::Draft => types::MissionStatus::Draft,
        MissionStatus::Running => types::MissionStatus::Running,
        MissionStatus::Paused => types::MissionStatus::Paused,
        MissionStatus::Succeeded => types::MissionStatus::Succeeded,
        MissionStatus::Failed => types::MissionStatus::Failed,
        MissionStatus::Canceled => types::MissionStatus::Canceled,
    }
}

/// A work item's status as plugins see it.
pub(super) fn of_work_item(status: WorkItemStatus) -> types::WorkItemStatus {
    match status {
        WorkItemStatus::Todo => types::WorkItemStatus::Todo,
        WorkItemStatus::InProgress => types::WorkItemStatus::InProgress,
        WorkItemStatus::Blocked => types::WorkItemStatus::Blocked,
        WorkItemStatus::Review => types::WorkItemStatus::Review,
        WorkItemStatus::Test => types::WorkItemStatus::Test,
        WorkItemStatus::Rework => types::WorkItemStatus::Rework,
        WorkItemStatus::Done => types::WorkItemStatus::Done,
        WorkItemStatus::Failed => types::WorkItemStatus::Failed,
        WorkItemStatus::Canceled => types::WorkItemStatus::Canceled,
    }
}

/// A run's status as plugins see it.
pub(super) fn of_run(status: RunStatus) -> types::RunStatus {
    match status {
        RunStatus::Queued => types::RunStatus::Queued,
        RunStatus::Running => types::RunStatus::Running,
        RunStatus::Succeeded => types::RunStatus::Succeeded,
        RunStatus::Failed => types::RunStatus::Failed,
        RunStatus::Canceled => types::RunStatus::Canceled,
    }
}

/// The mission's status that a plugin named.
pub(super) fn mission_from(status: types::MissionStatus) -> MissionStatus {
    match status {
        types::MissionStatus::Draft => MissionStatus::Draft,
        types::MissionStatus::Running => MissionStatus::Running,
        types::MissionStatus::Paused => MissionStatus::Paused,
        types::MissionStatus::Succeeded => MissionStatus::Succeeded,
        types::MissionStatus::Failed => MissionStatus::Failed,
        types::MissionStatus::Canceled => MissionStatus::Canceled,
    }
}

/// The work item's status that a plugin named.
pub(super) fn work_item_from(status: types::WorkItemStatus) -> WorkItemStatus {
    match status {
        types::WorkItemStatus::Todo => WorkItemStatus::Todo,
        types::WorkItemStatus::InProgress => WorkItemStatus::InProgress,
        types::WorkItemStatus::Blocked => WorkItemStatus::Blocked,
        types::WorkItemStatus::Review => WorkItemStatus::Review,
        types::WorkItemStatus::Test => WorkItemStatus::Test,
        types::WorkItemStatus::Rework => WorkItemStatus::Rework,
        types::WorkItemStatus::Done => WorkItemStatus::Done,
        types::WorkItemStatus::Failed => WorkItemStatus::Failed,
        types::WorkItemStatus::Canceled => WorkItemStatus::Canceled,
    }
}

//! The board a reducer reads: the mission as it stood when the event arrived.
//!
//! Owns the trait and its implementation over the host's functions. Never caches: each function
//! is a call of the host, and costs the same whatever the mission's size. Read next:
//! `wit/mission-0.1/board.wit`; the double for tests is `testing::MemoryBoard`.

use super::{Mission, Run, StatusCount, WorkItem, WorkItemStatus};

/// The most entries one page holds.
pub const PAGE_MAX: u32 = 500;

/// A snapshot of the mission. The event's own facts are in it; commands issued during the call
/// are not.
pub trait Board {
    /// The header.
    fn mission(&self) -> Mission;

    /// One work item; none when the mission has no such item.
    fn work_item(&self, id: &str) -> Option<WorkItem>;

    /// One run that is queued, running or an item's last; none otherwise.
    fn run(&self, id: &str) -> Option<Run>;

    /// Counts of work items, one entry for each of the nine statuses.
    fn count_by_status(&self) -> Vec<StatusCount>;

    /// Ids with `status` in the order they were added, from the entry after `after` on, at most
    /// `limit` and never over [`PAGE_MAX`].
    fn list_by_status(&self, status: WorkItemStatus, after: Option<&str>, limit: u32) -> Vec<String>;

    /// Ids of items in `todo` whose dependencies are all `done`, in the order they were added,
    /// at most `limit` and never over [`PAGE_MAX`].
    fn list_ready(&self, limit: u32) -> Vec<String>;

    /// Ids of the items that wait for `id`, from the entry after `after` on, at most `limit` and
    /// never over [`PAGE_MAX`].
    fn list_dependents(&self, id: &str, after: Option<&str>, limit: u32) -> Vec<String>;

    /// Runs that are queued or running, at most [`PAGE_MAX`].
    fn list_open_runs(&self) -> Vec<String>;
}

/// The board as the host serves it.
#[cfg(target_arch = "wasm32")]
pub struct HostBoard;

#[cfg(target_arch = "wasm32")]
impl Board for HostBoard {
    fn mission(&self) -> Mission {
        super::bindings::sluice::mission::board::get_mission()
    }

    fn work_item(&self, id: &str) -> Option<WorkItem> {
        super::bindings::sluice::mission::board::get_work_item(id)
    }

    fn run(&self, id: &str) -> Option<Run> {
        super::bindings::sluice::mission::board::get_run(id)
    }

    fn count_by_status(&self) -> Vec<StatusCount> {
        super::bindings::sluice::mission::board::count_by_status()
    }

    fn list_by_status(&self, status: WorkItemStatus, after: Option<&str>, limit: u32) -> Vec<String> {
        super::bindings::sluice::mission::board::list_by_status(status, after, limit)
    }

    fn list_ready(&self, limit: u32) -> Vec<String> {
        super::bindings::sluice::mission::board::list_ready(limit)
    }

    fn list_dependents(&self, id: &str, after: Option<&str>, limit: u32) -> Vec<String> {
        super::bindings::sluice::mission::board::list_dependents(id, after, limit)
    }

    fn list_open_runs(&self) -> Vec<String> {
        super::bindings::sluice::mission::board::list_open_runs()
    }
}

//! One work item as a decision needs it.
//!
//! Owns how the item's JSON is read. Read next: `wit/mission-0.1/board.wit`.

use serde::Deserialize;
use sluice_plugin::mission::{Board, WorkItemStatus};
use std::collections::BTreeMap;

/// How one gate of an item stands.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gate {
    /// `pending`, `passed`, `failed`, `needs_human`, `approved` or `error`.
    pub(crate) status: String,
    /// Requests since the item's last run started.
    pub(crate) evaluations: u32,
}

impl Gate {
    /// Whether the item has passed it, by its own verdict or by a person's.
    pub(crate) fn is_passed(&self) -> bool {
        matches!(self.status.as_str(), "passed" | "approved")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Data {
    title: String,
    detail: Option<String>,
    depends_on: Vec<String>,
    gates: BTreeMap<String, Gate>,
    reason: Option<String>,
}

/// The item.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Its id.
    pub(crate) id: String,
    /// One line for people.
    pub(crate) title: String,
    /// What is to be done.
    pub(crate) detail: Option<String>,
    /// Items it waits for.
    pub(crate) depends_on: Vec<String>,
    /// Where it stands.
    pub(crate) status: WorkItemStatus,
    /// Runs of it that finished.
    pub(crate) attempts: u32,
    /// Its present or last run.
    pub(crate) run: Option<String>,
    /// Gates asked since that run started.
    pub(crate) gates: BTreeMap<String, Gate>,
    /// Why it stands where it stands, as this reducer wrote it.
    pub(crate) reason: Option<String>,
}

impl Item {
    /// Reads an item of the board; none when there is no such item.
    pub(crate) fn read(board: &dyn Board, id: &str) -> Result<Option<Self>, String> {
        let Some(found) = board.work_item(id) else { return Ok(None) };
        let data: Data =
            serde_json::from_str(&found.data).map_err(|error| format!("work item `{id}` does not read: {error}"))?;
        Ok(Some(Item {
            id: found.id,
            title: data.title,
            detail: data.detail,
            depends_on: data.depends_on,
            status: found.status,
            attempts: found.attempts,
            run: found.run,
            gates: data.gates,
            reason: data.reason,
        }))
    }
}

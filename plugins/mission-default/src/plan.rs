//! Reads a list of work items from a planner's answer or a proposal, and refuses it with a reason
//! that tells how to mend it.
//!
//! Owns the form and the limits of an item. What depends on what is [`crate::graph`]'s. Never
//! adds an item: a list is taken whole or not at all.

use crate::graph;
use crate::item::Item;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sluice_plugin::mission::{Board, WorkItemStatus};
use std::collections::{BTreeMap, HashSet};

/// The most items a mission may hold.
const ITEMS_MAX: usize = 10_000;
/// The most bytes of an id.
const ID_MAX_BYTES: usize = 128;
/// The most characters of a title.
const TITLE_MAX_CHARS: usize = 200;
/// The most bytes of a detail.
const DETAIL_MAX_BYTES: usize = 64 * 1024;

/// Who made the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A planner, which names every item.
    Planner,
    /// A proposal; an item without an id is named after the event's position.
    Proposal {
        /// The event's position.
        seq: u64,
    },
}

/// An item that is not added yet.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    /// Its id; empty until it is named.
    #[serde(default, alias = "work_item_id")]
    pub(crate) id: String,
    title: String,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    pub(crate) depends_on: Vec<String>,
    #[serde(default)]
    assigned_agent: Option<String>,
    #[serde(default)]
    skills: Vec<String>,
    #[serde(default)]
    action: Option<Map<String, Value>>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    work_items: Vec<Draft>,
}

impl Draft {
    /// The item's data as the host takes it.
    pub(crate) fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("title".to_owned(), json!(self.title));
        let mut put = |name: &str, value: Value| {
            let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if !is_empty {
                members.insert(name.to_owned(), value);
            }
        };
        put("detail", json!(self.detail));
        put("depends_on", json!(self.depends_on));
        put("assigned_agent", json!(self.assigned_agent));
        put("skills", json!(self.skills));
        put("action", json!(self.action));
        put("metadata", json!(self.metadata));
        Value::Object(members)
    }

    /// The item as it will stand on the board.
    pub(crate) fn into_item(self) -> Item {
        Item {
            id: self.id,
            title: self.title,
            detail: self.detail,
            depends_on: self.depends_on,
            status: WorkItemStatus::Todo,
            attempts: 0,
            run: None,
            gates: BTreeMap::new(),
            reason: None,
        }
    }
}

/// Reads a planner's answer: JSON and nothing else. The items come in an order in which each
/// follows those it depends on.
pub(crate) fn read_answer(answer: &str, board: &dyn Board) -> Result<Vec<Draft>, String> {
    let answer = answer.trim();
    if answer.is_empty() {
        return Err("the answer is empty; it must be one JSON object with `work_items`".to_owned());
    }
    let read: Answer = serde_json::from_str(answer).map_err(|error| {
        format!("the answer must be one JSON object with `work_items`, without any text around it: {error}")
    })?;
    check(read.work_items, Source::Planner, 0, board)
}

/// Reads a list of items for a mission that holds `present` items, in the order of
/// [`read_answer`].
pub(crate) fn read_items(
    items: Value,
    source: Source,
    present: usize,
    board: &dyn Board,
) -> Result<Vec<Draft>, String> {
    let drafts: Vec<Draft> =
        serde_json::from_value(items).map_err(|error| format!("`items` must be a list of work items: {error}"))?;
    check(drafts, source, present, board)
}

fn check(mut drafts: Vec<Draft>, source: Source, present: usize, board: &dyn Board) -> Result<Vec<Draft>, String> {
    if drafts.is_empty() {
        return Err("there are no work items; at least one is needed".to_owned());
    }
    let count = present.saturating_add(drafts.len());
    if count > ITEMS_MAX {
        return Err(format!("{count} work items are more than the {ITEMS_MAX} a mission may hold"));
    }
    let mut ids = HashSet::with_capacity(drafts.len());
    for (index, draft) in drafts.iter_mut().enumerate() {
        if let (true, Source::Proposal { seq }) = (draft.id.is_empty(), source) {
            draft.id = format!("wi_{seq}_{}", index + 1);
        }
        check_form(draft).map_err(|why| format!("work_items[{index}]: {why}"))?;
        if (present > 0 && board.work_item(&draft.id).is_some()) || !ids.insert(draft.id.clone()) {
            return Err(format!("work_items[{index}]: id `{}` is taken; ids are unique within a mission", draft.id));
        }
    }
    graph::sorted(drafts, |id| board.work_item(id).is_some())
}

fn check_form(draft: &Draft) -> Result<(), String> {
    let id = &draft.id;
    let begins_well = id.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let goes_on_well = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte));
    if !begins_well || !goes_on_well || id.len() > ID_MAX_BYTES {
        return Err(format!(
            "id `{}` must have 1 to {ID_MAX_BYTES} characters of A-Z a-z 0-9 . _ : @ - and begin with a letter or digit",
            &id[..id.floor_char_boundary(ID_MAX_BYTES)]
        ));
    }
    let chars = draft.title.chars().count();
    if draft.title.trim().is_empty() || chars > TITLE_MAX_CHARS {
        return Err(format!("title has {chars} characters; 1 to {TITLE_MAX_CHARS} are allowed, not only blanks"));
    }
    let bytes = draft.detail.as_deref().map_or(0, str::len);
    if bytes > DETAIL_MAX_BYTES {
        return Err(format!("detail has {bytes} bytes; at most {DETAIL_MAX_BYTES} are allowed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

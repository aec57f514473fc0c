//! A mission's board held in memory, in place of the host's.
//!
//! Owns the records and the indexes that keep every question as cheap as the host's, so that a
//! test with 10,000 items is quick. Never decides what is legal: tests set what they like, and
//! `rules` applies commands. Read next: `mission::Board`, which it implements.

use crate::mission::{Board, Mission, MissionStatus, PAGE_MAX, Run, RunStatus, StatusCount, WorkItem, WorkItemStatus};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

/// How one gate of an item stands.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRecord {
    /// `pending`, `passed`, `failed`, `needs_human`, `approved` or `error`.
    pub status: String,
    /// The verdict, once there is one.
    pub verdict_id: Option<String>,
    /// Requests since the last run started.
    pub evaluations: u32,
}

/// A work item as the host would keep it.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemRecord {
    /// Its id.
    pub id: String,
    /// What its author said: `title`, `depends_on`, ...
    pub data: Map<String, Value>,
    /// Where it stands.
    pub status: WorkItemStatus,
    /// Runs of it that finished, but for canceled ones.
    pub attempts: u32,
    /// Its present or last run.
    pub run: Option<String>,
    /// Gates asked since its last run started.
    pub gates: BTreeMap<String, GateRecord>,
    /// Why it stands where it stands.
    pub reason: Option<String>,
}

impl ItemRecord {
    /// Ids it waits for.
    pub fn depends_on(&self) -> Vec<String> {
        let list = self.data.get("depends_on").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|id| id.as_str().map(ToOwned::to_owned)).collect()
    }
}

/// A run as the mission knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub id: String,
    /// The work item; none for the planner's.
    pub work_item: Option<String>,
    /// Where it stands.
    pub status: RunStatus,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What it was asked.
    pub prompt: String,
    /// The worker's answer in full.
    pub output: Option<String>,
}

/// The board.
#[derive(Debug, Clone)]
pub struct MemoryBoard {
    /// The mission's status.
    pub status: MissionStatus,
    /// The mission's phase.
    pub phase: String,
    /// `title`, `goal`, `budgets`, `usage`, `required_gates`, ...
    pub data: Map<String, Value>,
    items: Vec<ItemRecord>,
    position_of: HashMap<String, usize>,
    by_status: BTreeMap<&'static str, BTreeSet<usize>>,
    dependents: Vec<BTreeSet<usize>>,
    unmet: Vec<usize>,
    ready: BTreeSet<usize>,
    runs: BTreeMap<String, RunRecord>,
    open_runs: BTreeSet<String>,
}

impl Default for MemoryBoard {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBoard {
    /// A mission in draft without items, with both gates required and no budgets.
    pub fn new() -> Self {
        let members = [
            ("title", json!("A mission")),
            ("goal", json!("Reach the goal.")),
            ("success_criteria", json!([])),
            ("budgets", json!({})),
            ("usage", json!({"steps": 0, "tool_calls": 0})),
            ("metadata", json!({})),
            ("started_at_ms", Value::Null),
            ("planner_attempts", json!(0)),
            ("required_gates", json!(["review", "test"])),
        ];
        MemoryBoard {
            status: MissionStatus::Draft,
            phase: "planning".to_owned(),
            data: members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            items: Vec::new(),
            position_of: HashMap::new(),
            by_status: BTreeMap::new(),
            dependents: Vec::new(),
            unmet: Vec::new(),
            ready: BTreeSet::new(),
            runs: BTreeMap::new(),
            open_runs: BTreeSet::new(),
        }
    }

    /// The same board with a member of the header's data set.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.data.insert(member.to_owned(), value);
        self
    }

    /// The same board with an item in `todo`; `data` as of `add-work-item`.
    ///
    /// # Panics
    ///
    /// When the id is taken or a dependency is not there yet.
    #[must_use]
    pub fn item(mut self, id: &str, data: &Value) -> Self {
        self.add_item(id, data);
        self
    }

    /// Adds an item in `todo`; `data` as of `add-work-item`.
    ///
    /// # Panics
    ///
    /// When the id is taken or a dependency is not there yet.
    pub fn add_item(&mut self, id: &str, data: &Value) {
        let data = data.as_object().cloned().unwrap_or_default();
        let position = self.items.len();
        assert!(self.position_of.insert(id.to_owned(), position).is_none(), "item {id} is there already");
        let item = ItemRecord {
            id: id.to_owned(),
            data,
            status: WorkItemStatus::Todo,
            attempts: 0,
            run: None,
            gates: BTreeMap::new(),
            reason: None,
        };
        let mut unmet = 0;
        for dependency in item.depends_on() {
            let target = self.position_of[&dependency];
            self.dependents[target].insert(position);
            unmet += usize::from(self.items[target].status != WorkItemStatus::Done);
        }
        self.items.push(item);
        self.dependents.push(BTreeSet::new());
        self.unmet.push(unmet);
        self.index(position);
    }

    /// One item's record.
    pub fn record(&self, id: &str) -> Option<&ItemRecord> {
        self.position_of.get(id).map(|position| &self.items[*position])
    }

    /// Every item's record in the order they were added.
    pub fn records(&self) -> &[ItemRecord] {
        &self.items
    }

    /// Changes one item and keeps the indexes true.
    ///
    /// # Panics
    ///
    /// When there is no such item.
    pub fn edit(&mut self, id: &str, change: impl FnOnce(&mut ItemRecord)) {
        let position = self.position_of[id];
        let was_done = self.items[position].status == WorkItemStatus::Done;
        if let Some(set) = self.by_status.get_mut(self.items[position].status.word()) {
            set.remove(&position);
        }
        self.ready.remove(&position);
        change(&mut self.items[position]);
        self.index(position);
        let is_done = self.items[position].status == WorkItemStatus::Done;
        if was_done != is_done {
            for dependent in self.dependents[position].clone() {
                let unmet = &mut self.unmet[dependent];
                *unmet = if is_done { *unmet - 1 } else { *unmet + 1 };
                self.ready.remove(&dependent);
                self.index(dependent);
            }
        }
    }

    /// One run's record.
    pub fn run_record(&self, id: &str) -> Option<&RunRecord> {
        self.runs.get(id)
    }

    /// Adds or replaces a run.
    pub fn put_run(&mut self, run: RunRecord) {
        if run.status.is_final() {
            self.open_runs.remove(&run.id);
        } else {
            self.open_runs.insert(run.id.clone());
        }
        self.runs.insert(run.id.clone(), run);
    }

    /// Ids of all open runs, oldest first.
    pub fn open_run_ids(&self) -> Vec<String> {
        self.open_runs.iter().cloned().collect()
    }

    /// A number of the header's data by its path, such as `usage/steps`; 0 when it is not there.
    pub fn number(&self, path: &str) -> u64 {
        self.header_value(path).and_then(Value::as_u64).unwrap_or(0)
    }

    /// A limit among the budgets, when it is set.
    pub fn budget(&self, name: &str) -> Option<u64> {
        self.data.get("budgets").and_then(|budgets| budgets.get(name)).and_then(Value::as_u64)
    }

    /// Adds one to a counter of the header's usage, or to one of the header's own.
    pub fn count_up(&mut self, path: &str) {
        let next = self.number(path) + 1;
        match path.split_once('/') {
            Some((outer, inner)) => {
                if let Some(Value::Object(members)) = self.data.get_mut(outer) {
                    members.insert(inner.to_owned(), json!(next));
                }
            }
            None => {
                self.data.insert(path.to_owned(), json!(next));
            }
        }
    }

    /// Gates an item has to pass, in order.
    pub fn required_gates(&self) -> Vec<String> {
        let list = self.data.get("required_gates").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|gate| gate.as_str().map(ToOwned::to_owned)).collect()
    }

    /// How many items have `status`.
    pub fn count(&self, status: WorkItemStatus) -> usize {
        self.by_status.get(status.word()).map_or(0, BTreeSet::len)
    }

    fn header_value(&self, path: &str) -> Option<&Value> {
        let mut parts = path.split('/');
        let first = self.data.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    fn index(&mut self, position: usize) {
        let status = self.items[position].status;
        self.by_status.entry(status.word()).or_default().insert(position);
        if status == WorkItemStatus::Todo && self.unmet[position] == 0 {
            self.ready.insert(position);
        }
    }

    fn page(&self, set: &BTreeSet<usize>, after: Option<&str>, limit: u32) -> Vec<String> {
        let from = match after.map(|id| self.position_of.get(id)) {
            None => Bound::Unbounded,
            Some(Some(position)) => Bound::Excluded(*position),
            Some(None) => return Vec::new(),
        };
        let limit = limit.min(PAGE_MAX) as usize;
        set.range((from, Bound::Unbounded)).take(limit).map(|position| self.items[*position].id.clone()).collect()
    }
}

impl Board for MemoryBoard {
    fn mission(&self) -> Mission {
        Mission {
            id: "mis_1".to_owned(),
            status: self.status,
            phase: self.phase.clone(),
            revision: 1,
            data: Value::Object(self.data.clone()).to_string(),
        }
    }

    fn work_item(&self, id: &str) -> Option<WorkItem> {
        let item = self.record(id)?;
        let mut data = item.data.clone();
        let gates: Map<String, Value> = item.gates.iter().map(|(name, gate)| (name.clone(), gate_json(gate))).collect();
        data.insert("gates".to_owned(), Value::Object(gates));
        data.insert("reason".to_owned(), json!(item.reason));
        data.insert("artifact_refs".to_owned(), json!([]));
        Some(WorkItem {
            id: item.id.clone(),
            status: item.status,
            attempts: item.attempts,
            run: item.run.clone(),
            data: Value::Object(data).to_string(),
        })
    }

    fn run(&self, id: &str) -> Option<Run> {
        let run = self.runs.get(id)?;
        let kind = if run.work_item.is_some() { "work" } else { "planner" };
        Some(Run {
            id: run.id.clone(),
            work_item: run.work_item.clone(),
            status: run.status,
            attempt: run.attempt,
            data: json!({"kind": kind, "output": run.output, "interruptions": 0}).to_string(),
        })
    }

    fn count_by_status(&self) -> Vec<StatusCount> {
        let count = |status: &WorkItemStatus| StatusCount {
            status: *status,
            count: u32::try_from(self.count(*status)).unwrap_or(u32::MAX),
        };
        WorkItemStatus::ALL.iter().map(count).collect()
    }

    fn list_by_status(&self, status: WorkItemStatus, after: Option<&str>, limit: u32) -> Vec<String> {
        self.by_status.get(status.word()).map_or_else(Vec::new, |set| self.page(set, after, limit))
    }

    fn list_ready(&self, limit: u32) -> Vec<String> {
        self.page(&self.ready, None, limit)
    }

    fn list_dependents(&self, id: &str, after: Option<&str>, limit: u32) -> Vec<String> {
        self.position_of.get(id).map_or_else(Vec::new, |position| self.page(&self.dependents[*position], after, limit))
    }

    fn list_open_runs(&self) -> Vec<String> {
        self.open_runs.iter().take(PAGE_MAX as usize).cloned().collect()
    }
}

fn gate_json(gate: &GateRecord) -> Value {
    json!({"status": gate.status, "verdict_id": gate.verdict_id, "evaluations": gate.evaluations})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `c` waits for `a` and `b`.
    fn board() -> MemoryBoard {
        MemoryBoard::new()
            .item("a", &json!({"title": "A"}))
            .item("b", &json!({"title": "B"}))
            .item("c", &json!({"title": "C", "depends_on": ["a", "b"]}))
    }

    #[test]
    fn an_item_is_ready_while_all_it_waits_for_is_done() {
        let mut board = board();
        assert_eq!(board.list_ready(10), ["a", "b"]);
        board.edit("a", |item| item.status = WorkItemStatus::Done);
        assert_eq!(board.list_ready(10), ["b"]);
        board.edit("b", |item| item.status = WorkItemStatus::Done);
        assert_eq!(board.list_ready(10), ["c"]);
        board.edit("b", |item| item.status = WorkItemStatus::Blocked);
        assert_eq!(board.list_ready(10), [""; 0]);
        board.edit("c", |item| item.status = WorkItemStatus::InProgress);
        board.edit("b", |item| item.status = WorkItemStatus::Done);
        assert_eq!(board.list_ready(10), [""; 0]);
        board.add_item("d", &json!({"title": "D", "depends_on": ["a"]}));
        assert_eq!(board.list_ready(10), ["d"]);
    }

    #[test]
    fn pages_go_on_after_the_entry_named() {
        let board = board();
        assert_eq!(board.list_by_status(WorkItemStatus::Todo, Some("a"), 1), ["b"]);
        assert_eq!(board.list_by_status(WorkItemStatus::Todo, Some("c"), 1), [""; 0]);
        assert_eq!(board.list_by_status(WorkItemStatus::Todo, Some("gone"), 9), [""; 0]);
        assert_eq!(board.list_dependents("a", None, 9), ["c"]);
        let counts: u32 = board.count_by_status().iter().map(|entry| entry.count).sum();
        assert_eq!((counts, board.count_by_status().len()), (3, 9));
    }
}

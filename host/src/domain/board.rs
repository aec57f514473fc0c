//! One mission in memory: its header, its items with the indexes that keep every question
//! cheap whatever the mission's size, and its runs as the history knows them.
//!
//! Changes are remembered from [`Board::begin`] on until the next one, and [`Board::roll_back`]
//! undoes them, so that an event that is refused, or whose commit fails, leaves it as
//! it was. It never decides whether a change is allowed: that is [`super::rules`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::id::{RunId, WorkItemId};
use super::mission::Mission;
use super::run::{RunKind, RunStatus};
use super::work_item::{WorkItem, WorkItemStatus};

/// A run as the mission's history knows it. The run's own row may be ahead: a worker has
/// finished and the mission has not been told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRun {
    /// Its id.
    pub id: RunId,
    /// The work item; none for a planner's run.
    pub work_item_id: Option<WorkItemId>,
    /// What it is for.
    pub kind: RunKind,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub status: RunStatus,
    /// One line from its worker at the end.
    pub summary: Option<String>,
    /// The worker's answer in full.
    pub output: Option<String>,
    /// Times it lost its worker.
    pub interruptions: u32,
    /// Why it ended as it did, when the host knows.
    pub reason: Option<String>,
}

/// What one event changed, each thing once and as it is now.
#[derive(Debug, Default)]
pub struct Changes {
    /// Items added or changed, by position.
    pub items: Vec<Arc<WorkItem>>,
    /// Runs added or changed, by id.
    pub runs: Vec<Arc<BoardRun>>,
}

enum Undo {
    Mission(Box<Mission>),
    Item(u32, Option<Arc<WorkItem>>),
    Run(RunId, Option<Arc<BoardRun>>),
}

/// A point within a change, to go back to.
#[derive(Debug, Clone, Copy)]
pub struct Mark(usize);

/// A mission in memory.
pub struct Board {
    mission: Mission,
    items: Vec<Arc<WorkItem>>,
    position_of: HashMap<WorkItemId, u32>,
    by_status: BTreeMap<WorkItemStatus, BTreeSet<u32>>,
    unmet: Vec<u32>,
    dependents: Vec<BTreeSet<u32>>,
    ready: BTreeSet<u32>,
    runs: HashMap<RunId, Arc<BoardRun>>,
    open_runs: BTreeSet<RunId>,
    undo: Vec<Undo>,
}

impl Board {
    /// A board of `mission` with `items` in order of position and `runs` in any order.
    ///
    /// # Panics
    /// When an item's dependency is not among `items` or positions have holes: the caller
    /// checked the graph when the items were added, so rows that say otherwise are damaged.
    pub fn new(mission: Mission, items: Vec<WorkItem>, runs: impl IntoIterator<Item = BoardRun>) -> Self {
        let mut board = Self {
            mission,
            items: Vec::with_capacity(items.len()),
            position_of: HashMap::with_capacity(items.len()),
            by_status: BTreeMap::new(),
            unmet: Vec::new(),
            dependents: Vec::new(),
            ready: BTreeSet::new(),
            runs: HashMap::new(),
            open_runs: BTreeSet::new(),
            undo: Vec::new(),
        };
        for item in &items {
            board.position_of.insert(item.spec.id.clone(), item.position);
        }
        board.dependents.resize_with(items.len(), BTreeSet::new);
        board.unmet.resize(items.len(), 0);
        for (index, item) in items.into_iter().enumerate() {
            assert_eq!(index, item.position as usize, "positions of work items have no holes");
            board.items.push(Arc::new(item));
        }
        let positions: Vec<u32> = board.items.iter().map(|item| item.position).collect();
        for position in &positions {
            board.link(*position);
        }
        for position in &positions {
            board.index(*position);
        }
        for run in runs {
            board.insert_run(Arc::new(run));
        }
        board
    }

    /// The header.
    pub fn mission(&self) -> &Mission {
        &self.mission
    }

    /// One item.
    pub fn item(&self, id: &str) -> Option<&WorkItem> {
        self.position_of.get(id).map(|p| &*self.items[*p as usize])
    }

    /// Items there are.
    pub fn item_count(&self) -> usize {
        self.items.len()
    }

    /// Every item in order of position. Costs what the mission is large.
    pub fn items(&self) -> impl Iterator<Item = &Arc<WorkItem>> {
        self.items.iter()
    }

    /// One run that is open or an item's last.
    pub fn run(&self, id: &str) -> Option<&BoardRun> {
        self.runs.get(id).map(|run| &**run)
    }

    /// How many items have `status`.
    pub fn count(&self, status: WorkItemStatus) -> u32 {
        self.by_status.get(&status).map_or(0, |set| u32::try_from(set.len()).unwrap_or(u32::MAX))
    }

    /// Items with `status` in order of addition, from the one after `after` on.
    pub fn by_status(&self, status: WorkItemStatus, after: Option<&str>, limit: usize) -> Vec<WorkItemId> {
        self.by_status.get(&status).map_or_else(Vec::new, |set| self.page(set, after, limit))
    }

    /// Items in `todo` whose dependencies are all `done`, in order of addition.
    pub fn ready(&self, limit: usize) -> Vec<WorkItemId> {
        self.page(&self.ready, None, limit)
    }

    /// Items that wait for `id`, from the one after `after` on.
    pub fn dependents(&self, id: &str, after: Option<&str>, limit: usize) -> Vec<WorkItemId> {
        self.position_of.get(id).map_or_else(Vec::new, |p| self.page(&self.dependents[*p as usize], after, limit))
    }

    /// Whether every dependency of `id` is done.
    pub fn dependencies_done(&self, id: &str) -> bool {
        self.position_of.get(id).is_some_and(|p| self.unmet[*p as usize] == 0)
    }

    /// Runs that are queued or running, oldest first.
    pub fn open_runs(&self, limit: usize) -> Vec<RunId> {
        self.open_runs.iter().take(limit).cloned().collect()
    }

    /// How many runs are queued or running.
    pub fn open_run_count(&self) -> usize {
        self.open_runs.len()
    }

    /// Starts a change; whatever an earlier one left undone is forgotten.
    pub fn begin(&mut self) {
        self.undo.clear();
    }

    /// Undoes every change since [`Self::begin`].
    pub fn roll_back(&mut self) {
        self.roll_back_to(Mark(0));
    }

    /// The point reached in the present change.
    pub fn mark(&self) -> Mark {
        Mark(self.undo.len())
    }

    /// Undoes every change since `mark` was taken.
    pub fn roll_back_to(&mut self, mark: Mark) {
        while self.undo.len() > mark.0 {
            let Some(step) = self.undo.pop() else { return };
            match step {
                Undo::Mission(before) => self.mission = *before,
                Undo::Item(position, before) => {
                    self.unindex(position);
                    if let Some(item) = before {
                        self.items[position as usize] = item;
                        self.index(position);
                    } else {
                        self.remove_last(position);
                    }
                }
                Undo::Run(id, before) => {
                    self.open_runs.remove(&id);
                    self.runs.remove(&id);
                    if let Some(run) = before {
                        self.insert_run(run);
                    }
                }
            }
        }
    }

    /// What was touched since [`Self::begin`].
    pub fn changes(&self) -> Changes {
        let (mut positions, mut run_ids) = (BTreeSet::new(), BTreeSet::new());
        for step in &self.undo {
            match step {
                Undo::Mission(_) => {}
                Undo::Item(position, _) => {
                    positions.insert(*position);
                }
                Undo::Run(id, _) => {
                    run_ids.insert(id);
                }
            }
        }
        Changes {
            items: positions.iter().map(|p| Arc::clone(&self.items[*p as usize])).collect(),
            runs: run_ids.iter().filter_map(|id| self.runs.get(*id).cloned()).collect(),
        }
    }

    /// Changes the header.
    pub(crate) fn edit_mission(&mut self, edit: impl FnOnce(&mut Mission)) {
        self.undo.push(Undo::Mission(Box::new(self.mission.clone())));
        edit(&mut self.mission);
    }

    /// Changes one item; nothing happens when there is none with this id.
    pub(super) fn edit_item(&mut self, id: &str, edit: impl FnOnce(&mut WorkItem)) {
        let Some(&position) = self.position_of.get(id) else { return };
        let before = Arc::clone(&self.items[position as usize]);
        self.unindex(position);
        let mut item = (*before).clone();
        edit(&mut item);
        self.items[position as usize] = Arc::new(item);
        self.undo.push(Undo::Item(position, Some(before)));
        self.index(position);
    }

    /// Adds an item at the end. Its dependencies are there already.
    pub(super) fn add_item(&mut self, item: WorkItem) {
        let position = item.position;
        debug_assert_eq!(position as usize, self.items.len());
        self.position_of.insert(item.spec.id.clone(), position);
        self.items.push(Arc::new(item));
        self.dependents.push(BTreeSet::new());
        self.unmet.push(0);
        self.link(position);
        self.index(position);
        self.undo.push(Undo::Item(position, None));
    }

    /// Adds or replaces a run.
    pub(super) fn put_run(&mut self, run: BoardRun) {
        let before = self.runs.get(&run.id).cloned();
        self.undo.push(Undo::Run(run.id.clone(), before));
        self.insert_run(Arc::new(run));
    }

    fn insert_run(&mut self, run: Arc<BoardRun>) {
        if run.status.is_final() {
            self.open_runs.remove(&run.id);
        } else {
            self.open_runs.insert(run.id.clone());
        }
        self.runs.insert(run.id.clone(), run);
    }

    fn page(&self, set: &BTreeSet<u32>, after: Option<&str>, limit: usize) -> Vec<WorkItemId> {
        let from = match after.map(|id| self.position_of.get(id)) {
            None => Bound::Unbounded,
            Some(Some(position)) => Bound::Excluded(*position),
            Some(None) => return Vec::new(),
        };
        set.range((from, Bound::Unbounded)).take(limit).map(|p| self.items[*p as usize].spec.id.clone()).collect()
    }

    /// Enters an item with its dependencies, and counts those not yet indexed as done; indexing
    /// one as done later counts down.
    fn link(&mut self, position: u32) {
        let item = Arc::clone(&self.items[position as usize]);
        let mut unmet = 0;
        for dependency in &item.spec.depends_on {
            let target = self.position_of[dependency];
            self.dependents[target as usize].insert(position);
            let is_done = self.by_status.get(&WorkItemStatus::Done).is_some_and(|set| set.contains(&target));
            unmet += u32::from(!is_done);
        }
        self.unmet[position as usize] = unmet;
    }

    /// Takes back [`Self::add_item`] of the newest item.
    fn remove_last(&mut self, position: u32) {
        debug_assert_eq!(position as usize + 1, self.items.len());
        let Some(item) = self.items.pop() else { return };
        for dependency in &item.spec.depends_on {
            let target = self.position_of[dependency];
            self.dependents[target as usize].remove(&position);
        }
        self.dependents.pop();
        self.unmet.pop();
        self.position_of.remove(&item.spec.id);
    }

    /// Enters an item's present status into the indexes.
    fn index(&mut self, position: u32) {
        let status = self.items[position as usize].status;
        self.by_status.entry(status).or_default().insert(position);
        if status == WorkItemStatus::Todo && self.unmet[position as usize] == 0 {
            self.ready.insert(position);
        }
        if status == WorkItemStatus::Done {
            for dependent in self.dependents[position as usize].clone() {
                self.unmet[dependent as usize] -= 1;
                let waits = self.items.get(dependent as usize).is_some_and(|i| i.status == WorkItemStatus::Todo);
                if waits && self.unmet[dependent as usize] == 0 {
                    self.ready.insert(dependent);
                }
            }
        }
    }

    /// Takes an item's present status out of the indexes.
    fn unindex(&mut self, position: u32) {
        let status = self.items[position as usize].status;
        if let Some(set) = self.by_status.get_mut(&status) {
            set.remove(&position);
        }
        self.ready.remove(&position);
        if status == WorkItemStatus::Done {
            for dependent in self.dependents[position as usize].clone() {
                self.unmet[dependent as usize] += 1;
                self.ready.remove(&dependent);
            }
        }
    }
}

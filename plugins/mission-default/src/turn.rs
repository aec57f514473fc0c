//! What the decisions about one event share: the event, the board, and what was issued so far.
//!
//! The board does not show a call's own commands, so a turn remembers what follows from them:
//! where items were moved, how many runs were started, whether the mission ended. Nothing
//! outlives the event. Decisions that are more than a move live in the modules beside this one.

use crate::header::Header;
use crate::item::Item;
use crate::settings::Settings;
use serde_json::{Value, json};
use sluice_plugin::mission::{Board, Commands, Event, MissionStatus, WorkItemStatus};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// The key of the timer that ends a mission when its time is used up.
pub(crate) const DURATION_TIMER: &str = "budget:duration";

/// The most bytes of a reason that are kept; whoever gave it may have said a lot.
const REASON_MAX_BYTES: usize = 2000;

/// One event's turn.
pub(crate) struct Turn<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) board: &'a dyn Board,
    pub(crate) out: &'a mut dyn Commands,
    pub(crate) header: Header,
    /// When the event was recorded, in Unix milliseconds: the only clock there is.
    pub(crate) now_ms: u64,
    /// Position of the event in the mission's history.
    pub(crate) seq: u64,
    /// The item the event is about.
    pub(crate) work_item: Option<&'a str>,
    /// The run the event is about.
    pub(crate) run: Option<&'a str>,
    /// The event's particulars.
    pub(crate) data: Value,
    /// Items that may have become ready through this turn's commands, which the board cannot
    /// show.
    pub(crate) perhaps_ready: Vec<Item>,
    /// Whether there may be more of them than `perhaps_ready` holds.
    pub(crate) overflowed: bool,
    moved: BTreeMap<String, (Option<WorkItemStatus>, WorkItemStatus)>,
    /// Open runs on the board, counted when first asked for.
    runs_on_board: OnceCell<u32>,
    runs_started: u32,
    runs_withdrawn: u32,
}

impl<'a> Turn<'a> {
    /// A turn in which nothing was issued yet.
    pub(crate) fn new(
        settings: &'a Settings,
        event: &'a Event,
        board: &'a dyn Board,
        out: &'a mut dyn Commands,
    ) -> Result<Self, String> {
        let data = serde_json::from_str(&event.data).map_err(|error| format!("the event does not read: {error}"))?;
        Ok(Turn {
            settings,
            board,
            out,
            header: Header::read(&board.mission())?,
            now_ms: event.occurred_at,
            seq: event.seq,
            work_item: event.work_item.as_deref(),
            run: event.run.as_deref(),
            data,
            perhaps_ready: Vec::new(),
            overflowed: false,
            moved: BTreeMap::new(),
            runs_on_board: OnceCell::new(),
            runs_started: 0,
            runs_withdrawn: 0,
        })
    }

    /// A text of the event's particulars; empty when it is not there.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.data.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// The item the event is about, when the mission has it.
    pub(crate) fn event_item(&self) -> Result<Option<Item>, String> {
        self.work_item.map_or(Ok(None), |id| Item::read(self.board, id))
    }

    /// Whether the mission runs, this turn's commands included.
    pub(crate) fn is_running(&self) -> bool {
        self.header.status == MissionStatus::Running
    }

    /// Whether the mission has ended in this turn.
    pub(crate) fn is_over(&self) -> bool {
        self.header.status.is_final()
    }

    /// Moves the mission.
    pub(crate) fn set_mission(&mut self, status: MissionStatus, data: Value) {
        self.header.status = status;
        self.out.set_mission_status(status, data);
    }

    /// Leaves planning behind, whatever the mission's status is.
    pub(crate) fn begin_working(&mut self) {
        self.header.is_planning = false;
        self.set_mission(self.header.status, json!({"phase": "working"}));
    }

    /// Ends the mission without success.
    pub(crate) fn fail_mission(&mut self, reason: &str) {
        self.set_mission(MissionStatus::Failed, json!({"reason": shortened(reason)}));
    }

    /// Moves an item.
    pub(crate) fn move_item(&mut self, item: &Item, to: WorkItemStatus, reason: Option<&str>) {
        self.out.set_work_item_status(&item.id, to, reason.map(shortened));
        self.note_move(&item.id, Some(item.status), to);
    }

    /// Whether this turn has moved an item already.
    pub(crate) fn has_moved(&self, id: &str) -> bool {
        self.moved.contains_key(id)
    }

    /// Whether an item is done, this turn's commands included.
    pub(crate) fn is_done(&self, id: &str) -> bool {
        match self.moved.get(id) {
            Some((_, to)) => *to == WorkItemStatus::Done,
            None => self.board.work_item(id).is_some_and(|item| item.status == WorkItemStatus::Done),
        }
    }

    /// Notes that an item was added in `todo`.
    pub(crate) fn note_added(&mut self, id: &str) {
        self.note_move(id, None, WorkItemStatus::Todo);
    }

    /// Notes that a run was queued, for an item or for the planner.
    pub(crate) fn note_started(&mut self, item: Option<&Item>) {
        self.runs_started += 1;
        if let Some(item) = item {
            self.note_move(&item.id, Some(item.status), WorkItemStatus::InProgress);
        }
    }

    /// Withdraws an open run.
    pub(crate) fn withdraw_run(&mut self, run: &str, reason: &str) {
        self.out.cancel_run(run, reason);
        self.runs_withdrawn += 1;
    }

    /// Runs this turn has started.
    pub(crate) fn runs_started(&self) -> u32 {
        self.runs_started
    }

    /// Runs that are open, this turn's commands included.
    pub(crate) fn open_runs(&self) -> u32 {
        let count = || u32::try_from(self.board.list_open_runs().len()).unwrap_or(u32::MAX);
        self.runs_on_board.get_or_init(count).saturating_sub(self.runs_withdrawn).saturating_add(self.runs_started)
    }

    /// How many items have each status, this turn's commands included.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts(BTreeMap::new());
        for entry in self.board.count_by_status() {
            counts.0.insert(entry.status.word(), i64::from(entry.count));
        }
        for (from, to) in self.moved.values() {
            if let Some(from) = from {
                *counts.0.entry(from.word()).or_default() -= 1;
            }
            *counts.0.entry(to.word()).or_default() += 1;
        }
        counts
    }

    fn note_move(&mut self, id: &str, from: Option<WorkItemStatus>, to: WorkItemStatus) {
        // The status on the board stays the first one when an item moves twice in one turn.
        let from = self.moved.get(id).map_or(from, |(first, _)| *first);
        self.moved.insert(id.to_owned(), (from, to));
    }
}

fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)]
}

/// How many items have each status.
pub(crate) struct Counts(BTreeMap<&'static str, i64>);

impl Counts {
    /// Items with one of these statuses.
    pub(crate) fn of(&self, statuses: &[WorkItemStatus]) -> i64 {
        statuses.iter().map(|status| self.0.get(status.word()).copied().unwrap_or(0)).sum()
    }

    /// All items.
    pub(crate) fn total(&self) -> i64 {
        self.0.values().sum()
    }
}

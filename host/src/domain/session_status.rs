//! How a session stands: a fold over what is told of its runs.
//!
//! What is told may come twice, late or in any order, from engines that the host knows nothing of;
//! the same telling in whatever order leads to the same status. That holds because a run keeps no
//! present state that events change, but the earliest and the latest of each kind of telling, of
//! which its state is read: [`SessionStatus::shown`]. The host's own runs are told in order, and
//! go back to waiting when their worker is lost; for them the log's order counts and no clock.
//!
//! It reads no JSON (that is `wire`'s) and stores nothing.

use super::event_type::EventType;
use super::id::RunId;
use super::time::Timestamp;
use super::word::words;

/// Most runs of a session that are remembered; the one that began first is forgotten first.
pub const RUNS_MAX: usize = 32;
/// Most tool calls of a run that are remembered, those that have ended among them.
pub const CALLS_MAX: usize = 32;
/// Most forgotten runs of a session, and forgotten calls of a run, that are known as such, so that a
/// late telling brings none of them back.
pub const FORGOTTEN_MAX: usize = 128;

words! {
    /// Where a session's newest run stands.
    SessionState {
        /// It waits for a worker.
        Queued = "queued",
        /// Somebody works on it.
        Running = "running",
        /// It is over, or the session has lost it. A run that is over stays so.
        Finished = "finished",
    }
}

words! {
    /// What a session's newest run does.
    Phase {
        /// It works by itself.
        Run = "run",
        /// It waits for a tool.
        Tool = "tool",
    }
}

/// Something that was told of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The run.
    pub run_id: RunId,
    /// When it happened, in the words of whoever told it.
    pub at: Timestamp,
    /// Its place in the log.
    pub seq: u64,
    /// Whether the host tells it of one of its own runs, in order.
    pub by_host: bool,
    /// The type of the event.
    pub event_type: EventType,
    /// What.
    pub what: What,
}

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It waits for a worker. Of a run that somebody worked on since, only the host says so.
    Waits,
    /// Somebody works on it.
    Works,
    /// It lost whoever worked on it, and what they were doing.
    Interrupted,
    /// It goes on in another session.
    Left,
    /// It is over.
    Finished {
        /// How, when that was told.
        result: Option<String>,
    },
    /// It calls a tool, or the tool has answered.
    Calls(ToolCall),
}

/// A tool call as one event tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// What the engine calls this call; without, calls of one tool are one after the other.
    pub id: Option<String>,
    /// The tool, when it was told.
    pub tool: String,
    /// Whether it has ended.
    pub has_ended: bool,
}

/// When something was told: by this two tellings of one run compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Stamp {
    /// The moment it happened; of the host's own runs the place in the log.
    pub order: u64,
    /// The place in the log.
    pub seq: u64,
}

/// The newest telling of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    /// When.
    pub stamp: Stamp,
    /// The type of the event.
    pub event_type: EventType,
    /// What it says of the run.
    pub state: SessionState,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// When.
    pub stamp: Stamp,
    /// How, when that was told.
    pub result: Option<String>,
}

/// What is known of a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallTrace {
    /// What the engine calls it; without, the tool stands for all of its calls.
    pub id: Option<String>,
    /// The tool.
    pub tool: String,
    /// The earliest telling of it.
    pub began: Stamp,
    /// The latest telling that it runs.
    pub runs: Option<Stamp>,
    /// The latest telling that it has ended.
    pub ended: Option<Stamp>,
}

/// What is known of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTrace {
    /// The run.
    pub run_id: RunId,
    /// The earliest telling of it, by its moment: what orders the runs of a session.
    pub began: Stamp,
    /// The newest telling.
    pub last: Last,
    /// The latest telling that whoever worked on it was lost, with the calls they had made.
    pub interrupted: Option<Stamp>,
    /// The earliest telling of its end.
    pub end: Option<End>,
    /// Its tool calls, the earliest first; none once it has ended.
    pub calls: Vec<CallTrace>,
    /// Marks of calls that were forgotten; none once it has ended.
    pub forgotten: Vec<u64>,
}

/// What is known of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionStatus {
    /// Its runs, the newest last; at most [`RUNS_MAX`].
    pub runs: Vec<RunTrace>,
    /// Marks of runs that were forgotten.
    pub forgotten: Vec<u64>,
}

/// How a session stands, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'s> {
    /// Its newest run.
    pub run_id: &'s RunId,
    /// Where that stands.
    pub state: SessionState,
    /// The tool it waits for.
    pub tool: Option<&'s str>,
    /// How it ended, once it has and when that was told.
    pub result: Option<&'s str>,
    /// The newest event that counts.
    pub event_type: EventType,
}

impl Shown<'_> {
    /// What the run does.
    pub fn phase(&self) -> Phase {
        if self.tool.is_some() { Phase::Tool } else { Phase::Run }
    }
}

/// How the session of an interrupted run shows it when it went on elsewhere.
const LEFT: &str = "interrupted";

impl SessionStatus {
    /// Takes in what was told.
    pub fn take(&mut self, told: &Told) {
        let place = match self.runs.iter().position(|run| run.run_id == told.run_id) {
            Some(place) => place,
            None if self.forgotten.contains(&mark_of(told.run_id.as_str())) => return,
            None => {
                self.runs.push(RunTrace::new(told));
                self.runs.len() - 1
            }
        };
        self.runs[place].take(told);
        self.runs.sort_by(|a, b| (a.began, &a.run_id).cmp(&(b.began, &b.run_id)));
        if self.runs.len() > RUNS_MAX {
            let oldest = self.runs.remove(0);
            note_forgotten(&mut self.forgotten, oldest.run_id.as_str());
        }
    }

    /// How the session stands; `None` before anything was told of it.
    pub fn shown(&self) -> Option<Shown<'_>> {
        self.runs.last().map(RunTrace::shown)
    }
}

/// A short stand-in for an id (FNV-1a). A second id with the mark of a forgotten one is not shown,
/// which among so few does not happen by chance.
fn mark_of(id: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    id.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

fn note_forgotten(forgotten: &mut Vec<u64>, id: &str) {
    forgotten.push(mark_of(id));
    if forgotten.len() > FORGOTTEN_MAX {
        forgotten.remove(0);
    }
}

impl Told {
    /// By the log of the host's own runs, by the moment otherwise.
    fn stamp(&self) -> Stamp {
        Stamp { order: if self.by_host { self.seq } else { self.at.as_millis() }, seq: self.seq }
    }

    fn last(&self) -> Last {
        let state = match &self.what {
            What::Waits | What::Interrupted => SessionState::Queued,
            What::Works | What::Calls(_) => SessionState::Running,
            What::Left | What::Finished { .. } => SessionState::Finished,
        };
        Last { stamp: self.stamp(), event_type: self.event_type, state }
    }
}

impl RunTrace {
    fn new(told: &Told) -> Self {
        Self {
            run_id: told.run_id.clone(),
            began: Stamp { order: told.at.as_millis(), seq: told.seq },
            last: told.last(),
            interrupted: None,
            end: None,
            calls: Vec::new(),
            forgotten: Vec::new(),
        }
    }

    fn take(&mut self, told: &Told) {
        let stamp = told.stamp();
        self.began = self.began.min(Stamp { order: told.at.as_millis(), seq: told.seq });
        match &told.what {
            What::Finished { result } => {
                if self.end.as_ref().is_none_or(|end| stamp < end.stamp) {
                    self.end = Some(End { stamp, result: result.clone() });
                }
                self.calls.clear();
                self.forgotten.clear();
            }
            What::Interrupted => self.interrupted = self.interrupted.max(Some(stamp)),
            What::Waits if told.by_host => self.interrupted = self.interrupted.max(Some(stamp)),
            What::Calls(call) if self.end.is_none() => self.take_call(call, stamp),
            What::Calls(_) | What::Waits | What::Works | What::Left => {}
        }
        let new = told.last();
        // An engine's `queued` that comes late says nothing of a run that somebody works on.
        let weight = |last: &Last| (told.by_host || last.event_type != EventType::RunQueued, last.stamp);
        if weight(&new) > weight(&self.last) {
            self.last = new;
        }
    }

    fn take_call(&mut self, told: &ToolCall, stamp: Stamp) {
        let is_it = |call: &CallTrace| match &told.id {
            Some(_) => call.id == told.id,
            None => call.id.is_none() && call.tool == told.tool,
        };
        let place = match self.calls.iter().position(is_it) {
            Some(place) => place,
            None if told.id.as_ref().is_some_and(|id| self.forgotten.contains(&mark_of(id))) => return,
            None => {
                let (id, tool) = (told.id.clone(), told.tool.clone());
                self.calls.push(CallTrace { id, tool, began: stamp, runs: None, ended: None });
                self.calls.len() - 1
            }
        };
        let call = &mut self.calls[place];
        call.began = call.began.min(stamp);
        // An answer often leaves out which tool it is of.
        if call.tool.is_empty() {
            call.tool.clone_from(&told.tool);
        }
        let side = if told.has_ended { &mut call.ended } else { &mut call.runs };
        *side = (*side).max(Some(stamp));
        self.calls.sort_by(|a, b| (a.began, &a.id, &a.tool).cmp(&(b.began, &b.id, &b.tool)));
        if self.calls.len() > CALLS_MAX {
            // Of calls that are over nothing is shown; those that run are what matters.
            let over = self.calls.iter().position(|call| !call.is_running(self.interrupted));
            let forgotten = self.calls.remove(over.unwrap_or(0));
            if let Some(id) = &forgotten.id {
                note_forgotten(&mut self.forgotten, id);
            }
        }
    }

    fn shown(&self) -> Shown<'_> {
        let Self { run_id, last, end, .. } = self;
        if let Some(end) = end {
            let result = end.result.as_deref();
            let event_type = EventType::RunFinished;
            return Shown { run_id, state: SessionState::Finished, tool: None, result, event_type };
        }
        // Of several calls at once the one that began last.
        let running = self.calls.iter().rev().find(|call| call.is_running(self.interrupted));
        let tool = running.filter(|_| last.state == SessionState::Running).map(|call| &*call.tool);
        let result = (last.state == SessionState::Finished).then_some(LEFT);
        Shown { run_id, state: last.state, tool, result, event_type: last.event_type }
    }
}

impl CallTrace {
    fn is_running(&self, interrupted: Option<Stamp>) -> bool {
        let Some(runs) = self.runs else { return false };
        let is_over = match (self.ended, &self.id) {
            (None, _) => false,
            // A call that has a name ends once; without names, it may be the next call.
            (Some(_), Some(_)) => true,
            (Some(ended), None) => ended > runs,
        };
        !is_over && interrupted.is_none_or(|interrupted| interrupted < runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next of a fixed sequence of numbers (splitmix64).
    fn next(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn pick(seed: &mut u64, count: usize) -> usize {
        usize::try_from(next(seed) % count as u64).unwrap()
    }

    fn told(run: &str, at: u64, what: What) -> Told {
        let event_type = match &what {
            What::Waits => EventType::RunQueued,
            What::Works => EventType::RunStarted,
            What::Interrupted | What::Left => EventType::RunInterrupted,
            What::Finished { .. } => EventType::RunFinished,
            What::Calls(_) => EventType::PartUpdated,
        };
        Told { run_id: RunId::new(run), at: Timestamp(at), seq: 0, by_host: false, event_type, what }
    }

    fn call(id: Option<&str>, tool: &str, has_ended: bool) -> What {
        What::Calls(ToolCall { id: id.map(str::to_owned), tool: tool.to_owned(), has_ended })
    }

    fn ended(how: &str) -> What {
        What::Finished { result: Some(how.to_owned()) }
    }

    /// Takes in what was told, in this order of the log.
    fn status(told: &[Told]) -> SessionStatus {
        let mut status = SessionStatus::default();
        for (seq, told) in (1..).zip(told) {
            status.take(&Told { seq, ..told.clone() });
        }
        status
    }

    /// `STATE PHASE TOOL RESULT` of the newest run.
    fn shown(told: &[Told]) -> String {
        let status = status(told);
        let shown = status.shown().unwrap();
        let [tool, result] = [shown.tool, shown.result].map(|text| text.unwrap_or("-"));
        format!("{} {} {} {tool} {result}", shown.run_id, shown.state, shown.phase())
    }

    #[test]
    fn the_newest_run_is_shown_as_it_stands() {
        use What::{Interrupted, Waits, Works};
        let of = |whats: &[What]| {
            let told: Vec<_> = (1..).zip(whats).map(|(at, what)| told("r", at, what.clone())).collect();
            shown(&told)
        };
        assert_eq!(of(&[Waits]), "r queued run - -");
        assert_eq!(of(&[Waits, Works]), "r running run - -");
        assert_eq!(of(&[Works, call(Some("1"), "grep", false)]), "r running tool grep -");
        assert_eq!(of(&[call(Some("1"), "grep", false), call(Some("1"), "", true)]), "r running run - -");
        let both = [call(Some("1"), "grep", false), call(Some("2"), "ls", false)];
        assert_eq!(of(&both), "r running tool ls -");
        assert_eq!(of(&[both[0].clone(), both[1].clone(), call(Some("2"), "ls", true)]), "r running tool grep -");
        assert_eq!(of(&[both[0].clone(), Interrupted]), "r queued run - -");
        assert_eq!(of(&[both[0].clone(), Interrupted, Works]), "r running run - -");
        assert_eq!(of(&[both[0].clone(), ended("failed")]), "r finished run - failed");
        // What is over stays over, whatever comes later.
        assert_eq!(of(&[ended("failed"), Works, both[0].clone(), ended("succeeded")]), "r finished run - failed");
        let again = [call(Some("1"), "grep", false), call(Some("1"), "grep", true), call(Some("1"), "grep", false)];
        assert_eq!(of(&again), "r running run - -");
        // Calls without names follow each other.
        let nameless = [call(None, "grep", false), call(None, "grep", true), call(None, "grep", false)];
        assert_eq!(of(&nameless), "r running tool grep -");
        // An engine's `queued` that comes late.
        assert_eq!(of(&[Works, Waits]), "r running run - -");
        let by_host = |seq: u64, what| Told { by_host: true, at: Timestamp(9 - seq), ..told("r", 0, what) };
        // The host's own are told in order, whatever its clocks say.
        assert_eq!(shown(&[by_host(1, Works), by_host(2, Waits)]), "r queued run - -");
        assert_eq!(shown(&[by_host(1, Interrupted), by_host(2, Works)]), "r running run - -");
        assert_eq!(shown(&[by_host(1, Interrupted), by_host(2, What::Left)]), "r finished run - interrupted");
    }

    #[test]
    fn an_older_run_does_not_come_back() {
        let mut all = vec![told("a", 1, What::Works), told("b", 2, What::Works), told("a", 3, ended("failed"))];
        assert_eq!(shown(&all), "b running run - -");
        // Nor when it was told of first, and not when it was forgotten.
        all.insert(0, told("b", 4, What::Works));
        assert_eq!(shown(&all), "b running run - -");
        for run in 0..40 {
            all.push(told(&format!("n{run}"), 10 + run, What::Works));
        }
        all.push(told("a", 1_000, ended("failed")));
        assert_eq!(shown(&all), "n39 running run - -");
        assert_eq!(status(&all).runs.len(), RUNS_MAX);
        // The same for calls of one run.
        let mut calls = vec![];
        for id in 0..=CALLS_MAX as u64 {
            calls.push(told("r", 2 * id, call(Some(&id.to_string()), "grep", false)));
            calls.push(told("r", 2 * id + 1, call(Some(&id.to_string()), "grep", true)));
        }
        calls.push(told("r", 500, call(Some("0"), "grep", false)));
        assert_eq!(shown(&calls), "r running run - -");
        assert_eq!(status(&calls).runs[0].calls.len(), CALLS_MAX);
    }

    /// A few runs as an engine may tell of them, each moment once.
    fn story(seed: &mut u64) -> Vec<Told> {
        let mut whats = vec![What::Waits, What::Works, What::Interrupted, ended("succeeded"), ended("failed")];
        for (id, tool) in [(Some("1"), "grep"), (Some("2"), "ls"), (Some("3"), "ls"), (None, "cat"), (None, "ls")] {
            whats.extend([call(id, tool, false), call(id, tool, true)]);
        }
        let runs = ["a", "b", "c"];
        let length = 1 + pick(seed, 12);
        let mut at = 0;
        let mut one = || {
            at += 1 + pick(seed, 3) as u64;
            // Ends are rare, so that there is something else to see.
            let some = if pick(seed, 3) == 0 { &whats[..5] } else { &whats[5..] };
            let what = some[pick(seed, some.len())].clone();
            told(runs[pick(seed, runs.len())], at, what)
        };
        (0..length).map(|_| one()).collect()
    }

    #[test]
    fn any_order_with_any_of_it_twice_leads_to_the_same() {
        let mut seed = 7;
        let mut endings = std::collections::BTreeSet::new();
        for _ in 0..4_000 {
            let story = story(&mut seed);
            let right = shown(&story);
            endings.insert(right.clone());
            let mut mixed = story.clone();
            for _ in 0..pick(&mut seed, 6) {
                mixed.push(story[pick(&mut seed, story.len())].clone());
            }
            for last in (1..mixed.len()).rev() {
                mixed.swap(last, pick(&mut seed, last + 1));
            }
            assert_eq!(shown(&mixed), right, "{story:#?}\ncame as {mixed:#?}");
            assert_eq!(status(&mixed).shown().unwrap().event_type, status(&story).shown().unwrap().event_type);
        }
        assert!(endings.len() > 20, "the stories are too much alike: {endings:?}");
    }
}

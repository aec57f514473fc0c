//! Counts results and tells flaky tests from failed ones.
//!
//! Owns the totals, the state of the required suites, and what a repeated name means. Never decides
//! an outcome.
//!
//! A test is flaky when all that is known of its name, within one report, is failures and then one
//! single pass: so a rerun looks. A name that passed before it failed, or passed twice, belongs to
//! several tests (parametrised ones are often called alike), whose failures are failures.

use crate::report::{Case, Event, Sink, Status};
use sluice_rules::Globs;
use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};

/// Most names remembered; beyond them no rerun is recognised, so failures stay failures.
const NAMES_MAX: usize = 400_000;

/// Most failures kept with their words.
pub(crate) const KEPT_MAX: usize = 1_000;

/// A failure or a flaky test, kept for its finding.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    key: u64,
    pub(crate) suite: String,
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) is_flaky: bool,
    pub(crate) message: String,
    pub(crate) path: Option<String>,
    pub(crate) line: Option<u32>,
}

/// What is known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It failed so often and did not pass.
    Failing(u32),
    /// It failed so often and then passed: a rerun.
    Recovered(u32),
    /// Several tests share it.
    Shared,
}

/// Numbers of tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    /// Failed and errored, without those that a rerun made good.
    pub(crate) failed: u64,
    /// Of the failed ones, those that could not be run to their end.
    pub(crate) errored: u64,
    pub(crate) skipped: u64,
    pub(crate) flaky: u64,
}

impl Totals {
    /// How many tests ran.
    pub(crate) fn ran(&self) -> u64 {
        self.passed.saturating_add(self.failed)
    }
}

/// What was found of one required suite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Required {
    pub(crate) ran: u64,
    pub(crate) failed: u64,
}

/// Everything counted so far.
pub(crate) struct Tally<'s> {
    required_globs: &'s Globs,
    pub(crate) required: Vec<Required>,
    pub(crate) totals: Totals,
    pub(crate) duration_s: Option<f64>,
    pub(crate) lines: Option<(u64, u64)>,
    pub(crate) branches: Option<(u64, u64)>,
    /// Problems of the present report: its line and a reason.
    pub(crate) malformed: Vec<(Option<u64>, String)>,
    kept: Vec<Kept>,
    names: HashMap<u64, State>,
    /// The artifact being read: names of different artifacts are different tests.
    artifact: String,
}

impl<'s> Tally<'s> {
    pub(crate) fn new(required_globs: &'s Globs) -> Self {
        Self {
            required_globs,
            required: vec![Required::default(); required_globs.iter().count()],
            totals: Totals::default(),
            duration_s: None,
            lines: None,
            branches: None,
            malformed: Vec::new(),
            kept: Vec::new(),
            names: HashMap::new(),
            artifact: String::new(),
        }
    }

    /// Tells that another artifact is read. Two of the same name are runs of the same tests.
    pub(crate) fn start(&mut self, artifact: &str) {
        artifact.clone_into(&mut self.artifact);
        self.malformed.clear();
    }

    /// Failures and flaky tests that are kept, as they stand at the end.
    pub(crate) fn into_kept(self) -> Vec<Kept> {
        let Self { kept, names, .. } = self;
        let recovered = |key: u64| matches!(names.get(&key), Some(State::Recovered(_)));
        let mut settled: Vec<Kept> = Vec::with_capacity(kept.len());
        let mut told = std::collections::HashSet::new();
        for mut one in kept {
            if !one.is_flaky && recovered(one.key) {
                // The attempts of one test are one finding.
                if !told.insert(one.key) {
                    continue;
                }
                one.is_flaky = true;
            }
            settled.push(one);
        }
        settled
    }

    fn case(&mut self, case: &Case<'_>) {
        let required: Vec<usize> = self.required_of(case);
        if case.status == Status::Skipped {
            self.totals.skipped = self.totals.skipped.saturating_add(1);
            return;
        }
        let key = self.key(case);
        let is_failure = case.status != Status::Passed;
        for &index in &required {
            self.required[index].ran += 1;
        }
        if is_failure {
            self.totals.failed = self.totals.failed.saturating_add(1);
            self.totals.errored += u64::from(case.status == Status::Errored);
            for &index in &required {
                self.required[index].failed += 1;
            }
        } else {
            self.totals.passed = self.totals.passed.saturating_add(1);
            self.totals.flaky += u64::from(case.flaky);
        }
        if is_failure || case.flaky {
            self.keep(key, case);
        }
        self.settle(key, is_failure, &required);
    }

    /// Learns from one more result of a name, and takes failures back or counts them again.
    fn settle(&mut self, key: u64, is_failure: bool, required: &[usize]) {
        let is_full = self.names.len() >= NAMES_MAX;
        let (state, change) = match self.names.entry(key) {
            Entry::Vacant(vacant) => {
                if !is_full {
                    vacant.insert(if is_failure { State::Failing(1) } else { State::Shared });
                }
                return;
            }
            Entry::Occupied(occupied) => {
                let state = occupied.into_mut();
                let change = match (*state, is_failure) {
                    (State::Failing(failures), true) => (State::Failing(failures.saturating_add(1)), 0),
                    (State::Failing(failures), false) => (State::Recovered(failures), -i64::from(failures)),
                    (State::Recovered(failures), _) => (State::Shared, i64::from(failures)),
                    (State::Shared, _) => (State::Shared, 0),
                };
                (state, change)
            }
        };
        *state = change.0;
        let add = |count: &mut u64| *count = count.saturating_add_signed(change.1);
        add(&mut self.totals.failed);
        self.totals.flaky = self.totals.flaky.saturating_add_signed(-change.1.signum());
        for &index in required {
            add(&mut self.required[index].failed);
        }
    }

    fn keep(&mut self, key: u64, case: &Case<'_>) {
        if self.kept.len() < KEPT_MAX {
            self.kept.push(Kept {
                key,
                suite: case.suite.to_owned(),
                name: case.name.to_owned(),
                status: case.status,
                is_flaky: case.status == Status::Passed,
                message: case.message.to_owned(),
                path: case.path.map(str::to_owned),
                line: case.line,
            });
        }
    }

    fn key(&self, case: &Case<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.artifact, case.outer, case.suite, case.class, case.name).hash(&mut hasher);
        hasher.finish()
    }

    fn required_of(&self, case: &Case<'_>) -> Vec<usize> {
        let names = [case.suite, case.class, case.outer];
        let is_named = |glob: &sluice_rules::Glob| names.iter().any(|name| !name.is_empty() && glob.matches_name(name));
        self.required_globs.iter().enumerate().filter(|(_, glob)| is_named(glob)).map(|(index, _)| index).collect()
    }
}

impl Sink for Tally<'_> {
    fn on(&mut self, event: Event<'_>) {
        let add = |sum: &mut Option<(u64, u64)>, (some, all): (u64, u64)| {
            let (known, total) = sum.unwrap_or_default();
            *sum = Some((known.saturating_add(some), total.saturating_add(all)));
        };
        match event {
            Event::Case(case) => self.case(&case),
            Event::Counted { suite, class, passed, failed, skipped } => {
                let ran = passed.saturating_add(failed);
                self.totals.passed = self.totals.passed.saturating_add(passed);
                self.totals.failed = self.totals.failed.saturating_add(failed);
                self.totals.skipped = self.totals.skipped.saturating_add(skipped);
                for index in self.required_of(&Case { class, ..Case::new(suite, "", Status::Passed) }) {
                    let required = &mut self.required[index];
                    required.ran = required.ran.saturating_add(ran);
                    required.failed = required.failed.saturating_add(failed);
                }
            }
            Event::Duration(seconds) => *self.duration_s.get_or_insert(0.0) += seconds,
            Event::Lines(covered, total) => add(&mut self.lines, (covered, total)),
            Event::Branches(covered, total) => add(&mut self.branches, (covered, total)),
            Event::Malformed { line, reason } => self.malformed.push((line, reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, Totals};
    use crate::report::{Case, Event, Sink, Status};
    use sluice_rules::Globs;

    /// Totals and the number of flaky findings after results `P` and `F` of one name.
    fn after(results: &str) -> (u64, u64, u64, usize) {
        let globs = Globs::new(&["suite"]).unwrap();
        let mut tally = Tally::new(&globs);
        tally.start("junit.xml");
        for result in results.chars() {
            let status = if result == 'P' { Status::Passed } else { Status::Failed };
            tally.on(Event::Case(Case::new("suite", "name", status)));
        }
        let Totals { passed, failed, flaky, .. } = tally.totals;
        assert_eq!(tally.required[0].failed, failed, "{results}");
        (passed, failed, flaky, tally.into_kept().iter().filter(|kept| kept.is_flaky).count())
    }

    #[test]
    fn only_failures_and_then_one_pass_are_a_rerun() {
        assert_eq!(after("P"), (1, 0, 0, 0));
        assert_eq!(after("F"), (0, 1, 0, 0));
        assert_eq!(after("FP"), (1, 0, 1, 1));
        assert_eq!(after("FFP"), (1, 0, 1, 1));
        assert_eq!(after("PF"), (1, 1, 0, 0));
        assert_eq!(after("FPP"), (2, 1, 0, 0));
        assert_eq!(after("FPF"), (1, 2, 0, 0));
        assert_eq!(after("PFP"), (2, 1, 0, 0));
    }

    #[test]
    fn equal_names_in_different_reports_are_different_tests() {
        let globs = Globs::default();
        let mut tally = Tally::new(&globs);
        tally.start("linux.xml");
        tally.on(Event::Case(Case::new("s", "n", Status::Failed)));
        tally.start("windows.xml");
        tally.on(Event::Case(Case::new("s", "n", Status::Passed)));
        assert_eq!((tally.totals.failed, tally.totals.flaky), (1, 0));
    }
}

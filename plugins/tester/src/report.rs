//! What a report tells, whatever its format.
//!
//! Owns the nouns that parsers and the tally share. Never parses and never counts.

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It passed.
    Passed,
    /// An assertion failed.
    Failed,
    /// It could not be run to its end: a crash, a time-out, a failed set-up, a build that failed.
    Errored,
    /// It was not run.
    Skipped,
}

/// One test's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case<'a> {
    /// The innermost suite that has a name; empty when the report names none.
    pub suite: &'a str,
    /// Another name for the suite: `JUnit`'s class, the source file of a test binary.
    pub class: &'a str,
    /// The outermost suite that has a name, where suites nest.
    pub outer: &'a str,
    /// The test.
    pub name: &'a str,
    /// How it ended.
    pub status: Status,
    /// Whether the report itself tells of attempts that failed before it passed.
    pub flaky: bool,
    /// What the report says about a failure; may be long, may be empty.
    pub message: &'a str,
    /// The file, where the report has it.
    pub path: Option<&'a str>,
    /// The line in it, from 1.
    pub line: Option<u32>,
}

impl<'a> Case<'a> {
    /// A result without message and place.
    pub fn new(suite: &'a str, name: &'a str, status: Status) -> Self {
        Self { suite, class: "", outer: "", name, status, flaky: false, message: "", path: None, line: None }
    }
}

/// What a parser tells.
#[derive(Debug)]
pub enum Event<'a> {
    /// A test ended.
    Case(Case<'a>),
    /// Tests that the report only counts.
    Counted {
        /// Their suite.
        suite: &'a str,
        /// Another name for it.
        class: &'a str,
        /// How many passed.
        passed: u64,
        /// How many failed.
        failed: u64,
        /// How many were skipped.
        skipped: u64,
    },
    /// Seconds that tests took, to be added up.
    Duration(f64),
    /// Lines covered and lines there are, to be added up.
    Lines(u64, u64),
    /// Branches covered and branches there are, to be added up.
    Branches(u64, u64),
    /// The report cannot be believed.
    Malformed {
        /// The line of the artifact, from 1; none where it is about the whole.
        line: Option<u64>,
        /// What is wrong, as a clause that follows 'the report cannot be trusted: '.
        reason: String,
    },
}

/// Takes what a parser tells.
pub trait Sink {
    /// One event, in the order of the report.
    fn on(&mut self, event: Event<'_>);
}

/// Tells that the report cannot be believed.
pub(crate) fn malformed(sink: &mut dyn Sink, line: Option<u64>, reason: impl Into<String>) {
    sink.on(Event::Malformed { line, reason: reason.into() });
}

/// Seconds as a report writes them; none for what is no time: negative, infinite, no number.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    // JUnit writers group thousands with a comma in some locales.
    let plain: String = text.trim().chars().filter(|character| *character != ',').collect();
    plain.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
}

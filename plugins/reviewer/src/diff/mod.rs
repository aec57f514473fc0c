//! A streaming parser for unified diffs as git and diff(1) write them.
//!
//! Owns the grammar: file headers, extended headers, hunks with their counts, combined diffs,
//! binary patches. Tells a [`Sink`] what it reads; never judges, and keeps nothing of a file but
//! its header. Text between files (mail headers, commit messages, signatures) is passed over, as
//! git apply does.
//!
//! Read next: `header` (which file), `hunk` (which lines), `parser` (how they follow each other).

mod header;
mod hunk;
mod parser;
mod path;

pub use header::{FileChange, Mode};
pub use parser::Parser;

/// What a diff tells.
#[derive(Debug)]
pub enum Event<'a> {
    /// A file's header is complete.
    File(&'a FileChange),
    /// A hunk begins; what stands behind its `@@`, often the enclosing function.
    Section(&'a [u8]),
    /// A line that the change adds, or a further piece of one that is very long.
    Added {
        /// The line in the new file, from 1; none where the hunk is malformed.
        line: Option<u32>,
        /// The text, without the `+`.
        text: &'a [u8],
        /// Whether the line starts here.
        first: bool,
    },
    /// A line that the change removes.
    Removed,
    /// The diff breaks its own grammar.
    Malformed {
        /// The line of the artifact, from 1.
        line: u64,
        /// What is wrong, as a sentence without its full stop.
        reason: &'static str,
    },
}

/// Takes what a [`Parser`] tells.
pub trait Sink {
    /// One event, in the order of the diff.
    fn on(&mut self, event: Event<'_>);
}

//! The order of things in a diff: headers, hunks, binary data, and the text between them.
//!
//! Owns the state from one line to the next. After an error it goes on reading, telling added lines
//! without numbers, so that a broken hunk cannot hide what it adds.

use super::header::{FileChange, Header};
use super::hunk::{Hunk, Line};
use super::{Event, Sink};
use crate::piece::{OVERLAP_BYTES, Piece};

#[derive(Debug)]
enum State {
    /// Between files.
    Outside,
    /// In a file's header.
    Header(Box<Header>),
    /// Behind `--- OLD` and before the `+++ NEW` that must follow.
    Sides { header: Box<Header>, old: Vec<u8>, from: SidesFrom },
    /// Behind `+++ NEW`, where a hunk must follow.
    FirstHunk { header: Box<Header>, from: SidesFrom },
    /// In a hunk.
    Hunk(Hunk),
    /// Behind a complete or a broken hunk.
    AfterHunk { broken: bool },
    /// Behind `GIT binary patch`, or behind its first part.
    BinaryStart { part: u8 },
    /// In the lines of a binary patch.
    BinaryData { part: u8 },
}

/// Where a line `--- ` was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SidesFrom {
    Outside,
    GitHeader,
    AfterHunk { broken: bool },
}

/// What the pieces of the present line belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Continues {
    Added(Option<u32>),
    Content,
    Structure,
}

/// The parser. Feed it every piece of a diff, then call [`Parser::finish`].
#[derive(Debug)]
pub struct Parser {
    state: State,
    continues: Continues,
    line: u64,
    files: u64,
    /// Whether the present line is one that a hunk counts.
    is_counted: bool,
    ended: bool,
}

impl Default for Parser {
    fn default() -> Self {
        Self {
            state: State::Outside,
            continues: Continues::Structure,
            line: 0,
            files: 0,
            is_counted: false,
            ended: true,
        }
    }
}

impl Parser {
    /// How many files were told so far.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Takes the next piece.
    pub fn piece(&mut self, piece: Piece<'_>, sink: &mut dyn Sink) {
        self.ended = piece.ended;
        if piece.first {
            self.line = piece.line;
            self.continues = Continues::Structure;
            self.is_counted = false;
            self.start_of_line(piece.text, sink);
        } else {
            self.continue_line(piece.text, sink);
        }
    }

    /// Ends the diff: what is still open is an error.
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        if self.is_counted && !self.ended {
            // As git apply does: what lacks its line feed was cut off.
            self.malformed("the diff ends in the middle of a hunk's line", sink);
            self.state = State::Outside;
            return;
        }
        self.line += 1;
        match &self.state {
            State::Header(header) => {
                let change = header.finish();
                self.tell_file(change, sink);
            }
            State::Sides { from: SidesFrom::Outside, .. } | State::FirstHunk { from: SidesFrom::Outside, .. } => {}
            State::Sides { .. } => self.malformed("the diff ends after a --- line that no +++ line follows", sink),
            State::FirstHunk { .. } => self.malformed("the diff ends before the first hunk of a file", sink),
            State::Hunk(_) => self.malformed("the diff ends inside a hunk", sink),
            State::BinaryStart { part: 0 } | State::BinaryData { .. } => {
                self.malformed("the diff ends inside a binary patch", sink);
            }
            State::Outside | State::AfterHunk { .. } | State::BinaryStart { .. } => {}
        }
        self.state = State::Outside;
    }

    fn continue_line(&mut self, text: &[u8], sink: &mut dyn Sink) {
        match self.continues {
            Continues::Added(line) => sink.on(Event::Added { line, text, first: false }),
            Continues::Content => {}
            Continues::Structure if matches!(self.state, State::Outside) => {}
            Continues::Structure => {
                // Told once: a further piece would say the same.
                if text.len() > OVERLAP_BYTES {
                    self.continues = Continues::Content;
                    self.malformed("a header line is longer than 64 KiB", sink);
                }
            }
        }
    }

    fn start_of_line(&mut self, text: &[u8], sink: &mut dyn Sink) {
        match std::mem::replace(&mut self.state, State::Outside) {
            State::Outside => self.outside(text, sink),
            State::Header(header) => self.in_header(header, text, sink),
            State::Sides { header, old, from } => self.behind_old_side(header, &old, from, text, sink),
            State::FirstHunk { header, from } => self.first_hunk(&header, from, text, sink),
            State::Hunk(hunk) => self.in_hunk(hunk, text, sink),
            State::AfterHunk { broken } => self.after_hunk(broken, text, sink),
            State::BinaryStart { part } => self.binary_start(part, text, sink),
            State::BinaryData { part } => {
                self.continues = Continues::Content;
                let is_end = text.trim_ascii().is_empty();
                self.state = if is_end { State::BinaryStart { part: part + 1 } } else { State::BinaryData { part } };
            }
        }
    }

    /// A line that opens a file; false when it does not.
    fn opens_file(&mut self, text: &[u8], from: SidesFrom) -> bool {
        let line = without_return(text);
        if let Some(names) = line.strip_prefix(b"diff --git ") {
            self.state = State::Header(Box::new(Header::git(names)));
        } else if let Some(name) = line.strip_prefix(b"diff --cc ").or_else(|| line.strip_prefix(b"diff --combined ")) {
            self.state = State::Header(Box::new(Header::combined(name)));
        } else if let Some(old) = line.strip_prefix(b"--- ") {
            self.state = State::Sides { header: Box::default(), old: old.to_vec(), from };
        } else {
            return false;
        }
        true
    }

    fn outside(&mut self, text: &[u8], sink: &mut dyn Sink) {
        if self.opens_file(text, SidesFrom::Outside) {
            return;
        }
        if Hunk::parse(without_return(text)).is_some() {
            self.malformed("a hunk stands before any file's header", sink);
            self.state = State::AfterHunk { broken: true };
        } else if let Some(names) = binary_notice(text) {
            // Plain diff(1) has no header for a binary file.
            let mut header = Header::default();
            header.set_binary(names);
            self.tell_file(header.finish(), sink);
        }
    }

    fn in_header(&mut self, mut header: Box<Header>, text: &[u8], sink: &mut dyn Sink) {
        let line = without_return(text);
        if let Some(old) = line.strip_prefix(b"--- ") {
            self.state = State::Sides { header, old: old.to_vec(), from: SidesFrom::GitHeader };
        } else if header.take(line) {
            self.state = State::Header(header);
        } else if let Some(names) = binary_notice(line) {
            header.set_binary(names);
            self.tell_file(header.finish(), sink);
        } else if line == b"GIT binary patch" {
            header.binary = true;
            self.tell_file(header.finish(), sink);
            self.state = State::BinaryStart { part: 0 };
        } else {
            self.tell_file(header.finish(), sink);
            if Hunk::parse(line).is_some() {
                self.malformed("a hunk stands before the --- and +++ lines of its file", sink);
                self.state = State::AfterHunk { broken: true };
            } else {
                self.outside(text, sink);
            }
        }
    }

    fn behind_old_side(
        &mut self,
        mut header: Box<Header>,
        old: &[u8],
        from: SidesFrom,
        text: &[u8],
        sink: &mut dyn Sink,
    ) {
        if let Some(new) = without_return(text).strip_prefix(b"+++ ") {
            header.set_sides(old, new);
            self.state = State::FirstHunk { header, from };
            return;
        }
        match from {
            // `--- ` is also how people underline and sign.
            SidesFrom::Outside => self.outside(text, sink),
            SidesFrom::GitHeader => {
                self.tell_file(header.finish(), sink);
                self.malformed("a --- line is not followed by a +++ line", sink);
                self.after_hunk(true, text, sink);
            }
            SidesFrom::AfterHunk { broken } => {
                if !broken {
                    self.malformed("a hunk has more lines than its header says", sink);
                }
                self.after_hunk(true, text, sink);
            }
        }
    }

    /// Outside a file, `--- ` and `+++ ` without a hunk behind them are prose, as for git apply.
    fn first_hunk(&mut self, header: &Header, from: SidesFrom, text: &[u8], sink: &mut dyn Sink) {
        let is_hunk = text.starts_with(b"@@");
        if !is_hunk && from == SidesFrom::Outside {
            self.outside(text, sink);
            return;
        }
        self.tell_file(header.finish(), sink);
        if !is_hunk {
            self.malformed("no hunk follows the --- and +++ lines", sink);
        }
        self.after_hunk(!is_hunk, text, sink);
    }

    fn in_hunk(&mut self, mut hunk: Hunk, text: &[u8], sink: &mut dyn Sink) {
        let columns = hunk.columns();
        self.is_counted = text.first() != Some(&b'\\');
        match hunk.take(text) {
            Some(Line::Added(number)) => {
                self.continues = Continues::Added(Some(number));
                sink.on(Event::Added { line: Some(number), text: &text[columns..], first: true });
            }
            Some(Line::Removed) => {
                self.continues = Continues::Content;
                sink.on(Event::Removed);
            }
            Some(Line::Context | Line::NoNewline) => self.continues = Continues::Content,
            None => {
                self.is_counted = false;
                self.malformed("a line does not fit the counts of its hunk", sink);
                self.after_hunk(true, text, sink);
                return;
            }
        }
        self.state = if hunk.is_complete() { State::AfterHunk { broken: false } } else { State::Hunk(hunk) };
    }

    fn after_hunk(&mut self, broken: bool, text: &[u8], sink: &mut dyn Sink) {
        let line = without_return(text);
        if let Some((hunk, section)) = Hunk::parse(line) {
            sink.on(Event::Section(section));
            self.state = if hunk.is_complete() { State::AfterHunk { broken } } else { State::Hunk(hunk) };
        } else if self.opens_file(text, SidesFrom::AfterHunk { broken }) {
        } else if line.starts_with(b"@@") {
            if !broken {
                self.malformed("a hunk's header cannot be read", sink);
            }
            self.state = State::AfterHunk { broken: true };
        } else if let (true, Some(added)) = (broken, text.strip_prefix(b"+")) {
            self.continues = Continues::Added(None);
            sink.on(Event::Added { line: None, text: added, first: true });
            self.state = State::AfterHunk { broken };
        } else if matches!(line.first(), Some(b'+' | b'-' | b' ')) && !is_signature(line) {
            if !broken {
                self.malformed("a hunk has more lines than its header says", sink);
                self.after_hunk(true, text, sink);
                return;
            }
            self.continues = Continues::Content;
            self.state = State::AfterHunk { broken };
        } else if line.first() == Some(&b'\\') || broken {
            self.continues = Continues::Content;
            self.state = State::AfterHunk { broken };
        }
        // Anything else is the text between files.
    }

    fn binary_start(&mut self, part: u8, text: &[u8], sink: &mut dyn Sink) {
        let line = without_return(text);
        let size = line.strip_prefix(b"literal ").or_else(|| line.strip_prefix(b"delta "));
        if part < 2 && size.is_some_and(|size| !size.is_empty() && size.iter().all(u8::is_ascii_digit)) {
            self.state = State::BinaryData { part };
        } else if part == 0 {
            self.malformed("a binary patch has no data", sink);
            self.outside(text, sink);
        } else {
            self.outside(text, sink);
        }
    }

    fn tell_file(&mut self, change: Result<FileChange, &'static str>, sink: &mut dyn Sink) {
        match change {
            Ok(change) => {
                self.files += 1;
                sink.on(Event::File(&change));
            }
            Err(reason) => {
                // The rules still see the lines, under a name that says what is known.
                sink.on(Event::File(&FileChange::default()));
                self.malformed(reason, sink);
            }
        }
    }

    fn malformed(&mut self, reason: &'static str, sink: &mut dyn Sink) {
        sink.on(Event::Malformed { line: self.line, reason });
    }
}

/// Header lines of a diff that passed through Windows end with a carriage return.
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What stands between `Binary files ` and ` differ`, with ` and ` still in it.
fn binary_notice(line: &[u8]) -> Option<&[u8]> {
    let line = without_return(line);
    line.strip_prefix(b"Binary files ")?.strip_suffix(b" differ")
}

/// `-- `, behind which git format-patch writes its version.
fn is_signature(line: &[u8]) -> bool {
    matches!(line, b"-- " | b"--")
}

//! The Test Anything Protocol, versions 12 to 14, with subtests and YAML diagnostics.
//!
//! Owns plans, directives and nesting. A subtest's failures count unless its parent is marked TODO
//! or SKIP; its parent is then not counted a second time. A plan that is missing or not kept makes the
//! report untrustworthy.

mod level;
mod point;

use super::lines::Line;
use super::text::{MESSAGE_KEPT_BYTES, collect, leading_number};
use super::{LineParser, leading_line, place};
use crate::report::{Case, Event, Sink, Status, malformed, seconds};
use level::{Held, Level};
use point::{Directive, Point};

/// Deepest nesting of subtests.
const DEPTH_MAX: usize = 32;
/// Blanks by which a subtest is set in.
const INDENT: usize = 4;

/// The parser.
#[derive(Debug)]
pub(super) struct Tap {
    name: String,
    levels: Vec<Level>,
    /// The point told last, which waits for its diagnostics.
    pending: Option<Pending>,
    yaml: Option<Yaml>,
    /// Whether what is set in may be a subtest.
    has_subtests: bool,
    /// The name that `# Subtest: name` announced.
    announced: String,
    is_bailed: bool,
    errors: u64,
    duration_s: Option<f64>,
}

/// A point and what is known about it so far.
#[derive(Debug)]
struct Pending {
    point: Point,
    message: String,
    file: Option<String>,
    line: Option<u32>,
    /// Failures of its subtests, to be told or dropped.
    children: Vec<Held>,
    has_children: bool,
    suite: String,
    level: usize,
}

#[derive(Debug)]
struct Yaml {
    indent: usize,
    lines: String,
}

impl Tap {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            levels: vec![Level::default()],
            pending: None,
            yaml: None,
            has_subtests: false,
            announced: String::new(),
            is_bailed: false,
            errors: 0,
            duration_s: None,
        }
    }
}

impl LineParser for Tap {
    const LINE_MAX_BYTES: usize = 16 * 1024;

    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) {
        let plain = super::text::without_colours(line.text);
        let text = String::from_utf8_lossy(&plain);
        let indent = text.len() - text.trim_start_matches(' ').len();
        if self.in_yaml(&text, indent, line.number, sink) {
            return;
        }
        if self.pending.is_some() && text.trim() == "---" && indent > self.level_indent() {
            self.yaml = Some(Yaml { indent, lines: String::new() });
            return;
        }
        let depth = indent / INDENT;
        let content = text.trim_start_matches(' ').trim_end();
        if content.starts_with("Bail out!") {
            self.bail_out(content, sink);
        } else if indent.is_multiple_of(INDENT)
            && depth < DEPTH_MAX
            && (depth == 0 || self.has_subtests || content.starts_with("# Subtest"))
        {
            self.content(depth, content, line.number, sink);
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        if self.yaml.take().is_some() {
            self.error(None, "it ends inside a diagnostic block", sink);
        }
        self.end_document(None, sink);
        if let Some(duration_s) = self.duration_s {
            sink.on(Event::Duration(duration_s));
        }
    }
}

impl Tap {
    /// Where the level of the pending point is set in.
    fn level_indent(&self) -> usize {
        self.pending.as_ref().map_or(0, |pending| pending.level * INDENT)
    }

    /// Takes a line of a diagnostic block; false when there is none open.
    fn in_yaml(&mut self, text: &str, indent: usize, number: u64, sink: &mut dyn Sink) -> bool {
        let Some(yaml) = &mut self.yaml else {
            return false;
        };
        if text.trim() == "..." && indent <= yaml.indent {
            let yaml = std::mem::take(&mut yaml.lines);
            self.yaml = None;
            self.diagnose(&yaml);
            return true;
        }
        if indent < yaml.indent && !text.trim().is_empty() {
            // What stands further out is no diagnostic: an open block must not swallow results.
            self.yaml = None;
            self.error(Some(number), "a diagnostic block is not closed", sink);
            return false;
        }
        if yaml.lines.len() < MESSAGE_KEPT_BYTES {
            collect(&mut yaml.lines, text.get(yaml.indent..).unwrap_or_default());
        }
        true
    }

    fn content(&mut self, depth: usize, content: &str, number: u64, sink: &mut dyn Sink) {
        if let Some(point) = Point::parse(content) {
            if !self.descend(depth, number, sink) {
                return;
            }
            self.point(depth, point, number, sink);
        } else if let Some(plan) = plan(content) {
            if self.descend(depth, number, sink) && !self.levels[depth].set_plan(plan) {
                self.error(Some(number), "it has more than one plan", sink);
            }
        } else if let Some(name) = content.strip_prefix("# Subtest") {
            self.has_subtests = true;
            self.announce(depth, name.trim_start_matches(':').trim(), sink);
        } else if let Some(version) = content.strip_prefix("TAP version ") {
            if depth == 0 && self.levels[0].is_used() {
                self.end_document(Some(number), sink);
                self.levels = vec![Level::default()];
            }
            self.has_subtests |= version.trim() == "14";
        } else if let Some(comment) = content.strip_prefix('#') {
            self.comment(comment.trim());
        }
    }

    /// Notes the name of the subtest that follows. Writers set the announcement in as far as the
    /// subtest or as far as its parent; one behind another names a subtest of that other.
    fn announce(&mut self, depth: usize, name: &str, sink: &mut dyn Sink) {
        let is_inside = depth == self.levels.len() || depth == self.levels.len() + 1;
        if is_inside && !self.announced.is_empty() {
            self.flush(sink);
            self.levels.push(Level::named(std::mem::take(&mut self.announced)));
        }
        name.clone_into(&mut self.announced);
    }

    /// Makes `depth` the innermost level that is open. False where nothing can be there.
    fn descend(&mut self, depth: usize, number: u64, sink: &mut dyn Sink) -> bool {
        if depth + 1 > self.levels.len() {
            self.flush(sink);
            // Output that is set in by chance skips a level; a subtest never does.
            if depth != self.levels.len() {
                return false;
            }
            let name = std::mem::take(&mut self.announced);
            self.levels.push(Level::named(name));
        }
        while self.levels.len() > depth + 1 {
            self.flush(sink);
            self.close_level(Some(number), sink);
        }
        true
    }

    /// Closes the innermost level; its failures wait for the point that stands for it.
    fn close_level(&mut self, number: Option<u64>, sink: &mut dyn Sink) {
        let Some(mut level) = self.levels.pop() else {
            return;
        };
        // Failures of a subtest whose own point never came.
        level.failures.append(&mut level.children);
        if !self.is_bailed
            && let Some(reason) = level.broken_plan()
        {
            self.error(number, &reason, sink);
        }
        if let Some(parent) = self.levels.last_mut() {
            parent.children = level.failures;
            parent.has_children = true;
        }
    }

    fn point(&mut self, depth: usize, point: Point, number: u64, sink: &mut dyn Sink) {
        self.flush(sink);
        let suite = self.suite(depth);
        let level = &mut self.levels[depth];
        if !level.count(point.number) {
            self.error(Some(number), "its tests are out of sequence", sink);
        }
        let level = &mut self.levels[depth];
        let has_children = std::mem::take(&mut level.has_children);
        let children = std::mem::take(&mut level.children);
        if let Some(duration_s) = point.duration_s {
            self.add_duration(duration_s);
        }
        self.pending = Some(Pending {
            point,
            message: String::new(),
            file: None,
            line: None,
            children,
            has_children,
            suite,
            level: depth,
        });
    }

    /// The names of the subtests that a level lies in.
    fn suite(&self, depth: usize) -> String {
        let names: Vec<&str> =
            self.levels[..=depth].iter().map(|level| level.name.as_str()).filter(|name| !name.is_empty()).collect();
        if names.is_empty() { self.name.clone() } else { names.join(" > ") }
    }

    /// Tells the pending point, now that its diagnostics are known.
    fn flush(&mut self, sink: &mut dyn Sink) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        let is_excused = pending.point.directive.is_some();
        let children_fail = !pending.children.is_empty() && !is_excused;
        for child in &pending.children {
            let status = if is_excused { Status::Skipped } else { child.status };
            self.tell(pending.level, child, status, sink);
        }
        let status = pending.point.status();
        // A point that only sums up its subtests is no test of its own.
        let is_summary =
            pending.has_children && (status == Status::Passed || (status == Status::Failed && children_fail));
        if is_summary {
            return;
        }
        let found = place::find(&pending.message);
        let own = Held {
            suite: pending.suite,
            name: pending.point.name,
            status,
            path: pending.file.or_else(|| found.map(|(path, _)| path.to_owned())),
            line: pending.line.or_else(|| found.map(|(_, line)| line)),
            message: pending.message,
        };
        self.tell(pending.level, &own, status, sink);
    }

    /// Tells a result, or holds a failure back until the point above it is known.
    fn tell(&mut self, depth: usize, held: &Held, status: Status, sink: &mut dyn Sink) {
        let is_failure = matches!(status, Status::Failed | Status::Errored);
        if depth > 0 && is_failure && self.levels.get_mut(depth).is_some_and(|level| level.hold(held)) {
            return;
        }
        sink.on(Event::Case(Case {
            outer: &self.name,
            message: &held.message,
            path: held.path.as_deref(),
            line: held.line,
            ..Case::new(&held.suite, &held.name, status)
        }));
    }

    /// Reads a diagnostic block: what went wrong, and where.
    fn diagnose(&mut self, yaml: &str) {
        let mut words = String::new();
        let (mut file, mut line, mut duration_ms) = (None, None, None);
        for (key, value) in yaml.lines().filter_map(|line| line.trim().split_once(':')) {
            let value = unquoted(value.trim());
            match unquoted(key) {
                "message" | "error" if words.is_empty() && !value.is_empty() && !value.starts_with(['|', '>']) => {
                    value.clone_into(&mut words);
                }
                "file" | "fileName" if file.is_none() && !value.is_empty() => file = Some(value.to_owned()),
                "line" | "lineNumber" if line.is_none() => line = leading_line(value),
                "location" | "at" if file.is_none() => {
                    if let Some((path, number)) = place::find(value) {
                        (file, line) = (Some(path.to_owned()), Some(number));
                    }
                }
                "duration_ms" => duration_ms = seconds(value),
                _ => {}
            }
        }
        if let Some(duration_ms) = duration_ms.filter(|_| self.levels.len() == 1) {
            self.add_duration(duration_ms / 1_000.0);
        }
        if let Some(pending) = &mut self.pending {
            pending.message = if words.is_empty() { yaml.to_owned() } else { words };
            // A line number without a file is one of something else.
            pending.line = line.filter(|_| file.is_some());
            if file.is_none()
                && let Some((path, number)) = place::find(yaml)
            {
                (file, pending.line) = (Some(path.to_owned()), Some(number));
            }
            pending.file = file;
        }
    }

    /// Diagnostics of old: comments behind a failure.
    fn comment(&mut self, comment: &str) {
        if let Some(pending) = self.pending.as_mut().filter(|pending| pending.point.status() == Status::Failed) {
            collect(&mut pending.message, comment);
        }
    }

    fn bail_out(&mut self, content: &str, sink: &mut dyn Sink) {
        self.flush(sink);
        self.is_bailed = true;
        let reason = content.trim_start_matches("Bail out!").trim();
        sink.on(Event::Case(Case { message: reason, ..Case::new(&self.name, "(bailed out)", Status::Errored) }));
    }

    /// Ends a document: closes what is open, and checks its plan.
    fn end_document(&mut self, number: Option<u64>, sink: &mut dyn Sink) {
        self.flush(sink);
        if self.levels.len() > 1 && !self.is_bailed {
            self.error(number, "it ends inside a subtest", sink);
        }
        while self.levels.len() > 1 {
            self.close_level(number, sink);
        }
        // Failures of a subtest that no point stands for are failures nevertheless.
        let level = self.levels.first_mut().map(std::mem::take).unwrap_or_default();
        for child in &level.children {
            self.tell(0, child, child.status, sink);
        }
        if !self.is_bailed
            && let Some(reason) = level.broken_plan()
        {
            self.error(number, &reason, sink);
        }
    }

    fn add_duration(&mut self, duration_s: f64) {
        *self.duration_s.get_or_insert(0.0) += duration_s;
    }

    fn error(&mut self, line: Option<u64>, reason: &str, sink: &mut dyn Sink) {
        self.errors += 1;
        // One broken plan brings others with it; the first few tell enough.
        if self.errors <= 3 {
            malformed(sink, line, reason);
        }
    }
}

impl Point {
    fn status(&self) -> Status {
        match (self.ok, self.directive) {
            (_, Some(Directive::Todo)) | (true, Some(Directive::Skip)) => Status::Skipped,
            (true, None) => Status::Passed,
            (false, _) => Status::Failed,
        }
    }
}

/// A YAML scalar without its pair of quotes; quotes that belong to the text stay.
fn unquoted(scalar: &str) -> &str {
    let without = |quote: char| scalar.strip_prefix(quote)?.strip_suffix(quote);
    without('"').or_else(|| without('\'')).unwrap_or(scalar)
}

/// `1..N`, perhaps with a reason for `1..0` behind it.
fn plan(content: &str) -> Option<u64> {
    let (count, rest) = leading_number(content.strip_prefix("1..")?)?;
    let rest = rest.trim();
    (rest.is_empty() || rest.starts_with('#')).then_some(count)
}

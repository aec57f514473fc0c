//! A hunk: its header and the counting of its lines.
//!
//! Owns the arithmetic of `@@ -l,s +l,s @@` and of combined hunks with one range for each parent.
//! A line that the counts do not allow is no line of the hunk, whatever it looks like.

/// Most parents of a merge that are followed; git's own limit for octopus merges is 16.
const PARENTS_MAX: usize = 16;

/// What one line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// In both.
    Context,
    /// New, with its line number.
    Added(u32),
    /// Gone.
    Removed,
    /// `\ No newline at end of file`.
    NoNewline,
}

/// How much of a hunk is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    /// Lines left of each parent; one entry but for combined diffs.
    old_left: Vec<u32>,
    new_left: u32,
    new_line: u32,
}

impl Hunk {
    /// Reads `@@ -1,2 +3,4 @@ section`, or with more `@` a combined header.
    ///
    /// The section is what stands behind. None when it is no hunk header or its numbers are absurd.
    pub(super) fn parse(line: &[u8]) -> Option<(Self, &[u8])> {
        let marks = line.iter().take(PARENTS_MAX + 2).take_while(|&&b| b == b'@').count();
        if !(2..=PARENTS_MAX + 1).contains(&marks) {
            return None;
        }
        let mut rest = &line[marks..];
        let mut old_left = Vec::with_capacity(marks - 1);
        for _ in 1..marks {
            let (_, count, tail) = range(rest, b'-')?;
            old_left.push(count);
            rest = tail;
        }
        let (new_line, new_left, tail) = range(rest, b'+')?;
        let section = tail.strip_prefix(b" ")?.strip_prefix(&line[..marks])?;
        // Behind the last line there must still be a line number.
        new_line.checked_add(new_left)?;
        Some((Self { old_left, new_left, new_line }, section.trim_ascii()))
    }

    /// Whether all lines have come.
    pub(super) fn is_complete(&self) -> bool {
        self.new_left == 0 && self.old_left.iter().all(|&left| left == 0)
    }

    /// How many columns of marks a line has.
    pub(super) fn columns(&self) -> usize {
        self.old_left.len()
    }

    /// Takes one line; none when the hunk allows no such line here.
    pub(super) fn take(&mut self, line: &[u8]) -> Option<Line> {
        if line.first() == Some(&b'\\') {
            return Some(Line::NoNewline);
        }
        // Mail programs strip the blank from an empty context line.
        let blank = matches!(line, b"" | b"\r");
        let columns = self.columns();
        let context = [b' '; PARENTS_MAX];
        let marks = if blank { &context[..columns] } else { line.get(..columns)? };
        if !marks.iter().all(|mark| matches!(mark, b' ' | b'+' | b'-')) {
            return None;
        }
        let removes = marks.contains(&b'-');
        let adds = marks.contains(&b'+');
        if removes && adds {
            return None;
        }
        // A removed line was in the parents marked `-`; any other line was in those not marked `+`.
        let was_in = if removes { b'-' } else { b' ' };
        for (left, _) in self.old_left.iter_mut().zip(marks).filter(|(_, mark)| **mark == was_in) {
            *left = left.checked_sub(1)?;
        }
        if removes {
            return Some(Line::Removed);
        }
        let number = self.new_line;
        self.new_left = self.new_left.checked_sub(1)?;
        self.new_line += 1;
        Some(if adds { Line::Added(number) } else { Line::Context })
    }
}

/// Reads ` -12,3` or ` -12`: start, count, rest.
fn range(text: &[u8], sign: u8) -> Option<(u32, u32, &[u8])> {
    let rest = text.strip_prefix(b" ")?.strip_prefix(&[sign])?;
    let (start, rest) = number(rest)?;
    match rest.strip_prefix(b",") {
        Some(rest) => number(rest).map(|(count, rest)| (start, count, rest)),
        None => Some((start, 1, rest)),
    }
}

fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let len = text.iter().take(11).take_while(|b| b.is_ascii_digit()).count();
    let digits = str::from_utf8(&text[..len]).ok()?;
    Some((digits.parse().ok()?, &text[len..]))
}

#[cfg(test)]
mod tests {
    use super::{Hunk, Line};

    #[test]
    fn headers_are_read_with_and_without_counts() {
        let (hunk, section) = Hunk::parse(b"@@ -1 +2,3 @@ fn main() {").unwrap();
        assert_eq!(hunk, Hunk { old_left: vec![1], new_left: 3, new_line: 2 });
        assert_eq!(section, b"fn main() {");
        assert!(Hunk::parse(b"@@ -0,0 +1 @@").is_some());
        assert!(Hunk::parse(b"@@@ -1,2 -1,2 +1,3 @@@").is_some());
        for bad in [
            "@@ -1 @@",
            "@@ -1,2 +3,4",
            "@@ -x +1 @@",
            "@ -1 +1 @",
            "@@ -1,99999999999 +1 @@",
            "@@ +1 -1 @@",
            "@@@ -1 +1 @@@",
            "@@ -1 +4294967295,1 @@",
            "@@",
        ] {
            assert!(Hunk::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn lines_are_counted_down_and_numbered() {
        let (mut hunk, _) = Hunk::parse(b"@@ -5,2 +7,2 @@").unwrap();
        assert_eq!(hunk.take(b" same"), Some(Line::Context));
        assert_eq!(hunk.take(b"-gone"), Some(Line::Removed));
        assert_eq!(hunk.take(b"-more than announced"), None);
        assert!(!hunk.is_complete());
        assert_eq!(hunk.take(b"+new"), Some(Line::Added(8)));
        assert!(hunk.is_complete());
        assert_eq!(hunk.take(b"\\ No newline at end of file"), Some(Line::NoNewline));
        assert_eq!(hunk.take(b"+again"), None);
    }

    #[test]
    fn combined_lines_count_for_the_parents_that_had_them() {
        let (mut hunk, _) = Hunk::parse(b"@@@ -1,2 -1,1 +1,2 @@@").unwrap();
        assert_eq!(hunk.take(b"  same"), Some(Line::Context));
        assert_eq!(hunk.take(b"- of the first parent"), Some(Line::Removed));
        assert_eq!(hunk.take(b"++new to both"), Some(Line::Added(2)));
        assert!(hunk.is_complete());
    }
}

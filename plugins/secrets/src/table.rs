//! Columns of passwords and keys: CSV with a header, tables in Markdown, dumps of databases.
//!
//! Owns how a column is followed down the lines. The name in the header is judged by `names`.

use crate::alphabet::{line_end, line_start};
use crate::kind::Kind;
use crate::placeholder::is_placeholder;
use crate::random::{Makeup, is_random};
use crate::scan::Found;
use crate::words;

/// Longest line and most lines looked at.
const LINE_MAX_BYTES: usize = 512;
const LINES_MAX: usize = 64;
/// Most fields of a line, and most of them that hold secrets.
const FIELDS_MAX: usize = 32;
const COLUMNS_MAX: usize = 8;

/// The column that was followed last: a header that repeats inside of it need not be followed again.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Column {
    separator: u8,
    field: usize,
    until: usize,
    /// From the last name on there is no line break up to here.
    unbroken_until: usize,
    /// How many names of that line were looked at.
    names: usize,
}

impl Column {
    /// Counts a name of the line that ends at `to`; whether the line may still be a header.
    fn admits(&mut self, to: usize) -> bool {
        self.names = if to == self.unbroken_until { self.names + 1 } else { 0 };
        self.unbroken_until = to;
        self.names < COLUMNS_MAX
    }
}

/// Secrets in the column whose header is the name at `start` to `end`.
pub(crate) fn column(text: &[u8], start: usize, end: usize, last: &mut Column, found: &mut Vec<Found>) {
    // Most names are followed by what no label has.
    if text.get(end).is_some_and(|b| !(is_label(&[*b]) || matches!(b, b',' | b'\t' | b';' | b'|' | b'\n'))) {
        return;
    }
    let seen = last.unbroken_until.clamp(end, end + LINE_MAX_BYTES);
    let to = line_end(text, seen.min(text.len()), end + LINE_MAX_BYTES - seen);
    // A line without an end in reach heads no table, nor does one of nothing but names.
    if !last.admits(to) || text.get(to).is_some_and(|&b| b != b'\n') {
        return;
    }
    let from = line_start(text, start, LINE_MAX_BYTES);
    let Some(separator) = separator_of(&text[from..to]) else {
        let place = start - from;
        if start < last.until && last.field == place && last.separator == b' ' {
            return;
        }
        let until = padded(text, start, end, to, found);
        *last = Column { separator: b' ', field: place, until, ..*last };
        return;
    };
    // The name is the whole of its field, but for quotes and a word or two in front of it.
    let field = text[from..start].iter().filter(|b| **b == separator).count();
    let fields = text[from..to].iter().filter(|b| **b == separator).count();
    let before = text[from..start].iter().rposition(|&b| b == separator).map_or(from, |at| from + at + 1);
    let behind = end + text[end..to].iter().position(|&b| b == separator).unwrap_or(to - end);
    let is_header = is_label(&text[before..start]) && is_label(&text[end..behind]) && fields < FIELDS_MAX;
    if !is_header {
        return;
    }
    if start < last.until && last.field == field && last.separator == separator {
        return;
    }
    let mut at = to + 1;
    for _ in 0..LINES_MAX {
        if at >= text.len() {
            return;
        }
        let stop = line_end(text, at, LINE_MAX_BYTES);
        let line = &text[at..stop];
        if line.iter().filter(|b| **b == separator).count() != fields {
            return;
        }
        cell(text, at, line, field, separator, found);
        at = stop + 1;
        *last = Column { separator, field, until: at, ..*last };
    }
}

/// The last parenthesis in front of the names that were asked for, so that a list of names is read once.
#[derive(Debug, Default)]
pub(crate) struct Parens {
    until: usize,
    /// One more than where it stands.
    last: usize,
}

impl Parens {
    /// The last parenthesis of the `LINE_MAX_BYTES` in front of `start`.
    fn before(&mut self, text: &[u8], start: usize) -> Option<usize> {
        let from = start.saturating_sub(LINE_MAX_BYTES);
        let known = if start < self.until { from } else { self.until.max(from) };
        if let Some(paren) = text[known..start].iter().rposition(|&b| matches!(b, b'(' | b')')) {
            self.last = known + paren + 1;
        }
        self.until = start;
        self.last.checked_sub(1).filter(|paren| (from..start).contains(paren))
    }
}

/// `INSERT INTO users (id, password) VALUES (1, 'S3cret')`: the values of the column whose name stands at
/// `start` to `end`.
pub(crate) fn inserted(text: &[u8], start: usize, end: usize, parens: &mut Parens, found: &mut Vec<Found>) {
    let is_quote = |b: &u8| matches!(b, b'"' | b'`' | b'\'' | b']');
    let behind = end + text[end..].iter().take(3).take_while(|b| is_quote(b) || **b == b' ').count();
    if !matches!(text.get(behind), Some(b',' | b')')) {
        return;
    }
    let Some(open) = parens.before(text, start).filter(|at| text[*at] == b'(') else { return };
    let from = start.saturating_sub(LINE_MAX_BYTES);
    let (lead, open) = (&text[from..start], open - from);
    let into = &lead[open.saturating_sub(96)..open];
    if !into.windows(5).any(|word| word.eq_ignore_ascii_case(b"into ")) {
        return;
    }
    let field = lead[open..].iter().filter(|b| **b == b',').count();
    let rest = &text[behind..(behind + LINE_MAX_BYTES).min(text.len())];
    let Some(values) = rest.windows(6).position(|word| word.eq_ignore_ascii_case(b"values")) else { return };
    let mut at = behind + values + 6;
    for _ in 0..LINES_MAX {
        let Some(row) = text[at..].iter().take(16).position(|&b| b == b'(') else { return };
        at = row_value(text, at + row + 1, field, found);
    }
}

/// Judges the value numbered `field` of a row of values that begins at `at`; the end of the row.
fn row_value(text: &[u8], mut at: usize, field: usize, found: &mut Vec<Found>) -> usize {
    for number in 0..FIELDS_MAX {
        at += text[at..].iter().take(16).take_while(|b| b.is_ascii_whitespace()).count();
        let quote = text.get(at).copied().filter(|b| matches!(b, b'\'' | b'"'));
        let start = at + usize::from(quote.is_some());
        let is_inside = |b: &&u8| match quote {
            Some(quote) => **b != quote && **b != b'\n',
            None => !matches!(b, b',' | b')' | b'\n'),
        };
        let len = text[start.min(text.len())..].iter().take(LINE_MAX_BYTES).take_while(is_inside).count();
        if number == field && quote.is_some() && is_cell_secret(&text[start..start + len]) {
            found.push(Found { kind: Kind::PASSWORD, start, end: start + len, confidence: 0.7 });
        }
        at = start + len + usize::from(quote.is_some());
        match text.get(at) {
            Some(b',') => at += 1,
            _ => break,
        }
    }
    (at + 1).min(text.len())
}

/// The column of a table that is padded with blanks, whose header stands at `start` to `end` of a line that ends
/// at `to`. Fields are counted where a line has as many as the header, else their place tells them. The end
/// of the table.
fn padded(text: &[u8], start: usize, end: usize, to: usize, found: &mut Vec<Found>) -> usize {
    let from = line_start(text, start, LINE_MAX_BYTES);
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-' | b'\r' | b'#' | b'.');
    let header = &text[from..to];
    let place = start - from;
    let is_header = header.iter().all(is_plain)
        && header.trim_ascii().windows(2).any(|pair| pair == b"  ")
        && (place == 0 || header[..place].ends_with(b"  "))
        && (end == to || text[end..to].starts_with(b"  ") || text[end..to].trim_ascii().is_empty());
    if !is_header {
        return to;
    }
    let number = padded_fields(&header[..place]).count();
    let count = padded_fields(header).count();
    let mut at = to + 1;
    for _ in 0..LINES_MAX {
        if at >= text.len() {
            return at;
        }
        let stop = line_end(text, at, LINE_MAX_BYTES);
        let line = &text[at..stop];
        let counted = padded_fields(line).nth(number).filter(|_| padded_fields(line).count() == count);
        let place = counted.map_or(place, |(field, _)| field);
        let is_start =
            line.get(place).is_some_and(|b| !b.is_ascii_whitespace()) && (place == 0 || line[place - 1] == b' ');
        let is_rule = line.iter().all(|b| matches!(b, b'-' | b'=' | b' ' | b'\r'));
        if !is_start && !is_rule {
            return at;
        }
        if !is_rule {
            let len = line[place..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
            if is_cell_secret(&line[place..place + len]) {
                found.push(Found { kind: Kind::PASSWORD, start: at + place, end: at + place + len, confidence: 0.6 });
            }
        }
        at = stop + 1;
    }
    at
}

/// Starts and ends of the fields of `line`, between which at least two blanks stand.
fn padded_fields(line: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += line.get(at..)?.iter().position(|b| !b.is_ascii_whitespace())?;
        let start = at;
        let len = line[at..].windows(2).position(|pair| pair == b"  ").unwrap_or(line.len() - at);
        at += len;
        Some((start, at))
    })
}

/// What separates the fields of a header; none when the line is none.
fn separator_of(line: &[u8]) -> Option<u8> {
    let is_row = line.first() == Some(&b'|') && line.iter().filter(|b| **b == b'|').count() >= 3;
    if is_row {
        return Some(b'|');
    }
    let is_header = !line.iter().any(|b| matches!(b, b'=' | b':' | b'(' | b')' | b'{' | b'}'));
    [b',', b'\t', b';'].into_iter().find(|separator| is_header && line.contains(separator))
}

fn is_label(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'"' | b'\'' | b'_' | b'*' | b'`' | b'\r' | b'-'))
}

fn cell(text: &[u8], line_at: usize, line: &[u8], field: usize, separator: u8, found: &mut Vec<Found>) {
    let mut at = line_at;
    for (number, value) in line.split(|&b| b == separator).enumerate() {
        if number == field {
            let is_around = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`');
            let lead = value.iter().take_while(|b| is_around(b)).count();
            let trail = value[lead..].iter().rev().take_while(|b| is_around(b)).count();
            let (start, end) = (at + lead, at + value.len() - trail);
            let bytes = &text[start..end];
            if is_cell_secret(bytes) {
                found.push(Found { kind: Kind::PASSWORD, start, end, confidence: 0.6 });
            }
            return;
        }
        at += value.len() + 1;
    }
}

fn is_cell_secret(bytes: &[u8]) -> bool {
    let makeup = Makeup::of(bytes);
    let is_secret = makeup.letters() > 0 && makeup.digits + makeup.symbols > 0 || is_random(bytes);
    let is_plain = !bytes.iter().any(u8::is_ascii_whitespace) && !is_placeholder(bytes) && !words::is_technical(bytes);
    bytes.len() >= 5 && is_secret && is_plain
}

#[cfg(test)]
mod tests {
    use super::{Column, column};

    #[test]
    fn a_column_is_followed_down_its_lines() {
        let cut = |text: &str| {
            let mut found = Vec::new();
            let at = text.find("password").unwrap();
            column(text.as_bytes(), at, at + 8, &mut Column::default(), &mut found);
            found.iter().map(|one| text[one.start..one.end].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(cut("user,password,x\nbob,hunter22,1\neve,\"pa55w\",2\n"), ["hunter22", "pa55w"]);
        assert_eq!(cut("| user | password |\n|---|---|\n| bob | hunter22 |\n"), ["hunter22"]);
        assert!(cut("the user, the password,\nand room12, all").is_empty());
    }
}

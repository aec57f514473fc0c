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
/// Most fields of a line.
const FIELDS_MAX: usize = 32;

/// The column that was followed last: a header that repeats inside of it need not be followed again.
#[derive(Debug, Default)]
pub(crate) struct Column {
    separator: u8,
    field: usize,
    until: usize,
}

/// Secrets in the column whose header is the name at `start` to `end`.
pub(crate) fn column(text: &[u8], start: usize, end: usize, last: &mut Column, found: &mut Vec<Found>) {
    let to = line_end(text, end, LINE_MAX_BYTES);
    // A line without an end in reach heads no table.
    if text.get(to).is_some_and(|&b| b != b'\n') {
        return;
    }
    let from = line_start(text, start, LINE_MAX_BYTES);
    let Some(separator) = separator_of(&text[from..to]) else { return };
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
        *last = Column { separator, field, until: at };
    }
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
            let makeup = Makeup::of(bytes);
            let is_secret = makeup.letters() > 0 && makeup.digits + makeup.symbols > 0 || is_random(bytes);
            let is_plain =
                !bytes.iter().any(u8::is_ascii_whitespace) && !is_placeholder(bytes) && !words::is_technical(bytes);
            if bytes.len() >= 5 && is_secret && is_plain {
                found.push(Found { kind: Kind::PASSWORD, start, end, confidence: 0.6 });
            }
            return;
        }
        at += value.len() + 1;
    }
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

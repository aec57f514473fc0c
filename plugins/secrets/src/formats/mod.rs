//! Vendors' formats: what a token looks like that announces itself by prefix or structure.
//!
//! Owns the little language the tables are written in and its matcher. Formats are grouped by
//! family, one file each; sources are the vendors' own documentation. Adding one is adding a row.
//! Never decides by context: what has no mark of its own is found by `names` and `runs`.
//!
//! A pattern is literal text and classes in angle brackets, each with a count or a range of counts:
//! `ghp_<a36>`, `<h32>-us<d1-2>`. The classes are those of [`alphabet::has`]. The first literal of
//! at least three bytes is what the scan looks for; before it at most one class may stand. A class
//! takes as much as it can, so what follows it must not begin with a byte of it unless its count is
//! fixed. There is no alternation and nothing to go back to: a match costs what it reads.

mod ai;
mod chat;
mod ci;
mod cloud;
mod code;
mod data;
mod mail;
mod monitoring;
mod payment;
mod product;
mod web;

use crate::alphabet::{behind_break, has, is_boundary};
use crate::kind::Kind;
use crate::{placeholder, random};

/// One format.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pattern: &'static str,
    kind: Kind,
}

/// A row: the pattern, the kind's name, what a sentence calls it.
const fn row(pattern: &'static str, name: &'static str, title: &'static str) -> Format {
    Format { pattern, kind: Kind::new(name, title) }
}

/// All tables.
const FAMILIES: [&[Format]; 11] = [
    cloud::FORMATS,
    code::FORMATS,
    ci::FORMATS,
    chat::FORMATS,
    payment::FORMATS,
    ai::FORMATS,
    data::FORMATS,
    mail::FORMATS,
    monitoring::FORMATS,
    product::FORMATS,
    web::FORMATS,
];

/// Rows of all tables together.
pub(crate) const COUNT: usize = {
    let (mut family, mut count) = (0, 0);
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
};

/// All rows, numbered.
pub(crate) static FORMATS: [Format; COUNT] = all();

#[expect(clippy::large_stack_arrays, reason = "the compiler's stack, not the program's")]
const fn all() -> [Format; COUNT] {
    let mut rows = [FAMILIES[0][0]; COUNT];
    let (mut family, mut at) = (0, 0);
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            rows[at] = FAMILIES[family][row];
            at += 1;
            row += 1;
        }
        family += 1;
    }
    rows
}

/// The kinds of all rows.
pub(crate) fn kinds() -> impl Iterator<Item = Kind> {
    FORMATS.iter().map(|format| format.kind)
}

impl Format {
    /// Where in the pattern its first literal lies: what the scan looks for.
    pub(crate) const fn literal(&self) -> (usize, usize) {
        let pattern = self.pattern.as_bytes();
        let mut start = 0;
        if pattern[0] == b'<' {
            while pattern[start] != b'>' {
                start += 1;
            }
            start += 1;
        }
        let mut end = start;
        while end < pattern.len() && pattern[end] != b'<' {
            end += 1;
        }
        assert!(end - start >= 3, "the first literal of a pattern has at least three bytes");
        (start, end)
    }

    /// The pattern's bytes.
    pub(crate) const fn pattern(&self) -> &'static [u8] {
        self.pattern.as_bytes()
    }

    /// The token whose first literal stands exactly at `at`: its kind, first byte, byte after its last.
    /// `rejected_until` is the end of the last that only stood for one: inside of it none is looked for.
    pub(crate) fn matches(&self, text: &[u8], at: usize, rejected_until: &mut usize) -> Option<(Kind, usize, usize)> {
        if at < *rejected_until {
            return None;
        }
        let (literal_start, literal_end) = self.literal();
        let mut start = at;
        if literal_start > 0 {
            let mut head = Elements { pattern: &self.pattern.as_bytes()[..literal_start] };
            let Some(Element::Class { class, min, max }) = head.next() else { return None };
            let len = text[..at].iter().rev().take(max + 1).take_while(|&&b| has(class, b) && b != b'=').count();
            if len < min || len > max {
                return None;
            }
            start = at - len;
        }
        if !is_boundary(text, start) {
            return None;
        }
        let mut end = at;
        let mut last_class = None;
        for element in (Elements { pattern: &self.pattern.as_bytes()[literal_start..] }) {
            match element {
                Element::Literal(literal) => {
                    end = read_literal(text, end, literal)?;
                    last_class = None;
                }
                Element::Class { class, min, max } => {
                    end = read_class(text, end, class, min, max)?;
                    last_class = Some(class);
                }
            }
        }
        // A sentence's full stop is not part of the token before it.
        while last_class == Some(b't') && text[end - 1] == b'.' {
            end -= 1;
        }
        let goes_on = text.get(end).is_some_and(|&b| match last_class {
            Some(class) => has(class, b) && b != b'.' && !is_break(text, end),
            None => b.is_ascii_alphanumeric(),
        });
        let token = &text[start..end];
        // A literal as long as a sentence says what it likes.
        let body = if literal_end - literal_start > 40 { &text[at + literal_end - literal_start..end] } else { token };
        let stands_for_one = placeholder::is_documented(body) || random::is_monotonous(token, literal_start == 0);
        // Nor does a token begin in the middle of a run that is too long for one.
        if stands_for_one || goes_on {
            *rejected_until = end;
        }
        (!goes_on && !stands_for_one).then_some((self.kind, start, end))
    }
}

/// A piece of a pattern.
enum Element {
    Literal(&'static [u8]),
    Class { class: u8, min: usize, max: usize },
}

/// The pieces of a pattern, from left to right.
struct Elements {
    pattern: &'static [u8],
}

impl Iterator for Elements {
    type Item = Element;

    fn next(&mut self) -> Option<Element> {
        let pattern = self.pattern;
        if *pattern.first()? != b'<' {
            let len = pattern.iter().position(|&b| b == b'<').unwrap_or(pattern.len());
            self.pattern = &pattern[len..];
            return Some(Element::Literal(&pattern[..len]));
        }
        let close = pattern.iter().position(|&b| b == b'>')?;
        self.pattern = &pattern[close + 1..];
        let mut counts = pattern[2..close].split(|&b| b == b'-').map(number);
        let min = counts.next()?;
        Some(Element::Class { class: pattern[1], min, max: counts.next().unwrap_or(min) })
    }
}

fn number(digits: &[u8]) -> usize {
    digits.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

/// The end of `literal` read from `at`, over breaks.
fn read_literal(text: &[u8], at: usize, literal: &[u8]) -> Option<usize> {
    if text.get(at..at + literal.len()) == Some(literal) {
        return Some(at + literal.len());
    }
    let mut i = at;
    for (done, &wanted) in literal.iter().enumerate() {
        if text.get(i) != Some(&wanted) {
            // The scan has seen three bytes together; further ones may be broken off.
            i = behind_break(text, i).filter(|_| done >= 3 || at > 0)?;
            if text.get(i) != Some(&wanted) {
                return None;
            }
        }
        i += 1;
    }
    Some(i)
}

/// The end of `min` to `max` bytes of `class` read from `at`, over breaks as long as bytes are
/// missing.
fn read_class(text: &[u8], at: usize, class: u8, min: usize, max: usize) -> Option<usize> {
    let (mut i, mut count, mut breaks) = (at, 0, 0);
    loop {
        let room = max - count;
        let run = text[i..].iter().take(room).take_while(|&&b| has(class, b)).count();
        count += run;
        i += run;
        if count >= min {
            return Some(i);
        }
        // Eight lines of one token are more than anybody breaks it into.
        breaks += 1;
        i = behind_break(text, i).filter(|_| breaks <= 8)?;
    }
}

fn is_break(text: &[u8], at: usize) -> bool {
    matches!(text[at], b'=') && matches!(text.get(at + 1), Some(b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::{Element, Elements, FORMATS, Format, row};
    use crate::alphabet::has;
    use std::collections::BTreeSet;

    fn cut<'t>(format: &Format, text: &'t str) -> Option<&'t str> {
        let (start, end) = format.literal();
        let at = text.find(std::str::from_utf8(&format.pattern()[start..end]).unwrap())?;
        format.matches(text.as_bytes(), at, &mut 0).map(|(_, start, end)| &text[start..end])
    }

    #[test]
    fn a_pattern_is_read_from_its_literal_in_both_directions() {
        let tail = row("<h8>-us<d1-2>", "a", "a");
        assert_eq!(cut(&tail, "x 0a1b2c3d-us12."), Some("0a1b2c3d-us12"));
        assert_eq!(cut(&tail, "x 00a1b2c3d-us12"), None);
        assert_eq!(cut(&tail, "x 0a1b2c3d-us123"), None);
        let token = row("tok_<a12-14>", "a", "a");
        assert_eq!(cut(&token, "tok_q7Zr2LkW9xVb"), Some("tok_q7Zr2LkW9xVb"));
        assert_eq!(cut(&token, "tok_q7Zr2LkW9x"), None);
        assert_eq!(cut(&token, "tok_q7Zr2LkW9xVb4Ns"), None);
        assert_eq!(cut(&token, "atok_q7Zr2LkW9xVb"), None);
    }

    #[test]
    fn a_broken_token_is_read_on() {
        let token = row("tok_<a12-14>", "a", "a");
        for text in
            ["tok_q7Zr2L\n    kW9xVb", "\"tok_q7Zr2L\" + \"kW9xVb\"", "tok_q7Z\\\nr2LkW9xVb", "'tok_q7Z'\n 'r2LkW9xVb'"]
        {
            assert!(cut(&token, text).is_some_and(|cut| cut.ends_with("9xVb")), "{text}");
        }
        assert_eq!(cut(&token, "tok_q7Zr2L kW9xVb"), None);
    }

    #[test]
    fn every_row_is_well_formed_and_there_once() {
        let mut patterns = BTreeSet::new();
        for format in &FORMATS {
            assert!(patterns.insert(format.pattern), "{} stands twice", format.pattern);
            let mut open: Option<u8> = None;
            for element in (Elements { pattern: format.pattern() }) {
                match element {
                    Element::Literal(literal) => {
                        assert!(
                            open.is_none_or(|class| !has(class, literal[0])),
                            "{}: a class swallows what follows",
                            format.pattern
                        );
                        open = None;
                    }
                    Element::Class { class, min, max } => {
                        assert!(b"awtbhdulUL".contains(&class) && 0 < min && min <= max, "{}", format.pattern);
                        open = (min < max).then_some(class);
                    }
                }
            }
        }
    }
}

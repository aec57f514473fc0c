//! Dates: those that logs are full of, and days of birth.

use super::hints::{Around, Lexicon};
use super::national::matches_shape;
use super::number::span;
use crate::span::Span;

/// `2026-11-22...`: the numbers that logs are full of.
pub(super) fn is_timestamp(text: &[u8], start: usize) -> bool {
    is_date(&text[start..]) && !birth_words(text, start)
}

fn is_date(t: &[u8]) -> bool {
    t.len() >= 10
        && (t.starts_with(b"19") || t.starts_with(b"20"))
        && matches!(t[4], b'-' | b'/')
        && t[4] == t[7]
        && t[5].is_ascii_digit()
        && t[8].is_ascii_digit()
}

/// A date with which a line, a literal or what is in brackets begins: no word in front of it matters.
pub(super) fn opens_line_with_date(text: &[u8], start: usize) -> bool {
    (start == 0 || matches!(text[start - 1], b'\n' | b'[' | b'"')) && is_date(&text[start..])
}

/// Words that announce a day of birth.
fn birth_words(text: &[u8], start: usize) -> bool {
    static WORDS: Lexicon = Lexicon::of(&[
        "birth",
        "born",
        "dob",
        "d.o.b",
        "geburtsdatum",
        "geboren",
        "birthday",
        "naissance",
        "nacimiento",
        "nascita",
        "nascimento",
        "birthdate",
        "née",
        "né le",
        "geb.",
        "geb ",
        "nato il",
        "nata il",
        "nacido",
        "nacida",
        "nascido",
        "nascida",
        "urodz",
        "född",
        "født",
        "geboortedatum",
    ]);
    Around::of(text, start, start).has_of_before(&WORDS)
}

/// A date behind a word that says birth.
pub(super) fn date_of_birth(text: &[u8], start: usize) -> Option<Span> {
    const SHAPES: [&str; 7] =
        ["dddd-dd-dd", "dd/dd/dddd", "dd.dd.dddd", "dd-dd-dddd", "dddd/dd/dd", "d/d/dddd", "dddddddd"];
    let end = SHAPES.iter().find_map(|shape| matches_shape(shape, text, start).map(|(end, _)| end))?;
    birth_words(text, start).then(|| span(start, end, "date_of_birth", 0.7))
}

//! Postal addresses in the two shapes that have one: `12 High Street` and `Hauptstraße 12`.
//!
//! Owns the words for streets. Off by default, because names of streets are everywhere.

use super::number::span;
use crate::span::Span;

/// Words behind a name that make it a street, in small letters; those that begin with `-` end a word.
#[rustfmt::skip]
const STREETS: &[&str] = &[
    "street", "st", "st.", "avenue", "ave", "ave.", "road", "rd", "rd.", "lane", "ln", "ln.", "drive", "dr", "dr.",
    "boulevard", "blvd", "blvd.", "court", "ct", "ct.", "place", "pl", "square", "terrace", "way", "close",
    "crescent", "parkway", "pkwy", "highway", "hwy", "circle", "trail", "alley", "row", "mews",
];
const JOINED: &[&str] =
    &["straße", "strasse", "str.", "weg", "allee", "gasse", "platz", "straat", "laan", "gatan", "vägen", "gade", "vej"];

/// Adds every address of `text`.
pub(super) fn find(text: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    while at < text.len() {
        let is_start = text[at].is_ascii_digit()
            && at
                .checked_sub(1)
                .is_none_or(|i| text[i].is_ascii_whitespace() || matches!(text[i], b'"' | b':' | b',' | b'('));
        if !is_start {
            at += 1;
            continue;
        }
        let digits = text[at..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
        let end = at + digits;
        let one = numbered_first(text, at, end).or_else(|| numbered_last(text, at, end));
        at = one.as_ref().map_or(end, |span| span.end).max(at + 1);
        found.extend(one);
    }
}

/// `12B High Street, Flat 3`.
fn numbered_first(text: &[u8], start: usize, mut end: usize) -> Option<Span> {
    end += usize::from(text.get(end).is_some_and(u8::is_ascii_alphabetic));
    for named in 0..5 {
        if text.get(end) != Some(&b' ') {
            return None;
        }
        let len = text[end + 1..]
            .iter()
            .take(24)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'\'' | b'.' | b'-') || **b >= 0x80)
            .count();
        let word = std::str::from_utf8(&text[end + 1..end + 1 + len]).ok()?;
        let lower = word.to_lowercase();
        end += 1 + len;
        if named > 0 && STREETS.contains(&lower.as_str()) {
            return Some(span(start, end, "postal_address", 0.6));
        }
        if !word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()) {
            return None;
        }
    }
    None
}

/// `Hauptstraße 12`.
fn numbered_last(text: &[u8], start: usize, end: usize) -> Option<Span> {
    let before = text[..start].strip_suffix(b" ")?;
    let len = before
        .iter()
        .rev()
        .take(40)
        .take_while(|b| b.is_ascii_alphabetic() || matches!(b, b'.' | b'-') || **b >= 0x80)
        .count();
    let word = std::str::from_utf8(&before[before.len() - len..]).ok()?;
    let lower = word.to_lowercase();
    let is_street = JOINED.iter().any(|ending| lower.len() > ending.len() + 2 && lower.ends_with(ending));
    (is_street && word.starts_with(char::is_uppercase)).then(|| span(before.len() - len, end, "postal_address", 0.6))
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn streets_need_a_name_and_a_number() {
        let cut = |text: &'static str| {
            let mut found = Vec::new();
            find(text.as_bytes(), &mut found);
            found.first().map(|span| &text[span.start..span.end])
        };
        assert_eq!(cut("lives at 12 High Street, Leeds"), Some("12 High Street"));
        assert_eq!(cut("at 221B Baker St."), Some("221B Baker St."));
        assert_eq!(cut("wohnt Lange Hauptstraße 12"), Some("Hauptstraße 12"));
        assert_eq!(cut("in 12 ways, 3 Steps"), None);
    }
}

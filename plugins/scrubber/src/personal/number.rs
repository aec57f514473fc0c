//! Rows and groups of digits: who is asked what a number is.
//!
//! Owns where a number may begin and the order of those who are asked. Numbers stand in groups of letters and
//! digits with single separators between them; a number is a few whole groups, see `extent`.

use super::account::{iban_end, sort_code_end};
use super::card::card_end;
use super::date::{date_of_birth, is_timestamp, opens_line_with_date};
use super::extent::{Extent, GAP_MAX_BYTES, is_separator, leads_of};
use super::{national, phone};
use crate::span::Span;

/// Longest group of letters and digits that is no account number: a resident's id of China.
const GROUP_MAX_BYTES: usize = 19;
/// Fewest characters that are worth a look at all.
const CHARACTERS_MIN: usize = 7;

/// Most short groups of a row among which a number is looked for; what is longer is a table or a dump.
const ROW_MAX_GROUPS: u32 = 20;

/// The row of groups that was seen last, one separator between each two and nothing found among them. Lines of
/// one group each are a row too.
#[derive(Debug, Default)]
pub(super) struct Row {
    groups: u32,
    /// How many of them stand on the last line.
    of_line: u32,
    end: usize,
}

impl Row {
    /// Goes on with the group from `start` to `end`.
    fn add(&mut self, text: &[u8], start: usize, end: usize) {
        let gap = text.get(self.end..start).unwrap_or_default();
        let is_next = gap.len() <= 1 || gap.len() <= GAP_MAX_BYTES && gap.iter().all(|b| is_separator(*b));
        let is_same_line = is_next && !gap.contains(&b'\n');
        self.groups = if is_same_line || is_next && self.of_line == 1 { self.groups + 1 } else { 0 };
        self.of_line = if is_same_line { self.of_line + 1 } else { 1 };
        self.end = end;
    }
}

/// The number whose first digit (or `+`) stands at `at`, and where to go on from.
#[inline(never)]
pub(super) fn around(text: &[u8], at: usize, row: &mut Row) -> (Option<Span>, usize) {
    // The group that the digit belongs to may begin with letters.
    let back = text[..at].iter().rev().take(8).take_while(|b| b.is_ascii_alphabetic()).count();
    let start = at - back;
    let is_free = start.checked_sub(1).is_none_or(|before| is_edge(text, before)) || follows_initial(text, start);
    let len = text[at..].iter().take(256).take_while(|b| b.is_ascii_alphanumeric()).count().max(1);
    // Most numbers are short and followed by a word or nothing: no shape has fewer than seven.
    let is_long = back + len > GROUP_MAX_BYTES && back != 2;
    let is_short = is_long || back != 2 && back + len < CHARACTERS_MIN && text[at] != b'+' && !goes_on(text, at + len);
    if is_free && let Some(end) = machine_readable_end(text, start, at + len) {
        return (Some(span(start, end, "passport", 0.8)), end);
    }
    row.add(text, start, at + len);
    let is_counted = len == 1 && back == 0 && follows_single_digits(text, start)
        || row.groups > ROW_MAX_GROUPS && back + len < CHARACTERS_MIN;
    match if is_free && !is_short && !is_counted { number_at(text, start, back) } else { None } {
        Some(span) => {
            let end = span.end.max(at + 1);
            *row = Row::default();
            (Some(span), end)
        }
        None => (None, at + len),
    }
}

/// The end of the second line of a passport's machine-readable zone (ICAO 9303), which begins at `start` and
/// whose first group ends at `end`.
fn machine_readable_end(text: &[u8], start: usize, end: usize) -> Option<usize> {
    if text.get(end) != Some(&b'<') && end - start != 44 {
        return None;
    }
    let is_part = |b: &&u8| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b'<';
    let len = text[start..].iter().take(48).take_while(is_part).count();
    let line = &text[start..start + len];
    let digits = line.iter().filter(|b| b.is_ascii_digit()).count();
    ((30..=44).contains(&len) && digits >= 12 && line.contains(&b'<')).then_some(start + len)
}

/// Whether another group of a number may follow the one that ends at `end`.
fn goes_on(text: &[u8], end: usize) -> bool {
    let rest = &text[end..];
    match rest {
        [b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+' | b'\n' | b'\r', tail @ ..] => {
            !matches!(tail, [a, b, ..] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic()) && !tail.is_empty()
        }
        _ => false,
    }
}

/// Whether three digits stand one by one before the digit or sign at `start`: a number that is written so
/// begins with the first. What has a sign goes on only what has.
fn follows_single_digits(text: &[u8], start: usize) -> bool {
    let signed = text[..start].strip_suffix(b"+");
    let has_sign = signed.is_some() || text[start] == b'+';
    let mut lead = signed.unwrap_or(&text[..start]);
    (0..3).all(|_| {
        let [before @ .., digit, b' '] = lead else { return false };
        lead = if has_sign { before.strip_suffix(b"+").unwrap_or_default() } else { before };
        digit.is_ascii_digit() && lead.last().is_some_and(|&b| b == b' ')
    })
}

/// Whether a number may stand behind the byte at `before`.
fn is_edge(text: &[u8], before: usize) -> bool {
    match text[before] {
        b'_' | b'.' | b'/' => false,
        // `19:12:01.5`: the parts of a time.
        b':' => before.checked_sub(1).is_none_or(|i| !text[i].is_ascii_digit()),
        // `-` and `+` between letters and digits make them parts of something longer.
        b'-' => before.checked_sub(1).is_none_or(|i| !text[i].is_ascii_alphanumeric()),
        byte => !byte.is_ascii_alphanumeric(),
    }
}

/// Whether a letter of its own and a dash stand in front of `start`: `Z-4484201-B`.
fn follows_initial(text: &[u8], start: usize) -> bool {
    matches!(text[..start], [.., b'X'..=b'Z', b'-'])
        && (start == 2 || text.get(start.wrapping_sub(3)).is_some_and(|b| !b.is_ascii_alphanumeric()))
}

fn number_at(text: &[u8], start: usize, letters: usize) -> Option<Span> {
    if letters == 2
        && let Some(end) = iban_end(text, start)
    {
        return Some(span(start, end, "iban", 0.95));
    }
    if opens_line_with_date(text, start) {
        return None;
    }
    if letters == 0
        && let Some(end) = sort_code_end(text, start)
    {
        return Some(span(start, end, "bank_account", 0.8));
    }
    let extent = Extent::of(text, start);
    if extent.ends >> CHARACTERS_MIN == 0 || is_dotted_address(text, start) || is_timestamp(text, start) {
        return None;
    }
    // Initials in groups stand in front of the first digit: `RSS MRA 85T10 A562S`.
    for lead in leads_of(text, start) {
        if let Some(one) = national::at(text, start - lead, &Extent::of(text, start - lead)) {
            return Some(one);
        }
    }
    // Four digits and a blank in front make it the rest of a longer number.
    let is_rest =
        matches!(&text[..start], [.., a, b, c, d, b' ' | b'-'] if [a, b, c, d].iter().all(|b| b.is_ascii_digit()));
    if letters == 0
        && extent.digits >= 12
        && !is_rest
        && let Some(end) = card_end(text, start)
    {
        return Some(span(start, end, "credit_card", 0.9));
    }
    // A telephone number with its country is one whatever its digits are, unless it goes on a number.
    let goes_on = text[start] != b'+' && matches!(&text[..start], [.., before, b' '] if before.is_ascii_digit());
    if !goes_on && let Some(end) = phone::international_end(text, start) {
        return Some(span(start, end, "phone", 0.8));
    }
    let national = national::at(text, start, &extent);
    if national.is_some() || letters > 0 {
        return national;
    }
    if !goes_on && let Some(end) = phone::national_end(text, start, extent.ends) {
        return Some(span(start, end, "phone", 0.7));
    }
    // A date has six digits or eight.
    if extent.ends & (1 << 6 | 1 << 8) == 0 {
        return None;
    }
    date_of_birth(text, start)
}

/// `10.0.0.12`: four short groups with dots between them.
fn is_dotted_address(text: &[u8], start: usize) -> bool {
    let mut at = start;
    for group in 0..4 {
        let digits = text[at..].iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        at += digits;
        let is_separated = group == 3 || text.get(at) == Some(&b'.');
        if !(1..=3).contains(&digits) || !is_separated {
            return false;
        }
        at += usize::from(group < 3);
    }
    let goes_on = text.get(at) == Some(&b'.') && text.get(at + 1).is_some_and(u8::is_ascii_digit);
    !goes_on && text.get(at).is_none_or(|b| !b.is_ascii_alphanumeric())
}

pub(super) fn span(start: usize, end: usize, kind: &'static str, confidence: f32) -> Span {
    Span { start, end, kind: kind.into(), confidence }
}

#[cfg(test)]
mod tests {
    use super::{Row, around};

    fn cut(text: &str) -> Vec<(&str, String)> {
        let mut found = Vec::new();
        let (mut at, mut row) = (0, Row::default());
        while at < text.len() {
            if !(text.as_bytes()[at].is_ascii_digit() || text.as_bytes()[at] == b'+') {
                at += 1;
                continue;
            }
            let (span, next) = around(text.as_bytes(), at, &mut row);
            found.extend(span);
            at = next;
        }
        found.iter().map(|span| (&text[span.start..span.end], span.kind.to_string())).collect()
    }

    fn only(text: &str) -> Option<(&str, String)> {
        let mut all = cut(text);
        if all.len() == 1 { all.pop() } else { None }
    }

    #[test]
    fn card_numbers_need_their_check_digit() {
        for (text, card) in [
            ("card 4111 1111 1111 1111, thanks", "4111 1111 1111 1111"),
            ("5500-0000-0000-0004", "5500-0000-0000-0004"),
            ("378282246310005.", "378282246310005"),
            ("12 4111111111111111", "4111111111111111"),
            ("4111 1111\n1111 1111", "4111 1111\n1111 1111"),
        ] {
            assert_eq!(only(text), Some((card, "credit_card".to_owned())), "{text}");
        }
        for text in [
            "4111 1111 1111 1112",
            "id-4111111111111111",
            "41111111111111110000",
            "0x4111111111111111",
            "2222222222222222",
        ] {
            assert_eq!(cut(text), [], "{text}");
        }
    }

    #[test]
    fn account_numbers_need_their_check_sum() {
        assert_eq!(only("IBAN DE89 3704 0044 0532 0130 00 ok").map(|one| one.0), Some("DE89 3704 0044 0532 0130 00"));
        assert_eq!(only("GB82WEST12345698765432").map(|one| one.0), Some("GB82WEST12345698765432"));
        assert_eq!(cut("DE88 3704 0044 0532 0130 00"), []);
        assert_eq!(cut("XDE89370400440532013000"), []);
    }

    #[test]
    fn ids_need_their_check_or_a_word_beside_them() {
        for (text, number, kind) in [
            ("SSN: 536-22-8726.", "536-22-8726", "us_ssn"),
            ("her pesel is 44051401359", "44051401359", "pl_pesel"),
            ("CPF 529.982.247-25", "529.982.247-25", "br_cpf"),
            ("codice RSSMRA85T10A562S", "RSSMRA85T10A562S", "it_fiscal_code"),
            ("codice RSS MRA 85T10 A562S", "RSS MRA 85T10 A562S", "it_fiscal_code"),
            ("AB 12 34 56 C", "AB 12 34 56 C", "uk_nino"),
            ("BSN 111222333", "111222333", "nl_bsn"),
            ("passport C01X00T47", "C01X00T47", "passport"),
            ("born 1987-03-12 in Rome", "1987-03-12", "date_of_birth"),
        ] {
            assert_eq!(only(text), Some((number, kind.to_owned())), "{text}: {:?}", cut(text));
        }
        for text in [
            "111222333",
            "2026-11-22T19:12:01Z took 1732300000 us",
            "v1.20.300",
            "rows 536228726",
            "536-22-8726-1",
            "1732300000123",
        ] {
            assert_eq!(cut(text), [], "{text}");
        }
    }
}

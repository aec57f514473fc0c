//! Personal data with a shape of its own: mail addresses, telephone numbers, card numbers, IBANs.
//!
//! Owns shapes and check digits. Prefers missing an odd number to redacting every long one, because
//! a text full of holes is worth nothing; what has a check digit must pass it.

use crate::span::Span;

/// Mail addresses: RFC 5321 without quoted local parts.
pub(crate) fn emails(text: &str, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    for at in bytes.iter().enumerate().filter(|(_, b)| **b == b'@').map(|(at, _)| at) {
        let is_local = |b: &&u8| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(b);
        // RFC 5321 section 4.5.3.1: 64 octets before the sign, 255 behind.
        let local = bytes[..at].iter().rev().take(65).take_while(is_local).count();
        let domain = bytes[at + 1..]
            .iter()
            .take(255)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
            .count();
        // What leads the run but is mere punctuation belongs to the sentence.
        let lead = bytes[at - local..at].iter().take_while(|b| !b.is_ascii_alphanumeric()).count();
        let name = &text[at + 1..at + 1 + domain];
        let name = name.trim_end_matches(['.', '-']);
        let start = at - local + lead;
        if local <= 64 && start < at && bytes[at - 1] != b'.' && is_domain(name) {
            found.push(Span { start, end: at + 1 + name.len(), kind: "email".into(), confidence: 0.95 });
        }
    }
}

fn is_domain(name: &str) -> bool {
    let mut labels = name.split('.');
    let top = name.rsplit('.').next().unwrap_or_default();
    let has_letters = top.len() >= 2 && top.bytes().any(|b| b.is_ascii_alphabetic());
    let is_file = ["png", "jpg", "jpeg", "svg", "gif", "webp", "css", "js"].contains(&top);
    name.contains('.') && has_letters && !is_file && labels.all(|label| !label.is_empty() && label.len() <= 63)
}

/// A run of digits with separators between them.
struct Run {
    start: usize,
    end: usize,
    digits: Vec<u8>,
    separators: usize,
}

/// The run of digits that starts at `start`, with single separators of `allowed` between digits.
fn run(bytes: &[u8], start: usize, allowed: &[u8], digits_max: usize) -> Run {
    let mut run = Run { start, end: start, digits: Vec::new(), separators: 0 };
    let mut at = start;
    while at < bytes.len() && run.digits.len() <= digits_max {
        if bytes[at].is_ascii_digit() {
            run.digits.push(bytes[at] - b'0');
            at += 1;
            run.end = at;
        } else if allowed.contains(&bytes[at]) && at > start && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
            run.separators += 1;
            at += 1;
        } else {
            break;
        }
    }
    run
}

/// Whether a number may start at `at`: nothing before it makes it the rest of something longer.
fn starts_number(bytes: &[u8], at: usize) -> bool {
    bytes[at].is_ascii_digit()
        && bytes[..at]
            .last()
            .is_none_or(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b'+')))
}

fn ends_number(bytes: &[u8], end: usize) -> bool {
    match bytes.get(end) {
        None => true,
        Some(b'.' | b'-') => !bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric),
        Some(b) => !(b.is_ascii_alphanumeric() || *b == b'_'),
    }
}

/// Card numbers: 13 to 19 digits in groups, with a known first digit and a right check digit
/// (ISO/IEC 7812).
pub(crate) fn cards(text: &str, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !starts_number(bytes, at) {
            at += 1;
            continue;
        }
        let run = run(bytes, at, b" -", 19);
        let fits = (13..=19).contains(&run.digits.len()) && matches!(run.digits[0], 2..=6);
        if fits && ends_number(bytes, run.end) && is_luhn(&run.digits) && !is_one_digit(&run.digits) {
            found.push(Span { start: run.start, end: run.end, kind: "credit_card".into(), confidence: 0.9 });
        }
        // What is shorter may still hold a card behind a blank: a list of numbers in one line.
        at += bytes[at..run.end].iter().position(|b| !b.is_ascii_digit()).unwrap_or(run.end - at).max(1);
    }
}

fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit) if digit < 5 => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_one_digit(digits: &[u8]) -> bool {
    digits.iter().all(|digit| *digit == digits[0])
}

/// Telephone numbers with their country: `+` and 8 to 15 digits (ITU-T E.164), grouped as people do.
pub(crate) fn phones(text: &str, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|&b| b == b'+') {
        let plus = at + next;
        at = plus + 1;
        let is_free = bytes[..plus]
            .last()
            .is_none_or(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'_' | b'.' | b'/' | b'=')));
        if !is_free || !bytes.get(at).is_some_and(|b| matches!(b, b'1'..=b'9')) {
            continue;
        }
        let (end, digits) = phone_end(bytes, at);
        if (8..=15).contains(&digits) && ends_number(bytes, end) {
            found.push(Span { start: plus, end, kind: "phone".into(), confidence: 0.8 });
            at = end;
        }
    }
}

/// The end of a telephone number and its digits; parentheses and up to two separators in a row
/// may stand between digits: `+49 (0) 30 / 12 34 56`.
fn phone_end(bytes: &[u8], start: usize) -> (usize, usize) {
    let (mut at, mut end, mut digits, mut gap) = (start, start, 0, 0);
    while at < bytes.len() && digits <= 15 && gap <= 3 {
        match bytes[at] {
            b'0'..=b'9' => {
                digits += 1;
                gap = 0;
                end = at + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' => gap += 1,
            _ => break,
        }
        at += 1;
    }
    (end, digits)
}

/// International bank account numbers (ISO 13616): country, two check digits, 11 to 30 more, in
/// groups or not, with a right check sum.
pub(crate) fn ibans(text: &str, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    for start in 0..bytes.len().saturating_sub(14) {
        let opens = bytes[start].is_ascii_uppercase()
            && bytes[start + 1].is_ascii_uppercase()
            && bytes[start + 2].is_ascii_digit()
            && bytes[start + 3].is_ascii_digit();
        let is_free = bytes[..start].last().is_none_or(|b| !(b.is_ascii_alphanumeric() || *b == b'_'));
        if opens
            && is_free
            && let Some(end) = iban_end(bytes, start)
        {
            found.push(Span { start, end, kind: "iban".into(), confidence: 0.95 });
        }
    }
}

/// The longest end at which the number is whole: a word behind it may look like its last group.
fn iban_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut characters) = (start, Vec::new());
    let mut longest = None;
    while at < bytes.len() && characters.len() < 34 {
        let byte = bytes[at];
        if byte.is_ascii_uppercase() || byte.is_ascii_digit() {
            characters.push(byte);
            at += 1;
            let ends = bytes.get(at).is_none_or(|b| !(b.is_ascii_alphanumeric() || *b == b'_'));
            if characters.len() >= 15 && ends && is_iban(&characters) {
                longest = Some(at);
            }
        } else if byte == b' ' && at > start && bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) {
            at += 1;
        } else {
            break;
        }
    }
    longest
}

/// ISO 7064 mod 97-10 over the number with its first four characters moved to the end.
fn is_iban(characters: &[u8]) -> bool {
    let (head, tail) = characters.split_at(4);
    let remainder = tail.iter().chain(head).fold(0_u32, |sum, &byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    remainder == 1
}

#[cfg(test)]
mod tests {
    use super::{Span, cards, emails, ibans, phones};

    fn cut(text: &str, find: fn(&str, &mut Vec<Span>)) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, &mut found);
        found.iter().map(|span| &text[span.start..span.end]).collect()
    }

    #[test]
    fn mail_addresses_are_cut_exactly() {
        assert_eq!(cut("Write to <ada.l+x@mail.example.org>.", emails), ["ada.l+x@mail.example.org"]);
        assert_eq!(cut("a@b.co, c@d.info; (e_f@g-h.de)", emails), ["a@b.co", "c@d.info", "e_f@g-h.de"]);
        assert_eq!(cut("größe@example.org", emails), ["e@example.org"]);
        for text in [
            "@ada",
            "user@host",
            "a @b.co",
            "icon@2x.png",
            "x@1.2.3",
            "a.@b.co",
            "@scope/pkg@1.0.0",
            &format!("{}@b.co", "a".repeat(65)),
        ] {
            assert!(cut(text, emails).is_empty(), "{text}: {:?}", cut(text, emails));
        }
    }

    #[test]
    fn card_numbers_need_their_check_digit() {
        assert_eq!(cut("card 4111 1111 1111 1111, thanks", cards), ["4111 1111 1111 1111"]);
        assert_eq!(cut("5500-0000-0000-0004", cards), ["5500-0000-0000-0004"]);
        assert_eq!(cut("378282246310005.", cards), ["378282246310005"]);
        assert_eq!(cut("12 4111111111111111", cards), ["4111111111111111"]);
        for text in [
            "4111 1111 1111 1112",
            "id-4111111111111111",
            "41111111111111110000",
            "0x4111111111111111",
            "4111111111111111.5",
            "2222222222222222",
        ] {
            assert!(cut(text, cards).is_empty(), "{text}");
        }
    }

    #[test]
    fn telephone_numbers_need_their_country() {
        assert_eq!(cut("call +49 (0) 30 / 12 34 56 now", phones), ["+49 (0) 30 / 12 34 56"]);
        assert_eq!(cut("+14155552671", phones), ["+14155552671"]);
        assert_eq!(cut("(+1-415-555-2671)", phones), ["+1-415-555-2671"]);
        for text in ["a+12345678", "1+12345678", "+1234567", "+1234567890123456", "+0123456789", "a==+12345678"] {
            assert!(cut(text, phones).is_empty(), "{text}");
        }
    }

    #[test]
    fn account_numbers_need_their_check_sum() {
        assert_eq!(cut("IBAN DE89 3704 0044 0532 0130 00 ok", ibans), ["DE89 3704 0044 0532 0130 00"]);
        assert_eq!(cut("GB82WEST12345698765432", ibans), ["GB82WEST12345698765432"]);
        assert!(cut("DE88 3704 0044 0532 0130 00", ibans).is_empty());
        assert!(cut("XDE89370400440532013000", ibans).is_empty());
    }
}

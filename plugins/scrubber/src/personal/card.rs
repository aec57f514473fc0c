//! Payment cards (ISO/IEC 7812): rows of digits with a known opening and a right check digit.

use super::checks::luhn;
use super::extent::ends_number;

/// Card numbers: 12 to 19 digits in groups, with a known first digit and a right check digit
/// (ISO/IEC 7812). The end of the number.
pub(super) fn card_end(text: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut digits, mut separators) = (start, Vec::with_capacity(20), Vec::new());
    let mut best = None;
    let first = text[start..].iter().take(5).take_while(|b| b.is_ascii_digit()).count();
    while at < text.len() && digits.len() < 19 {
        if text[at].is_ascii_digit() {
            digits.push(text[at]);
            at += 1;
            if ends_number(text, at) && is_card(&digits, separators.len()) {
                best = Some(at);
            }
            continue;
        }
        let len =
            text[at..].iter().take(4).take_while(|b| matches!(b, b' ' | b'-' | b'.' | b'/' | b'\n' | b'\r')).count();
        let is_regular =
            separators.first().is_none_or(|first| *first == text[at]) || text[at..at + len].contains(&b'\n') || len > 1;
        // Digits one by one count, they are no number.
        let is_count = separators.len() >= 8;
        if len == 0 || !text.get(at + len).is_some_and(u8::is_ascii_digit) || !is_regular || is_count {
            break;
        }
        // `302-4471823-9910045`: no card is grouped so.
        let next = text[at + len..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
        if separators.is_empty() && matches!(first, 2 | 3) && next >= 5 {
            break;
        }
        separators.push(text[at]);
        at += len;
    }
    best
}

fn is_card(digits: &[u8], groups: usize) -> bool {
    if digits.len() < 12 {
        return false;
    }
    let opening: u32 = digits[..4].iter().fold(0, |number, byte| number * 10 + u32::from(byte - b'0'));
    #[expect(clippy::match_same_arms, reason = "one line for each network")]
    let fits = match (digits.len(), opening) {
        (15, 3400..=3499 | 3700..=3799) => true,
        (14..=19, 3000..=3059 | 3600..=3699 | 3800..=3999) => true,
        (16..=19, 3528..=3589) => true,
        (13 | 16 | 19, 4000..=4999) => true,
        (16, 5100..=5599 | 2221..=2720) => true,
        (12..=19, 5000..=5099 | 5600..=5899 | 6300..=6399 | 6700..=6799) => digits.len() >= 16 || groups >= 2,
        (16..=19, 6000..=6299 | 6400..=6699 | 6800..=6999 | 8100..=8299) => true,
        (16, 2200..=2204 | 9792) => true,
        _ => false,
    };
    fits && luhn(digits)
}

//! International bank account numbers (ISO 13616), and the codes of banks of the United Kingdom.

use super::checks::mod_97_10;
use super::extent::ends_number;
use super::hints::{Around, Lexicon};

/// Lengths of account numbers by country (ISO 13616, the registry of 2025).
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// International bank account numbers (ISO 13616): country, two check digits, as many more as the
/// country has, in groups or not, with a right check sum. The end of the number.
pub(super) fn iban_end(text: &[u8], start: usize) -> Option<usize> {
    let country = [text[start].to_ascii_uppercase(), text[start + 1].to_ascii_uppercase()];
    let (_, wanted) = IBAN_LENGTHS.iter().find(|(name, _)| **name == country)?;
    let (mut at, mut characters) = (start, Vec::with_capacity(36));
    while at < text.len() && characters.len() < *wanted {
        let byte = text[at];
        if byte.is_ascii_alphanumeric() {
            characters.push(byte.to_ascii_uppercase());
            at += 1;
        } else {
            let len = text[at..].iter().take(4).take_while(|b| matches!(b, b' ' | b'-' | b'.' | b'\n' | b'\r')).count();
            if len == 0 {
                return None;
            }
            at += len;
        }
    }
    let is_whole =
        characters.len() == *wanted && text.get(at).is_none_or(|b| !(b.is_ascii_alphanumeric() || *b == b'_'));
    let has_check = characters.get(2..4).is_some_and(|check| check.iter().all(u8::is_ascii_digit));
    (is_whole && has_check && mod_97_10(&characters)).then_some(at)
}

/// `26-91-20`, `26 91 20` behind words that say sort code: the end of it.
pub(super) fn sort_code_end(text: &[u8], start: usize) -> Option<usize> {
    static WORDS: Lexicon = Lexicon::of(&["sort code", "sort-code", "sort_code", "sortcode", "s/c", "sc:"]);
    let code = text.get(start..start + 8)?;
    let is_code = code.iter().enumerate().all(|(at, b)| if at % 3 == 2 { *b == code[2] } else { b.is_ascii_digit() });
    let is_parted = matches!(code[2], b'-' | b' ');
    (is_code && is_parted && ends_number(text, start + 8) && Around::close(text, start).has_of_before(&WORDS))
        .then_some(start + 8)
}

//! Telephone numbers: with their country (ITU-T E.164), and as countries write them at home.
//!
//! Owns the shapes. A number without its country is believed in an unmistakable shape or behind a
//! word that says telephone.

use super::hints::{Around, Lexicon};

/// Words that announce a telephone number.
#[rustfmt::skip]
static WORDS: Lexicon = Lexicon::of(&[
    "phone", "tel", "tlf", "mobile", "cell", "call", "whatsapp", "fax", "sms", "text me", "text him", "text her", "reach",
    "contact", "telefon", "handy", "téléphone", "teléfono", "telefono", "móvil", "portable", "dial", "ring me", "ring us",
    "hotline", "msisdn", "celular", "landline", "telefoon", "emergency", "voicemail", "signal", "viber",
    "customer number on file", "number is", "電話", "电话", "手机", "전화", "телефон", "Телефон", "mob", "ph:", "ph.",
    "hp:", "hp ", "hp.", "ruf", "anruf", "erreich", "unter", "appel", "joindre", "llám", "llama", "ligue", "ligar", "chiama",
    "cellulare", "zadzwoń", "komórk", "κινητό", "Κινητό", "τηλ", "Τηλ", "携帯", "手機", "номер", "позвон", "звон",
    "gsm:", "gsm ", "natel", "matkapuhelin", "puhelin", "mobil", "puh", "numer", "ring ",
]);

/// Shapes of numbers at home that stand for themselves: `d` a digit, `N` 2 to 9, `S` a separator
/// (blank, dash, dot), anything else itself.
#[rustfmt::skip]
const SHAPES: &[&str] = &[
    // North America.
    "(Ndd) Ndd-dddd", "(Ndd)Ndd-dddd", "(Ndd) Ndd dddd", "(Ndd) Ndd.dddd", "Ndd-Ndd-dddd", "Ndd.Ndd.dddd",
    "Ndd Ndd dddd", "1-Ndd-Ndd-dddd", "1 (Ndd) Ndd-dddd", "1 Ndd Ndd dddd", "1.Ndd.Ndd.dddd", "Ndd/Ndd-dddd",
    // The United Kingdom and Ireland.
    "0ddd ddd dddd", "0dddd dddddd", "0dddd ddd ddd", "0dd dddd dddd", "(0dd) dddd dddd", "(0ddd) ddd dddd",
    "(0dddd) dddddd", "0d ddd dddd", "0dd ddd dddd",
    // France, Belgium, the Netherlands, Switzerland.
    "0dSddSddSddSdd", "0ddSddSddSdd", "0dd ddd dd dd", "0ddd dd dd dd", "0d-dddddddd", "0dd-ddddddd", "0dd/ddd.dd.dd",
    // Germany, Austria.
    "0dd/dddddddd", "0ddd/ddddddd", "0ddd/dddddddd", "0ddd dddddddd", "0ddd ddddddd", "0dd dddddddd", "0dddd/dddddd",
    "0dd-dddddddd", "0ddd-ddddddd", "0ddd-dddddddd", "0ddd dddd dddd", "0ddd ddd dd dd", "0ddd/ddd ddd",
    // Australia, New Zealand, South Africa.
    "04dd ddd ddd", "(0d) dddd dddd", "0d dddd dddd", "0dd ddd ddd",
    // Japan, Korea, Taiwan, China.
    "0d-dddd-dddd", "0dd-dddd-dddd", "0dd-ddd-dddd", "0ddd-dd-dddd", "0dd-dddddddd", "(0d)dddd-dddd", "1dd-dddd-dddd",
    "1dd dddd dddd", "0ddd-ddddddd",
    // Brazil, Mexico, Russia, India.
    "(dd) 9dddd-dddd", "(dd) dddd-dddd", "(dd)9dddd-dddd", "dd 9dddd-dddd", "8 (ddd) ddd-dd-dd", "8-ddd-ddd-dd-dd",
    "8(ddd)ddd-dd-dd", "(ddd) ddd-dd-dd", "Ndddd-ddddd", "0ddddd ddddd", "0Ndd-Nddddddd",
    // Spain, Italy, Poland, Portugal: mobile numbers.
    "Ndd dd dd dd", "Ndd ddd ddd", "3dd ddd dddd", "3dd ddddddd", "3dd-ddddddd", "(dd) ddd dd dd", "9dd ddd ddd",
    "6dd-ddd-ddd", "6dd-dd-dd-dd",
];

/// Shapes that other numbers have too, so that a word has to announce them.
#[rustfmt::skip]
const LOOSE: &[&str] = &[
    "Ndd Ndd dddd", "Ndd ddd ddd", "9dd ddd ddd", "1dd dddd dddd", "Ndddd-ddddd", "Ndd dd dd dd", "0dd ddd ddd",
    "3dd ddddddd", "0dd-ddddddd", "3dd-ddddddd", "0ddd-ddddddd", "0ddd-dddddddd", "(dd) ddd dd dd", "6dd-ddd-ddd",
];

/// The end of a number that begins with `+` and its country, at `start`: 8 to 15 digits, grouped as
/// people do.
pub(super) fn international_end(text: &[u8], start: usize) -> Option<usize> {
    let at = match &text[start..] {
        [b'+', b'1'..=b'9', ..] => start + 1,
        [b'+', b' ' | b'(', b'1'..=b'9', ..] => start + 2,
        [b'0', b'0', b'1'..=b'9', ..]
            if Around::of(text, start, start).has_of_before(&WORDS)
                || matches!(text.get(start + 4), Some(b' ' | b'-')) =>
        {
            start + 2
        }
        _ => return None,
    };
    let before = start.checked_sub(1).map(|i| text[i]);
    if before.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'_' | b'.' | b'/')) {
        return None;
    }
    // `===+12345`: the end of base64 or a rule.
    if before == Some(b'=') && start > 1 && text[start - 2] == b'=' {
        return None;
    }
    let (end, digits) = grouped(text, at);
    ((8..=15).contains(&digits) && ends(text, end)).then_some(end)
}

/// The end of a row of digits with parentheses and up to three separators in a row between them, and
/// how many digits: `49 (0) 30 / 12 34 56`.
fn grouped(text: &[u8], start: usize) -> (usize, usize) {
    let (mut at, mut end, mut digits, mut gap) = (start, start, 0, 0);
    while at < text.len() && digits <= 15 && gap <= 3 {
        match text[at] {
            b'0'..=b'9' => {
                digits += 1;
                gap = 0;
                end = at + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' => gap += 1,
            b'\n' if (3..8).contains(&digits) => gap += 1,
            _ => break,
        }
        at += 1;
    }
    (end, digits)
}

fn ends(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        None | Some(b'x') => true,
        Some(b'.' | b'-') => !text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric),
        Some(b) => !(b.is_ascii_alphanumeric() || *b == b'_'),
    }
}

/// The end of a number without its country that begins at `start` (or at the parenthesis before) and
/// has as many digits as `lengths` has bits set for.
pub(super) fn national_end(text: &[u8], start: usize, lengths: u64) -> Option<usize> {
    let opens = start > 0 && text[start - 1] == b'(';
    let from = start - usize::from(opens);
    // `00 00 00 00`: a dump of memory.
    if text[start..].starts_with(b"00 00") {
        return None;
    }
    let mut around: Option<Around> = None;
    let first = text[start];
    let shapes = if lengths & LENGTHS == 0 { &[][..] } else { SHAPES };
    for (shape, digits) in shapes.iter().zip(DIGITS) {
        let is_likely =
            lengths >> digits & 1 == 1 && shape.starts_with('(') == opens && (opens || may_start(shape, first));
        if !is_likely {
            continue;
        }
        let Some(end) = shape_end(shape, text, from).filter(|end| ends(text, *end)) else { continue };
        let around = around.get_or_insert_with(|| Around::of(text, from, end));
        let is_said = around.has_of(&WORDS);
        if is_said || !(around.is_denied() || LOOSE.contains(shape)) {
            return Some(end);
        }
    }
    // Behind a word any grouping will do.
    let (end, digits) = grouped(text, start);
    let is_bare = end - start == digits;
    let is_row = (7..=if is_bare { 11 } else { 13 }).contains(&digits)
        && ends(text, end)
        && !text[start..end].contains(&b'\n')
        && !is_dotted_address(&text[start..end]);
    let is_said = || Around::close(text, start).has_of_before(&WORDS) && !Around::of(text, start, end).is_denied();
    (is_row && !is_date(&text[start..end]) && is_said()).then_some(end)
}

fn may_start(shape: &str, first: u8) -> bool {
    match shape.as_bytes()[0] {
        b'd' => true,
        b'N' => first >= b'2',
        literal => literal == first,
    }
}

/// One bit for each number of digits that some shape has.
const LENGTHS: u64 = {
    let (mut lengths, mut row) = (0, 0);
    while row < DIGITS.len() {
        lengths |= 1 << DIGITS[row];
        row += 1;
    }
    lengths
};

/// For each shape how many digits it has.
const DIGITS: [u8; SHAPES.len()] = {
    let mut counts = [0; SHAPES.len()];
    let mut shape = 0;
    while shape < SHAPES.len() {
        let bytes = SHAPES[shape].as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at].is_ascii_digit() || matches!(bytes[at], b'd' | b'N') {
                counts[shape] += 1;
            }
            at += 1;
        }
        shape += 1;
    }
    counts
};

fn is_date(bytes: &[u8]) -> bool {
    bytes.len() >= 10
        && (bytes.starts_with(b"19") || bytes.starts_with(b"20"))
        && matches!(bytes[4], b'-' | b'/' | b'.')
        && bytes[4] == bytes[7]
}

fn is_dotted_address(bytes: &[u8]) -> bool {
    bytes.split(|b| *b == b'.').count() == 4 && !bytes.iter().any(|b| matches!(b, b' ' | b'-' | b'/'))
}

fn shape_end(shape: &str, text: &[u8], start: usize) -> Option<usize> {
    let mut separator = None;
    for (at, class) in shape.bytes().enumerate() {
        let byte = *text.get(start + at)?;
        let fits = match class {
            b'd' => byte.is_ascii_digit(),
            b'N' => (b'2'..=b'9').contains(&byte),
            b'S' => matches!(byte, b' ' | b'-' | b'.') && *separator.get_or_insert(byte) == byte,
            literal => byte == literal,
        };
        if !fits {
            return None;
        }
    }
    Some(start + shape.len())
}

#[cfg(test)]
mod tests {
    use super::{international_end, national_end};

    #[test]
    fn numbers_with_their_country_are_cut_as_people_group_them() {
        for text in
            ["+49 (0) 30 / 12 34 56", "+14155552671", "+1-415-555-2671", "+ 44 20 7946 0958", "+33 6 12 34 56 78"]
        {
            assert_eq!(international_end(text.as_bytes(), 0), Some(text.len()), "{text}");
        }
        for text in ["+1234567", "+1234567890123456", "+0123456789"] {
            assert_eq!(international_end(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn numbers_at_home_need_a_shape_or_a_word() {
        for text in ["415-555-2671", "020 7946 0958", "06 12 34 56 78", "030/12345678", "090-1234-5678", "0412 345 678"]
        {
            assert_eq!(national_end(text.as_bytes(), 0, u64::MAX), Some(text.len()), "{text}");
        }
        assert_eq!(national_end(b"(415) 555-2671", 1, u64::MAX), Some(14));
        assert_eq!(national_end(b"call 5552671 now", 5, u64::MAX), Some(12));
        for text in ["5552671", "115-555-2671", "order 415-555-2671", "2026-11-22"] {
            let at = text.find(|c: char| c.is_ascii_digit()).unwrap();
            assert_eq!(national_end(text.as_bytes(), at, u64::MAX), None, "{text}");
        }
    }
}

//! Rows and groups of digits: cards, accounts, telephones, national ids, dates of birth.
//!
//! Owns where a number begins and ends and who is asked first. Numbers stand in groups of letters
//! and digits with single separators between them; a number is a few whole groups.

use super::checks::{luhn, mod_97_10};
use super::hints::{Around, Lexicon};
use super::national::{self, Id, Need, Shape};
use super::phone;
use crate::span::Span;

/// Longest number looked at, with its separators.
const REACH_MAX_BYTES: usize = 48;
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
        let is_next = start <= self.end + 1 && self.end < text.len();
        let is_same_line = is_next && text[self.end] != b'\n';
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
    let is_free = start.checked_sub(1).is_none_or(|before| is_edge(text, before));
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

fn number_at(text: &[u8], start: usize, letters: usize) -> Option<Span> {
    if letters == 2
        && let Some(end) = iban_end(text, start)
    {
        return Some(span(start, end, "iban", 0.95));
    }
    if opens_line_with_date(text, start) {
        return None;
    }
    let extent = Extent::of(text, start);
    if extent.ends >> CHARACTERS_MIN == 0 || is_dotted_address(text, start) || is_timestamp(text, start) {
        return None;
    }
    // Initials in groups stand in front of the first digit: `RSS MRA 85T10 A562S`.
    for lead in leads_of(text, start) {
        if let Some(one) = national_at(text, start - lead, &Extent::of(text, start - lead)) {
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
    let national = national_at(text, start, &extent);
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

/// How far groups go on from a start.
struct Extent {
    /// Bit n is set when the first n characters end a number.
    ends: u64,
    digits: usize,
    /// Which of the characters are digits, which letters, and before which stands a separator.
    makeup: Shape,
}

impl Extent {
    fn of(text: &[u8], start: usize) -> Self {
        let (mut characters, mut digits, mut ends) = (0_usize, 0, 0_u64);
        let mut makeup = Shape::default();
        let mut at = start + usize::from(matches!(text.get(start), Some(b'+')));
        while at < text.len() && at - start < REACH_MAX_BYTES {
            makeup.gaps |= 1_u64.unbounded_shl(u32::try_from(characters).unwrap_or(64));
            let (mut group, mut of_group) = (0, 0);
            while let Some(&byte) =
                text.get(at + group).filter(|b| b.is_ascii_alphanumeric() && group < REACH_MAX_BYTES)
            {
                let bit = 1_u64.unbounded_shl(u32::try_from(characters + group).unwrap_or(64));
                let is_digit = byte.is_ascii_digit();
                (makeup.digits, makeup.letters) = if is_digit {
                    (makeup.digits | bit, makeup.letters)
                } else {
                    (makeup.digits, makeup.letters | bit)
                };
                of_group += usize::from(is_digit);
                group += 1;
            }
            // A word behind a number is the sentence's.
            if of_group == 0 && group >= 2 && digits > 0 {
                break;
            }
            characters += group;
            digits += of_group;
            at += group;
            if group > 0 && characters < 64 && ends_number(text, at) {
                ends |= 1 << characters;
            }
            let is_gap = |b: &&u8| matches!(b, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+' | b'\n' | b'\r');
            let gap = text[at..].iter().take(4).take_while(is_gap).count();
            if gap == 0 || gap > 3 {
                break;
            }
            at += gap;
        }
        makeup.gaps &= !1;
        Self { ends, digits, makeup }
    }
}

/// `2026-11-22...`: the numbers that logs are full of.
fn is_timestamp(text: &[u8], start: usize) -> bool {
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
fn opens_line_with_date(text: &[u8], start: usize) -> bool {
    (start == 0 || matches!(text[start - 1], b'\n' | b'[' | b'"')) && is_date(&text[start..])
}

/// Lengths of the groups of two or three capitals in front of a group: `AB 12 34 56 C`,
/// `RSS MRA 85T10 A562S`.
fn leads_of(text: &[u8], start: usize) -> impl Iterator<Item = usize> {
    let capitals = |end: usize| text[..end].iter().rev().take(4).take_while(|b| b.is_ascii_uppercase()).count();
    let first = if text[..start].ends_with(b" ") { capitals(start - 1) } else { 0 };
    let second = if first == 3 && text[..start - 4].ends_with(b" ") { capitals(start - 5) } else { 0 };
    let both = (second == 3).then_some(8);
    // `Z-4484201-B`.
    let is_dashed = matches!(text[..start], [.., b'A'..=b'Z', b'-'])
        && (start == 2 || text.get(start.wrapping_sub(3)).is_some_and(|b| !b.is_ascii_alphanumeric()));
    let dashed = is_dashed.then_some(2);
    dashed.into_iter().chain(both).chain((2..=3).contains(&first).then_some(first + 1))
}

/// Card numbers: 12 to 19 digits in groups, with a known first digit and a right check digit
/// (ISO/IEC 7812). The end of the number.
fn card_end(text: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut digits, mut separators) = (start, Vec::with_capacity(20), Vec::new());
    let mut best = None;
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

fn ends_number(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        None => true,
        Some(b'.') => !text.get(end + 1).is_some_and(u8::is_ascii_digit),
        Some(b'-') => !text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric),
        Some(b) => !(b.is_ascii_alphanumeric() || *b == b'_'),
    }
}

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
fn iban_end(text: &[u8], start: usize) -> Option<usize> {
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

/// The national id that begins at `start`.
fn national_at(text: &[u8], start: usize, extent: &Extent) -> Option<Span> {
    let mut around: Option<Around> = None;
    let mut best: Option<Span> = None;
    let lead = text[start..].iter().take(24).take_while(|b| b.is_ascii_digit()).count();
    for (id, shape) in national::with_lengths(extent.ends, lead) {
        if !shape.admits(&extent.makeup) {
            continue;
        }
        // Digits in a row are what a shape of digits is made of.
        let row =
            shape.digits_only().filter(|len| *len <= lead).map(|len| (start + len, Compact::of(&text[start..], len)));
        let Some((end, compact)) = row.or_else(|| matches_shape(id.shape, text, start)) else { continue };
        if best.as_ref().is_some_and(|best| best.end >= end) || !(id.check)(&compact.bytes[..compact.len]) {
            continue;
        }
        let around = around.get_or_insert_with(|| Around::of(text, start, end));
        if is_believed(id, around, &text[start..end]) {
            best = Some(span(start, end, id.kind, 0.85));
        }
    }
    best
}

fn is_believed(id: &Id, around: &Around, given: &[u8]) -> bool {
    let has_own = around.has(id.words);
    match id.need {
        Need::Nothing => {
            // A bare row of digits may be a moment or a counter; its own word or a general one helps.
            let is_bare = given.iter().all(u8::is_ascii_digit);
            let is_moment = is_bare && given.len() == 13 && given[0] == b'1';
            has_own || around.is_personal() || !(around.is_denied() || is_moment)
        }
        Need::Word => has_own || around.is_personal() && !around.is_denied(),
        Need::OwnWord => has_own,
    }
}

/// Most characters that a shape has.
const SHAPE_MAX_BYTES: usize = 24;

/// The characters of a number without its separators.
struct Compact {
    bytes: [u8; SHAPE_MAX_BYTES],
    len: usize,
}

impl Compact {
    /// The first `len` characters of `digits`.
    fn of(digits: &[u8], len: usize) -> Self {
        let mut bytes = [0; SHAPE_MAX_BYTES];
        bytes[..len].copy_from_slice(&digits[..len]);
        Self { bytes, len }
    }
}

/// The end of what has `shape` and begins at `start`, and its characters without separators, letters in
/// upper case.
fn matches_shape(shape: &str, text: &[u8], start: usize) -> Option<(usize, Compact)> {
    // The first character tells most rows apart.
    let first = *text.get(start)?;
    if shape.starts_with('d') && !first.is_ascii_digit() || shape.starts_with('U') && !first.is_ascii_alphabetic() {
        return None;
    }
    let mut compact = Compact { bytes: [0; SHAPE_MAX_BYTES], len: 0 };
    let mut at = start;
    for class in shape.bytes() {
        let byte = *text.get(at)?;
        let fits = match class {
            b'd' => byte.is_ascii_digit(),
            b'U' => byte.is_ascii_alphabetic(),
            b'A' => byte.is_ascii_alphanumeric(),
            b' ' => {
                // A separator may be left out; a line may be broken there.
                let len = text[at..]
                    .iter()
                    .take(3)
                    .take_while(|b| matches!(b, b' ' | b'-' | b'.' | b'/' | b'\n' | b'\r'))
                    .count();
                at += len;
                continue;
            }
            literal => byte.eq_ignore_ascii_case(&literal),
        };
        if !fits {
            return None;
        }
        if byte.is_ascii_alphanumeric() {
            compact.bytes[compact.len] = byte.to_ascii_uppercase();
            compact.len += 1;
        }
        at += 1;
    }
    ends_number(text, at).then_some((at, compact))
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
    ]);
    Around::of(text, start, start).has_of_before(&WORDS)
}

/// A date behind a word that says birth.
fn date_of_birth(text: &[u8], start: usize) -> Option<Span> {
    const SHAPES: [&str; 7] =
        ["dddd-dd-dd", "dd/dd/dddd", "dd.dd.dddd", "dd-dd-dddd", "dddd/dd/dd", "d/d/dddd", "dddddddd"];
    let end = SHAPES.iter().find_map(|shape| matches_shape(shape, text, start).map(|(end, _)| end))?;
    birth_words(text, start).then(|| span(start, end, "date_of_birth", 0.7))
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

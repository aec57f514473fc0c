//! Views of stretches with look-alike or invisible characters or escapes.
//!
//! Owns which stretches need a view and what an escape stands for: `%41`, `\u0041`, `\x41`, `\101`,
//! `&#65;`, `&#x41;`, `&amp;`, `=41`. Decodes once; what comes out is not decoded again.

use super::View;
use super::letters::{Seen, seen_as};
use sluice_secrets::marks::Marks;

/// How much around a disguised character belongs to its view, in bytes; up to the ends of the line.
const AROUND_BYTES: usize = 256;

/// Whether a disguise may begin with `byte`.
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from using vectors")]
fn may_begin(byte: u8) -> bool {
    (byte >= 0x80) | (byte == b'%') | (byte == b'\\') | (byte == b'&') | (byte == b'=')
}

/// Names of characters in HTML that secrets and addresses are made of.
const ENTITIES: &[(&[u8], u8)] = &[
    (b"amp", b'&'),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"nbsp", b' '),
    (b"commat", b'@'),
    (b"period", b'.'),
    (b"colon", b':'),
    (b"equals", b'='),
    (b"num", b'#'),
    (b"dollar", b'$'),
    (b"percnt", b'%'),
    (b"plus", b'+'),
    (b"sol", b'/'),
    (b"lowbar", b'_'),
    (b"hyphen", b'-'),
    (b"dash", b'-'),
    (b"excl", b'!'),
    (b"ast", b'*'),
    (b"comma", b','),
    (b"semi", b';'),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"shy", 0),
    (b"zwnj", 0),
    (b"zwj", 0),
    (b"Tab", b' '),
    (b"NewLine", b'\n'),
];

/// The views of `text`, from left to right, without overlaps.
pub(super) fn views(text: &[u8]) -> impl Iterator<Item = View> {
    let mut at = 0;
    let mut marks = Marks::new(text, may_begin);
    std::iter::from_fn(move || {
        let mark = next_disguise(text, at, &mut marks)?;
        let from = line_start(text, mark, at);
        // The stretch goes on as long as the next disguise is close.
        let mut to = line_end(text, mark);
        to = with_lines_below(text, to);
        while let Some(next) = next_disguise(text, to, &mut marks).filter(|next| *next < to + AROUND_BYTES) {
            to = line_end(text, next).max(to + 1);
            to = with_lines_below(text, to);
        }
        at = to;
        Some(fold(text, from, to))
    })
}

/// The first disguised character at or behind `from`.
fn next_disguise(text: &[u8], from: usize, marks: &mut Marks<'_, impl Fn(u8) -> bool + Copy>) -> Option<usize> {
    let mut at = from;
    while at < text.len() {
        let next = marks.next_from(at)?;
        // An equal sign is nearly always just one.
        let is_disguise = match text[next] {
            0x80.. => is_folded(text, next),
            b'=' if !text.get(next + 1).is_some_and(u8::is_ascii_hexdigit) => false,
            _ => escape(text, next).is_some(),
        };
        if is_disguise {
            return Some(next);
        }
        at = next + 1;
    }
    None
}

/// The end of the lines below that go on what is broken at `end`: an invisible character stands in front of the line's end.
fn with_lines_below(text: &[u8], mut end: usize) -> usize {
    const LINES_MAX: usize = 12;
    for _ in 0..LINES_MAX {
        let start = (end.saturating_sub(4)..end).rev().find(|&at| text[at] & 0xc0 == 0xc0);
        let is_broken = text.get(end) == Some(&b'\n') && start.is_some_and(|at| is_folded(text, at));
        if !is_broken {
            break;
        }
        end = line_end(text, end + 1);
    }
    end
}

#[inline(never)]
fn is_folded(text: &[u8], at: usize) -> bool {
    decode(text, at).is_some_and(|(character, _)| seen_as(character) != Seen::Same)
}

fn line_start(text: &[u8], at: usize, least: usize) -> usize {
    let from = at.saturating_sub(AROUND_BYTES).max(least);
    let line = text[from..at].iter().rposition(|&b| b == b'\n').map_or(from, |newline| from + newline + 1);
    // A line that begins long before is cut between characters.
    (line..=at).find(|&at| text[at] & 0xc0 != 0x80).unwrap_or(at)
}

fn line_end(text: &[u8], at: usize) -> usize {
    let to = (at + AROUND_BYTES).min(text.len());
    let end = text[at..to].iter().position(|&b| b == b'\n').map_or(to, |newline| at + newline);
    (end..text.len()).find(|&at| text[at] & 0xc0 != 0x80).unwrap_or(text.len())
}

fn fold(text: &[u8], from: usize, to: usize) -> View {
    let mut view = View::with_capacity(to - from);
    let mut at = from;
    while at < to {
        let byte = text[at];
        if byte >= 0x80 {
            let (character, len) = decode(text, at).unwrap_or(('\u{fffd}', 1));
            push(&mut view, text, character, at, len);
            at += len;
        } else if let Some((decoded, len)) = escape(text, at) {
            match decoded {
                Decoded::Byte(0) => {}
                Decoded::Byte(byte) => view.push(byte, at),
                Decoded::Character(character) => push(&mut view, text, character, at, 0),
            }
            at += len;
        } else {
            view.push(byte, at);
            at += 1;
        }
    }
    view.end = at;
    view
}

/// Pushes what a character is seen as; `len` bytes of the text are its own.
fn push(view: &mut View, text: &[u8], character: char, at: usize, len: usize) {
    match seen_as(character) {
        Seen::Nothing => {}
        Seen::As(byte) => view.push(byte, at),
        Seen::Same if len == 0 => {
            let mut buffer = [0; 4];
            for byte in character.encode_utf8(&mut buffer).bytes() {
                view.push(byte, at);
            }
        }
        Seen::Same => {
            for &byte in &text[at..at + len] {
                view.push(byte, at);
            }
        }
    }
}

/// The character that begins at `at` and its length.
fn decode(text: &[u8], at: usize) -> Option<(char, usize)> {
    let len = match text[at] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let character = std::str::from_utf8(text.get(at..at + len)?).ok()?.chars().next()?;
    Some((character, len))
}

/// What an escape stands for.
enum Decoded {
    Byte(u8),
    Character(char),
}

/// What the escape at `at` stands for, and its length; none when there is none, or one for a
/// character that no secret is made of.
#[inline(never)]
fn escape(text: &[u8], at: usize) -> Option<(Decoded, usize)> {
    let rest = &text[at..];
    match rest[0] {
        b'%' => hex(rest.get(1..3)?).and_then(printable).map(|byte| (byte, 3)),
        b'\\' => backslash(rest),
        b'&' => entity(rest),
        b'=' => quoted_printable(text, at),
        _ => None,
    }
}

fn backslash(rest: &[u8]) -> Option<(Decoded, usize)> {
    match rest.get(1)? {
        b'u' if rest.get(2) == Some(&b'{') => {
            let len = rest[3..].iter().take(7).position(|&b| b == b'}')?;
            Some((character(hex(&rest[3..3 + len])?)?, len + 4))
        }
        b'u' => Some((character(hex(rest.get(2..6)?)?)?, 6)),
        b'U' => Some((character(hex(rest.get(2..10)?)?)?, 10)),
        b'x' => hex(rest.get(2..4)?).and_then(printable).map(|byte| (byte, 4)),
        // CSS: six digits.
        b'0' if rest.get(2..4) == Some(b"00") && rest.get(6).is_some_and(u8::is_ascii_hexdigit) => {
            hex(rest.get(1..7)?).and_then(printable).map(|byte| (byte, 7))
        }
        b'0'..=b'3' => {
            let digits = rest.get(1..4)?;
            let value = digits
                .iter()
                .try_fold(0_u32, |value, b| matches!(b, b'0'..=b'7').then(|| value * 8 + u32::from(b - b'0')))?;
            printable(value).map(|byte| (byte, 4))
        }
        _ => None,
    }
}

fn entity(rest: &[u8]) -> Option<(Decoded, usize)> {
    let len = rest.iter().take(12).position(|&b| b == b';')?;
    let body = &rest[1..len];
    let decoded = match body {
        [b'#', b'x' | b'X', digits @ ..] => character(hex(digits)?)?,
        [b'#', digits @ ..] if !digits.is_empty() => {
            let value = digits
                .iter()
                .try_fold(0_u32, |value, b| b.is_ascii_digit().then(|| value * 10 + u32::from(b - b'0')))?;
            character(value)?
        }
        name => Decoded::Byte(ENTITIES.iter().find(|(known, _)| *known == name)?.1),
    };
    Some((decoded, len + 1))
}

/// `=41`, where a whole word is written so: a single one is more likely a name and its value.
fn quoted_printable(text: &[u8], at: usize) -> Option<(Decoded, usize)> {
    let is_code = |at: usize| {
        text.get(at) == Some(&b'=')
            && text
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b)))
    };
    if !is_code(at) {
        return None;
    }
    let near = (1..=2).filter(|step| is_code(at + step * 3)).count()
        + (1..=2).filter(|step| at >= step * 3 && is_code(at - step * 3)).count();
    let is_equals = text.get(at..at + 3) == Some(b"=3D");
    if near < 2 && !is_equals {
        return None;
    }
    hex(&text[at + 1..at + 3]).and_then(printable).map(|byte| (byte, 3))
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, &b| Some((value << 4) | char::from(b).to_digit(16)?))
}

fn printable(value: u32) -> Option<Decoded> {
    match u8::try_from(value).ok()? {
        byte @ (b'\n' | 0x20..=0x7e) => Some(Decoded::Byte(byte)),
        _ => None,
    }
}

fn character(value: u32) -> Option<Decoded> {
    match value {
        0x0..=0x8 | 0xe..=0x1f => None,
        0x9..=0x7f => printable(value),
        _ => char::from_u32(value).map(Decoded::Character),
    }
}

#[cfg(test)]
mod tests {
    use super::views;

    fn folded(text: &str) -> String {
        views(text.as_bytes()).map(|view| String::from_utf8(view.bytes).unwrap()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn escapes_and_look_alikes_are_what_they_stand_for() {
        for text in [
            "a\u{200b}b",
            "а\u{200d}b",
            "%61b",
            "\\u0061b",
            "\\x61\\x62",
            "&#97;b",
            "&#x61;b",
            "\\141b",
            "ａｂ",
            "=61=62=63",
        ] {
            assert!(folded(text).starts_with("ab"), "{text}: {}", folded(text));
        }
        assert_eq!(folded("plain a=10&b \\n 100% sure"), "");
    }

    #[test]
    fn only_stretches_that_need_one_have_a_view() {
        let text = format!("{}\n%41\n{}", "x".repeat(1_000), "y\n".repeat(500));
        let all: Vec<_> = views(text.as_bytes()).collect();
        assert_eq!((all.len(), all[0].bytes.as_slice(), all[0].starts[0], all[0].end), (1, &b"A"[..], 1_001, 1_004));
    }
}

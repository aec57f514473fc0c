//! Views of stretches of single characters with marks between them: `g.h.p._.0`, `['g', 'h', 'p', '_']`, `"g","h"`.
//!
//! Owns which stretches are. What is found must lie in such a stretch. Never looks at what the characters say; those
//! with blanks between them are read by `spaced`.

use super::View;
use crate::span::Span;
use sluice_secrets::marks::bits_at;

/// Fewest characters of a stretch, most of it in bytes, and how many must be letters: rows of digits are versions.
const CHARACTERS_MIN: usize = 9;
const STRETCH_MAX_BYTES: usize = 640;
const LETTERS_MIN: usize = 3;
/// Fewest marks of a stretch that is worth a look.
const MARKS_MIN: u32 = 8;
/// How much of the line on both sides belongs to a view, in bytes.
const AROUND_BYTES: usize = 48;

/// Whether `byte` may part characters.
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from using vectors")]
fn is_mark(byte: u8) -> bool {
    (byte == b'.') | (byte == b'-') | (byte == b'\'') | (byte == b'"')
}

/// Adds what `find` sees in the listed stretches of `text`.
pub(super) fn find(text: &[u8], find: &impl Fn(&[u8]) -> Vec<Span>, found: &mut Vec<Span>) {
    let mut next = bits_at(text, 0, is_mark);
    let mut done = 0;
    for base in (0..text.len()).step_by(64) {
        let here = next;
        next = bits_at(text, base + 64, is_mark);
        // Most text has a few marks here and there.
        if here.count_ones() + next.count_ones() < MARKS_MIN || here == 0 {
            continue;
        }
        let marks = u128::from(here) | u128::from(next) << 64;
        // `a.b.c.`, `'a','b'` have marks at each second place, `'a', 'b', ` at places five apart.
        let two = marks & marks >> 2;
        let even = two & two >> 4 & two >> 8 & two >> 12;
        let fives = two & two >> 5 & two >> 10 & two >> 15;
        let mut starts = (even | fives) & u128::from(u64::MAX);
        while starts != 0 {
            let at = base + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            if at >= done {
                done = look(text, at, find, found).max(at + 1);
            }
        }
    }
}

/// Looks at the stretch with its first mark at `at`; where it ends.
#[inline(never)]
fn look(text: &[u8], at: usize, find: &impl Fn(&[u8]) -> Vec<Span>, found: &mut Vec<Span>) -> usize {
    let places = if matches!(text[at], b'"' | b'\'') { quoted(text, at) } else { parted(text, at) };
    let letters = places.iter().filter(|at| text[**at].is_ascii_alphabetic()).count();
    let (Some(&first), Some(&last)) = (places.first(), places.last()) else { return at };
    if places.len() < CHARACTERS_MIN || letters < LETTERS_MIN {
        return at;
    }
    let lead = &text[..first];
    let lead = lead.len() - lead.iter().rev().take(2).take_while(|b| matches!(b, b'"' | b'\'' | b'[' | b'(')).count();
    let from = lead.saturating_sub(AROUND_BYTES);
    let from = text[from..lead].iter().rposition(|&b| b == b'\n').map_or(from, |newline| from + newline + 1);
    let mut view = View::with_capacity(places.len() + 2 * AROUND_BYTES);
    (from..lead).for_each(|at| view.push(text[at], at));
    let seam = view.bytes.len();
    for &at in &places {
        view.push(text[at], at);
    }
    let seam_end = view.bytes.len();
    let behind = &text[last + 1..(last + 1 + AROUND_BYTES).min(text.len())];
    let behind = behind.iter().position(|&b| b == b'\n').unwrap_or(behind.len());
    (last + 1..last + 1 + behind).for_each(|at| view.push(text[at], at));
    view.end = last + 1 + behind;
    let is_inside = |span: &Span| span.start < seam_end && span.end > seam + 1;
    found.extend(find(&view.bytes).into_iter().filter(is_inside).map(|span| view.back(span)));
    last + 1
}

/// The places of the characters between marks like the one at `at`.
fn parted(text: &[u8], at: usize) -> Vec<usize> {
    let mark = text[at];
    let is_first = at > 0
        && text[at - 1].is_ascii_graphic()
        && !(at > 1 && (text[at - 2].is_ascii_alphanumeric() || text[at - 2] == mark));
    let mut places = Vec::new();
    places.extend(is_first.then(|| at - 1));
    let mut next = at + 1;
    while next - at < STRETCH_MAX_BYTES && text.get(next).is_some_and(u8::is_ascii_graphic) {
        // What is longer than a character is the sentence's.
        let goes_on = text.get(next + 1) == Some(&mark);
        if !goes_on && text.get(next + 1).is_some_and(u8::is_ascii_alphanumeric) {
            break;
        }
        places.push(next);
        if !goes_on {
            break;
        }
        next += 2;
    }
    places
}

/// The places of the characters in literals of one character each, the first of which opens at `at`.
fn quoted(text: &[u8], at: usize) -> Vec<usize> {
    let quote = text[at];
    let mut places = Vec::new();
    let mut next = at;
    while next - at < STRETCH_MAX_BYTES && text.get(next) == Some(&quote) && text.get(next + 2) == Some(&quote) {
        if !text[next + 1].is_ascii_graphic() {
            break;
        }
        places.push(next + 1);
        let is_gap = |b: &&u8| matches!(b, b',' | b' ' | b'+' | b'\n' | b'.');
        let gap = text[next + 3..].iter().take(4).take_while(is_gap).count();
        if gap == 0 {
            break;
        }
        next += 3 + gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::view::testing::cut;

    fn all(text: &str) -> Vec<&str> {
        cut(text, |text, token, found| find(text, token, found))
    }

    #[test]
    fn single_characters_are_read_together() {
        assert_eq!(all("key t.o.k._.q.7.Z.r.2.L.k.W now"), ["t.o.k._.q.7.Z.r.2.L.k.W"]);
        let list = "t', 'o', 'k', '_', 'q', '7', 'Z', 'r', '2', 'L', 'k', 'W";
        assert_eq!(all(&format!("k = ['{list}']")), [list]);
        let tight = list.replace(' ', "").replace('\'', "\"");
        assert_eq!(all(&format!("k = [\"{tight}\"]")), [tight.as_str()]);
        assert!(all("t.o.k tok_q7Zr2LkW 1.3.6.1.4.1.9.9.1.2").is_empty());
    }
}

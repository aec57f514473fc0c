//! The groups of letters and digits that a number is made of, and where it may end.
//!
//! Owns what separates groups. Never knows what a number is; see `number`.

use super::national::{SHAPE_MAX_BYTES, Shape};

/// Longest number looked at, with its separators.
const REACH_MAX_BYTES: usize = 48;

/// Most separators between two groups of a number.
pub(super) const GAP_MAX_BYTES: usize = 3;

/// Whether `byte` may stand between two groups of a number.
pub(super) fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+' | b'\n' | b'\r')
}

/// How far groups go on from a start.
pub(super) struct Extent {
    /// Bit n is set when the first n characters end a number.
    pub(super) ends: u64,
    pub(super) digits: usize,
    /// Which of the characters are digits, which letters, and before which stands a separator.
    pub(super) makeup: Shape,
}

impl Extent {
    /// How far groups go on from `start`.
    pub(super) fn of(text: &[u8], start: usize) -> Self {
        let (mut characters, mut digits, mut ends) = (0_usize, 0, 0_u64);
        let mut makeup = Shape::default();
        let mut at = start + usize::from(matches!(text.get(start), Some(b'+')));
        while at < text.len() && at - start < REACH_MAX_BYTES && characters <= SHAPE_MAX_BYTES {
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
            let gap = text[at..].iter().take(GAP_MAX_BYTES + 1).take_while(|b| is_separator(**b)).count();
            if gap == 0 || gap > GAP_MAX_BYTES {
                break;
            }
            at += gap;
        }
        makeup.gaps &= !1;
        Self { ends, digits, makeup }
    }
}

/// Lengths of the groups of two or three capitals in front of a group: `AB 12 34 56 C`,
/// `RSS MRA 85T10 A562S`.
pub(super) fn leads_of(text: &[u8], start: usize) -> impl Iterator<Item = usize> {
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

/// Whether a number may end at `end`.
pub(super) fn ends_number(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        None => true,
        Some(b'.') => !text.get(end + 1).is_some_and(u8::is_ascii_digit),
        Some(b'-') => !text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric),
        Some(b) => !(b.is_ascii_alphanumeric() || *b == b'_'),
    }
}

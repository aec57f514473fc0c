//! How numbers are written: shapes, the rows that may have them, and whether a text does.
//!
//! Owns the tables that spare comparing all rows, which the compiler builds.

use super::Id;
use super::rows::IDS;
use crate::personal::extent::ends_number;

/// What a number is made of, by the places of its characters without separators: one bit for each.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::personal) struct Shape {
    pub(in crate::personal) digits: u64,
    pub(in crate::personal) letters: u64,
    /// The characters in front of which a separator stands or may stand.
    pub(in crate::personal) gaps: u64,
    /// Of those the ones where it must.
    fixed: u64,
    /// All places.
    places: u64,
    /// Whether it is made of any digits with optional separators.
    is_of_digits: bool,
}

impl Shape {
    const fn of(shape: &str) -> Self {
        let bytes = shape.as_bytes();
        let mut made = Self { digits: 0, letters: 0, gaps: 0, fixed: 0, places: 0, is_of_digits: true };
        let (mut at, mut bit) = (0, 1);
        while at < bytes.len() {
            let byte = bytes[at];
            made.is_of_digits &= matches!(byte, b'd' | b' ');
            if byte.is_ascii_alphanumeric() {
                made.places |= bit;
                if byte == b'd' || byte.is_ascii_digit() {
                    made.digits |= bit;
                } else if byte != b'A' {
                    made.letters |= bit;
                }
                bit <<= 1;
            } else if at + 1 < bytes.len() {
                made.gaps |= bit;
                if byte != b' ' {
                    made.fixed |= bit;
                }
            }
            at += 1;
        }
        made
    }

    /// How many digits the shape is made of, when it is made of nothing else.
    pub(in crate::personal) fn digits_only(&self) -> Option<usize> {
        self.is_of_digits.then(|| self.places.count_ones() as usize)
    }

    /// Whether characters that are `made` so may have this shape.
    #[inline]
    pub(in crate::personal) fn admits(&self, made: &Self) -> bool {
        let odd_gaps = made.gaps & self.places & !self.gaps;
        (self.digits & !made.digits) | (self.letters & !made.letters) | (self.fixed & !made.gaps) | odd_gaps == 0
    }
}

/// The shapes of all rows.
static SHAPES: [Shape; IDS.len()] = {
    let mut shapes = [Shape::of(""); IDS.len()];
    let mut row = 0;
    while row < IDS.len() {
        shapes[row] = Shape::of(IDS[row].shape);
        row += 1;
    }
    shapes
};

/// For each length one more than the number of its first row, and for each row likewise the next.
static LENGTHS: ([u8; 64], [u8; IDS.len()]) = lengths();

/// For each row how many digits its shape begins with, and whether no more may follow at once.
#[expect(clippy::cast_possible_truncation, reason = "shapes are short")]
static LEADS: [(u8, bool); IDS.len()] = {
    let mut leads = [(0, false); IDS.len()];
    let mut row = 0;
    while row < IDS.len() {
        let shape = IDS[row].shape.as_bytes();
        let mut at = 0;
        // A literal digit counts as any.
        while at < shape.len() && (shape[at] == b'd' || shape[at].is_ascii_digit()) {
            at += 1;
        }
        leads[row] = (at as u8, at < shape.len() && at > 0 && !matches!(shape[at], b' ' | b'A'));
        row += 1;
    }
    leads
};

#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 255 rows")]
const fn lengths() -> ([u8; 64], [u8; IDS.len()]) {
    let (mut heads, mut next) = ([0; 64], [0; IDS.len()]);
    let mut row = IDS.len();
    assert!(row < 255);
    while row > 0 {
        row -= 1;
        let shape = IDS[row].shape.as_bytes();
        let (mut at, mut length) = (0, 0);
        while at < shape.len() {
            length += shape[at].is_ascii_alphanumeric() as usize;
            at += 1;
        }
        assert!(length <= 24);
        next[row] = heads[length];
        heads[length] = row as u8 + 1;
    }
    (heads, next)
}

/// The rows whose numbers have as many characters as `lengths` has bits set for, and may begin with
/// `lead` digits in a row.
pub(super) fn with_lengths(lengths: u64, lead: usize) -> impl Iterator<Item = (&'static Id, &'static Shape)> {
    let mut left = lengths;
    let mut link = 0_u8;
    std::iter::from_fn(move || {
        loop {
            while link == 0 {
                if left == 0 {
                    return None;
                }
                link = LENGTHS.0[left.trailing_zeros() as usize];
                left &= left - 1;
            }
            let row = usize::from(link - 1);
            link = LENGTHS.1[row];
            let (least, is_exact) = LEADS[row];
            let fits = if is_exact { lead == usize::from(least) } else { lead >= usize::from(least) };
            if fits
                && (least > 0
                    || lead == 0
                    || !IDS[row].shape.as_bytes()[0].is_ascii_uppercase()
                    || IDS[row].shape.starts_with('A'))
            {
                return Some((&IDS[row], &SHAPES[row]));
            }
        }
    })
}

/// Most characters that a shape has.
pub(in crate::personal) const SHAPE_MAX_BYTES: usize = 24;

/// The characters of a number without its separators.
pub(in crate::personal) struct Compact {
    pub(super) bytes: [u8; SHAPE_MAX_BYTES],
    pub(super) len: usize,
}

impl Compact {
    /// The first `len` characters of `digits`.
    pub(super) fn of(digits: &[u8], len: usize) -> Self {
        let mut bytes = [0; SHAPE_MAX_BYTES];
        bytes[..len].copy_from_slice(&digits[..len]);
        Self { bytes, len }
    }
}

/// The end of what has `shape` and begins at `start`, and its characters without separators, letters in
/// upper case.
pub(in crate::personal) fn matches_shape(shape: &str, text: &[u8], start: usize) -> Option<(usize, Compact)> {
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

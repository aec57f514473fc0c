//! How the words of a list begin, and which letters and lengths they have: the glance that spares comparing
//! all of them.
//!
//! Owns the tables only. A hit proves nothing; the caller compares. Case does not count, because only
//! the low five bits of a byte do.

/// For the low five bits of a first byte the bits of all second bytes; words of one byte take any.
#[derive(Clone, Copy)]
pub(crate) struct Openings([u32; 32]);

impl Openings {
    pub(crate) const NONE: Self = Self([0; 32]);

    /// These openings and that of `word`.
    pub(crate) const fn with(mut self, word: &[u8]) -> Self {
        let second = if word.len() > 1 { 1 << (word[1] & 31) } else { u32::MAX };
        self.0[(word[0] & 31) as usize] |= second;
        self
    }

    /// The openings of all of `words`.
    pub(crate) const fn of(words: &[&str]) -> Self {
        let (mut openings, mut i) = (Self::NONE, 0);
        while i < words.len() {
            openings = openings.with(words[i].as_bytes());
            i += 1;
        }
        openings
    }

    /// Whether a word of the list may begin with the first byte of `rest`.
    #[inline]
    pub(crate) fn may_open(&self, rest: &[u8]) -> bool {
        match rest {
            [first, second, ..] => self.0[usize::from(first & 31)] >> (second & 31) & 1 == 1,
            [first] => self.0[usize::from(first & 31)] != 0,
            [] => false,
        }
    }
}

/// For each first and last letter the lengths of the words of a list that have them.
pub(crate) struct Shapes([u32; 1_024]);

impl Shapes {
    /// The shapes of all of `words`.
    pub(crate) const fn of(words: &[&str]) -> Self {
        let (mut shapes, mut i) = ([0; 1_024], 0);
        while i < words.len() {
            let word = words[i].as_bytes();
            if !word.is_empty() {
                shapes[place(word)] |= 1 << (word.len() & 31);
            }
            i += 1;
        }
        Self(shapes)
    }

    /// Whether `word` may be one of the list.
    #[inline]
    pub(crate) fn may_have(&self, word: &[u8]) -> bool {
        !word.is_empty() && self.0[place(word)] >> (word.len() & 31) & 1 == 1
    }
}

const fn place(word: &[u8]) -> usize {
    ((word[0] & 31) as usize) << 5 | (word[word.len() - 1] & 31) as usize
}

#[cfg(test)]
mod tests {
    use super::{Openings, Shapes};

    #[test]
    fn only_words_of_a_length_and_two_letters_are_let_through() {
        let shapes = Shapes::of(&["token", "key"]);
        assert!(shapes.may_have(b"token") && shapes.may_have(b"key") && shapes.may_have(b"taken"));
        assert!(!shapes.may_have(b"tokens") && !shapes.may_have(b"kea") && !shapes.may_have(b""));
    }

    #[test]
    fn only_what_begins_alike_is_let_through() {
        let openings = Openings::of(&["todo", "<"]);
        assert!(openings.may_open(b"TODO") && openings.may_open(b"<x") && openings.may_open(b"t"));
        assert!(!openings.may_open(b"tada") && !openings.may_open(b"fixme") && !openings.may_open(b""));
    }
}

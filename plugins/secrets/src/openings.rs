//! How the words of a list begin, and which letters and lengths they have: the glance that spares comparing
//! all of them.
//!
//! Owns the tables only; the caller compares. Case does not count, because only the low five bits of a
//! byte do.

/// Most words of [`Openings`].
const WORDS_MAX: usize = 128;

/// Words of a list by their first two bytes.
pub(crate) struct Openings {
    words: &'static [&'static str],
    /// For the low five bits of two first bytes one more than the place of a word.
    heads: [u8; 1_024],
    /// For each word likewise the next one that begins alike.
    next: [u8; WORDS_MAX],
}

impl Openings {
    /// The openings of all of `words`, at most [`WORDS_MAX`]; a word of one byte must be the only one that
    /// begins so, and comes last.
    #[expect(clippy::cast_possible_truncation, reason = "there are at most 128 words")]
    pub(crate) const fn of(words: &'static [&'static str]) -> Self {
        let mut openings = Self { words, heads: [0; 1_024], next: [0; WORDS_MAX] };
        let mut i = words.len();
        while i > 0 {
            i -= 1;
            let word = words[i].as_bytes();
            let row = (word[0] & 31) as usize * 32;
            if word.len() == 1 {
                let mut second = 0;
                while second < 32 {
                    openings.heads[row + second] = i as u8 + 1;
                    second += 1;
                }
            } else {
                let key = row + (word[1] & 31) as usize;
                openings.next[i] = openings.heads[key];
                openings.heads[key] = i as u8 + 1;
            }
        }
        openings
    }

    /// Whether a word of the list stands at the beginning of `rest`.
    #[inline]
    pub(crate) fn open(&self, rest: &[u8]) -> bool {
        self.open_by(rest, <[u8]>::starts_with)
    }

    /// Whether `is_at` says so of `rest` and a word of the list whose first two bytes may be those of `rest`.
    #[inline]
    pub(crate) fn open_by(&self, rest: &[u8], is_at: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        let (first, second) = match rest {
            [first, second, ..] => (*first, *second),
            [first] => (*first, 0),
            [] => return false,
        };
        let mut link = self.heads[usize::from(first & 31) * 32 + usize::from(second & 31)];
        while link > 0 {
            let place = usize::from(link - 1);
            if is_at(rest, self.words[place].as_bytes()) {
                return true;
            }
            link = self.next[place];
        }
        false
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

    /// The shapes of all of `words`, given as bytes.
    pub(crate) const fn of_bytes(words: &[&[u8]]) -> Self {
        let (mut shapes, mut i) = ([0; 1_024], 0);
        while i < words.len() {
            if !words[i].is_empty() {
                shapes[place(words[i])] |= 1 << (words[i].len() & 31);
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
    fn words_are_found_where_they_stand() {
        let openings = Openings::of(&["todo", "token", "fix", "<"]);
        let opens = |text: &str| openings.open(text.as_bytes());
        for text in ["todo", "token x", "<x", "<", "fixed"] {
            assert!(opens(text), "{text}");
        }
        for text in ["", "t", "to", "tok", "fi", "\u{1c}x", "stodo"] {
            assert!(!opens(text), "{text}");
        }
    }
}

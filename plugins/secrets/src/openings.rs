//! Lists of words that are asked again and again: which of them stand at the beginning of a text, and whether
//! a word is one of them.
//!
//! Owns the tables, which the compiler builds, so that most questions cost one look and no comparison.

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

/// Most words of [`Words`].
const LIST_MAX: usize = 1_152;

/// Whole words of a list by their first and last letter and their length.
pub(crate) struct Words {
    list: &'static [&'static str],
    /// For each place one more than the number of its first word.
    heads: [u16; 1_024],
    /// For each word likewise the next one with its place.
    next: [u16; LIST_MAX],
}

impl Words {
    /// The table of all of `words`, at most [`LIST_MAX`]; none of them is empty.
    #[expect(clippy::cast_possible_truncation, reason = "there are at most 1,152 words")]
    pub(crate) const fn of(words: &'static [&'static str]) -> Self {
        let mut table = Self { list: words, heads: [0; 1_024], next: [0; LIST_MAX] };
        let mut i = words.len();
        while i > 0 {
            i -= 1;
            let place = place(words[i].as_bytes());
            table.next[i] = table.heads[place];
            table.heads[place] = i as u16 + 1;
        }
        table
    }

    /// Whether `word` is one of the list.
    #[inline]
    pub(crate) fn has(&self, word: &[u8]) -> bool {
        !word.is_empty() && self.is_among(self.heads[place(word)], word)
    }

    /// Whether `text` begins with a word of the list.
    pub(crate) fn begin(&self, text: &[u8]) -> bool {
        (1..=text.len()).any(|len| self.has(&text[..len]))
    }

    fn is_among(&self, mut link: u16, word: &[u8]) -> bool {
        while link > 0 {
            let number = usize::from(link - 1);
            if self.list[number].as_bytes() == word {
                return true;
            }
            link = self.next[number];
        }
        false
    }
}

const fn place(word: &[u8]) -> usize {
    ((word[0] & 31) as usize) << 5 | (word[word.len() - 1] as usize ^ (word.len() * 5)) & 31
}

#[cfg(test)]
mod tests {
    use super::{Openings, Words};

    #[test]
    fn only_words_of_the_list_are_let_through() {
        let words = Words::of(&["token", "key", "taken", "sera", "ser\u{e1}"]);
        for word in ["token", "key", "taken", "sera", "ser\u{e1}"] {
            assert!(words.has(word.as_bytes()), "{word}");
        }
        for word in ["tokens", "kea", "toxen", "Key", "", "senha"] {
            assert!(!words.has(word.as_bytes()), "{word}");
        }
        assert!(words.begin(b"tokens") && words.begin(b"key") && !words.begin(b"akey") && !words.begin(b""));
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

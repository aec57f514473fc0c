//! Text as words. Both databases index the terms found here and nothing of their own making, so
//! that one text is found by the same words on both.
//!
//! A term is what stands between characters that are no letters or digits, folded: without case,
//! width and accents. Identifiers are taken apart (`parseHttpRequest`, `parse_http_request`) and
//! kept whole beside that. Characters of scripts that put no space between words are a term each.

use unicode_normalization::char::is_combining_mark;

use super::fold::fold_into;

/// Longest term, in bytes; what is longer is cut.
pub const TERM_MAX_BYTES: usize = 64;
/// Most words of one text that are indexed; what follows is kept and not found.
pub const WORDS_MAX: usize = 16_000;
/// Most bytes of one text's words that are indexed.
pub const WORDS_MAX_BYTES: usize = 320 * 1024;

/// How a term stands in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A word at its place.
    Word,
    /// A whole identifier whose parts came just before, one by one.
    Whole,
}

/// Calls `found` with each term of `text`, in order.
pub fn each_term(text: &str, mut found: impl FnMut(Place, &str)) {
    let mut reader = Reader { buffer: String::new(), whole: String::new(), parts: 0, words: 0, bytes: 0 };
    let is_of_chunk = |c: char| c == '_' || is_of_word(c);
    for chunk in text.split(|c| !is_of_chunk(c)).filter(|chunk| !chunk.is_empty()) {
        if reader.words >= WORDS_MAX || reader.bytes >= WORDS_MAX_BYTES {
            return;
        }
        reader.chunk(chunk, &mut found);
    }
}

/// The words of `text`, in order.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_term(text, |place, term| {
        if place == Place::Word {
            words.push(term.to_owned());
        }
    });
    words
}

/// Letters and digits, and the marks that belong to them.
pub(super) fn is_of_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { c.is_alphanumeric() || is_combining_mark(c) }
}

/// Whether `c` is of a script that puts no space between words: Chinese characters and kana.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

struct Reader {
    /// A part, folded.
    buffer: String,
    /// All parts of an identifier.
    whole: String,
    parts: usize,
    words: usize,
    bytes: usize,
}

impl Reader {
    /// Reads letters, digits and underscores that stand together.
    fn chunk(&mut self, chunk: &str, found: &mut impl FnMut(Place, &str)) {
        if chunk.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            // Most words are their only part and folded already: a search reads tens of thousands.
            self.words += 1;
            self.bytes += chunk.len().min(TERM_MAX_BYTES);
            found(Place::Word, cut(chunk));
            return;
        }
        self.whole.clear();
        self.parts = 0;
        let mut rest = chunk;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(end_of_part(rest));
            rest = after;
            self.part(part.trim_matches('_'), found);
        }
        if self.parts > 1 && !self.whole.is_empty() {
            self.bytes += self.whole.len();
            found(Place::Whole, cut(&self.whole));
        }
    }

    fn part(&mut self, part: &str, found: &mut impl FnMut(Place, &str)) {
        self.buffer.clear();
        fold_into(part, &mut self.buffer);
        // Folding can make more than letters of one: a fraction's stroke, a word's space.
        for word in self.buffer.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()) {
            self.parts += 1;
            if self.whole.len() < TERM_MAX_BYTES {
                self.whole.push_str(word);
            }
            let mut rest = word;
            while !rest.is_empty() {
                let alone = rest.find(stands_alone).unwrap_or(rest.len());
                let end = if alone > 0 { alone } else { rest.chars().next().map_or(rest.len(), char::len_utf8) };
                let (term, after) = rest.split_at(end);
                rest = after;
                if alone == 0 {
                    // Characters that are words by themselves make no identifier.
                    self.whole.clear();
                    self.parts = 0;
                }
                self.words += 1;
                self.bytes += term.len().min(TERM_MAX_BYTES);
                found(Place::Word, cut(term));
                if self.words >= WORDS_MAX {
                    return;
                }
            }
        }
    }
}

/// As much of a term as is indexed.
fn cut(term: &str) -> &str {
    &term[..term.floor_char_boundary(TERM_MAX_BYTES)]
}

/// Where the first part of an identifier ends: at an underscore, before a capital after a small
/// letter or digit, and before the last capital of several when a small letter follows it.
fn end_of_part(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((at, c)) = characters.next() {
        if c == '_' {
            return at + 1;
        }
        if let Some(before) = before {
            let next_is_small = characters.peek().is_some_and(|(_, next)| next.is_lowercase());
            let begins = c.is_uppercase() && (!before.is_uppercase() || next_is_small);
            if begins {
                return at;
            }
        }
        before = Some(c);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        each_term(text, |place, term| {
            terms.push(if place == Place::Whole { format!("={term}") } else { term.to_owned() });
        });
        terms
    }

    #[test]
    fn text_is_read_as_folded_words() {
        for (text, wanted) in [
            ("The pool's size", &["the", "pool", "s", "size"][..]),
            ("Größe: 10%", &["grosse", "10"]),
            ("don\u{2019}t", &["don", "t"]),
            ("parseHttpRequest", &["parse", "http", "request", "=parsehttprequest"]),
            ("HTTPServer v2", &["http", "server", "=httpserver", "v2"]),
            ("parse_http_2", &["parse", "http", "2", "=parsehttp2"]),
            ("__init__ _", &["init"]),
            ("sluice.db-wal", &["sluice", "db", "wal"]),
            ("日本語test", &["日", "本", "語", "test"]),
            ("½ ﷺx", &["1", "2", "=12", "صلى", "الله", "عليه", "وسلمx", "=صلىاللهعليهوسلمx"]),
            ("", &[]),
            ("'; -- \" * NEAR/2", &["near", "2"]),
        ] {
            assert_eq!(all(text), wanted, "{text}");
        }
    }

    #[test]
    fn terms_hold_nothing_that_an_index_takes_for_more_than_letters() {
        let hostile: String = (0..0x3000).chain(0x1_e900..0x1_ea00).filter_map(char::from_u32).collect();
        each_term(&hostile, |_, term| {
            assert!(term.chars().all(is_of_word), "{term:?}");
            assert!(!term.is_empty() && term.len() <= TERM_MAX_BYTES, "{term:?}");
            assert!(term.bytes().all(|b| b >= 0x80 || b.is_ascii_digit() || b.is_ascii_lowercase()), "{term:?}");
        });
    }

    #[test]
    fn long_words_and_texts_are_cut() {
        assert_eq!(all(&"ä".repeat(100)), ["a".repeat(64)]);
        assert_eq!(all(&"語".repeat(3)).len(), 3);
        assert_eq!(all(&"ж".repeat(100)), ["ж".repeat(32)]);
        let mut count = 0;
        each_term(&"a ".repeat(WORDS_MAX + 5), |_, _| count += 1);
        assert_eq!(count, WORDS_MAX);
        let mut bytes = 0;
        each_term(&format!("{} ", "b".repeat(64)).repeat(10_000), |_, term| bytes += term.len());
        assert_eq!(bytes, WORDS_MAX_BYTES);
    }
}

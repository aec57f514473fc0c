//! What is searched for, read from a caller's text. Nothing in it is an operator of any database:
//! whatever is no word is left out.

use super::terms::{Place, each_term, is_of_word, words};

/// Most different terms that one query asks for; what follows is left out.
pub const TERMS_MAX: usize = 16;
/// Longest query, in bytes.
pub const QUERY_MAX_BYTES: usize = 8 * 1024;
/// Shortest beginning of a word, in characters, that may stand for all words that begin so.
const PREFIX_MIN: usize = 2;

/// Words that say nothing about what a text is about.
const STOP_WORDS: &[&str] = &[
    "a", "about", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do",
    "does", "for", "from", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "me", "my", "no",
    "not", "of", "on", "or", "our", "should", "so", "than", "that", "the", "their", "them", "then", "there", "these",
    "they", "this", "to", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "would",
    "you", "your",
];

/// A query: a record is found when it has every phrase, and any of the terms if there are no phrases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words, each once, in the order they were asked for; those of phrases among them.
    pub words: Vec<String>,
    /// Beginnings of words: `conn*`.
    pub prefixes: Vec<String>,
    /// Words that have to follow each other, two at least: `"connection pool"`.
    pub phrases: Vec<Vec<String>>,
}

impl Query {
    /// Reads a query. Quotation marks around several words make a phrase, a star right after a word
    /// makes it a beginning; everything else counts only as what stands between words. Words that say
    /// nothing are left out, unless there are no others.
    pub fn parse(text: &str) -> Self {
        let text = &text[..text.floor_char_boundary(QUERY_MAX_BYTES)];
        let mut query = Self::default();
        let mut said_nothing = Vec::new();
        let pieces: Vec<&str> = text.split('"').collect();
        let count = pieces.len();
        for (index, piece) in pieces.into_iter().enumerate() {
            // A quotation mark without its partner is none.
            let is_quoted = index % 2 == 1 && index + 1 < count;
            let phrase = if is_quoted { words(piece) } else { Vec::new() };
            if phrase.len() > 1 {
                query.phrase(phrase);
            } else {
                query.plain(piece, &mut said_nothing);
            }
        }
        if query.is_empty() {
            query.words = said_nothing;
        }
        query
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.prefixes.is_empty()
    }

    fn has_room(&self) -> bool {
        self.words.len() + self.prefixes.len() < TERMS_MAX
    }

    fn phrase(&mut self, phrase: Vec<String>) {
        let new = phrase.iter().filter(|word| !self.words.contains(word)).count();
        if self.words.len() + self.prefixes.len() + new > TERMS_MAX {
            return;
        }
        for word in &phrase {
            add(&mut self.words, word);
        }
        if !self.phrases.contains(&phrase) {
            self.phrases.push(phrase);
        }
    }

    fn plain(&mut self, text: &str, said_nothing: &mut Vec<String>) {
        let mut rest = text;
        while let Some(star) = rest.find('*') {
            let (before, after) = rest.split_at(star);
            let begin = before
                .rfind(|c| !is_of_word(c))
                .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
            let (others, beginning) = before.split_at(begin);
            self.terms(others, said_nothing);
            match words(beginning).split_last() {
                Some((prefix, parts)) if prefix.chars().count() >= PREFIX_MIN => {
                    for part in parts {
                        self.terms(part, said_nothing);
                    }
                    if self.has_room() {
                        add(&mut self.prefixes, prefix);
                    }
                }
                _ => self.terms(beginning, said_nothing),
            }
            rest = &after[1..];
        }
        self.terms(rest, said_nothing);
    }

    fn terms(&mut self, text: &str, said_nothing: &mut Vec<String>) {
        each_term(text, |place, term| {
            if place == Place::Word && STOP_WORDS.contains(&term) {
                if said_nothing.len() < TERMS_MAX {
                    add(said_nothing, term);
                }
            } else if self.has_room() {
                add(&mut self.words, term);
            }
        });
    }
}

fn add(terms: &mut Vec<String>, term: &str) {
    if !terms.iter().any(|other| other == term) {
        terms.push(term.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(words: &[&str], prefixes: &[&str], phrases: &[&[&str]]) -> Query {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Query {
            words: owned(words),
            prefixes: owned(prefixes),
            phrases: phrases.iter().map(|phrase| owned(phrase)).collect(),
        }
    }

    #[test]
    fn words_phrases_and_beginnings_are_read() {
        for (text, wanted) in [
            ("How does the pool grow", query(&["pool", "grow"], &[], &[])),
            ("the of", query(&["the", "of"], &[], &[])),
            ("Pool pool POOL", query(&["pool"], &[], &[])),
            ("\"connection pool\" size", query(&["connection", "pool", "size"], &[], &[&["connection", "pool"]])),
            ("\"the pool\"", query(&["the", "pool"], &[], &[&["the", "pool"]])),
            ("conn* size", query(&["size"], &["conn"], &[])),
            ("a.conn*,x", query(&["x"], &["conn"], &[])),
            ("getUser*", query(&["get"], &["user"], &[])),
            ("parseHttp", query(&["parse", "http", "parsehttp"], &[], &[])),
            ("", query(&[], &[], &[])),
            ("!?*\"\"", query(&[], &[], &[])),
        ] {
            assert_eq!(Query::parse(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_databases_take_for_operators_is_words_or_nothing() {
        for (text, wanted) in [
            ("body:secret", &["body", "secret"][..]),
            ("one NEAR(two, 3)", &["one", "near", "two", "3"]),
            ("x AND NOT y OR z", &["x", "y", "z"]),
            ("\" OR 1=1 --", &["1"]),
            ("\"alone\"", &["alone"]),
            ("100% _x' ^y -z + {w}", &["100", "x", "y", "z", "w"]),
            ("a* *", &["a"]),
            ("foo & bar | !baz:* <-> 'qux'", &["foo", "bar", "baz", "qux"]),
        ] {
            let read = Query::parse(text);
            assert_eq!(read.words, wanted, "{text}");
            assert!(read.phrases.is_empty(), "{text}");
        }
        assert_eq!(Query::parse("\"unclosed phrase").phrases, Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_query_has_few_terms_however_long_it_is() {
        let many = (0..10_000).map(|n| format!("w{n} \"p{n} q{n}\" x{n}* ")).collect::<Vec<_>>().concat();
        let read = Query::parse(&many);
        assert_eq!(read.words.len() + read.prefixes.len(), TERMS_MAX);
        let cut = Query::parse(&"ä".repeat(QUERY_MAX_BYTES));
        assert_eq!(cut.words.len(), 1);
    }
}

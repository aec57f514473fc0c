//! The words around a number.
//!
//! Owns the window that is looked at and how words are compared: in small letters, as they stand in
//! sentences, names of columns and keys. Never looks at the number.

/// How far before and behind a number words count, in bytes.
const BEFORE_BYTES: usize = 72;
const BEHIND_BYTES: usize = 24;
/// How far back a word has to be for a number without any shape of its own, in bytes.
const CLOSE_BYTES: usize = 32;

/// Longest line that counts as the label of the line below, in bytes.
const LABEL_MAX_BYTES: usize = 40;

const fn initial(byte: u8) -> u32 {
    1 << (byte & 31)
}

/// Words that make any long number somebody's.
#[rustfmt::skip]
static GENERIC: Lexicon = Lexicon::of(&[
    "national id", "national_id", "nationalid", "id number", "id_number", "idnumber", "id no", "id card", "identity",
    "identification", "identifier number", "tax id", "tax_id", "taxid", "tax number", "tax_number", "tax no",
    "personal number", "personal id", "personal_id", "personal code", "citizen", "government id", "fiscal",
    "social security", "social insurance", "ausweis", "identidad", "identidade", "identité", "tin:", "tin ", "nin:",
    "nin ", "id:", "id is", "my id", "her id", "his id", "ids:", "passport", "ssn", "insurance number",
    "insurance no", "patient", "applicant", "insured", "policyholder", "beneficiary", "claimant", "employee id",
    "customer id", "resident", "national insurance", "registration number", "taxpayer", "kyc",
]);

/// Words that make a number a thing's.
#[rustfmt::skip]
static DENIALS: Lexicon = Lexicon::of(&[
    "order", "invoice", "tracking", "isbn", "issn", "part number", "part no", "sku", "ticket", "serial", "build",
    "version", "release", "barcode", "ean", "upc", "gtin", "revision", "commit", "shipment", "parcel", "awb",
    "coordinates", "lat", "lon", "port ", "ports", "pid", "error code", "errno", "timestamp", "epoch", "duration",
    "bytes", "size", "checksum", "catalog", "article", "rfc ", "doi", "case no", "case number", "batch", "lot ",
    "model", "transaction", "txn", "request", "trace", "span", "count", "range", "rows", "total", "offset", "seq",
    "job", "asset", "po number", "purchase order", "chapter", "section", "score", "flight", "room", "reservation",
    "booking", "confirmation", "reference", "ref ", "ref:", "ref.", "ref no",
]);

/// The text around a number, in small letters.
pub(super) struct Around {
    before: Words,
    behind: Words,
}

/// Most words of a list that is looked up by first letters.
const WORDS_MAX: usize = 128;

/// Words that are looked up by their first letter, so that a long list costs no more than a short one.
pub(super) struct Lexicon {
    words: &'static [&'static str],
    /// For the low five bits of a first byte one more than the place of the first such word.
    heads: [u8; 32],
    /// For each word likewise the next one that begins so.
    next: [u8; WORDS_MAX],
}

impl Lexicon {
    /// At most [`WORDS_MAX`] words of at least two bytes; more do not compile.
    #[expect(clippy::cast_possible_truncation, reason = "there are at most 128 words")]
    pub(super) const fn of(words: &'static [&'static str]) -> Self {
        let mut lexicon = Self { words, heads: [0; 32], next: [0; WORDS_MAX] };
        let mut i = 0;
        while i < words.len() {
            let initial = (words[i].as_bytes()[0] & 31) as usize;
            lexicon.next[i] = lexicon.heads[initial];
            lexicon.heads[initial] = i as u8 + 1;
            i += 1;
        }
        lexicon
    }

    /// Whether each word begins as [`Words`] takes beginnings: with a letter.
    #[cfg(test)]
    fn begins_with_letters(&self) -> bool {
        self.words.iter().all(|word| word.as_bytes()[0].is_ascii_lowercase() || word.as_bytes()[0] >= 0x80)
    }

    /// Whether `text`, which is in small letters, begins with one of the words.
    fn opens(&self, text: &[u8]) -> bool {
        let Some(first) = text.first() else { return false };
        let mut link = self.heads[usize::from(first & 31)];
        while link > 0 {
            let place = usize::from(link - 1);
            let word = self.words[place].as_bytes();
            if text.get(1) == word.get(1) && text.starts_with(word) {
                return true;
            }
            link = self.next[place];
        }
        false
    }
}

/// A stretch in small letters, and where words begin in it.
struct Words {
    text: [u8; BEFORE_BYTES],
    len: usize,
    starts: [u8; BEFORE_BYTES],
    count: usize,
    /// One bit for the low five bits of each first byte.
    initials: u32,
}

impl Words {
    /// The words of `text`, of which at most [`BEFORE_BYTES`] are looked at.
    #[expect(clippy::cast_possible_truncation, reason = "places are below 72")]
    fn of(text: &[u8]) -> Self {
        let mut words = Self { text: [0; BEFORE_BYTES], len: 0, starts: [0; BEFORE_BYTES], count: 0, initials: 0 };
        let mut follows_letter = false;
        for (at, &byte) in text.iter().take(BEFORE_BYTES).enumerate() {
            let lower = byte.to_ascii_lowercase();
            words.text[at] = lower;
            // No word of a list begins with a digit or a sign.
            if !follows_letter && (lower.is_ascii_lowercase() || byte >= 0x80) {
                words.starts[words.count] = at as u8;
                words.count += 1;
                words.initials |= initial(lower);
            }
            follows_letter = lower.is_ascii_lowercase();
            words.len = at + 1;
        }
        words
    }

    /// What stands at each beginning of a word.
    fn rests(&self) -> impl Iterator<Item = &[u8]> {
        self.starts[..self.count].iter().map(|&at| &self.text[usize::from(at)..self.len])
    }

    /// Whether `word` stands somewhere as the beginning of a word.
    fn has(&self, word: &str) -> bool {
        let word = word.as_bytes();
        self.initials & initial(word[0]) != 0 && self.rests().any(|rest| rest[0] == word[0] && rest.starts_with(word))
    }

    fn has_of(&self, lexicon: &Lexicon) -> bool {
        self.rests().any(|rest| lexicon.opens(rest))
    }
}

impl Around {
    /// The words around the bytes from `start` to `end`, on the same line or the line before.
    pub(super) fn of(text: &[u8], start: usize, end: usize) -> Self {
        let from = start.saturating_sub(BEFORE_BYTES);
        let mut before = &text[from..start];
        // Of the lines before only the last that says something counts: a heading, a key.
        let lines: Vec<usize> =
            before.iter().enumerate().rev().filter(|(_, b)| **b == b'\n').map(|(at, _)| at).collect();
        let says = |from: usize, to: usize| before[from..to].iter().filter(|b| b.is_ascii_alphanumeric()).count();
        let mut own = before.len();
        for (number, &newline) in lines.iter().enumerate() {
            let upper = lines.get(number + 1).map_or(0, |above| above + 1);
            if own == before.len() && says(newline, before.len()) > 8 && !is_row(before, newline) {
                before = &before[newline + 1..];
                break;
            }
            own = newline;
            // A long line is a sentence or a record of its own, unless it heads the columns.
            let is_cut = upper == 0 && from > 0 && text[from - 1] != b'\n';
            if (is_cut || newline - upper > LABEL_MAX_BYTES) && !is_row(before, newline) {
                before = &before[newline + 1..];
                break;
            }
            let is_rule = before[upper..newline].iter().any(|b| matches!(b, b'-' | b'=')) && says(upper, newline) == 0;
            if !is_rule {
                before = &before[upper..];
                break;
            }
        }
        let to = (end + BEHIND_BYTES).min(text.len());
        let behind = text[end..to].split(|&b| b == b'\n').next().unwrap_or_default();
        Self { before: Words::of(before), behind: Words::of(behind) }
    }

    /// The few words right in front of `start`, on the same line.
    pub(super) fn close(text: &[u8], start: usize) -> Self {
        let before = &text[start.saturating_sub(CLOSE_BYTES)..start];
        let before = before.rsplit(|&b| b == b'\n').next().unwrap_or_default();
        Self { before: Words::of(before), behind: Words::of(b"") }
    }

    /// Whether one of `words` stands in front of the number or right behind it.
    pub(super) fn has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.before.has(word) || self.behind.has(word))
    }

    /// Whether a word of `lexicon` stands in front of the number or right behind it.
    pub(super) fn has_of(&self, lexicon: &Lexicon) -> bool {
        self.before.has_of(lexicon) || self.behind.has_of(lexicon)
    }

    /// Whether a word of `lexicon` stands in front of the number.
    pub(super) fn has_of_before(&self, lexicon: &Lexicon) -> bool {
        self.before.has_of(lexicon)
    }

    /// Whether something says that the number is somebody's.
    pub(super) fn is_personal(&self) -> bool {
        self.has_of(&GENERIC)
    }

    /// Whether something says that the number is a thing's.
    pub(super) fn is_denied(&self) -> bool {
        self.has_of_before(&DENIALS)
    }
}

/// Whether both sides of the line's end at `newline` have as many separators: a header and its row.
fn is_row(before: &[u8], newline: usize) -> bool {
    [b',', b'\t', b';', b'|']
        .into_iter()
        .any(|separator| before[..newline].contains(&separator) && before[newline..].contains(&separator))
}

#[cfg(test)]
mod tests {
    use super::{Around, DENIALS, GENERIC};

    #[test]
    fn words_begin_with_letters() {
        assert!(GENERIC.begins_with_letters() && DENIALS.begins_with_letters());
    }

    #[test]
    fn words_count_on_the_line_and_on_the_one_before() {
        let around = |text: &str| {
            let at = text.find("12345").unwrap();
            Around::of(text.as_bytes(), at, at + 5)
        };
        assert!(around("Passport no: 12345").has(&["passport"]));
        assert!(around("SSN\n12345").has(&["ssn"]));
        assert!(!around("lesson 12345").has(&["sson"]));
        assert!(!around("ssn\n\n12345").has(&["ssn"]));
        assert!(around("invoice 12345").is_denied() && around("12345 is my national id").is_personal());
    }
}

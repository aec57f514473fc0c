//! The value that follows a name: `the password for the admin is hunter2`.
//!
//! Owns how far a value may stand from the word that announces it and which words may stand between.
//! What is all small letters is believed only where it ends the clause; see `told`.

use super::lead::{follows_user, is_asked, is_led};
use super::told::{Telling, told};
use super::{skip_space, word_at};
use crate::alphabet::{continues_with, skip_blanks};
use crate::names::{Class, Name};
use crate::openings::Words;
use crate::scan::{Found, Options};
use crate::words;

/// Most words and bytes between a name and what it is said to be.
const WORDS_MAX: usize = 9;
const REACH_MAX_BYTES: usize = 96;
/// Most names of which each stands in what was read behind the one before. What goes on so is no sentence.
const NAMES_MAX: usize = 4;
/// Longest word compared with a list.
const SPOKEN_MAX_BYTES: usize = 40;

/// What a value follows, in a few languages. Small letters.
#[rustfmt::skip]
static COPULAS: Words = Words::of(&[
    "type", "enter", "use", "try", "put", "still", "是", "は", "는", "은", "это", "为", "為", "that\'s", "remained", "is",
    "was", "are", "be", "been", "being", "equals", "=", "==", "->", "=>", "-->", ":", "–", "—", "-", "→", "⇒", "➜", "➡", "è", "ist", "war",
    "lautet", "est", "es", "é", "era", "är", "er", "jest", "to", "as", "of", "with", "send", "becomes", "reads",
    "says", "in", "into", "using", "it's", "is:", "remains", "its", "from", "von", "je", "será", "sera", "wäre", "sind", "sont",
]);

/// Copulas that count only behind a verb of change: `set the password to`.
const WEAK_COPULAS: &[&str] =
    &["to", "as", "of", "with", "in", "into", "using", "-", "–", "—", "er", "es", "era", "be", "been", "from", "von"];

/// Words that may stand between a copula and the value.
#[rustfmt::skip]
static FILLERS: Words = Words::of(&[
    "now", "still", "currently", "just", "simply", "probably", "called", "set", "to", "be", "the", "following",
    "going", "gonna", "always", "exactly", "literally", "obviously", "like", "a", "something", "like", "--", "jetzt",
    "noch", "immer", "maintenant", "ahora", "this", "one", "changed", "same", "string", "again", "i", "think",
    "actually", "really", "word", "value", "temporarily", "again,", "reset", "new", "old", "supposed", "temporary",
    "default", "initial", "believe",
]);

/// How far sentences were read, and how many names in a row stood in what was read.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    until: usize,
    names: usize,
}

impl Reach {
    /// Counts the name that begins at `start`; whether what follows it is worth reading.
    pub(crate) fn admits(&mut self, start: usize) -> bool {
        self.names = if start < self.until { self.names + 1 } else { 0 };
        self.names < NAMES_MAX
    }

    /// What follows the name was read up to `until`.
    pub(crate) fn ends(&mut self, until: usize) {
        self.until = until;
    }
}

/// The value that the text behind `name` gives it in words.
pub(crate) fn after(text: &[u8], name: &Name, reach: &mut Reach, options: &Options, found: &mut Vec<Found>) {
    // `Token::Ident` is a path.
    if !(options.guess && options.prose) || text[name.end..].starts_with(b"::") || !reach.admits(name.start) {
        return;
    }
    let closers = |b: &&u8| matches!(b, b'"' | b'\'' | b'`' | b'*' | b')' | b'_' | b']');
    let mut at = name.end + text[name.end..].iter().take(4).take_while(closers).count();
    // `when it asks for the password, type ...`.
    at += usize::from(text.get(at) == Some(&b','));
    let end = (at + REACH_MAX_BYTES).min(text.len());
    // `my passcode's hunter2`, `with the password hunter2`.
    let is_short_copula = text[name.end..].starts_with(b"'s ");
    at += usize::from(is_short_copula && text.get(at) == Some(&b's'));
    // What is told of a key is long and no word: where nothing like it follows, no sentence need be read.
    let is_key = name.class == Class::Hint
        || name.class == Class::Secret && !text[name.start..name.end].eq_ignore_ascii_case(b"secret");
    if is_key && !may_hold_key(&text[at.min(end)..end]) {
        return;
    }
    let is_paired = follows_user(text, name.start);
    let is_sure = is_short_copula || is_paired;
    // `whats the db pw`: the answer stands on the next line.
    let is_due = is_sure || name.is_foreign || is_led(text, name.start) || is_asked(text, name);
    let mut sentence = Sentence { text, name, at, end, is_due, is_sure, is_replaced: false, first: 0 };
    for number in 0..WORDS_MAX {
        if sentence.word(number, options, found) == Step::Stop {
            break;
        }
    }
    reach.ends(sentence.at);
}

/// Whether a sentence is read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    On,
    Stop,
}

/// What was read of a sentence behind a name.
struct Sentence<'t> {
    text: &'t [u8],
    name: &'t Name,
    /// The byte after the last word, and the last byte that may be read.
    at: usize,
    end: usize,
    /// Whether a value follows now, and whether nothing else can be meant.
    is_due: bool,
    is_sure: bool,
    /// Whether an old value is told before the new one: `changed from OLD to NEW`.
    is_replaced: bool,
    /// The number of the first word that counts.
    first: usize,
}

impl Sentence<'_> {
    /// Reads the next word, which is the one with `number`.
    fn word(&mut self, number: usize, options: &Options, found: &mut Vec<Found>) -> Step {
        let text = self.text;
        let next = skip_space(text, self.at, self.is_due);
        let glued = text.get(next).is_some_and(|b| matches!(b, b'"' | b'\'' | b'`' | 0x80..));
        let begins = next > self.at || glued || matches!(text.get(next), Some(b':' | b'=' | b'?'));
        if !begins || next >= self.end {
            return Step::Stop;
        }
        let Some(word) = word_at(text, next, self.end + 1 - next).filter(|word| word.1 <= self.end) else {
            return Step::Stop;
        };
        let raw = &text[word.0..word.1];
        // What is longer than any word of a list is none of them; only its end counts.
        let mut lower = [0; SPOKEN_MAX_BYTES];
        let spoken = lowered(raw, &mut lower);
        let plain = spoken.trim_end_matches([',', '.', ';', '!', '?']);
        let is_quote = matches!(raw[0], b'"' | b'\'' | b'`');
        if matches!(plain, "not" | "n't" | "never" | "isn't" | "wasn't" | "no" | "nicht") {
            return Step::Stop;
        }
        if self.joins(raw, plain, spoken, number) {
            self.at = word.1;
            return Step::On;
        }
        if (self.is_due || number == self.first || is_quote)
            && let Some(one) = told(text, word, self.name, self.telling(number), options)
        {
            found.push(one);
            return self.behind_value(one.end, number);
        }
        if self.is_sure && (raw.ends_with(b",") || raw.ends_with(b".")) {
            return Step::Stop;
        }
        // What follows a colon or an equal sign is told as if by a copula.
        self.is_due = raw.ends_with(b":") || raw.ends_with(b"=");
        self.is_sure = self.is_due;
        self.at = word.1;
        let ends_clause = plain.len() < spoken.len() && !spoken.ends_with(',') && number > 0;
        if ends_clause { Step::Stop } else { Step::On }
    }

    /// Whether a word only joins a name with its value, and what it says of that.
    fn joins(&mut self, raw: &[u8], plain: &str, spoken: &str, number: usize) -> bool {
        let is_quote = matches!(raw[0], b'"' | b'\'' | b'`');
        // `"assword:" { send`.
        self.is_due |= raw == b":\"" && number == 0;
        // `<Katja> its hunter2`: who answers.
        let is_speaker = raw.starts_with(b"<") && raw.ends_with(b">") && self.is_due;
        if raw == b"{" || raw == b":\"" || is_speaker || (number < 2 && raw.len() == 1 && raw[0].is_ascii_digit()) {
            self.first = number + 1;
            return true;
        }
        let is_copula = COPULAS.has(plain.as_bytes());
        // A sentence in another script goes on to the value, which is not.
        if raw.iter().all(|b| !b.is_ascii()) && self.name.is_foreign && !is_copula && !is_quote {
            self.is_due = true;
            return true;
        }
        if self.is_due && FILLERS.has(plain.as_bytes()) && !is_quote {
            return true;
        }
        if (is_copula || spoken == "?") && !is_quote {
            self.is_due = true;
            self.is_replaced |= matches!(plain, "from" | "von");
            self.is_sure |= !WEAK_COPULAS.contains(&plain) && spoken != "?";
            return true;
        }
        false
    }

    fn telling(&self, number: usize) -> Telling {
        Telling { is_due: self.is_due, is_sure: self.is_sure, is_first: number == self.first }
    }

    /// Goes on behind a value that ends at `end`, where another follows: `changed from OLD to NEW`.
    fn behind_value(&mut self, end: usize, number: usize) -> Step {
        let text = self.text;
        let behind = end + text[end..].iter().take(1).take_while(|b| matches!(b, b'"' | b'\'' | b'`')).count();
        let goes_on = [" to ", " zu ", " auf ", " into "].iter().any(|word| continues_with(text, behind, word));
        if !(self.is_replaced && goes_on) {
            return Step::Stop;
        }
        (self.at, self.is_replaced, self.first) = (behind, false, number + 1);
        Step::On
    }
}

/// Whether eight bytes stand together somewhere that are no word in small letters.
fn may_hold_key(reach: &[u8]) -> bool {
    let (mut len, mut odd) = (0, 0);
    reach.iter().any(|b| {
        let is_gap = b.is_ascii_whitespace();
        len = if is_gap { 0 } else { len + 1 };
        odd = if is_gap { 0 } else { odd + usize::from(!b.is_ascii_lowercase()) };
        len >= 8 && odd > 0 || len >= 14
    })
}

/// The end of `raw` in small letters, in `lower`.
fn lowered<'l>(raw: &[u8], lower: &'l mut [u8; SPOKEN_MAX_BYTES]) -> &'l str {
    let tail = &raw[raw.len().saturating_sub(SPOKEN_MAX_BYTES)..];
    for (to, from) in lower.iter_mut().zip(tail) {
        *to = from.to_ascii_lowercase();
    }
    let lower = &lower[..tail.len()];
    // A character that was cut leaves nothing that any list has.
    std::str::from_utf8(lower).unwrap_or_else(|_| if raw.ends_with(b",") { "~," } else { "~" })
}

/// The words of a passphrase without quotes, behind a name that says so, up to the end of the clause.
pub(crate) fn passphrase(text: &[u8], name: &Name) -> Option<(usize, usize)> {
    if name.class != Class::Password || !text[name.start..name.end].to_ascii_lowercase().ends_with(b"phrase") {
        return None;
    }
    let at = skip_blanks(text, name.end, 2);
    let start = match text.get(at)? {
        b':' | b'=' => skip_blanks(text, at + 1, 8),
        _ if continues_with(text, at, "is ") => at + 3,
        _ => return None,
    };
    let len =
        text[start..].iter().take(80).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-')).count();
    let words = text[start..start + len].trim_ascii_end();
    let count = words.split(|b| *b == b' ').count();
    ((4..=8).contains(&count) && words::is_phrase(words)).then_some((start, start + words.len()))
}

//! Passwords that stand in front of the word for them: `hunter2 is the password`.
//!
//! Owns which words may stand between. Never looks behind the word; see `prose`.

use crate::judge::is_public;
use crate::kind::Kind;
use crate::placeholder::is_placeholder;
use crate::random::Makeup;
use crate::scan::{Found, Options};
use crate::words;

/// What stands between a value and the word for it, when the value comes first.
#[rustfmt::skip]
const LEADS: &[&str] = &[
    " is the", " is my", " is our", " is your", " is his", " is her", " is the new", " as the", " as my", " as our",
    " as your", " as a", " as", " for the", " was the", " is the admin", ", that's the", " that's the",
    " that is the", " that's my", " that's our", " for my", " for our", " for your", " for his", " for her",
    " (that's the", " (the", " (my", " (that is the", " (it's the", ", the", ", my", " — the", " - the", " are the",
    " was my", " was our", " into the", " in the", " into my", " for the admin", " as its", " as their", " should be the", " will be the", " is still the", " is now the",
];

/// The last words of all of [`LEADS`].
const LAST_WORDS: [&[u8]; 12] =
    [b"the", b"my", b"our", b"your", b"his", b"her", b"new", b"a", b"as", b"admin", b"its", b"their"];

/// Whether the last word of `line` is one that a lead ends with.
fn ends_with_lead(line: &[u8]) -> bool {
    let tail = &line[line.len().saturating_sub(7)..];
    let word = tail.iter().rposition(|b| matches!(b, b' ' | b'(')).map_or(tail, |at| &tail[at + 1..]);
    LAST_WORDS.iter().any(|last| word.eq_ignore_ascii_case(last))
}

/// A glance at the last two words of `before`, of which one must be the last of a lead.
fn may_follow_lead(before: &[u8]) -> bool {
    let line = before.trim_ascii_end();
    let shorter = without_word(line);
    ends_with_lead(line) || ends_with_lead(shorter) || ends_with_lead(without_word(shorter))
}

/// `line` without its last word.
fn without_word(line: &[u8]) -> &[u8] {
    let is_part = |b: &&u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'\'');
    line[..line.len() - line.iter().rev().take_while(is_part).count()].trim_ascii_end()
}

/// `hunter2 is the password`, `use 'hunter2' as the password`: the value in front of the word that
/// stands at `at`.
pub(crate) fn before(text: &[u8], at: usize, options: &Options, found: &mut Vec<Found>) {
    if !(options.guess && options.prose) || at < 8 {
        return;
    }
    let from = at.saturating_sub(96);
    if !may_follow_lead(&text[from..at]) {
        return;
    }
    let line = &text[from..at];
    let line = &line[line.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1)..];
    let line = line.trim_ascii_end();
    // One word or two may say whose or which: `as the admin password`, `for the admin login password`.
    let shorter = without_word(line);
    let shorter = if ends_with_lead(shorter) { shorter } else { without_word(shorter) };
    if !(ends_with_lead(line) || ends_with_lead(shorter)) {
        return;
    }
    let lower = line.to_ascii_lowercase();
    let shorter = &lower[..shorter.len()];
    let longest =
        |bytes: &[u8]| LEADS.iter().filter(|words| bytes.ends_with(words.as_bytes())).map(|words| words.len()).max();
    let (lower, lead) = match (longest(&lower), longest(shorter)) {
        (Some(lead), _) => (lower.as_slice(), lead),
        (None, Some(lead)) => (shorter, lead),
        (None, None) => return,
    };
    let head = line[..lower.len() - lead].trim_ascii_end();
    let head = head.strip_suffix(b",").unwrap_or(head);
    let value = match head.last() {
        Some(&quote @ (b'"' | b'\'' | b'`')) => {
            head[..head.len() - 1].iter().rposition(|&b| b == quote).map(|open| (open + 1, head.len() - 1))
        }
        _ => Some((head.iter().rposition(u8::is_ascii_whitespace).map_or(0, |blank| blank + 1), head.len())),
    };
    let Some((start, end)) = value.filter(|(start, end)| end - start >= 5) else { return };
    let bytes = &head[start..end];
    let makeup = Makeup::of(bytes);
    let is_code = bytes.iter().any(|b| matches!(b, b'(' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b';' | b'`'));
    let is_strong = makeup.letters() > 0
        && makeup.digits + makeup.symbols > 0
        && !is_code
        && !bytes.iter().any(u8::is_ascii_whitespace);
    if is_strong
        && !is_placeholder(bytes)
        && !is_public(bytes)
        && !words::is_technical(bytes)
        && !words::has_credential_word(bytes)
    {
        let offset = at
            - (text[from..at].len()
                - (text[from..at].iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1)));
        found.push(Found { kind: Kind::PASSWORD, start: offset + start, end: offset + end, confidence: 0.5 });
    }
}

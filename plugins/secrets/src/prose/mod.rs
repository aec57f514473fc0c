//! Passwords that a sentence tells: `the password for the admin is hunter2`, `hunter2 is the password`.
//!
//! Owns what a sentence's words are. Never knows where a name begins or ends; see `names`.
//!
//! Read next: `behind` (a value that follows its name), `lead` (what the words in front of a name say),
//! `told` (whether a word is believed), `before` (a value that stands in front of its name).

mod before;
mod behind;
mod lead;
mod told;

pub(crate) use before::before;
pub(crate) use behind::{Reach, after, passphrase};
pub(crate) use told::{ends_clause, trimmed};

use crate::alphabet::skip_blanks;

pub(crate) fn skip_space(text: &[u8], at: usize, over_line: bool) -> usize {
    let next = skip_blanks(text, at, 8);
    let is_newline = |at: usize| matches!(text.get(at), Some(b'\n' | b'\r'));
    if over_line && is_newline(next) {
        let behind = next + text[next..].iter().take(2).take_while(|b| matches!(b, b'\n' | b'\r')).count();
        return skip_blanks(text, behind, 48);
    }
    next
}

/// The word that starts at `at`: a quoted literal with its quotes, else at most `max` bytes up to the next blank.
pub(crate) fn word_at(text: &[u8], at: usize, max: usize) -> Option<(usize, usize)> {
    let first = *text.get(at)?;
    if matches!(first, b'"' | b'\'' | b'`')
        && let Some(close) = text[at + 1..].iter().take(96).position(|&b| b == first || b == b'\n')
        && text[at + 1 + close] == first
    {
        return Some((at, at + close + 2));
    }
    let len = text[at..].iter().take(max).take_while(|b| !b.is_ascii_whitespace()).count();
    (len > 0).then_some((at, at + len))
}

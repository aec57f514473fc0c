//! What the words in front of a name say of what follows it: `with the password`, `user bob, password`.
//!
//! Never looks behind the name but for the end of its line.

use crate::alphabet::{is_blank, line_start};
use crate::names::{Class, Name};

/// Whether the line that ends with the name asks for what it names.
pub(super) fn is_asked(text: &[u8], name: &Name) -> bool {
    let is_last = matches!(text.get(name.end), Some(b'\n' | b'\r'));
    is_last && name.class == Class::Password && {
        let lead = text[line_start(text, name.start, 64)..name.start].to_ascii_lowercase();
        [&b"what"[..], b"whats", b"was ist", b"quel", b"cual"]
            .iter()
            .any(|word| lead.windows(word.len()).any(|w| w == *word))
    }
}

/// Whether what stands in front of the name says that a value follows: `with the password`.
pub(super) fn is_led(text: &[u8], start: usize) -> bool {
    let mut lead = text[line_start(text, start, 32)..start].trim_ascii_end();
    for article in [&b" the"[..], b" this", b" a", b" my", b" your"] {
        lead = lead.strip_suffix(article).unwrap_or(lead);
    }
    [&b"with"[..], b"using", b"use", b"enter", b"type", b"via"].iter().any(|word| {
        let tail = &lead[lead.len().saturating_sub(word.len())..];
        tail.eq_ignore_ascii_case(word)
    })
}

/// Whether a user stands in front of the name: `user bob, password`, `with login bob and password`.
pub(super) fn follows_user(text: &[u8], start: usize) -> bool {
    const JOINS: [&[u8]; 5] = [b", ", b" and ", b" with ", b" & ", b"; "];
    let before = &text[..start];
    if !(before.ends_with(b" ") && JOINS.iter().any(|word| before.ends_with(word))) {
        return false;
    }
    let lead = &text[line_start(text, start, 64)..start];
    let Some(lead) = JOINS.iter().find_map(|word| lead.strip_suffix(*word)) else { return false };
    // The user is the last word, and what says so the one before it.
    let Some(blank) = lead.iter().rposition(|&b| is_blank(b)) else { return false };
    let before = lead[..blank].trim_ascii_end().to_ascii_lowercase();
    let before = before.strip_suffix(b" is").unwrap_or(&before);
    let before = before.strip_suffix(b":").unwrap_or(before);
    [&b"user"[..], b"username", b"login", b"account", b"user name", b"userid"].iter().any(|word| before.ends_with(word))
}

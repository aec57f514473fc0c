//! The one pass over the text that asks each matcher at the bytes where it may start.
//!
//! Owns the order of finds and what happens when two overlap: a known format beats a guess. Never
//! knows a format itself.

use crate::kind::Kind;
use crate::{assignment, block, token, url};

/// What the guess is allowed to believe.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Entropy in bits per byte from which a value given to `password = ...` counts as real.
    pub min_entropy: f32,
    /// Whether to guess at all ([`Kind::GenericSecret`]).
    pub guess: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { min_entropy: 3.0, guess: true }
    }
}

/// One find: where it is, never what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// What was found.
    pub kind: Kind,
    /// First byte of it in the given text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// How sure this is, 0 to 1.
    pub confidence: f32,
}

/// Finds of one call beyond this are not looked for: the text is rejected long before.
const FOUND_MAX: usize = 20_000;

/// Every secret in `text`, by start, without overlaps.
///
/// Works on bytes, so that text which is not UTF-8 is searched too. All ends of a find lie on
/// ASCII bytes or at the edge of a quoted value, hence on character boundaries of valid UTF-8.
///
/// *Limits*: 20,000 finds; matchers look at most 64 KiB ahead.
pub fn find(text: &[u8], options: &Options) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < text.len() && found.len() < FOUND_MAX {
        if STARTS[usize::from(text[at])]
            && let Some(one) = at_position(text, at, options)
        {
            push(&mut found, one);
            // A guess may hold a token of a known kind: walk on through its inside.
            at = if one.kind.is_guess() { at + 1 } else { one.end.max(at + 1) };
        } else {
            at += 1;
        }
    }
    found
}

/// Bytes at which some matcher may start: first bytes of tokens, `-` of armour, `:` of URLs and
/// of assignments, `=` and `(` of assignments, `h` of webhooks, `e` of tokens, `b`/`B` of headers.
static STARTS: [bool; 256] = starts();

const fn starts() -> [bool; 256] {
    let mut starts = [false; 256];
    let others = b"-P:=(hebB";
    let mut i = 0;
    while i < others.len() {
        starts[others[i] as usize] = true;
        i += 1;
    }
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "counts to 255")]
        if token::may_start_with(byte as u8) {
            starts[byte] = true;
        }
        byte += 1;
    }
    starts
}

fn at_position(text: &[u8], at: usize, options: &Options) -> Option<Found> {
    let sure = |kind, start, end| Some(Found { kind, start, end, confidence: 1.0 });
    if let Some((kind, end)) = token::at(text, at) {
        return sure(kind, at, end);
    }
    match text[at] {
        b'-' | b'P' => block::at(text, at).and_then(|end| sure(Kind::PrivateKey, at, end)),
        b'h' => url::slack_webhook_at(text, at).and_then(|end| sure(Kind::SlackWebhook, at, end)),
        b'e' => url::jwt_at(text, at).and_then(|end| sure(Kind::Jwt, at, end)),
        b'b' | b'B' => url::authorization_at(text, at).map(|(start, end)| Found {
            kind: Kind::AuthorizationHeader,
            start,
            end,
            confidence: 0.9,
        }),
        b':' => url::password_at(text, at)
            .map(|(start, end)| Found { kind: Kind::UrlPassword, start, end, confidence: 0.9 })
            .or_else(|| assignment::at(text, at, options)),
        b'=' | b'(' => assignment::at(text, at, options),
        _ => None,
    }
}

/// Appends `one`, settling overlaps with the finds before it.
fn push(found: &mut Vec<Found>, one: Found) {
    while let Some(last) = found.last() {
        if last.end <= one.start {
            break;
        }
        if last.kind.is_guess() && !one.kind.is_guess() {
            found.pop();
            continue;
        }
        return;
    }
    found.push(one);
}

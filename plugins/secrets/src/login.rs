//! Users and passwords told together, and the words a wallet is recovered with.
//!
//! Owns `login: admin / S3cret!`, `credentials are bob:Pa55w0rd`, `root/Tr0ub4dor`. Passwords that
//! are called so are found by `prose`.

use crate::alphabet::{continues_with, is_blank, is_boundary, is_end, line_end, line_start};
use crate::judge::is_public;
use crate::kind::Kind;
use crate::placeholder::is_placeholder;
use crate::prose::{Reach, skip_space, trimmed, word_at};
use crate::random::{Makeup, is_identifier, is_random};
use crate::scan::{Found, Options};
use crate::value::{How, read};
use crate::words;

/// Longest word and longest password looked at.
const WORD_MAX_BYTES: usize = 384;
const PASSWORD_MAX_BYTES: usize = 96;

/// `login: admin / S3cret!`, `credentials are bob:Pa55w0rd`, `log in as root with Pa55w0rd`: the
/// word that announces a user and a password ends at `end`.
pub(crate) fn login(text: &[u8], at: usize, end: usize, reach: &mut Reach, options: &Options, found: &mut Vec<Found>) {
    if !(options.guess && options.prose && is_boundary(text, at))
        || !(is_end(text, end) || continues_with(text, end, "s"))
        || !reach.admits(at)
    {
        return;
    }
    if let Some((start, end)) = in_front(text, at) {
        found.push(Found { kind: Kind::PASSWORD, start, end, confidence: 0.5 });
        return;
    }
    let mut i = end;
    let limit = (end + 120).min(text.len());
    let mut before = (i, i);
    for _ in 0..14 {
        let next = skip_space(text, i, false);
        let Some(word) = word_at(text, next, (limit + 1).saturating_sub(next)).filter(|word| word.1 <= limit) else {
            return;
        };
        reach.ends(word.1);
        let raw = &text[word.0..word.1];
        // `admin / secret` has the slash as a word of its own, `admin:secret` inside.
        let is_separator = raw == b"/"
            || raw == b":"
            || raw == b"with"
            || raw == b"|"
            || raw == b"and"
            || raw == b"using"
            || raw == b"-";
        // `Credentials: bob, Pa55w0rd`.
        let is_listed = text[before.0..before.1].ends_with(b",")
            && before.0 > end
            && matches!(text.get(end), Some(b':'))
            && is_next_to(text, end + 1, before.0);
        if is_listed && raw.iter().any(u8::is_ascii_digit) && is_login_secret(text, word.0, word.1, true) {
            found.push(Found { kind: Kind::PASSWORD, start: word.0, end: word.1, confidence: 0.5 });
            return;
        }
        // `log in with Pa55w0rd`: nobody is named.
        let is_alone = before.1 == end && (raw == b"with" || raw == b"using");
        if is_separator && (before.1 > before.0 || is_alone) {
            let value_at = skip_space(text, word.1, false);
            if let Some(value) = word_at(text, value_at, WORD_MAX_BYTES)
                .and_then(|word| read(text, word.0, How::Said))
                .map(|value| trimmed(text, value))
                && is_login_secret(
                    text,
                    value.start,
                    value.end,
                    raw == b"with" || raw == b"and" || raw == b"using" || raw == b"-",
                )
            {
                found.push(Found { kind: Kind::PASSWORD, start: value.start, end: value.end, confidence: 0.6 });
                return;
            }
        }
        // `LOGIN bob Pa55w0rdX`: the word behind the user, when nobody would write it.
        if before.0 > end
            && i == before.1
            && before.1 - before.0 <= 32
            && is_next_to(text, end, before.0)
            && raw.len() >= 8
            && crate::random::is_random(raw)
            && is_login_secret(text, word.0, word.1, true)
        {
            found.push(Found { kind: Kind::PASSWORD, start: word.0, end: word.1, confidence: 0.5 });
            return;
        }
        let inner = text[word.0..word.1].iter().position(|b| matches!(b, b':' | b'/'));
        if let Some(split) = inner.filter(|split| (2..=40).contains(split)) {
            let start = word.0 + split + 1;
            let mut value_end = word.1;
            while value_end > start && matches!(text[value_end - 1], b'.' | b',' | b';' | b')' | b'"' | b'\'' | b'`') {
                value_end -= 1;
            }
            let user = &text[word.0..word.0 + split];
            let is_user = user.iter().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'@' | b'"' | b'\'' | b'`' | b'(')
            });
            if is_user && !text[start..value_end].starts_with(b"/") && is_login_secret(text, start, value_end, true) {
                found.push(Found { kind: Kind::PASSWORD, start, end: value_end, confidence: 0.6 });
                return;
            }
        }
        if raw.ends_with(b".") && raw.len() > 1 {
            return;
        }
        before = word;
        i = word.1;
    }
}

/// `use bob and Pa55w0rd to log in`: the password in front of the words at `at`.
fn in_front(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let from = at.saturating_sub(80);
    let lead = text[from..at].strip_suffix(b" to ")?;
    let blank = lead.iter().rposition(u8::is_ascii_whitespace)?;
    let before = &lead[..blank];
    let is_joined = [&b" and"[..], b" with", b" /", b" &", b" plus"].iter().any(|word| before.ends_with(word));
    let (start, end) = (from + blank + 1, from + lead.len());
    (is_joined && is_login_secret(text, start, end, true) && text[start..end].iter().any(u8::is_ascii_digit))
        .then_some((start, end))
}

/// Most arguments of a call looked at.
const ARGUMENTS_MAX: usize = 6;

/// `connect(host, "bob", "Pa55w0rd", "shop")`: a literal behind the literal of a user, among the
/// arguments that follow behind a name that ends at `end`.
pub(crate) fn arguments(text: &[u8], end: usize, options: &Options, found: &mut Vec<Found>) {
    if !options.guess {
        return;
    }
    let open = end + text[end..].iter().take(4).take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
    let mut at = if text[..end].ends_with(b"(") { end } else { open + 1 };
    let mut follows_user = false;
    for _ in 0..ARGUMENTS_MAX {
        at += text.get(at..).map_or(0, |rest| rest.iter().take(40).take_while(|b| b.is_ascii_whitespace()).count());
        let opens = text
            .get(at..(at + 3).min(text.len()))
            .is_some_and(|rest| rest.iter().any(|b| matches!(b, b'"' | b'\'' | b'`')));
        let literal = if opens { read(text, at, How::Passed).filter(|value| value.is_quoted) } else { None };
        let stop = if let Some(value) = literal {
            let bytes = &text[value.start..value.end];
            if follows_user && is_login_secret(text, value.start, value.end, true) {
                found.push(Found { kind: Kind::PASSWORD, start: value.start, end: value.end, confidence: 0.7 });
                return;
            }
            follows_user = bytes.len() <= 64 && !bytes.iter().any(u8::is_ascii_whitespace);
            value.end + 1
        } else {
            follows_user = false;
            at
        };
        let rest = text.get(stop..).unwrap_or_default();
        let Some(comma) = rest.iter().take(64).position(|b| matches!(b, b',' | b')' | b';' | b'\n')) else { return };
        if rest[comma] != b',' {
            return;
        }
        at = stop + comma + 1;
    }
}

/// What names of calls end with whose arguments may be a host, a user and a password. Small letters.
#[rustfmt::skip]
const OPENERS: &[&[u8]] = &[
    b"client", b"session", b"transport", b"server", b"account", b"gateway", b"database", b"datasource", b"mailer",
    b"smtp", b"imap", b"ftp", b"ssh", b"open", b"driver", b"proxy", b"pool", b"api", b"service", b"login", b"config",
    b"settings", b"auth", b"host", b"store", b"begin", b"sequelize", b"signin",
];

/// Of those the ones that take a user first.
const SIGN_INS: [&[u8]; 2] = [b"signin", b"login"];

/// `new ImapClient("host", 993, "bob", "Pa55w0rd!")`: behind names that any call may have, a literal that nobody
/// writes otherwise, behind that of a user and that of a host.
///
/// The last letter of the name stands at `letter`, the parenthesis behind it.
pub(crate) fn new_arguments(text: &[u8], letter: usize, options: &Options, found: &mut Vec<Found>) {
    let name = &text[letter.saturating_sub(11)..=letter];
    let ends_with =
        |word: &&[u8]| name.len() >= word.len() && name[name.len() - word.len()..].eq_ignore_ascii_case(word);
    if !options.guess || !OPENERS.iter().any(ends_with) {
        return;
    }
    let literals_min = if SIGN_INS.iter().any(ends_with) { 1 } else { 2 };
    let mut at = letter + 2;
    // The literals so far: how many, and whether the last may be a user's name.
    let (mut literals, mut follows_user) = (0, false);
    for _ in 0..ARGUMENTS_MAX {
        at += text.get(at..).map_or(0, |rest| rest.iter().take(40).take_while(|b| b.is_ascii_whitespace()).count());
        let literal = matches!(text.get(at), Some(b'"' | b'\'' | b'`'))
            .then(|| read(text, at, How::Passed).filter(|value| value.is_quoted))
            .flatten();
        let stop = if let Some(value) = literal {
            let bytes = &text[value.start..value.end];
            if literals >= literals_min
                && follows_user
                && is_login_secret(text, value.start, value.end, true)
                && is_typed(bytes)
            {
                found.push(Found { kind: Kind::PASSWORD, start: value.start, end: value.end, confidence: 0.6 });
                return;
            }
            let is_of_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@' | b'\\');
            follows_user = (2..=64).contains(&bytes.len()) && bytes.iter().all(is_of_name);
            literals += 1;
            value.end + 1
        } else {
            at
        };
        let rest = text.get(stop..).unwrap_or_default();
        match rest.iter().take(32).position(|b| matches!(b, b',' | b')' | b';' | b'\n' | b'(')) {
            Some(comma) if rest[comma] == b',' => at = stop + comma + 1,
            _ => return,
        }
    }
}

/// Whether `bytes` were typed as a password and are no format, version, color, place or name of a file.
fn is_typed(bytes: &[u8]) -> bool {
    let makeup = Makeup::of(bytes);
    let has_all = makeup.upper > 0 && makeup.lower > 0 && makeup.digits > 0;
    let is_odd =
        bytes.iter().any(|b| matches!(b, b'/' | b':' | b'<' | b'>' | b'(' | b')' | b'{' | b'}' | b'%' | b'\\'));
    let is_color = bytes[0] == b'#';
    let is_file = bytes.iter().rposition(|&b| b == b'.').is_some_and(|dot| {
        (1..=5).contains(&(bytes.len() - dot - 1)) && bytes[dot + 1..].iter().all(u8::is_ascii_alphabetic)
    });
    makeup.letters() >= 3 && (has_all || makeup.symbols > 0 && makeup.digits > 0) && !is_odd && !is_color && !is_file
}

/// `AUTH Pa55w0rd`, `a1 LOGIN bob Pa55w0rd`, `PASS Pa55w0rd`: a line of a protocol whose last word is a password; the
/// command stands at `at` to `end`.
pub(crate) fn protocol(text: &[u8], at: usize, end: usize, options: &Options) -> Option<Found> {
    let from = line_start(text, at, 48);
    let lead = text[from..at].trim_ascii();
    // A prompt, the arrow of a transcript, or the tag that IMAP puts in front of a command.
    let is_tag = (1..=6).contains(&lead.len()) && lead.iter().all(u8::is_ascii_alphanumeric);
    let is_prompt = lead.is_empty() || matches!(lead.last(), Some(b'>' | b':' | b'<' | b'|' | b']'));
    let is_login = text[..end].ends_with(b"LOGIN ");
    if !options.guess || !(is_prompt || is_tag && is_login) {
        return None;
    }
    let to = line_end(text, end, 160);
    let rest = text[end..to].trim_ascii();
    let mut words = rest.split(|&b| b == b' ');
    let (first, second) = (words.next()?, words.next());
    let word = second.unwrap_or(first);
    if words.next().is_some() || is_login && second.is_none() || text[at..].starts_with(b"PASS ") && second.is_some() {
        return None;
    }
    let start = end + text[end..to].len() - text[end..to].trim_ascii_start().len() + rest.len() - word.len();
    let stop = start + word.len();
    let (start, stop) = match word {
        [b'"', .., b'"'] if word.len() > 2 => (start + 1, stop - 1),
        _ => (start, stop),
    };
    let bytes = &text[start..stop];
    let makeup = Makeup::of(bytes);
    // A runner of tests writes `PASS` in front of names; a server was told a user before.
    let above = &text[from.saturating_sub(96)..from];
    let is_told =
        [&b"USER "[..], b"331 ", b"+OK", b"NICK "].iter().any(|word| above.windows(word.len()).any(|w| w == *word));
    let is_value = (5..=PASSWORD_MAX_BYTES).contains(&bytes.len())
        && makeup.letters() > 0
        && makeup.digits + makeup.symbols > 0
        && !is_placeholder(bytes)
        && !is_public(bytes)
        && !words::is_technical(bytes)
        && !bytes.contains(&b'/')
        && !bytes.contains(&b'(');
    let is_mechanism = is_identifier(bytes) && !bytes.iter().any(u8::is_ascii_lowercase);
    let is_auth = text[at..].starts_with(b"AUTH ");
    let is_typed = is_login_secret(text, start, stop, true) && is_typed(bytes);
    let is_believed = is_told || is_login || is_typed && (is_auth || makeup.symbols > 0);
    (is_value && is_believed && !is_mechanism).then_some(Found {
        kind: Kind::PASSWORD,
        start,
        end: stop,
        confidence: 0.6,
    })
}

/// Whether only blanks stand between `from` and `to`.
fn is_next_to(text: &[u8], from: usize, to: usize) -> bool {
    text[from..to].iter().all(|b| is_blank(*b))
}

fn is_login_secret(text: &[u8], start: usize, end: usize, is_strict: bool) -> bool {
    let bytes = &text[start..end];
    let makeup = Makeup::of(bytes);
    if !(5..=PASSWORD_MAX_BYTES).contains(&bytes.len())
        || is_placeholder(bytes)
        || is_public(bytes)
        || words::is_technical(bytes)
        || bytes.iter().any(u8::is_ascii_whitespace)
    {
        return false;
    }
    let has_slash = bytes.iter().filter(|b| **b == b'/').count() > 1;
    let is_mail = bytes.contains(&b'@')
        && bytes
            .iter()
            .rposition(|&b| b == b'.')
            .is_some_and(|dot| bytes[dot + 1..].iter().all(u8::is_ascii_alphabetic) && bytes.len() - dot <= 5);
    let is_call = bytes.contains(&b'(');
    let has_mark = makeup.digits > 0 || makeup.symbols > 0 || is_random(bytes);
    let is_strong = makeup.letters() > 0 && has_mark && !has_slash && !is_call && !is_mail;
    // `deploy:purple-matrix-51` is a user and a password, `node:18-alpine` an image.
    let is_worded = makeup.letters() >= 6 && makeup.digits >= 2 && !words::names_something(bytes);
    let is_named = is_identifier(bytes) && (words::has_credential_word(bytes) && makeup.digits < 2 || is_strict);
    let is_dense = makeup.symbols > 0 || makeup.switches >= 2 || makeup.upper > 0 && has_mark;
    is_strong && (is_worded || !is_named && (!is_strict || is_dense))
}

/// The words that a wallet is recovered with: 12 to 24 short words in small letters.
pub(crate) fn seed_phrase(text: &[u8], end: usize) -> Option<(usize, usize)> {
    // Up to four words of the sentence and punctuation stand before the phrase.
    let window = &text[end..(end + 360).min(text.len())];
    let mut best = None;
    let (mut start, mut count, mut last) = (0, 0, 0);
    let mut i = 0;
    while i < window.len() {
        let len = window[i..].iter().take_while(|b| b.is_ascii_lowercase()).count();
        let is_numbered = len == 0 && (window[i].is_ascii_digit() || matches!(window[i], b'.' | b')')) && count > 0;
        if (3..=8).contains(&len) && !is_stop(&window[i..i + len]) {
            if count == 0 {
                start = i;
            }
            count += 1;
            i += len;
            last = i;
        } else if is_numbered
            || (len == 0 && (window[i].is_ascii_whitespace() || matches!(window[i], b',' | b'-' | b'_')) && count > 0)
        {
            i += 1;
        } else {
            if count >= 12 {
                best = Some((end + start, end + last));
            }
            (count, i) = (0, i + len.max(1));
        }
    }
    if count >= 12 { Some((end + start, end + last)) } else { best }
}

/// Words that no list of recovery words has and every sentence does.
fn is_stop(word: &[u8]) -> bool {
    [
        &b"the"[..],
        b"and",
        b"was",
        b"are",
        b"for",
        b"not",
        b"his",
        b"her",
        b"our",
        b"has",
        b"had",
        b"were",
        b"which",
        b"your",
        b"with",
        b"from",
        b"they",
        b"their",
        b"words",
        b"phrase",
        b"used",
    ]
    .contains(&word)
}

/// `jane@example.org / S3cret!`, `jane@example.org:hunter22`: the password behind the mail address that ends at
/// `end`.
pub fn behind_address(text: &[u8], end: usize) -> Option<Found> {
    let separator = [&b" / "[..], b":", b" : ", b"|", b" | ", b";", b" "]
        .into_iter()
        .find(|separator| text[end..].starts_with(separator) && !text[end + separator.len()..].starts_with(b" "))?;
    let word = word_at(text, end + separator.len(), WORD_MAX_BYTES)?;
    let value = trimmed(text, read(text, word.0, How::Said)?);
    let (start, mut stop) = (value.start, value.end);
    // A mark at the end of such a password is its own.
    stop += usize::from(!value.is_quoted && matches!(text.get(stop), Some(b'?' | b'!')));
    let bytes = &text[start..stop];
    let makeup = Makeup::of(bytes);
    // Behind a blank only what nobody writes in a sentence, at its end.
    let is_apart = separator == b" ";
    let ends = text.get(stop).is_none_or(|b| matches!(b, b'\r' | b'\n'));
    if is_apart && !(ends && is_typed(bytes) && is_login_secret(text, start, stop, true)) {
        return None;
    }
    let is_more = bytes.contains(&b':') || bytes.contains(&b'/') || bytes.contains(&b'@') && bytes.contains(&b'.');
    let is_strong =
        makeup.letters() >= 3 && makeup.digits > 0 && (makeup.symbols > 0 || makeup.letters() + makeup.digits >= 7);
    (is_strong && !is_more && (6..=48).contains(&bytes.len()) && !is_placeholder(bytes) && !bytes.contains(&b'('))
        .then_some(Found { kind: Kind::PASSWORD, start, end: stop, confidence: 0.5 })
}

/// What a mail server logs in with, `[smtp.example.org]:587 user:password`, the port of which stands at `at`.
pub(crate) fn relay(text: &[u8], at: usize) -> Option<Found> {
    let port = at + text[at..].iter().take(8).position(|b| is_blank(*b))?;
    let from = crate::alphabet::skip_blanks(text, port, 8);
    let word = word_at(text, from, WORD_MAX_BYTES)?;
    let colon = text[word.0..word.1].iter().position(|&b| b == b':')?;
    let (start, end) = (word.0 + colon + 1, word.1);
    (colon > 0 && end - start >= 4 && !is_placeholder(&text[start..end])).then_some(Found {
        kind: Kind::PASSWORD,
        start,
        end,
        confidence: 0.7,
    })
}

/// `admin/Tr0ub4dor`, `root:Pa55w0rd`: what stands behind a user that every system has.
pub(crate) fn behind_user(text: &[u8], at: usize, end: usize, options: &Options) -> Option<Found> {
    if !(options.guess && options.prose && is_boundary(text, at))
        || matches!(text[..at].last(), Some(b'/' | b'-' | b'_' | b'.' | b'@'))
    {
        return None;
    }
    if text.get(end) == Some(&b'|') {
        return in_next_cell(text, end + 1);
    }
    if !matches!(text.get(end), Some(b'/' | b':')) {
        return None;
    }
    let value = trimmed(text, read(text, end + 1, How::Said)?);
    let is_rest = text[value.start..value.end].contains(&b'/') || text.get(value.end) == Some(&b':');
    (!is_rest && is_login_secret(text, value.start, value.end, true)).then_some(Found {
        kind: Kind::PASSWORD,
        start: value.start,
        end: value.end,
        confidence: 0.6,
    })
}

/// `|admin|Pa55w0rd!|`: the cell at `start`, behind that of a user.
fn in_next_cell(text: &[u8], start: usize) -> Option<Found> {
    let cell = &text[start..(start + PASSWORD_MAX_BYTES).min(text.len())];
    let end = start + cell.iter().position(|&b| matches!(b, b'|' | b'\n'))?;
    let is_cell = text[end] == b'|' && end > start;
    (is_cell && is_login_secret(text, start, end, true) && is_typed(&text[start..end])).then_some(Found {
        kind: Kind::PASSWORD,
        start,
        end,
        confidence: 0.5,
    })
}

/// `root:Pa55w0rd@tcp(db:3306)`: the password of a data source in front of the `@` at `at`.
pub(crate) fn data_source(text: &[u8], at: usize) -> Option<Found> {
    let lead = &text[at.saturating_sub(PASSWORD_MAX_BYTES)..at];
    let is_edge = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b'=');
    let word = lead.rsplit(is_edge).next()?;
    let colon = word.iter().position(|&b| b == b':').filter(|colon| *colon > 0)?;
    let secret = &word[colon + 1..];
    (secret.len() >= 3 && !is_placeholder(secret)).then_some(Found {
        kind: Kind::CONNECTION_PASSWORD,
        start: at - secret.len(),
        end: at,
        confidence: 0.9,
    })
}

//! Secrets that the form of a document gives away: Kubernetes' Secrets, JSON Web Keys, password
//! files, hashes of passwords.
//!
//! Owns how far such a form reaches. Never guesses: each form is a standard or a tool's own.

use crate::alphabet::{is_blank, is_boundary, line_end, line_start, skip_blanks};
use crate::kind::Kind;
use crate::placeholder::is_placeholder;
use crate::scan::Found;

/// How far a manifest or a key is read.
const REACH_MAX_BYTES: usize = 8 * 1024;
/// Longest line of a file of passwords, before and behind the word that tells it.
pub(crate) const PASSWORD_LINE_MAX_BYTES: usize = 256;

/// The values below `data:` and `stringData:` of the Secret whose `kind: Secret` ends at `end`; the
/// end of what was read.
pub(crate) fn secret_manifest(text: &[u8], end: usize, found: &mut Vec<Found>) -> usize {
    if text.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return end;
    }
    let limit = (end + REACH_MAX_BYTES).min(text.len());
    // JSON has its members in any order; the values are taken wherever a `data` object opens.
    let mut at = end;
    let mut data_indent = None;
    while at < limit {
        let stop = line_end(text, at, 4_096).min(limit);
        let line = &text[at..stop];
        let indent = line.iter().take_while(|b| is_blank(**b)).count();
        let content = &line[indent..];
        if content.starts_with(b"---") {
            return at;
        }
        let is_data = [&b"data:"[..], b"stringData:", b"\"data\"", b"\"stringData\""]
            .iter()
            .any(|name| content.starts_with(name));
        if is_data {
            data_indent = Some(indent);
        } else if !content.trim_ascii().is_empty() && data_indent.is_some_and(|open| indent <= open) {
            data_indent = None;
        } else if data_indent.is_some() {
            manifest_value(text, at + indent, stop, found);
        }
        at = stop + 1;
    }
    limit
}

/// The value of `name: value` on one line of a manifest.
fn manifest_value(text: &[u8], start: usize, end: usize, found: &mut Vec<Found>) {
    let Some(colon) = text[start..end].iter().position(|&b| b == b':') else { return };
    let value_at = skip_blanks(text, start + colon + 1, 16);
    if value_at >= end {
        return;
    }
    let raw = text[value_at..end].trim_ascii_end();
    let quotes = usize::from(matches!(raw.first(), Some(b'"' | b'\'')));
    let value = raw.strip_suffix(b",").unwrap_or(raw);
    let value = &value[quotes.min(value.len())..];
    let value = value.strip_suffix(b"\"").or_else(|| value.strip_suffix(b"'")).unwrap_or(value);
    let decoded = crate::base64::decode(value).unwrap_or_default();
    let is_secret = value.len() >= 4 && value[0] != b'|' && !is_placeholder(value) && !is_placeholder(&decoded);
    if is_secret {
        let start = value_at + quotes;
        found.push(Found { kind: Kind::GENERIC_SECRET, start, end: start + value.len(), confidence: 0.9 });
    }
}

/// The private members of the JSON Web Key whose `"kty"` stands at `at`; the end of the key.
pub(crate) fn json_web_key(text: &[u8], at: usize, found: &mut Vec<Found>) -> usize {
    let from = at.saturating_sub(2_048);
    let open = text[from..at].iter().rposition(|&b| b == b'{').map_or(from, |open| from + open);
    let close = (at + 4_096).min(text.len());
    let close = text[at..close].iter().position(|&b| b == b'}').map_or(close, |end| at + end);
    for member in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "\"k\""] {
        let window = &text[open..close];
        let Some(name) = window.windows(member.len()).position(|w| w == member.as_bytes()) else { continue };
        let colon = skip_blanks(text, open + name + member.len(), 8);
        let quote = skip_blanks(text, colon + 1, 8);
        if text.get(colon) != Some(&b':') || text.get(quote) != Some(&b'"') {
            continue;
        }
        let len = text[quote + 1..].iter().take(2_048).take_while(|b| **b != b'"' && **b != b'\n').count();
        if len >= 16 {
            found.push(Found { kind: Kind::PRIVATE_KEY, start: quote + 1, end: quote + 1 + len, confidence: 0.95 });
        }
    }
    close
}

/// The password at the end of a line of `.pgpass`, `host:port:database:user:password`, of which a
/// port or star stands at `at`.
pub(crate) fn password_file(text: &[u8], at: usize) -> Option<Found> {
    let start = line_start(text, at, PASSWORD_LINE_MAX_BYTES);
    let end = line_end(text, at, PASSWORD_LINE_MAX_BYTES);
    let line = text[start..end].trim_ascii_end();
    let mut fields = line.splitn(5, |&b| b == b':');
    let (host, port, _, user) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let password = fields.next()?;
    let is_port = port == b"*" || (!port.is_empty() && port.iter().all(u8::is_ascii_digit));
    let is_name = |field: &[u8]| !field.is_empty() && field.iter().all(|b| !b.is_ascii_whitespace() && *b != b'/');
    let is_entry = is_port
        && password.iter().any(|b| !(b.is_ascii_digit() || *b == b':'))
        && is_name(host)
        && is_name(user)
        && password.len() >= 4
        && is_name(password)
        && !is_placeholder(password);
    let from = start + line.len() - password.len();
    is_entry.then_some(Found { kind: Kind::PASSWORD, start: from, end: start + line.len(), confidence: 0.8 })
}

/// The password of `user/password@host`, as Oracle's tools take it, which begins at `at`.
pub(crate) fn oracle_logon(text: &[u8], at: usize) -> Option<Found> {
    let is_part = |b: &&u8| !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`');
    let logon = &text[at..at + text[at..].iter().take(160).take_while(is_part).count()];
    let host = logon.iter().position(|&b| b == b'@')?;
    let slash = logon[..host].iter().position(|&b| b == b'/')?;
    let is_user =
        slash > 0 && logon[..slash].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'#' | b'.'));
    let password = &logon[slash + 1..host];
    let is_secret = is_user && password.len() >= 4 && !password.contains(&b'/') && !is_placeholder(password);
    is_secret.then_some(Found {
        kind: Kind::CONNECTION_PASSWORD,
        start: at + slash + 1,
        end: at + host,
        confidence: 0.9,
    })
}

/// The password in the text of a QR code for a wireless network: `WIFI:T:WPA;S:name;P:password;;`.
pub(crate) fn wifi_code(text: &[u8], at: usize) -> Option<Found> {
    let end = line_end(text, at, 256);
    let start = at + text[at..end].windows(3).position(|w| w == b";P:")? + 3;
    let len = text[start..end].iter().position(|&b| b == b';')?;
    (len >= 4).then_some(Found { kind: Kind::PASSWORD, start, end: start + len, confidence: 0.95 })
}

/// Fewest and most codes of a list.
const CODES: std::ops::RangeInclusive<usize> = 2..=24;

/// The codes behind `Recovery codes`, the name at `start` to `end`: in a row or one below the other,
/// each of groups of letters and digits. Whether there were any.
pub(crate) fn code_list(text: &[u8], start: usize, end: usize, found: &mut Vec<Found>) -> bool {
    let name = &text[start..end];
    let is_list = name.len() >= 5 && name[name.len() - 5..].eq_ignore_ascii_case(b"codes");
    if !is_list {
        return false;
    }
    let to = line_end(text, end, 64);
    let Some(colon) = text[end..to].iter().position(|&b| b == b':') else { return false };
    let mut at = end + colon + 1;
    let mut codes = Vec::new();
    while codes.len() < *CODES.end() {
        let is_between =
            |b: &&u8| b.is_ascii_whitespace() || matches!(b, b',' | b';' | b'-' | b'*' | b'"' | b'[' | b'\'' | b'`');
        let from = at + text[at..].iter().take(16).take_while(is_between).count();
        let len = code_len(&text[from..]);
        if len == 0 {
            break;
        }
        codes.push((from, from + len));
        at = from + len;
    }
    let is_found = CODES.contains(&codes.len());
    if is_found {
        found.extend(codes.into_iter().map(|(start, end)| Found { kind: Kind::PASSWORD, start, end, confidence: 0.7 }));
    }
    is_found
}

/// The length of a code of one to four groups at the beginning of `rest`, of which some has a digit; else 0.
fn code_len(rest: &[u8]) -> usize {
    let (mut len, mut digits) = (0, 0);
    for _ in 0..4 {
        let from = if len == 0 { 0 } else { len + 1 };
        let group = rest[from.min(rest.len())..].iter().take(17).take_while(|b| b.is_ascii_alphanumeric()).count();
        let of_group = rest[from.min(rest.len())..].iter().take(group).filter(|b| b.is_ascii_digit()).count();
        if !(4..=16).contains(&group) || of_group == 0 && !(4..=6).contains(&group) {
            break;
        }
        digits += of_group;
        len = from + group;
        if !matches!(rest.get(len), Some(b'-' | b' ')) {
            break;
        }
    }
    let is_end = rest
        .get(len)
        .is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';' | b'"' | b'\'' | b'`' | b']' | b'.'));
    if len >= 6 && digits > 0 && is_end { len } else { 0 }
}

/// `name:500:LM:NT:::`, as tools write the hashes of Windows' accounts; the colons at its end stand at `at`.
pub(crate) fn windows_hash(text: &[u8], at: usize) -> Option<Found> {
    let start = at.checked_sub(65)?;
    let hashes = &text[start..at];
    let is_hex = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
    (hashes[32] == b':' && is_hex(&hashes[..32]) && is_hex(&hashes[33..])).then_some(Found {
        kind: Kind::PASSWORD_HASH,
        start,
        end: at,
        confidence: 0.9,
    })
}

/// A ticket of Kerberos in the form in which it is cracked, `$krb5tgs$...`, which starts at `at`.
pub(crate) fn kerberos_ticket(text: &[u8], at: usize) -> Option<Found> {
    let is_part = |b: &&u8| !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`');
    let len = text[at..].iter().take(REACH_MAX_BYTES).take_while(is_part).count();
    (len >= 80).then_some(Found { kind: Kind::PASSWORD_HASH, start: at, end: at + len, confidence: 0.9 })
}

/// A hash in the modular crypt format or the like that starts exactly at `at`.
pub(crate) fn password_hash(text: &[u8], at: usize) -> Option<Found> {
    let mut fields = 0;
    // A brace opens the name of the scheme, with which the hash begins.
    let brace = if text[at] == b'{' { text[at + 1..].iter().take(512).position(|&b| b == b'{') } else { None };
    let next = brace.map_or(512, |brace| brace + 1);
    let is_part = |b: &&u8| {
        fields += usize::from(matches!(b, b'$' | b':'));
        // None of the forms has more than five of either.
        fields <= 7
            && (b.is_ascii_alphanumeric()
                || matches!(b, b'$' | b'.' | b'/' | b'+' | b'=' | b',' | b'-' | b'_' | b':' | b'{' | b'}'))
    };
    let mut len = text[at..].iter().take(next).take_while(is_part).count();
    // The next field of a line of /etc/shadow is no part of it.
    if text[at] == b'$' {
        len = text[at..at + len].iter().position(|&b| b == b':').unwrap_or(len);
    }
    while len > 0 && matches!(text[at + len - 1], b',' | b'.' | b':' | b'}') {
        len -= 1;
    }
    let hash = &text[at..at + len];
    let fields = hash.iter().filter(|b| matches!(b, b'$' | b':' | b'}')).count();
    let long = hash.split(|b| matches!(b, b'$' | b':' | b'}' | b',')).map(<[u8]>::len).max().unwrap_or(0);
    let is_hash =
        fields >= 1 && long >= 20 && (hash[0] != b'$' || fields >= 3) && is_boundary(text, at) && !is_placeholder(hash);
    is_hash.then_some(Found { kind: Kind::PASSWORD_HASH, start: at, end: at + len, confidence: 0.9 })
}

//! Credentials that travel in URLs and headers: `scheme://user:password@host`, webhook URLs that
//! are themselves the secret, `Authorization` values, JSON Web Tokens.

use crate::placeholder::is_placeholder;

/// Longest authority part looked at.
const AUTHORITY_MAX_BYTES: usize = 1_024;

/// The password of a URL whose `://` starts exactly at `at`: first byte, byte after the last.
pub(crate) fn password_at(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let authority_at = at + 3;
    if !text[at..].starts_with(b"://") || !ends_with_scheme(&text[..at]) {
        return None;
    }
    let rest = &text[authority_at..];
    let len = rest.iter().take(AUTHORITY_MAX_BYTES).take_while(|&&b| is_authority(b)).count();
    let authority = &rest[..len];
    let host_at = authority.iter().rposition(|&b| b == b'@')?;
    let password_at = authority[..host_at].iter().position(|&b| b == b':')? + 1;
    let password = &authority[password_at..host_at];
    let has_host = authority.len() > host_at + 1;
    (has_host && !is_placeholder(password)).then_some((authority_at + password_at, authority_at + host_at))
}

fn ends_with_scheme(before: &[u8]) -> bool {
    before.last().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'))
}

fn is_authority(byte: u8) -> bool {
    !(byte.is_ascii_whitespace()
        || byte.is_ascii_control()
        || matches!(byte, b'/' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\'))
}

/// A Slack incoming webhook whose host starts exactly at `at`: the byte after its path.
pub(crate) fn slack_webhook_at(text: &[u8], at: usize) -> Option<usize> {
    let service = [&b"hooks.slack.com/services/"[..], b"hooks.slack.com/workflows/", b"hooks.slack.com/triggers/"]
        .into_iter()
        .find(|service| text[at..].starts_with(service))?;
    let path_at = at + service.len();
    let len = text[path_at..].iter().take(256).take_while(|b| b.is_ascii_alphanumeric() || **b == b'/').count();
    let path = &text[path_at..path_at + len];
    let long_parts = path.split(|&b| b == b'/').filter(|part| part.len() >= 8).count();
    (long_parts >= 3).then_some(path_at + len)
}

/// The credentials after `Bearer ` or `Basic ` when the scheme starts exactly at `at`.
pub(crate) fn authorization_at(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let scheme_len = ["bearer ", "basic "]
        .iter()
        .find(|scheme| text.get(at..at + scheme.len()).is_some_and(|t| t.eq_ignore_ascii_case(scheme.as_bytes())))?
        .len();
    if !crate::token::is_boundary(text, at) {
        return None;
    }
    let is_basic = scheme_len == 6;
    if is_basic && !names_header(&text[..at]) {
        return None;
    }
    let start = at + scheme_len;
    let len = text[start..].iter().take(4_096).take_while(|&&b| is_credential(b)).count();
    let value = &text[start..start + len];
    let min = if is_basic { 8 } else { 20 };
    let looks_random = value.iter().any(u8::is_ascii_digit) && crate::bits_per_byte(value) >= 3.0;
    let accepted = len >= min && !is_placeholder(value) && (is_basic || looks_random);
    accepted.then_some((start, start + len))
}

/// `Basic` is a common word: believe it only right behind the header's name.
fn names_header(before: &[u8]) -> bool {
    let tail = &before[before.len().saturating_sub(24)..];
    tail.windows(13).any(|window| window.eq_ignore_ascii_case(b"authorization"))
}

fn is_credential(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

/// A JSON Web Token that starts exactly at `at`: two base64url objects and a signature.
pub(crate) fn jwt_at(text: &[u8], at: usize) -> Option<usize> {
    // `-` belongs to the alphabet, so what stands behind it is the inside of a longer run.
    let inside = !crate::token::is_boundary(text, at) || text[..at].ends_with(b"-");
    if !text[at..].starts_with(b"eyJ") || inside {
        return None;
    }
    let header = base64url_len(&text[at..]);
    let payload_at = at + header + 1;
    if header < 12 || text.get(at + header) != Some(&b'.') || !text[payload_at..].starts_with(b"ey") {
        return None;
    }
    let payload = base64url_len(&text[payload_at..]);
    let end = payload_at + payload;
    if payload < 10 || text.get(end) != Some(&b'.') {
        return None;
    }
    Some(end + 1 + base64url_len(&text[end + 1..]))
}

/// Tokens above 16 KiB do not fit into a header and are not looked at further.
fn base64url_len(text: &[u8]) -> usize {
    text.iter().take(16 * 1024).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count()
}

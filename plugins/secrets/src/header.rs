//! Credentials in HTTP headers: `Authorization`, `Bearer ...`, cookies.
//!
//! Owns where the credentials of a header begin and end, and which cookies are worth nothing to a
//! thief. Headers that name themselves (`X-Api-Key`) are names; see `names`.

use crate::alphabet::{behind_break, continues_with, is_boundary, line_end, line_start, skip_blanks};
use crate::judge::{is_number, is_type};
use crate::kind::Kind;
use crate::placeholder::is_placeholder;
use crate::random::{Makeup, is_identifier, is_random};
use crate::scan::Found;

/// Schemes that may stand in front of credentials. Small letters.
#[rustfmt::skip]
const SCHEMES: &[&str] = &[
    "bearer", "basic", "token", "digest", "apikey", "api-key", "aws4-hmac-sha256", "negotiate", "ntlm", "hmac",
    "oauth", "key", "ssws", "bot", "splunk", "sso-key", "geniekey", "hawk", "signature", "dpop", "aws",
    "sharedkeylite", "sharedkey", "sharedaccesssignature", "zoho-oauthtoken", "ghost", "bearertoken", "jwt", "mac",
    "apitoken", "discogs", "privatetoken", "client-id", "userkey", "access", "private", "secret", "user",
];

/// Longest part of a line of a browser's cookie file behind a flag of it.
pub(crate) const COOKIE_LINE_MAX_BYTES: usize = 4_096;
/// From this length on the inside of what follows a header's name is not looked at for further ones.
const LONG_BYTES: usize = 256;
/// How much of what may be credentials tells whether it is.
const LOOKED_AT_BYTES: usize = 512;

/// The credentials of the `Authorization` header (or what is named so) that ends at `end`, and where the next
/// header may begin.
pub(crate) fn authorization(text: &[u8], end: usize) -> (Option<Found>, usize) {
    let Some((start, stop)) = authorization_value(text, end) else { return (None, end) };
    let value = &text[start..stop];
    let until = if value.len() >= LONG_BYTES { stop } else { end };
    let is_credentials =
        value.len() >= 5 && !is_type(&value[..value.len().min(LOOKED_AT_BYTES)]) && is_credential(value, 5);
    let credentials = Found { kind: Kind::AUTHORIZATION_HEADER, start, end: stop, confidence: 0.9 };
    (is_credentials.then_some(credentials), until)
}

/// Where the value of the header lies whose name ends at `end`.
fn authorization_value(text: &[u8], end: usize) -> Option<(usize, usize)> {
    let mut at = end
        + text[end..]
            .iter()
            .take(4)
            .take_while(|b| matches!(b, b'"' | b'\'' | b'`' | b']' | b'\\' | b'*' | b')'))
            .count();
    at = skip_blanks(text, at, 8);
    let operators = text[at..].iter().take(3).take_while(|b| matches!(b, b':' | b'=' | b'>' | b',')).count();
    // Only behind a literal a comma gives a value; two colons make a path.
    let is_listed = text[at..at + operators].contains(&b',') && !matches!(text[at - 1], b'"' | b'\'' | b'`' | b' ');
    if operators == 0 || is_listed || text[at..].starts_with(b"::") {
        return None;
    }
    at = skip_blanks(text, at + operators, 8);
    let prefix =
        text[at..].iter().take(3).take_while(|b| matches!(b, b'b' | b'r' | b'f' | b'u' | b'\\' | b'$')).count();
    let quote = text.get(at + prefix).copied().filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    if quote.is_some() {
        at += prefix + 1;
    }
    at = scheme_end(text, at).unwrap_or(at);
    let stop = |b: &&u8| {
        !matches!(b, b'\n' | b'\r') && (quote != Some(**b)) && !(quote.is_none() && matches!(b, b'"' | b'\'' | b'`'))
    };
    // In a sentence the credentials end at the first blank; in a header only pairs go on behind it.
    let word = text[at..].iter().take(4_096).take_while(stop).take_while(|b| !b.is_ascii_whitespace()).count();
    let is_pairs = text[at..at + word].contains(&b'=') && text[at..at + word].contains(&b',');
    let is_quoted_pairs = quote.is_none() && text[at..at + word].ends_with(b"=") && text.get(at + word) == Some(&b'"');
    let raw = match () {
        () if is_quoted_pairs => quoted_pairs(&text[at..]),
        () if is_pairs => text[at..].iter().take(4_096).take_while(stop).count(),
        () => word,
    };
    let value = text[at..at + raw].trim_ascii_end();
    let value = value.strip_suffix(b"\\").unwrap_or(value);
    let value = value.strip_suffix(b",").unwrap_or(value);
    Some((at, at + value.len()))
}

/// The length of `name="value", name="value"` at the beginning of `rest`.
fn quoted_pairs(rest: &[u8]) -> usize {
    let mut is_inside = false;
    let is_part = |b: &&u8| {
        is_inside ^= **b == b'"';
        !matches!(b, b'\n' | b'\r') && (is_inside || !matches!(b, b'\'' | b'`'))
    };
    rest.iter().take(4_096).take_while(is_part).count()
}

/// The end of a scheme and the blanks behind it.
fn scheme_end(text: &[u8], at: usize) -> Option<usize> {
    let scheme = SCHEMES.iter().find(|scheme| {
        continues_with(text, at, scheme) && text.get(at + scheme.len()).is_some_and(|b| matches!(b, b' ' | b':' | b'='))
    })?;
    let behind = at + scheme.len() + 1;
    Some(skip_blanks(text, behind, 4))
}

/// The credentials behind a scheme that stands at `at` to `end` without its header: `Bearer ...`.
pub(crate) fn scheme(text: &[u8], at: usize, end: usize) -> Option<Found> {
    let is_bearer = continues_with(text, at, "bearer");
    let start = skip_blanks(text, end, 3);
    if !is_boundary(text, at) || (is_bearer && start == end) {
        return None;
    }
    let mut len = run(text, start);
    if let Some(next) =
        behind_break(text, start + len).filter(|_| len >= 20 && !matches!(text.get(start + len), Some(b'"' | b'\'')))
    {
        let more = run(text, next);
        // What goes on below is as dense as what stands above.
        if more >= 20 {
            len = next + more - start;
        }
    }
    while len > 0 && matches!(text[start + len - 1], b'.' | b',') {
        len -= 1;
    }
    let value = &text[start..start + len];
    let makeup = Makeup::of(value);
    let is_random = match () {
        () if is_bearer => {
            value.len() >= 10 && is_credential(value, 10) && !is_pair(value) && (makeup.digits > 0 || is_random(value))
        }
        () if continues_with(text, at, "basic") => value.len() >= 12 && is_basic(value),
        () => value.len() >= 20 && is_random(value),
    };
    is_random.then_some(Found { kind: Kind::AUTHORIZATION_HEADER, start, end: start + len, confidence: 0.8 })
}

fn run(text: &[u8], at: usize) -> usize {
    text[at.min(text.len())..]
        .iter()
        .take(4_096)
        .take_while(|&&b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b'|' | b':' | b'%')
        })
        .count()
}

fn is_credential(value: &[u8], min: usize) -> bool {
    let value = &value[..value.len().min(LOOKED_AT_BYTES)];
    let makeup = Makeup::of(value);
    let is_word = makeup.digits == 0 && makeup.symbols == 0 && !is_random(value);
    let is_name = is_identifier(value) && makeup.digits < 3;
    let is_code = is_number(value) || value.contains(&b'(') || value.starts_with(b"$");
    value.len() >= min && !(is_word || is_name || is_code || is_placeholder(value))
}

/// `expires_in=3600`: an equal sign that pads nothing.
fn is_pair(value: &[u8]) -> bool {
    value.iter().position(|&b| b == b'=').is_some_and(|at| value[at..].iter().any(|b| *b != b'='))
}

/// Base64 of something with a colon in it, of which what follows the colon is no placeholder.
fn is_basic(value: &[u8]) -> bool {
    let Some(decoded) = crate::base64::decode(value) else { return false };
    let is_text = decoded.iter().all(|b| matches!(b, 0x20..=0x7e) || *b >= 0x80);
    is_text && decoded.iter().position(|&b| b == b':').is_some_and(|colon| !is_placeholder(&decoded[colon + 1..]))
}

/// Cookies that tell settings. Small letters; a name that only begins so counts too.
#[rustfmt::skip]
const HARMLESS_COOKIES: &[&str] = &[
    "theme", "lang", "locale", "consent", "cookieconsent", "cookie_consent", "_ga", "_gid", "_gat", "__utm",
    "timezone", "tz", "currency", "country", "dark", "color", "font", "view", "sort", "layout", "path", "domain",
    "expires", "max-age", "maxage", "samesite", "secure", "httponly", "priority", "version", "partitioned", "region", "ab_test",
    "notice", "sidebar", "visited", "referrer", "utm",
];

/// The values of the cookies that follow the word (`Cookie`, `Set-Cookie`, `PHPSESSID`) at `at`; the end of
/// their list, or `at` when there is none.
pub(crate) fn cookies(text: &[u8], at: usize, end: usize, found: &mut Vec<Found>) -> usize {
    let is_name = !continues_with(text, at, "cookie");
    let mut i = end;
    if is_name {
        // A cookie known by its own name.
        let name_end = i + text[i..]
            .iter()
            .take(24)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
            .count();
        let value_end = cookie(text, at, name_end, true, found);
        // Nothing inside of a long value is a cookie of its own.
        return if value_end > name_end + 128 { value_end } else { at };
    }
    if at > 0 && text[at - 1].is_ascii_alphanumeric() {
        return at;
    }
    // `cookies.set("name", "value")`.
    i += if [&b".set("[..], b".add("].iter().any(|method| text[i..].starts_with(method)) { 4 } else { 0 };
    // `Cookie:`, `document.cookie = "`, `-H 'cookie: `, `cookies={"`, `--cookie "`.
    let lead = text[i..]
        .iter()
        .take(6)
        .take_while(|b| {
            matches!(b, b':' | b'=' | b'"' | b'\'' | b'`' | b' ' | b'{' | b'(' | b'[' | b'*' | b'\t' | b'\\')
        })
        .count();
    if lead == 0 || !text[i..i + lead].iter().any(|b| matches!(b, b':' | b'=' | b'"' | b'\'' | b'(')) {
        return at;
    }
    i += lead;
    let first = i;
    let limit = (i + 4_096).min(text.len());
    for _ in 0..40 {
        i += text[i..limit].iter().take_while(|b| matches!(b, b' ' | b';' | b'"' | b'\'' | b',' | b'\t')).count();
        let name_end = i + text[i..limit]
            .iter()
            .take(64)
            .take_while(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$' | b'%' | b'*' | b'!' | b'[' | b']')
            })
            .count();
        if name_end == i {
            return if i > first { i } else { at };
        }
        let name_start = i;
        i = cookie(text, name_start, name_end, false, found);
        let is_separated = matches!(text.get(i), Some(b';'))
            || matches!(text.get(i..i + 2), Some([b'"' | b'\'', b',']))
            || text.get(i) == Some(&b',');
        if !is_separated {
            return i;
        }
    }
    i
}

/// `.acme.io  TRUE  /  TRUE  1790000000  name  value`: the value of the line of a browser's cookie
/// file on which a flag stands at `at`.
pub(crate) fn cookie_line(text: &[u8], at: usize) -> Option<Found> {
    let start = line_start(text, at, 512);
    let end = line_end(text, at, COOKIE_LINE_MAX_BYTES);
    let line = &text[start..end];
    let fields: Vec<&[u8]> = line.split(|&b| b == b'\t').collect();
    let [_, _, path, _, expires, name, value] = fields.as_slice() else { return None };
    let value = value.trim_ascii_end();
    let is_line = path.starts_with(b"/") && !expires.is_empty() && expires.iter().all(u8::is_ascii_digit);
    let name = name.to_ascii_lowercase();
    let is_harmless = HARMLESS_COOKIES.iter().any(|harmless| name.starts_with(harmless.as_bytes()));
    let value_at = start + line.iter().rposition(|&b| b == b'\t')? + 1;
    let is_worth = is_line && !is_harmless && value.len() >= 8 && !is_placeholder(value);
    is_worth.then_some(Found { kind: Kind::COOKIE, start: value_at, end: value_at + value.len(), confidence: 0.8 })
}

/// One `name=value`: pushes the value when it is worth something; the position behind it.
fn cookie(text: &[u8], name_start: usize, name_end: usize, is_known: bool, found: &mut Vec<Found>) -> usize {
    let closed = name_end + text[name_end..].iter().take(2).take_while(|b| matches!(b, b'"' | b'\'' | b']')).count();
    let operator = skip_blanks(text, closed, 4);
    if !matches!(text.get(operator), Some(b'=' | b':' | b',')) || (text[operator] == b',' && closed == name_end) {
        return operator;
    }
    let mut start = skip_blanks(text, operator + 1, 4);
    start += usize::from(matches!(text.get(start), Some(b'"' | b'\'')));
    let len = text[start.min(text.len())..]
        .iter()
        .take(4_096)
        .take_while(|b| !(b.is_ascii_whitespace() || matches!(b, b';' | b'"' | b'\'' | b'`' | b',' | b'<' | b'>')))
        .count();
    let mut value = &text[start..start + len];
    while let [rest @ .., b')' | b']' | b'}' | b'.'] = value {
        value = rest;
    }
    let name = text[name_start..name_end].to_ascii_lowercase();
    let is_harmless = HARMLESS_COOKIES.iter().any(|harmless| name.starts_with(harmless.as_bytes())) && !is_known;
    let makeup = Makeup::of(value);
    let is_worth = value.len() >= 5
        && makeup.digits + makeup.symbols + makeup.upper > 0
        && !is_placeholder(value)
        && !(is_identifier(value) && makeup.digits <= 1)
        || is_random(value);
    let is_code = value.contains(&b'(') || value.windows(2).any(|pair| pair == b"::");
    if !is_harmless && is_worth && !is_code {
        found.push(Found { kind: Kind::COOKIE, start, end: start + value.len(), confidence: 0.8 });
    }
    start + len
}

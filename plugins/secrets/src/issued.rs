//! What a random-looking string tells by itself, when no word in front of it does.
//!
//! Owns the shapes that only issuers of keys give, and those of versions. Never looks around the string; see `runs`.

use crate::base64;
use crate::random::{Makeup, bits_per_byte, is_random};

/// Parts at the beginning of a token by which its issuer says that it is a secret: `sk-`, `acme_live_`.
#[rustfmt::skip]
const OPENINGS: &[&[u8]] = &[
    b"sk", b"sk1", b"sk2", b"pat", b"tok", b"token", b"key", b"secret", b"api", b"apikey", b"live", b"priv", b"rk",
    b"bot", b"svc", b"access", b"refresh", b"auth", b"ptr", b"apk", b"seckey", b"cred", b"pass", b"wh", b"whsec",
];

/// `4.13+dfsg1-4ubuntu3.2`: how distributions number their packages.
pub(crate) fn is_version(run: &[u8]) -> bool {
    let digits = run.iter().take(5).take_while(|b| b.is_ascii_digit()).count();
    let is_small = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b'~');
    (1..=4).contains(&digits)
        && run.get(digits) == Some(&b'.')
        && run.get(digits + 1).is_some_and(u8::is_ascii_digit)
        && run.len() <= 40
        && run.iter().all(is_small)
}

/// Whether one of the first parts of `run` says that it is a secret, and the rest is random.
pub(crate) fn opens_as_secret(run: &[u8]) -> bool {
    let mut at = 0;
    for part in run.split(|&b| matches!(b, b'_' | b'-')).take(3) {
        at += part.len() + 1;
        if part.len() > 12 || !part.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return false;
        }
        if OPENINGS.contains(&part) {
            let rest = run.get(at..).unwrap_or_default();
            return rest.len() >= 20 && is_random(rest) && bits_per_byte(rest) >= 3.2;
        }
    }
    false
}

/// `acme_a_9fK2...`: a short name and a long row of letters and digits that only a generator mixes so, or such a row
/// alone that is longer than any identifier.
pub(crate) fn is_issued(run: &[u8], opens_line: bool) -> bool {
    const PUBLIC: [&[u8]; 8] = [b"pk", b"pub", b"id", b"user", b"file", b"img", b"chatcmpl", b"msg"];
    let split = run.iter().rposition(|&b| b == b'_').map_or(0, |at| at + 1);
    let (name, row) = (run[..split].strip_suffix(b"_").unwrap_or_default(), &run[split..]);
    let is_name = (2..=16).contains(&name.len())
        && name[0].is_ascii_lowercase()
        && name.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
        && !name.split(|&b| b == b'_').any(|part| PUBLIC.contains(&part));
    // Lines of data begin with it.
    let is_long = if split == 0 { row.len() >= 100 && !opens_line } else { is_name && row.len() >= 30 };
    let makeup = Makeup::of(row);
    is_long
        && row.iter().all(u8::is_ascii_alphanumeric)
        && makeup.upper >= 4
        && makeup.lower >= 4
        && makeup.digits >= 2
        && is_random(row)
        && bits_per_byte(row) >= 3.9
}

/// Capitals, small letters and digits mixed as only a generator mixes them, and of a key's length.
pub(crate) fn is_dense(run: &[u8], makeup: &Makeup) -> bool {
    let is_mixed = makeup.upper >= 3 && makeup.lower >= 3 && makeup.digits >= 2;
    let is_text = || base64::decode(run).is_some_and(|text| text.iter().all(|b| matches!(b, b'\n' | 0x20..=0x7e)));
    // Public keys and the identifiers of accounts are written in base58 or have 43 or 44 characters.
    let is_key_size = (20..=72).contains(&run.len()) && !matches!(run.len(), 33 | 34 | 43 | 44 | 46);
    is_mixed && is_key_size && makeup.separators * 10 <= run.len() && bits_per_byte(run) >= 3.7 && !is_text()
}

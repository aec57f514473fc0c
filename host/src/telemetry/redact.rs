//! What a secret looks like in a text, and the text without it.
//!
//! The last line of defence: secrets are not logged on purpose, but an error of a database driver may
//! quote its URL, and a client may put its token where it does not belong.

use std::borrow::Cow;

/// What stands in a secret's place.
const HIDDEN: &str = "***";
/// How the texts of credentials begin: tokens, run tokens, tickets for streams.
const CREDENTIALS: [&str; 3] = ["slt_", "slr_", "sls_"];

/// `text` without credentials of this host, without what follows `Bearer` or `Basic`, and without
/// passwords in URLs. Borrowed when there are none.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean: Option<String> = None;
    let mut kept = 0;
    let mut at = 0;
    while at < text.len() {
        match secret_at(text, at) {
            Some((start, end)) => {
                let clean = clean.get_or_insert_with(|| String::with_capacity(text.len()));
                clean.push_str(&text[kept..start]);
                clean.push_str(HIDDEN);
                kept = end;
                at = end;
            }
            None => at += 1,
        }
    }
    match clean {
        Some(mut clean) => {
            clean.push_str(&text[kept..]);
            Cow::Owned(clean)
        }
        None => Cow::Borrowed(text),
    }
}

/// The secret that a mark at byte `at` announces.
fn secret_at(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    match bytes[at] {
        b's' if CREDENTIALS.iter().any(|mark| bytes[at..].starts_with(mark.as_bytes())) => {
            let start = at + 4;
            found(start, end_of(bytes, start, is_credential))
        }
        b'b' | b'B' => {
            let scheme = ["bearer ", "basic "].into_iter().find(|scheme| {
                bytes.get(at..at + scheme.len()).is_some_and(|there| there.eq_ignore_ascii_case(scheme.as_bytes()))
            })?;
            let start = at + scheme.len();
            // The kind of a credential may stay; it tells which sort was misplaced.
            let start =
                start + if CREDENTIALS.iter().any(|mark| bytes[start..].starts_with(mark.as_bytes())) { 4 } else { 0 };
            let end = end_of(bytes, start, |byte| is_credential(byte) || b"+/=~".contains(&byte));
            // `bearer of news` is no credential: those are long.
            (end - start >= 8).then_some((start, end))
        }
        b':' if bytes[at..].starts_with(b"://") => password(bytes, at + 3),
        _ => None,
    }
}

/// The password in `user:password@host`, which begins at `start`. A password may hold `:` and `@`, so
/// it ends at the last `@` before the path.
fn password(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let end = end_of(bytes, start, |byte| !byte.is_ascii_whitespace() && !b"/?#\"'`<>\\".contains(&byte));
    let authority = &bytes[start..end];
    let host = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority[..host].iter().position(|byte| *byte == b':')?;
    found(start + colon + 1, start + host)
}

fn found(start: usize, end: usize) -> Option<(usize, usize)> {
    (end > start).then_some((start, end))
}

fn end_of(bytes: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes[start..].iter().position(|byte| !belongs(*byte)).map_or(bytes.len(), |length| start + length)
}

fn is_credential(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        for (text, clean) in [
            ("token slt_tok_1_abcd_ef, run", "token slt_***, run"),
            ("?ticket=sls_t.1_ff&tail=3", "?ticket=sls_***&tail=3"),
            ("authorization: Bearer slr_run_1.2_ff_0", "authorization: Bearer slr_***"),
            ("Authorization: basic dXNlcjpwYXNz+/==", "Authorization: basic ***"),
            ("postgres://ada:p:w@x@db.local/sluice?a=b@c", "postgres://ada:***@db.local/sluice?a=b@c"),
            (r#"{"url":"postgres://ada:pw@db"}"#, r#"{"url":"postgres://ada:***@db"}"#),
            ("http://[::1]:4700/a@b and ä slt_x", "http://[::1]:4700/a@b and ä slt_***"),
        ] {
            assert_eq!(redact(text), clean);
        }
        for text in ["bearer of news", "https://ada@db.local:5432/x", "slt_ is the prefix", "éslt", "b", ":", "://"] {
            assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}");
        }
    }
}

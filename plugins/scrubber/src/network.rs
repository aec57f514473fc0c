//! IP addresses, found by letting the standard library read what looks like one.

use crate::span::Span;
use std::net::{Ipv4Addr, Ipv6Addr};

/// IPv4 addresses in dotted form, but for those that identify nobody: unspecified, loopback,
/// broadcast, documentation.
pub(crate) fn ipv4(text: &[u8], found: &mut Vec<Span>) {
    candidates(
        text,
        |b| b.is_ascii_digit() || b == b'.',
        |word, start| {
            let word = word.trim_end_matches('.');
            let address: Ipv4Addr = word.parse().ok()?;
            let is_nobody = address.is_unspecified()
                || address.is_loopback()
                || address.is_broadcast()
                || address.is_documentation();
            let span = Span { start, end: start + word.len(), kind: "ipv4".into(), confidence: 0.7 };
            (!is_nobody).then_some(span)
        },
    )
    .for_each(|span| found.push(span));
}

/// IPv6 addresses, but for the unspecified and the loopback one.
pub(crate) fn ipv6(text: &[u8], found: &mut Vec<Span>) {
    candidates(
        text,
        |b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'),
        |word, start| {
            let trimmed = word.trim_end_matches('.');
            let trimmed = if trimmed.ends_with("::") { trimmed } else { trimmed.trim_end_matches(':') };
            // `a::b` is a path in several languages; an address has at least three groups or a digit.
            let groups = trimmed.split(':').filter(|group| !group.is_empty()).count();
            let address: Ipv6Addr = trimmed.parse().ok()?;
            let is_nobody = address.is_unspecified() || address.is_loopback();
            let is_address = groups >= 3 || (groups == 2 && trimmed.bytes().any(|b| b.is_ascii_digit()));
            let span = Span { start, end: start + trimmed.len(), kind: "ipv6".into(), confidence: 0.7 };
            (is_address && !is_nobody).then_some(span)
        },
    )
    .for_each(|span| found.push(span));
}

/// Maximal runs of bytes of an alphabet that stand alone, each judged by `judge`.
fn candidates<'a>(
    text: &'a [u8],
    has: impl Fn(u8) -> bool + Copy + 'a,
    judge: impl Fn(&'a str, usize) -> Option<Span> + 'a,
) -> impl Iterator<Item = Span> + 'a {
    let bytes = text;
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at + bytes[at..].iter().position(|&b| has(b))?;
            let len = bytes[start..].iter().take_while(|&&b| has(b)).count();
            at = start + len;
            let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
            let is_alone = !bytes[..start].last().is_some_and(is_word) && !bytes.get(at).is_some_and(is_word);
            // The longest textual form has 45 characters; a little more for punctuation behind it.
            if is_alone
                && len <= 48
                && let Some(span) = std::str::from_utf8(&bytes[start..at]).ok().and_then(|word| judge(word, start))
            {
                return Some(span);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::{Span, ipv4, ipv6};

    fn cut(text: &str, find: fn(&[u8], &mut Vec<Span>)) -> Vec<&str> {
        let mut found = Vec::new();
        find(text.as_bytes(), &mut found);
        found.iter().map(|span| &text[span.start..span.end]).collect()
    }

    #[test]
    fn addresses_are_cut_exactly() {
        assert_eq!(cut("from 93.184.216.34:443, then 10.0.0.1.", ipv4), ["93.184.216.34", "10.0.0.1"]);
        assert_eq!(cut("[2606:2800:220:1::1946]:80 and fe80::1.", ipv6), ["2606:2800:220:1::1946", "fe80::1"]);
        for text in ["127.0.0.1", "0.0.0.0", "1.2.3", "1.2.3.4.5", "v1.2.3.4", "256.1.1.1", "192.0.2.7", "1.2.3.4-beta"]
        {
            assert!(cut(text, ipv4).is_empty(), "{text}");
        }
        for text in ["::", "::1", "12:30:45", "a::b", "std::fmt", "de:ad:be:ef", "face::"] {
            assert!(cut(text, ipv6).is_empty(), "{text}: {:?}", cut(text, ipv6));
        }
    }
}

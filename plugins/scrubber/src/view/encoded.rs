//! What runs of base64 and hex stand for.
//!
//! Owns which runs are worth decoding and that they go as a whole when something is found inside.
//! A run that does not decode to text is left alone: keys and digests are judged as they stand.

use crate::span::Span;
use sluice_secrets::base64;
use sluice_secrets::marks::{Runs, bits_at};

/// Shortest run worth decoding: a telephone number in base64 has sixteen characters.
const RUN_MIN_BYTES: usize = 12;
/// Longest run decoded.
const RUN_MAX_BYTES: usize = 64 * 1024;
/// Fewest characters that a decoded text may have to be looked at.
const TEXT_MIN_BYTES: usize = 7;

/// Adds the runs of `text` in whose meaning `find` sees something.
pub(super) fn find(text: &[u8], find: &impl Fn(&[u8]) -> Vec<Span>, found: &mut Vec<Span>) {
    let mut runs = Runs::<_, RUN_MIN_BYTES>::new(text, is_part);
    let mut at = 0;
    while let Some((start, end)) = runs.next_from(at) {
        at = run(text, start, end, find, found);
    }
    if has_hex_pairs(text) {
        pairs(text, find, found);
    }
}

/// Judges the run at `start`; the position to go on from.
#[inline(never)]
fn run(text: &[u8], start: usize, end: usize, find: &impl Fn(&[u8]) -> Vec<Span>, found: &mut Vec<Span>) -> usize {
    let padded = end + text[end..].iter().take(2).take_while(|b| **b == b'=').count();
    if end - start > RUN_MAX_BYTES {
        return padded;
    }
    // A long text in base64 is broken into lines of one length.
    if let Some((joined, stop)) = lines(text, start, padded) {
        if let Some(span) = meaning(&joined).and_then(|decoded| judge(&decoded, start, stop, find)) {
            found.push(span);
            return stop;
        }
        // Else each line is a run of its own.
        let mut at = start;
        for line in text[start..stop].split(|&b| b == b'\n') {
            let lead = line.iter().take_while(|b| !is_base64(**b)).count();
            let len = line[lead..].iter().take_while(|b| is_base64(**b)).count();
            alone(text, at + lead, at + lead + len, find, found);
            at += line.len() + 1;
        }
        return stop;
    }
    alone(text, start, end, find, found);
    padded
}

/// Judges one run by itself.
fn alone(text: &[u8], start: usize, end: usize, find: &impl Fn(&[u8]) -> Vec<Span>, found: &mut Vec<Span>) {
    if end - start < RUN_MIN_BYTES {
        return;
    }
    let padded = end + text[end..].iter().take(2).take_while(|b| **b == b'=').count();
    // `0x6867...` is hex behind its mark.
    let opening = if text[start..end].starts_with(b"0x") { 2 } else { 0 };
    if let Some(span) = meaning(&text[start + opening..end]).and_then(|decoded| judge(&decoded, start, padded, find)) {
        found.push(span);
        return;
    }
    // A name may be glued to the run: `prefix/aGVsbG8...`, `v1-...`.
    let split =
        text[start..end].iter().rposition(|b| matches!(b, b'/' | b'-' | b'_' | b'+')).map_or(end, |at| start + at + 1);
    if end - split >= RUN_MIN_BYTES
        && let Some(span) = meaning(&text[split..end]).and_then(|decoded| judge(&decoded, split, padded, find))
    {
        found.push(span);
    }
}

fn judge(decoded: &[u8], start: usize, end: usize, find: &impl Fn(&[u8]) -> Vec<Span>) -> Option<Span> {
    let mut seen = find(decoded);
    if seen.is_empty() && decoded.len() >= RUN_MIN_BYTES && decoded.iter().all(|b| is_base64(*b) || *b == b'=') {
        let padding = decoded.iter().rev().take_while(|b| **b == b'=').count();
        seen = meaning(&decoded[..decoded.len() - padding]).map(|inner| find(&inner)).unwrap_or_default();
    }
    let surest = seen.into_iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence))?;
    Some(Span { start, end, ..surest })
}

/// The text that a run stands for, in base64 or in hex.
fn meaning(run: &[u8]) -> Option<Vec<u8>> {
    // Four characters tell most words and keys from text at once.
    let is_hex = run.len().is_multiple_of(2)
        && run[..4].iter().all(u8::is_ascii_hexdigit)
        && run.iter().all(u8::is_ascii_hexdigit);
    // Digests are told from text by their first few pairs.
    if is_hex && run.chunks(2).all(|pair| hex_pair(pair).is_some_and(|byte| is_printable(byte) || byte >= 0x80)) {
        let decoded: Option<Vec<u8>> = run.chunks(2).map(hex_pair).collect();
        if let Some(text) = decoded.filter(|text| is_text(text)) {
            return Some(text);
        }
    }
    if let Some(text) = base32(run) {
        return Some(text);
    }
    let bits = run[..4].iter().try_fold(0, |bits, &b| Some(bits << 6 | u32::from(base64::sextet(b)?)))?;
    let [_, first, second, third] = bits.to_be_bytes();
    if is_printable(first) && second == 0 && is_printable(third) {
        // UTF-16, as PowerShell takes its commands.
        let wide = base64::decode(run)?;
        let narrow: Vec<u8> = wide.iter().step_by(2).copied().collect();
        return wide.iter().skip(1).step_by(2).all(|b| *b == 0).then_some(narrow).filter(|text| is_text(text));
    }
    if ![first, second, third].into_iter().all(is_printable) {
        return None;
    }
    base64::decode(run).filter(|text| is_text(text))
}

/// The text that a run of base32 stands for (RFC 4648 section 6).
fn base32(run: &[u8]) -> Option<Vec<u8>> {
    let value = |b: u8| match b {
        b'A'..=b'Z' => Some(u32::from(b - b'A')),
        b'2'..=b'7' => Some(u32::from(b - b'2') + 26),
        _ => None,
    };
    if run.len() < 16 || run[..8].iter().any(|b| value(*b).is_none()) {
        return None;
    }
    let (mut bits, mut count, mut text) = (0_u32, 0, Vec::with_capacity(run.len()));
    for &byte in run {
        bits = bits << 5 | value(byte)?;
        count += 5;
        if count >= 8 {
            count -= 8;
            text.push(u8::try_from(bits >> count & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
        if text.last().is_some_and(|b| !is_printable(*b)) {
            return None;
        }
    }
    Some(text).filter(|text| is_text(text))
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let value = |b: u8| char::from(b).to_digit(16);
    u8::try_from(value(pair[0])? * 16 + value(*pair.get(1)?)?).ok()
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.len() >= TEXT_MIN_BYTES
        && bytes.iter().all(|b| is_printable(*b) || *b >= 0x80)
        && std::str::from_utf8(bytes).is_ok()
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'\t' | 0x20..=0x7e)
}

fn is_base64(byte: u8) -> bool {
    base64::sextet(byte).is_some()
}

/// The same by comparisons alone, for a whole block of the text at once.
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from using vectors")]
fn is_part(byte: u8) -> bool {
    ((byte | 32).wrapping_sub(b'a') < 26)
        | (byte.wrapping_sub(b'/') < 11)
        | (byte == b'+')
        | (byte == b'-')
        | (byte == b'_')
}

/// The run at `start` together with the runs on the lines below, each alone on its line.
fn lines(text: &[u8], start: usize, end: usize) -> Option<(Vec<u8>, usize)> {
    if !matches!(text.get(end), Some(b'\\' | b'\r' | b'\n')) {
        return None;
    }
    let mut joined = text[start..end].to_vec();
    let mut stop = end;
    for _ in 0..512 {
        let newline = text[stop..].iter().take(4).take_while(|b| matches!(b, b'\\' | b'\r' | b'\n')).count();
        if newline == 0 || !text[stop..stop + newline].contains(&b'\n') {
            break;
        }
        let next =
            stop + newline + text[stop + newline..].iter().take(32).take_while(|b| matches!(b, b' ' | b'\t')).count();
        let len = text[next..].iter().take(1_024).take_while(|b| is_base64(**b) || **b == b'=').count();
        let is_alone = text.get(next + len).is_none_or(|b| matches!(b, b'\n' | b'\r' | b'\\' | b'"' | b'\''));
        if len < 4 || !is_alone {
            break;
        }
        joined.extend_from_slice(&text[next..next + len]);
        stop = next + len;
    }
    while joined.last() == Some(&b'=') {
        joined.pop();
    }
    (stop > end).then_some((joined, stop))
}

/// Whether rows of pairs of hex digits may be somewhere: `67 68 70`, `0x67, 0x68`.
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from using vectors")]
fn has_hex_pairs(text: &[u8]) -> bool {
    let is_gap = |byte: u8| (byte == b' ') | (byte == b':') | (byte == b',');
    let is_row = |at: usize| {
        let Some(w) = text.get(at..at + 7) else { return false };
        let is_plain = w[3] == w[0] && w[6] == w[0] && is_pair(w[1], w[2]) && is_pair(w[4], w[5]);
        is_plain || (w[1] == b'0' && w[2] == b'x' && is_pair(w[3], w[4]))
    };
    let is_mark = |byte: u8| byte == b'x';
    let mut gaps = u128::from(bits_at(text, 0, is_gap));
    let mut marks = u128::from(bits_at(text, 0, is_mark));
    (0..text.len()).step_by(64).any(|base| {
        gaps |= u128::from(bits_at(text, base + 64, is_gap)) << 64;
        marks |= u128::from(bits_at(text, base + 64, is_mark)) << 64;
        let rows = gaps & gaps >> 3 & gaps >> 6;
        let prefixed = gaps & marks >> 2;
        let mut worth = (rows | prefixed) & u128::from(u64::MAX);
        (gaps, marks) = (gaps >> 64, marks >> 64);
        while worth != 0 {
            if is_row(base + worth.trailing_zeros() as usize) {
                return true;
            }
            worth &= worth - 1;
        }
        false
    })
}

fn is_pair(high: u8, low: u8) -> bool {
    matches!(high, b'2'..=b'7') && low.is_ascii_hexdigit()
}

/// Rows of pairs of hex digits.
fn pairs(text: &[u8], find: &impl Fn(&[u8]) -> Vec<Span>, found: &mut Vec<Span>) {
    let mut at = 0;
    while at + 2 < text.len() {
        let is_free = at == 0 || !text[at - 1].is_ascii_alphanumeric();
        let Some((start, first)) = pair_at(text, at).filter(|_| is_free) else {
            at += 1;
            continue;
        };
        let (mut decoded, mut end) = (vec![first], start);
        loop {
            let gap = text[end..].iter().take(3).take_while(|b| matches!(b, b' ' | b':' | b',' | b'\n')).count();
            match pair_at(text, end + gap).filter(|_| gap > 0) {
                Some((next, byte)) => {
                    decoded.push(byte);
                    end = next;
                }
                None => break,
            }
        }
        if is_text(&decoded)
            && let Some(span) = judge(&decoded, at, end, find).or_else(|| in_place(text, &decoded, at, end, find))
        {
            found.push(span);
        }
        at = end.max(at + 1);
    }
}

/// What is seen in the text decoded from `start` to `end` when it stands behind what leads to it:
/// `password = 68 75 6e ...`.
fn in_place(text: &[u8], decoded: &[u8], start: usize, end: usize, find: &impl Fn(&[u8]) -> Vec<Span>) -> Option<Span> {
    const LEAD_BYTES: usize = 48;
    if decoded.len() > 128 {
        return None;
    }
    let lead = &text[start.saturating_sub(LEAD_BYTES)..start];
    let lead = lead.rsplit(|&b| b == b'\n').next().unwrap_or_default();
    let lead = lead.strip_suffix(b"[").or(lead.strip_suffix(b"{")).or(lead.strip_suffix(b"(")).unwrap_or(lead);
    let mut view = lead.to_vec();
    view.extend_from_slice(decoded);
    let one = find(&view).into_iter().find(|span| span.end > lead.len() && span.start + 2 >= lead.len())?;
    Some(Span { start, end, ..one })
}

/// The byte that the pair at `at`, perhaps behind `0x`, stands for, and the position behind it.
fn pair_at(text: &[u8], at: usize) -> Option<(usize, u8)> {
    let at = if text.get(at..at + 2) == Some(b"0x") { at + 2 } else { at };
    let pair = text.get(at..at + 2)?;
    let byte = hex_pair(pair).filter(|byte| is_printable(*byte))?;
    text.get(at + 2).is_none_or(|b| !b.is_ascii_alphanumeric()).then_some((at + 2, byte))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::span::Span;

    fn cut(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let hello = |text: &[u8]| {
            let at = text.windows(5).position(|w| w == b"hello");
            at.map(|at| Span { start: at, end: at + 5, kind: "x".into(), confidence: 1.0 }).into_iter().collect()
        };
        find(text.as_bytes(), &hello, &mut found);
        found.iter().map(|span| &text[span.start..span.end]).collect()
    }

    #[test]
    fn runs_go_as_a_whole_when_they_stand_for_something() {
        assert_eq!(cut("x aGVsbG8gd29ybGQ= y"), ["aGVsbG8gd29ybGQ="]);
        assert_eq!(cut("x 68656c6c6f20776f726c64 y"), ["68656c6c6f20776f726c64"]);
        assert_eq!(cut("x 68 65 6c 6c 6f 20 77 y"), ["68 65 6c 6c 6f 20 77"]);
        assert_eq!(cut("aGVsbG8gd29y\nbGQgYW5kIGFsbA=="), ["aGVsbG8gd29y\nbGQgYW5kIGFsbA=="]);
        assert_eq!(cut("x NBSWY3DPEB3W64TMMQ y"), ["NBSWY3DPEB3W64TMMQ"]);
        assert_eq!(cut("-e aABlAGwAbABvACAAdwBvAHIAbABkAA=="), ["aABlAGwAbABvACAAdwBvAHIAbABkAA=="]);
        assert_eq!(cut("Configuration of somethingElse"), [] as [&str; 0]);
    }
}

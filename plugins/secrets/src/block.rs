//! Private keys in armour: from `-----BEGIN ... PRIVATE KEY-----` to its end.
//!
//! Owns where such a block ends, also when its end is missing. A marker that is a whole string
//! literal (`"-----BEGIN PRIVATE KEY-----"`) belongs to a program that reads keys, and is left alone.

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
const PUTTY: &[u8] = b"PuTTY-User-Key-File-";

/// Longest label looked at, such as `OPENSSH PRIVATE KEY`.
const LABEL_MAX_BYTES: usize = 64;

/// A block that starts exactly at `at`: the byte after its last.
pub(crate) fn at(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..];
    if rest.starts_with(PUTTY) {
        return Some(at + body_len(rest));
    }
    let after_begin = rest.strip_prefix(BEGIN)?;
    let label_len = after_begin.iter().take(LABEL_MAX_BYTES).position(|&b| b == b'-')?;
    let label = &after_begin[..label_len];
    let is_key = label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK");
    if !is_key || !after_begin[label_len..].starts_with(DASHES) {
        return None;
    }
    let marker_len = BEGIN.len() + label_len + DASHES.len();
    if is_whole_literal(text, at, at + marker_len) {
        return None;
    }
    Some(at + end_of_block(rest, label, marker_len))
}

fn is_whole_literal(text: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map(|i| text[i]);
    before.is_some_and(|b| matches!(b, b'"' | b'\'' | b'`') && text.get(end) == Some(&b))
}

/// Length from `BEGIN` to behind the END marker with the same label, else to the last line that
/// looks like key material.
fn end_of_block(rest: &[u8], label: &[u8], marker_len: usize) -> usize {
    // A 16,384-bit key takes some 13 KiB in PEM; PGP blocks with subkeys stay below this too.
    const BLOCK_MAX_BYTES: usize = 64 * 1024;
    let window = &rest[..rest.len().min(BLOCK_MAX_BYTES)];
    // Armoured data holds no dashes in a row: the first ones are the end, or there is none. Not
    // looking beyond them keeps a text of nothing but opening markers from costing its square.
    if let Some(body) = window[marker_len..].windows(DASHES.len()).position(|w| w == DASHES) {
        let end_at = marker_len + body;
        let tail = window[end_at..].strip_prefix(END).and_then(|tail| tail.strip_prefix(label));
        if tail.is_some_and(|tail| tail.starts_with(DASHES)) {
            return end_at + END.len() + label.len() + DASHES.len();
        }
    }
    marker_len + body_len(&rest[marker_len..])
}

/// Length of the leading lines that look like armoured data: base64, a header, nothing.
fn body_len(text: &[u8]) -> usize {
    let mut len = 0;
    for (index, line) in text.split_inclusive(|&b| b == b'\n').enumerate() {
        if index > 0 && !is_armoured(line.trim_ascii()) {
            break;
        }
        len += line.len();
        // The first line may be the rest of the marker's own line; a word in it ends the block.
        if index == 0 && !is_armoured(line.trim_ascii()) {
            let own = line.iter().take_while(|&&b| is_base64(b) || b == b'\\').count();
            return own;
        }
    }
    text[..len].trim_ascii_end().len()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn is_armoured(line: &[u8]) -> bool {
    const HEADERS: &[&[u8]] = &[
        b"Proc-Type:",
        b"DEK-Info:",
        b"Version:",
        b"Comment:",
        b"Encryption:",
        b"Public-Lines:",
        b"Private-Lines:",
        b"Private-MAC:",
        b"Key-Derivation:",
        b"Argon2-",
        PUTTY,
    ];
    line.iter().all(|&b| is_base64(b)) || HEADERS.iter().any(|header| line.starts_with(header))
}

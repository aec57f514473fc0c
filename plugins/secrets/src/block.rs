//! Private keys in armour: from `-----BEGIN ... PRIVATE KEY-----` to its end.
//!
//! Owns where such a block ends, also when its end is missing. A marker that is a whole string
//! literal (`"-----BEGIN PRIVATE KEY-----"`) belongs to a program that reads keys, and is left alone.

const DASHES: &[u8] = b"----";
const PUTTY: &[u8] = b"PuTTY-User-Key-File-";
const VAULT: &[u8] = b"$ANSIBLE_VAULT;";
const XML: &[u8] = b"<RSAKeyValue>";

/// Longest label looked at, such as `OPENSSH PRIVATE KEY`.
const LABEL_MAX_BYTES: usize = 64;

/// Longest `PuTTY` file looked at: that of a 16,384-bit key has some 13 KiB.
const PUTTY_MAX_BYTES: usize = 16 * 1024;

/// Least base64 that makes a block a key and not a mention of one.
const BODY_MIN_BYTES: usize = 20;

/// A block that starts exactly at `at`: the byte after its last.
pub(crate) fn at(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..];
    if rest.starts_with(PUTTY) {
        // The next key is another one, and without one no line of a key is so long.
        let window = &rest[..rest.len().min(PUTTY_MAX_BYTES)];
        let next = window[1..].windows(PUTTY.len()).position(|w| w == PUTTY).map_or(window.len(), |next| next + 1);
        return Some(at + body_len(&window[..next])).filter(|end| holds_key(&text[at + PUTTY.len()..*end]));
    }
    if rest.starts_with(VAULT) {
        return vault_len(rest).map(|len| at + len);
    }
    if rest.starts_with(XML) {
        return xml_end(rest).map(|len| at + len);
    }
    let dashes = rest.iter().take(6).take_while(|b| **b == b'-').count();
    let after_begin = rest[dashes..].strip_prefix(b"BEGIN ").or_else(|| rest[dashes..].strip_prefix(b" BEGIN "))?;
    let label_at = rest.len() - after_begin.len();
    let label_len = after_begin.iter().take(LABEL_MAX_BYTES).position(|&b| b == b'-')?;
    let label = after_begin[..label_len].trim_ascii_end();
    let is_key = label.ends_with(b"PRIVATE KEY")
        || label.ends_with(b"PRIVATE KEY BLOCK")
        || label.ends_with(b"STATIC KEY V1")
        || label.ends_with(b"SECRET KEY");
    if !is_key || !after_begin[label_len..].starts_with(DASHES) {
        return None;
    }
    let marker_len = label_at + label_len + after_begin[label_len..].iter().take_while(|b| **b == b'-').count();
    if is_whole_literal(text, at, at + marker_len) {
        return None;
    }
    let end = at + end_of_block(rest, label, marker_len);
    holds_key(&text[at + marker_len..end]).then_some(end)
}

/// Length of a file or value that `ansible-vault` has encrypted: its head and the lines of hex below, each perhaps indented.
fn vault_len(rest: &[u8]) -> Option<usize> {
    let mut len = rest.iter().take(LABEL_MAX_BYTES).position(|&b| b == b'\n')?;
    let head = len;
    while len < PUTTY_MAX_BYTES && rest.get(len) == Some(&b'\n') {
        let blanks = rest[len + 1..].iter().take(40).take_while(|b| matches!(b, b' ' | b'\t')).count();
        let line = &rest[len + 1 + blanks..];
        let digits = line.iter().take(96).take_while(|b| b.is_ascii_hexdigit()).count();
        if digits < 2 || line.get(digits).is_some_and(|b| !matches!(b, b'\r' | b'\n')) {
            break;
        }
        len += 1 + blanks + digits + usize::from(line.get(digits) == Some(&b'\r'));
    }
    (len > head).then_some(len)
}

/// Whether there is key material in `body`: a run of base64, over line breaks of any kind.
fn holds_key(body: &[u8]) -> bool {
    let mut run = 0;
    for word in body.split(|b| !is_base64(*b)).filter(|word| word.len() >= 4) {
        // Words of prose and headers are short; lines of a key are long.
        run += if word.len() >= 16 || run > 0 { word.len() } else { 0 };
        if run >= BODY_MIN_BYTES {
            return true;
        }
    }
    false
}

/// An XML key with its private exponent.
fn xml_end(rest: &[u8]) -> Option<usize> {
    const CLOSE: &[u8] = b"</RSAKeyValue>";
    if !rest[XML.len()..].trim_ascii_start().starts_with(b"<Modulus>") {
        return None;
    }
    let window = &rest[..rest.len().min(8 * 1024)];
    // Another key begins only behind the end of this one.
    let is_mark =
        |at: &usize| window[*at] == b'<' && (window[*at..].starts_with(CLOSE) || window[*at..].starts_with(XML));
    let close = (XML.len()..window.len()).find(is_mark).filter(|at| window[*at..].starts_with(CLOSE))?;
    window[..close].windows(3).any(|w| w == b"<D>").then_some(close + CLOSE.len())
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
    let dashes = window[marker_len..].windows(DASHES.len()).position(|w| w == DASHES);
    let end_at = dashes.map_or(window.len(), |body| marker_len + body);
    if end_at < window.len() {
        let dashes = window[end_at..].iter().take_while(|b| **b == b'-').count();
        let tail = window[end_at + dashes..].trim_ascii_start();
        if let Some(tail) = tail.strip_prefix(b"END ").and_then(|tail| tail.strip_prefix(label)) {
            let close = tail.iter().take_while(|b| matches!(b, b'-' | b' ')).count();
            let trailing = tail[..close].iter().rev().take_while(|b| **b == b' ').count();
            return window.len() - tail.len() + close - trailing;
        }
    }
    marker_len + body_len(&window[marker_len..end_at])
}

/// Length of the leading lines that look like armoured data: base64, a header, nothing; each
/// perhaps quoted, indented, or with its line break written out.
fn body_len(text: &[u8]) -> usize {
    let mut len = 0;
    for (index, line) in text.split_inclusive(|&b| b == b'\n').enumerate() {
        // The next key is another one.
        if index > 0 && (line.starts_with(PUTTY) || !is_armoured(bare(line))) {
            break;
        }
        len += line.len();
        // The first line may be the rest of the marker's own line; a word in it ends the block.
        if index == 0 && !is_armoured(bare(line)) {
            let own = line.iter().take_while(|&&b| is_base64(b) || b == b'\\').count();
            return own;
        }
    }
    text[..len].trim_ascii_end().len()
}

/// A line without what programs, quotes and comments put around it.
fn bare(line: &[u8]) -> &[u8] {
    let is_around = |b: &u8| {
        b.is_ascii_whitespace()
            || matches!(b, b'"' | b'\'' | b'`' | b'+' | b',' | b';' | b'>' | b'#' | b'*' | b'|' | b'\\')
    };
    let start = line.iter().position(|b| !is_around(b)).unwrap_or(line.len());
    let line = &line[start..];
    let line = &line[..line.iter().rposition(|b| !is_around(b)).map_or(0, |last| last + 1)];
    line.strip_suffix(b"\\n").unwrap_or(line)
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
    // A line of base64 may hold the break to the next as two characters.
    let is_dense = line.split(|b| *b == b'\\').enumerate().all(|(i, part)| {
        let part = if i > 0 { part.strip_prefix(b"n").unwrap_or(part) } else { part };
        part.iter().all(|&b| is_base64(b))
    });
    is_dense || HEADERS.iter().any(|header| line.starts_with(header))
}

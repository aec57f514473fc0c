//! Base64 of both alphabets, with or without padding.
//!
//! Owns decoding only. Never judges what comes out.

/// The bytes that `text` stands for; none when it holds anything else than base64.
///
/// *Limits*: as much memory as three quarters of `text`.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let body = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    if body.len() % 4 == 1 {
        return None;
    }
    let mut decoded = Vec::with_capacity(body.len() * 3 / 4 + 3);
    let (mut bits, mut count) = (0_u32, 0);
    for &byte in body {
        bits = (bits << 6) | u32::from(sextet(byte)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(decoded)
}

/// The six bits that a byte of either alphabet stands for.
pub const fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn both_alphabets_are_read_with_and_without_padding() {
        assert_eq!(decode(b"aGVsbG8="), Some(b"hello".to_vec()));
        assert_eq!(decode(b"aGVsbG8"), Some(b"hello".to_vec()));
        assert_eq!(decode(b"_-8="), decode(b"/+8="));
        assert_eq!(decode(b"a"), None);
        assert_eq!(decode(b"aGV bG8="), None);
    }
}

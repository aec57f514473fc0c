//! Shannon entropy of a short byte string. Nothing else.

/// Bits of entropy per byte, 0 for an empty string, at most 8.
///
/// Random base64 of 40 bytes has about 4.8, random hex of 32 about 3.6, English words 2.5 to 3.3.
pub fn bits_per_byte(bytes: &[u8]) -> f32 {
    if bytes.is_empty() {
        return 0.0;
    }
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "candidates are a few hundred bytes long")]
    let total = bytes.len() as f32;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            #[expect(clippy::cast_precision_loss, reason = "counts are at most `total`")]
            let share = count as f32 / total;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::bits_per_byte;

    #[test]
    fn entropy_is_zero_for_one_letter_and_two_for_four() {
        assert!(bits_per_byte(b"").abs() < 1e-6);
        assert!(bits_per_byte(b"aaaa").abs() < 1e-6);
        assert!((bits_per_byte(b"abcd") - 2.0).abs() < 1e-6);
    }
}

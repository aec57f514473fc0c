//! Fingerprints of secrets: what the audit keeps of one, so that the same secret is known again
//! and nobody learns it.
//!
//! They are keyed: without the key, which lies beside the data and never in it, a list of likely
//! secrets cannot be tried against them.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::engine::secret::hexadecimal;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Hexadecimal digits of a fingerprint: enough to know a secret again, too few to be one.
const FINGERPRINT_DIGITS: usize = 16;

/// What fingerprints are keyed with.
#[derive(Clone, PartialEq, Eq)]
pub struct FingerprintKey([u8; KEY_BYTES]);

impl FingerprintKey {
    /// A new key.
    ///
    /// # Panics
    /// When the operating system has no randomness, without which no key is one.
    pub fn random() -> Self {
        let mut bytes = [0; KEY_BYTES];
        if let Err(error) = getrandom::fill(&mut bytes) {
            panic!("the operating system has no randomness: {error}");
        }
        Self(bytes)
    }

    /// The key that [`Self::text`] wrote; `None` when the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().as_bytes();
        if digits.len() != KEY_BYTES * 2 {
            return None;
        }
        let mut bytes = [0; KEY_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The key as text, for the file that keeps it.
    pub fn text(&self) -> String {
        hexadecimal(&self.0)
    }

    /// The fingerprint of `secret`, which was found as `kind`.
    pub fn of(&self, kind: &str, secret: &str) -> String {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&(kind.len() as u64).to_le_bytes());
        mac.update(kind.as_bytes());
        mac.update(secret.as_bytes());
        let mut text = hexadecimal(&mac.finalize().into_bytes());
        text.truncate(FINGERPRINT_DIGITS);
        text
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_known_again_under_its_key_alone() {
        let (key, other) = (FingerprintKey::random(), FingerprintKey::random());
        assert_eq!(key.of("password", "hunter22"), key.of("password", "hunter22"));
        assert_eq!(key.of("password", "hunter22").len(), 16);
        assert_ne!(key.of("password", "hunter22"), key.of("password", "hunter23"));
        assert_ne!(key.of("ab", "c"), key.of("a", "bc"));
        assert_ne!(key.of("password", "hunter22"), other.of("password", "hunter22"));
        assert_eq!(FingerprintKey::parse(&format!("{}\n", key.text())), Some(key.clone()));
        assert_eq!(FingerprintKey::parse("00"), None);
        assert_eq!(FingerprintKey::parse(&"g".repeat(64)), None);
        assert_eq!(format!("{key:?}"), "FingerprintKey(..)");
    }
}

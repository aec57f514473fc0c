//! Signatures of components: Ed25519 over a component's digest.
//!
//! It says whether a key signed a digest, and signs. Whose keys are trusted is said by workspaces; nothing here
//! is kept.

use std::fmt::Write as _;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::domain::artifact::Digest;

/// Bytes of a public key, and of the seed of a private one.
const KEY_BYTES: usize = 32;
/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 64;

/// Why a signature does not stand for a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// The public key is none.
    #[error("the key is no Ed25519 public key: 64 lower-case hexadecimal digits")]
    Key,
    /// The signature is none.
    #[error("the signature is none: 128 lower-case hexadecimal digits")]
    Signature,
    /// It is of another key, or of something else.
    #[error("the signature is not this key's over `sha256:DIGEST` of these bytes")]
    Wrong,
}

/// What is signed: the digest as text, so that any tool can do it.
pub fn message(digest: &Digest) -> String {
    format!("sha256:{digest}")
}

/// Whether a text could be a public key.
pub fn is_key(text: &str) -> bool {
    bytes_of::<KEY_BYTES>(text).is_some()
}

/// Checks that `key` signed `digest`.
///
/// # Errors
/// Why it does not stand.
pub fn verify(key: &str, signature: &str, digest: &Digest) -> Result<(), SignatureProblem> {
    let key = bytes_of::<KEY_BYTES>(key).ok_or(SignatureProblem::Key)?;
    let signature = bytes_of::<SIGNATURE_BYTES>(signature).ok_or(SignatureProblem::Signature)?;
    let verified = UnparsedPublicKey::new(&ED25519, key).verify(message(digest).as_bytes(), &signature);
    verified.map_err(|_| SignatureProblem::Wrong)
}

/// A private key.
pub struct SigningKey {
    seed: [u8; KEY_BYTES],
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        loop {
            let mut seed = [0; KEY_BYTES];
            getrandom::fill(&mut seed)?;
            if let Some(key) = Self::of(seed) {
                return Ok(key);
            }
        }
    }

    /// Reads what [`Self::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(bytes_of(text.trim())?)
    }

    fn of(seed: [u8; KEY_BYTES]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        Some(Self { seed, pair })
    }

    /// It as text, which is as secret as it is.
    pub fn text(&self) -> String {
        text_of(&self.seed)
    }

    /// Its public key.
    pub fn public(&self) -> String {
        text_of(self.pair.public_key().as_ref())
    }

    /// Signs a component.
    pub fn sign(&self, digest: &Digest) -> String {
        text_of(self.pair.sign(message(digest).as_bytes()).as_ref())
    }
}

fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // A String takes every write.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_stands_for_one_digest_and_one_key() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let (digest, others) = (Digest::of(b"a"), Digest::of(b"b"));
        let signature = key.sign(&digest);
        assert_eq!(verify(&key.public(), &signature, &digest), Ok(()));
        assert_eq!(verify(&key.public(), &signature, &others), Err(SignatureProblem::Wrong));
        assert_eq!(verify(&other.public(), &signature, &digest), Err(SignatureProblem::Wrong));
        assert_eq!(verify("ab", &signature, &digest), Err(SignatureProblem::Key));
        assert_eq!(verify(&key.public(), &signature[1..], &digest), Err(SignatureProblem::Signature));
        assert_eq!(verify(&key.public(), &signature.to_uppercase(), &digest), Err(SignatureProblem::Signature));
        assert_eq!(SigningKey::parse(&format!("{}\n", key.text())).unwrap().public(), key.public());
    }

    /// RFC 8032, section 7.1, test 1: the key of a seed.
    #[test]
    fn keys_are_as_others_make_them() {
        let key = SigningKey::parse("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        assert_eq!(key.public(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }
}

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

/// What y is of the points of small order, besides p - 1: 0 (order 4), 1 (order 1), and the two of order 8.
const SMALL_ORDER_Y: [[u8; KEY_BYTES]; 4] = [
    [0; KEY_BYTES],
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// Why a signature does not stand for a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// The public key is none.
    #[error("the key is no Ed25519 public key: 64 lower-case hexadecimal digits")]
    Key,
    /// The public key is of those that vouch for whatever anybody likes.
    #[error(
        "the key is a weak Ed25519 key (a point of small order, or one not written as RFC 8032 writes it), for which \
         anybody can forge signatures; `sluice plugin keygen` makes a good one"
    )]
    Weak,
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

/// Checks that a text could be a public key that somebody holds the private one of.
///
/// # Errors
/// [`SignatureProblem::Key`]; [`SignatureProblem::Weak`].
pub fn check_key(text: &str) -> Result<(), SignatureProblem> {
    key_of(text).map(drop)
}

fn key_of(text: &str) -> Result<[u8; KEY_BYTES], SignatureProblem> {
    let key = bytes_of::<KEY_BYTES>(text).ok_or(SignatureProblem::Key)?;
    if is_weak(&key) { Err(SignatureProblem::Weak) } else { Ok(key) }
}

/// Whether a key is a point of small order, times which every number is one of eight points, or is written in another
/// way than the one that RFC 8032 has for it. Verification as such takes both.
fn is_weak(key: &[u8; KEY_BYTES]) -> bool {
    // The last byte's top bit is the sign of x; what is left is y, the least byte first.
    let mut y = *key;
    y[KEY_BYTES - 1] &= 0x7f;
    let [least, middle @ .., most] = &y;
    let is_near_p = *most == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    // p ends in 0xed, so p - 1 and whatever is p or more differ in the least byte alone.
    (is_near_p && *least >= 0xec) || SMALL_ORDER_Y.contains(&y)
}

/// Checks that `key` signed `digest`.
///
/// # Errors
/// Why it does not stand.
pub fn verify(key: &str, signature: &str, digest: &Digest) -> Result<(), SignatureProblem> {
    let key = key_of(key)?;
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

    /// What of p and above fits below the sign is p to p + 18; p + 1 is the point 1 written in another way.
    #[test]
    fn keys_that_vouch_for_anything_are_none() {
        let ends = |least: u8, most: u8| format!("{least:02x}{}{most:02x}", "ff".repeat(30));
        let mut weak = vec!["00".repeat(32), format!("01{}", "00".repeat(31))];
        weak.extend((0xec..=0xff).map(|least| ends(least, 0x7f)));
        weak.push("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned());
        weak.push("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned());
        let signed = |key: &String| {
            let last = u8::from_str_radix(&key[62..], 16).unwrap() | 0x80;
            format!("{}{last:02x}", &key[..62])
        };
        weak.extend(weak.iter().map(signed).collect::<Vec<_>>());
        let digest = Digest::of(b"whatever anybody likes");
        // R is the neutral point and S is 0: made without any private key.
        let forged = format!("01{}", "00".repeat(63));
        for key in &weak {
            assert_eq!(check_key(key), Err(SignatureProblem::Weak), "{key}");
            assert_eq!(verify(key, &forged, &digest), Err(SignatureProblem::Weak), "{key}");
        }
        let (key, forged) = (bytes_of::<KEY_BYTES>(&weak[1]).unwrap(), bytes_of::<SIGNATURE_BYTES>(&forged).unwrap());
        let taken = UnparsedPublicKey::new(&ED25519, key).verify(message(&digest).as_bytes(), &forged);
        assert!(taken.is_ok(), "the library itself refuses weak keys by now");

        for key in [SigningKey::generate().unwrap().public(), ends(0xeb, 0x7f), format!("02{}", "00".repeat(31))] {
            assert_eq!(check_key(&key), Ok(()), "{key}");
        }
    }

    /// RFC 8032, section 7.1, test 1: the key of a seed.
    #[test]
    fn keys_are_as_others_make_them() {
        let key = SigningKey::parse("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        assert_eq!(key.public(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }
}

//! Secrets of credentials: how their texts are made and read.
//!
//! A text is `KIND_ID_SECRET_CHECK`: the kind in three letters, so that scanners of leaked secrets
//! know it; the id of what it speaks for, so that it is found without a search; 256 random bits in
//! hexadecimal; and a CRC-32 of all that, so that a mistyped one is refused before anything is
//! read. Only the SHA-256 of the secret is ever stored.

use crate::domain::artifact::Digest;

/// Bytes of a secret: 256 bits cannot be guessed, so that its plain hash can be stored.
const SECRET_BYTES: usize = 32;
/// Longest text that is looked at.
const TEXT_MAX_BYTES: usize = 512;

/// What a credential speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A principal; the id is a token's.
    Token,
    /// One claimed run; the id is `RUN.FENCE`.
    Run,
    /// A stream of a principal; the id is `TOKEN.END`, in milliseconds since the Unix epoch.
    Ticket,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Token => "slt",
            Self::Run => "slr",
            Self::Ticket => "sls",
        }
    }
}

/// A credential's text, taken apart; nobody has looked yet whether it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it speaks for.
    pub kind: Kind,
    /// Of which.
    pub id: String,
    /// The secret itself, in hexadecimal.
    pub secret: String,
}

impl Parsed {
    /// What is stored of its secret.
    pub fn digest(&self) -> Digest {
        Digest::of(self.secret.as_bytes())
    }
}

/// A new credential for `id`: its text, and what is stored of its secret.
///
/// # Panics
/// When the operating system has no randomness, without which no secret is one.
pub fn mint(kind: Kind, id: &str) -> (String, Digest) {
    let mut bytes = [0_u8; SECRET_BYTES];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the operating system has no randomness: {error}");
    }
    let secret = hexadecimal(&bytes);
    (write(kind, id, &secret), Digest::of(secret.as_bytes()))
}

/// The text of a credential whose secret is known.
pub(super) fn write(kind: Kind, id: &str, secret: &str) -> String {
    let text = format!("{}_{id}_{secret}", kind.prefix());
    let check = crc32fast::hash(text.as_bytes());
    format!("{text}_{check:08x}")
}

/// Takes a credential's text apart; `None` when it is none.
pub fn parse(text: &str) -> Option<Parsed> {
    if text.len() > TEXT_MAX_BYTES {
        return None;
    }
    let (body, check) = text.rsplit_once('_')?;
    if check != format!("{:08x}", crc32fast::hash(body.as_bytes())) {
        return None;
    }
    let (kind, rest) = body.split_once('_')?;
    let kind = [Kind::Token, Kind::Run, Kind::Ticket].into_iter().find(|known| known.prefix() == kind)?;
    let (id, secret) = rest.rsplit_once('_')?;
    let is_secret = secret.len() == SECRET_BYTES * 2 && secret.bytes().all(|b| b.is_ascii_hexdigit());
    (is_secret && !id.is_empty()).then(|| Parsed { kind, id: id.to_owned(), secret: secret.to_owned() })
}

/// Whether two digests are the same, in a time that does not tell where they differ.
pub fn is_same(a: &Digest, b: &Digest) -> bool {
    use subtle::ConstantTimeEq as _;
    a.as_str().as_bytes().ct_eq(b.as_str().as_bytes()).into()
}

/// Bytes in hexadecimal.
pub(in crate::engine) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // A String takes every write.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_reads_back_and_a_changed_one_does_not() {
        for (kind, id) in [(Kind::Token, "tok_01"), (Kind::Run, "run_0190.7"), (Kind::Ticket, "tok_01.99")] {
            let (text, digest) = mint(kind, id);
            let parsed = parse(&text).unwrap();
            assert_eq!((parsed.kind, parsed.id.as_str(), &parsed.digest()), (kind, id, &digest));
            for at in 0..text.len() {
                let mut changed = text.clone().into_bytes();
                changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(parse(&changed), None, "{changed}");
            }
            assert_ne!(mint(kind, id).0, text);
        }
        for bad in ["", "_", "slt_tok_1", "Bearer x", &"a_".repeat(1000)] {
            assert_eq!(parse(bad), None);
        }
    }
}

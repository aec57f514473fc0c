//! Outgoing webhooks: the addresses that operators name, and what is delivered to them.
//!
//! It knows what a secret looks like, how long to wait between attempts and which answers are final. It sends nothing
//! and asks no clock. Next: [`crate::engine`], `webhooks`, which decides when a delivery comes to be and how it ends.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::artifact::Digest;
use super::id::{ApprovalId, DeliveryId, MissionId, RunId, WorkItemId, WorkspaceId};
use super::time::Timestamp;
use super::word::words;

/// The connector that the host carries out itself.
pub const CONNECTOR: &str = "webhook";
/// The one action it has.
pub const ACTION: &str = "post";

/// Longest name of an endpoint, in bytes.
pub const NAME_MAX_BYTES: usize = 63;
/// Most endpoints of one workspace.
pub const ENDPOINTS_MAX: u32 = 100;
/// Most deliveries of one run that are neither delivered nor given up.
pub const PENDING_OF_RUN_MAX: u32 = 100;

/// Milliseconds within which an attempt is over, whatever the receiver does.
pub const ATTEMPT_MAX_MS: u64 = 10_000;
/// Milliseconds after which an attempt that nobody reported on is made again: its host died. Longer than
/// [`ATTEMPT_MAX_MS`] by what a slow commit may take.
pub const CLAIM_MS: u64 = 20_000;
/// Milliseconds between one attempt and the next. A receiver that is down over night gets what it missed.
const PAUSES_MS: [u64; 7] = [5_000, 30_000, 120_000, 600_000, 3_600_000, 14_400_000, 43_200_000];
/// Attempts after which a delivery is given up: one more than there are pauses.
pub const ATTEMPTS_MAX: u32 = 8;
/// Longest pause that a receiver may ask for with `Retry-After`, in milliseconds: the longest there is anyway.
const RETRY_AFTER_MAX_MS: u64 = PAUSES_MS[PAUSES_MS.len() - 1];

/// What the text of a secret begins with (Standard Webhooks 1.0, "Signature scheme").
const SECRET_PREFIX: &str = "whsec_";
/// Fewest and most bytes of a secret (the same).
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What deliveries are signed with. Never shown, but by [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes; `None` when it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let secret = Self(text.into());
        secret.key().filter(|key| SECRET_BYTES.contains(&key.len())).map(|_| secret)
    }

    /// The secret made of these bytes.
    pub fn of_bytes(bytes: &[u8; 32]) -> Self {
        Self(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)).into())
    }

    /// That of an endpoint that is gone: it signs nothing.
    pub fn none() -> Self {
        Self("".into())
    }

    /// Takes what a row holds, as it is.
    pub fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for whoever keeps it or tells it once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The bytes to sign with; `None` for a text that is no secret.
    pub fn key(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.0.strip_prefix(SECRET_PREFIX)?).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// An address that runs may post to, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Its name: 1 to [`NAME_MAX_BYTES`] of `a-z0-9_-`.
    pub name: String,
    /// Where to. Often a secret in itself, so that only operators see it; empty once it is deleted.
    pub url: String,
    /// Scheme, host and port of `url`: what people who say yes are shown.
    pub origin: String,
    /// What deliveries are signed with.
    pub secret: Secret,
    /// Whether anything is delivered.
    pub is_enabled: bool,
    /// When it was deleted. Its row stays, so that revisions never begin again and no old yes fits a new address.
    pub deleted_at: Option<Timestamp>,
    /// The revision that set `url`: what a yes and a delivery are bound to.
    pub address_revision: u64,
    /// Who wrote it last.
    pub updated_by: String,
    /// When.
    pub updated_at: Timestamp,
    /// Counts changes from 1 and guards every write.
    pub revision: u64,
}

impl WebhookEndpoint {
    /// Whether anybody may see it.
    pub fn is_there(&self) -> bool {
        self.deleted_at.is_none()
    }
}

words! {
    /// Where a delivery stands.
    DeliveryStatus {
        /// It is to be attempted, for the first time or again.
        Pending = "pending",
        /// The receiver took it. Final.
        Delivered = "delivered",
        /// It was given up. Final.
        Failed = "failed",
    }
}

/// Something that is to reach an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Its id: what receivers know it by at every attempt, as `webhook-id`.
    pub id: DeliveryId,
    /// The run that asked.
    pub run_id: RunId,
    /// Its mission.
    pub mission_id: MissionId,
    /// The work item it worked on.
    pub work_item_id: Option<WorkItemId>,
    /// The endpoint's name.
    pub endpoint: String,
    /// The revision of the endpoint's address that was allowed.
    pub address_revision: u64,
    /// SHA-256 of what is posted; that itself lies apart, and never changes.
    pub body_digest: Digest,
    /// Its length.
    pub body_bytes: u64,
    /// Who wished it.
    pub requested_by: String,
    /// The yes it stands on; without one policy allowed it by itself.
    pub approval_id: Option<ApprovalId>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts begun.
    pub attempts: u32,
    /// The status of the newest answer.
    pub last_status: Option<u16>,
    /// What went wrong at the newest attempt, in the host's words and never the receiver's.
    pub last_error: Option<String>,
    /// When it was allowed.
    pub created_at: Timestamp,
    /// When it is attempted next; while an attempt goes on, when another host takes it over. None once it is over.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Guards every write to it: who writes the next one has the attempt.
    pub revision: u64,
}

/// What follows from a receiver's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It took it.
    Taken,
    /// It may take it later.
    Later,
    /// It never will.
    Never,
}

impl Answered {
    /// By the status of an answer: 2xx is a yes; 408, 425, 429 and 5xx may pass; everything else, redirects
    /// included, is a no.
    pub fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Taken,
            408 | 425 | 429 | 500..=599 => Self::Later,
            _ => Self::Never,
        }
    }
}

/// Milliseconds to wait after the attempt of this number (from 1) failed; `None` when it was the last. `chance` is a
/// random number, which spreads what failed together by up to a fifth.
pub fn pause_after(attempt: u32, retry_after_ms: Option<u64>, chance: u64) -> Option<u64> {
    let pause = *PAUSES_MS.get(attempt.checked_sub(1)? as usize)?;
    let asked = retry_after_ms.unwrap_or(0).min(RETRY_AFTER_MAX_MS);
    Some(pause.max(asked) + chance % (pause / 5 + 1))
}

/// Whether a text can name an endpoint.
pub fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    text.len() <= NAME_MAX_BYTES
        && text.bytes().all(is_inner)
        && text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_are_spread_and_end() {
        let shortest: Vec<_> = (1..=8).map(|attempt| pause_after(attempt, None, 0)).collect();
        let expected = [5_000, 30_000, 120_000, 600_000, 3_600_000, 14_400_000, 43_200_000];
        assert_eq!(shortest, expected.into_iter().map(Some).chain([None]).collect::<Vec<_>>());
        assert_eq!(ATTEMPTS_MAX as usize, 1 + PAUSES_MS.len());
        for chance in [1, 999, 1_000, 1_001, u64::MAX] {
            let pause = pause_after(1, None, chance).unwrap();
            assert!((5_000..=6_000).contains(&pause), "{pause}");
        }
        assert_eq!(pause_after(1, Some(60_000), 0), Some(60_000), "a receiver may ask for more");
        assert_eq!(pause_after(3, Some(1_000), 0), Some(120_000), "and not for less");
        assert_eq!(pause_after(1, Some(u64::MAX), 0), Some(43_200_000), "nor for ever");
        assert_eq!(pause_after(8, Some(1), 0), None);
        assert_eq!(pause_after(0, None, 0), None);
    }

    #[test]
    fn answers_are_yes_later_or_no() {
        for status in [200, 201, 204, 299] {
            assert_eq!(Answered::of(status), Answered::Taken);
        }
        for status in [408, 425, 429, 500, 502, 503, 599] {
            assert_eq!(Answered::of(status), Answered::Later);
        }
        for status in [101, 199, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 409, 410, 422, 600, 999] {
            assert_eq!(Answered::of(status), Answered::Never, "{status}");
        }
    }

    #[test]
    fn a_secret_is_base64_of_enough_bytes_and_is_never_shown() {
        let made = Secret::of_bytes(&[7; 32]);
        assert_eq!(Secret::parse(made.expose()), Some(made.clone()));
        assert_eq!(made.key().unwrap(), [7; 32]);
        assert!(!format!("{made:?}").contains("Bwc"));
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
        for good in [24, 64] {
            assert!(Secret::parse(&of(good)).is_some());
        }
        let unpadded = of(25).trim_end_matches('=').to_owned();
        for bad in [&of(23), &of(65), &unpadded, "", "whsec_", "whsec_%%%%", &made.expose()[6..], "WHSEC_AAAA"] {
            assert_eq!(Secret::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "9", "ops-chat_2", &"x".repeat(63)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "_a", "A", "a.b", "a/b", "\u{e4}", "a b", &"x".repeat(64)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}

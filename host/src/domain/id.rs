//! Identifiers. Each is its own type, so that a run's id cannot stand where a mission's is
//! meant; all are cheap to clone.

use std::fmt;
use std::sync::Arc;

/// Longest identifier a caller may choose, in bytes.
pub const ID_MAX_BYTES: usize = 128;

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to {ID_MAX_BYTES} characters of A-Z a-z 0-9 . _ : @ -, and begins with a letter or digit")]
pub struct InvalidId;

/// Checks a caller's identifier.
///
/// # Errors
/// [`InvalidId`] unless it has 1 to [`ID_MAX_BYTES`] characters of `A-Za-z0-9._:@-` and begins
/// with a letter or digit, so that it can stand in a path, a key and a file name.
pub fn check(text: &str) -> Result<(), InvalidId> {
    let mut bytes = text.bytes();
    let starts_well = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    let goes_on_well = bytes.all(|b| b.is_ascii_alphanumeric() || b"._:@-".contains(&b));
    if starts_well && goes_on_well && text.len() <= ID_MAX_BYTES { Ok(()) } else { Err(InvalidId) }
}

/// Whether `text` looks like an identifier that a host made: `prefix` and the 32 digits of a UUID, and in a lease's a
/// dot and a number after them.
pub fn is_made(prefix: &str, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(prefix) else { return false };
    let (digits, number) = rest.split_once('.').unwrap_or((rest, "1"));
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    digits.len() == 32
        && digits.bytes().all(is_digit)
        && (1..=20).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// What the host's own identifiers of this kind begin with.
            pub const PREFIX: &'static str = $prefix;

            /// Takes a text as it is; [`check`] it first when it comes from a caller.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

identifiers! {
    /// A tenant: every row and event belongs to exactly one.
    WorkspaceId = "ws_";
    /// A mission.
    MissionId = "mis_";
    /// A work item; unique within its mission.
    WorkItemId = "wi_";
    /// A run.
    RunId = "run_";
    /// An artifact.
    ArtifactId = "art_";
    /// One request for a gate's verdict.
    EvaluationId = "evl_";
    /// A verdict.
    VerdictId = "ver_";
    /// An approval.
    ApprovalId = "apr_";
    /// A token that somebody issued.
    TokenId = "tok_";
    /// One holding of a named lease.
    LeaseId = "lse_";
    /// A routine; unique within its workspace.
    RoutineId = "rtn_";
    /// One occurrence of a routine: what the routine's callers know as its run.
    OccurrenceId = "run_";
    /// A record of memory.
    MemoryId = "mem_";
    /// One delivery to a webhook's endpoint.
    DeliveryId = "dlv_";
    /// An event of the log, or one waiting in a mission's inbox.
    EventId = "evt_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_leave_their_place_are_refused() {
        for bad in ["", ".", "..", "a/b", "-rf", "a b", "a\n", "ä", &"x".repeat(129)] {
            assert_eq!(check(bad), Err(InvalidId), "{bad:?}");
        }
        for good in ["a", "fix-parser", "A.b_c:d@e", &"x".repeat(128)] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
    }
}

//! What makes an occurrence the only one of its kind.

use crate::domain::id::OccurrenceId;
use crate::domain::time::Timestamp;

/// The place of an occurrence among those of its routine: no two have the same, so that of two
/// hosts, or of two tries, one makes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(String);

impl Slot {
    /// Of what the schedule says for this written instant.
    pub fn scheduled(at: Timestamp) -> Self {
        Self(format!("s:{}", at.as_millis()))
    }

    /// Of a backfill of this written instant.
    pub fn backfilled(at: Timestamp) -> Self {
        Self(format!("b:{}", at.as_millis()))
    }

    /// Of what somebody asked for.
    pub fn asked(id: &OccurrenceId) -> Self {
        Self(format!("n:{id}"))
    }

    /// From storage.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

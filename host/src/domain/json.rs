//! Opaque JSON: payloads the host carries and stores but does not look into.

use std::fmt;
use std::sync::Arc;

/// One JSON value as text. Whoever makes one vouches that the text is valid JSON; the host's
/// own come from a serialiser, callers' and plugins' were parsed first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Arc<str>);

impl Json {
    /// Takes text that is known to be valid JSON.
    pub fn from_valid(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// `{}`.
    pub fn empty_object() -> Self {
        Self(Arc::from("{}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

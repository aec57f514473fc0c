//! Errors, as every answer that is none tells them (RFC 9457).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A problem document.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Path of a page that explains this kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    pub problem_type: String,
    /// The kind of problem, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, and what would be right.
    pub detail: String,
    /// The kind of problem, for programs; never renamed.
    #[schema(example = "NOT_FOUND", pattern = "^[A-Z][A-Z0-9_]*$")]
    pub code: String,
    /// Whether the same request may succeed a little later.
    pub retryable: bool,
    /// What else a program needs: `field`, `expected_rev`, `current_rev`, ...
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

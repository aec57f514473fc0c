//! What the rules of a gate are made of: findings in a bounded heap, severities as settings,
//! globs over paths, text made fit for a message.
//!
//! Shared by the reviewer and the tester so that both order, cut and count alike. Owns no rule and
//! never decides an outcome.
//!
//! Read next: `findings`, `glob`, `severity`, `message`.

mod findings;
mod glob;
mod message;
mod severity;

pub use findings::{FINDINGS_MAX, Findings};
pub use glob::{BadGlob, Glob, Globs};
pub use message::{MESSAGE_MAX_BYTES, clean};
pub use severity::Level;

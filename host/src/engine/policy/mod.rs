//! The policies of workspaces: kept revision by revision, at hand for every decision, and changed by
//! operators.
//!
//! [`rules`] is what a decision takes: compiled once, forgotten when the log tells of another revision,
//! and compared with storage twice a second besides. [`change`] writes a revision. [`recorded`] keeps what was
//! decided, so that another policy can be tried on it. [`side_effect`] is asked by whatever would reach the outside world. [`question`] is how questions are written. What policies mean is [`crate::policy`]'s.

mod asked;
mod change;
mod question;
mod recorded;
mod rules;
mod side_effect;
mod view;

pub use asked::explain as explain_by_policy;
pub use change::PolicyChange;
pub use question::{Question, written as written_question};
pub use recorded::DECISIONS_KEPT;
pub use view::{policy_view, preset_of as policy_preset_of, source_of as policy_source_of};

pub(super) use question::is_covered;
pub(super) use recorded::Decisions;
pub(super) use rules::Policies;
pub(super) use side_effect::SideEffectJudged;

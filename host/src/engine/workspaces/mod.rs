//! What workspaces bind: which components decide in them, revision by revision.
//!
//! A change is judged whole before it is written, and is in force on every host from its commit on: whoever makes a
//! mission guards the revision it is made by, and whoever scrubs looks which one is the newest. Missions that are
//! there stay pinned to what they were made with. The components are [`super::registry`]'s.

mod bound;
mod change;
mod create;
mod quarantine;
mod resolve;

pub use bound::Bound;
pub(super) use bound::BoundSets;
pub use change::WorkspaceChange;
pub use create::WorkspaceMission;
pub(super) use quarantine::Failures;
pub(super) use resolve::Place;

//! The event log, read: whoever watches, watches through here.
//!
//! It owns how the log is followed without gaps. It writes nothing; events are written by the
//! unit of work they tell of ([`crate::store::Unit`]). Next: [`Tailer`], which a server's many
//! followers share, and [`Follower`], which is alone.

mod follow;
mod tailer;

pub use follow::{FOLLOW_PAGE, Follower, POLL_INTERVAL};
pub use tailer::{Observer, Tail, Tailed, Tailer, Told};

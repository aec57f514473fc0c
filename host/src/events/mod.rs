//! The event log, read: whoever watches, watches through here.
//!
//! It owns how the log is followed without gaps. It writes nothing; events are written by the
//! unit of work they tell of ([`crate::store::Unit`]). Next: [`Tailer`], which a server's many
//! followers share, and [`Follower`], which is alone.
//!
//! An event's way to a [`Tail`]: `tailer.rs` reads it once for the whole host, `recent.rs` remembers it,
//! `routes.rs` finds who asked for it, `seat.rs` is where each of them is told, `values.rs` reads what a
//! shared resource holds for whoever wants it along.

mod follow;
mod tailer;
mod recent;
mod routes;
mod seat;
mod tail;
mod values;

pub use follow::{FOLLOW_PAGE, Follower, POLL_INTERVAL};
pub use recent::Tailed;
pub use tail::{Tail, Told};
pub use tailer::{Effort, Observer, Tailer};

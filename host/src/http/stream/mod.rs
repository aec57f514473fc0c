//! Streams of the workspace's log, as server-sent events or as a page of JSON.
//!
//! A stream holds a cursor and no events. It is written a few events at a time and only when the
//! client takes them, so that one that never reads costs its socket's buffers and nothing more.
//! `log.rs` is the whole log, `resources.rs` what becomes of shared resources, `routines.rs` what
//! happens to routines; all begin as `start.rs` has it, go on as `follower.rs` has it, and look as
//! `frame.rs` has it.

pub(super) mod log;
pub(super) mod resources;
pub(super) mod routines;
mod start;
mod follower;
mod frame;

/// Most prefixes of types in one filter.
const TYPES_MAX: usize = 20;
/// Most events that a stream begins with when it is asked for the newest ones.
const TAIL_MAX: u32 = 10_000;

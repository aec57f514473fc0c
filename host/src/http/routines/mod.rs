//! Routines: work that starts by a schedule, and the runs that came of it.
//!
//! [`preview`] tells what a schedule means before anything is saved.

pub(super) mod preview;

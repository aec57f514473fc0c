//! Routines on both databases: what fires when, once on however many hosts, what becomes of what was
//! missed or overlaps, and what needs a person first.

mod firing;

//! Routines on both databases: what fires when, once on however many hosts, what becomes of what was
//! missed or overlaps, and what needs a person first.

mod firing;
mod clocks;
mod outages;
mod overlap;
mod approval;
mod drafts;
mod asked;
mod ends;
mod live;
mod retention;
mod templates;

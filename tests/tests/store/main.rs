//! The store, from outside, on both databases.

#![expect(clippy::unwrap_used, reason = "a case that cannot go on ends there")]

mod records;
mod guards;
mod batches;
mod reads;
mod log;
mod blobs;
mod resources;
mod memories;
mod memory_search;
mod opening;
mod faults;
mod durability;

//! The store, from outside, on both databases.

mod records;
mod guards;
mod batches;
mod reads;
mod log;
mod blobs;
mod opening;
mod faults;
mod durability;

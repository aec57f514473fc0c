//! What the end-to-end tests share: databases to run on and records to run with.
//!
//! The tests themselves are in `tests/tests/`, one directory or file for each subject.

pub mod scratch;
pub mod postgres;
pub mod databases;
pub mod random;
pub mod records;

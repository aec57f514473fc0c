//! The API as its clients see it, on both databases.

mod access;
mod bad_input;
mod missions;
mod stream;

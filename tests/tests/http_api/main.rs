//! The API as its clients see it, on both databases.

mod missions;
mod stream;

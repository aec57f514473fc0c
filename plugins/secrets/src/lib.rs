//! Finds credentials in text: vendor tokens, keys, URL passwords, suspicious assignments.
//!
//! Owns the formats of secrets and the judgement 'this is real, that is a placeholder'. Shared by
//! the reviewer (added lines of a diff) and the scrubber (text bound for memory), so that what one
//! rejects the other redacts. Never decides what follows from a find, and never copies the secret:
//! a [`Found`] only points. No tables are compiled at run time, because a fresh plugin instance
//! cannot afford it: one pass over the bytes, guided by first bytes that are known at compile time.
//!
//! Read next: `kind` (what exists), `token` (vendor formats), `assignment` (the generic
//! guess), `block` (private keys), `url` (passwords in URLs and headers).

mod assignment;
mod block;
mod entropy;
mod kind;
mod placeholder;
mod scan;
mod token;
mod url;

pub use entropy::bits_per_byte;
pub use kind::Kind;
pub use placeholder::is_placeholder;
pub use scan::{Found, Options, find};

//! Finds credentials in text: vendor tokens, keys, passwords in URLs, files, commands and sentences.
//!
//! Owns the formats of secrets and the judgement 'this is real, that is a placeholder'. Shared by
//! the reviewer (added lines of a diff) and the scrubber (text bound for memory), so that what one
//! rejects the other redacts. Never decides what follows from a find, and never copies the secret:
//! a [`Found`] only points. No tables are compiled at run time, because a fresh plugin instance
//! cannot afford it: one pass over the bytes, guided by an index that the compiler built.
//!
//! Every matcher is bounded: it looks a stated number of bytes around the word that called it, so
//! that the time is linear in the text whatever the text is.
//!
//! Read next, in the order of a find: `index` (the words that are looked for), `scan` (who is asked),
//! `formats` (what vendors' tokens look like), `names`, `value` and `judge` (`password = ...`),
//! `table`, `prose`, `login`, `command`, `header`, `url`, `document`, `block` (private keys), `runs` (random strings
//! near a hint) and `issued` (those without one); below them `random`, `placeholder`, `words`, `openings`, `alphabet`,
//! `marks`, `base64`.

#![expect(clippy::naive_bytecount, reason = "what is counted is a few hundred bytes long at most")]

mod alphabet;
pub mod base64;
mod block;
mod command;
mod document;
mod formats;
mod header;
mod index;
mod issued;
mod judge;
mod kind;
mod login;
pub mod marks;
mod names;
mod openings;
mod placeholder;
mod prose;
mod random;
mod runs;
mod scan;
mod table;
mod url;
mod value;
mod vendors;
mod words;

pub use kind::Kind;
pub use login::behind_address;
pub use placeholder::is_placeholder;
pub use random::bits_per_byte;
pub use scan::{Found, Options, find};

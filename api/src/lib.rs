//! Wire types: everything that is read from or written to a client, a file or a worker.
//!
//! These are the only serialisable types of the project; the host converts between them and its
//! domain. Names are in snake case, times are milliseconds since the Unix epoch and end in `_at_ms`
//! or `_ms`. Requests refuse unknown members; answers may gain members at any time.

pub mod mission;
pub mod resource;
pub mod memory;
pub mod lease;
pub mod run;
pub mod verdict;
pub mod command;
pub mod input;
pub mod history;
pub mod event;
pub mod work;
pub mod session;
pub mod schedule;
pub mod routine;
pub mod routine_run;
pub mod token;
pub mod policy;
pub mod problem;
pub mod server;
pub mod plugin;
pub mod workspace;
pub mod check;
pub mod webhook;
pub mod shadow;

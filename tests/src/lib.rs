//! What the cases in `tests/` share: the host's parts made ready to be tried, and nothing that
//! decides whether a case passes.

pub mod bare;
pub mod bare_gate;
pub mod guest;
pub mod plugins;

pub mod scratch;
pub mod postgres;
pub mod databases;
pub mod random;
pub mod linear;
pub mod binary;
pub mod scripted;
pub mod engine;
pub mod server;
pub mod sessions;
pub mod load;
pub mod flow;
pub mod routines;
pub mod records;
pub mod told;
pub mod receiver;
pub mod hooked;

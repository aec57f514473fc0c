//! Outgoing webhooks from outside: operators, a run that asks, and a receiver that checks what it gets. On both
//! databases.

mod approvals;
mod deliveries;
mod endpoints;
mod filter;
mod hosts;
mod names;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

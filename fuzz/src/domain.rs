//! Modules of the host's domain that stand alone.

#[path = "../../host/src/domain/schedule/mod.rs"]
pub mod schedule;
#[path = "../../host/src/domain/time.rs"]
pub mod time;

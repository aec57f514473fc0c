//! Sluice: an engine host that keeps the durable truth of agent work and lets sandboxed
//! WebAssembly components decide how it flows.

pub mod domain;
pub mod engine;

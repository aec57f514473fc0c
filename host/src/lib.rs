//! Sluice: an engine host that keeps the durable truth of agent work and lets sandboxed
//! WebAssembly components decide how it flows.
//!
//! The modules stand in the order in which data flows through them.

pub mod domain;
pub mod clock;
pub mod wire;
pub mod signing;
pub mod policy;
pub mod store;
pub mod events;
pub mod engine;
pub mod scheduler;
pub mod telemetry;
pub mod http;
pub mod worker;
pub mod client;
pub mod plugins;
pub mod kit;
pub mod templates;
pub mod embeddings;
pub mod webhooks;
pub mod data_dir;
pub mod config;
pub mod timekeeping;
pub mod app;
pub mod cli;

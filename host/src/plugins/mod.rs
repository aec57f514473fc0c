//! Components are loaded, checked and called here: the only module that names wasmtime.
//!
//! A component decides and never acts: it sees what its world lets it read, in a fresh instance
//! with bounded fuel, memory, time and results, and what it answers is checked before anybody
//! believes it. This module never decides what becomes of an answer; that is the engine's, whose
//! trait [`crate::engine::ports::Plugins`] it implements.
//!
//! Read [`PluginHost`] first, then `call` (one call) and [`limits`]. On the way in stand
//! [`inspect`], [`manifest`], `world` and [`settings`]; under the calls `runtime`, `cache`
//! and `component`. What operators upload is compiled by a child of the same program: [`apart`]
//! starts it, [`child`] is it, `first_call` is how a component is tried there.

pub mod limits;
pub mod manifest;
pub mod inspect;
pub mod settings;
mod world;
mod builtin;
mod bindings;

mod runtime;
mod ticker;
mod permits;
mod cache;
mod precompiled;
pub mod apart;
pub mod child;
mod component;

mod call;
mod meter;
mod failure;
mod object;
pub mod plugin_log;
mod wasi;
pub mod reducer;
mod commands;
mod view;
mod status;
pub mod gate;
pub mod scrubber;

mod error;
mod check;
mod trial;
mod first_call;
mod host;
mod registry;

pub use apart::{ApartError, CompileLimits, Compiler};
pub use error::{BindError, LoadError, PluginHostError};
pub use host::{PluginHost, PluginHostOptions, PluginInfo};
pub use inspect::{COMPONENT_BYTES_MAX, Inspection};
pub use limits::{CallLimits, Limits};
pub use manifest::{Manifest, ManifestError};
pub use settings::SettingsProblem;

//! The repository's own tasks, as a library so that tests can call them.
//!
//! Owns what cargo has no command for. Never part of what is shipped. Read next: [`plugins`].

pub mod plugins;
pub mod contract;
pub mod openapi;
mod schemas;
pub mod tidy;

use std::path::PathBuf;

/// The root of the checkout this task was compiled in.
pub fn root() -> PathBuf {
    let crate_folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().map(PathBuf::from).unwrap_or(crate_folder)
}

//! Doubles of the host, so that a plugin's logic is tested natively and in milliseconds.
//!
//! Owns nothing a component runs with: it is left out where a component is compiled.
//! A gate is tested with `MemoryArtifacts`. A reducer is tested either one event at a time, with a
//! `MemoryBoard` and `RecordedCommands`, or as a whole flow with a `MemoryMission`, which applies
//! what the reducer issues under the host's rules and refuses what the host would refuse.

#[cfg(feature = "gate")]
mod artifacts;
#[cfg(feature = "mission")]
mod board;
#[cfg(feature = "mission")]
mod commands;
#[cfg(feature = "mission")]
mod mission;
#[cfg(feature = "mission")]
mod rules;

#[cfg(feature = "gate")]
pub use artifacts::MemoryArtifacts;
#[cfg(feature = "mission")]
pub use board::{GateRecord, ItemRecord, MemoryBoard, RunRecord};
#[cfg(feature = "mission")]
pub use commands::RecordedCommands;
#[cfg(feature = "mission")]
pub use mission::{MemoryMission, Told};

use std::cell::RefCell;

thread_local! {
    static SETTINGS: RefCell<String> = RefCell::new("{}".to_owned());
}

/// Binds settings (one JSON object) for the plugin calls of this thread, until the next call of
/// this function.
pub fn set_settings(json: &str) {
    SETTINGS.with_borrow_mut(|settings| json.clone_into(settings));
}

pub(crate) fn settings_text() -> String {
    SETTINGS.with_borrow(Clone::clone)
}

//! Doubles of the host, so that a plugin's logic is tested natively and in milliseconds.
//!
//! Owns nothing a component runs with; a component that does not call it does not contain it.
//! Read next: the module that doubles what your kind of plugin imports.

#[cfg(feature = "gate")]
mod artifacts;

#[cfg(feature = "gate")]
pub use artifacts::MemoryArtifacts;

use std::cell::RefCell;

thread_local! {
    static SETTINGS: RefCell<String> = RefCell::new("{}".to_owned());
}

/// Binds settings (one JSON object) for the plugin calls of this thread, until the next call of
/// this function.
pub fn set_settings(json: &str) {
    SETTINGS.with_borrow_mut(|settings| json.clone_into(settings));
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn settings_text() -> String {
    SETTINGS.with_borrow(Clone::clone)
}

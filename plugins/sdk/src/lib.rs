//! What a Rust plugin of Sluice is written with, so that a plugin is its logic and ten lines of
//! glue.
//!
//! Owns: the bindings of the worlds in `wit/`, the allocator of a component, how settings are
//! read, and doubles of the host for native tests. Never decides anything: no rule of a gate or a
//! reducer lives here.
//!
//! A plugin is a crate of type `cdylib` and `rlib` that enables one feature (`gate`, `mission`,
//! `scrubber`), implements that module's trait and names its type once:
//!
//! ```
//! # #[cfg(feature = "gate")] mod doc {
//! use sluice_plugin::gate::{ArtifactSource, Gate, GateInput, Outcome, Verdict};
//!
//! struct NotEmpty;
//!
//! impl Gate for NotEmpty {
//!     fn evaluate(input: &GateInput, _: &dyn ArtifactSource) -> Result<Verdict, String> {
//!         let outcome = if input.artifacts.is_empty() { Outcome::Fail } else { Outcome::Pass };
//!         Ok(Verdict::new(outcome, format!("{} artifacts", input.artifacts.len())))
//!     }
//! }
//!
//! sluice_plugin::export_gate!(NotEmpty);
//! # }
//! ```
//!
//! `cargo run -p xtask -- plugins` builds it for `wasm32-unknown-unknown` and makes the component.
//! Read next: [`gate`], [`scrubber`] or [`mission`], then [`settings`] and [`testing`].

#[cfg(any(test, target_arch = "wasm32"))]
mod arena;
#[cfg(feature = "gate")]
pub mod gate;
pub mod log;
#[cfg(feature = "mission")]
pub mod mission;
#[cfg(feature = "scrubber")]
pub mod scrubber;
pub mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use serde_json;

/// Bindings of what every kind of plugin has.
#[doc(hidden)]
#[expect(clippy::pedantic, reason = "generated from `wit/`, which holds the documentation")]
pub mod base {
    wit_bindgen::generate!({
        path: ["../../wit/plugin-0.1", "wit"],
        world: "sluice:sdk/base",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_base_world",
        default_bindings_module: "sluice_plugin::base",
    });
}

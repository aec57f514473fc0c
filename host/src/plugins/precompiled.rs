//! Loads compiled code: the only place of the host where `unsafe` stands.

#![expect(unsafe_code, reason = "compiled code is native code; see the safety comment")]

use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads what [`Engine::precompile_component`] made.
///
/// `compiled` must come, unchanged, from a call of [`Engine::precompile_component`] by this
/// user's own host or a child of it. [`super::cache`] vouches for it: it keeps the files in a
/// directory that nobody else can write, and checks the code at their head.
///
/// # Errors
/// It was made by an engine of another version or with other settings.
pub(super) fn load(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` runs whatever native code it is given, so it has to be given only
    // what the compiler made. The two callers give it what `precompile_component` returned just
    // now, or a child of this program did, and what `cache` read: a file of this user's, in a
    // directory of mode 0700 of this user's, vouched for by a code that only this user can make.
    unsafe { Component::deserialize(engine, compiled) }
}

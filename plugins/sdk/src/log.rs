//! Lines for the plugin's own log.
//!
//! Owns nothing: each function hands one line to the host, which cuts it after 4,096 bytes and
//! keeps 256 of one call. In native tests a line goes to the test's captured output. Nothing a
//! plugin decides may depend on logging. Read next: `wit/plugin-0.1/log.wit`.

pub use crate::base::sluice::plugin::log::Level;

/// Step-by-step detail.
pub fn trace(message: &str) {
    write(Level::Trace, message);
}

/// Detail for the plugin's author.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// What an operator may want to know.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Something unexpected that the plugin coped with.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Something that made the call fail.
pub fn error(message: &str) {
    write(Level::Error, message);
}

/// Has a panic tell where and why in the log before it traps; the trap itself says neither.
/// Every export of a component begins with it.
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}

#[cfg(target_arch = "wasm32")]
fn write(level: Level, message: &str) {
    crate::base::sluice::plugin::log::log(level, message);
}

#[cfg(not(target_arch = "wasm32"))]
fn write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}

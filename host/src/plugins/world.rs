//! What each kind of plugin may import and has to export. A component that wants more is refused
//! before it is compiled, with everything it wanted.

use super::LoadError;
use super::inspect::Inspection;
use crate::domain::plugin::PluginKind;

/// The optional export that judges settings.
pub(super) const SETTINGS_CHECK: &str = "sluice:plugin/settings-check@0.1.0";

/// What every kind may import.
const BASE_IMPORTS: &[&str] = &["sluice:plugin/types@0.1.0", "sluice:plugin/log@0.1.0", "sluice:plugin/settings@0.1.0"];

/// Interfaces of WASI 0.2 that are linked with nothing in them, in whatever patch version.
const WASI_IMPORTS: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// What a kind of plugin may import besides [`BASE_IMPORTS`] and WASI.
fn own_imports(kind: PluginKind) -> &'static [&'static str] {
    match kind {
        PluginKind::Reducer => {
            &["sluice:mission/types@0.1.0", "sluice:mission/board@0.1.0", "sluice:mission/commands@0.1.0"]
        }
        PluginKind::Gate => &["sluice:gate/types@0.1.0", "sluice:gate/artifacts@0.1.0"],
        PluginKind::Scrubber => &["sluice:scrubber/types@0.1.0"],
    }
}

/// What a kind of plugin has to export.
fn export(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Reducer => "sluice:mission/reducer@0.1.0",
        PluginKind::Gate => "sluice:gate/evaluator@0.1.0",
        PluginKind::Scrubber => "sluice:scrubber/text@0.1.0",
    }
}

/// Checks a component against the world of the kind it says it is.
///
/// # Errors
/// [`LoadError::ForbiddenImports`] with all of them, or [`LoadError::WrongWorld`].
pub(super) fn check(inspection: &Inspection) -> Result<(), LoadError> {
    let kind = inspection.manifest.kind;
    if !inspection.exports.iter().any(|name| name == export(kind)) {
        let exports = inspection.exports.join(", ");
        return Err(LoadError::WrongWorld {
            kind,
            expected: export(kind),
            found: if exports.is_empty() { "nothing".to_owned() } else { exports },
        });
    }
    let forbidden: Vec<String> = inspection.imports.iter().filter(|name| !is_allowed(kind, name)).cloned().collect();
    if forbidden.is_empty() { Ok(()) } else { Err(LoadError::ForbiddenImports { kind, imports: forbidden }) }
}

fn is_allowed(kind: PluginKind, name: &str) -> bool {
    BASE_IMPORTS.contains(&name) || own_imports(kind).contains(&name) || is_empty_wasi(name)
}

fn is_empty_wasi(name: &str) -> bool {
    name.split_once("@0.2.")
        .is_some_and(|(interface, patch)| WASI_IMPORTS.contains(&interface) && patch.parse::<u8>().is_ok())
}

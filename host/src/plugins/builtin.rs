//! The components that come with the host, so that it works without installing anything.

macro_rules! prebuilt {
    ($($name:literal),*) => {
        &[$(($name, include_bytes!(concat!("../../../plugins/prebuilt/", $name, ".wasm")) as &[u8])),*]
    };
}

/// Name and bytes of each, as `cargo run -p xtask -- plugins` made them.
pub(super) const BUILTINS: &[(&str, &[u8])] = prebuilt!["mission-default", "reviewer", "tester", "scrubber"];

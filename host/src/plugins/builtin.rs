//! The components that come with the host, so that it works without installing anything.

/// Name and bytes of each, as `cargo xtask plugins` made them.
pub(super) const BUILTINS: &[(&str, &[u8])] =
    &[("mission-default", include_bytes!("../../../plugins/prebuilt/mission-default.wasm"))];

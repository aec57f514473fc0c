//! The components that come with the host, so that it works without installing anything.

/// Name and bytes of each, as `cargo xtask plugins` made them.
pub(super) const BUILTINS: &[(&str, &[u8])] = &[
    ("mission-default", include_bytes!("../../../plugins/prebuilt/mission-default.wasm")),
    ("reviewer", include_bytes!("../../../plugins/prebuilt/reviewer.wasm")),
    ("tester", include_bytes!("../../../plugins/prebuilt/tester.wasm")),
    ("scrubber", include_bytes!("../../../plugins/prebuilt/scrubber.wasm")),
];

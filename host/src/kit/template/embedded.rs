//! The texts that travel in this program. A test compares the lists with the repository.

use crate::domain::plugin::PluginKind;

/// A new plugin's `Cargo.toml`.
pub(super) const CARGO_TOML: &str = include_str!("../../../kit/shared/Cargo.toml.in");

/// Its `README.md`.
pub(super) const README: &str = include_str!("../../../kit/shared/README.md.in");

/// Its `.gitignore`.
pub(super) const GITIGNORE: &str = include_str!("../../../kit/shared/gitignore.in");

/// Its `rustfmt.toml`.
pub(super) const RUSTFMT_TOML: &str = include_str!("../../../kit/shared/rustfmt.toml.in");

/// The SDK's manifest, as the repository has it.
pub(super) const SDK_CARGO_TOML: &str = include_str!("../../../../plugins/sdk/Cargo.toml");

/// The versions this program was made with.
pub(super) const CARGO_LOCK: &str = include_str!("../../../../Cargo.lock");

/// The contract.
pub(super) const WIT: &[(&str, &str)] = &[
    ("gate-0.1/artifacts.wit", include_str!("../../../../wit/gate-0.1/artifacts.wit")),
    ("gate-0.1/evaluator.wit", include_str!("../../../../wit/gate-0.1/evaluator.wit")),
    ("gate-0.1/types.wit", include_str!("../../../../wit/gate-0.1/types.wit")),
    ("gate-0.1/world.wit", include_str!("../../../../wit/gate-0.1/world.wit")),
    ("mission-0.1/board.wit", include_str!("../../../../wit/mission-0.1/board.wit")),
    ("mission-0.1/commands.wit", include_str!("../../../../wit/mission-0.1/commands.wit")),
    ("mission-0.1/reducer.wit", include_str!("../../../../wit/mission-0.1/reducer.wit")),
    ("mission-0.1/types.wit", include_str!("../../../../wit/mission-0.1/types.wit")),
    ("mission-0.1/world.wit", include_str!("../../../../wit/mission-0.1/world.wit")),
    ("plugin-0.1/log.wit", include_str!("../../../../wit/plugin-0.1/log.wit")),
    ("plugin-0.1/settings-check.wit", include_str!("../../../../wit/plugin-0.1/settings-check.wit")),
    ("plugin-0.1/settings.wit", include_str!("../../../../wit/plugin-0.1/settings.wit")),
    ("plugin-0.1/types.wit", include_str!("../../../../wit/plugin-0.1/types.wit")),
    ("scrubber-0.1/text.wit", include_str!("../../../../wit/scrubber-0.1/text.wit")),
    ("scrubber-0.1/types.wit", include_str!("../../../../wit/scrubber-0.1/types.wit")),
    ("scrubber-0.1/world.wit", include_str!("../../../../wit/scrubber-0.1/world.wit")),
];

/// The SDK, but for its manifest and the tests that need more than it does.
pub(super) const SDK: &[(&str, &str)] = &[
    ("src/arena.rs", include_str!("../../../../plugins/sdk/src/arena.rs")),
    ("src/gate.rs", include_str!("../../../../plugins/sdk/src/gate.rs")),
    ("src/lib.rs", include_str!("../../../../plugins/sdk/src/lib.rs")),
    ("src/log.rs", include_str!("../../../../plugins/sdk/src/log.rs")),
    ("src/mission/board.rs", include_str!("../../../../plugins/sdk/src/mission/board.rs")),
    ("src/mission/commands.rs", include_str!("../../../../plugins/sdk/src/mission/commands.rs")),
    ("src/mission/mod.rs", include_str!("../../../../plugins/sdk/src/mission/mod.rs")),
    ("src/scrubber.rs", include_str!("../../../../plugins/sdk/src/scrubber.rs")),
    ("src/settings.rs", include_str!("../../../../plugins/sdk/src/settings.rs")),
    ("src/testing/artifacts.rs", include_str!("../../../../plugins/sdk/src/testing/artifacts.rs")),
    ("src/testing/board.rs", include_str!("../../../../plugins/sdk/src/testing/board.rs")),
    ("src/testing/commands.rs", include_str!("../../../../plugins/sdk/src/testing/commands.rs")),
    ("src/testing/mission.rs", include_str!("../../../../plugins/sdk/src/testing/mission.rs")),
    ("src/testing/mod.rs", include_str!("../../../../plugins/sdk/src/testing/mod.rs")),
    ("src/testing/rules.rs", include_str!("../../../../plugins/sdk/src/testing/rules.rs")),
    ("wit/sdk.wit", include_str!("../../../../plugins/sdk/wit/sdk.wit")),
];

/// What differs between kinds.
pub(super) struct Templates {
    /// The feature of the SDK.
    pub(super) feature: &'static str,
    /// What the example decides, in words.
    pub(super) what: &'static str,
    /// One of its cases.
    pub(super) case: &'static str,
    /// `manifest.json`.
    pub(super) manifest: &'static str,
    /// `src/lib.rs`.
    pub(super) lib: &'static str,
    /// Names and texts of its cases.
    pub(super) golden: &'static [(&'static str, &'static str)],
}

impl Templates {
    /// Those of one kind.
    pub(super) fn of(kind: PluginKind) -> &'static Self {
        match kind {
            PluginKind::Gate => &GATE,
            PluginKind::Reducer => &REDUCER,
            PluginKind::Scrubber => &SCRUBBER,
        }
    }
}

const GATE: Templates = Templates {
    feature: "gate",
    what: "it refuses work whose artifacts hold a forbidden word.",
    case: "forbidden",
    manifest: include_str!("../../../kit/gate/manifest.json"),
    lib: include_str!("../../../kit/gate/lib.rs"),
    golden: &[
        ("clean.json", include_str!("../../../kit/gate/golden/clean.json")),
        ("forbidden.json", include_str!("../../../kit/gate/golden/forbidden.json")),
        ("settings.json", include_str!("../../../kit/gate/golden/settings.json")),
    ],
};

const REDUCER: Templates = Templates {
    feature: "mission",
    what: "it works a mission's items one after another.",
    case: "two_items",
    manifest: include_str!("../../../kit/reducer/manifest.json"),
    lib: include_str!("../../../kit/reducer/lib.rs"),
    golden: &[
        ("attempts.json", include_str!("../../../kit/reducer/golden/attempts.json")),
        ("start.json", include_str!("../../../kit/reducer/golden/start.json")),
        ("two_items.json", include_str!("../../../kit/reducer/golden/two_items.json")),
    ],
};

const SCRUBBER: Templates = Templates {
    feature: "scrubber",
    what: "it cuts the numbers of tickets out of text.",
    case: "ticket",
    manifest: include_str!("../../../kit/scrubber/manifest.json"),
    lib: include_str!("../../../kit/scrubber/lib.rs"),
    golden: &[
        ("nothing.json", include_str!("../../../kit/scrubber/golden/nothing.json")),
        ("settings.json", include_str!("../../../kit/scrubber/golden/settings.json")),
        ("ticket.json", include_str!("../../../kit/scrubber/golden/ticket.json")),
    ],
};

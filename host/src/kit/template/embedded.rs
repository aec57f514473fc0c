//! The texts that travel in this program. A test compares the lists with the repository.

use crate::domain::plugin::PluginKind;

/// `Cargo.toml` of a plugin in Rust.
pub(in crate::kit) const CARGO_TOML: &str = include_str!("../../../kit/rust/Cargo.toml.in");

/// Its `README.md`.
pub(in crate::kit) const RUST_README: &str = include_str!("../../../kit/rust/README.md.in");

/// Its `.gitignore`.
pub(in crate::kit) const RUST_GITIGNORE: &str = include_str!("../../../kit/rust/gitignore.in");

/// Its `rustfmt.toml`.
pub(in crate::kit) const RUSTFMT_TOML: &str = include_str!("../../../kit/rust/rustfmt.toml.in");

/// `package.json` of a plugin in JavaScript.
pub(in crate::kit) const PACKAGE_JSON: &str = include_str!("../../../kit/js/package.json.in");

/// Its `package-lock.json`.
pub(in crate::kit) const PACKAGE_LOCK_JSON: &str = include_str!("../../../kit/js/package-lock.json.in");

/// Its `README.md`.
pub(in crate::kit) const JS_README: &str = include_str!("../../../kit/js/README.md.in");

/// Its `.gitignore`.
pub(in crate::kit) const JS_GITIGNORE: &str = include_str!("../../../kit/js/gitignore.in");

/// `requirements.txt` of a plugin in Python.
pub(in crate::kit) const REQUIREMENTS_TXT: &str = include_str!("../../../kit/python/requirements.txt");

/// Its `README.md`.
pub(in crate::kit) const PYTHON_README: &str = include_str!("../../../kit/python/README.md.in");

/// Its `.gitignore`.
pub(in crate::kit) const PYTHON_GITIGNORE: &str = include_str!("../../../kit/python/gitignore.in");

/// The world that a plugin of another language than Rust is built against.
pub(in crate::kit) const TARGET_WIT: &str = include_str!("../../../kit/shared/target.wit.in");

/// The SDK's manifest, as the repository has it.
pub(in crate::kit) const SDK_CARGO_TOML: &str = include_str!("../../../../plugins/sdk/Cargo.toml");

/// The versions this program was made with.
pub(in crate::kit) const CARGO_LOCK: &str = include_str!("../../../../Cargo.lock");

/// The contract.
pub(in crate::kit) const WIT: &[(&str, &str)] = &[
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
pub(in crate::kit) const SDK: &[(&str, &str)] = &[
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

/// What the example of one kind is.
#[derive(Debug)]
pub struct Example {
    /// The kind.
    pub(in crate::kit) kind: PluginKind,
    /// What it decides, in words.
    pub(in crate::kit) what: &'static str,
    /// The feature of the SDK.
    pub(in crate::kit) feature: &'static str,
    /// The world of the contract.
    pub(in crate::kit) world: &'static str,
    /// The packages that this world needs, each before those that use it.
    pub(in crate::kit) packages: &'static [&'static str],
    /// One of its cases.
    pub(in crate::kit) case: &'static str,
    /// `manifest.json`.
    pub(in crate::kit) manifest: &'static str,
    /// `src/lib.rs`.
    pub(in crate::kit) rust: &'static str,
    /// `plugin.js`.
    pub(in crate::kit) js: &'static str,
    /// `plugin.py`.
    pub(in crate::kit) python: &'static str,
    /// Names and texts of its cases.
    pub(in crate::kit) golden: &'static [(&'static str, &'static str)],
}

impl Example {
    /// That of one kind.
    pub(in crate::kit) fn of(kind: PluginKind) -> &'static Self {
        match kind {
            PluginKind::Gate => &GATE,
            PluginKind::Reducer => &REDUCER,
            PluginKind::Scrubber => &SCRUBBER,
        }
    }
}

const GATE: Example = Example {
    kind: PluginKind::Gate,
    what: "it refuses work whose artifacts hold a forbidden word.",
    feature: "gate",
    world: "sluice:gate/gate@0.1.0",
    packages: &["plugin-0.1", "gate-0.1"],
    case: "forbidden",
    manifest: include_str!("../../../kit/gate/manifest.json"),
    rust: include_str!("../../../kit/gate/lib.rs"),
    js: include_str!("../../../kit/gate/plugin.js"),
    python: include_str!("../../../kit/gate/plugin.py"),
    golden: &[
        ("clean.json", include_str!("../../../kit/gate/golden/clean.json")),
        ("forbidden.json", include_str!("../../../kit/gate/golden/forbidden.json")),
        ("settings.json", include_str!("../../../kit/gate/golden/settings.json")),
    ],
};

const REDUCER: Example = Example {
    kind: PluginKind::Reducer,
    what: "it works a mission's items one after another.",
    feature: "mission",
    world: "sluice:mission/mission-reducer@0.1.0",
    packages: &["plugin-0.1", "mission-0.1"],
    case: "two_items",
    manifest: include_str!("../../../kit/reducer/manifest.json"),
    rust: include_str!("../../../kit/reducer/lib.rs"),
    js: include_str!("../../../kit/reducer/plugin.js"),
    python: include_str!("../../../kit/reducer/plugin.py"),
    golden: &[
        ("attempts.json", include_str!("../../../kit/reducer/golden/attempts.json")),
        ("start.json", include_str!("../../../kit/reducer/golden/start.json")),
        ("two_items.json", include_str!("../../../kit/reducer/golden/two_items.json")),
    ],
};

const SCRUBBER: Example = Example {
    kind: PluginKind::Scrubber,
    what: "it cuts the numbers of tickets out of text.",
    feature: "scrubber",
    world: "sluice:scrubber/scrubber@0.1.0",
    packages: &["plugin-0.1", "scrubber-0.1"],
    case: "ticket",
    manifest: include_str!("../../../kit/scrubber/manifest.json"),
    rust: include_str!("../../../kit/scrubber/lib.rs"),
    js: include_str!("../../../kit/scrubber/plugin.js"),
    python: include_str!("../../../kit/scrubber/plugin.py"),
    golden: &[
        ("nothing.json", include_str!("../../../kit/scrubber/golden/nothing.json")),
        ("settings.json", include_str!("../../../kit/scrubber/golden/settings.json")),
        ("ticket.json", include_str!("../../../kit/scrubber/golden/ticket.json")),
    ],
};

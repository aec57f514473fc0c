//! Rust types and traits of the worlds in `wit/`, generated. Holds no logic; the traits are
//! implemented in [`super::reducer`], [`super::gate`], [`super::scrubber`] and
//! [`super::plugin_log`].

/// What every kind of plugin imports.
pub(super) mod base {
    wasmtime::component::bindgen!({
        path: ["../wit/plugin-0.1"],
        inline: "
            package sluice:host@0.1.0;
            world base {
                import sluice:plugin/log@0.1.0;
                import sluice:plugin/settings@0.1.0;
            }
        ",
        world: "sluice:host/base",
        imports: { default: trappable },
    });
}

/// The world of reducers.
pub(super) mod mission {
    wasmtime::component::bindgen!({
        path: ["../wit/plugin-0.1", "../wit/mission-0.1"],
        world: "sluice:mission/mission-reducer",
        imports: { default: trappable },
        with: { "sluice:plugin": super::base::sluice::plugin },
    });
}

/// The world of gates.
pub(super) mod gate {
    wasmtime::component::bindgen!({
        path: ["../wit/plugin-0.1", "../wit/gate-0.1"],
        world: "sluice:gate/gate",
        imports: { default: trappable },
        with: { "sluice:plugin": super::base::sluice::plugin },
    });
}

/// The world of scrubbers.
pub(super) mod scrubber {
    wasmtime::component::bindgen!({
        path: ["../wit/plugin-0.1", "../wit/scrubber-0.1"],
        world: "sluice:scrubber/scrubber",
        imports: { default: trappable },
        with: { "sluice:plugin": super::base::sluice::plugin },
    });
}

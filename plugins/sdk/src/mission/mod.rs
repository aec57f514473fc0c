//! What a mission's reducer is written with: the nouns of `wit/mission-0.1`, the board it reads,
//! the commands it issues, and the trait it implements.
//!
//! Never decides how a mission flows and never checks a command: the host does, after the call.
//! Read next: `wit/mission-0.1/types.wit` for what each member means, then [`Board`] and
//! [`Commands`].

mod board;
mod commands;

#[doc(hidden)]
#[expect(clippy::pedantic, reason = "generated from `wit/`, which holds the documentation")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/plugin-0.1", "../../wit/mission-0.1"],
        world: "sluice:mission/mission-reducer",
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_mission_world",
        default_bindings_module: "sluice_plugin::mission::bindings",
    });
}

pub use bindings::sluice::mission::board::{Mission, Run, StatusCount, WorkItem};
pub use bindings::sluice::mission::types::{Event, MissionStatus, RunStatus, WorkItemStatus};
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use board::HostBoard;
pub use board::{Board, PAGE_MAX};
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use commands::HostCommands;
pub use commands::{Command, Commands};

/// A reducer's logic. It may use nothing but its arguments and its settings: the same history
/// has to give the same commands, on any host and at any time.
pub trait Reducer {
    /// Called once when the mission is created, in status `draft`.
    ///
    /// # Errors
    ///
    /// A sentence for whoever created the mission, which is refused.
    fn init(board: &dyn Board, out: &mut dyn Commands) -> Result<(), String>;

    /// Called for each event, with the board as the event found it.
    ///
    /// # Errors
    ///
    /// A sentence that is recorded with the event, which is refused; nothing is applied.
    fn on_event(event: &Event, board: &dyn Board, out: &mut dyn Commands) -> Result<(), String>;

    /// Judges settings (one JSON object, valid under the manifest's schema) when they are bound.
    ///
    /// # Errors
    ///
    /// A sentence for the operator, naming the member at fault.
    fn check_settings(_settings: &str) -> Result<(), String> {
        Ok(())
    }
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal,)* }) => {
        impl $name {
            /// Every value, in the contract's order.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The word that stands for it in JSON and on the wire.
            pub fn word(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }
        }
    };
}

words!(MissionStatus {
    Draft = "draft",
    Running = "running",
    Paused = "paused",
    Succeeded = "succeeded",
    Failed = "failed",
    Canceled = "canceled",
});

words!(WorkItemStatus {
    Todo = "todo",
    InProgress = "in_progress",
    Blocked = "blocked",
    Review = "review",
    Test = "test",
    Rework = "rework",
    Done = "done",
    Failed = "failed",
    Canceled = "canceled",
});

words!(RunStatus {
    Queued = "queued",
    Running = "running",
    Succeeded = "succeeded",
    Failed = "failed",
    Canceled = "canceled",
});

impl MissionStatus {
    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

impl WorkItemStatus {
    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Canceled)
    }
}

impl RunStatus {
    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

/// Makes the crate a reducer component whose logic is the type given, an implementation of
/// [`Reducer`](crate::mission::Reducer). Once per crate; does nothing in a native build.
#[macro_export]
macro_rules! export_reducer {
    ($logic:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use ::core::result::Result;
            use ::std::string::String;
            use $crate::mission::{Event, HostBoard, HostCommands, Reducer};
            struct Component;
            impl $crate::mission::bindings::exports::sluice::mission::reducer::Guest for Component {
                fn init() -> Result<(), String> {
                    $crate::log::report_panics();
                    <$logic as Reducer>::init(&HostBoard, &mut HostCommands)
                }
                fn on_event(event: Event) -> Result<(), String> {
                    $crate::log::report_panics();
                    <$logic as Reducer>::on_event(&event, &HostBoard, &mut HostCommands)
                }
            }
            impl $crate::base::exports::sluice::plugin::settings_check::Guest for Component {
                fn check(settings: String) -> Result<(), String> {
                    $crate::log::report_panics();
                    <$logic as Reducer>::check_settings(&settings)
                }
            }
            $crate::mission::bindings::export_mission_world!(
                Component with_types_in $crate::mission::bindings
            );
    $crate::base::export_base_world!(Component with_types_in $crate::base);
        };
    };
}

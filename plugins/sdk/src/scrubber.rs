//! What a scrubber is written with: the nouns of `wit/scrubber-0.1` and the trait a scrubber
//! implements.
//!
//! Never cuts text: a scrubber points at stretches and the host cuts. Read next:
//! `wit/scrubber-0.1/types.wit` for what each member means.

#[doc(hidden)]
#[expect(clippy::pedantic, reason = "generated from `wit/`, which holds the documentation")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/plugin-0.1", "../../wit/scrubber-0.1"],
        world: "sluice:scrubber/scrubber",
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_scrubber_world",
        default_bindings_module: "sluice_plugin::scrubber::bindings",
    });
}

pub use bindings::sluice::scrubber::types::{Redaction, ScrubInput, ScrubReport};

/// A scrubber's logic.
pub trait Scrubber {
    /// Looks for what must not travel.
    ///
    /// # Errors
    ///
    /// A sentence for the operator; it blocks the text.
    fn scrub(input: &ScrubInput) -> Result<ScrubReport, String>;

    /// Judges settings (one JSON object, valid under the manifest's schema) when they are bound.
    ///
    /// # Errors
    ///
    /// A sentence for the operator, naming the member at fault.
    fn check_settings(_settings: &str) -> Result<(), String> {
        Ok(())
    }
}

/// Makes the crate a scrubber component whose logic is the type given, an implementation of
/// [`Scrubber`](crate::scrubber::Scrubber). Once per crate; does nothing in a native build.
#[macro_export]
macro_rules! export_scrubber {
    ($logic:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;
            impl $crate::scrubber::bindings::exports::sluice::scrubber::text::Guest for Component {
                fn scrub(
                    input: $crate::scrubber::ScrubInput,
                ) -> ::core::result::Result<$crate::scrubber::ScrubReport, ::std::string::String> {
                    $crate::log::report_panics();
                    <$logic as $crate::scrubber::Scrubber>::scrub(&input)
                }
            }
            impl $crate::base::exports::sluice::plugin::settings_check::Guest for Component {
                fn check(settings: ::std::string::String) -> ::core::result::Result<(), ::std::string::String> {
                    $crate::log::report_panics();
                    <$logic as $crate::scrubber::Scrubber>::check_settings(&settings)
                }
            }
            $crate::scrubber::bindings::export_scrubber_world!(
                Component with_types_in $crate::scrubber::bindings
            );
    $crate::base::export_base_world!(Component with_types_in $crate::base);
        };
    };
}

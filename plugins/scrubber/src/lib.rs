//! The scrubber: points at what must not travel in a text, and says when nothing of it may.
//!
//! Owns which kinds of personal data and secrets are looked for and how overlaps are settled.
//! Never cuts the text (the host does) and never copies what it finds into its report.
//!
//! Read next: `scrub` (how the report comes about), `personal` (addresses and numbers),
//! `network` (IP addresses), `settings`. Secrets are found by the crate `sluice-secrets`.

mod network;
mod personal;
mod scrub;
mod settings;
mod span;

use settings::Settings;
use sluice_plugin::scrubber::{ScrubInput, ScrubReport, Scrubber};

/// The scrubber.
pub struct TextScrubber;

impl Scrubber for TextScrubber {
    fn scrub(input: &ScrubInput) -> Result<ScrubReport, String> {
        scrub::scrub(&sluice_plugin::settings::parse()?, &input.text)
    }

    fn check_settings(settings: &str) -> Result<(), String> {
        sluice_plugin::settings::parse_text::<Settings>(settings)?.check()
    }
}

sluice_plugin::export_scrubber!(TextScrubber);

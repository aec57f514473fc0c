//! The scrubber: points at what must not travel in a text, and says when nothing of it may.
//!
//! Owns which kinds of personal data and secrets are looked for and how overlaps are settled.
//! Never cuts the text (the host does) and never copies what it finds into its report.
//!
//! # What it finds
//!
//! *Secrets* by the crate `sluice-secrets`: tokens of some 250 services by prefix, structure and
//! length; private keys; JSON Web Tokens; connection strings and URLs with passwords; webhook URLs;
//! headers and cookies; passwords and keys in code, settings, commands and sentences; random
//! strings near a word that says what they are. *Personal data* by `personal`: mail addresses,
//! telephone numbers, cards, accounts, the ids of some sixty countries by their check digits, dates
//! of birth, and on request IP and postal addresses. What is disguised by invisible or look-alike
//! characters, by escapes, base64 or hex, or by breaks is seen by `view`.
//!
//! # What it leaves alone
//!
//! UUIDs, digests and revisions, versions, public keys and certificates, images, placeholders, and
//! the keys that vendors print in their documentation.
//!
//! # Cost
//!
//! One pass over the text for each crate, guided by tables that the compiler built; every matcher
//! looks a bounded number of bytes around, so that the time is linear whatever the text is.
//! Measured: `benches/scrub`.
//!
//! Read next: `scrub` (how the report comes about), `finder` (who looks), `personal`, `view`,
//! `network` (IP addresses), `span`, `settings`.

mod finder;
mod network;
mod personal;
mod scrub;
mod settings;
mod span;
mod view;

use settings::Settings;
use sluice_plugin::scrubber::{ScrubInput, ScrubReport, Scrubber};

/// The scrubber.
pub struct TextScrubber;

impl Scrubber for TextScrubber {
    fn scrub(input: &ScrubInput) -> Result<ScrubReport, String> {
        scrub::scrub(&sluice_plugin::settings::parse()?, &input.text, &input.data)
    }

    fn check_settings(settings: &str) -> Result<(), String> {
        sluice_plugin::settings::parse_text::<Settings>(settings)?.check()
    }
}

sluice_plugin::export_scrubber!(TextScrubber);

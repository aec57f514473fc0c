//! The tester: reads test reports and coverage an attempt left behind and judges them.
//!
//! Owns the test gate's decision. Never runs tests, never believes a report that is cut off or
//! contradicts itself, and never holds a report as a whole: everything streams.
//!
//! Read next: `judge` (how the verdict comes about), `formats` (the parsers), `tally` (what counts,
//! and what is flaky), `settings` (what an operator can say).

pub mod formats;
mod judge;
pub mod report;
mod settings;
mod tally;

use settings::Settings;
use sluice_plugin::gate::{ArtifactSource, Gate, GateInput, Verdict};

/// The test gate.
pub struct Tester;

impl Gate for Tester {
    fn evaluate(input: &GateInput, artifacts: &dyn ArtifactSource) -> Result<Verdict, String> {
        judge::judge(&sluice_plugin::settings::parse()?, input, artifacts)
    }

    fn check_settings(settings: &str) -> Result<(), String> {
        sluice_plugin::settings::parse_text::<Settings>(settings)?.check()
    }
}

sluice_plugin::export_gate!(Tester);

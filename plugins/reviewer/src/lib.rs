//! The reviewer: reads diffs and text an attempt left behind and judges them by rules.
//!
//! Owns the review gate's decision. Never runs or applies what it reads, never quotes a secret,
//! and never holds an artifact as a whole: everything streams through pieces of 64 KiB.
//!
//! Read next: `review` (how the verdict comes about), `diff` (the parser), `content` and `change`
//! (the rules), `settings` (what an operator can say).

mod change;
mod content;
pub mod diff;
mod invisible;
pub mod piece;
mod review;
mod rule;
pub mod settings;

use settings::Settings;
use sluice_plugin::gate::{ArtifactSource, Gate, GateInput, Verdict};

/// The review gate.
pub struct Reviewer;

impl Gate for Reviewer {
    fn evaluate(input: &GateInput, artifacts: &dyn ArtifactSource) -> Result<Verdict, String> {
        review::review(&sluice_plugin::settings::parse()?, input, artifacts)
    }

    fn check_settings(settings: &str) -> Result<(), String> {
        sluice_plugin::settings::parse_text::<Settings>(settings)?.check()
    }
}

sluice_plugin::export_gate!(Reviewer);

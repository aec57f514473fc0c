//! `sluice workspace canary`: another reducer for a share of new missions.

use std::process::ExitCode;

use clap::Subcommand;
use sluice_api::workspace::CanaryAsk;

use super::given::{self, OneChange};
use crate::cli::exit::Failure;

/// Another reducer for a share of new missions
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CanaryCommand {
    Set(SetArgs),
    /// Have the canary decide in all new missions
    Promote(OneChange),
    /// Have no canary any more; missions that have it keep it
    Drop(OneChange),
}

/// Pin a share of new missions to a reducer
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SetArgs {
    /// The reducer: a digest, name@version or name; `PLUGIN={"setting": ...}` with settings
    #[arg(value_name = "PLUGIN[=JSON]")]
    plugin: String,
    /// How many of a hundred new missions, 1 to 100
    #[arg(long, value_name = "PERCENT")]
    share: u32,
    #[command(flatten)]
    change: OneChange,
}

impl CanaryCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Set(args) => args.change.common.json,
            Self::Promote(change) | Self::Drop(change) => change.common.json,
        }
    }

    pub(super) async fn execute(&self) -> Result<ExitCode, Failure> {
        match self {
            Self::Set(args) => {
                let component = given::binding("canary", &args.plugin)?;
                let canary = CanaryAsk { share_percent: args.share, ..CanaryAsk::default().with_component(component) };
                args.change
                    .make(|bindings| {
                        bindings.reducer.get_or_insert_default().canary = Some(canary);
                        Ok(())
                    })
                    .await
            }
            Self::Promote(change) => {
                let none = none(change);
                change
                    .make(|bindings| {
                        let mut reducer = bindings.reducer.take().unwrap_or_default();
                        let canary = reducer.canary.take().ok_or(none)?;
                        bindings.reducer = Some(reducer.with_component(canary.component()));
                        Ok(())
                    })
                    .await
            }
            Self::Drop(change) => {
                let none = none(change);
                change
                    .make(|bindings| {
                        let mut reducer = bindings.reducer.take().unwrap_or_default();
                        reducer.canary.take().ok_or(none)?;
                        let is_bound = reducer.component().names_one() || reducer.shadow.is_some();
                        bindings.reducer = is_bound.then_some(reducer);
                        Ok(())
                    })
                    .await
            }
        }
    }
}

fn none(change: &OneChange) -> Failure {
    Failure::bad_input(format!(
        "workspace `{}` has no canary; `sluice workspace canary set` gives it one",
        change.workspace()
    ))
}

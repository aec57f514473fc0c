//! `sluice plugin diff`: what differs between two components, without running either.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::read;
use crate::cli::exit::{Exit, Failure, with_causes};
use crate::cli::output::{self, visible};
use crate::kit::compare::{Change, compare};
use crate::plugins::{Inspection, PluginHost};

/// What differs between two components: manifest, imports, exports, settings
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DiffArgs {
    /// The one there is
    #[arg(value_name = "OLD.wasm")]
    old: PathBuf,
    /// The one that is to take its place
    #[arg(value_name = "NEW.wasm")]
    new: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

fn inspection(file: &Path) -> Result<Inspection, Failure> {
    PluginHost::inspect(&read(file)?)
        .map_err(|error| Failure::bad_input(format!("{}: {}", file.display(), with_causes(&error))))
}

pub(super) fn execute(args: &DiffArgs) -> Result<ExitCode, Failure> {
    let (old, new) = (inspection(&args.old)?, inspection(&args.new)?);
    let found = compare(&old, &new);
    if args.json {
        let change =
            |change: &Change| json!({"what": change.what, "name": change.name, "old": change.old, "new": change.new});
        output::json(&json!({
            "same_bytes": old.digest == new.digest,
            "old": {"digest": old.digest.as_str(), "size": old.size},
            "new": {"digest": new.digest.as_str(), "size": new.size},
            "changes": found.changes.iter().map(change).collect::<Vec<Value>>(),
            "breaking_settings": found.breaking_settings,
        }))?;
        return Ok(Exit::Succeeded.into());
    }
    if old.digest == new.digest {
        output::print("the same bytes")?;
        return Ok(Exit::Succeeded.into());
    }
    for change in &found.changes {
        output::print(&visible(&change.to_string()))?;
    }
    for setting in &found.breaking_settings {
        output::print(&visible(&format!("! setting {setting}; what is bound may be refused")))?;
    }
    output::print(&format!("~ size {} -> {} bytes", old.size, new.size))?;
    Ok(Exit::Succeeded.into())
}

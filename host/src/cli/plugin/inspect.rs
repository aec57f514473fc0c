//! `sluice plugin inspect`: look into a component without running it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::exit::{Exit, Failure, with_causes};
use crate::cli::output::{self, visible};
use crate::plugins::PluginHost;

/// What a component says of itself, wants and offers
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct InspectArgs {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn execute(args: &InspectArgs) -> Result<ExitCode, Failure> {
    inspect(&args.file, args.json)
}

fn inspect(file: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let wrong = |message: String| Failure::bad_input(format!("{}: {message}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let inspection = PluginHost::inspect(&bytes).map_err(|error| wrong(with_causes(&error)))?;
    // What the file says of itself is shown even when it is not usable here; then that is said too.
    let problem = tokio::task::block_in_place(|| usable(bytes)).err();
    let manifest = &inspection.manifest;
    let schema: Value = serde_json::from_str(manifest.settings_schema.as_str()).unwrap_or_default();
    if as_json {
        output::json(&json!({
            "name": manifest.name,
            "version": manifest.version,
            "kind": manifest.kind.as_str(),
            "contract": manifest.contract,
            "description": manifest.description,
            "settings_schema": schema,
            "digest": inspection.digest.as_str(),
            "size": inspection.size,
            "imports": inspection.imports,
            "exports": inspection.exports,
            "usable": problem.is_none(),
            "problem": problem,
        }))?;
    } else {
        output::print(&visible(&format!(
            "{} {} ({}, contract {})\n{}\ndigest   {}\nsize     {} bytes",
            manifest.name,
            manifest.version,
            manifest.kind,
            manifest.contract,
            manifest.description,
            inspection.digest,
            inspection.size
        )))?;
        for (what, names) in [("imports", &inspection.imports), ("exports", &inspection.exports)] {
            for name in names {
                output::print(&visible(&format!("{what}  {name}")))?;
            }
        }
        let settings = schema.get("properties").and_then(Value::as_object);
        for (name, property) in settings.into_iter().flatten() {
            let text = property.get("description").and_then(|d| d.as_str()).unwrap_or_default();
            output::print(&visible(&format!("setting  {name}: {text}")))?;
        }
    }
    match problem {
        None => Ok(Exit::Succeeded.into()),
        // The document on standard output has said it already.
        Some(problem) => Ok(wrong(problem).report(false)),
    }
}

/// Whether this host would take and compile the component.
pub(super) fn usable(bytes: Vec<u8>) -> Result<(), String> {
    let host = crate::app::plugin_host().map_err(|error| with_causes(&error))?;
    let info = host.install(bytes).map_err(|error| with_causes(&error))?;
    host.prepare(&info.digest).map_err(|error| with_causes(&error))
}

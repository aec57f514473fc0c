//! `sluice config`: the settings of the server, as `sluice serve` would take them.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::output::{self, visible};
use super::table;
use crate::config::{Config, Environment, Explained, Origin, ServeFlags};

/// Look at settings
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Each setting, its value and where it came from; give the flags you would give `serve`
    Explain {
        #[command(flatten)]
        flags: ServeFlags,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

impl ConfigCommand {
    pub(super) fn wants_json(&self) -> bool {
        let Self::Explain { json, .. } = self;
        *json
    }
}

pub(super) fn execute(command: ConfigCommand) -> Result<ExitCode, Failure> {
    let ConfigCommand::Explain { flags, json } = command;
    let config =
        Config::load(&flags, &Environment::of_process()).map_err(|error| Failure::caused_by(Exit::BadInput, &error))?;
    let (settings, warnings) = (config.explain(), config.warnings());
    if json {
        let settings: Vec<_> = settings.iter().map(as_json).collect();
        output::json(&json!({ "settings": settings, "warnings": warnings }))?;
        return Ok(Exit::Succeeded.into());
    }
    let rows: Vec<_> = settings.iter().map(as_row).collect();
    for line in table::lines(&["SETTING", "VALUE", "FROM", "MEANING"], &rows, table::terminal_width()) {
        output::print(&visible(&line))?;
    }
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    Ok(Exit::Succeeded.into())
}

fn as_json(setting: &Explained) -> Value {
    let origin = match &setting.origin {
        Origin::Default => json!({ "kind": "default" }),
        Origin::File { path, key } => json!({ "kind": "file", "path": path.display().to_string(), "key": key }),
        Origin::Variable { name } => json!({ "kind": "variable", "name": name }),
        Origin::Flag { flag } => json!({ "kind": "flag", "flag": flag }),
    };
    json!({ "name": setting.name, "value": setting.value, "origin": origin, "meaning": setting.meaning })
}

fn as_row(setting: &Explained) -> Vec<String> {
    let value = match &setting.value {
        Value::Null => "(not set)".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "(none)".to_owned(),
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    vec![setting.name.to_owned(), value, setting.origin.to_string(), setting.meaning.to_owned()]
}

//! `sluice resource schema`: what values have to look like, by the beginning of their keys.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use sluice_api::resource::{ResourceSchemaChanged, ResourceSchemaView};

use super::{given, read};
use crate::cli::connect::{Access, Common};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::table;

/// What values have to look like
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SchemaCommand {
    /// The schemas there are
    #[command(alias = "ls")]
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Have every value that is written from now on fit a schema
    Set {
        /// For keys that begin with this
        prefix: String,
        /// File with the JSON Schema; `-` is standard input
        file: PathBuf,
        #[command(flatten)]
        change: Change,
    },
    /// Take a schema away
    Rm {
        /// The prefix it is for
        prefix: String,
        #[command(flatten)]
        change: Change,
    },
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Change {
    /// Only if the schemas are at this revision, as `list` tells it (0: only if there never was one)
    #[arg(long, value_name = "N")]
    if_rev: Option<u64>,
    #[command(flatten)]
    common: Common,
}

impl SchemaCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::List { common } => common.json,
            Self::Set { change, .. } | Self::Rm { change, .. } => change.common.json,
        }
    }
}

pub(super) async fn execute(command: SchemaCommand) -> Result<ExitCode, Failure> {
    match command {
        SchemaCommand::List { common } => list(&common).await,
        SchemaCommand::Set { prefix, file, change } => {
            let schema = given::json_file(&file)?;
            let connection = change.common.connect(Access::Write).await?;
            let changed = connection.client.set_resource_schema(&prefix, &schema, change.if_rev).await?;
            tell(&changed, "set", &change.common)
        }
        SchemaCommand::Rm { prefix, change } => {
            let connection = change.common.connect(Access::Write).await?;
            let changed = connection.client.delete_resource_schema(&prefix, change.if_rev).await?;
            tell(&changed, "deleted", &change.common)
        }
    }
}

fn tell(changed: &ResourceSchemaChanged, what: &str, common: &Common) -> Result<ExitCode, Failure> {
    if common.json {
        output::json(changed)?;
    } else {
        output::print(&format!("schema of {} {what} (revision {})", visible(&changed.prefix), changed.revision))?;
    }
    Ok(Exit::Succeeded.into())
}

async fn list(common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Read).await?;
    let schemas = connection.client.resource_schemas().await?;
    if common.json {
        output::json(&schemas)?;
    } else if schemas.items.is_empty() {
        output::print("no schemas")?;
    } else {
        let row = |view: &ResourceSchemaView| vec![visible(&view.prefix), read::short(&view.schema)];
        let rows: Vec<Vec<String>> = schemas.items.iter().map(row).collect();
        for line in table::lines(&["PREFIX", "SCHEMA"], &rows, table::terminal_width()) {
            output::print(&line)?;
        }
        output::print(&format!("revision {}", schemas.revision))?;
    }
    Ok(Exit::Succeeded.into())
}

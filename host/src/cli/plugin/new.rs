//! `sluice plugin new`: the directory of a new plugin.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::domain::plugin::PluginKind;
use crate::kit::{language, template};

/// Make the directory of a new plugin, with an example that builds and passes its tests
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct NewArgs {
    /// Its name: a-z, 0-9 and -
    name: String,
    /// What it decides
    #[arg(long, value_parser = ["gate", "reducer", "scrubber"])]
    kind: String,
    /// What it is written in
    #[arg(long, default_value = "rust", value_parser = ["rust", "js", "python"])]
    lang: String,
    /// The directory, which must not be there yet (default: its name)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn execute(args: &NewArgs) -> Result<ExitCode, Failure> {
    template::check_name(&args.name)?;
    let kind = args.kind.parse::<PluginKind>().map_err(|error| Failure::bad_input(format!("--kind: {error}")))?;
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let language = language::named(&args.lang)
        .ok_or_else(|| Failure::bad_input(format!("--lang: there is no `{}`", args.lang)))?;
    let files = template::files(&args.name, kind, language);
    template::write(&folder, &files)?;
    if args.json {
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        output::json(&json!({
            "name": args.name, "kind": kind.as_str(), "lang": args.lang,
            "dir": folder.display().to_string(), "files": paths,
        }))?;
    } else {
        let at = visible(&folder.display().to_string());
        let commands = language.preparation().iter().chain(&["sluice plugin test"]);
        let commands: Vec<String> = commands.map(|command| format!("\n  {command}")).collect();
        output::print(&format!("{} is a new {kind} in {at}; now\n  cd {at}{}", args.name, commands.concat()))?;
    }
    Ok(Exit::Succeeded.into())
}

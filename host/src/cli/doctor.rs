//! `sluice doctor`: checks that this machine has what Sluice needs, and says what to do where it
//! has not.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::PlaceArgs;
use super::exit::{Exit, Failure, with_causes};
use super::output;
use crate::app;
use crate::data_dir::compile_cache;
use crate::store::Store;

/// Check that this machine has what Sluice needs
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// One thing that was looked at.
struct Check {
    name: &'static str,
    result: Result<String, String>,
}

pub(super) async fn execute(args: DoctorArgs) -> Result<ExitCode, Failure> {
    let mut checks = vec![
        Check { name: "version", result: Ok(format!("sluice {}", env!("CARGO_PKG_VERSION"))) },
        data_directory(&args),
        database(&args).await,
        compile_cache_directory(),
    ];
    checks.push(tokio::task::block_in_place(plugins));
    checks.extend(["sh", "git"].map(program));
    let is_well = checks.iter().all(|check| check.result.is_ok());
    if args.json {
        let all: Vec<_> = checks
            .iter()
            .map(|check| match &check.result {
                Ok(found) => json!({"check": check.name, "ok": true, "found": found}),
                Err(problem) => json!({"check": check.name, "ok": false, "problem": problem}),
            })
            .collect();
        output::json(&json!({"ok": is_well, "checks": all}))?;
    } else {
        for check in &checks {
            match &check.result {
                Ok(found) => output::print(&format!("ok    {:<16} {found}", check.name))?,
                Err(problem) => output::print(&format!("FAIL  {:<16} {problem}", check.name))?,
            }
        }
    }
    Ok(if is_well { Exit::Succeeded } else { Exit::Failed }.into())
}

fn data_directory(args: &DoctorArgs) -> Check {
    let result = args.place.place().open().map_err(|error| error.to_string()).and_then(|(directory, _)| {
        let shown = directory.root().display().to_string();
        let probe = directory.root().join(".doctor");
        std::fs::write(&probe, b"x").and_then(|()| std::fs::remove_file(&probe)).map_err(|error| {
            format!("{shown} cannot be written: {error}; check its permissions and free space, or choose another with --data")
        })?;
        Ok(match directory.lock() {
            Ok(_) => shown,
            Err(error) => format!("{shown} ({error})"),
        })
    });
    Check { name: "data directory", result }
}

async fn database(args: &DoctorArgs) -> Check {
    let result = match args.place.place().open() {
        Err(error) => Err(error.to_string()),
        Ok((_, location)) => match Store::open(&location).await {
            Ok(store) => match store.log_head().await {
                Ok(head) => Ok(format!(
                    "{} ({head} events)",
                    if args.place.database_url.is_some() { "PostgreSQL" } else { "SQLite" }
                )),
                Err(error) => Err(with_causes(&error)),
            },
            Err(error) => Err(with_causes(&error)),
        },
    };
    Check { name: "database", result }
}

fn compile_cache_directory() -> Check {
    let result = match compile_cache() {
        Some(path) => Ok(path.display().to_string()),
        None => Err(
            "the platform names no cache directory; set HOME or XDG_CACHE_HOME, or plugins are compiled at every start"
                .to_owned(),
        ),
    };
    Check { name: "compile cache", result }
}

fn plugins() -> Check {
    let result = app::plugin_host().map_err(|error| with_causes(&error)).and_then(|host| {
        let installed = host.installed();
        for info in &installed {
            host.prepare(&info.digest).map_err(|error| format!("{}: {}", info.manifest.name, with_causes(&error)))?;
        }
        let names: Vec<String> =
            installed.iter().map(|i| format!("{} {}", i.manifest.name, i.manifest.version)).collect();
        Ok(names.join(", "))
    });
    Check { name: "plugins", result }
}

/// Only the examples need these; the host itself runs no program but those of actions.
fn program(name: &'static str) -> Check {
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file())
    });
    let result = match found {
        Some(path) => Ok(path.display().to_string()),
        None => Err(format!("no `{name}` in PATH; the quickstart needs it")),
    };
    Check { name, result }
}

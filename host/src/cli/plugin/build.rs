//! `sluice plugin build`: from a plugin's directory to its component.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::inspect::usable;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::domain::artifact::Digest;
use crate::kit::component;
use crate::kit::language::Profile;
use crate::kit::source::PluginSource;

/// Compile a plugin and make its component
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BuildArgs {
    /// The plugin's directory
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Where the component goes (default: NAME.wasm in the plugin's directory)
    #[arg(long, value_name = "FILE.wasm")]
    out: Option<PathBuf>,
    /// Fetch nothing; what the plugin is built with is here (the crates that Cargo.lock names)
    #[arg(long)]
    offline: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A component that was built.
pub(super) struct Built {
    pub(super) plugin: PluginSource,
    pub(super) component: Vec<u8>,
}

/// Builds the plugin in `folder`.
pub(super) fn build(folder: &Path, profile: Profile, offline: bool) -> Result<Built, Failure> {
    let folder = whole(folder)?;
    let plugin = PluginSource::read(&folder)?;
    let component = tokio::task::block_in_place(|| component::build(&plugin, profile, offline))?;
    Ok(Built { plugin, component })
}

/// The whole path of a directory: a compiler is started in it.
pub(super) fn whole(folder: &Path) -> Result<PathBuf, Failure> {
    let wrong = |error| Failure::bad_input(format!("{}: cannot be read: {error}", folder.display()));
    std::fs::canonicalize(folder).map_err(wrong)
}

pub(super) fn execute(args: &BuildArgs) -> Result<ExitCode, Failure> {
    let Built { plugin, component } = build(&args.dir, Profile::Release, args.offline)?;
    let manifest = &plugin.manifest;
    // What no host takes is told here and not when somebody installs it.
    tokio::task::block_in_place(|| usable(component.clone()))
        .map_err(|problem| Failure::bad_input(format!("{}@{}: {problem}", manifest.name, manifest.version)))?;
    let file = args.out.clone().unwrap_or_else(|| plugin.component());
    component::write(&file, &component)?;
    let (digest, shown) = (Digest::of(&component), file.display().to_string());
    if args.json {
        output::json(&json!({
            "name": manifest.name, "version": manifest.version, "kind": manifest.kind.as_str(),
            "file": shown, "digest": digest.as_str(), "size": component.len(),
        }))?;
    } else {
        let label = format!("{}@{} ({})", manifest.name, manifest.version, manifest.kind);
        output::print(&visible(&format!(
            "{label}\nfile     {shown}\ndigest   {digest}\nsize     {} bytes",
            component.len()
        )))?;
    }
    Ok(Exit::Succeeded.into())
}

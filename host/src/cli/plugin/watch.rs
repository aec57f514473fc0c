//! `sluice plugin watch`: what an author saves decides in a workspace a moment later.
//!
//! Each build is installed under a version of its own (`0.1.0-dev.x...`), bound in place of the one before, and the one before
//! is removed again unless somebody needs it. What does not compile, or is refused, is told; what was bound stays bound.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::build::whole;
use super::given;
use crate::cli::connect::{HostArgs, Keeper};
use crate::cli::exit::{Exit, Failure};
use crate::cli::interrupted;
use crate::cli::output::{self, visible};
use crate::cli::workspace::{Role, bind_one};
use crate::client::Client;
use crate::clock::{Clock as _, SystemClock};
use crate::domain::plugin::PluginKind;
use crate::kit::component::build_for_watch;
use crate::kit::language::Language;
use crate::kit::source::PluginSource;

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(150);

/// Most files that are looked at.
const FILES_MAX: usize = 5_000;

/// Build, install and bind a plugin whenever a file of it changes
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WatchArgs {
    /// The plugin's directory
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The workspace it decides in, best one that nobody else works in
    #[arg(long, value_name = "NAME", default_value = "local")]
    workspace: String,
    /// For a gate: the stage at which it decides alone
    #[arg(long, value_name = "STAGE", default_value = "review")]
    stage: String,
    /// The settings it is bound with (default: what is bound): a JSON object, or a file that holds one
    #[arg(long, value_name = "JSON|FILE")]
    settings: Option<String>,
    /// Fetch nothing; what the plugin is built with is here (the crates that Cargo.lock names)
    #[arg(long)]
    offline: bool,
    /// Print a line of JSON for each build
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    host: HostArgs,
}

/// What goes on while a plugin is watched.
struct Watch<'a> {
    args: &'a WatchArgs,
    folder: PathBuf,
    client: Client,
    settings: Option<Map<String, Value>>,
    clock: SystemClock,
    /// Digest of what this command bound last.
    bound: Option<String>,
}

/// A file as it is: where, how long, written when.
type FileState = (PathBuf, u64, Option<SystemTime>);

pub(super) async fn execute(args: &WatchArgs) -> Result<ExitCode, Failure> {
    let folder = whole(&args.dir)?;
    let language = PluginSource::read(&folder)?.language;
    let settings = given::settings(args.settings.as_deref())?;
    let server = args.host.find_server(Keeper::Operator).await?.ok_or_else(|| {
        Failure::bad_input("nobody serves here, so that nothing could decide; start `sluice serve`, or name a --server")
    })?;
    let mut watch = Watch { args, folder, client: server.client, settings, clock: SystemClock::new(), bound: None };
    let mut seen: Option<Vec<FileState>> = None;
    let end = interrupted();
    tokio::pin!(end);
    loop {
        let now = states(&watch.folder, language);
        if seen.as_ref() != Some(&now) {
            seen = Some(now);
            watch.round().await?;
        }
        tokio::select! {
            () = &mut end => return Ok(Exit::Interrupted.into()),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

impl Watch<'_> {
    /// Builds and binds once, and tells what came of it.
    async fn round(&mut self) -> Result<(), Failure> {
        let started = self.clock.monotonic();
        let told = self.bind().await;
        let elapsed_ms = self.clock.monotonic().saturating_sub(started).as_millis();
        match told {
            Ok(None) if self.args.json => {
                output::json_line(&json!({"ok": true, "changed": false, "elapsed_ms": elapsed_ms}))
            }
            Ok(None) => output::print("the same component as before"),
            Ok(Some(mut bound)) if self.args.json => {
                bound["elapsed_ms"] = json!(u64::try_from(elapsed_ms).unwrap_or(u64::MAX));
                output::json_line(&bound)
            }
            Ok(Some(bound)) => {
                let text = |member: &str| bound[member].as_str().unwrap_or_default().to_owned();
                let (name, version, role) = (text("name"), text("version"), text("role"));
                let place = format!("{role} of {}, revision {}", text("workspace_id"), bound["revision"]);
                output::print(&visible(&format!("bound {name}@{version} as {place}, after {elapsed_ms} ms")))
            }
            Err(failure) if self.args.json => {
                output::json_line(&json!({"ok": false, "error": failure.message(), "elapsed_ms": elapsed_ms}))
            }
            Err(failure) => output::print(&visible(&format!("not bound: {}", failure.message()))),
        }
    }

    /// Builds the plugin and has it decide; nothing when it already does.
    async fn bind(&mut self) -> Result<Option<Value>, Failure> {
        let plugin = PluginSource::read(&self.folder)?;
        let built = tokio::task::block_in_place(|| build_for_watch(&plugin, self.args.offline));
        let (plugin, component) = built?;
        let digest = crate::domain::artifact::Digest::of(&component).to_string();
        if self.bound.as_deref() == Some(digest.as_str()) {
            return Ok(None);
        }
        let manifest = &plugin.manifest;
        let installed = self.client.install_plugin(&manifest.name, &manifest.version, component, &[]).await?;
        let role = match manifest.kind {
            PluginKind::Reducer => Role::Reducer,
            PluginKind::Gate => Role::Gate(self.args.stage.clone()),
            PluginKind::Scrubber => Role::Scrubber,
        };
        let workspace = &self.args.workspace;
        let changed = bind_one(&self.client, workspace, &role, &installed, self.settings.clone()).await?;
        if let Some(before) = self.bound.replace(digest) {
            // A mission that is pinned to it keeps it; then it stays in the registry.
            let _ = self.client.remove_plugin(&before).await;
        }
        let role = match &role {
            Role::Reducer => "reducer",
            Role::Gate(stage) => stage,
            Role::Scrubber => "scrubber",
        };
        Ok(Some(json!({
            "ok": true, "changed": true, "name": installed.name, "version": installed.version, "digest": installed.digest,
            "workspace_id": workspace, "role": role, "revision": changed.bound.revision,
        })))
    }
}

/// The files that a component may be made of, as they are now.
fn states(folder: &Path, language: &dyn Language) -> Vec<FileState> {
    let mut states = Vec::new();
    walk(folder, Path::new(""), language, &mut states);
    states.sort();
    states
}

/// Adds the files at `place` in `folder`.
fn walk(folder: &Path, place: &Path, language: &dyn Language, states: &mut Vec<FileState>) {
    let entries = fs::read_dir(folder.join(place)).into_iter().flatten().flatten();
    for entry in entries {
        if states.len() >= FILES_MAX {
            return;
        }
        let place = place.join(entry.file_name());
        // What is hidden belongs to editors and tools.
        if entry.file_name().to_string_lossy().starts_with('.') || !language.is_source(&place) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(folder, &place, language, states),
            Ok(_) => add(&entry.path(), states),
            // It is gone already.
            Err(_) => {}
        }
    }
}

fn add(path: &Path, states: &mut Vec<FileState>) {
    if let Ok(found) = fs::metadata(path) {
        states.push((path.to_owned(), found.len(), found.modified().ok()));
    }
}

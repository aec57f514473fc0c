//! The guests of the repository: which there are and what their manifests say.
//!
//! Owns finding them: each folder below `plugins/` or `tests/guests/` that holds a `Cargo.toml` and
//! a `manifest.json` is one. Never lists names, so a new guest needs no change here.
//! Read next: `digest`, which says what a guest is made of.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The version of the packages in `wit/` that guests of this repository are built against.
const CONTRACT: &str = "0.1";

/// The manifest of a plugin, as far as the build cares. The host reads the same text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The plugin's name: its folder's.
    pub(super) name: String,
    /// Its own version (semantic versioning).
    pub(super) version: String,
    /// What it decides, and so which world it has.
    pub(super) kind: Kind,
    /// The version of that world, `major.minor`.
    pub(super) contract: String,
    /// One sentence for operators.
    pub(super) description: String,
    /// JSON Schema (draft 2020-12) of its settings: an object without unknown members.
    pub(super) settings_schema: Value,
}

/// What a plugin decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Whether work passes.
    Gate,
    /// How missions flow.
    Reducer,
    /// What is cut from text.
    Scrubber,
}

/// One guest.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// The name of its cargo package.
    pub(super) package: String,
    /// Its manifest.
    pub(super) manifest: Manifest,
    /// Its manifest as one line of JSON; what the component carries.
    pub(super) manifest_text: String,
}

impl Guest {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.manifest.name
    }

    /// Where its component is kept.
    pub(super) fn prebuilt(&self) -> PathBuf {
        self.prebuilt_folder().join(format!("{}.wasm", self.name()))
    }

    /// The folder its component is kept in, together with the record.
    pub(super) fn prebuilt_folder(&self) -> PathBuf {
        self.folder.with_file_name("prebuilt")
    }
}

/// Every guest, plugins first, each part by name.
///
/// # Errors
///
/// A manifest does not read, or does not bear its folder's name.
pub(super) fn find(root: &Path) -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for parent in [root.join("plugins"), root.join("tests/guests")] {
        let mut folders = match fs::read_dir(&parent) {
            Ok(entries) => entries.map(|e| Ok(e?.path())).collect::<Result<Vec<_>, std::io::Error>>()?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| parent.display().to_string()),
        };
        folders.sort();
        for folder in folders {
            if folder.join("manifest.json").is_file() && folder.join("Cargo.toml").is_file() {
                let guest = read(&folder).with_context(|| folder.display().to_string())?;
                guests.push(guest);
            }
        }
    }
    Ok(guests)
}

fn read(folder: &Path) -> Result<Guest> {
    let text = fs::read_to_string(folder.join("manifest.json"))?;
    let manifest: Manifest = serde_json::from_str(&text).context("manifest.json")?;
    if folder.file_name().and_then(|name| name.to_str()) != Some(&manifest.name) {
        bail!("manifest.json names {:?}, not its folder", manifest.name);
    }
    let numbers: Vec<_> = manifest.version.split('.').map(str::parse::<u32>).collect();
    if numbers.len() != 3 || numbers.iter().any(Result::is_err) {
        bail!("manifest.json: `version` must be three numbers");
    }
    if manifest.contract != CONTRACT {
        bail!("manifest.json: `contract` must be {CONTRACT}, the version in `wit/`");
    }
    if manifest.description.trim().is_empty() {
        bail!("manifest.json: `description` must say what the plugin does");
    }
    if manifest.settings_schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        bail!("manifest.json: `settings_schema` must refuse unknown members");
    }
    let mut minified: Value = serde_json::from_str(&text)?;
    // A component's digest depends on it, and not on what else is built with this.
    minified.sort_all_objects();
    let cargo: toml::Table = fs::read_to_string(folder.join("Cargo.toml"))?.parse()?;
    let package = cargo
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(toml::Value::as_str)
        .context("Cargo.toml names no package")?;
    Ok(Guest {
        folder: folder.to_path_buf(),
        package: package.to_owned(),
        manifest,
        manifest_text: minified.to_string(),
    })
}

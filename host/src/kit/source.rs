//! A plugin's directory: what it is called, and the manifest that its component will carry.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::KitError;
use super::language::{self, Language};
use crate::plugins::Manifest;
use crate::plugins::manifest;

/// A plugin's directory that was read.
#[derive(Debug, Clone)]
pub struct PluginSource {
    /// The directory.
    pub folder: PathBuf,
    /// What it is written in.
    pub language: &'static dyn Language,
    /// What the component will say of itself.
    pub manifest: Manifest,
    /// The same as one line of JSON, members in order of their names, so that a digest depends on what it says alone.
    pub manifest_text: String,
}

impl PluginSource {
    /// Reads a directory.
    ///
    /// # Errors
    /// [`KitError::NoPlugin`] without a language's project file or a `manifest.json`; else the file at fault, and why.
    pub fn read(folder: &Path) -> Result<Self, KitError> {
        let language = language::of(folder)?;
        let path = folder.join("manifest.json");
        if !path.is_file() {
            return Err(KitError::NoPlugin { folder: folder.to_owned(), file: "manifest.json".to_owned() });
        }
        let text = fs::read_to_string(&path).map_err(KitError::reading(&path))?;
        let manifest =
            manifest::parse(text.as_bytes()).map_err(|source| KitError::Manifest { path: path.clone(), source })?;
        let value: Value = serde_json::from_str(&text).map_err(|error| KitError::content(&path, error.to_string()))?;
        Ok(Self { folder: folder.to_owned(), language, manifest, manifest_text: in_order(value) })
    }

    /// The same plugin under another version.
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        let mut value: Value = serde_json::from_str(&self.manifest_text).unwrap_or_default();
        value["version"] = Value::from(version);
        self.manifest_text = in_order(value);
        version.clone_into(&mut self.manifest.version);
        self
    }

    /// Where its component goes unless somebody says otherwise.
    pub fn component(&self) -> PathBuf {
        self.folder.join(format!("{}.wasm", self.manifest.name))
    }

    /// Where its cases lie.
    pub fn golden(&self) -> PathBuf {
        self.folder.join("tests/golden")
    }
}

fn in_order(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

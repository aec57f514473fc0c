//! The record beside the prebuilt components: which bytes they are and which sources they came
//! from.
//!
//! Owns `manifest.json` in a folder `prebuilt`: `{"<name>": {"digest", "sources"}}`, both SHA-256 in
//! hexadecimal. Read next: `digest`.

use super::guest::Guest;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What is known of one prebuilt component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// SHA-256 of the component.
    pub(super) digest: String,
    /// Digest of what it was built from.
    pub(super) sources: String,
}

type Records = BTreeMap<String, Record>;

/// The record of a guest; none when it was never built.
pub(super) fn read(guest: &Guest) -> Result<Option<Record>> {
    Ok(read_all(&guest.prebuilt_folder())?.remove(guest.name()))
}

/// Writes a component and its record. The component is written first, so that whatever happens
/// in between shows as a component that is not the one recorded.
pub(super) fn write(guest: &Guest, component: &[u8], record: &Record) -> Result<()> {
    let folder = guest.prebuilt_folder();
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let path = guest.prebuilt();
    if fs::read(&path).ok().as_deref() != Some(component) {
        fs::write(&path, component).with_context(|| path.display().to_string())?;
    }
    let mut records = read_all(&folder)?;
    records.insert(guest.name().to_owned(), record.clone());
    write_all(&folder, &records)
}

/// Removes components and records of guests that are no more.
pub(super) fn prune(root: &Path, guests: &[Guest]) -> Result<()> {
    for folder in [root.join("plugins/prebuilt"), root.join("tests/guests/prebuilt")] {
        let mut records = read_all(&folder)?;
        let present = |name: &str| guests.iter().any(|guest| guest.name() == name && guest.prebuilt_folder() == folder);
        let gone: Vec<String> = records.keys().filter(|name| !present(name)).cloned().collect();
        for name in &gone {
            records.remove(name);
            let path = folder.join(format!("{name}.wasm"));
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
        if !gone.is_empty() {
            write_all(&folder, &records)?;
        }
    }
    Ok(())
}

fn path(folder: &Path) -> PathBuf {
    folder.join("manifest.json")
}

fn read_all(folder: &Path) -> Result<Records> {
    let path = path(folder);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Records::new()),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn write_all(folder: &Path, records: &Records) -> Result<()> {
    let path = path(folder);
    let mut text = serde_json::to_string_pretty(records)?;
    text.push('\n');
    fs::write(&path, text).with_context(|| path.display().to_string())
}

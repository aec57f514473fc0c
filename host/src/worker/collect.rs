//! Takes what a process left in `$SLUICE_ARTIFACTS` and hands it to whoever coordinates.
//!
//! Either exactly what an action lists, or every regular file there is: then its kind is guessed
//! from its name, unless a file `NAME.sluice.json` beside it says `{"kind", "media_type"}`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use sluice_api::run::ExecArtifact;

use super::RETRY;
use super::port::{Coordinator, Held, LeftArtifact, PortError};
use super::scratch::Scratch;
use crate::domain::artifact::{ARTIFACT_MAX_BYTES, ARTIFACTS_PER_RUN_MAX};

/// What is collected from a run's directory.
#[derive(Debug, Clone)]
pub(super) enum Collect {
    /// Exactly these, in this order.
    Listed(Vec<ExecArtifact>),
    /// Every regular file, by path.
    All,
}

/// Why nothing was collected.
pub(super) enum CollectError {
    /// What the process left is not as it should be; a sentence.
    Wrong(String),
    /// It could not be handed over.
    Port(PortError),
}

/// A file to be collected.
struct Found {
    path: PathBuf,
    /// As messages name it: the path below `$SLUICE_ARTIFACTS`.
    label: String,
    name: String,
    kind: String,
    media_type: String,
}

/// What a file `NAME.sluice.json` says of the file beside it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    kind: Option<String>,
    media_type: Option<String>,
}

/// End of the name of a file that describes the one beside it.
const DESCRIPTION: &str = ".sluice.json";
/// Largest such file, in bytes.
const DESCRIPTION_MAX_BYTES: u64 = 4 * 1024;

/// Hands over what the process left; ids in order.
pub(super) async fn collect<C: Coordinator>(
    coordinator: &Arc<C>,
    held: &Held<C>,
    scratch: &Scratch,
    what: &Collect,
) -> Result<Vec<String>, CollectError> {
    let directory = scratch.root.join("artifacts");
    let found = match what {
        Collect::Listed(wanted) => listed(&directory, wanted)?,
        Collect::All => all(&directory)?,
    };
    let mut ids = Vec::new();
    for file in found {
        let content = read(&file)?;
        let artifact = LeftArtifact { kind: file.kind, name: file.name, media_type: file.media_type, content };
        match leave(&**coordinator, held, &artifact).await {
            Ok(id) => ids.push(id),
            Err(PortError::Refused(message)) => return Err(CollectError::Wrong(message)),
            Err(error) => return Err(CollectError::Port(error)),
        }
    }
    Ok(ids)
}

/// Leaves one artifact, as often as it takes: work that was done is not lost to a full disk.
async fn leave<C: Coordinator>(coordinator: &C, held: &Held<C>, artifact: &LeftArtifact) -> Result<String, PortError> {
    loop {
        match coordinator.leave(held, artifact).await {
            Err(error) if error.is_passing() => tokio::time::sleep(RETRY).await,
            other => return other,
        }
    }
}

fn wrong(label: &str, what: impl std::fmt::Display) -> CollectError {
    CollectError::Wrong(format!("artifact `{label}` {what}"))
}

fn listed(directory: &Path, wanted: &[ExecArtifact]) -> Result<Vec<Found>, CollectError> {
    let mut found = Vec::new();
    for artifact in wanted {
        let path = directory.join(&artifact.path);
        match path.symlink_metadata() {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && artifact.optional => continue,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(wrong(&artifact.path, "was not left in $SLUICE_ARTIFACTS"));
            }
            Err(error) => return Err(wrong(&artifact.path, format!("cannot be read: {error}"))),
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let media_type = artifact.media_type.clone().unwrap_or_else(|| media_type_of(&name).to_owned());
        found.push(Found { path, label: artifact.path.clone(), name, kind: artifact.kind.clone(), media_type });
    }
    Ok(found)
}

/// Every regular file below `directory`. Links and other special files are left where they are. A
/// file of a folder is called by its path, with `__` where it has a `/`.
fn all(directory: &Path) -> Result<Vec<Found>, CollectError> {
    let mut paths = Vec::new();
    walk(directory, &mut paths)?;
    paths.sort();
    let is_description = |path: &PathBuf| described_by(path).is_some_and(|described| paths.contains(&described));
    let artifacts: Vec<&PathBuf> = paths.iter().filter(|path| !is_description(path)).collect();
    if artifacts.len() > ARTIFACTS_PER_RUN_MAX {
        let message = format!("{} artifacts were left; a run leaves at most {ARTIFACTS_PER_RUN_MAX}", artifacts.len());
        return Err(CollectError::Wrong(message));
    }
    artifacts.into_iter().map(|path| found(directory, path)).collect()
}

fn walk(directory: &Path, paths: &mut Vec<PathBuf>) -> Result<(), CollectError> {
    let label = directory.display().to_string();
    let entries = std::fs::read_dir(directory).map_err(|error| wrong(&label, format!("cannot be read: {error}")))?;
    for entry in entries {
        let entry = entry.map_err(|error| wrong(&label, format!("cannot be read: {error}")))?;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), paths)?,
            Ok(kind) if kind.is_file() => paths.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}

/// The file that a file of this name would describe.
fn described_by(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(DESCRIPTION)?;
    Some(path.with_file_name(name))
}

fn found(directory: &Path, path: &Path) -> Result<Found, CollectError> {
    let below = path.strip_prefix(directory).unwrap_or(path);
    let label = below.display().to_string();
    let name = label.replace('/', "__");
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let description = description_of(path, &label)?;
    Ok(Found {
        path: path.to_owned(),
        kind: description.kind.unwrap_or_else(|| kind_of(&file_name).to_owned()),
        media_type: description.media_type.unwrap_or_else(|| media_type_of(&file_name).to_owned()),
        label,
        name,
    })
}

fn description_of(path: &Path, label: &str) -> Result<Description, CollectError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(DESCRIPTION);
    let beside = PathBuf::from(beside);
    match beside.symlink_metadata() {
        Ok(metadata) if metadata.is_file() && metadata.len() <= DESCRIPTION_MAX_BYTES => {}
        Ok(_) => return Err(wrong(label, format!("has a description over {DESCRIPTION_MAX_BYTES} bytes"))),
        Err(_) => return Ok(Description::default()),
    }
    let text =
        std::fs::read(&beside).map_err(|error| wrong(label, format!("has an unreadable description: {error}")))?;
    serde_json::from_slice(&text)
        .map_err(|error| wrong(label, format!("has a description that is not {{\"kind\", \"media_type\"}}: {error}")))
}

fn read(file: &Found) -> Result<Vec<u8>, CollectError> {
    let cannot = |error: std::io::Error| wrong(&file.label, format!("cannot be read: {error}"));
    let metadata = file.path.symlink_metadata().map_err(cannot)?;
    // A link could name any file of this machine.
    if !metadata.is_file() {
        return Err(wrong(&file.label, "is not a regular file"));
    }
    if metadata.len() > ARTIFACT_MAX_BYTES {
        let what = format!("has {} bytes; at most {ARTIFACT_MAX_BYTES} are kept", metadata.len());
        return Err(wrong(&file.label, what));
    }
    std::fs::read(&file.path).map_err(cannot)
}

/// What a file is, by its name: the kinds that gates read, else text or a file.
fn kind_of(name: &str) -> &'static str {
    let lower = name.to_lowercase();
    let ends = |end: &str| lower.ends_with(end);
    if ends(".diff") || ends(".patch") {
        "diff"
    } else if lower.starts_with("coverage") {
        "coverage"
    } else if lower.starts_with("test") || (lower.contains("junit") && ends(".xml")) {
        "test_report"
    } else if media_type_of(name) == "application/octet-stream" {
        "file"
    } else {
        "text"
    }
}

/// A media type by file name, for the kinds that gates read.
fn media_type_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("diff" | "patch") => "text/x-diff",
        Some("md") => "text/markdown",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("txt" | "tap" | "log" | "info") => "text/plain",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_follows_from_the_name() {
        for (name, kind) in [
            ("change.diff", "diff"),
            ("0001-fix.PATCH", "diff"),
            ("coverage.xml", "coverage"),
            ("tests.json", "test_report"),
            ("TEST-junit.xml", "test_report"),
            ("target-junit-report.xml", "test_report"),
            ("notes.md", "text"),
            ("out.log", "text"),
            ("picture.png", "file"),
            ("Makefile", "file"),
        ] {
            assert_eq!(kind_of(name), kind, "{name}");
        }
    }
}

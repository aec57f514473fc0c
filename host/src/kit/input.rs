//! What a plugin is called with, as a person writes it: JSON in which nearly everything has a default.
//!
//! A gate: `{"artifacts": [{"name", "kind"?, "media_type"?, "text" | "file"}], "gate"?, "mission_id"?, "work_item_id"?,
//! "attempt"?, "requested_at_ms"?, "data"?}`. A scrubber: `{"text" | "file", "data"?}`. A reducer: [`super::script`].

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::script::Script;
use crate::domain::artifact::{Artifact, Digest};
use crate::domain::gate::GateName;
use crate::domain::id::{ArtifactId, MissionId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::plugin::PluginKind;
use crate::domain::time::Timestamp;
use crate::engine::ports::{ArtifactSource, GateCall};

/// Largest artifact of a run, in bytes; what is larger never reaches a gate.
const ARTIFACT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// When everything happens that does not say when, in milliseconds since the Unix epoch.
pub const MOMENT_MS: u64 = 1_700_000_000_000;

/// What is wrong with an input: the member and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InputError(pub String);

/// What a plugin is called with.
#[derive(Debug, Clone)]
pub enum Input {
    /// A gate.
    Gate {
        /// What it is asked.
        call: GateCall,
        /// What it may read.
        content: Contents,
    },
    /// A scrubber.
    Scrubber {
        /// The text.
        text: String,
        /// JSON object: `tier`, `classification`, `kind`.
        data: Json,
    },
    /// A reducer: a mission and what happens to it.
    Reducer(Box<Script>),
}

impl Input {
    /// Reads `value` for a plugin of `kind`. Files that it names lie below `folder`.
    ///
    /// # Errors
    /// The member at fault.
    pub fn read(kind: PluginKind, value: Value, folder: &Path) -> Result<Self, InputError> {
        match kind {
            PluginKind::Gate => gate(value, folder),
            PluginKind::Scrubber => scrubber(value, folder),
            PluginKind::Reducer => Script::read(value).map(|script| Self::Reducer(Box::new(script))),
        }
    }
}

/// The artifacts of one call, by id.
#[derive(Debug, Clone, Default)]
pub struct Contents(HashMap<ArtifactId, Vec<u8>>);

impl ArtifactSource for Contents {
    fn read(&self, id: &ArtifactId, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let content = self.0.get(id).ok_or_else(|| format!("there is no artifact {id}"))?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let end = start.saturating_add(length as usize).min(content.len());
        Ok(content[start..end].to_vec())
    }
}

/// An artifact with its content.
#[derive(Debug, Clone)]
pub struct GivenArtifact {
    /// What it is.
    pub kind: String,
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// What a gate is asked about artifacts; `data` lies over what a work item without a word of its own has.
pub fn gate_input(artifacts: Vec<GivenArtifact>, data: Map<String, Value>) -> Input {
    let (mission_id, work_item_id) = (MissionId::new("mis_1"), WorkItemId::new("wi_1"));
    let mut content = HashMap::with_capacity(artifacts.len());
    let artifact = |(index, given): (usize, GivenArtifact)| {
        let id = ArtifactId::new(format!("art_{}", index + 1));
        let artifact = Artifact {
            workspace_id: WorkspaceId::new("local"),
            id: id.clone(),
            mission_id: mission_id.clone(),
            work_item_id: Some(work_item_id.clone()),
            run_id: None,
            kind: given.kind,
            name: given.name,
            media_type: given.media_type,
            size: given.content.len() as u64,
            digest: Digest::of(&given.content),
            created_at: Timestamp(MOMENT_MS),
        };
        content.insert(id, given.content);
        artifact
    };
    let artifacts = artifacts.into_iter().enumerate().map(artifact).collect();
    let mut all = json!({"title": "A work item", "detail": null, "metadata": {}, "run_summary": null});
    if let Value::Object(members) = &mut all {
        members.extend(data);
    }
    let call = GateCall {
        gate: GateName::Review,
        mission_id,
        work_item_id,
        attempt: 1,
        requested_at: Timestamp(MOMENT_MS),
        artifacts,
        data: Json::from_valid(all.to_string()),
    };
    Input::Gate { call, content: Contents(content) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGate {
    #[serde(default)]
    artifacts: Vec<WrittenArtifact>,
    gate: Option<String>,
    mission_id: Option<String>,
    work_item_id: Option<String>,
    attempt: Option<u32>,
    requested_at_ms: Option<u64>,
    #[serde(default)]
    data: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenArtifact {
    name: String,
    kind: Option<String>,
    media_type: Option<String>,
    text: Option<String>,
    file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenScrubber {
    text: Option<String>,
    file: Option<PathBuf>,
    #[serde(default)]
    data: Map<String, Value>,
}

/// Reads `value`, naming the member at fault.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, InputError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.into_inner());
        InputError(if path == "." { inner.to_string() } else { format!("{path}: {inner}") })
    })
}

fn gate(value: Value, folder: &Path) -> Result<Input, InputError> {
    let written: WrittenGate = read(value)?;
    let mut artifacts = Vec::with_capacity(written.artifacts.len());
    for (index, artifact) in written.artifacts.into_iter().enumerate() {
        let content = content(artifact.text, artifact.file.as_deref(), folder)
            .map_err(|error| InputError(format!("artifacts[{index}]: {error}")))?;
        artifacts.push(GivenArtifact {
            kind: artifact.kind.unwrap_or_else(|| "diff".to_owned()),
            name: artifact.name,
            media_type: artifact.media_type.unwrap_or_else(|| "text/plain".to_owned()),
            content,
        });
    }
    let mut input = gate_input(artifacts, written.data);
    if let Input::Gate { call, .. } = &mut input {
        if let Some(gate) = written.gate {
            call.gate = gate.parse::<GateName>().map_err(|error| InputError(format!("gate: {error}")))?;
        }
        if let Some(id) = written.mission_id {
            call.mission_id = MissionId::new(id);
        }
        if let Some(id) = written.work_item_id {
            call.work_item_id = WorkItemId::new(id);
        }
        call.attempt = written.attempt.unwrap_or(1);
        call.requested_at = Timestamp(written.requested_at_ms.unwrap_or(MOMENT_MS));
    }
    Ok(input)
}

fn scrubber(value: Value, folder: &Path) -> Result<Input, InputError> {
    let written: WrittenScrubber = read(value)?;
    let content = content(written.text, written.file.as_deref(), folder)?;
    let text = String::from_utf8(content).map_err(|_| InputError("file: is not UTF-8, as every text is".to_owned()))?;
    let mut data = json!({"tier": "session", "classification": "internal", "kind": "note"});
    if let Value::Object(members) = &mut data {
        members.extend(written.data);
    }
    Ok(Input::Scrubber { text, data: Json::from_valid(data.to_string()) })
}

fn content(text: Option<String>, file: Option<&Path>, folder: &Path) -> Result<Vec<u8>, InputError> {
    match (text, file) {
        (Some(text), None) => Ok(text.into_bytes()),
        (None, Some(file)) => {
            let path = folder.join(file);
            let wrong = |why: String| InputError(format!("file: {}: {why}", path.display()));
            let size = fs::metadata(&path).map_err(|error| wrong(error.to_string()))?.len();
            if size > ARTIFACT_BYTES_MAX {
                return Err(wrong(format!("has {size} bytes; at most {ARTIFACT_BYTES_MAX} are allowed")));
            }
            fs::read(&path).map_err(|error| wrong(error.to_string()))
        }
        _ => Err(InputError("needs either `text` or `file`".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: PluginKind, value: Value) -> String {
        Input::read(kind, value, Path::new("nowhere")).expect_err("it is refused").to_string()
    }

    #[test]
    fn a_wrong_member_is_named() {
        let gate = |value| refused(PluginKind::Gate, value);
        assert!(gate(json!({"artefacts": []})).contains("artefacts"));
        assert!(gate(json!({"artifacts": [{"name": "a", "text": 4}]})).starts_with("artifacts[0].text: "));
        assert!(gate(json!({"artifacts": [{"name": "a"}]})).contains("artifacts[0]: needs either `text` or `file`"));
        assert!(gate(json!({"artifacts": [{"name": "a", "file": "b"}]})).contains("nowhere/b"));
        assert!(gate(json!({"gate": "taste"})).contains("gate: expected one of review, test"));
        assert!(refused(PluginKind::Scrubber, json!({})).contains("`text`"));
    }

    #[test]
    fn what_is_left_out_has_a_default_and_contents_are_read_in_parts() {
        let value = json!({"artifacts": [{"name": "a", "text": "abcdef"}], "data": {"title": "Mend it"}});
        let Ok(Input::Gate { call, content }) = Input::read(PluginKind::Gate, value, Path::new(".")) else {
            panic!("it is read")
        };
        assert_eq!((call.attempt, call.requested_at, call.artifacts[0].size), (1, Timestamp(MOMENT_MS), 6));
        let data: Value = serde_json::from_str(call.data.as_str()).unwrap();
        assert_eq!(data, json!({"title": "Mend it", "detail": null, "metadata": {}, "run_summary": null}));
        let id = &call.artifacts[0].id;
        assert_eq!(content.read(id, 2, 3), Ok(b"cde".to_vec()));
        assert_eq!(content.read(id, 9, 3), Ok(Vec::new()));
    }
}

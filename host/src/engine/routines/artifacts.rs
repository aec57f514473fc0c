//! What somebody leaves for a run of a routine: the place of something that lies elsewhere.

use crate::domain::artifact::{ARTIFACTS_PER_RUN_MAX, Artifact};
use crate::domain::id::ArtifactId;
use crate::domain::routine::Occurrence;
use crate::engine::{Engine, EngineError};
use crate::store::{Unit, Write};
use crate::wire::FieldError;

/// The media type of an artifact whose content is the place of something (RFC 2483 section 5).
pub const URI_LIST: &str = "text/uri-list";
/// Longest place, in bytes.
pub const URI_MAX_BYTES: usize = 2_048;
/// Longest kind, in bytes.
const KIND_MAX_BYTES: usize = 64;
/// Longest label, in characters.
const LABEL_MAX_CHARS: usize = 200;

impl Engine {
    /// Keeps the place of something that belongs to an occurrence, as an artifact of its mission. Nothing is
    /// fetched.
    ///
    /// # Errors
    /// [`EngineError::Field`]; [`EngineError::Conflict`] for an occurrence without a mission, or whose mission
    /// has [`ARTIFACTS_PER_RUN_MAX`] artifacts already; storage.
    pub async fn leave_for_occurrence(
        &self,
        occurrence: &Occurrence,
        kind: &str,
        label: Option<&str>,
        uri: &str,
    ) -> Result<Artifact, EngineError> {
        check(kind, label, uri)?;
        let Some(mission_id) = &occurrence.mission_id else {
            let message = format!("run `{}` is {} and has no mission to keep it", occurrence.id, occurrence.state);
            return Err(EngineError::Conflict(message));
        };
        let store = &self.parts.store;
        let limit = u32::try_from(ARTIFACTS_PER_RUN_MAX).unwrap_or(u32::MAX);
        let before = store.artifacts(mission_id, None, None, limit).await?;
        if before.len() >= ARTIFACTS_PER_RUN_MAX {
            let message = format!("run `{}` has {ARTIFACTS_PER_RUN_MAX} artifacts; it takes no more", occurrence.id);
            return Err(EngineError::Conflict(message));
        }
        let artifact = Artifact {
            workspace_id: occurrence.workspace_id.clone(),
            id: ArtifactId::new(self.new_id(ArtifactId::PREFIX)),
            mission_id: mission_id.clone(),
            work_item_id: None,
            run_id: None,
            kind: kind.to_owned(),
            name: label.unwrap_or(kind).to_owned(),
            media_type: URI_LIST.to_owned(),
            size: uri.len() as u64,
            digest: store.put_blob(uri.as_bytes()).await?,
            created_at: self.now(),
        };
        let unit = Unit { writes: vec![Write::Artifact(artifact.clone())], ..Unit::default() };
        store.commit(unit).await.map_err(crate::engine::error::conflict_or_storage)?;
        Ok(artifact)
    }
}

fn check(kind: &str, label: Option<&str>, uri: &str) -> Result<(), FieldError> {
    let is_wrong = |c: char| c.is_control() || c.is_whitespace();
    if uri.is_empty() || uri.len() > URI_MAX_BYTES || uri.contains(is_wrong) {
        let message = format!("has {} bytes; 1 to {URI_MAX_BYTES}, no blanks, no control characters", uri.len());
        return Err(FieldError::new("uri", message));
    }
    if kind.len() > KIND_MAX_BYTES || !is_name(kind) {
        let message = format!("is 1 to {KIND_MAX_BYTES} bytes, not only blanks, no slashes, no control characters");
        return Err(FieldError::new("kind", message));
    }
    let chars = label.unwrap_or_default().chars().count();
    if chars > LABEL_MAX_CHARS || label.is_some_and(|label| !is_name(label)) {
        let message = format!("has {chars} characters; 1 to {LABEL_MAX_CHARS}, not only blanks, no slashes");
        return Err(FieldError::new("label", message));
    }
    Ok(())
}

/// Either may become the artifact's name, which somebody may save a file under.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(|c: char| c.is_control() || c == '/' || c == '\\')
}

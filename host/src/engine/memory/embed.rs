//! Vectors of texts: those that callers bring, or those that a configured model makes.
//!
//! A model is somebody else's: it is given only what a scrubber has let pass, and whether it is slow, away or wrong
//! changes nothing but whether there is a vector. The answer says which it was.

use sluice_api::memory::EmbeddingState;

use super::put::vector_of;
use super::scrub::Destination;
use crate::domain::id::WorkspaceId;
use crate::domain::memory::vector::Embedding;
use crate::domain::memory::{MemoryKind, ScrubStatus, Tier, validation};
use crate::engine::{Engine, EngineError};

/// Where a vector comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Embedded {
    /// There is none, and none was wanted.
    No,
    /// The caller brought it.
    Given(Embedding),
    /// The model made it.
    Made(Embedding),
    /// The model was to make it, and did not.
    Failed,
}

impl Embedded {
    /// What a caller brought.
    ///
    /// # Errors
    /// [`EngineError::Field`] when it is no vector.
    pub(super) fn given(numbers: Option<&[f64]>) -> Result<Self, EngineError> {
        let vector = vector_of(numbers)?;
        Ok(vector.map_or(Self::No, |vector| Self::Given(Embedding { model: String::new(), vector })))
    }

    /// The vector, if there is one.
    pub(super) fn embedding(&self) -> Option<&Embedding> {
        match self {
            Self::Given(embedding) | Self::Made(embedding) => Some(embedding),
            Self::No | Self::Failed => None,
        }
    }

    /// What an answer says.
    pub(super) fn state(&self) -> Option<EmbeddingState> {
        match self {
            Self::No => None,
            Self::Given(_) => Some(EmbeddingState::Given),
            Self::Made(_) => Some(EmbeddingState::Made),
            Self::Failed => Some(EmbeddingState::Failed),
        }
    }
}

impl Engine {
    /// The model's vector of a text that a scrubber has let pass.
    pub(super) async fn embedded(&self, scrubbed: &str) -> Embedded {
        let Some(embedder) = &self.parts.options.memory.embedder else { return Embedded::No };
        match embedder.0.embed(scrubbed).await {
            Ok(vector) => Embedded::Made(Embedding { model: embedder.0.model().to_owned(), vector }),
            Err(error) => {
                tracing::warn!(%error, "no vector was made; memory goes by words alone");
                Embedded::Failed
            }
        }
    }

    /// The model's vector of a query, of which nothing that a scrubber finds leaves the host.
    ///
    /// # Errors
    /// Only when this process is going down.
    pub(super) async fn embedded_query(
        &self,
        workspace_id: &WorkspaceId,
        query: &str,
    ) -> Result<Embedded, EngineError> {
        if self.parts.options.memory.embedder.is_none() || query.trim().is_empty() {
            return Ok(Embedded::No);
        }
        let to = Destination {
            workspace_id,
            tier: Tier::Session,
            classification: validation::CLASSIFICATION,
            kind: MemoryKind::Note,
        };
        let result = self.scrub(query, to).await?;
        if result.status == ScrubStatus::Blocked {
            return Ok(Embedded::Failed);
        }
        Ok(self.embedded(&result.text).await)
    }
}

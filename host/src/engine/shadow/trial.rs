//! A component in shadow under fixed terms: what is counted together, and what becomes of one question.

use serde_json::json;

use sluice_api::check::CheckOutcome;

use crate::domain::artifact::Digest;
use crate::domain::id::{MissionId, VerdictId, WorkItemId, WorkspaceId};
use crate::domain::plugin::Binding;
use crate::domain::shadow::{Shadow, ShadowRole};
use crate::domain::workspace::Required;

/// A component in shadow, with its settings, beside what decides now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Trial {
    pub(in crate::engine) workspace_id: WorkspaceId,
    pub(in crate::engine) shadow: Shadow,
    /// Digest of its settings and of what it decides beside. Under other terms it is counted anew.
    pub(in crate::engine) terms: Digest,
    /// The workspace's revision that says so.
    pub(in crate::engine) revision: u64,
}

impl Trial {
    /// The trial of `shadow` beside `deciding`.
    pub(in crate::engine) fn new(
        workspace_id: &WorkspaceId,
        revision: u64,
        shadow: &Shadow,
        deciding: &[&Binding],
        required: Required,
    ) -> Self {
        let of = |binding: &Binding| json!([binding.digest.as_str(), binding.settings.as_str()]);
        let beside: Vec<_> = deciding.iter().map(|binding| of(binding)).collect();
        let terms = json!([of(&shadow.binding), beside, required.of(deciding.len())]);
        Self {
            workspace_id: workspace_id.clone(),
            shadow: shadow.clone(),
            terms: Digest::of(terms.to_string().as_bytes()),
            revision,
        }
    }

    pub(in crate::engine) fn role(&self) -> ShadowRole {
        self.shadow.role
    }

    pub(in crate::engine) fn binding(&self) -> &Binding {
        &self.shadow.binding
    }
}

/// What a question was about.
#[derive(Debug, Clone, Default)]
pub(super) struct About {
    pub(super) mission_id: Option<MissionId>,
    pub(super) seq: Option<u64>,
    pub(super) work_item_id: Option<WorkItemId>,
    pub(super) verdict_id: Option<VerdictId>,
    /// The event's type, the stage, or the text's kind.
    pub(super) kind: String,
}

/// What became of one question.
#[derive(Debug)]
pub(super) struct Answer {
    /// Whether the component itself failed, in whatever way that is its own doing.
    pub(super) has_failed: bool,
    /// Whether it took more than twice the fuel of what decided.
    pub(super) is_slower: bool,
    /// What differs; nothing where it decided the same.
    pub(super) differs: Option<Differs>,
}

/// Both sides of a difference.
#[derive(Debug)]
pub(super) struct Differs {
    pub(super) about: About,
    pub(super) outcome: CheckOutcome,
    pub(super) decided: serde_json::Value,
    pub(super) candidate: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::Json;

    #[test]
    fn terms_change_with_settings_and_with_what_is_beside() {
        let binding = |name: &str, settings: &str| Binding {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            digest: Digest::of(name.as_bytes()),
            settings: Json::from_valid(settings),
        };
        let (one, other) = (binding("a", "{}"), binding("b", "{}"));
        let terms = |settings: &str, deciding: &[&Binding], required| {
            let shadow = Shadow { role: ShadowRole::Review, binding: binding("c", settings) };
            Trial::new(&WorkspaceId::new("local"), 3, &shadow, deciding, required).terms
        };
        let first = terms("{}", &[&one, &other], Required::All);
        assert_eq!(first, terms("{}", &[&one, &other], Required::Quorum(2)), "as many have to pass");
        let others = [
            terms("{\"a\":1}", &[&one, &other], Required::All),
            terms("{}", &[&one], Required::All),
            terms("{}", &[&other, &one], Required::All),
            terms("{}", &[&one, &other], Required::Any),
        ];
        assert!(others.iter().all(|other| *other != first), "{others:?}");
    }
}

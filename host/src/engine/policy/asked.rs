//! Answers questions about policy: why something is decided as it is, and what another policy would decide.

use sluice_api::policy::{
    PolicyCited, PolicyDecision, PolicyDiff, PolicyDifference, PolicyExplanation, PolicyObserved, PolicyQuestion,
};

use super::change::{PolicyChange, mode_of};
use super::question::Question;
use super::recorded::DECISIONS_KEPT;
use crate::domain::id::WorkspaceId;
use crate::domain::policy::RecordedDecision;
use crate::engine::{Engine, EngineError};
use crate::policy::{Denial, Effect, Rules};
use crate::wire::FieldError;

/// Most differences that are told.
const DIFFERENCES_MAX: usize = 500;

impl Engine {
    /// Why a question is decided as it is.
    ///
    /// # Errors
    /// [`EngineError::Field`]; storage.
    pub async fn explain_policy(
        &self,
        workspace_id: &WorkspaceId,
        question: &PolicyQuestion,
    ) -> Result<PolicyExplanation, EngineError> {
        let question = Question::read(workspace_id, question)?;
        let rules = self.rules_of(workspace_id).await?;
        Ok(explain(&rules, &question))
    }

    /// What a policy would have decided of the last decisions that were recorded.
    ///
    /// # Errors
    /// [`EngineError::Policy`]; [`EngineError::Field`]; storage.
    pub async fn diff_policy(&self, change: PolicyChange<'_>, last: u32) -> Result<PolicyDiff, EngineError> {
        if !(1..=DECISIONS_KEPT).contains(&last) {
            return Err(FieldError::new("last", format!("is {last}; 1 to {DECISIONS_KEPT}")).into());
        }
        let mode = mode_of(&change)?;
        self.write_decisions().await?;
        let decisions = self.parts.store.policy_decisions(change.workspace_id, None, last).await?;
        let (source, preset) = (change.source, change.preset);
        let told = tokio::task::spawn_blocking(move || {
            let rules = Rules::of(0, preset, mode, &source).map_err(EngineError::Policy)?;
            Ok(compared(&rules, &decisions))
        });
        told.await.map_err(|error| EngineError::HostFault(error.to_string()))?
    }
}

/// Why `rules` decide a question as they do.
pub fn explain(rules: &Rules, question: &Question) -> PolicyExplanation {
    let ask = question.ask();
    let decided = rules.judge(&ask);
    let cited = |ids: &[String]| -> Vec<PolicyCited> {
        ids.iter().map(|id| PolicyCited { id: id.clone(), reason: rules.reason_of(id).map(str::to_owned) }).collect()
    };
    let observed = decided
        .observed
        .as_ref()
        .map(|verdict| PolicyObserved { decision: decision_of(verdict.effect), policies: cited(&verdict.policies) });
    let denial = (decided.verdict.effect != Effect::Allowed).then(|| Denial::of(rules, &ask, decided.verdict.clone()));
    let is_denied = decided.verdict.effect == Effect::Denied;
    PolicyExplanation {
        decision: decision_of(decided.verdict.effect),
        policies: cited(denial.as_ref().map_or(&decided.verdict.policies, |denial| &denial.policies)),
        reason: denial.as_ref().filter(|_| is_denied).map(|denial| denial.reason.to_string()),
        detail: denial.as_ref().map(ToString::to_string),
        needed: denial.map(|denial| denial.needed).unwrap_or_default(),
        observed,
        revision: rules.revision(),
    }
}

/// A decision, in the words of the wire.
fn decision_of(effect: Effect) -> PolicyDecision {
    match effect {
        Effect::Allowed => PolicyDecision::Allowed,
        Effect::Approval => PolicyDecision::ApprovalRequired,
        Effect::Denied => PolicyDecision::Denied,
    }
}

fn compared(rules: &Rules, decisions: &[RecordedDecision]) -> PolicyDiff {
    let mut diff = PolicyDiff { compared: 0, same: 0, different: 0, unreadable: 0, differences: Vec::new() };
    for recorded in decisions {
        let question = serde_json::from_str::<PolicyQuestion>(recorded.request.as_str()).ok();
        let was = serde_json::from_value::<PolicyDecision>(recorded.effect.as_str().into()).ok();
        let read = question.as_ref().and_then(|question| Question::read(&recorded.workspace_id, question).ok());
        let (Some(question), Some(was), Some(read)) = (question, was, read) else {
            diff.unreadable += 1;
            continue;
        };
        diff.compared += 1;
        let ask = read.ask();
        // What was asked before anybody knew about which thing is asked so again.
        let verdict = if ask.thing.owner.is_none() && ask.thing.run_id.is_none() && ask.effect.is_none() {
            rules.admit(&ask).map_or_else(
                |denial| crate::policy::Verdict { effect: Effect::Denied, policies: denial.policies },
                |decided| decided.verdict,
            )
        } else {
            rules.judge(&ask).verdict
        };
        let would_be = decision_of(verdict.effect);
        if would_be == was {
            diff.same += 1;
            continue;
        }
        diff.different += 1;
        if diff.differences.len() < DIFFERENCES_MAX {
            diff.differences.push(PolicyDifference {
                question,
                at_ms: recorded.at.as_millis(),
                was,
                was_by: recorded.policies.clone(),
                would_be,
                would_be_by: verdict.policies,
            });
        }
    }
    diff
}

//! Whether something may be done to the outside world: asked for runs and for routines alike.

use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::engine::told::LogWriter;
use crate::engine::{Engine, EngineError};
use crate::policy::{Action, Ask, Asker, Denial, Effect, Resource, Rules, SideEffect, Verdict};
use crate::store::{CommitError, Unit};

/// What policy says of a side effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct SideEffectJudged {
    pub(in crate::engine) effect: Effect,
    pub(in crate::engine) policies: Vec<String>,
    /// Why, for people.
    pub(in crate::engine) reason: String,
    /// What would be needed.
    pub(in crate::engine) needed: Vec<String>,
}

impl Engine {
    /// Judges a side effect by the policies that hold now, and keeps the decision.
    ///
    /// # Errors
    /// Storage.
    pub(in crate::engine) async fn judge_side_effect(
        &self,
        workspace_id: &WorkspaceId,
        asker: &Asker,
        effect: &SideEffect,
    ) -> Result<SideEffectJudged, EngineError> {
        let rules = self.rules_of(workspace_id).await?;
        let (judged, observed) = self.judge_by(&rules, workspace_id, asker, effect);
        if let Some(denial) = observed {
            self.tell_observed(workspace_id, asker, effect, &denial, self.now()).await?;
        }
        Ok(judged)
    }

    /// The same by these policies; also what would be told of policies that are only observed.
    pub(in crate::engine) fn judge_by(
        &self,
        rules: &Rules,
        workspace_id: &WorkspaceId,
        asker: &Asker,
        effect: &SideEffect,
    ) -> (SideEffectJudged, Option<Denial>) {
        let thing = Resource { workspace_id, id: Some(&effect.connector), owner: None, run_id: None };
        let ask = Ask { asker, action: Action::ConnectorCall, thing, effect: Some(effect) };
        let decided = rules.judge(&ask);
        self.record_decision(&ask, &decided.verdict);
        let observed = decided.observed.filter(|observed| observed.effect != Effect::Allowed);
        let observed = observed.map(|observed| Denial::of(rules, &ask, observed));
        let Verdict { effect, policies } = decided.verdict;
        if effect == Effect::Allowed {
            let by = policies.first().map_or("", String::as_str);
            let reason = format!("policy `{by}` allows it");
            return (SideEffectJudged { effect, policies, reason, needed: Vec::new() }, observed);
        }
        let denial = Denial::of(rules, &ask, Verdict { effect, policies });
        let reason = denial.to_string();
        (SideEffectJudged { effect, policies: denial.policies, reason, needed: denial.needed }, observed)
    }

    async fn tell_observed(
        &self,
        workspace_id: &WorkspaceId,
        asker: &Asker,
        effect: &SideEffect,
        denial: &Denial,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut log = LogWriter::of_workspace(self, workspace_id, None, asker.name(), now);
        log.side_effect_observed(asker, effect, denial);
        match self.parts.store.commit(Unit { events: log.into_events(), ..Unit::default() }).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}

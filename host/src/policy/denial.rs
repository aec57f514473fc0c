//! What a refusal tells: why, by which policies, and what would be needed instead.
//!
//! Why and what would be needed are found by asking again with one thing different (another role,
//! another owner), under the same policies, so that they are true for whatever a workspace has
//! written. Only refusals pay for it.

use super::action::Action;
use super::ask::{Ask, Asker, Resource};
use super::rules::{Effect, Rules, Verdict};
use super::text::Origin;
use crate::domain::principal::Role;
use crate::domain::word::words;

/// Somebody who is nobody: no name may be empty.
pub(super) const NOBODY: &str = "";

words! {
    /// Why something is refused, in one word.
    Reason {
        /// It lies in another workspace, and does not exist for whoever asks.
        Elsewhere = "elsewhere",
        /// The role may not.
        Role = "role",
        /// It is somebody else's, and only its owner may.
        NotOwner = "not_owner",
        /// It is the principal's own, and somebody else has to.
        OwnWork = "own_work",
        /// A run's token speaks for its run alone.
        OtherRun = "other_run",
        /// A run's token reaches the resources of its run, and what its mission was granted.
        OutOfReach = "out_of_reach",
        /// A policy of the workspace forbids it.
        Policy = "policy",
        /// A rule of the host forbids it that is no policy.
        Rule = "rule",
    }
}

impl Reason {
    /// The same as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Elsewhere => "there is no such thing in this workspace",
            Self::Role => "the role may not do this",
            Self::NotOwner => "only its owner, a member or an operator may do this",
            Self::OwnWork => "nobody decides about their own work",
            Self::OtherRun => "a run token speaks for its own run alone",
            Self::OutOfReach => {
                "a run token reaches only resources of its run and session, of its mission, and what the mission's capabilities grant"
            }
            Self::Policy => "a policy of the workspace forbids it",
            Self::Rule => "a rule of the host forbids it",
        }
    }
}

/// What would be needed, as a sentence.
pub type Needed = String;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Why.
    pub reason: Reason,
    /// The policies that forbid it; none when nothing permits it.
    pub policies: Vec<String>,
    /// What would be needed.
    pub needed: Vec<Needed>,
    /// What the first of `policies`, or the rule, says of itself.
    said: Option<String>,
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.said, self.policies.first()) {
            // What the host says of itself needs no name.
            (Some(said), Some(policy)) if self.reason == Reason::Policy && Origin::of(policy) == Origin::Default => {
                f.write_str(said)
            }
            (Some(said), Some(policy)) if self.reason == Reason::Policy => write!(f, "{said} (policy `{policy}`)"),
            (Some(said), None) if self.reason == Reason::Rule => f.write_str(said),
            (None, Some(policy)) if self.reason == Reason::Policy => write!(f, "policy `{policy}` forbids it"),
            _ => f.write_str(self.reason.sentence()),
        }
    }
}

impl std::error::Error for Denial {}

impl From<Reason> for Denial {
    /// A refusal that is found outside policies.
    fn from(reason: Reason) -> Self {
        Self { reason, policies: Vec::new(), needed: Vec::new(), said: None }
    }
}

impl Denial {
    /// A refusal by a rule of the host, which says why.
    pub fn by_rule(said: impl Into<String>) -> Self {
        Self { said: Some(said.into()), ..Self::from(Reason::Rule) }
    }

    /// What a verdict on `ask` that does not allow it tells.
    pub fn of(rules: &Rules, ask: &Ask<'_>, verdict: Verdict) -> Self {
        let policies = verdict.policies;
        let of_workspace = policies.iter().find(|id| Origin::of(id) != Origin::Default);
        let said = of_workspace.or(policies.first()).and_then(|id| rules.reason_of(id)).map(str::to_owned);
        let is_call = ask.action == Action::ConnectorCall;
        let reason = if of_workspace.is_some() || is_call { Reason::Policy } else { reason_of(rules, ask) };
        let mut needed: Vec<Needed> = policies.iter().filter_map(|id| rules.needed_of(id)).map(str::to_owned).collect();
        needed.extend(counterfactual(rules, ask, reason));
        if verdict.effect == Effect::Approval {
            needed.push("a person who says yes to exactly this".to_owned());
        }
        needed.dedup();
        // The workspace's own come first: they are what somebody can change.
        let mut sorted = policies;
        sorted.sort_by_key(|id| Origin::of(id) == Origin::Default);
        Self { reason, policies: sorted, needed, said }
    }
}

fn reason_of(rules: &Rules, ask: &Ask<'_>) -> Reason {
    let allowed_if = |thing: Resource<'_>| rules.allows(&Ask { thing, ..*ask });
    match ask.asker {
        Asker::Run { run_id, .. } if allowed_if(Resource { run_id: Some(run_id), ..ask.thing }) => Reason::OtherRun,
        Asker::Role { name, .. } if ask.thing.owner == Some(name.as_str()) => {
            let others = Resource { owner: Some(NOBODY), ..ask.thing };
            if allowed_if(others) { Reason::OwnWork } else { Reason::Role }
        }
        Asker::Role { name, .. } if allowed_if(Resource { owner: Some(name), ..ask.thing }) => Reason::NotOwner,
        _ => Reason::Role,
    }
}

/// What would lead to another answer.
fn counterfactual(rules: &Rules, ask: &Ask<'_>, reason: Reason) -> Vec<Needed> {
    let mut needed = Vec::new();
    match reason {
        Reason::NotOwner => needed.push("to be whose it is".to_owned()),
        Reason::OwnWork => needed.push("somebody else than whose work it is".to_owned()),
        Reason::OtherRun => needed.push("the token of that run".to_owned()),
        _ => {}
    }
    let Asker::Role { name, role, credential } = ask.asker else { return needed };
    if ask.action == Action::RunHold {
        needed.push("the token of the run".to_owned());
    }
    if *credential == "ticket" {
        return needed;
    }
    let would = |other: &&Role| {
        let asker = Asker::Role { name: name.clone(), role: **other, credential };
        **other != *role && rules.allows(&Ask { asker: &asker, ..*ask })
    };
    let others: Vec<&str> = Role::ALL.iter().filter(would).map(|role| role.as_str()).collect();
    if !others.is_empty() {
        needed.push(format!("the role {}", others.join(" or ")));
    }
    needed
}

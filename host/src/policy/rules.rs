//! A workspace's policies, ready to judge.
//!
//! Policies are kept by action: what cannot apply to an action is not looked at when somebody asks for
//! it, so that a thousand policies cost what the dozen costs that are about the matter. Which can
//! apply is the schema's to say, and a test compares the answers with those of the whole set.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cedar_policy::{Authorizer, Decision, Policy, PolicyId, PolicySet, Response};

use super::action::Action;
use super::ask::{Ask, Asker, Put, Resource};
use super::bundle::{DEFAULTS, SCHEMA, of_host, preset_text};
use super::denial::{Denial, NOBODY};
use super::text::{Origin, TextProblems, read};
use super::usual;
use crate::domain::policy::{Mode, PolicySource, Preset};

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It may be done.
    Allowed,
    /// It may be done once a person has said yes.
    Approval,
    /// It may not be done.
    Denied,
}

impl Effect {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Approval => "approval_required",
            Self::Denied => "denied",
        }
    }
}

/// A decision, and the policies that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is decided.
    pub effect: Effect,
    /// The policies that decided, by id; none when it is denied because nothing permits it.
    pub policies: Vec<String>,
}

/// What a question leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What holds.
    pub verdict: Verdict,
    /// What the workspace's own policies would have decided, when they are only observed and it differs.
    pub observed: Option<Verdict>,
}

/// What is known of a policy beside what it decides.
#[derive(Debug, Clone, Default)]
struct Told {
    reason: Option<String>,
    needed: Option<String>,
    is_forbid: bool,
    waives: bool,
    waivable: bool,
}

/// The policies that can apply to one action.
#[derive(Debug, Default)]
struct Slice {
    /// What permits and forbids.
    hard: PolicySet,
    /// What forbids until a person has said yes.
    soft: PolicySet,
}

/// Policies by action.
#[derive(Debug)]
struct Policies {
    slices: Vec<Slice>,
    told: HashMap<PolicyId, Told>,
}

/// A workspace's policies.
#[derive(Debug)]
pub struct Rules {
    revision: u64,
    enforced: Arc<Policies>,
    /// With the workspace's own policies, when they are only observed.
    observed: Option<Arc<Policies>>,
}

static AUTHORIZER: LazyLock<Authorizer> = LazyLock::new(Authorizer::new);

static DEFAULT_POLICIES: LazyLock<Arc<Policies>> = LazyLock::new(|| Arc::new(Policies::of(DEFAULTS.policies())));

impl Rules {
    /// Those of a workspace that has none of its own.
    pub fn standard() -> Self {
        Self { revision: 0, enforced: Arc::clone(&DEFAULT_POLICIES), observed: None }
    }

    /// The default policies with a preset's and a workspace's own.
    ///
    /// # Errors
    /// [`TextProblems`], with places.
    pub fn of(revision: u64, preset: Option<Preset>, mode: Mode, source: &PolicySource) -> Result<Self, TextProblems> {
        let own = read(Origin::Own, source)?;
        let preset = match preset {
            Some(preset) => of_host(Origin::Preset, preset.as_str(), preset_text(preset))?,
            None => PolicySet::new(),
        };
        if own.is_empty() && preset.is_empty() {
            return Ok(Self { revision, ..Self::standard() });
        }
        let all = DEFAULTS.policies().chain(preset.policies()).chain(own.policies());
        let all = Arc::new(Policies::of(all));
        Ok(match mode {
            Mode::Enforce => Self { revision, enforced: all, observed: None },
            Mode::Observe => Self { revision, enforced: Arc::clone(&DEFAULT_POLICIES), observed: Some(all) },
        })
    }

    /// Those of a workspace whose own cannot be read any more: nobody does anything but change them.
    pub fn closed(revision: u64) -> Self {
        let text = r#"
            @id("closed")
            @reason("the workspace's policy cannot be read any more; an operator has to set it anew")
            forbid (principal, action, resource);"#;
        let source = PolicySource { policies: [("closed".to_owned(), text.to_owned())].into(), links: Vec::new() };
        // Unwrap safety: a constant, which a test reads.
        Self::of(revision, None, Mode::Enforce, &source).expect("a policy that forbids everything is one")
    }

    /// Which revision of the workspace's policy this is; 0 when it has none.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether the workspace has policies beside the defaults.
    pub fn has_own(&self) -> bool {
        self.observed.is_some() || !Arc::ptr_eq(&self.enforced, &DEFAULT_POLICIES)
    }

    /// Decides.
    pub fn judge(&self, ask: &Ask<'_>) -> Decided {
        let observed = self.observed.as_ref().filter(|_| !ask.action.is_about_policy());
        let verdict = self.enforced_verdict(ask);
        let observed = observed.map(|policies| policies.judge(ask.action, &ask.put()));
        let observed = observed.filter(|observed| observed.effect != verdict.effect);
        Decided { verdict, observed }
    }

    fn enforced_verdict(&self, ask: &Ask<'_>) -> Verdict {
        let is_usual = ask.action.is_about_policy() || Arc::ptr_eq(&self.enforced, &DEFAULT_POLICIES);
        let remembered = if is_usual { usual::remembered(ask, || self.judge_afresh(ask)) } else { None };
        remembered.unwrap_or_else(|| self.judge_afresh(ask))
    }

    /// What is enforced, by asking the policy engine.
    pub(super) fn judge_afresh(&self, ask: &Ask<'_>) -> Verdict {
        self.enforced_on(ask.action).judge(ask.action, &ask.put())
    }

    /// Whether it may be done without asking anybody.
    pub fn allows(&self, ask: &Ask<'_>) -> bool {
        self.judge(ask).verdict.effect == Effect::Allowed
    }

    /// Whether it may be done; why not, and what would be needed.
    ///
    /// # Errors
    /// [`Denial`].
    pub fn decide(&self, ask: &Ask<'_>) -> Result<Decided, Denial> {
        let decided = self.judge(ask);
        if decided.verdict.effect == Effect::Allowed {
            return Ok(decided);
        }
        Err(Denial::of(self, ask, decided.verdict))
    }

    /// Whether it may be done to some thing at all, before anybody knows to which: to one of the asker's own
    /// or to somebody else's. Whoever knows the thing asks again.
    ///
    /// # Errors
    /// [`Denial`], when it may be done to neither.
    pub fn admit(&self, ask: &Ask<'_>) -> Result<Decided, Denial> {
        let own_run = if let Asker::Run { run_id, .. } = ask.asker { Some(run_id.as_str()) } else { None };
        let own = Resource { owner: Some(ask.asker.name()), run_id: own_run, ..ask.thing };
        let first = self.judge(&Ask { thing: own, ..*ask });
        if first.verdict.effect == Effect::Allowed && first.observed.is_none() {
            return Ok(first);
        }
        let second = self.judge(&Ask { thing: Resource { owner: Some(NOBODY), ..ask.thing }, ..*ask });
        match (first.verdict.effect, second.verdict.effect) {
            (Effect::Allowed, Effect::Allowed) if second.observed.is_none() => Ok(second),
            (Effect::Allowed, _) => Ok(first),
            (_, Effect::Allowed) => Ok(second),
            _ => Err(Denial::of(self, ask, second.verdict)),
        }
    }

    /// What a policy says about why it decides so.
    pub fn reason_of(&self, policy: &str) -> Option<&str> {
        self.told(policy)?.reason.as_deref()
    }

    /// What a policy says would be needed.
    pub fn needed_of(&self, policy: &str) -> Option<&str> {
        self.told(policy)?.needed.as_deref()
    }

    fn told(&self, policy: &str) -> Option<&Told> {
        let id = PolicyId::new(policy);
        let observed = self.observed.as_ref().and_then(|policies| policies.told.get(&id));
        self.enforced.told.get(&id).or(observed)
    }

    /// What decides about an action: of policy itself only what comes with the host, so that no workspace's
    /// policy keeps its operators from changing it.
    fn enforced_on(&self, action: Action) -> &Policies {
        if action.is_about_policy() { &DEFAULT_POLICIES } else { &self.enforced }
    }
}

impl Policies {
    fn of<'p>(policies: impl Iterator<Item = &'p Policy>) -> Self {
        let mut slices: Vec<Slice> = Action::ALL.iter().map(|_| Slice::default()).collect();
        let mut told = HashMap::new();
        for policy in policies {
            let is_soft = policy.annotation("effect").is_some();
            let said = |name: &str| policy.annotation(name).map(str::to_owned);
            told.insert(
                policy.id().clone(),
                Told {
                    reason: said("reason"),
                    needed: said("needed"),
                    is_forbid: policy.effect() == cedar_policy::Effect::Forbid,
                    waives: policy.annotation("waives").is_some(),
                    waivable: policy.annotation("waivable").is_some(),
                },
            );
            for action in actions_of(policy) {
                let slice = &mut slices[action as usize];
                let set = if is_soft { &mut slice.soft } else { &mut slice.hard };
                // Ids were found to be unique when the policies were read.
                if let Err(error) = set.add(policy.clone()) {
                    tracing::error!(%error, "a policy was left out of what it applies to");
                }
            }
        }
        Self { slices, told }
    }

    fn judge(&self, action: Action, put: &Put) -> Verdict {
        let slice = &self.slices[action as usize];
        let answer = AUTHORIZER.is_authorized(&put.request, &slice.hard, &put.entities);
        let failed = self.failed(&answer);
        if answer.decision() == Decision::Deny || !failed.is_empty() {
            let forbids =
                answer.diagnostics().reason().filter(|id| self.told.get(id).is_some_and(|told| told.is_forbid));
            return Verdict { effect: Effect::Denied, policies: ids(forbids.chain(failed)) };
        }
        let permits: Vec<&PolicyId> = answer.diagnostics().reason().collect();
        if slice.soft.is_empty() {
            return Verdict { effect: Effect::Allowed, policies: ids(permits.into_iter()) };
        }
        let is_waived = permits.iter().any(|id| self.told.get(id).is_some_and(|told| told.waives));
        let answer = AUTHORIZER.is_authorized(&put.request, &slice.soft, &put.entities);
        let holds = |id: &&PolicyId| !(is_waived && self.told.get(id).is_some_and(|told| told.waivable));
        let holding = ids(answer.diagnostics().reason().chain(self.failed(&answer)).filter(holds));
        if holding.is_empty() {
            return Verdict { effect: Effect::Allowed, policies: ids(permits.into_iter()) };
        }
        Verdict { effect: Effect::Approval, policies: holding }
    }

    /// What forbids and could not be evaluated, such as a sum that is too large: the engine passes over it,
    /// but what was to be forbidden is not allowed by that.
    fn failed<'a>(&'a self, answer: &'a Response) -> Vec<&'a PolicyId> {
        let errors = answer.diagnostics().errors().map(|error| {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            error.policy_id()
        });
        errors.filter(|id| self.told.get(id).is_some_and(|told| told.is_forbid)).collect()
    }
}

/// The actions that a policy can apply to.
fn actions_of(policy: &Policy) -> Vec<Action> {
    let named = policy.get_valid_request_envs(&SCHEMA).filter_map(|of| of.action().id().unescaped().parse().ok());
    let mut actions: Vec<Action> = named.collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

fn ids<'i>(ids: impl Iterator<Item = &'i PolicyId>) -> Vec<String> {
    let mut ids: Vec<String> = ids.map(|id| AsRef::<str>::as_ref(id).to_owned()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests;

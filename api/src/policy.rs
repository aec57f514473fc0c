//! A workspace's policy: what its operators write, and what is asked of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Whether what a workspace's own policies deny is denied, or only told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyMode {
    /// It is denied.
    Enforce,
    /// It is told as `policy.denied` with `observed: true`, and not denied.
    Observe,
}

/// Policies that come with the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyPreset {
    /// Whatever agents and runs change is told of, and nothing is denied.
    ObserveOnly,
    /// Only operators change anything.
    ReadOnly,
    /// Side effects need a person, and agents make no routines that reach outside.
    ReviewedEgress,
    /// Side effects that capabilities cover need nobody's approval.
    Open,
}

/// A template made a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyLink {
    /// The id of the policy.
    #[schema(max_length = 100)]
    pub id: String,
    /// The template's.
    pub template: String,
    /// What stands for `?principal`: `User::"user.ada"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// What stands for `?resource`: `Mission::"mis_1"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// What a workspace's policy is to be, all of it. Without policies and without a preset the defaults alone hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyPut {
    /// Policies in Cedar, when there is one text of them; it is named `policy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Texts by name, each of any number of policies and templates; together at most 256 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<BTreeMap<String, String>>,
    /// The policies made of templates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<PolicyLink>,
    /// Policies of the host that hold beside these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<PolicyPreset>,
    /// Without: `observe` with the preset `observe-only`, else `enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<PolicyMode>,
    /// Why, for whoever reads the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub note: Option<String>,
    /// Only if this is the newest revision; 0: only if there never was a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_match_rev: Option<u64>,
}

/// A revision of a workspace's policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyView {
    /// Whose.
    pub workspace_id: String,
    /// Counts changes from 1; 0 where there never was one.
    pub revision: u64,
    /// Whether what the policies deny is denied.
    pub mode: PolicyMode,
    /// What holds beside the policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<PolicyPreset>,
    /// Texts by name.
    pub policies: BTreeMap<String, String>,
    /// The policies made of templates.
    pub links: Vec<PolicyLink>,
    /// Why, in its author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The revision that this one went back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back_to: Option<u64>,
    /// Its author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// When. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at_ms: Option<u64>,
}

/// A page of a policy's history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PolicyHistory {
    /// Revisions, newest first.
    pub history: Vec<PolicyView>,
    /// How many of them.
    pub count: usize,
    /// For the page after this one.
    pub next_cursor: Option<String>,
}

/// Back to an earlier revision.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRollback {
    /// The revision to go back to; what it says becomes a new one.
    #[schema(minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    pub revision: u64,
    /// Only if this is the newest revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_match_rev: Option<u64>,
}

/// What somebody is who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum PolicyPrincipalType {
    /// A person: an operator, a member or a viewer.
    User,
    /// A program, in the role `agent`.
    Agent,
    /// The token of a run.
    RunToken,
    /// A routine that is about to reach the outside world.
    Routine,
}

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyPrincipal {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: PolicyPrincipalType,
    /// `user.ada`; of a run's token whoever claimed the run; of a routine its id.
    pub name: String,
    /// Of a user: `operator`, `member` (the default) or `viewer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `token` (the default), `ticket` or `owner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Of a run's token: the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Of a routine: `user` (the default) or `agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator_type: Option<String>,
    /// Of a routine; false by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_integrations_allowed: Option<bool>,
    /// Of a routine; true by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_approval: Option<bool>,
}

/// A thing that is asked about; its type is the action's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyThing {
    /// Its type, to be sure: `Mission`, `Connector`, ...
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its id or key; of a side effect the connector's name. Without, about no single thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
}

/// A side effect, for the action `connector.call`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyContext {
    /// What would be done: `create_pr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// With what.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
    /// What was granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
}

/// A question: may this principal do this to that thing?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyQuestion {
    /// Who.
    pub principal: PolicyPrincipal,
    /// What for: an operation's `x-sluice-action`, or `connector.call`.
    pub action: String,
    /// About which thing.
    #[serde(default)]
    pub resource: PolicyThing,
    /// What would be done to the outside world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<PolicyContext>,
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyDecision {
    /// It may be done.
    Allowed,
    /// It may be done once a person has said yes.
    ApprovalRequired,
    /// It may not be done.
    Denied,
}

/// A policy that led to a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyCited {
    /// Its id: `default/..` of the host, `preset/..` of a preset, else the workspace's own.
    pub id: String,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why something is decided as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyExplanation {
    /// What is decided.
    pub decision: PolicyDecision,
    /// The policies that decided; none when it is denied because nothing permits it.
    pub policies: Vec<PolicyCited>,
    /// In one word why not: `role`, `not_owner`, `own_work`, `other_run` or `policy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What would be needed.
    pub needed: Vec<String>,
    /// What the workspace's own policies would have decided, where they are only observed and it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<PolicyObserved>,
    /// The revision of the workspace's policy that was asked.
    pub revision: u64,
}

/// What policies that are only observed would have decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyObserved {
    /// What.
    pub decision: PolicyDecision,
    /// By which policies.
    pub policies: Vec<PolicyCited>,
}

/// A policy to be tried on what was decided lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDiffRequest {
    /// The policy, as it would be set.
    pub policy: PolicyPut,
    /// How many decisions, the newest ones; 1,000 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub last: Option<u32>,
}

/// A decision that another policy would have made differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyDifference {
    /// What was asked.
    pub question: PolicyQuestion,
    /// When. Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What was decided.
    pub was: PolicyDecision,
    /// By which policies.
    pub was_by: Vec<String>,
    /// What would be decided.
    pub would_be: PolicyDecision,
    /// By which policies.
    pub would_be_by: Vec<String>,
}

/// What another policy would have decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyDiff {
    /// Decisions that were asked again.
    pub compared: usize,
    /// How many come out the same.
    pub same: usize,
    /// How many come out differently.
    pub different: usize,
    /// How many can no longer be asked, because another version of the host recorded them.
    pub unreadable: usize,
    /// Those that come out differently, newest first; at most 500.
    pub differences: Vec<PolicyDifference>,
}

/// A case of a test file: a question and what has to be decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyCase {
    /// What it is about, for whoever reads that it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who.
    pub principal: PolicyPrincipal,
    /// What for.
    pub action: String,
    /// About which thing.
    #[serde(default)]
    pub resource: PolicyThing,
    /// What would be done to the outside world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<PolicyContext>,
    /// What has to be decided.
    pub expected: PolicyDecision,
    /// A policy that has to be among those that decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A test file: a policy and cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyTests {
    /// The cases, in order.
    pub cases: Vec<PolicyCase>,
}

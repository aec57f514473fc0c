//! Policies as people write them: read, named, checked against the schema, with the place of every
//! problem.
//!
//! What passes here is whole: every policy has an id of its own, speaks only of what the schema
//! knows, and is static (a template is made one policy for each of its links), so that
//! [`super::rules`] judges without ever asking whether a policy makes sense.

mod shape;

use std::collections::{HashMap, HashSet};

use cedar_policy::{EntityUid, Policy, PolicyId, PolicySet, Template, ValidationMode, Validator};
use miette::Diagnostic;
use serde_json::{Value, json};

use super::action::Action;
use super::bundle::SCHEMA;
use crate::domain::policy::{Link, PolicySource};

/// Most bytes of all texts of a workspace (256 KiB).
pub const TEXT_MAX_BYTES: usize = 256 << 10;
/// Most policies of a workspace, links counted.
pub const POLICIES_MAX: usize = 2_000;
/// Longest name of a text, id of a policy or of a link, in bytes.
const NAME_MAX_BYTES: usize = 100;
/// Most problems that are told at once.
const PROBLEMS_MAX: usize = 50;

/// Whose policies they are: their ids say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The host's, in every workspace.
    Default,
    /// A preset's.
    Preset,
    /// The workspace's.
    Own,
}

impl Origin {
    fn prefix(self) -> &'static str {
        match self {
            Self::Default => "default/",
            Self::Preset => "preset/",
            Self::Own => "",
        }
    }

    /// Whose the policy of this id is.
    pub(super) fn of(id: &str) -> Self {
        [Self::Default, Self::Preset].into_iter().find(|origin| id.starts_with(origin.prefix())).unwrap_or(Self::Own)
    }
}

/// A place in a text; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Something that is wrong with policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextProblem {
    /// The text it is in.
    pub text: String,
    /// The policy, when it is known.
    pub policy: Option<String>,
    /// Where it begins, when that is known.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What would be right, when that can be guessed.
    pub help: Option<String>,
}

impl std::fmt::Display for TextProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        if let Some(policy) = &self.policy {
            write!(f, " (policy `{policy}`)")?;
        }
        write!(f, ": {}", self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

/// All that is wrong with policies, at most fifty things.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct TextProblems(pub Vec<TextProblem>);

/// Reads policies and checks them against the schema. All of the answer are static.
pub(super) fn read(origin: Origin, source: &PolicySource) -> Result<PolicySet, TextProblems> {
    let mut reading = Reading {
        origin,
        source,
        set: PolicySet::new(),
        problems: Vec::new(),
        homes: HashMap::new(),
        weights: HashMap::new(),
        weight: 0,
    };
    reading.check_size();
    if reading.problems.is_empty() {
        for (name, text) in &source.policies {
            reading.text(name, text);
        }
    }
    // What does not read has problems enough, and its types cannot be judged.
    if reading.problems.is_empty() {
        reading.validate();
    }
    if reading.problems.is_empty() {
        reading.link();
    }
    reading.problems.truncate(PROBLEMS_MAX);
    if reading.problems.is_empty() { Ok(reading.set) } else { Err(TextProblems(reading.problems)) }
}

struct Reading<'s> {
    origin: Origin,
    source: &'s PolicySource,
    set: PolicySet,
    problems: Vec<TextProblem>,
    /// The text that each policy and template stands in.
    homes: HashMap<PolicyId, &'s str>,
    /// The parts that each template has.
    weights: HashMap<String, usize>,
    /// The parts of all policies so far.
    weight: usize,
}

impl<'s> Reading<'s> {
    fn refuse(&mut self, text: &str, policy: Option<&str>, message: impl Into<String>) {
        let policy = policy.map(str::to_owned);
        self.problems.push(TextProblem {
            text: text.to_owned(),
            policy,
            place: None,
            message: message.into(),
            help: None,
        });
    }

    fn check_size(&mut self) {
        let source = self.source;
        let bytes: usize = source.policies.values().map(String::len).sum();
        if bytes > TEXT_MAX_BYTES {
            self.refuse(
                "policies",
                None,
                format!("the texts have {bytes} bytes; at most {TEXT_MAX_BYTES} are allowed"),
            );
        }
        for name in source.policies.keys().filter(|name| !is_name(name)).take(PROBLEMS_MAX) {
            self.refuse(name, None, NAME_RULE);
        }
        if source.links.len() > POLICIES_MAX {
            self.refuse("links", None, format!("there are more than {POLICIES_MAX} links; fewer may say the same"));
        }
    }

    fn text(&mut self, name: &'s str, text: &str) {
        let weights = match shape::weights(text) {
            Ok(weights) => weights,
            Err(too_much) => {
                self.refuse(name, None, too_much.message);
                // Unwrap safety: it was refused just now.
                self.problems.last_mut().expect("a problem").place = Some(place_of(text, too_much.offset));
                return;
            }
        };
        if !self.is_light_enough(name, weights.iter().sum()) {
            return;
        }
        let parsed = match text.parse::<PolicySet>() {
            Ok(parsed) => parsed,
            Err(errors) => {
                let problems = errors.iter().take(PROBLEMS_MAX).map(|error| problem_of(name, text, None, error));
                self.problems.extend(problems);
                return;
            }
        };
        let mut policies: Vec<&Policy> = parsed.policies().collect();
        let mut templates: Vec<&Template> = parsed.templates().collect();
        policies.sort_by_key(|policy| number_of(policy.id()));
        templates.sort_by_key(|template| number_of(template.id()));
        let is_alone = policies.len() + templates.len() == 1;
        for policy in policies {
            let id = self.named(name, policy.annotation("id"), is_alone, policy.id());
            self.check_annotations(name, &id, policy);
            self.homes.insert(PolicyId::new(&id), name);
            if let Err(error) = self.set.add(policy.new_id(PolicyId::new(&id))) {
                self.refuse(name, Some(&id), format!("there is another policy of this id: {error}"));
            }
        }
        for template in templates {
            let id = self.named(name, template.annotation("id"), is_alone, template.id());
            let weight = weights.get(number_of(template.id())).copied();
            self.weights.insert(id.clone(), weight.unwrap_or(shape::WEIGHT_MAX));
            self.homes.insert(PolicyId::new(&id), name);
            if let Err(error) = self.set.add_template(template.new_id(PolicyId::new(&id))) {
                self.refuse(name, Some(&id), format!("there is another policy of this id: {error}"));
            }
        }
        if self.set.num_of_policies() > POLICIES_MAX {
            self.refuse(name, None, format!("there are more than {POLICIES_MAX} policies; fewer may say the same"));
        }
    }

    /// Counts what there is to check; whether it is not too much.
    fn is_light_enough(&mut self, name: &str, weight: usize) -> bool {
        let before = self.weight;
        self.weight = self.weight.saturating_add(weight);
        let (is_light, was_light) = (self.weight <= shape::WEIGHT_MAX, before <= shape::WEIGHT_MAX);
        if was_light && !is_light {
            let most = shape::WEIGHT_MAX;
            self.refuse(name, None, format!("the policies have more than {most} parts (words, texts, brackets and operators; those of a template count for each link); fewer may say the same"));
        }
        is_light
    }

    /// A policy's id: as its annotation has it, or made of the text's name and its place there.
    fn named(&mut self, name: &str, given: Option<&str>, is_alone: bool, parsed: &PolicyId) -> String {
        let own = match given {
            Some(given) if is_name(given) => given.to_owned(),
            Some(given) => {
                self.refuse(name, Some(given), format!("its `@id` {NAME_RULE}"));
                given.to_owned()
            }
            None if is_alone => name.to_owned(),
            None => format!("{name}.{}", number_of(parsed) + 1),
        };
        format!("{}{own}", self.origin.prefix())
    }

    /// Annotations that mean something to the host stand only where they can.
    fn check_annotations(&mut self, name: &str, id: &str, policy: &Policy) {
        let is_forbid = policy.effect() == cedar_policy::Effect::Forbid;
        let concerns_calls_alone = || {
            policy
                .get_valid_request_envs(&SCHEMA)
                .all(|of| of.action().id().unescaped() == Action::ConnectorCall.name())
        };
        for (annotation, wants_forbid) in [("effect", true), ("waives", false)] {
            let Some(value) = policy.annotation(annotation) else { continue };
            if value != "approval" {
                self.refuse(
                    name,
                    Some(id),
                    format!("`@{annotation}(\"{value}\")`: the only word for it is \"approval\""),
                );
            } else if is_forbid != wants_forbid {
                let on = if wants_forbid { "forbid" } else { "permit" };
                self.refuse(name, Some(id), format!("`@{annotation}` stands on a `{on}`"));
            } else if !concerns_calls_alone() {
                let message = format!(
                    "`@{annotation}` is about side effects alone: say `action == Action::\"{}\"`",
                    Action::ConnectorCall.name()
                );
                self.refuse(name, Some(id), message);
            }
        }
        if self.origin != Origin::Default && policy.annotation("waivable").is_some() {
            self.refuse(
                name,
                Some(id),
                "`@waivable` is the default policies' own; a policy that is not meant is left out",
            );
        }
    }

    fn validate(&mut self) {
        let told = Validator::new(SCHEMA.clone()).validate(&self.set, ValidationMode::Strict);
        let mut errors: Vec<_> = told.validation_errors().collect();
        errors.sort_by_key(|error| (self.homes.get(error.policy_id()), offset_of(*error)));
        errors.truncate(PROBLEMS_MAX);
        let mut problems = Vec::new();
        for error in errors {
            let id = error.policy_id();
            let name = self.homes.get(id).copied().unwrap_or_default();
            let text = self.source.policies.get(name).map_or("", String::as_str);
            let id: &str = id.as_ref();
            let mut problem = problem_of(name, text, Some(id), error);
            // The engine's sentence begins with the policy, which has a place of its own here.
            let begin = format!("for policy `{id}`, ");
            if problem.message.starts_with(&begin) {
                problem.message.drain(..begin.len());
            }
            problems.push(problem);
        }
        self.problems.extend(problems);
    }

    /// Makes policies of templates.
    fn link(&mut self) {
        let templates: Vec<Template> = self.set.templates().cloned().collect();
        let mut policies: Vec<Policy> = self.set.policies().cloned().collect();
        let mut taken: HashSet<PolicyId> = policies.iter().map(|policy| policy.id().clone()).collect();
        for link in &self.source.links {
            let weight = self.weights.get(&link.template).copied().unwrap_or(0);
            if !self.is_light_enough("links", weight) {
                return;
            }
            match linked(&templates, link) {
                Ok(policy) if !taken.insert(policy.id().clone()) => {
                    self.refuse("links", Some(&link.id), "there is another policy of this id");
                }
                Ok(policy) => {
                    self.check_annotations("links", &link.id, &policy);
                    policies.push(policy);
                }
                Err(message) => self.refuse("links", Some(&link.id), message),
            }
        }
        if policies.len() > POLICIES_MAX {
            self.refuse("links", None, format!("there are more than {POLICIES_MAX} policies; fewer may say the same"));
        }
        match PolicySet::from_policies(policies) {
            Ok(set) => self.set = set,
            Err(error) => self.refuse("links", None, error.to_string()),
        }
        // Templates are judged as such; a link can still put a thing where only others make sense.
        if !self.source.links.is_empty() && self.problems.is_empty() {
            self.homes = self.source.links.iter().map(|link| (PolicyId::new(&link.id), "links")).collect();
            self.validate();
        }
    }
}

/// The policy that a link makes of its template.
fn linked(templates: &[Template], link: &Link) -> Result<Policy, String> {
    if !is_name(&link.id) {
        return Err(format!("its id {NAME_RULE}"));
    }
    let template = templates.iter().find(|template| AsRef::<str>::as_ref(template.id()) == link.template);
    let template = template.ok_or_else(|| format!("there is no template `{}`", link.template))?;
    let mut policy = template.to_json().map_err(|error| error.to_string())?;
    for (slot, part, given) in [("?principal", "principal", &link.principal), ("?resource", "resource", &link.resource)]
    {
        let has_slot = template.slots().any(|of| of.to_string() == slot);
        let entity = match (has_slot, given) {
            (false, None) => continue,
            (true, None) => return Err(format!("its template has `{slot}`; say what stands for it as `{part}`")),
            (false, Some(_)) => return Err(format!("its template has no `{slot}`; leave `{part}` out")),
            (true, Some(given)) => given
                .parse::<EntityUid>()
                .map_err(|_| format!("`{given}` is none that a policy could name; write `User::\"user.ada\"`"))?,
        };
        let entity = json!({"type": entity.type_name().to_string(), "id": entity.id().unescaped()});
        fill(&mut policy[part], slot, &entity);
    }
    Policy::from_json(Some(PolicyId::new(&link.id)), policy).map_err(|error| error.to_string())
}

/// Puts an entity where a slot stands, in the scope and below `in` of `is .. in`.
fn fill(scope: &mut Value, slot: &str, entity: &Value) {
    let Value::Object(members) = scope else { return };
    if members.get("slot").is_some_and(|of| of == slot) {
        members.remove("slot");
        members.insert("entity".to_owned(), entity.clone());
    }
    if let Some(inner) = members.get_mut("in") {
        fill(inner, slot, entity);
    }
}

const NAME_RULE: &str = "is not 1 to 100 of A-Z, a-z, 0-9, `.`, `_` and `-`";

fn is_name(name: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_MAX_BYTES).contains(&name.len()) && name.bytes().all(is_of_name)
}

/// The place that the parser gave a policy in its text, from 0.
fn number_of(id: &PolicyId) -> usize {
    AsRef::<str>::as_ref(id).trim_start_matches("policy").parse().unwrap_or(usize::MAX)
}

fn problem_of(name: &str, text: &str, policy: Option<&str>, error: &dyn Diagnostic) -> TextProblem {
    let offset = offset_of(error);
    TextProblem {
        text: name.to_owned(),
        policy: policy.map(str::to_owned),
        place: offset.filter(|_| !text.is_empty()).map(|offset| place_of(text, offset)),
        message: error.to_string(),
        help: error.help().map(|help| help.to_string()),
    }
}

fn offset_of(error: &dyn Diagnostic) -> Option<usize> {
    error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset())
}

fn place_of(text: &str, offset: usize) -> Place {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Place { line, column }
}

#[cfg(test)]
mod tests;

//! What a decision costs in a workspace with many policies, beside the policy engine alone.
//!
//! `cargo bench -p e2e --bench policy_decision` prints a table. `bare` is the engine's own evaluation of the same
//! request, its entities made beforehand, over the same policies in one set; `decision` is everything a request
//! pays: entities made, policies chosen, the answer and its reasons. Both answers are compared each time. Rounds of
//! the two take turns, so that other work on the machine meets both.
//!
//! Targets: p99 of a decision at 1,000 policies at most 1.5 times the bare p99, and under 200 us.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicyId, PolicySet, Request, RestrictedExpression,
    Schema,
};
use sluice::domain::id::WorkspaceId;
use sluice::domain::policy::{Mode, PolicySource};
use sluice::domain::principal::Role;
use sluice::policy::{Action, Ask, Asker, DEFAULT_TEXT, Effect, Resource, Rules, SCHEMA_TEXT};

/// Decisions of one round.
const AT_ONCE: usize = 500;
/// Rounds.
const ROUNDS: usize = 40;

fn main() {
    println!(
        "{:<34} {:>9} {:>9} {:>9} {:>9} {:>8}  p99 <= 1.5x bare, < 200 us",
        "", "bare p50", "bare p99", "p50 us", "p99 us", "ratio"
    );
    measured("defaults alone", "");
    measured("100 policies, of all actions", &spread(100));
    measured("1,000 policies, of all actions", &spread(1_000));
    measured("1,000 policies, of all things", &general(1_000));
    measured("100 policies, of this action", &of_one(100));
    measured("1,000 policies, of this action", &of_one(1_000));
}

/// Policies as workspaces have them: each about one action and somebody's things.
fn spread(count: usize) -> String {
    let actions: Vec<&Action> = Action::ALL.iter().filter(|action| **action != Action::ConnectorCall).collect();
    let policy = |n: usize| {
        let (action, kind) = (actions[n % actions.len()].name(), ["permit", "forbid"][n % 2]);
        format!(
            "@id(\"p{n}\") {kind} (principal == User::\"user.{n}\", action == Action::\"{action}\", resource)\n\
             when {{ context.workspace == \"local\" }};\n"
        )
    };
    (0..count).map(policy).collect()
}

/// Policies that name no action, which all have to be looked at.
fn general(count: usize) -> String {
    let policy = |n: usize| format!("@id(\"p{n}\") forbid (principal == User::\"user.{n}\", action, resource);\n");
    (0..count).map(policy).collect()
}

/// Policies that are all about what is asked.
fn of_one(count: usize) -> String {
    let policy = |n: usize| {
        format!(
            "@id(\"p{n}\") forbid (principal, action == Action::\"mission.read\", resource == Mission::\"mis_{n}\")\n\
             when {{ resource has owner && resource.owner != principal.name }};\n"
        )
    };
    (1..=count).map(policy).collect()
}

fn measured(name: &str, text: &str) {
    let source = PolicySource { policies: BTreeMap::from([("own".to_owned(), text.to_owned())]), links: Vec::new() };
    let rules = Rules::of(1, None, Mode::Enforce, &source).expect("the policies are policies");
    let workspace = WorkspaceId::new("local");
    let asker = Asker::Role { name: "user.ada".to_owned(), role: Role::Member, credential: "token" };
    let thing = Resource { workspace_id: &workspace, id: Some("mis_0"), owner: Some("user.ben"), run_id: None };
    let ask = Ask { asker: &asker, action: Action::MissionRead, thing, effect: None };

    let (authorizer, set) = (Authorizer::new(), bare_set(text));
    let (request, entities) = bare_question();
    let bare = || authorizer.is_authorized(&request, &set, &entities);
    assert_eq!(bare().decision() == Decision::Allow, rules.judge(&ask).verdict.effect == Effect::Allowed, "{name}");

    let (mut of_bare, mut of_ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        timed(&mut of_bare, || drop(black_box(bare())));
        timed(&mut of_ours, || drop(black_box(rules.judge(black_box(&ask)))));
    }
    let us = |of: &mut Vec<Duration>, share: f64| {
        of.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place"
        )]
        let place = (of.len() as f64 * share) as usize;
        of[place].as_secs_f64() * 1e6
    };
    let (bare_p50, bare_p99) = (us(&mut of_bare, 0.5), us(&mut of_bare, 0.99));
    let (p50, p99) = (us(&mut of_ours, 0.5), us(&mut of_ours, 0.99));
    let ratio = p99 / bare_p99;
    let verdict = if ratio <= 1.5 && p99 < 200.0 { "ok" } else { "-" };
    println!("{name:<34} {bare_p50:>9.1} {bare_p99:>9.1} {p50:>9.1} {p99:>9.1} {ratio:>8.2}  {verdict}");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures with the machine's clock")]
fn timed(into: &mut Vec<Duration>, mut one: impl FnMut()) {
    for _ in 0..AT_ONCE {
        let begun = Instant::now();
        one();
        into.push(begun.elapsed());
    }
}

/// The same policies in one set.
fn bare_set(text: &str) -> PolicySet {
    let mut all = PolicySet::new();
    for (prefix, text) in [("d", DEFAULT_TEXT), ("o", text)] {
        let set: PolicySet = text.parse().expect("the policies are policies");
        for (n, policy) in set.policies().enumerate() {
            all.add(policy.new_id(PolicyId::new(format!("{prefix}{n}")))).expect("ids are unique");
        }
    }
    all
}

/// The same question.
fn bare_question() -> (Request, Entities) {
    let uid = |text: &str| -> EntityUid { text.parse().expect("it is one") };
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let schema = Schema::from_cedarschema_str(SCHEMA_TEXT).expect("the schema is one").0;
    let action = uid("Action::\"mission.read\"");
    let of_schema = schema.action_entities().expect("the schema's actions are whole");
    let entity = |uid: EntityUid, name: &str, value: &str, parents: HashSet<EntityUid>| {
        Entity::new(uid, HashMap::from([(name.to_owned(), text(value))]), parents).expect("texts are texts")
    };
    let member = uid("Role::\"member\"");
    let entities = vec![
        of_schema.get(&action).expect("it is an action").clone(),
        Entity::with_uid(member.clone()),
        entity(uid("User::\"user.ada\""), "name", "user.ada", HashSet::from([member])),
        entity(uid("Mission::\"mis_0\""), "owner", "user.ben", HashSet::new()),
    ];
    let context =
        Context::from_pairs([("credential".to_owned(), text("token")), ("workspace".to_owned(), text("local"))]);
    let request = Request::new(
        uid("User::\"user.ada\""),
        action,
        uid("Mission::\"mis_0\""),
        context.expect("texts are texts"),
        None,
    );
    (request.expect("it is a request"), Entities::from_entities(entities, None).expect("they are entities"))
}

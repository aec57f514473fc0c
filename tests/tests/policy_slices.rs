//! Policies are kept by action, so that a decision looks only at what can be about it. Random policies and
//! questions are decided here as the policy engine decides them over all policies at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicyId, PolicySet, Request, RestrictedExpression,
    Schema,
};
use e2e::random::Random;
use sluice::domain::id::WorkspaceId;
use sluice::domain::policy::{Mode, PolicySource};
use sluice::domain::principal::Role;
use sluice::policy::{Action, Ask, Asker, DEFAULT_TEXT, Effect, Resource, Rules, SCHEMA_TEXT};

const ROUNDS: u64 = 40;
const POLICIES: usize = 30;
const QUESTIONS: usize = 60;

/// Actions that people and agents ask for.
fn actions() -> Vec<Action> {
    Action::ALL.iter().copied().filter(|action| *action != Action::ConnectorCall && !action.is_about_policy()).collect()
}

fn policies(random: &mut Random) -> String {
    let principals = [
        "principal",
        "principal",
        "principal == User::\"user.a\"",
        "principal in Role::\"member\"",
        "principal is Agent",
        "principal is User in Role::\"viewer\"",
        "principal is RunToken",
    ];
    let conditions = [
        "",
        "",
        " when { resource has owner && resource.owner == \"user.a\" }",
        " when { context has credential && context.credential == \"ticket\" }",
        " unless { principal in Role::\"operator\" }",
        " unless { action in Action::\"look\" }",
    ];
    let mut text = String::new();
    for n in 0..POLICIES {
        let action = match random.below(4) {
            0 => "action".to_owned(),
            1 => format!("action == Action::\"{}\"", random.one_of(&actions())),
            2 => {
                format!("action in Action::\"{}\"", random.one_of(&["look", "work", "change", "administer", "stream"]))
            }
            _ => format!("action in [Action::\"{}\", Action::\"work\"]", random.one_of(&actions())),
        };
        let resource = *random.one_of(&["resource", "resource", "resource is Mission", "resource == Run::\"x\""]);
        let effect = *random.one_of(&["permit", "forbid", "forbid"]);
        let (principal, condition) = (*random.one_of(&principals), *random.one_of(&conditions));
        writeln!(text, "@id(\"p{n}\") {effect} ({principal}, {action}, {resource}){condition};").expect("it is a text");
    }
    text
}

fn asker(random: &mut Random) -> Asker {
    let name = (*random.one_of(&["user.a", "user.b"])).to_owned();
    match random.below(6) {
        0 => Asker::Run { name, run_id: "x".to_owned() },
        of => {
            Asker::Role { name, role: *random.one_of(Role::ALL), credential: if of == 1 { "ticket" } else { "token" } }
        }
    }
}

fn uid(kind: &str, id: &str) -> EntityUid {
    format!("{kind}::\"{id}\"").parse().expect("it is one")
}

/// The engine's answer over all policies.
fn by_all(set: &PolicySet, schema: &Schema, ask: &Ask<'_>) -> Decision {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let entity = |uid: EntityUid, attributes: Vec<(&str, &str)>, parents: Vec<EntityUid>| {
        let attributes: HashMap<_, _> = attributes.into_iter().map(|(name, of)| (name.to_owned(), text(of))).collect();
        Entity::new(uid, attributes, parents.into_iter().collect::<HashSet<_>>()).expect("texts are texts")
    };
    let mut entities: Vec<Entity> = schema.action_entities().expect("they are whole").into_iter().collect();
    let (principal, credential) = match ask.asker {
        Asker::Role { name, role, credential } => {
            let kind = if *role == Role::Agent { "Agent" } else { "User" };
            let role = uid("Role", role.as_str());
            entities.push(entity(role.clone(), Vec::new(), Vec::new()));
            entities.push(entity(uid(kind, name), vec![("name", name)], vec![role]));
            (uid(kind, name), *credential)
        }
        Asker::Run { name, run_id } => {
            entities.push(entity(uid("RunToken", run_id), vec![("name", name), ("run_id", run_id)], Vec::new()));
            (uid("RunToken", run_id), "run")
        }
        Asker::Routine { .. } => unreachable!("routines ask for side effects alone"),
    };
    let kind = ask.action.kind();
    let thing = uid(kind.as_str(), ask.thing.id.unwrap_or("*"));
    let mut attributes: Vec<(&str, &str)> = ask.thing.owner.map(|owner| ("owner", owner)).into_iter().collect();
    let has_runs = matches!(kind.as_str(), "Run" | "Memory");
    attributes.extend(ask.thing.run_id.filter(|_| has_runs).map(|run| ("run_id", run)));
    entities.push(entity(thing.clone(), attributes, Vec::new()));
    let context = Context::from_pairs([
        ("credential".to_owned(), text(credential)),
        ("workspace".to_owned(), text(ask.thing.workspace_id.as_str())),
    ]);
    let request =
        Request::new(principal, uid("Action", ask.action.name()), thing, context.expect("texts"), Some(schema));
    let entities = Entities::from_entities(entities, None).expect("they are entities");
    Authorizer::new().is_authorized(&request.expect("it conforms"), set, &entities).decision()
}

#[test]
fn a_slice_decides_as_all_policies_do() {
    let schema = Schema::from_cedarschema_str(SCHEMA_TEXT).expect("the schema is one").0;
    let workspace = WorkspaceId::new("local");
    let (mut allowed, mut denied) = (0, 0);
    for seed in 0..ROUNDS {
        let mut random = Random::new(seed);
        let text = policies(&mut random);
        let source = PolicySource { policies: BTreeMap::from([("own".to_owned(), text.clone())]), links: Vec::new() };
        let rules = Rules::of(1, None, Mode::Enforce, &source).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
        let mut set = PolicySet::new();
        for (prefix, text) in [("d", DEFAULT_TEXT), ("o", text.as_str())] {
            for policy in text.parse::<PolicySet>().expect("they are policies").policies() {
                let id = PolicyId::new(format!("{prefix}{}", policy.id()));
                set.add(policy.new_id(id)).expect("ids are unique");
            }
        }
        for _ in 0..QUESTIONS {
            let asker = asker(&mut random);
            let action = *random.one_of(&actions());
            let owner = *random.one_of(&[None, Some("user.a"), Some("user.b")]);
            let run_id = *random.one_of(&[None, Some("x"), Some("y")]);
            let id = *random.one_of(&[None, Some("x"), Some("y")]);
            let thing = Resource { workspace_id: &workspace, id, owner, run_id };
            let ask = Ask { asker: &asker, action, thing, effect: None };
            let whole = by_all(&set, &schema, &ask) == Decision::Allow;
            let verdict = rules.judge(&ask).verdict;
            assert_eq!(verdict.effect == Effect::Allowed, whole, "seed {seed}: {ask:?}\n{verdict:?}\n{text}");
            if whole { allowed += 1 } else { denied += 1 }
        }
    }
    assert!(allowed > 100 && denied > 100, "{allowed} allowed and {denied} denied are too few of one to tell");
}

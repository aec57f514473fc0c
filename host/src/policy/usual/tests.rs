//! What is remembered is what the engine says, and nothing is remembered by too little.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::domain::id::WorkspaceId;
use crate::policy::ask::Resource;
use crate::policy::bundle::DEFAULTS;
use crate::policy::rules::Rules;

/// Names and ids that could be taken for each other, or for words of the policies.
const TEXTS: [&str; 8] = ["", "*", "user.a", "agent.a", "operator", "ticket", "run_1", "a\"b\\ü"];

#[test]
fn what_is_remembered_is_what_the_engine_says() {
    let rules = Rules::standard();
    let mut askers = Vec::new();
    for name in TEXTS {
        for (role, credential) in Role::ALL.iter().flat_map(|role| CREDENTIALS.map(|of| (*role, of))) {
            askers.push(Asker::Role { name: name.to_owned(), role, credential });
        }
        askers.extend(TEXTS.map(|run| Asker::Run { name: name.to_owned(), run_id: run.to_owned() }));
    }
    let (mut asked, mut step) = (0, 0_usize);
    for action in Action::ALL.iter().copied().filter(|action| *action != Action::ConnectorCall) {
        for asker in &askers {
            // Every kind of question, each with other texts as the loop goes on.
            for (owner, run) in (0..3).flat_map(|owner| (0..3).map(move |run| (owner, run))) {
                step = step.wrapping_mul(31).wrapping_add(7);
                let some = |of: usize, own: &'static str| [None, Some(own), Some(TEXTS[step % TEXTS.len()])][of];
                let here = WorkspaceId::new(["local", "other"][step % 2]);
                let (own, own_run) = match asker {
                    Asker::Run { name, run_id } => (name.as_str(), run_id.as_str()),
                    of => (of.name(), "run_1"),
                };
                let [owner, run_id] = [(owner, own), (run, own_run)].map(|(of, own)| match of {
                    1 => Some(own),
                    _ => some(of, ""),
                });
                let thing = Resource { workspace_id: &here, id: [None, Some("x")][step % 2], owner, run_id };
                let ask = Ask { asker, action, thing, effect: None };
                assert_eq!(rules.judge(&ask).verdict, rules.judge_afresh(&ask), "{ask:?}");
                assert!(place_of(&ask).is_some());
                asked += 1;
            }
        }
    }
    assert!(asked > 40_000, "{asked}");
}

/// Members and texts that conditions of the default policies speak of.
fn spoken_of(value: &Value, members: &mut BTreeSet<String>, texts: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if let Some(attribute) = value.get("attr").and_then(Value::as_str) {
                    members.insert(attribute.to_owned());
                }
                if let (true, Some(text)) = (name == "Value", value.as_str()) {
                    texts.insert(text.to_owned());
                }
                assert_ne!(name, "like", "a pattern tells texts from each other");
                spoken_of(value, members, texts);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| spoken_of(value, members, texts)),
        _ => {}
    }
}

#[test]
fn the_default_policies_look_at_nothing_else() {
    let (mut members, mut texts) = (BTreeSet::new(), BTreeSet::new());
    for policy in DEFAULTS.policies() {
        let json = policy.to_json().expect("a default policy can be written as JSON");
        for part in ["principal", "resource"] {
            let scope = &json[part];
            let entity = scope.get("entity").or(scope.pointer("/in/entity"));
            assert!(entity.is_none_or(|entity| entity["type"] == "Role"), "{}: {scope}", policy.id());
        }
        spoken_of(&json["conditions"], &mut members, &mut texts);
    }
    let of_calls = ["covered", "creator_type", "external_integrations_allowed", "requires_approval", "whole"];
    members.retain(|member| !of_calls.contains(&member.as_str()));
    let (members, texts): (Vec<_>, Vec<_>) = (members.into_iter().collect(), texts.into_iter().collect());
    assert_eq!(members, ["credential", "name", "owner", "run_id"], "what is remembered has to differ by each member");
    assert_eq!(texts, ["ticket"], "what is remembered has to differ by each text");
}

//! What the default policies say, all of it, and that slices say what the whole set says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;
use crate::domain::id::WorkspaceId;
use crate::domain::policy::PolicySource;
use crate::domain::principal::Role;
use crate::policy::ask::SideEffect;
use crate::policy::bundle::{DEFAULT_TEXT, SCHEMA_TEXT};
use crate::policy::denial::Reason;

const MATRIX: &str = include_str!("../../../../specs/policy/matrix.txt");

fn role(role: Role, credential: &'static str) -> Asker {
    let name = if role == Role::Agent { "agent.a" } else { "user.a" };
    Asker::Role { name: name.to_owned(), role, credential }
}

fn run() -> Asker {
    Asker::Run { name: "agent.w".to_owned(), run_id: "run_1".to_owned() }
}

/// What somebody may do, as the matrix writes it, and why not.
fn may(rules: &Rules, asker: &Asker, action: Action) -> (&'static str, [Option<Reason>; 2]) {
    let here = WorkspaceId::new("local");
    let own_run = if let Asker::Run { run_id, .. } = asker { Some(run_id.as_str()) } else { None };
    let ask = |owner, run_id| {
        let thing = Resource { workspace_id: &here, id: Some("x"), owner: Some(owner), run_id };
        rules.decide(&Ask { asker, action, thing, effect: None }).map(|_| ()).map_err(|denial| denial.reason)
    };
    // A run's token speaks for a run, whoever claimed it; the others for whatever is theirs.
    let (own, others) = match asker {
        Asker::Run { .. } => (ask("user.b", own_run), ask("user.b", Some("run_2"))),
        _ => (ask(asker.name(), None), ask("user.b", None)),
    };
    let word = match (own.is_ok(), others.is_ok()) {
        (true, true) => "yes",
        (true, false) => "own",
        (false, true) => "others'",
        (false, false) => "-",
    };
    let thing = Resource { workspace_id: &here, id: None, owner: None, run_id: None };
    let admitted = rules.admit(&Ask { asker, action, thing, effect: None });
    assert_eq!(admitted.is_ok(), word != "-", "{action}: whoever may do it to some thing gets past the route");
    (word, [own.err(), others.err()])
}

#[test]
fn the_default_policies_say_what_the_matrix_says() {
    let rules = Rules::standard();
    let mut matrix: String = MATRIX
        .lines()
        .take_while(|line| !line.starts_with("action"))
        .fold(String::new(), |head, line| head + line + "\n");
    let _ = writeln!(
        matrix,
        "{:<18}{:<10}{:<10}{:<10}{:<10}{:<6}ticket",
        "action", "operator", "member", "agent", "viewer", "run"
    );
    for action in Action::ALL.iter().copied().filter(|action| *action != Action::ConnectorCall) {
        let _ = write!(matrix, "{:<18}", action.name());
        let mut ticket = "-";
        for of in Role::ALL {
            let (word, reasons) = may(&rules, &role(*of, "token"), action);
            let _ = write!(matrix, "{word:<10}");
            // The reasons are what people are told.
            let wanted = match word {
                "yes" => [None, None],
                "own" => [None, Some(Reason::NotOwner)],
                "others'" => [Some(Reason::OwnWork), None],
                _ => [Some(Reason::Role), Some(Reason::Role)],
            };
            assert_eq!(reasons, wanted, "{action} as {of}");
            let (by_ticket, _) = may(&rules, &role(*of, "ticket"), action);
            if by_ticket != "-" {
                assert_eq!(by_ticket, word, "{action} as {of} with a ticket");
                ticket = "yes";
            }
        }
        let (word, reasons) = may(&rules, &run(), action);
        let wanted = match word {
            "yes" => [None, None],
            "own" => [None, Some(Reason::OtherRun)],
            _ => [Some(Reason::Role), Some(Reason::Role)],
        };
        assert_eq!(reasons, wanted, "{action} with a run's token");
        let _ = writeln!(matrix, "{word:<6}{ticket}");
        assert_eq!(ticket == "yes", action.takes_tickets(), "{action}");
    }
    if std::env::var_os("SLUICE_UPDATE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/policy/matrix.txt"), &matrix).unwrap();
    } else {
        assert_eq!(matrix, MATRIX, "SLUICE_UPDATE=1 writes it");
    }
}

#[test]
fn the_schema_and_the_list_of_actions_are_one() {
    let groups = ["look", "work", "change", "administer", "answer", "own_token", "stream", "policy"];
    let mut of_schema: Vec<String> = SCHEMA
        .actions()
        .map(|action| action.id().unescaped().to_owned())
        .filter(|id| !groups.contains(&id.as_str()))
        .collect();
    of_schema.sort_unstable();
    let mut listed: Vec<String> = Action::ALL.iter().map(|action| action.name().to_owned()).collect();
    listed.sort_unstable();
    assert_eq!(of_schema, listed, "{SCHEMA_TEXT}");
    for of in SCHEMA.request_envs() {
        let action: Action = of.action().id().unescaped().parse().unwrap();
        assert_eq!(of.resource().to_string(), action.kind().as_str(), "{action}");
    }
    // The texts alone are enough to judge by: nothing is left out silently.
    assert_eq!(DEFAULTS.num_of_policies(), DEFAULT_TEXT.matches("\n@id(").count());
    for policy in DEFAULTS.policies() {
        assert!(policy.annotation("reason").is_some(), "{} says why", policy.id());
    }
}

/// What is asked is what the schema says can be asked; otherwise strict policies could fail.
#[test]
fn what_is_asked_conforms_to_the_schema() {
    let here = WorkspaceId::new("local");
    let routine = Asker::Routine {
        id: "rtn_1".to_owned(),
        creator_type: "agent",
        external_integrations_allowed: true,
        requires_approval: false,
    };
    let effect = effect(&serde_json::json!({"spend": 5, "to": ["a", {"b": true}], "rate": 0.5, "none": null}));
    let askers = [role(Role::Operator, "token"), role(Role::Agent, "ticket"), run(), routine];
    let mut asked = 0;
    for (asker, action) in askers.iter().flat_map(|asker| Action::ALL.iter().map(move |action| (asker, *action))) {
        let is_call = action == Action::ConnectorCall;
        let fits = match asker {
            Asker::Role { .. } => !is_call,
            Asker::Run { .. } => true,
            Asker::Routine { .. } => is_call,
        };
        if !fits {
            continue;
        }
        let thing =
            Resource { workspace_id: &here, id: Some("a/b \"c\""), owner: Some("user.b"), run_id: Some("run_1") };
        let put = Ask { asker, action, thing, effect: is_call.then_some(&effect) }.put();
        let (principal, resource) = (put.request.principal().unwrap(), put.request.resource().unwrap());
        let (of, context) = (put.request.action().unwrap(), put.request.context().unwrap());
        let checked =
            cedar_policy::Request::new(principal.clone(), of.clone(), resource.clone(), context.clone(), Some(&SCHEMA));
        checked.unwrap_or_else(|error| panic!("{asker:?} {action}: {error}"));
        let entities: Vec<_> = put.entities.iter().cloned().collect();
        cedar_policy::Entities::from_entities(entities, Some(&SCHEMA))
            .unwrap_or_else(|error| panic!("{asker:?} {action}: {error:?}"));
        asked += 1;
    }
    assert!(asked > 100, "{asked}");
}

fn effect(args: &serde_json::Value) -> SideEffect {
    SideEffect::new(("shop", "buy"), args.clone(), &args.to_string(), vec!["connector.shop.*".to_owned()], true)
}

fn judged(rules: &Rules, asker: &Asker, effect: &SideEffect) -> (Effect, Vec<String>) {
    let here = WorkspaceId::new("local");
    let thing = Resource { workspace_id: &here, id: Some(&effect.connector), owner: None, run_id: None };
    let verdict = rules.judge(&Ask { asker, action: Action::ConnectorCall, thing, effect: Some(effect) }).verdict;
    (verdict.effect, verdict.policies)
}

fn own(text: &str) -> PolicySource {
    PolicySource { policies: BTreeMap::from([("own".to_owned(), text.to_owned())]), links: Vec::new() }
}

#[test]
fn side_effects_are_allowed_asked_about_or_denied() {
    let rules = Rules::standard();
    let mut call = effect(&serde_json::json!({"spend": 5}));
    assert_eq!(
        judged(&rules, &run(), &call),
        (Effect::Approval, vec!["default/side-effects-need-approval".to_owned()])
    );
    call.covered = false;
    let uncovered = vec!["default/capabilities-cover-side-effects".to_owned()];
    assert_eq!(judged(&rules, &run(), &call), (Effect::Denied, uncovered.clone()));
    let routine = |allowed, asks| Asker::Routine {
        id: "rtn_1".to_owned(),
        creator_type: "user",
        external_integrations_allowed: allowed,
        requires_approval: asks,
    };
    assert_eq!(judged(&rules, &routine(true, true), &call).0, Effect::Approval);
    assert_eq!(judged(&rules, &routine(true, false), &call).0, Effect::Allowed);
    assert_eq!(judged(&rules, &routine(false, false), &call).0, Effect::Denied);

    // A preset waives the default question, and nothing else.
    let open = Rules::of(1, Some(Preset::Open), Mode::Enforce, &PolicySource::default()).unwrap();
    assert_eq!(judged(&open, &run(), &call), (Effect::Denied, uncovered));
    call.covered = true;
    assert_eq!(judged(&open, &run(), &call).0, Effect::Allowed);
    let reviewed = Rules::of(1, Some(Preset::ReviewedEgress), Mode::Enforce, &PolicySource::default()).unwrap();
    assert_eq!(judged(&reviewed, &routine(true, false), &call).0, Effect::Approval);
    // What a workspace wants asked about is asked about, whatever is waived.
    let limit = r#"
        @effect("approval")
        forbid (principal, action == Action::"connector.call", resource)
        when { context has spend && context.spend > 100 };"#;
    let limited = Rules::of(1, Some(Preset::Open), Mode::Enforce, &own(limit)).unwrap();
    assert_eq!(judged(&limited, &run(), &call).0, Effect::Allowed);
    call = effect(&serde_json::json!({"spend": 101}));
    assert_eq!(judged(&limited, &run(), &call), (Effect::Approval, vec!["own".to_owned()]));
    let to = r#"
        forbid (principal, action == Action::"connector.call", resource == Connector::"shop")
        when { context.arguments.hasTag("to.0") && context.arguments.getTag("to.0") like "*@evil.example" };"#;
    let guarded = Rules::of(1, Some(Preset::Open), Mode::Enforce, &own(to)).unwrap();
    assert_eq!(judged(&guarded, &run(), &effect(&serde_json::json!({"to": ["a@good.example"]}))).0, Effect::Allowed);
    assert_eq!(judged(&guarded, &run(), &effect(&serde_json::json!({"to": ["a@evil.example"]}))).0, Effect::Denied);
    // Nothing hides behind another part of the same path, nor behind a crowd.
    let shadowed = serde_json::json!({"to": ["a@good.example"], "to.0": "a@evil.example"});
    assert_eq!(judged(&guarded, &run(), &effect(&shadowed)).0, Effect::Denied);
    let crowd = serde_json::json!({"crowd": vec![0; 2_001]});
    let unread = vec!["default/side-effects-can-be-read".to_owned()];
    assert_eq!(judged(&open, &run(), &effect(&crowd)), (Effect::Denied, unread));
    assert_eq!(judged(&open, &run(), &effect(&serde_json::json!({"crowd": vec![0; 2_000]}))).0, Effect::Allowed);
}

#[test]
fn what_the_host_forbids_no_workspace_permits_and_nobody_is_locked_out_of_policy() {
    let everything = own("permit (principal, action, resource);");
    let rules = Rules::of(1, None, Mode::Enforce, &everything).unwrap();
    let word = |rules: &Rules, asker: &Asker, action| may(rules, asker, action).0;
    let viewer = role(Role::Viewer, "token");
    assert_eq!(word(&rules, &viewer, Action::MissionCreate), "yes", "a workspace may permit more");
    for asker in [role(Role::Agent, "token"), run()] {
        for action in [Action::ApprovalDecide, Action::RoutineDecide, Action::TokenCreate, Action::MissionRebind] {
            assert_eq!(word(&rules, &asker, action), "-", "{asker:?} {action}");
        }
    }
    assert_eq!(word(&rules, &viewer, Action::ApprovalDecide), "others'");
    assert_eq!(word(&rules, &viewer, Action::PolicyWrite), "-");
    assert_eq!(word(&rules, &role(Role::Member, "ticket"), Action::MissionRead), "-");
    assert_eq!(word(&rules, &role(Role::Operator, "token"), Action::RunHold), "yes");

    let nothing = own("forbid (principal, action, resource);");
    let rules = Rules::of(1, None, Mode::Enforce, &nothing).unwrap();
    let operator = role(Role::Operator, "token");
    assert_eq!(word(&rules, &operator, Action::MissionRead), "-");
    assert_eq!(word(&rules, &operator, Action::PolicyWrite), "yes", "policy is not forbidden by policy");
    let here = WorkspaceId::new("local");
    let thing = Resource { workspace_id: &here, id: None, owner: None, run_id: None };
    let ask = Ask { asker: &operator, action: Action::MissionRead, thing, effect: None };
    let denial = rules.decide(&ask).unwrap_err();
    assert_eq!((denial.reason, denial.policies.as_slice()), (Reason::Policy, ["own".to_owned()].as_slice()));

    let observing = Rules::of(1, None, Mode::Observe, &nothing).unwrap();
    let decided = observing.decide(&ask).unwrap();
    assert_eq!(decided.observed.map(|verdict| verdict.policies), Some(vec!["own".to_owned()]));
    assert_eq!(observing.decide(&Ask { action: Action::PolicyRead, ..ask }).unwrap().observed, None);
}

#[test]
fn a_forbid_that_cannot_be_evaluated_forbids() {
    let sum = r#"
        @id("sum")
        forbid (principal, action == Action::"connector.call", resource)
        when { context has spend && context.spend + 9223372036854775807 < 0 };"#;
    let rules = Rules::of(1, Some(Preset::Open), Mode::Enforce, &own(sum)).unwrap();
    assert_eq!(
        judged(&rules, &run(), &effect(&serde_json::json!({"spend": 1}))),
        (Effect::Denied, vec!["sum".to_owned()])
    );
    assert_eq!(judged(&rules, &run(), &effect(&serde_json::json!({"spend": 0}))).0, Effect::Allowed);
}

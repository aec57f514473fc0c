//! A workspace's policy at work: set, felt at once, explained, tried, taken back.

use e2e::databases::TestDatabase;
use e2e::server::{Frames, Reply, ServerOptions, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::id::WorkspaceId;
use sluice::domain::principal::Role;
use sluice::engine::DECISIONS_KEPT;
use sluice::policy::{Action, Ask, Asker, Resource, Rules};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const POLICY: &str = "/workspaces/local/policy";

/// Agents make no missions.
const NO_MISSIONS: &str = r#"
@id("agents-make-no-missions")
@reason("missions are made by people here")
@needed("a member who makes it")
forbid (principal is Agent, action == Action::"mission.create", resource);
"#;

fn ok(reply: Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{} {:#}", reply.status, reply.body);
    reply.body
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

async fn set(server: &TestServer, body: Value) -> Value {
    ok(server.ask(Method::PUT, POLICY, &server.operator, body).await)
}

async fn make(server: &TestServer, token: &str) -> Reply {
    server.ask(Method::POST, "/mission", token, json!({"title": "another"})).await
}

/// What the log tells of one type, oldest first.
async fn told(server: &TestServer, kind: &str) -> Vec<Value> {
    let path = format!("/event?since_seq=0&limit=500&type={kind}");
    let request = server.request(Method::GET, &path, &server.operator).header("accept", "application/json");
    ok(reply(request).await)["items"].as_array().expect("events").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_holds_at_once_says_why_and_is_taken_back() {
    on_both_servers(CACHE, async |server| {
        let agent = server.token("local", Role::Agent, "agent.a").await;
        let none = server.get(POLICY).await;
        assert_eq!((&none.body["revision"], &none.body["policies"]), (&json!(0), &json!({})), "{:#}", none.body);
        assert_eq!(make(&server, &agent).await.status, 201);

        let first = set(&server, json!({"text": NO_MISSIONS, "note": "after the flood", "if_match_rev": 0})).await;
        assert_eq!((&first["revision"], &first["changed_by"]), (&json!(1), &json!("user.root")), "{first:#}");
        let denied = make(&server, &agent).await;
        assert_eq!((denied.status, denied.code()), (403, "FORBIDDEN"), "{:#}", denied.body);
        assert_eq!(denied.body["policy_ids"], json!(["agents-make-no-missions"]), "{:#}", denied.body);
        let needed = denied.body["needed"].as_array().expect("what is needed");
        assert!(needed.contains(&json!("a member who makes it")), "{:#}", denied.body);
        assert!(needed.contains(&json!("the role operator or member")), "{:#}", denied.body);
        assert!(text(&denied.body["detail"]).contains("missions are made by people here"), "{:#}", denied.body);
        assert_eq!(denied.body["reason"], "policy");
        assert_eq!(server.get("/mission").await.body["count"], 1, "nothing was made");
        let events = told(&server, "policy.denied").await;
        assert_eq!(events.len(), 1, "{events:#?}");
        assert_eq!((&events[0]["actor"], &events[0]["properties"]["observed"]), (&json!("agent.a"), &json!(false)));
        let audit = server.get("/audit?limit=500").await.body;
        let entries = audit["entries"].as_array().expect("entries");
        let is_it = |entry: &&Value| entry["action"] == "mission.create" && entry["outcome"] == "denied";
        let entry = entries.iter().find(is_it).expect("the audit holds it");
        assert_eq!(entry["detail"]["policy_ids"], json!(["agents-make-no-missions"]), "{entry:#}");
        assert!(entries.iter().any(|entry| entry["action"] == "policy.write" && entry["outcome"] == "done"));

        let question = json!({"principal": {"type": "Agent", "name": "agent.a"}, "action": "mission.create"});
        let why = ok(server.post(&format!("{POLICY}/explain"), question).await);
        assert_eq!((&why["decision"], &why["revision"]), (&json!("denied"), &json!(1)), "{why:#}");
        assert_eq!(why["policies"][0]["id"], "agents-make-no-missions", "{why:#}");
        assert_eq!(why["policies"][0]["reason"], "missions are made by people here");
        let question = json!({
            "principal": {"type": "User", "name": "user.m"}, "action": "approval.decide",
            "resource": {"id": "apr_1", "owner": "user.m"},
        });
        let why = ok(server.post(&format!("{POLICY}/explain"), question).await);
        assert_eq!((&why["decision"], &why["reason"]), (&json!("denied"), &json!("own_work")), "{why:#}");
        assert_eq!(why["policies"][0]["id"], "default/nobody-answers-about-their-own-work");

        // Another revision, and back.
        let second = set(&server, json!({"policies": {}, "if_match_rev": 1})).await;
        assert_eq!(second["revision"], 2);
        assert_eq!(make(&server, &agent).await.status, 201);
        let back = ok(server.post(&format!("{POLICY}/rollback"), json!({"revision": 1, "if_match_rev": 2})).await);
        assert_eq!((&back["revision"], &back["rolled_back_to"]), (&json!(3), &json!(1)), "{back:#}");
        assert_eq!(back["policies"]["policy"], NO_MISSIONS);
        assert_eq!(make(&server, &agent).await.status, 403);
        let history = server.get(&format!("{POLICY}/history?limit=2")).await.body;
        assert_eq!((&history["history"][0]["revision"], &history["next_cursor"]), (&json!(3), &json!("2")));
        let rest = server.get(&format!("{POLICY}/history?limit=2&cursor=2")).await.body;
        assert_eq!((&rest["count"], &rest["history"][0]["note"]), (&json!(1), &json!("after the flood")), "{rest:#}");
        assert_eq!(server.get(POLICY).await.headers["etag"], "\"3\"");
        let updates: Vec<Value> = told(&server, "policy.updated").await;
        let revisions: Vec<&Value> = updates.iter().map(|event| &event["properties"]["revision"]).collect();
        assert_eq!(revisions, [&json!(1), &json!(2), &json!(3)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_ends_streams_is_felt_by_other_hosts_and_outlives_them() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let viewer = server.token("local", Role::Viewer, "user.v").await;
        let member = server.token("local", Role::Member, "user.m").await;
        // A second host reads what the first has written, and remembers it.
        let other = if database.is_postgres() {
            let other = TestServer::start(&database, CACHE, ServerOptions::default()).await;
            assert_eq!(other.ask(Method::GET, "/mission", &viewer, Value::Null).await.status, 200);
            Some(other)
        } else {
            None
        };
        let mut streams = Vec::new();
        for host in [Some(&server), other.as_ref()].into_iter().flatten() {
            for token in [&viewer, &member] {
                let mut stream = Frames::open(host.request(Method::GET, "/event", token)).await;
                assert_eq!(stream.next().await.expect("a frame").event.as_deref(), Some("ready"));
                streams.push((token, stream));
            }
        }
        let closed = r#"forbid (principal in Role::"viewer", action, resource);"#;
        set(&server, json!({"policies": {"viewers-look-elsewhere": closed}})).await;
        assert_eq!(server.ask(Method::GET, "/mission", &viewer, Value::Null).await.status, 403, "at once");
        for (token, mut stream) in streams {
            let ended = async {
                while let Some(frame) = stream.next().await {
                    if frame.event.as_deref() == Some("bookmark") {
                        return false;
                    }
                }
                true
            };
            let ended = ended.await;
            assert_eq!(ended, *token == viewer, "whoever may no longer look is not told any more, and others are");
        }
        if let Some(other) = other {
            other.until(POLICY, |policy| policy["revision"] == 1).await;
            let mut status = 0;
            for _ in 0..100 {
                status = other.ask(Method::GET, "/mission", &viewer, Value::Null).await.status;
                if status == 403 {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            assert_eq!(status, 403, "the other host feels it within a second");
            other.stop().await;
        }
        server.stop().await;

        let again = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let refused = again.ask(Method::GET, "/mission", &viewer, Value::Null).await;
        assert_eq!((refused.status, &refused.body["policy_ids"]), (403, &json!(["viewers-look-elsewhere"])));
        again.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_observed_is_told_and_not_denied() {
    on_both_servers(CACHE, async |server| {
        let agent = server.token("local", Role::Agent, "agent.a").await;
        set(&server, json!({"text": NO_MISSIONS, "mode": "observe"})).await;
        assert_eq!(make(&server, &agent).await.status, 201);
        let events = told(&server, "policy.denied").await;
        assert_eq!(events.len(), 1, "{events:#?}");
        let properties = &events[0]["properties"];
        assert_eq!((&properties["observed"], &properties["action"]), (&json!(true), &json!("mission.create")));
        assert_eq!(properties["policy_ids"], json!(["agents-make-no-missions"]));
        let question = json!({"principal": {"type": "Agent", "name": "agent.a"}, "action": "mission.create"});
        let why = ok(server.post(&format!("{POLICY}/explain"), question).await);
        assert_eq!((&why["decision"], &why["observed"]["decision"]), (&json!("allowed"), &json!("denied")), "{why:#}");
        // The defaults hold whatever is observed.
        let approve = json!({"principal": {"type": "Agent", "name": "agent.a"}, "action": "approval.decide"});
        assert_eq!(ok(server.post(&format!("{POLICY}/explain"), approve).await)["decision"], "denied");

        let preset = set(&server, json!({"preset": "observe-only"})).await;
        assert_eq!(preset["mode"], "observe", "{preset:#}");
        let resource = json!({"value": 1});
        let written = server.ask(Method::PUT, "/resource/project/a", &agent, resource).await;
        assert_eq!(written.status, 200, "{:#}", written.body);
        let last = told(&server, "policy.denied").await.pop().expect("an event");
        assert_eq!(last["properties"]["policy_ids"], json!(["preset/agents-change-something"]), "{last:#}");

        set(&server, json!({"preset": "read-only"})).await;
        let refused = server.ask(Method::PUT, "/resource/project/a", &agent, json!({"value": 2})).await;
        assert_eq!((refused.status, &refused.body["policy_ids"]), (403, &json!(["preset/only-operators-change"])));
        assert_eq!(
            server.ask(Method::PUT, "/resource/project/a", &server.operator, json!({"value": 3})).await.status,
            200
        );
        assert_eq!(server.ask(Method::GET, "/resource/project/a", &agent, Value::Null).await.status, 200);
    })
    .await;
}

/// A run that holds `capabilities`: its id and token.
async fn run(server: &TestServer, capabilities: Value) -> (String, String) {
    let made =
        json!({"title": "t", "work_items": [{"id": "a", "title": "A"}], "capabilities": capabilities, "start": true});
    let mission = ok(server.post("/mission", made).await)["mission"]["id"].clone();
    let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000});
    let claimed = ok(server.post("/runs/claim", claim).await)["run"].clone();
    (text(&claimed["id"]).to_owned(), text(&claimed["token"]).to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn side_effects_are_judged_by_connector_action_arguments_and_spend() {
    on_both_servers(CACHE, async |server| {
        let (id, token) = run(&server, json!(["connector.shop.*"])).await;
        let ask = async |action: &str, args: Value| {
            let body = json!({"connector": "shop", "action": action, "args": args, "summary": "Do it"});
            ok(server.ask(Method::POST, &format!("/runs/{id}/actions"), &token, body).await)
        };
        let asked = ask("buy", json!({"spend": 5})).await;
        assert_eq!(asked["decision"], "approval_required", "{asked:#}");

        let limits = r#"
            @id("no-returns") @reason("returns are made by hand") @needed("a person in the shop")
            forbid (principal, action == Action::"connector.call", resource == Connector::"shop")
            when { context.action == "return" };

            @id("large-sums") @effect("approval") @reason("it is a large sum")
            forbid (principal, action == Action::"connector.call", resource)
            when { context has spend && context.spend > 100 };

            @id("not-abroad") @reason("we do not send abroad")
            forbid (principal, action == Action::"connector.call", resource)
            when { context.arguments.hasTag("to.country") && context.arguments.getTag("to.country") != "NL" };
        "#;
        set(&server, json!({"policies": {"shop": limits}, "preset": "open"})).await;
        let allowed = ask("buy", json!({"spend": 100})).await;
        assert_eq!((&allowed["decision"], &allowed["approval_id"]), (&json!("allowed"), &Value::Null), "{allowed:#}");
        assert!(allowed["policy_ids"].as_array().expect("ids").contains(&json!("preset/side-effects-need-nobody")));
        let large = ask("buy", json!({"spend": 101})).await;
        assert_eq!(large["decision"], "approval_required", "{large:#}");
        let denied = ask("return", json!({})).await;
        assert_eq!(
            (&denied["decision"], &denied["policy_ids"]),
            (&json!("denied"), &json!(["no-returns"])),
            "{denied:#}"
        );
        assert_eq!(denied["needed"], json!(["a person in the shop"]));
        assert_eq!(ask("buy", json!({"to": {"country": "NL"}})).await["decision"], "allowed");
        assert_eq!(ask("buy", json!({"to": {"country": "DE"}})).await["policy_ids"], json!(["not-abroad"]));

        // A yes is no longer good under a policy that forbids what it was about.
        let path = format!("/approvals/{}/grant", text(&large["approval_id"]));
        let member = server.token("local", Role::Member, "user.m").await;
        ok(server.ask(Method::POST, &path, &member, json!({})).await);
        let stop = r#"@id("stop") forbid (principal, action == Action::"connector.call", resource);"#;
        set(&server, json!({"text": stop})).await;
        assert_eq!(ask("buy", json!({"spend": 101})).await["policy_ids"], json!(["stop"]));
        set(&server, json!({"policies": {}})).await;
        assert_eq!(ask("buy", json!({"spend": 101})).await["decision"], "allowed", "and is good when it may be again");
        assert_eq!(ask("buy", json!({"spend": 101})).await["decision"], "approval_required", "once");

        // Without the capability no policy helps.
        set(&server, json!({"preset": "open"})).await;
        let (other, token) = run(&server, json!(["connector.mail.*"])).await;
        let body = json!({"connector": "shop", "action": "buy", "args": {}, "summary": "Do it"});
        let denied = ok(server.ask(Method::POST, &format!("/runs/{other}/actions"), &token, body).await);
        assert_eq!(denied["policy_ids"], json!(["default/capabilities-cover-side-effects"]), "{denied:#}");
        assert!(text(&denied["reason"]).contains("connector.shop.buy"), "{denied:#}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routines_reach_outside_as_policy_says() {
    on_both_servers(CACHE, async |server| {
        let routine = json!({
            "id": "sender", "name": "Send", "schedule": "@yearly", "entrypoint": "connector.mail.send",
            "args": {"to": "ann"}, "overlap_policy": "allow", "external_integrations_allowed": true,
            "requires_approval": false,
        });
        ok(server.post("/routines", routine).await);
        let start = async || server.post("/routines/sender/run_now", json!({})).await;
        assert_eq!(ok(start().await)["approval_id"], Value::Null);
        set(&server, json!({"preset": "reviewed-egress"})).await;
        let waiting = ok(start().await);
        assert_eq!(waiting["waiting_for"], "approval", "{waiting:#}");
        let no_mail = r#"
            @id("no-mail") @reason("no mail leaves today")
            forbid (principal is Routine, action == Action::"connector.call", resource == Connector::"mail")
            when { context.arguments.hasTag("to") && context.arguments.getTag("to") == "ann" };"#;
        set(&server, json!({"text": no_mail})).await;
        let blocked = start().await;
        assert_eq!((blocked.status, blocked.code()), (403, "ROUTINE_POLICY_BLOCKED"), "{:#}", blocked.body);
        assert!(text(&blocked.body["reason"]).contains("no mail leaves today"), "{:#}", blocked.body);

        set(&server, json!({"text": no_mail, "mode": "observe"})).await;
        assert_eq!(ok(start().await)["approval_id"], Value::Null, "what is only observed keeps nothing back");
        let last = told(&server, "policy.denied").await.pop().expect("an event");
        let properties = &last["properties"];
        assert_eq!((&properties["observed"], &properties["principal"]), (&json!(true), &json!("sender")), "{last:#}");
        assert_eq!(properties["policy_ids"], json!(["no-mail"]), "{last:#}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_tried_on_what_was_decided_before_it_holds() {
    on_both_servers(CACHE, async |server| {
        let agent = server.token("local", Role::Agent, "agent.a").await;
        let viewer = server.token("local", Role::Viewer, "user.v").await;
        assert_eq!(make(&server, &agent).await.status, 201);
        assert_eq!(make(&server, &agent).await.status, 201);
        assert_eq!(make(&server, &viewer).await.status, 403);
        let path = format!("{POLICY}/diff");
        let same = ok(server.post(&path, json!({"policy": {"policies": {}}})).await);
        assert_eq!((&same["different"], &same["unreadable"]), (&json!(0), &json!(0)), "{same:#}");
        assert!(same["compared"].as_u64() >= Some(2), "{same:#}");
        let diff = ok(server.post(&path, json!({"policy": {"text": NO_MISSIONS}, "last": 10_000})).await);
        assert_eq!((&diff["different"], &diff["differences"][0]["was"]), (&json!(1), &json!("allowed")), "{diff:#}");
        let difference = &diff["differences"][0];
        assert_eq!(difference["question"]["principal"]["name"], "agent.a");
        assert_eq!(
            (&difference["would_be"], &difference["would_be_by"]),
            (&json!("denied"), &json!(["agents-make-no-missions"]))
        );
        assert_eq!(make(&server, &agent).await.status, 201, "nothing was set by that");
        let more = r#"permit (principal in Role::"viewer", action == Action::"mission.create", resource);"#;
        let diff = ok(server.post(&path, json!({"policy": {"text": more}})).await);
        assert_eq!(
            (&diff["different"], &diff["differences"][0]["would_be"]),
            (&json!(1), &json!("allowed")),
            "{diff:#}"
        );
        assert_eq!(server.post(&path, json!({"policy": {"text": "nonsense"}})).await.code(), "POLICY_INVALID");
        assert_eq!(server.post(&path, json!({"policy": {}, "last": 10_001})).await.status, 422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_change_a_policy_that_forbids_everything_and_things_are_judged_by_owner() {
    on_both_servers(CACHE, async |server| {
        let ada = server.token("local", Role::Member, "user.ada").await;
        let ben = server.token("local", Role::Member, "user.ben").await;
        let mission = ok(make(&server, &ada).await)["mission"]["id"].clone();
        let path = format!("/mission/{}", text(&mission));
        let private = r#"
            @id("missions-are-private")
            forbid (principal, action == Action::"mission.read", resource)
            when { resource has owner && resource.owner != principal.name };"#;
        set(&server, json!({"text": private})).await;
        assert_eq!(server.ask(Method::GET, &path, &ada, Value::Null).await.status, 200);
        let refused = server.ask(Method::GET, &path, &ben, Value::Null).await;
        assert_eq!(
            (refused.status, &refused.body["policy_ids"]),
            (403, &json!(["missions-are-private"])),
            "{:#}",
            refused.body
        );

        let by_key = r#"
            @id("the-vault")
            forbid (principal, action in [Action::"resource.read", Action::"resource.write"],
                    resource == Resource::"project/vault/key")
            unless { principal == User::"user.ada" };"#;
        set(&server, json!({"text": by_key})).await;
        for path in ["/resource/project/vault/key", "/resource/project%2Fvault%2Fkey"] {
            let put = async |token: &str| server.ask(Method::PUT, path, token, json!({"value": 1})).await.status;
            assert_eq!((put(&ada).await, put(&ben).await), (200, 403), "{path}");
            assert_eq!(server.ask(Method::GET, path, &ben, Value::Null).await.status, 403);
        }
        let in_body = json!({"key": "project/vault/key", "value": 1});
        assert_eq!(server.ask(Method::PUT, "/resource", &ben, in_body).await.status, 403);
        let batch = json!({"operations": [{"op": "put", "key": "project/vault/key", "value": 2}]});
        assert_eq!(server.ask(Method::POST, "/resource/batch", &ben, batch).await.status, 403);

        set(&server, json!({"text": "forbid (principal, action, resource);"})).await;
        assert_eq!(server.get("/mission").await.status, 403, "whatever the operator has written holds for them too");
        assert_eq!(server.get(POLICY).await.status, 200);
        ok(server.post(&format!("{POLICY}/rollback"), json!({"revision": 2})).await);
        assert_eq!(server.get("/mission").await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_was_decided_no_more_is_kept_than_may_be() {
    on_both_servers(CACHE, async |server| {
        let here = WorkspaceId::new("local");
        let viewer = Asker::Role { name: "user.v".to_owned(), role: Role::Viewer, credential: "token" };
        let rules = Rules::standard();
        for round in 0..4 {
            for n in 0..3_000 {
                let id = format!("mis_{:032x}", round * 3_000 + n);
                let thing = Resource { workspace_id: &here, id: Some(&id), owner: None, run_id: None };
                let ask = Ask { asker: &viewer, action: Action::MissionControl, thing, effect: None };
                let verdict = rules.judge(&ask).verdict;
                // The same again is not news.
                server.engine.record_decision(&ask, &verdict);
                server.engine.record_decision(&ask, &verdict);
            }
            server.engine.write_decisions().await.expect("they can be written");
        }
        let store = server.engine.store();
        let kept = store.policy_decisions(&here, None, DECISIONS_KEPT).await.expect("they can be read");
        assert_eq!(kept.len(), DECISIONS_KEPT as usize);
        assert!(kept[0].request.as_str().contains(&format!("mis_{:032x}", 11_999)), "the newest: {:?}", kept[0]);
        let oldest = kept.last().map(|kept| kept.id.clone());
        let beyond = store.policy_decision_ids(&here, oldest.as_deref(), 10_000).await.expect("they can be read");
        assert!(beyond.len() <= 500, "{} are beyond what is kept", beyond.len());
    })
    .await;
}

/// Capabilities are what a mission may reach outside and remember: who makes one does not give itself any.
#[tokio::test(flavor = "multi_thread")]
async fn agents_give_their_missions_no_capabilities() {
    on_both_servers(CACHE, async |server| {
        let mission = |capabilities: &[&str]| json!({"title": "t", "goal": "g", "capabilities": capabilities});
        let [agent, member] = [(Role::Agent, "agent.one"), (Role::Member, "user.ada")];
        let agent = server.token("local", agent.0, agent.1).await;
        let member = server.token("local", member.0, member.1).await;
        let make = async |token: &str, capabilities: &[&str]| {
            server.ask(Method::POST, "/mission", token, mission(capabilities)).await
        };
        assert_eq!(make(&agent, &[]).await.status, 201);
        for asked in ["memory.write:team", "connector.bank.*"] {
            let refused = make(&agent, &[asked]).await;
            assert_eq!((refused.status, &refused.body["action"]), (403, &json!("mission.grant")), "{:#}", refused.body);
            assert!(refused.body["needed"].as_array().is_some_and(|needed| !needed.is_empty()), "{:#}", refused.body);
            assert_eq!(make(&member, &[asked]).await.status, 201);
        }
        let by_entrypoint = json!({"title": "t", "entrypoint": "connector.mail.send", "args": {"to": "ann"}});
        let refused = server.ask(Method::POST, "/mission", &agent, by_entrypoint.clone()).await;
        assert_eq!((refused.status, &refused.body["action"]), (403, &json!("mission.grant")), "{:#}", refused.body);
        assert_eq!(server.ask(Method::POST, "/mission", &member, by_entrypoint).await.status, 201);
        let permit = "@id(\"agents-grant\")\n@reason(\"trusted\")\n\
                      permit (principal is Agent, action == Action::\"mission.grant\", resource);";
        set(&server, json!({"text": permit})).await;
        assert_eq!(make(&agent, &["connector.bank.*"]).await.status, 201);
    })
    .await;
}

/// What stands in the place of an id may be a secret that somebody pasted.
#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_kept_without_what_is_no_id() {
    on_both_servers(CACHE, async |server| {
        let pasted = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
        let member = server.token("local", Role::Member, "user.ada").await;
        for (method, path) in [
            (Method::DELETE, format!("/memory/{pasted}")),
            (Method::GET, format!("/runs/{pasted}/context")),
            (Method::GET, format!("/approvals/{pasted}")),
            (Method::PATCH, format!("/leases/{pasted}")),
        ] {
            server.ask(method, &path, &member, Value::Null).await;
        }
        let made = server.post("/mission", json!({"title": "t", "goal": "g"})).await.body;
        let id = made["mission"]["id"].as_str().expect("an id").to_owned();
        let event = json!({"event": {"type": "mission_canceled"}});
        assert_eq!(server.ask(Method::POST, &format!("/mission/{id}/event"), &member, event).await.status, 200);
        server.engine.write_decisions().await.expect("they can be written");
        let (store, here) = (server.engine.store(), WorkspaceId::new("local"));
        let kept = store.policy_decisions(&here, None, DECISIONS_KEPT).await.expect("they can be read");
        let kept: Vec<&str> = kept.iter().map(|kept| kept.request.as_str()).collect();
        assert!(kept.iter().any(|kept| kept.contains(&id)), "{kept:#?}");
        assert!(kept.iter().any(|kept| kept.contains("memory.remove")), "{kept:#?}");
        assert!(!kept.iter().any(|kept| kept.contains(pasted)), "{kept:#?}");
    })
    .await;
}

/// What lies in another workspace looks like nothing, and the audit of whoever asked for it shows the attempt.
#[tokio::test(flavor = "multi_thread")]
async fn asking_for_what_is_anothers_is_audited() {
    on_both_servers(CACHE, async |server| {
        let items = json!([{"id": "a", "title": "A"}]);
        ok(server.post("/mission", json!({"title": "t", "goal": "g", "start": true, "work_items": items})).await);
        let runs = ok(server.get("/runs").await);
        let run = text(&runs["runs"][0]["id"]).to_owned();
        let other = server.token("other", Role::Operator, "user.other").await;
        let there = server.ask(Method::GET, &format!("/runs/{run}"), &other, Value::Null).await;
        let nowhere = server.ask(Method::GET, &format!("/runs/run_{:032x}", 1), &other, Value::Null).await;
        assert_eq!((there.status, nowhere.status), (404, 404));
        let members = |body: &Value| body.as_object().expect("a problem").keys().cloned().collect::<Vec<_>>();
        assert_eq!(members(&there.body), members(&nowhere.body), "nothing tells one from the other");
        let audit = ok(server.ask(Method::GET, "/audit?limit=500", &other, Value::Null).await);
        let entries = audit["entries"].as_array().expect("entries");
        let resource = format!("run/{run}");
        let found = entries.iter().filter(|entry| entry["resource"] == resource.as_str());
        assert_eq!(found.map(|entry| &entry["outcome"]).collect::<Vec<_>>(), ["denied"], "{audit:#}");
    })
    .await;
}

//! Policies that cannot hold, and people who may not set them: each gets a clear answer, and what held
//! before holds on.

use e2e::server::{Reply, TestServer, on_both_servers};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const POLICY: &str = "/workspaces/local/policy";

async fn put(server: &TestServer, body: Value) -> Reply {
    server.ask(Method::PUT, POLICY, &server.operator, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_policy_is_told_with_its_place() {
    on_both_servers(CACHE, async |server| {
        let holds = put(&server, json!({"preset": "reviewed-egress"})).await;
        assert_eq!(holds.status, 200, "{:#}", holds.body);
        // Policies, line and column of the first problem, and what its message or help has to name.
        let cases: Vec<(Value, Option<(u64, u64)>, &str)> = vec![
            (json!({"text": "permit (principal, action, resource)\n// no end"}), Some((1, 37)), "unexpected"),
            (json!({"text": "permit (principal,\n  action == Action::\"mission.creat\", resource);"}), Some((2, 13)), "mission.create"),
            (json!({"text": "permit (principal is Users, action, resource);"}), Some((1, 22)), "User"),
            (
                json!({"text": "permit (principal, action == Action::\"mission.read\", resource)\nwhen { resource.owner == \"x\" };"}),
                Some((2, 8)),
                "owner",
            ),
            (json!({"text": "permit (principal, action, resource) when { context.nothing };"}), Some((1, 45)), "nothing"),
            (json!({"policies": {"a": "@id(\"x\") permit (principal, action, resource);",
                                 "b": "@id(\"x\") forbid (principal, action, resource);"}}), None, "another policy"),
            (json!({"policies": {"not a name": "permit (principal, action, resource);"}}), None, "A-Z"),
            (json!({"text": "@id(\"default/x\") permit (principal, action, resource);"}), None, "A-Z"),
            (json!({"text": "@effect(\"ask\") forbid (principal, action == Action::\"connector.call\", resource);"}), None, "approval"),
            (json!({"text": "@effect(\"approval\") permit (principal, action == Action::\"connector.call\", resource);"}), None, "forbid"),
            (json!({"text": "@effect(\"approval\") forbid (principal, action, resource);"}), None, "connector.call"),
            (json!({"text": "@waivable forbid (principal, action == Action::\"connector.call\", resource);"}), None, "default policies"),
            (json!({"policies": {}, "links": [{"id": "l", "template": "t", "principal": "User::\"a\""}]}), None, "no template `t`"),
            (
                json!({"text": "@id(\"t\") permit (principal == ?principal, action, resource);", "links": [{"id": "l", "template": "t"}]}),
                None,
                "?principal",
            ),
            (
                json!({"text": "@id(\"t\") permit (principal == ?principal, action, resource);",
                       "links": [{"id": "l", "template": "t", "principal": "nobody"}]}),
                None,
                "User::",
            ),
        ];
        for (body, place, names) in cases {
            let refused = put(&server, body.clone()).await;
            assert_eq!((refused.status, refused.code()), (422, "POLICY_INVALID"), "{body:#}\n{:#}", refused.body);
            let problem = &refused.body["problems"][0];
            let found = problem["line"].as_u64().zip(problem["column"].as_u64());
            assert_eq!(found, place, "{body:#}\n{:#}", refused.body);
            assert!(problem.to_string().contains(names), "{names} in {:#}", refused.body);
            assert!(refused.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        }
        // Several at once are all told, each with its policy.
        let two = "@id(\"a\") permit (principal is Nobody, action, resource);\n@id(\"b\") permit (principal, action == Action::\"fly\", resource);";
        let refused = put(&server, json!({"text": two})).await;
        let problems = refused.body["problems"].as_array().expect("problems");
        let policies: Vec<&Value> = problems.iter().map(|problem| &problem["policy"]).collect();
        assert!(policies.contains(&&json!("a")) && policies.contains(&&json!("b")), "{:#}", refused.body);

        for (body, field) in [
            (json!({"text": "", "policies": {}}), "text"),
            (json!({"preset": "closed"}), "preset"),
            (json!({"mode": "perhaps"}), "mode"),
            (json!({"preset": "observe-only", "mode": "enforce"}), "mode"),
            (json!({"note": "x".repeat(501)}), "note"),
            (json!({"policy": "x"}), "policy"),
            (json!({"text": "permit (principal, action, resource);\0"}), "policies"),
        ] {
            let refused = put(&server, body.clone()).await;
            assert_eq!((refused.status, &refused.body["field"]), (422, &json!(field)), "{body:#}\n{:#}", refused.body);
        }
        let large = format!("// {}\n", "x".repeat(256 << 10));
        assert_eq!(put(&server, json!({"text": large})).await.code(), "POLICY_INVALID");
        let crowd = "forbid (principal, action == Action::\"mission.read\", resource);\n".repeat(2_001);
        assert_eq!(put(&server, json!({"text": crowd})).await.code(), "POLICY_INVALID");

        for (body, field) in [
            (json!({"principal": {"type": "User", "name": "user.a"}, "action": "mission.reed"}), "action"),
            (json!({"principal": {"type": "User", "name": ""}, "action": "mission.read"}), "principal.name"),
            (json!({"principal": {"type": "RunToken", "name": "w"}, "action": "run.hold"}), "principal.run_id"),
            (json!({"principal": {"type": "User", "name": "a", "role": "king"}, "action": "run.read"}), "principal.role"),
            (json!({"principal": {"type": "User", "name": "a"}, "action": "connector.call"}), "principal.type"),
            (json!({"principal": {"type": "User", "name": "a"}, "action": "run.read", "resource": {"type": "Mission"}}), "resource.type"),
        ] {
            let refused = server.post(&format!("{POLICY}/explain"), body.clone()).await;
            assert_eq!((refused.status, &refused.body["field"]), (422, &json!(field)), "{body:#}\n{:#}", refused.body);
        }
        let near = json!({"principal": {"type": "User", "name": "user.a"}, "action": "mission.reed"});
        let near = server.post(&format!("{POLICY}/explain"), near).await;
        assert!(near.body["detail"].as_str().is_some_and(|detail| detail.contains("`mission.read`")), "{:#}", near.body);

        let still = server.get(POLICY).await.body;
        assert_eq!((&still["revision"], &still["preset"]), (&json!(1), &json!("reviewed-egress")), "{still:#}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_at_once_one_is_told_of_the_other() {
    on_both_servers(CACHE, async |server| {
        let other = server.token("local", Role::Operator, "user.other").await;
        for round in 0..8 {
            let body = json!({"preset": "open", "if_match_rev": round});
            let (one, two) = tokio::join!(
                server.ask(Method::PUT, POLICY, &server.operator, body.clone()),
                server.ask(Method::PUT, POLICY, &other, body.clone()),
            );
            let mut statuses = [one.status, two.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{:#} {:#}", one.body, two.body);
            let lost = if one.status == 409 { one } else { two };
            assert_eq!(lost.code(), "REVISION_CONFLICT");
            assert_eq!((&lost.body["expected_rev"], &lost.body["current_rev"]), (&json!(round), &json!(round + 1)));
        }
        // Whoever expects nothing in particular comes after the other.
        let (one, two) =
            tokio::join!(put(&server, json!({"preset": "open"})), put(&server, json!({"preset": "read-only"})));
        assert_eq!((one.status, two.status), (200, 200));
        let stale = server.request(Method::PUT, POLICY, &server.operator).header("if-match", "\"3\"").json(&json!({}));
        assert_eq!(e2e::server::reply(stale).await.code(), "REVISION_CONFLICT");
        let stale = server.post(&format!("{POLICY}/rollback"), json!({"revision": 1, "if_match_rev": 1})).await;
        assert_eq!((stale.status, &stale.body["current_rev"]), (409, &json!(10)), "{:#}", stale.body);
        let never = server.post(&format!("{POLICY}/rollback"), json!({"revision": 99})).await;
        assert_eq!((never.status, never.code()), (404, "NOT_FOUND"));
        assert_eq!(server.get(POLICY).await.body["revision"], 10);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_operators_comes_near_a_policy_and_nobody_to_anothers() {
    on_both_servers(CACHE, async |server| {
        let everything = json!({"text": "permit (principal, action, resource);"});
        assert_eq!(put(&server, everything).await.status, 200);
        let made = json!({"title": "t", "work_items": [{"id": "a", "title": "A"}], "start": true});
        let mission = server.post("/mission", made).await.body["mission"]["id"].clone();
        let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000});
        let run = server.post("/runs/claim", claim).await.body["run"]["token"].as_str().expect("a token").to_owned();
        let mut tokens = vec![("run", run)];
        for (role, name) in [(Role::Member, "user.m"), (Role::Agent, "agent.a"), (Role::Viewer, "user.v")] {
            tokens.push((role.as_str(), server.token("local", role, name).await));
        }
        let question = json!({"principal": {"type": "User", "name": "user.m"}, "action": "mission.read"});
        let calls = [
            (Method::GET, POLICY.to_owned(), Value::Null),
            (Method::PUT, POLICY.to_owned(), json!({"preset": "open"})),
            (Method::GET, format!("{POLICY}/history"), Value::Null),
            (Method::POST, format!("{POLICY}/rollback"), json!({"revision": 1})),
            (Method::POST, format!("{POLICY}/explain"), question),
            (Method::POST, format!("{POLICY}/diff"), json!({"policy": {}})),
        ];
        for (who, token) in &tokens {
            for (method, path, body) in &calls {
                let refused = server.ask(method.clone(), path, token, body.clone()).await;
                assert_eq!(
                    (refused.status, refused.code()),
                    (403, "FORBIDDEN"),
                    "{who} {method} {path}: {:#}",
                    refused.body
                );
                let ids = refused.body["policy_ids"].to_string();
                assert!(ids.contains("default/policy-is-the-operators"), "{who} {method} {path}: {:#}", refused.body);
            }
        }
        let elsewhere = server.token("elsewhere", Role::Operator, "user.e").await;
        for (method, path, body) in &calls {
            let refused = server.ask(method.clone(), path, &elsewhere, body.clone()).await;
            assert_eq!((refused.status, refused.code()), (404, "NOT_FOUND"), "{method} {path}: {:#}", refused.body);
        }
        // An operator who names a workspace means that one.
        let there = server.request(Method::PUT, "/workspaces/elsewhere/policy", &server.operator);
        let there = there.header("sluice-workspace", "elsewhere").json(&json!({"preset": "read-only"}));
        assert_eq!(e2e::server::reply(there).await.status, 200);
        assert_eq!(server.get(POLICY).await.body["preset"], Value::Null);
    })
    .await;
}

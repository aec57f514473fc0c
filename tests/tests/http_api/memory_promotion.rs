//! Promotion: scrubbed anew, reviewed where a review is due, and exactly what was approved is stored.

use e2e::databases::TestDatabase;
use e2e::server::{ServerOptions, TestServer, on_both_servers};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::memory::Tier;
use sluice::domain::principal::Role;

use super::memory::{ids, ok, put, search, text};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

async fn promote(server: &TestServer, token: &str, body: Value) -> Value {
    ok(server.ask(Method::POST, "/memory/promote", token, body).await)
}

async fn decide(server: &TestServer, token: &str, approval: &Value, how: &str) -> u16 {
    let path = format!("/approvals/{}/{how}", text(approval));
    server.ask(Method::POST, &path, token, json!({"reason": "looked at it"})).await.status
}

/// A server where nobody promotes to `team` or above without another person's yes.
async fn reviewing(database: &TestDatabase) -> TestServer {
    let mut options = ServerOptions::default();
    options.engine.memory.reviewed = [Tier::Team, Tier::Curated].into();
    TestServer::start(database, CACHE, options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_climbs_and_its_source_stays() {
    on_both_servers(CACHE, async |server| {
        let ann = server.token("local", Role::Member, "user.ann").await;
        let source = put(
            &server,
            &ann,
            json!({
                "text": "Use one pool per process.", "session_id": "s", "tags": ["pool"], "kind": "solution_capsule",
            }),
        )
        .await;
        let id = &source["id"];
        let refused = server.ask(Method::POST, "/memory/promote", &ann, json!({"id": id})).await;
        assert_eq!(
            (refused.status, refused.code()),
            (403, "FORBIDDEN"),
            "a member promotes nothing: {:#}",
            refused.body
        );
        let promoted = promote(&server, &server.operator, json!({"id": id, "reason": "it helped"})).await;
        let mut names: Vec<&str> = promoted.as_object().expect("members").keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["audit_id", "deduped", "id", "new_memory_id", "ok", "promoted", "scrub_report", "to_tier"]);
        assert_eq!((&promoted["promoted"], &promoted["to_tier"]), (&json!(true), &json!("project")), "{promoted:#}");
        assert_eq!(promoted["scrub_report"], json!({"status": "passed", "findings": []}));
        let record = ok(server.get("/memory?tier=project").await)["items"][0].clone();
        assert_eq!((&record["id"], &record["origin"]), (&promoted["new_memory_id"], id), "{record:#}");
        assert_eq!((&record["source_type"], &record["kind"]), (&json!("promotion"), &json!("solution_capsule")));
        assert_eq!((&record["tags"], &record["trust"]), (&json!(["pool"]), &json!("trusted")));
        assert_eq!(
            ids(&search(&server, &ann, json!({"query": "pool", "session_id": "s", "tiers": ["session"]})).await).len(),
            1
        );
        // Twice is once.
        let again = promote(&server, &server.operator, json!({"id": id})).await;
        assert_eq!((&again["new_memory_id"], &again["deduped"]), (&promoted["new_memory_id"], &json!(true)));
        let over = promote(&server, &server.operator, json!({"id": id, "to_tier": "curated"})).await;
        assert_eq!(over["to_tier"], "curated");
        for (body, field) in [
            (json!({"id": over["new_memory_id"]}), "to_tier"),
            (json!({"id": promoted["new_memory_id"], "to_tier": "session"}), "to_tier"),
            (json!({"id": promoted["new_memory_id"], "to_tier": "project"}), "to_tier"),
            (json!({"id": id, "reason": ""}), "reason"),
        ] {
            let reply = server.post("/memory/promote", body.clone()).await;
            assert_eq!((reply.status, reply.body["field"].as_str()), (422, Some(field)), "{body}: {:#}", reply.body);
        }
        // Taken back the target goes, and the source is promoted anew.
        ok(server.post("/memory/demote", json!({"id": promoted["new_memory_id"]})).await);
        assert_eq!(ids(&search(&server, &ann, json!({"query": "pool", "tiers": ["project"]})).await).len(), 0);
        let anew = promote(&server, &server.operator, json!({"id": id})).await;
        assert_ne!(anew["new_memory_id"], promoted["new_memory_id"], "{anew:#}");
        ok(server.post("/memory/demote", json!({"id": id})).await);
        assert_eq!(server.post("/memory/promote", json!({"id": id})).await.status, 404, "a demoted one is not there");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_was_approved_is_stored_once() {
    for database in TestDatabase::each().await {
        let server = reviewing(&database).await;
        let bo = server.token("local", Role::Member, "user.bo").await;
        let vi = server.token("local", Role::Viewer, "user.vi").await;
        let body = json!({"text": "Rotate the keys of the build each month.", "tier": "project", "tags": ["keys"]});
        let source = put(&server, &server.operator, body.clone()).await;
        let ask = json!({"id": source["id"], "to_tier": "team"});
        let asked = promote(&server, &server.operator, ask.clone()).await;
        assert_eq!((&asked["promoted"], &asked["approval_status"]), (&json!(false), &json!("pending")), "{asked:#}");
        assert!(asked.get("new_memory_id").is_none());
        let approval = &asked["approval_id"];
        assert_eq!(promote(&server, &server.operator, ask.clone()).await["approval_id"], *approval, "it is asked once");
        let path = format!("/approvals/{}", text(approval));
        let shown = server.ask(Method::GET, &path, &bo, Value::Null).await.body["approval"].clone();
        assert_eq!(shown["kind"], "memory_promotion");
        assert!(text(&shown["rendered"]).contains("Rotate the keys of the build"), "{shown:#}");
        assert!(!text(&shown["summary"]).contains("Rotate"), "{shown:#}");
        let hidden = server.ask(Method::GET, &path, &vi, Value::Null).await.body.to_string();
        assert!(!hidden.contains("Rotate"), "{hidden}");
        assert_eq!(
            decide(&server, &server.operator, approval, "grant").await,
            403,
            "nobody decides about their own wish"
        );
        let named = json!({"id": source["id"], "to_tier": "team", "review": {"approval_id": approval}});
        assert_eq!(promote(&server, &server.operator, named.clone()).await["promoted"], false);
        assert_eq!(decide(&server, &bo, approval, "grant").await, 200);

        // An approval is for this source, target and text alone.
        let other = put(&server, &server.operator, json!({"text": "Rotate nothing.", "tier": "project"})).await;
        let with = |id: &Value, tier: &str| json!({"id": id, "to_tier": tier, "review": {"approval_id": approval}});
        for wrong in [with(&other["id"], "team"), with(&source["id"], "curated")] {
            let reply = server.post("/memory/promote", wrong).await;
            assert_eq!((reply.status, reply.code()), (409, "CONFLICT"), "{:#}", reply.body);
        }
        let unknown = json!({"id": source["id"], "to_tier": "team", "review": {"approval_id": "apr_none"}});
        assert_eq!(server.post("/memory/promote", unknown).await.status, 404);
        // Put again with another tag, what would be stored is another.
        let mut altered = body.clone();
        altered["tags"] = json!(["keys", "altered"]);
        assert_eq!(put(&server, &server.operator, altered).await["deduped"], true);
        let reply = server.post("/memory/promote", named.clone()).await;
        assert_eq!((reply.status, reply.code()), (409, "CONFLICT"), "{:#}", reply.body);
        let asked = promote(&server, &server.operator, ask.clone()).await;
        assert_ne!(asked["approval_id"], *approval, "it is another question: {asked:#}");
        assert_eq!(decide(&server, &bo, &asked["approval_id"], "grant").await, 200);
        let named = json!({"id": source["id"], "to_tier": "team", "review": {"approval_id": asked["approval_id"]}});
        let done = promote(&server, &server.operator, named.clone()).await;
        assert_eq!((&done["promoted"], &done["approval_id"]), (&json!(true), &asked["approval_id"]), "{done:#}");
        let record = ok(server.get("/memory?tier=team").await)["items"][0].clone();
        assert_eq!((&record["approval_id"], &record["tags"]), (&asked["approval_id"], &json!(["altered", "keys"])));
        let again = promote(&server, &server.operator, named).await;
        assert_eq!((&again["new_memory_id"], &again["deduped"]), (&done["new_memory_id"], &json!(true)), "{again:#}");

        // No is no, and is not asked again; a record that goes takes its question with it.
        let denied = promote(&server, &server.operator, json!({"id": other["id"], "to_tier": "team"})).await;
        assert_eq!(decide(&server, &bo, &denied["approval_id"], "deny").await, 200);
        let still = promote(&server, &server.operator, json!({"id": other["id"], "to_tier": "team"})).await;
        assert_eq!((&still["approval_id"], &still["approval_status"]), (&denied["approval_id"], &json!("denied")));
        let gone = put(&server, &server.operator, json!({"text": "Soon gone for good.", "tier": "project"})).await;
        let asked = promote(&server, &server.operator, json!({"id": gone["id"], "to_tier": "team"})).await;
        ok(server.ask(Method::DELETE, &format!("/memory/{}", text(&gone["id"])), &server.operator, Value::Null).await);
        assert_eq!(decide(&server, &bo, &asked["approval_id"], "grant").await, 409, "the question ended with it");
        let left = server.get(&format!("/approvals/{}", text(&asked["approval_id"]))).await.body.to_string();
        assert!(!left.contains("Soon gone") && left.contains("expired"), "{left}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_promotes_what_it_was_granted_and_a_person_approved() {
    on_both_servers(CACHE, async |server| {
        let bot = server.token("local", Role::Agent, "agent.bot").await;
        let bo = server.token("local", Role::Member, "user.bo").await;
        let made = json!({
            "title": "t", "work_items": [{"id": "a", "title": "A"}], "capabilities": ["memory.promote:project"],
        });
        let mission = server.mission_of("local", "agent.bot", made).await;
        let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000});
        let claimed = ok(server.ask(Method::POST, "/runs/claim", &bot, claim).await);
        let capability = &claimed["run"]["token"];
        let own = put(&server, &bot, json!({"text": "Learned: retry twice.", "capability": capability})).await;
        let bare = server.ask(Method::POST, "/memory/promote", &bot, json!({"id": own["id"]})).await;
        assert_eq!(
            (bare.status, bare.code()),
            (403, "TIER_NOT_GRANTED"),
            "an agent alone promotes nothing: {:#}",
            bare.body
        );
        let ask = json!({"id": own["id"], "capability": capability});
        let asked = promote(&server, &bot, ask.clone()).await;
        assert_eq!((&asked["promoted"], &asked["approval_status"]), (&json!(false), &json!("pending")), "{asked:#}");
        let listed = ok(server.get(&format!("/approvals?mission_id={}", mission)).await);
        assert_eq!(listed["approvals"][0]["id"], asked["approval_id"], "{listed:#}");
        assert_eq!(decide(&server, &bot, &asked["approval_id"], "grant").await, 403);
        assert_eq!(decide(&server, &bo, &asked["approval_id"], "grant").await, 200);
        let done = promote(&server, &bot, ask).await;
        assert_eq!(done["promoted"], true, "{done:#}");
        let record = ok(server.get("/memory?tier=project").await)["items"][0].clone();
        assert_eq!((&record["trust"], &record["owner"]), (&json!("trusted"), &json!("agent.bot")), "{record:#}");
        let team = json!({"id": own["id"], "to_tier": "team", "capability": capability});
        let refused = server.ask(Method::POST, "/memory/promote", &bot, team).await;
        assert_eq!((refused.status, refused.code()), (403, "TIER_NOT_GRANTED"), "{:#}", refused.body);
        assert_eq!(refused.body["allowed"], json!(["project"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_and_a_deletion_leave_one_of_two_worlds() {
    on_both_servers(CACHE, async |server| {
        let mut won = 0;
        for round in 0..12 {
            let body = json!({"text": format!("raced record number {round}"), "tier": "project"});
            let source = put(&server, &server.operator, body).await;
            let (path, ask) = (format!("/memory/{}", text(&source["id"])), json!({"id": source["id"]}));
            let twice = (server.post("/memory/promote", ask.clone()), server.post("/memory/promote", ask));
            let (one, other, deleted) =
                tokio::join!(twice.0, twice.1, server.ask(Method::DELETE, &path, &server.operator, Value::Null));
            assert_eq!(deleted.status, 200, "{:#}", deleted.body);
            let made: Vec<Value> = [one, other]
                .into_iter()
                .filter_map(|reply| match reply.status {
                    200 => Some(reply.body["new_memory_id"].clone()),
                    404 => None,
                    _ => panic!("{:#}", reply.body),
                })
                .collect();
            let query = json!({"query": format!("\"raced record number {round}\""), "tiers": ["team", "project"]});
            let found = search(&server, &server.operator, query).await;
            let wanted: Vec<&str> = made.first().and_then(Value::as_str).into_iter().collect();
            assert_eq!(ids(&found), wanted, "{found:#}");
            assert!(made.windows(2).all(|pair| pair[0] == pair[1]), "two promotions made two records: {made:?}");
            won += usize::from(!made.is_empty());
        }
        println!("{won} of 12 promotions came before the deletion");
        assert!(server.engine.verify_audit().await.expect("it can be read").broken.is_none());
    })
    .await;
}

//! Routines as clients use them: made, changed, run, followed and deleted; and what a schedule means
//! before any of it.

use std::collections::BTreeSet;

use e2e::server::{Frames, Reply, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

fn ok(reply: Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{} {:#}", reply.status, reply.body);
    reply.body
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value} is no object")).keys().map(String::as_str).collect()
}

async fn patch(server: &TestServer, id: &str, change: Value) -> Reply {
    server.ask(Method::PATCH, &format!("/routines/{id}"), &server.operator, change).await
}

/// Works the mission of a run of a routine to its end.
async fn work(server: &TestServer, run: &Value) {
    let claim = json!({"worker": "w", "mission_id": run["mission_id"], "wait_ms": 30_000});
    let claimed = ok(server.post("/runs/claim", claim).await)["run"].clone();
    let (id, token) = (text(&claimed["id"]), text(&claimed["token"]));
    let left = json!({"kind": "text", "name": "digest.md", "content": "all is well"});
    ok(server.ask(Method::POST, &format!("/runs/{id}/artifacts"), token, left).await);
    ok(server.ask(Method::POST, &format!("/runs/{id}/finish"), token, json!({"status": "succeeded"})).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_lives_through_all_its_calls() {
    on_both_servers(CACHE, async |server| {
        let made = json!({
            "routine_id": "daily-digest", "name": "Daily digest", "schedule": "30 8 * * 1-5", "timezone": "Europe/Paris",
            "entrypoint": {"run": {"prompt": "Digest {{args.of}} up to {{scheduled_at}}"}}, "args": {"of": "the mail"},
        });
        let answer = server.post("/routines", made.clone()).await;
        assert_eq!(answer.status, 201, "{:#}", answer.body);
        let routine = answer.body["routine"].clone();
        let contract = [
            "id", "name", "status", "schedule", "timezone", "misfire_policy", "overlap_policy", "entrypoint", "args",
            "budgets", "creator_type", "creator_id", "requires_approval", "external_integrations_allowed",
            "next_fire_at_ms", "external_side_effects",
        ];
        assert!(contract.iter().all(|name| names(&routine).contains(name)), "{routine:#}");
        assert_eq!(routine["schedule"], json!({"cron": {"expression": "30 8 * * 1-5"}}));
        assert_eq!((&routine["status"], &routine["creator_type"]), (&json!("enabled"), &json!("user")));
        assert_eq!(routine["misfire_policy"], json!({"type": "run_once", "window_ms": 86_400_000}));
        assert!(routine["next_fire_at_ms"].as_u64() > routine["created_at_ms"].as_u64());
        assert_eq!(routine["meaning"], "at 08:30 on Monday to Friday, Europe/Paris");
        let taken = server.post("/routines", made).await;
        assert_eq!((taken.status, taken.code()), (409, "ROUTINE_EXISTS"), "{:#}", taken.body);
        assert_eq!(server.get("/routines/daily-digest").await.body, routine);
        let list = server.get("/routines?status=enabled").await.body;
        assert_eq!((&list["routines"][0], &list["count"]), (&routine, &json!(1)));

        let change = json!({"schedule": {"interval_seconds": {"seconds": 3600}}, "jitter_ms": 5_000, "if_revision": 1});
        let changed = ok(patch(&server, "daily-digest", change.clone()).await);
        assert_eq!(changed["schedule"]["interval_seconds"]["anchor_ms"], routine["created_at_ms"], "{changed:#}");
        assert_eq!((&changed["name"], &changed["revision"]), (&routine["name"], &json!(2)));
        let late = patch(&server, "daily-digest", change).await;
        assert_eq!((late.status, late.code()), (409, "REVISION_CONFLICT"), "{:#}", late.body);

        let started = ok(server.post("/routines/daily-digest/run_now", json!({"reason": "to see"})).await);
        assert_eq!(
            (&started["ok"], &started["status"], &started["waiting_for"]),
            (&json!(true), &json!("queued"), &json!("worker"))
        );
        let path = format!("/routines/runs/{}", text(&started["run_id"]));
        let run = server.get(&path).await.body;
        assert_eq!((&run["id"], &run["run_id"]), (&started["run_id"], &started["run_id"]));
        assert_eq!((&run["trigger"], &run["routine_id"]), (&json!("run_now"), &json!("daily-digest")));
        work(&server, &run).await;
        let done = server.until(&path, |run| run["status"] == "succeeded").await;
        assert!(done["finished_at_ms"].as_u64() >= done["started_at_ms"].as_u64(), "{done:#}");
        assert!(done["started_at_ms"].is_u64(), "{done:#}");

        let link = json!({"uri": "https://example.org/digest", "kind": "link", "label": "The digest"});
        let left = server.post(&format!("{path}/artifacts"), link).await;
        assert_eq!((left.status, &left.body["ok"]), (201, &json!(true)), "{:#}", left.body);
        let artifacts = server.get(&format!("{path}/artifacts")).await.body;
        let all = artifacts["artifacts"].as_array().expect("artifacts");
        assert_eq!((&artifacts["count"], &artifacts["run_id"]), (&json!(all.len()), &started["run_id"]));
        assert_eq!(all.last(), Some(&left.body["artifact"]));
        assert_eq!(left.body["artifact"]["uri"], "https://example.org/digest");
        let digest = all.iter().find(|artifact| artifact["label"] == "digest.md").expect("what its run left");
        let own = text(&digest["uri"]).to_owned();
        assert!(own.starts_with("/artifacts/art_"), "{own}");
        assert_eq!(server.get(&own).await.status, 200);

        for path in ["/routines/runs?routine_id=daily-digest", "/routines/daily-digest/runs"] {
            let runs = server.get(path).await.body;
            assert_eq!((&runs["count"], &runs["runs"][0]["id"]), (&json!(1), &started["run_id"]), "{path}: {runs:#}");
        }
        assert_eq!(server.get("/routines/runs?status=missed").await.body["count"], 0);
        let told = |history: &Value| history["history"].as_array().is_some_and(|all| all[0]["event"] == "finished");
        let history = server.until("/routines/daily-digest/history", told).await;
        let events: Vec<&str> = history["history"].as_array().expect("entries").iter().map(|e| text(&e["event"])).collect();
        assert_eq!(events, ["finished", "fired", "updated", "created"], "{history:#}");
        assert_eq!(history["history"][1]["run_id"], started["run_id"]);
        assert_eq!(history["history"][1]["data"]["reason"], "to see");
        assert_eq!(
            (&history["history"][1]["trigger"], &history["history"][3]["trigger"]),
            (&json!("run_now"), &json!("user.root"))
        );
        let first = server.get("/routines/daily-digest/history?limit=1").await.body;
        let next = format!("/routines/daily-digest/history?limit=500&cursor={}", text(&first["next_cursor"]));
        assert_eq!(server.get(&next).await.body["count"], 3);

        let deleted = server.ask(Method::DELETE, "/routines/daily-digest", &server.operator, json!({})).await;
        assert_eq!(ok(deleted), json!({"ok": true, "deleted": true, "id": "daily-digest"}));
        for (method, path) in [
            (Method::GET, "/routines/daily-digest"),
            (Method::DELETE, "/routines/daily-digest"),
            (Method::POST, "/routines/daily-digest/run_now"),
            (Method::GET, "/routines/daily-digest/runs"),
        ] {
            let gone = server.ask(method, path, &server.operator, Value::Null).await;
            assert_eq!((gone.status, gone.code()), (404, "NOT_FOUND"), "{path}");
        }
        assert_eq!(server.get("/routines/daily-digest/history").await.body["history"][0]["event"], "deleted");
        assert_eq!(server.get(&path).await.body["status"], "succeeded");
        assert_eq!(server.get("/routines/never-was/history").await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_fires_and_what_is_paused_does_not() {
    on_both_servers(CACHE, async |server| {
        let made = json!({"id": "often", "name": "Often", "schedule": "* * * * * *", "entrypoint": "look around"});
        ok(server.post("/routines", made).await);
        let runs = server.until("/routines/often/runs", |runs| runs["count"].as_u64() >= Some(2)).await;
        // The first goes on, so that the later ones are skipped, and say so.
        let all = runs["runs"].as_array().expect("runs");
        let first = all.last().expect("the oldest");
        assert!(["queued", "running"].contains(&text(&first["status"])) && first["trigger"] == "schedule", "{first:#}");
        assert_eq!(first["scheduled_at_ms"].as_u64().expect("a time") % 1_000, 0);
        assert!(text(&first["local"]).ends_with("+00:00") && first["tzdata"].is_string(), "{first:#}");
        assert!(
            all[..all.len() - 1].iter().all(|run| run["status"] == "skipped" && run["reason"].is_string()),
            "{runs:#}"
        );
        // Changes that name no revision are taken however often it fires meanwhile.
        for name in ["A", "B", "C"] {
            assert_eq!(ok(patch(&server, "often", json!({"name": name})).await)["name"], name);
        }
        let paused = ok(patch(&server, "often", json!({"status": "paused", "status_reason": "a holiday"})).await);
        assert_eq!((&paused["next_fire_at_ms"], &paused["status_reason"]), (&Value::Null, &json!("a holiday")));
        let before = server.get("/routines/often/runs").await.body["count"].clone();
        tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
        assert_eq!(server.get("/routines/often/runs").await.body["count"], before);
        let refused = server.post("/routines/often/run_now", json!({})).await;
        assert_eq!((refused.status, refused.code()), (409, "ROUTINE_NOT_ENABLED"), "{:#}", refused.body);
        let forced = ok(server.post("/routines/often/run_now", json!({"force": true})).await);
        assert_eq!(forced["waiting_for"], "dependency", "the first is not over: {forced:#}");
        let resumed = ok(patch(&server, "often", json!({"status": "enabled", "resume_missed": "skip"})).await);
        assert!(resumed["next_fire_at_ms"].is_u64(), "{resumed:#}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_made_up_for_once_and_in_order() {
    on_both_servers(CACHE, async |server| {
        let made = json!({
            "id": "hourly", "name": "Hourly", "schedule": "@hourly", "entrypoint": "count", "overlap_policy": "allow",
            "overlap_max": 100,
        });
        ok(server.post("/routines", made).await);
        // 2026-01-01T00:00:00Z to 05:00, both included.
        let ask = json!({"from_ms": 1_767_225_600_000_u64, "to_ms": 1_767_243_600_000_u64, "max_runs": 4});
        let named = |key: &str| {
            let request = server.request(Method::POST, "/routines/hourly/backfill", &server.operator);
            reply(request.header("idempotency-key", key).json(&ask))
        };
        let made = ok(named("one").await);
        let times = |answer: &Value| -> Vec<u64> {
            let runs = answer["runs"].as_array().expect("runs");
            runs.iter().map(|run| run["scheduled_at_ms"].as_u64().expect("a time")).collect()
        };
        let hour = |n: u64| 1_767_225_600_000 + n * 3_600_000;
        assert_eq!(times(&made), [hour(0), hour(1), hour(2), hour(3)]);
        assert!(made["runs"].as_array().expect("runs").iter().all(|run| run["trigger"] == "backfill"), "{made:#}");
        assert_eq!(ok(named("one").await), made, "the same write is done once");
        assert_eq!(times(&ok(named("two").await)), [hour(4), hour(5)], "what was made up for is not again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_paused_and_resumed() {
    on_both_servers(CACHE, async |server| {
        ok(server.post("/routines", json!({"id": "r", "name": "R", "schedule": "@yearly", "entrypoint": "x"})).await);
        let run = ok(server.post("/routines/r/run_now", json!({})).await)["run_id"].clone();
        let path = format!("/routines/runs/{}", text(&run));
        server.until(&path, |run| run["status"] == "running").await;
        let step = async |what: &str| server.post(&format!("{path}/{what}"), json!({"reason": "a test"})).await;
        let paused = ok(step("pause").await);
        assert_eq!((&paused["ok"], &paused["run"]["status"]), (&json!(true), &json!("paused")), "{paused:#}");
        let mission = format!("/mission/{}", text(&paused["run"]["mission_id"]));
        assert_eq!(server.get(&mission).await.body["mission"]["status"], "paused");
        for wrong in ["pause", "approve", "deny"] {
            let refused = step(wrong).await;
            assert_eq!((refused.status, refused.code()), (409, "ROUTINE_RUN_STATE"), "{wrong}: {:#}", refused.body);
        }
        assert_eq!(ok(step("resume").await)["run"]["status"], "running");
        let refused = step("resume").await;
        assert_eq!((refused.status, refused.code()), (409, "ROUTINE_RUN_STATE"), "{:#}", refused.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_is_followed_alone() {
    on_both_servers(CACHE, async |server| {
        let path = "/routines/events?routine_id=one&since_seq=0";
        let mut frames = Frames::open(server.request(Method::GET, path, &server.operator)).await;
        for id in ["two", "one"] {
            let made = json!({"id": id, "name": "\"routine_id\":\"one\"", "schedule": "@yearly", "entrypoint": "x"});
            ok(server.post("/routines", made).await);
        }
        ok(server.post("/routines/two/run_now", json!({})).await);
        ok(server.post("/routines/one/run_now", json!({})).await);
        for kind in ["routine.created", "routine.fired"] {
            let event = frames.event().await.data;
            assert_eq!((&event["type"], &event["properties"]["routine_id"]), (&json!(kind), &json!("one")));
        }
        let page = server.request(Method::GET, path, &server.operator).header("accept", "application/json");
        assert_eq!(reply(page).await.body["count"], 2);
        let all = server.request(Method::GET, "/routines/events?since_seq=0", &server.operator);
        let all = reply(all.header("accept", "application/json")).await.body;
        assert_eq!(all["count"], 4, "{all:#}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_looked_at_before_it_is_saved() {
    on_both_servers(CACHE, async |server| {
        let preview = async |body: Value| ok(server.post("/routines/preview", body).await);
        // The night on which the clocks of Paris skip 02:30.
        let spring = preview(json!({
            "schedule": {"cron": {"expression": "30 2 * * *"}}, "timezone": "Europe/Paris", "after_ms": 1_774_700_000_000_u64, "count": 2,
        }))
        .await;
        assert_eq!(spring["meaning"], "at 02:30 every day, Europe/Paris");
        assert_eq!((&spring["never"], &spring["count"]), (&json!(false), &json!(2)));
        let fire = &spring["fires"][0];
        assert_eq!((&fire["at_ms"], &fire["local"]), (&json!(1_774_746_000_000_u64), &json!("2026-03-29T03:00:00+02:00")));
        assert_eq!((&fire["utc"], &fire["abbreviation"]), (&json!("2026-03-29T01:00:00Z"), &json!("CEST")));
        assert!(text(&fire["remark"]).contains("skips"), "{fire:#}");
        assert_eq!(spring["fires"][1]["remark"], Value::Null);

        let six = preview(json!({"schedule": "0 30 9 * * 1"})).await;
        assert!(text(&six["note"]).contains("second"), "{six:#}");
        assert_eq!(six["count"], 5);
        let never = preview(json!({"schedule": "0 0 1 1 *", "ends_at_ms": 1})).await;
        assert_eq!((&never["never"], &never["fires"]), (&json!(true), &json!([])));
        let once = preview(json!({"schedule": {"once": {"at_ms": 5_000}}, "after_ms": 0})).await;
        assert_eq!(once["fires"][0]["local"], "1970-01-01T00:00:05+00:00");
        let without = preview(json!({"schedule": "@daily", "after_ms": 0, "exclude": ["1970-01-02"], "count": 1})).await;
        assert_eq!(without["fires"][0]["utc"], "1970-01-03T00:00:00Z");
        let templates = ok(server.get("/routines/templates").await);
        for template in templates["templates"].as_array().expect("templates") {
            assert_eq!(server.post("/routines", template["routine"].clone()).await.status, 201, "{template:#}");
        }
    })
    .await;
}

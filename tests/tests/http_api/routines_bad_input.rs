//! What cannot be about routines is refused by name; of expressions with the byte, and how it is meant.

use e2e::server::{Reply, TestServer, on_both_servers};
use reqwest::Method;
use serde_json::{Value, json};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str, field: &str) {
    let seen = (reply.status, reply.code(), reply.body["field"].as_str().unwrap_or_default());
    assert_eq!(seen, (status, code, field), "{:#}", reply.body);
}

/// A routine with some members that are different; those that are null are left out.
fn routine(different: Value) -> Value {
    let mut body = json!({"name": "n", "schedule": "@daily", "entrypoint": "do it"});
    let members = body.as_object_mut().expect("an object");
    for (name, value) in different.as_object().expect("an object").clone() {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn routines_that_cannot_be_are_refused_by_member() {
    on_both_servers(CACHE, async |server| {
        let cases = [
            (json!({"name": null}), "INVALID_FIELD", "name"),
            (json!({"name": " "}), "INVALID_FIELD", "name"),
            (json!({"name": "n".repeat(201)}), "INVALID_FIELD", "name"),
            (json!({"schedule": null}), "INVALID_FIELD", "schedule"),
            (json!({"entrypoint": null}), "INVALID_FIELD", "entrypoint"),
            (json!({"colour": 1}), "UNKNOWN_FIELD", "colour"),
            (json!({"id": "Daily"}), "INVALID_FIELD", "id"),
            (json!({"id": "runs"}), "INVALID_FIELD", "id"),
            (json!({"id": "x".repeat(65)}), "INVALID_FIELD", "id"),
            (json!({"status": "on"}), "INVALID_FIELD", "status"),
            (json!({"status": "paused"}), "INVALID_FIELD", "status"),
            (json!({"schedule": 5}), "INVALID_FIELD", "schedule"),
            (json!({"schedule": {}}), "INVALID_FIELD", "schedule"),
            (json!({"schedule": {"cron": {"expr": "x"}}}), "UNKNOWN_FIELD", "schedule.cron.expr"),
            (json!({"schedule": {"every": 5}}), "UNKNOWN_FIELD", "schedule.every"),
            (json!({"schedule": "@daily", "ends_at_ms": 1}), "INVALID_FIELD", "schedule"),
            (json!({"schedule": {"once": {"at_ms": 1}}}), "INVALID_FIELD", "schedule"),
            (
                json!({"schedule": {"interval_seconds": {"seconds": 0}}}),
                "INVALID_SCHEDULE",
                "schedule.interval_seconds.seconds",
            ),
            (
                json!({"schedule": {"interval_seconds": {"seconds": 31_622_401}}}),
                "INVALID_SCHEDULE",
                "schedule.interval_seconds.seconds",
            ),
            (
                json!({"schedule": {"once": {"at_ms": 7_258_118_400_000_u64}}}),
                "INVALID_SCHEDULE",
                "schedule.once.at_ms",
            ),
            (json!({"timezone": "Mars/Olympus"}), "INVALID_SCHEDULE", "timezone"),
            (json!({"exclude": ["2026-02-30"]}), "INVALID_SCHEDULE", "exclude"),
            (json!({"starts_at_ms": 9, "ends_at_ms": 8}), "INVALID_SCHEDULE", "ends_at_ms"),
            (json!({"jitter_ms": 86_400_001}), "INVALID_SCHEDULE", "jitter_ms"),
            (
                json!({"misfire_policy": {"type": "catch_up", "max_runs": 0}}),
                "INVALID_FIELD",
                "misfire_policy.max_runs",
            ),
            (
                json!({"misfire_policy": {"type": "catch_up", "max_runs": 1_000_000_000}}),
                "INVALID_FIELD",
                "misfire_policy.max_runs",
            ),
            (json!({"misfire_policy": {"type": "catch_up"}}), "INVALID_FIELD", "misfire_policy.max_runs"),
            (json!({"misfire_policy": {"type": "skip", "window_ms": 5}}), "INVALID_FIELD", "misfire_policy.window_ms"),
            (json!({"misfire_policy": {"type": "never"}}), "INVALID_FIELD", "misfire_policy.type"),
            (json!({"overlap_policy": "stack"}), "INVALID_FIELD", "overlap_policy"),
            (json!({"overlap_policy": "queue", "overlap_max": 101}), "INVALID_FIELD", "overlap_max"),
            (json!({"overlap_max": 5}), "INVALID_FIELD", "overlap_max"),
            (json!({"pause_after_failures": 0}), "INVALID_FIELD", "pause_after_failures"),
            (json!({"budgets": {"max_steps": 0}}), "INVALID_FIELD", "entrypoint.budgets.max_steps"),
            (json!({"entrypoint": "run"}), "INVALID_FIELD", "args.prompt"),
            (json!({"entrypoint": "say {{args.what}}"}), "INVALID_FIELD", "entrypoint.run.prompt"),
            (json!({"entrypoint": {"mission": {"title": ""}}}), "INVALID_FIELD", "entrypoint.mission.title"),
            (json!({"entrypoint": {"shell": "rm"}}), "INVALID_FIELD", "entrypoint"),
            (json!({"args": {"x": "y".repeat(65_536)}}), "INVALID_FIELD", "args"),
            (json!({"creator_type": "robot"}), "INVALID_FIELD", "creator_type"),
            (json!({"creator_id": " "}), "INVALID_FIELD", "creator_id"),
            (json!({"creator_id": "a\u{0}b"}), "INVALID_FIELD", "creator_id"),
            (json!({"creator_id": "x".repeat(129)}), "INVALID_FIELD", "creator_id"),
        ];
        for (different, code, field) in cases {
            let reply = server.post("/routines", routine(different.clone())).await;
            println!("{different:.200}");
            refused(&reply, 422, code, field);
        }
        assert_eq!(server.get("/routines").await.body["count"], 0, "nothing was saved");
        refused(&server.get("/routines?cursor=%20").await, 400, "INVALID_CURSOR", "cursor");
        refused(&server.get("/routines?status=late").await, 422, "INVALID_FIELD", "status");
        refused(&server.get("/routines/runs?status=late").await, 422, "INVALID_FIELD", "status");
        refused(&server.get("/routines/runs?cursor=evt_1").await, 400, "INVALID_CURSOR", "cursor");
        refused(&server.get("/routines/events?routine_id=%22").await, 422, "INVALID_FIELD", "routine_id");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_expression_is_told_with_its_byte_and_its_meaning() {
    on_both_servers(CACHE, async |server| {
        for (expression, position, read, meaning) in [
            ("0 0 30 2 *", 4, "30", "day of month: a day of month is 1 to 31"),
            ("0 25 * * *", 2, "25", "hour: an hour is 0 to 23"),
            ("0 22-2 * * *", 2, "22-2", "hour: an hour is 0 to 23"),
            ("0 1,,2 * * *", 3, ",", "hour: an hour is 0 to 23"),
            ("* * * *", 7, "", "day of week: a day of week is 0 to 7"),
            ("61 0 9 * * 1", 0, "61", "second: a second is 0 to 59; "),
            ("@reboot", 0, "@reboot", "five fields"),
        ] {
            for path in ["/routines/preview", "/routines"] {
                let said = json!({"cron": {"expression": expression}});
                for (schedule, field) in [(said, "schedule.cron.expression"), (json!(expression), "schedule")] {
                    let body = match path {
                        "/routines" => routine(json!({"schedule": schedule})),
                        _ => json!({"schedule": schedule}),
                    };
                    let reply = server.post(path, body).await;
                    refused(&reply, 422, "INVALID_SCHEDULE", field);
                    let body = &reply.body;
                    assert_eq!(
                        (&body["position"], &body["read"]),
                        (&json!(position), &json!(read)),
                        "{expression}: {body:#}"
                    );
                    assert!(
                        body["meaning"].as_str().is_some_and(|text| text.starts_with(meaning)),
                        "{expression}: {body:#}"
                    );
                    assert!(body["problem"].as_str().is_some_and(|text| !text.is_empty()), "{body:#}");
                }
            }
        }
        let zone = server.post("/routines/preview", json!({"schedule": "@daily", "timezone": "Europe/Pariss"})).await;
        refused(&zone, 422, "INVALID_SCHEDULE", "timezone");
        assert!(zone.body["detail"].as_str().is_some_and(|text| text.contains("`Europe/Paris`")), "{:#}", zone.body);
        for (count, is_good) in [(0, false), (1, true), (100, true), (101, false)] {
            let reply = server.post("/routines/preview", json!({"schedule": "@daily", "count": count})).await;
            assert_eq!(reply.status == 200, is_good, "{count}: {:#}", reply.body);
        }
    })
    .await;
}

async fn patch(server: &TestServer, change: Value) -> Reply {
    server.ask(Method::PATCH, "/routines/r", &server.operator, change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_and_runs_that_cannot_be_are_refused_by_member() {
    on_both_servers(CACHE, async |server| {
        let made = server.post("/routines", routine(json!({"id": "r"}))).await;
        assert_eq!(made.status, 201, "{:#}", made.body);
        for (change, code, field) in [
            (json!({"id": "other"}), "UNKNOWN_FIELD", "id"),
            (json!({"next_fire_at_ms": 1}), "UNKNOWN_FIELD", "next_fire_at_ms"),
            (json!({"name": null, "creator_id": "x"}), "UNKNOWN_FIELD", "creator_id"),
            (json!({"name": ""}), "INVALID_FIELD", "name"),
            (json!({"status": "running"}), "INVALID_FIELD", "status"),
            (json!({"resume_missed": "all"}), "INVALID_FIELD", "resume_missed"),
            (json!({"schedule": "x"}), "INVALID_SCHEDULE", "schedule"),
            (json!({"timezone": "Nowhere"}), "INVALID_SCHEDULE", "timezone"),
            (json!({"ends_at_ms": 1}), "INVALID_FIELD", "schedule"),
            (json!({"jitter_ms": -1}), "INVALID_FIELD", "jitter_ms"),
            (json!({"entrypoint": "{{args.x}}"}), "INVALID_FIELD", "entrypoint.run.prompt"),
            (json!({"status_reason": "x".repeat(1_001)}), "INVALID_FIELD", "status_reason"),
        ] {
            println!("{change:.200}");
            refused(&patch(&server, change).await, 422, code, field);
        }
        assert_eq!(server.get("/routines/r").await.body["revision"], 1, "nothing was changed");
        for (ask, field) in [
            (json!({"from_ms": 1, "to_ms": 0}), "to_ms"),
            (json!({"from_ms": 0, "to_ms": 1, "max_runs": 0}), "max_runs"),
            (json!({"from_ms": 0, "to_ms": 1, "max_runs": 101}), "max_runs"),
            (json!({"from_ms": 0, "to_ms": 7_000_000_000_000_u64}), "to_ms"),
            (json!({"from_ms": 0}), "to_ms"),
        ] {
            println!("{ask}");
            refused(&server.post("/routines/r/backfill", ask).await, 422, "INVALID_FIELD", field);
        }
        let run = server.post("/routines/r/run_now", json!({})).await.body["run_id"].clone();
        let path = format!("/routines/runs/{}", run.as_str().expect("an id"));
        let long = json!({"reason": "x".repeat(1_001)});
        refused(&server.post(&format!("{path}/deny"), long).await, 422, "INVALID_FIELD", "reason");
        let digest = json!({"content_digest": "abc"});
        refused(&server.post(&format!("{path}/approve"), digest.clone()).await, 422, "INVALID_FIELD", "content_digest");
        refused(&server.post(&format!("{path}/pause"), digest).await, 422, "INVALID_FIELD", "content_digest");
        for (left, field) in [
            (json!({"uri": "", "kind": "link"}), "uri"),
            (json!({"uri": "a b", "kind": "link"}), "uri"),
            (json!({"uri": "x".repeat(2_049), "kind": "link"}), "uri"),
            (json!({"uri": "a", "kind": ""}), "kind"),
            (json!({"uri": "a", "kind": "link", "label": "../x"}), "label"),
        ] {
            println!("{left:.100}");
            refused(&server.post(&format!("{path}/artifacts"), left).await, 422, "INVALID_FIELD", field);
        }
        assert_eq!(server.get(&format!("{path}/artifacts")).await.body["count"], 0);
        for nothing in ["/routines/runs/run_none", "/routines/runs/..", "/routines/nothing", "/routines/a%2Fb"] {
            assert_eq!(server.get(nothing).await.status, 404, "{nothing}");
        }
    })
    .await;
}

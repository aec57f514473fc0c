//! What followers of the log are told of what the host carries out, word for word from a server: a change of any name
//! or member shows here, and is one for every client.

use e2e::hooked::{ok, on_both_hooked, text};
use e2e::receiver::Answer;
use e2e::told::{Family, redact};
use serde_json::json;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const FAMILY: Family = Family { test: "action_events", prefixes: &["action."] };

#[tokio::test(flavor = "multi_thread")]
async fn events_of_deliveries_are_as_clients_know_them() {
    on_both_hooked(CACHE, true, async |hooked| {
        hooked.endpoint("ops", &hooked.receiver.url()).await;
        let run = hooked.run().await;
        let id = hooked.allowed(&run, "ops", json!({"n": 1})).await;
        hooked.ended(&id, "delivered").await;
        hooked.receiver.answer([Answer::status(410)]);
        let id = hooked.allowed(&run, "ops", json!({"n": 2})).await;
        hooked.ended(&id, "failed").await;
        // One that a person said yes to, to an endpoint that goes.
        ok(hooked.put("/workspaces/local/policy", json!({"policies": {}})).await);
        let asked = hooked.ask(&run, "ops", json!({"n": 3})).await;
        let member = hooked.server.token("local", sluice::domain::principal::Role::Member, "user.m").await;
        let grant = format!("/approvals/{}/grant", text(&asked["approval_id"]));
        ok(hooked.server.ask(reqwest::Method::POST, &grant, &member, json!({})).await);
        hooked.receiver.answer([Answer::status(503)]);
        let id = text(&hooked.ask(&run, "ops", json!({"n": 3})).await["delivery_id"]);
        hooked.delivery(&id, |one| one["last_status"] == 503).await;
        ok(hooked.put("/workspaces/local/webhooks/ops", json!({"is_enabled": false})).await);
        hooked.clock.pass(std::time::Duration::from_secs(7));
        hooked.ended(&id, "failed").await;
        let mut events = hooked.told("action.").await;
        hooked.server.stop().await;
        for event in &mut events {
            redact(event, &|name, _| name == "occurred_at_ms", &|text| {
                let kinds = [("run_", "[run]"), ("mis_", "[mission]"), ("apr_", "[approval]"), ("dlv_", "[delivery]")];
                for (prefix, name) in kinds {
                    if text.starts_with(prefix) {
                        name.clone_into(text);
                    }
                }
            });
        }
        for (name, told) in FAMILY.snapshots(events) {
            insta::assert_json_snapshot!(name, told);
        }
    })
    .await;
}

#[test]
fn no_snapshot_is_left_over() {
    FAMILY.check_files();
}

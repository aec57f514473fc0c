//! Quarantine: a bound component that keeps failing is called no more, until somebody binds something anew.

use e2e::guest::{World, plugin};
use e2e::server::{TestServer, on_both_servers};
use serde_json::{Value, json};

use super::check::{broken_gate, handed_in};
use super::plugins::{events, install};
use super::workspaces::{bind, mission, pins, put};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const WORKSPACE: &str = "/workspaces/local";

/// A reducer that answers every mission's creation with an error.
fn sorry() -> Vec<u8> {
    let values = [("pages", "2"), ("fill", "120"), ("tag", "1"), ("at", "65536"), ("bytes", "5"), ("answer", "16")];
    plugin(World::Reducer, "sorry", "1.0.0", "error", &values)
}

/// A mission that its reducer fails.
async fn failed_mission(server: &TestServer) {
    let made = mission(server).await;
    let path = format!("/mission/{}", made["id"].as_str().expect("an id"));
    server.until(&path, |shown| shown["mission"]["status"] == "failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reducer_that_keeps_failing_makes_no_more_missions_until_it_is_bound_anew() {
    on_both_servers(CACHE, async |server| {
        let standard = pins(&server, &mission(&server).await).await[0].clone();
        let sorry = install(&server, "sorry/1.0.0", &sorry()).await;
        let bindings = json!({"reducer": {"digest": sorry}});
        let bound = put(&server, json!({"bindings": bindings, "quarantine_after": 2})).await;
        assert_eq!((bound.status, &bound.body["quarantine"]["after"]), (200, &json!(2)), "{:#}", bound.body);
        failed_mission(&server).await;
        assert_eq!(server.get(WORKSPACE).await.body["revision"], 1, "one failure is not enough");
        failed_mission(&server).await;
        let closed = server.until(WORKSPACE, |shown| shown["revision"] == 2).await;
        let component = &closed["quarantine"]["components"][0];
        assert_eq!(
            (&component["role"], &component["digest"], &component["failures"]),
            (&json!("reducer"), &json!(sorry), &json!(2)),
            "{closed:#}"
        );
        assert_eq!((&closed["changed_by"], &closed["quarantine"]["after"]), (&json!("system.quarantine"), &json!(2)));
        assert_eq!(closed["bindings"]["reducer"]["digest"], json!(sorry), "it stays bound");
        assert_eq!(closed["effective"]["reducer"]["digest"], json!(standard), "and the host's decides");
        assert_eq!(pins(&server, &mission(&server).await).await[0], standard);
        let told = events(&server, "plugin.failed").await;
        let said = &told[0]["properties"];
        assert_eq!(
            (told.len(), &said["stage"], &said["role"], &said["revision"]),
            (1, &json!("call"), &json!("reducer"), &json!(2)),
            "{told:#?}"
        );
        assert!(said["reason"].as_str().is_some_and(|reason| reason.contains("xxxxx")), "{said:#}");

        // What binds nothing leaves it as it is; what binds something has it tried again.
        let noted = put(&server, json!({"note": "looked at it"})).await;
        assert_eq!(noted.body["quarantine"]["components"].as_array().map(Vec::len), Some(1), "{:#}", noted.body);
        let again = bind(&server, bindings).await;
        assert_eq!((&again["quarantine"]["components"], &again["quarantine"]["after"]), (&json!([]), &json!(2)));
        failed_mission(&server).await;
        assert_eq!(server.get(WORKSPACE).await.body["revision"], 4, "it is counted from the beginning");
        failed_mission(&server).await;
        server.until(WORKSPACE, |shown| shown["revision"] == 5).await;
        let back = server.post("/workspaces/local/rollback", json!({"revision": 2})).await;
        assert_eq!(back.body["quarantine"]["components"], json!([]), "{:#}", back.body);
        let refused = put(&server, json!({"quarantine_after": 1_001})).await;
        assert_eq!((refused.status, refused.body["field"].as_str()), (422, Some("quarantine_after")));
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_keeps_failing_is_closed_and_decides_what_the_workspace_says() {
    on_both_servers(CACHE, async |server| {
        let broken = install(&server, "broken/1.0.0", &broken_gate()).await;
        let bindings = json!({"gates": {"review": {"gates": [{"digest": broken}]}}});
        let asked = json!({"bindings": bindings, "quarantine_after": 2, "quarantined_gates": "needs_human"});
        assert_eq!(put(&server, asked).await.body["quarantine"]["gates"], "needs_human");
        let mission = handed_in(&server).await;
        let path = format!("/mission/{mission}/verdicts");
        let page = server.until(&path, |page| page["count"].as_u64() >= Some(3)).await;
        let verdicts = page["verdicts"].as_array().expect("verdicts");
        let outcomes: Vec<&Value> = verdicts.iter().map(|verdict| &verdict["outcome"]).collect();
        assert_eq!(outcomes, [&json!("error"), &json!("error"), &json!("needs_human")], "{page:#}");
        let summary = verdicts[2]["summary"].as_str().unwrap_or_default();
        assert!(summary.starts_with("broken@1.0.0 is in quarantine"), "{summary}");
        let closed = server.get(WORKSPACE).await.body;
        assert_eq!(closed["quarantine"]["components"][0]["role"], "review", "{closed:#}");
        assert_eq!(closed["effective"]["gates"]["review"]["gates"][0]["digest"], json!(broken), "it stays closed");
        server.stop().await;
    })
    .await;
}

//! What is stored of a component is damaged or gone: it is never called, whoever needs it is told, and the same bytes
//! installed again mend it.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::guest::gate_that;
use e2e::server::{MovedClock, PATIENCE, Reply, ServerOptions, TestServer};
use serde_json::{Value, json};

use super::check::handed_in;
use super::plugins::{events, install, install_as};
use super::workspaces::{bind, put};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// A server over the database, which has nothing in memory yet.
async fn started(database: &TestDatabase, clock: &MovedClock) -> TestServer {
    let options = ServerOptions { clock: clock.clone(), ..ServerOptions::default() };
    TestServer::start(database, CACHE, options).await
}

fn judged_by(digest: &str) -> Value {
    json!({"gates": {"review": {"gates": [{"digest": digest}]}, "test": {"gates": []}}})
}

/// An answer that names the component, what is wrong with it, and the remedy.
fn assert_told(answer: &Reply, digest: &str, wrong: &str) {
    let told = (answer.status, answer.code(), &answer.body["digest"]);
    assert_eq!(told, (503, "PLUGIN_FAULT", &json!(digest)), "{:#}", answer.body);
    let detail = answer.body["detail"].as_str().expect("a detail");
    for part in [digest, wrong, "install the same bytes again"] {
        assert!(detail.contains(part), "no `{part}` in: {detail}");
    }
}

/// Lets half a second pass at a time until there is a verdict on the mission.
async fn verdict(server: &TestServer, clock: &MovedClock, mission: &str) -> Value {
    let path = format!("/mission/{mission}/verdicts");
    for _ in 0..PATIENCE.as_millis() / 50 {
        let page = server.get(&path).await.body;
        if page["count"].as_u64() > Some(0) {
            return page["verdicts"][0].clone();
        }
        clock.pass(Duration::from_millis(500));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no verdict on {mission}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_component_closes_its_gate_is_named_and_is_mended_by_installing_it_again() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let clock = MovedClock::default();
        let server = started(&database, &clock).await;
        let bytes = gate_that("pass", "lenient", "1.0.0");
        let digest = install(&server, "lenient/1.0.0", &bytes).await;
        bind(&server, judged_by(&digest)).await;
        server.stop().await;
        database.damage_blob(&digest).await;

        let server = started(&database, &clock).await;
        let bound = put(&server, json!({"bindings": judged_by(&digest)})).await;
        assert_told(&bound, &digest, "was damaged or changed");
        assert_eq!(server.get("/workspaces/local").await.body["revision"], 1, "what was bound stays bound");
        let ask = json!({"role": "gate", "stage": "review"});
        let checked = server.post(&format!("/plugins/{digest}/check"), ask).await;
        assert_told(&checked, &digest, "was damaged or changed");

        let mission = handed_in(&server).await;
        let given = verdict(&server, &clock, &mission).await;
        assert_eq!(
            (&given["outcome"], &given["data"]["failure"]),
            (&json!("error"), &json!("host_fault")),
            "{given:#}"
        );
        assert!(given["summary"].as_str().is_some_and(|summary| summary.contains(&digest)), "{given:#}");
        let is_closed = |shown: &Value| shown["mission"]["work_items"][0]["gates"]["review"]["status"] == "error";
        server.until(&format!("/mission/{mission}"), is_closed).await;
        let quarantine = server.get("/workspaces/local").await.body["quarantine"]["components"].clone();
        assert_eq!(quarantine, json!([]), "it is no fault of the component's");

        // Another one's bytes do not mend it, and its own do.
        let other = gate_that("fail", "lenient", "1.0.0");
        let other = install_as(&server, &server.operator, "lenient/1.0.0", &other, &[]).await;
        assert_eq!((other.status, other.code()), (409, "PLUGIN_EXISTS"));
        assert_told(&put(&server, json!({"bindings": judged_by(&digest)})).await, &digest, "was damaged or changed");
        let again = install_as(&server, &server.operator, "lenient/1.0.0", &bytes, &[]).await;
        assert_eq!((again.status, &again.body["digest"]), (200, &json!(digest)), "{:#}", again.body);
        bind(&server, judged_by(&digest)).await;
        let given = verdict(&server, &clock, &handed_in(&server).await).await;
        assert_eq!(given["outcome"], "pass", "{given:#}");
        assert_eq!(events(&server, "plugin.installed").await.len(), 1, "nothing new was installed");
        server.stop().await;

        // Nor is one called that is gone altogether.
        database.forget_blob(&digest).await;
        let server = started(&database, &clock).await;
        assert_told(&put(&server, json!({"bindings": judged_by(&digest)})).await, &digest, "is gone");
        install(&server, "lenient/1.0.0", &bytes).await;
        bind(&server, judged_by(&digest)).await;
        server.stop().await;
    }
}

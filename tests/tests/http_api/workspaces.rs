//! What workspaces bind: new missions take it, those that are there stay pinned, and it can be taken back.

use e2e::guest::{World, gate_that, plugin, renamed};
use e2e::server::{Reply, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

use super::plugins::{events, install};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const WORKSPACE: &str = "/workspaces/local";

/// Binds, as the operator.
pub(super) async fn put(server: &TestServer, body: Value) -> Reply {
    server.ask(Method::PUT, WORKSPACE, &server.operator, body).await
}

/// Binds, and is not refused.
pub(super) async fn bind(server: &TestServer, bindings: Value) -> Value {
    let bound = put(server, json!({"bindings": bindings})).await;
    assert_eq!(bound.status, 200, "{:#}", bound.body);
    bound.body
}

/// A mission that was just made.
pub(super) async fn mission(server: &TestServer) -> Value {
    let made = server.post("/mission", json!({"title": "T"})).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    made.body["mission"].clone()
}

/// What a mission is pinned to, as its history says: the digests of reducer and gates.
pub(super) async fn pins(server: &TestServer, mission: &Value) -> Vec<String> {
    let path = format!("/mission/{}/history?limit=1", mission["id"].as_str().expect("an id"));
    let created = server.get(&path).await.body["history"][0]["data"]["bindings"].clone();
    let gates = created["gates"].as_array().expect("gates").iter().map(|gate| &gate[1]["digest"]);
    let digests = std::iter::once(&created["reducer"]["digest"]).chain(gates);
    digests.map(|digest| digest.as_str().expect("a digest").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_missions_take_what_is_bound_and_others_stay_pinned() {
    on_both_servers(CACHE, async |server| {
        let none = server.get(WORKSPACE).await;
        assert_eq!((&none.body["revision"], none.headers["etag"].to_str().unwrap()), (&json!(0), "\"0\""));
        assert_eq!(
            (&none.body["bindings"], none.body["effective"]["reducer"]["name"].as_str()),
            (&json!({"gates": {}}), Some("mission-default"))
        );
        let before = mission(&server).await;
        let standard = pins(&server, &before).await;

        let flow =
            install(&server, "flow/1.0.0", &plugin(World::Reducer, "flow", "1.0.0", "spin", &[("rounds", "1")])).await;
        let gate = install(&server, "lenient/1.0.0", &gate_that("pass", "lenient", "1.0.0")).await;
        let strict = install(&server, "strict/1.0.0", &gate_that("fail", "strict", "1.0.0")).await;
        let bound = bind(
            &server,
            json!({
                "reducer": {"digest": flow},
                "gates": {"review": {"mode": "any", "gates": [{"plugin": "lenient@1.0.0"}, {"name": "strict"}]}},
            }),
        )
        .await;
        assert_eq!(bound["revision"], 1);
        let after = mission(&server).await;
        assert_eq!(pins(&server, &after).await, [flow.clone(), gate.clone(), strict, standard[2].clone()]);
        let path = format!("/mission/{}/history?limit=1", after["id"].as_str().unwrap());
        let created = server.get(&path).await.body["history"][0]["data"]["bindings"].clone();
        assert_eq!(created["required"], json!([["review", 1]]));
        assert_eq!(pins(&server, &before).await, standard, "what was there stays pinned");

        // A stage without gates is left out.
        bind(&server, json!({"gates": {"review": {"gates": []}}})).await;
        assert_eq!(pins(&server, &mission(&server).await).await, [standard[0].clone(), standard[2].clone()]);

        // What is bound, or pinned, is not removed.
        let remove = async |digest: &str| {
            server.ask(Method::DELETE, &format!("/plugins/{digest}"), &server.operator, Value::Null).await
        };
        let kept = remove(&flow).await;
        assert_eq!((kept.status, kept.code()), (409, "PLUGIN_IN_USE"), "{:#}", kept.body);
        let pinned = remove(&gate).await;
        let told = pinned.body["detail"].as_str().unwrap_or_default();
        assert!(pinned.status == 409 && told.contains(after["id"].as_str().unwrap()), "{:#}", pinned.body);
        let spare = install(&server, "spare/1.0.0", &gate_that("pass", "spare", "1.0.0")).await;
        bind(&server, json!({"gates": {"test": {"gates": [{"digest": spare}]}}})).await;
        assert_eq!(remove(&spare).await.status, 409);
        bind(&server, json!({"reducer": {"digest": flow}})).await;
        assert_eq!(remove(&spare).await.status, 200, "nobody needs it any more");
        let shown = server.get(&format!("/plugins/{flow}")).await.body;
        assert_eq!(shown["bound_in"], json!([{"workspace_id": "local", "revision": 4, "roles": ["reducer"]}]));

        let told = events(&server, "plugin.activated").await;
        let changed: Vec<&Value> = told.iter().map(|event| &event["properties"]["changed"]).collect();
        let review = json!(["reducer", "review"]);
        assert_eq!(changed, [&review, &review, &json!(["review", "test"]), &json!(["reducer", "test"])]);
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_taken_back_in_one_call_and_the_history_stays() {
    on_both_servers(CACHE, async |server| {
        let gate = |version: &str| gate_that("pass", "lenient", version);
        let one = install(&server, "lenient/1.0.0", &gate("1.0.0")).await;
        let two = install(&server, "lenient/2.0.0", &gate("2.0.0")).await;
        let review = |digest: &str| json!({"gates": {"review": {"gates": [{"digest": digest}]}}});
        bind(&server, review(&one)).await;
        let note = put(&server, json!({"bindings": review(&two), "note": "newer", "if_match_rev": 1})).await;
        assert_eq!((note.status, &note.body["revision"]), (200, &json!(2)));
        let back = server.post("/workspaces/local/rollback", json!({"revision": 1})).await;
        assert_eq!((back.status, &back.body["revision"], &back.body["rolled_back_to"]), (200, &json!(3), &json!(1)));
        assert_eq!(back.body["bindings"]["gates"]["review"]["gates"][0]["digest"], one);
        assert_eq!(pins(&server, &mission(&server).await).await[1], one);
        let none = server.post("/workspaces/local/rollback", json!({"revision": 0, "if_match_rev": 3})).await;
        assert_eq!((none.status, &none.body["bindings"]), (200, &json!({"gates": {}})));
        // Of what was removed since, nothing is in force again.
        let remove = server.ask(Method::DELETE, &format!("/plugins/{two}"), &server.operator, Value::Null).await;
        assert_eq!(remove.status, 200, "{:#}", remove.body);
        let lost = server.post("/workspaces/local/rollback", json!({"revision": 2})).await;
        assert_eq!((lost.status, lost.code(), lost.body["field"].as_str()), (422, "BINDING_INVALID", Some("revision")));
        assert_eq!(server.post("/workspaces/local/rollback", json!({"revision": 9})).await.status, 404);

        let history = server.get("/workspaces/local/history?limit=3").await.body;
        let numbers: Vec<&Value> = history["history"].as_array().unwrap().iter().map(|of| &of["revision"]).collect();
        assert_eq!(numbers, [&json!(4), &json!(3), &json!(2)]);
        assert_eq!(
            (&history["history"][2]["note"], &history["history"][0]["rolled_back_to"]),
            (&json!("newer"), &json!(0))
        );
        let cursor = history["next_cursor"].as_str().expect("there is more");
        let rest = server.get(&format!("/workspaces/local/history?limit=3&cursor={cursor}")).await.body;
        assert_eq!((&rest["count"], &rest["history"][0]["revision"]), (&json!(1), &json!(1)));
        assert_eq!(rest.get("next_cursor"), Some(&Value::Null), "as every list ends");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_each_their_own() {
    on_both_servers(CACHE, async |server| {
        let gate = install(&server, "lenient/1.0.0", &gate_that("pass", "lenient", "1.0.0")).await;
        bind(&server, json!({"gates": {"review": {"gates": [{"digest": gate}]}}})).await;
        let elsewhere = server.token("other", Role::Operator, "user.other").await;
        assert_eq!(server.ask(Method::GET, WORKSPACE, &elsewhere, Value::Null).await.status, 404);
        assert_eq!(server.ask(Method::PUT, WORKSPACE, &elsewhere, json!({})).await.status, 404);
        let other = server.ask(Method::GET, "/workspaces/other", &elsewhere, Value::Null).await;
        assert_eq!((other.status, &other.body["revision"]), (200, &json!(0)));
        let viewer = server.token("other", Role::Viewer, "user.viewer").await;
        let path = format!("/plugins/{gate}");
        assert_eq!(server.ask(Method::GET, &path, &viewer, Value::Null).await.body["bound_in"], json!([]));
        // An operator may speak for another workspace.
        let request = server.request(Method::GET, "/workspaces/other", &server.operator);
        assert_eq!(reply(request.header("sluice-workspace", "other")).await.status, 200);
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_scrubbed_by_what_is_bound() {
    on_both_servers(CACHE, async |server| {
        let scrub = async || {
            let text = json!({"text": "the key is ghp_Qx7vK2mPz9LwRt4Babcdefghij0123456789"});
            let done = server.post("/memory/scrub", text).await;
            assert_eq!(done.status, 200, "{:#}", done.body);
            done.body
        };
        assert_eq!(scrub().await["status"], "redacted");
        let values = [("pages", "4"), ("count", "1"), ("start", "0"), ("end", "3"), ("step", "0"), ("confidence", "1")];
        let pointing = plugin(World::Scrubber, "pointing", "1.0.0", "redact", &values);
        let digest = install(&server, "pointing/1.0.0", &pointing).await;
        bind(&server, json!({"scrubber": {"digest": digest}})).await;
        let done = scrub().await;
        assert_eq!((&done["digest"], &done["findings"][0]["kind"]), (&json!(digest), &json!("secret")), "{done:#}");
        let put = server.post("/memory/put", json!({"text": "abcdef", "tier": "project"})).await;
        assert_eq!((put.status, &put.body["scrub"]["status"]), (200, &json!("redacted")), "{:#}", put.body);
        bind(&server, json!({})).await;
        assert_ne!(scrub().await["digest"], json!(digest));
        server.stop().await;
    })
    .await;
}

/// The reducer that comes with the host.
const FLOW: &[u8] = include_bytes!("../../../plugins/prebuilt/mission-default.wasm");

#[tokio::test(flavor = "multi_thread")]
async fn a_mission_is_moved_to_a_registered_reducer_and_only_by_somebody_who_says_so() {
    on_both_servers(CACHE, async |server| {
        let own = install(&server, "own-flow/3.0.0", &renamed(FLOW, "own-flow", "3.0.0")).await;
        let before = mission(&server).await;
        bind(&server, json!({"reducer": {"plugin": "own-flow@3.0.0"}})).await;
        bind(&server, json!({})).await;
        let path = format!("/mission/{}/reducer", before["id"].as_str().expect("an id"));
        assert_ne!(before["bindings"]["reducer"]["digest"], json!(own));
        let moved = server.post(&path, json!({"digest": "own-flow@3.0.0"})).await;
        assert_eq!(moved.status, 200, "{:#}", moved.body);
        // Nobody binds it any more, and a mission is pinned to it.
        let kept = server.ask(Method::DELETE, &format!("/plugins/{own}"), &server.operator, Value::Null).await;
        assert_eq!((kept.status, kept.code()), (409, "PLUGIN_IN_USE"), "{:#}", kept.body);
        let start = json!({"event": {"type": "mission_started"}});
        let started = server.post(&format!("/mission/{}/event", before["id"].as_str().unwrap()), start).await;
        assert_eq!(started.status, 200, "{:#}", started.body);
        let cancel = json!({"event": {"type": "mission_canceled", "reason": "over"}});
        let told = server.post(&format!("/mission/{}/event", before["id"].as_str().unwrap()), cancel).await;
        assert_eq!(told.body["mission"]["status"], "canceled", "{:#}", told.body);
        let removed = server.ask(Method::DELETE, &format!("/plugins/{own}"), &server.operator, Value::Null).await;
        assert_eq!(removed.status, 200, "what is over needs it no more: {:#}", removed.body);
        let replayed = server.get(&format!("/mission/{}/replay", before["id"].as_str().unwrap())).await;
        assert_eq!((replayed.status, &replayed.body["differences"]), (200, &json!([])), "its bytes are kept");
        server.stop().await;
    })
    .await;
}

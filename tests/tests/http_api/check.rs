//! Check before activation: what a component would have decided on what is recorded, and that asking changes nothing.

use e2e::guest::{World, component, gate_that, plugin, renamed};
use e2e::server::{Frames, Reply, TestServer, on_both_servers, reply};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::domain::id::WorkspaceId;
use sluice::domain::principal::Role;
use sluice::engine::Tried;
use sluice_api::check::CheckAsk;

use super::plugins::{events, install};
use super::workspaces::bind;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
/// The reducer that comes with the host.
const FLOW: &[u8] = include_bytes!("../../../plugins/prebuilt/mission-default.wasm");
/// The scrubber that comes with it.
const SCRUBBER: &[u8] = include_bytes!("../../../plugins/prebuilt/scrubber.wasm");

async fn check(server: &TestServer, digest: &str, ask: Value) -> Reply {
    server.post(&format!("/plugins/{digest}/check"), ask).await
}

/// The report of a check that is made.
async fn report(server: &TestServer, digest: &str, ask: Value) -> Value {
    let checked = check(server, digest, ask).await;
    assert_eq!(checked.status, 200, "{:#}", checked.body);
    checked.body
}

fn counts(report: &Value) -> [u64; 4] {
    ["events", "same", "different", "failed"].map(|name| report[name].as_u64().expect("a count"))
}

async fn tell(server: &TestServer, mission: &str, event: Value) {
    let told = server.post(&format!("/mission/{mission}/event"), json!({ "event": event })).await;
    assert_eq!(told.status, 200, "{:#}", told.body);
}

/// A mission of four items at work, of which one was worked and is to be judged. Its id.
pub(super) async fn handed_in(server: &TestServer) -> String {
    let items: Vec<Value> = ["a", "b", "c", "d"].iter().map(|id| json!({"id": id, "title": id})).collect();
    let made = server.post("/mission", json!({"title": "T", "work_items": items, "start": true})).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    let mission = made.body["mission"]["id"].as_str().expect("an id").to_owned();
    let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000});
    let run = server.post("/runs/claim", claim).await.body["run"].clone();
    let (id, token) = (run["id"].as_str().expect("a run"), run["token"].as_str().expect("its token"));
    let left = json!({"kind": "text", "name": "a.txt", "content": "x"});
    let left = server.ask(Method::POST, &format!("/runs/{id}/artifacts"), token, left).await;
    assert_eq!(left.status, 201, "{:#}", left.body);
    let end = json!({"status": "succeeded"});
    assert_eq!(server.ask(Method::POST, &format!("/runs/{id}/finish"), token, end).await.status, 200);
    mission
}

/// A gate whose verdicts break the contract, which is its own doing.
pub(super) fn broken_gate() -> Vec<u8> {
    let values = [
        ("findings", "1"),
        ("rule", "Bad Rule!"),
        ("rule_bytes", "9"),
        ("message", "10"),
        ("summary", "10"),
        ("line", "3"),
        ("data", "{}"),
        ("data_bytes", "2"),
        ("table", "1048576"),
        ("pages", "32"),
    ];
    plugin(World::Gate, "broken", "1.0.0", "verdict", &values)
}

/// The same mission, judged and over.
async fn worked(server: &TestServer) -> String {
    let mission = handed_in(server).await;
    let path = format!("/mission/{mission}/verdicts");
    server.until(&path, |page| page["count"].as_u64() > Some(0)).await;
    tell(server, &mission, json!({"type": "mission_canceled", "reason": "over"})).await;
    mission
}

/// The length of a mission's history.
async fn length(server: &TestServer, mission: &str) -> u64 {
    let history = server.get(&format!("/mission/{mission}/history?limit=500")).await.body;
    history["count"].as_u64().expect("a count")
}

/// Everything that a check could have written: the log's end, the audit, the mission, the workspace, the registry.
async fn written(server: &TestServer, mission: &str) -> Value {
    let mut before = Value::Null;
    loop {
        let head = server.engine.store().log_head().await.expect("it can be read");
        let mut looked = vec![json!(head)];
        for path in ["/audit?limit=500", &format!("/mission/{mission}"), "/workspaces/local", "/plugins?limit=500"] {
            looked.push(server.get(path).await.body);
        }
        // What followed from the mission's own end comes to rest first.
        let now = Value::Array(looked);
        if now == before {
            return now;
        }
        before = now;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_reducer_decides_the_same_and_other_settings_differ() {
    on_both_servers(CACHE, async |server| {
        let mission = worked(&server).await;
        let flow = Digest::of(FLOW).to_string();
        let before = written(&server, &mission).await;
        let all = length(&server, &mission).await;
        let same = report(&server, &flow, json!({"workspace_id": "local", "role": "reducer"})).await;
        assert_eq!(counts(&same), [all, all, 0, 0], "{same:#}");
        assert_eq!(
            (&same["slower"], &same["left_out"], &same["is_complete"], &same["differences"]),
            (&json!(0), &json!(0), &json!(true), &json!([])),
            "{same:#}"
        );

        let settings = json!({"max_parallel_runs": 1});
        let other = report(&server, &flow, json!({"role": "reducer", "settings": settings})).await;
        assert!(other["different"].as_u64() > Some(0) && other["failed"] == 0, "{other:#}");
        let first = &other["differences"][0];
        let runs = |side: &str| {
            let commands = first[side]["commands"].as_array().expect("commands").iter();
            commands.filter(|command| command.to_string().contains("start_run")).count()
        };
        assert_eq!((first["kind"].as_str(), first["mission_id"].as_str()), (Some("mission_started"), Some(&*mission)));
        assert_eq!((first["outcome"].as_str(), runs("recorded"), runs("candidate")), (Some("different"), 4, 1));

        let one = report(&server, &flow, json!({"role": "reducer", "last": 1})).await;
        assert_eq!(counts(&one), [1, 1, 0, 0], "the newest only: {one:#}");
        let quiet = json!({"role": "reducer", "settings": settings, "differences_max": 0});
        let quiet = report(&server, &flow, quiet).await;
        assert_eq!((&quiet["different"], &quiet["differences"]), (&other["different"], &json!([])));

        // Two missions: the newest comes first, and the older one's newest events fill up.
        let newer = worked(&server).await;
        let newer_all = length(&server, &newer).await;
        let both = report(&server, &flow, json!({"role": "reducer", "last": newer_all + 2})).await;
        assert_eq!(counts(&both), [newer_all + 2, newer_all + 2, 0, 0]);
        let both = report(&server, &flow, json!({"role": "reducer", "settings": settings})).await;
        assert_eq!(both["differences"][0]["mission_id"], json!(newer), "{both:#}");

        assert_eq!(written(&server, &mission).await[2], before[2], "the mission is as it was");
        let before = written(&server, &newer).await;
        report(&server, &flow, json!({"role": "reducer", "settings": settings})).await;
        assert_eq!(written(&server, &newer).await, before, "nothing is written");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reducer_that_fails_is_told_apart_from_one_that_decides_differently() {
    on_both_servers(CACHE, async |server| {
        let mission = worked(&server).await;
        let values = [("pages", "2"), ("fill", "120"), ("tag", "1"), ("at", "65536"), ("bytes", "5"), ("answer", "16")];
        let sorry = install(&server, "sorry/1.0.0", &plugin(World::Reducer, "sorry", "1.0.0", "error", &values)).await;
        let tried = report(&server, &sorry, json!({"role": "reducer", "differences_max": 200})).await;
        let [all, same, different, failed] = counts(&tried);
        assert_eq!((all, failed), (length(&server, &mission).await, 1), "{tried:#}");
        assert!(different > 0 && same + different + failed == all, "{tried:#}");
        let first = &tried["differences"][0];
        assert_eq!(
            (&first["outcome"], &first["seq"], &first["kind"]),
            (&json!("failed"), &json!(0), &json!("mission_created"))
        );
        assert_eq!(first["candidate"]["refusal"]["code"], "REDUCER_ERROR");
        assert_eq!(tried["differences"].as_array().map(Vec::len), Some(usize::try_from(different + failed).unwrap()));
        // A slow one is as slow as it says.
        let spin = plugin(World::Reducer, "slow", "1.0.0", "spin", &[("rounds", "20000000")]);
        let slow = install(&server, "slow/1.0.0", &spin).await;
        let tried = report(&server, &slow, json!({"role": "reducer"})).await;
        assert_eq!(tried["slower"], 1, "{tried:#}");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_is_asked_again_for_the_verdicts_of_its_stage() {
    on_both_servers(CACHE, async |server| {
        let lenient = install(&server, "lenient/1.0.0", &gate_that("pass", "lenient", "1.0.0")).await;
        let strict = install(&server, "strict/1.0.0", &gate_that("fail", "strict", "1.0.0")).await;
        let broken = install(&server, "broken/1.0.0", &broken_gate()).await;
        let only = |digest: &str| json!({"gates": {"review": {"gates": [{"digest": digest}]}, "test": {"gates": []}}});
        bind(&server, only(&lenient)).await;
        let mission = worked(&server).await;
        let before = written(&server, &mission).await;
        let same = report(&server, &lenient, json!({"role": "gate", "stage": "review"})).await;
        assert_eq!((counts(&same), &same["slower"]), ([1, 1, 0, 0], &json!(0)), "{same:#}");
        let other = report(&server, &strict, json!({"role": "gate"})).await;
        assert_eq!((counts(&other), &other["stage"]), ([1, 0, 1, 0], &json!("review")), "{other:#}");
        let difference = &other["differences"][0];
        assert_eq!(
            (&difference["recorded"]["outcome"], &difference["candidate"]["outcome"], &difference["work_item_id"]),
            (&json!("pass"), &json!("fail"), &json!("a")),
            "{other:#}"
        );
        let failing = report(&server, &broken, json!({"role": "gate"})).await;
        assert_eq!(counts(&failing), [1, 0, 0, 1], "{failing:#}");
        assert_eq!(failing["differences"][0]["candidate"]["failure"], "guest_error", "{failing:#}");
        let none = report(&server, &strict, json!({"role": "gate", "stage": "test"})).await;
        assert_eq!((counts(&none), &none["slower"]), ([0, 0, 0, 0], &Value::Null), "{none:#}");
        assert_eq!(written(&server, &mission).await, before, "nothing is written");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrubber_shows_what_it_would_still_cut_and_never_the_text() {
    on_both_servers(CACHE, async |server| {
        let put = server.post("/memory/put", json!({"text": "abcdefgh", "tier": "project"})).await;
        assert_eq!(put.status, 200, "{:#}", put.body);
        let own = Digest::of(SCRUBBER).to_string();
        let same = report(&server, &own, json!({"role": "scrubber"})).await;
        assert_eq!((counts(&same), &same["slower"]), ([1, 1, 0, 0], &Value::Null), "{same:#}");
        assert!(same["notes"].to_string().contains("scrubbed texts"), "{same:#}");
        let values = [("pages", "4"), ("count", "1"), ("start", "0"), ("end", "3"), ("step", "0"), ("confidence", "1")];
        let pointing = plugin(World::Scrubber, "pointing", "1.0.0", "redact", &values);
        let pointing = install(&server, "pointing/1.0.0", &pointing).await;
        let other = report(&server, &pointing, json!({"role": "scrubber", "last": 10})).await;
        assert_eq!(counts(&other), [1, 0, 1, 0], "{other:#}");
        let difference = &other["differences"][0];
        assert_eq!(difference["memory_id"], put.body["id"], "{other:#}");
        assert_eq!(
            difference["candidate"],
            json!({"status": "redacted", "findings": [{"kind": "secret", "count": 1}]}),
            "{other:#}"
        );
        assert_eq!(difference["recorded"], json!({"status": "passed", "findings": []}));
        assert!(!other.to_string().contains("abc"), "{other:#}");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_and_what_cannot_be_is_refused() {
    on_both_servers(CACHE, async |server| {
        let flow = Digest::of(FLOW).to_string();
        let path = format!("/plugins/{flow}/check");
        let good = json!({"role": "reducer"});
        for role in [Role::Member, Role::Agent, Role::Viewer] {
            let token = server.token("local", role, "user.x").await;
            let refused = server.ask(Method::POST, &path, &token, good.clone()).await;
            assert_eq!((refused.status, refused.body["action"].as_str()), (403, Some("plugin.check")), "{role:?}");
            let form = Form::new().text("ask", good.to_string());
            let given = reply(server.request(Method::POST, "/plugins/check", &token).multipart(form)).await;
            assert_eq!(given.status, 403, "{role:?}");
        }
        let cases: [(Value, u16, &str, &str); 9] = [
            (json!({"role": "reducer", "workspace_id": "other"}), 404, "NOT_FOUND", ""),
            (json!({"role": "oracle"}), 422, "INVALID_FIELD", "role"),
            (json!({}), 422, "INVALID_FIELD", "role"),
            (json!({"role": "gate"}), 422, "BINDING_INVALID", "role"),
            (json!({"role": "reducer", "stage": "review"}), 422, "INVALID_FIELD", "stage"),
            (json!({"role": "reducer", "last": 0}), 422, "INVALID_FIELD", "last"),
            (json!({"role": "reducer", "differences_max": 201}), 422, "INVALID_FIELD", "differences_max"),
            (json!({"role": "reducer", "first": 1}), 422, "UNKNOWN_FIELD", "first"),
            (json!({"role": "reducer", "settings": {"max_attempts": 0}}), 422, "BINDING_INVALID", "settings"),
        ];
        for (ask, status, code, field) in cases {
            let refused = check(&server, &flow, ask.clone()).await;
            let told = refused.body["field"].as_str().unwrap_or_default();
            assert_eq!((refused.status, refused.code(), told), (status, code, field), "{ask}: {:#}", refused.body);
        }
        let nobody = check(&server, &Digest::of(b"nothing").to_string(), good.clone()).await;
        assert_eq!((nobody.status, nobody.code()), (404, "NOT_FOUND"));
        // Whatever was refused holds no place.
        assert_eq!(check(&server, &flow, good).await.status, 200);
        server.stop().await;
    })
    .await;
}

async fn check_given(server: &TestServer, bytes: &[u8], ask: Value) -> Reply {
    let component = Part::bytes(bytes.to_vec()).file_name("component.wasm");
    let form = Form::new().text("ask", ask.to_string()).part("component", component);
    reply(server.request(Method::POST, "/plugins/check", &server.operator).multipart(form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_nobody_installed_is_tried_and_kept_nowhere() {
    on_both_servers(CACHE, async |server| {
        let mission = worked(&server).await;
        let own = renamed(FLOW, "own-flow", "3.0.0");
        let digest = Digest::of(&own).to_string();
        let before = written(&server, &mission).await;
        let tried = check_given(&server, &own, json!({"role": "reducer"})).await;
        assert_eq!((tried.status, &tried.body["plugin"]), (200, &json!("own-flow@3.0.0")), "{:#}", tried.body);
        let all = length(&server, &mission).await;
        assert_eq!((counts(&tried.body), &tried.body["digest"]), ([all, all, 0, 0], &json!(digest)));
        assert_eq!(server.get(&format!("/plugins/{digest}")).await.status, 404);
        assert_eq!(check(&server, &digest, json!({"role": "reducer"})).await.status, 404, "it is gone");
        let bindings = json!({"bindings": {"reducer": {"digest": digest}}});
        let bound = server.ask(Method::PUT, "/workspaces/local", &server.operator, bindings).await;
        assert_eq!((bound.status, bound.code()), (422, "BINDING_INVALID"), "{:#}", bound.body);
        assert_eq!(written(&server, &mission).await, before, "nothing is written");

        let trap = component(World::Reducer, "trap", &[("what", "unreachable")]);
        let refused = check_given(&server, &trap, json!({"role": "reducer"})).await;
        assert_eq!(
            (refused.status, refused.code(), &refused.body["stage"]),
            (422, "PLUGIN_REFUSED", &json!("self_test"))
        );
        assert_eq!(events(&server, "plugin.failed").await.len(), 0, "nobody is told");
        assert_eq!(check_given(&server, b"nonsense", json!({"role": "reducer"})).await.code(), "PLUGIN_REFUSED");
        let form = async |form: Form| {
            reply(server.request(Method::POST, "/plugins/check", &server.operator).multipart(form)).await
        };
        let ask = json!({"role": "reducer"}).to_string();
        assert_eq!(form(Form::new().text("ask", ask.clone())).await.body["field"], "component");
        assert_eq!(form(Form::new().text("ask", ask.clone()).text("other", "x")).await.code(), "UNKNOWN_FIELD");
        assert_eq!(form(Form::new().text("ask", ask.clone()).text("ask", ask)).await.code(), "DUPLICATE_KEY");
        assert_eq!(server.post("/plugins/check", json!({"role": "reducer"})).await.status, 415);
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_how_far_it_is_and_there_is_one_at_a_time() {
    on_both_servers(CACHE, async |server| {
        let mission = worked(&server).await;
        let all = length(&server, &mission).await;
        let flow = Digest::of(FLOW);
        let ask = json!({"role": "reducer"});
        let request = server.request(Method::POST, &format!("/plugins/{flow}/check"), &server.operator).json(&ask);
        let mut frames = Frames::open(request.header("accept", "text/event-stream")).await;
        let first = frames.next().await.expect("a frame");
        assert_eq!(first.event.as_deref(), Some("progress"), "{first:?}");
        let mut last = first;
        while let Some(frame) = frames.next().await {
            last = frame;
        }
        assert_eq!((last.event.as_deref(), counts(&last.data)), (Some("result"), [all, all, 0, 0]), "{last:?}");

        let here = WorkspaceId::new("local");
        let typed: CheckAsk = serde_json::from_value(ask.clone()).expect("it fits");
        let going_on = server.engine.prepare_check(&here, Tried::Registered(flow.clone()), &typed).await;
        let going_on = going_on.unwrap_or_else(|error| panic!("it can be made: {error}"));
        let second = check(&server, flow.as_str(), ask.clone()).await;
        assert_eq!((second.status, second.code()), (409, "PLUGIN_CHECK_RUNNING"), "{:#}", second.body);
        let elsewhere = server.token("other", Role::Operator, "user.other").await;
        let path = format!("/plugins/{flow}/check");
        let there = server.ask(Method::POST, &path, &elsewhere, ask.clone()).await;
        assert_eq!(
            (there.status, &there.body["events"]),
            (200, &json!(0)),
            "each workspace has its own: {:#}",
            there.body
        );
        drop(going_on);
        assert_eq!(check(&server, flow.as_str(), ask).await.status, 200, "the place is free again");
        server.stop().await;
    })
    .await;
}

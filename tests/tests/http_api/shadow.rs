//! Shadows: components decide beside those that count, what differs is counted, and nothing else comes of it.

use e2e::databases::TestDatabase;
use e2e::guest::{World, gate_that, plugin, renamed};
use e2e::server::{ServerOptions, TestServer, on_both_servers};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::domain::principal::Role;

use super::check::{broken_gate, handed_in};
use super::plugins::{events, install};
use super::workspaces::{bind, mission, put};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const WORKSPACE: &str = "/workspaces/local";
const SHADOW: &str = "/workspaces/local/shadow";
/// The reducer that comes with the host.
const FLOW: &[u8] = include_bytes!("../../../plugins/prebuilt/mission-default.wasm");
/// The scrubber that comes with it.
const SCRUBBER: &[u8] = include_bytes!("../../../plugins/prebuilt/scrubber.wasm");

/// Same, different, failed, dropped.
fn counts(of: &Value) -> [u64; 4] {
    ["same", "different", "failed", "dropped"].map(|name| of[name].as_u64().expect("a count"))
}

/// How many questions were answered, or never asked.
fn all(of: &Value) -> u64 {
    counts(of).iter().sum()
}

/// Looks until the first component in shadow was asked so often, or more.
async fn asked(server: &TestServer, role: &str, often: u64) -> Value {
    let path = format!("{SHADOW}?role={role}");
    server.until(&path, |report| report["shadows"].get(0).is_some_and(|first| all(first) >= often)).await
}

/// The verdicts on a mission that was handed in: their outcomes, once there are some.
async fn outcomes(server: &TestServer, mission: &str) -> Vec<Value> {
    let path = format!("/mission/{mission}/verdicts");
    let page = server.until(&path, |page| page["count"].as_u64() > Some(0)).await;
    page["verdicts"].as_array().expect("verdicts").iter().map(|verdict| verdict["outcome"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stricter_gate_is_compared_while_work_passes() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let lenient = install(&server, "lenient/1.0.0", &gate_that("pass", "lenient", "1.0.0")).await;
        let strict = install(&server, "strict/1.0.0", &gate_that("fail", "strict", "1.0.0")).await;
        let stage = |shadow: &str| {
            json!({"gates": {
                "review": {"gates": [{"digest": lenient}], "shadow": {"digest": shadow}}, "test": {"gates": []},
            }})
        };
        let bound = bind(&server, stage(&lenient)).await;
        assert_eq!(bound["effective"]["gates"]["review"]["shadow"]["digest"], json!(lenient), "{bound:#}");
        let nothing = server.get(SHADOW).await.body;
        let first = &nothing["shadows"][0];
        assert_eq!((counts(first), &first["in_force"]), ([0; 4], &json!(true)), "{nothing:#}");
        assert_eq!(outcomes(&server, &handed_in(&server).await).await, ["pass"]);
        let same = asked(&server, "review", 1).await;
        assert_eq!((counts(&same["shadows"][0]), &same["count"]), ([1, 0, 0, 0], &json!(0)), "{same:#}");

        bind(&server, stage(&strict)).await;
        let mission = handed_in(&server).await;
        assert_eq!(outcomes(&server, &mission).await, ["pass"]);
        let item = server
            .until(&format!("/mission/{mission}"), |shown| shown["mission"]["work_items"][0]["status"] == "done")
            .await;
        assert_eq!(item["mission"]["work_items"][0]["gates"]["review"]["status"], "passed", "{item:#}");
        let other = asked(&server, "review", 1).await;
        let [now, before] = [&other["shadows"][0], &other["shadows"][1]];
        assert_eq!((counts(now), &now["plugin"]), ([0, 1, 0, 0], &json!("strict@1.0.0")), "{other:#}");
        assert_eq!((counts(before), &before["in_force"]), ([1, 0, 0, 0], &json!(false)), "{other:#}");
        let difference = &other["differences"][0];
        assert_eq!(
            (&difference["decided"]["outcome"], &difference["candidate"]["outcome"], &difference["outcome"]),
            (&json!("pass"), &json!("fail"), &json!("different")),
            "{other:#}"
        );
        let told = ["mission_id", "work_item_id", "role", "kind"].map(|name| difference[name].clone());
        assert_eq!(told, [json!(mission), json!("a"), json!("review"), json!("review")], "{other:#}");
        let told = events(&server, "gate.").await;
        assert!(told.iter().all(|event| event["properties"]["digest"] != json!(strict)), "{told:#?}");

        // Another one starts from the same disk.
        server.stop().await;
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let kept = server.get(&format!("{SHADOW}?role=review")).await.body;
        assert_eq!(kept, other);
        // Dropped, it is asked no more, and what was counted is kept.
        bind(&server, json!({"gates": {"review": {"gates": [{"digest": lenient}]}, "test": {"gates": []}}})).await;
        assert_eq!(outcomes(&server, &handed_in(&server).await).await, ["pass"]);
        let kept = server.get(SHADOW).await.body;
        assert_eq!((&kept["differences"], &kept["shadows"][0]["in_force"]), (&other["differences"], &json!(false)));
        // Bound again, and beside something else, it is counted anew.
        let both = json!([{"digest": lenient}, {"plugin": "reviewer"}]);
        let stage = json!({"mode": "any", "gates": both, "shadow": {"digest": strict}});
        bind(&server, json!({"gates": {"review": stage, "test": {"gates": []}}})).await;
        handed_in(&server).await;
        let anew = asked(&server, "review", 1).await;
        assert_eq!((all(&anew["shadows"][0]), &anew["shadows"][0]["since_revision"]), (1, &json!(4)), "{anew:#}");
        assert_eq!(anew["count"], 1, "what was told of it before is gone: {anew:#}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_fails_touches_nothing() {
    on_both_servers(CACHE, async |server| {
        let trapping = plugin(World::Gate, "trapping", "1.0.0", "later_gate", &[]);
        let trapping = install(&server, "trapping/1.0.0", &trapping).await;
        let broken = install(&server, "broken/1.0.0", &broken_gate()).await;
        let looping =
            plugin(World::Reducer, "looping", "1.0.0", "later", &[("what", "(loop $on (br $on)) i32.const 0")]);
        let looping = install(&server, "looping/1.0.0", &looping).await;
        let lenient = install(&server, "lenient/1.0.0", &gate_that("pass", "lenient", "1.0.0")).await;
        for (shadow, failure) in [(&trapping, "trap"), (&broken, "guest_error")] {
            let review = json!({"gates": [{"digest": lenient}], "shadow": {"digest": shadow}});
            let bindings = json!({"gates": {"review": review, "test": {"gates": []}}});
            assert_eq!(put(&server, json!({"bindings": bindings, "quarantine_after": 1})).await.status, 200);
            let mission = handed_in(&server).await;
            assert_eq!(outcomes(&server, &mission).await, ["pass"]);
            let path = format!("/mission/{mission}");
            server.until(&path, |shown| shown["mission"]["work_items"][0]["status"] == "done").await;
            let before = server.get(&path).await.body;
            let report = asked(&server, "review", 1).await;
            assert_eq!(counts(&report["shadows"][0]), [0, 0, 1, 0], "{report:#}");
            assert_eq!(report["differences"][0]["candidate"]["failure"], json!(failure), "{report:#}");
            let after = server.get(&path).await.body;
            assert_eq!((&report["differences"][0]["outcome"], after), (&json!("failed"), before));
        }
        // A reducer in shadow that runs until its fuel is gone; nobody waits for it.
        bind(&server, json!({"reducer": {"shadow": {"digest": looping}}})).await;
        let made = mission(&server).await;
        let path = format!("/mission/{}", made["id"].as_str().expect("an id"));
        let start = json!({"event": {"type": "mission_started"}});
        let started = server.post(&format!("{path}/event"), start).await;
        assert_eq!((started.status, &started.body["mission"]["status"]), (200, &json!("running")));
        let before = server.get(SHADOW).await.body["shadows"][0].clone();
        assert!(all(&before) < 2, "the answer was there before the shadow's: {before:#}");
        let report = asked(&server, "reducer", 2).await;
        let failed = &report["differences"][0];
        assert_eq!(
            (&failed["outcome"], &failed["candidate"]["refusal"]["code"]),
            (&json!("failed"), &json!("REDUCER_LIMIT")),
            "{report:#}"
        );
        let pause = json!({"event": {"type": "mission_paused", "reason": "lunch"}});
        assert_eq!(server.post(&format!("{path}/event"), pause).await.body["mission"]["status"], "paused");
        let standing = server.get(WORKSPACE).await.body;
        assert_eq!((&standing["quarantine"]["components"], &standing["revision"]), (&json!([]), &json!(3)));
        assert!(events(&server, "plugin.failed").await.is_empty());
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reducer_in_shadow_is_asked_about_each_event_of_missions_that_have_what_it_is_beside() {
    on_both_servers(CACHE, async |server| {
        let standard = Digest::of(FLOW).to_string();
        let other = install(&server, "other-flow/1.0.0", &renamed(FLOW, "other-flow", "1.0.0")).await;
        // A mission that was there before, and is told more while there is a shadow.
        let earlier = handed_in(&server).await;
        outcomes(&server, &earlier).await;
        let length = async |mission: &str| {
            server.get(&format!("/mission/{mission}")).await.body["mission"]["revision"].as_u64().expect("a revision")
        };
        let rested = async |mission: &str| {
            let mut before = u64::MAX;
            while length(mission).await != before {
                before = length(mission).await;
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            }
            before
        };
        let before = rested(&earlier).await;
        bind(&server, json!({"reducer": {"shadow": {"digest": other}}})).await;
        let cancel = json!({"event": {"type": "mission_canceled", "reason": "over"}});
        assert_eq!(server.post(&format!("/mission/{earlier}/event"), cancel.clone()).await.status, 200);
        let told = rested(&earlier).await - before;
        let mission = handed_in(&server).await;
        outcomes(&server, &mission).await;
        let all_told = told + rested(&mission).await;
        let same = asked(&server, "reducer", all_told).await;
        assert_eq!((counts(&same["shadows"][0]), &same["count"]), ([all_told, 0, 0, 0], &json!(0)), "{same:#}");

        // With other settings it decides otherwise; missions of the canary and of other pins are not compared.
        let settings = json!({"max_parallel_runs": 1});
        let beside = json!({"shadow": {"digest": standard, "settings": settings}});
        bind(&server, json!({"reducer": beside})).await;
        assert_eq!(server.post(&format!("/mission/{mission}/event"), cancel).await.status, 200);
        let items: Vec<Value> = ["a", "b", "c"].iter().map(|id| json!({"id": id, "title": id})).collect();
        let made = server.post("/mission", json!({"title": "T", "work_items": items, "start": true})).await;
        let made = made.body["mission"]["id"].as_str().expect("an id").to_owned();
        let report = asked(&server, "reducer", 2).await;
        let difference = &report["differences"][0];
        assert_eq!(
            (&difference["mission_id"], &difference["kind"], &difference["seq"]),
            (&json!(made), &json!("mission_started"), &json!(1)),
            "{report:#}"
        );
        let runs = |side: &str| {
            let commands = difference[side]["commands"].as_array().expect("commands").iter();
            commands.filter(|command| command["type"] == "start_run").count()
        };
        assert_eq!((runs("decided"), runs("candidate")), (3, 1));
        let before = rested(&made).await;
        let settled = server.get(&format!("{SHADOW}?role=reducer")).await.body["shadows"][0].clone();
        let canary = json!({"digest": other, "share_percent": 100});
        let reducer = json!({"canary": canary, "shadow": {"digest": standard, "settings": settings}});
        bind(&server, json!({"reducer": reducer})).await;
        let of_canary = handed_in(&server).await;
        outcomes(&server, &of_canary).await;
        let pause = json!({"event": {"type": "mission_paused", "reason": "lunch"}});
        assert_eq!(server.post(&format!("/mission/{made}/event"), pause).await.status, 200);
        assert_eq!(rested(&made).await, before + 1);
        let report = asked(&server, "reducer", all(&settled) + 1).await;
        assert_eq!(all(&report["shadows"][0]), all(&settled) + 1, "the pause alone: {report:#}");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_texts_only_kinds_and_counts_are_told() {
    on_both_servers(CACHE, async |server| {
        let own = Digest::of(SCRUBBER).to_string();
        let put_text = async |text: &str| {
            let put = server.post("/memory/put", json!({"text": text, "tier": "project"})).await;
            assert_eq!(put.status, 200, "{:#}", put.body);
            put.body["scrub"].clone()
        };
        bind(&server, json!({"scrubber": {"shadow": {"digest": own}}})).await;
        put_text("the key is ghp_Qx7vK2mPz9LwRt4Babcdefghij0123456789").await;
        let same = asked(&server, "scrubber", 1).await;
        let first = &same["shadows"][0];
        assert!(first["different"] == 0 && first["failed"] == 0 && first["dropped"] == 0, "{same:#}");

        let point = |end: &str| {
            let values =
                [("pages", "4"), ("count", "1"), ("start", "0"), ("end", end), ("step", "0"), ("confidence", "1")];
            plugin(World::Scrubber, "pointing", &format!("{end}.0.0"), "redact", &values)
        };
        let pointing = install(&server, "pointing/3.0.0", &point("3")).await;
        // Its stretch ends where the first call's text does, behind the end of what is put.
        let beyond = install(&server, "pointing/20.0.0", &point("20")).await;
        for (shadow, outcome) in [(&pointing, "different"), (&beyond, "failed")] {
            bind(&server, json!({"scrubber": {"shadow": {"digest": shadow}}})).await;
            assert_eq!(put_text(&format!("hidden {outcome}")).await["status"], "passed");
            let report = asked(&server, "scrubber", 1).await;
            let difference = &report["differences"][0];
            assert_eq!(
                (&difference["outcome"], &difference["decided"]),
                (&json!(outcome), &json!({"status": "passed", "findings": []})),
                "{report:#}"
            );
            let expected = match outcome {
                "failed" => json!({"failure": "guest_error"}),
                _ => json!({"status": "redacted", "findings": [{"kind": "secret", "count": 1}]}),
            };
            assert_eq!(difference["candidate"], expected, "{report:#}");
            assert!(!report.to_string().contains("hidden"), "no text: {report:#}");
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shadows_are_judged_as_bindings_and_seen_by_operators_alone() {
    on_both_servers(CACHE, async |server| {
        let gate = install(&server, "lenient/1.0.0", &gate_that("pass", "lenient", "1.0.0")).await;
        bind(&server, json!({"gates": {"review": {"gates": [{"digest": gate}]}}})).await;
        let standing = server.get(WORKSPACE).await.body;
        let cases = [
            (json!({"reducer": {"shadow": {"digest": gate}}}), "/bindings/reducer/shadow"),
            (json!({"scrubber": {"shadow": {"digest": gate}}}), "/bindings/scrubber/shadow"),
            (json!({"gates": {"review": {"shadow": {"digest": "0".repeat(64)}}}}), "/bindings/gates/review/shadow"),
            (json!({"gates": {"review": {"gates": [], "shadow": {"digest": gate}}}}), "/bindings/gates/review/shadow"),
            (json!({"gates": {"review": {"shadow": {"digest": gate}, "mode": "any"}}}), "/bindings/gates/review/mode"),
            (json!({"gates": {"review": {}}}), "/bindings/gates/review/gates"),
            (
                json!({"gates": {"test": {"shadow": {"digest": gate, "settings": {"a": 1}}}}}),
                "/bindings/gates/test/shadow/settings/a",
            ),
        ];
        for (bindings, pointer) in cases {
            let refused = put(&server, json!({ "bindings": bindings })).await;
            assert_eq!((refused.status, refused.code()), (422, "BINDING_INVALID"), "{bindings:#} {:#}", refused.body);
            assert_eq!(refused.body["pointer"], json!(pointer), "{bindings:#} {:#}", refused.body);
        }
        assert_eq!(server.get(WORKSPACE).await.body, standing, "what was bound stays bound");

        // It is needed while it is bound, is told with what changed, and comes back with its revision.
        let spare = install(&server, "spare/1.0.0", &gate_that("fail", "spare", "1.0.0")).await;
        bind(&server, json!({"gates": {"test": {"shadow": {"digest": spare}}}})).await;
        let remove = server.ask(Method::DELETE, &format!("/plugins/{spare}"), &server.operator, Value::Null).await;
        assert_eq!((remove.status, remove.code()), (409, "PLUGIN_IN_USE"), "{:#}", remove.body);
        let roles = server.get(&format!("/plugins/{spare}")).await.body["bound_in"][0]["roles"].clone();
        assert_eq!(roles, json!(["shadow"]));
        let told = events(&server, "plugin.activated").await;
        assert_eq!(told[1]["properties"]["changed"], json!(["review", "shadow"]));
        bind(&server, json!({})).await;
        let back = server.post("/workspaces/local/rollback", json!({"revision": 2})).await;
        assert_eq!(back.body["bindings"]["gates"]["test"]["shadow"]["digest"], json!(spare), "{:#}", back.body);
        assert_eq!(
            back.body["bindings"]["gates"]["test"].get("gates"),
            None,
            "the host's gates judge: {:#}",
            back.body
        );

        let see = async |workspace: &str, role| {
            let token = server.token(workspace, role, "somebody").await;
            server.ask(Method::GET, SHADOW, &token, Value::Null).await.status
        };
        assert_eq!([see("local", Role::Agent).await, see("local", Role::Viewer).await], [403, 403]);
        assert_eq!([see("other", Role::Operator).await, see("local", Role::Operator).await], [404, 200]);
        for (query, status, field) in [
            ("limit=0", 422, "limit"),
            ("limit=501", 422, "limit"),
            ("cursor=x", 400, "cursor"),
            ("role=all", 422, "role"),
        ] {
            let refused = server.get(&format!("{SHADOW}?{query}")).await;
            assert_eq!((refused.status, refused.body["field"].as_str()), (status, Some(field)), "{:#}", refused.body);
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_count_together_and_differences_come_in_pages() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let one = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let two = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let standard = Digest::of(FLOW).to_string();
        let flow = plugin(World::Reducer, "silent", "1.0.0", "spin", &[("rounds", "1")]);
        let silent = install(&one, "silent/1.0.0", &flow).await;
        bind(&one, json!({"reducer": {"digest": standard, "shadow": {"digest": silent}}})).await;
        let mut seen = 0;
        // Each host counts what it takes up itself; which of them that is, is not known.
        for round in 0..60 {
            let server = if round % 2 == 0 { &one } else { &two };
            let made = mission(server).await;
            let start = json!({"event": {"type": "mission_started"}});
            let path = format!("/mission/{}/event", made["id"].as_str().expect("an id"));
            assert_eq!(server.post(&path, start).await.status, 200);
            seen += 2;
        }
        let report = asked(&one, "reducer", seen).await;
        let of = &report["shadows"][0];
        assert_eq!(all(of), seen, "nothing is counted twice, or on one host alone: {report:#}");
        let different = of["different"].as_u64().expect("a count");
        assert!(different > 0, "{report:#}");
        let (mut cursor, mut ids) = (String::new(), Vec::new());
        loop {
            let page = two.get(&format!("{SHADOW}?role=reducer&limit=17{cursor}")).await.body;
            let page_ids = page["differences"].as_array().expect("differences").iter();
            ids.extend(page_ids.map(|of| of["id"].as_str().expect("an id").to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once: {ids:?}");
        assert_eq!(ids.len() as u64, different.min(100));
        one.stop().await;
        two.stop().await;
    }
}

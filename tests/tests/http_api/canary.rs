//! Canary: a share of new missions is pinned to another reducer, which is then promoted or dropped.

use e2e::guest::{World, gate_that, plugin, renamed};
use e2e::server::{TestServer, on_both_servers};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::domain::principal::Role;
use sluice::signing::SigningKey;

use super::plugins::{events, install, install_as};
use super::workspaces::{bind, mission, pins, put};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const WORKSPACE: &str = "/workspaces/local";
/// The reducer that comes with the host.
const FLOW: &[u8] = include_bytes!("../../../plugins/prebuilt/mission-default.wasm");

/// The host's reducer under another name.
async fn flow(server: &TestServer, name: &str) -> String {
    install(server, &format!("{name}/1.0.0"), &renamed(FLOW, name, "1.0.0")).await
}

/// Where a mission stands among a hundred: told from its id, as anybody can.
fn place(mission: &Value) -> u32 {
    let digest = Digest::of(mission["id"].as_str().expect("an id").as_bytes()).to_string();
    u32::from_str_radix(&digest[..8], 16).expect("hexadecimal digits") % 100
}

/// What decides in new missions as the workspace shows it: the reducer, and the canary.
fn shown(workspace: &Value) -> [&Value; 2] {
    let reducer = &workspace["effective"]["reducer"];
    [&reducer["digest"], &reducer["canary"]["digest"]]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_new_missions_has_the_canary_and_it_is_promoted_or_dropped() {
    on_both_servers(CACHE, async |server| {
        let standard = pins(&server, &mission(&server).await).await[0].clone();
        let (old, new) = (flow(&server, "old-flow").await, flow(&server, "new-flow").await);
        let settings = json!({"max_parallel_runs": 2});
        let canary = |share: u32| json!({"digest": new, "settings": settings, "share_percent": share});

        // Beside the host's reducer, and then beside one that is bound.
        let beside = bind(&server, json!({"reducer": {"canary": canary(100)}})).await;
        assert_eq!(shown(&beside), [&json!(standard), &json!(new)], "{beside:#}");
        assert_eq!(beside["bindings"]["reducer"], json!({"canary": {
            "name": "new-flow", "version": "1.0.0", "digest": new, "settings": settings, "share_percent": 100,
        }}));
        let all = mission(&server).await;
        assert_eq!(all["reducer"]["digest"], json!(new));
        assert_eq!(server.get(&format!("/mission/{}", all["id"].as_str().unwrap())).await.body["mission"]["reducer"]
            ["settings"], settings);
        let halved = bind(&server, json!({"reducer": {"digest": old, "canary": canary(50)}})).await;
        assert_eq!(shown(&halved), [&json!(old), &json!(new)]);
        let mut taken = 0;
        for _ in 0..40 {
            let made = mission(&server).await;
            let is_canary = place(&made) < 50;
            taken += u32::from(is_canary);
            assert_eq!(made["reducer"]["digest"], json!(if is_canary { &new } else { &old }), "{}", place(&made));
        }
        assert!((1..40).contains(&taken), "{taken} of 40 had it");

        // While it is a canary it is needed.
        let remove = async |digest: &str| {
            server.ask(Method::DELETE, &format!("/plugins/{digest}"), &server.operator, Value::Null).await
        };
        let spare = flow(&server, "spare-flow").await;
        bind(&server, json!({"reducer": {"canary": {"digest": spare, "share_percent": 1}}})).await;
        let kept = remove(&spare).await;
        assert_eq!((kept.status, kept.code()), (409, "PLUGIN_IN_USE"), "{:#}", kept.body);
        let bound_in = server.get(&format!("/plugins/{spare}")).await.body["bound_in"].clone();
        assert_eq!(bound_in, json!([{"workspace_id": "local", "revision": 3, "roles": ["canary"]}]));

        // Dropped, promoted, and taken back to what was.
        let dropped = bind(&server, json!({})).await;
        assert_eq!(shown(&dropped), [&json!(standard), &Value::Null]);
        assert_eq!(all["reducer"]["digest"], json!(new), "what has it keeps it");
        assert_eq!(remove(&spare).await.status, 200, "nobody needs it any more");
        let promoted = bind(&server, json!({"reducer": {"digest": new, "settings": settings}})).await;
        assert_eq!(shown(&promoted), [&json!(new), &Value::Null]);
        let back = server.post("/workspaces/local/rollback", json!({"revision": 2})).await;
        assert_eq!((back.status, shown(&back.body)), (200, [&json!(old), &json!(new)]), "{:#}", back.body);
        let lost = server.post("/workspaces/local/rollback", json!({"revision": 3})).await;
        assert_eq!((lost.status, lost.code()), (422, "BINDING_INVALID"), "its canary was removed: {:#}", lost.body);

        let told = events(&server, "plugin.activated").await;
        let changed: Vec<&Value> = told.iter().map(|event| &event["properties"]["changed"]).collect();
        let (both, one) = (json!(["reducer", "canary"]), json!(["canary"]));
        assert_eq!(changed, [&one, &both, &both, &one, &json!(["reducer"]), &both]);
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_judged_as_a_binding_and_what_is_wrong_changes_nothing() {
    on_both_servers(CACHE, async |server| {
        let (old, new) = (flow(&server, "old-flow").await, flow(&server, "new-flow").await);
        let gate = install(&server, "lenient/1.0.0", &gate_that("pass", "lenient", "1.0.0")).await;
        bind(&server, json!({"reducer": {"digest": old}})).await;
        let standing = server.get(WORKSPACE).await.body;
        let reducer = |reducer: Value| json!({"bindings": {"reducer": reducer}});
        let canary = |canary: Value| reducer(json!({"digest": old, "canary": canary}));
        let at = "/bindings/reducer/canary";
        let cases = [
            (canary(json!({"digest": new, "share_percent": 0})), format!("{at}/share_percent")),
            (canary(json!({"digest": new, "share_percent": 101})), format!("{at}/share_percent")),
            (canary(json!({"share_percent": 5})), at.to_owned()),
            (canary(json!({"digest": "0".repeat(64), "share_percent": 5})), at.to_owned()),
            (canary(json!({"digest": gate, "share_percent": 5})), at.to_owned()),
            (canary(json!({"digest": old, "share_percent": 5})), at.to_owned()),
            (
                canary(json!({"digest": new, "share_percent": 5, "settings": {"max_parallel_runs": "many"}})),
                format!("{at}/settings/max_parallel_runs"),
            ),
            (
                reducer(json!({"settings": {"a": 1}, "canary": {"digest": new, "share_percent": 5}})),
                "/bindings/reducer/settings".to_owned(),
            ),
        ];
        for (body, pointer) in cases {
            let refused = put(&server, body.clone()).await;
            assert_eq!((refused.status, refused.code()), (422, "BINDING_INVALID"), "{body:#} {:#}", refused.body);
            assert_eq!(refused.body["pointer"], json!(pointer), "{body:#} {:#}", refused.body);
        }
        for body in [
            canary(json!({"digest": new})),
            canary(json!({"digest": new, "share_percent": -1})),
            canary(json!({"digest": new, "share_percent": 5, "percent": 5})),
            json!({"bindings": {"scrubber": {"canary": {"digest": new, "share_percent": 5}}}}),
        ] {
            let refused = put(&server, body.clone()).await;
            assert_eq!(refused.status, 422, "{body:#} {:#}", refused.body);
        }
        assert_eq!(server.get(WORKSPACE).await.body, standing, "what was bound stays bound");

        // A signature is asked of it as of what is bound.
        let key = SigningKey::generate().expect("a key");
        let trusting = json!({"require_signatures": true, "trusted_keys": [key.public()], "bindings": {}});
        assert_eq!(put(&server, trusting).await.status, 200);
        let ask = json!({"bindings": {"reducer": {"canary": {"digest": new, "share_percent": 5}}}});
        let unsigned = put(&server, ask.clone()).await;
        assert_eq!(
            (unsigned.status, unsigned.code(), &unsigned.body["field"]),
            (422, "PLUGIN_UNSIGNED", &json!("bindings.reducer.canary")),
            "{:#}",
            unsigned.body
        );
        let signature = format!("{}:{}", key.public(), key.sign(&Digest::parse(&new).expect("a digest")));
        let bytes = renamed(FLOW, "new-flow", "1.0.0");
        install_as(&server, &server.operator, "new-flow/1.0.0", &bytes, &[signature]).await;
        assert_eq!(put(&server, ask.clone()).await.status, 200);

        // Two at once, others, and who may not.
        let stale = put(&server, json!({"bindings": {}, "if_match_rev": 1})).await;
        assert_eq!((stale.status, stale.code()), (409, "REVISION_CONFLICT"), "{:#}", stale.body);
        for (workspace, role, status) in
            [("local", Role::Agent, 403), ("local", Role::Member, 403), ("other", Role::Operator, 404)]
        {
            let token = server.token(workspace, role, "somebody").await;
            let refused = server.ask(Method::PUT, WORKSPACE, &token, ask.clone()).await;
            assert_eq!(refused.status, status, "{role:?} of {workspace}: {:#}", refused.body);
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_keeps_failing_makes_no_more_missions() {
    on_both_servers(CACHE, async |server| {
        let values = [("pages", "2"), ("fill", "120"), ("tag", "1"), ("at", "65536"), ("bytes", "5"), ("answer", "16")];
        let sorry = plugin(World::Reducer, "sorry", "1.0.0", "error", &values);
        let (old, sorry) = (flow(&server, "old-flow").await, install(&server, "sorry/1.0.0", &sorry).await);
        let bindings = json!({"reducer": {"digest": old, "canary": {"digest": sorry, "share_percent": 100}}});
        let bound = put(&server, json!({"bindings": bindings, "quarantine_after": 2})).await;
        assert_eq!(bound.status, 200, "{:#}", bound.body);
        for _ in 0..2 {
            let made = mission(&server).await;
            assert_eq!(made["reducer"]["digest"], json!(sorry));
            let path = format!("/mission/{}", made["id"].as_str().expect("an id"));
            server.until(&path, |shown| shown["mission"]["status"] == "failed").await;
        }
        let closed = server.until(WORKSPACE, |shown| shown["revision"] == 2).await;
        let component = &closed["quarantine"]["components"][0];
        assert_eq!((&component["role"], &component["digest"]), (&json!("canary"), &json!(sorry)), "{closed:#}");
        assert_eq!(shown(&closed), [&json!(old), &Value::Null], "it is none any more");
        assert_eq!(closed["bindings"]["reducer"]["canary"]["digest"], json!(sorry), "it stays bound");
        assert_eq!(mission(&server).await["reducer"]["digest"], json!(old));
        let again = bind(&server, bindings).await;
        assert_eq!(shown(&again), [&json!(old), &json!(sorry)], "whoever binds has it tried again");
        server.stop().await;
    })
    .await;
}

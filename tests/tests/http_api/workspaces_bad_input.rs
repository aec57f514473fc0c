//! What cannot be bound says so, and what was bound stays bound.

use e2e::guest::{World, encode, gate_that, manifest, plugin, text, with_manifest};
use e2e::server::on_both_servers;
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::signing::SigningKey;

use super::plugins::{install, install_as};
use super::workspaces::{bind, mission, pins, put};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// A gate with settings: `limit` has to be there, and is 1 to 9.
fn with_settings() -> Vec<u8> {
    let mut manifest = manifest("gate");
    manifest["name"] = json!("picky");
    manifest["settings_schema"] = json!({
        "type": "object", "additionalProperties": false, "required": ["limit"],
        "properties": {"limit": {"type": "integer", "minimum": 1, "maximum": 9}, "deep": {"type": "object",
            "properties": {"a/b": {"type": "string"}}}},
    });
    let text = text("decide", &[("outcome", "0"), ("summary", "x"), ("bytes", "1")]);
    with_manifest(&encode(World::Gate, "", &text), &manifest)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_bound_changes_nothing() {
    on_both_servers(CACHE, async |server| {
        let gate = install(&server, "lenient/1.0.0", &gate_that("pass", "lenient", "1.0.0")).await;
        let picky = install(&server, "picky/0.1.0", &with_settings()).await;
        let flow =
            install(&server, "flow/1.0.0", &plugin(World::Reducer, "flow", "1.0.0", "spin", &[("rounds", "1")])).await;
        bind(&server, json!({"gates": {"review": {"gates": [{"digest": gate}]}}})).await;
        let standing = server.get("/workspaces/local").await.body;

        let review = |ask: Value| json!({"bindings": {"gates": {"review": {"gates": [ask]}}}});
        let at = "/bindings/gates/review/gates/0";
        let stage = |stage: Value| json!({"bindings": {"gates": {"review": stage}}});
        let cases: Vec<(Value, &str, String)> = vec![
            (review(json!({"digest": "0".repeat(64)})), "BINDING_INVALID", at.to_owned()),
            (review(json!({"digest": "abc"})), "BINDING_INVALID", format!("{at}/digest")),
            (review(json!({"plugin": "nobody@1.0.0"})), "BINDING_INVALID", at.to_owned()),
            (review(json!({"name": "lenient", "version": "9.9.9"})), "BINDING_INVALID", at.to_owned()),
            (review(json!({"digest": gate, "name": "other"})), "BINDING_INVALID", at.to_owned()),
            (review(json!({"settings": {}})), "BINDING_INVALID", at.to_owned()),
            (review(json!({"digest": flow})), "BINDING_INVALID", at.to_owned()),
            (json!({"bindings": {"reducer": {"digest": gate}}}), "BINDING_INVALID", "/bindings/reducer".to_owned()),
            (json!({"bindings": {"scrubber": {"digest": gate}}}), "BINDING_INVALID", "/bindings/scrubber".to_owned()),
            (review(json!({"digest": picky})), "BINDING_INVALID", format!("{at}/settings")),
            (
                review(json!({"digest": picky, "settings": {"limit": 10}})),
                "BINDING_INVALID",
                format!("{at}/settings/limit"),
            ),
            (
                review(json!({"digest": picky, "settings": {"limit": 1, "deep": {"a/b": 1}}})),
                "BINDING_INVALID",
                format!("{at}/settings/deep/a~1b"),
            ),
            (
                review(json!({"digest": gate, "settings": {"more": 1}})),
                "BINDING_INVALID",
                format!("{at}/settings/more"),
            ),
            (
                json!({"bindings": {"gates": {"deploy": {"gates": []}}}}),
                "BINDING_INVALID",
                "/bindings/gates/deploy".to_owned(),
            ),
            (
                stage(json!({"mode": "quorum", "gates": [{"digest": gate}]})),
                "BINDING_INVALID",
                "/bindings/gates/review/quorum".to_owned(),
            ),
            (
                stage(json!({"mode": "quorum", "quorum": 2, "gates": [{"digest": gate}]})),
                "BINDING_INVALID",
                "/bindings/gates/review/quorum".to_owned(),
            ),
            (stage(json!({"mode": "any", "gates": []})), "BINDING_INVALID", "/bindings/gates/review/gates".to_owned()),
            (
                stage(json!({"quorum": 1, "gates": [{"digest": gate}]})),
                "BINDING_INVALID",
                "/bindings/gates/review/quorum".to_owned(),
            ),
            (
                stage(json!({"gates": [{"digest": gate}, {"digest": gate}]})),
                "BINDING_INVALID",
                "/bindings/gates/review/gates/1".to_owned(),
            ),
            (stage(json!({"mode": "most", "gates": []})), "INVALID_FIELD", String::new()),
            (json!({"reducer": {}}), "UNKNOWN_FIELD", String::new()),
            (json!({"trusted_keys": ["abc"]}), "INVALID_FIELD", String::new()),
            (json!({"note": "n".repeat(501)}), "INVALID_FIELD", String::new()),
        ];
        for (body, code, pointer) in cases {
            let refused = put(&server, body.clone()).await;
            let told = (refused.code(), refused.body["pointer"].as_str().unwrap_or_default());
            assert_eq!((refused.status, told), (422, (code, pointer.as_str())), "{body}: {:#}", refused.body);
        }
        assert_eq!(server.get("/workspaces/local").await.body, standing);
        assert_eq!(pins(&server, &mission(&server).await).await[1], gate);

        // The body's `if_match_rev`, or the header: whoever is late is told so.
        for late in [0, 7] {
            let refused = put(&server, json!({"bindings": {}, "if_match_rev": late})).await;
            assert_eq!((refused.status, &refused.body["current_rev"]), (409, &json!(1)), "{:#}", refused.body);
        }
        let request = server.request(Method::PUT, "/workspaces/local", &server.operator).json(&json!({"bindings": {}}));
        let late = e2e::server::reply(request.header("If-Match", "\"7\"")).await;
        assert_eq!(late.status, 409, "{:#}", late.body);
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_signatures_are_required_nothing_else_is_bound() {
    on_both_servers(CACHE, async |server| {
        let bytes = gate_that("pass", "lenient", "1.0.0");
        let digest = install(&server, "lenient/1.0.0", &bytes).await;
        let (key, stranger) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let ask = json!({"gates": {"review": {"gates": [{"digest": digest}]}}});
        bind(&server, ask.clone()).await;
        // What is bound is not signed: the rule cannot be set over it.
        let strict = json!({"require_signatures": true, "trusted_keys": [key.public()]});
        let refused = put(&server, strict.clone()).await;
        assert_eq!((refused.status, refused.code()), (422, "PLUGIN_UNSIGNED"), "{:#}", refused.body);
        bind(&server, json!({})).await;
        assert_eq!(put(&server, strict).await.status, 200, "what comes with the host needs no signature");

        let flow = plugin(World::Reducer, "flow", "1.0.0", "spin", &[("rounds", "1")]);
        let flow = install(&server, "flow/1.0.0", &flow).await;
        let path = format!("/mission/{}/reducer", mission(&server).await["id"].as_str().expect("an id"));
        let moved = server.post(&path, json!({"digest": flow})).await;
        assert_eq!((moved.status, moved.code()), (422, "PLUGIN_UNSIGNED"), "{:#}", moved.body);

        let unsigned = put(&server, json!({"bindings": ask})).await;
        assert_eq!(
            (unsigned.status, unsigned.code(), unsigned.body["field"].as_str()),
            (422, "PLUGIN_UNSIGNED", Some("bindings.gates.review.gates[0]")),
            "{:#}",
            unsigned.body
        );
        let sign = |key: &SigningKey| vec![format!("{}:{}", key.public(), key.sign(&Digest::of(&bytes)))];
        install_as(&server, &server.operator, "lenient/1.0.0", &bytes, &sign(&stranger)).await;
        assert_eq!(put(&server, json!({"bindings": ask})).await.code(), "PLUGIN_UNSIGNED", "of nobody who is trusted");
        install_as(&server, &server.operator, "lenient/1.0.0", &bytes, &sign(&key)).await;
        bind(&server, ask).await;
        assert_eq!(pins(&server, &mission(&server).await).await[1], digest);
        // The key is not taken away under what it stands for.
        let refused = put(&server, json!({"trusted_keys": [stranger.public()]})).await;
        assert_eq!(refused.status, 200, "{:#}", refused.body);
        let refused = put(&server, json!({"trusted_keys": []})).await;
        assert_eq!((refused.status, refused.code()), (422, "PLUGIN_UNSIGNED"), "{:#}", refused.body);
        let standing = server.get("/workspaces/local").await.body;
        assert_eq!(standing["trusted_keys"], json!([stranger.public()]));
        server.stop().await;
    })
    .await;
}

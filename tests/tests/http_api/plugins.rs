//! The registry: who may install what, what is refused and why, and what cannot be removed.

use e2e::guest::{World, component, encode, gate_that, manifest, plugin, text, with_manifest};
use e2e::server::{Reply, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::domain::principal::Role;
use sluice::signing::SigningKey;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// Installs a component, as whoever has `token`.
pub(super) async fn install_as(
    server: &TestServer,
    token: &str,
    path: &str,
    bytes: &[u8],
    signatures: &[String],
) -> Reply {
    let mut request = server.request(Method::PUT, &format!("/plugins/{path}"), token).body(bytes.to_vec());
    request = request.header("content-type", "application/wasm");
    for signature in signatures {
        request = request.header("Sluice-Signature", signature);
    }
    reply(request).await
}

/// Installs a component, as the operator.
pub(super) async fn install(server: &TestServer, path: &str, bytes: &[u8]) -> String {
    let installed = install_as(server, &server.operator, path, bytes, &[]).await;
    assert!([200, 201].contains(&installed.status), "{:#}", installed.body);
    installed.body["digest"].as_str().expect("a digest").to_owned()
}

/// The log's events of these types, oldest first.
pub(super) async fn events(server: &TestServer, kind: &str) -> Vec<Value> {
    let path = format!("/event?since_seq=0&limit=500&type={kind}");
    let request = server.request(Method::GET, &path, &server.operator).header("accept", "application/json");
    reply(request).await.body["items"].as_array().expect("events").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_installed_once_listed_and_removed() {
    on_both_servers(CACHE, async |server| {
        let bytes = gate_that("pass", "lenient", "1.0.0");
        let digest = Digest::of(&bytes).to_string();
        let new = install_as(&server, &server.operator, "lenient/1.0.0", &bytes, &[]).await;
        assert_eq!((new.status, &new.body["digest"]), (201, &json!(digest)), "{:#}", new.body);
        let again = install_as(&server, &server.operator, "lenient/1.0.0", &bytes, &[]).await;
        assert_eq!((again.status, &again.body), (200, &new.body));
        let other = gate_that("fail", "lenient", "1.0.0");
        let taken = install_as(&server, &server.operator, "lenient/1.0.0", &other, &[]).await;
        assert_eq!((taken.status, taken.code(), &taken.body["digest"]), (409, "PLUGIN_EXISTS", &json!(digest)));
        let newer = install(&server, "lenient/1.10.0", &gate_that("pass", "lenient", "1.10.0")).await;
        install(&server, "lenient/1.9.0", &gate_that("pass", "lenient", "1.9.0")).await;

        let detail = server.get(&format!("/plugins/{digest}")).await.body;
        let versions: Vec<&str> =
            detail["versions"].as_array().expect("versions").iter().filter_map(|of| of["version"].as_str()).collect();
        assert_eq!(versions, ["1.10.0", "1.9.0", "1.0.0"]);
        assert_eq!((&detail["kind"], &detail["bound_in"]), (&json!("gate"), &json!([])));
        assert_eq!(detail["exports"], json!(["sluice:gate/evaluator@0.1.0"]));
        assert_eq!(detail["settings_schema"]["type"], "object");
        assert_eq!(
            (&detail["self_test"]["status"], &detail["self_test"]["outcome"]["outcome"]),
            (&json!("called"), &json!("pass")),
            "{detail:#}"
        );

        let (mut cursor, mut listed) = (String::new(), Vec::new());
        loop {
            let page = server.get(&format!("/plugins?limit=2{cursor}")).await.body;
            let labels = page["items"].as_array().expect("items").iter();
            listed.extend(
                labels.map(|of| format!("{}@{}", of["name"].as_str().unwrap(), of["version"].as_str().unwrap())),
            );
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut sorted = listed.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(listed, sorted, "each once, in order");
        for expected in ["lenient@1.0.0", "lenient@1.10.0", "lenient@1.9.0"] {
            assert!(listed.iter().any(|label| label == expected), "{listed:?}");
        }
        assert_eq!(listed.len(), 3 + 4, "{listed:?} with what comes with the host");

        assert_eq!(
            server.ask(Method::DELETE, &format!("/plugins/{newer}"), &server.operator, Value::Null).await.status,
            200
        );
        assert_eq!(server.get(&format!("/plugins/{newer}")).await.status, 404);
        let gone = server.ask(Method::DELETE, &format!("/plugins/{newer}"), &server.operator, Value::Null).await;
        assert_eq!(gone.status, 404);
        let own = server.get("/plugins?limit=500").await.body["items"].as_array().expect("items").clone();
        let own = own.iter().find(|plugin| plugin["built_in"] == true).expect("one of the host's");
        let path = format!("/plugins/{}", own["digest"].as_str().expect("a digest"));
        let kept = server.ask(Method::DELETE, &path, &server.operator, Value::Null).await;
        assert_eq!((kept.status, kept.code()), (409, "PLUGIN_IN_USE"));

        assert_eq!(events(&server, "plugin.installed").await.len(), 3);
        let removed = events(&server, "plugin.removed").await;
        assert_eq!((removed.len(), &removed[0]["properties"]["digest"]), (1, &json!(newer)));
        let audit = server.get("/audit?limit=500").await.body;
        let audit = audit["entries"].as_array().expect("entries");
        let acts = |action: &str| audit.iter().filter(|entry| entry["action"] == action).count();
        assert_eq!((acts("plugin.install"), acts("plugin.remove")), (3, 1));
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_where_and_why_and_is_nowhere() {
    on_both_servers(CACHE, async |server| {
        let trap = component(World::Reducer, "trap", &[("what", "unreachable")]);
        let endless = component(World::Reducer, "spin", &[("rounds", "0")]);
        let good = gate_that("pass", "lenient", "1.0.0");
        let core = wat::parse_str("(module)").expect("a module");
        let mut wrong = manifest("gate");
        wrong["settings_schema"] = json!({"type": "nonsense"});
        let unschemed = with_manifest(
            &encode(World::Gate, "", &text("decide", &[("outcome", "0"), ("summary", "x"), ("bytes", "1")])),
            &wrong,
        );
        let mut flipped = good.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0xff;
        let cases: [(&str, &[u8], u16, &str, &str); 8] = [
            ("hostile/0.1.0", b"no component", 422, "PLUGIN_REFUSED", "load"),
            ("hostile/0.1.0", b"", 422, "PLUGIN_REFUSED", "load"),
            ("hostile/0.1.0", &core, 422, "PLUGIN_REFUSED", "load"),
            ("hostile/0.1.0", &unschemed, 422, "PLUGIN_REFUSED", "load"),
            ("hostile/0.1.0", &trap, 422, "PLUGIN_REFUSED", "self_test"),
            ("hostile/0.1.0", &endless, 422, "PLUGIN_REFUSED", "self_test"),
            ("other/1.0.0", &good, 422, "INVALID_FIELD", ""),
            ("lenient/1.0.1", &good, 422, "INVALID_FIELD", ""),
        ];
        for (path, bytes, status, code, stage) in cases {
            let refused = install_as(&server, &server.operator, path, bytes, &[]).await;
            let stage_told = refused.body["stage"].as_str().unwrap_or_default();
            assert_eq!((refused.status, refused.code(), stage_told), (status, code, stage), "{:#}", refused.body);
        }
        let request = server.request(Method::PUT, "/plugins/lenient/1.0.0", &server.operator).body(good.clone());
        assert_eq!(reply(request.header("content-type", "text/html")).await.status, 415);
        let listed = server.get("/plugins?limit=500").await.body;
        assert_eq!(listed["count"], 4, "nothing but what comes with the host: {listed:#}");
        let failed = events(&server, "plugin.failed").await;
        assert_eq!(failed.len(), 2, "those that were called: {failed:#?}");
        assert!(failed.iter().all(|event| event["properties"]["stage"] == "self_test"));
        // The host goes on: what is good is taken after all of this.
        install(&server, "lenient/1.0.0", &good).await;
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_and_members_install_and_remove_nothing() {
    on_both_servers(CACHE, async |server| {
        let bytes = gate_that("pass", "lenient", "1.0.0");
        let digest = install(&server, "lenient/1.0.0", &bytes).await;
        for role in [Role::Member, Role::Agent, Role::Viewer] {
            let token = server.token("local", role, "user.x").await;
            let put = install_as(&server, &token, "lenient/2.0.0", &gate_that("pass", "lenient", "2.0.0"), &[]).await;
            let path = format!("/plugins/{digest}");
            let removed = server.ask(Method::DELETE, &path, &token, Value::Null).await;
            let bound = server.ask(Method::PUT, "/workspaces/local", &token, json!({"bindings": {}})).await;
            let back = server.ask(Method::POST, "/workspaces/local/rollback", &token, json!({"revision": 0})).await;
            let refused = [put.status, removed.status, bound.status, back.status];
            assert_eq!(refused, [403; 4], "{role:?}");
            assert_eq!(server.ask(Method::GET, &path, &token, Value::Null).await.status, 200, "{role:?} may look");
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_verified_before_they_are_kept() {
    on_both_servers(CACHE, async |server| {
        let bytes = plugin(World::Reducer, "flow", "1.0.0", "spin", &[("rounds", "1")]);
        let digest = Digest::of(&bytes);
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let good = format!("{}:{}", key.public(), key.sign(&digest));
        let foreign = format!("{}:{}", other.public(), key.sign(&digest));
        let of_other_bytes = format!("{}:{}", key.public(), key.sign(&Digest::of(b"")));
        for bad in [foreign.as_str(), &of_other_bytes, "ab:cd", "nonsense"] {
            let refused = install_as(&server, &server.operator, "flow/1.0.0", &bytes, &[bad.to_owned()]).await;
            let told = (refused.status, refused.body["field"].as_str());
            assert_eq!(told, (422, Some("Sluice-Signature")), "{:#}", refused.body);
        }
        assert_eq!(server.get(&format!("/plugins/{digest}")).await.status, 404, "nothing of it is kept");
        install(&server, "flow/1.0.0", &bytes).await;
        let signed = install_as(&server, &server.operator, "flow/1.0.0", &bytes, std::slice::from_ref(&good)).await;
        assert_eq!((signed.status, &signed.body["signatures"][0]["key"]), (200, &json!(key.public())));
        let second = format!("{}:{}", other.public(), other.sign(&digest));
        let both = format!("{good}, {second}");
        let signed = install_as(&server, &server.operator, "flow/1.0.0", &bytes, &[both]).await;
        let keys: Vec<&Value> = signed.body["signatures"].as_array().unwrap().iter().map(|of| &of["key"]).collect();
        assert_eq!(keys, [&json!(key.public()), &json!(other.public())], "each key once");
        server.stop().await;
    })
    .await;
}

//! A person says yes to exactly this, there, once.

use e2e::hooked::{ok, on_both_hooked, text};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

use super::CACHE;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_without_a_yes_to_this_very_body_and_address() {
    on_both_hooked(CACHE, false, async |hooked| {
        let secret = hooked.endpoint("ops", &hooked.receiver.url()).await;
        let run = hooked.run().await;
        let asked = hooked.ask(&run, "ops", json!({"n": 1})).await;
        assert_eq!((&asked["decision"], &asked["delivery_id"]), (&json!("approval_required"), &Value::Null));
        let member = hooked.server.token("local", Role::Member, "user.m").await;
        let answer = async |asked: &Value, what: &str, token: &str| {
            let path = format!("/approvals/{}/{what}", text(&asked["approval_id"]));
            hooked.server.ask(Method::POST, &path, token, json!({"reason": "because"})).await
        };
        // What people see names the receiver, and neither its path nor its secret.
        let shown = ok(hooked.server.get(&format!("/approvals/{}", text(&asked["approval_id"]))).await);
        let shown = shown.to_string();
        assert!(shown.contains(&format!("http://127.0.0.1:{}", hooked.receiver.port())), "{shown}");
        assert!(!shown.contains("/hook") && !shown.contains(&secret), "{shown}");
        let agent = hooked.server.token("local", Role::Agent, "agent.b").await;
        assert_eq!(answer(&asked, "grant", &agent).await.status, 403);
        ok(answer(&asked, "grant", &member).await);

        let other = hooked.ask(&run, "ops", json!({"n": 2})).await;
        assert_eq!(other["decision"], "approval_required", "one byte is another question");
        assert_ne!(other["approval_id"], asked["approval_id"]);
        let allowed = hooked.ask(&run, "ops", json!({"n": 1})).await;
        assert_eq!((&allowed["decision"], &allowed["approval_id"]), (&json!("allowed"), &asked["approval_id"]));
        let delivered = hooked.ended(&text(&allowed["delivery_id"]), "delivered").await;
        assert_eq!(delivered["approval_id"], asked["approval_id"]);
        let again = hooked.ask(&run, "ops", json!({"n": 1})).await;
        assert_eq!(again["decision"], "approval_required", "a yes is good once: {again:#}");

        // A yes is to the address as it was; to another secret of the same receiver it is good.
        ok(answer(&other, "grant", &member).await);
        let path = "/workspaces/local/webhooks/ops";
        let rotated = ok(hooked.put(path, json!({"new_secret": true})).await);
        ok(hooked.put(path, json!({"url": format!("{}2", hooked.receiver.url())})).await);
        let moved = hooked.ask(&run, "ops", json!({"n": 2})).await;
        assert_eq!(moved["decision"], "approval_required", "{moved:#}");
        ok(hooked.put(path, json!({"url": hooked.receiver.url()})).await);
        assert_eq!(hooked.ask(&run, "ops", json!({"n": 2})).await["decision"], "approval_required", "not even back");

        // A no stays one.
        ok(answer(&again, "grant", &member).await);
        ok(answer(&moved, "deny", &member).await);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(hooked.receiver.got().len(), 1, "{:#?}", hooked.receiver.got());
        assert!(hooked.receiver.got()[0].is_signed_with(&secret) && rotated["secret"] != json!(secret));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_never_leaves() {
    on_both_hooked(CACHE, true, async |hooked| {
        hooked.endpoint("ops", &hooked.receiver.url()).await;
        let elsewhere = hooked.run_with(json!(["connector.mail.*"])).await;
        let denied = hooked.ask(&elsewhere, "ops", json!({})).await;
        assert_eq!(denied["policy_ids"], json!(["default/capabilities-cover-side-effects"]), "{denied:#}");
        let text = r#"
            @id("not-ops") @reason("ops is asleep")
            forbid (principal, action == Action::"connector.call", resource == Connector::"webhook")
            when { context.arguments.hasTag("endpoint") && context.arguments.getTag("endpoint") == "ops" };"#;
        ok(hooked.put("/workspaces/local/policy", json!({"text": text, "preset": "open"})).await);
        let run = hooked.run().await;
        let denied = hooked.ask(&run, "ops", json!({})).await;
        assert_eq!((&denied["decision"], &denied["policy_ids"]), (&json!("denied"), &json!(["not-ops"])), "{denied:#}");
        assert_eq!(denied["delivery_id"], Value::Null);

        for (args, field) in [
            (json!({"body": {}}), "args.endpoint"),
            (json!({"endpoint": 1, "body": {}}), "args.endpoint"),
            (json!({"endpoint": "ops"}), "args.body"),
            (json!({"endpoint": "ops", "body": "text"}), "args.body"),
            (json!({"endpoint": "ops", "body": {}, "url": "http://127.0.0.1/"}), "args"),
            (json!({"endpoint": "ops", "body": {"x": "x".repeat(65_536)}}), "args"),
        ] {
            let refused = hooked.ask_with(&run, args, None).await;
            assert_eq!((refused.status, refused.body["field"].as_str()), (422, Some(field)), "{:#}", refused.body);
        }
        let other = json!({"connector": "webhook", "action": "get", "args": {}, "summary": "Look"});
        let refused = hooked.server.ask(Method::POST, &format!("/runs/{}/actions", run.id), &run.token, other).await;
        assert_eq!((refused.status, refused.body["field"].as_str()), (422, Some("action")));
        for nobody in ["none", "../ops", "http://127.0.0.1/", "o\0ps", ""] {
            let denied = hooked.ask(&run, nobody, json!({})).await;
            assert_eq!(denied["decision"], "denied", "{nobody:?}: {denied:#}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(hooked.receiver.connections(), 0);
        assert_eq!(ok(hooked.server.get("/workspaces/local/deliveries").await)["count"], 0);
    })
    .await;
}

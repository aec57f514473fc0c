//! Who says where, and where that may be.

use e2e::hooked::{ok, on_both_hooked, text};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

use super::CACHE;

const PATH: &str = "/workspaces/local/webhooks/ops";

#[tokio::test(flavor = "multi_thread")]
async fn operators_set_look_and_delete_by_revision_and_see_a_secret_once() {
    on_both_hooked(CACHE, false, async |hooked| {
        let url = hooked.receiver.url();
        let missing = hooked.put(PATH, json!({})).await;
        assert_eq!((missing.status, missing.body["field"].as_str()), (422, Some("url")), "{:#}", missing.body);
        let set = ok(hooked.put(PATH, json!({"url": url, "if_match_rev": 0})).await);
        let secret = text(&set["secret"]);
        assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
        assert_eq!((&set["revision"], &set["is_enabled"], &set["url"]), (&json!(1), &json!(true), &json!(url)));
        let conflict = hooked.put(PATH, json!({"is_enabled": false, "if_match_rev": 0})).await;
        assert_eq!((conflict.status, &conflict.body["current_rev"]), (409, &json!(1)), "{:#}", conflict.body);
        let off = ok(hooked.put(PATH, json!({"is_enabled": false, "if_match_rev": 1})).await);
        assert_eq!((&off["revision"], &off["address_revision"], &off["secret"]), (&json!(2), &json!(1), &Value::Null));
        let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let given = ok(hooked.put(PATH, json!({"secret": own})).await);
        assert_eq!(
            (&given["secret"], &given["is_enabled"]),
            (&Value::Null, &json!(false)),
            "whoever gives it knows it"
        );
        let both = hooked.put(PATH, json!({"secret": own, "new_secret": true})).await;
        assert_eq!((both.status, both.body["field"].as_str()), (422, Some("new_secret")));

        let shown = hooked.server.get(PATH).await;
        assert_eq!(shown.headers.get("etag").expect("a tag").to_str().ok(), Some("\"3\""));
        let list = ok(hooked.server.get("/workspaces/local/webhooks").await);
        assert_eq!((&list["count"], &list["items"][0]), (&json!(1), &shown.body));
        let audit = ok(hooked.server.get("/audit?limit=500").await);
        for seen in [&shown.body, &list, &audit] {
            assert!(!seen.to_string().contains("whsec_"), "{seen:#}");
        }
        assert!(audit.to_string().contains("webhook.write"));

        let request = |revision: &str| {
            let request = hooked.server.request(Method::DELETE, PATH, &hooked.server.operator);
            e2e::server::reply(request.header("if-match", format!("\"{revision}\"")))
        };
        assert_eq!(request("2").await.status, 409);
        let gone = ok(request("3").await);
        assert_eq!(gone, json!({"ok": true, "deleted": true, "name": "ops", "revision": 4}));
        assert_eq!(hooked.server.get(PATH).await.status, 404);
        assert_eq!(request("4").await.status, 404);
        assert_eq!(ok(hooked.server.get("/workspaces/local/webhooks").await)["count"], 0);
        let again = ok(hooked.put(PATH, json!({"url": url, "if_match_rev": 0})).await);
        assert_eq!((&again["revision"], again["secret"] != json!(secret)), (&json!(5), true), "{again:#}");
        let bad = hooked.put("/workspaces/local/webhooks/Ops", json!({"url": url})).await;
        assert_eq!((bad.status, bad.body["field"].as_str()), (422, Some("name")), "{:#}", bad.body);
        assert_eq!(hooked.server.get("/workspaces/local/webhooks/o%00ps").await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_sets_or_sees_them_and_no_other_workspace() {
    on_both_hooked(CACHE, false, async |hooked| {
        hooked.endpoint("ops", &hooked.receiver.url()).await;
        let run = hooked.run().await;
        let mut tokens = vec![run.token.clone()];
        for (role, name) in [(Role::Member, "user.m"), (Role::Agent, "agent.x"), (Role::Viewer, "user.v")] {
            tokens.push(hooked.server.token("local", role, name).await);
        }
        for token in &tokens {
            for (method, path, body) in [
                (Method::PUT, PATH, json!({"url": "https://example.org/"})),
                (Method::DELETE, PATH, Value::Null),
                (Method::GET, PATH, Value::Null),
                (Method::GET, "/workspaces/local/webhooks", Value::Null),
                (Method::GET, "/workspaces/local/deliveries", Value::Null),
            ] {
                let refused = hooked.server.ask(method.clone(), path, token, body).await;
                assert_eq!(refused.status, 403, "{method} {path}: {:#}", refused.body);
            }
        }
        let other = hooked.server.token("other", Role::Operator, "user.o").await;
        for (method, path, body) in [
            (Method::GET, PATH.to_owned(), Value::Null),
            (Method::PUT, PATH.to_owned(), json!({"url": "https://example.org/"})),
            (Method::DELETE, PATH.to_owned(), Value::Null),
            (Method::GET, "/workspaces/local/deliveries".to_owned(), Value::Null),
            (Method::GET, format!("/runs/{}/deliveries", run.id), Value::Null),
            (Method::GET, PATH.replace("local", "other"), Value::Null),
        ] {
            let missing = hooked.server.ask(method.clone(), &path, &other, body).await;
            assert_eq!(missing.status, 404, "{method} {path}: {:#}", missing.body);
        }
        assert_eq!(ok(hooked.server.get(PATH).await)["revision"], 1, "nothing changed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_inside_are_refused_in_every_spelling() {
    on_both_hooked(CACHE, false, async |hooked| {
        for url in [
            "ftp://example.org/",
            "file:///etc/passwd",
            "example.org",
            "https://",
            "https://user:word@example.org/",
            "https://user@example.org/",
            "https://example.org/#part",
            &format!("https://example.org/{}", "x".repeat(2048)),
            "http://127.0.0.2/",
            "https://127.2/",
            "https://2130706434/",
            "https://0x7f.0.0.2/",
            "https://0177.0.0.2/",
            "https://127.0.0.2./",
            "https://%31%32%37.0.0.2/",
            "https://\u{ff11}27.0.0.2/",
            "https://0/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.1:8443/",
            "https://100.64.0.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.2]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[64:ff9b::10.0.0.1]/",
            "https://[2002:7f00:2::]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
        ] {
            let refused = hooked.put(PATH, json!({"url": url})).await;
            assert_eq!(
                (refused.status, refused.body["field"].as_str()),
                (422, Some("url")),
                "{url}: {:#}",
                refused.body
            );
        }
        assert_eq!(hooked.server.get(PATH).await.status, 404);
        for good in ["https://example.org", "https://example.org:8443/a?b=c", "https://8.8.8.8/", "http://127.1/"] {
            ok(hooked.put(PATH, json!({"url": good})).await);
        }
        assert_eq!(ok(hooked.server.get(PATH).await)["url"], "http://127.0.0.1/", "in the form that everybody reads");
    })
    .await;
}

//! What is delivered, when it is tried again, and what ends it.

use e2e::hooked::{Hooked, ok, on_both_hooked, text};
use std::time::Duration;

use e2e::receiver::Answer;
use reqwest::Method;
use serde_json::{Value, json};

use super::CACHE;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allowed_is_delivered_once_signed_and_told() {
    on_both_hooked(CACHE, true, async |hooked| {
        let (secret, run) = (hooked.endpoint("ops", &hooked.receiver.url()).await, hooked.run().await);
        let body = json!({"z": 1, "a": "\u{e4}\u{202e}\n", "n": [null, 0.5]});
        let id = hooked.allowed(&run, "ops", body.clone()).await;
        let delivered = hooked.ended(&id, "delivered").await;
        let got = hooked.receiver.until(1).await;
        assert_eq!(got.len(), 1);
        assert_eq!((got[0].line.as_str(), got[0].json()), ("POST /hook HTTP/1.1", body));
        assert!(got[0].body.starts_with(r#"{"a":"#), "in canonical form: {}", got[0].body);
        assert_eq!((got[0].header("webhook-id"), got[0].header("content-type")), (id.as_str(), "application/json"));
        assert!(got[0].is_signed_with(&secret));
        assert!(!got[0].is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        let seconds: u64 = got[0].header("webhook-timestamp").parse().expect("seconds");
        assert_eq!(seconds, delivered["created_at_ms"].as_u64().expect("a moment") / 1000, "{delivered:#}");
        let of = |name: &str| delivered[name].clone();
        assert_eq!((of("attempts"), of("last_status"), of("last_error")), (json!(1), json!(204), Value::Null));
        assert_eq!((of("run_id"), of("requested_by")), (json!(run.id), json!("agent.a")));
        assert_eq!((of("body_bytes"), of("next_attempt_at_ms")), (json!(got[0].body.len()), Value::Null));

        let told = hooked.told("action.").await;
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!((&told[0]["type"], &told[0]["properties"]["delivery_id"]), (&json!("action.delivered"), &json!(id)));
        assert_eq!((&told[0]["actor"], &told[0]["run_id"]), (&json!("system.webhooks"), &json!(run.id)));
        let audit = ok(hooked.server.get("/audit?limit=500").await);
        let acted = audit["entries"].as_array().expect("entries").iter().find(|entry| entry["action"] == "run.act");
        assert_eq!(acted.expect("an entry")["detail"]["delivery_id"], id);
        // Neither what was posted, nor where to, nor the secret.
        for told in [&told[0].to_string(), &audit.to_string()] {
            assert!(!told.contains("/hook") && !told.contains(&secret) && !told.contains("0.5"), "{told}");
        }

        // Who has the run's token sees the run's, and nobody else's.
        let own =
            hooked.server.ask(Method::GET, &format!("/runs/{}/deliveries", run.id), &run.token, Value::Null).await;
        assert_eq!(ok(own)["items"][0]["id"], id);
        let other = hooked.run().await;
        let path = format!("/runs/{}/deliveries", run.id);
        assert_eq!(hooked.server.ask(Method::GET, &path, &other.token, Value::Null).await.status, 403);
        let second = hooked.allowed(&run, "ops", json!({})).await;
        assert_ne!(second, id, "the same wish again is another one");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_now_is_tried_again_under_the_same_id() {
    on_both_hooked(CACHE, true, async |hooked| {
        let (secret, run) = (hooked.endpoint("ops", &hooked.receiver.url()).await, hooked.run().await);
        hooked.receiver.answer([Answer::status(500), Answer::Nothing]);
        let id = hooked.allowed(&run, "ops", json!({"n": 1})).await;
        let first = hooked.delivery(&id, |one| one["last_status"] == 500).await;
        assert_eq!((&first["status"], &first["attempts"]), (&json!("pending"), &json!(1)), "{first:#}");
        let pause = |of: &Value, before: &Value| {
            of["next_attempt_at_ms"].as_u64().expect("a moment") - before["created_at_ms"].as_u64().expect("a moment")
        };
        assert!((5_000..16_000).contains(&pause(&first, &first)), "{first:#}");
        hooked.clock.pass(Duration::from_secs(7));
        let second = hooked.delivery(&id, |one| one["attempts"] == 2 && one["last_status"].is_null()).await;
        assert!(text(&second["last_error"]).contains("broke off"), "{second:#}");
        assert_eq!(hooked.receiver.got().len(), 2, "not before its time");
        hooked.clock.pass(Duration::from_secs(37));
        hooked.ended(&id, "delivered").await;
        let got = hooked.receiver.until(3).await;
        assert!(got.iter().all(|one| one.header("webhook-id") == id && one.is_signed_with(&secret)));
        assert!(got.iter().all(|one| one.body == got[0].body));
        assert_ne!(got[0].header("webhook-timestamp"), got[2].header("webhook-timestamp"));
        assert_eq!(hooked.receiver.connections(), 3, "one for each attempt");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_final_is_not_tried_again_and_redirects_are_not_followed() {
    on_both_hooked(CACHE, true, async |hooked| {
        hooked.endpoint("ops", &hooked.receiver.url()).await;
        let run = hooked.run().await;
        let elsewhere = format!("http://127.0.0.1:{}/elsewhere", hooked.receiver.port());
        let redirect = Answer::Status(307, vec![("location", elsewhere)]);
        for (answer, status) in [(Answer::status(404), 404), (Answer::status(410), 410), (redirect, 307)] {
            hooked.receiver.answer([answer]);
            let id = hooked.allowed(&run, "ops", json!({"n": status})).await;
            let failed = hooked.ended(&id, "failed").await;
            assert_eq!((&failed["last_status"], &failed["attempts"]), (&json!(status), &json!(1)), "{failed:#}");
        }
        hooked.clock.pass(Duration::from_hours(24));
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let got = hooked.receiver.got();
        assert_eq!(got.len(), 3, "{got:#?}");
        assert!(got.iter().all(|one| one.line.contains("/hook")), "{got:#?}");
        let told = hooked.told("action.failed").await;
        assert_eq!(told.len(), 3);
        assert!(text(&told[0]["properties"]["reason"]).contains("404"), "{told:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_may_ask_for_a_pause_and_one_that_never_takes_it_is_given_up() {
    on_both_hooked(CACHE, true, async |hooked| {
        hooked.endpoint("ops", &hooked.receiver.url()).await;
        let run = hooked.run().await;
        let busy = |status, seconds: &str| Answer::Status(status, vec![("retry-after", seconds.to_owned())]);
        hooked.receiver.answer([busy(429, "600"), busy(503, "99999999")]);
        hooked.receiver.answer(std::iter::repeat_n(Answer::status(503), 6));
        let id = hooked.allowed(&run, "ops", json!({})).await;
        for attempt in 1..8 {
            // While an attempt goes on, the next one is a few seconds away.
            let is_over = |one: &Value| one["next_attempt_at_ms"].as_u64().is_some_and(|at| at > now(&hooked) + 60_000);
            let tried = hooked.delivery(&id, |one| one["attempts"] == attempt && is_over(one)).await;
            let wait = tried["next_attempt_at_ms"].as_u64().expect("a moment") - now(&hooked);
            let fewest = match attempt {
                1 => 590_000,
                2 => 43_000_000,
                _ => 0,
            };
            assert!((fewest..43_300_000 * 6 / 5).contains(&wait), "{attempt}: {wait}");
            hooked.clock.pass(Duration::from_millis(wait + 1));
        }
        let failed = hooked.ended(&id, "failed").await;
        assert_eq!((&failed["attempts"], &failed["last_status"]), (&json!(8), &json!(503)));
        assert!(text(&failed["last_error"]).contains("last of 8"), "{failed:#}");
        assert_eq!(hooked.receiver.got().len(), 8);
    })
    .await;
}

fn now(hooked: &Hooked) -> u64 {
    hooked.server.engine.clock().now().as_millis()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_cut_and_an_endpoint_that_goes_ends_what_waits() {
    on_both_hooked(CACHE, true, async |hooked| {
        hooked.endpoint("ops", &hooked.receiver.url()).await;
        let run = hooked.run().await;
        hooked.receiver.answer([Answer::Endless(200)]);
        let id = hooked.allowed(&run, "ops", json!({})).await;
        hooked.ended(&id, "delivered").await;

        let path = "/workspaces/local/webhooks/ops";
        let elsewhere = format!("{}2", hooked.receiver.url());
        for (change, reason) in [
            (json!({"is_enabled": false}), "disabled"),
            (json!({"url": elsewhere}), "another address"),
            (Value::Null, "deleted"),
        ] {
            hooked.put(path, json!({"url": hooked.receiver.url(), "is_enabled": true})).await;
            hooked.receiver.answer([Answer::status(500)]);
            let id = hooked.allowed(&run, "ops", json!({"until": reason})).await;
            hooked.delivery(&id, |one| one["last_status"] == 500).await;
            let method = if change.is_null() { Method::DELETE } else { Method::PUT };
            ok(hooked.server.ask(method, path, &hooked.server.operator, change).await);
            hooked.clock.pass(Duration::from_secs(7));
            let failed = hooked.ended(&id, "failed").await;
            assert!(text(&failed["last_error"]).contains(reason), "{failed:#}");
        }
        let gone = hooked.ask(&run, "ops", json!({})).await;
        assert_eq!(gone["decision"], "denied", "{gone:#}");
        assert!(text(&gone["reason"]).contains("`ops`"), "{gone:#}");
        // Its revisions go on, so that nothing that was allowed for the old one fits the new one.
        let set = ok(hooked.put(path, json!({"url": hooked.receiver.url()})).await);
        assert!(set["revision"].as_u64() > Some(6) && set["address_revision"] == set["revision"], "{set:#}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_ask_is_delivered_once_and_a_name_is_not_spent_on_a_question() {
    on_both_hooked(CACHE, true, async |hooked| {
        hooked.endpoint("ops", &hooked.receiver.url()).await;
        let run = hooked.run().await;
        let args = json!({"endpoint": "ops", "body": {"n": 1}});
        let first = ok(hooked.ask_with(&run, args.clone(), Some("k1")).await);
        let again = hooked.ask_with(&run, args.clone(), Some("k1")).await;
        assert_eq!(again.headers.get("idempotency-replayed").expect("it was done").to_str().ok(), Some("true"));
        assert_eq!(again.body, first);
        let other = hooked.ask_with(&run, json!({"endpoint": "ops", "body": {"n": 2}}), Some("k1")).await;
        assert_eq!((other.status, other.code()), (422, "IDEMPOTENCY_KEY_REUSED"));
        let together =
            futures_util::future::join_all((0..8).map(|_| hooked.ask_with(&run, args.clone(), Some("k2")))).await;
        let ids: std::collections::BTreeSet<_> =
            together.iter().filter(|reply| reply.status == 200).map(|reply| text(&reply.body["delivery_id"])).collect();
        assert_eq!(ids.len(), 1, "{together:#?}");
        for id in ids.iter().chain([&text(&first["delivery_id"])]) {
            hooked.ended(id, "delivered").await;
        }
        assert_eq!(hooked.receiver.got().len(), 2);

        // Where a person is asked the name is good until it is allowed.
        ok(hooked.put("/workspaces/local/policy", json!({"policies": {}})).await);
        let asked = ok(hooked.ask_with(&run, args.clone(), Some("k3")).await);
        assert_eq!(asked["decision"], "approval_required", "{asked:#}");
        let grant = format!("/approvals/{}/grant", text(&asked["approval_id"]));
        ok(hooked.server.post(&grant, json!({})).await);
        let allowed = ok(hooked.ask_with(&run, args.clone(), Some("k3")).await);
        assert_eq!(allowed["decision"], "allowed", "{allowed:#}");
        let replayed = ok(hooked.ask_with(&run, args, Some("k3")).await);
        assert_eq!(replayed, allowed);
        hooked.ended(&text(&allowed["delivery_id"]), "delivered").await;
        assert_eq!(hooked.receiver.got().len(), 3);
    })
    .await;
}

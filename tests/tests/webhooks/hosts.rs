//! Two hosts share a database: each delivery is one host's at a time, and what one host took and never reported on is
//! the other's.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::hooked::{Hooked, ok, options};
use e2e::receiver::Answer;
use serde_json::json;
use sluice::domain::id::DeliveryId;
use sluice::domain::webhook::CLAIM_MS;
use sluice::store::{Guard, Unit, Write};

use super::CACHE;

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_deliver_each_once() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let one = Hooked::start(&database, CACHE, options()).await;
        let two = Hooked::start(&database, CACHE, options()).await;
        ok(one.put("/workspaces/local/policy", json!({"preset": "open"})).await);
        one.endpoint("ops", &one.receiver.url()).await;
        let run = one.run().await;
        let mut asked = BTreeSet::new();
        for n in 0..40 {
            let host = if n % 2 == 0 { &one } else { &two };
            asked.insert(host.allowed(&run, "ops", json!({"n": n})).await);
        }
        for id in &asked {
            one.ended(id, "delivered").await;
        }
        let got = one.receiver.got();
        assert_eq!(got.len(), 40, "one came twice");
        assert_eq!(got.iter().map(|one| one.header("webhook-id").to_owned()).collect::<BTreeSet<_>>(), asked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_nobody_reports_on_is_made_again_and_a_late_report_changes_nothing() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let hooked = Hooked::start(&database, CACHE, options()).await;
        ok(hooked.put("/workspaces/local/policy", json!({"preset": "open"})).await);
        hooked.endpoint("ops", &hooked.receiver.url()).await;
        let run = hooked.run().await;
        // A host that dies in the middle of an attempt: it took the delivery, and is never heard of again.
        hooked.receiver.answer([Answer::status(503)]);
        let id = hooked.allowed(&run, "ops", json!({})).await;
        hooked.delivery(&id, |one| one["last_status"] == 503).await;
        let store = hooked.server.engine.store();
        let mut taken = store.delivery(&DeliveryId::new(id.as_str())).await.expect("read").expect("it is there");
        let before = taken.revision;
        taken.revision += 1;
        taken.attempts += 1;
        taken.next_attempt_at = Some(hooked.server.engine.clock().now().plus_millis(CLAIM_MS));
        let guards = vec![Guard::delivery(&taken.id, Some(before))];
        let writes = vec![Write::Delivery(Box::new(taken.clone()))];
        let unit = Unit { guards, writes, ..Unit::default() };
        store.commit(unit).await.expect("it is taken");
        hooked.clock.pass(Duration::from_millis(CLAIM_MS - 5_000));
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(hooked.receiver.got().len(), 1, "it is that host's still");
        hooked.clock.pass(Duration::from_millis(5_000));
        hooked.ended(&id, "delivered").await;
        let got = hooked.receiver.until(2).await;
        assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
        // It was only slow: what it brings changes nothing any more.
        hooked.receiver.answer([Answer::status(404)]);
        hooked.server.engine.deliver(taken).await.expect("nobody minds");
        let delivered = hooked.ended(&id, "delivered").await;
        assert_eq!((&delivered["last_status"], &delivered["attempts"]), (&json!(204), &json!(3)));
        assert_eq!(hooked.told("action.").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_over_long_ago_is_forgotten_and_what_waits_is_not() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let hooked = Hooked::start_kept(&database, CACHE, options(), Some(60_000)).await;
        ok(hooked.put("/workspaces/local/policy", json!({"preset": "open"})).await);
        hooked.endpoint("ops", &hooked.receiver.url()).await;
        let run = hooked.run().await;
        let over = hooked.allowed(&run, "ops", json!({})).await;
        hooked.ended(&over, "delivered").await;
        hooked.receiver.answer(std::iter::repeat_n(Answer::status(500), 9));
        let waits = hooked.allowed(&run, "ops", json!({})).await;
        hooked.delivery(&waits, |one| one["last_status"] == 500).await;
        assert_eq!(hooked.server.engine.trim_deliveries().await.expect("it trims"), 0, "not yet");
        hooked.clock.pass(Duration::from_secs(61));
        assert_eq!(hooked.server.engine.trim_deliveries().await.expect("it trims"), 1);
        let left = ok(hooked.server.get("/workspaces/local/deliveries").await);
        assert_eq!((&left["count"], &left["items"][0]["id"]), (&json!(1), &json!(waits)));
    }
}

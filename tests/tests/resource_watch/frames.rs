//! What a watcher sees: values of any length, bookmarks, resets, refusals, and an end.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::server::{Frames, ServerOptions, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::id::WorkspaceId;
use sluice::domain::principal::Role;
use sluice::domain::resource::ResourceKey;
use sluice::engine::LeaseAsk;
use sluice::store::{Unit, Write};

use crate::{CACHE, put, watch};

#[tokio::test(flavor = "multi_thread")]
async fn values_come_along_whatever_their_length() {
    on_both_servers(CACHE, async |server| {
        let mut bare = watch(&server, "?prefix=team/").await;
        let mut live = watch(&server, "?prefix=team/&values=true").await;
        // Longer than a piece, and full of characters that a cut could go through.
        let long = json!({"text": "äö€𝄞 ".repeat(60_000), "line": "a\nb"});
        let sent = [json!(null), json!([1, {"a": "b"}]), long.clone(), json!("x".repeat(20_000)), json!(7)];
        for value in &sent {
            put(&server, "team/a", value.clone()).await;
        }
        put(&server, "project/a", json!(0)).await;
        let deleted = server.ask(Method::DELETE, "/resource/team/a", &server.operator, Value::Null).await;
        assert_eq!(deleted.status, 200, "{:#}", deleted.body);
        let mut late = watch(&server, "?prefix=team/&values=true&since_seq=0").await;
        for (rev, value) in (1..).zip(&sent) {
            for frames in [&mut live, &mut late] {
                let properties = frames.event().await.data["properties"].clone();
                assert_eq!((&properties["key"], &properties["rev"]), (&json!("team/a"), &json!(rev)));
                assert!(properties["value"] == *value, "the value of revision {rev}");
            }
            let properties = bare.event().await.data["properties"].clone();
            assert_eq!((&properties["rev"], properties.get("value")), (&json!(rev), None));
        }
        for frames in [&mut bare, &mut live, &mut late] {
            let event = frames.event().await.data;
            assert_eq!((&event["type"], event["properties"].get("value")), (&json!("resource.deleted"), None));
        }
        // A page ends early when it gets large, and says where it ended.
        for _ in 0..7 {
            put(&server, "team/b", json!("y".repeat(1_000_000))).await;
        }
        let (mut revs, mut at) = (Vec::new(), "0".to_owned());
        for (page, most) in [(0, 7), (1, 3), (2, 1)] {
            let path = format!("/resource/events?prefix=team/b&values=true&since_seq={at}&limit=7");
            let request = server.request(Method::GET, &path, &server.operator).header("accept", "application/json");
            let answer = reply(request).await;
            assert_eq!(answer.status, 200, "{:#}", answer.body);
            let items = answer.body["items"].as_array().unwrap();
            assert!(items.len() <= most && answer.body["count"] == items.len(), "page {page}: {}", items.len());
            revs.extend(items.iter().map(|event| event["properties"]["rev"].as_u64().unwrap()));
            assert!(items.iter().all(|event| event["properties"]["value"].as_str().unwrap().len() == 1_000_000));
            match answer.body["next_cursor"].as_str() {
                Some(next) => at = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(revs, (1..=7).collect::<Vec<_>>());
        // What is no longer kept is left out; the event is told all the same.
        let key = ResourceKey::parse("team/a").unwrap();
        let forget = Write::ForgetRevision(WorkspaceId::new("local"), key, 2);
        server.engine.store().commit(Unit { writes: vec![forget], ..Unit::default() }).await.unwrap();
        let path = "/resource/events?prefix=team/a&values=true&since_seq=0";
        let request = server.request(Method::GET, path, &server.operator).header("accept", "application/json");
        let items = reply(request).await.body["items"].clone();
        assert_eq!((&items[0]["properties"]["value"], items[1]["properties"].get("value")), (&Value::Null, None));
        assert!(items[2]["properties"]["value"] == long);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_watcher_is_told_how_far_the_log_is_and_not_of_renewals() {
    for database in TestDatabase::each().await {
        let options = ServerOptions::default();
        let clock = options.clock.clone();
        let server = TestServer::start(&database, CACHE, options).await;
        let mut quiet = watch(&server, "?prefix=team/none").await;
        let ready = quiet.next().await.unwrap();
        let local = WorkspaceId::new("local");
        let ask = LeaseAsk {
            workspace_id: &local,
            principal: "agent.a",
            name: "deploy".to_owned(),
            ttl_ms: 60_000,
            owner: None,
            claim_key: Some(ResourceKey::parse("team/claim").unwrap()),
            receipt: None,
        };
        let mut lease = server.engine.acquire_lease(&ask).await.unwrap();
        for _ in 0..3 {
            clock.pass(Duration::from_secs(1));
            lease = server.engine.renew_lease_of_name(lease).await.unwrap();
        }
        server.engine.release_lease(lease).await.unwrap();
        put(&server, "team/other", json!(1)).await;
        let mut claim = watch(&server, "?prefix=team/claim&since_seq=0&values=true").await;
        for state in ["held", "released"] {
            let event = claim.event().await.data;
            assert_eq!(
                (&event["type"], &event["properties"]["value"]["state"]),
                (&json!("resource.updated"), &json!(state))
            );
        }
        let head = server.engine.store().log_head().await.unwrap();
        assert!(ready.data["seq"].as_u64().unwrap() < head);
        clock.pass(Duration::from_secs(16));
        for (frames, what) in [(&mut quiet, "quiet"), (&mut claim, "claim")] {
            let frame = frames.next().await.unwrap();
            assert_eq!((frame.event.as_deref(), frame.id), (Some("bookmark"), None), "{what}");
            assert_eq!(frame.data["seq"], head, "{what}");
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_told_as_gone_with_what_to_read() {
    for database in TestDatabase::each().await {
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        for number in 0..5 {
            put(&server, "team/a", json!(number)).await;
        }
        let newest = server.engine.store().log_head().await.unwrap();
        let trim = Write::TrimLog { up_to_seq: newest - 1 };
        server.engine.store().commit(Unit { writes: vec![trim], ..Unit::default() }).await.unwrap();
        server.stop().await;
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let path = "/resource/events?prefix=team/a&since_seq=1";
        let request = server.request(Method::GET, path, &server.operator).header("accept", "application/json");
        let page = reply(request).await;
        assert_eq!((page.status, page.code(), &page.body["oldest_seq"]), (410, "GONE", &json!(newest)));
        for (query, read) in [("prefix=team/a&", "/resource?prefix=team/a"), ("", "/resource")] {
            let mut frames = watch(&server, &format!("?{query}since_seq=1")).await;
            assert_eq!(frames.next().await.unwrap().event.as_deref(), Some("ready"));
            let reset = frames.next().await.unwrap();
            assert_eq!((reset.event.as_deref(), reset.id), (Some("reset"), None));
            assert_eq!(reset.data, json!({"oldest_seq": newest, "snapshot": {"seq": newest - 1, "read": [read]}}));
            assert_eq!(frames.event().await.id, Some(newest));
        }
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_that_cannot_be_are_refused_by_name() {
    let server = TestServer::start(&TestDatabase::sqlite(), CACHE, ServerOptions::default()).await;
    let long = format!("prefix=team/{}", "x".repeat(600));
    let cases = [
        ("since_seq=abc", 422, "since_seq"),
        ("since_seq=-1", 422, "since_seq"),
        ("since_seq=18446744073709551616", 422, "since_seq"),
        ("tail=10001", 422, "tail"),
        ("tail=-1", 422, "tail"),
        ("prefix=teams/", 422, "prefix"),
        ("prefix=team//a", 422, "prefix"),
        ("prefix=team/../a", 422, "prefix"),
        ("prefix=team/a%00", 422, "prefix"),
        ("prefix=", 422, "prefix"),
        (&long, 422, "prefix"),
        ("prefix=team/a&prefix=team/b", 422, "prefix"),
        ("values=maybe", 422, "values"),
        ("limit=0", 422, "limit"),
        ("type=resource.", 422, "type"),
    ];
    for (query, status, field) in cases {
        let refused = server.get(&format!("/resource/events?{query}")).await;
        assert_eq!((refused.status, &refused.body["field"]), (status, &json!(field)), "{query}: {:#}", refused.body);
    }
    for last in ["abc", "-1", "1.5", "99999999999999999999", ""] {
        let request = server.request(Method::GET, "/resource/events", &server.operator).header("last-event-id", last);
        let refused = reply(request).await;
        assert_eq!((refused.status, &refused.body["field"]), (400, &json!("Last-Event-ID")), "{last}");
    }
    assert_eq!(server.ask(Method::GET, "/resource/events", "", Value::Null).await.status, 401);
    // A ticket is as good as the token it was drawn on, and ends with it.
    let viewer = server.token("local", Role::Viewer, "user.vi").await;
    let drawn = server.ask(Method::POST, "/event/ticket", &viewer, Value::Null).await;
    let path = format!("/resource/events?prefix=team/&ticket={}", drawn.body["ticket"].as_str().unwrap());
    let mut frames = Frames::open(server.request(Method::GET, &path, "")).await;
    put(&server, "team/a", json!(1)).await;
    assert_eq!(frames.event().await.data["properties"]["key"], "team/a");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_watches_what_is_its_own_as_long_as_it_is_held() {
    on_both_servers(CACHE, async |server| {
        let body = json!({"title": "t", "work_items": [{"id": "a", "title": "A"}], "start": true});
        let mission = server.post("/mission", body).await.body["mission"]["id"].as_str().unwrap().to_owned();
        let claim =
            json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000, "session_id": "s1"});
        let run = server.post("/runs/claim", claim).await.body["run"].clone();
        let (id, token) = (run["id"].as_str().unwrap(), run["token"].as_str().unwrap());
        let mut all = Frames::open(server.request(Method::GET, "/resource/events", token)).await;
        let mut mine =
            Frames::open(server.request(Method::GET, &format!("/resource/events?prefix=run/{id}/a"), token)).await;
        let refused = server.ask(Method::GET, "/resource/events?prefix=team/", token, Value::Null).await;
        assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN"), "{:#}", refused.body);
        let allowed = json!([format!("mission/{mission}/"), format!("run/{id}/"), "run/s1/"]);
        assert_eq!(refused.body["allowed"], allowed);
        let keys = [
            ("team/a".to_owned(), false),
            (format!("run/{id}/b"), true),
            ("run/s1/c".to_owned(), true),
            ("run/s11/c".to_owned(), false),
            (format!("mission/{mission}/d"), true),
            (format!("run/{id}/a"), true),
        ];
        for (key, _) in &keys {
            put(&server, key, json!(1)).await;
        }
        // The host writes how the session stands in between.
        let mut told = Vec::new();
        while told.len() < 4 {
            let key = all.event().await.data["properties"]["key"].as_str().unwrap().to_owned();
            told.extend(Some(key).filter(|key| !key.ends_with("/status")));
        }
        assert_eq!(told, keys.iter().filter(|(_, is_own)| *is_own).map(|(key, _)| key.clone()).collect::<Vec<_>>());
        assert_eq!(mine.event().await.data["properties"]["key"], format!("run/{id}/a"));
        let end = json!({"status": "succeeded"});
        let finished = server.ask(Method::POST, &format!("/runs/{id}/finish"), token, end).await;
        assert_eq!(finished.status, 200, "{:#}", finished.body);
        for frames in [&mut all, &mut mine] {
            let rest = async { while frames.next().await.is_some() {} };
            tokio::time::timeout(Duration::from_secs(5), rest).await.expect("the stream ends with the lease");
        }
    })
    .await;
}

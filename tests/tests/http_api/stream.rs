//! The event stream: nothing missed, nothing twice, nothing for ever.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::server::{Frame, Frames, ServerOptions, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;
use sluice::http::HttpOptions;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

async fn mission(server: &TestServer, title: &str) -> String {
    let made = server.post("/mission", json!({"title": title, "work_items": [{"id": "a", "title": "A"}]})).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    made.body["mission"]["id"].as_str().expect("a mission has an id").to_owned()
}

async fn follow(server: &TestServer, query: &str) -> Frames {
    Frames::open(server.request(Method::GET, &format!("/event{query}"), &server.operator)).await
}

/// Every event of the log there is.
async fn whole_log(server: &TestServer) -> Vec<Value> {
    let request = server.request(Method::GET, "/event?since_seq=0&limit=500", &server.operator);
    let page = reply(request.header("accept", "application/json")).await;
    assert_eq!(page.status, 200, "{:#}", page.body);
    page.body["items"].as_array().expect("a page has items").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn control_frames_have_names_and_events_have_ids() {
    on_both_servers(CACHE, async |server| {
        let mut live = follow(&server, "").await;
        let ready = live.next().await.expect("a first frame");
        assert_eq!((ready.event.as_deref(), ready.id), (Some("ready"), None));
        let id = mission(&server, "one").await;
        let event = live.event().await;
        assert_eq!(event.event, None);
        assert_eq!(event.data["seq"].as_u64(), event.id);
        assert_eq!(event.data["type"], "mission.created");
        assert_eq!(event.data["mission_id"], id.as_str());
        assert_eq!(event.data["properties"]["work_item_count"], 1);
        server.stop().await;
        while live.next().await.is_some() {}
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_may_begin_anywhere_and_ask_for_less() {
    on_both_servers(CACHE, async |server| {
        let (one, two) = (mission(&server, "one").await, mission(&server, "two").await);
        let log = whole_log(&server).await;
        let seqs = |events: &[Value]| events.iter().filter_map(|event| event["seq"].as_u64()).collect::<Vec<_>>();
        let taken = async |mut frames: Frames, count: usize| {
            let mut got = Vec::new();
            while got.len() < count {
                got.push(frames.event().await.data);
            }
            got
        };
        assert_eq!(taken(follow(&server, "?since_seq=0").await, log.len()).await, log);
        assert_eq!(taken(follow(&server, "?tail=2").await, 2).await, log[log.len() - 2..]);
        let second = seqs(&log)[1];
        // Last-Event-ID wins over everything in the query.
        let request = server.request(Method::GET, "/event?since_seq=0&tail=1", &server.operator);
        let resumed = Frames::open(request.header("last-event-id", second)).await;
        assert_eq!(taken(resumed, log.len() - 2).await, log[2..]);
        let of_two: Vec<Value> = log.iter().filter(|event| event["mission_id"] == two.as_str()).cloned().collect();
        assert_eq!(taken(follow(&server, &format!("?since_seq=0&mission_id={two}")).await, of_two.len()).await, of_two);
        let created = taken(follow(&server, "?since_seq=0&type=mission.cre&type=nothing").await, 2).await;
        assert_eq!(created.iter().map(|event| &event["mission_id"]).collect::<Vec<_>>(), [one.as_str(), two.as_str()]);
        // A list goes on where its page ended.
        let request = server.request(Method::GET, "/event?since_seq=0&limit=1", &server.operator);
        let page = reply(request.header("accept", "application/json")).await;
        assert_eq!(page.body["next_cursor"], seqs(&log)[0].to_string());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_told_as_gone() {
    for database in TestDatabase::each().await {
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        mission(&server, "one").await;
        let log = whole_log(&server).await;
        let newest = log.last().and_then(|event| event["seq"].as_u64()).expect("a log");
        let trim = sluice::store::Write::TrimLog { up_to_seq: newest - 1 };
        let unit = sluice::store::Unit { writes: vec![trim], ..Default::default() };
        server.engine.store().commit(unit).await.expect("the log is trimmed");
        server.stop().await;
        // Another process, which remembers nothing of what is gone.
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let request = server.request(Method::GET, "/event?since_seq=0", &server.operator);
        let page = reply(request.header("accept", "application/json")).await;
        assert_eq!((page.status, page.code(), &page.body["oldest_seq"]), (410, "GONE", &json!(newest)));
        let mut frames = follow(&server, "?since_seq=0").await;
        assert_eq!(frames.next().await.and_then(|frame| frame.event).as_deref(), Some("ready"));
        let reset = frames.next().await.expect("a reset");
        assert_eq!((reset.event.as_deref(), reset.id), (Some("reset"), None));
        assert_eq!(reset.data["oldest_seq"], newest);
        assert_eq!(frames.event().await.id, Some(newest));
        // Whoever has seen more than there is has seen another log.
        let mut ahead = follow(&server, "?since_seq=999999").await;
        let names: Vec<_> = [ahead.next().await, ahead.next().await].into_iter().flatten().map(|f| f.event).collect();
        assert_eq!(names, [Some("ready".to_owned()), Some("reset".to_owned())]);
        mission(&server, "two").await;
        assert_eq!(ahead.event().await.id, Some(newest + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_its_streams_and_tickets_within_a_second() {
    on_both_servers(CACHE, async |server| {
        let viewer = server.token("local", Role::Viewer, "user.vi").await;
        let ticket = server.ask(Method::POST, "/event/ticket", &viewer, Value::Null).await;
        assert_eq!(ticket.status, 201, "{:#}", ticket.body);
        let ticket = ticket.body["ticket"].as_str().expect("a ticket").to_owned();
        let with_ticket = format!("/event?ticket={ticket}");
        // Good for streams, as often as a browser reconnects, and for nothing else.
        let mut streams = vec![Frames::open(server.request(Method::GET, "/event", &viewer)).await];
        for _ in 0..3 {
            streams.push(Frames::open(server.request(Method::GET, &with_ticket, "")).await);
        }
        for path in ["/mission", "/tokens"] {
            let refused = server.ask(Method::GET, &format!("{path}?ticket={ticket}"), "", Value::Null).await;
            assert_eq!(refused.status, 401, "{path}");
            assert_eq!(server.ask(Method::GET, path, &ticket, Value::Null).await.status, 403, "{path} as a bearer");
        }
        let changed = server.ask(Method::GET, &with_ticket.replace("sls_", "slt_"), "", Value::Null).await;
        assert_eq!(changed.code(), "UNAUTHENTICATED");
        let tokens = server.ask(Method::GET, "/tokens", &viewer, Value::Null).await;
        assert_eq!(tokens.body["count"], 1, "everybody sees their own: {:#}", tokens.body);
        let id = tokens.body["items"][0]["id"].as_str().expect("an id").to_owned();
        let revoked = server.ask(Method::DELETE, &format!("/tokens/{id}"), &server.operator, Value::Null).await;
        assert_eq!(revoked.status, 200, "{:#}", revoked.body);
        let ended = async {
            for stream in &mut streams {
                while stream.next().await.is_some() {}
            }
        };
        tokio::time::timeout(Duration::from_secs(3), ended).await.expect("open streams end");
        assert_eq!(server.ask(Method::GET, "/mission", &viewer, Value::Null).await.status, 401);
        assert_eq!(server.ask(Method::GET, &with_ticket, "", Value::Null).await.status, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_has_so_many_streams_and_gets_them_back() {
    let database = TestDatabase::sqlite();
    let http = HttpOptions { streams_per_principal_max: 2, ..HttpOptions::default() };
    let server = TestServer::start(&database, CACHE, ServerOptions { http, ..ServerOptions::default() }).await;
    let (first, _second) = (follow(&server, "").await, follow(&server, "").await);
    let refused = server.get("/event").await;
    assert_eq!((refused.status, refused.code()), (429, "TOO_MANY_STREAMS"));
    assert!(refused.headers.contains_key("retry-after"));
    let other = server.token("local", Role::Viewer, "user.vi").await;
    drop(Frames::open(server.request(Method::GET, "/event", &other)).await);
    drop(first);
    let again = async {
        while server.request(Method::GET, "/event", &server.operator).send().await.is_ok_and(|r| r.status() != 200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), again).await.expect("a closed stream is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_fell_far_behind_misses_nothing() {
    on_both_servers(CACHE, async |server| {
        let mut slow = follow(&server, "?since_seq=0").await;
        let writers = (0..4).map(async |writer| {
            for number in 0..30 {
                mission(&server, &format!("{writer}-{number}")).await;
            }
        });
        futures_util::future::join_all(writers).await;
        let newest = server.engine.store().log_head().await.expect("the log has an end");
        let mut last = 0;
        while last < newest {
            let Frame { id, .. } = slow.event().await;
            assert_eq!(id, Some(last + 1), "one workspace's events are the whole log here");
            last += 1;
        }
    })
    .await;
}

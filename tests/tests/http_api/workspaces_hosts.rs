//! Two hosts share a database: what one binds is in force on the other from that moment, and never half of it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use e2e::databases::TestDatabase;
use e2e::guest::{World, gate_that, plugin};
use e2e::server::{ServerOptions, TestServer};
use reqwest::Method;
use serde_json::json;
use sluice::store::Location;

use super::plugins::install;
use super::workspaces::{bind, mission, pins};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// A pair of components that belong together, installed and asked for.
async fn pair(server: &TestServer, version: &str) -> ([String; 2], serde_json::Value) {
    let flow = plugin(World::Reducer, "flow", version, "spin", &[("rounds", "1")]);
    let flow = install(server, &format!("flow/{version}"), &flow).await;
    let gate = install(server, &format!("lenient/{version}"), &gate_that("pass", "lenient", version)).await;
    let ask = json!({"reducer": {"digest": flow}, "gates": {"review": {"gates": [{"digest": gate}]}}});
    ([flow, gate], ask)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_host_binds_the_other_takes_whole_and_at_once() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let one = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let two = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let (first, ask_first) = pair(&one, "1.0.0").await;
        let (second, ask_second) = pair(&one, "2.0.0").await;
        // The second host never saw these bytes.
        for (pair, ask) in [(&first, &ask_first), (&second, &ask_second), (&first, &ask_first)] {
            bind(&one, ask.clone()).await;
            assert_eq!(pins(&two, &mission(&two).await).await[..2], pair[..], "at once");
        }

        // While bindings are swapped on one, missions are made on both: each is of one pair.
        let over = Arc::new(AtomicBool::new(false));
        let make = async |server: &TestServer| {
            let mut made = Vec::new();
            while !over.load(Ordering::SeqCst) || made.len() < 5 {
                made.push(mission(server).await);
            }
            made
        };
        let swap = async {
            for round in 0..20 {
                bind(&two, if round % 2 == 0 { ask_second.clone() } else { ask_first.clone() }).await;
            }
            over.store(true, Ordering::SeqCst);
        };
        let (made_one, made_two, ()) = tokio::join!(make(&one), make(&two), swap);
        let mut seen = HashSet::new();
        for mission in made_one.iter().chain(&made_two) {
            let pinned: [String; 2] = pins(&one, mission).await[..2].to_vec().try_into().expect("two");
            assert!(pinned == first || pinned == second, "half of each: {pinned:?}");
            seen.insert(pinned);
        }
        assert_eq!(seen.len(), 2, "of {} missions", made_one.len() + made_two.len());

        // Two who change it at once: one is told that the other was faster.
        let newest = one.get("/workspaces/local").await.body["revision"].clone();
        let change = async |server: &TestServer| {
            let body = json!({"bindings": ask_first, "if_match_rev": newest});
            server.ask(reqwest::Method::PUT, "/workspaces/local", &one.operator, body).await.status
        };
        let (a, b) = tokio::join!(change(&one), change(&two));
        assert_eq!([a.min(b), a.max(b)], [200, 409]);
        one.stop().await;
        two.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scrubber_of_a_workspace_is_the_same_on_every_host() {
    for database in TestDatabase::each().await {
        let one = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let two = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let values = [("pages", "4"), ("count", "1"), ("start", "0"), ("end", "3"), ("step", "0"), ("confidence", "1")];
        let scrubber = plugin(World::Scrubber, "pointing", "1.0.0", "redact", &values);
        let digest = install(&one, "pointing/1.0.0", &scrubber).await;
        for _ in 0..5 {
            bind(&one, json!({"scrubber": {"digest": digest}})).await;
            let done = two.post("/memory/scrub", json!({"text": "abcdef"})).await.body;
            assert_eq!((&done["digest"], &done["status"]), (&json!(digest), &json!("redacted")), "{done:#}");
            bind(&one, json!({})).await;
            let done = two.post("/memory/scrub", json!({"text": "abcdef"})).await.body;
            assert_eq!(done["status"], "passed", "{done:#}");
        }
        one.stop().await;
        two.stop().await;
    }
}

/// The file of a blob in a data directory.
fn blob(directory: &std::path::Path, digest: &str) -> std::path::PathBuf {
    directory.join("blobs").join(&digest[..2]).join(&digest[2..])
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_changed_in_storage_are_never_called() {
    for database in TestDatabase::each().await {
        let Location::Sqlite { directory } = &database.location else { continue };
        let one = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let digest = install(&one, "lenient/1.0.0", &gate_that("pass", "lenient", "1.0.0")).await;
        let file = blob(directory, &digest);
        let good = std::fs::read(&file).expect("the bytes are kept");
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        std::fs::write(&file, &bad).expect("write");
        // Another host has to read them.
        let two = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let ask = json!({"bindings": {"gates": {"review": {"gates": [{"digest": digest}]}}}});
        let refused = two.ask(Method::PUT, "/workspaces/local", &two.operator, ask.clone()).await;
        assert_eq!((refused.status, refused.code()), (503, "PLUGIN_FAULT"), "{:#}", refused.body);
        // Nor are other good bytes called in their place.
        std::fs::write(&file, gate_that("fail", "lenient", "1.0.0")).expect("write");
        assert_eq!(two.ask(Method::PUT, "/workspaces/local", &two.operator, ask.clone()).await.status, 503);
        assert_eq!(two.get("/workspaces/local").await.body["revision"], 0, "what was in force is");
        std::fs::write(&file, &good).expect("write");
        assert_eq!(two.ask(Method::PUT, "/workspaces/local", &two.operator, ask).await.status, 200);
        one.stop().await;
        two.stop().await;
    }
}

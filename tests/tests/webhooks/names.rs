//! Names that lead inside.

use e2e::databases::TestDatabase;
use e2e::hooked::{Hooked, ok, text};
use serde_json::json;
use sluice::webhooks::WebhookOptions;

use super::CACHE;

/// `localhost` is a name like any other: it may be named, and what it leads to is looked at when it is reached.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_inside_is_not_connected_to() {
    for database in TestDatabase::each().await {
        let hooked =
            Hooked::start(&database, CACHE, WebhookOptions { allow_private: Vec::new(), allow_http: true }).await;
        ok(hooked.put("/workspaces/local/policy", json!({"preset": "open"})).await);
        let run = hooked.run().await;
        hooked.endpoint("inside", &format!("http://localhost:{}/hook", hooked.receiver.port())).await;
        let id = hooked.allowed(&run, "inside", json!({})).await;
        let failed = hooked.ended(&id, "failed").await;
        let error = text(&failed["last_error"]);
        assert!(error.contains("loopback") && error.contains("do not reach inside"), "{error}");
        hooked.endpoint("nowhere", "http://nobody.invalid/").await;
        let id = hooked.allowed(&run, "nowhere", json!({})).await;
        let waits = hooked.delivery(&id, |one| !one["last_error"].is_null()).await;
        assert_eq!((&waits["status"], &waits["attempts"]), (&json!("pending"), &json!(1)), "{waits:#}");
        assert!(text(&waits["last_error"]).contains("no address"), "{waits:#}");
        assert_eq!(hooked.receiver.connections(), 0);
    }
}

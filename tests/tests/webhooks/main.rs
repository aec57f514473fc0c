//! Outgoing webhooks from outside: operators, a run that asks, and a receiver that checks what it gets. On both
//! databases.

mod approvals;
mod deliveries;
mod endpoints;
mod filter;
mod names;

use std::sync::Arc;

use e2e::databases::TestDatabase;
use e2e::receiver::Receiver;
use e2e::server::{MovedClock, Reply, ServerOptions, TestServer};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;
use sluice::engine::EngineOptions;
use sluice::engine::ports::SharedPostman;
use sluice::webhooks::{Courier, WebhookOptions};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// A server whose webhooks may reach the test's receivers.
struct Hooked {
    server: TestServer,
    clock: MovedClock,
    receiver: Receiver,
}

/// A run that may post.
struct Run {
    id: String,
    token: String,
}

/// Runs `test` on a server over each kind of database. With `open` policy lets runs post by themselves.
async fn on_both(open: bool, test: impl AsyncFn(Hooked)) {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let hooked = Hooked::start(&database, options()).await;
        if open {
            let set = hooked.put("/workspaces/local/policy", json!({"preset": "open"})).await;
            assert_eq!(set.status, 200, "{:#}", set.body);
        }
        test(hooked).await;
    }
}

fn options() -> WebhookOptions {
    let loopback = "127.0.0.1/32".parse().expect("a block");
    WebhookOptions { allow_private: vec![loopback], allow_http: true }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn ok(reply: Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{} {:#}", reply.status, reply.body);
    reply.body
}

impl Hooked {
    async fn start(database: &TestDatabase, options: WebhookOptions) -> Self {
        let postman = SharedPostman(Arc::new(Courier::new(options).expect("a client can be made")));
        let clock = MovedClock::default();
        let engine = EngineOptions { postman: Some(postman), ..EngineOptions::default() };
        let options = ServerOptions { engine, clock: clock.clone(), ..ServerOptions::default() };
        let server = TestServer::start(database, CACHE, options).await;
        Self { server, clock, receiver: Receiver::start().await }
    }

    async fn put(&self, path: &str, body: Value) -> Reply {
        self.server.ask(Method::PUT, path, &self.server.operator, body).await
    }

    /// Sets the endpoint `name` and gives its secret.
    async fn endpoint(&self, name: &str, url: &str) -> String {
        let set = ok(self.put(&format!("/workspaces/local/webhooks/{name}"), json!({"url": url})).await);
        text(&set["secret"])
    }

    async fn run(&self) -> Run {
        self.run_with(json!(["connector.webhook.post"])).await
    }

    async fn run_with(&self, capabilities: Value) -> Run {
        let items = json!([{"id": "a", "title": "A"}]);
        let made = json!({"title": "t", "work_items": items, "capabilities": capabilities, "start": true});
        let mission = ok(self.server.post("/mission", made).await)["mission"]["id"].clone();
        let agent = self.server.token("local", Role::Agent, "agent.a").await;
        let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000});
        let claimed = ok(self.server.ask(Method::POST, "/runs/claim", &agent, claim).await)["run"].clone();
        Run { id: text(&claimed["id"]), token: text(&claimed["token"]) }
    }

    /// Asks to post `body` to the endpoint `to`.
    async fn ask(&self, run: &Run, to: &str, body: Value) -> Value {
        ok(self.ask_with(run, json!({"endpoint": to, "body": body}), None).await)
    }

    async fn ask_with(&self, run: &Run, args: Value, name: Option<&str>) -> Reply {
        let ask = json!({"connector": "webhook", "action": "post", "args": args, "summary": "Tell them"});
        let path = format!("/runs/{}/actions", run.id);
        let mut request = self.server.request(Method::POST, &path, &run.token).json(&ask);
        if let Some(name) = name {
            request = request.header("idempotency-key", name);
        }
        e2e::server::reply(request).await
    }

    /// Asks where policy allows it by itself; the delivery's id.
    async fn allowed(&self, run: &Run, to: &str, body: Value) -> String {
        let decided = self.ask(run, to, body).await;
        assert_eq!(decided["decision"], "allowed", "{decided:#}");
        text(&decided["delivery_id"])
    }

    /// The delivery, once it is as `there` says.
    async fn delivery(&self, id: &str, there: impl Fn(&Value) -> bool) -> Value {
        let of = |list: &Value| list["items"].as_array()?.iter().find(|one| one["id"] == *id).cloned();
        let list =
            self.server.until("/workspaces/local/deliveries", |list| of(list).is_some_and(|one| there(&one))).await;
        of(&list).expect("it was there")
    }

    async fn ended(&self, id: &str, status: &str) -> Value {
        let ended = self.delivery(id, |delivery| delivery["status"] != "pending").await;
        assert_eq!(ended["status"], status, "{ended:#}");
        ended
    }

    /// The log's events of these types.
    async fn told(&self, types: &str) -> Vec<Value> {
        let path = format!("/event?since_seq=0&limit=500&type={types}");
        let request = self.server.request(Method::GET, &path, &self.server.operator);
        let page = e2e::server::reply(request.header("accept", "application/json")).await;
        ok(page)["items"].as_array().expect("events").clone()
    }
}

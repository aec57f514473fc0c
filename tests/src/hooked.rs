//! Webhooks from outside: operators, a run that asks, and a receiver that checks what it gets.

use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;
use sluice::engine::EngineOptions;
use sluice::webhooks::WebhookOptions;

use crate::databases::TestDatabase;
use crate::receiver::Receiver;
use crate::server::{MovedClock, Reply, ServerOptions, TestServer, postman, reply};

/// A server whose webhooks may reach the test's receivers.
pub struct Hooked {
    /// The server.
    pub server: TestServer,
    /// Its clock.
    pub clock: MovedClock,
    /// A receiver of the test's own.
    pub receiver: Receiver,
}

/// A run that may post.
pub struct Run {
    /// Its id.
    pub id: String,
    /// Its token.
    pub token: String,
}

/// Runs `test` on a server over each kind of database. With `open` policy lets runs post by themselves.
pub async fn on_both_hooked(cache: &str, open: bool, test: impl AsyncFn(Hooked)) {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let hooked = Hooked::start(&database, cache, options()).await;
        if open {
            let set = hooked.put("/workspaces/local/policy", json!({"preset": "open"})).await;
            assert_eq!(set.status, 200, "{:#}", set.body);
        }
        test(hooked).await;
    }
}

/// Leave to reach receivers on 127.0.0.1 over plain HTTP.
///
/// # Panics
/// Never.
pub fn options() -> WebhookOptions {
    let loopback = "127.0.0.1/32".parse().expect("a block");
    WebhookOptions { allow_private: vec![loopback], allow_http: true }
}

/// A text of an answer.
///
/// # Panics
/// When it is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// What a request that succeeded was answered.
///
/// # Panics
/// When it did not.
pub fn ok(answer: Reply) -> Value {
    assert!((200..300).contains(&answer.status), "{} {:#}", answer.status, answer.body);
    answer.body
}

impl Hooked {
    /// A server over `database` with a receiver beside it.
    pub async fn start(database: &TestDatabase, cache: &str, options: WebhookOptions) -> Self {
        Self::start_kept(database, cache, options, None).await
    }

    /// The same, where what is over is kept for so long.
    pub async fn start_kept(
        database: &TestDatabase,
        cache: &str,
        options: WebhookOptions,
        log_retention_ms: Option<u64>,
    ) -> Self {
        let clock = MovedClock::default();
        let engine = EngineOptions { postman: Some(postman(options)), log_retention_ms, ..EngineOptions::default() };
        let options = ServerOptions { engine, clock: clock.clone(), ..ServerOptions::default() };
        let server = TestServer::start(database, cache, options).await;
        Self { server, clock, receiver: Receiver::start().await }
    }

    /// Puts, as the operator.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.server.ask(Method::PUT, path, &self.server.operator, body).await
    }

    /// Sets the endpoint `name` and gives its secret.
    pub async fn endpoint(&self, name: &str, url: &str) -> String {
        let set = ok(self.put(&format!("/workspaces/local/webhooks/{name}"), json!({"url": url})).await);
        text(&set["secret"])
    }

    /// A run of an agent that may post.
    pub async fn run(&self) -> Run {
        self.run_with(json!(["connector.webhook.post"])).await
    }

    /// A run of an agent with these capabilities.
    pub async fn run_with(&self, capabilities: Value) -> Run {
        let items = json!([{"id": "a", "title": "A"}]);
        let made = json!({"title": "t", "work_items": items, "capabilities": capabilities, "start": true});
        let mission = ok(self.server.post("/mission", made).await)["mission"]["id"].clone();
        let agent = self.server.token("local", Role::Agent, "agent.a").await;
        let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000});
        let claimed = ok(self.server.ask(Method::POST, "/runs/claim", &agent, claim).await)["run"].clone();
        Run { id: text(&claimed["id"]), token: text(&claimed["token"]) }
    }

    /// Asks to post `body` to the endpoint `to`.
    pub async fn ask(&self, run: &Run, to: &str, body: Value) -> Value {
        ok(self.ask_with(run, json!({"endpoint": to, "body": body}), None).await)
    }

    /// Asks to post, under a name of its own where one is given.
    pub async fn ask_with(&self, run: &Run, args: Value, name: Option<&str>) -> Reply {
        let ask = json!({"connector": "webhook", "action": "post", "args": args, "summary": "Tell them"});
        let path = format!("/runs/{}/actions", run.id);
        let mut request = self.server.request(Method::POST, &path, &run.token).json(&ask);
        if let Some(name) = name {
            request = request.header("idempotency-key", name);
        }
        reply(request).await
    }

    /// Asks where policy allows it by itself; the delivery's id.
    pub async fn allowed(&self, run: &Run, to: &str, body: Value) -> String {
        let decided = self.ask(run, to, body).await;
        assert_eq!(decided["decision"], "allowed", "{decided:#}");
        text(&decided["delivery_id"])
    }

    /// The delivery, once it is as `there` says.
    pub async fn delivery(&self, id: &str, there: impl Fn(&Value) -> bool) -> Value {
        let of = |list: &Value| list["items"].as_array()?.iter().find(|one| one["id"] == *id).cloned();
        let list =
            self.server.until("/workspaces/local/deliveries", |list| of(list).is_some_and(|one| there(&one))).await;
        of(&list).expect("it was there")
    }

    /// The delivery, once it is over as `status` says.
    ///
    /// # Panics
    /// When it ends otherwise.
    pub async fn ended(&self, id: &str, status: &str) -> Value {
        let ended = self.delivery(id, |delivery| delivery["status"] != "pending").await;
        assert_eq!(ended["status"], status, "{ended:#}");
        ended
    }

    /// The log's events of these types.
    pub async fn told(&self, types: &str) -> Vec<Value> {
        let path = format!("/event?since_seq=0&limit=500&type={types}");
        let request = self.server.request(Method::GET, &path, &self.server.operator);
        let page = reply(request.header("accept", "application/json")).await;
        ok(page)["items"].as_array().expect("events").clone()
    }
}

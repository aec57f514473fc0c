//! The whole program: webhooks set by command, a server that is killed between permission and delivery and in the
//! middle of an attempt, and nothing lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use e2e::binary::{Binary, Process};
use e2e::postgres;
use e2e::receiver::{Answer, Receiver};
use reqwest::Client;
use rustix::process::Signal;
use serde_json::{Value, json};

/// Times the server is killed right after it allowed something.
const KILLS: usize = 4;
/// Longest the whole may take: an attempt that was cut short is made again after 20 s.
const PATIENCE: Duration = Duration::from_mins(3);

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

struct Served {
    sluice: Binary,
    process: Process,
    base: String,
    token: String,
    http: Client,
}

impl Served {
    fn start(sluice: Binary) -> Self {
        sluice::client::ready_tls();
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        let (process, base, token) = serve(&sluice);
        Self { sluice, process, base, token, http }
    }

    /// Kills it as it stands, and starts it again.
    fn kill(self) -> Self {
        let Self { sluice, process, http, .. } = self;
        process.signal(Signal::KILL);
        process.wait();
        let (process, base, token) = serve(&sluice);
        Self { sluice, process, base, token, http }
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(token).json(&body);
        let response = request.send().await.expect("the server answers");
        let (status, body) = (response.status(), response.json::<Value>().await.expect("JSON"));
        assert!(status.is_success(), "{path}: {status} {body:#}");
        body
    }

    /// Waits until exactly these are delivered, by what the host says of them.
    async fn until_delivered(&self, asked: &BTreeSet<String>) {
        loop {
            let list = self.sluice.ok(&["webhook", "deliveries", "--status", "delivered"]);
            let items = list["items"].as_array().expect("items").iter();
            let delivered: BTreeSet<_> = items.map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
            if delivered == *asked {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Has a new run ask; the delivery's id.
    async fn ask(&self, n: usize) -> String {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let items = json!([{"id": "a", "title": "A"}]);
        let made =
            json!({"title": "t", "work_items": items, "capabilities": ["connector.webhook.post"], "start": true});
        let mission = self.post("/mission", &self.token, made).await["mission"]["id"].clone();
        let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000});
        let run = self.post("/runs/claim", &self.token, claim).await["run"].clone();
        let args = json!({"endpoint": "ops", "body": {"n": n}});
        let ask = json!({"connector": "webhook", "action": "post", "args": args, "summary": "Tell them"});
        let path = format!("/runs/{}/actions", text(&run["id"]));
        let decided = self.post(&path, &text(&run["token"]), ask).await;
        assert_eq!(decided["decision"], "allowed", "{decided:#}");
        text(&decided["delivery_id"])
    }
}

fn serve(sluice: &Binary) -> (Process, String, String) {
    let mut command = sluice.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("SLUICE_WEBHOOK_ALLOW_PRIVATE", "127.0.0.1/32").env("SLUICE_WEBHOOK_ALLOW_HTTP", "true");
    // Nobody listens there: whoever believed in it would deliver nothing.
    for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(proxy, "http://127.0.0.1:1");
    }
    let mut process = sluice.start_command(command);
    process.wait_for("listening on http://");
    let read = |name: &str| std::fs::read_to_string(sluice.data().join(name)).expect("the server wrote it");
    let record: Value = serde_json::from_str(&read("server.json")).expect("JSON");
    let base = record["url"].as_str().expect("an address").to_owned();
    (process, base, read("operator.token").trim().to_owned())
}

async fn survive(sluice: Binary) {
    let receiver = Receiver::start().await;
    let mut served = Served::start(sluice);
    served.sluice.ok(&["policy", "set", "--preset", "open"]);
    let set = served.sluice.ok(&["webhook", "set", "ops", &receiver.url()]);
    let secret = set["secret"].as_str().expect("it was made").to_owned();
    let mut asked = BTreeSet::new();
    for n in 0..KILLS {
        asked.insert(served.ask(n).await);
        served = served.kill();
    }
    // And one in the middle of an attempt: the receiver has it, and nobody hears of its answer.
    served.until_delivered(&asked).await;
    receiver.answer([Answer::Silence]);
    let cut = served.ask(KILLS).await;
    receiver.until_id(&BTreeSet::from([cut.clone()])).await;
    served = served.kill();
    asked.insert(cut.clone());
    served.until_delivered(&asked).await;
    let mut bodies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let got = receiver.got();
    for one in &got {
        assert!(one.is_signed_with(&secret), "{one:#?}");
        bodies.entry(one.header("webhook-id").to_owned()).or_default().insert(one.body.clone());
    }
    assert_eq!(bodies.keys().cloned().collect::<BTreeSet<_>>(), asked, "all of them, and nothing else");
    assert!(bodies.values().all(|bodies| bodies.len() == 1), "one id is one body: {bodies:#?}");
    let twice = got.iter().filter(|one| one.header("webhook-id") == cut).count();
    assert_eq!(twice, 2, "what nobody reported on is sent again");
    assert_eq!(served.sluice.ok(&["verify"])["broken"], Value::Null);
    served.process.signal(Signal::TERM);
    assert_eq!(served.process.wait().code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_that_was_allowed_is_lost_across_kills() {
    tokio::time::timeout(PATIENCE, survive(binary())).await.expect("it takes half a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_on_postgres() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.create_database().await;
    tokio::time::timeout(PATIENCE, survive(binary().on_database(url))).await.expect("it takes half a minute");
}

#[test]
fn webhooks_are_set_shown_and_deleted_by_command() {
    let sluice = binary();
    // On a directory that nobody serves only what everybody may reach can be named.
    sluice.refused(&["webhook", "set", "ops", "http://127.0.0.1/"], 2, "webhook_allow_http");
    sluice.refused(&["webhook", "set", "ops", "https://127.1/"], 2, "loopback");
    sluice.refused(&["webhook", "set", "ops"], 2, "url: is missing");
    let shown = sluice.run(&["webhook", "set", "ops", "https://hooks.example.org/a"]);
    assert!(shown.stdout.starts_with("whsec_") && shown.stdout.trim().len() == 50, "the secret alone: {shown:#?}");
    assert!(
        shown.stderr.contains("the only time") && shown.stderr.contains("https://hooks.example.org/a"),
        "{shown:#?}"
    );
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let file = sluice.file("secret", &format!("{own}\n")).display().to_string();
    let set = sluice.ok(&["webhook", "set", "ops", "--secret-file", &file, "--disable", "--if-revision", "1"]);
    assert_eq!((&set["secret"], &set["is_enabled"], &set["revision"]), (&Value::Null, &json!(false), &json!(2)));
    sluice.refused(&["webhook", "set", "ops", "--enable", "--if-revision", "1"], 1, "revision");
    sluice.refused(&["webhook", "set", "ops", "--secret-file", "/no/such"], 2, "failed to read");
    let shown = sluice.shown(&["webhook", "ls"]);
    assert!(shown.contains("ops") && shown.contains("disabled") && !shown.contains("whsec_"), "{shown}");
    assert_eq!(sluice.ok(&["webhook", "ls"])["count"], 1);
    assert_eq!(sluice.shown(&["webhook", "deliveries"]), "no deliveries\n");
    assert_eq!(sluice.ok(&["webhook", "deliveries", "--webhook", "ops", "--status", "failed"])["count"], 0);
    assert_eq!(sluice.ok(&["webhook", "rm", "ops"])["revision"], 3);
    assert_eq!(sluice.shown(&["webhook", "ls"]), "no webhooks\n");
    sluice.refused(&["webhook", "rm", "ops"], 2, "there is no webhook `ops`");
}

//! Missions made from a template, by name.

use std::sync::Arc;

use e2e::databases::TestDatabase;
use e2e::scratch::Scratch;
use e2e::server::{ServerOptions, TestServer};
use serde_json::{Value, json};
use sluice::engine::EngineOptions;
use sluice::templates::TemplateDir;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

const REVIEW: &str = r#"{"title": "Review", "goal": "Review {{branch}}", "budgets": {"max_steps": 4},
    "work_items": [{"id": "read", "title": "Read {{branch}}"}, {"id": "tell", "title": "Tell", "depends_on": ["read"]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_mission_is_made_of_what_its_entrypoint_names() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let scratch = Scratch::new("templates");
        std::fs::write(scratch.path().join("review.json"), REVIEW).expect("a file of the case");
        let templates = Some(Arc::new(TemplateDir::new(scratch.path().to_owned())) as _);
        let engine = EngineOptions { templates, ..EngineOptions::default() };
        let server = TestServer::start(&database, CACHE, ServerOptions { engine, ..Default::default() }).await;
        let made = async |body: Value| {
            let reply = server.post("/mission", body).await;
            assert_eq!(reply.status, 201, "{:#}", reply.body);
            let id = reply.body["mission"]["id"].as_str().expect("an id").to_owned();
            server.get(&format!("/mission/{id}")).await.body["mission"].clone()
        };
        let titles = |mission: &Value| {
            let items = mission["work_items"].as_array().expect("items");
            items.iter().map(|item| item["title"].as_str().expect("a title").to_owned()).collect::<Vec<_>>()
        };

        let args = json!({"branch": "main"});
        let whole = made(json!({"title": "Mine", "entrypoint": "review", "args": args, "metadata": {"x": 1}})).await;
        assert_eq!(
            (&whole["title"], &whole["goal"], &whole["entrypoint"]),
            (&json!("Mine"), &json!("Review main"), &json!("review"))
        );
        assert_eq!(
            (titles(&whole), &whole["budgets"]["max_steps"]),
            (vec!["Read main".to_owned(), "Tell".to_owned()], &json!(4))
        );
        assert_eq!((&whole["metadata"]["args"], &whole["metadata"]["x"]), (&args, &json!(1)));
        assert_eq!(whole["metadata"]["template"]["name"], "review");
        let own = json!({"title": "Mine", "goal": "g", "entrypoint": "review", "args": args, "work_items": [{"title": "Other"}]});
        let own = made(own).await;
        assert_eq!((&own["goal"], titles(&own)), (&json!("g"), vec!["Other".to_owned()]));
        let refused = server.post("/mission", json!({"title": "Mine", "entrypoint": "review"})).await;
        assert_eq!((refused.status, &refused.body["field"]), (422, &json!("entrypoint")), "{:#}", refused.body);
        let detail = refused.body["detail"].as_str().expect("a detail");
        assert!(detail.contains("goal: `{{branch}}` is unknown; there are no arguments"), "{detail}");

        let run = made(json!({"title": "One", "entrypoint": "run", "args": {"prompt": "Look at it"}})).await;
        assert_eq!(
            (&run["work_items"][0]["detail"], &run["work_items"][0]["gates"]),
            (&json!("Look at it"), &json!({}))
        );
        let refused = server.post("/mission", json!({"title": "One", "entrypoint": "run"})).await;
        assert_eq!((refused.status, &refused.body["field"]), (422, &json!("args.prompt")), "{:#}", refused.body);
        let sent = made(json!({"title": "Send", "entrypoint": "connector.mail.send", "args": {"to": "ann"}})).await;
        assert_eq!(sent["capabilities"], json!(["connector.mail.send"]));
        // Any other text is a label, as is `run` beside items.
        let label = made(json!({"title": "L", "entrypoint": "mission.default", "work_items": [{"title": "A"}]})).await;
        assert_eq!((&label["entrypoint"], titles(&label)), (&json!("mission.default"), vec!["A".to_owned()]));
        let label = made(json!({"title": "L", "entrypoint": "run", "work_items": [{"title": "A"}]})).await;
        assert_eq!(titles(&label), ["A"]);
        server.stop().await;
    }
}

//! Routines whose entrypoint names a mission template: read as it is when they fire, bound by its digest.

use std::path::Path;
use std::sync::Arc;

use e2e::engine::TestEngine;
use e2e::routines::{MINUTE, PERSON, create, look, on_both_routines, settings, told};
use e2e::scratch::Scratch;
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::domain::id::RoutineId;
use sluice::domain::json::Json;
use sluice::domain::mission::Mission;
use sluice::domain::routine::{Occurrence, OccurrenceState, Overlap, RoutineSettings};
use sluice::engine::{Engine, EngineError, EngineOptions, NewRoutine, ResumeMissed, RoutineChange};
use sluice::templates::TemplateDir;

fn of(entrypoint: &Value, args: &Value) -> RoutineSettings {
    RoutineSettings {
        entrypoint: Json::from_valid(entrypoint.to_string()),
        args: Json::from_valid(args.to_string()),
        overlap: Overlap::Allow { max: 100 },
        ..settings("* * * * *")
    }
}

fn write(directory: &Path, name: &str, text: &str) -> Digest {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("a directory of the case");
    std::fs::write(path, text).expect("a file of the case");
    Digest::of(text.as_bytes())
}

/// Fires a minute later; the run that came of it, and its mission.
async fn fire(host: &TestEngine, engine: &Engine, id: &str) -> (Occurrence, Option<Mission>) {
    host.clock.pass(MINUTE);
    look(engine).await;
    let run = e2e::routines::occurrences(engine, id).await.pop().expect("it fired");
    let mission = match &run.mission_id {
        Some(id) => engine.store().mission(&Engine::local_workspace(), id).await.expect("it can be read"),
        None => None,
    };
    (run, mission)
}

async fn refused(engine: &Engine, settings: RoutineSettings) -> String {
    let new = NewRoutine {
        workspace_id: &Engine::local_workspace(),
        id: None,
        settings,
        enabled: true,
        by: PERSON,
        maker: PERSON.into(),
        receipt: None,
    };
    match engine.create_routine(new).await {
        Err(EngineError::Field(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn change(engine: &Engine, id: &str, settings: RoutineSettings) -> Result<(), EngineError> {
    let change = RoutineChange {
        settings: Some(settings),
        status: None,
        status_reason: None,
        resume_missed: ResumeMissed::Skip,
        if_revision: None,
        by: PERSON,
        receipt: None,
    };
    engine.change_routine(&Engine::local_workspace(), &RoutineId::new(id), change).await.map(drop)
}

const NIGHTLY: &str = r#"{"title": "Nightly of {{team}}", "goal": "Written for {{scheduled_at}}",
    "work_items": [{"id": "a", "title": "Look"}, {"title": "Tell {{args.team}}", "depends_on": ["a"]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_read_as_it_fires_and_bound_by_its_digest() {
    on_both_routines(async |host| {
        let scratch = Scratch::new("templates");
        let directory = scratch.path();
        let templates = Some(Arc::new(TemplateDir::new(directory.to_owned())) as _);
        let engine = &host.another_with(EngineOptions { templates, ..EngineOptions::default() }).await;
        let (name, args) = (json!("nightly"), json!({"team": "core"}));

        // A text that names nothing yet is a prompt, and stays one.
        create(engine, "prompt", of(&name, &args)).await;
        let digest = write(directory, "nightly.json", NIGHTLY);
        let routine = create(engine, "r", of(&name, &args)).await;
        assert_eq!((routine.template, routine.external_side_effects), (Some(digest.clone()), false));
        let refusal = refused(engine, of(&name, &json!({}))).await;
        assert_eq!(refusal, "entrypoint: template `nightly`: title: `{{team}}` is unknown; there are `scheduled_at`");
        let refusal = refused(engine, of(&json!({"template": "weekly"}), &args)).await;
        assert!(refusal.starts_with("entrypoint: there is no template `weekly`; put `weekly.json`"), "{refusal}");
        let refusal = refused(engine, of(&json!({"template": "../nightly"}), &args)).await;
        assert!(refusal.contains("is no template's name"), "{refusal}");
        write(directory, "broken.toml", "title = ");
        let refusal = refused(engine, of(&json!("broken"), &args)).await;
        assert!(refusal.starts_with("entrypoint: template `broken.toml` is not TOML"), "{refusal}");

        let (run, mission) = fire(&host, engine, "r").await;
        let mission = mission.expect("a mission");
        assert_eq!((run.state, run.template.clone()), (OccurrenceState::Queued, Some(digest.clone())));
        assert_eq!((mission.title.as_str(), mission.entrypoint.as_deref()), ("Nightly of core", Some("nightly")));
        assert_eq!(mission.goal, format!("Written for {}", run.local));
        let metadata: Value = serde_json::from_str(mission.metadata.as_str()).expect("JSON");
        assert_eq!(metadata["template"], json!({"name": "nightly", "digest": digest.as_str()}));
        assert_eq!((&metadata["args"], &metadata["routine"]["routine_id"]), (&args, &json!("r")));
        let prompt = e2e::routines::occurrences(engine, "prompt").await.pop().expect("it fired too");
        assert_eq!(prompt.template, None);

        // What it says now is what is done now; a workspace's own comes first.
        let own = write(directory, "local/nightly.toml", "title = 'Own of {{team}}'\n[[work_items]]\ntitle = 'Look'");
        let (run, mission) = fire(&host, engine, "r").await;
        assert_eq!((run.template, mission.expect("a mission").title.as_str()), (Some(own), "Own of core"));

        what_can_no_longer_be_made_fails(&host, engine, directory).await;
        what_reaches_outside_meanwhile_is_asked_for(&host, engine, directory).await;
        engine.store().close().await;
    })
    .await;
}

async fn what_can_no_longer_be_made_fails(host: &TestEngine, engine: &Engine, directory: &Path) {
    write(directory, "local/nightly.toml", "title = 'For {{who}}'");
    let (run, mission) = fire(host, engine, "r").await;
    let why = "no mission can be made of it: entrypoint: template `nightly`: title: `{{who}}` is unknown";
    assert!(run.reason.as_deref().is_some_and(|reason| reason.starts_with(why)), "{run:?}");
    assert_eq!((run.state, mission), (OccurrenceState::Failed, None));
    let events = told(engine).await;
    assert!(events.contains(&("routine.updated".to_owned(), "run_failed".to_owned())), "{events:?}");
    for file in ["local/nightly.toml", "nightly.json"] {
        std::fs::remove_file(directory.join(file)).expect("it is there");
    }
    let (run, _) = fire(host, engine, "r").await;
    assert!(run.reason.is_some_and(|reason| reason.contains("there is no template `nightly`")));
    // It does not become a prompt, whatever else of the routine is changed.
    let renamed = RoutineSettings { name: "Renamed".to_owned(), ..of(&json!("nightly"), &json!({"team": "core"})) };
    let refused = change(engine, "r", renamed).await;
    assert!(matches!(refused, Err(EngineError::Field(error)) if error.field == "entrypoint"));
}

async fn what_reaches_outside_meanwhile_is_asked_for(host: &TestEngine, engine: &Engine, directory: &Path) {
    let outside = r#"{"title": "T", "capabilities": ["connector.mail.send"], "work_items": [{"title": "Send"}]}"#;
    let digest = write(directory, "nightly.json", outside);
    let (run, mission) = fire(host, engine, "r").await;
    assert_eq!((run.state, mission), (OccurrenceState::Blocked, None), "the routine was saved without such effects");
    let allowed = of(&json!("nightly"), &json!({"team": "core"}));
    let allowed = RoutineSettings { external_integrations_allowed: true, ..allowed };
    change(engine, "r", allowed).await.expect("a person allows it");
    let (run, mission) = fire(host, engine, "r").await;
    assert_eq!((run.state, run.template), (OccurrenceState::ApprovalRequired, Some(digest.clone())));
    assert_eq!(mission.map(|mission| mission.status), Some(sluice::domain::mission::MissionStatus::Draft));
    let approval = run.approval_id.expect("a question");
    let approval = engine.store().approval(&approval).await.expect("read").expect("there");
    assert!(approval.content.as_str().contains(digest.as_str()), "{}", approval.content.as_str());
}

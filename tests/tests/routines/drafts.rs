//! What may be saved, by whom, and what is refused by name.

use e2e::routines::{AGENT, PERSON, create, create_by, on_both_routines, settings};
use sluice::domain::id::RoutineId;
use sluice::domain::json::Json;
use sluice::domain::routine::{Misfire, Overlap, Routine, RoutineSettings, RoutineStatus, ScheduleSpec};
use sluice::domain::time::Timestamp;
use sluice::engine::{Engine, EngineError, NewRoutine, ResumeMissed, RoutineActor, RoutineChange};

fn change(settings: Option<RoutineSettings>, status: Option<RoutineStatus>, by: RoutineActor<'_>) -> RoutineChange<'_> {
    let resume_missed = ResumeMissed::Skip;
    RoutineChange { settings, status, status_reason: None, resume_missed, if_revision: None, by, receipt: None }
}

async fn try_change(engine: &Engine, id: &str, change: RoutineChange<'_>) -> Result<Routine, EngineError> {
    engine.change_routine(&Engine::local_workspace(), &RoutineId::new(id), change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_makes_is_a_draft_until_a_person_enables_it() {
    on_both_routines(async |host| {
        let engine = &host.engine;
        let draft = create_by(engine, "draft", settings("* * * * *"), AGENT).await;
        assert_eq!((draft.status, draft.next_fire_at), (RoutineStatus::Disabled, None));
        let enable = try_change(engine, "draft", change(None, Some(RoutineStatus::Enabled), AGENT)).await;
        assert!(matches!(enable, Err(EngineError::RoutineDraft { member: "status" })), "{enable:?}");
        for (member, loosened) in [
            (
                "external_integrations_allowed",
                RoutineSettings { external_integrations_allowed: true, ..settings("* * * * *") },
            ),
            ("requires_approval", RoutineSettings { requires_approval: false, ..settings("* * * * *") }),
        ] {
            let refused = try_change(engine, "draft", change(Some(loosened.clone()), None, AGENT)).await;
            assert!(matches!(refused, Err(EngineError::RoutineDraft { member: m }) if m == member), "{refused:?}");
            let new = NewRoutine {
                workspace_id: &Engine::local_workspace(),
                id: None,
                settings: loosened,
                enabled: true,
                by: AGENT,
                maker: AGENT.into(),
                receipt: None,
            };
            assert!(
                matches!(engine.create_routine(new).await, Err(EngineError::RoutineDraft { member: m }) if m == member)
            );
        }
        let enabled = try_change(engine, "draft", change(None, Some(RoutineStatus::Enabled), PERSON)).await.unwrap();
        assert!(enabled.next_fire_at.is_some());
        let entrypoint = Json::from_valid(r#""Something else""#);
        let other = RoutineSettings { entrypoint, ..settings("* * * * *") };
        let edited = try_change(engine, "draft", change(Some(other), None, AGENT)).await.unwrap();
        assert_eq!((edited.status, edited.edition), (RoutineStatus::Disabled, 2), "an agent's change is a draft again");
        let paused = try_change(engine, "draft", change(None, Some(RoutineStatus::Paused), AGENT)).await.unwrap();
        assert_eq!(paused.status, RoutineStatus::Paused, "an agent may stop things");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_name() {
    on_both_routines(async |host| {
        let engine = &host.engine;
        create(engine, "taken", settings("* * * * *")).await;
        let base = || settings("0 0 * * *");
        let cases: Vec<(&str, RoutineSettings)> = vec![
            ("name", RoutineSettings { name: " ".to_owned(), ..base() }),
            ("misfire_policy.max_runs", RoutineSettings { misfire: Misfire::CatchUp { max_runs: 0 }, ..base() }),
            (
                "misfire_policy.max_runs",
                RoutineSettings { misfire: Misfire::CatchUp { max_runs: 1_000_000_000 }, ..base() },
            ),
            ("misfire_policy.grace_ms", RoutineSettings { misfire: Misfire::Skip { grace_ms: u64::MAX }, ..base() }),
            ("misfire_policy.window_ms", RoutineSettings { misfire: Misfire::RunOnce { window_ms: 0 }, ..base() }),
            ("queue_max", RoutineSettings { overlap: Overlap::Queue { max: 0 }, ..base() }),
            ("allow_max", RoutineSettings { overlap: Overlap::Allow { max: 101 }, ..base() }),
            ("pause_after_failures", RoutineSettings { pause_after_failures: Some(0), ..base() }),
            ("schedule", RoutineSettings { schedule: ScheduleSpec::Once { at: Timestamp(1) }, ..base() }),
            ("schedule", RoutineSettings { ends_at: Some(Timestamp(5)), ..base() }),
            ("entrypoint", RoutineSettings { entrypoint: Json::from_valid(r#""a\u0000b""#), ..base() }),
            ("entrypoint.run.prompt", RoutineSettings { entrypoint: Json::from_valid(r#""{{args.who}}""#), ..base() }),
        ];
        let new = |id: &str, settings| NewRoutine {
            workspace_id: Box::leak(Box::new(Engine::local_workspace())),
            id: Some(RoutineId::new(id)),
            settings,
            enabled: true,
            by: PERSON,
            maker: PERSON.into(),
            receipt: None,
        };
        for (field, settings) in cases {
            match engine.create_routine(new("bad", settings.clone())).await {
                Err(EngineError::Field(error)) => assert_eq!(error.field, field, "{settings:?}"),
                other => panic!("{field}: {other:?}"),
            }
        }
        for settings in [
            settings("0 0 30 2 *"),
            settings("61 * * * *"),
            RoutineSettings { timezone: "Europe/Atlantis".to_owned(), ..base() },
            RoutineSettings { schedule: ScheduleSpec::Interval { every_ms: 0, anchor: None }, ..base() },
            RoutineSettings { starts_at: Some(Timestamp(9)), ends_at: Some(Timestamp(8)), ..base() },
            RoutineSettings { jitter_ms: u64::MAX, ..base() },
            RoutineSettings { exclude: vec!["2026-02-30".to_owned()], ..base() },
        ] {
            let refused = engine.create_routine(new("bad", settings)).await;
            assert!(matches!(refused, Err(EngineError::RoutineSchedule { .. })), "{refused:?}");
        }
        let refused = engine.create_routine(new("taken", base())).await;
        assert!(matches!(refused, Err(EngineError::RoutineTaken { .. })), "{refused:?}");
        let refused = engine.create_routine(new("preview", base())).await;
        assert!(matches!(&refused, Err(EngineError::Field(error)) if error.field == "id"), "{refused:?}");
        let mut stale = change(None, Some(RoutineStatus::Paused), PERSON);
        stale.if_revision = Some(9);
        let refused = try_change(engine, "taken", stale).await;
        assert!(matches!(refused, Err(EngineError::Revision { expected: 9, current: 1 })), "{refused:?}");
        let refused = try_change(engine, "nobody", change(None, None, PERSON)).await;
        assert!(matches!(refused, Err(EngineError::NotFound { what: "routine", .. })), "{refused:?}");
    })
    .await;
}

//! Nothing reaches the outside world unasked: blocked, or one yes for one occurrence.

use e2e::engine::TestEngine;
use e2e::routines::{HOUR, create, look, occurrences, on_both_routines, routine, settings, states, told, work};
use serde_json::Map;
use sluice::domain::approval::{Approval, ApprovalStatus};
use sluice::domain::event::InputKind;
use sluice::domain::id::RoutineId;
use sluice::domain::json::Json;
use sluice::domain::mission::MissionStatus;
use sluice::domain::routine::{Occurrence, OccurrenceState, Overlap, RoutineSettings};
use sluice::engine::{Decision, Engine, EngineError, FinishStatus, RoutineChange, RunNow};

use e2e::routines::PERSON;

/// A routine that sends mail, when it may.
fn sends_mail(allowed: bool) -> RoutineSettings {
    RoutineSettings {
        entrypoint: Json::from_valid(r#""connector.mail.send""#),
        args: Json::from_valid(r#"{"to":"team@example.org"}"#),
        external_integrations_allowed: allowed,
        overlap: Overlap::Allow { max: 10 },
        ..settings("0 * * * *")
    }
}

async fn pending(host: &TestEngine) -> Vec<Approval> {
    let store = host.engine.store();
    let found = store.approvals(&Engine::local_workspace(), None, Some(ApprovalStatus::Pending), None, 100).await;
    found.expect("they can be read")
}

async fn fire(host: &TestEngine) -> Occurrence {
    host.clock.pass(HOUR);
    look(&host.engine).await;
    e2e::routines::catch_up(&host.engine).await;
    occurrences(&host.engine, "mail").await.pop().expect("it fired")
}

async fn decide(host: &TestEngine, run: &Occurrence, decision: Decision) -> Result<Occurrence, EngineError> {
    host.engine.decide_occurrence(&Engine::local_workspace(), &run.id, decision, "user.bob", None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_reach_the_outside_world_is_blocked() {
    on_both_routines(async |host| {
        let made = create(&host.engine, "mail", sends_mail(false)).await;
        assert!(made.external_side_effects);
        let run = fire(&host).await;
        assert_eq!((run.state, run.mission_id.clone()), (OccurrenceState::Blocked, None));
        let ask = RunNow { force: true, reason: None, by: PERSON, receipt: None };
        let asked = host.engine.run_routine_now(&Engine::local_workspace(), &RoutineId::new("mail"), ask).await;
        assert!(matches!(asked, Err(EngineError::RoutineBlocked { .. })), "{asked:?}");
        assert_eq!(states(&host.engine, "mail").await, [OccurrenceState::Blocked; 2]);
        let blocked = told(&host.engine).await.into_iter().filter(|(kind, _)| kind == "routine.blocked");
        assert_eq!(blocked.count(), 2);
        assert_eq!(e2e::routines::missions(&host.engine, MissionStatus::Draft).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_starts_this_occurrence_and_no_other() {
    on_both_routines(async |host| {
        create(&host.engine, "mail", sends_mail(true)).await;
        let first = fire(&host).await;
        let second = fire(&host).await;
        assert_eq!(states(&host.engine, "mail").await, [OccurrenceState::ApprovalRequired; 2]);
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 0, "nothing runs unasked");
        let questions = pending(&host).await;
        assert_eq!(questions.len(), 2);
        assert_ne!(questions[0].content_digest, questions[1].content_digest, "each is about its own");
        let content = questions[0].content.as_str();
        for part in ["team@example.org", "connector.mail.send", first.id.as_str(), first.slot.as_str()] {
            assert!(content.contains(part), "{part} in {content}");
        }

        let mission = second.mission_id.clone().expect("it has a mission");
        let workspace = Engine::local_workspace();
        let started = host.engine.post_event(&workspace, &mission, InputKind::MissionStarted, Map::new(), "user.eve");
        assert!(matches!(started.await, Err(EngineError::RoutineApproval { .. })), "nobody goes round it");

        let granted = decide(&host, &first, Decision::Grant).await.expect("a yes");
        assert_eq!(granted.state, OccurrenceState::Queued);
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1);
        look(&host.engine).await;
        assert_eq!(states(&host.engine, "mail").await, [OccurrenceState::Succeeded, OccurrenceState::ApprovalRequired]);
        for decision in [Decision::Grant, Decision::Deny] {
            let again = decide(&host, &first, decision).await;
            assert!(matches!(again, Err(EngineError::RunState { .. })), "{again:?}");
        }
        let denied = decide(&host, &second, Decision::Deny).await.expect("a no");
        assert_eq!(denied.state, OccurrenceState::Denied);
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 0);
        look(&host.engine).await;
        assert_eq!(host.status(&mission).await, MissionStatus::Canceled);
        assert_eq!(states(&host.engine, "mail").await[1], OccurrenceState::Denied);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_what_changed_meanwhile_is_none() {
    on_both_routines(async |host| {
        create(&host.engine, "mail", sends_mail(true)).await;
        let run = fire(&host).await;
        let args = Json::from_valid(r#"{"to":"everybody@example.org"}"#);
        let change = RoutineChange {
            settings: Some(RoutineSettings { args, ..sends_mail(true) }),
            status: None,
            status_reason: None,
            resume_missed: sluice::engine::ResumeMissed::Skip,
            if_revision: None,
            by: PERSON,
            receipt: None,
        };
        host.engine.change_routine(&Engine::local_workspace(), &RoutineId::new("mail"), change).await.unwrap();
        let answer = decide(&host, &run, Decision::Grant).await;
        assert!(matches!(answer, Err(EngineError::RoutineChanged { .. })), "{answer:?}");
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 0);
        look(&host.engine).await;
        assert_eq!(states(&host.engine, "mail").await, [OccurrenceState::Canceled]);
        assert!(pending(&host).await.is_empty(), "the question is over");
        let next = fire(&host).await;
        assert_eq!(next.state, OccurrenceState::ApprovalRequired, "the next one asks anew");
        assert!(pending(&host).await[0].content.as_str().contains("everybody@example.org"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_survives_other_fires_and_no_answer_is_a_no() {
    on_both_routines(async |host| {
        create(&host.engine, "mail", sends_mail(true)).await;
        let first = fire(&host).await;
        let second = fire(&host).await;
        assert!(routine(&host.engine, "mail").await.revision > 2, "firing moved the routine on");
        decide(&host, &first, Decision::Grant).await.expect("firing is no change of what it says");
        host.clock.pass(24 * HOUR);
        host.engine.expire_approvals().await.unwrap();
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1, "only what was allowed");
        look(&host.engine).await;
        let rows = occurrences(&host.engine, "mail").await;
        assert_eq!((&rows[0].state, &rows[1].state), (&OccurrenceState::Succeeded, &OccurrenceState::Denied));
        assert_eq!((&rows[1].id, rows[1].reason.as_deref()), (&second.id, Some("nobody answered in time")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_need_for_a_yes_it_just_runs() {
    on_both_routines(async |host| {
        create(&host.engine, "mail", RoutineSettings { requires_approval: false, ..sends_mail(true) }).await;
        assert_eq!(fire(&host).await.state, OccurrenceState::Running);
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1);
        let mission = occurrences(&host.engine, "mail").await[0].mission_id.clone().expect("it has one");
        let mission = host.mission(&mission).await;
        assert_eq!(mission.capabilities.as_str(), r#"["connector.mail.send"]"#);
        assert!(mission.metadata.as_str().contains("team@example.org"), "{:?}", mission.metadata);
    })
    .await;
}

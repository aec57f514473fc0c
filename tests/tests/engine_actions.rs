//! Side effects: a run may do what its mission has the capability for and a person said yes to,
//! once, for exactly what was asked.

use std::collections::BTreeSet;

use e2e::engine::{LEASE_MS, TestEngine, finished, items, on_both_engines};
use serde_json::{Value, json};
use sluice::domain::approval::{Approval, ApprovalStatus};
use sluice::domain::artifact::Digest;
use sluice::domain::audit::AuditOutcome;
use sluice::domain::command::Command;
use sluice::domain::event::InputKind;
use sluice::domain::id::{ApprovalId, MissionId};
use sluice::domain::json::Json;
use sluice::engine::{ActionAsk, Decision, Engine, EngineError, FinishStatus, HeldRun};
use sluice::store::{Unit, Write};
use sluice_api::work::{ActionDecision, ActionVerdict};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A mission that may open pull requests and send anything by `smtp`, and its one run.
async fn at_work(t: &TestEngine) -> (MissionId, HeldRun) {
    let mut request = items(&[("a", &[])]);
    request["capabilities"] = json!(["connector.github.create_pr", "connector.smtp.*"]);
    let id = t.running(request, &[], &["a"]).await;
    let held = t.claim(&id).await;
    (id, held)
}

fn ask(args: &str) -> ActionAsk {
    ActionAsk {
        connector: "github".to_owned(),
        action: "create_pr".to_owned(),
        args: serde_json::from_str(args).expect("an object"),
        summary: "open a pull request".to_owned(),
    }
}

async fn asked(t: &TestEngine, held: &HeldRun, ask: ActionAsk) -> ActionDecision {
    t.engine.ask_action(held, ask).await.expect("it may be asked")
}

/// The question that `decision` says a person has to answer.
async fn question(t: &TestEngine, decision: &ActionDecision) -> Approval {
    assert_eq!(decision.decision, ActionVerdict::ApprovalRequired, "{}", decision.reason);
    let id = ApprovalId::new(decision.approval_id.clone().expect("a question"));
    t.engine.store().approval(&id).await.expect("read").expect("it is there")
}

async fn decide(t: &TestEngine, approval: &Approval, decision: Decision) -> Result<Approval, EngineError> {
    let digest = Some(&approval.content_digest);
    let workspace = Engine::local_workspace();
    t.engine.decide_approval(&workspace, &approval.id, decision, "user.ada", Some("because".to_owned()), digest).await
}

/// The audit's actions about `resource`, oldest first.
async fn audited(t: &TestEngine, resource: &str) -> Vec<(String, String, AuditOutcome)> {
    let entries = t.engine.store().audit_chain(0, 1_000).await.expect("read");
    let about = entries.into_iter().map(|entry| entry.entry).filter(|entry| entry.resource == resource);
    about.map(|entry| (entry.action, entry.actor, entry.outcome)).collect()
}

fn is_conflict(result: &Result<Approval, EngineError>, word: &str) -> bool {
    matches!(result, Err(EngineError::Conflict(message)) if message.contains(word))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_allowed_is_allowed_once() {
    on_both_engines(async |t| {
        let (id, held) = at_work(&t).await;
        let first = asked(&t, &held, ask(r#"{"title":"x","base":"main"}"#)).await;
        let approval = question(&t, &first).await;
        assert_eq!((approval.kind.as_str(), approval.requested_by.as_str()), ("action", "agent.test"));
        assert_eq!(approval.content_digest, Digest::of(approval.content.as_str().as_bytes()));
        let content: Value = serde_json::from_str(approval.content.as_str()).expect("JSON");
        assert_eq!(content["args"], json!({"base": "main", "title": "x"}));
        assert_eq!(content["target"], json!({"work_item_id": "a", "attempt": 1, "run_id": held.run.id.as_str()}));
        let again = asked(&t, &held, ask(r#"{"base":"main","title":"x"}"#)).await;
        assert_eq!(again.approval_id, first.approval_id, "the same content, in whatever order, is the same question");
        let other = asked(&t, &held, ask(r#"{"base":"main","title":"x "}"#)).await;
        assert_ne!(question(&t, &other).await.id, approval.id, "a byte more is another question");

        let workspace = Engine::local_workspace();
        let looked_at = Digest::of(b"something else");
        let wrong = t
            .engine
            .decide_approval(&workspace, &approval.id, Decision::Grant, "user.ada", None, Some(&looked_at))
            .await;
        assert!(is_conflict(&wrong, "looked at"), "{wrong:?}");
        decide(&t, &approval, Decision::Grant).await.expect("it is granted");
        decide(&t, &approval, Decision::Grant).await.expect("twice is fine");
        assert!(is_conflict(&decide(&t, &approval, Decision::Deny).await, "granted already"));
        assert_eq!(t.catch_up(&id).await, 0, "the mission is not told: its reducer did not ask");

        let allowed = asked(&t, &held, ask(r#"{"title":"x","base":"main"}"#)).await;
        assert_eq!(allowed.decision, ActionVerdict::Allowed, "{}", allowed.reason);
        assert_eq!(allowed.approval_id, first.approval_id);
        let once_more = asked(&t, &held, ask(r#"{"title":"x","base":"main"}"#)).await;
        assert_ne!(question(&t, &once_more).await.id, approval.id, "a yes is good once");
        let expected = [("approval.granted", "user.ada"), ("approval.used", "agent.test")];
        let found = audited(&t, &format!("approval/{}", approval.id)).await;
        assert!(found.iter().map(|(action, actor, _)| (action.as_str(), actor.as_str())).eq(expected), "{found:?}");
        t.succeed(&held, "x").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_capability_covers_is_denied_and_audited() {
    on_both_engines(async |t| {
        let (id, held) = at_work(&t).await;
        for (connector, action) in [("github", "delete_repo"), ("gitlab", "create_pr"), ("shell", "run")] {
            let wish = ActionAsk { connector: connector.to_owned(), action: action.to_owned(), ..ask("{}") };
            let denied = asked(&t, &held, wish).await;
            assert_eq!((denied.decision, denied.approval_id), (ActionVerdict::Denied, None));
            assert!(denied.reason.contains(&format!("connector.{connector}.{action}")), "{}", denied.reason);
        }
        let entries = audited(&t, &format!("run/{}", held.run.id)).await;
        assert_eq!(entries, vec![("run.act".to_owned(), "agent.test".to_owned(), AuditOutcome::Denied); 3]);
        let mail = ActionAsk { connector: "smtp".to_owned(), action: "send".to_owned(), ..ask("{}") };
        question(&t, &asked(&t, &held, mail).await).await;

        for bad in [
            ActionAsk { connector: "git.hub".to_owned(), ..ask("{}") },
            ActionAsk { connector: "*".to_owned(), ..ask("{}") },
            ActionAsk { action: String::new(), ..ask("{}") },
            ActionAsk { summary: String::new(), ..ask("{}") },
            ActionAsk { summary: "x".repeat(501), ..ask("{}") },
            ask(&json!({"a": "x".repeat(65_536)}).to_string()),
        ] {
            let refused = t.engine.ask_action(&held, bad).await;
            assert!(matches!(refused, Err(EngineError::Field(_))), "{refused:?}");
        }
        let cancel = Command::CancelRun { run_id: held.run.id.clone(), reason: "not needed".to_owned() };
        t.order(&id, vec![cancel]).await.expect("it may be withdrawn");
        let stopped = asked(&t, &held, ask("{}")).await;
        assert_eq!(stopped.decision, ActionVerdict::Denied, "told to stop");
        t.engine.finish_run(&held, finished(FinishStatus::Canceled)).await.expect("it stops");
        let late = t.engine.ask_action(&held, ask("{}")).await;
        assert!(matches!(late, Err(EngineError::LeaseLost { .. })), "{late:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_stays_and_time_runs_out() {
    on_both_engines(async |t| {
        let (id, held) = at_work(&t).await;
        let no = question(&t, &asked(&t, &held, ask(r#"{"n":1}"#)).await).await;
        decide(&t, &no, Decision::Deny).await.expect("it is denied");
        let denied = asked(&t, &held, ask(r#"{"n":1}"#)).await;
        assert_eq!((denied.decision, denied.approval_id.as_deref()), (ActionVerdict::Denied, Some(no.id.as_str())));
        assert!(denied.reason.contains("because"), "{}", denied.reason);

        let unanswered = question(&t, &asked(&t, &held, ask(r#"{"n":2}"#)).await).await;
        let granted = question(&t, &asked(&t, &held, ask(r#"{"n":3}"#)).await).await;
        decide(&t, &granted, Decision::Grant).await.expect("it is granted");
        assert_eq!(granted.expires_at, Some(t.clock_now().plus_millis(DAY_MS)), "a day at most");
        // The run is kept alive through the day.
        t.engine.renew_lease(&held.run.id, held.fence, 2 * DAY_MS).await.expect("it holds");
        t.clock.pass(DAY_MS);
        assert!(is_conflict(&decide(&t, &unanswered, Decision::Grant).await, "expired"), "nobody has ended it yet");
        for (old, wish) in [(&unanswered, r#"{"n":2}"#), (&granted, r#"{"n":3}"#)] {
            let anew = question(&t, &asked(&t, &held, ask(wish)).await).await;
            assert_ne!(anew.id, old.id, "{wish}");
        }
        t.engine.expire_approvals().await.expect("they are ended");
        assert_eq!(
            t.engine.store().approval(&unanswered.id).await.expect("read").expect("there").status,
            ApprovalStatus::Expired
        );
        let entries = audited(&t, &format!("approval/{}", unanswered.id)).await;
        assert_eq!(entries, [("approval.expired".to_owned(), "system.approvals".to_owned(), AuditOutcome::Done)]);

        let open = question(&t, &asked(&t, &held, ask(r#"{"n":2}"#)).await).await;
        t.tell(&id, InputKind::MissionCanceled, vec![e2e::engine::mission_to("canceled")]).await.expect("it ends");
        assert_eq!(audited(&t, &format!("approval/{}", open.id)).await.len(), 1, "its questions end with it");
        assert!(is_conflict(&decide(&t, &open, Decision::Grant).await, "expired"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_changed_behind_the_hosts_back_is_worth_nothing() {
    on_both_engines(async |t| {
        let (_, held) = at_work(&t).await;
        let tampered = async |approval: &Approval| {
            let content = approval.content.as_str().replace("main", "prod");
            let changed = Approval { content: Json::from_valid(content), ..approval.clone() };
            let unit = Unit { writes: vec![Write::Approval(changed)], ..Unit::default() };
            t.engine.store().commit(unit).await.expect("it is written");
        };
        let pending = question(&t, &asked(&t, &held, ask(r#"{"base":"main"}"#)).await).await;
        tampered(&pending).await;
        assert!(is_conflict(&decide(&t, &pending, Decision::Grant).await, "not what was asked"));
        let other = question(&t, &asked(&t, &held, ask(r#"{"base":"main","n":2}"#)).await).await;
        let granted = decide(&t, &other, Decision::Grant).await.expect("it is granted");
        tampered(&granted).await;
        let anew = question(&t, &asked(&t, &held, ask(r#"{"base":"main","n":2}"#)).await).await;
        assert_ne!(anew.id, granted.id, "what was granted is not what would be done");
    })
    .await;
}

/// Many asks at once, on two hosts where there can be two: one question, and one yes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asking_at_once_asks_once_and_acts_once() {
    on_both_engines(async |t| {
        let (_, held) = at_work(&t).await;
        let other = if t.is_postgres() { t.another_host().await } else { t.engine.clone() };
        let all = async || {
            let asks = (0..8).map(|n| {
                let (engine, held) = (if n % 2 == 0 { &t.engine } else { &other }.clone(), held.clone());
                tokio::spawn(async move {
                    loop {
                        match engine.ask_action(&held, ask("{}")).await {
                            Err(EngineError::Contended) => {}
                            other => return other.expect("it is answered"),
                        }
                    }
                })
            });
            let mut answers = Vec::new();
            for ask in asks.collect::<Vec<_>>() {
                answers.push(ask.await.expect("no panic"));
            }
            answers
        };
        let questions: BTreeSet<_> = all().await.into_iter().map(|answer| answer.approval_id).collect();
        assert_eq!(questions.len(), 1, "one question: {questions:?}");
        let approval = question(&t, &asked(&t, &held, ask("{}")).await).await;
        decide(&t, &approval, Decision::Grant).await.expect("it is granted");
        let answers = all().await;
        let allowed = answers.iter().filter(|answer| answer.decision == ActionVerdict::Allowed).count();
        assert_eq!(allowed, 1, "{answers:?}");
        let anew: BTreeSet<_> = answers.iter().filter_map(|answer| answer.approval_id.clone()).collect();
        assert_eq!(anew.len(), 2, "the others ask one new question: {anew:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_asks_no_more_than_people_can_answer() {
    on_both_engines(async |t| {
        let (_, held) = at_work(&t).await;
        for n in 0..20 {
            question(&t, &asked(&t, &held, ask(&json!({"n": n}).to_string())).await).await;
        }
        let over = asked(&t, &held, ask(r#"{"n":20}"#)).await;
        assert_eq!(over.decision, ActionVerdict::Denied);
        assert!(over.reason.contains("20 questions"), "{}", over.reason);
        question(&t, &asked(&t, &held, ask(r#"{"n":19}"#)).await).await;
        t.clock.pass(LEASE_MS + 1);
        let late = t.engine.ask_action(&held, ask(r#"{"n":1}"#)).await;
        assert!(matches!(late, Err(EngineError::LeaseLost { .. })), "its lease ran out: {late:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reducer_asks_as_if_a_run_had() {
    on_both_engines(async |t| {
        let (id, _) = at_work(&t).await;
        let disguised = Command::RequestApproval {
            work_item_id: None,
            kind: "action".to_owned(),
            summary: "may it?".to_owned(),
            data: Json::empty_object(),
        };
        let (code, index, message) = t.refusal(&id, vec![disguised]).await;
        assert_eq!((code, index), ("ILLEGAL_COMMAND", Some(0)), "{message}");
    })
    .await;
}

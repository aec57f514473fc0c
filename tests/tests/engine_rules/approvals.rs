//! A person's answer opens the gate it was asked about, on the artifacts it was asked about, and
//! nothing else.

use e2e::engine::{TestEngine, item_to, items, on_both_engines, start_run};
use serde_json::json;
use sluice::domain::approval::{Approval, ApprovalStatus};
use sluice::domain::command::Command;
use sluice::domain::gate::{GateName, Outcome};
use sluice::domain::id::{MissionId, WorkItemId};
use sluice::domain::json::Json;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::{Decision, Engine, EngineError};

use crate::{REVIEW, parsed};

/// Item `a` in review with a verdict that wants a person, and the question asked.
async fn asked_a_person(t: &TestEngine) -> (MissionId, Approval) {
    let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
    let asked = t.bring_to_review(&id, "a", "x").await;
    t.plugins.judge_next(Ok((Outcome::NeedsHuman, Vec::new())));
    t.engine.evaluate(asked).await.expect("it is judged");
    t.apply(&id, vec![]).await;
    let verdict = t.item(&id, "a").await.gate(GateName::Review).and_then(|s| s.verdict_id.clone()).expect("a verdict");
    let ask = Command::RequestApproval {
        work_item_id: Some(WorkItemId::new("a")),
        kind: "gate".to_owned(),
        summary: "may it pass?".to_owned(),
        data: Json::from_valid(json!({"gate": "review", "verdict_id": verdict.as_str()}).to_string()),
    };
    let (code, ..) = t.refusal(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
    assert_eq!(code, "GATE_NOT_PASSED", "needing a person is no pass");
    t.order(&id, vec![ask]).await.expect("a person may be asked");
    let pending = Some(ApprovalStatus::Pending);
    let mut approvals =
        t.engine.store().approvals(&Engine::local_workspace(), Some(&id), pending, None, 10).await.expect("read");
    (id, approvals.pop().expect("a question"))
}

async fn grant(t: &TestEngine, approval: &Approval) {
    let workspace = Engine::local_workspace();
    t.engine
        .decide_approval(&workspace, &approval.id, Decision::Grant, "user.test", None, None)
        .await
        .expect("it is granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_yes_opens_the_gate_it_was_asked_about() {
    on_both_engines(async |t| {
        let (id, approval) = asked_a_person(&t).await;
        grant(&t, &approval).await;
        grant(&t, &approval).await;
        let workspace = Engine::local_workspace();
        let no = t.engine.decide_approval(&workspace, &approval.id, Decision::Deny, "user.test", None, None).await;
        assert!(matches!(&no, Err(EngineError::Conflict(message)) if message.contains("granted already")), "{no:?}");
        t.apply(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert_eq!(t.item(&id, "a").await.status, WorkItemStatus::Done);
        assert_eq!(t.catch_up(&id).await, 0, "the mission was told once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_yes_to_what_is_gone_opens_nothing() {
    on_both_engines(async |t| {
        let (id, approval) = asked_a_person(&t).await;
        t.order(&id, vec![item_to("a", WorkItemStatus::Rework), start_run("a")]).await.expect("it is reworked");
        let again = t.claim(&id).await;
        t.succeed(&again, "something else").await;
        t.apply(&id, vec![]).await;
        grant(&t, &approval).await;
        assert_eq!(t.catch_up(&id).await, 1);
        assert_eq!(parsed(&t.last_entry(&id).await.refusal.expect("why"))["code"], "STALE_INPUT");
        let (code, ..) = t.refusal(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert_eq!(code, "GATE_NOT_PASSED");
    })
    .await;
}

//! Side effects on the outside world: a run asks before it acts, and what a person allows is allowed
//! once, for exactly what was asked.
//!
//! The host carries nothing out. It decides whether a run may: what policy says ([`crate::policy`]: by
//! connector, action, arguments, spend and the mission's capabilities), and where that wants a person whether
//! one said yes to this very content. A question is a row of
//! approvals, answered in [`super::approvals`].

use serde_json::{Map, Value, json};

use sluice_api::work::{ActionDecision, ActionVerdict};

use super::policy::is_covered;
use super::runs::check_held;
use super::told::LogWriter;
use super::{Engine, EngineError, HeldRun};
use crate::domain::approval::{Approval, ApprovalStatus, KIND_ACTION};
use crate::domain::artifact::Digest;
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::capability;
use crate::domain::id::ApprovalId;
use crate::domain::json::Json;
use crate::domain::run::Run;
use crate::domain::time::Timestamp;
use crate::policy::{Asker, Effect, SideEffect};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire;

/// Longest time a question about an action waits, and an answer to it is good: a yes is about the
/// world as it is.
const ACTION_TTL_MAX_MS: u64 = 24 * 60 * 60 * 1000;
/// Most questions of one run that wait for people at once.
const QUESTIONS_MAX: u32 = 20;
/// Longest arguments of an action, in bytes of canonical JSON (64 KiB).
const ARGS_MAX_BYTES: usize = 64 * 1024;
/// Longest summary of an action, in characters.
const SUMMARY_MAX_CHARS: usize = 500;
/// Longest name of a connector or an action, in bytes.
const NAME_MAX_BYTES: usize = 100;
/// Times it is looked at again because somebody answered or asked meanwhile.
const CONFLICT_RETRIES: usize = 8;

/// What a run would do.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionAsk {
    /// The outside system: 1 to 100 of `a-z0-9_-`.
    pub connector: String,
    /// What it would do there, in the same letters.
    pub action: String,
    /// With what; at most 64 KiB.
    pub args: Map<String, Value>,
    /// One line for whoever is asked: 1 to 500 characters.
    pub summary: String,
}

/// What there is to do about an ask.
enum Step {
    Answer(ActionDecision),
    Use(Box<Approval>),
    Question,
}

/// What policy says of an ask.
enum Judged {
    Allowed(ActionDecision),
    Asks,
    Denied(ActionDecision),
}

impl Engine {
    /// Whether a run may act now. The first ask for some content makes a question of it; asking again
    /// with the very same content tells how it stands. A yes is good once: the ask that is answered
    /// `allowed` has used it up, on whatever host, and the same content asked again is a new
    /// question.
    ///
    /// # Errors
    /// [`EngineError::Field`]; [`EngineError::LeaseLost`]; storage.
    pub async fn ask_action(&self, held: &HeldRun, ask: ActionAsk) -> Result<ActionDecision, EngineError> {
        check_ask(&ask)?;
        for _ in 0..CONFLICT_RETRIES {
            let run = self.stored_run(&held.run.id).await?;
            check_held(&run, held.fence, self.now())?;
            match self.judge_action(&run, &ask).await? {
                Judged::Denied(denied) => {
                    self.audit_action(held, &run, &ask, AuditOutcome::Denied, &denied).await?;
                    return Ok(denied);
                }
                Judged::Allowed(allowed) => {
                    self.audit_action(held, &run, &ask, AuditOutcome::Done, &allowed).await?;
                    return Ok(allowed);
                }
                Judged::Asks => {}
            }
            let content = content_of(&run, &ask);
            let digest = Digest::of(content.as_str().as_bytes());
            let asked = self.parts.store.approvals_of_content(&run.workspace_id, &run.id, &digest).await?;
            let done = match step(asked, &content, self.now()) {
                Step::Answer(decision) => Some(decision),
                Step::Use(approval) => self.use_approval(held, *approval).await?,
                Step::Question => self.ask_person(held, run, &ask, content, digest).await?,
            };
            if let Some(decision) = done {
                return Ok(decision);
            }
        }
        Err(EngineError::Contended)
    }

    /// What policy says of an ask, before anybody is asked; judged again each time the run asks, so that a yes
    /// is no longer good under a policy that forbids what it was about.
    async fn judge_action(&self, run: &Run, ask: &ActionAsk) -> Result<Judged, EngineError> {
        let denied = |reason: &str| Ok(Judged::Denied(decision(ActionVerdict::Denied, None, reason.to_owned())));
        if run.cancel_requested {
            return denied("the run was told to stop");
        }
        let Some(mission) = self.parts.store.mission(&run.workspace_id, &run.mission_id).await? else {
            return denied("its mission is gone");
        };
        // Capabilities that are no list of texts cover nothing.
        let granted: Vec<String> = serde_json::from_str(mission.capabilities.as_str()).unwrap_or_default();
        let covered = is_covered(&granted, &ask.connector, &ask.action);
        let args = Value::Object(ask.args.clone());
        let canonical = wire::canonical_json(&args);
        let effect = SideEffect::new((&ask.connector, &ask.action), args, canonical.as_str(), granted, covered);
        let asker = Asker::Run { name: requester(run), run_id: run.id.to_string() };
        let judged = self.judge_side_effect(&run.workspace_id, &asker, &effect).await?;
        Ok(match judged.effect {
            Effect::Approval => Judged::Asks,
            Effect::Allowed => Judged::Allowed(ActionDecision {
                policy_ids: judged.policies,
                ..decision(ActionVerdict::Allowed, None, judged.reason)
            }),
            Effect::Denied => {
                let wanted = capability::of_action(&ask.connector, &ask.action);
                let uncovered = format!("no capability of the mission covers `{wanted}`");
                let reason = if covered { judged.reason } else { uncovered };
                Judged::Denied(ActionDecision {
                    policy_ids: judged.policies,
                    needed: judged.needed,
                    ..decision(ActionVerdict::Denied, None, reason)
                })
            }
        })
    }

    async fn audit_action(
        &self,
        held: &HeldRun,
        run: &Run,
        ask: &ActionAsk,
        outcome: AuditOutcome,
        decided: &ActionDecision,
    ) -> Result<(), EngineError> {
        let entry = NewAuditEntry {
            workspace_id: run.workspace_id.clone(),
            at: self.now(),
            actor: requester(run),
            action: "run.act".to_owned(),
            resource: format!("run/{}", run.id),
            outcome,
            detail: wire::json_of(&json!({
                "connector": ask.connector,
                "action": ask.action,
                "reason": decided.reason,
                "policy_ids": decided.policy_ids,
            })),
        };
        let unit = Unit { guards: vec![self.hold_guard(held)], audit: vec![entry], ..Unit::default() };
        self.commit_held(unit, &run.id).await
    }

    /// Uses a yes up; `None` when it has changed meanwhile.
    async fn use_approval(
        &self,
        held: &HeldRun,
        mut approval: Approval,
    ) -> Result<Option<ActionDecision>, EngineError> {
        let now = self.now();
        let guards = vec![self.hold_guard(held), Guard::approval(&approval.id, Some(approval.revision))];
        approval.revision += 1;
        approval.used_at = Some(now);
        let audit = vec![approval_entry(&approval, "approval.used", &approval.requested_by, now)];
        let unit = Unit { guards, writes: vec![Write::Approval(approval.clone())], audit, ..Unit::default() };
        let by = approval.decided_by.as_deref().unwrap_or("a person");
        let allowed =
            decision(ActionVerdict::Allowed, Some(&approval), format!("{by} allowed it; it is good for this once"));
        committed(self.parts.store.commit(unit).await, allowed)
    }

    /// Asks a person; `None` when the run has changed meanwhile, perhaps because it asked the same.
    async fn ask_person(
        &self,
        held: &HeldRun,
        mut run: Run,
        ask: &ActionAsk,
        content: Json,
        digest: Digest,
    ) -> Result<Option<ActionDecision>, EngineError> {
        let waiting = self.parts.store.pending_of_run(&run.workspace_id, &run.id, QUESTIONS_MAX).await?;
        if waiting.len() >= QUESTIONS_MAX as usize {
            let reason = format!("{QUESTIONS_MAX} questions of this run wait for people already; ask again later");
            return Ok(Some(decision(ActionVerdict::Denied, None, reason)));
        }
        let now = self.now();
        let approval = self.question_of(&run, ask, content, digest, now);
        let mut log = LogWriter::of_mission(self, &run.workspace_id, &run.mission_id, &approval.requested_by, now);
        log.approval_requested(&approval);
        // The run's revision moves on, so that of two asks at the same time, on whatever hosts, one
        // finds the other's question.
        let guards = vec![self.hold_guard(held), Guard::run(&run.id, Some(run.revision))];
        run.revision += 1;
        let unit = Unit {
            guards,
            writes: vec![Write::Run(run), Write::Approval(approval.clone())],
            events: log.into_events(),
            ..Unit::default()
        };
        let reason = "a person has to say yes; ask again with the very same content".to_owned();
        let required = decision(ActionVerdict::ApprovalRequired, Some(&approval), reason);
        committed(self.parts.store.commit(unit).await, required)
    }

    fn question_of(&self, run: &Run, ask: &ActionAsk, content: Json, digest: Digest, now: Timestamp) -> Approval {
        Approval {
            workspace_id: run.workspace_id.clone(),
            id: ApprovalId::new(self.new_id(ApprovalId::PREFIX)),
            mission_id: Some(run.mission_id.clone()),
            work_item_id: run.work_item_id.clone(),
            kind: KIND_ACTION.to_owned(),
            gate: None,
            verdict_id: None,
            subject: digest.clone(),
            requested_by: requester(run),
            run_id: Some(run.id.clone()),
            content,
            content_digest: digest,
            used_at: None,
            summary: ask.summary.clone(),
            data: wire::json_of(&json!({"connector": ask.connector, "action": ask.action, "args": ask.args})),
            status: ApprovalStatus::Pending,
            decided_by: None,
            reason: None,
            requested_at: now,
            decided_at: None,
            expires_at: Some(now.plus_millis(self.parts.options.approval_ttl_ms.min(ACTION_TTL_MAX_MS))),
            revision: 1,
        }
    }
}

/// The audit's entry for what became of an approval.
pub(super) fn approval_entry(approval: &Approval, action: &str, actor: &str, now: Timestamp) -> NewAuditEntry {
    NewAuditEntry {
        workspace_id: approval.workspace_id.clone(),
        at: now,
        actor: actor.to_owned(),
        action: action.to_owned(),
        resource: format!("approval/{}", approval.id),
        outcome: AuditOutcome::Done,
        detail: wire::json_of(&json!({
            "kind": approval.kind,
            "mission_id": approval.mission_id.as_ref().map(ToString::to_string),
            "run_id": approval.run_id.as_ref().map(ToString::to_string),
            "requested_by": approval.requested_by,
            "content_digest": approval.content_digest.as_str(),
            "reason": approval.reason,
        })),
    }
}

/// What a person is asked about, in canonical form: what will happen, to which revision of the work,
/// and for whom. Until when an answer counts is not in it, unlike in a reducer's questions: the
/// content is also what the question is found by when the run asks again, and that moment moves. It
/// stands in the row, is shown beside the content, and is checked when the answer is used.
fn content_of(run: &Run, ask: &ActionAsk) -> Json {
    wire::canonical_json(&json!({
        "kind": KIND_ACTION,
        "connector": ask.connector,
        "action": ask.action,
        "args": ask.args,
        "summary": ask.summary,
        "mission_id": run.mission_id.as_str(),
        "target": {
            "work_item_id": run.work_item_id.as_ref().map(ToString::to_string),
            "attempt": run.attempt,
            "run_id": run.id.as_str(),
        },
        "requested_by": requester(run),
    }))
}

/// Whose wish it is.
fn requester(run: &Run) -> String {
    run.worked_by.clone().unwrap_or_else(|| "system.runs".to_owned())
}

/// What the questions about `content` lead to. At most one of them is still open, because another is
/// only asked when none is; which is the newest does not matter, and ids made by two hosts in one
/// millisecond would not tell.
fn step(asked: Vec<Approval>, content: &Json, now: Timestamp) -> Step {
    for approval in asked {
        let is_over = approval.expires_at.is_some_and(|end| end <= now);
        match approval.status {
            ApprovalStatus::Pending if !is_over => {
                let reason = "nobody has answered yet; ask again with the very same content".to_owned();
                return Step::Answer(decision(ActionVerdict::ApprovalRequired, Some(&approval), reason));
            }
            // Hashed again by whoever relies on it: a row that was changed since is no yes to this.
            ApprovalStatus::Granted if !is_over && approval.used_at.is_none() && approval.is_about(content) => {
                return Step::Use(Box::new(approval));
            }
            ApprovalStatus::Denied => {
                let by = approval.decided_by.as_deref().unwrap_or("a person");
                let said = approval.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
                let reason = format!("{by} denied it{said}");
                return Step::Answer(decision(ActionVerdict::Denied, Some(&approval), reason));
            }
            _ => {}
        }
    }
    Step::Question
}

fn decision(decision: ActionVerdict, approval: Option<&Approval>, reason: String) -> ActionDecision {
    let approval_id = approval.map(|approval| approval.id.to_string());
    ActionDecision { decision, approval_id, reason, policy_ids: Vec::new(), needed: Vec::new() }
}

/// `decided` once it is on disk; `None` for whoever has to look again.
fn committed(
    result: Result<crate::store::Committed, CommitError>,
    decided: ActionDecision,
) -> Result<Option<ActionDecision>, EngineError> {
    match result {
        Ok(_) => Ok(Some(decided)),
        Err(CommitError::Conflict { .. }) => Ok(None),
        Err(CommitError::Storage(error)) => Err(error.into()),
    }
}

fn check_ask(ask: &ActionAsk) -> Result<(), wire::FieldError> {
    check_name("connector", &ask.connector)?;
    check_name("action", &ask.action)?;
    let length = ask.summary.chars().count();
    if !(1..=SUMMARY_MAX_CHARS).contains(&length) || ask.summary.contains('\0') {
        let message = format!("has {length} characters; it is one line of 1 to {SUMMARY_MAX_CHARS}, without U+0000");
        return Err(wire::FieldError::new("summary", message));
    }
    let bytes = serde_json::to_string(&ask.args).map_or(usize::MAX, |text| text.len());
    if bytes > ARGS_MAX_BYTES {
        return Err(wire::FieldError::new(
            "args",
            format!("has {bytes} bytes; at most {ARGS_MAX_BYTES} are asked about"),
        ));
    }
    Ok(())
}

fn check_name(field: &'static str, name: &str) -> Result<(), wire::FieldError> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if begins && name.len() <= NAME_MAX_BYTES && name.bytes().all(is_inner) {
        return Ok(());
    }
    let message = format!("is not 1 to {NAME_MAX_BYTES} of a-z, 0-9, `_` and `-`, beginning with a letter or digit");
    Err(wire::FieldError::new(field, message))
}

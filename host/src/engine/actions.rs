//! Side effects on the outside world: a run asks before it acts, and what a person allows is allowed
//! once, for exactly what was asked.
//!
//! The host carries nothing out here, and but for webhooks ([`super::webhooks`]) nothing at all. It decides whether a
//! run may: what policy says ([`crate::policy`]: by
//! connector, action, arguments, spend and the mission's capabilities), and where that wants a person whether
//! one said yes to this very content. A question is a row of
//! approvals, answered in [`super::approvals`].

use serde_json::{Map, Value, json};

use sluice_api::work::{ActionDecision, ActionVerdict};

use super::advance::add_receipt;
use super::policy::is_covered;
use super::runs::check_held;
use super::told::LogWriter;
use super::webhooks::Posting;
use super::{Engine, EngineError, HeldRun, NamedAnswer};
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

/// One look at an ask.
struct Asking<'a> {
    held: &'a HeldRun,
    /// The run as it is now.
    run: Run,
    ask: &'a ActionAsk,
    receipt: Option<NamedAnswer<'a, ActionDecision>>,
}

impl Asking<'_> {
    /// The audit's entry for what was decided.
    fn entry(&self, outcome: AuditOutcome, decided: &ActionDecision, now: Timestamp) -> NewAuditEntry {
        let mut detail = json!({
            "connector": self.ask.connector,
            "action": self.ask.action,
            "reason": decided.reason,
            "policy_ids": decided.policy_ids,
        });
        if let Some(id) = &decided.delivery_id {
            detail["delivery_id"] = json!(id);
        }
        NewAuditEntry {
            workspace_id: self.run.workspace_id.clone(),
            at: now,
            actor: requester(&self.run),
            action: "run.act".to_owned(),
            resource: format!("run/{}", self.run.id),
            outcome,
            detail: wire::json_of(&detail),
        }
    }
}

impl Engine {
    /// Whether a run may act now, asked without a name of the caller's: see [`Self::ask_named_action`].
    ///
    /// # Errors
    /// As there.
    pub async fn ask_action(&self, held: &HeldRun, ask: ActionAsk) -> Result<ActionDecision, EngineError> {
        self.ask_named_action(held, ask, None).await
    }

    /// Whether a run may act now. The first ask for some content makes a question of it; asking again
    /// with the very same content tells how it stands. A yes is good once: the ask that is answered
    /// `allowed` has used it up, on whatever host, and the same content asked again is a new
    /// question. What the host itself carries out is a delivery from the same commit on.
    ///
    /// `receipt` is what the caller calls this ask, and how it is answered. It is written with the deed, and only
    /// with an `allowed`: everything else may be answered differently the next time.
    ///
    /// # Errors
    /// [`EngineError::Field`]; [`EngineError::LeaseLost`]; [`EngineError::Contended`], also when the same ask was
    /// carried out elsewhere meanwhile; storage.
    pub async fn ask_named_action(
        &self,
        held: &HeldRun,
        ask: ActionAsk,
        receipt: Option<NamedAnswer<'_, ActionDecision>>,
    ) -> Result<ActionDecision, EngineError> {
        check_ask(&ask)?;
        Posting::check(&ask)?;
        for _ in 0..CONFLICT_RETRIES {
            let run = self.stored_run(&held.run.id).await?;
            check_held(&run, held.fence, self.now())?;
            let asking = Asking { held, run, ask: &ask, receipt };
            if let Some(decision) = self.ask_once(asking).await? {
                return Ok(decision);
            }
            if self.is_answered(receipt).await? {
                return Err(EngineError::Contended);
            }
        }
        Err(EngineError::Contended)
    }

    /// Answers an ask as things stand; `None` when they changed meanwhile.
    async fn ask_once(&self, asking: Asking<'_>) -> Result<Option<ActionDecision>, EngineError> {
        let judged = match self.judge_action(&asking.run, asking.ask).await? {
            Judged::Denied(denied) => return self.deny(&asking, denied).await,
            judged => judged,
        };
        let posting = match self.posting_of(&asking.run, asking.ask).await? {
            Ok(posting) => posting,
            Err(reason) => return self.deny(&asking, decision(ActionVerdict::Denied, None, reason)).await,
        };
        if let Judged::Allowed(allowed) = judged {
            return self.allow(&asking, posting.as_ref(), allowed).await;
        }
        let content = content_of(&asking.run, asking.ask, posting.as_ref());
        let digest = Digest::of(content.as_str().as_bytes());
        let run = &asking.run;
        let asked = self.parts.store.approvals_of_content(&run.workspace_id, &run.id, &digest).await?;
        match step(asked, &content, self.now()) {
            Step::Answer(decision) => Ok(Some(decision)),
            Step::Use(approval) => self.use_approval(&asking, posting.as_ref(), *approval).await,
            Step::Question => self.ask_person(asking, content, digest).await,
        }
    }

    /// Whether the deed of this name was done meanwhile, by another host: what it answered is the answer.
    async fn is_answered(&self, receipt: Option<NamedAnswer<'_, ActionDecision>>) -> Result<bool, EngineError> {
        let Some((key, _)) = receipt else { return Ok(false) };
        Ok(self.parts.store.receipt(&key.workspace_id, &key.principal, &key.key).await?.is_some())
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

    async fn deny(&self, asking: &Asking<'_>, denied: ActionDecision) -> Result<Option<ActionDecision>, EngineError> {
        let audit = vec![asking.entry(AuditOutcome::Denied, &denied, self.now())];
        let unit = Unit { guards: vec![self.hold_guard(asking.held)], audit, ..Unit::default() };
        self.commit_held(unit, &asking.run.id).await?;
        Ok(Some(denied))
    }

    /// Lets it happen, because policy allows it by itself; `None` when something has changed meanwhile.
    async fn allow(
        &self,
        asking: &Asking<'_>,
        posting: Option<&Posting>,
        mut allowed: ActionDecision,
    ) -> Result<Option<ActionDecision>, EngineError> {
        let mut unit = Unit { guards: vec![self.hold_guard(asking.held)], ..Unit::default() };
        self.follow_up(&mut unit, asking, posting, None, &mut allowed);
        unit.audit.push(asking.entry(AuditOutcome::Done, &allowed, self.now()));
        committed(self.parts.store.commit(unit).await, allowed)
    }

    /// Uses a yes up; `None` when it has changed meanwhile.
    async fn use_approval(
        &self,
        asking: &Asking<'_>,
        posting: Option<&Posting>,
        mut approval: Approval,
    ) -> Result<Option<ActionDecision>, EngineError> {
        let now = self.now();
        let guards = vec![self.hold_guard(asking.held), Guard::approval(&approval.id, Some(approval.revision))];
        approval.revision += 1;
        approval.used_at = Some(now);
        let audit = vec![approval_entry(&approval, "approval.used", &approval.requested_by, now)];
        let by = approval.decided_by.as_deref().unwrap_or("a person");
        let reason = format!("{by} allowed it; it is good for this once");
        let mut allowed = decision(ActionVerdict::Allowed, Some(&approval), reason);
        let mut unit = Unit { guards, writes: vec![Write::Approval(approval.clone())], audit, ..Unit::default() };
        self.follow_up(&mut unit, asking, posting, Some(&approval), &mut allowed);
        committed(self.parts.store.commit(unit).await, allowed)
    }

    /// Adds to the unit that allows something what follows from it: the delivery, where it is the host's to carry
    /// out, and the receipt, where the caller named it.
    fn follow_up(
        &self,
        unit: &mut Unit,
        asking: &Asking<'_>,
        posting: Option<&Posting>,
        yes: Option<&Approval>,
        allowed: &mut ActionDecision,
    ) {
        if let Some(posting) = posting {
            let (delivery, body) = posting.delivery(self, &asking.run, yes);
            allowed.delivery_id = Some(delivery.id.to_string());
            unit.writes.push(Write::DeliveryBody(Box::new((delivery.clone(), body))));
            unit.writes.push(Write::Delivery(Box::new(delivery)));
        }
        if let Some((key, answer)) = asking.receipt {
            add_receipt(unit, key, 200, &answer(allowed), self.now());
        }
    }

    /// Asks a person; `None` when the run has changed meanwhile, perhaps because it asked the same.
    async fn ask_person(
        &self,
        asking: Asking<'_>,
        content: Json,
        digest: Digest,
    ) -> Result<Option<ActionDecision>, EngineError> {
        let Asking { held, mut run, ask, .. } = asking;
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
fn content_of(run: &Run, ask: &ActionAsk, posting: Option<&Posting>) -> Json {
    let mut content = json!({
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
    });
    if let Some(posting) = posting {
        content["target"]["endpoint"] = posting.target();
    }
    wire::canonical_json(&content)
}

/// Whose wish it is.
pub(super) fn requester(run: &Run) -> String {
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
    ActionDecision { decision, approval_id, delivery_id: None, reason, policy_ids: Vec::new(), needed: Vec::new() }
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

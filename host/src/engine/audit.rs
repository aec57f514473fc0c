//! Writes denials into the audit and the log, and checks the audit's chain.

use serde_json::{Value, json};

use super::told::LogWriter;
use super::{Engine, EngineError};
use crate::domain::audit::{AuditOutcome, GENESIS_HASH, NewAuditEntry};
use crate::domain::principal::{Principal, Role};
use crate::policy::{Action, Denial};
use crate::store::{CommitError, Unit};
use crate::wire;

/// Entries read at once.
const PAGE: u32 = 1_000;

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// Entries that are as they were written, from the first on.
    pub intact: u64,
    /// The first one that is not.
    pub broken: Option<AuditBreak>,
}

/// A link of the chain that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditBreak {
    /// Its place.
    pub seq: u64,
    /// How it does not hold.
    pub reason: String,
}

/// Somebody who was denied something, or would have been.
#[derive(Debug, Clone, Copy)]
pub struct Denied<'d> {
    /// Who.
    pub principal: &'d Principal,
    /// What for.
    pub action: Action,
    /// About which thing: `mission/mis_1`.
    pub resource: &'d str,
    /// Why, and by which policies.
    pub denial: &'d Denial,
    /// Whether it was only told, and not denied.
    pub observed: bool,
    /// How often the same happened since it was last told.
    pub repeated: u64,
}

impl Denied<'_> {
    fn properties(&self) -> Value {
        let Denied { principal, action, resource, denial, observed, repeated } = self;
        json!({
            "principal": principal.name,
            "role": principal.role().map_or("run token", Role::as_str),
            "action": action.name(),
            "resource": resource,
            "reason": denial.reason.as_str(),
            "detail": denial.to_string(),
            "policy_ids": denial.policies,
            "needed": denial.needed,
            "observed": observed,
            "repeated": repeated,
        })
    }
}

impl Engine {
    /// Writes down that somebody was denied something, and tells of it.
    ///
    /// # Errors
    /// Storage; whoever was denied is denied all the same.
    pub async fn audit_denial(&self, denied: Denied<'_>) -> Result<(), EngineError> {
        let now = self.now();
        let properties = denied.properties();
        let Denied { principal, action, resource, denial, repeated, .. } = denied;
        let detail = json!({
            "reason": denial.to_string(),
            "policy_ids": denial.policies,
            "repeated": repeated,
        });
        let entry = NewAuditEntry {
            workspace_id: principal.workspace_id.clone(),
            at: now,
            actor: principal.name.clone(),
            action: action.name().to_owned(),
            resource: resource.to_owned(),
            outcome: AuditOutcome::Denied,
            detail: wire::json_of(&detail),
        };
        // What is only observed was not denied to anybody, and the audit holds what was.
        let audit = if denied.observed { Vec::new() } else { vec![entry] };
        let mut log = LogWriter::of_workspace(self, &principal.workspace_id, None, &principal.name, now);
        log.policy_denied(&properties);
        match self.parts.store.commit(Unit { audit, events: log.into_events(), ..Unit::default() }).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict { .. }) => Err(EngineError::Contended),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }

    /// Walks along the whole chain.
    ///
    /// # Errors
    /// Storage.
    pub async fn verify_audit(&self) -> Result<AuditCheck, EngineError> {
        let mut intact = 0;
        let mut hash = GENESIS_HASH.to_owned();
        let broken = |intact: u64, seq: u64, reason: &str| {
            Ok(AuditCheck { intact, broken: Some(AuditBreak { seq, reason: reason.to_owned() }) })
        };
        // The head first: what is written while this walks is beyond it.
        let head = self.parts.store.audit_head().await?;
        loop {
            let page = self.parts.store.audit_chain(intact, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                if entry.seq != intact + 1 {
                    return broken(intact, intact + 1, "the entry is missing");
                }
                if entry.previous_hash != hash {
                    return broken(intact, entry.seq, "it does not follow from the entry before it");
                }
                if !entry.is_intact() {
                    return broken(intact, entry.seq, "its fields are not what was written");
                }
                intact = entry.seq;
                hash = entry.hash;
            }
        }
        match head {
            Some(head) if head.seq > intact => broken(intact, intact + 1, "the entries from here on are missing"),
            Some(head) if head.seq == intact && head.hash != hash => {
                broken(intact, intact, "its hash is not the one the audit ended with")
            }
            Some(_) => Ok(AuditCheck { intact, broken: None }),
            None => broken(intact, intact, "the note of where the audit ends is missing"),
        }
    }
}

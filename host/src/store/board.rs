//! The blackboard's part of a batch: what writes of shared resources make of their keys.
//!
//! A write of a resource is no row yet: which revision it makes depends on what the key has at
//! the moment of the commit. The rule is [`crate::domain::resource::decide`]; this module looks keys up in what
//! the batch has read and written so far, and turns the answers into rows and events.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::error::{StorageError, StorageErrorKind};
use super::resources;
use super::row::{Cell, Row};
use super::{log, table::TableId};
use crate::domain::event::NewLogEvent;
use crate::domain::event_type::EventType;
use crate::domain::json::Json;
use crate::domain::resource::{
    Change, Head, Life, REVISIONS_KEPT, ResourceWrite, Revision, RevisionHead, RevisionKind, Step,
};

/// Refuses what no revision could hold, before it waits for its turn.
pub(super) fn check(writes: &[ResourceWrite]) -> Result<(), StorageError> {
    let mut keys: Vec<_> = writes.iter().map(|write| (&write.workspace_id, &write.key)).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(StorageError::because(StorageErrorKind::Invalid, "a unit of work writes one resource twice"));
    }
    for write in writes {
        let step = Step { rev: 1, kind: RevisionKind::Updated };
        resources::revision_row(&revision(write, step), claim_of(write))?;
        resources::row(&write.workspace_id, &write.key, 1, Life::Lasting, 0)?;
    }
    Ok(())
}

/// The key of a resource as cells.
pub(super) fn key_cells(write: &ResourceWrite) -> Vec<Cell> {
    vec![write.workspace_id.as_str().into(), write.key.as_str().into()]
}

/// About how many bytes of text a write carries: its value goes into one row.
pub(super) fn bytes(write: &ResourceWrite) -> usize {
    let value = match &write.change {
        Change::Put { value, .. } => value.as_str().len(),
        Change::Delete | Change::Expire => 0,
    };
    value + 2 * write.key.as_str().len() + 256
}

/// What the writes of one batch make of the blackboard.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// How each key stands afterwards.
    heads: HashMap<Vec<Cell>, Row>,
    /// What was said, in order.
    revisions: Vec<Row>,
    /// Keys of revisions that are no longer kept.
    forgotten: Vec<Row>,
}

/// A table, the rows to write into it, and the keys of those to delete.
type RowsOfTable<'b> = (TableId, Vec<&'b [Cell]>, Vec<&'b [Cell]>);

/// What one write made.
#[derive(Debug)]
pub(super) struct Made {
    /// The key's newest revision afterwards.
    pub(super) rev: u64,
    /// How it stands.
    pub(super) life: Life,
    /// What the log tells of it, in order.
    pub(super) events: Vec<Row>,
}

impl Board {
    /// Takes in what `write` makes of a key that has `head`, as [`crate::domain::resource::decide`] said.
    ///
    /// # Errors
    /// When a row cannot be made; [`check`] has made sure of it.
    pub(super) fn take(
        &mut self,
        write: &ResourceWrite,
        head: Option<Head>,
        steps: &[Step],
    ) -> Result<Made, StorageError> {
        let mut made = Made {
            rev: head.map_or(0, |head| head.rev),
            life: head.map_or(Life::Gone, |head| head.life),
            events: Vec::with_capacity(steps.len()),
        };
        let mut length = 0;
        for step in steps {
            let revision = revision(write, *step);
            made.rev = step.rev;
            made.life = match (step.kind, revision.head.expires_at) {
                (RevisionKind::Updated, None) if is_kept(write) => Life::Kept,
                (RevisionKind::Updated, None) => Life::Lasting,
                (RevisionKind::Updated, Some(end)) => Life::Until(end),
                _ => Life::Gone,
            };
            length = revision.value.as_ref().map_or(0, |value| value.as_str().len());
            let claim_of = claim_of(write).filter(|_| step.kind == RevisionKind::Updated);
            self.revisions.push(resources::revision_row(&revision, claim_of)?);
            made.events.push(log::row(&event(write, &revision.head))?);
            if let Some(old) = step.rev.checked_sub(REVISIONS_KEPT).filter(|old| *old > 0) {
                let mut key = key_cells(write);
                key.push(old.into());
                self.forgotten.push(key);
            }
        }
        if !steps.is_empty() {
            let row = resources::row(&write.workspace_id, &write.key, made.rev, made.life, length)?;
            self.heads.insert(key_cells(write), row);
        }
        Ok(made)
    }

    /// The rows to write and the keys of rows to delete, by table.
    pub(super) fn rows(&self) -> [RowsOfTable<'_>; 2] {
        let heads = self.heads.values().map(Vec::as_slice).collect();
        let forgotten: Vec<&[Cell]> = self.forgotten.iter().map(Vec::as_slice).collect();
        // Rows are deleted before others are written: what this batch made and forgot is never written.
        let gone: HashSet<&[Cell]> = forgotten.iter().copied().collect();
        let key_columns = TableId::ResourceRevisions.table().key_columns;
        let is_kept = |row: &&[Cell]| gone.is_empty() || !gone.contains(&row[..key_columns]);
        let revisions = self.revisions.iter().map(Vec::as_slice).filter(is_kept).collect();
        [(TableId::Resources, heads, Vec::new()), (TableId::ResourceRevisions, revisions, forgotten)]
    }
}

fn claim_of(write: &ResourceWrite) -> Option<&str> {
    match &write.change {
        Change::Put { claim_of, .. } => claim_of.as_deref(),
        Change::Delete | Change::Expire => None,
    }
}

fn is_kept(write: &ResourceWrite) -> bool {
    matches!(write.change, Change::Put { kept: true, .. })
}

/// The revision that a step of `write` makes.
fn revision(write: &ResourceWrite, step: Step) -> Revision {
    let mut value = None;
    let mut head = RevisionHead {
        workspace_id: write.workspace_id.clone(),
        key: write.key.clone(),
        rev: step.rev,
        kind: step.kind,
        updated_at: write.at,
        updated_by: write.updated_by.clone(),
        actor: write.actor.clone(),
        ttl_ms: None,
        expires_at: None,
    };
    match (&write.change, step.kind) {
        (Change::Put { value: given, ttl_ms, expires_at, .. }, RevisionKind::Updated) => {
            value = Some(given.clone());
            head.ttl_ms = *ttl_ms;
            head.expires_at = *expires_at;
        }
        // Nobody took it away: its time was over.
        (_, RevisionKind::Expired) => {
            EXPIRY.clone_into(&mut head.updated_by);
            EXPIRY.clone_into(&mut head.actor);
        }
        _ => {}
    }
    Revision { head, value }
}

/// Who takes away what has ended.
const EXPIRY: &str = "system.expiry";

fn event(write: &ResourceWrite, revision: &RevisionHead) -> NewLogEvent {
    let mut properties = json!({
        "key": revision.key.as_str(),
        "rev": revision.rev,
        "updated_by": revision.updated_by,
        "updated_at_ms": revision.updated_at.as_millis(),
    });
    let event_type = match revision.kind {
        RevisionKind::Updated => EventType::ResourceUpdated,
        RevisionKind::Deleted | RevisionKind::Expired => {
            properties["reason"] = revision.kind.as_str().into();
            EventType::ResourceDeleted
        }
    };
    let [of_the_end, of_the_write] = &write.event_ids;
    NewLogEvent {
        event_id: if revision.kind == RevisionKind::Expired { of_the_end } else { of_the_write }.clone(),
        event_type: event_type.as_str().to_owned(),
        workspace_id: revision.workspace_id.clone(),
        session_id: None,
        run_id: None,
        mission_id: None,
        resource_key: Some(revision.key.clone()),
        actor: revision.actor.clone(),
        occurred_at: revision.updated_at,
        properties: Json::from_valid(properties.to_string()),
    }
}

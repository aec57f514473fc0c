//! A unit turned into rows, in its caller's task and before it waits for its turn.
//!
//! Whatever can be refused without looking at the database is refused here, so that a batch
//! holds only units a database can take; and the writer, of which there is one, is left with
//! as little to do as possible.

use super::error::{StorageError, StorageErrorKind};
use super::memories::content_key;
use super::memory_index::{Fate, IndexChange};
use super::row::{Cell, Row};
use super::sql::Dialect;
use super::table::TableId;
use super::unit::{Guard, UNIT_MAX_BYTES, Unit, Write, key_of};
use super::{
    approvals, artifacts, board, cursors, evaluations, history, inbox, leases, log, memories, missions, occurrences,
    plugins, policies, receipts, resource_schemas, routines, runs, shadows, timers, tokens, verdicts, webhooks,
    work_items, workspaces,
};
use crate::domain::audit::{AuditEntry, GENESIS_HASH, NewAuditEntry};
use crate::domain::memory::{MemoryRecord, Visibility};
use crate::domain::resource::ResourceWrite;
use crate::domain::run::Run;

/// A unit as rows.
#[derive(Debug, Clone)]
pub(super) struct PreparedUnit {
    pub(super) guards: Vec<Guard>,
    pub(super) changes: Vec<Change>,
    /// Writes of shared resources, their revisions still missing.
    pub(super) resources: Vec<ResourceWrite>,
    /// Rows of the log, their `seq` still missing.
    pub(super) events: Vec<Row>,
    /// Entries of the audit, their place and hash still missing.
    pub(super) audit: Vec<NewAuditEntry>,
    /// What changes in the index of memory.
    pub(super) index: Vec<IndexChange>,
    /// Up to where the log is trimmed.
    pub(super) trim_log: Option<u64>,
    /// About how many bytes of text it carries.
    pub(super) bytes: usize,
}

/// One row's change.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// The row is there afterwards. `guarded` is what a guard will find: its revision, or 1.
    Put { table: TableId, row: Row, guarded: u64 },
    /// The row of this key is not.
    Delete { table: TableId, key: Row },
    /// The lease of this key, if its fence is this one, ends later: run, fence, end.
    Renew { row: Row },
}

/// What an entry of the audit may not hold, found before it reaches the writer.
fn check_audit(entry: &NewAuditEntry) -> Result<(), StorageError> {
    super::audit::row(&AuditEntry::chained(0, entry.clone(), GENESIS_HASH.to_owned())).map(drop)
}

/// Turns `unit` into rows.
///
/// # Errors
/// Kind [`StorageErrorKind::Invalid`] when a value cannot be stored or the unit is larger than
/// [`UNIT_MAX_BYTES`].
pub(super) fn prepare(unit: &Unit, dialect: Dialect) -> Result<PreparedUnit, StorageError> {
    let mut prepared = PreparedUnit {
        guards: unit.guards.clone(),
        changes: Vec::with_capacity(unit.writes.len()),
        events: unit.events.iter().map(log::row).collect::<Result<_, _>>()?,
        resources: unit.resources.clone(),
        audit: unit.audit.clone(),
        index: Vec::new(),
        trim_log: None,
        bytes: 0,
    };
    board::check(&unit.resources)?;
    for entry in &unit.audit {
        check_audit(entry)?;
    }
    for write in &unit.writes {
        prepare_write(write, dialect, &mut prepared)?;
    }
    prepared.bytes = bytes(&prepared);
    if prepared.bytes > UNIT_MAX_BYTES {
        return Err(StorageError::because(StorageErrorKind::Invalid, "the unit of work is larger than 64 MiB"));
    }
    Ok(prepared)
}

fn prepare_write(write: &Write, dialect: Dialect, prepared: &mut PreparedUnit) -> Result<(), StorageError> {
    let put = |table, row, guarded| Change::Put { table, row, guarded };
    let change = match write {
        Write::Mission(mission) => put(TableId::Missions, missions::row(mission)?, mission.revision),
        Write::WorkItem(item) => put(TableId::WorkItems, work_items::row(item)?, 1),
        Write::Run(run) => return prepare_run(run, prepared),
        Write::RenewLease { run_id, fence, expires_at } => {
            prepared.guards.push(Guard::lease(run_id, Some(*fence)));
            Change::Renew { row: vec![run_id.as_str().into(), (*fence).into(), (*expires_at).into()] }
        }
        Write::Evaluation(evaluation) => put(TableId::Evaluations, evaluations::row(evaluation)?, evaluation.revision),
        Write::Verdict(verdict) => put(TableId::Verdicts, verdicts::row(verdict)?, 1),
        Write::Approval(approval) => put(TableId::Approvals, approvals::row(approval)?, approval.revision),
        Write::Timer(timer) => put(TableId::Timers, timers::row(timer)?, timer.revision),
        Write::DeleteTimer(mission_id, key) => {
            Change::Delete { table: TableId::Timers, key: vec![mission_id.as_str().into(), key.as_str().into()] }
        }
        Write::Artifact(artifact) => put(TableId::Artifacts, artifacts::row(artifact)?, 1),
        Write::Input(input) => put(TableId::Inbox, inbox::row(input)?, 1),
        Write::DeleteInput(id) => Change::Delete { table: TableId::Inbox, key: vec![id.as_str().into()] },
        Write::Token(token) => put(TableId::Tokens, tokens::row(token)?, token.revision),
        Write::Receipt(receipt) => put(TableId::Receipts, receipts::row(receipt)?, 1),
        Write::DeleteReceipt(key) => Change::Delete { table: TableId::Receipts, key: key_of(key) },
        Write::Lease(lease) => put(TableId::Leases, leases::row(lease)?, lease.fencing_token),
        Write::ResourceSchemas(schemas) => {
            put(TableId::ResourceSchemas, resource_schemas::row(schemas)?, schemas.revision)
        }
        Write::Memory(record) => return prepare_memory(record, dialect, prepared),
        Write::DemoteMemory(record, at) => {
            leave_memory(record, dialect, prepared);
            let demoted = MemoryRecord {
                visibility: Visibility::Demoted,
                updated_at: *at,
                revision: record.revision + 1,
                ..MemoryRecord::clone(record)
            };
            put(TableId::Memories, memories::row(&demoted)?, demoted.revision)
        }
        Write::DeleteMemory(record) => {
            leave_memory(record, dialect, prepared);
            Change::Delete { table: TableId::Memories, key: vec![record.id.as_str().into()] }
        }
        Write::MemoryVector(id, workspace_id, vector) => {
            put(TableId::MemoryVectors, memories::vector_row(id, workspace_id, vector)?, 1)
        }
        Write::LogCursor(name, seq) => put(TableId::LogCursors, cursors::cursor_row(name, *seq)?, *seq),
        Write::SessionStatus(status) => put(TableId::SessionStatus, cursors::session_row(status)?, status.revision),
        Write::Routine(routine) => put(TableId::Routines, routines::row(routine)?, routine.revision),
        Write::DeleteRoutine(workspace_id, id) => {
            Change::Delete { table: TableId::Routines, key: vec![workspace_id.as_str().into(), id.as_str().into()] }
        }
        Write::Occurrence(occurrence) => put(TableId::Occurrences, occurrences::row(occurrence)?, occurrence.revision),
        Write::RoutineEntry(entry) => put(TableId::RoutineHistory, occurrences::entry_row(entry)?, 1),
        Write::Policy(revision) => put(TableId::Policies, policies::row(revision)?, 1),
        Write::Plugin(plugin) => put(TableId::Plugins, plugins::row(plugin)?, plugin.revision),
        Write::DeletePlugin(name, version) => {
            Change::Delete { table: TableId::Plugins, key: vec![name.as_str().into(), version.as_str().into()] }
        }
        Write::Workspace(revision) => put(TableId::Workspaces, workspaces::row(revision)?, 1),
        Write::Webhook(endpoint) => put(TableId::Webhooks, webhooks::row(endpoint)?, endpoint.revision),
        Write::Delivery(delivery) => put(TableId::Deliveries, webhooks::delivery_row(delivery)?, delivery.revision),
        Write::DeliveryBody(of) => put(TableId::DeliveryBodies, webhooks::body_row(&of.0, &of.1)?, 1),
        Write::ForgetDelivery(id) => {
            let key = vec![id.as_str().into()];
            prepared.changes.push(Change::Delete { table: TableId::DeliveryBodies, key: key.clone() });
            Change::Delete { table: TableId::Deliveries, key }
        }
        Write::Shadow(record) => put(TableId::Shadows, shadows::row(record)?, record.revision),
        Write::DeleteShadow(workspace_id, role, digest) => Change::Delete {
            table: TableId::Shadows,
            key: vec![workspace_id.as_str().into(), role.as_str().into(), digest.as_str().into()],
        },
        Write::ShadowDifference(difference) => put(TableId::ShadowDifferences, shadows::difference_row(difference)?, 1),
        Write::DeleteShadowDifference(workspace_id, id) => Change::Delete {
            table: TableId::ShadowDifferences,
            key: vec![workspace_id.as_str().into(), id.as_str().into()],
        },
        Write::PolicyDecision(decision) => put(TableId::PolicyDecisions, policies::decision_row(decision)?, 1),
        Write::DeletePolicyDecision(workspace_id, id) => Change::Delete {
            table: TableId::PolicyDecisions,
            key: vec![workspace_id.as_str().into(), id.as_str().into()],
        },
        Write::ForgetRevision(workspace_id, key, rev) => Change::Delete {
            table: TableId::ResourceRevisions,
            key: vec![workspace_id.as_str().into(), key.as_str().into(), (*rev).into()],
        },
        Write::ForgetOccurrence(workspace_id, routine, slot) => Change::Delete {
            table: TableId::Occurrences,
            key: vec![workspace_id.as_str().into(), routine.as_str().into(), slot.as_str().into()],
        },
        Write::ForgetRoutineEntry(workspace_id, routine, id) => Change::Delete {
            table: TableId::RoutineHistory,
            key: vec![workspace_id.as_str().into(), routine.as_str().into(), id.as_str().into()],
        },
        Write::TrimLog { up_to_seq } => {
            prepared.trim_log = prepared.trim_log.max(Some(*up_to_seq));
            return Ok(());
        }
        Write::History(entry) => put(TableId::History, history::row(entry)?, 1),
    };
    prepared.changes.push(change);
    Ok(())
}

fn prepare_memory(record: &MemoryRecord, dialect: Dialect, prepared: &mut PreparedUnit) -> Result<(), StorageError> {
    let before = record.revision.checked_sub(1).filter(|before| *before > 0);
    prepared.guards.push(Guard::memory(&record.id, before));
    let fate = if before.is_none() { Fate::New } else { Fate::Same };
    if fate == Fate::New {
        let row = memories::content_row(record);
        let frees = |change: &Change| match change {
            Change::Delete { table: TableId::MemoryContents, key } => row.starts_with(key),
            _ => false,
        };
        if !prepared.changes.iter().any(frees) {
            prepared.guards.push(Guard::no_content(record));
        }
        prepared.changes.push(Change::Put { table: TableId::MemoryContents, row, guarded: 1 });
    }
    let row = memories::row(record)?;
    prepared.changes.push(Change::Put { table: TableId::Memories, row, guarded: record.revision });
    prepared.index.push(IndexChange::of(record, fate, dialect));
    Ok(())
}

/// A record, as it was read, can no longer be found; its own row is the caller's.
fn leave_memory(record: &MemoryRecord, dialect: Dialect, prepared: &mut PreparedUnit) {
    prepared.guards.push(Guard::memory(&record.id, Some(record.revision)));
    if record.visibility == Visibility::Demoted {
        return;
    }
    let key = content_key(&record.scope(), &record.content_digest);
    prepared.changes.push(Change::Delete { table: TableId::MemoryContents, key });
    let key = vec![record.id.as_str().into()];
    prepared.changes.push(Change::Delete { table: TableId::MemoryVectors, key });
    prepared.index.push(IndexChange::of(record, Fate::Gone, dialect));
}

fn prepare_run(run: &Run, prepared: &mut PreparedUnit) -> Result<(), StorageError> {
    prepared.changes.push(Change::Put { table: TableId::Runs, row: runs::row(run)?, guarded: run.revision });
    match &run.lease {
        Some(lease) => {
            let row = runs::lease_row(run, lease)?;
            prepared.changes.push(Change::Put { table: TableId::RunLeases, row, guarded: lease.fence });
        }
        // A run that was never claimed never had a lease.
        None if run.fence == 0 => {}
        None => {
            let key = vec![run.id.as_str().into()];
            prepared.changes.push(Change::Delete { table: TableId::RunLeases, key });
        }
    }
    Ok(())
}

fn bytes(prepared: &PreparedUnit) -> usize {
    let of_change = |change: &Change| match change {
        Change::Put { row, .. } | Change::Renew { row } | Change::Delete { key: row, .. } => bytes_of(row),
    };
    prepared.changes.iter().map(of_change).sum::<usize>()
        + prepared.resources.iter().map(board::bytes).sum::<usize>()
        + prepared.index.iter().flat_map(IndexChange::rows).map(|row| bytes_of(row)).sum::<usize>()
        + prepared.events.iter().map(|row| bytes_of(row)).sum::<usize>()
}

fn bytes_of(row: &[Cell]) -> usize {
    row.iter()
        .map(|cell| match cell {
            Cell::Text(text) => text.len(),
            _ => size_of::<i64>(),
        })
        .sum()
}

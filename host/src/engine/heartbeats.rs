//! Heartbeats: leases that workers keep, many at once.
//!
//! A batch is one read and one unit of work that touches rows of `run_leases` alone: no run, no
//! revision, no log, so that heartbeats, by far the most frequent write, disturb nobody. Only
//! progress that a worker tells with a beat becomes an event, and not more often than watchers can
//! use it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use super::told::LogWriter;
use super::{Engine, EngineError, secret};
use crate::domain::artifact::Digest;
use crate::domain::event::NewLogEvent;
use crate::domain::id::RunId;
use crate::domain::json::Json;
use crate::domain::run::RunHead;
use crate::domain::time::Timestamp;
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire;

/// Beats that a worker sends for each length of its lease, at least: three may be lost or late and
/// the run is still its own.
pub const BEATS_PER_LEASE: u32 = 4;

/// Longest progress of a run, in bytes of JSON (4 KiB).
const PROGRESS_MAX_BYTES: usize = 4 * 1024;
/// Shortest time between two tellings of one run's progress.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);
/// Most runs whose last progress is remembered; a forgotten one may be told a little too often.
const PROGRESS_REMEMBERED_MAX: usize = 10_000;

/// A worker says that it still works on a run.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// The run.
    pub run_id: RunId,
    /// The fencing token of its claim.
    pub fence: u64,
    /// SHA-256 of the secret of its run token; a worker inside the host has none to show.
    pub digest: Option<Digest>,
    /// Milliseconds the lease lasts from now on; without, as long as was asked with the claim.
    pub lease_ms: Option<u64>,
    /// JSON object: how far it is, in its own terms. At most 4 KiB. Told to watchers at most once a
    /// second and only when it changed, and not kept.
    pub progress: Option<Json>,
}

/// What a worker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beaten {
    /// When the lease ends unless renewed again.
    pub expires_at: Timestamp,
    /// Somebody wants the run to stop.
    pub cancel: bool,
}

/// What was told last of each run's progress, and when by the engine's clock. Lost with the process,
/// which costs one event too many.
#[derive(Default)]
pub(super) struct Progress {
    told: Mutex<HashMap<RunId, (Digest, Duration)>>,
}

impl Progress {
    /// Whether `progress` is to be told at `now`; then it counts as told.
    fn is_news(&self, run_id: &RunId, progress: &Json, now: Duration) -> bool {
        let digest = Digest::of(wire::canonical_json(&wire::value_of(progress)).as_str().as_bytes());
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: Duration| now.saturating_sub(at) < PROGRESS_PAUSE;
        if told.get(run_id).is_some_and(|(known, at)| *known == digest || is_recent(*at)) {
            return false;
        }
        if told.len() >= PROGRESS_REMEMBERED_MAX {
            told.retain(|_, (_, at)| is_recent(*at));
        }
        if told.len() < PROGRESS_REMEMBERED_MAX {
            told.insert(run_id.clone(), (digest, now));
        }
        true
    }
}

/// A beat that will be carried out unless its lease is lost in this very moment.
struct Renewal {
    guard: Guard,
    write: Write,
    events: Vec<NewLogEvent>,
    beaten: Beaten,
}

impl Engine {
    /// Renews the leases of many runs at once; answers in their order. A worker beats
    /// [`BEATS_PER_LEASE`] times in each length of its lease.
    ///
    /// # Errors
    /// For each: [`EngineError::NotFound`]; [`EngineError::LeaseLost`] when the run has gone on
    /// without this worker or its lease has run out, whether somebody ended it or not;
    /// [`EngineError::Field`] for progress over 4 KiB; storage.
    pub async fn heartbeat(&self, beats: &[Heartbeat]) -> Vec<Result<Beaten, EngineError>> {
        let ids: Vec<RunId> = beats.iter().map(|beat| beat.run_id.clone()).collect();
        let heads: HashMap<RunId, RunHead> = match self.parts.store.run_heads(&ids).await {
            Ok(heads) => heads.into_iter().map(|head| (head.id.clone(), head)).collect(),
            Err(error) => return beats.iter().map(|_| Err(error.clone().into())).collect(),
        };
        let now = self.now();
        let judged: Vec<_> = beats.iter().map(|beat| self.judge_beat(beat, heads.get(&beat.run_id), now)).collect();
        let mut together = Unit::default();
        for renewal in judged.iter().flatten() {
            together.guards.push(renewal.guard.clone());
            together.writes.push(renewal.write.clone());
            together.events.extend(renewal.events.iter().cloned());
        }
        if together.writes.is_empty() {
            return judged.into_iter().map(|judged| judged.map(|renewal| renewal.beaten)).collect();
        }
        match self.parts.store.commit(together).await {
            Ok(_) => judged.into_iter().map(|judged| judged.map(|renewal| renewal.beaten)).collect(),
            // One of them was lost since they were read; each on its own tells which.
            Err(CommitError::Conflict { .. }) => {
                join_all(judged.into_iter().zip(&ids).map(|(judged, id)| self.renew_alone(judged, id))).await
            }
            Err(CommitError::Storage(error)) => {
                judged.into_iter().map(|judged| judged.and_then(|_| Err(error.clone().into()))).collect()
            }
        }
    }

    /// Renews one lease for a worker inside the host; whether somebody wants the run to stop.
    ///
    /// # Errors
    /// As for [`Self::heartbeat`].
    pub async fn renew_lease(&self, run_id: &RunId, fence: u64, lease_ms: u64) -> Result<bool, EngineError> {
        let beat = Heartbeat { run_id: run_id.clone(), fence, digest: None, lease_ms: Some(lease_ms), progress: None };
        match self.heartbeat(std::slice::from_ref(&beat)).await.pop() {
            Some(beaten) => beaten.map(|beaten| beaten.cancel),
            None => Err(EngineError::NotFound { what: "run", id: run_id.to_string() }),
        }
    }

    fn judge_beat(&self, beat: &Heartbeat, head: Option<&RunHead>, now: Timestamp) -> Result<Renewal, EngineError> {
        let run_id = &beat.run_id;
        let lost = |reason: String| EngineError::LeaseLost { run_id: run_id.to_string(), reason };
        let Some(head) = head else {
            return Err(EngineError::NotFound { what: "run", id: run_id.to_string() });
        };
        let shown = beat.digest.as_ref();
        let is_its_token =
            shown.is_none_or(|shown| head.token_digest.as_ref().is_some_and(|known| secret::is_same(known, shown)));
        let Some(lease) = head.lease.as_ref().filter(|lease| lease.fence == beat.fence && is_its_token) else {
            return Err(lost(format!("it is {}, and not held by this worker", head.status)));
        };
        if lease.is_over(now) {
            return Err(lost(format!("it ran out at {} and now it is {}", lease.expires_at.0, now.0)));
        }
        let length = beat.progress.as_ref().map_or(0, |progress| progress.as_str().len());
        if length > PROGRESS_MAX_BYTES {
            let message = format!("has {length} bytes; at most {PROGRESS_MAX_BYTES} are told");
            return Err(wire::FieldError::new("progress", message).into());
        }
        let expires_at = now.plus_millis(beat.lease_ms.unwrap_or(lease.lease_ms));
        let mut log = LogWriter::of_mission(self, &head.workspace_id, &head.mission_id, &lease.principal, now);
        let monotonic = self.parts.clock.monotonic();
        if let Some(progress) = &beat.progress
            && self.parts.progress.is_news(run_id, progress, monotonic)
        {
            log.run_progressed(head, progress);
        }
        Ok(Renewal {
            guard: Guard::held_lease(run_id, beat.fence, now),
            write: Write::RenewLease { run_id: run_id.clone(), fence: beat.fence, expires_at },
            events: log.into_events(),
            beaten: Beaten { expires_at: expires_at.max(lease.expires_at), cancel: head.cancel_requested },
        })
    }

    async fn renew_alone(&self, judged: Result<Renewal, EngineError>, run_id: &RunId) -> Result<Beaten, EngineError> {
        let Renewal { guard, write, events, beaten } = judged?;
        let unit = Unit { guards: vec![guard], writes: vec![write], events, ..Unit::default() };
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(beaten),
            Err(CommitError::Conflict { .. }) => Err(EngineError::LeaseLost {
                run_id: run_id.to_string(),
                reason: "the run went on without this worker".to_owned(),
            }),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}

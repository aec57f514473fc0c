//! What came of questions: counted in memory, and written behind.
//!
//! Every host adds to the same rows, guarded by their revision. What is counted under terms that do not hold any more is
//! given up as soon as something was counted under newer ones.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use sluice_api::check::CheckOutcome;

use super::dropped;
use super::trial::{Answer, Differs, Trial};
use crate::domain::artifact::Digest;
use crate::domain::id::WorkspaceId;
use crate::domain::shadow::{
    DIFFERENCES_KEPT, RECORDS_KEPT, ShadowCounts, ShadowDifference, ShadowOutcome, ShadowRecord, ShadowRole,
};
use crate::domain::time::Timestamp;
use crate::engine::check::bounded;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire;

/// Times it is tried again because another host counts too.
const ATTEMPTS_MAX: usize = 16;
/// Most rows that are looked at for those that go.
const LOOKED_AT: u32 = 1_000;

/// What is yet to be written.
#[derive(Debug, Default)]
pub(super) struct Tallies(HashMap<(WorkspaceId, ShadowRole, Digest), Tally>);

/// What was counted of one component since it was written last.
#[derive(Debug)]
struct Tally {
    trial: Arc<Trial>,
    counts: ShadowCounts,
    /// The newest, at most [`DIFFERENCES_KEPT`].
    differences: VecDeque<ShadowDifference>,
}

impl Tallies {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&mut self, trial: &Arc<Trial>) -> &mut Tally {
        let key = (trial.workspace_id.clone(), trial.role(), trial.terms.clone());
        self.0.entry(key).or_insert_with(|| Tally {
            trial: Arc::clone(trial),
            counts: ShadowCounts::default(),
            differences: VecDeque::new(),
        })
    }

    /// Questions were never asked.
    pub(super) fn drop_some(&mut self, trial: &Arc<Trial>, count: u64) {
        let tally = self.of(trial);
        tally.counts = tally.counts.plus(dropped(count));
    }

    /// A question was answered. `id` is what its difference is called.
    pub(super) fn add(&mut self, trial: &Arc<Trial>, answer: Answer, id: String, at: Timestamp) {
        let tally = self.of(trial);
        let mut counts = ShadowCounts { slower: u64::from(answer.is_slower), ..ShadowCounts::default() };
        match answer.differs {
            None => counts.same = 1,
            Some(differs) => {
                match differs.outcome {
                    CheckOutcome::Different => counts.different = 1,
                    CheckOutcome::Failed => counts.failed = 1,
                }
                if tally.differences.len() >= DIFFERENCES_KEPT {
                    tally.differences.pop_front();
                }
                tally.differences.push_back(difference(trial, differs, id, at));
            }
        }
        tally.counts = tally.counts.plus(counts);
    }
}

fn difference(trial: &Trial, differs: Differs, id: String, at: Timestamp) -> ShadowDifference {
    let Differs { about, outcome, decided, candidate } = differs;
    ShadowDifference {
        workspace_id: trial.workspace_id.clone(),
        id,
        role: trial.role(),
        digest: trial.binding().digest.clone(),
        at,
        outcome: match outcome {
            CheckOutcome::Different => ShadowOutcome::Different,
            CheckOutcome::Failed => ShadowOutcome::Failed,
        },
        mission_id: about.mission_id,
        seq: about.seq,
        work_item_id: about.work_item_id,
        verdict_id: about.verdict_id,
        kind: about.kind,
        decided: wire::json_of(&bounded(decided)),
        candidate: wire::json_of(&bounded(candidate)),
    }
}

/// What a row becomes with what was counted; `None` when newer terms hold. The flag says that it is counted anew.
fn merged(before: Option<&ShadowRecord>, tally: &Tally, now: Timestamp) -> Option<(ShadowRecord, bool)> {
    let trial = &tally.trial;
    let goes_on = before.is_some_and(|row| row.terms == trial.terms);
    if let Some(row) = before
        && !goes_on
        && row.since_revision > trial.revision
    {
        return None;
    }
    let kept = before.filter(|_| goes_on);
    let record = ShadowRecord {
        workspace_id: trial.workspace_id.clone(),
        role: trial.role(),
        digest: trial.binding().digest.clone(),
        plugin: trial.binding().label(),
        terms: trial.terms.clone(),
        since_revision: kept.map_or(trial.revision, |row| row.since_revision),
        since: kept.map_or(now, |row| row.since),
        updated_at: now,
        counts: kept.map(|row| row.counts).unwrap_or_default().plus(tally.counts),
        revision: before.map_or(0, |row| row.revision) + 1,
    };
    Some((record, before.is_some() && !goes_on))
}

impl Engine {
    /// Writes what was counted. Should that fail it is lost, and said.
    pub async fn write_shadows(&self) {
        let mut tallies: Vec<Tally> = std::mem::take(&mut self.parts.shadows.lock().tallies.0).into_values().collect();
        tallies.sort_by_key(|tally| tally.trial.revision);
        for tally in tallies {
            if let Err(error) = self.write_tally(&tally).await {
                let (workspace_id, role) = (&tally.trial.workspace_id, tally.trial.role());
                tracing::warn!(%workspace_id, %role, %error, "what was counted of a component in shadow is lost");
            }
        }
    }

    async fn write_tally(&self, tally: &Tally) -> Result<(), EngineError> {
        let (store, trial) = (&self.parts.store, &tally.trial);
        let (workspace_id, role, digest) = (&trial.workspace_id, trial.role(), &trial.binding().digest);
        for _ in 0..ATTEMPTS_MAX {
            let before = store.shadow(workspace_id, role, digest).await?;
            let Some((record, is_anew)) = merged(before.as_ref(), tally, self.now()) else { return Ok(()) };
            let guard = Guard::shadow(workspace_id, role, digest, before.as_ref().map(|row| row.revision));
            let mut writes = vec![Write::Shadow(Box::new(record))];
            let kept = if is_anew { 0 } else { DIFFERENCES_KEPT - tally.differences.len() };
            if is_anew || !tally.differences.is_empty() {
                writes.extend(self.differences_beyond(workspace_id, role, digest, kept).await?);
            }
            writes.extend(tally.differences.iter().cloned().map(Box::new).map(Write::ShadowDifference));
            if before.is_none() {
                writes.extend(self.records_beyond(workspace_id).await?);
            }
            match store.commit(Unit { guards: vec![guard], writes, ..Unit::default() }).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    /// Deletes all but the `kept` newest differences of a component.
    async fn differences_beyond(
        &self,
        workspace_id: &WorkspaceId,
        role: ShadowRole,
        digest: &Digest,
        kept: usize,
    ) -> Result<impl Iterator<Item = Write>, EngineError> {
        let ids = self.parts.store.shadow_difference_ids(workspace_id, role, digest, LOOKED_AT).await?;
        let of = workspace_id.clone();
        Ok(ids.into_iter().skip(kept).map(move |id| Write::DeleteShadowDifference(of.clone(), id)))
    }

    /// Deletes components that were counted longest ago, where another one comes to those that are kept. What is in
    /// force stays.
    async fn records_beyond(&self, workspace_id: &WorkspaceId) -> Result<Vec<Write>, EngineError> {
        let records = self.parts.store.shadows(workspace_id, LOOKED_AT).await?;
        let bound = self.bound(workspace_id).await?;
        let mut writes = Vec::new();
        for record in records.into_iter().skip(RECORDS_KEPT - 1).filter(|record| !bound.tries(record)) {
            writes.extend(self.differences_beyond(workspace_id, record.role, &record.digest, 0).await?);
            writes.push(Write::DeleteShadow(record.workspace_id, record.role, record.digest));
        }
        Ok(writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::Json;
    use crate::domain::plugin::Binding;
    use crate::domain::shadow::Shadow;
    use crate::domain::workspace::Required;

    fn tally(settings: &str, revision: u64, same: u64) -> Tally {
        let binding = Binding {
            name: "c".to_owned(),
            version: "1.0.0".to_owned(),
            digest: Digest::of(b"c"),
            settings: Json::from_valid(settings),
        };
        let shadow = Shadow { role: ShadowRole::Review, binding };
        let trial = Trial::new(&WorkspaceId::new("local"), revision, &shadow, &[], Required::All);
        let counts = ShadowCounts { same, ..ShadowCounts::default() };
        Tally { trial: Arc::new(trial), counts, differences: VecDeque::new() }
    }

    #[test]
    fn what_is_counted_under_the_same_terms_adds_up_and_newer_terms_begin_anew() {
        let (first, _) = merged(None, &tally("{}", 3, 2), Timestamp(10)).unwrap();
        assert_eq!((first.counts.same, first.since_revision, first.revision), (2, 3, 1));
        let (more, is_anew) = merged(Some(&first), &tally("{}", 5, 4), Timestamp(20)).unwrap();
        assert_eq!((more.counts.same, more.since_revision, more.since, is_anew), (6, 3, Timestamp(10), false));
        assert_eq!((more.updated_at, more.revision), (Timestamp(20), 2));
        let (other, is_anew) = merged(Some(&more), &tally("{\"a\":1}", 6, 1), Timestamp(30)).unwrap();
        assert_eq!((other.counts.same, other.since_revision, other.since, is_anew), (1, 6, Timestamp(30), true));
        assert_eq!(merged(Some(&other), &tally("{}", 5, 9), Timestamp(40)), None, "a late host changes nothing");
        let (back, is_anew) = merged(Some(&other), &tally("{}", 7, 9), Timestamp(40)).unwrap();
        assert_eq!((back.counts.same, back.since_revision, is_anew), (9, 7, true));
    }

    #[test]
    fn the_newest_differences_wait_and_all_are_counted() {
        let trial = tally("{}", 1, 0).trial;
        let mut tallies = Tallies::default();
        for number in 0..=DIFFERENCES_KEPT {
            let differs = Differs {
                about: super::super::trial::About::default(),
                outcome: if number == 0 { CheckOutcome::Failed } else { CheckOutcome::Different },
                decided: serde_json::json!({}),
                candidate: serde_json::json!({}),
            };
            let answer = Answer { has_failed: false, is_slower: number < 2, differs: Some(differs) };
            tallies.add(&trial, answer, format!("shd_{number}"), Timestamp(0));
        }
        tallies.add(&trial, Answer { has_failed: true, is_slower: false, differs: None }, String::new(), Timestamp(0));
        tallies.drop_some(&trial, 3);
        let tally = tallies.of(&trial);
        let expected = ShadowCounts { same: 1, different: DIFFERENCES_KEPT as u64, failed: 1, slower: 2, dropped: 3 };
        assert_eq!(tally.counts, expected);
        assert_eq!((tally.differences.len(), &*tally.differences[0].id), (DIFFERENCES_KEPT, "shd_1"));
    }
}

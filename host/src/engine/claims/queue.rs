//! What one look found, and which of it is for whom. Pure: it reads nothing and knows no clock.

use std::collections::VecDeque;

use super::Claim;
use crate::domain::id::RunId;
use crate::domain::run::ClaimableRun;

/// Candidates in the order they are to be given out, numbered from 0 through all looks, so that a
/// waiter remembers how far it has been compared and is never compared twice.
#[derive(Default)]
pub(super) struct Candidates {
    /// Those that are left; what was taken leaves a hole.
    runs: VecDeque<Option<ClaimableRun>>,
    /// The number of the first.
    first: u64,
}

impl Candidates {
    /// Adds a page, without those that `is_going` knows to be given out already.
    pub(super) fn add(&mut self, page: Vec<ClaimableRun>, is_going: impl Fn(&RunId) -> bool) {
        self.runs.extend(page.into_iter().filter(|run| !is_going(&run.id)).map(Some));
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.first += self.runs.len() as u64;
        self.runs.clear();
    }

    /// Takes the first `wanted` that are for `claim`, from candidate `next` on, which moves to
    /// behind what was compared.
    pub(super) fn take_for(&mut self, claim: &Claim, wanted: usize, next: &mut u64) -> Vec<ClaimableRun> {
        let mut taken = Vec::new();
        let skipped = usize::try_from(next.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let mut compared = skipped.min(self.runs.len());
        while compared < self.runs.len() && taken.len() < wanted {
            let place = &mut self.runs[compared];
            if place.as_ref().is_some_and(|run| fits(run, claim)) {
                taken.extend(place.take());
            }
            compared += 1;
        }
        *next = self.first + compared as u64;
        while matches!(self.runs.front(), Some(None)) {
            self.runs.pop_front();
            self.first += 1;
        }
        taken
    }
}

/// Whether `run` is for whoever makes `claim`.
fn fits(run: &ClaimableRun, claim: &Claim) -> bool {
    let is_assigned_here = run.assigned_agent.as_ref().is_none_or(|agent| claim.agents.contains(agent));
    let is_skilled = claim.skills.as_ref().is_none_or(|skills| run.skills.iter().all(|skill| skills.contains(skill)));
    let is_wanted = claim.mission_id.as_ref().is_none_or(|id| run.mission_id == *id);
    is_assigned_here && is_skilled && is_wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{MissionId, WorkspaceId};
    use crate::domain::time::Timestamp;

    fn run(number: u64, skill: &str) -> ClaimableRun {
        ClaimableRun {
            id: RunId::new(format!("run_{number}")),
            mission_id: MissionId::new("mis_a"),
            assigned_agent: None,
            skills: vec![skill.to_owned()],
            turn: number,
            queued_at: Timestamp(number),
        }
    }

    fn claim(skill: &str) -> Claim {
        Claim {
            workspace_id: WorkspaceId::new("local"),
            worker: "w".to_owned(),
            principal: "agent.w".to_owned(),
            agents: Vec::new(),
            skills: Some(vec![skill.to_owned()]),
            mission_id: None,
            max: 1,
            lease_ms: 1,
            session_id: None,
            wants_token: false,
        }
    }

    fn ids(runs: &[ClaimableRun]) -> Vec<&str> {
        runs.iter().map(|run| run.id.as_str()).collect()
    }

    #[test]
    fn what_does_not_fit_one_is_left_for_the_next() {
        let mut candidates = Candidates::default();
        candidates.add(vec![run(0, "a"), run(1, "b"), run(2, "a"), run(3, "b")], |id| id.as_str() == "run_3");
        let (mut first, mut second) = (0, 0);
        assert_eq!(ids(&candidates.take_for(&claim("b"), 9, &mut first)), ["run_1"], "run_3 is being given out");
        assert_eq!(first, 3, "compared with all");
        assert_eq!(ids(&candidates.take_for(&claim("a"), 1, &mut second)), ["run_0"]);
        assert_eq!(ids(&candidates.take_for(&claim("a"), 1, &mut second)), ["run_2"]);
        candidates.add(vec![run(4, "b")], |_| false);
        assert_eq!(ids(&candidates.take_for(&claim("b"), 1, &mut first)), ["run_4"]);
        candidates.add(vec![run(5, "a")], |_| false);
        candidates.clear();
        candidates.add(vec![run(6, "a")], |_| false);
        assert_eq!(ids(&candidates.take_for(&claim("a"), 9, &mut second)), ["run_6"], "numbers go on after a look");
    }
}

//! What a caller reaches: the grant of its role, of its run, or of the capability it shows.
//!
//! A capability is a run's token. It is recognised as the token itself would be, and is good only
//! while its worker holds the run. For a program it stands in place of its role's grant, since the
//! program acts for the run then; for everybody else it only narrows.

use super::MemoryCaller;
use crate::domain::memory::{
    MemoryGrant, MemoryRecord, Partition, Scope, SourceType, Tier, Trust, Visibility, partition,
};
use crate::domain::principal::{Credential, Principal, Role};
use crate::domain::run::Run;
use crate::domain::time::Timestamp;
use crate::engine::runs::check_held;
use crate::engine::{Engine, EngineError, HeldRun};
use crate::wire;

/// What a caller reaches.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// The tiers.
    pub(super) grant: MemoryGrant,
    /// Whose records it makes, and whose private ones it sees.
    pub(super) owner: String,
    /// The run it acts for.
    pub(super) run: Option<Run>,
    /// Whether it administers the workspace: it may take away what it does not see.
    pub(super) is_operator: bool,
    /// Where what it says comes from.
    pub(super) source_type: SourceType,
    /// What stands behind it.
    pub(super) trust: Trust,
}

impl Reach {
    /// The project that is meant.
    pub(super) fn project(&self, asked: Option<&str>) -> String {
        asked.or(self.grant.project.as_deref()).unwrap_or(partition::DEFAULT).to_owned()
    }

    /// The session that is meant. Who works in none has one for all that is said without one: it is
    /// private to its owner like every other.
    pub(super) fn session(&self, asked: Option<&str>) -> String {
        asked.or(self.grant.session.as_deref()).unwrap_or(partition::DEFAULT).to_owned()
    }

    /// Whether a record is there for the caller.
    pub(super) fn sees(&self, record: &MemoryRecord, org: &str, now: Timestamp) -> bool {
        let place = &record.partition;
        let is_its_place = place.org == org
            && self.grant.reaches_project(&place.project_id)
            && place.session_id.as_deref().is_none_or(|session| self.grant.reaches_session(session));
        let is_its_own = record.visibility != Visibility::Private || record.owner == self.owner;
        record.is_living(now)
            && (self.is_operator || (is_its_place && is_its_own && self.grant.readable.contains(&place.tier)))
    }

    /// What it sees of a partition.
    pub(super) fn scopes(&self, place: &Partition) -> Vec<Scope> {
        Scope::seen_by(place, &self.owner)
    }

    /// Refuses a tier that is not among `tiers`.
    pub(super) fn require(
        may: &'static str,
        tier: Tier,
        tiers: &std::collections::BTreeSet<Tier>,
    ) -> Result<(), EngineError> {
        if tiers.contains(&tier) {
            return Ok(());
        }
        Err(EngineError::TierNotGranted { may, tier, allowed: tiers.iter().copied().collect() })
    }
}

impl Engine {
    /// What a caller reaches now.
    ///
    /// # Errors
    /// [`EngineError::CapabilityInvalid`]; [`EngineError::LeaseLost`] for the own token of a run that is
    /// not held any more; storage.
    pub(super) async fn memory_reach(&self, caller: &MemoryCaller<'_>) -> Result<Reach, EngineError> {
        let principal = caller.principal;
        let own = match &principal.credential {
            Credential::Run { run_id, fence, digest } => {
                let held = self.hold(run_id, *fence, digest).await?;
                check_held(&held.run, *fence, self.now())?;
                self.reach_of_held(&held).await?
            }
            Credential::Token { role, .. } | Credential::Ticket { role, .. } => of_role(principal, *role),
            Credential::Owner => of_role(principal, Role::Operator),
        };
        let Some(text) = caller.capability else { return Ok(own) };
        let shown = self.reach_of_capability(principal, text).await?;
        Ok(match principal.role() {
            Some(Role::Agent) => shown,
            _ => {
                Reach { grant: own.grant.narrowed(&shown.grant), run: own.run.or(shown.run), is_operator: false, ..own }
            }
        })
    }

    async fn reach_of_capability(&self, principal: &Principal, text: &str) -> Result<Reach, EngineError> {
        let invalid = |reason: &'static str| EngineError::CapabilityInvalid { reason };
        let recognised = match self.recognise(text).await {
            Err(EngineError::LeaseLost { .. }) => return Err(invalid("its run has gone on without it")),
            recognised => recognised?,
        };
        let Some(shown) = recognised else { return Err(invalid("it is no token of this host, or was altered")) };
        let Credential::Run { run_id, fence, digest } = &shown.credential else {
            return Err(invalid("it is no token of a run"));
        };
        if shown.workspace_id != principal.workspace_id {
            return Err(invalid("it is no token of this workspace"));
        }
        let is_of_another = matches!(&principal.credential, Credential::Run { run_id: own, .. } if own != run_id);
        if is_of_another {
            return Err(invalid("it is of another run than the caller"));
        }
        let lost = |error| match error {
            EngineError::LeaseLost { .. } | EngineError::NotFound { .. } => {
                invalid("its run is not held under it any more")
            }
            other => other,
        };
        let held = self.hold(run_id, *fence, digest).await.map_err(lost)?;
        check_held(&held.run, *fence, self.now()).map_err(lost)?;
        self.reach_of_held(&held).await
    }

    async fn reach_of_held(&self, held: &HeldRun) -> Result<Reach, EngineError> {
        let expires_at = held.run.lease.as_ref().map(|lease| lease.expires_at.plus_millis(1));
        self.reach_of_run_in_memory(held.run.clone(), expires_at).await
    }

    /// What a run reaches, whoever holds it.
    pub(super) async fn reach_of_run_in_memory(
        &self,
        run: Run,
        expires_at: Option<Timestamp>,
    ) -> Result<Reach, EngineError> {
        let mission = self.parts.store.mission(&run.workspace_id, &run.mission_id).await?;
        let mission =
            mission.ok_or_else(|| EngineError::NotFound { what: "mission", id: run.mission_id.to_string() })?;
        // Capabilities that are no list of texts grant nothing.
        let capabilities: Vec<String> = serde_json::from_str(mission.capabilities.as_str()).unwrap_or_default();
        // A mission that names its project keeps its runs to it.
        let project = wire::value_of(&mission.metadata)["project_id"].as_str().map(str::to_owned);
        let session = Some(run.session().to_owned());
        Ok(Reach {
            grant: MemoryGrant::of_run(&capabilities, session, project, expires_at),
            owner: mission.created_by,
            run: Some(run),
            is_operator: false,
            source_type: SourceType::Run,
            trust: Trust::Untrusted,
        })
    }
}

fn of_role(principal: &Principal, role: Role) -> Reach {
    let is_program = role == Role::Agent;
    Reach {
        grant: MemoryGrant::of_role(role),
        owner: principal.name.clone(),
        run: None,
        is_operator: role == Role::Operator,
        source_type: if is_program { SourceType::Agent } else { SourceType::User },
        trust: if is_program { Trust::Untrusted } else { Trust::Trusted },
    }
}

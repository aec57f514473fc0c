//! Finds what is remembered, within what the caller reaches: which tiers, project and session is part of
//! every statement, and never a choice among what came back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use sluice_api::memory::{MemoryFound, MemoryHit, MemorySearch, TierName};

use super::MemoryCaller;
use super::embed::Embedded;
use super::put::invalid;
use super::reach::Reach;
use super::told::Telling;
use crate::domain::audit::AuditOutcome;
use crate::domain::event_type::EventType;
use crate::domain::memory::query::QUERY_MAX_BYTES;
use crate::domain::memory::{InvalidPartition, MemoryRecord, Partition, Query, Scope, Tier, validation};
use crate::engine::error::conflict_or_storage;
use crate::engine::{Engine, EngineError};
use crate::store::{self, MemoryFilter, Unit};
use crate::wire::{self, FieldError};

/// Results when nobody says how many.
pub const LIMIT_DEFAULT: u32 = 8;
/// Most results of a search.
pub const LIMIT_MAX: u32 = 100;
/// Most shared scopes, and most of one's own, that are looked at when nobody says which: together as many as
/// one search takes.
const SHARED_SCOPES_MAX: u32 = 22;
const OWN_SCOPES_MAX: u32 = 10;
/// Most records of a list that a query is asked of.
const LISTED_MAX: u32 = 500;

/// Which records are listed.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Words to find them by.
    pub query: Option<String>,
    /// Only of this tier.
    pub tier: Option<Tier>,
    /// Only of this project; an operator sees all of them without.
    pub project_id: Option<String>,
    /// Those of this session too.
    pub session_id: Option<String>,
    /// Only what belongs to this principal, or was put on behalf of this user.
    pub user_id: Option<String>,
    /// At most.
    pub limit: u32,
    /// After these many.
    pub offset: u32,
}

/// Where is searched, and where not.
struct Searched {
    scopes: Vec<Scope>,
    used: BTreeSet<Tier>,
    blocked: BTreeSet<Tier>,
}

impl Engine {
    /// Finds what is remembered.
    ///
    /// # Errors
    /// [`EngineError::Field`]; [`EngineError::CapabilityInvalid`]; [`EngineError::NotFound`] for a
    /// partition of another workspace; storage.
    pub async fn search_memory(
        &self,
        caller: &MemoryCaller<'_>,
        request: &MemorySearch,
    ) -> Result<MemoryFound, EngineError> {
        let reach = self.memory_reach(caller).await?;
        let limit = request.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(FieldError::new("limit", format!("is {limit}; 1 to {LIMIT_MAX}")).into());
        }
        let query = query_of("query", &request.query)?;
        let given = Embedded::given(request.embedding.as_deref())?;
        let place = wire::said_partition(
            &self.parts.options.memory.org,
            &caller.principal.workspace_id,
            request.partition.as_ref(),
            request.project_id.as_deref(),
            None,
        )?;
        let asked = request.tiers.as_ref().map(|tiers| tiers.iter().map(|tier| wire::tier_from(*tier)).collect());
        let asked = asked.or_else(|| place.tier.map(|tier| BTreeSet::from([tier])));
        let at = (place.project_id.as_deref(), request.session_id.as_deref());
        let searched = self.searched(caller, &reach, asked, at)?;
        let filter = MemoryFilter {
            kinds: request.kinds.iter().flatten().map(|kind| wire::memory_kind_from(*kind)).collect(),
            ..filter_of(&reach, request.user_id.as_deref(), &request.tags)?
        };
        let is_anything = !searched.scopes.is_empty();
        let embedded = match given {
            Embedded::No if is_anything => self.embedded_query(&caller.principal.workspace_id, &request.query).await?,
            given => given,
        };
        let now = self.now();
        let found = if is_anything {
            let search = store::MemorySearch {
                workspace_id: &caller.principal.workspace_id,
                scopes: &searched.scopes,
                query: &query,
                vector: embedded.embedding(),
                filter: &filter,
                trusted_only: false,
                now,
                limit: limit as usize,
                max_chars: request.max_chars.map(|chars| chars as usize),
            };
            self.parts.store.search_memories(&search).await?
        } else {
            Vec::new()
        };
        let results: Vec<MemoryHit> = found.iter().map(wire::memory_hit).collect();
        let audit_id = self.tell_searched(caller, &reach, &searched, results.len()).await?;
        Ok(MemoryFound {
            count: results.len(),
            results,
            scopes_used: searched.used.iter().map(|tier| wire::tier_view(*tier)).collect(),
            blocked_scopes: searched.blocked.iter().map(|tier| wire::tier_view(*tier)).collect(),
            audit_id,
            embedding: embedded.state(),
        })
    }

    /// Lists records: the newest first, or with a query the best first.
    ///
    /// # Errors
    /// [`EngineError::Field`]; storage.
    pub async fn list_memory(
        &self,
        caller: &MemoryCaller<'_>,
        ask: &ListAsk,
    ) -> Result<Vec<MemoryRecord>, EngineError> {
        let reach = self.memory_reach(caller).await?;
        let workspace = &caller.principal.workspace_id;
        let now = self.now();
        let filter = filter_of(&reach, ask.user_id.as_deref(), &[])?;
        let query = ask.query.as_deref().map(|query| query_of("q", query)).transpose()?;
        let is_own = filter.owner.as_deref() == Some(reach.owner.as_str()) && reach.run.is_none();
        let names_no_place = ask.project_id.is_none() && ask.session_id.is_none();
        if query.is_none() && names_no_place && (reach.is_operator || is_own) {
            let store = &self.parts.store;
            return Ok(store.all_memories(workspace, ask.tier, &filter, now, ask.limit, u64::from(ask.offset)).await?);
        }
        let searched = if names_no_place {
            self.all_reached(caller, &reach, ask.tier).await?
        } else {
            let asked = ask.tier.map(|tier| BTreeSet::from([tier]));
            let at = (ask.project_id.as_deref(), ask.session_id.as_deref());
            self.searched(caller, &reach, asked, at)?
        };
        if searched.scopes.is_empty() {
            return Ok(Vec::new());
        }
        let Some(query) = query else {
            let store = &self.parts.store;
            return Ok(store
                .memories(workspace, &searched.scopes, &filter, now, ask.limit, u64::from(ask.offset))
                .await?);
        };
        let search = store::MemorySearch {
            workspace_id: workspace,
            scopes: &searched.scopes,
            query: &query,
            vector: None,
            filter: &filter,
            trusted_only: false,
            now,
            limit: ask.limit.saturating_add(ask.offset).min(LISTED_MAX) as usize,
            max_chars: None,
        };
        let found = self.parts.store.search_memories(&search).await?;
        self.tell_searched(caller, &reach, &searched, found.len()).await?;
        Ok(found.into_iter().skip(ask.offset as usize).take(ask.limit as usize).map(|ranked| ranked.record).collect())
    }

    /// The largest scopes that the caller may read, of all projects and of its own sessions.
    async fn all_reached(
        &self,
        caller: &MemoryCaller<'_>,
        reach: &Reach,
        tier: Option<Tier>,
    ) -> Result<Searched, EngineError> {
        let (store, org) = (&self.parts.store, &self.parts.options.memory.org);
        let workspace = &caller.principal.workspace_id;
        let mut scopes = store.memory_scopes(workspace, org, None, tier, SHARED_SCOPES_MAX).await?;
        scopes.extend(store.memory_scopes(workspace, org, Some(&reach.owner), tier, OWN_SCOPES_MAX).await?);
        scopes.retain(|scope| {
            let place = &scope.partition;
            reach.grant.readable.contains(&place.tier)
                && reach.grant.reaches_project(&place.project_id)
                && place.session_id.as_deref().is_none_or(|session| reach.grant.reaches_session(session))
        });
        let used = scopes.iter().map(|scope| scope.partition.tier).collect();
        Ok(Searched { scopes, used, blocked: BTreeSet::new() })
    }

    /// Which scopes are searched of those that are asked for; without, of all that may be read.
    fn searched(
        &self,
        caller: &MemoryCaller<'_>,
        reach: &Reach,
        asked: Option<BTreeSet<Tier>>,
        (project, session): (Option<&str>, Option<&str>),
    ) -> Result<Searched, EngineError> {
        let asked = asked.unwrap_or_else(|| reach.grant.readable.clone());
        let project = reach.project(project);
        let session = reach.session(session);
        let mut searched = Searched { scopes: Vec::new(), used: BTreeSet::new(), blocked: BTreeSet::new() };
        for tier in asked {
            let workspace = &caller.principal.workspace_id;
            let place = Partition::new(&self.parts.options.memory.org, workspace, Some(&project), tier, Some(&session))
                .map_err(no_partition)?;
            let is_reached = reach.grant.readable.contains(&tier)
                && reach.grant.reaches_project(&project)
                && place.session_id.as_deref().is_none_or(|session| reach.grant.reaches_session(session));
            if is_reached {
                searched.scopes.extend(reach.scopes(&place));
                searched.used.insert(tier);
            } else {
                searched.blocked.insert(tier);
            }
        }
        Ok(searched)
    }

    /// Tells of a search; answers the id of the audit's entry.
    async fn tell_searched(
        &self,
        caller: &MemoryCaller<'_>,
        reach: &Reach,
        searched: &Searched,
        count: usize,
    ) -> Result<String, EngineError> {
        let mut telling = Telling::new(self, caller.principal, reach, self.now());
        let words = |tiers: &BTreeSet<Tier>| tiers.iter().map(|tier| tier.as_str()).collect::<Vec<_>>();
        let told = json!({
            "tiers": words(&searched.used), "blocked_tiers": words(&searched.blocked), "result_count": count,
        });
        telling.event(EventType::MemorySearchPerformed, told.clone());
        let is_denied = searched.used.is_empty() && !searched.blocked.is_empty();
        let outcome = if is_denied { AuditOutcome::Denied } else { AuditOutcome::Done };
        let mut particulars = told;
        particulars["status"] = Value::from(if is_denied { "denied" } else { "searched" });
        let audit = vec![telling.audit("memory.search", "memory", outcome, None, particulars)];
        let audit_id = telling.audit_id;
        let unit = Unit { audit, events: telling.events, ..Unit::default() };
        self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
        Ok(audit_id)
    }
}

/// A query, read.
pub(super) fn query_of(member: &'static str, text: &str) -> Result<Query, EngineError> {
    if text.len() > QUERY_MAX_BYTES {
        let message = format!("has {} bytes; at most {QUERY_MAX_BYTES}", text.len());
        return Err(FieldError::new(member, message).into());
    }
    validation::no_control_characters(member, text).map_err(|error| invalid(member, &error))?;
    Ok(Query::parse(text))
}

/// Which records: of a principal, or put on behalf of a user; with tags.
fn filter_of(reach: &Reach, user: Option<&str>, tags: &[String]) -> Result<MemoryFilter, EngineError> {
    let mut filter = MemoryFilter { tags: tags.to_vec(), ..MemoryFilter::default() };
    match user {
        Some(user) if user == reach.owner => filter.owner = Some(user.to_owned()),
        Some(user) => filter.tags.push(wire::user_tag(user)?),
        None => {}
    }
    filter.tags = validation::tags(&filter.tags).map_err(|error| invalid("tags", &error))?;
    Ok(filter)
}

/// Where nothing can lie.
pub(super) fn no_partition(error: InvalidPartition) -> EngineError {
    FieldError::from(error).into()
}

/// The tiers of an answer.
pub(super) fn tier_names(tiers: &BTreeSet<Tier>) -> Vec<TierName> {
    tiers.iter().map(|tier| wire::tier_view(*tier)).collect()
}

//! What readers see of shared resources: never a value whose time is over, and of a claim when its
//! lease ends by now.

use std::collections::BTreeMap;

use crate::domain::id::WorkspaceId;
use crate::domain::lease::NamedLease;
use crate::domain::resource::{Resource, ResourceKey, RevisionKind};
use crate::engine::{Engine, EngineError};
use crate::wire;

/// Most bytes of values on one page (8 MiB), unless its first record alone has more.
pub const PAGE_MAX_BYTES: u64 = 8 << 20;

/// How often a key is looked at that had no record, and another one when that was to be made sure of.
const LOOKS_MAX: u32 = 32;

/// A page of records.
#[derive(Debug, Clone, Default)]
pub struct ResourcePage {
    /// The records, by key.
    pub records: Vec<Resource>,
    /// The key after which the next page begins; none at the end.
    pub next: Option<ResourceKey>,
}

impl Engine {
    /// The record of a key.
    ///
    /// # Errors
    /// Storage.
    pub async fn resource(&self, workspace: &WorkspaceId, key: &ResourceKey) -> Result<Option<Resource>, EngineError> {
        let mut records = Vec::new();
        for _ in 0..LOOKS_MAX {
            records.extend(self.parts.store.resource(workspace, key, self.now()).await?);
            if !records.is_empty() || self.is_surely_absent(workspace, key).await? {
                break;
            }
        }
        self.show_claims(workspace, &mut records).await?;
        Ok(records.pop())
    }

    /// The records whose keys begin with one of `prefixes`, which are in order and none of which begins
    /// with another: at most `limit` of them, after `after`.
    ///
    /// # Errors
    /// Storage.
    pub async fn resource_page(
        &self,
        workspace: &WorkspaceId,
        prefixes: &[String],
        after: Option<&ResourceKey>,
        limit: u32,
    ) -> Result<ResourcePage, EngineError> {
        let (store, now) = (&self.parts.store, self.now());
        let after = after.map(ResourceKey::as_str);
        let mut heads = Vec::new();
        for prefix in prefixes {
            let left = (limit + 1).saturating_sub(u32::try_from(heads.len()).unwrap_or(u32::MAX));
            if left > 0 {
                heads.extend(store.resource_heads(workspace, prefix, after, now, left).await?);
            }
        }
        let found = heads.len();
        let mut bytes = 0;
        let fitting = heads.iter().take(limit as usize).take_while(|head| {
            bytes += head.bytes;
            bytes <= PAGE_MAX_BYTES
        });
        let fitting = fitting.count();
        heads.truncate(fitting.max(1));
        let next = if heads.len() < found { heads.last().map(|head| head.key.clone()) } else { None };
        let keys: Vec<ResourceKey> = heads.into_iter().map(|head| head.key).collect();
        let mut records = store.resources_by_keys(workspace, &keys, now).await?;
        records.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        self.show_claims(workspace, &mut records).await?;
        Ok(ResourcePage { records, next })
    }

    /// A record as it was at one revision of its key.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when the key never was at that revision, or lost its record with it;
    /// [`EngineError::RevisionGone`] when it is no longer kept, or its time is over; storage.
    pub async fn resource_at(
        &self,
        workspace: &WorkspaceId,
        key: &ResourceKey,
        rev: u64,
    ) -> Result<Resource, EngineError> {
        let store = &self.parts.store;
        let missing = || EngineError::NotFound { what: "resource", id: format!("{key}?rev={rev}") };
        let head = store.resource_head(workspace, key).await?.ok_or_else(missing)?;
        if rev == 0 || rev > head.rev {
            return Err(missing());
        }
        let gone = || EngineError::RevisionGone { key: key.to_string(), rev };
        let revision = store.resource_revision(workspace, key, rev).await?.ok_or_else(gone)?;
        let (RevisionKind::Updated, Some(value)) = (revision.head.kind, revision.value) else { return Err(missing()) };
        let revision = revision.head;
        if revision.expires_at.is_some_and(|end| end <= self.now()) {
            return Err(gone());
        }
        Ok(Resource {
            workspace_id: revision.workspace_id,
            key: revision.key,
            value,
            rev,
            updated_at: revision.updated_at,
            updated_by: revision.updated_by,
            ttl_ms: revision.ttl_ms,
            expires_at: revision.expires_at,
            claim_of: None,
        })
    }

    /// Puts into the values of claims when their leases end by now: a renewal writes no revision.
    async fn show_claims(&self, workspace: &WorkspaceId, records: &mut [Resource]) -> Result<(), EngineError> {
        let names: Vec<&str> = records.iter().filter_map(|record| record.claim_of.as_deref()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let leases = self.parts.store.leases_by_names(workspace, &names).await?;
        let leases: BTreeMap<String, NamedLease> =
            leases.into_iter().map(|lease| (lease.name.clone(), lease)).collect();
        for record in records {
            if let Some(lease) = record.claim_of.as_ref().and_then(|name| leases.get(name)) {
                record.value = wire::claim_shown(&record.value, lease);
            }
        }
        Ok(())
    }
}

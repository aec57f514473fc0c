//! Shared resources and leases, as answers have them.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use sluice_api::lease::NamedLeaseView;
use sluice_api::resource::{ResourceRecord, ResourceRevision};

use super::history::{json_of, value_of};
use crate::domain::json::Json;
use crate::domain::lease::{LeaseState, NamedLease};
use crate::domain::resource::{Resource, RevisionHead};
use crate::domain::time::Timestamp;

/// A resource.
pub fn resource_view(resource: &Resource) -> ResourceRecord {
    ResourceRecord {
        key: resource.key.to_string(),
        value: value_of(&resource.value),
        rev: resource.rev,
        updated_at_ms: resource.updated_at.as_millis(),
        updated_by: resource.updated_by.clone(),
        ttl_ms: resource.ttl_ms,
        expires_at_ms: resource.expires_at.map(Timestamp::as_millis),
    }
}

/// A [`ResourceWritten`](sluice_api::resource::ResourceWritten) whose value is the text that was stored: it
/// is not read and written again for each answer.
#[derive(Debug, Serialize)]
pub struct WrittenResource<'r> {
    ok: bool,
    key: &'r str,
    value: Option<&'r RawValue>,
    rev: u64,
    updated_at_ms: u64,
    updated_by: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<u64>,
}

impl<'r> WrittenResource<'r> {
    /// What a write of `resource` is answered.
    pub fn of(resource: &'r Resource) -> Self {
        Self {
            ok: true,
            key: resource.key.as_str(),
            value: serde_json::from_str(resource.value.as_str()).ok(),
            rev: resource.rev,
            updated_at_ms: resource.updated_at.as_millis(),
            updated_by: &resource.updated_by,
            ttl_ms: resource.ttl_ms,
            expires_at_ms: resource.expires_at.map(Timestamp::as_millis),
        }
    }
}

/// What the record of a claim says of a lease.
pub fn claim_value(lease: &NamedLease) -> Json {
    let is_held = lease.state == LeaseState::Held;
    json_of(&json!({
        "name": lease.name,
        "owner": is_held.then_some(&lease.owner),
        "state": lease.state.as_str(),
        "lease_id": is_held.then(|| lease.id.as_str()),
        "fencing_token": lease.fencing_token,
        "ttl_ms": lease.ttl_ms,
        "acquired_at_ms": lease.acquired_at.as_millis(),
        "expires_at_ms": lease.expires_at.as_millis(),
        "retries": lease.retries,
    }))
}

/// The value of a claim, with the end its lease has by now.
pub fn claim_shown(value: &Json, lease: &NamedLease) -> Json {
    let mut shown = value_of(value);
    if lease.state == LeaseState::Held && shown["lease_id"] == lease.id.as_str() {
        shown["expires_at_ms"] = lease.expires_at.as_millis().into();
    }
    json_of(&shown)
}

/// A named lease, as it is at `now`.
pub fn named_lease_view(lease: &NamedLease, now: Timestamp) -> NamedLeaseView {
    let has_run_out = lease.state == LeaseState::Held && !lease.is_held(now);
    NamedLeaseView {
        lease_id: lease.id.to_string(),
        name: lease.name.clone(),
        owner: lease.owner.clone(),
        principal: lease.principal.clone(),
        state: if has_run_out { LeaseState::Expired } else { lease.state }.as_str().to_owned(),
        fencing_token: lease.fencing_token,
        ttl_ms: lease.ttl_ms,
        acquired_at_ms: lease.acquired_at.as_millis(),
        expires_at_ms: lease.expires_at.as_millis(),
        retries: lease.retries,
        claim_key: lease.claim_key.as_ref().map(ToString::to_string),
    }
}

/// A revision of a key, without its value.
pub fn revision_view(revision: &RevisionHead) -> ResourceRevision {
    ResourceRevision {
        rev: revision.rev,
        kind: revision.kind.as_str().to_owned(),
        updated_at_ms: revision.updated_at.as_millis(),
        updated_by: revision.updated_by.clone(),
        actor: revision.actor.clone(),
        ttl_ms: revision.ttl_ms,
        expires_at_ms: revision.expires_at.map(Timestamp::as_millis),
    }
}

/// Lays a merge patch over a value (RFC 7396): `null` takes a member away, an object goes on
/// inside, everything else replaces what is there.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(object) = target else { return };
    for (name, change) in members {
        if change.is_null() {
            object.remove(name);
        } else {
            merge_patch(object.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::resource::ResourceWritten;

    use super::*;
    use crate::domain::id::WorkspaceId;
    use crate::domain::resource::ResourceKey;

    #[test]
    fn a_write_is_answered_as_the_document_says() {
        let mut resource = Resource {
            workspace_id: WorkspaceId::new("local"),
            key: ResourceKey::parse("project/a").unwrap(),
            value: Json::from_valid(r#"{"b":[1,"ä",null]}"#),
            rev: 7,
            updated_at: Timestamp(1_790_000_000_000),
            updated_by: "agent \"x\"".to_owned(),
            ttl_ms: None,
            expires_at: None,
            claim_of: None,
        };
        for ends in [None, Some(5_000)] {
            (resource.ttl_ms, resource.expires_at) = (ends, ends.map(Timestamp));
            let documented = ResourceWritten { ok: true, record: resource_view(&resource) };
            let answered = serde_json::to_string(&WrittenResource::of(&resource)).unwrap();
            assert_eq!(serde_json::from_str::<ResourceWritten>(&answered).unwrap(), documented);
            assert_eq!(answered, serde_json::to_string(&documented).unwrap());
        }
    }

    #[test]
    fn merge_patches_do_what_the_appendix_of_rfc_7396_says() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (mut target, patch, expected) in cases {
            merge_patch(&mut target, &patch);
            assert_eq!(target, expected, "{patch}");
        }
    }
}

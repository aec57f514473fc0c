//! Which resources a caller reaches: all of its workspace, or with a run's token what the run is
//! given.

use serde_json::json;

use super::super::access::Caller;
use super::super::host::Host;
use super::super::problem::Problem;
use crate::domain::principal::Credential;
use crate::domain::resource::{ResourceKey, within};
use crate::engine::{HeldRun, RunReach};
use crate::policy::Reason;

/// The beginnings of the keys that a caller may read, in order, none of which begins with another; `None` for
/// all of them.
///
/// # Errors
/// 409 `LEASE_LOST` with the token of a run that is not held any more.
async fn readable_prefixes(host: &Host, caller: &Caller) -> Result<Option<Vec<String>>, Problem> {
    Ok(reach_of(host, caller).await?.map(|reach| reach.readable))
}

/// The same for keys that begin with `prefix`.
///
/// # Errors
/// 403 with the `allowed` prefixes when there can be none; 409 as before.
pub(in crate::http) async fn readable_within(
    host: &Host,
    caller: &Caller,
    prefix: &str,
) -> Result<Option<Vec<String>>, Problem> {
    let Some(readable) = readable_prefixes(host, caller).await? else { return Ok(None) };
    let prefixes = within(prefix, &readable);
    if prefixes.is_empty() {
        return Err(refuse(caller, prefix, &readable).await);
    }
    Ok(Some(prefixes))
}

/// Refuses whoever may not read `key`.
///
/// # Errors
/// 403 with the `allowed` prefixes; 409 as before.
pub(super) async fn require_readable(host: &Host, caller: &Caller, key: &ResourceKey) -> Result<(), Problem> {
    caller.allow_thing(&format!("resource/{key}"), None).await?;
    match readable_prefixes(host, caller).await? {
        Some(readable) if !covers(&readable, key) => Err(refuse(caller, key.as_str(), &readable).await),
        _ => Ok(()),
    }
}

/// Refuses whoever may not write one of `keys`. Answers the run whose token the caller came with, which has
/// to be held still when the write is done.
///
/// # Errors
/// 403 with the `allowed` prefixes; 409 as before.
pub(super) async fn require_writable<'k>(
    host: &Host,
    caller: &Caller,
    keys: impl IntoIterator<Item = &'k ResourceKey> + Send,
) -> Result<Option<HeldRun>, Problem> {
    let keys: Vec<&ResourceKey> = keys.into_iter().collect();
    for key in &keys {
        caller.allow_thing(&format!("resource/{key}"), None).await?;
    }
    let Some(reach) = reach_of(host, caller).await? else { return Ok(None) };
    let outside = keys.into_iter().find(|key| !covers(&reach.writable, key));
    match outside {
        Some(key) => Err(refuse(caller, key.as_str(), &reach.writable).await),
        None => Ok(Some(reach.held)),
    }
}

fn covers(prefixes: &[String], key: &ResourceKey) -> bool {
    prefixes.iter().any(|prefix| key.as_str().starts_with(prefix.as_str()))
}

async fn reach_of(host: &Host, caller: &Caller) -> Result<Option<RunReach>, Problem> {
    let Credential::Run { run_id, fence, digest } = &caller.principal.credential else { return Ok(None) };
    Ok(Some(host.engine.reach_of_run(run_id, *fence, digest).await?))
}

async fn refuse(caller: &Caller, key: &str, allowed: &[String]) -> Problem {
    let problem = caller.deny(&format!("resource/{key}"), Reason::OutOfReach).await;
    problem.with("key", key).with("allowed", json!(allowed))
}

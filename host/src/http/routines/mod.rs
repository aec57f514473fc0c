//! Routines: work that starts by a schedule, and the runs that came of it.
//!
//! [`preview`] tells what a schedule means before anything is saved, [`templates`] what one may start
//! from; [`write`] saves, [`read`] shows; [`runs`] shows what came of it, [`start`] has more come of it,
//! [`steps`] answers and holds, [`artifacts`] is what runs left. What happens is followed with
//! `stream/routines.rs`.

pub(super) mod preview;
pub(super) mod templates;
pub(super) mod write;
pub(super) mod read;
pub(super) mod runs;
pub(super) mod start;
pub(super) mod steps;
pub(super) mod artifacts;

use super::access::Caller;
use super::host::Host;
use super::problem::Problem;
use crate::domain::id::{OccurrenceId, RoutineId};
use crate::domain::principal::Role;
use crate::domain::routine::{CreatorType, Occurrence, Routine};
use crate::engine::RoutineActor;

/// The routine of this id in the caller's workspace.
async fn find(host: &Host, caller: &Caller, id: &str) -> Result<Routine, Problem> {
    let found = host.engine.store().routine(caller.workspace(), &RoutineId::new(id)).await?;
    let routine = found.ok_or_else(|| Problem::not_found("routine", id))?;
    caller.allow_thing(&format!("routine/{id}"), Some(&routine.creator_id)).await?;
    Ok(routine)
}

/// The same, if the caller may do what the route is for to it.
async fn own(host: &Host, caller: &Caller, id: &str) -> Result<Routine, Problem> {
    let routine = find(host, caller, id).await?;
    caller.allow(&format!("routine/{id}"), Some(&routine.owner)).await?;
    Ok(routine)
}

/// The run of this id in the caller's workspace.
async fn find_run(host: &Host, caller: &Caller, id: &str) -> Result<Occurrence, Problem> {
    let found = host.engine.store().occurrence(caller.workspace(), &OccurrenceId::new(id)).await?;
    found.ok_or_else(|| Problem::not_found("routine's run", id))
}

/// The same, if the caller may do what the route is for to it: whose routine it is counts.
async fn own_run(host: &Host, caller: &Caller, id: &str) -> Result<Occurrence, Problem> {
    let run = find_run(host, caller, id).await?;
    let routine = host.engine.store().routine(caller.workspace(), &run.routine_id).await?;
    let owner = routine.map(|routine| routine.owner);
    caller.allow(&format!("routine_run/{id}"), owner.as_deref()).await?;
    Ok(run)
}

/// Who acts: what agents may is less.
fn actor(caller: &Caller) -> RoutineActor<'_> {
    let creator_type = match caller.principal.role() {
        Some(Role::Agent) => CreatorType::Agent,
        _ => CreatorType::User,
    };
    RoutineActor { name: caller.name(), creator_type }
}

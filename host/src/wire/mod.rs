//! Conversions between the domain and the wire types of `sluice-api`, written out.
//!
//! It owns what a member is called and how a wrong one is refused; it decides nothing.

mod mission;
mod run;
mod resource;
mod memory;
mod schema;
mod command;
mod fact;
mod history;
mod session;
mod schedule;
mod routine;
mod visible;
mod webhook;
mod workspace;
mod shadow;

pub use command::{from_view as command_from_view, understand, view as command_view};
pub use fact::read as read_fact;
pub(crate) use history::value_of;
pub use history::{canonical_json, entry_view, json_of, log_event_view};
pub use memory::{
    PartitionProblem, SaidPartition, citation, memory_audit_view, memory_hit, memory_kind_from, memory_resource,
    memory_view, said_partition, scrub_answer, scrub_view, scrub_view_with, tier_from, tier_view, user_tag,
    visibility_from,
};
pub use mission::{
    FieldError, bindings_from_view, bindings_view, budgets_from_view, budgets_view, check_request, created_mission,
    mission_view, work_item_view,
};
pub use resource::{
    WrittenResource, claim_shown, claim_value, merge_patch, named_lease_view, resource_view, revision_view,
};
pub use routine::{lay_over, routine_entry_view, routine_run_view, routine_view, settings_of, waiting_for};
pub use run::{
    approval_view, artifact_ref_from_view, artifact_ref_view, artifact_view, finding_view, run_view, verdict_view,
};
pub use schedule::{ScheduleProblem, ScheduleTerms, ZONE_DEFAULT, preview_answer, read_schedule, schedule_view};
pub use schema::{JsonSchema, SchemaProblem, UnknownName};
pub use session::{SESSION_EVENTS, read_session_state, session_state, session_status_view, told_of_sessions};
pub use shadow::{shadow_counts_view, shadow_difference_view};
pub use visible::visible;
pub use webhook::{delivery_view, webhook_view};
pub use workspace::{
    bound_view, effective_view, plugin_use, plugin_view, quarantined_gates_from, workspace_revision_view,
};

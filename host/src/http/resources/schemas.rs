//! Schemas of resources: what their values have to look like.

use axum::Json as JsonAnswer;
use axum::extract::State;

use sluice_api::resource::{
    ResourceSchemaChanged, ResourceSchemaDelete, ResourceSchemaList, ResourceSchemaPut, ResourceSchemaView,
};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::json::Body;
use super::super::problem::Problem;
use crate::engine::{ResourceRules, RuleChange};

/// List the schemas of resources
///
/// All of the workspace, at most a hundred.
#[utoipa::path(
    get, path = "/resource/schemas", tag = "resources", operation_id = "list_schemas",
    responses((status = 200, description = "The schemas", body = ResourceSchemaList))
)]
pub(in crate::http) async fn list(
    State(host): State<Shared>,
    caller: Caller,
) -> Result<JsonAnswer<ResourceSchemaList>, Problem> {
    let rules = host.engine.resource_rules(caller.workspace()).await?;
    let view =
        |(prefix, schema): (&String, &_)| ResourceSchemaView { prefix: prefix.clone(), schema: Clone::clone(schema) };
    let items: Vec<_> = rules.schemas().iter().map(view).collect();
    Ok(JsonAnswer(ResourceSchemaList { count: items.len(), items, revision: rules.revision().unwrap_or(0) }))
}

/// Set a schema of resources
///
/// From now on every value that is written under a key that begins with `prefix` has to fit it, beside the
/// schemas of other prefixes. What is there already stays.
#[utoipa::path(
    put, path = "/resource/schemas", tag = "resources", operation_id = "set_schema", request_body = ResourceSchemaPut,
    responses((status = 200, description = "It is set", body = ResourceSchemaChanged))
)]
pub(in crate::http) async fn set(
    State(host): State<Shared>,
    caller: Caller,
    Body(body): Body<ResourceSchemaPut>,
) -> Result<JsonAnswer<ResourceSchemaChanged>, Problem> {
    let change = RuleChange {
        workspace_id: caller.workspace(),
        prefix: &body.prefix,
        schema: Some(&body.schema),
        if_revision: body.if_revision,
        actor: caller.name(),
    };
    let rules = host.engine.change_resource_rule(change).await?;
    Ok(changed(&rules, body.prefix))
}

/// Take a schema of resources away
#[utoipa::path(
    delete, path = "/resource/schemas", tag = "resources", operation_id = "delete_schema",
    request_body = ResourceSchemaDelete,
    responses((status = 200, description = "It is gone", body = ResourceSchemaChanged))
)]
pub(in crate::http) async fn delete(
    State(host): State<Shared>,
    caller: Caller,
    Body(body): Body<ResourceSchemaDelete>,
) -> Result<JsonAnswer<ResourceSchemaChanged>, Problem> {
    let change = RuleChange {
        workspace_id: caller.workspace(),
        prefix: &body.prefix,
        schema: None,
        if_revision: body.if_revision,
        actor: caller.name(),
    };
    let rules = host.engine.change_resource_rule(change).await?;
    Ok(changed(&rules, body.prefix))
}

fn changed(rules: &ResourceRules, prefix: String) -> JsonAnswer<ResourceSchemaChanged> {
    JsonAnswer(ResourceSchemaChanged { ok: true, prefix, revision: rules.revision().unwrap_or(0) })
}

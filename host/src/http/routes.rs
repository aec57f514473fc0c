//! The table of routes: each is registered with the action it is done as, or as open to everybody.
//!
//! There is no other way to add a route, so that none can be without an action. The table also
//! makes the OpenAPI document: what a handler's `#[utoipa::path]` says, and what is the same for
//! all (credentials, problems, the action's name) added here.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use serde_json::{Value, json};
use utoipa::openapi::path::PathItem;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::access;
use super::host::Shared;
use crate::policy::Action;

/// One operation of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// `GET`, `POST`, ...
    pub method: &'static str,
    /// The path as the OpenAPI document has it: `/mission/{id}`.
    pub path: String,
    /// What it is done as; `None` when anybody may, without a credential.
    pub action: Option<Action>,
}

/// Routes being registered.
pub(super) struct Routes {
    router: OpenApiRouter<Shared>,
    operations: Vec<Operation>,
}

impl Routes {
    /// None yet.
    pub(super) fn new(openapi: utoipa::openapi::OpenApi) -> Self {
        Self { router: OpenApiRouter::with_openapi(openapi), operations: Vec::new() }
    }

    /// A route for whoever may do `action`.
    #[must_use]
    pub(super) fn guarded(mut self, action: Action, (schemas, paths, methods): UtoipaMethodRouter<Shared>) -> Self {
        self.note(Some(action), &paths);
        let layer = middleware::from_fn(move |request: Request, next: Next| access::enforce(action, request, next));
        self.router = self.router.routes((schemas, paths, methods.layer(layer)));
        self
    }

    /// A route for whoever may do `action`, which takes larger bodies than others: up to `body_max_bytes`.
    #[must_use]
    pub(super) fn guarded_large(
        self,
        action: Action,
        body_max_bytes: usize,
        (schemas, paths, methods): UtoipaMethodRouter<Shared>,
    ) -> Self {
        self.guarded(action, (schemas, paths, methods.layer(DefaultBodyLimit::max(body_max_bytes))))
    }

    /// A route for everybody, without a credential.
    #[must_use]
    pub(super) fn open(mut self, routes: UtoipaMethodRouter<Shared>) -> Self {
        self.note(None, &routes.1);
        self.router = self.router.routes(routes);
        self
    }

    fn note(&mut self, action: Option<Action>, paths: &utoipa::openapi::path::Paths) {
        for (path, item) in &paths.paths {
            let methods = methods_of(item);
            let path = documented(path);
            self.operations.extend(methods.into_iter().map(|method| Operation { method, path: path.clone(), action }));
        }
    }

    /// The router, the operations there are, and the OpenAPI document.
    pub(super) fn finish(self) -> (Router<Shared>, Vec<Operation>, Value) {
        let (router, openapi) = self.router.split_for_parts();
        let mut document = serde_json::to_value(&openapi).unwrap_or_default();
        if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
            *paths = std::mem::take(paths).into_iter().map(|(path, item)| (documented(&path), item)).collect();
        }
        for operation in &self.operations {
            complete(&mut document, operation);
        }
        (router, self.operations, document)
    }
}

/// A path as documents write it: they have no sign for a part that holds slashes.
fn documented(path: &str) -> String {
    path.replace("{*", "{")
}

fn methods_of(item: &PathItem) -> Vec<&'static str> {
    let all = [
        ("GET", item.get.is_some()),
        ("PUT", item.put.is_some()),
        ("POST", item.post.is_some()),
        ("DELETE", item.delete.is_some()),
        ("PATCH", item.patch.is_some()),
    ];
    all.into_iter().filter(|(_, is_there)| *is_there).map(|(method, _)| method).collect()
}

/// What is the same for all operations.
fn complete(document: &mut Value, operation: &Operation) {
    let pointer = format!("/paths/{}/{}", operation.path.replace('/', "~1"), operation.method.to_ascii_lowercase());
    let Some(entry) = document.pointer_mut(&pointer) else { return };
    // Handlers of several groups share a name (`list`, `show`); ids of operations are unique.
    if let (Some(tag), Some(name)) = (entry["tags"][0].as_str(), entry["operationId"].as_str()) {
        entry["operationId"] = Value::String(format!("{tag}_{name}"));
    }
    entry["x-sluice-action"] = operation.action.map_or(Value::Null, |action| json!(action.name()));
    let mut credentials = Vec::new();
    if let Some(action) = operation.action {
        credentials.push(json!({"bearer": []}));
        if action.takes_tickets() {
            credentials.push(json!({"ticket": []}));
        }
    }
    entry["security"] = Value::Array(credentials);
    for status in ["4XX", "5XX"] {
        entry["responses"][status] = json!({"$ref": "#/components/responses/Problem"});
    }
}

//! HTTP and SSE: a request comes in, an answer goes out.
//!
//! It owns what is on the wire (paths, headers, bodies, problems) and the only module that names
//! axum. It decides nothing: who may is [`crate::policy`]'s, what happens is [`crate::engine`]'s.
//!
//! Follow one request: [`serve`] accepts its connection, [`guards`] gives it an id and looks at
//! where it comes from, [`routes`] holds which action it is, [`access`] finds out who asks,
//! [`idempotency`] whether it was carried out before, a handler ([`missions`], [`runs`], ...)
//! calls the engine, and [`problem`] tells what went wrong.

pub mod serve;
pub mod host;
mod guards;
mod rate;
mod routes;
mod access;
mod idempotency;
mod json;
mod exact;
mod numbers;
mod page;
pub mod problem;
mod openapi;

mod meta;
mod missions;
mod mission_events;
mod bindings;
mod resources;
mod memory;
mod leases;
mod routines;
mod runs;
mod actions;
mod sessions;
mod artifacts;
mod approvals;
mod stream;
mod tokens;
mod audit;
mod plugins;
mod check;
mod workspaces;
mod webhooks;
mod shadow;
mod policy;

mod in_process;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware;
use serde_json::Value;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::routes;

use crate::policy::Action;
pub use host::{Host, HttpOptions, Shared};
pub use in_process::{AnswerBody, InProcess};
pub use routes::Operation;

use problem::Problem;
use routes::Routes;

/// Every route there is, each under its action.
fn table() -> Routes {
    components(work(Routes::new(openapi::base())))
}

/// Which components there are, which decide, and where to their workspaces post.
fn components(routes: Routes) -> Routes {
    routes
        .guarded_large(Action::PluginWrite, plugins::BODY_MAX_BYTES, routes!(plugins::install))
        .guarded(Action::PluginRead, routes!(plugins::list))
        .guarded(Action::PluginRead, routes!(plugins::show))
        .guarded(Action::PluginWrite, routes!(plugins::remove))
        .guarded(Action::PluginCheck, routes!(check::check))
        .guarded_large(Action::PluginCheck, check::FORM_MAX_BYTES, routes!(check::check_given))
        .guarded(Action::WorkspaceRead, routes!(workspaces::show))
        .guarded(Action::WorkspaceWrite, routes!(workspaces::change))
        .guarded(Action::WorkspaceRead, routes!(workspaces::history))
        .guarded(Action::WorkspaceWrite, routes!(workspaces::roll_back))
        .guarded(Action::WebhookRead, routes!(webhooks::list))
        .guarded(Action::WebhookRead, routes!(webhooks::show))
        .guarded(Action::WebhookWrite, routes!(webhooks::set))
        .guarded(Action::WebhookWrite, routes!(webhooks::delete))
        .guarded(Action::WebhookRead, routes!(webhooks::deliveries))
        .guarded(Action::RunRead, routes!(webhooks::of_run))
        .guarded(Action::PluginCheck, routes!(shadow::show))
}

/// Everything else.
fn work(routes: Routes) -> Routes {
    routes
        .open(routes!(meta::health))
        .open(routes!(meta::alive))
        .open(routes!(meta::ready))
        .guarded(Action::HostRead, routes!(meta::openapi))
        .guarded(Action::HostRead, routes!(meta::problem_page))
        .guarded(Action::HostRead, routes!(meta::metrics))
        .guarded(Action::MissionCreate, routes!(missions::create))
        .guarded(Action::MissionRead, routes!(missions::list))
        .guarded(Action::MissionRead, routes!(missions::show))
        .guarded(Action::MissionTell, routes!(missions::tell))
        .guarded(Action::MissionRead, routes!(missions::history))
        .guarded(Action::MissionRead, routes!(missions::events))
        .guarded(Action::MissionRead, routes!(missions::work_items))
        .guarded(Action::MissionRead, routes!(missions::verdicts))
        .guarded(Action::MissionRead, routes!(missions::artifacts))
        .guarded(Action::MissionReplay, routes!(missions::replay))
        .guarded(Action::MissionRebind, routes!(missions::rebind))
        .guarded(Action::RunRead, routes!(runs::list))
        .guarded(Action::RunRead, routes!(runs::show))
        .guarded(Action::RunClaim, routes!(runs::claim))
        .guarded(Action::RunClaim, routes!(runs::heartbeats))
        .guarded(Action::RunHold, routes!(runs::heartbeat))
        .guarded(Action::RunHold, routes!(runs::tell))
        .guarded(Action::RunHold, routes!(runs::finish))
        .guarded(Action::RunHold, routes!(actions::ask))
        .guarded_large(Action::RunHold, artifacts::BODY_MAX_BYTES, routes!(artifacts::leave))
        .guarded(Action::SessionTell, routes!(sessions::tell))
        .guarded(Action::ArtifactRead, routes!(artifacts::fetch))
        .guarded(Action::ApprovalRead, routes!(approvals::list))
        .guarded(Action::ApprovalRead, routes!(approvals::show))
        .guarded(Action::ApprovalDecide, routes!(approvals::grant))
        .guarded(Action::ApprovalDecide, routes!(approvals::deny))
        .guarded(Action::ResourceRead, routes!(resources::read::list))
        .guarded(Action::ResourceRead, routes!(resources::read::show))
        .guarded(Action::ResourceRead, routes!(resources::read::history))
        .guarded(Action::ResourceRead, routes!(stream::resources::watch))
        .guarded(Action::ResourceWrite, routes!(resources::write::put))
        .guarded(Action::ResourceWrite, routes!(resources::write::put_by_body))
        .guarded(Action::ResourceWrite, routes!(resources::write::patch))
        .guarded(Action::ResourceWrite, routes!(resources::write::delete))
        .guarded(Action::ResourceWrite, routes!(resources::write::delete_by_body))
        .guarded_large(Action::ResourceWrite, resources::batch::BODY_MAX_BYTES, routes!(resources::batch::carry_out))
        .guarded(Action::ResourceRule, routes!(resources::schemas::list))
        .guarded(Action::ResourceRule, routes!(resources::schemas::set))
        .guarded(Action::ResourceRule, routes!(resources::schemas::delete))
        .guarded(Action::MemoryWrite, routes!(memory::put::put))
        .guarded(Action::MemoryWrite, routes!(memory::scrub::scrub))
        .guarded(Action::MemoryRead, routes!(memory::search::search))
        .guarded(Action::MemoryRead, routes!(memory::search::list))
        .guarded(Action::MemoryPromote, routes!(memory::promote::promote))
        .guarded(Action::MemoryRemove, routes!(memory::remove::demote))
        .guarded(Action::MemoryRemove, routes!(memory::remove::delete))
        .guarded(Action::MemoryAudit, routes!(memory::audit::entries))
        .guarded(Action::RunContext, routes!(memory::context::show))
        .guarded(Action::LeaseTake, routes!(leases::acquire))
        .guarded(Action::LeaseRead, routes!(leases::list))
        .guarded(Action::LeaseRead, routes!(leases::show))
        .guarded(Action::LeaseHold, routes!(leases::renew))
        .guarded(Action::LeaseHold, routes!(leases::release))
        .guarded(Action::RoutineRead, routes!(routines::preview::preview))
        .guarded(Action::RoutineRead, routes!(routines::templates::list))
        .guarded(Action::RoutineWrite, routes!(routines::write::create))
        .guarded(Action::RoutineRead, routes!(routines::read::list))
        .guarded(Action::RoutineRead, routes!(routines::read::show))
        .guarded(Action::RoutineWrite, routes!(routines::write::change))
        .guarded(Action::RoutineWrite, routes!(routines::write::delete))
        .guarded(Action::RoutineRead, routes!(routines::read::history))
        .guarded(Action::RoutineRun, routes!(routines::start::run_now))
        .guarded(Action::RoutineRun, routes!(routines::start::backfill))
        .guarded(Action::RoutineRead, routes!(routines::runs::list))
        .guarded(Action::RoutineRead, routes!(routines::runs::list_own))
        .guarded(Action::RoutineRead, routes!(routines::runs::show))
        .guarded(Action::RoutineDecide, routes!(routines::steps::approve))
        .guarded(Action::RoutineDecide, routes!(routines::steps::deny))
        .guarded(Action::RoutineRun, routes!(routines::steps::pause))
        .guarded(Action::RoutineRun, routes!(routines::steps::resume))
        .guarded(Action::RoutineRead, routes!(routines::artifacts::list))
        .guarded(Action::RoutineRun, routes!(routines::artifacts::leave))
        .guarded(Action::RoutineRead, routes!(stream::routines::watch))
        .guarded(Action::EventRead, routes!(stream::log::follow))
        .guarded(Action::EventRead, routes!(stream::log::follow_global))
        .guarded(Action::TicketCreate, routes!(stream::log::draw_ticket))
        .guarded(Action::TokenCreate, routes!(tokens::create))
        .guarded(Action::TokenRead, routes!(tokens::list))
        .guarded(Action::TokenRead, routes!(tokens::show))
        .guarded(Action::TokenRevoke, routes!(tokens::revoke))
        .guarded(Action::TokenRotate, routes!(tokens::rotate))
        .guarded(Action::AuditRead, routes!(audit::list))
        .guarded(Action::PolicyRead, routes!(policy::show))
        .guarded(Action::PolicyWrite, routes!(policy::set))
        .guarded(Action::PolicyRead, routes!(policy::history))
        .guarded(Action::PolicyWrite, routes!(policy::roll_back))
        .guarded(Action::PolicyRead, routes!(policy::explain))
        .guarded(Action::PolicyRead, routes!(policy::diff))
}

/// The whole API over a host.
pub fn router(host: Shared) -> Router {
    let (with_routes, _, _) = table().finish();
    let body_max = host.options.body_max_bytes;
    let mut router = with_routes
        .fallback(unknown_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(body_max));
    if !host.options.allowed_origins.is_empty() {
        router = router.layer(cross_origin(&host.options));
    }
    router.layer(middleware::from_fn_with_state(Arc::clone(&host), guards::every_request)).with_state(host)
}

/// The OpenAPI document.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let mut document = openapi::complete(table().finish().2);
        // In the order of names, so that a change of the code is the only difference there can be.
        document.sort_all_objects();
        document
    })
}

/// Every operation with its action.
pub fn operations() -> Vec<Operation> {
    table().finish().1
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::new(
        problem::UNKNOWN_ROUTE,
        format!("there is no route `{}`; /openapi.json lists those there are", uri.path()),
    )
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(problem::METHOD_NOT_ALLOWED, format!("`{}` has no method {method}; see the Allow header", uri.path()))
}

fn cross_origin(options: &HttpOptions) -> CorsLayer {
    let origins: Vec<HeaderValue> = options.allowed_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("sluice-workspace"),
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER, guards::REQUEST_ID.clone()])
}

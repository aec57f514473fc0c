//! `GET /routines/events`: what happens to routines.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::event::EventList;

use super::start::{Ask, From, open};
use crate::domain::id::RoutineId;
use crate::http::access::Caller;
use crate::http::host::Shared;
use crate::http::json::Params;
use crate::http::page;
use crate::http::problem::Problem;
use crate::store::LogFilter;

/// What the types of all events of routines begin with.
const TYPES: &str = "routine.";

/// Which routines, and from where on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct WatchParams {
    /// Only this routine's events.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    routine_id: Option<String>,
    /// Only events after this one.
    #[param(maximum = 9_223_372_036_854_775_807_u64)]
    since_seq: Option<u64>,
    /// Begin with the newest so many events, at most 10,000.
    #[param(maximum = 10_000)]
    tail: Option<u32>,
    /// A ticket of `POST /event/ticket`, for clients that cannot send headers.
    #[expect(dead_code, reason = "read before the handler is called")]
    ticket: Option<String>,
    /// Entries of a page of JSON.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Watch routines
///
/// The events whose types begin with `routine.`, as `GET /event` has them. With
/// `Accept: application/json` a page of events instead.
#[utoipa::path(
    get, path = "/routines/events", tag = "routines", operation_id = "watch", params(
        WatchParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "Only events after this one; wins over `since_seq`."),
    ),
    responses((status = 200, description = "The stream, or a page of events", content(
        (String = "text/event-stream"), (EventList = "application/json"),
    )))
)]
pub(in crate::http) async fn watch(
    State(host): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<WatchParams>,
) -> Result<Response, Problem> {
    let routine = page::selector("routine_id", params.routine_id.as_deref())?;
    let state = routine.map_or_else(|| "/routines".to_owned(), |id| format!("/routines/{id}"));
    let ask = Ask {
        filter: LogFilter {
            type_prefixes: vec![TYPES.to_owned()],
            routine_id: routine.map(RoutineId::new),
            ..LogFilter::default()
        },
        from: From { since_seq: params.since_seq, tail: params.tail },
        limit: params.limit,
        values: false,
        state: vec![state, "/routines/runs".to_owned()],
    };
    open(host, caller, &headers, ask).await
}

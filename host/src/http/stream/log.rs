//! `GET /event`: the workspace's whole log; and the tickets for streams.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::event::EventList;
use sluice_api::token::Ticket;

use super::TYPES_MAX;
use super::start::{Ask, From, open};
use crate::domain::id::{MissionId, RunId};
use crate::domain::principal::Credential;
use crate::http::access::Caller;
use crate::http::host::Shared;
use crate::http::idempotency::NeverKept;
use crate::http::json::Params;
use crate::http::page;
use crate::http::problem::{self, Problem};
use crate::store::LogFilter;

/// Which events, and from where on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct StreamParams {
    /// Only types that begin with this; may stand several times, at most 20.
    #[serde(default, rename = "type")]
    #[param(rename = "type", max_items = 20, value_type = Option<Vec<String>>)]
    types: Vec<String>,
    /// Only this session's events.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    session_id: Option<String>,
    /// Only this run's events.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    run_id: Option<String>,
    /// Only this mission's events.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    mission_id: Option<String>,
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

impl StreamParams {
    fn ask(&self) -> Result<Ask, Problem> {
        if self.types.len() > TYPES_MAX {
            return Err(Problem::field(
                "type",
                format!("type: stands {} times; at most {TYPES_MAX}", self.types.len()),
            ));
        }
        let filter = LogFilter {
            mission_id: page::selector("mission_id", self.mission_id.as_deref())?.map(MissionId::new),
            run_id: page::selector("run_id", self.run_id.as_deref())?.map(RunId::new),
            session_id: page::selector("session_id", self.session_id.as_deref())?.map(str::to_owned),
            type_prefixes: self.types.clone(),
            key_prefixes: None,
            routine_id: None,
        };
        let state = ["/mission", "/runs", "/approvals", "/resource"];
        Ok(Ask {
            filter,
            from: From { since_seq: self.since_seq, tail: self.tail },
            limit: self.limit,
            values: false,
            state: state.map(str::to_owned).to_vec(),
        })
    }
}

/// Follow the workspace's log
///
/// A stream of server-sent events: the log's events carry `id:` (their `seq`) and no `event:`; the
/// control frames `ready`, `bookmark` and `reset` carry `event:` and no `id:`. With
/// `Accept: application/json` a page of events instead.
#[utoipa::path(
    get, path = "/event", tag = "events", params(
        StreamParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "Only events after this one; wins over `since_seq`."),
    ),
    responses((status = 200, description = "The stream, or a page of events", content(
        (String = "text/event-stream"), (EventList = "application/json"),
    )))
)]
pub(in crate::http) async fn follow(
    State(host): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<StreamParams>,
) -> Result<Response, Problem> {
    open(host, caller, &headers, params.ask()?).await
}

/// Follow the workspace's log
///
/// The same as `GET /event`.
#[utoipa::path(
    get, path = "/global/event", tag = "events", params(
        StreamParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "Only events after this one; wins over `since_seq`."),
    ),
    responses((status = 200, description = "The stream, or a page of events", content(
        (String = "text/event-stream"), (EventList = "application/json"),
    )))
)]
pub(in crate::http) async fn follow_global(
    State(host): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<StreamParams>,
) -> Result<Response, Problem> {
    open(host, caller, &headers, params.ask()?).await
}

/// Draw a ticket for streams
///
/// For browsers, whose `EventSource` sends no headers: the ticket stands in the query of a stream,
/// reconnects included, for a minute, and ends with the token it was drawn on.
#[utoipa::path(
    post, path = "/event/ticket", tag = "events",
    responses((status = 201, description = "The ticket", body = Ticket))
)]
pub(in crate::http) async fn draw_ticket(State(host): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    let (Credential::Token { id, .. } | Credential::Ticket { id, .. }) = &caller.principal.credential else {
        return Err(Problem::new(problem::FORBIDDEN, "a run token draws no tickets"));
    };
    let drawn = host.engine.draw_ticket(id).await?;
    let ticket = Ticket { ticket: drawn.0, expires_at_ms: drawn.1.as_millis() };
    let mut response = (StatusCode::CREATED, JsonAnswer(ticket)).into_response();
    response.extensions_mut().insert(NeverKept);
    Ok(response)
}

//! `GET /resource/events`: what becomes of shared resources whose keys begin with a prefix.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::event::EventList;

use super::start::{Ask, From, open};
use crate::domain::resource::check_prefix;
use crate::http::access::Caller;
use crate::http::host::Shared;
use crate::http::json::Params;
use crate::http::problem::Problem;
use crate::http::resources::readable_within;
use crate::store::LogFilter;

/// Which resources, and from where on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct WatchParams {
    /// Only keys that begin with this.
    #[param(max_length = 512)]
    prefix: Option<String>,
    /// Only events after this one.
    #[param(maximum = 9_223_372_036_854_775_807_u64)]
    since_seq: Option<u64>,
    /// Begin with the newest so many events, at most 10,000.
    #[param(maximum = 10_000)]
    tail: Option<u32>,
    /// Whether `properties` of `resource.updated` hold the `value` of that revision, as long as it is kept.
    values: Option<bool>,
    /// A ticket of `POST /event/ticket`, for clients that cannot send headers.
    #[expect(dead_code, reason = "read before the handler is called")]
    ticket: Option<String>,
    /// Entries of a page of JSON.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Watch resources
///
/// The events `resource.updated` and `resource.deleted` of matching keys, as `GET /event` has them. A
/// list answers the `seq` from which to watch on without a gap. With `Accept: application/json` a page
/// of events instead; one with values ends early when it gets large. With a run's token those that it may
/// read.
#[utoipa::path(
    get, path = "/resource/events", tag = "resources", operation_id = "watch", params(
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
    let prefix = params.prefix.as_deref().unwrap_or_default();
    check_prefix(prefix).map_err(|error| Problem::field("prefix", format!("prefix: `{prefix}` {error}")))?;
    let readable = readable_within(&host, &caller, prefix).await?;
    let key_prefixes = readable.unwrap_or_else(|| vec![prefix.to_owned()]);
    let state = match prefix {
        "" => "/resource".to_owned(),
        prefix => format!("/resource?prefix={prefix}"),
    };
    let ask = Ask {
        filter: LogFilter { key_prefixes: Some(key_prefixes), ..LogFilter::default() },
        from: From { since_seq: params.since_seq, tail: params.tail },
        limit: params.limit,
        values: params.values == Some(true),
        state: vec![state],
    };
    open(host, caller, &headers, ask).await
}

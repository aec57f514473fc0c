//! `GET /resource/events`: what becomes of shared resources whose keys begin with a prefix.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::event::EventList;

use super::start::{Ask, From, open};
use crate::domain::principal::Credential;
use crate::domain::resource::check_prefix;
use crate::http::access::Caller;
use crate::http::host::{Host, Shared};
use crate::http::json::Params;
use crate::http::problem::Problem;
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
/// of events instead; one with values ends early when it gets large.
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
    let key_prefixes = match readable(&host, &caller).await? {
        None => vec![prefix.to_owned()],
        Some(readable) => within(prefix, &readable),
    };
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

/// What the keys begin with that the caller may read; `None`: all of the workspace.
///
/// # Errors
/// 409 when the run of a run's token has gone on.
async fn readable(host: &Host, caller: &Caller) -> Result<Option<Vec<String>>, Problem> {
    let Credential::Run { run_id, fence, digest } = &caller.principal.credential else { return Ok(None) };
    let run = host.engine.hold(run_id, *fence, digest).await?.run;
    let session_id = run.session_id.as_deref().unwrap_or(run_id.as_str());
    Ok(Some(vec![format!("run/{run_id}/"), format!("run/{session_id}/"), format!("mission/{}/", run.mission_id)]))
}

/// What keys begin with that begin with `prefix` and may be read.
fn within(prefix: &str, readable: &[String]) -> Vec<String> {
    let narrower = |readable: &String| match readable {
        readable if readable.starts_with(prefix) => Some(readable.clone()),
        readable if prefix.starts_with(readable.as_str()) => Some(prefix.to_owned()),
        _ => None,
    };
    readable.iter().filter_map(narrower).collect()
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn nobody_watches_more_than_they_asked_for_and_may_read() {
        let readable = ["run/a/".to_owned(), "mission/m/".to_owned()];
        assert_eq!(within("", &readable), readable);
        assert_eq!(within("run/", &readable), ["run/a/"]);
        assert_eq!(within("run/a/status", &readable), ["run/a/status"]);
        for other in ["run/b/", "run/a.", "team/", "mission/mm"] {
            assert_eq!(within(other, &readable), Vec::<String>::new(), "{other}");
        }
    }
}

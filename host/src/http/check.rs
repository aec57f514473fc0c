//! Check before activation: what a component would have decided, as one answer or as a stream that tells how far it is.

use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::time::{Interval, MissedTickBehavior};

use sluice_api::check::{CheckAsk, CheckForm, CheckReport};

use super::access::Caller;
use super::host::Shared;
use super::idempotency::NeverKept;
use super::json::{self, Body};
use super::page::Segment;
use super::policy::own;
use super::problem::{self, Problem};
use crate::domain::artifact::Digest;
use crate::engine::{CheckWatch, EngineError, PluginCheck, Tried};
use crate::plugins::inspect::COMPONENT_BYTES_MAX;

/// Largest form with a component, in bytes: the component, its settings and what frames them.
pub(super) const FORM_MAX_BYTES: usize = COMPONENT_BYTES_MAX + 1024 * 1024;
/// Time between two frames that tell how far a check is.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Check a plugin
///
/// What it would have decided on the newest records of the workspace: events of its missions' histories, verdicts of
/// a stage, or remembered texts. Nothing is written. It takes at most half a minute; what is known then is told, with
/// `is_complete` false. With `Accept: text/event-stream` frames `progress` tell how far it is, and `result` ends them.
#[utoipa::path(
    post, path = "/plugins/{digest}/check", tag = "plugins", operation_id = "check",
    params(("digest" = String, Path, description = "SHA-256 of its bytes")),
    request_body = CheckAsk,
    responses((status = 200, description = "What differs", content(
        (CheckReport = "application/json"), (String = "text/event-stream"),
    )))
)]
pub(super) async fn check(
    State(host): State<Shared>,
    caller: Caller,
    Segment(text): Segment,
    headers: HeaderMap,
    Body(ask): Body<CheckAsk>,
) -> Result<Response, Problem> {
    let digest = Digest::parse(&text).ok_or_else(|| Problem::not_found("plugin", &text))?;
    make(&host, &caller, &headers, Tried::Registered(digest), &ask).await
}

/// Check a component that is not installed
///
/// The same for a component that comes with the request. It is compiled and called for the first time as an install
/// does, and kept in memory for as long as the check takes.
#[utoipa::path(
    post, path = "/plugins/check", tag = "plugins", operation_id = "check_given",
    request_body(content((CheckForm = "multipart/form-data"))),
    responses((status = 200, description = "What differs", content(
        (CheckReport = "application/json"), (String = "text/event-stream"),
    )))
)]
pub(super) async fn check_given(
    State(host): State<Shared>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let (ask, component) = read_form(request, host.options.json_depth_max).await?;
    make(&host, &caller, &headers, Tried::Given(component), &ask).await
}

async fn make(
    host: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    tried: Tried,
    ask: &CheckAsk,
) -> Result<Response, Problem> {
    let workspace_id = match &ask.workspace_id {
        None => caller.workspace(),
        Some(named) => own(caller, named)?,
    };
    let check = host.engine.prepare_check(workspace_id, tried, ask).await?;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let mut response = if accept.contains("text/event-stream") {
        streamed(check)
    } else {
        JsonAnswer(check.run().await?).into_response()
    };
    // What is true of these records is not of those that come after them.
    response.extensions_mut().insert(NeverKept);
    Ok(response)
}

async fn read_form(request: Request, depth_max: usize) -> Result<(CheckAsk, Vec<u8>), Problem> {
    json::require_json(request.headers(), &["multipart/form-data"])?;
    let broken = |error: &dyn std::fmt::Display| {
        Problem::new(problem::MALFORMED_REQUEST, format!("the form cannot be read: {error}")).with("field", "body")
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(&error))?;
    let (mut ask, mut component) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        let member = field.name().unwrap_or_default().to_owned();
        let slot = match member.as_str() {
            "ask" => &mut ask,
            "component" => &mut component,
            _ => {
                let detail = format!("{member}: the form has `ask` and `component`");
                return Err(Problem::new(problem::UNKNOWN_FIELD, detail).with("field", member));
            }
        };
        let bytes = field.bytes().await.map_err(|error| broken(&error))?;
        if slot.replace(bytes).is_some() {
            let detail = format!("`{member}` stands twice in the form");
            return Err(Problem::new(problem::DUPLICATE_KEY, detail).with("field", member));
        }
    }
    let missing = |field: &str| Problem::field(field, format!("{field}: is missing"));
    let (ask, component) = (ask.ok_or_else(|| missing("ask"))?, component.ok_or_else(|| missing("component"))?);
    Ok((json::typed(json::value(&ask, depth_max)?)?, component.into()))
}

/// A check, told as it goes on.
struct Telling {
    /// Gone when it has ended, and with it the workspace's place.
    run: Option<BoxFuture<'static, Result<CheckReport, EngineError>>>,
    watch: CheckWatch,
    tick: Interval,
}

fn streamed(check: PluginCheck) -> Response {
    let mut tick = tokio::time::interval(TELL_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let telling = Telling { watch: check.watch(), run: Some(Box::pin(check.run())), tick };
    let frames = futures_util::stream::unfold(telling, |mut telling| async move {
        let frame = telling.next().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), telling))
    });
    let mut response = Response::new(HttpBody::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that gathers an answer before it passes it on would hold the frames back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

impl Telling {
    /// The next frame; `None` after the last.
    async fn next(&mut self) -> Option<Bytes> {
        let run = self.run.as_mut()?;
        let ended = tokio::select! {
            biased;
            _ = self.tick.tick() => return Some(frame("progress", &self.watch.progress())),
            ended = run => ended,
        };
        self.run = None;
        Some(match ended {
            Ok(report) => frame("result", &report),
            Err(error) => frame("problem", &Problem::from(error).document()),
        })
    }
}

fn frame(event: &str, data: &impl Serialize) -> Bytes {
    format!("event: {event}\ndata: {}\n\n", crate::wire::json_of(data).as_str()).into()
}

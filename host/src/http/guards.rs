//! What stands before every route: a request's id, the names this host answers to, other origins,
//! and more requests than the host can carry.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::host::{HttpOptions, Shared};
use super::problem::{self, Problem};
use crate::domain::id;
use crate::telemetry::{RequestHead, answered, request_span};

/// The header that carries a request's id both ways.
pub(super) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Lets a request through that came by a name of this host and is not one too many.
///
/// One layer and not one for each guard: a layer costs every request a copy of the whole route behind it.
async fn admitted(host: &Shared, request: Request, next: Next) -> Response {
    if let Err(problem) = check_names(&host.options, request.uri(), request.headers()) {
        return problem.into_response();
    }
    let _place = match place_for(host, request.uri().path()) {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    // The panic's own message goes to the log, by the panic hook.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered
        .unwrap_or_else(|_| Problem::new(problem::INTERNAL, "the host failed; its log holds the cause").into_response())
}

/// Refuses what did not come here by a name of this host, or comes from a page of another origin.
fn check_names(options: &HttpOptions, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let given = uri.authority().map(axum::http::uri::Authority::as_str).or_else(|| only(headers, &header::HOST));
    let Some(authority) = given else {
        return Err(Problem::new(problem::HOST_NOT_ALLOWED, "send exactly one Host header"));
    };
    if !answers_to(options, authority) {
        let detail = "the Host header names neither loopback nor a name in `allowed_hosts`";
        return Err(Problem::new(problem::HOST_NOT_ALLOWED, detail).with("field", "Host"));
    }
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
    let is_listed = origin.is_some_and(|origin| options.allowed_origins.iter().any(|allowed| allowed == origin));
    let is_own = origin.is_some_and(|origin| {
        let name = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        name.is_some_and(|name| name.eq_ignore_ascii_case(authority))
    });
    let site = headers.get("sec-fetch-site").map(|site| site.to_str().unwrap_or("cross-site"));
    let is_foreign_site = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if is_listed || (!is_foreign_site && (origin.is_none() || is_own)) {
        return Ok(());
    }
    let detail =
        format!("a page of {} asked; add it to `allowed_origins` if that is meant", origin.unwrap_or("another origin"));
    Err(Problem::new(problem::ORIGIN_NOT_ALLOWED, detail).with("field", "Origin"))
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// An address as a literal cannot be rebound to another host by whoever controls a name, so any
/// is fine; names have to be known.
fn answers_to(options: &HttpOptions, authority: &str) -> bool {
    let name = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => return address.parse::<IpAddr>().is_ok(),
        None => authority.rsplit_once(':').map_or(authority, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok()
        || options.allowed_hosts.contains(&name)
}

/// A place among the requests being carried out; none is left while the host drains or carries as many
/// as it can. Some need none.
fn place_for<'h>(host: &'h Shared, path: &str) -> Result<Option<Place<'h>>, Problem> {
    let is_about_itself = matches!(path, "/healthz" | "/readyz" | "/global/health" | "/metrics");
    // A claim may wait for a minute and costs nothing meanwhile.
    if is_about_itself || path == "/runs/claim" {
        return Ok(None);
    }
    if host.draining.is_cancelled() {
        return Err(Problem::new(
            problem::UNAVAILABLE,
            "the host is draining; another one, or this one after its restart, will answer",
        ));
    }
    let place = Place::take(host);
    if host.in_flight.load(Ordering::Relaxed) > host.options.in_flight_max {
        return Err(Problem::new(problem::OVERLOADED, "the host carries as many requests as it can"));
    }
    Ok(Some(place))
}

struct Place<'h>(&'h Shared);

impl<'h> Place<'h> {
    fn take(host: &'h Shared) -> Self {
        host.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(host)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What every request passes: it gets an id, taken over from the client when it sent one that can be one,
/// is admitted or not, and its answer has the headers that every answer has.
pub(super) async fn every_request(State(host): State<Shared>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| id::check(id).is_ok());
    let request_id = given.map_or_else(|| host.engine.new_request_id(), str::to_owned);
    // Whoever guards a single route finds the host here.
    request.extensions_mut().insert(host.clone());
    let started = host.engine.clock().monotonic();
    let (method, route) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let span = request_span(RequestHead {
        request_id: &request_id,
        method: method.as_str(),
        path: request.uri().path(),
        route: route.as_ref().map(MatchedPath::as_str),
        traceparent: request.headers().get("traceparent").and_then(|parent| parent.to_str().ok()),
    });
    let mut response = admitted(&host, request, next).instrument(span.clone()).await;
    let took = host.engine.clock().monotonic().saturating_sub(started);
    let status = response.status().as_u16();
    host.metrics.request(route.as_ref().map(MatchedPath::as_str), method.as_str(), status, took);
    let code = response.extensions().get::<problem::ProblemCode>().map_or("", |code| code.0);
    answered(&span, status, code, took);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID.clone(), value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(host: &str, headers: &[(&str, &str)]) -> bool {
        let options = HttpOptions {
            allowed_hosts: vec!["sluice.example.org".to_owned()],
            allowed_origins: vec!["https://console.example.org".to_owned()],
            ..HttpOptions::default()
        };
        let mut map = HeaderMap::new();
        map.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        check_names(&options, &Uri::from_static("/mission"), &map).is_ok()
    }

    #[test]
    fn names_that_could_be_rebound_are_refused() {
        for good in ["localhost:4700", "127.0.0.1:4700", "[::1]:4700", "10.0.0.7", "Sluice.Example.org", "a.localhost"]
        {
            assert!(allowed(good, &[]), "{good}");
        }
        for bad in ["evil.example", "localhost.evil.example:4700", "", "127.0.0.1.evil.example", "[x]:1"] {
            assert!(!allowed(bad, &[]), "{bad}");
        }
        assert!(!allowed("localhost", &[("host", "evil.example")]), "two Host headers");
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let here = "localhost:4700";
        for good in [
            vec![("origin", "http://localhost:4700")],
            vec![("origin", "http://localhost:4700"), ("sec-fetch-site", "same-origin")],
            vec![("sec-fetch-site", "none")],
            vec![("origin", "https://console.example.org"), ("sec-fetch-site", "cross-site")],
        ] {
            assert!(allowed(here, &good), "{good:?}");
        }
        for bad in [
            vec![("origin", "http://localhost:4701")],
            vec![("origin", "null")],
            vec![("origin", "http://evil.example")],
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "odd")],
        ] {
            assert!(!allowed(here, &bad), "{bad:?}");
        }
    }
}

//! Answers given before there is a request: problem documents as bytes of HTTP/1.1.
//!
//! hyper answers a head it cannot read by itself, with a bare status; [`instead_of`] is what the peer
//! gets in its place. It never sees a request. Read next: `io.rs`, which swaps them.

use sluice_api::problem::Problem;

/// What a status means here.
struct Refusal {
    status: u16,
    reason: &'static str,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
}

const MALFORMED: Refusal = Refusal {
    status: 400,
    reason: "Bad Request",
    code: "MALFORMED_REQUEST",
    title: "The request cannot be read",
    detail: "this is not a request line and headers of HTTP/1.1",
};
const LATE: Refusal = Refusal {
    status: 408,
    reason: "Request Timeout",
    code: "REQUEST_TIMEOUT",
    title: "The request did not arrive in time",
    detail: "the head of the request broke off; send it in one piece",
};
const LONG_URI: Refusal = Refusal {
    status: 414,
    reason: "URI Too Long",
    code: "URI_TOO_LONG",
    title: "The request's target is too long",
    detail: "the path and the query are longer than the host takes; send data in the body",
};
const LARGE_HEAD: Refusal = Refusal {
    status: 431,
    reason: "Request Header Fields Too Large",
    code: "HEADERS_TOO_LARGE",
    title: "The request's headers are too large",
    detail: "there are more headers, or more bytes of them, than the host takes; send fewer",
};
const FULL: Refusal = Refusal {
    status: 503,
    reason: "Service Unavailable",
    code: "OVERLOADED",
    title: "The host has more to do than it can",
    detail: "as many connections are open as the host takes; try again a moment later",
};

/// The answer in place of hyper's own, which begins with `bytes`. `None` when that is no answer to a
/// head that cannot be read.
pub(super) fn instead_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let status = bytes.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    match status {
        b"400" => Some(whole(&MALFORMED)),
        b"414" => Some(whole(&LONG_URI)),
        b"431" => Some(whole(&LARGE_HEAD)),
        _ => None,
    }
}

/// The head of a request broke off.
pub(super) fn late_head() -> Vec<u8> {
    whole(&LATE)
}

/// There is no room for another connection.
pub(super) fn overloaded() -> Vec<u8> {
    whole(&FULL)
}

/// The body of a request broke off.
pub(super) fn late_body() -> axum::response::Response {
    answer(&Refusal { detail: "the body of the request paused for too long; nothing was done", ..LATE })
}

/// The target of a request is too long.
pub(super) fn long_uri() -> axum::response::Response {
    answer(&LONG_URI)
}

/// As an answer to a request; the connection ends with it.
fn answer(refusal: &Refusal) -> axum::response::Response {
    use axum::http::{HeaderValue, StatusCode, header};
    let mut response = axum::response::Response::new(axum::body::Body::from(document(refusal)));
    *response.status_mut() = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// As bytes; the connection ends with them.
fn whole(refusal: &Refusal) -> Vec<u8> {
    let body = document(refusal);
    let retry = if refusal.status == 503 { "retry-after: 1\r\n" } else { "" };
    let mut bytes = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         {retry}connection: close\r\n\r\n",
        refusal.status,
        refusal.reason,
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(&body);
    bytes
}

fn document(refusal: &Refusal) -> Vec<u8> {
    let problem = Problem {
        problem_type: format!("/problems/{}", refusal.code.to_ascii_lowercase().replace('_', "-")),
        title: refusal.title.to_owned(),
        status: refusal.status,
        detail: refusal.detail.to_owned(),
        code: refusal.code.to_owned(),
        retryable: matches!(refusal.status, 408 | 503),
        more: serde_json::Map::new(),
    };
    // A struct of texts always has a form in JSON.
    serde_json::to_vec(&problem).unwrap_or_default()
}

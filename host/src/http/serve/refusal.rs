//! Answers given before there is a request: problem documents as bytes of HTTP/1.1.
//!
//! hyper answers a head it cannot read by itself, with a bare status; [`instead_of`] is what the peer
//! gets in its place. It never sees a request. Read next: `io.rs`, which swaps them.

use axum::response::{IntoResponse as _, Response};

use crate::http::problem::{self, Kind, Problem};

/// A problem that ends its connection.
struct Refusal {
    kind: Kind,
    /// The phrase of its status.
    reason: &'static str,
    detail: &'static str,
}

const MALFORMED: Refusal = Refusal {
    kind: problem::MALFORMED_REQUEST,
    reason: "Bad Request",
    detail: "this is not a request line and headers of HTTP/1.1",
};
const LATE: Refusal = Refusal {
    kind: problem::REQUEST_TIMEOUT,
    reason: "Request Timeout",
    detail: "the head of the request broke off; send it in one piece",
};
const LONG_URI: Refusal = Refusal {
    kind: problem::URI_TOO_LONG,
    reason: "URI Too Long",
    detail: "the path and the query are longer than the host takes; send data in the body",
};
const LARGE_HEAD: Refusal = Refusal {
    kind: problem::HEADERS_TOO_LARGE,
    reason: "Request Header Fields Too Large",
    detail: "there are more headers, or more bytes of them, than the host takes; send fewer",
};
const FULL: Refusal = Refusal {
    kind: problem::OVERLOADED,
    reason: "Service Unavailable",
    detail: "as many connections are open as the host takes; try again a moment later",
};

/// The answer in place of hyper's own, which begins with `bytes`. `None` when that is no answer to a
/// head that cannot be read.
pub(super) fn instead_of(bytes: &[u8]) -> Option<Vec<u8>> {
    match bytes.strip_prefix(b"HTTP/1.")?.get(2..5)? {
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
pub(super) fn late_body() -> Response {
    answer(LATE.kind, "the body of the request paused for too long; nothing was done")
}

/// The target of a request is too long.
pub(super) fn long_uri() -> Response {
    answer(LONG_URI.kind, LONG_URI.detail)
}

/// As an answer to a request; the connection ends with it.
fn answer(kind: Kind, detail: &str) -> Response {
    use axum::http::{HeaderValue, header};
    let mut response = Problem::new(kind, detail).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// As bytes; the connection ends with them.
fn whole(refusal: &Refusal) -> Vec<u8> {
    let Refusal { kind, reason, detail } = refusal;
    let body = Problem::new(*kind, *detail).document().to_string();
    let retry = if kind.status == 503 { "retry-after: 1\r\n" } else { "" };
    format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\n{retry}connection: close\r\n\r\n{body}",
        kind.status,
        body.len()
    )
    .into_bytes()
}

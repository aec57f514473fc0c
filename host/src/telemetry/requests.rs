//! The span of a request: what everything logged while it is carried out stands under.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// What is known of a request before it is carried out.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'r> {
    /// Its id.
    pub request_id: &'r str,
    /// Its method.
    pub method: &'r str,
    /// Its path, without the query, which may hold a ticket.
    pub path: &'r str,
    /// The template of its route, when there is one.
    pub route: Option<&'r str>,
    /// The client's `traceparent` (W3C Trace Context). One that cannot be read is as good as none.
    pub traceparent: Option<&'r str>,
}

/// The span of a request. Headers are no part of it, and neither are their secrets.
pub fn request_span(head: RequestHead<'_>) -> Span {
    let RequestHead { request_id, method, path, route, traceparent } = head;
    // Of the highest level, so that a warning stands under its request's id whatever the filter is.
    let span = tracing::error_span!("request", request_id, method, path, otel.kind = Empty, otel.name = Empty);
    let parent = traceparent.and_then(read_parent);
    let context = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
    let is_exported = span.set_parent(context).is_ok();
    if is_exported {
        span.record("otel.kind", "server");
        span.record("otel.name", format!("{method} {}", route.unwrap_or("unknown route")));
        span.set_attribute("http.request.method", method.to_owned());
        if let Some(route) = route {
            span.set_attribute("http.route", route.to_owned());
        }
    }
    span
}

/// Says under the request's span how it was answered: with `code` when that is a problem.
pub fn answered(span: &Span, status: u16, code: &str, took: Duration) {
    // Not wider: 128 bits would become a text in JSON.
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| match code {
        "" => tracing::info!(status, took_us, "answered"),
        code => tracing::info!(status, code, took_us, "answered"),
    });
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set_status(Status::error(code.to_owned()));
    }
}

/// Reads `VERSION-TRACE-PARENT-FLAGS` in hexadecimal (W3C Trace Context, section 3.2).
fn read_parent(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    // Later versions may have more parts, the first has not.
    let is_whole = version != "ff" && (version != "00" || parts.next().is_none());
    if !(is_whole && is_hex(version, 2) && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2)) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()? & TraceFlags::SAMPLED.to_u8());
    let (trace, parent) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(parent).ok()?);
    let context = SpanContext::new(trace, parent, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_or_left_alone() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent = read_parent(good).unwrap();
        assert!(parent.is_sampled() && parent.is_remote());
        assert_eq!(parent.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(read_parent(&good.replacen("00", "01", 1)).is_some(), "a later version");
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01",
        ] {
            assert!(read_parent(bad).is_none(), "{bad}");
        }
    }
}

//! Writes that their callers named with `Idempotency-Key`: done once, answered the same for a day.
//!
//! Creating a mission, telling it something, writing resources, taking leases, having something remembered and
//! promoted, making, changing and starting routines and being allowed to act write their receipt in the transaction that does the deed, so
//! that not even a crash between deed and answer does it twice. Everything else is harmless to repeat, and its
//! receipt is written after the answer is known.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Limited};
use sha2::{Digest as _, Sha256};

use super::access::Caller;
use super::host::Host;
use super::problem::{self, Problem};
use crate::domain::artifact::Digest;
use crate::domain::json::Json;
use crate::domain::receipt::{RECEIPT_TTL_MS, Receipt, ReceiptKey};
use crate::store::{Unit, Write};

/// Longest key, in bytes.
const KEY_MAX_BYTES: usize = 255;
/// Largest answer that is kept, in bytes.
const ANSWER_MAX_BYTES: usize = 4 << 20;

static KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Named writes that are being carried out on this host.
#[derive(Default)]
pub(super) struct InFlight(Mutex<HashSet<(String, String, String)>>);

struct Entered<'h> {
    keys: &'h InFlight,
    key: (String, String, String),
}

impl InFlight {
    fn enter(&self, key: &ReceiptKey) -> Option<Entered<'_>> {
        let key = (key.workspace_id.to_string(), key.principal.clone(), key.key.clone());
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        is_new.then(|| Entered { keys: self, key })
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// The name of this write, for handlers that write its receipt with the deed.
#[derive(Clone, Default)]
pub(super) struct Named(pub Option<ReceiptKey>);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// An answer that holds a secret or is good only now, and is never kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct NeverKept;

/// An answer whose receipt was written with the deed, if its caller named it.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeptAlready;

/// Carries a request out, once if its caller named it.
pub(super) async fn once(host: &Host, caller: &Caller, request: Request, next: Next) -> Response {
    let is_write = !matches!(*request.method(), Method::GET | Method::HEAD);
    match request.headers().get(&KEY_HEADER) {
        Some(key) if is_write => {
            let key = key.clone();
            named(host, caller, &key, request, next).await.unwrap_or_else(Problem::into_response)
        }
        _ => next.run(request).await,
    }
}

async fn named(
    host: &Host,
    caller: &Caller,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let text = key.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > KEY_MAX_BYTES {
        let detail = format!("Idempotency-Key: is 1 to {KEY_MAX_BYTES} visible ASCII characters");
        return Err(Problem::new(problem::MALFORMED_REQUEST, detail).with("field", "Idempotency-Key"));
    }
    let (parts, body) = request.into_parts();
    let bytes = read(body, body_max(host, parts.uri.path())).await?;
    let key = ReceiptKey {
        workspace_id: caller.workspace().clone(),
        principal: caller.name().to_owned(),
        key: text.to_owned(),
        request: digest_of(&parts, &bytes),
    };
    let Some(_entered) = host.named.enter(&key) else {
        return Err(Problem::new(problem::IDEMPOTENCY_KEY_IN_USE, "the same write is being carried out"));
    };
    if let Some(receipt) = kept(host, &key).await? {
        return replay(&key, &receipt);
    }
    let mut request = Request::from_parts(parts, Body::from(bytes));
    request.extensions_mut().insert(Named(Some(key.clone())));
    let response = next.run(request).await;
    let extensions = response.extensions();
    let is_done = extensions.get::<NeverKept>().is_some() || extensions.get::<KeptAlready>().is_some();
    if response.status().is_success() && !is_done {
        return keep(host, key, response).await;
    }
    if !response.status().is_success()
        && let Ok(Some(receipt)) = kept(host, &key).await
    {
        // Another host carried it out meanwhile, and what is done cannot be done again: the first
        // answer is this one's too.
        return replay(&key, &receipt);
    }
    Ok(response)
}

/// The receipt of this name, unless its day is over.
async fn kept(host: &Host, key: &ReceiptKey) -> Result<Option<Receipt>, Problem> {
    let found = host.engine.store().receipt(&key.workspace_id, &key.principal, &key.key).await?;
    let now = host.engine.clock().now();
    Ok(found.filter(|receipt| now.millis_since(receipt.created_at) < RECEIPT_TTL_MS))
}

fn replay(key: &ReceiptKey, receipt: &Receipt) -> Result<Response, Problem> {
    if receipt.key.request != key.request {
        let detail = format!("Idempotency-Key `{}` was used for another request within a day", key.key);
        return Err(Problem::new(problem::IDEMPOTENCY_KEY_REUSED, detail).with("field", "Idempotency-Key"));
    }
    let status = StatusCode::from_u16(receipt.status).unwrap_or(StatusCode::OK);
    let mut response = (status, receipt.answer.as_str().to_owned()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

/// Keeps the receipt of an answer that was given, unless it was written with the deed.
async fn keep(host: &Host, key: ReceiptKey, response: Response) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let bytes = read(body, ANSWER_MAX_BYTES).await?;
    let text = String::from_utf8(bytes.to_vec()).ok().filter(|text| !text.is_empty() && !text.contains('\0'));
    if let Some(text) = text {
        let receipt = Receipt {
            key,
            status: parts.status.as_u16(),
            answer: Json::from_valid(Arc::from(text)),
            created_at: host.engine.clock().now(),
        };
        let unit = Unit { writes: vec![Write::Receipt(receipt)], ..Unit::default() };
        if let Err(error) = host.engine.store().commit(unit).await {
            tracing::warn!(%error, "the receipt of a named write was not kept");
        }
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn body_max(host: &Host, path: &str) -> usize {
    if path.ends_with("/artifacts") {
        super::artifacts::BODY_MAX_BYTES
    } else if path == "/resource/batch" {
        super::resources::batch::BODY_MAX_BYTES
    } else if path == "/plugins/check" {
        super::check::FORM_MAX_BYTES
    } else if path.starts_with("/plugins/") {
        super::plugins::BODY_MAX_BYTES
    } else {
        host.options.body_max_bytes
    }
}

async fn read(body: Body, max: usize) -> Result<Bytes, Problem> {
    let collected = Limited::new(body, max).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Problem::new(problem::TOO_LARGE, format!("the body is larger than {max} bytes"))
        } else {
            Problem::new(problem::REQUEST_TIMEOUT, "the body broke off or paused for too long; nothing was done")
        }
    })?;
    Ok(collected.to_bytes())
}

fn digest_of(parts: &Parts, body: &[u8]) -> Digest {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let mut hash = Sha256::new();
    for field in [parts.method.as_str().as_bytes(), target.as_bytes(), body] {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
    }
    Digest::from_hash(hash)
}

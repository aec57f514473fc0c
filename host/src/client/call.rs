//! One call: how it is put together, sent, repeated and read.
//!
//! A call is repeated while that may help and cannot do harm: reads and whatever carries an
//! `Idempotency-Key` after any passing failure, the rest only when the server surely did not carry
//! it out (nobody answered, or it was turned away with 429 or 503).

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;

use sluice_api::problem::Problem;

use super::{Client, ClientError};

/// Time for an answer, unless a call says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// First pause between two tries; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Most of a body that is no problem document shown in a message, in characters.
const SHOWN_MAX: usize = 200;

/// When a call may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// After any passing failure.
    Passing,
    /// Only when it was surely not carried out.
    Unsent,
}

/// A call being put together.
pub(super) struct Call<'c> {
    client: &'c Client,
    request: reqwest::Request,
    repeat: Repeat,
    failed: Option<ClientError>,
}

impl Client {
    /// A read.
    pub(super) fn get(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::GET, path, Repeat::Passing)
    }

    /// A write that is done once however often it is sent.
    pub(super) fn post_once(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::POST, path, Repeat::Passing).named()
    }

    /// A write that is harmless to repeat.
    pub(super) fn post_again(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::POST, path, Repeat::Passing)
    }

    /// A write that is not to be done twice and carries no key.
    pub(super) fn post(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::POST, path, Repeat::Unsent)
    }

    /// A replacement that is done once however often it is sent.
    pub(super) fn put_once(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::PUT, path, Repeat::Passing).named()
    }

    /// A replacement that is harmless to repeat.
    pub(super) fn put_again(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::PUT, path, Repeat::Passing)
    }

    /// A change that is done once however often it is sent.
    pub(super) fn patch_once(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::PATCH, path, Repeat::Passing).named()
    }

    /// A removal that is done once however often it is sent: again it would find nothing.
    pub(super) fn delete_once(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::DELETE, path, Repeat::Passing).named()
    }

    /// A removal.
    pub(super) fn delete(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::DELETE, path, Repeat::Passing)
    }

    fn call(&self, method: Method, path: &[&str], repeat: Repeat) -> Call<'_> {
        let mut url = self.transport.base().clone();
        // An address has a host, and so segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = reqwest::Request::new(method, url);
        *request.timeout_mut() = Some(TIMEOUT);
        let mut call = Call { client: self, request, repeat, failed: None };
        if let Some(token) = &self.token {
            call = call.header(AUTHORIZATION, &format!("Bearer {token}"));
        }
        call
    }
}

impl Call<'_> {
    /// Adds to the query what is there.
    pub(super) fn query(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.request.url_mut().query_pairs_mut().append_pair(name, &value.to_string());
        }
        self
    }

    /// Adds these pairs to the query.
    pub(super) fn query_all(self, pairs: &[(&str, String)]) -> Self {
        pairs.iter().fold(self, |call, (name, value)| call.query(name, Some(value)))
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(name == AUTHORIZATION);
            self.request.headers_mut().insert(name, value);
        } else {
            let why = format!("`{name}` would hold characters that no header may; is the token complete?");
            self.failed = Some(ClientError::Machine(why));
        }
        self
    }

    /// Names the write, so that repeating it does nothing more.
    fn named(mut self) -> Self {
        let mut random = [0_u8; 16];
        match getrandom::fill(&mut random) {
            Ok(()) => {
                let key = format!("{:032x}", u128::from_ne_bytes(random));
                self.header(HeaderName::from_static("idempotency-key"), &key)
            }
            Err(error) => {
                self.failed = Some(ClientError::Machine(format!("no randomness: {error}")));
                self
            }
        }
    }

    pub(super) fn json(self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(error) => Self { failed: Some(ClientError::Machine(error.to_string())), ..self },
        }
    }

    pub(super) fn body(mut self, content_type: &str, bytes: Vec<u8>) -> Self {
        *self.request.body_mut() = Some(bytes.into());
        self.header(CONTENT_TYPE, content_type)
    }

    /// Time for the answer; `None` for as long as it takes.
    pub(super) fn timeout(mut self, timeout: Option<Duration>) -> Self {
        *self.request.timeout_mut() = timeout;
        self
    }

    /// Sends it and reads the answer's JSON.
    pub(super) async fn answer<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let client = self.client;
        let response = self.response().await?;
        client.read(response).await
    }

    /// Sends it, again when that may help, and gives the answer once it is a success.
    pub(super) async fn response(self) -> Result<Response, ClientError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let transport = &self.client.transport;
        let mut left = self.client.patience;
        let mut pause = PAUSE;
        loop {
            // Bodies are bytes, never streams, so the request can be copied.
            let Some(request) = self.request.try_clone() else {
                return Err(ClientError::Machine("the request cannot be repeated".to_owned()));
            };
            let (error, wait) = match transport.send(request).await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => {
                    let wait = retry_after(&response);
                    (problem_of(response).await, wait)
                }
                Err(error) => (error, None),
            };
            let may_repeat = match self.repeat {
                Repeat::Passing => error.is_passing(),
                Repeat::Unsent => error.is_unsent(),
            };
            let wait = wait.unwrap_or(pause).max(pause);
            if !may_repeat || wait > left {
                return Err(error);
            }
            tracing::debug!(%error, "trying again");
            tokio::time::sleep(wait).await;
            left -= wait;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

impl Client {
    /// Reads an answer's JSON.
    pub(super) async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let server = || self.transport.server();
        let bytes = response
            .bytes()
            .await
            .map_err(|error| ClientError::Broken { server: server(), why: super::transport::describe(&error) })?;
        serde_json::from_slice(&bytes)
            .map_err(|error| ClientError::Unreadable { server: server(), why: error.to_string() })
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What an answer that is no success says. Whatever stands between here and the server may have
/// answered instead of it, and knows nothing of problem documents.
async fn problem_of(response: Response) -> ClientError {
    let status = response.status();
    let bytes = response.bytes().await.unwrap_or_default();
    let problem = serde_json::from_slice(&bytes).unwrap_or_else(|_| foreign(status, &bytes));
    ClientError::Problem(Box::new(problem))
}

fn foreign(status: StatusCode, body: &[u8]) -> Problem {
    let title = status.canonical_reason().unwrap_or("unknown status");
    let text: String = String::from_utf8_lossy(body).chars().take(SHOWN_MAX).collect();
    let text = text.trim();
    let said = if text.is_empty() { String::new() } else { format!(": {text}") };
    Problem {
        problem_type: "about:blank".to_owned(),
        title: title.to_owned(),
        status: status.as_u16(),
        detail: format!("the answer was {} {title}{said}", status.as_u16()),
        code: format!("HTTP_{}", status.as_u16()),
        retryable: matches!(status.as_u16(), 502..=504),
        more: Map::new(),
    }
}

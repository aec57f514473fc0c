//! Posts to webhooks: the way from this host to addresses that operators name, and to nothing inside.
//!
//! It owns what goes over the network and what is kept from going there. Each attempt resolves the name anew, checks
//! every address it has ([`filter`]) and connects to one of those and to no other: whoever answers differently the
//! second time is not asked a second time. No proxy, no redirect, no connection kept. It decides neither when to try
//! again nor what an answer means; nothing of an answer but its status is kept. Next: `engine/webhooks`.

mod filter;
mod resolve;
mod signature;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, Url};

use crate::domain::time::Timestamp;
use crate::domain::webhook::ATTEMPT_MAX_MS;
use crate::engine::ports::{Address, Letter, Postman, Sent};
pub use filter::{Block, Filter, InvalidBlock};
use resolve::{Lookup, Resolver, Unreachable, by_system};

/// Longest address, in bytes.
const URL_MAX_BYTES: usize = 2048;
/// Most bytes of an answer that are read before it is thrown away.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// What an operator of the host may set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookOptions {
    /// Addresses that may be reached although they are inside.
    pub allow_private: Vec<Block>,
    /// Whether addresses may be `http` too.
    pub allow_http: bool,
}

/// This machine cannot ask anybody.
#[derive(Debug, thiserror::Error)]
#[error("failed to make a client of HTTP for webhooks")]
pub struct WebhookSetupError(#[source] reqwest::Error);

/// The way out.
pub struct Courier {
    client: Client,
    filter: Filter,
    allow_http: bool,
}

impl Courier {
    /// Makes ready; nothing is asked yet.
    ///
    /// # Errors
    /// [`WebhookSetupError`].
    pub fn new(options: WebhookOptions) -> Result<Self, WebhookSetupError> {
        Self::with_lookup(options, by_system())
    }

    fn with_lookup(options: WebhookOptions, lookup: Lookup) -> Result<Self, WebhookSetupError> {
        // A second call finds the process's one provider there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let filter = Filter::new(options.allow_private);
        let client = Client::builder()
            .dns_resolver(Arc::new(Resolver::new(filter.clone(), lookup)))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            // The next attempt looks at the addresses again.
            .pool_max_idle_per_host(0)
            .http1_only()
            .https_only(!options.allow_http)
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(WebhookSetupError)?;
        Ok(Self { client, filter, allow_http: options.allow_http })
    }

    /// An address that may be named, and the literal address in it; names are looked at when they are resolved.
    fn read(&self, text: &str) -> Result<Url, String> {
        if text.len() > URL_MAX_BYTES {
            return Err(format!("has {} bytes; at most {URL_MAX_BYTES}", text.len()));
        }
        let right = "is no https address like https://hooks.example.com/path";
        let url = Url::parse(text).map_err(|_| right.to_owned())?;
        let is_taken = url.scheme() == "https" || self.allow_http && url.scheme() == "http";
        if !is_taken {
            return Err(format!("{right}; `http` is taken where the host's `webhook_allow_http` is set"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a user or a password, which is not sent; let the receiver check signatures".to_owned());
        }
        if url.fragment().is_some() {
            return Err("holds a fragment (`#...`), which is never sent; leave it out".to_owned());
        }
        // Browsers read 0x7f.1, 2130706433 and 127.1 as addresses, and so did `parse`: what is left is a name.
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(right)?;
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            self.filter.check(address).map_err(|what| {
                format!("is on {address}, which is {what}; webhooks do not reach inside (`webhook_allow_private`)")
            })?;
        }
        Ok(url)
    }

    async fn attempt(&self, letter: Letter<'_>) -> Sent {
        // What is written down may have been allowed by another host, or by this one before it was set otherwise.
        let url = match self.read(letter.url) {
            Ok(url) => url,
            Err(problem) => return Sent::Refused(format!("the address {problem}")),
        };
        let seconds = letter.at.as_millis() / 1000;
        let Some(signature) = signature::sign(letter.secret, letter.id, seconds, letter.body) else {
            return Sent::Refused("the webhook has no secret to sign with".to_owned());
        };
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", letter.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(letter.body.to_owned());
        let limit = Duration::from_millis(ATTEMPT_MAX_MS);
        // Outside, because of what it answers when the time for reading the answer runs out.
        let mut answered = None;
        let whole = async {
            let response = request.send().await?;
            let retry_after_ms = retry_after(response.headers(), letter.at);
            answered = Some(Sent::Answered { status: response.status().as_u16(), retry_after_ms });
            drain(response).await;
            Ok::<(), reqwest::Error>(())
        };
        let ended = tokio::time::timeout(limit, whole).await;
        match (answered, ended) {
            (Some(answered), _) => answered,
            (None, Ok(Err(error))) => unanswered(&error),
            (None, _) => Sent::Unanswered(format!("it did not answer within {} s", limit.as_secs())),
        }
    }
}

impl Postman for Courier {
    fn address(&self, url: &str) -> Result<Address, String> {
        let url = self.read(url)?;
        Ok(Address { origin: url.origin().ascii_serialization(), url: url.into() })
    }

    fn post<'p>(&'p self, letter: Letter<'p>) -> BoxFuture<'p, Sent> {
        Box::pin(self.attempt(letter))
    }
}

/// Reads a little of an answer, so that most receivers get rid of theirs before the connection ends.
async fn drain(mut response: Response) {
    let mut left = ANSWER_MAX_BYTES;
    while let Ok(Some(chunk)) = response.chunk().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}

/// The wish of an answer to be left alone: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1000));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let millis = u64::try_from(date.as_millisecond()).unwrap_or(0);
    Some(millis.saturating_sub(now.as_millis()))
}

/// Says what went wrong without the error's own words, which hold the address.
fn unanswered(error: &reqwest::Error) -> Sent {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = cause {
        match one.downcast_ref::<Unreachable>() {
            Some(refused @ Unreachable::Refused(_)) => return Sent::Refused(refused.to_string()),
            Some(unknown) => return Sent::Unanswered(unknown.to_string()),
            None => cause = one.source(),
        }
    }
    let what = if error.is_connect() {
        "it could not be connected to, or its certificate is not trusted"
    } else {
        "the connection broke off before it answered"
    };
    Sent::Unanswered(what.to_owned())
}

#[cfg(test)]
mod tests;

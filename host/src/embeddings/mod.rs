//! Asks a model's endpoint for vectors: `POST {url}/embeddings`, the form most such servers speak.
//!
//! The endpoint is trusted with nothing but scrubbed text: its answer is bounded in time and size, and is a
//! vector of the configured length or none. One that fails is left alone for a moment, so that nobody waits for it
//! again and again. The key stands in one header and in no message; nor does what was sent or answered.

mod rest;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::domain::memory::vector::Vector;
use crate::engine::ports::{Embedder, EmbeddingFailure};
use rest::Rest;

/// Most bytes of a text that are sent: models read about 8,000 tokens, and refuse more.
const TEXT_MAX_BYTES: usize = 24 * 1024;
/// Most bytes of an answer: 4,096 numbers of twenty digits, with room to spare.
const ANSWER_MAX_BYTES: usize = 512 * 1024;
/// Questions at once; one more waits, and not longer than for an answer.
const AT_ONCE_MAX: usize = 16;
/// Longest key, in bytes.
const KEY_MAX_BYTES: usize = 8 * 1024;

/// An endpoint as an operator sets it.
#[derive(Clone)]
pub struct EmbeddingOptions {
    /// Where its paths begin: `https://models.example/v1`.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// What it is asked with.
    pub key: Option<ApiKey>,
    /// How many numbers a vector has; whatever comes when not set.
    pub dimensions: Option<usize>,
    /// How long an answer may take, all of it.
    pub timeout: Duration,
}

/// A key, ready to be sent and never shown.
#[derive(Clone)]
pub struct ApiKey(HeaderValue);

/// Why there is no endpoint to ask.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingSetupError {
    /// The file of the key cannot be read.
    #[error("the key of embeddings cannot be read from {path}")]
    KeyFile {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no key.
    #[error("{path} holds no key: one line of visible ASCII characters, at most {KEY_MAX_BYTES} bytes")]
    Key {
        /// Which.
        path: String,
    },
    /// The address is none.
    #[error("the address of embeddings is no http or https URL")]
    Url,
    /// This machine cannot ask anybody.
    #[error("no client of HTTP can be made")]
    Machine,
}

impl ApiKey {
    /// Reads a key from the first line of a file.
    ///
    /// # Errors
    /// [`EmbeddingSetupError`], without a word of what the file holds.
    pub fn read(path: &Path) -> Result<Self, EmbeddingSetupError> {
        let shown = || path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| EmbeddingSetupError::KeyFile { path: shown(), source })?;
        let key = text.trim();
        let is_key = (1..=KEY_MAX_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        let value = is_key.then(|| HeaderValue::from_str(&format!("Bearer {key}")).ok()).flatten();
        let mut value = value.ok_or_else(|| EmbeddingSetupError::Key { path: shown() })?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

/// A model that is asked over HTTP.
pub struct Endpoint {
    client: Client,
    url: Url,
    options: EmbeddingOptions,
    places: Semaphore,
    rest: Rest,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    embedding: Vec<f32>,
}

impl Endpoint {
    /// Makes ready to ask; nothing is asked yet.
    ///
    /// # Errors
    /// [`EmbeddingSetupError`].
    pub fn new(options: EmbeddingOptions, clock: Arc<dyn Clock>) -> Result<Self, EmbeddingSetupError> {
        // A second call finds the process's one provider there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = options.url.trim_end_matches('/');
        let url = Url::parse(&format!("{base}/embeddings")).map_err(|_| EmbeddingSetupError::Url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EmbeddingSetupError::Url);
        }
        let mut builder = Client::builder()
            // Texts and the key are for the endpoint that was named, and for nobody it points to.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")));
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if is_loopback {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|_| EmbeddingSetupError::Machine)?;
        Ok(Self { client, url, options, places: Semaphore::new(AT_ONCE_MAX), rest: Rest::new(clock) })
    }

    async fn ask(&self, text: &str) -> Result<Vector, EmbeddingFailure> {
        if self.rest.is_on() {
            return Err(EmbeddingFailure::Resting);
        }
        let timeout = self.options.timeout;
        let answered = tokio::time::timeout(timeout, self.answer(text)).await;
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let answered = answered.unwrap_or(Err(EmbeddingFailure::TimedOut(millis)));
        match &answered {
            Ok(_) => self.rest.succeeded(),
            Err(_) => self.rest.failed(),
        }
        answered
    }

    async fn answer(&self, text: &str) -> Result<Vector, EmbeddingFailure> {
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let text = &text[..text.floor_char_boundary(TEXT_MAX_BYTES)];
        let body = json!({"model": self.options.model, "input": text, "encoding_format": "float"});
        let mut request =
            self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body.to_string());
        if let Some(ApiKey(key)) = &self.options.key {
            request = request.header(AUTHORIZATION, key.clone());
        }
        // What went wrong with the connection could name the address, which may hold a password.
        let response = request.send().await.map_err(|_| EmbeddingFailure::Unreachable)?;
        let status = response.status();
        if status != StatusCode::OK {
            let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            if let (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(seconds)) = (status, seconds)
            {
                self.rest.asked_for(Duration::from_secs(seconds));
            }
            return Err(EmbeddingFailure::Refused(status.as_u16()));
        }
        let numbers = numbers_of(&read(response).await?)?;
        let wanted = self.options.dimensions.unwrap_or(numbers.len());
        if numbers.len() != wanted {
            return Err(EmbeddingFailure::Dimensions { found: numbers.len(), wanted });
        }
        Vector::new(&numbers).map_err(|_| EmbeddingFailure::Malformed)
    }
}

impl Embedder for Endpoint {
    fn model(&self) -> &str {
        &self.options.model
    }

    fn embed<'e>(&'e self, text: &'e str) -> BoxFuture<'e, Result<Vector, EmbeddingFailure>> {
        Box::pin(self.ask(text))
    }
}

/// The whole answer, unless it is larger than any that is right.
async fn read(mut response: Response) -> Result<Vec<u8>, EmbeddingFailure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| EmbeddingFailure::Unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_MAX_BYTES {
            return Err(EmbeddingFailure::TooLarge(ANSWER_MAX_BYTES));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn numbers_of(answer: &[u8]) -> Result<Vec<f32>, EmbeddingFailure> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| EmbeddingFailure::Malformed)?;
    let mut items = answer.data.into_iter();
    // One text was sent.
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item.embedding),
        _ => Err(EmbeddingFailure::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_list_of_numbers() {
        let good = br#"{"object":"list","data":[{"index":0,"embedding":[1,-0.5,2e-3]}],"usage":{"total_tokens":3}}"#;
        assert_eq!(numbers_of(good), Ok(vec![1.0, -0.5, 0.002]));
        for bad in [
            &b""[..],
            b"{}",
            b"[]",
            br#"{"data":[]}"#,
            br#"{"data":[{"embedding":"AAAA"}]}"#,
            br#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#,
            br#"{"data":[{"embedding":[1,null]}]}"#,
        ] {
            assert_eq!(numbers_of(bad), Err(EmbeddingFailure::Malformed), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_key_is_read_and_never_quoted() {
        let directory = std::env::temp_dir().join(format!("sluice-embedding-key-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("key");
        std::fs::write(&path, "sk-hidden-word\n").unwrap();
        let key = ApiKey::read(&path).unwrap();
        assert_eq!(key.0.to_str().unwrap(), "Bearer sk-hidden-word");
        assert!(!format!("{:?}", key.0).contains("hidden"));
        for bad in ["", " \n", "two hidden-words", "hidden\u{7f}", "hidd\u{e9}n", &"x".repeat(KEY_MAX_BYTES + 1)] {
            std::fs::write(&path, bad).unwrap();
            let refused = ApiKey::read(&path).err().unwrap();
            assert!(matches!(refused, EmbeddingSetupError::Key { .. }), "{refused}");
            assert!(!refused.to_string().contains("hidd"), "{refused}");
        }
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(matches!(ApiKey::read(&path), Err(EmbeddingSetupError::KeyFile { .. })));
    }
}

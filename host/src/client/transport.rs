//! How a request reaches a host: over the network, or straight into a host of this process.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use reqwest::Url;

use super::ClientError;

/// Longest time for a connection to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// A request to a host in this process.
pub type LocalRequest = hyper::Request<Bytes>;

/// Its answer; the body comes as it is made.
pub type LocalAnswer = hyper::Response<BoxStream<'static, Result<Bytes, std::io::Error>>>;

/// Hands a request to a host in this process.
pub type LocalCall = Arc<dyn Fn(LocalRequest) -> BoxFuture<'static, LocalAnswer> + Send + Sync>;

impl Address {
    /// Reads `http://HOST:PORT`, `https://HOST`, also with a path that the API lies below.
    ///
    /// # Errors
    /// [`ClientError::Address`] saying what is wrong.
    pub fn parse(given: &str) -> Result<Self, ClientError> {
        let wrong = |why: String| ClientError::Address { given: given.to_owned(), why };
        let url = Url::parse(given.trim()).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("it begins with neither http:// nor https://".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it carries a name or password; a token goes into --token".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it has a `?` or `#`".to_owned()));
        }
        Ok(Self(url))
    }

    /// The same server as this machine reaches it: one that listens on every address (`0.0.0.0`,
    /// `[::]`) is at the loopback one.
    #[must_use]
    pub fn from_here(mut self) -> Self {
        let loopback = match self.0.host_str() {
            Some("0.0.0.0") => Some("127.0.0.1"),
            Some("[::]") => Some("[::1]"),
            _ => None,
        };
        if let Some(host) = loopback {
            // An address of http with a host takes another host.
            let _ = self.0.set_host(Some(host));
        }
        self
    }

    /// Whether it is this machine, by a name nobody can turn elsewhere.
    pub fn is_loopback(&self) -> bool {
        match self.0.host_str() {
            Some("localhost") => true,
            Some(host) => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
            }
            None => false,
        }
    }

    /// Whether what is sent there can be read on the way.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Chooses the process's one TLS provider; a second call finds it there. Before it no client of
/// HTTP can be made, not even a plain one.
pub fn ready_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// How requests reach one host.
pub(super) enum Transport {
    Network { client: reqwest::Client, base: Url },
    InProcess { call: LocalCall, base: Url },
}

impl Transport {
    pub(super) fn network(address: &Address) -> Result<Self, ClientError> {
        ready_tls();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A token is for the server that was named, and for nobody it points to.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")));
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| ClientError::Machine(describe(&error)))?;
        Ok(Self::Network { client, base: address.0.clone() })
    }

    pub(super) fn in_process(call: LocalCall) -> Self {
        // Unwrap safety: the text is a constant and a URL.
        #[expect(clippy::unwrap_used, reason = "a constant that is a URL")]
        let base = Url::parse("http://localhost/").unwrap();
        Self::InProcess { call, base }
    }

    /// Where paths begin.
    pub(super) fn base(&self) -> &Url {
        match self {
            Self::Network { base, .. } | Self::InProcess { base, .. } => base,
        }
    }

    /// Who is spoken to, for messages.
    pub(super) fn server(&self) -> String {
        match self {
            Self::Network { base, .. } => base.as_str().trim_end_matches('/').to_owned(),
            Self::InProcess { .. } => "the host in this process".to_owned(),
        }
    }

    /// Sends one request, once.
    pub(super) async fn send(&self, request: reqwest::Request) -> Result<reqwest::Response, ClientError> {
        match self {
            Self::Network { client, .. } => client.execute(request).await.map_err(|error| {
                let (server, why) = (self.server(), describe(&error));
                if error.is_connect() {
                    ClientError::Unreachable { server, why }
                } else {
                    ClientError::Broken { server, why }
                }
            }),
            Self::InProcess { call, .. } => {
                let answer = call(local_request(&request)).await;
                Ok(reqwest::Response::from(answer.map(reqwest::Body::wrap_stream)))
            }
        }
    }
}

fn local_request(request: &reqwest::Request) -> LocalRequest {
    let body = request.body().and_then(reqwest::Body::as_bytes).map(Bytes::copy_from_slice).unwrap_or_default();
    let mut local = LocalRequest::new(body);
    *local.method_mut() = request.method().clone();
    let url = request.url();
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    if let Ok(target) = target.parse() {
        *local.uri_mut() = target;
    }
    *local.headers_mut() = request.headers().clone();
    local.headers_mut().insert(hyper::header::HOST, hyper::header::HeaderValue::from_static("localhost"));
    local
}

/// What went wrong with a connection, by its innermost cause, and never with the URL's query.
pub(super) fn describe(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_timeout() { "it did not answer in time".to_owned() } else { innermost.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_from_what_is_none() {
        for (given, shown, is_loopback) in [
            ("http://127.0.0.1:4700", "http://127.0.0.1:4700", true),
            ("http://[::1]:4700/", "http://[::1]:4700", true),
            ("http://localhost:1", "http://localhost:1", true),
            ("https://sluice.example.org/api/", "https://sluice.example.org/api", false),
        ] {
            let address = Address::parse(given).unwrap();
            assert_eq!((address.to_string().as_str(), address.is_loopback()), (shown, is_loopback));
        }
        for (listens, reached) in
            [("http://0.0.0.0:4700", "http://127.0.0.1:4700"), ("http://[::]:1", "http://[::1]:1")]
        {
            assert_eq!(Address::parse(listens).unwrap().from_here().to_string(), reached);
        }
        for given in ["", "127.0.0.1:4700", "ftp://x", "http://", "http://me:pw@x", "http://x/?token=1", "unix:///x"] {
            assert!(matches!(Address::parse(given), Err(ClientError::Address { .. })), "{given}");
        }
    }
}

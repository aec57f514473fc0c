//! What the host tells of itself: the log, spans and metrics.
//!
//! It owns where these go and what may not stand in them: [`redact`] keeps secrets out of both. It
//! decides nothing and never fails a start because a collector is away. What is told about a request
//! is the business of [`crate::http`].

mod redact;
mod log;
mod spans;
mod requests;
mod metrics;

use std::io::IsTerminal as _;

use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use log::{LogFormat, Redacted};
pub use metrics::{ConnectionOpen, GateOutcome, Metrics, Queue, StreamOpen};
pub use redact::redact;
pub use requests::{RequestHead, answered, request_span};
pub use spans::Spans;

/// The log's filter when nothing says otherwise.
pub const DEFAULT_FILTER: &str = "warn";

/// What is told, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How the log is written.
    pub format: LogFormat,
    /// What is logged, in the directives of `tracing`: `info`, `warn,sluice::http=debug`.
    pub filter: String,
    /// An OTLP collector (HTTP, protobuf) that gets spans: `http://localhost:4318`.
    pub otlp_endpoint: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: DEFAULT_FILTER.to_owned(), otlp_endpoint: None }
    }
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("log filter `{filter}` cannot be read; write a level like `info`, or `warn,sluice::http=debug`")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// No exporter can be made for the collector.
    #[error("failed to prepare spans for the collector at `{endpoint}`; give an address like http://localhost:4318")]
    Exporter {
        /// As it was given.
        endpoint: String,
        /// Why.
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// The process has a log already.
    #[error("the log of this process is set up already")]
    Twice,
}

/// Whether the log can be filtered by this.
///
/// # Errors
/// [`TelemetryError::Filter`].
pub fn check_filter(directives: &str) -> Result<(), TelemetryError> {
    log::filter(directives).map(drop)
}

/// Sets up the log of this process, on standard error, and spans when a collector is configured.
/// Spans need the runtime: call this inside it then. What it returns has to be kept, and
/// [`Spans::finish`] called at the end.
///
/// # Errors
/// [`TelemetryError`]. A collector that does not answer is none.
pub fn start(settings: &Settings) -> Result<Spans, TelemetryError> {
    let is_terminal = std::io::stderr().is_terminal();
    let (subscriber, spans) = subscriber(settings, is_terminal, std::io::stderr)?;
    subscriber.try_init().map_err(|_| TelemetryError::Twice)?;
    Ok(spans)
}

/// As [`start`], for a log that goes to `writer` and is not yet anybody's.
///
/// # Errors
/// [`TelemetryError`].
pub fn subscriber<W>(
    settings: &Settings,
    with_colours: bool,
    writer: W,
) -> Result<(impl tracing::Subscriber + Send + Sync + use<W>, Spans), TelemetryError>
where
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = log::filter(&settings.filter)?;
    let spans = match &settings.otlp_endpoint {
        Some(endpoint) => Spans::to(endpoint)?,
        None => Spans::default(),
    };
    let subscriber = Registry::default()
        .with(log::layer(settings.format, with_colours, Redacted::new(writer), filter))
        .with(spans.layer());
    Ok((subscriber, spans))
}

//! The log: lines of text or JSON, without secrets.

use std::io::{self, Write};

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use super::{TelemetryError, redact};

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Reads the filter's directives.
pub(super) fn filter(directives: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::builder()
        .parse(directives)
        .map_err(|source| TelemetryError::Filter { filter: directives.to_owned(), source })
}

/// The layer that writes the log.
pub(super) fn layer<S, W>(
    format: LogFormat,
    with_colours: bool,
    writer: Redacted<W>,
    filter: EnvFilter,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => layer.with_ansi(with_colours).with_target(false).with_filter(filter).boxed(),
        LogFormat::Json => {
            layer.with_ansi(false).json().flatten_event(true).with_span_list(false).with_filter(filter).boxed()
        }
    }
}

/// Writes lines to `W` without the secrets in them.
#[derive(Debug, Clone)]
pub struct Redacted<W>(W);

impl<W> Redacted<W> {
    /// Keeps secrets out of what `inner` gets.
    pub fn new(inner: W) -> Self {
        Self(inner)
    }
}

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Redacted<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Line { inner: self.0.make_writer(), text: Vec::new() }
    }

    fn make_writer_for(&'w self, meta: &tracing::Metadata<'_>) -> Self::Writer {
        Line { inner: self.0.make_writer_for(meta), text: Vec::new() }
    }
}

/// One line, kept together until it is whole: a secret could otherwise stand across two writes.
#[derive(Debug)]
pub struct Line<W: Write> {
    inner: W,
    text: Vec<u8>,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.text);
        self.inner.write_all(redact(&String::from_utf8_lossy(&text)).as_bytes())?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for Line<W> {
    fn drop(&mut self) {
        // A log that cannot be written has nowhere to say so.
        let _ = self.flush();
    }
}

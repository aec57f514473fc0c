//! Spans to a collector over OTLP.
//!
//! Off unless an endpoint is configured. What is exported are the host's own spans of level info and
//! above, without secrets. A collector that is away costs spans and one warning, nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, Value};
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::runtime;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, filter};

use super::{TelemetryError, redact};

/// How long the collector may take for a batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where spans go; nowhere by default.
#[derive(Debug, Default)]
pub struct Spans {
    provider: Option<SdkTracerProvider>,
}

impl Spans {
    /// To the collector at `endpoint`: its address, or the whole URL of its traces. Nothing is sent yet.
    pub(super) fn to(endpoint: &str) -> Result<Self, TelemetryError> {
        // The client has no provider of its own; somebody may have chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let exporter = OtlpExporter::builder()
            .with_http()
            .with_endpoint(url_of_traces(endpoint))
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(|source| TelemetryError::Exporter { endpoint: redact(endpoint).into_owned(), source })?;
        let exporter =
            CleanExporter { inner: exporter, endpoint: redact(endpoint).into_owned(), is_away: AtomicBool::new(false) };
        let resource = Resource::builder()
            .with_service_name("sluice")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let processor = BatchSpanProcessor::builder(exporter, runtime::Tokio).build();
        let provider = SdkTracerProvider::builder().with_resource(resource).with_span_processor(processor).build();
        Ok(Self { provider: Some(provider) })
    }

    /// The layer that makes spans of `tracing`'s; `None` when they go nowhere.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + Send + Sync + use<S>>
    where
        S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
    {
        let tracer = self.provider.as_ref()?.tracer("sluice");
        let own =
            filter::filter_fn(|meta| meta.target().starts_with("sluice") && *meta.level() <= tracing::Level::INFO);
        let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_threads(false).with_location(false);
        Some(layer.with_filter(own))
    }

    /// Sends what has not been sent yet; gives up after five seconds.
    pub async fn finish(self) {
        let Some(provider) = self.provider else { return };
        // Shutting down blocks until the processor's task, which is on this runtime, has sent it all.
        let sent = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(EXPORT_TIMEOUT));
        if let Ok(Err(error)) = sent.await {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

/// An address without a path means the collector's usual path.
fn url_of_traces(endpoint: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    let has_path = endpoint.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    if has_path { endpoint.to_owned() } else { format!("{endpoint}/v1/traces") }
}

/// Keeps secrets out of spans, and says once when the collector is away.
#[derive(Debug)]
struct CleanExporter {
    inner: OtlpExporter,
    endpoint: String,
    is_away: AtomicBool,
}

impl SpanExporter for CleanExporter {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &mut batch {
            clean(&mut span.attributes);
            for event in &mut span.events.events {
                event.name = redact(&event.name).into_owned().into();
                clean(&mut event.attributes);
            }
        }
        let result = self.inner.export(batch).await;
        let was_away = self.is_away.swap(result.is_err(), Ordering::Relaxed);
        match &result {
            Err(error) if !was_away => {
                tracing::warn!(endpoint = %self.endpoint, %error, "spans do not reach the collector and are dropped");
            }
            Ok(()) if was_away => tracing::info!(endpoint = %self.endpoint, "spans reach the collector again"),
            _ => {}
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

fn clean(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        if let Value::String(text) = &attribute.value
            && let std::borrow::Cow::Owned(cleaned) = redact(text.as_str())
        {
            attribute.value = Value::String(cleaned.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_named_by_address_or_by_url() {
        assert_eq!(url_of_traces("http://c:4318"), "http://c:4318/v1/traces");
        assert_eq!(url_of_traces("http://c:4318/"), "http://c:4318/v1/traces");
        assert_eq!(url_of_traces("https://c/otlp/v1/traces"), "https://c/otlp/v1/traces");
    }
}

//! `sluice serve`: the API, until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Failure};
use super::output;
use crate::app::server::Server;
use crate::app::{App, Place};
use crate::clock::SystemClock;
use crate::config::{Config, Embeddings, Environment, ServeFlags};
use crate::embeddings::{ApiKey, EmbeddingOptions, EmbeddingSetupError, Endpoint};
use crate::engine::ports::SharedEmbedder;
use crate::engine::{EngineOptions, MemoryOptions};
use crate::http::HttpOptions;
use crate::http::serve::raise_open_files;
use crate::telemetry::{self, Metrics};
use crate::templates::TemplateDir;

pub(super) async fn execute(flags: ServeFlags) -> Result<ExitCode, Failure> {
    let config =
        Config::load(&flags, &Environment::of_process()).map_err(|error| Failure::caused_by(Exit::BadInput, &error))?;
    let spans = telemetry::start(&config.telemetry).map_err(|error| Failure::caused_by(Exit::BadInput, &error))?;
    for warning in config.warnings() {
        eprintln!("warning: {warning}");
    }
    let outcome = serve(&config).await;
    spans.finish().await;
    outcome
}

async fn serve(config: &Config) -> Result<ExitCode, Failure> {
    let shutdown = told_to_end()?;
    raise_open_files(config.limits.max_connections);
    let options = engine_options(config).map_err(|error| Failure::caused_by(Exit::BadInput, &error))?;
    if options.postman.is_none() {
        eprintln!(
            "warning: webhooks are not delivered from here: no certificates of public authorities were found; install \
             them (`ca-certificates`) and start again"
        );
    }
    let mut app = App::open_with(&place(config), options).await?;
    let metrics = Arc::new(Metrics::default());
    let (http, limits) = (http_options(config), config.serve_limits());
    let server = Server::start(&app, config.listen, Arc::clone(&metrics), http, limits).await?;
    app.start(config.work.gate_slots).await?;
    output::print(&format!("listening on http://{}", server.address))?;
    output::print(&format!("operator token in {}", server.operator_token.display()))?;
    let drained = server.run(shutdown).await;
    app.stop().await;
    if drained.cut > 0 {
        tracing::warn!(connections = drained.cut, "connections did not end in time and were cut");
    }
    Ok(Exit::Succeeded.into())
}

fn place(config: &Config) -> Place {
    let database_url = config.database_url.as_ref().map(|url| url.expose().to_owned());
    Place { data: Some(config.data.clone()), database_url }
}

fn engine_options(config: &Config) -> Result<EngineOptions, EmbeddingSetupError> {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Ok(EngineOptions {
        approval_ttl_ms: millis(config.times.approval_ttl),
        log_retention_ms: config.times.log_retention.map(millis),
        routine_retention_ms: config.times.routine_retention.map(millis),
        templates: config.templates.clone().map(|directory| Arc::new(TemplateDir::new(directory)) as _),
        memory: MemoryOptions {
            org: config.org.clone(),
            // Words of the configuration are tiers: it was checked.
            reviewed: config.memory.reviewed_tiers.iter().filter_map(|tier| tier.parse().ok()).collect(),
            captures: config.memory.captures,
            embedder: embedder(&config.memory.embeddings)?,
            ..MemoryOptions::default()
        },
        postman: crate::app::postman(config.webhooks.clone()),
    })
}

/// What makes vectors, where an endpoint is set.
fn embedder(settings: &Embeddings) -> Result<Option<SharedEmbedder>, EmbeddingSetupError> {
    let Some(url) = &settings.url else { return Ok(None) };
    let options = EmbeddingOptions {
        url: url.expose().to_owned(),
        model: settings.model.clone(),
        key: settings.api_key_file.as_deref().map(ApiKey::read).transpose()?,
        dimensions: Some(settings.dimensions).filter(|dimensions| *dimensions > 0),
        timeout: settings.timeout,
    };
    let endpoint = Endpoint::new(options, Arc::new(SystemClock::new()))?;
    Ok(Some(SharedEmbedder(Arc::new(endpoint))))
}

fn http_options(config: &Config) -> HttpOptions {
    HttpOptions {
        allowed_hosts: config.access.allowed_hosts.clone(),
        allowed_origins: config.access.allowed_origins.clone(),
        body_max_bytes: config.limits.max_body_bytes,
        json_depth_max: config.limits.max_json_depth,
        streams_per_principal_max: config.limits.max_streams_per_principal,
        rate_per_second: config.rates.per_second.unwrap_or(0),
        rate_burst: config.rates.burst,
        rate_limits_operators: config.rates.limit_operators,
        in_flight_max: config.work.max_in_flight,
    }
}

/// Cancelled by SIGTERM or Ctrl-C. A second one ends the process at once.
fn told_to_end() -> Result<CancellationToken, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("failed to listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if told.is_cancelled() {
                std::process::exit(i32::from(Exit::Interrupted as u8));
            }
            told.cancel();
        }
    });
    Ok(shutdown)
}

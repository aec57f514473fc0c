//! `sluice serve`: the API, until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Failure};
use super::output;
use crate::app::server::Server;
use crate::app::{App, Place};
use crate::config::{Config, Environment, ServeFlags};
use crate::engine::EngineOptions;
use crate::http::HttpOptions;
use crate::http::serve::raise_open_files;
use crate::telemetry::{self, Metrics};

/// Serve the API
#[derive(Debug, Args)]
#[command(after_help = "Every setting can also stand in sluice.toml or in a variable SLUICE_NAME; \
                        `sluice config explain` lists them, with the values in force.")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    flags: ServeFlags,
}

pub(super) async fn execute(args: ServeArgs) -> Result<ExitCode, Failure> {
    let bad_input = |error: &dyn std::error::Error| Failure::caused_by(Exit::BadInput, error);
    let config = Config::load(&args.flags, &Environment::of_process()).map_err(|error| bad_input(&error))?;
    let spans = telemetry::start(&config.telemetry).map_err(|error| bad_input(&error))?;
    for warning in config.warnings() {
        eprintln!("warning: {warning}");
    }
    let outcome = serve(&config).await;
    spans.finish().await;
    outcome
}

async fn serve(config: &Config) -> Result<ExitCode, Failure> {
    let shutdown = told_to_end()?;
    let place = Place {
        data: Some(config.data.clone()),
        database_url: config.database_url.as_ref().map(|url| url.expose().to_owned()),
    };
    raise_open_files(config.limits.max_connections);
    let mut app = App::open_with(&place, engine_options(config)).await?;
    let metrics = Arc::new(Metrics::default());
    let server =
        Server::start(&app, config.listen, Arc::clone(&metrics), http_options(config), config.serve_limits()).await?;
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

fn engine_options(config: &Config) -> EngineOptions {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    EngineOptions {
        approval_ttl_ms: millis(config.times.approval_ttl),
        log_retention_ms: config.times.log_retention.map(millis),
    }
}

fn http_options(config: &Config) -> HttpOptions {
    HttpOptions {
        allowed_hosts: config.access.allowed_hosts.clone(),
        allowed_origins: config.access.allowed_origins.clone(),
        body_max_bytes: config.limits.max_body_bytes,
        streams_per_principal_max: config.limits.max_streams_per_principal,
        rate_per_second: config.rates.per_second.unwrap_or(0),
        rate_burst: config.rates.burst,
        rate_limits_operators: config.rates.limit_operators,
        in_flight_max: config.work.max_in_flight,
    }
}

/// Cancelled by SIGTERM or Ctrl-C. A second one kills, as if nobody had listened.
fn told_to_end() -> Result<CancellationToken, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("failed to listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        told.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(130);
    });
    Ok(shutdown)
}

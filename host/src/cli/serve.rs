//! `sluice serve`: the API, until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::PlaceArgs;
use super::exit::{Exit, Failure};
use super::output;
use crate::app::App;
use crate::app::server::Server;
use crate::engine::EngineOptions;
use crate::http::HttpOptions;
use crate::http::serve::Limits;
use crate::telemetry::Metrics;

/// Serve the API
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4700", env = "SLUICE_LISTEN")]
    listen: SocketAddr,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) async fn execute(args: ServeArgs) -> Result<ExitCode, Failure> {
    let shutdown = told_to_end()?;
    let mut app = App::open_with(&args.place.place(), EngineOptions::default()).await?;
    let metrics = Arc::new(Metrics::default());
    let server =
        Server::start(&app, args.listen, Arc::clone(&metrics), HttpOptions::default(), Limits::default()).await?;
    app.start(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)).await?;
    output::print(&format!("listening on http://{}", server.address))?;
    output::print(&format!("operator token in {}", server.operator_token.display()))?;
    let drained = server.run(shutdown).await;
    app.stop().await;
    if drained.cut > 0 {
        tracing::warn!(connections = drained.cut, "connections did not end in time and were cut");
    }
    Ok(Exit::Succeeded.into())
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

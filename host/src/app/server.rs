//! A process that serves: the API over one [`App`], the tokens its own commands come with, and the
//! way it ends.

use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{App, StartError};
use crate::data_dir::{DataDirError, ServerRecord};
use crate::domain::principal::{Principal, Role};
use crate::engine::{Engine, NewToken};
use crate::events::{Observer, Tailer};
use crate::http::serve::{self, Drained, Limits};
use crate::http::{Host, HttpOptions, Shared};
use crate::telemetry::{GateOutcome, Metrics};

/// The API over an app's host.
///
/// # Errors
/// [`StartError::Storage`] when the log's end cannot be read.
pub async fn host(app: &App, metrics: Arc<Metrics>, options: HttpOptions) -> Result<Shared, StartError> {
    let counted = observer(Arc::clone(&metrics), app.engine.clone());
    let tailer = Tailer::observed(app.engine.store().clone(), counted).await.map_err(StartError::Storage)?;
    Ok(Host::new(app.engine.clone(), Arc::clone(&app.plugins), tailer, metrics, options))
}

/// Counts what the log tells, and has the engine forget policies that another host changed.
pub fn observer(metrics: Arc<Metrics>, engine: Engine) -> Observer {
    Box::new(move |event| {
        metrics.log_read(event.seq);
        match event.event.event_type.as_str() {
            // Other engines tell of runs too, which are none of this host's.
            "session.run.claimed" if event.event.mission_id.is_some() => metrics.run_claimed(),
            "session.run.interrupted" if event.event.mission_id.is_some() => metrics.run_interrupted(),
            "policy.updated" => engine.forget_rules(&event.event.workspace_id),
            "gate.passed" => metrics.gate_evaluated(GateOutcome::Pass),
            "gate.failed" => metrics.gate_evaluated(GateOutcome::Fail),
            "gate.needs_human" => metrics.gate_evaluated(GateOutcome::NeedsHuman),
            "gate.error" => metrics.gate_evaluated(GateOutcome::Error),
            _ => {}
        }
    })
}

/// A socket that is listened on, and everything behind it.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the operator's token lies.
    pub operator_token: PathBuf,
    listener: TcpListener,
    host: Shared,
    limits: Limits,
    metrics: Arc<Metrics>,
    record: PathBuf,
}

impl Server {
    /// Listens, and writes down where: the directory's own commands find it there.
    ///
    /// # Errors
    /// [`StartError::Listen`] when the address is taken or not this machine's; the data directory;
    /// storage.
    pub async fn start(
        app: &App,
        listen: SocketAddr,
        metrics: Arc<Metrics>,
        options: HttpOptions,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let listener = TcpListener::bind(listen).await.map_err(|source| StartError::Listen { listen, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { listen, source })?;
        let directory = app.directory.directory();
        let operator_token = directory.operator_token();
        keep_token(&app.engine, &operator_token, "operator", Role::Operator).await?;
        keep_token(&app.engine, &directory.agent_token(), "local", Role::Agent).await?;
        let host = host(app, Arc::clone(&metrics), options).await?;
        let record = directory.server_record();
        let told = ServerRecord {
            url: format!("http://{address}"),
            pid: std::process::id(),
            is_on_postgres: app.is_on_postgres,
        };
        write_private(&record, &serde_json::to_vec(&told).unwrap_or_default())?;
        Ok(Self { address, operator_token, listener, host, limits, metrics, record })
    }

    /// Serves until `shutdown` is cancelled, then drains.
    pub async fn run(self, shutdown: CancellationToken) -> Drained {
        let router = crate::http::router(Arc::clone(&self.host));
        let draining = self.host.draining.clone();
        let told = shutdown.clone();
        tokio::spawn(async move {
            told.cancelled().await;
            draining.cancel();
        });
        let drained = serve::serve(self.listener, router, self.limits, self.metrics, shutdown).await;
        // A record that stays behind is noticed by whoever tries to connect.
        let _ = std::fs::remove_file(&self.record);
        drained
    }
}

/// Has a good token of this role lie in `path`: the one that does already, or a new one.
async fn keep_token(engine: &Engine, path: &Path, name: &str, role: Role) -> Result<(), StartError> {
    if let Ok(text) = std::fs::read_to_string(path) {
        let found = engine.recognise(text.trim()).await.map_err(StartError::Tokens)?;
        if found.as_ref().and_then(Principal::role) == Some(role) {
            return Ok(());
        }
    }
    let new = NewToken {
        workspace_id: Engine::local_workspace(),
        name: name.to_owned(),
        role,
        principal: None,
        ttl_ms: None,
    };
    let issued = engine.issue_token(new, "system.host").await.map_err(StartError::Tokens)?;
    write_private(path, format!("{}\n", issued.text).as_bytes())
}

/// Writes a file that only this user may read: aside first, so that no half of it is ever read.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<(), StartError> {
    use std::io::Write as _;
    let failed = |source| StartError::DataDir(DataDirError::Io { path: path.display().to_string(), source });
    let aside = path.with_extension("new");
    let _ = std::fs::remove_file(&aside);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&aside, path).map_err(failed)
}

//! The composition root: puts store, plugin host, engine, scheduler and worker together for one
//! process, and takes them apart in the right order.

pub mod server;

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::SystemClock;
use crate::data_dir::{DataDir, DataDirError, LockedDataDir, compile_cache};
use crate::domain::json::Json;
use crate::domain::plugin::{Binding, PluginKind};
use crate::engine::ports::SharedPostman;
use crate::engine::{Engine, EngineError, EngineOptions, FingerprintKey};
use crate::plugins::{CompileLimits, Compiler, Limits, PluginHost, PluginHostError, PluginHostOptions};
use crate::scheduler::Scheduler;
use crate::store::{Location, OpenError, StorageError, Store};
use crate::templates::TemplateDir;
use crate::timekeeping::clock_of;
use crate::webhooks::{Courier, WebhookOptions};
use crate::worker::{LocalCoordinator, Method, Worker, WorkerOptions};

/// Times a directory that is in use is tried again, and the pause between two of them: two seconds.
const LOCK_ATTEMPTS: u32 = 40;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Why a host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database.
    #[error("failed to {0}; {help}", help = .0.help())]
    Store(#[source] OpenError),
    /// What lies beside the database.
    #[error("failed to {0}; {help}", help = .0.help())]
    Storage(#[source] StorageError),
    /// The plugin host.
    #[error("failed to start the plugin host")]
    Plugins(#[from] PluginHostError),
    /// The address.
    #[error("failed to listen on {listen}; choose another address with --listen, or stop whoever has it")]
    Listen {
        /// Where.
        listen: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The tokens of the host's own commands.
    #[error("failed to keep the host's own tokens")]
    Tokens(#[source] EngineError),
    /// What an earlier process left.
    #[error("failed to recover what an earlier process left")]
    Recover(#[source] EngineError),
}

/// Where a host keeps its state.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The data directory; the platform's when absent.
    pub data: Option<PathBuf>,
    /// A PostgreSQL database instead of the SQLite file in the data directory.
    pub database_url: Option<String>,
}

impl Place {
    /// The data directory, and where its database lies.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub fn open(&self) -> Result<(DataDir, Location), DataDirError> {
        let directory = DataDir::open(self.data.as_deref())?;
        let location = match &self.database_url {
            Some(url) => Location::Postgres { url: url.clone() },
            None => Location::Sqlite { directory: directory.root().to_owned() },
        };
        Ok((directory, location))
    }
}

/// A plugin host with the user's compile cache.
///
/// # Errors
/// [`PluginHostError`].
pub fn plugin_host() -> Result<PluginHost, PluginHostError> {
    PluginHost::new(PluginHostOptions {
        cache_dir: compile_cache(),
        limits: Limits::default(),
        clock: Arc::new(SystemClock::new()),
        compiler: this_program().map(|program| Compiler { program, limits: CompileLimits::default() }),
    })
}

/// The program that runs, also when its file was replaced by another version since.
fn this_program() -> Option<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Some(running) } else { std::env::current_exe().ok() }
}

/// Takes the directory. A command that changes something without a server holds it for a moment, so
/// whoever comes then waits a little before giving up.
async fn lock(directory: &DataDir) -> Result<LockedDataDir, DataDirError> {
    for _ in 0..LOCK_ATTEMPTS {
        match directory.clone().lock() {
            Err(DataDirError::InUse { .. }) => tokio::time::sleep(LOCK_PAUSE).await,
            other => return other,
        }
    }
    directory.clone().lock()
}

/// Adds to an engine's options what lies in the data directory and what comes with the host.
fn complete(options: &mut EngineOptions, directory: &DataDir, plugins: &PluginHost) -> Result<(), StartError> {
    options.templates.get_or_insert_with(|| Arc::new(TemplateDir::new(directory.templates())));
    if options.postman.is_none() {
        options.postman = postman(WebhookOptions::default());
    }
    options.memory.fingerprints = fingerprint_key(&directory.fingerprint_key())?;
    // Without its scrubber nothing is remembered: whoever puts something is told so.
    options.memory.scrubber = standard_scrubber(plugins);
    Ok(())
}

/// Who posts to webhooks. On a machine without certificates of authorities there is nobody, and everything else goes
/// on.
pub fn postman(options: WebhookOptions) -> Option<SharedPostman> {
    let courier = Courier::new(options).inspect_err(|error| tracing::debug!(%error, "webhooks cannot be delivered"));
    courier.ok().map(|courier| SharedPostman(Arc::new(courier)))
}

/// The built-in scrubber with its settings' defaults.
pub fn standard_scrubber(plugins: &PluginHost) -> Option<Binding> {
    let bound = plugins.bind("scrubber", PluginKind::Scrubber, &Json::empty_object());
    bound.inspect_err(|error| tracing::error!(%error, "the scrubber cannot be bound; nothing will be remembered")).ok()
}

/// The key of fingerprints: the one that lies there, or a new one.
fn fingerprint_key(path: &std::path::Path) -> Result<FingerprintKey, StartError> {
    if let Some(key) = std::fs::read_to_string(path).ok().as_deref().and_then(FingerprintKey::parse) {
        return Ok(key);
    }
    let key = FingerprintKey::random();
    server::write_private(path, format!("{}\n", key.text()).as_bytes())?;
    Ok(key)
}

/// One process's host: everything that works on missions.
pub struct App {
    /// The use cases.
    pub engine: Engine,
    /// The components.
    pub plugins: Arc<PluginHost>,
    directory: LockedDataDir,
    /// Whether its state lies in a PostgreSQL database instead of the directory.
    is_on_postgres: bool,
    scheduler: Option<Scheduler>,
    worker: Option<Worker>,
}

impl App {
    /// Opens everything; nothing works yet.
    ///
    /// # Errors
    /// [`StartError`], each saying what to do.
    pub async fn open(place: &Place) -> Result<Self, StartError> {
        Self::open_with(place, EngineOptions::default()).await
    }

    /// The same, with what an operator has set.
    ///
    /// # Errors
    /// [`StartError`], each saying what to do.
    pub async fn open_with(place: &Place, mut options: EngineOptions) -> Result<Self, StartError> {
        let (directory, location) = place.open()?;
        let directory = lock(&directory).await?;
        let store = Store::open(&location).await.map_err(StartError::Store)?;
        store.remove_unfinished_blobs().map_err(StartError::Storage)?;
        let plugins = Arc::new(tokio::task::block_in_place(plugin_host)?);
        let clock = clock_of(&store, Arc::new(SystemClock::new())).await.map_err(StartError::Storage)?;
        let host_id = directory.host_id().to_owned();
        complete(&mut options, directory.directory(), &plugins)?;
        let engine = Engine::with_options(store, Arc::clone(&plugins) as _, clock, host_id, options);
        let is_on_postgres = matches!(location, Location::Postgres { .. });
        Ok(Self { engine, plugins, directory, is_on_postgres, scheduler: None, worker: None })
    }

    /// Ends what an earlier process left half done, then starts the loops.
    ///
    /// # Errors
    /// [`StartError::Recover`].
    pub async fn start(&mut self, gate_slots: usize) -> Result<(), StartError> {
        crate::worker::end_orphans(&self.directory.directory().scratch());
        let interrupted = Scheduler::recover(&self.engine).await.map_err(StartError::Recover)?;
        if interrupted > 0 {
            tracing::info!(interrupted, "runs of an earlier process are queued again");
        }
        self.scheduler = Some(Scheduler::start(&self.engine, gate_slots));
        Ok(())
    }

    /// Starts the local worker.
    pub fn start_worker(&mut self, slots: usize, mission_id: Option<crate::domain::id::MissionId>) {
        let coordinator = LocalCoordinator::new(self.engine.clone(), Engine::local_workspace(), mission_id);
        let options = WorkerOptions {
            slots,
            scratch_root: self.directory.directory().scratch(),
            method: Method::OwnAction,
            ends_when_idle: false,
            notice: None,
        };
        self.worker = Some(Worker::start(coordinator, options));
    }

    /// Stops the worker, then the loops. What runs is killed and queued again at the next start.
    pub async fn stop(mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop().await;
        }
        if let Some(scheduler) = self.scheduler.take() {
            scheduler.stop().await;
        }
    }
}

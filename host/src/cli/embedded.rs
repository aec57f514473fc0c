//! A data directory that no server serves, served to one command of this process.
//!
//! Nothing is worked on here: what a command changes is picked up by the next `sluice run` or
//! `sluice serve`.

use std::sync::Arc;

use super::connect::Access;
use super::exit::{Exit, Failure};
use crate::app::{self, App, Place};
use crate::client::{Client, LocalCall};
use crate::clock::SystemClock;
use crate::engine::{Engine, EngineOptions};
use crate::events::Tailer;
use crate::http::{Host, HttpOptions, InProcess};
use crate::plugins::PluginHost;
use crate::store::Store;
use crate::telemetry::Metrics;

/// A host in this process.
pub(super) struct Embedded {
    engine: Engine,
    plugins: Arc<PluginHost>,
    api: InProcess,
    /// Holds the directory's lock, for a command that changes something.
    _app: Option<App>,
}

impl Embedded {
    /// Speaks to it as its owner.
    pub(super) fn client(&self) -> Client {
        let api = self.api.clone();
        let call: LocalCall = Arc::new(move |request| {
            let api = api.clone();
            Box::pin(async move { api.call(request).await })
        });
        Client::in_process(call)
    }

    /// The use cases themselves, for what the API has no call for.
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The components.
    pub(super) fn plugins(&self) -> &PluginHost {
        &self.plugins
    }
}

/// Opens a data directory. Looking takes no lock: whoever works on the directory goes on.
pub(super) async fn open(place: &Place, access: Access) -> Result<Embedded, Failure> {
    let (app, engine, plugins) = match access {
        Access::Write => {
            let app = App::open(place).await?;
            let (engine, plugins) = (app.engine.clone(), Arc::clone(&app.plugins));
            (Some(app), engine, plugins)
        }
        Access::Read => {
            let (_, location) = place.open()?;
            let store = Store::open(&location).await?;
            let plugins = tokio::task::block_in_place(app::plugin_host);
            let plugins = Arc::new(plugins.map_err(|error| Failure::caused_by(Exit::Failed, &error))?);
            let clock = Arc::new(SystemClock::new());
            let mut options = EngineOptions::default();
            options.memory.scrubber = app::standard_scrubber(&plugins);
            let host_id = "reader".to_owned();
            (None, Engine::with_options(store, Arc::clone(&plugins) as _, clock, host_id, options), plugins)
        }
    };
    let tailer = Tailer::start(engine.store().clone()).await?;
    // Nobody asks a process of one command for its metrics.
    let metrics = Arc::new(Metrics::default());
    let host = Host::new(engine.clone(), Arc::clone(&plugins), tailer, metrics, HttpOptions::default());
    Ok(Embedded { engine, plugins, api: InProcess::new(host, Engine::local_workspace()), _app: app })
}

//! The client of the public API: what every command, and `sluice work`, speaks to a host with.
//!
//! It owns requests, retries, the reading of streams and the wording of what went wrong; it knows
//! nothing of the host's inside. The same calls go over the network or, with
//! [`Client::in_process`], straight to a host in this process. Read [`call`] for how one request
//! is sent, [`follow`] for a stream that survives its connection, [`worker`] for a server as a
//! worker's coordinator.

mod error;
mod transport;
mod call;
mod sse;
mod follow;
mod missions;
mod runs;
mod approvals;
mod tokens;
mod webhooks;
mod resources;
mod memories;
mod leases;
mod policy;
mod plugins;
mod checks;
mod routines;
mod server;
mod worker;

pub use checks::TriedPlugin;
pub use error::ClientError;
pub use follow::{EventFilter, Follow, From, Told};
pub use memories::MemoryFilter;
pub use missions::MissionFilter;
pub use resources::{ResourceFilter, WriteTerms};
pub use routines::RoutineRunFilter;
pub use runs::RunFilter;
pub use transport::{Address, LocalAnswer, LocalCall, LocalRequest, ready_tls};
pub use worker::{RemoteCoordinator, RemoteOptions};

use std::sync::Arc;
use std::time::Duration;

use transport::Transport;

/// How long a call that may be repeated is repeated before its failure is told: a server that is
/// restarted is back by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a broken stream is asked for again before whoever follows it is told.
const STREAM_PATIENCE: Duration = Duration::from_mins(1);

/// A client of one host. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    token: Option<Arc<str>>,
    patience: Duration,
}

impl Client {
    /// A client over the network. No connection is made yet.
    ///
    /// # Errors
    /// When the machine's TLS cannot be used.
    pub fn network(address: &Address, token: Option<String>) -> Result<Self, ClientError> {
        let transport = Arc::new(Transport::network(address)?);
        Ok(Self { transport, token: token.map(Arc::from), patience: PATIENCE })
    }

    /// A client of a host in this process, which knows whom it serves.
    pub fn in_process(call: LocalCall) -> Self {
        Self { transport: Arc::new(Transport::in_process(call)), token: None, patience: PATIENCE }
    }

    /// The same client, for calls of whoever holds `token`.
    #[must_use]
    fn with_token(&self, token: &str) -> Self {
        Self { token: Some(Arc::from(token)), ..self.clone() }
    }

    /// The same client, which repeats a call for at most this long.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }
}

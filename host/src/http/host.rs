//! What every handler has at hand, and what an operator may set of it.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::idempotency::InFlight;
use super::rate::Rates;
use crate::domain::principal::Principal;
use crate::engine::{Denied, Engine};
use crate::events::Tailer;
use crate::plugins::PluginHost;
use crate::telemetry::{Metrics, StreamOpen};

/// How long the same denial is only counted after it was written into the audit.
const DENIAL_QUIET: Duration = Duration::from_mins(1);
/// Denials remembered; more of them in a minute are written without being counted together.
const DENIALS_MAX: usize = 10_000;

/// What an operator may set.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Names the Host header may carry beside those of loopback, in lower case, without port.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may call, beside the host's own: `https://console.example.org`.
    pub allowed_origins: Vec<String>,
    /// Largest body of JSON, in bytes.
    pub body_max_bytes: usize,
    /// Deepest nesting of arrays and objects in a body.
    pub json_depth_max: usize,
    /// Streams one principal may have open at once.
    pub streams_per_principal_max: usize,
    /// Requests a second for each principal; 0 for no limit.
    pub rate_per_second: u32,
    /// Requests a principal may send at once after a pause.
    pub rate_burst: u32,
    /// Whether operators are limited too.
    pub rate_limits_operators: bool,
    /// Requests carried out at once, streams and waiting claims apart; more are turned away.
    pub in_flight_max: usize,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            body_max_bytes: 2 << 20,
            json_depth_max: 64,
            streams_per_principal_max: 32,
            rate_per_second: 0,
            rate_burst: 100,
            rate_limits_operators: false,
            in_flight_max: 1024,
        }
    }
}

/// Who was denied what on what, and why.
type Noted = (String, &'static str, String);

/// What every handler has at hand.
pub struct Host {
    /// The use cases.
    pub engine: Engine,
    /// The components.
    pub plugins: Arc<PluginHost>,
    /// The host's one reader of the log.
    pub tailer: Tailer,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What an operator has set.
    pub options: HttpOptions,
    /// Cancelled when the host begins to drain: streams end, nobody new is served.
    pub draining: CancellationToken,
    pub(super) rates: Rates,
    pub(super) named: InFlight,
    pub(super) in_flight: AtomicUsize,
    streams: Mutex<HashMap<String, usize>>,
    denials: Mutex<HashMap<Noted, (Duration, u64)>>,
}

/// A host, as handlers take it.
pub type Shared = Arc<Host>;

impl Host {
    /// A host over an engine.
    pub fn new(
        engine: Engine,
        plugins: Arc<PluginHost>,
        tailer: Tailer,
        metrics: Arc<Metrics>,
        options: HttpOptions,
    ) -> Shared {
        Arc::new(Self {
            rates: Rates::new(&options),
            engine,
            plugins,
            tailer,
            metrics,
            options,
            draining: CancellationToken::new(),
            named: InFlight::default(),
            in_flight: AtomicUsize::new(0),
            streams: Mutex::default(),
            denials: Mutex::default(),
        })
    }

    /// Takes one of a principal's streams; `None` when all are taken.
    pub(super) fn take_stream(self: &Arc<Self>, principal: &Principal) -> Option<StreamPermit> {
        let key = format!("{}/{}", principal.workspace_id, principal.name);
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let open = streams.entry(key.clone()).or_default();
        if *open >= self.options.streams_per_principal_max {
            return None;
        }
        *open += 1;
        Some(StreamPermit { host: Arc::clone(self), key, _counted: self.metrics.stream_opened() })
    }

    /// Writes a denial into the audit and the log, or into the log alone what is only observed; the same one
    /// again within a minute is only counted, and the count stands in the next entry.
    pub(super) async fn note_denial(&self, denied: Denied<'_>) {
        let Denied { principal, action, resource, denial, observed, .. } = denied;
        let what = if observed { format!("{resource}: observed: {denial}") } else { format!("{resource}: {denial}") };
        if !observed {
            self.metrics.denied(action.name());
        }
        let Some(repeated) = self.first_in_a_while((principal.name.clone(), action.name(), what)) else { return };
        if let Err(error) = self.engine.audit_denial(Denied { repeated, ..denied }).await {
            tracing::error!(%error, action = action.name(), resource, "a denial could not be written into the audit");
        }
    }

    /// How often the denial was only counted since it was last written; `None` when it is not to
    /// be written now.
    fn first_in_a_while(&self, key: Noted) -> Option<u64> {
        let now = self.engine.clock().monotonic();
        let mut denials = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
        if denials.len() >= DENIALS_MAX {
            denials.retain(|_, (at, _)| now.saturating_sub(*at) < DENIAL_QUIET);
        }
        match denials.get_mut(&key) {
            Some((at, count)) if now.saturating_sub(*at) < DENIAL_QUIET => {
                *count += 1;
                None
            }
            Some((at, count)) => {
                *at = now;
                Some(std::mem::take(count))
            }
            None => {
                denials.insert(key, (now, 0));
                Some(0)
            }
        }
    }
}

/// One open stream of a principal.
pub(super) struct StreamPermit {
    host: Shared,
    key: String,
    _counted: StreamOpen,
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut streams = self.host.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = streams.get_mut(&self.key) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.key);
            }
        }
    }
}

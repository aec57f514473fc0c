//! The settings of `sluice serve`: flags over `SLUICE_*` variables over `sluice.toml`.
//!
//! It owns what settings there are, how their values are read and where each came from; it opens
//! nothing but that file and changes nothing. One row of the table in `table.rs` is one setting: its
//! name in the file, in upper case after `SLUICE_` its variable, and `--set NAME=VALUE` its flag. A
//! table and not a derive, because then every value knows its place and every message can name it.
//! Where to read next: `table.rs`, then `sources.rs` for the order of precedence.

mod error;
mod values;
mod table;
mod sources;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

pub use error::{ConfigError, Problem};
pub use sources::{Environment, Origin};
pub use table::names;
pub use values::{DatabaseUrl, EndpointUrl};

use crate::telemetry;
use crate::webhooks::WebhookOptions;

/// Most numbers of a vector, as records take them.
pub(crate) const VECTOR_NUMBERS_MAX: usize = 4096;
/// The port when an address has none.
pub const DEFAULT_PORT: u16 = 4700;

/// The flags that set settings.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeFlags {
    /// Address to listen on (default: 127.0.0.1:4700)
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Directory for state (default: the platform's data directory)
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Keep state in this PostgreSQL database instead of a file below --data
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Read settings from this file (default: sluice.toml in the data directory, if it is there)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write the log as text or json
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Set any setting, as `sluice config explain` names it (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
}

/// Every setting, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The data directory.
    pub data: PathBuf,
    /// A PostgreSQL database instead of the file in the data directory.
    pub database_url: Option<DatabaseUrl>,
    /// The directory of mission templates; `templates` in the data directory without.
    pub templates: Option<PathBuf>,
    /// The organisation that partitions of memory are named after.
    pub org: String,
    /// Of governed memory.
    pub memory: Memory,
    /// Of webhooks.
    pub webhooks: WebhookOptions,
    /// Who may ask at all.
    pub access: Access,
    /// What a connection and a request may be.
    pub limits: Limits,
    /// How often a principal may ask.
    pub rates: Rates,
    /// How long things last.
    pub times: Times,
    /// How much is done at once.
    pub work: Work,
    /// The log and spans.
    pub telemetry: telemetry::Settings,
    origins: sources::Origins,
}

/// Of governed memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Tiers that nobody promotes to without another person's yes: `project`, `team`, `curated`.
    pub reviewed_tiers: Vec<String>,
    /// Whether the summaries of runs are remembered in their sessions.
    pub captures: bool,
    /// What makes vectors of what is remembered.
    pub embeddings: Embeddings,
}

/// Of an endpoint that makes vectors of texts; there is none without a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embeddings {
    /// Where its paths begin.
    pub url: Option<EndpointUrl>,
    /// The model's name there.
    pub model: String,
    /// The file that holds its key.
    pub api_key_file: Option<PathBuf>,
    /// How many numbers a vector has; 0 for whatever comes.
    pub dimensions: usize,
    /// How long an answer may take.
    pub timeout: Duration,
}

impl Default for Embeddings {
    /// A search waits for its vector: two seconds are long for a model, and not yet for a person.
    fn default() -> Self {
        let model = "text-embedding-3-small".to_owned();
        Self { url: None, model, api_key_file: None, dimensions: 0, timeout: Duration::from_secs(2) }
    }
}

/// Who may ask, before anybody's token is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Names in the Host header that are answered, besides loopback names and the address listened
    /// on; lower case, without port.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may ask, besides the host's own: `https://console.example`.
    pub allowed_origins: Vec<String>,
}

/// What a connection and a request may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub max_connections: usize,
    /// Bytes of a request's head.
    pub max_header_bytes: usize,
    /// Bytes of a request's body, where a route states no other.
    pub max_body_bytes: usize,
    /// Time for a head.
    pub header_timeout: Duration,
    /// Longest pause of a body.
    pub body_idle_timeout: Duration,
    /// Depth of a JSON body.
    pub max_json_depth: usize,
    /// Streams of one principal at once.
    pub max_streams_per_principal: usize,
}

/// How often a principal may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Requests a second; `None` is without limit.
    pub per_second: Option<u32>,
    /// Requests at once, after a quiet time; at least 1.
    pub burst: u32,
    /// Whether operators on this machine are limited too.
    pub limit_operators: bool,
}

/// How long things last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// A question waits this long for its answer.
    pub approval_ttl: Duration,
    /// Events are kept this long; `None` is for ever.
    pub log_retention: Option<Duration>,
    /// Runs of routines and their history are kept this long; `None` is for ever.
    pub routine_retention: Option<Duration>,
    /// Requests in flight at a stop have this long to end.
    pub drain_timeout: Duration,
}

/// How much is done at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Gates evaluated at once.
    pub gate_slots: usize,
    /// Requests carried out at once, streams and waits for work not counted; more are answered 503.
    pub max_in_flight: usize,
}

/// One setting as it is in force.
#[derive(Debug, Clone)]
pub struct Explained {
    /// Its name.
    pub name: &'static str,
    /// What it means, its unit and its limits.
    pub meaning: &'static str,
    /// Its value, secrets masked.
    pub value: Value,
    /// Where that came from.
    pub origin: Origin,
}

impl Config {
    /// Reads all settings.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong, not only the first.
    pub fn load(flags: &ServeFlags, environment: &Environment) -> Result<Self, ConfigError> {
        sources::load(flags, environment)
    }

    /// Each setting, its value and where that came from, in the table's order.
    pub fn explain(&self) -> Vec<Explained> {
        table::explain(self, &self.origins)
    }

    /// What is allowed and still worth a second look, one line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.listen.ip().is_loopback() {
            warnings.push(format!(
                "listening on {} means that other machines reach this host, and that tokens cross the network \
                 unencrypted; put a proxy that speaks TLS in front of it, or listen on 127.0.0.1",
                self.listen
            ));
        }
        if self.webhooks.allow_http {
            let what = "`webhook_allow_http` is set: what is posted to http addresses can be read on its way";
            warnings.push(what.to_owned());
        }
        if self.rates.per_second.is_none() && self.rates.limit_operators {
            warnings.push("`rate_limit_operators` does nothing while `rate_per_second` is 0".to_owned());
        }
        warnings
    }

    /// What the accept loop has to keep to.
    pub fn serve_limits(&self) -> crate::http::serve::Limits {
        crate::http::serve::Limits {
            max_connections: self.limits.max_connections,
            max_header_bytes: self.limits.max_header_bytes,
            header_timeout: self.limits.header_timeout,
            body_idle_timeout: self.limits.body_idle_timeout,
            drain_timeout: self.times.drain_timeout,
            ..crate::http::serve::Limits::default()
        }
    }
}

/// The name nearest to `unknown`, when it is near enough to be meant.
pub fn nearest<'n>(unknown: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let scored = known.map(|name| (strsim::damerau_levenshtein(unknown, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    let is_near = distance <= 1 + unknown.chars().count() / 3;
    is_near.then(|| name.to_owned())
}

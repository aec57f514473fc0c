//! The table of settings: to add one, add a member to [`Config`], its default below, and a row.

use std::net::Ipv4Addr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::sources::{Origin, Origins};
use super::values::{self, Given, Right};
use super::{Access, Config, DEFAULT_PORT, Explained, Limits, Memory, Rates, Times, Work};
use crate::telemetry;
use crate::webhooks::WebhookOptions;

/// A day.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// No time is longer than a hundred years, so that none overflows anything.
const AGES_MS: u64 = 36_500 * DAY_MS;
/// The largest number of anything counted.
const MANY: usize = 1_000_000;
/// The largest body a setting may allow; above that the host would hold too much of one request.
const BODY_BYTES: usize = 1024 * 1024 * 1024;

/// One setting.
pub(super) struct Setting {
    /// Its name in the file and after `--set`; in upper case after `SLUICE_` its variable.
    pub(super) name: &'static str,
    /// What it means.
    pub(super) meaning: &'static str,
    /// Whether its value may hold a secret, which no message may quote.
    pub(super) is_secret: bool,
    /// Reads a value into the configuration.
    pub(super) set: fn(&mut Config, &Given) -> Result<(), Right>,
    /// The value in force, without secrets.
    show: fn(&Config) -> Value,
}

macro_rules! setting {
    ($name:literal, $meaning:literal, $($place:ident).+, $read:expr, $show:expr) => {
        Setting {
            name: $name,
            meaning: $meaning,
            is_secret: false,
            set: |config, given| {
                let read: fn(&Given) -> Result<_, Right> = $read;
                config.$($place).+ = read(given)?;
                Ok(())
            },
            show: |config| {
                let show: fn(&Config) -> Value = $show;
                show(config)
            },
        }
    };
}

/// Every setting, in the order in which they are explained.
pub(super) const SETTINGS: &[Setting] = &[
    setting!("listen", "Address to listen on", listen, values::address, |c| json!(c.listen.to_string())),
    setting!("data", "Directory for state", data, values::path, |c| json!(c.data.display().to_string())),
    Setting {
        is_secret: true,
        ..setting!(
            "database_url",
            "PostgreSQL database for state instead of a file in the data directory; needed to run several hosts",
            database_url,
            values::database_url,
            |c| json!(c.database_url.as_ref().map(ToString::to_string))
        )
    },
    setting!(
        "templates",
        "Directory of mission templates that entrypoints name; `templates` in the data directory when not set",
        templates,
        |g| values::path(g).map(Some),
        |c| json!(c.templates.as_ref().map(|directory| directory.display().to_string()))
    ),
    setting!("org", "Organisation that partitions of memory are named after", org, values::org, |c| json!(c.org)),
    setting!(
        "memory_review",
        "Tiers of memory that even an operator promotes to only with another person's yes: project, team, curated",
        memory.reviewed_tiers,
        values::tiers,
        |c| json!(c.memory.reviewed_tiers)
    ),
    setting!(
        "memory_capture",
        "Whether the summaries of runs are remembered in their sessions by themselves: off or session",
        memory.captures,
        values::capture,
        |c| json!(if c.memory.captures { "session" } else { "off" })
    ),
    Setting {
        is_secret: true,
        ..setting!(
            "memory_embeddings_url",
            "Where an endpoint like OpenAI's begins that makes vectors of what is remembered and asked; off when not set",
            memory.embeddings.url,
            values::endpoint_url,
            |c| json!(c.memory.embeddings.url.as_ref().map(ToString::to_string))
        )
    },
    setting!(
        "memory_embeddings_model",
        "The endpoint's model; vectors of another one are not compared with its",
        memory.embeddings.model,
        values::model,
        |c| json!(c.memory.embeddings.model)
    ),
    setting!(
        "memory_embeddings_api_key_file",
        "File whose one line is the endpoint's key; without, it is asked without one",
        memory.embeddings.api_key_file,
        |g| values::path(g).map(Some).map_err(|_| "the path of a file".to_owned()),
        |c| json!(c.memory.embeddings.api_key_file.as_ref().map(|path| path.display().to_string()))
    ),
    setting!(
        "memory_embeddings_dimensions",
        "Numbers of a vector; others are not taken. 0 takes what comes",
        memory.embeddings.dimensions,
        |g| values::size(g, 0, crate::config::VECTOR_NUMBERS_MAX),
        |c| json!(c.memory.embeddings.dimensions)
    ),
    setting!(
        "memory_embeddings_timeout_ms",
        "Time for the endpoint's whole answer; without it a put or a search goes by words alone",
        memory.embeddings.timeout,
        |g| values::millis(g, 10, 60_000),
        |c| values::in_millis(c.memory.embeddings.timeout)
    ),
    setting!(
        "webhook_allow_private",
        "Blocks of addresses that webhooks may reach although they are not of the internet",
        webhooks.allow_private,
        values::blocks,
        |c| json!(c.webhooks.allow_private.iter().map(ToString::to_string).collect::<Vec<_>>())
    ),
    setting!(
        "webhook_allow_http",
        "Whether webhooks may have http addresses beside https ones",
        webhooks.allow_http,
        values::flag,
        |c| json!(c.webhooks.allow_http)
    ),
    setting!(
        "allowed_hosts",
        "Names in the Host header that are answered, besides loopback names and the address listened on",
        access.allowed_hosts,
        values::hosts,
        |c| json!(c.access.allowed_hosts)
    ),
    setting!(
        "allowed_origins",
        "Origins whose pages may ask, besides the host's own",
        access.allowed_origins,
        values::origins,
        |c| json!(c.access.allowed_origins)
    ),
    setting!(
        "max_connections",
        "Connections at once; one more is answered 503",
        limits.max_connections,
        |g| values::size(g, 1, MANY),
        |c| json!(c.limits.max_connections)
    ),
    setting!(
        "max_header_bytes",
        "Bytes of a request's line and headers; more is 431",
        limits.max_header_bytes,
        |g| values::size(g, 1024, 1024 * 1024),
        |c| json!(c.limits.max_header_bytes)
    ),
    setting!(
        "max_body_bytes",
        "Bytes of a request's body where a route states no other limit; more is 413",
        limits.max_body_bytes,
        |g| values::size(g, 1024, BODY_BYTES),
        |c| json!(c.limits.max_body_bytes)
    ),
    setting!(
        "header_timeout_ms",
        "Time for a request's line and headers; longer is 408",
        limits.header_timeout,
        |g| values::millis(g, 10, DAY_MS),
        |c| values::in_millis(c.limits.header_timeout)
    ),
    setting!(
        "body_idle_timeout_ms",
        "Longest pause in a request's body; longer is 408",
        limits.body_idle_timeout,
        |g| values::millis(g, 10, DAY_MS),
        |c| values::in_millis(c.limits.body_idle_timeout)
    ),
    setting!(
        "max_json_depth",
        "Depth to which a JSON body may be nested",
        limits.max_json_depth,
        |g| values::size(g, 4, 128),
        |c| json!(c.limits.max_json_depth)
    ),
    setting!(
        "max_streams_per_principal",
        "Event streams of one principal at once; one more is 429",
        limits.max_streams_per_principal,
        |g| values::size(g, 1, MANY),
        |c| json!(c.limits.max_streams_per_principal)
    ),
    setting!(
        "rate_per_second",
        "Requests a second of one principal, on average; more is 429, 0 is without limit",
        rates.per_second,
        |g| values::number(g, 0, MANY as u64).map(|n| u32::try_from(n).ok().filter(|n| *n > 0)),
        |c| json!(c.rates.per_second.unwrap_or(0))
    ),
    setting!(
        "rate_burst",
        "Requests of one principal at once after a quiet time",
        rates.burst,
        |g| values::number(g, 1, MANY as u64).map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        |c| json!(c.rates.burst)
    ),
    setting!(
        "rate_limit_operators",
        "Whether operators who ask from this machine are limited too",
        rates.limit_operators,
        values::flag,
        |c| json!(c.rates.limit_operators)
    ),
    setting!(
        "approval_ttl_ms",
        "Time in which a question to a person can be answered",
        times.approval_ttl,
        |g| values::millis(g, 1000, AGES_MS),
        |c| values::in_millis(c.times.approval_ttl)
    ),
    setting!(
        "log_retention_ms",
        "Time for which events are kept; 0 is for ever",
        times.log_retention,
        |g| values::millis(g, 0, AGES_MS).map(|kept| (!kept.is_zero()).then_some(kept)),
        |c| values::in_millis(c.times.log_retention.unwrap_or_default())
    ),
    setting!(
        "routine_retention_ms",
        "Time for which runs of routines and their history are kept beyond the newest 1000 of each routine; 0 is for ever",
        times.routine_retention,
        |g| values::millis(g, 0, AGES_MS).map(|kept| (!kept.is_zero()).then_some(kept)),
        |c| values::in_millis(c.times.routine_retention.unwrap_or_default())
    ),
    setting!(
        "drain_timeout_ms",
        "Time that requests in flight have to end when the host stops",
        times.drain_timeout,
        |g| values::millis(g, 0, DAY_MS),
        |c| values::in_millis(c.times.drain_timeout)
    ),
    setting!(
        "gate_slots",
        "Gates evaluated at once; the number of processors when not set",
        work.gate_slots,
        |g| values::size(g, 1, 1024),
        |c| json!(c.work.gate_slots)
    ),
    setting!(
        "max_in_flight",
        "Requests carried out at once, streams and waits for work not counted; more is 503",
        work.max_in_flight,
        |g| values::size(g, 1, MANY),
        |c| json!(c.work.max_in_flight)
    ),
    setting!("log_format", "How the log is written: text or json", telemetry.format, values::log_format, |c| json!(
        values::format_word(c.telemetry.format)
    )),
    setting!(
        "log",
        "What is logged: a level, or directives like warn,sluice::http=debug",
        telemetry.filter,
        values::log_filter,
        |c| json!(c.telemetry.filter)
    ),
    setting!(
        "otlp_endpoint",
        "OTLP collector (HTTP) that gets spans; off when not set",
        telemetry.otlp_endpoint,
        values::endpoint,
        |c| json!(c.telemetry.otlp_endpoint.as_deref().map(telemetry::redact))
    ),
];

/// The names of all settings.
pub fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.name)
}

pub(super) fn explain(config: &Config, origins: &Origins) -> Vec<Explained> {
    let explained = SETTINGS.iter().map(|setting| Explained {
        name: setting.name,
        meaning: setting.meaning,
        value: (setting.show)(config),
        origin: origins.get(setting.name).cloned().unwrap_or(Origin::Default),
    });
    explained.collect()
}

/// What holds when nothing is set.
pub(super) fn defaults(data: PathBuf) -> Config {
    Config {
        listen: (Ipv4Addr::LOCALHOST, DEFAULT_PORT).into(),
        data,
        database_url: None,
        templates: None,
        org: "local".to_owned(),
        memory: Memory::default(),
        webhooks: WebhookOptions::default(),
        access: Access::default(),
        limits: Limits {
            max_connections: 4096,
            max_header_bytes: 16 * 1024,
            max_body_bytes: 2 * 1024 * 1024,
            header_timeout: Duration::from_secs(5),
            body_idle_timeout: Duration::from_secs(5),
            max_json_depth: 64,
            max_streams_per_principal: 32,
        },
        rates: Rates { per_second: None, burst: 100, limit_operators: false },
        times: Times {
            approval_ttl: Duration::from_millis(7 * DAY_MS),
            log_retention: Some(Duration::from_millis(30 * DAY_MS)),
            routine_retention: Some(Duration::from_millis(90 * DAY_MS)),
            drain_timeout: Duration::from_secs(10),
        },
        work: Work { gate_slots: std::thread::available_parallelism().map_or(1, NonZero::get), max_in_flight: 1024 },
        telemetry: telemetry::Settings::default(),
        origins: Origins::default(),
    }
}

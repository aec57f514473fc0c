//! How values are read. Each reader takes a value from any source, and says what would be right when
//! it is not; it never quotes the value, which may be a secret.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};

use super::DEFAULT_PORT;
use crate::telemetry::LogFormat;
use crate::webhooks::Block;

/// A value as a source gave it.
#[derive(Debug, Clone)]
pub(super) enum Given {
    /// From a flag or a variable.
    Text(String),
    /// From the file.
    Toml(toml::Value),
}

/// What would be right.
pub(super) type Right = String;

impl Given {
    /// As a person wrote it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Toml(toml::Value::String(text)) => text.clone(),
            Self::Toml(value) => value.to_string(),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Toml(toml::Value::String(text)) => Some(text),
            Self::Toml(_) => None,
        }
    }
}

/// The URL of a database. Shown without its password; [`Self::expose`] has it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The whole URL, for whoever connects.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Hides the password wherever it may stand: before the host, or as a parameter.
    fn masked(&self) -> String {
        let masked = crate::telemetry::redact(&self.0).into_owned();
        let Some((before, query)) = masked.split_once('?') else { return masked };
        let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().contains("password") => format!("{name}=***"),
            _ => parameter.to_owned(),
        });
        format!("{before}?{}", parameters.collect::<Vec<_>>().join("&"))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.masked())
    }
}

pub(super) fn address(given: &Given) -> Result<SocketAddr, Right> {
    let right = || "an address with a port, like 127.0.0.1:4700, [::1]:4700 or 0.0.0.0:4700".to_owned();
    let text = given.text().ok_or_else(right)?;
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, DEFAULT_PORT));
    }
    let port = match text.strip_prefix("localhost") {
        Some("") => DEFAULT_PORT,
        Some(rest) => rest.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or_else(right)?,
        None => return Err(right()),
    };
    Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
}

pub(super) fn path(given: &Given) -> Result<std::path::PathBuf, Right> {
    given.text().filter(|text| !text.is_empty()).map(Into::into).ok_or_else(|| "the path of a directory".to_owned())
}

pub(super) fn database_url(given: &Given) -> Result<Option<DatabaseUrl>, Right> {
    let text = given.text().filter(|text| {
        ["postgres://", "postgresql://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme))
    });
    let right = || "a URL like postgres://user:password@host:5432/database; leave it out for SQLite".to_owned();
    text.map(|text| Some(DatabaseUrl(text.to_owned()))).ok_or_else(right)
}

/// The URL of an endpoint. Shown without what it may hold of a password; [`Self::expose`] has it.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(String);

impl EndpointUrl {
    /// The whole URL, for whoever connects.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::telemetry::redact(&self.0))
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointUrl({self})")
    }
}

pub(super) fn endpoint_url(given: &Given) -> Result<Option<EndpointUrl>, Right> {
    let right = || "an http or https URL without a query, like https://models.example/v1".to_owned();
    let is_url = |text: &&str| {
        let rest = split_http(text).map(|(_, rest)| rest);
        rest.is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic() && b != b'?' && b != b'#')
        })
    };
    given.text().filter(is_url).map(|text| Some(EndpointUrl(text.to_owned()))).ok_or_else(right)
}

/// The name of a model.
pub(super) fn model(given: &Given) -> Result<String, Right> {
    let is_name = |text: &&str| (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let right = || "1 to 128 visible ASCII characters, like text-embedding-3-small".to_owned();
    given.text().filter(is_name).map(str::to_owned).ok_or_else(right)
}

pub(super) fn org(given: &Given) -> Result<String, Right> {
    let is_name = |text: &&str| {
        (1..=63).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let right = || "1 to 63 letters, digits, `-` and `_`, not beginning with `-` or `_`".to_owned();
    given.text().filter(is_name).map(str::to_owned).ok_or_else(right)
}

/// A whole number from `least` to `most`.
pub(super) fn number(given: &Given, least: u64, most: u64) -> Result<u64, Right> {
    let number = match given {
        Given::Text(text) => text.parse().ok(),
        Given::Toml(toml::Value::Integer(number)) => u64::try_from(*number).ok(),
        Given::Toml(_) => None,
    };
    let right = || format!("a whole number from {least} to {most}, without a unit");
    number.filter(|number| (least..=most).contains(number)).ok_or_else(right)
}

pub(super) fn size(given: &Given, least: usize, most: usize) -> Result<usize, Right> {
    let number = number(given, least as u64, most as u64)?;
    usize::try_from(number).map_err(|_| format!("a whole number up to {}", usize::MAX))
}

pub(super) fn millis(given: &Given, least: u64, most: u64) -> Result<Duration, Right> {
    number(given, least, most).map(Duration::from_millis).map_err(|right| format!("{right} (milliseconds)"))
}

pub(super) fn flag(given: &Given) -> Result<bool, Right> {
    match given {
        Given::Toml(toml::Value::Boolean(value)) => Ok(*value),
        Given::Text(text) if text == "true" => Ok(true),
        Given::Text(text) if text == "false" => Ok(false),
        _ => Err("true or false".to_owned()),
    }
}

pub(super) fn log_format(given: &Given) -> Result<LogFormat, Right> {
    match given.text() {
        Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        _ => Err("`text` or `json`".to_owned()),
    }
}

pub(super) fn log_filter(given: &Given) -> Result<String, Right> {
    let right = || "a level like `info`, or directives like `warn,sluice::http=debug`".to_owned();
    let text = given.text().filter(|text| !text.trim().is_empty()).ok_or_else(right)?;
    crate::telemetry::check_filter(text).map_err(|_| right())?;
    Ok(text.to_owned())
}

pub(super) fn endpoint(given: &Given) -> Result<Option<String>, Right> {
    let right = || "the address of an OTLP collector that speaks HTTP, like http://localhost:4318".to_owned();
    let text = given.text().filter(|text| split_http(text).is_some_and(|(_, rest)| is_authority(rest)));
    text.map(|text| Some(text.to_owned())).ok_or_else(right)
}

/// Tiers of memory that something can be promoted to; in a variable or a flag separated by commas.
pub(super) fn tiers(given: &Given) -> Result<Vec<String>, Right> {
    let right = || "some of project, team and curated, or none".to_owned();
    let tiers = list(given).ok_or_else(right)?;
    let is_tier = |tier: &String| matches!(tier.as_str(), "project" | "team" | "curated");
    tiers.iter().all(is_tier).then_some(tiers).ok_or_else(right)
}

/// What of runs is remembered by itself.
pub(super) fn capture(given: &Given) -> Result<bool, Right> {
    match given.text() {
        Some("off") => Ok(false),
        Some("session") => Ok(true),
        _ => Err("`off` or `session`".to_owned()),
    }
}

/// Blocks of addresses; in a variable or a flag separated by commas.
pub(super) fn blocks(given: &Given) -> Result<Vec<Block>, Right> {
    let right = || "blocks of addresses like 10.1.0.0/16 or fd00:1::/32, with no bit set behind the prefix".to_owned();
    let texts = list(given).ok_or_else(right)?;
    texts.iter().map(|text| text.parse().map_err(|_| right())).collect()
}

/// Names of hosts; in a variable or a flag separated by commas.
pub(super) fn hosts(given: &Given) -> Result<Vec<String>, Right> {
    let right = || "names of hosts without `http://` and without a port, like sluice.example".to_owned();
    let hosts = list(given).ok_or_else(right)?;
    let hosts: Vec<_> = hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect();
    hosts.iter().all(|host| is_host(host) && !host.contains(':')).then_some(hosts).ok_or_else(right)
}

/// Origins: scheme, host and port, and nothing after them.
pub(super) fn origins(given: &Given) -> Result<Vec<String>, Right> {
    let right = || "origins without a path, like https://console.example; `*` would let every page ask".to_owned();
    let origins = list(given).ok_or_else(right)?;
    let origins: Vec<_> = origins.into_iter().map(|origin| origin.to_ascii_lowercase()).collect();
    let is_origin = |origin: &String| split_http(origin).is_some_and(|(_, host)| is_host(host));
    origins.iter().all(is_origin).then_some(origins).ok_or_else(right)
}

fn list(given: &Given) -> Option<Vec<String>> {
    match given {
        Given::Text(text) => {
            Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
        }
        Given::Toml(toml::Value::Array(values)) => {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
        }
        Given::Toml(_) => None,
    }
}

fn split_http(text: &str) -> Option<(&str, &str)> {
    text.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
}

/// What follows a scheme begins with a host.
fn is_authority(rest: &str) -> bool {
    !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']) && !rest.contains(char::is_whitespace)
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        // The colons of `[::1]` are its own.
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_v6 = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok());
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    (is_v6 || is_name) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// A duration as the setting's number.
pub(super) fn in_millis(duration: Duration) -> Value {
    json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

pub(super) fn format_word(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    }
}

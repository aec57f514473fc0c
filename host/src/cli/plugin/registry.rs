//! `sluice plugin push`, `ls`, `show` and `rm`: the registry of a host. Components are pushed out of directories that
//! registries of images understand, too, and into them; `pull` takes them out again.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;
use sluice_api::plugin::{PluginDetail, PluginView};

use super::read;
use super::sign::key_in;
use crate::cli::connect::{Access, Connection, HostArgs};
use crate::cli::exit::{Exit, Failure, with_causes};
use crate::cli::moment;
use crate::cli::output::{self, visible};
use crate::cli::table;
use crate::client::Client;
use crate::kit::component;
use crate::kit::layout::{Packed, Place};
use crate::plugins::{Inspection, PluginHost};
use crate::signing;

/// Digits of a digest that are shown in tables.
const DIGITS_SHOWN: usize = 16;

/// What every one of these takes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Common {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    host: HostArgs,
}

impl Common {
    pub(super) async fn connect(&self, access: Access) -> Result<Connection, Failure> {
        self.host.connect(access).await
    }
}

/// Install a component; it is compiled and tried before anybody can bind it
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PushArgs {
    /// The component, or an OCI image layout that holds it, with its signatures
    #[arg(value_name = "FILE.wasm|DIR[:TAG]")]
    source: String,
    /// Put it into this OCI image layout and install nothing (default tag: its version)
    #[arg(long, value_name = "DIR[:TAG]")]
    to: Option<String>,
    /// Sign it with the private key in this file (sluice plugin keygen)
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Signatures that others made: KEY:SIGNATURE, as `sluice plugin sign` prints; may stand several times
    #[arg(long, value_name = "KEY:SIGNATURE")]
    signature: Vec<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Take a component out of an OCI image layout, and print its signatures
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PullArgs {
    /// The layout, and which of its components; one that holds a single one needs no tag
    #[arg(value_name = "DIR[:TAG]")]
    source: String,
    /// Where it goes (default: NAME.wasm)
    #[arg(long, value_name = "FILE.wasm")]
    out: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// The components there are
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    pub(super) common: Common,
}

/// A component, its versions, and where it is bound
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ShowArgs {
    /// Its digest, name@version, or name (the newest version)
    plugin: String,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Remove a component that nobody needs
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RemoveArgs {
    /// Its digest or name@version
    plugin: String,
    #[command(flatten)]
    pub(super) common: Common,
}

/// What is at a place that somebody names, and what it says of itself.
fn packed(source: &str) -> Result<(Packed, Inspection), Failure> {
    let place = Place::parse(source);
    let packed = if place.is_layout() {
        place.get()?
    } else {
        Packed { component: read(Path::new(source))?, signatures: Vec::new() }
    };
    let inspection = PluginHost::inspect(&packed.component)
        .map_err(|error| Failure::bad_input(format!("{source}: {}", with_causes(&error))))?;
    Ok((packed, inspection))
}

pub(super) async fn push(args: &PushArgs) -> Result<ExitCode, Failure> {
    let (Packed { component, mut signatures }, inspection) = packed(&args.source)?;
    signatures.extend(args.signature.iter().cloned());
    if let Some(file) = &args.key {
        let key = key_in(file)?;
        signatures.push(format!("{}:{}", key.public(), key.sign(&inspection.digest)));
    }
    let manifest = &inspection.manifest;
    if let Some(to) = &args.to {
        check_signatures(&signatures, &inspection)?;
        let mut place = Place::parse(to);
        place.tag = Some(place.put(&component, &inspection, &signatures)?);
        return told(&inspection, &place, &signatures, args.common.json);
    }
    let connection = args.common.connect(Access::Write).await?;
    let plugin = connection.client.install_plugin(&manifest.name, &manifest.version, component, &signatures).await?;
    if args.common.json {
        output::json(&plugin)?;
    } else {
        output::print(&visible(&format!("{}@{} {}", plugin.name, plugin.version, plugin.digest)))?;
    }
    Ok(Exit::Succeeded.into())
}

/// What no host would take is not passed on.
fn check_signatures(signatures: &[String], of: &Inspection) -> Result<(), Failure> {
    for text in signatures {
        let (key, signature) = text.split_once(':').unwrap_or((text, ""));
        signing::verify(key, signature, &of.digest)
            .map_err(|problem| Failure::bad_input(format!("signature `{}`: {problem}", visible(text))))?;
    }
    Ok(())
}

pub(super) fn pull(args: &PullArgs) -> Result<ExitCode, Failure> {
    let place = Place::parse(&args.source);
    if !place.is_layout() {
        let message = format!("{}: is no OCI image layout: it has no file `oci-layout`", place.folder.display());
        return Err(Failure::bad_input(message));
    }
    let (packed, inspection) = packed(&args.source)?;
    check_signatures(&packed.signatures, &inspection)?;
    let file = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.wasm", inspection.manifest.name)));
    component::write(&file, &packed.component)?;
    told(&inspection, &Place { folder: file, tag: None }, &packed.signatures, args.json)
}

/// Tells what went where.
fn told(of: &Inspection, place: &Place, signatures: &[String], as_json: bool) -> Result<ExitCode, Failure> {
    let tag = place.tag.as_deref().map(|tag| format!(":{tag}")).unwrap_or_default();
    let (manifest, at) = (&of.manifest, format!("{}{tag}", place.folder.display()));
    if as_json {
        output::json(&json!({
            "name": manifest.name, "version": manifest.version, "kind": manifest.kind.as_str(),
            "digest": of.digest.as_str(), "size": of.size, "at": at, "signatures": signatures,
        }))?;
        return Ok(Exit::Succeeded.into());
    }
    output::print(&visible(&format!("{}@{} {}\n{at}", manifest.name, manifest.version, of.digest)))?;
    for signature in signatures {
        output::print(&visible(&format!("signed {signature}")))?;
    }
    Ok(Exit::Succeeded.into())
}

/// All of a host's plugins.
async fn all(client: &Client) -> Result<Vec<PluginView>, Failure> {
    let mut plugins = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = client.plugins(cursor.as_deref()).await?;
        plugins.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(plugins);
        }
    }
}

pub(super) async fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let plugins = all(&connection.client).await?;
    if args.common.json {
        output::json(&json!({"items": plugins, "count": plugins.len()}))?;
        return Ok(Exit::Succeeded.into());
    }
    let row = |plugin: &PluginView| {
        vec![
            visible(&plugin.name),
            visible(&plugin.version),
            plugin.kind.clone(),
            plugin.digest.chars().take(DIGITS_SHOWN).collect(),
            plugin.signatures.len().to_string(),
            plugin.installed_by.as_deref().map_or_else(|| "the host".to_owned(), visible),
            visible(&plugin.description),
        ]
    };
    let rows: Vec<Vec<String>> = plugins.iter().map(row).collect();
    let header = ["NAME", "VERSION", "KIND", "DIGEST", "SIGNED", "FROM", "WHAT"];
    for line in table::lines(&header, &rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(Exit::Succeeded.into())
}

/// The digest of what somebody names: a digest may be cut, a name stands for its newest version.
pub(super) async fn digest_of(client: &Client, named: &str) -> Result<String, Failure> {
    let is_digest = named.len() >= 8 && named.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if named.len() == 64 && is_digest {
        return Ok(named.to_owned());
    }
    let plugins = all(client).await?;
    let (name, version) = named.split_once('@').map_or((named, None), |(name, version)| (name, Some(version)));
    let is_it = |plugin: &&PluginView| {
        let by_name = plugin.name == name && version.is_none_or(|version| plugin.version == version);
        by_name || is_digest && plugin.digest.starts_with(named)
    };
    let newest = plugins.iter().filter(is_it).max_by_key(|plugin| semver::Version::parse(&plugin.version).ok());
    let found = newest.ok_or_else(|| Failure::failed(format!("there is no plugin `{named}`; see `sluice plugin ls`")));
    Ok(found?.digest.clone())
}

pub(super) async fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let digest = digest_of(&connection.client, &args.plugin).await?;
    let detail = connection.client.plugin(&digest).await?;
    if args.common.json {
        output::json(&detail)?;
    } else {
        for line in lines(&detail) {
            output::print(&visible(&line))?;
        }
    }
    Ok(Exit::Succeeded.into())
}

fn lines(detail: &PluginDetail) -> Vec<String> {
    let plugin = &detail.plugin;
    let mut lines = vec![
        format!("{} {} ({}, contract {})", plugin.name, plugin.version, plugin.kind, plugin.contract),
        plugin.description.clone(),
        format!("digest   {}", plugin.digest),
        format!("size     {} bytes", plugin.size),
    ];
    match (&plugin.installed_by, plugin.installed_at_ms) {
        (Some(by), Some(at)) => lines.push(format!("from     {by}, {}", moment::written(at))),
        _ => lines.push("from     the host".to_owned()),
    }
    lines.extend(plugin.signatures.iter().map(|signature| format!("signed   {}", signature.key)));
    lines.extend(detail.imports.iter().map(|name| format!("imports  {name}")));
    lines.extend(detail.exports.iter().map(|name| format!("exports  {name}")));
    if !detail.self_test.is_null() {
        lines.push(format!("tried    {}", detail.self_test));
    }
    lines.extend(detail.versions.iter().map(|version| format!("version  {} {}", version.version, version.digest)));
    lines.extend(detail.bound_in.iter().map(|bound| {
        format!("bound    {} as {} (revision {})", bound.workspace_id, bound.roles.join(", "), bound.revision)
    }));
    lines
}

pub(super) async fn remove(args: &RemoveArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Write).await?;
    let digest = digest_of(&connection.client, &args.plugin).await?;
    let removed = connection.client.remove_plugin(&digest).await?;
    if args.common.json {
        output::json(&removed)?;
    } else {
        output::print(&format!("{digest} is gone"))?;
    }
    Ok(Exit::Succeeded.into())
}

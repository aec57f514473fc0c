//! Finding the host a command speaks to: a server that was named, the server of the data
//! directory, or the data directory itself, served in this process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::PlaceArgs;
use super::embedded::{self, Embedded};
use super::exit::Failure;
use crate::client::{Address, Client, ClientError};
use crate::data_dir::{DataDir, ServerRecord};

/// How long the server of a data directory may take to show that it is there.
const PROBE: Duration = Duration::from_secs(3);

/// Which host, and as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct HostArgs {
    /// The server (default: the one that serves --data, or else --data itself)
    #[arg(long, value_name = "URL", env = "SLUICE_SERVER")]
    server: Option<String>,
    /// The token to come with (default: what the server of --data keeps there)
    #[arg(long, value_name = "TOKEN", env = "SLUICE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE", env = "SLUICE_TOKEN_FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
}

/// What commands take that speak to a host.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) host: HostArgs,
}

impl Common {
    pub(super) async fn connect(&self, access: Access) -> Result<Connection, Failure> {
        self.host.connect(access).await
    }
}

/// What commands take that speak to a host about a workspace as a whole.
#[derive(Debug, Args)]
pub(super) struct OfWorkspace {
    /// The workspace
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub(super) workspace: String,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) host: HostArgs,
}

impl OfWorkspace {
    pub(super) async fn connect(&self, access: Access) -> Result<Connection, Failure> {
        self.host.connect(access).await
    }
}

/// What a command is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Look; beside whoever works on the directory.
    Read,
    /// Change something; alone on the directory when there is no server.
    Write,
}

/// A host that was found.
pub(super) struct Connection {
    /// Speaks to it.
    pub(super) client: Client,
    /// The host in this process, when there is no server.
    pub(super) embedded: Option<Embedded>,
}

/// A server that was found.
pub(super) struct Server {
    /// Speaks to it.
    pub(super) client: Client,
    /// Where it listens.
    pub(super) address: Address,
}

/// Whose token of a data directory is taken when none is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// `operator.token`.
    Operator,
    /// `agent.token`.
    Agent,
}

impl HostArgs {
    /// Finds the host.
    pub(super) async fn connect(&self, access: Access) -> Result<Connection, Failure> {
        if let Some(server) = self.find_server(Keeper::Operator).await? {
            return Ok(Connection { client: server.client, embedded: None });
        }
        let embedded = embedded::open(&self.place.place(), access).await?;
        Ok(Connection { client: embedded.client(), embedded: Some(embedded) })
    }

    /// Finds a server, and `None` when there is none.
    pub(super) async fn find_server(&self, keeper: Keeper) -> Result<Option<Server>, Failure> {
        let own_token = self.own_token()?;
        if let Some(given) = &self.server {
            let address = Address::parse(given)?;
            let kept = || self.token_kept_for(&address, keeper);
            let token = own_token.or_else(kept).ok_or_else(|| {
                Failure::bad_input(format!(
                    "a token is needed for {address}: give --token, SLUICE_TOKEN or --token-file; `sluice token create` issues one"
                ))
            })?;
            return Ok(Some(server(address, token)?));
        }
        let Some((directory, record)) = self.local_server()? else { return Ok(None) };
        let address = Address::parse(&record.url)?.from_here();
        if !is_there(&address).await? {
            tracing::debug!(%address, "the directory's server is gone");
            return Ok(None);
        }
        let Some(token) = own_token.or_else(|| token_in(&directory, keeper)) else {
            return Err(Failure::bad_input(format!(
                "the server at {address} keeps no token in `{}` that can be read; give --token or SLUICE_TOKEN",
                directory.root().display()
            )));
        };
        Ok(Some(server(address, token)?))
    }

    fn own_token(&self) -> Result<Option<String>, Failure> {
        if let Some(token) = self.token.as_deref().map(str::trim).filter(|token| !token.is_empty()) {
            return Ok(Some(token.to_owned()));
        }
        let Some(path) = &self.token_file else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::bad_input(format!("--token-file `{}` cannot be read: {error}", path.display()))
        })?;
        let token = text.trim();
        if token.is_empty() {
            return Err(Failure::bad_input(format!("--token-file `{}` is empty", path.display())));
        }
        Ok(Some(token.to_owned()))
    }

    /// The token of the directory's own server is good for that server alone.
    fn token_kept_for(&self, address: &Address, keeper: Keeper) -> Option<String> {
        let (directory, record) = self.local_server().ok()??;
        let is_it = Address::parse(&record.url).is_ok_and(|local| local.from_here() == *address);
        if is_it { token_in(&directory, keeper) } else { None }
    }

    fn local_server(&self) -> Result<Option<(DataDir, ServerRecord)>, Failure> {
        let directory = DataDir::open(self.place.data.as_deref())?;
        Ok(directory.server().map(|record| (directory, record)))
    }
}

fn server(address: Address, token: String) -> Result<Server, Failure> {
    if address.is_plain() && !address.is_loopback() {
        tracing::warn!(%address, "the token travels unencrypted; use https");
    }
    let client = Client::network(&address, Some(token))?;
    Ok(Server { client, address })
}

fn token_in(directory: &DataDir, keeper: Keeper) -> Option<String> {
    let path = match keeper {
        Keeper::Operator => directory.operator_token(),
        Keeper::Agent => directory.agent_token(),
    };
    read_token(&path)
}

fn read_token(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|token| !token.is_empty())
}

/// Whether somebody answers. A server that was killed has left its record behind.
async fn is_there(address: &Address) -> Result<bool, Failure> {
    let client = Client::network(address, None)?.with_patience(Duration::ZERO);
    match tokio::time::timeout(PROBE, client.health()).await {
        Ok(Err(ClientError::Unreachable { .. })) => Ok(false),
        // Busy, starting or draining: it is there, and the call itself will tell.
        _ => Ok(true),
    }
}

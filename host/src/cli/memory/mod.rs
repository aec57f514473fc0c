//! `sluice memory`: what agents and people remember, governed.
//!
//! [`put`] has something remembered and tries the scrubber, [`find`] searches and lists, [`tiers`] promotes
//! and takes back, [`audit`] shows what was done.

mod put;
mod find;
mod tiers;
mod audit;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use sluice_api::memory::{MemoryKindName, TierName};

use super::connect::{Access, Connection, HostArgs};
use super::exit::Failure;

/// Remember, find, promote and take back what agents and people learn
#[derive(Debug, Subcommand)]
pub(super) enum MemoryCommand {
    Put(put::PutArgs),
    Search(find::SearchArgs),
    #[command(alias = "list")]
    Ls(find::LsArgs),
    Promote(tiers::PromoteArgs),
    Demote(tiers::DemoteArgs),
    Rm(tiers::RmArgs),
    Audit(audit::AuditArgs),
    Scrub(put::ScrubArgs),
    Context(find::ContextArgs),
}

/// What every one of these takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    host: HostArgs,
}

impl Common {
    async fn connect(&self, access: Access) -> Result<Connection, Failure> {
        self.host.connect(access).await
    }
}

/// A tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TierArg {
    /// One session of one owner; gone after a week
    Session,
    /// A project
    Project,
    /// A team
    Team,
    /// What has been reviewed
    Curated,
}

impl From<TierArg> for TierName {
    fn from(tier: TierArg) -> Self {
        match tier {
            TierArg::Session => Self::Session,
            TierArg::Project => Self::Project,
            TierArg::Team => Self::Team,
            TierArg::Curated => Self::Curated,
        }
    }
}

/// A tier as people read it.
fn tier_word(tier: TierName) -> &'static str {
    match tier {
        TierName::Session => "session",
        TierName::Project => "project",
        TierName::Team => "team",
        TierName::Curated => "curated",
    }
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum KindArg {
    /// Something that holds
    Fact,
    /// A remark
    Note,
    /// How something was solved
    SolutionCapsule,
}

impl From<KindArg> for MemoryKindName {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Fact => Self::Fact,
            KindArg::Note => Self::Note,
            KindArg::SolutionCapsule => Self::SolutionCapsule,
        }
    }
}

/// The token of a run, when a program acts for one.
#[derive(Debug, Args)]
pub(super) struct ForRun {
    /// The token of a claimed run, which says what may be done for it
    #[arg(long, value_name = "TOKEN", env = "SLUICE_CAPABILITY", hide_env_values = true)]
    capability: Option<String>,
}

impl ForRun {
    fn capability(&self) -> Option<String> {
        self.capability.clone().filter(|text| !text.is_empty())
    }
}

/// Largest text that is read, in bytes; the host takes no larger one.
const MAX_BYTES: u64 = 256 << 10;

/// A text.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Text {
    /// The text; `-` reads it from standard input
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// A file that holds it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Text {
    fn read(&self) -> Result<String, Failure> {
        match (&self.text, &self.file) {
            (Some(text), _) if text != "-" => Ok(text.clone()),
            (None, Some(file)) if file != Path::new("-") => {
                read(&format!("`{}`", file.display()), std::fs::File::open(file))
            }
            _ => read("standard input", Ok(std::io::stdin())),
        }
    }
}

fn read(name: &str, from: std::io::Result<impl std::io::Read>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.and_then(|from| from.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::bad_input(format!("{name} cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::bad_input(format!(
            "{name} has more than {MAX_BYTES} bytes (256 KiB); no record takes that"
        )));
    }
    String::from_utf8(bytes).map_err(|_| Failure::bad_input(format!("{name} is not UTF-8 text")))
}

impl MemoryCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Put(args) => args.common.json,
            Self::Search(args) => args.common.json,
            Self::Ls(args) => args.common.json,
            Self::Promote(args) => args.common.json,
            Self::Demote(args) => args.common.json,
            Self::Rm(args) => args.common.json,
            Self::Audit(args) => args.common.json,
            Self::Scrub(args) => args.common.json,
            Self::Context(args) => args.common.json,
        }
    }
}

pub(super) async fn execute(command: MemoryCommand) -> Result<ExitCode, Failure> {
    match command {
        MemoryCommand::Put(args) => put::put(args).await,
        MemoryCommand::Search(args) => find::search(args).await,
        MemoryCommand::Ls(args) => find::ls(args).await,
        MemoryCommand::Promote(args) => tiers::promote(args).await,
        MemoryCommand::Demote(args) => tiers::demote(args).await,
        MemoryCommand::Rm(args) => tiers::rm(args).await,
        MemoryCommand::Audit(args) => audit::execute(args).await,
        MemoryCommand::Scrub(args) => put::scrub(args).await,
        MemoryCommand::Context(args) => find::context(args).await,
    }
}

//! What a worker needs of whoever coordinates: runs to do, leases to keep, and somebody to tell.
//!
//! It owns the shape of that conversation and nothing of how it is held: [`super::local`] holds it
//! with an engine in this process, [`crate::client`] over HTTP. Processes, output, time-outs and
//! artifacts are the worker's own and the same for both.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use sluice_api::mission::ArtifactRefView;
use sluice_api::run::RunView;
use sluice_api::work::FinishStatusName;

/// A run this worker holds.
#[derive(Debug, Clone)]
pub struct Assignment<H> {
    /// The run as its process is told it, inputs included.
    pub run: RunView,
    /// How long the lease lasts after each renewal.
    pub lease: Duration,
    /// What every further call about it takes.
    pub hold: H,
}

/// A run held from coordinator `C`.
pub type Held<C> = Assignment<<C as Coordinator>::Hold>;

/// Answer to one heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// The lease was renewed.
    Kept,
    /// It was renewed, and somebody wants the run to stop.
    Canceled,
    /// The run went on without this worker.
    Lost,
}

/// Something a run leaves.
#[derive(Debug, Clone)]
pub struct LeftArtifact {
    /// What it is.
    pub kind: String,
    /// File name, without a path.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// The content.
    pub content: Vec<u8>,
}

/// A worker's last word on a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// How it ended.
    pub status: FinishStatusName,
    /// One line.
    pub summary: Option<String>,
    /// The answer in full.
    pub output: Option<String>,
    /// Ids given by [`Coordinator::leave`], in order.
    pub artifacts: Vec<String>,
}

/// Why a coordinator did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// The run went on without this worker. Nothing it says about it counts any more.
    #[error("{0}")]
    Lost(String),
    /// It will never be taken as it is.
    #[error("{0}")]
    Refused(String),
    /// The same call may succeed a little later.
    #[error("{0}")]
    Away(String),
}

impl PortError {
    /// Whether the same call may succeed a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

/// Whoever hands runs out and takes their results.
///
/// *Cancellation*: a dropped call may or may not have happened.
pub trait Coordinator: Send + Sync + 'static {
    /// What the calls about a held run take: its fencing token, its run token.
    type Hold: Clone + Send + Sync + 'static;

    /// Up to `max` runs. Waits for one as long as it sees fit, then answers none.
    fn claim(&self, max: usize) -> impl Future<Output = Result<Vec<Held<Self>>, PortError>> + Send;

    /// Renews leases: one answer for each run, in order.
    fn beat(&self, held: &[Held<Self>]) -> impl Future<Output = Result<Vec<Beat>, PortError>> + Send;

    /// Tells that work on a run has begun.
    fn started(&self, held: &Held<Self>) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Tells what a run says: JSON objects whose `type` says what each is.
    fn tell(&self, held: &Held<Self>, parts: Vec<Value>) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Keeps something a run leaves, and gives its id.
    fn leave(
        &self,
        held: &Held<Self>,
        artifact: &LeftArtifact,
    ) -> impl Future<Output = Result<String, PortError>> + Send;

    /// The bytes of something the run builds on.
    fn input(
        &self,
        held: &Held<Self>,
        artifact: &ArtifactRefView,
    ) -> impl Future<Output = Result<Vec<u8>, PortError>> + Send;

    /// Ends a run. Twice the same is fine.
    fn finish(&self, held: &Held<Self>, report: &Report) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Where relative paths of the run's own action begin.
    fn base(&self, held: &Held<Self>) -> impl Future<Output = Result<PathBuf, PortError>> + Send;

    /// What the process finds in its environment besides the run's own variables; `None` removes
    /// what this process would hand down.
    fn environment(&self, held: &Held<Self>) -> Vec<(&'static str, Option<String>)>;
}

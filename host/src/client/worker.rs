//! A server as a worker's coordinator: what [`crate::worker`] needs, as calls of the public API.
//!
//! Claims and heartbeats are the worker's own and carry its token; everything said about a run
//! carries that run's token, which is also all its process is given.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use sluice_api::mission::ArtifactRefView;
use sluice_api::work::{Beat as BeatRequest, ClaimRequest, ClaimedRun, FinishRequest, HeartbeatRequest};
use sluice_api::work::{RunEvent, RunEventsRequest};

use super::{Client, ClientError};
use crate::worker::port::{Assignment, Beat, Coordinator, Held, LeftArtifact, PortError, Report};

/// Most runs one claim takes.
const CLAIM_MAX: usize = 100;
/// Time between two claims when the first brought nothing.
const EMPTY_PAUSE: Duration = Duration::from_millis(100);
/// Time that output waits for a server that is away; the process waits with it.
const TELL_PATIENCE: Duration = Duration::from_secs(30);
/// Most output sent with a run's end, in bytes of JSON (1 MiB).
const OUTPUT_MAX_BYTES: usize = 1 << 20;

/// What runs a worker asks for, and how.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// Its name, as events show it.
    pub worker: String,
    /// Agents it speaks for.
    pub agents: Vec<String>,
    /// What it can do; everything when absent.
    pub skills: Option<Vec<String>>,
    /// Only runs of this mission.
    pub mission_id: Option<String>,
    /// How long a claim waits for a run; at most 60 s.
    pub wait: Duration,
    /// Milliseconds the leases last.
    pub lease_ms: u64,
    /// What processes are told to be the server.
    pub server: String,
    /// Where relative paths of runs' own actions begin.
    pub directory: PathBuf,
}

/// A server that hands runs out.
pub struct RemoteCoordinator {
    client: Client,
    options: RemoteOptions,
}

impl RemoteCoordinator {
    /// Asks the server of `client`, whose token may claim.
    pub fn new(client: &Client, options: RemoteOptions) -> Self {
        // Whoever works repeats claims and results itself, for as long as it takes.
        Self { client: client.with_patience(Duration::ZERO), options }
    }

    fn of_run(&self, held: &Held<Self>) -> Client {
        self.client.with_token(&held.hold)
    }

    async fn send(&self, held: &Held<Self>, events: Vec<RunEvent>, patience: Duration) -> Result<(), PortError> {
        let client = self.of_run(held).with_patience(patience);
        client.run_events(&held.run.id, &RunEventsRequest { events }).await.map_err(|error| of_run_error(&error))
    }
}

impl Coordinator for RemoteCoordinator {
    type Hold = Arc<str>;

    async fn claim(&self, max: usize) -> Result<Vec<Held<Self>>, PortError> {
        let request = ClaimRequest {
            worker: self.options.worker.clone(),
            agents: self.options.agents.clone(),
            skills: self.options.skills.clone(),
            max: u32::try_from(max.min(CLAIM_MAX)).ok(),
            wait_ms: u64::try_from(self.options.wait.as_millis()).unwrap_or(u64::MAX),
            lease_ms: Some(self.options.lease_ms),
            session_id: None,
            mission_id: self.options.mission_id.clone(),
        };
        let claimed = self.client.claim(&request).await.map_err(|error| own_error(&error))?;
        if claimed.is_empty() {
            // A server that drains answers at once, and would be asked again without end.
            tokio::time::sleep(EMPTY_PAUSE).await;
        }
        Ok(claimed.into_iter().map(assignment).collect())
    }

    async fn beat(&self, held: &[Held<Self>]) -> Result<Vec<Beat>, PortError> {
        let beat =
            |held: &Held<Self>| BeatRequest { id: held.run.id.clone(), token: held.hold.to_string(), progress: None };
        let request = HeartbeatRequest { worker: self.options.worker.clone(), runs: held.iter().map(beat).collect() };
        let answers = self.client.heartbeat(&request).await.map_err(|error| own_error(&error))?;
        if answers.len() != held.len() {
            return Err(PortError::Away(format!("{} heartbeats were answered {} times", held.len(), answers.len())));
        }
        let read = |(held, answer): (&Held<Self>, &sluice_api::work::BeatAnswer)| match (answer.ok, answer.cancel) {
            _ if answer.id != held.run.id => Err(PortError::Away("heartbeats were answered out of order".to_owned())),
            (true, false) => Ok(Beat::Kept),
            (true, true) => Ok(Beat::Canceled),
            (false, _) => Ok(Beat::Lost),
        };
        held.iter().zip(&answers).map(read).collect()
    }

    async fn started(&self, held: &Held<Self>) -> Result<(), PortError> {
        self.send(held, vec![RunEvent::Started {}], Duration::ZERO).await
    }

    async fn tell(&self, held: &Held<Self>, parts: Vec<Value>) -> Result<(), PortError> {
        let event = |part: Value| match part {
            Value::Object(part) => RunEvent::Part { part },
            other => RunEvent::Part { part: Map::from_iter([("text".to_owned(), other)]) },
        };
        self.send(held, parts.into_iter().map(event).collect(), TELL_PATIENCE).await
    }

    async fn leave(&self, held: &Held<Self>, artifact: &LeftArtifact) -> Result<String, PortError> {
        let (boundary, body) = multipart(artifact);
        let left = self.of_run(held).leave_artifact(&held.run.id, &boundary, body).await;
        Ok(left.map_err(|error| of_run_error(&error))?.artifact.id)
    }

    async fn input(&self, held: &Held<Self>, artifact: &ArtifactRefView) -> Result<Vec<u8>, PortError> {
        let client = self.of_run(held).with_patience(TELL_PATIENCE);
        client.artifact(&artifact.id).await.map_err(|error| of_run_error(&error))
    }

    async fn finish(&self, held: &Held<Self>, report: &Report) -> Result<(), PortError> {
        let request = FinishRequest {
            status: report.status,
            summary: report.summary.clone(),
            output: report.output.as_deref().map(|output| Value::String(fitting(output).to_owned())),
            artifacts: Some(report.artifacts.clone()),
        };
        let finished = self.of_run(held).finish_run(&held.run.id, &request).await;
        finished.map(|_| ()).map_err(|error| of_run_error(&error))
    }

    async fn base(&self, _held: &Held<Self>) -> Result<PathBuf, PortError> {
        Ok(self.options.directory.clone())
    }

    /// The process speaks for its run alone: whatever else this worker was given stays with it.
    fn environment(&self, held: &Held<Self>) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("SLUICE_SERVER", Some(self.options.server.clone())),
            ("SLUICE_TOKEN", Some(held.hold.to_string())),
            ("SLUICE_TOKEN_FILE", None),
            ("SLUICE_DATA", None),
            ("SLUICE_DATABASE_URL", None),
        ]
    }
}

fn assignment(claimed: ClaimedRun) -> Assignment<Arc<str>> {
    Assignment {
        lease: Duration::from_millis(claimed.lease.lease_ms.max(1)),
        run: claimed.run,
        hold: Arc::from(claimed.token),
    }
}

/// What a failure of the worker's own calls means to it.
fn own_error(error: &ClientError) -> PortError {
    if error.is_passing() { PortError::Away(error.to_string()) } else { PortError::Refused(error.to_string()) }
}

/// What a failure of a call about a run means to its worker. A run token dies with its lease.
fn of_run_error(error: &ClientError) -> PortError {
    let message = error.to_string();
    match (error.status(), error.code()) {
        (_, Some("LEASE_LOST")) | (Some(401 | 404), _) => PortError::Lost(message),
        _ if error.is_passing() => PortError::Away(message),
        _ => PortError::Refused(message),
    }
}

/// As much of an output as its JSON may be long.
fn fitting(output: &str) -> &str {
    let mut bytes = 0;
    for (at, character) in output.char_indices() {
        bytes += match character {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            '\0'..='\u{1f}' => 6,
            other => other.len_utf8(),
        };
        if bytes > OUTPUT_MAX_BYTES {
            return &output[..at];
        }
    }
    output
}

/// An artifact as `multipart/form-data` (RFC 7578), with a boundary that does not occur in it.
fn multipart(artifact: &LeftArtifact) -> (String, Vec<u8>) {
    let mut boundary = "sluice-artifact".to_owned();
    while contains(&artifact.content, boundary.as_bytes()) {
        boundary.push_str("-x");
    }
    let mut body = Vec::with_capacity(artifact.content.len() + 1024);
    let texts = [("kind", &artifact.kind), ("name", &artifact.name), ("media_type", &artifact.media_type)];
    for (name, value) in texts {
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
        );
    }
    let head = "Content-Disposition: form-data; name=\"content\"; filename=\"content\"\r\nContent-Type: application/octet-stream";
    body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
    body.extend_from_slice(&artifact.content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (boundary, body)
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_cut_by_the_length_of_its_json() {
        assert_eq!(fitting("short\n"), "short\n");
        for text in ["x", "\u{1}", "\"", "\u{00e9}", "\n"] {
            let long = text.repeat(2 << 20);
            let json = serde_json::to_string(fitting(&long)).unwrap();
            assert!((OUTPUT_MAX_BYTES - 6..=OUTPUT_MAX_BYTES + 2).contains(&json.len()), "{text:?}: {}", json.len());
        }
    }

    #[test]
    fn a_boundary_is_not_what_an_artifact_holds() {
        let content = b"--sluice-artifact\r\n--sluice-artifact-x".to_vec();
        let artifact = LeftArtifact { kind: "k".into(), name: "n".into(), media_type: "m".into(), content };
        let (boundary, body) = multipart(&artifact);
        assert!(!contains(&artifact.content, boundary.as_bytes()), "{boundary}");
        assert_eq!(String::from_utf8(body).unwrap().matches(&format!("--{boundary}")).count(), 5);
    }
}

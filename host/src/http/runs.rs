//! Runs: claim, keep, tell, finish, ask to act; and look at them.

use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::schema::Schema;

use sluice_api::work::{
    Accepted, Beat, BeatAnswer, ClaimRequest, ClaimedMany, ClaimedOne, ClaimedRun, FinishRequest, FinishStatusName,
    HeartbeatAnswer, HeartbeatRequest, LeaseView, RunAnswer, RunEvent, RunEventsRequest, RunList, SingleHeartbeat,
};

use super::access::Caller;
use super::host::{Host, Shared};
use super::idempotency::NeverKept;
use super::json::{Body, OptionalBody, Params};
use super::page::{self, Segment};
use super::problem::{self, Problem};
use crate::domain::id::{self, ArtifactId, MissionId, RunId};
use crate::domain::principal::Credential;
use crate::domain::run::{Run, RunStatus};
use crate::engine::secret::{self, Kind};
use crate::engine::{Beaten, Claim, EngineError, FinishReport, FinishStatus, Heartbeat, HeldRun, OutputPart};
use crate::wire;

/// Milliseconds a lease lasts when its worker does not say.
const LEASE_MS_DEFAULT: u64 = 30_000;
/// Shortest and longest lease, in milliseconds.
const LEASE_MS: std::ops::RangeInclusive<u64> = 5_000..=600_000;
/// Longest wait of a claim, in milliseconds.
const WAIT_MS_MAX: u64 = 60_000;
/// Most runs of one claim.
const CLAIM_MAX: u32 = 100;
/// Most runs of one batch of heartbeats.
const BEATS_MAX: usize = 1_000;
/// Most agents or skills of a worker.
const NAMES_MAX: usize = 100;
/// Most events of one batch.
const EVENTS_MAX: usize = 500;
/// Largest part of a run's output, in bytes of JSON (64 KiB).
const PART_MAX_BYTES: usize = 64 * 1024;
/// Largest note of progress, in bytes of JSON.
const PROGRESS_MAX_BYTES: usize = 4 * 1024;
/// Longest name of a worker, in characters.
const WORKER_MAX_CHARS: usize = 128;

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Only runs of this status: `queued`, `running`, `succeeded`, `failed` or `canceled`.
    #[param(schema_with = status_words)]
    status: Option<String>,
    /// Only runs of this mission.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    mission_id: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^run_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

fn status_words() -> Schema {
    page::words(RunStatus::ALL.iter().map(|status| status.as_str()))
}

/// List runs
///
/// In the order they were made in.
#[utoipa::path(
    get, path = "/runs", tag = "runs", params(ListParams),
    responses((status = 200, description = "A page of runs", body = RunList))
)]
pub(super) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<RunList>, Problem> {
    if let Credential::Run { .. } = caller.principal.credential {
        caller.allow("run", None).await?;
    }
    let limit = page::limit(params.limit)?;
    let status: Option<RunStatus> = page::word("status", params.status.as_deref())?;
    let after = page::cursor_id(params.cursor.as_deref(), RunId::PREFIX)?.map(RunId::new);
    let mission = page::selector("mission_id", params.mission_id.as_deref())?.map(MissionId::new);
    let runs = host.engine.store().runs(caller.workspace(), mission.as_ref(), status, after.as_ref(), limit).await?;
    let next_cursor = page::next_cursor(&runs, limit, |run| run.id.to_string());
    let runs: Vec<_> = runs.iter().map(|run| wire::run_view(run, None)).collect();
    Ok(JsonAnswer(RunList { count: runs.len(), runs, next_cursor }))
}

/// Look at a run
#[utoipa::path(
    get, path = "/runs/{id}", tag = "runs", params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RunAnswer))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<JsonAnswer<RunAnswer>, Problem> {
    let run = find(&host, &caller, &id).await?;
    Ok(JsonAnswer(RunAnswer { run: wire::run_view(&run, None) }))
}

/// The run of this id, if it lies in the caller's workspace and, for a run's token, is that run.
pub(super) async fn find(host: &Host, caller: &Caller, id: &str) -> Result<Run, Problem> {
    let found = host.engine.store().run(&RunId::new(id)).await?;
    let run = caller.own("run", id, found, |run| &run.workspace_id).await?;
    caller.allow(&format!("run/{id}"), None).await?;
    Ok(run)
}

/// Claim runs
///
/// Waits up to `wait_ms` for one. Each comes with a lease, which heartbeats keep, and with a token
/// of its own, which everything further about the run takes.
#[utoipa::path(
    post, path = "/runs/claim", tag = "runs", request_body = ClaimRequest,
    responses(
        (status = 200, description = "The run, or with `max` the runs", content(
            (ClaimedOrMany = "application/json"),
        )),
        (status = 204, description = "None came in time"),
    )
)]
pub(super) async fn claim(
    State(host): State<Shared>,
    caller: Caller,
    Body(body): Body<ClaimRequest>,
) -> Result<Response, Problem> {
    let lease_ms = check_claim(&body)?;
    let is_many = body.max.is_some();
    let claim = Claim {
        workspace_id: caller.workspace().clone(),
        worker: body.worker,
        principal: caller.name().to_owned(),
        agents: body.agents,
        skills: body.skills,
        mission_id: body.mission_id.map(MissionId::new),
        max: body.max.unwrap_or(1) as usize,
        lease_ms,
        session_id: body.session_id,
        wants_token: true,
    };
    let wait = Duration::from_millis(body.wait_ms);
    let held = tokio::select! {
        held = host.engine.claim(claim, wait) => held?,
        // A worker that waits is sent away at once; it comes back to another host or the next start.
        () = host.draining.cancelled() => Vec::new(),
    };
    let mut runs = Vec::with_capacity(held.len());
    for held in held {
        runs.push(claimed_view(&host, held, lease_ms).await?);
    }
    let mut response = match (is_many, runs.len()) {
        (_, 0) => StatusCode::NO_CONTENT.into_response(),
        (true, _) => JsonAnswer(ClaimedMany { runs }).into_response(),
        (false, _) => JsonAnswer(ClaimedOne { run: runs.remove(0) }).into_response(),
    };
    response.extensions_mut().insert(NeverKept);
    Ok(response)
}

/// Answer to a claim: `{"run"}`, or `{"runs"}` when `max` was given.
#[derive(utoipa::ToSchema)]
#[schema(as = ClaimAnswer)]
#[serde(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "stands in the OpenAPI document alone")]
pub(super) enum ClaimedOrMany {
    /// Without `max`.
    One(ClaimedOne),
    /// With `max`.
    Many(ClaimedMany),
}

/// The lease's length, when everything about the claim is as it should be.
fn check_claim(body: &ClaimRequest) -> Result<u64, Problem> {
    check_worker(&body.worker)?;
    if let Some(max) = body.max.filter(|max| !(1..=CLAIM_MAX).contains(max)) {
        return Err(Problem::field("max", format!("max: is {max}; 1 to {CLAIM_MAX}")));
    }
    if body.wait_ms > WAIT_MS_MAX {
        return Err(Problem::field("wait_ms", format!("wait_ms: is {}; at most {WAIT_MS_MAX}", body.wait_ms)));
    }
    let skills = body.skills.as_deref().unwrap_or_default();
    for (field, names) in [("agents", body.agents.as_slice()), ("skills", skills)] {
        if names.len() > NAMES_MAX {
            return Err(Problem::field(field, format!("{field}: has {} names; at most {NAMES_MAX}", names.len())));
        }
    }
    if let Some(session) = &body.session_id {
        id::check(session).map_err(|error| Problem::field("session_id", format!("session_id: {error}")))?;
    }
    let lease_ms = body.lease_ms.unwrap_or(LEASE_MS_DEFAULT);
    if !LEASE_MS.contains(&lease_ms) {
        let detail = format!("lease_ms: is {lease_ms}; {} to {}", LEASE_MS.start(), LEASE_MS.end());
        return Err(Problem::field("lease_ms", detail));
    }
    Ok(lease_ms)
}

fn check_worker(worker: &str) -> Result<(), Problem> {
    let chars = worker.chars().count();
    if worker.trim().is_empty() || chars > WORKER_MAX_CHARS || worker.chars().any(char::is_control) {
        let detail =
            format!("worker: has {chars} characters; 1 to {WORKER_MAX_CHARS}, not only blanks, no control characters");
        return Err(Problem::field("worker", detail));
    }
    Ok(())
}

async fn claimed_view(host: &Host, held: HeldRun, lease_ms: u64) -> Result<ClaimedRun, Problem> {
    let HeldRun { run, fence, inputs, token, .. } = held;
    let mission = host.engine.store().mission(&run.workspace_id, &run.mission_id).await?;
    let capabilities = mission.map(|mission| wire::value_of(&mission.capabilities)).unwrap_or_default();
    let expires_at_ms = run.lease.as_ref().map_or(0, |lease| lease.expires_at.as_millis());
    Ok(ClaimedRun {
        lease: LeaseView { fencing_token: fence, expires_at_ms, lease_ms, heartbeat_ms: lease_ms / 5 },
        token: token.unwrap_or_default(),
        capabilities: serde_json::from_value(capabilities).unwrap_or_default(),
        run: wire::run_view(&run, Some(inputs)),
    })
}

/// Refuses whoever does not come with this run's own token; a run of another workspace does not
/// exist for them.
async fn require_own(host: &Host, caller: &Caller, id: &str) -> Result<(), Problem> {
    match &caller.principal.credential {
        Credential::Run { run_id, .. } if run_id.as_str() == id => caller.allow(&format!("run/{id}"), None).await,
        _ => find(host, caller, id).await.map(drop),
    }
}

/// The claim that a run's token speaks for, if it still holds.
pub(super) async fn held(host: &Host, caller: &Caller, id: &str) -> Result<HeldRun, Problem> {
    require_own(host, caller, id).await?;
    let Credential::Run { run_id, fence, digest } = &caller.principal.credential else {
        return Err(Problem::new(problem::FORBIDDEN, "this takes the run's own token"));
    };
    Ok(host.engine.hold(run_id, *fence, digest).await?)
}

/// Keep runs
///
/// For all runs of a worker at once; each with its own token. Touches the leases alone.
#[utoipa::path(
    post, path = "/runs/heartbeat", tag = "runs", request_body = HeartbeatRequest,
    responses((status = 200, description = "For each run, in their order", body = HeartbeatAnswer))
)]
pub(super) async fn heartbeats(
    State(host): State<Shared>,
    Body(body): Body<HeartbeatRequest>,
) -> Result<JsonAnswer<HeartbeatAnswer>, Problem> {
    check_worker(&body.worker)?;
    if body.runs.len() > BEATS_MAX {
        return Err(Problem::field("runs", format!("runs: has {}; at most {BEATS_MAX}", body.runs.len())));
    }
    let mut beats = Vec::new();
    let mut answers: Vec<Option<BeatAnswer>> = Vec::new();
    for (index, beat) in body.runs.iter().enumerate() {
        check_progress(&format!("runs[{index}].progress"), beat.progress.as_ref())?;
        let beat = beat_of(beat);
        answers.push(beat.as_ref().err().cloned());
        beats.extend(beat);
    }
    let told = host.engine.heartbeat(&beats).await;
    let mut told = beats.iter().zip(told).map(|(beat, told)| beat_answer(beat.run_id.as_str(), told));
    let mut runs = Vec::with_capacity(answers.len());
    for answer in answers {
        match answer {
            Some(refused) => runs.push(refused),
            None => runs.extend(told.next().transpose()?),
        }
    }
    Ok(JsonAnswer(HeartbeatAnswer { runs }))
}

/// A run's token taken apart, or the answer to one that is none of this run.
fn beat_of(beat: &Beat) -> Result<Heartbeat, BeatAnswer> {
    let refused = || BeatAnswer {
        id: beat.id.clone(),
        ok: false,
        expires_at_ms: None,
        cancel: false,
        code: Some(problem::LEASE_LOST.code.to_owned()),
        detail: Some("the token is not this run's".to_owned()),
    };
    let parsed = secret::parse(&beat.token).filter(|parsed| parsed.kind == Kind::Run).ok_or_else(refused)?;
    let (run_id, fence) = parsed.id.rsplit_once('.').ok_or_else(refused)?;
    let fence = fence.parse().map_err(|_| refused())?;
    if run_id != beat.id {
        return Err(refused());
    }
    Ok(Heartbeat {
        run_id: RunId::new(run_id),
        fence,
        digest: Some(parsed.digest()),
        lease_ms: None,
        progress: beat.progress.as_ref().map(wire::json_of),
    })
}

fn check_progress(field: &str, progress: Option<&serde_json::Map<String, Value>>) -> Result<(), Problem> {
    let bytes = progress.map_or(0, |progress| wire::json_of(progress).as_str().len());
    if bytes > PROGRESS_MAX_BYTES {
        return Err(Problem::field(field, format!("{field}: has {bytes} bytes; at most {PROGRESS_MAX_BYTES}")));
    }
    Ok(())
}

/// The answer to one heartbeat; what the host itself failed at fails the whole batch.
fn beat_answer(id: &str, told: Result<Beaten, EngineError>) -> Result<BeatAnswer, Problem> {
    let answer = |ok, code: Option<&str>, detail| BeatAnswer {
        id: id.to_owned(),
        ok,
        expires_at_ms: None,
        cancel: false,
        code: code.map(str::to_owned),
        detail,
    };
    match told {
        Ok(beaten) => Ok(BeatAnswer {
            expires_at_ms: Some(beaten.expires_at.as_millis()),
            cancel: beaten.cancel,
            ..answer(true, None, None)
        }),
        Err(error @ EngineError::LeaseLost { .. }) => {
            Ok(answer(false, Some(problem::LEASE_LOST.code), Some(error.to_string())))
        }
        Err(error @ EngineError::NotFound { .. }) => {
            Ok(answer(false, Some(problem::NOT_FOUND.code), Some(error.to_string())))
        }
        Err(error) => Err(error.into()),
    }
}

/// Keep a run
///
/// With the run's own token. `cancel` in the answer says that somebody wants the run to stop.
#[utoipa::path(
    post, path = "/runs/{id}/heartbeat", tag = "runs", request_body = Option<SingleHeartbeat>,
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The lease is renewed", body = BeatAnswer))
)]
pub(super) async fn heartbeat(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<SingleHeartbeat>,
) -> Result<JsonAnswer<BeatAnswer>, Problem> {
    check_progress("progress", body.progress.as_ref())?;
    require_own(&host, &caller, &id).await?;
    let Credential::Run { run_id, fence, digest } = caller.principal.credential.clone() else {
        return Err(Problem::new(problem::FORBIDDEN, "this takes the run's own token"));
    };
    let progress = body.progress.as_ref().map(wire::json_of);
    let beat = Heartbeat { run_id, fence, digest: Some(digest), lease_ms: None, progress };
    match host.engine.heartbeat(&[beat]).await.pop() {
        Some(Ok(beaten)) => Ok(JsonAnswer(beat_answer(&id, Ok(beaten))?)),
        Some(Err(error)) => Err(error.into()),
        None => Err(Problem::not_found("run", &id)),
    }
}

/// Tell what a run says and does
///
/// With the run's own token. All or nothing, in order.
#[utoipa::path(
    post, path = "/runs/{id}/events", tag = "runs", request_body = RunEventsRequest,
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "How many were taken", body = Accepted))
)]
pub(super) async fn tell(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Body(body): Body<RunEventsRequest>,
) -> Result<JsonAnswer<Accepted>, Problem> {
    let count = body.events.len();
    if !(1..=EVENTS_MAX).contains(&count) {
        return Err(Problem::field("events", format!("events: has {count}; 1 to {EVENTS_MAX}")));
    }
    let held = held(&host, &caller, &id).await?;
    let mut parts = Vec::with_capacity(count);
    let mut has_begun = false;
    for (index, event) in body.events.into_iter().enumerate() {
        match event {
            RunEvent::Started {} => has_begun = true,
            RunEvent::Part { part } => parts.push(checked_part(index, part)?),
        }
    }
    if has_begun {
        host.engine.note_started(&held).await?;
    }
    if !parts.is_empty() {
        host.engine.append_output(&held, &parts).await?;
    }
    Ok(JsonAnswer(Accepted { accepted: count }))
}

fn checked_part(index: usize, part: serde_json::Map<String, Value>) -> Result<OutputPart, Problem> {
    let field = format!("events[{index}].part");
    if !part.get("type").is_some_and(Value::is_string) {
        return Err(Problem::field(&format!("{field}.type"), format!("{field}.type: is missing; `text`, `tool`, ...")));
    }
    let part = Value::Object(part);
    let text = wire::json_of(&part);
    if text.as_str().len() > PART_MAX_BYTES {
        let detail = format!("{field}: has {} bytes; at most {PART_MAX_BYTES}", text.as_str().len());
        return Err(Problem::field(&field, detail));
    }
    Ok(OutputPart { part })
}

/// Finish a run
///
/// With the run's own token. Twice the same is fine; a different end is refused.
#[utoipa::path(
    post, path = "/runs/{id}/finish", tag = "runs", request_body = FinishRequest,
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RunAnswer))
)]
pub(super) async fn finish(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Body(body): Body<FinishRequest>,
) -> Result<JsonAnswer<RunAnswer>, Problem> {
    let held = held(&host, &caller, &id).await?;
    let report = report_of(&host, &held.run.id, body).await?;
    let run = host.engine.finish_run(&held, report).await?;
    Ok(JsonAnswer(RunAnswer { run: wire::run_view(&run, None) }))
}

/// A worker's last word; without a list of artifacts it means all that the run left.
pub(super) async fn report_of(host: &Host, run_id: &RunId, body: FinishRequest) -> Result<FinishReport, Problem> {
    let artifacts = match body.artifacts {
        Some(ids) => ids.into_iter().map(ArtifactId::new).collect(),
        None => host.engine.store().artifact_ids_of_run(run_id).await?,
    };
    Ok(FinishReport {
        status: match body.status {
            FinishStatusName::Succeeded => FinishStatus::Succeeded,
            FinishStatusName::Failed => FinishStatus::Failed,
            FinishStatusName::Canceled => FinishStatus::Canceled,
        },
        summary: body.summary,
        output: body.output.map(|output| match output {
            Value::String(text) => text,
            other => other.to_string(),
        }),
        artifacts,
    })
}

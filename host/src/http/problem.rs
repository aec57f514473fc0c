//! Problem documents (RFC 9457): the one place where an error becomes an answer.
//!
//! To add a kind of problem: a row in [`KINDS`], and a constructor or a `From` below. The pages
//! behind `type` are served from the same table. An answer never holds a stack trace, SQL or a
//! secret: what a fault was in full goes to the log, under the request's id.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::domain::rules::Refusal;
use crate::engine::EngineError;
use crate::policy::{Denial, TextProblem, TextProblems};
use crate::store::{StorageError, StorageErrorKind};
use crate::wire::{FieldError, ScheduleProblem};

/// One kind of problem.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// For programs; never renamed.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// In a few words.
    pub title: &'static str,
    /// What it means and what to do, for the page behind `type`.
    pub meaning: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $code:literal $status:literal $title:literal: $meaning:literal;)*) => {
        $(#[doc = $title] pub const $name: Kind = Kind { code: $code, status: $status, title: $title, meaning: $meaning };)*

        /// Every kind there is.
        pub const KINDS: &[Kind] = &[$($name,)*];
    };
}

kinds! {
    MALFORMED_REQUEST = "MALFORMED_REQUEST" 400 "The request cannot be read":
        "A header, the path or the query is not as HTTP and this API want it. `field` names the part.";
    MALFORMED_JSON = "MALFORMED_JSON" 400 "The body is not JSON":
        "The body breaks off or is no JSON in UTF-8. The detail tells line and column.";
    DUPLICATE_KEY = "DUPLICATE_KEY" 400 "A member stands twice in the body":
        "Two readers of such a document may understand different things, so it is refused. `field` names the member.";
    TOO_DEEP = "TOO_DEEP" 400 "The body is nested too deeply":
        "Arrays and objects may be nested up to the limit in the detail.";
    INVALID_CURSOR = "INVALID_CURSOR" 400 "The cursor is none of this list's":
        "Take `next_cursor` of the page before as it is, or start without a cursor.";
    MISSION_EVENT_MISMATCH = "MISSION_EVENT_MISMATCH" 400 "The event is for another mission":
        "`mission_id` inside an event has to be the mission of the path.";
    SESSION_EVENT_MISMATCH = "SESSION_EVENT_MISMATCH" 400 "The event is of another session":
        "A session named inside an event has to be that of the path, and all names of one run have to be the same.";
    HOST_NOT_ALLOWED = "HOST_NOT_ALLOWED" 400 "The host does not answer to this name":
        "The Host header names neither this machine's loopback nor a name in `allowed_hosts`. It protects against pages that rebind their name to this address.";
    UNAUTHENTICATED = "UNAUTHENTICATED" 401 "No good credential":
        "Send `Authorization: Bearer TOKEN` with a token that is neither expired nor revoked.";
    FORBIDDEN = "FORBIDDEN" 403 "This is not yours to do":
        "The principal is known, and its role may not do this. The action and role are in the answer.";
    CAPABILITY_INVALID = "CAPABILITY_INVALID" 403 "The capability is not good":
        "It is no token of a run of this workspace, or its run is not held under it any more. Leave `capability` out to act on your own rights.";
    TIER_NOT_GRANTED = "TIER_NOT_GRANTED" 403 "The tier is not yours to use":
        "What the caller may do with memory, by its role or by its run's mission, does not hold `tier`. `allowed` lists the tiers it does.";
    RESOURCE_RESERVED = "RESOURCE_RESERVED" 403 "Only the host writes this resource":
        "`run/SESSION/status` shows how a session stands. Read it, or take another key.";
    ORIGIN_NOT_ALLOWED = "ORIGIN_NOT_ALLOWED" 403 "A page of another origin asked":
        "A browser says that a page of another origin sent this. Add the origin to `allowed_origins` if that is meant.";
    NOT_FOUND = "NOT_FOUND" 404 "There is no such thing":
        "It never existed here, is gone, or lies in another workspace.";
    UNKNOWN_ROUTE = "UNKNOWN_ROUTE" 404 "There is no such route":
        "The paths there are stand in /openapi.json.";
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED" 405 "The route has no such method":
        "The methods it has stand in the Allow header.";
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE" 406 "No such representation":
        "The Accept header rules out what this route answers.";
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT" 408 "The request did not arrive in time":
        "Its headers or body paused for longer than the host waits. Nothing was done.";
    ROUTINE_POLICY_BLOCKED = "ROUTINE_POLICY_BLOCKED" 403 "The routine may not reach the outside world":
        "What it does has external side effects, and `external_integrations_allowed` is false. The run `run_id` is written down as blocked. A person may allow it.";
    ROUTINE_AGENT_DRAFT = "ROUTINE_AGENT_DRAFT" 403 "What an agent makes is a draft":
        "An agent neither enables a routine nor loosens what keeps one in check. `field` names the member; a person may set it.";
    PLUGIN_EXISTS = "PLUGIN_EXISTS" 409 "The version is taken by other bytes":
        "A version of a plugin never changes. Raise the version in its manifest and install that.";
    PLUGIN_IN_USE = "PLUGIN_IN_USE" 409 "The plugin is needed":
        "A workspace binds it, or a mission that is not over is pinned to it. Bind another, and let such missions end or move them.";
    PLUGIN_CHECK_RUNNING = "PLUGIN_CHECK_RUNNING" 409 "A check of the workspace is going on":
        "One at a time is made in a workspace, since each takes all cores. Wait for it to end, which takes at most half a minute, and ask again.";
    PLUGIN_REFUSED = "PLUGIN_REFUSED" 422 "The plugin is not taken":
        "`stage` tells where it fell through: `load` (what it is, imports or exports), `compile` (also its limits of time and memory), or `self_test` (its first calls).";
    PLUGIN_UNSIGNED = "PLUGIN_UNSIGNED" 422 "No trusted key signed the plugin":
        "The workspace requires signatures. `field` names the role. Have a trusted key sign the component and install it again with the signature.";
    BINDING_INVALID = "BINDING_INVALID" 422 "The component cannot be bound like this":
        "There is no such component, it decides something else, or does not take its settings. `pointer` leads to the value at fault. What was bound before stays bound.";
    ROUTINE_EXISTS = "ROUTINE_EXISTS" 409 "There is a routine of this id":
        "Choose another id, or change the routine that has it.";
    ROUTINE_NOT_ENABLED = "ROUTINE_NOT_ENABLED" 409 "The routine is not enabled":
        "It is a draft or paused, as `routine_status` says. Enable it; a person may also run it once with `force`.";
    ROUTINE_QUEUE_FULL = "ROUTINE_QUEUE_FULL" 409 "Too many runs of the routine wait":
        "Wait for some to end, or call some off.";
    ROUTINE_RUN_STATE = "ROUTINE_RUN_STATE" 409 "The run does not stand where this can be done":
        "`run_status` is where it stands. A run is approved or denied once, paused while it runs, resumed while it is paused.";
    ROUTINE_CHANGED = "ROUTINE_CHANGED" 409 "The routine is not what it was when its run asked":
        "A yes is for what was asked and nothing else, so the run is called off. The next run asks anew.";
    ROUTINE_APPROVAL_REQUIRED = "ROUTINE_APPROVAL_REQUIRED" 409 "The mission waits for a person":
        "It is the work of a routine's run that has external side effects. Approve or deny that run.";
    CONFLICT = "CONFLICT" 409 "It was decided before, and differently":
        "What is asked for cannot be had any more. Read the thing again.";
    REVISION_CONFLICT = "REVISION_CONFLICT" 409 "Somebody was faster":
        "The thing is not at the revision the request names: `expected_rev` against `current_rev`. Read it again and decide anew.";
    RESOURCE_REVISION_CONFLICT = "RESOURCE_REVISION_CONFLICT" 409 "The resource is at another revision":
        "`key` is at `current_rev` and not at `expected_rev`; 0 stands for absence. Nothing was written. Read it again and decide anew.";
    RESOURCE_CLAIMED = "RESOURCE_CLAIMED" 409 "The resource shows who holds a lease":
        "The host keeps `key` for as long as the lease is held. Nothing was written. Wait until it is given back or runs out, or take another key.";
    LEASE_HELD = "LEASE_HELD" 409 "Somebody else has the lease":
        "`holder` has it until `expires_at_ms`, unless it is renewed. Ask again after that.";
    LEASE_LOST = "LEASE_LOST" 409 "The lease is lost":
        "It ran out, was given back, or somebody else has it; a run was taken over, canceled or ended. Stop working under it; nothing of this request was kept.";
    EVENT_REFUSED = "EVENT_REFUSED" 409 "The mission does not take this event":
        "A rule forbids it or the mission's reducer failed. `reason` is the rule's code.";
    IDEMPOTENCY_KEY_IN_USE = "IDEMPOTENCY_KEY_IN_USE" 409 "The same write is being carried out":
        "A request with this Idempotency-Key has not been answered yet. Send it again a moment later.";
    GONE = "GONE" 410 "The log no longer reaches back that far":
        "Retention has deleted it. Start from `oldest_seq`, or from a snapshot.";
    REVISION_GONE = "REVISION_GONE" 410 "The revision is no longer kept":
        "A key keeps its last hundred revisions, for as long as the log is kept, and no value longer than its own time. Read the record as it is.";
    TOO_LARGE = "TOO_LARGE" 413 "The body is too large":
        "The limit is in the detail.";
    URI_TOO_LONG = "URI_TOO_LONG" 414 "The request's target is too long":
        "The path and the query are longer than the host takes. Send data in the body.";
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE" 415 "The body has the wrong content type":
        "The content types the route takes are in the detail.";
    INVALID_FIELD = "INVALID_FIELD" 422 "A member is not as it should be":
        "`field` names the member, the detail what would be right.";
    UNKNOWN_FIELD = "UNKNOWN_FIELD" 422 "There is no such member":
        "`field` names it. Unknown members are refused so that a misspelt one is not silently ignored.";
    INVALID_SCHEDULE = "INVALID_SCHEDULE" 422 "The schedule cannot be":
        "`field` names the member, `problem` says what is wrong, `meaning` how that part is meant; of expressions `position` is the byte at which it begins, from 0, `read` what stands there. Nothing was saved.";
    RESOURCE_SCHEMA_VIOLATION = "RESOURCE_SCHEMA_VIOLATION" 422 "The value does not fit a schema":
        "The schema that an operator has set for `prefix` forbids the value of `key`: `pointer` leads to the part at fault, `problem` says what is wrong with it. Nothing was written.";
    POLICY_INVALID = "POLICY_INVALID" 422 "The policy is none that could hold":
        "`problems` lists what is wrong: the `text` and the `policy`, `line` and `column` where they are known, the `message`, and `help` when what was meant can be guessed. What held before holds on.";
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED" 422 "The Idempotency-Key belongs to another request":
        "The same key was used for other content within a day. Take a new key for a new request.";
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE" 431 "The request's headers are too large":
        "There are more headers, or more bytes of them, than the host takes.";
    RATE_LIMITED = "RATE_LIMITED" 429 "Too many requests":
        "Wait as long as Retry-After says.";
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS" 429 "Too many streams":
        "The principal has as many streams open as it may. Close one first.";
    INTERNAL = "INTERNAL" 500 "The host failed":
        "Its log holds the cause under `request_id`. Whether the request was carried out is not known; sent again with the same Idempotency-Key it is done once.";
    PLUGIN_FAULT = "PLUGIN_FAULT" 503 "The host could not call a plugin":
        "Nothing was changed. Where `digest` is there, what is stored of that component is damaged or gone: install the same bytes again. Else trying again may help; the host's log holds the cause.";
    UNAVAILABLE = "UNAVAILABLE" 503 "The host cannot do this now":
        "Its storage is away or full, others keep changing the same rows, it is starting, or it is draining. Nothing was changed. Wait as long as Retry-After says.";
    OVERLOADED = "OVERLOADED" 503 "The host has more to do than it can":
        "The request was turned away before anything was done. Wait as long as Retry-After says.";
}

impl Kind {
    /// The last part of its page's path.
    pub fn slug(&self) -> String {
        self.code.to_ascii_lowercase().replace('_', "-")
    }

    /// Whether the same request may succeed a little later.
    fn is_retryable(&self) -> bool {
        matches!(self.status, 408 | 429 | 503) || self.code == IDEMPOTENCY_KEY_IN_USE.code
    }

    /// The path of its page.
    pub fn page(&self) -> String {
        format!("/problems/{}", self.slug())
    }
}

/// A problem, on its way to becoming an answer.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: String,
    more: Box<Map<String, Value>>,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let retry_after_s = (kind.is_retryable() && kind.status != 408).then_some(1);
        Self { kind, detail: detail.into(), more: Box::default(), retry_after_s }
    }

    /// A member is not as it should be.
    pub fn field(field: &str, detail: impl Into<String>) -> Self {
        Self::new(INVALID_FIELD, detail).with("field", field)
    }

    /// There is no such thing here.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(NOT_FOUND, format!("there is no {what} `{id}` in this workspace"))
    }

    /// With one more member for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// With a time to wait.
    #[must_use]
    pub fn after_seconds(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX));
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Its code.
    pub fn code(&self) -> &'static str {
        self.kind.code
    }

    /// The document.
    pub fn document(&self) -> Value {
        let mut document = json!({
            "type": self.kind.page(),
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.kind.code,
            "retryable": self.kind.is_retryable(),
        });
        if let Value::Object(members) = &mut document {
            // What every problem has means the same in every problem.
            for (name, value) in self.more.iter() {
                members.entry(name.as_str()).or_insert_with(|| value.clone());
            }
        }
        document
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.document().to_string();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sluice\""));
        }
        // Whoever logs and counts requests wants the code without reading the body again.
        response.extensions_mut().insert(ProblemCode(self.kind.code));
        response
    }
}

/// A problem's code, beside its document.
#[derive(Debug, Clone, Copy)]
pub struct ProblemCode(pub &'static str);

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        let detail = error.to_string();
        Self::field(&error.field, detail)
    }
}

impl From<ScheduleProblem> for Problem {
    fn from(error: ScheduleProblem) -> Self {
        let field = match &error {
            ScheduleProblem::Field(error) => return error.clone().into(),
            ScheduleProblem::Fault { field, .. } => field.clone(),
        };
        let mut problem = Self::new(INVALID_SCHEDULE, error.to_string())
            .with("field", field)
            .with("problem", error.problem())
            .with("meaning", error.meaning());
        if let Some(fault) = error.expression() {
            problem = problem.with("position", fault.at).with("read", fault.read.clone());
        }
        problem
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error.kind {
            StorageErrorKind::Invalid => Self::new(INVALID_FIELD, error.source.to_string()).with("field", ""),
            StorageErrorKind::Corrupt => internal(&error),
            StorageErrorKind::Unavailable => {
                tracing::error!(error = %chain(&error), "storage failed a request");
                let detail = "the host's storage does not answer; what was being changed may have been, or not: \
                              look before you try again, or send it under an `Idempotency-Key`";
                Self::new(UNAVAILABLE, detail)
            }
            _ => {
                tracing::error!(error = %chain(&error), "storage failed a request");
                Self::new(UNAVAILABLE, "the host's storage does not answer as it should; nothing was changed")
            }
        }
    }
}

/// A fault of the host's own: told in full to the log alone.
pub fn internal(error: &dyn std::error::Error) -> Problem {
    tracing::error!(error = %chain(error), "a request failed");
    Problem::new(INTERNAL, "the host failed; its log holds the cause")
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::NotFound { what, id } => Self::not_found(what, &id),
            EngineError::Field(error) => error.into(),
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::LeaseLost { ref run_id, .. } => {
                let run_id = run_id.clone();
                Self::new(LEASE_LOST, error.to_string()).with("run_id", run_id)
            }
            EngineError::Revision { expected, current } => Self::new(REVISION_CONFLICT, error.to_string())
                .with("expected_rev", expected)
                .with("current_rev", current),
            EngineError::ResourceConflict { ref key, expected, current } => {
                let key = key.clone();
                Self::new(RESOURCE_REVISION_CONFLICT, error.to_string())
                    .with("key", key)
                    .with("expected_rev", expected)
                    .with("current_rev", current)
            }
            EngineError::ResourceKept { ref key } => {
                let key = key.clone();
                Self::new(RESOURCE_RESERVED, error.to_string()).with("key", key)
            }
            EngineError::ResourceClaimed { ref key } => {
                let key = key.clone();
                Self::new(RESOURCE_CLAIMED, error.to_string()).with("key", key)
            }
            EngineError::ResourceUnfit { ref key, ref prefix, ref pointer, problem: ref what } => {
                Self::new(RESOURCE_SCHEMA_VIOLATION, error.to_string())
                    .with("key", key.clone())
                    .with("prefix", prefix.clone())
                    .with("pointer", pointer.clone())
                    .with("problem", what.clone())
            }
            EngineError::RevisionGone { ref key, rev } => {
                let key = key.clone();
                Self::new(REVISION_GONE, error.to_string()).with("key", key).with("rev", rev)
            }
            EngineError::Operation { index, key, error } => Self::from(*error).with("index", index).with("key", key),
            EngineError::HostsOwn { ref run_id } => {
                let run_id = run_id.clone();
                Self::new(FORBIDDEN, error.to_string()).with("run_id", run_id)
            }
            EngineError::NameHeld { ref lease } => {
                let lease = lease.clone();
                Self::new(LEASE_HELD, error.to_string())
                    .with("name", lease.name)
                    .with("holder", lease.owner)
                    .with("fencing_token", lease.fencing_token)
                    .with("expires_at_ms", lease.expires_at.as_millis())
            }
            EngineError::NameNotHeld { ref name } => {
                let name = name.clone();
                Self::new(LEASE_LOST, error.to_string()).with("name", name)
            }
            error @ (EngineError::RoutineTaken { .. }
            | EngineError::RoutineSchedule { .. }
            | EngineError::RoutineNotEnabled { .. }
            | EngineError::RoutineBlocked { .. }
            | EngineError::RoutineDraft { .. }
            | EngineError::RoutineFull { .. }
            | EngineError::RunState { .. }
            | EngineError::RoutineChanged { .. }
            | EngineError::RoutineApproval { .. }) => of_routine(&error),
            EngineError::CapabilityInvalid { .. } => {
                Self::new(CAPABILITY_INVALID, error.to_string()).with("field", "capability")
            }
            EngineError::TierNotGranted { tier, ref allowed, .. } => {
                let allowed: Vec<&str> = allowed.iter().map(|tier| tier.as_str()).collect();
                Self::new(TIER_NOT_GRANTED, error.to_string()).with("tier", tier.as_str()).with("allowed", allowed)
            }
            error @ (EngineError::PluginRefused { .. }
            | EngineError::PluginTaken { .. }
            | EngineError::PluginInUse { .. }
            | EngineError::CheckRunning { .. }
            | EngineError::PluginUnfit { .. }
            | EngineError::PluginUnsigned { .. }
            | EngineError::ComponentDamaged { .. }) => of_plugin(&error),
            EngineError::Policy(problems) => of_policy(&problems),
            EngineError::Conflict(message) => Self::new(CONFLICT, message),
            EngineError::HostFault(message) => {
                tracing::error!(message, "a plugin could not be called");
                Self::new(PLUGIN_FAULT, "the host could not call a plugin; nothing was changed")
            }
            EngineError::Contended => Self::new(UNAVAILABLE, "others kept changing the same rows; nothing was changed"),
            EngineError::Storage(error) => error.into(),
        }
    }
}

/// What is wrong with a component, or with binding it.
fn of_plugin(error: &EngineError) -> Problem {
    let problem = |kind| Problem::new(kind, error.to_string());
    match error {
        EngineError::PluginRefused { stage, .. } => problem(PLUGIN_REFUSED).with("stage", stage.clone()),
        EngineError::PluginTaken { digest, .. } => problem(PLUGIN_EXISTS).with("digest", digest.clone()),
        EngineError::PluginInUse { digest, .. } => problem(PLUGIN_IN_USE).with("digest", digest.clone()),
        EngineError::CheckRunning { workspace_id } => {
            problem(PLUGIN_CHECK_RUNNING).with("workspace_id", workspace_id.clone())
        }
        EngineError::PluginUnfit { field, pointer, .. } => {
            problem(BINDING_INVALID).with("field", field.clone()).with("pointer", pointer.clone())
        }
        EngineError::PluginUnsigned { field, plugin } => {
            problem(PLUGIN_UNSIGNED).with("field", field.clone()).with("plugin", plugin.clone())
        }
        EngineError::ComponentDamaged { digest, .. } => {
            tracing::error!(%error, "a plugin could not be called");
            problem(PLUGIN_FAULT).with("digest", digest.as_str())
        }
        _ => problem(INTERNAL),
    }
}

/// What is wrong with a policy.
fn of_policy(problems: &TextProblems) -> Problem {
    let told = |problem: &TextProblem| {
        json!({
            "text": problem.text,
            "policy": problem.policy,
            "line": problem.place.map(|place| place.line),
            "column": problem.place.map(|place| place.column),
            "message": problem.message,
            "help": problem.help,
        })
    };
    let all: Vec<Value> = problems.0.iter().map(told).collect();
    let first = problems.0.first().map(ToString::to_string).unwrap_or_default();
    Problem::new(POLICY_INVALID, first).with("problems", all)
}

/// What went wrong with a routine or one of its runs.
fn of_routine(error: &EngineError) -> Problem {
    let problem = |kind| Problem::new(kind, error.to_string());
    match error {
        EngineError::RoutineTaken { id } => problem(ROUTINE_EXISTS).with("routine_id", id.clone()),
        EngineError::RoutineSchedule { fault } => ScheduleProblem::from((**fault).clone()).into(),
        EngineError::RoutineNotEnabled { id, status } => {
            problem(ROUTINE_NOT_ENABLED).with("routine_id", id.clone()).with("routine_status", status.as_str())
        }
        EngineError::RoutineBlocked { id, run_id, reason } => problem(ROUTINE_POLICY_BLOCKED)
            .with("routine_id", id.clone())
            .with("run_id", run_id.clone())
            .with("reason", reason.clone()),
        EngineError::RoutineDraft { member } => problem(ROUTINE_AGENT_DRAFT).with("field", *member),
        EngineError::RoutineFull { id, waiting } => {
            problem(ROUTINE_QUEUE_FULL).with("routine_id", id.clone()).with("waiting", *waiting)
        }
        EngineError::RunState { run_id, state, .. } => {
            problem(ROUTINE_RUN_STATE).with("run_id", run_id.clone()).with("run_status", state.as_str())
        }
        EngineError::RoutineChanged { id, run_id } => {
            problem(ROUTINE_CHANGED).with("routine_id", id.clone()).with("run_id", run_id.clone())
        }
        EngineError::RoutineApproval { mission_id } => {
            problem(ROUTINE_APPROVAL_REQUIRED).with("mission_id", mission_id.clone())
        }
        _ => problem(INTERNAL),
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let mut problem = Self::new(EVENT_REFUSED, refusal.message.clone()).with("reason", refusal.code);
        if let Some(index) = refusal.command_index {
            problem = problem.with("command_index", index);
        }
        problem
    }
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        Self::new(FORBIDDEN, denial.to_string())
            .with("reason", denial.reason.as_str())
            .with("policy_ids", denial.policies)
            .with("needed", denial.needed)
    }
}

/// An error and what led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(source) = next {
        causes.push(source.to_string());
        next = source.source();
    }
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_and_a_page_of_its_own() {
        let mut codes: Vec<_> = KINDS.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), KINDS.len());
        assert_eq!(Problem::new(NOT_FOUND, "x").document()["type"], "/problems/not-found");
    }
}

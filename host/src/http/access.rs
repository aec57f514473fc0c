//! Who asks, and may they: what stands before every handler.
//!
//! A route is registered with its [`Action`]; [`enforce`] recognises the credential, refuses
//! roles that may never do this, and hands a [`Caller`] to the handler. Where the answer depends
//! on the thing itself the handler asks [`Caller::allow`] once it knows the thing.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::host::{Host, Shared};
use super::in_process::Vouched;
use super::problem::{self, Problem};
use crate::domain::id::{self, WorkspaceId};
use crate::domain::principal::{Credential, Principal, Role};
use crate::policy::{self, Action, Denial, May, Resource};

/// The header by which an operator names another workspace.
const WORKSPACE_HEADER: &str = "sluice-workspace";

/// Whoever was recognised, and what they asked to do.
#[derive(Clone)]
pub(super) struct Caller {
    host: Shared,
    /// Who.
    pub principal: Arc<Principal>,
    /// Whether this process vouches for the caller, who has no token that could end.
    pub is_vouched: bool,
    action: Action,
}

impl Caller {
    /// Where the caller may do anything at all.
    pub(super) fn workspace(&self) -> &WorkspaceId {
        &self.principal.workspace_id
    }

    /// The caller's name, for events and the audit.
    pub(super) fn name(&self) -> &str {
        &self.principal.name
    }

    /// Whether the caller may do what the route is for to a thing of this owner.
    ///
    /// # Errors
    /// 403, and the audit holds it.
    pub(super) async fn allow(&self, resource: &str, owner: Option<&str>) -> Result<(), Problem> {
        self.allow_action(self.action, resource, owner).await
    }

    /// The same for another action than the route's.
    ///
    /// # Errors
    /// 403, and the audit holds it.
    pub(super) async fn allow_action(
        &self,
        action: Action,
        resource: &str,
        owner: Option<&str>,
    ) -> Result<(), Problem> {
        let run_id = resource.strip_prefix("run/");
        let thing = Resource { workspace_id: &self.principal.workspace_id, owner, run_id };
        match policy::decide(&self.principal, action, thing) {
            Ok(()) => Ok(()),
            Err(denial) => Err(refuse(&self.host, &self.principal, action, resource, denial).await),
        }
    }

    /// The same for a thing that may belong to a run.
    ///
    /// # Errors
    /// 403, and the audit holds it.
    pub(super) async fn allow_of_run(
        &self,
        resource: &str,
        owner: Option<&str>,
        run_id: Option<&str>,
    ) -> Result<(), Problem> {
        let thing = Resource { workspace_id: &self.principal.workspace_id, owner, run_id };
        match policy::decide(&self.principal, self.action, thing) {
            Ok(()) => Ok(()),
            Err(denial) => Err(refuse(&self.host, &self.principal, self.action, resource, denial).await),
        }
    }

    /// Refuses the caller for a reason that is found outside the table of actions.
    pub(super) async fn deny(&self, resource: &str, denial: Denial) -> Problem {
        refuse(&self.host, &self.principal, self.action, resource, denial).await
    }

    /// Whether the caller would be allowed, without anybody noting it.
    pub(super) fn may(&self, action: Action, owner: Option<&str>) -> bool {
        let thing = Resource { workspace_id: &self.principal.workspace_id, owner, run_id: None };
        policy::decide(&self.principal, action, thing).is_ok()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthenticated)
    }
}

fn unauthenticated() -> Problem {
    Problem::new(
        problem::UNAUTHENTICATED,
        "send `Authorization: Bearer TOKEN` with a token that is neither expired nor revoked",
    )
}

async fn refuse(host: &Host, principal: &Principal, action: Action, resource: &str, denial: Denial) -> Problem {
    host.note_denial(principal, action.name(), resource, &denial.to_string()).await;
    let role = principal.role().map_or("run token", Role::as_str);
    Problem::from(denial).with("action", action.name()).with("role", role)
}

/// The layer of a route that is done as `action`.
pub(super) async fn enforce(action: Action, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(host) = parts.extensions.get::<Shared>().cloned() else { return unauthenticated().into_response() };
    match admit(action, &host, &parts).await {
        Ok(principal) => {
            let is_vouched = parts.extensions.get::<Vouched>().is_some();
            let caller = Caller { host: Arc::clone(&host), principal: Arc::new(principal), is_vouched, action };
            parts.extensions.insert(caller.clone());
            let request = Request::from_parts(parts, body);
            super::idempotency::once(&host, &caller, request, next).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(action: Action, host: &Shared, request: &Parts) -> Result<Principal, Problem> {
    let mut principal = if let Some(vouched) = request.extensions.get::<Vouched>() {
        vouched.0.clone()
    } else {
        let text = credential_of(action, request)?;
        host.engine.recognise(&text).await?.ok_or_else(unauthenticated)?
    };
    if let Some(wait) = host.rates.wait_of(&principal) {
        let seconds = wait.as_secs() + 1;
        return Err(Problem::new(problem::RATE_LIMITED, format!("wait {seconds} s")).after_seconds(seconds));
    }
    change_workspace(&mut principal, &request.headers)?;
    let resource = request.uri.path();
    let rule = action.rule();
    let may = match &principal.credential {
        Credential::Ticket { .. } if !rule.ticket => May::No,
        Credential::Run { .. } => rule.run,
        Credential::Owner => rule.operator,
        Credential::Token { role, .. } | Credential::Ticket { role, .. } => match role {
            Role::Operator => rule.operator,
            Role::Member => rule.member,
            Role::Agent => rule.agent,
            Role::Viewer => rule.viewer,
        },
    };
    if may == May::No {
        return Err(refuse(host, &principal, action, resource.trim_start_matches('/'), Denial::Role).await);
    }
    Ok(principal)
}

/// The credential's text: of the Authorization header, or a ticket in a stream's query.
fn credential_of(action: Action, request: &Parts) -> Result<String, Problem> {
    let mut given = request.headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = given.next() {
        let text = value.to_str().ok().filter(|_| given.next().is_none()).and_then(bearer);
        return text.map(str::to_owned).ok_or_else(unauthenticated);
    }
    if action.rule().ticket && request.method == Method::GET {
        let query = request.uri.query().unwrap_or_default();
        let ticket = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "ticket");
        if let Some((_, ticket)) = ticket {
            return Ok(ticket.into_owned());
        }
    }
    Err(unauthenticated())
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, text) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// An operator may name another workspace.
fn change_workspace(principal: &mut Principal, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(WORKSPACE_HEADER) else { return Ok(()) };
    let name = value.to_str().unwrap_or_default();
    id::check(name).map_err(|error| {
        Problem::new(problem::MALFORMED_REQUEST, format!("Sluice-Workspace: {error}")).with("field", "Sluice-Workspace")
    })?;
    if name == principal.workspace_id.as_str() {
        return Ok(());
    }
    let is_operator =
        matches!(principal.credential, Credential::Token { role: Role::Operator, .. } | Credential::Owner);
    if !is_operator {
        return Err(Problem::not_found("workspace", name));
    }
    principal.workspace_id = WorkspaceId::new(name);
    Ok(())
}

//! Who asks, and may they: what stands before every handler.
//!
//! A route is registered with its [`Action`]; [`enforce`] recognises the credential, refuses
//! whoever may do this to nothing at all, and hands a [`Caller`] to the handler. Where the answer depends
//! on the thing itself the handler asks [`Caller::allow`] once it knows the thing.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::host::{Host, Shared};
use super::in_process::Vouched;
use super::problem::{self, Problem};
use crate::domain::id::{self, WorkspaceId};
use crate::domain::principal::{Credential, Principal, Role};
use crate::engine::Denied;
use crate::policy::{self, Action, Ask, Asker, Decided, Denial, Effect, Reason, Resource, Rules, Verdict};

/// The header by which an operator names another workspace.
const WORKSPACE_HEADER: &str = "sluice-workspace";

/// Whoever was recognised, and what they asked to do.
#[derive(Clone)]
pub(super) struct Caller {
    host: Shared,
    /// Who.
    pub principal: Arc<Principal>,
    /// The policies that held when the request came.
    rules: Arc<Rules>,
    /// Whether this process vouches for the caller, who has no token that could end.
    pub is_vouched: bool,
    action: Action,
    /// What the path names.
    id: Option<String>,
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

    /// Whether the caller may do what the route is for to a thing of this owner; `resource` names it:
    /// `mission/mis_1`.
    ///
    /// # Errors
    /// 403, and the audit holds it.
    pub(super) async fn allow(&self, resource: &str, owner: Option<&str>) -> Result<(), Problem> {
        self.allow_action(self.action, resource, owner).await
    }

    /// The same for a thing whose owner the default policies do not ask for: only a workspace's own policies can
    /// tell it from others, so only they are asked again.
    ///
    /// # Errors
    /// 403, and the audit holds it.
    pub(super) async fn allow_thing(&self, resource: &str, owner: Option<&str>) -> Result<(), Problem> {
        if self.rules.has_own() { self.allow(resource, owner).await } else { Ok(()) }
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
        self.judge(action, resource, owner, resource.strip_prefix("run/")).await
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
        self.judge(self.action, resource, owner, run_id).await
    }

    async fn judge(
        &self,
        action: Action,
        resource: &str,
        owner: Option<&str>,
        run_id: Option<&str>,
    ) -> Result<(), Problem> {
        let id = resource.split_once('/').map(|(_, id)| id);
        let thing = Resource { workspace_id: &self.principal.workspace_id, id, owner, run_id };
        let asker = Asker::of(&self.principal);
        let ask = Ask { asker: &asker, action, thing, effect: None };
        let decided = policy::decide(&self.rules, &self.principal, action, thing);
        follow(&self.host, &self.principal, &self.rules, &ask, resource, decided).await
    }

    /// Whether what the caller was let in for is allowed by the policies that hold by now; for whoever stays.
    /// Nobody notes it, and where policies cannot be read those hold on that the caller came by.
    pub(super) async fn is_still_allowed(&self) -> bool {
        let Ok(rules) = self.host.engine.rules_of(&self.principal.workspace_id).await else { return true };
        if rules.revision() == self.rules.revision() {
            return true;
        }
        let id = self.id.as_deref();
        let thing = Resource { workspace_id: &self.principal.workspace_id, id, owner: None, run_id: None };
        rules.admit(&Ask { asker: &Asker::of(&self.principal), action: self.action, thing, effect: None }).is_ok()
    }

    /// Refuses the caller for a reason that is found outside policies.
    pub(super) async fn deny(&self, resource: &str, reason: Reason) -> Problem {
        refuse(&self.host, &self.principal, self.action, resource, reason.into()).await
    }

    /// What was found under an id, when it lies in the caller's workspace. What lies in another looks like nothing,
    /// and the audit holds that somebody asked for it.
    pub(super) async fn own<T>(
        &self,
        what: &'static str,
        id: &str,
        found: Option<T>,
        workspace_of: impl Fn(&T) -> &WorkspaceId,
    ) -> Result<T, Problem> {
        if let Some(found) = found {
            if workspace_of(&found) == self.workspace() {
                return Ok(found);
            }
            let (principal, action, resource) = (&*self.principal, self.action, format!("{what}/{id}"));
            let denial = Reason::Elsewhere.into();
            let denied =
                Denied { principal, action, resource: &resource, denial: &denial, observed: false, repeated: 0 };
            self.host.note_denial(denied).await;
        }
        Err(Problem::not_found(what, id))
    }

    /// Notes that a rule of the host refused the caller, which answers by itself.
    pub(super) async fn note_rule(&self, action: Action, resource: &str, why: String) {
        let (principal, denial) = (&*self.principal, Denial::by_rule(why));
        let denied = Denied { principal, action, resource, denial: &denial, observed: false, repeated: 0 };
        self.host.note_denial(denied).await;
    }

    /// Whether the caller would be allowed, without anybody noting it.
    pub(super) fn may(&self, action: Action, owner: Option<&str>) -> bool {
        let thing = Resource { workspace_id: &self.principal.workspace_id, id: None, owner, run_id: None };
        self.rules.allows(&Ask { asker: &Asker::of(&self.principal), action, thing, effect: None })
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

/// What follows from a decision: it is kept, and a denial is told of and answered.
async fn follow(
    host: &Host,
    principal: &Principal,
    rules: &Rules,
    ask: &Ask<'_>,
    resource: &str,
    decided: Result<Decided, Denial>,
) -> Result<(), Problem> {
    match decided {
        Ok(decided) => {
            host.engine.record_decision(ask, &decided.verdict);
            if let Some(observed) = decided.observed {
                let denial = Denial::of(rules, ask, observed);
                let action = ask.action;
                let denied = Denied { principal, action, resource, denial: &denial, observed: true, repeated: 0 };
                host.note_denial(denied).await;
            }
            Ok(())
        }
        Err(denial) => {
            let verdict = Verdict { effect: Effect::Denied, policies: denial.policies.clone() };
            host.engine.record_decision(ask, &verdict);
            Err(refuse(host, principal, ask.action, resource, denial).await)
        }
    }
}

async fn refuse(host: &Host, principal: &Principal, action: Action, resource: &str, denial: Denial) -> Problem {
    let denied = Denied { principal, action, resource, denial: &denial, observed: false, repeated: 0 };
    host.note_denial(denied).await;
    let role = principal.role().map_or("run token", Role::as_str);
    Problem::from(denial).with("action", action.name()).with("role", role)
}

/// The layer of a route that is done as `action`.
pub(super) async fn enforce(action: Action, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(host) = parts.extensions.get::<Shared>().cloned() else { return unauthenticated().into_response() };
    let params = RawPathParams::from_request_parts(&mut parts, &()).await.ok();
    let id = params.as_ref().and_then(|params| params.iter().next()).map(|(_, id)| id);
    match admit(action, &host, &parts, id).await {
        Ok((principal, rules)) => {
            let is_vouched = parts.extensions.get::<Vouched>().is_some();
            let (principal, id) = (Arc::new(principal), id.map(str::to_owned));
            let caller = Caller { host: Arc::clone(&host), principal, rules, is_vouched, action, id };
            parts.extensions.insert(caller.clone());
            let request = Request::from_parts(parts, body);
            super::idempotency::once(&host, &caller, request, next).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Who asks, and by which policies: whoever may do this to nothing at all is refused here.
async fn admit(
    action: Action,
    host: &Shared,
    request: &Parts,
    id: Option<&str>,
) -> Result<(Principal, Arc<Rules>), Problem> {
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
    let rules = host.engine.rules_of(&principal.workspace_id).await?;
    let thing = Resource { workspace_id: &principal.workspace_id, id, owner: None, run_id: None };
    let asker = Asker::of(&principal);
    let ask = Ask { asker: &asker, action, thing, effect: None };
    let resource = request.uri.path().trim_start_matches('/');
    follow(host, &principal, &rules, &ask, resource, rules.admit(&ask)).await?;
    Ok((principal, rules))
}

/// The credential's text: of the Authorization header, or a ticket in a stream's query.
fn credential_of(action: Action, request: &Parts) -> Result<String, Problem> {
    let mut given = request.headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = given.next() {
        let text = value.to_str().ok().filter(|_| given.next().is_none()).and_then(bearer);
        return text.map(str::to_owned).ok_or_else(unauthenticated);
    }
    if action.takes_tickets() && request.method == Method::GET {
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

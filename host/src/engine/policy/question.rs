//! Questions as they are written on the wire, and as policies take them.

use serde_json::Value;

use sluice_api::policy::{PolicyContext, PolicyPrincipal, PolicyPrincipalType, PolicyQuestion, PolicyThing};

use crate::domain::capability;
use crate::domain::id::WorkspaceId;
use crate::domain::principal::Role;
use crate::policy::{Action, Ask, Asker, Resource, SideEffect};
use crate::wire::{self, FieldError};

/// A question that keeps what it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    workspace_id: WorkspaceId,
    asker: Asker,
    action: Action,
    id: Option<String>,
    owner: Option<String>,
    run_id: Option<String>,
    effect: Option<SideEffect>,
}

impl Question {
    /// Reads a question.
    ///
    /// # Errors
    /// The member at fault, and for an unknown action the nearest one.
    pub fn read(workspace_id: &WorkspaceId, question: &PolicyQuestion) -> Result<Self, FieldError> {
        let action = action_of(&question.action)?;
        let PolicyThing { kind, id, owner, run_id } = question.resource.clone();
        if let Some(kind) = kind.filter(|kind| kind != action.kind().as_str()) {
            let message = format!("is `{kind}`; `{action}` is done to a `{}`", action.kind());
            return Err(FieldError::new("resource.type", message));
        }
        let asker = asker_of(&question.principal)?;
        let is_call = action == Action::ConnectorCall;
        let may_ask = match asker {
            Asker::Role { .. } => !is_call,
            Asker::Run { .. } => true,
            Asker::Routine { .. } => is_call,
        };
        if !may_ask {
            let message = if is_call {
                "asks for no side effects; runs (`RunToken`) and routines (`Routine`) do"
            } else {
                "asks for side effects (`connector.call`) alone"
            };
            return Err(FieldError::new("principal.type", message));
        }
        let effect = match (&question.context, is_call) {
            (context, true) => {
                let context = context.clone().unwrap_or_default();
                Some(effect_of(id.as_deref(), context, matches!(asker, Asker::Routine { .. }))?)
            }
            (None, false) => None,
            (Some(_), false) => {
                return Err(FieldError::new("context", "is for side effects (`connector.call`) alone; leave it out"));
            }
        };
        Ok(Self { workspace_id: workspace_id.clone(), asker, action, id, owner, run_id, effect })
    }

    /// The question, as policies take it.
    pub fn ask(&self) -> Ask<'_> {
        let thing = Resource {
            workspace_id: &self.workspace_id,
            id: self.id.as_deref(),
            owner: self.owner.as_deref(),
            run_id: self.run_id.as_deref(),
        };
        Ask { asker: &self.asker, action: self.action, thing, effect: self.effect.as_ref() }
    }
}

/// A question, as it is written.
pub fn written(ask: &Ask<'_>) -> PolicyQuestion {
    let principal = |kind, name: &str| PolicyPrincipal {
        kind,
        name: name.to_owned(),
        role: None,
        credential: None,
        run_id: None,
        creator_type: None,
        external_integrations_allowed: None,
        requires_approval: None,
    };
    let principal = match ask.asker {
        Asker::Role { name, role, credential } => {
            let kind = if *role == Role::Agent { PolicyPrincipalType::Agent } else { PolicyPrincipalType::User };
            let role = (*role != Role::Agent).then(|| role.as_str().to_owned());
            PolicyPrincipal { role, credential: Some((*credential).to_owned()), ..principal(kind, name) }
        }
        Asker::Run { name, run_id } => {
            PolicyPrincipal { run_id: Some(run_id.clone()), ..principal(PolicyPrincipalType::RunToken, name) }
        }
        Asker::Routine { id, creator_type, external_integrations_allowed, requires_approval } => PolicyPrincipal {
            creator_type: Some((*creator_type).to_owned()),
            external_integrations_allowed: Some(*external_integrations_allowed),
            requires_approval: Some(*requires_approval),
            ..principal(PolicyPrincipalType::Routine, id)
        },
    };
    PolicyQuestion {
        principal,
        action: ask.action.name().to_owned(),
        resource: PolicyThing {
            kind: Some(ask.action.kind().to_string()),
            id: ask.thing.id.map(str::to_owned),
            owner: ask.thing.owner.map(str::to_owned),
            run_id: ask.thing.run_id.map(str::to_owned),
        },
        context: ask.effect.map(|effect| PolicyContext {
            action: Some(effect.action.clone()),
            args: effect.args.as_object().cloned().unwrap_or_default(),
            capabilities: effect.capabilities.clone(),
        }),
    }
}

fn action_of(text: &str) -> Result<Action, FieldError> {
    text.parse().map_err(|_| {
        let near = Action::ALL.iter().max_by(|a, b| {
            let [a, b] = [a, b].map(|action| strsim::jaro_winkler(text, action.name()));
            a.total_cmp(&b)
        });
        let near = near.map_or("", |action| action.name());
        FieldError::new("action", format!("`{text}` is no action; the nearest is `{near}`"))
    })
}

fn asker_of(principal: &PolicyPrincipal) -> Result<Asker, FieldError> {
    let name = principal.name.clone();
    if name.is_empty() {
        return Err(FieldError::new("principal.name", "is empty; `user.ada`"));
    }
    Ok(match principal.kind {
        PolicyPrincipalType::User | PolicyPrincipalType::Agent => {
            Asker::Role { name, role: role_of(principal)?, credential: credential_of(principal)? }
        }
        PolicyPrincipalType::RunToken => {
            let run_id = principal.run_id.clone();
            let run_id =
                run_id.ok_or_else(|| FieldError::new("principal.run_id", "is missing; the token is a run's"))?;
            Asker::Run { name, run_id }
        }
        PolicyPrincipalType::Routine => Asker::Routine {
            id: name,
            creator_type: match principal.creator_type.as_deref() {
                None | Some("user") => "user",
                Some("agent") => "agent",
                Some(_) => return Err(FieldError::new("principal.creator_type", "is `user` or `agent`")),
            },
            external_integrations_allowed: principal.external_integrations_allowed.unwrap_or(false),
            requires_approval: principal.requires_approval.unwrap_or(true),
        },
    })
}

fn role_of(principal: &PolicyPrincipal) -> Result<Role, FieldError> {
    let is_agent = principal.kind == PolicyPrincipalType::Agent;
    let role = match principal.role.as_deref() {
        None if is_agent => Role::Agent,
        None => Role::Member,
        Some(text) => text
            .parse()
            .map_err(|error: crate::domain::word::UnknownWord| FieldError::new("principal.role", error.to_string()))?,
    };
    if is_agent == (role == Role::Agent) {
        return Ok(role);
    }
    Err(FieldError::new("principal.role", "`agent` is the role of the type `Agent`, and the others of `User`"))
}

fn credential_of(principal: &PolicyPrincipal) -> Result<&'static str, FieldError> {
    match principal.credential.as_deref() {
        None | Some("token") => Ok("token"),
        Some("ticket") => Ok("ticket"),
        Some("owner") => Ok("owner"),
        Some(_) => Err(FieldError::new("principal.credential", "is `token`, `ticket` or `owner`")),
    }
}

fn effect_of(connector: Option<&str>, context: PolicyContext, by_routine: bool) -> Result<SideEffect, FieldError> {
    let connector =
        connector.ok_or_else(|| FieldError::new("resource.id", "is missing; it is the connector's name"))?;
    let action = context.action.ok_or_else(|| FieldError::new("context.action", "is missing; `create_pr`"))?;
    // What a routine reaches is what it was granted.
    let covered = by_routine || is_covered(&context.capabilities, connector, &action);
    let args = Value::Object(context.args);
    let canonical = wire::canonical_json(&args);
    Ok(SideEffect::new((connector, &action), args, canonical.as_str(), context.capabilities, covered))
}

/// Whether one of the capabilities covers an action of a connector.
pub(in crate::engine) fn is_covered(capabilities: &[String], connector: &str, action: &str) -> bool {
    let wanted = capability::of_action(connector, action);
    capabilities.iter().any(|pattern| capability::covers(pattern, &wanted))
}

//! How a question is put to the policy engine: principals, things and circumstances as entities.
//!
//! Everything here is made from what the host knows; nothing a caller says of itself enters. Made for
//! each request, so it is cheap: four or five small entities, with what never changes made once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression};

use super::action::{Action, ThingKind};
use super::bundle::SCHEMA;
use crate::domain::artifact::Digest;
use crate::domain::id::WorkspaceId;
use crate::domain::principal::{Credential, Principal, Role};

/// Most parts of the arguments of a side effect that policies see.
const ARGUMENTS_MAX: usize = 2_000;
/// Most bytes of them, paths included (256 KiB).
const ARGUMENTS_MAX_BYTES: usize = 256 << 10;

/// What a thing is, for whoever asks to do something with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource<'r> {
    /// Where it lies.
    pub workspace_id: &'r WorkspaceId,
    /// Its id or key; `None` when the question is about no single thing.
    pub id: Option<&'r str>,
    /// Whose it is: a mission's maker, a token's principal, whose work an approval is about. `None`
    /// when it belongs to nobody in particular.
    pub owner: Option<&'r str>,
    /// The run it belongs to, for whoever comes with that run's token.
    pub run_id: Option<&'r str>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Asker {
    /// Somebody in a role.
    Role {
        /// Its name.
        name: String,
        /// What it is.
        role: Role,
        /// What it was recognised by: `token`, `ticket` or `owner`.
        credential: &'static str,
    },
    /// The token of a run.
    Run {
        /// Whoever claimed it.
        name: String,
        /// The run.
        run_id: String,
    },
    /// A routine that is about to reach the outside world.
    Routine {
        /// Its id.
        id: String,
        /// `user` or `agent`.
        creator_type: &'static str,
        /// Whether a person allowed it to.
        external_integrations_allowed: bool,
        /// Whether a person is asked each time.
        requires_approval: bool,
    },
}

impl Asker {
    /// Who comes with a credential.
    pub fn of(principal: &Principal) -> Self {
        let name = principal.name.clone();
        match &principal.credential {
            Credential::Token { role, .. } => Self::Role { name, role: *role, credential: "token" },
            Credential::Ticket { role, .. } => Self::Role { name, role: *role, credential: "ticket" },
            Credential::Owner => Self::Role { name, role: Role::Operator, credential: "owner" },
            Credential::Run { run_id, .. } => Self::Run { name, run_id: run_id.to_string() },
        }
    }

    /// Whose things are its own.
    pub fn name(&self) -> &str {
        match self {
            Self::Role { name, .. } | Self::Run { name, .. } => name,
            Self::Routine { id, .. } => id,
        }
    }

    /// Its type and id, as policies write it.
    pub fn written(&self) -> String {
        self.uid().to_string()
    }

    fn uid(&self) -> EntityUid {
        match self {
            Self::Role { name, role: Role::Agent, .. } => uid(&NAMES.agent, name),
            Self::Role { name, .. } => uid(&NAMES.user, name),
            Self::Run { run_id, .. } => uid(&NAMES.run_token, run_id),
            Self::Routine { id, .. } => uid(&NAMES.routine, id),
        }
    }

    fn credential(&self) -> &'static str {
        match self {
            Self::Role { credential, .. } => credential,
            Self::Run { .. } => "run",
            Self::Routine { .. } => "routine",
        }
    }

    fn entity(&self) -> Entity {
        let name = |name: &str| ("name".to_owned(), text(name));
        let (attributes, parents) = match self {
            Self::Role { name: own, role, .. } => {
                (HashMap::from([name(own)]), HashSet::from([NAMES.roles[*role as usize].clone()]))
            }
            Self::Run { name: own, run_id } => {
                (HashMap::from([name(own), ("run_id".to_owned(), text(run_id))]), HashSet::new())
            }
            Self::Routine { id, creator_type, external_integrations_allowed, requires_approval } => {
                let attributes = HashMap::from([
                    name(id),
                    ("creator_type".to_owned(), text(creator_type)),
                    (
                        "external_integrations_allowed".to_owned(),
                        RestrictedExpression::new_bool(*external_integrations_allowed),
                    ),
                    ("requires_approval".to_owned(), RestrictedExpression::new_bool(*requires_approval)),
                ]);
                (attributes, HashSet::new())
            }
        };
        entity(self.uid(), attributes, parents)
    }
}

/// What would be done to the outside world.
#[derive(Debug, Clone, PartialEq)]
pub struct SideEffect {
    /// The outside system.
    pub connector: String,
    /// What would be done there.
    pub action: String,
    /// With what.
    pub args: serde_json::Value,
    /// SHA-256 of the arguments in canonical form.
    pub args_hash: String,
    /// What was granted.
    pub capabilities: Vec<String>,
    /// Whether that covers this.
    pub covered: bool,
    /// Whether policies see all of the arguments.
    pub whole: bool,
    arguments: BTreeMap<String, String>,
    numbers: BTreeMap<String, i64>,
}

impl SideEffect {
    /// A side effect with these arguments. It is not `whole`, and so denied by the default policies, when they
    /// have more than 2,000 parts or 256 KiB with their paths, or when two parts have one path
    /// (`{"a.b": 1, "a": {"b": 2}}`): one could stand before the other.
    pub fn new(
        (connector, action): (&str, &str),
        args: serde_json::Value,
        canonical: &str,
        capabilities: Vec<String>,
        covered: bool,
    ) -> Self {
        let mut told = Self {
            connector: connector.to_owned(),
            action: action.to_owned(),
            args: serde_json::Value::Null,
            args_hash: Digest::of(canonical.as_bytes()).to_string(),
            capabilities,
            covered,
            whole: true,
            arguments: BTreeMap::new(),
            numbers: BTreeMap::new(),
        };
        let mut bytes_left = ARGUMENTS_MAX_BYTES;
        told.take(&args, String::new(), &mut bytes_left);
        told.args = args;
        told
    }

    fn take(&mut self, value: &serde_json::Value, path: String, bytes_left: &mut usize) {
        use serde_json::Value;
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let (text, number) = match value {
            Value::Object(members) => {
                for (name, value) in members {
                    if self.whole {
                        self.take(value, below(name), bytes_left);
                    }
                }
                return;
            }
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    if self.whole {
                        self.take(value, below(&index.to_string()), bytes_left);
                    }
                }
                return;
            }
            Value::Null => return,
            Value::String(text) => (text.clone(), None),
            Value::Bool(is_so) => (is_so.to_string(), None),
            Value::Number(number) => (number.to_string(), number.as_i64()),
        };
        let bytes = path.len() + text.len();
        if bytes > *bytes_left || self.arguments.len() >= ARGUMENTS_MAX {
            self.whole = false;
            return;
        }
        *bytes_left -= bytes;
        if let Some(number) = number {
            self.numbers.insert(path.clone(), number);
        }
        self.whole &= self.arguments.insert(path, text).is_none();
    }

    fn spend(&self) -> Option<i64> {
        self.numbers.get("spend").copied()
    }
}

/// A question: may `asker` do `action` to `thing`?
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Who.
    pub asker: &'a Asker,
    /// What for.
    pub action: Action,
    /// About which thing.
    pub thing: Resource<'a>,
    /// For [`Action::ConnectorCall`], what would be done.
    pub effect: Option<&'a SideEffect>,
}

/// A question as the engine takes it.
pub(super) struct Put {
    pub(super) request: Request,
    pub(super) entities: Entities,
}

impl Ask<'_> {
    /// The question with everything that policies may ask about.
    pub(super) fn put(&self) -> Put {
        let action = &NAMES.actions[self.action as usize];
        let (principal, resource) = (self.asker.uid(), self.resource());
        let mut entities = Vec::with_capacity(6);
        entities.push(action.clone());
        if let Asker::Role { role, .. } = self.asker {
            entities.push(NAMES.role_entities[*role as usize].clone());
        }
        entities.push(self.asker.entity());
        entities.push(self.resource_entity(resource.clone()));
        let context = match self.effect {
            Some(effect) => {
                let (arguments, numbers) = (uid(&NAMES.arguments, "args"), uid(&NAMES.numbers, "args"));
                entities.push(tagged(
                    arguments.clone(),
                    effect.arguments.iter().map(|(path, of)| (path.clone(), text(of))),
                ));
                let whole = |(path, whole): (&String, &i64)| (path.clone(), RestrictedExpression::new_long(*whole));
                entities.push(tagged(numbers.clone(), effect.numbers.iter().map(whole)));
                self.side_effect_context(effect, arguments, numbers)
            }
            None => context([
                ("credential".to_owned(), text(self.asker.credential())),
                ("workspace".to_owned(), text(self.thing.workspace_id.as_str())),
            ]),
        };
        // Without a schema nothing about a request can be wrong; entities of one id are one entity.
        let request = Request::new(principal, action.uid(), resource, context, None)
            .expect("a request that nothing is asked of is taken");
        let entities = Entities::from_entities(entities, None).unwrap_or_else(|error| {
            tracing::error!(%error, "entities of a request were refused; nothing is permitted by them");
            Entities::empty()
        });
        Put { request, entities }
    }

    fn resource(&self) -> EntityUid {
        uid(&NAMES.kinds[self.action.kind() as usize], self.thing.id.unwrap_or("*"))
    }

    fn resource_entity(&self, resource: EntityUid) -> Entity {
        let mut attributes = HashMap::new();
        let kind = self.action.kind();
        if let Some(owner) = self.thing.owner
            && kind != ThingKind::Connector
        {
            attributes.insert("owner".to_owned(), text(owner));
        }
        if let Some(run_id) = self.thing.run_id
            && matches!(kind, ThingKind::Run | ThingKind::Memory)
        {
            attributes.insert("run_id".to_owned(), text(run_id));
        }
        entity(resource, attributes, HashSet::new())
    }

    fn side_effect_context(&self, effect: &SideEffect, arguments: EntityUid, numbers: EntityUid) -> Context {
        let capabilities = effect.capabilities.iter().map(|capability| text(capability));
        let mut pairs = vec![
            ("workspace".to_owned(), text(self.thing.workspace_id.as_str())),
            ("action".to_owned(), text(&effect.action)),
            ("arguments".to_owned(), RestrictedExpression::new_entity_uid(arguments)),
            ("numbers".to_owned(), RestrictedExpression::new_entity_uid(numbers)),
            ("args_hash".to_owned(), text(&effect.args_hash)),
            ("capabilities".to_owned(), RestrictedExpression::new_set(capabilities)),
            ("covered".to_owned(), RestrictedExpression::new_bool(effect.covered)),
            ("whole".to_owned(), RestrictedExpression::new_bool(effect.whole)),
        ];
        if let Some(spend) = effect.spend() {
            pairs.push(("spend".to_owned(), RestrictedExpression::new_long(spend)));
        }
        context(pairs)
    }
}

/// What never changes, made once.
struct Names {
    user: EntityTypeName,
    agent: EntityTypeName,
    run_token: EntityTypeName,
    routine: EntityTypeName,
    arguments: EntityTypeName,
    numbers: EntityTypeName,
    /// By [`ThingKind`].
    kinds: Vec<EntityTypeName>,
    /// By [`Action`], each with the groups it is in.
    actions: Vec<Entity>,
    /// By [`Role`].
    roles: Vec<EntityUid>,
    role_entities: Vec<Entity>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    // Unwrap safety: constants, and the schema that a test compares with the list of actions.
    let named = |name: &str| name.parse::<EntityTypeName>().expect("a constant name of a type");
    let groups = SCHEMA.action_entities().expect("the schema's actions are whole");
    let action = |action: &Action| {
        let uid = uid(&named("Action"), action.name());
        groups.get(&uid).cloned().unwrap_or_else(|| Entity::with_uid(uid))
    };
    let role = named("Role");
    let roles: Vec<EntityUid> = Role::ALL.iter().map(|of| uid(&role, of.as_str())).collect();
    Names {
        user: named("User"),
        agent: named("Agent"),
        run_token: named("RunToken"),
        routine: named("Routine"),
        arguments: named("Arguments"),
        numbers: named("Numbers"),
        kinds: ThingKind::ALL.iter().map(|kind| named(kind.as_str())).collect(),
        actions: Action::ALL.iter().map(action).collect(),
        role_entities: roles.iter().cloned().map(Entity::with_uid).collect(),
        roles,
    }
});

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn entity(uid: EntityUid, attributes: HashMap<String, RestrictedExpression>, parents: HashSet<EntityUid>) -> Entity {
    // Unwrap safety: only calls of extension functions can fail to evaluate, and there are none.
    Entity::new(uid, attributes, parents).expect("texts and booleans evaluate to themselves")
}

fn tagged(uid: EntityUid, tags: impl Iterator<Item = (String, RestrictedExpression)>) -> Entity {
    // Unwrap safety: as above.
    Entity::new_with_tags(uid, [], [], tags).expect("texts and numbers evaluate to themselves")
}

fn context(pairs: impl IntoIterator<Item = (String, RestrictedExpression)>) -> Context {
    // Unwrap safety: as above, and no name stands twice.
    Context::from_pairs(pairs).expect("texts and booleans evaluate to themselves")
}

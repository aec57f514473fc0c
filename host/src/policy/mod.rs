//! Who may do what, in Cedar: one decision for every operation, and the reason for it.
//!
//! It owns what policies are and how they are judged: the schema and the default policies
//! (`specs/policy/`), a workspace's own policies, and the answer for one principal, one action and
//! one thing. It is the only module that names the policy engine. It reads no request, stores
//! nothing and writes nothing down: where a workspace's policies come from is [`crate::engine`]'s, what
//! follows from a denial is [`crate::http`]'s.
//!
//! Next: [`action`] for what there is to ask, [`ask`] for how a question is put, [`rules`] for how
//! it is answered, [`denial`] for what a refusal tells, [`text`] for how policies are checked.

mod action;
mod ask;
mod bundle;
mod denial;
mod rules;
mod text;
mod usual;

pub use action::{Action, ThingKind};
pub use ask::{Ask, Asker, Resource, SideEffect};
pub use bundle::{DEFAULT_TEXT, SCHEMA_TEXT, preset_text};
pub use denial::{Denial, Needed, Reason};
pub use rules::{Decided, Effect, Rules, Verdict};
pub use text::{POLICIES_MAX, Place, TEXT_MAX_BYTES, TextProblem, TextProblems};

use crate::domain::principal::Principal;

/// Whether `principal` may do `action` to `resource`: what lies in another workspace does not exist
/// for it, everything else is for `rules` to say.
///
/// # Errors
/// Why not. [`Reason::Elsewhere`] has to look like the thing not being there.
pub fn decide(rules: &Rules, principal: &Principal, action: Action, resource: Resource<'_>) -> Result<Decided, Denial> {
    if principal.workspace_id != *resource.workspace_id {
        return Err(Reason::Elsewhere.into());
    }
    rules.decide(&Ask { asker: &Asker::of(principal), action, thing: resource, effect: None })
}

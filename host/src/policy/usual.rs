//! What the default policies decide, remembered: most workspaces have no others, and every request asks.
//!
//! Of who asks the default policies look at the role and the credential, and of a thing only at whether
//! it is the asker's own and of the asker's run; so few questions differ for them, and each is put to
//! the policy engine once. Tests compare what is remembered with what the engine says, and look at what
//! the default policies speak of, so that one that looks at more cannot be remembered wrongly.

use std::sync::{LazyLock, OnceLock};

use super::action::Action;
use super::ask::{Ask, Asker};
use super::rules::Verdict;
use crate::domain::principal::Role;

/// Kinds of askers: each role by each credential, and run tokens.
const ASKERS: usize = Role::ALL.len() * CREDENTIALS.len() + 1;
/// What somebody in a role is recognised by.
const CREDENTIALS: [&str; 3] = ["token", "ticket", "owner"];
/// Nobody's, the asker's, somebody else's.
const WHOSE: usize = 3;

static REMEMBERED: LazyLock<Vec<OnceLock<Verdict>>> = LazyLock::new(|| {
    let places = Action::ALL.len() * ASKERS * WHOSE * WHOSE;
    std::iter::repeat_with(OnceLock::new).take(places).collect()
});

/// What the default policies decide of `ask`, for which `judge` asks them; `None` for a question that is about
/// more than they answer by.
pub(super) fn remembered(ask: &Ask<'_>, judge: impl FnOnce() -> Verdict) -> Option<Verdict> {
    Some(REMEMBERED[place_of(ask)?].get_or_init(judge).clone())
}

/// Which question it is to the default policies.
fn place_of(ask: &Ask<'_>) -> Option<usize> {
    // Arguments differ without end.
    if ask.effect.is_some() || ask.action == Action::ConnectorCall {
        return None;
    }
    let (asker, own_run) = match ask.asker {
        Asker::Role { role, credential, .. } => {
            let credential = CREDENTIALS.iter().position(|known| known == credential)?;
            (*role as usize * CREDENTIALS.len() + credential, None)
        }
        Asker::Run { run_id, .. } => (ASKERS - 1, Some(run_id.as_str())),
        Asker::Routine { .. } => return None,
    };
    let whose = |of: Option<&str>, own: Option<&str>| match of {
        None => 0,
        Some(_) if of == own => 1,
        Some(_) => 2,
    };
    let owner = whose(ask.thing.owner, Some(ask.asker.name()));
    let run = whose(ask.thing.run_id, own_run);
    Some(((ask.action as usize * ASKERS + asker) * WHOSE + owner) * WHOSE + run)
}

#[cfg(test)]
mod tests;

//! What a principal may reach of memory, tier by tier.

use std::collections::BTreeSet;

use super::Tier;
use crate::domain::principal::Role;
use crate::domain::time::Timestamp;

/// Tiers that somebody may read, write, promote to and have used without asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryGrant {
    /// Tiers whose records are found.
    pub readable: BTreeSet<Tier>,
    /// Tiers it may put into.
    pub writable: BTreeSet<Tier>,
    /// Tiers it may promote to.
    pub promotable: BTreeSet<Tier>,
    /// Whether a person has to approve each promotion.
    pub review_required: bool,
    /// Tiers whose records reach its prompts without being asked for.
    pub automatic: BTreeSet<Tier>,
    /// The one session it is good for; without, any.
    pub session: Option<String>,
    /// The one project it is good for; without, any.
    pub project: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A capability of a mission that begins like one of memory and is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no capability of memory; those are memory.read|write|promote|automatic:session|project|team|curated")]
pub struct InvalidMemoryGrant(pub String);

fn set(tiers: &[Tier]) -> BTreeSet<Tier> {
    tiers.iter().copied().collect()
}

impl MemoryGrant {
    /// What a role may without any capability.
    pub fn of_role(role: Role) -> Self {
        use Tier::{Curated, Project, Session, Team};
        let (readable, writable, promotable): (&[Tier], &[Tier], &[Tier]) = match role {
            Role::Operator => (Tier::ALL, Tier::ALL, Tier::ALL),
            Role::Member => (Tier::ALL, &[Session, Project], &[]),
            Role::Agent => (&[Session, Project], &[Session], &[]),
            Role::Viewer => (&[Project, Team, Curated], &[], &[]),
        };
        Self {
            readable: set(readable),
            writable: set(writable),
            promotable: set(promotable),
            review_required: role != Role::Operator,
            automatic: set(&[Curated]),
            session: None,
            project: None,
            expires_at: None,
        }
    }

    /// What a run may: read its session and its project, write its session, promote nothing, have
    /// curated records in its prompts; and what its mission's capabilities add, which never take the
    /// review from its promotions.
    pub fn of_run(
        capabilities: &[String],
        session: Option<String>,
        project: Option<String>,
        expires_at: Option<Timestamp>,
    ) -> Self {
        let mut grant = Self {
            readable: set(&[Tier::Session, Tier::Project]),
            writable: set(&[Tier::Session]),
            promotable: BTreeSet::new(),
            review_required: true,
            automatic: set(&[Tier::Curated]),
            session,
            project,
            expires_at,
        };
        for (may, tier) in capabilities.iter().filter_map(|text| parse(text).ok().flatten()) {
            let tiers = match may {
                May::Read => &mut grant.readable,
                May::Write => &mut grant.writable,
                May::Promote => &mut grant.promotable,
                May::Automatic => &mut grant.automatic,
            };
            tiers.insert(tier);
        }
        grant
    }

    /// What both grant: nobody gains by it.
    #[must_use]
    pub fn narrowed(&self, by: &Self) -> Self {
        let both = |one: &BTreeSet<Tier>, other: &BTreeSet<Tier>| one.intersection(other).copied().collect();
        let mut narrowed = Self {
            readable: both(&self.readable, &by.readable),
            writable: both(&self.writable, &by.writable),
            promotable: both(&self.promotable, &by.promotable),
            review_required: self.review_required || by.review_required,
            automatic: both(&self.automatic, &by.automatic),
            session: self.session.clone().or_else(|| by.session.clone()),
            project: self.project.clone().or_else(|| by.project.clone()),
            expires_at: self.expires_at.into_iter().chain(by.expires_at).min(),
        };
        let disagree = |one: &Option<String>, other: &Option<String>| {
            one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one != other)
        };
        if disagree(&self.project, &by.project) {
            for tiers in [&mut narrowed.readable, &mut narrowed.writable, &mut narrowed.promotable] {
                tiers.clear();
            }
        }
        if disagree(&self.session, &by.session) {
            for tiers in [&mut narrowed.readable, &mut narrowed.writable] {
                tiers.remove(&Tier::Session);
            }
        }
        narrowed
    }

    /// Whether it has not ended at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it reaches records of this session.
    pub fn reaches_session(&self, session: &str) -> bool {
        self.session.as_deref().is_none_or(|own| own == session)
    }

    /// Whether it reaches records of this project.
    pub fn reaches_project(&self, project: &str) -> bool {
        self.project.as_deref().is_none_or(|own| own == project)
    }
}

enum May {
    Read,
    Write,
    Promote,
    Automatic,
}

/// Checks a capability of a mission, if it is one of memory.
///
/// # Errors
/// [`InvalidMemoryGrant`] when it begins with `memory.` and is none: a typo must not pass for less.
pub fn check(capability: &str) -> Result<(), InvalidMemoryGrant> {
    parse(capability).map(drop)
}

fn parse(capability: &str) -> Result<Option<(May, Tier)>, InvalidMemoryGrant> {
    let Some(rest) = capability.strip_prefix("memory.") else { return Ok(None) };
    let invalid = || InvalidMemoryGrant(capability.to_owned());
    let (may, tier) = rest.split_once(':').ok_or_else(invalid)?;
    let may = match may {
        "read" => May::Read,
        "write" => May::Write,
        "promote" => May::Promote,
        "automatic" => May::Automatic,
        _ => return Err(invalid()),
    };
    Ok(Some((may, tier.parse().map_err(|_| invalid())?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_run_gets_little_unless_its_mission_asks() {
        let grant = MemoryGrant::of_run(&[], Some("s".into()), None, None);
        assert_eq!(grant.readable, set(&[Tier::Session, Tier::Project]));
        assert_eq!(grant.writable, set(&[Tier::Session]));
        assert_eq!(grant.promotable, set(&[]));
        assert_eq!(grant.automatic, set(&[Tier::Curated]));
        assert!(grant.review_required && grant.reaches_session("s") && !grant.reaches_session("t"));
        let texts =
            ["memory.read:team", "memory.promote:curated", "memory.write:*", "memory.read", "resource.read:run/"];
        let wider = MemoryGrant::of_run(&capabilities(&texts), None, None, None);
        assert_eq!(wider.readable, set(&[Tier::Session, Tier::Project, Tier::Team]));
        assert_eq!(wider.promotable, set(&[Tier::Curated]));
        assert_eq!(wider.writable, set(&[Tier::Session]));
        assert!(wider.review_required);
    }

    #[test]
    fn typos_in_capabilities_are_found() {
        for good in ["memory.read:session", "memory.automatic:team", "resource.read:run/", "connector.a.b"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["memory.read", "memory.read:", "memory.read:Team", "memory.delete:team", "memory.*"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn narrowing_never_widens() {
        let roles = [Role::Operator, Role::Member, Role::Agent, Role::Viewer].map(MemoryGrant::of_role);
        let runs = [
            MemoryGrant::of_run(&[], Some("s".into()), Some("p".into()), Some(Timestamp(5))),
            MemoryGrant::of_run(&capabilities(&["memory.promote:team", "memory.write:curated"]), None, None, None),
        ];
        for role in &roles {
            for run in &runs {
                for (one, other) in [(role, run), (run, role)] {
                    let both = one.narrowed(other);
                    assert!(both.readable.is_subset(&one.readable) && both.readable.is_subset(&other.readable));
                    assert!(both.writable.is_subset(&one.writable) && both.writable.is_subset(&other.writable));
                    assert!(both.promotable.is_subset(&one.promotable) && both.promotable.is_subset(&other.promotable));
                    assert!(both.review_required >= (one.review_required || other.review_required));
                    assert_eq!(both.session, run.session);
                    assert_eq!(both.expires_at, run.expires_at);
                }
            }
        }
        assert!(roles[3].narrowed(&runs[1]).writable.is_empty(), "a viewer writes nothing with whatever capability");
    }

    #[test]
    fn grants_for_two_sessions_or_projects_have_nothing_of_either() {
        let of = |session: &str, project: &str| {
            MemoryGrant::of_run(&[], Some(session.to_owned()), Some(project.to_owned()), None)
        };
        let both = of("s", "p").narrowed(&of("t", "p"));
        assert_eq!(both.readable, set(&[Tier::Project]));
        assert!(both.writable.is_empty());
        assert!(of("s", "p").narrowed(&of("s", "q")).readable.is_empty());
        assert!(!of("s", "p").reaches_project("q"));
    }
}

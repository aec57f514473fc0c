//! Partitions: where a record lies. Typed fields that are never joined into one text to be
//! compared, so that `a/b` + `c` is another place than `a` + `b/c`.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::Tier;
use crate::domain::id::WorkspaceId;

/// Longest name of an organisation, a project or a session, in bytes.
pub const NAME_MAX_BYTES: usize = 128;
/// The project of records that name none, and the organisation of a host that is told of none.
pub const DEFAULT: &str = "default";

/// Why there is no such partition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPartition {
    /// A name is none.
    #[error("`{field}` has to have 1 to {NAME_MAX_BYTES} characters of A-Z a-z 0-9 . _ : and -{}", also(field))]
    Name {
        /// Which.
        field: &'static str,
    },
    /// A record of a session without a session.
    #[error("the tier `session` needs a `session_id`")]
    SessionMissing,
}

/// Where records lie: nobody who may read one partition reads another by that.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// The organisation the host serves.
    pub org: String,
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// The project.
    pub project_id: String,
    /// The tier.
    pub tier: Tier,
    /// The session: of the tier [`Tier::Session`] always, of the others never.
    pub session_id: Option<String>,
}

impl Partition {
    /// The partition of these; a session is left out where the tier has none.
    ///
    /// # Errors
    /// [`InvalidPartition`] when a name is none, or the tier's session is missing.
    pub fn new(
        org: &str,
        workspace_id: &WorkspaceId,
        project_id: Option<&str>,
        tier: Tier,
        session_id: Option<&str>,
    ) -> Result<Self, InvalidPartition> {
        let project_id = project_id.unwrap_or(DEFAULT);
        check_name("org", org)?;
        check_name("project_id", project_id)?;
        if let Some(session_id) = session_id {
            check_name(SESSION, session_id)?;
        }
        let session_id = match (tier, session_id) {
            (Tier::Session, None) => return Err(InvalidPartition::SessionMissing),
            (Tier::Session, Some(session_id)) => Some(session_id.to_owned()),
            _ => None,
        };
        let project_id = project_id.to_owned();
        Ok(Self { org: org.to_owned(), workspace_id: workspace_id.clone(), project_id, tier, session_id })
    }

    /// For people to read: `org/workspace/project/tier`. Never compared.
    pub fn display_key(&self) -> String {
        format!("{}/{}/{}/{}", self.org, self.workspace_id, self.project_id, self.tier)
    }
}

/// The name that may be any id: sessions are named after whom they are with.
const SESSION: &str = "session_id";

fn also(field: &str) -> &'static str {
    if field == SESSION { ", or @" } else { "" }
}

fn check_name(field: &'static str, name: &str) -> Result<(), InvalidPartition> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b) || (b == b'@' && field == SESSION);
    let well_formed = (1..=NAME_MAX_BYTES).contains(&name.len()) && name.bytes().all(is_allowed);
    if well_formed { Ok(()) } else { Err(InvalidPartition::Name { field }) }
}

/// What is searched as one: the shared records of a partition, or those of it that one owner alone
/// sees. It has words, counts and a ranking of its own, so that what lies in another changes
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The partition.
    pub partition: Partition,
    /// Whose records, when they are one owner's alone.
    pub owner: Option<String>,
}

/// Characters of a scope's key.
const KEY_CHARACTERS: usize = 16;

impl Scope {
    /// The shared records of `partition`.
    pub fn shared(partition: Partition) -> Self {
        Self { partition, owner: None }
    }

    /// The records of `partition` that `owner` alone sees.
    pub fn private(partition: Partition, owner: &str) -> Self {
        Self { partition, owner: Some(owner.to_owned()) }
    }

    /// What `owner` sees of `partition`.
    pub fn seen_by(partition: &Partition, owner: &str) -> Vec<Self> {
        let private = Self::private(partition.clone(), owner);
        // Nothing of a session is shared.
        if partition.tier == Tier::Session {
            return vec![private];
        }
        vec![Self::shared(partition.clone()), private]
    }

    /// What its words begin with in an index: 80 bits of the digest of its fields, each with its
    /// length before it, as letters and digits. Two scopes that had the same would still be told
    /// apart by their fields, which every statement compares.
    pub fn key(&self) -> ScopeKey {
        let mut hash = Sha256::new();
        self.feed(&mut hash);
        let bytes = hash.finalize();
        let mut key = [0; KEY_CHARACTERS];
        let (mut bits, mut held, mut rest) = (0_u32, 0, bytes.iter());
        for place in &mut key {
            while held < 5 {
                bits = bits << 8 | u32::from(*rest.next().unwrap_or(&0));
                held += 8;
            }
            held -= 5;
            *place = b"0123456789abcdefghijklmnopqrstuv"[(bits >> held & 31) as usize];
            bits &= (1 << held) - 1;
        }
        ScopeKey(key)
    }

    /// Feeds what tells it from every other scope.
    pub fn feed(&self, hash: &mut Sha256) {
        let Self { partition: Partition { org, workspace_id, project_id, tier, session_id }, owner } = self;
        let fields = [
            Some(org.as_str()),
            Some(workspace_id.as_str()),
            Some(project_id.as_str()),
            Some(tier.as_str()),
            session_id.as_deref(),
            owner.as_deref(),
        ];
        for field in fields {
            // A field that is absent is none that is empty.
            hash.update(field.map_or(u64::MAX, |field| field.len() as u64).to_le_bytes());
            hash.update(field.unwrap_or_default().as_bytes());
        }
    }
}

/// What the words of a scope begin with in an index: letters and digits, the same number for each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeKey([u8; KEY_CHARACTERS]);

impl ScopeKey {
    /// The text.
    pub fn as_str(&self) -> &str {
        // Its bytes come from an alphabet of ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for ScopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(project: &str, tier: Tier, session: Option<&str>) -> Result<Partition, InvalidPartition> {
        Partition::new(DEFAULT, &WorkspaceId::new("ws_a"), Some(project), tier, session)
    }

    #[test]
    fn names_that_could_be_read_as_two_are_refused() {
        for bad in ["", "a/b", "a b", "a\0", "ä", "a%", "*", &"x".repeat(129)] {
            let refused = Err(InvalidPartition::Name { field: "project_id" });
            assert_eq!(partition(bad, Tier::Project, None), refused, "{bad:?}");
            let refused = Err(InvalidPartition::Name { field: "session_id" });
            assert_eq!(partition("p", Tier::Session, Some(bad)), refused, "{bad:?}");
        }
        assert!(partition(&"x".repeat(128), Tier::Team, None).is_ok());
        assert!(partition("p", Tier::Session, Some("tab.1@ada.example:2")).is_ok(), "any id names a session");
        assert!(partition("p@q", Tier::Project, None).is_err());
        assert_eq!(partition("p", Tier::Session, None), Err(InvalidPartition::SessionMissing));
    }

    #[test]
    fn only_the_tier_of_sessions_has_one() {
        assert_eq!(partition("p", Tier::Project, Some("s")).unwrap().session_id, None);
        let session = partition("p", Tier::Session, Some("s")).unwrap();
        assert_eq!(session.session_id.as_deref(), Some("s"));
        assert_eq!(session.display_key(), "default/ws_a/p/session");
    }

    #[test]
    fn scopes_whose_fields_run_together_have_other_keys() {
        let of = |org: &str, workspace: &str, project: &str, session: Option<&str>, owner: Option<&str>| Scope {
            partition: Partition {
                org: org.to_owned(),
                workspace_id: WorkspaceId::new(workspace),
                project_id: project.to_owned(),
                tier: if session.is_some() { Tier::Session } else { Tier::Team },
                session_id: session.map(str::to_owned),
            },
            owner: owner.map(str::to_owned),
        };
        let all = [
            of("a", "b", "c", None, None),
            of("ab", "", "c", None, None),
            of("a", "bc", "", None, None),
            of("", "ab", "c", None, None),
            of("a", "b", "c", None, Some("")),
            of("a", "b", "c", Some(""), None),
            of("a", "b", "c", Some("d"), Some("e")),
            of("a", "b", "c", Some("de"), Some("")),
            of("a", "b", "c", Some(""), Some("de")),
        ];
        let keys: std::collections::BTreeSet<_> = all.iter().map(Scope::key).collect();
        assert_eq!(keys.len(), all.len());
        assert!(keys.iter().all(|key| key.as_str().len() == 16));
    }
}

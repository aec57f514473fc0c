//! What the operators of a workspace bound: which components decide in it, and whose components it takes.
//!
//! A revision is written once and kept; the newest of a workspace is in force. A workspace without any has what
//! comes with the host.

use super::artifact::Digest;
use super::gate::{GateName, Outcome};
use super::id::{MissionId, WorkspaceId};
use super::plugin::Binding;
use super::shadow::{Shadow, ShadowRole};
use super::time::Timestamp;
use super::word::words;

/// Most gates of one stage.
pub const STAGE_GATES_MAX: usize = 8;

/// Most keys that a workspace trusts.
pub const TRUSTED_KEYS_MAX: usize = 32;

/// The role of a reducer that a share of missions is pinned to.
pub const CANARY: &str = "canary";

/// How many gates of a stage have to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Required {
    /// Each of them.
    #[default]
    All,
    /// One of them.
    Any,
    /// So many; at least one, and no more than there are.
    Quorum(u32),
}

impl Required {
    /// How many of `count` that is.
    pub fn of(self, count: usize) -> usize {
        match self {
            Self::All => count,
            Self::Any => count.min(1),
            Self::Quorum(needed) => count.min(needed as usize),
        }
    }

    /// What a stage decides whose gates decided so. It passes when enough passed. Where it did not, it is
    /// what the missing ones wait for: a person where enough would then have passed, the host's or a gate's
    /// failure where enough might have, and else the work is rejected.
    pub fn decide(self, outcomes: &[Outcome]) -> Outcome {
        let count = |outcome: Outcome| outcomes.iter().filter(|found| **found == outcome).count();
        let needed = self.of(outcomes.len());
        let passed = count(Outcome::Pass);
        let asked = passed + count(Outcome::NeedsHuman);
        if passed >= needed {
            Outcome::Pass
        } else if asked >= needed {
            Outcome::NeedsHuman
        } else if asked + count(Outcome::Error) >= needed {
            Outcome::Error
        } else {
            Outcome::Fail
        }
    }
}

/// The gates that work has to pass at one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Which.
    pub name: GateName,
    /// How many have to pass.
    pub required: Required,
    /// Its gates, at most [`STAGE_GATES_MAX`]; without any it is passed by everything.
    pub gates: Vec<Binding>,
}

/// A reducer that a share of new missions is pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// The reducer.
    pub binding: Binding,
    /// How many of a hundred missions: 1 to 100.
    pub share_percent: u32,
}

impl Canary {
    /// Whether a mission of this id is among its share: always the same, on every host. The first eight digits of
    /// the SHA-256 of the id, as a number, modulo 100, are below the share.
    pub fn takes(&self, id: &MissionId) -> bool {
        let digest = Digest::of(id.as_str().as_bytes());
        let number = digest.as_str().get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        number.is_some_and(|number| number % 100 < self.share_percent)
    }
}

/// The components that decide in a workspace, and those that are tried beside them. What is not said is what comes
/// with the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceBindings {
    /// Decides how missions flow.
    pub reducer: Option<Binding>,
    /// Decides it in a share of new missions.
    pub canary: Option<Canary>,
    /// The stages with other gates than the host's, each once.
    pub stages: Vec<Stage>,
    /// Cuts from texts what must not be remembered.
    pub scrubber: Option<Binding>,
    /// Decide beside what is bound, without effect; one for each role.
    pub shadows: Vec<Shadow>,
}

impl WorkspaceBindings {
    /// Every component that decides, each with the role it is bound to: `reducer`, `canary`, `review`, `test`,
    /// `scrubber`.
    pub fn deciding(&self) -> impl Iterator<Item = (&'static str, &Binding)> {
        let gates = self.stages.iter().flat_map(|stage| stage.gates.iter().map(|gate| (stage.name.as_str(), gate)));
        let reducer = self.reducer.iter().map(|binding| ("reducer", binding));
        let canary = self.canary.iter().map(|canary| (CANARY, &canary.binding));
        reducer.chain(canary).chain(gates).chain(self.scrubber.iter().map(|binding| ("scrubber", binding)))
    }

    /// Every component bound, those in shadow (`shadow`) too.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Binding)> {
        self.deciding().chain(self.shadows.iter().map(|shadow| ("shadow", &shadow.binding)))
    }

    /// What decides in shadow in a role.
    pub fn shadow(&self, role: ShadowRole) -> Option<&Binding> {
        self.shadows.iter().find(|shadow| shadow.role == role).map(|shadow| &shadow.binding)
    }
}

words! {
    /// What a gate in quarantine decides; it never lets work pass.
    QuarantinedGates {
        /// The gate failed: the mission's reducer decides how often it is asked again.
        Error = "error",
        /// A person has to decide.
        NeedsHuman = "needs_human",
    }
}

/// Failures in a row after which a component is quarantined, where nobody said otherwise.
pub const QUARANTINE_AFTER_DEFAULT: u32 = 5;

/// Most failures in a row that a workspace may wait for.
pub const QUARANTINE_AFTER_MAX: u32 = 1_000;

/// A component that is called no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedComponent {
    /// The first role it is bound to: `reducer`, `canary`, `review`, `test`.
    pub role: String,
    /// `name@version`.
    pub plugin: String,
    /// Its digest.
    pub digest: Digest,
    /// How its last call failed.
    pub reason: String,
    /// How many calls failed in a row.
    pub failures: u32,
    /// Since when.
    pub since: Timestamp,
}

/// When components of a workspace are called no more, and which are not. Written with a revision: the host adds a
/// component by a revision of its own, and an operator who binds anything ends it for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Calls that fail in a row until a component is quarantined; 0 for never.
    pub after: u32,
    /// What gates in quarantine decide.
    pub gates: QuarantinedGates,
    /// The components in quarantine, each once.
    pub components: Vec<QuarantinedComponent>,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { after: QUARANTINE_AFTER_DEFAULT, gates: QuarantinedGates::Error, components: Vec::new() }
    }
}

impl Quarantine {
    /// The component of this digest, when it is in quarantine.
    pub fn of(&self, digest: &Digest) -> Option<&QuarantinedComponent> {
        self.components.iter().find(|component| component.digest == *digest)
    }

    /// The component of this digest, when it is in quarantine as a canary, or as what it is bound to otherwise. The
    /// same component may be both, with other settings.
    pub fn of_role(&self, digest: &Digest, is_canary: bool) -> Option<&QuarantinedComponent> {
        let is_it =
            |component: &&QuarantinedComponent| component.digest == *digest && (component.role == CANARY) == is_canary;
        self.components.iter().find(is_it)
    }

    /// The same rules, with nothing in quarantine.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { components: Vec::new(), ..self.clone() }
    }
}

/// What was bound in a workspace at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceRevision {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Counts changes from 1; 0 for a workspace where nothing was ever bound.
    pub revision: u64,
    /// What decides.
    pub bindings: WorkspaceBindings,
    /// Whether only components may be bound that one of the trusted keys signed, or that come with the host.
    pub require_signatures: bool,
    /// Public keys, 64 hexadecimal digits each; at most [`TRUSTED_KEYS_MAX`].
    pub trusted_keys: Vec<String>,
    /// Why, in the author's words.
    pub note: Option<String>,
    /// The revision that this one went back to.
    pub rolled_back_to: Option<u64>,
    /// Which components are called no more, and when that is.
    pub quarantine: Quarantine,
    /// Who wrote it.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

impl WorkspaceRevision {
    /// A workspace where nothing was ever bound.
    pub fn none(workspace_id: WorkspaceId) -> Self {
        Self {
            workspace_id,
            revision: 0,
            bindings: WorkspaceBindings::default(),
            require_signatures: false,
            trusted_keys: Vec::new(),
            note: None,
            rolled_back_to: None,
            quarantine: Quarantine::default(),
            changed_by: String::new(),
            changed_at: Timestamp(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::Json;
    use Outcome::{Error, Fail, NeedsHuman, Pass};

    #[test]
    fn a_canary_takes_its_share_and_always_the_same_missions() {
        let canary = |share_percent| Canary {
            binding: Binding {
                name: "flow".to_owned(),
                version: "1.0.0".to_owned(),
                digest: Digest::of(b"flow"),
                settings: Json::empty_object(),
            },
            share_percent,
        };
        let ids: Vec<MissionId> = (0..10_000).map(|number| MissionId::new(format!("mis_{number}"))).collect();
        let taken = |share| ids.iter().filter(|id| canary(share).takes(id)).count();
        assert_eq!((taken(0), taken(100)), (0, ids.len()));
        assert!((4_800..5_200).contains(&taken(50)), "{}", taken(50));
        assert!((60..140).contains(&taken(1)), "{}", taken(1));
        assert!(ids.iter().all(|id| !canary(30).takes(id) || canary(31).takes(id)), "a larger share keeps who was in");
        // Their SHA-256 begins with 15b3ea78 and d1d1bb8b.
        for (id, at) in [("mis_one", 4), ("mis_two", 79)] {
            let is_in = |share| canary(share).takes(&MissionId::new(id));
            assert_eq!((is_in(at), is_in(at + 1)), (false, true), "{id}");
        }
    }

    #[test]
    fn a_stage_passes_when_enough_gates_do_and_only_then() {
        let cases: &[(Required, &[Outcome], Outcome)] = &[
            (Required::All, &[], Pass),
            (Required::All, &[Pass, Pass], Pass),
            (Required::All, &[Pass, Fail], Fail),
            (Required::All, &[Pass, NeedsHuman], NeedsHuman),
            (Required::All, &[NeedsHuman, Fail], Fail),
            (Required::All, &[Pass, Error], Error),
            (Required::All, &[NeedsHuman, Error], Error),
            (Required::All, &[Fail, Error], Fail),
            (Required::Any, &[Fail, Pass], Pass),
            (Required::Any, &[Fail, Error], Error),
            (Required::Any, &[Fail, NeedsHuman, Error], NeedsHuman),
            (Required::Any, &[Fail, Fail], Fail),
            (Required::Quorum(2), &[Pass, Fail, Pass], Pass),
            (Required::Quorum(2), &[Pass, Fail, NeedsHuman], NeedsHuman),
            (Required::Quorum(2), &[Pass, Error, NeedsHuman], NeedsHuman),
            (Required::Quorum(2), &[Pass, Fail, Error], Error),
            (Required::Quorum(2), &[Pass, Fail, Fail], Fail),
            (Required::Quorum(9), &[Pass, Pass], Pass),
        ];
        for (required, outcomes, expected) in cases {
            assert_eq!(required.decide(outcomes), *expected, "{required:?} of {outcomes:?}");
        }
    }
}

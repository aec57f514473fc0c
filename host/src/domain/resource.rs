//! Shared resources: keys, records, and what one write makes of a key.
//!
//! [`decide`] is the whole rule of revisions, conditions and expiry, as a function of what a key
//! has and what is asked. The store calls it at the moment of the commit, when nobody else can
//! come between; what it answers is written as it stands.

use std::fmt;
use std::sync::Arc;

use super::id::{EventId, WorkspaceId};
use super::json::Json;
use super::time::Timestamp;
use super::word::words;

/// Longest key, in bytes.
pub const KEY_MAX_BYTES: usize = 512;
/// Largest value, in bytes of compact JSON (1 MiB).
pub const VALUE_MAX_BYTES: usize = 1 << 20;
/// Longest time to live, in milliseconds (366 days).
pub const TTL_MAX_MS: u64 = 366 * 24 * 60 * 60 * 1000;
/// Revisions of one key that are kept, the present one among them. An older one goes in the
/// transaction that writes a newer one, so that no key's history ever needs a scan.
pub const REVISIONS_KEPT: u64 = 100;

words! {
    /// What a key may begin with.
    Namespace {
        /// What one run, or one session of runs, shares.
        Run = "run",
        /// What the runs of one mission share.
        Mission = "mission",
        /// What a project shares.
        Project = "project",
        /// What a team shares.
        Team = "team",
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// It begins with no known namespace.
    #[error("begins with `{0}/`; a key begins with run/, mission/, project/ or team/")]
    Namespace(String),
    /// It is only a namespace.
    #[error("has no segment after its namespace; `project/NAME` is the shortest kind of key")]
    Short,
    /// Two slashes stand side by side, or one at the end.
    #[error("has an empty segment; segments are parted by single slashes")]
    EmptySegment,
    /// A segment that means something in paths.
    #[error("has the segment `{0}`; `.` and `..` are no names")]
    Dots(String),
    /// A character that no segment has.
    #[error("holds {0:?}; segments hold A-Z a-z 0-9 . _ : @ and -")]
    Character(char),
    /// Too many bytes.
    #[error("has {0} bytes; at most {KEY_MAX_BYTES}")]
    Long(usize),
}

/// The key of a resource: a namespace and segments of `[A-Za-z0-9._:@-]`, at most
/// [`KEY_MAX_BYTES`] bytes. Keys compare byte by byte.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKey(Arc<str>);

impl ResourceKey {
    /// Checks a text.
    ///
    /// # Errors
    /// [`InvalidKey`], the first thing that is wrong from left to right.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        if text.len() > KEY_MAX_BYTES {
            return Err(InvalidKey::Long(text.len()));
        }
        let (namespace, rest) = text.split_once('/').unwrap_or((text, ""));
        if namespace.parse::<Namespace>().is_err() {
            return Err(InvalidKey::Namespace(namespace.to_owned()));
        }
        if rest.is_empty() {
            return Err(InvalidKey::Short);
        }
        for segment in rest.split('/') {
            check_segment(segment)?;
        }
        Ok(Self(text.into()))
    }

    /// A key read back from where only checked ones are written.
    pub fn from_stored(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The session whose status the host keeps under this key (`run/SESSION/status`), which nobody
    /// else writes.
    pub fn status_of(&self) -> Option<&str> {
        let session = self.0.strip_prefix("run/")?.strip_suffix("/status")?;
        (!session.contains('/')).then_some(session)
    }

    /// Where the host keeps the status of a session; `None` when the session's name makes no key.
    pub fn of_status(session_id: &str) -> Option<Self> {
        Self::parse(&format!("run/{session_id}/status")).ok().filter(|key| key.status_of().is_some())
    }
}

fn check_segment(segment: &str) -> Result<(), InvalidKey> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._:@-".contains(c);
    match segment {
        "" => Err(InvalidKey::EmptySegment),
        "." | ".." => Err(InvalidKey::Dots(segment.to_owned())),
        _ => segment.chars().find(|c| !is_allowed(*c)).map_or(Ok(()), |c| Err(InvalidKey::Character(c))),
    }
}

/// Checks the beginning of keys: what some key could begin with, or nothing at all.
///
/// # Errors
/// [`InvalidKey`] when no key begins like this.
pub fn check_prefix(prefix: &str) -> Result<(), InvalidKey> {
    if prefix.len() > KEY_MAX_BYTES {
        return Err(InvalidKey::Long(prefix.len()));
    }
    let Some((namespace, rest)) = prefix.split_once('/') else {
        let begins = |namespace: &Namespace| namespace.as_str().starts_with(prefix);
        let known = Namespace::ALL.iter().any(begins);
        return if known { Ok(()) } else { Err(InvalidKey::Namespace(prefix.to_owned())) };
    };
    if namespace.parse::<Namespace>().is_err() {
        return Err(InvalidKey::Namespace(namespace.to_owned()));
    }
    let (whole, last) = rest.rsplit_once('/').map_or((None, rest), |(whole, last)| (Some(whole), last));
    for segment in whole.into_iter().flat_map(|whole| whole.split('/')) {
        check_segment(segment)?;
    }
    // The last segment may be the beginning of a longer one.
    if last.is_empty() || last == "." || last == ".." { Ok(()) } else { check_segment(last) }
}

/// Prefixes in order, without those that begin with another one: what they select together is the
/// same, each key once.
pub fn disjoint(mut prefixes: Vec<String>) -> Vec<String> {
    prefixes.sort_unstable();
    prefixes.dedup_by(|next, kept| next.starts_with(kept.as_str()));
    prefixes
}

/// The prefixes of the keys that begin with `prefix` and with one of `allowed`, which are disjoint.
pub fn within(prefix: &str, allowed: &[String]) -> Vec<String> {
    let narrower = |allowed: &String| match (allowed.starts_with(prefix), prefix.starts_with(allowed.as_str())) {
        (true, _) => Some(allowed.clone()),
        (_, true) => Some(prefix.to_owned()),
        _ => None,
    };
    allowed.iter().filter_map(narrower).collect()
}

/// The text that comes right after everything that begins with `prefix`; `None` when nothing does.
pub fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut bytes = prefix.as_bytes().to_vec();
    // Prefixes are ASCII, so that the last byte can always be counted up.
    let last = bytes.pop()?;
    bytes.push(last + 1);
    String::from_utf8(bytes).ok()
}

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A resource as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its key.
    pub key: ResourceKey,
    /// One JSON value.
    pub value: Json,
    /// Counts what happened to the key, deletions included; never restarts.
    pub rev: u64,
    /// When this revision was written.
    pub updated_at: Timestamp,
    /// Who wrote it, in the writer's own words when it said so.
    pub updated_by: String,
    /// How long it was given, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// When it is gone by itself.
    pub expires_at: Option<Timestamp>,
    /// The lease whose claim this record shows.
    pub claim_of: Option<String>,
}

words! {
    /// What a revision did to its key.
    RevisionKind {
        /// Gave it a value.
        Updated = "updated",
        /// Somebody deleted it.
        Deleted = "deleted",
        /// Its time was over.
        Expired = "expired",
    }
}

/// One revision of a key, kept for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// What is known of it.
    pub head: RevisionHead,
    /// The value it gave; none when it took it away.
    pub value: Option<Json>,
}

/// A revision without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionHead {
    /// Whose key.
    pub workspace_id: WorkspaceId,
    /// The key.
    pub key: ResourceKey,
    /// Which revision.
    pub rev: u64,
    /// What it did.
    pub kind: RevisionKind,
    /// When.
    pub updated_at: Timestamp,
    /// Who, in the writer's own words when it said so.
    pub updated_by: String,
    /// The principal that did it.
    pub actor: String,
    /// How long it was given, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// When it is gone by itself.
    pub expires_at: Option<Timestamp>,
}

/// What must hold of a key for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// There is no record.
    Absent,
    /// There is a record.
    Present,
    /// There is a record, at this revision.
    Revision(u64),
}

impl Expect {
    /// A caller's `if_match_rev`, where 0 stands for absence.
    pub fn from_rev(rev: Option<u64>) -> Self {
        match rev {
            None => Self::Anything,
            Some(0) => Self::Absent,
            Some(rev) => Self::Revision(rev),
        }
    }
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It has this value.
    Put {
        /// The value.
        value: Json,
        /// Milliseconds until it is gone by itself; without, never.
        ttl_ms: Option<u64>,
        /// When that is; a write that keeps an older end names it here.
        expires_at: Option<Timestamp>,
        /// The lease whose claim it shows; only the host says so.
        claim_of: Option<String>,
        /// Whether only the host writes it from now on.
        kept: bool,
    },
    /// It has none.
    Delete,
    /// It has none if its time is over; otherwise nothing happens.
    Expire,
}

/// A write of one key, judged when it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceWrite {
    /// Whose key.
    pub workspace_id: WorkspaceId,
    /// The key.
    pub key: ResourceKey,
    /// What must hold.
    pub expect: Expect,
    /// The revision it must come to have, where the answer was written beforehand.
    pub becomes: Option<u64>,
    /// What is done.
    pub change: Change,
    /// Whether the host itself does it, which alone may touch a record it keeps.
    pub by_host: bool,
    /// Who does it, in its own words when it says so.
    pub updated_by: String,
    /// The principal that does it.
    pub actor: String,
    /// The moment of the write: what ended before is over.
    pub at: Timestamp,
    /// Ids for the events that may tell of it: of the end of what was there before, and of the
    /// write.
    pub event_ids: [EventId; 2],
}

/// What a key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its newest revision.
    pub rev: u64,
    /// Whether and until when there is a record.
    pub life: Life,
}

/// Whether a key has a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// For good.
    Lasting,
    /// Until this moment.
    Until(Timestamp),
    /// For good, and only the host writes it: who holds a lease now.
    Kept,
    /// It was taken away.
    Gone,
}

impl Head {
    /// The revision of the record there is at `now`.
    pub fn living_at(self, now: Timestamp) -> Option<u64> {
        match self.life {
            Life::Lasting | Life::Kept => Some(self.rev),
            Life::Until(end) => (end > now).then_some(self.rev),
            Life::Gone => None,
        }
    }
}

/// One revision that a write makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub rev: u64,
    /// What it does.
    pub kind: RevisionKind,
}

/// Why a write does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The key is not as it must be.
    #[error("expected revision {expected}, and it is at {current} (0: absent)")]
    Conflict {
        /// What was expected; 0 stands for absence.
        expected: u64,
        /// What there is; 0 stands for absence.
        current: u64,
    },
    /// The host keeps it, and nobody else writes it.
    #[error("the host keeps it: it shows who holds a lease")]
    Kept,
    /// There is nothing to delete, or to replace.
    #[error("there is no record")]
    Absent,
    /// Somebody else wrote the key since the answer was prepared.
    #[error("it is at another revision than the one the answer was prepared for")]
    Overtaken,
}

/// What `write` makes of a key that has `head`: no step, one, or two when the record that was there
/// had ended and nobody had said so yet.
///
/// # Errors
/// [`Refused`]; then nothing of it happens.
pub fn decide(head: Option<Head>, write: &ResourceWrite) -> Result<Vec<Step>, Refused> {
    let living = head.and_then(|head| head.living_at(write.at));
    let expected = match write.expect {
        Expect::Present if living.is_none() => return Err(Refused::Absent),
        Expect::Anything | Expect::Present => None,
        Expect::Absent => Some(0),
        Expect::Revision(rev) => Some(rev),
    };
    let current = living.unwrap_or(0);
    if let Some(expected) = expected.filter(|expected| *expected != current) {
        return Err(Refused::Conflict { expected, current });
    }
    if head.is_some_and(|head| head.life == Life::Kept) && !write.by_host {
        return Err(Refused::Kept);
    }
    let has_ended = living.is_none() && head.is_some_and(|head| head.life != Life::Gone);
    let mut rev = head.map_or(0, |head| head.rev);
    let mut steps = Vec::with_capacity(2);
    let mut step = |kind| {
        rev += 1;
        steps.push(Step { rev, kind });
    };
    if has_ended {
        step(RevisionKind::Expired);
    }
    match &write.change {
        Change::Put { .. } => step(RevisionKind::Updated),
        Change::Delete if living.is_some() => step(RevisionKind::Deleted),
        Change::Delete => return Err(Refused::Absent),
        Change::Expire => {}
    }
    if write.becomes.is_some_and(|becomes| becomes != rev) {
        return Err(Refused::Overtaken);
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(expect: Expect, change: Change) -> ResourceWrite {
        ResourceWrite {
            workspace_id: WorkspaceId::new("w"),
            key: ResourceKey::from_stored("team/a"),
            expect,
            becomes: None,
            change,
            by_host: false,
            updated_by: String::new(),
            actor: String::new(),
            at: Timestamp(1_000),
            event_ids: [EventId::new("a"), EventId::new("b")],
        }
    }

    fn put() -> Change {
        Change::Put { value: Json::empty_object(), ttl_ms: None, expires_at: None, claim_of: None, kept: false }
    }

    #[test]
    fn keys_that_are_none_are_refused_for_what_is_wrong() {
        for good in ["run/a", "mission/a/b", "project/A.b_c:d@e-", "team/...", &format!("team/{}", "x".repeat(507))] {
            assert_eq!(ResourceKey::parse(good).map(|key| key.as_str().to_owned()), Ok(good.to_owned()));
            assert_eq!(check_prefix(good), Ok(()), "{good}");
        }
        let bad = [
            ("", "begins with"),
            ("runs/a", "begins with"),
            ("/run/a", "begins with"),
            ("Run/a", "begins with"),
            ("run", "no segment"),
            ("run/", "no segment"),
            ("run//a", "empty segment"),
            ("run/a/", "empty segment"),
            ("run/../a", "`..`"),
            ("run/a/.", "`.`"),
            ("run/a b", "' '"),
            ("run/a%2Fb", "'%'"),
            ("run/a\0", "'\\0'"),
            ("run/ä", "'ä'"),
            (&format!("team/{}", "x".repeat(508)), "513 bytes"),
        ];
        for (text, why) in bad {
            let refused = ResourceKey::parse(text).unwrap_err().to_string();
            assert!(refused.contains(why), "{text:?}: {refused}");
        }
        for prefix in ["", "r", "run", "run/", "run/a", "run/a/", "project/.", "mission/a/.."] {
            assert_eq!(check_prefix(prefix), Ok(()), "{prefix:?}");
        }
        for prefix in ["x", "runs", "run//", "run/../a", "run/%", "runs/"] {
            assert!(check_prefix(prefix).is_err(), "{prefix:?}");
        }
    }

    #[test]
    fn prefixes_meet_in_the_narrower_one() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let allowed = disjoint(texts(&["run/b/", "mission/m/", "run/a/x", "run/a/", "run/b/", "run/a/y"]));
        assert_eq!(allowed, texts(&["mission/m/", "run/a/", "run/b/"]));
        assert_eq!(within("", &allowed), allowed);
        assert_eq!(within("run/", &allowed), texts(&["run/a/", "run/b/"]));
        assert_eq!(within("run/a/z", &allowed), texts(&["run/a/z"]));
        assert_eq!(within("project/", &allowed), Vec::<String>::new());
    }

    #[test]
    fn only_a_sessions_own_key_is_its_status() {
        let status_of = |text: &str| ResourceKey::parse(text).unwrap().status_of().map(str::to_owned);
        assert_eq!(status_of("run/s1/status"), Some("s1".to_owned()));
        for other in ["run/status", "run/a/b/status", "run/s1/status/x", "team/s1/status", "run/s1/statu"] {
            assert_eq!(status_of(other), None, "{other}");
        }
        assert_eq!(ResourceKey::of_status("s1").unwrap().as_str(), "run/s1/status");
        assert_eq!(ResourceKey::of_status("a/b"), None);
        assert_eq!(ResourceKey::of_status(".."), None);
    }

    #[test]
    fn a_write_counts_on_from_whatever_the_key_had() {
        use RevisionKind::{Deleted, Expired, Updated};

        let ended = Head { rev: 4, life: Life::Until(Timestamp(1_000)) };
        let living = Head { rev: 4, life: Life::Until(Timestamp(1_001)) };
        let gone = Head { rev: 4, life: Life::Gone };
        let steps = |head, expect, change| {
            decide(head, &write(expect, change)).map(|steps| steps.iter().map(|s| (s.rev, s.kind)).collect::<Vec<_>>())
        };
        assert_eq!(steps(None, Expect::Anything, put()), Ok(vec![(1, Updated)]));
        assert_eq!(steps(Some(gone), Expect::Absent, put()), Ok(vec![(5, Updated)]));
        assert_eq!(steps(Some(living), Expect::Revision(4), put()), Ok(vec![(5, Updated)]));
        assert_eq!(steps(Some(ended), Expect::Absent, put()), Ok(vec![(5, Expired), (6, Updated)]));
        assert_eq!(steps(Some(living), Expect::Anything, Change::Delete), Ok(vec![(5, Deleted)]));
        assert_eq!(steps(Some(living), Expect::Anything, Change::Expire), Ok(vec![]));
        assert_eq!(steps(Some(ended), Expect::Anything, Change::Expire), Ok(vec![(5, Expired)]));
        assert_eq!(steps(Some(gone), Expect::Anything, Change::Expire), Ok(vec![]));

        let conflict = |expected, current| Err(Refused::Conflict { expected, current });
        assert_eq!(steps(Some(ended), Expect::Revision(4), put()), conflict(4, 0));
        assert_eq!(steps(Some(living), Expect::Absent, put()), conflict(0, 4));
        assert_eq!(steps(Some(living), Expect::Revision(3), Change::Delete), conflict(3, 4));
        assert_eq!(steps(Some(gone), Expect::Anything, Change::Delete), Err(Refused::Absent));
        assert_eq!(steps(Some(ended), Expect::Present, put()), Err(Refused::Absent));
        assert_eq!(steps(Some(living), Expect::Present, put()), Ok(vec![(5, Updated)]));
        let kept = Head { rev: 4, life: Life::Kept };
        assert_eq!(steps(Some(kept), Expect::Anything, put()), Err(Refused::Kept));
        let by_host = ResourceWrite { by_host: true, ..write(Expect::Revision(4), put()) };
        assert_eq!(decide(Some(kept), &by_host), Ok(vec![Step { rev: 5, kind: Updated }]));
        let prepared = ResourceWrite { becomes: Some(5), ..write(Expect::Absent, put()) };
        assert_eq!(decide(Some(ended), &prepared), Err(Refused::Overtaken));
    }
}

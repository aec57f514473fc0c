//! Shared resources in the store: what is written comes back, and whatever is done to keys, in
//! whatever batches, leaves what a model in memory says.

use std::collections::BTreeMap;

use e2e::databases::on_both_databases;
use e2e::random::Random;
use e2e::records;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sluice::domain::event::LogEvent;
use sluice::domain::id::{EventId, WorkspaceId};
use sluice::domain::json::Json;
use sluice::domain::resource::{
    Change, Expect, Head, Life, REVISIONS_KEPT, Refused, Resource, ResourceKey, ResourceWrite, Revision, RevisionHead,
    RevisionKind,
};
use sluice::domain::time::Timestamp;
use sluice::store::{CommitError, Committed, EndedResource, Guard, LogFilter, Store, Unit, Write};

/// Keys of the model, in order; one begins with another.
const KEYS: [&str; 4] = ["project/a", "project/a/b", "project/ab", "run/s:1"];
const WORKSPACES: [&str; 2] = ["ws_a", "ws_b"];
/// Rounds of random units, and most units of one.
const ROUNDS: usize = 16;
const UNITS: usize = 40;
/// Writes of one key in one batch: more than there are revisions that are kept.
const MANY: usize = 230;
const CURSOR: &str = "model";
const LATE: Timestamp = Timestamp(i64::MAX as u64 - 1);

fn write(workspace: &str, key: &str, expect: Expect, change: Change, at: u64) -> ResourceWrite {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    ResourceWrite {
        workspace_id: WorkspaceId::new(workspace),
        key: ResourceKey::parse(key).unwrap(),
        expect,
        becomes: None,
        change,
        by_host: false,
        updated_by: format!("writer {number}"),
        actor: format!("user.{number}"),
        at: Timestamp(at),
        event_ids: [EventId::new(format!("evt_end_{number}")), EventId::new(format!("evt_{number}"))],
    }
}

fn put(value: Json, ttl_ms: Option<u64>, at: u64) -> Change {
    Change::Put { value, ttl_ms, expires_at: ttl_ms.map(|ttl| Timestamp(at + ttl)), claim_of: None, kept: false }
}

fn unit(resources: Vec<ResourceWrite>) -> Unit {
    Unit { resources, ..Unit::default() }
}

#[tokio::test]
async fn what_is_written_comes_back_as_it_was() {
    on_both_databases(async |store| {
        let random = &mut Random::new(7);
        let workspace = records::workspace();
        for n in 0..60_u64 {
            let key = format!("mission/m.{n}:x@y-_");
            let ttl_ms = random.maybe(|random| 1 + random.number() % 1_000_000);
            let mut one =
                write(workspace.as_str(), &key, Expect::Absent, put(random.json(), ttl_ms, 1_000 + n), 1_000 + n);
            (one.updated_by, one.actor) = (random.text(), random.text());
            let Change::Put { value, expires_at, claim_of, kept, .. } = &mut one.change else { unreachable!() };
            if ttl_ms.is_none() && random.flag() {
                (*claim_of, *kept) = (Some(random.text()), random.flag());
            }
            let wanted = Resource {
                workspace_id: workspace.clone(),
                key: one.key.clone(),
                value: value.clone(),
                rev: 1,
                updated_at: one.at,
                updated_by: one.updated_by.clone(),
                ttl_ms,
                expires_at: *expires_at,
                claim_of: claim_of.clone(),
            };
            let life = match (*kept, *expires_at) {
                (true, _) => Life::Kept,
                (_, Some(end)) => Life::Until(end),
                _ => Life::Lasting,
            };
            assert_eq!(store.commit(unit(vec![one.clone()])).await.unwrap().revs, [1]);
            let key = &one.key;
            assert_eq!(store.resource(&workspace, key, one.at).await.unwrap().as_ref(), Some(&wanted));
            assert_eq!(
                store.resources_by_keys(&workspace, std::slice::from_ref(key), one.at).await.unwrap(),
                std::slice::from_ref(&wanted)
            );
            assert_eq!(store.resource_head(&workspace, key).await.unwrap(), Some(Head { rev: 1, life }));
            let heads = store.resource_heads(&workspace, key.as_str(), None, one.at, 5).await.unwrap();
            assert_eq!(heads.len(), 1);
            assert_eq!((&heads[0].key, heads[0].bytes), (key, wanted.value.as_str().len() as u64));
            let head = RevisionHead {
                workspace_id: workspace.clone(),
                key: key.clone(),
                rev: 1,
                kind: RevisionKind::Updated,
                updated_at: one.at,
                updated_by: one.updated_by.clone(),
                actor: one.actor.clone(),
                ttl_ms,
                expires_at: wanted.expires_at,
            };
            assert_eq!(store.resource_history(&workspace, key, None, 5).await.unwrap(), std::slice::from_ref(&head));
            let revision = Revision { head, value: Some(wanted.value) };
            assert_eq!(store.resource_revision(&workspace, key, 1).await.unwrap(), Some(revision));
        }
        // Nobody else's keys are seen, and what begins like a key is none.
        let elsewhere = WorkspaceId::new("elsewhere");
        let key = ResourceKey::parse("mission/m.0:x@y-_").unwrap();
        assert_eq!(store.resource(&elsewhere, &key, Timestamp(0)).await.unwrap(), None);
        assert_eq!(store.resource_heads(&elsewhere, "", None, Timestamp(0), 5).await.unwrap(), []);
        assert_eq!(
            store.resource(&workspace, &ResourceKey::from_stored("mission/m.0"), Timestamp(0)).await.unwrap(),
            None
        );
    })
    .await;
}

/// What the model knows of a key.
#[derive(Debug, Default)]
struct Known {
    rev: u64,
    /// The record's end, when there is a record: none for one that lasts.
    record: Option<Option<u64>>,
    is_kept: bool,
    revisions: BTreeMap<u64, Revision>,
}

#[derive(Debug, Default)]
struct Model {
    keys: BTreeMap<(String, String), Known>,
    cursor: Option<u64>,
    told: Vec<Told>,
}

/// An event: type, workspace, key, revision, actor, reason, id, moment.
type Told = (String, String, String, u64, String, Option<String>, String, u64);

/// How a unit ends: its revisions and number of events, or the table and the index that refused it.
type Outcome = Result<(Vec<u64>, u64), (&'static str, Option<(usize, Refused)>)>;

impl Known {
    fn is_there(&self, at: u64) -> bool {
        self.record.is_some_and(|end| end.is_none_or(|end| end > at))
    }

    /// Why a write is refused, by the words of the contract.
    fn refuses(&self, write: &ResourceWrite) -> Option<Refused> {
        let current = if self.is_there(write.at.as_millis()) { self.rev } else { 0 };
        let wanted = match write.expect {
            Expect::Anything => current,
            Expect::Present if current == 0 => return Some(Refused::Absent),
            Expect::Present => current,
            Expect::Absent => 0,
            Expect::Revision(rev) => rev,
        };
        if wanted != current {
            return Some(Refused::Conflict { expected: wanted, current });
        }
        if self.is_kept && !write.by_host {
            return Some(Refused::Kept);
        }
        (current == 0 && write.change == Change::Delete).then_some(Refused::Absent)
    }

    fn add(&mut self, write: &ResourceWrite, kind: RevisionKind) -> Told {
        self.rev += 1;
        let (value, ttl_ms, expires_at, kept) = match &write.change {
            Change::Put { value, ttl_ms, expires_at, kept, .. } if kind == RevisionKind::Updated => {
                (Some(value.clone()), *ttl_ms, *expires_at, *kept)
            }
            _ => (None, None, None, false),
        };
        self.record = value.is_some().then(|| expires_at.map(Timestamp::as_millis));
        self.is_kept = kept;
        let is_end = kind == RevisionKind::Expired;
        let who = |given: &str| if is_end { "system.expiry".to_owned() } else { given.to_owned() };
        let head = RevisionHead {
            workspace_id: write.workspace_id.clone(),
            key: write.key.clone(),
            rev: self.rev,
            kind,
            updated_at: write.at,
            updated_by: who(&write.updated_by),
            actor: who(&write.actor),
            ttl_ms,
            expires_at,
        };
        let told = (
            if value.is_some() { "resource.updated" } else { "resource.deleted" }.to_owned(),
            write.workspace_id.to_string(),
            write.key.to_string(),
            self.rev,
            head.actor.clone(),
            value.is_none().then(|| if is_end { "expired" } else { "deleted" }.to_owned()),
            write.event_ids[usize::from(!is_end)].to_string(),
            write.at.as_millis(),
        );
        self.revisions.insert(self.rev, Revision { head, value });
        self.revisions.retain(|rev, _| rev + REVISIONS_KEPT > self.rev);
        told
    }
}

impl Model {
    fn known(&mut self, write: &ResourceWrite) -> &mut Known {
        self.keys.entry((write.workspace_id.to_string(), write.key.to_string())).or_default()
    }

    fn commit(&mut self, unit: &Unit, guarded: Option<Option<u64>>) -> Outcome {
        if guarded.is_some_and(|expected| expected != self.cursor) {
            return Err(("log_cursors", None));
        }
        for (index, write) in unit.resources.iter().enumerate() {
            if let Some(refused) = self.known(write).refuses(write) {
                return Err(("resources", Some((index, refused))));
            }
        }
        let mut revs = Vec::new();
        let before = self.told.len();
        for write in &unit.resources {
            let known = self.known(write);
            let mut told = Vec::new();
            if known.record.is_some() && !known.is_there(write.at.as_millis()) {
                told.push(known.add(write, RevisionKind::Expired));
            }
            match write.change {
                Change::Put { .. } => told.push(known.add(write, RevisionKind::Updated)),
                Change::Delete => told.push(known.add(write, RevisionKind::Deleted)),
                Change::Expire => {}
            }
            revs.push(known.rev);
            self.told.extend(told);
        }
        for write in &unit.writes {
            let Write::LogCursor(_, seq) = write else { unreachable!() };
            self.cursor = Some(*seq);
        }
        Ok((revs, (self.told.len() - before) as u64))
    }

    /// A unit of what may happen to a few keys, and the cursor's place that it guards.
    fn some_unit(&mut self, random: &mut Random, now: u64) -> (Unit, Option<Option<u64>>) {
        let mut keys: Vec<(&str, &str)> = WORKSPACES.iter().flat_map(|ws| KEYS.map(|key| (*ws, key))).collect();
        let mut writes = Vec::new();
        for _ in 0..=random.below(3) {
            let (workspace, key) = keys.swap_remove(random.below(keys.len()));
            // Requests are judged in the order of their commits, which need not be that of their clocks.
            let at = now + random.number() % 20;
            let rev = self.keys.get(&(workspace.to_owned(), key.to_owned())).map_or(0, |known| known.rev);
            let expect = match random.below(8) {
                0 => Expect::Absent,
                1 => Expect::Present,
                2 => Expect::Revision(rev.max(1)),
                3 => Expect::Revision(rev + random.number() % 3),
                _ => Expect::Anything,
            };
            let change = match random.below(6) {
                0 => Change::Delete,
                1 => Change::Expire,
                2 | 3 => put(random.json(), Some(1 + random.number() % 60), at),
                _ => put(random.json(), None, at),
            };
            let expect = if change == Change::Expire { Expect::Anything } else { expect };
            let mut one = write(workspace, key, expect, change, at);
            one.by_host = one.change == Change::Expire || random.below(4) == 0;
            if let Change::Put { ttl_ms: None, kept, claim_of, .. } = &mut one.change
                && one.by_host
            {
                (*kept, *claim_of) = (random.flag(), Some("a lease".to_owned()));
            }
            writes.push(one);
        }
        let mut unit = unit(writes);
        let guarded = random.maybe(|random| if random.flag() { self.cursor } else { Some(random.number() % 5) });
        if let Some(expected) = guarded {
            unit.guards.push(Guard::log_cursor(CURSOR, expected));
            unit.writes.push(Write::LogCursor(CURSOR, random.number() % 5));
        }
        (unit, guarded)
    }

    async fn check(&self, store: &Store, now: u64) {
        let mut ended = Vec::new();
        let mut next_end: Option<u64> = None;
        for ((workspace_id, key), known) in &self.keys {
            let (workspace, key) = (WorkspaceId::new(workspace_id.as_str()), ResourceKey::parse(key).unwrap());
            let life = match known.record {
                None => Life::Gone,
                Some(_) if known.is_kept => Life::Kept,
                Some(None) => Life::Lasting,
                Some(Some(end)) => Life::Until(Timestamp(end)),
            };
            let head = (known.rev > 0).then_some(Head { rev: known.rev, life });
            assert_eq!(store.resource_head(&workspace, &key).await.unwrap(), head, "{workspace_id} {key}");
            let found = store.resource(&workspace, &key, Timestamp(now)).await.unwrap();
            let newest = known.revisions.get(&known.rev);
            let value = newest.and_then(|revision| revision.value.clone()).filter(|_| known.is_there(now));
            assert_eq!(found.as_ref().map(|found| found.value.clone()), value, "{workspace_id} {key}");
            assert_eq!(found.map(|found| found.rev), value.is_some().then_some(known.rev));
            let history = store.resource_history(&workspace, &key, None, 1_000).await.unwrap();
            let kept: Vec<_> = known.revisions.values().rev().map(|revision| revision.head.clone()).collect();
            assert_eq!(history, kept, "{workspace_id} {key}");
            if let Some(oldest) = known.revisions.values().next() {
                let found = store.resource_revision(&workspace, &key, oldest.head.rev).await.unwrap();
                assert_eq!(found.as_ref(), Some(oldest));
                let before = oldest.head.rev.checked_sub(1).unwrap();
                assert_eq!(store.resource_revision(&workspace, &key, before).await.unwrap(), None);
            }
            if let Some(Some(end)) = known.record {
                next_end = Some(next_end.map_or(end, |next| next.min(end)));
                if end <= now {
                    ended.push((end, EndedResource { workspace_id: workspace, key }));
                }
            }
        }
        assert_eq!(store.next_resource_end().await.unwrap(), next_end.map(Timestamp));
        let found = store.ended_resources(Timestamp(now), 100).await.unwrap();
        let end_of = |ended: &EndedResource| {
            self.keys[&(ended.workspace_id.to_string(), ended.key.to_string())].record.flatten().unwrap()
        };
        assert!(found.is_sorted_by_key(end_of), "the oldest end first");
        assert_eq!(found.len(), ended.len(), "{found:?}");
        assert!(ended.iter().all(|(_, ended)| found.contains(ended)), "{found:?}");
        for workspace in WORKSPACES {
            for prefix in ["", "project/", "project/a", "project/a/", "run/s"] {
                let there = self
                    .keys
                    .iter()
                    .filter(|((of, key), known)| of == workspace && key.starts_with(prefix) && known.is_there(now));
                let there: Vec<&str> = there.map(|((_, key), _)| key.as_str()).collect();
                let of = WorkspaceId::new(workspace);
                let heads = store.resource_heads(&of, prefix, None, Timestamp(now), 100).await.unwrap();
                assert_eq!(heads.iter().map(|head| head.key.as_str()).collect::<Vec<_>>(), there, "{prefix}");
            }
        }
    }
}

fn told(event: &LogEvent) -> Told {
    let properties: Value = serde_json::from_str(event.event.properties.as_str()).unwrap();
    assert_eq!(properties["updated_at_ms"], event.event.occurred_at.as_millis());
    assert_eq!(event.event.resource_key.as_ref().unwrap().as_str(), properties["key"]);
    let text = |name: &str| properties[name].as_str().map(str::to_owned);
    (
        event.event.event_type.clone(),
        event.event.workspace_id.to_string(),
        text("key").unwrap(),
        properties["rev"].as_u64().unwrap(),
        event.event.actor.clone(),
        text("reason"),
        event.event.event_id.to_string(),
        event.event.occurred_at.as_millis(),
    )
}

/// Commits units at once, in order; on one thread they all wait before the writer looks.
async fn commit_all(store: &Store, units: Vec<Unit>) -> Vec<Result<Committed, CommitError>> {
    tokio::task::unconstrained(join_all(units.into_iter().map(|unit| store.commit(unit)))).await
}

/// Commits units to the store and to the model, and compares what each was answered.
async fn run(store: &Store, model: &mut Model, units: Vec<(Unit, Option<Option<u64>>)>) -> (usize, usize) {
    let mut seq = model.told.len() as u64;
    let wanted: Vec<Outcome> = units.iter().map(|(unit, guarded)| model.commit(unit, *guarded)).collect();
    let shown = format!("{units:#?}");
    let answers = commit_all(store, units.into_iter().map(|(unit, _)| unit).collect()).await;
    let (mut done, mut refused) = (0, 0);
    for (answer, wanted) in answers.into_iter().zip(wanted) {
        match (answer, wanted) {
            (Ok(committed), Ok((revs, count))) => {
                assert_eq!(committed.revs, revs, "{shown}");
                assert_eq!(committed.seqs, (count > 0).then_some((seq + 1, seq + count)), "{shown}");
                seq += count;
                done += 1;
            }
            (Err(CommitError::Conflict { table, resource, .. }), Err(wanted)) => {
                assert_eq!((table, resource), wanted, "{shown}");
                refused += 1;
            }
            (answer, wanted) => panic!("{answer:?} instead of {wanted:?}: {shown}"),
        }
    }
    (done, refused)
}

async fn compare_with_the_model(store: &Store, seed: u64) {
    let random = &mut Random::new(seed);
    let mut model = Model::default();
    let (mut now, mut done, mut refused) = (1_000, 0, 0);
    for round in 0..ROUNDS {
        let mut units = Vec::new();
        let mut guess = Model { cursor: model.cursor, ..Model::default() };
        for (key, known) in &model.keys {
            guess.keys.insert(key.clone(), Known { rev: known.rev, ..Known::default() });
        }
        for _ in 0..=random.below(UNITS) {
            now += random.number() % 12;
            // Most units know what the ones before them will have done, as clients cannot but hope.
            let (unit, guarded) = guess.some_unit(random, now);
            if random.below(3) > 0 {
                let _ = guess.commit(&unit, guarded);
            }
            units.push((unit, guarded));
        }
        let (more, fewer) = run(store, &mut model, units).await;
        (done, refused) = (done + more, refused + fewer);
        now += if round % 4 == 3 { 100 } else { 0 };
        model.check(store, now).await;
    }
    assert!(done > 50 && refused > 50, "{done} done, {refused} refused: too few of one kind");
    // More revisions of one key in one batch than are kept, under conditions that all hold.
    let mut first = write("ws_a", KEYS[0], Expect::Anything, put(json_number(0), None, now), now);
    first.by_host = true;
    assert_eq!(run(store, &mut model, vec![(unit(vec![first.clone()]), None)]).await, (1, 0));
    let mut rev = model.known(&first).rev;
    let mut units = Vec::new();
    #[expect(clippy::explicit_counter_loop, reason = "the revision counts on where the model is")]
    for n in 0..MANY {
        let change = if n % 7 == 3 { Change::Delete } else { put(json_number(n), None, now) };
        let expect = if n % 7 == 4 { Expect::Absent } else { Expect::Revision(rev) };
        units.push((unit(vec![write("ws_a", KEYS[0], expect, change, now)]), None));
        rev += 1;
    }
    assert_eq!(run(store, &mut model, units).await, (MANY, 0));
    model.check(store, now).await;
    model.check(store, LATE.as_millis()).await;
    check_log(store, &model).await;
}

fn json_number(n: usize) -> Json {
    Json::from_valid(json!(n).to_string())
}

/// The log tells what the model says, in its order, without a gap; and to each prefix its own.
async fn check_log(store: &Store, model: &Model) {
    let mut log = Vec::new();
    loop {
        let after = log.last().map_or(0, |event: &LogEvent| event.seq);
        let page = store.log_of_all(after, 500).await.unwrap();
        if page.is_empty() {
            break;
        }
        log.extend(page);
    }
    assert_eq!(log.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=log.len() as u64).collect::<Vec<_>>());
    assert_eq!(log.iter().map(told).collect::<Vec<_>>(), model.told);
    let filter =
        LogFilter { key_prefixes: Some(vec!["project/a/".to_owned(), "run/".to_owned()]), ..LogFilter::default() };
    let found = store.log_events(&WorkspaceId::new("ws_b"), 0, &filter, 10_000).await.unwrap();
    let wanted = model.told.iter().filter(|told| told.1 == "ws_b" && (told.2.starts_with("run/") || told.2 == KEYS[1]));
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), wanted.cloned().collect::<Vec<_>>());
    assert!(!found.is_empty());
}

#[tokio::test]
async fn random_units_in_random_batches_leave_what_the_model_says() {
    on_both_databases(async |store| {
        let seed = u64::from(std::process::id());
        println!("seed {seed}");
        compare_with_the_model(&store, seed).await;
    })
    .await;
}

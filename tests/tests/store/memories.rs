//! Records of memory in the store: what is written comes back, once for each content, and is counted.

use e2e::databases::on_both_databases;
use e2e::random::Random;
use e2e::records;
use futures_util::future::join_all;
use sluice::domain::id::{MemoryId, WorkspaceId};
use sluice::domain::memory::partition::DEFAULT;
use sluice::domain::memory::{MemoryKind, MemoryRecord, Partition, Query, Scope, Tier, Visibility};
use sluice::domain::time::Timestamp;
use sluice::store::{CommitError, Guard, MemoryFilter, MemorySearch, Store, Unit, Write};

pub(super) const NOW: Timestamp = Timestamp(1_000_000);

pub(super) fn partition(workspace: &str, project: &str, tier: Tier) -> Partition {
    let session = (tier == Tier::Session).then_some("s");
    Partition::new(DEFAULT, &WorkspaceId::new(workspace), Some(project), tier, session).unwrap()
}

pub(super) fn unit(writes: Vec<Write>) -> Unit {
    Unit { writes, ..Unit::default() }
}

pub(super) async fn put(store: &Store, record: &MemoryRecord) {
    store.commit(unit(vec![Write::Memory(Box::new(record.clone()))])).await.unwrap();
}

/// The ids that a search of `scopes` finds for `text`, best first.
pub(super) async fn found(store: &Store, scopes: &[Scope], text: &str) -> Vec<String> {
    let query = Query::parse(text);
    let search = MemorySearch {
        workspace_id: &scopes[0].partition.workspace_id,
        scopes,
        query: &query,
        vector: None,
        filter: &MemoryFilter::default(),
        trusted_only: false,
        now: NOW,
        limit: 100,
        max_chars: None,
    };
    store.search_memories(&search).await.unwrap().into_iter().map(|one| one.record.id.to_string()).collect()
}

/// The table that a unit conflicted over.
fn conflict(refused: Result<sluice::store::Committed, CommitError>) -> &'static str {
    match refused {
        Err(CommitError::Conflict { table, .. }) => table,
        other => panic!("no conflict: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_written_comes_back_as_it_was() {
    on_both_databases(async |store| {
        let random = &mut Random::new(11);
        let workspace = records::workspace();
        for n in 0..40 {
            let partition = partition(workspace.as_str(), &format!("p{}", n % 3), *random.one_of(Tier::ALL));
            let text = format!("Record number{n}: {} \"quoted\" \\ ünïcödé 日本 \u{1f469}", random.text());
            let mut record = records::memory(random, partition, &format!("mem_{n}"), &text);
            record.tags = random.few(|random| format!("{}\"\\,[]", random.below(1_000)));
            record.expires_at = random.maybe(|_| NOW.plus_millis(1));
            if random.flag() {
                record.visibility = Visibility::Private;
            }
            put(&store, &record).await;
            let (scope, id) = ([record.scope()], &record.id);
            assert_eq!(store.memory(&workspace, &scope, id, NOW).await.unwrap().as_ref(), Some(&record));
            assert_eq!(store.memory_as_stored(&workspace, id).await.unwrap().as_ref(), Some(&record));
            let by_content = store.memory_by_content(&scope[0], &record.content_digest).await.unwrap();
            assert_eq!(by_content.as_ref(), Some(&record));
            assert_eq!(found(&store, &scope, &format!("NUMBER{n}")).await, [id.as_str()]);
            let filter = MemoryFilter { tags: record.tags.clone(), ..MemoryFilter::default() };
            let listed = store.memories(&workspace, &scope, &filter, NOW, 100, 0).await.unwrap();
            assert!(listed.contains(&record));
        }
        assert_eq!(store.memory_as_stored(&WorkspaceId::new("ws_b"), &MemoryId::new("mem_1")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_scope_has_each_content_once_however_many_put_it() {
    on_both_databases(async |store| {
        let random = &mut Random::new(2);
        let shared = partition("ws_a", "p", Tier::Project);
        let mut make = |partition: &Partition, id: &str, text: &str| {
            let mut record = records::memory(random, partition.clone(), id, text);
            record.created_at = NOW;
            record
        };
        let raced: Vec<_> = (0..20).map(|n| make(&shared, &format!("mem_{n}"), "Use  the POOL")).collect();
        let committed =
            join_all(raced.iter().map(|record| store.commit(unit(vec![Write::Memory(Box::new(record.clone()))]))))
                .await;
        assert_eq!(committed.iter().filter(|one| one.is_ok()).count(), 1);
        assert!(committed.into_iter().filter(Result::is_err).all(|refused| conflict(refused) == "memory_contents"));
        let scope = Scope::shared(shared.clone());
        assert_eq!(found(&store, std::slice::from_ref(&scope), "pool").await.len(), 1);

        // The same elsewhere is another record: another project, workspace, tier, or one's own.
        let mut own = make(&shared, "mem_own", "use the pool");
        own.visibility = Visibility::Private;
        put(&store, &own).await;
        for (id, partition) in [
            ("mem_project", partition("ws_a", "q", Tier::Project)),
            ("mem_workspace", partition("ws_b", "p", Tier::Project)),
            ("mem_tier", partition("ws_a", "p", Tier::Team)),
        ] {
            put(&store, &make(&partition, id, "use the pool")).await;
        }

        // What was demoted or deleted makes room; in one unit too, which replaces what has ended.
        let stored = store.memory_by_content(&scope, &raced[0].content_digest).await.unwrap().unwrap();
        let second = make(&shared, "mem_second", "use the pool");
        let demote = Write::DemoteMemory(Box::new(stored.clone()), NOW);
        store.commit(unit(vec![demote.clone(), Write::Memory(Box::new(second.clone()))])).await.unwrap();
        assert_eq!(found(&store, std::slice::from_ref(&scope), "pool").await, ["mem_second"]);
        assert_eq!(
            store.memory(&own.partition.workspace_id, std::slice::from_ref(&scope), &stored.id, NOW).await.unwrap(),
            None
        );
        let kept = store.memory_as_stored(stored.workspace_id(), &stored.id).await.unwrap().unwrap();
        assert_eq!((kept.visibility, kept.revision, kept.updated_at), (Visibility::Demoted, 2, NOW));
        assert_eq!(conflict(store.commit(unit(vec![demote])).await), "memories", "it was read at revision 1");
        let third = make(&shared, "mem_third", "use the pool");
        let replace = vec![Write::DeleteMemory(Box::new(second)), Write::Memory(Box::new(third.clone()))];
        store.commit(unit(replace.clone())).await.unwrap();
        assert_eq!(conflict(store.commit(unit(replace)).await), "memories");
        assert_eq!(store.memory_by_content(&scope, &third.content_digest).await.unwrap(), Some(third.clone()));
        // A demoted record is deleted without touching the one that has its content now.
        store.commit(unit(vec![Write::DeleteMemory(Box::new(kept))])).await.unwrap();
        assert_eq!(found(&store, &[scope], "pool").await, ["mem_third"]);
        let guarded = Unit { guards: vec![Guard::memory(&third.id, Some(2))], ..Unit::default() };
        assert_eq!(conflict(store.commit(guarded).await), "memories");
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_is_not_found_and_is_swept_in_order() {
    on_both_databases(async |store| {
        let random = &mut Random::new(4);
        let shared = partition("ws_a", "p", Tier::Project);
        let scope = [Scope::shared(shared.clone())];
        let mut ids = Vec::new();
        for (n, end) in [Some(NOW.0 - 2), Some(NOW.0), Some(NOW.0 + 1), None].into_iter().enumerate() {
            let mut record = records::memory(random, shared.clone(), &format!("mem_{n}"), &format!("pool {n}"));
            (record.expires_at, record.created_at) = (end.map(Timestamp), NOW);
            put(&store, &record).await;
            ids.push(record.id);
        }
        let (workspace, filter) = (&shared.workspace_id, MemoryFilter::default());
        assert_eq!(found(&store, &scope, "pool").await, ["mem_2", "mem_3"]);
        assert_eq!(store.count_memories(workspace, &scope, &filter, NOW).await.unwrap(), 2);
        assert_eq!(store.count_all_memories(workspace, None, &filter, NOW).await.unwrap(), 2);
        assert_eq!(store.memory(workspace, &scope, &ids[1], NOW).await.unwrap(), None);
        assert_eq!(store.next_memory_end().await.unwrap(), Some(Timestamp(NOW.0 - 2)));
        let ended = store.ended_memories(NOW, 10).await.unwrap();
        assert_eq!(ended.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["mem_0", "mem_1"]);
        for record in ended {
            store.commit(unit(vec![Write::DeleteMemory(Box::new(record))])).await.unwrap();
        }
        assert_eq!(store.ended_memories(NOW, 10).await.unwrap(), []);
        assert_eq!(store.memory_as_stored(workspace, &ids[0]).await.unwrap(), None);
        assert_eq!(store.next_memory_end().await.unwrap(), Some(Timestamp(NOW.0 + 1)));
        assert_eq!(found(&store, &scope, "pool").await, ["mem_2", "mem_3"]);
    })
    .await;
}

#[tokio::test]
async fn lists_are_newest_first_in_pages_and_by_what_is_meant() {
    on_both_databases(async |store| {
        let random = &mut Random::new(9);
        let shared = partition("ws_a", "p", Tier::Project);
        let workspace = &shared.workspace_id;
        for n in 0..30_u64 {
            let mut record = records::memory(random, shared.clone(), &format!("mem_{n:02}"), &format!("pool {n}"));
            record.created_at = Timestamp(1_000 - n / 2);
            record.owner = format!("user.{}", n % 2);
            record.kind = MemoryKind::ALL[(n % 3) as usize];
            record.tags = vec![format!("t{}", n % 5), "all".to_owned()];
            put(&store, &record).await;
        }
        put(&store, &records::memory(random, partition("ws_a", "q", Tier::Team), "mem_team", "pool")).await;
        put(&store, &records::memory(random, partition("ws_b", "p", Tier::Project), "mem_other", "pool")).await;
        let scope = [Scope::shared(shared.clone())];
        let mut all = Vec::new();
        for page in 0..4 {
            let found = store.memories(workspace, &scope, &MemoryFilter::default(), NOW, 9, page * 9).await.unwrap();
            all.extend(found.into_iter().map(|record| record.id.to_string()));
        }
        let wanted: Vec<_> = (0..30).map(|n| format!("mem_{n:02}")).collect();
        assert_eq!(all, wanted);
        let filter = MemoryFilter {
            owner: Some("user.0".to_owned()),
            kinds: vec![MemoryKind::Fact],
            tags: vec!["t0".to_owned(), "all".to_owned()],
        };
        let found = store.memories(workspace, &scope, &filter, NOW, 100, 0).await.unwrap();
        assert_eq!(found.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["mem_00"]);
        assert_eq!(store.count_memories(workspace, &scope, &filter, NOW).await.unwrap(), 1);
        assert_eq!(store.count_all_memories(workspace, None, &MemoryFilter::default(), NOW).await.unwrap(), 31);
        let teams =
            store.all_memories(workspace, Some(Tier::Team), &MemoryFilter::default(), NOW, 100, 0).await.unwrap();
        assert_eq!(teams.len(), 1);
        // A scope of another workspace is none of this one's.
        let foreign = [Scope::shared(partition("ws_b", "p", Tier::Project))];
        assert_eq!(store.memories(workspace, &foreign, &MemoryFilter::default(), NOW, 100, 0).await.unwrap(), []);
        assert_eq!(store.memories(workspace, &[], &MemoryFilter::default(), NOW, 100, 0).await.unwrap(), []);
    })
    .await;
}

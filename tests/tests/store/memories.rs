//! Records of memory in the store: what is written comes back, once for each content, and is counted.

use e2e::databases::on_both_databases;
use e2e::random::Random;
use e2e::records;
use futures_util::future::join_all;
use sluice::domain::id::{MemoryId, WorkspaceId};
use sluice::domain::memory::partition::DEFAULT;
use sluice::domain::memory::vector::Vector;
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

//! Finding records of memory: what a model in memory finds is found on both databases, in the same
//! order with the same scores, and what lies elsewhere changes nothing.

use std::collections::BTreeMap;

use e2e::databases::{TestDatabase, on_both_databases};
use e2e::random::Random;
use e2e::records;
use futures_util::future::join_all;
use sluice::domain::id::{MemoryId, WorkspaceId};
use sluice::domain::memory::partition::DEFAULT;
use sluice::domain::memory::rank::{self, Counts, Ranked, Scored};
use sluice::domain::memory::terms::{each_term, words};
use sluice::domain::memory::vector::{Embedding, Vector};
use sluice::domain::memory::{MemoryKind, MemoryRecord, Partition, Query, Scope, Tier, Trust, Visibility};
use sluice::domain::time::Timestamp;
use sluice::store::{MemoryFilter, MemorySearch, Store, Write};

use super::memories::{NOW, found, partition, put, unit};

/// Rounds of random units, units of a round, and searches after each.
const ROUNDS: usize = 8;
const UNITS: usize = 30;
const SEARCHES: usize = 30;

const OWNERS: [&str; 2] = ["user.ada", "user.ada.b"];
const VOCABULARY: [&str; 14] = [
    "pool",
    "Pools",
    "connection",
    "connection pool",
    "timeout",
    "retryLimit",
    "db_url",
    "größe",
    "GROSSE",
    "日本",
    "the",
    "a-b",
    "x",
    "NEAR",
];
const TAGS: [&str; 5] = ["ops", "a,b", "a\",\"ops", "ops\"", "connection pool"];
const QUERIES: [&str; 14] = [
    "pool",
    "pool timeout",
    "\"connection pool\"",
    "conn*",
    "po* größe",
    "retrylimit",
    "limit",
    "db url x",
    "日本",
    "the",
    "\"connection pool\" timeout \"a b\"",
    "nothing",
    "x NEAR OR pool",
    "\"日本\" ops",
];

/// Scopes whose fields run together when they are joined, and those of two owners.
fn scopes() -> Vec<Scope> {
    let mut scopes = Vec::new();
    for workspace in ["ws", "ws.p"] {
        let workspace = WorkspaceId::new(workspace);
        for project in ["p", "p.q", "q"] {
            for (org, tier) in [(DEFAULT, Tier::Project), (DEFAULT, Tier::Team), ("default.ws", Tier::Project)] {
                let partition = Partition::new(org, &workspace, Some(project), tier, None).unwrap();
                scopes.push(Scope::shared(partition.clone()));
                scopes.extend(OWNERS.map(|owner| Scope::private(partition.clone(), owner)));
            }
            for session in ["s", "q.s"] {
                let partition =
                    Partition::new(DEFAULT, &workspace, Some(project), Tier::Session, Some(session)).unwrap();
                scopes.extend(OWNERS.map(|owner| Scope::private(partition.clone(), owner)));
            }
        }
    }
    scopes
}

/// Everything that was put and is still there.
#[derive(Default)]
struct Model {
    records: BTreeMap<MemoryId, MemoryRecord>,
    made: usize,
}

impl Model {
    fn make(&mut self, random: &mut Random, scopes: &[Scope]) -> MemoryRecord {
        // Few scopes have many, so that words are common in some and rare in others.
        let scope = if random.flag() { &scopes[random.below(3)] } else { random.one_of(scopes) };
        self.made += 1;
        let text: Vec<&str> = (0..1 + random.below(12)).map(|_| *random.one_of(&VOCABULARY)).collect();
        let text = format!("{} n{}", text.join(" "), self.made);
        let mut record = records::memory(random, scope.partition.clone(), &format!("mem_{}", self.made), &text);
        record.tags = random.few(|random| (*random.one_of(&TAGS)).to_owned());
        record.visibility = if scope.owner.is_some() { Visibility::Private } else { Visibility::Shared };
        record.owner = scope.owner.clone().unwrap_or_else(|| (*random.one_of(&OWNERS)).to_owned());
        record.created_at = Timestamp(NOW.0 - random.number() % 4);
        let end = NOW.0 + random.number() % 3;
        record.expires_at = random.maybe(|_| Timestamp(end));
        self.records.insert(record.id.clone(), record.clone());
        record
    }

    /// What one unit does; no two of a round to the same record.
    fn unit(&mut self, random: &mut Random, scopes: &[Scope], untouched: &mut Vec<MemoryId>) -> Vec<Write> {
        let mut writes = vec![Write::Memory(Box::new(self.make(random, scopes)))];
        for _ in 0..random.below(3) {
            if untouched.is_empty() {
                continue;
            }
            let id = untouched.swap_remove(random.below(untouched.len()));
            let record = &self.records[&id];
            if random.below(3) > 0 {
                let mut changed = record.clone();
                changed.revision += 1;
                changed.tags = random.few(|random| (*random.one_of(&TAGS)).to_owned());
                self.records.insert(id, changed.clone());
                writes.push(Write::Memory(Box::new(changed)));
                continue;
            }
            let record = Box::new(record.clone());
            self.records.remove(&id);
            writes.push(if random.flag() { Write::DeleteMemory(record) } else { Write::DemoteMemory(record, NOW) });
        }
        writes
    }

    /// What a search has to find.
    fn search(&self, search: &MemorySearch<'_>) -> Vec<Ranked> {
        let mut found = Vec::new();
        for scope in search.scopes {
            let of_scope: Vec<_> = self.records.values().filter(|record| record.scope() == *scope).collect();
            let terms = search.query.words.iter().chain(&search.query.prefixes);
            let having = terms.enumerate().map(|(place, term)| {
                let is_prefix = place >= search.query.words.len();
                of_scope.iter().filter(|record| has(record, term, is_prefix)).count() as u64
            });
            let counts = Counts {
                records: of_scope.len() as u64,
                words: of_scope.iter().map(|record| words(&record.text).len() as u64).sum(),
                having: having.collect(),
            };
            for record in of_scope {
                let MemoryFilter { owner, kinds, tags } = search.filter;
                let is_meant = record.is_living(search.now)
                    && owner.as_ref().is_none_or(|owner| *owner == record.owner)
                    && (kinds.is_empty() || kinds.contains(&record.kind))
                    && tags.iter().all(|tag| record.tags.contains(tag))
                    && (!search.trusted_only || record.trust == Trust::Trusted);
                let any = search.query.words.iter().any(|word| has(record, word, false))
                    || search.query.prefixes.iter().any(|prefix| has(record, prefix, true));
                if !is_meant || !any {
                    continue;
                }
                if let Some((score, told)) = rank::score(search.query, &counts, record.into(), search.now) {
                    found.push(Scored::of(record, score, told));
                }
            }
        }
        let kept = rank::within_budget(rank::ordered(found), search.limit, search.max_chars);
        let ranked = |one: Scored| {
            let record = self.records[&one.id].clone();
            Ranked { record, score: one.score, is_relevant: one.is_relevant }
        };
        kept.into_iter().map(ranked).collect()
    }
}

fn has(record: &MemoryRecord, wanted: &str, is_prefix: bool) -> bool {
    let mut has = false;
    for text in record.tags.iter().chain([&record.text]) {
        each_term(text, |_, term| has |= if is_prefix { term.starts_with(wanted) } else { term == wanted });
    }
    has
}

#[tokio::test]
async fn every_search_finds_what_a_model_finds_and_ranks_it_the_same() {
    on_both_databases(async |store| {
        let random = &mut Random::new(3);
        let (scopes, mut model) = (scopes(), Model::default());
        let mut hits = 0;
        for _ in 0..ROUNDS {
            let mut untouched: Vec<MemoryId> = model.records.keys().cloned().collect();
            let units: Vec<_> = (0..UNITS).map(|_| unit(model.unit(random, &scopes, &mut untouched))).collect();
            for committed in join_all(units.into_iter().map(|unit| store.commit(unit))).await {
                committed.unwrap();
            }
            for _ in 0..SEARCHES {
                let workspace = random.one_of(&scopes).partition.workspace_id.clone();
                let mut searched: Vec<Scope> = scopes
                    .iter()
                    .filter(|scope| scope.partition.workspace_id == workspace && random.flag())
                    .cloned()
                    .collect();
                searched.extend(scopes[..3].iter().filter(|scope| scope.partition.workspace_id == workspace).cloned());
                searched.sort_unstable();
                searched.dedup();
                let query = Query::parse(QUERIES[random.below(QUERIES.len())]);
                let filter = MemoryFilter {
                    owner: random.maybe(|_| OWNERS[0].to_owned()).filter(|_| random.below(4) == 0),
                    kinds: if random.below(4) == 0 { vec![MemoryKind::Fact, MemoryKind::Note] } else { Vec::new() },
                    tags: if random.below(4) == 0 { vec![(*random.one_of(&TAGS)).to_owned()] } else { Vec::new() },
                };
                let search = MemorySearch {
                    workspace_id: &workspace,
                    scopes: &searched,
                    query: &query,
                    vector: None,
                    filter: &filter,
                    trusted_only: random.below(4) == 0,
                    now: NOW,
                    limit: 1 + random.below(40),
                    max_chars: random.maybe(|random| random.below(400)),
                };
                let wanted = model.search(&search);
                assert_eq!(store.search_memories(&search).await.unwrap(), wanted, "{search:?}");
                hits += wanted.len();
                // Lists agree with searches about what may be seen.
                let listed = store.memories(&workspace, &searched, &filter, NOW, 1_000, 0).await.unwrap();
                assert_eq!(
                    store.count_memories(&workspace, &searched, &filter, NOW).await.unwrap(),
                    listed.len() as u64
                );
                assert!(wanted.iter().all(|one| listed.contains(&one.record)));
                assert!(listed.iter().all(|record| searched.contains(&record.scope())));
            }
        }
        assert!(hits > ROUNDS * SEARCHES, "most searches find something: {hits}");
    })
    .await;
}

async fn scored(store: &Store, scope: &Scope, text: &str) -> Vec<(String, f64, bool)> {
    let query = Query::parse(text);
    let search = MemorySearch {
        workspace_id: &scope.partition.workspace_id,
        scopes: std::slice::from_ref(scope),
        query: &query,
        vector: None,
        filter: &MemoryFilter::default(),
        trusted_only: false,
        now: NOW,
        limit: 100,
        max_chars: None,
    };
    let found = store.search_memories(&search).await.unwrap();
    found.into_iter().map(|one| (one.record.id.to_string(), one.score, one.is_relevant)).collect()
}

/// Puts `texts` into `partition`, one unit for all.
async fn put_all(store: &Store, partition: &Partition, prefix: &str, texts: impl IntoIterator<Item = String>) {
    let random = &mut Random::new(5);
    let records = texts.into_iter().enumerate().map(|(n, text)| {
        let mut record = records::memory(random, partition.clone(), &format!("mem_{prefix}{n}"), &text);
        record.created_at = NOW;
        Write::Memory(Box::new(record))
    });
    store.commit(unit(records.collect())).await.unwrap();
}

#[tokio::test]
async fn what_others_write_moves_no_score() {
    on_both_databases(async |store| {
        let own = Scope::shared(partition("ws_a", "p", Tier::Project));
        let texts =
            (0..300).map(|n| format!("pool {} entry{n} {}", "filler ".repeat(n % 17), "timeout ".repeat(n % 5)));
        put_all(&store, &own.partition, "own", texts).await;
        let queries = ["pool timeout", "timeout", "entry7 pool", "fill* timeout"];
        let mut before = Vec::new();
        for query in queries {
            before.push(scored(&store, &own, query).await);
        }
        for (n, (workspace, project)) in [("ws_b", "p"), ("ws_a", "q"), ("ws_a", "p.")].into_iter().enumerate() {
            let texts = (0..200).map(|n| format!("timeout timeout pool entry{n} other{n} {}", "long ".repeat(n)));
            put_all(&store, &partition(workspace, project, Tier::Project), &format!("other{n}_"), texts).await;
        }
        for (query, before) in queries.into_iter().zip(before) {
            // More have the words than are ranked, and no database decides which.
            assert!(before.len() >= 80, "{query}");
            let after = scored(&store, &own, query).await;
            assert_eq!(after, before, "{query}");
            assert!(after.iter().all(|(id, _, _)| id.starts_with("mem_own")), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_query_is_more_than_words() {
    on_both_databases(async |store| {
        let (own, foreign) = (partition("ws_a", "p", Tier::Project), partition("ws_b", "p", Tier::Project));
        put_all(&store, &own, "own", ["near body rest select one".to_owned(), "plain \"two\" words".to_owned()]).await;
        put_all(&store, &foreign, "foreign", ["near body rest secret select".to_owned()]).await;
        let scopes = [Scope::shared(own)];
        let foreign_word = format!("{}wsecret", Scope::shared(foreign).key().as_str());
        let long = "near ".repeat(5_000);
        for (query, wanted) in [
            ("body:near", &["mem_own0"][..]),
            ("{body rest}:near", &["mem_own0"]),
            ("NEAR(one two, 10)", &["mem_own0", "mem_own1"]),
            ("one AND two", &["mem_own0", "mem_own1"]),
            ("one NOT near", &["mem_own0"]),
            ("\"one", &["mem_own0"]),
            ("\"\"one\"\"", &["mem_own0"]),
            ("'; DROP TABLE memories; -- one", &["mem_own0"]),
            ("\") OR 1=1 -- one", &["mem_own0"]),
            ("one' | '", &["mem_own0"]),
            ("one:* & !two", &["mem_own0", "mem_own1"]),
            ("%", &[]),
            ("_ * ^ + -", &[]),
            ("\u{0} \u{feff}", &[]),
            (&foreign_word, &[]),
            ("secret", &[]),
            (&long, &["mem_own0"]),
            ("\u{1e900}\u{1e901} one", &["mem_own0"]),
        ] {
            let mut ids = found(&store, &scopes, query).await;
            ids.sort_unstable();
            assert_eq!(ids, wanted, "{query:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_text_cannot_write_itself_into_another_scope() {
    on_both_databases(async |store| {
        let (own, other) = (partition("ws_a", "p", Tier::Project), partition("ws_a", "q", Tier::Project));
        let key = Scope::shared(other.clone()).key();
        let texts = ["\u{1e900}", " ", "'", "\"", "\u{301}", "_", "½"].map(|between| {
            let forged = format!("{}wvictim", key.as_str());
            format!("x{between}{forged}{between}' {forged} ':1 '{forged}'")
        });
        put_all(&store, &own, "own", texts).await;
        put_all(&store, &other, "other", ["victim".to_owned()]).await;
        assert_eq!(scored(&store, &Scope::shared(other), "victim").await, [("mem_other0".to_owned(), 1.0, true)]);
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_for_most_exactly_comes_first() {
    on_both_databases(async |store| {
        let shared = partition("ws_a", "p", Tier::Project);
        let texts = [
            "The connection pool is limited to ten entries per worker process.",
            "A pool of workers; each keeps one connection open.",
            "Set the retryLimit to 3, and read DB_URL from the environment.",
            "Die Größe des Puffers steht in der Straße.",
            "接続プールの大きさ",
            "Swimming in the pool.",
            "Unrelated remark about lunch.",
            "parse_http_request fails on empty bodies",
        ];
        put_all(&store, &shared, "", texts.map(str::to_owned)).await;
        let mut tagged = records::memory(&mut Random::new(1), shared.clone(), "mem_tag", "Always roll back first.");
        tagged.tags = vec!["deploy pool".to_owned()];
        tagged.created_at = NOW;
        put(&store, &tagged).await;
        let scopes = [Scope::shared(shared)];
        for (query, wanted) in [
            ("connection pool", &["mem_0", "mem_1", "mem_tag", "mem_5"][..]),
            ("\"connection pool\"", &["mem_0"]),
            ("\"pool connection\"", &[]),
            ("\"deploy pool\"", &[]),
            ("deploy", &["mem_tag"]),
            ("conn*", &["mem_1", "mem_0"]),
            ("retry limit", &["mem_2"]),
            ("RETRYLIMIT", &["mem_2"]),
            ("db_url", &["mem_2"]),
            ("grosse strasse", &["mem_3"]),
            ("大き", &["mem_4"]),
            ("parseHttpRequest", &["mem_7"]),
            ("lunch*", &["mem_6"]),
        ] {
            let ids = found(&store, &scopes, query).await;
            assert_eq!(ids[..wanted.len().min(ids.len())], *wanted, "{query}: {ids:?}");
            assert_eq!(ids.is_empty(), wanted.is_empty(), "{query}: {ids:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn nearly_the_same_text_is_found_and_another_is_not() {
    on_both_databases(async |store| {
        let (own, other) = (partition("ws_a", "p", Tier::Project), partition("ws_a", "q", Tier::Project));
        let text: String = (0..80).map(|n| format!("word{n} ")).collect();
        put_all(&store, &own, "own", [text.clone(), text.replace("word4", "else4")]).await;
        put_all(&store, &other, "other", [text.clone()]).await;
        let near = async |text: &str| {
            let near = store.near_memory(&Scope::shared(own.clone()), text, NOW).await.unwrap();
            near.map(|record| record.id.to_string())
        };
        assert_eq!(near(&text.replace("word70", "other")).await.as_deref(), Some("mem_own0"));
        assert_eq!(near(&text.to_uppercase().replace(' ', ", ")).await.as_deref(), Some("mem_own0"));
        assert_eq!(near(&text[..300]).await, None);
        assert_eq!(near("").await, None);
        let elsewhere = Scope::shared(partition("ws_b", "p", Tier::Project));
        assert_eq!(store.near_memory(&elsewhere, &text, NOW).await.unwrap(), None);
    })
    .await;
}

fn embedding(model: &str, numbers: &[f32]) -> Embedding {
    Embedding { model: model.to_owned(), vector: Vector::new(numbers).unwrap() }
}

#[tokio::test]
async fn vectors_find_what_words_do_not() {
    on_both_databases(async |store| {
        let shared = partition("ws_a", "p", Tier::Project);
        let vectors = [[1.0, 0.1, 0.0], [0.9, 0.2, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]];
        let texts = ["first", "second", "third", "fourth"];
        put_all(&store, &shared, "", texts.map(str::to_owned)).await;
        let mut writes: Vec<Write> = Vec::new();
        for (n, numbers) in vectors.iter().enumerate() {
            let id = MemoryId::new(format!("mem_{n}"));
            writes.push(Write::MemoryVector(id, WorkspaceId::new("ws_a"), embedding("", numbers)));
        }
        store.commit(unit(writes)).await.unwrap();
        let scopes = [Scope::shared(shared)];
        let search_by = async |model: &str, text: &str, numbers: &[f32], scopes: &[Scope]| {
            let (query, vector) = (Query::parse(text), embedding(model, numbers));
            let search = MemorySearch {
                workspace_id: &scopes[0].partition.workspace_id,
                scopes,
                query: &query,
                vector: Some(&vector),
                filter: &MemoryFilter::default(),
                trusted_only: false,
                now: NOW,
                limit: 10,
                max_chars: None,
            };
            let found = store.search_memories(&search).await.unwrap();
            found.into_iter().map(|one| (one.record.id.to_string(), one.is_relevant)).collect::<Vec<_>>()
        };
        let search = async |text: &str, numbers: &[f32], scopes: &[Scope]| search_by("", text, numbers, scopes).await;
        let wanted = [("mem_0", true), ("mem_1", true), ("mem_2", false), ("mem_3", false)];
        assert_eq!(search("", &[1.0, 0.0, 0.0], &scopes).await, wanted.map(|(id, told)| (id.to_owned(), told)));
        // A word outweighs the last place by angle.
        assert_eq!(search("third", &[1.0, 0.0, 0.0], &scopes).await[0], ("mem_2".to_owned(), true));
        assert_eq!(search("", &[1.0, 0.0], &scopes).await, [], "other models' vectors have another length");
        assert_eq!(search_by("small", "", &[1.0, 0.0, 0.0], &scopes).await, [], "or another name");
        assert_eq!(search("", &[1.0, 0.0, 0.0], &[Scope::shared(partition("ws_a", "q", Tier::Project))]).await, []);
        let record = store.memory_as_stored(&WorkspaceId::new("ws_a"), &MemoryId::new("mem_0")).await.unwrap().unwrap();
        store.commit(unit(vec![Write::DemoteMemory(Box::new(record), NOW)])).await.unwrap();
        assert_eq!(search("", &[1.0, 0.0, 0.0], &scopes).await[0].0, "mem_1");
    })
    .await;
}

/// Records of the rest of the workspace, and of one partition. Fewer on PostgreSQL, where the test's server
/// takes a minute to index as many.
const MANY: usize = 50_000;
const MANY_ON_POSTGRES: usize = 10_000;
const FEW: usize = 1_000;

#[tokio::test]
async fn a_partition_is_searched_as_fast_among_many_as_alone() {
    for database in TestDatabase::each().await {
        let store = database.open().await;
        let many = if database.is_postgres() { MANY_ON_POSTGRES } else { MANY };
        let small = Scope::shared(partition("ws_a", "small", Tier::Project));
        let text = |n: usize| format!("pool {} entry{} {} about {n}", n % 7, n % 100, ["timeout", "retry"][n % 2]);
        put_all(&store, &small.partition, "small", (0..FEW).map(text)).await;
        let measured = async || {
            let mut times = Vec::new();
            for n in 0..40 {
                let begun = tokio::time::Instant::now();
                let found = scored(&store, &small, &format!("entry{} timeout", n * 2)).await;
                times.push(begun.elapsed());
                assert!(found.len() >= 10, "{n}");
            }
            // The fastest: other work on the machine only ever makes one slower.
            times.into_iter().min().expect("there are some")
        };
        let alone = measured().await;
        for n in 0..many / FEW {
            // All in one partition, the largest there is.
            let texts = (n * FEW..(n + 1) * FEW).map(text);
            put_all(&store, &partition("ws_a", "large", Tier::Project), &format!("large{n}_"), texts).await;
        }
        let among = measured().await;
        // A search that read the others' entries would take tens of times as long.
        assert!(among < alone * 4, "alone {alone:?}, among {many} others {among:?}");
        let begun = tokio::time::Instant::now();
        let found = scored(&store, &Scope::shared(partition("ws_a", "large", Tier::Project)), "about 17 timeout").await;
        assert_eq!(found[0].0, "mem_large0_17");
        println!("alone {alone:?}, among others {among:?}, of {many} {:?}", begun.elapsed());
        store.close().await;
    }
}

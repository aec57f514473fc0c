//! Every kind of record comes back as it was written, and is replaced by the next of its key.

use std::sync::Arc;

use e2e::databases::on_both_databases;
use e2e::random::Random;
use e2e::records;
use sluice::domain::event::LogEvent;
use sluice::domain::gate::EvaluationStatus;
use sluice::domain::time::Timestamp;
use sluice::store::{CommitError, LogFilter, StorageErrorKind, Store, Unit, Write};

/// Random records of each kind; each key is used several times where rows are replaced.
const ROUNDS: u64 = 40;

async fn write(store: &Store, write: Write) {
    store.commit(Unit { writes: vec![write], ..Unit::default() }).await.unwrap();
}

#[tokio::test]
async fn missions_come_back_as_they_were() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let mission = records::mission(&mut Random::new(seed), &format!("mis_{}", seed % 7));
            write(&store, Write::Mission(mission.clone())).await;
            let found = store.mission(&mission.workspace_id, &mission.id).await.unwrap();
            assert_eq!(found, Some(mission));
        }
    })
    .await;
}

#[tokio::test]
async fn work_items_come_back_as_they_were() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let position = u32::try_from(seed % 7).unwrap();
            let item = records::work_item(&mut Random::new(seed), "mis_a", &format!("wi_{position}"), position);
            write(&store, Write::WorkItem(Arc::new(item.clone()))).await;
            let found = store.work_items(&item.mission_id, position.checked_sub(1), 1).await.unwrap();
            assert_eq!(found, [item]);
        }
    })
    .await;
}

#[tokio::test]
async fn runs_come_back_as_they_were_with_and_without_a_lease() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            // Each run is written anew, so that no lease is left over from the last round.
            let run = records::run(&mut Random::new(seed), "mis_a", &format!("run_{seed}"));
            write(&store, Write::Run(run.clone())).await;
            assert_eq!(store.run(&run.id).await.unwrap(), Some(run));
        }
    })
    .await;
}

#[tokio::test]
async fn evaluations_come_back_as_they_were() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let evaluation = records::evaluation(&mut Random::new(seed), "mis_a", &format!("evl_{}", seed % 7));
            write(&store, Write::Evaluation(evaluation.clone())).await;
            assert_eq!(store.evaluation(&evaluation.id).await.unwrap().as_ref(), Some(&evaluation));
            let pending = store.evaluations_of(&evaluation.mission_id).await.unwrap();
            assert_eq!(pending.contains(&evaluation), evaluation.status == EvaluationStatus::Pending);
        }
    })
    .await;
}

#[tokio::test]
async fn verdicts_come_back_as_they_were() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let verdict = records::verdict(&mut Random::new(seed), "mis_a", &format!("ver_{seed}"));
            write(&store, Write::Verdict(verdict.clone())).await;
            assert_eq!(store.verdict(&verdict.id).await.unwrap(), Some(verdict));
        }
    })
    .await;
}

#[tokio::test]
async fn approvals_come_back_as_they_were() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let approval = records::approval(&mut Random::new(seed), "mis_a", &format!("apr_{}", seed % 7));
            write(&store, Write::Approval(approval.clone())).await;
            assert_eq!(store.approval(&approval.id).await.unwrap(), Some(approval));
        }
    })
    .await;
}

#[tokio::test]
async fn timers_come_back_as_they_were_and_go() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let random = &mut Random::new(seed);
            let key = random.text();
            let timer = records::timer(random, "mis_a", &key);
            write(&store, Write::Timer(timer.clone())).await;
            assert_eq!(store.timers(&timer.mission_id).await.unwrap(), std::slice::from_ref(&timer));
            write(&store, Write::DeleteTimer(timer.mission_id.clone(), key)).await;
            assert_eq!(store.timers(&timer.mission_id).await.unwrap(), []);
        }
    })
    .await;
}

#[tokio::test]
async fn webhooks_and_deliveries_come_back_as_they_were_and_go() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let random = &mut Random::new(seed);
            let endpoint = records::webhook(random, &format!("hook{}", seed % 7));
            write(&store, Write::Webhook(Box::new(endpoint.clone()))).await;
            let found = store.webhook(&endpoint.workspace_id, &endpoint.name).await.unwrap();
            assert_eq!(found.as_ref(), Some(&endpoint));
            let listed = store.webhooks(&endpoint.workspace_id, None, 10).await.unwrap();
            assert_eq!(listed.contains(&endpoint), endpoint.deleted_at.is_none());

            let delivery = records::delivery(random, &format!("dlv_{}", seed % 7));
            write(&store, Write::Delivery(Box::new(delivery.clone()))).await;
            assert_eq!(store.delivery(&delivery.id).await.unwrap().as_ref(), Some(&delivery));
            if seed < 7 {
                let body = random.json();
                write(&store, Write::DeliveryBody(Box::new((delivery.clone(), body.clone())))).await;
                assert_eq!(store.delivery_body(&delivery.id).await.unwrap(), Some(body));
            }
            if seed > ROUNDS - 4 {
                write(&store, Write::ForgetDelivery(delivery.id.clone())).await;
                assert_eq!(store.delivery(&delivery.id).await.unwrap(), None);
                assert_eq!(store.delivery_body(&delivery.id).await.unwrap(), None);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn artifacts_come_back_as_they_were() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let artifact = records::artifact(&mut Random::new(seed), "mis_a", &format!("art_{seed}"));
            write(&store, Write::Artifact(artifact.clone())).await;
            assert_eq!(store.artifact(&artifact.id).await.unwrap(), Some(artifact));
        }
    })
    .await;
}

#[tokio::test]
async fn inputs_come_back_as_they_were_and_go() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let input = records::input(&mut Random::new(seed), "mis_a", &format!("evt_{seed}"));
            write(&store, Write::Input(input.clone())).await;
            assert_eq!(store.inbox(10).await.unwrap(), std::slice::from_ref(&input));
            write(&store, Write::DeleteInput(input.id)).await;
            assert_eq!(store.inbox(10).await.unwrap(), []);
        }
    })
    .await;
}

#[tokio::test]
async fn histories_come_back_as_they_were() {
    on_both_databases(async |store| {
        for seq in 0..ROUNDS {
            let entry = records::history_entry(&mut Random::new(seq), "mis_a", seq);
            write(&store, Write::History(entry.clone())).await;
            assert_eq!(store.history(&entry.mission_id, seq.checked_sub(1), 10).await.unwrap(), [entry]);
        }
    })
    .await;
}

#[tokio::test]
async fn log_events_come_back_as_they_were() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let event = records::log_event(&mut Random::new(seed), &format!("evt_{seed}"));
            store.commit(Unit { events: vec![event.clone()], ..Unit::default() }).await.unwrap();
            let found = store.log_events(&event.workspace_id, seed, &LogFilter::default(), 10).await.unwrap();
            assert_eq!(found, [LogEvent { seq: seed + 1, event }]);
        }
    })
    .await;
}

#[track_caller]
#[tokio::test]
async fn routines_come_back_as_they_were_and_go() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let routine = records::routine(&mut Random::new(seed), &format!("r{}", seed % 7));
            write(&store, Write::Routine(Box::new(routine.clone()))).await;
            assert_eq!(store.routine(&routine.workspace_id, &routine.id).await.unwrap(), Some(routine.clone()));
            if seed % 5 == 0 {
                write(&store, Write::DeleteRoutine(routine.workspace_id.clone(), routine.id.clone())).await;
                assert_eq!(store.routine(&routine.workspace_id, &routine.id).await.unwrap(), None);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn occurrences_and_histories_of_routines_come_back_as_they_were() {
    on_both_databases(async |store| {
        for seed in 0..ROUNDS {
            let random = &mut Random::new(seed);
            let occurrence = records::occurrence(random, "r", &format!("run_{}", seed % 7));
            write(&store, Write::Occurrence(Box::new(occurrence.clone()))).await;
            let found = store.occurrence(&occurrence.workspace_id, &occurrence.id).await.unwrap();
            assert_eq!(found, Some(occurrence));
            let entry = records::routine_entry(random, "r", &format!("evt_{seed:03}"));
            write(&store, Write::RoutineEntry(entry.clone())).await;
            let found = store.routine_history(&entry.workspace_id, &entry.routine_id, None, 1).await.unwrap();
            assert_eq!(found, [entry], "the newest comes first");
        }
    })
    .await;
}

fn assert_invalid(answer: Result<sluice::store::Committed, CommitError>, place: &str) {
    let Err(CommitError::Storage(error)) = answer else { panic!("{answer:?}") };
    assert_eq!(error.kind, StorageErrorKind::Invalid);
    assert!(error.source.to_string().contains(place), "{}", error.source);
}

#[tokio::test]
async fn what_no_database_could_hold_is_refused_on_both() {
    on_both_databases(async |store| {
        let good = records::mission(&mut Random::new(1), "mis_a");
        let mut nul = good.clone();
        nul.goal = "a\0b".to_owned();
        let answer = store.commit(Unit { writes: vec![Write::Mission(nul)], ..Unit::default() }).await;
        assert_invalid(answer, "missions.goal");
        let mut large = good.clone();
        large.usage.steps = i64::MAX as u64 + 1;
        let answer = store.commit(Unit { writes: vec![Write::Mission(large)], ..Unit::default() }).await;
        assert_invalid(answer, "missions.steps");
        let mut huge = good.clone();
        huge.goal = "x".repeat(sluice::store::UNIT_MAX_BYTES);
        let answer = store.commit(Unit { writes: vec![Write::Mission(huge)], ..Unit::default() }).await;
        assert_invalid(answer, "64 MiB");
        assert_eq!(store.mission(&good.workspace_id, &good.id).await.unwrap(), None);
        write(&store, Write::Mission(good.clone())).await;
        assert_eq!(store.mission(&good.workspace_id, &good.id).await.unwrap(), Some(good));
    })
    .await;
}

#[tokio::test]
async fn a_moment_past_the_end_of_time_is_stored_as_the_end() {
    on_both_databases(async |store| {
        let mut timer = records::timer(&mut Random::new(1), "mis_a", "never");
        timer.due_at = Timestamp(u64::MAX);
        write(&store, Write::Timer(timer)).await;
        assert_eq!(store.next_timer_due().await.unwrap(), Some(Timestamp(i64::MAX as u64)));
        assert_eq!(store.due_timers(Timestamp(i64::MAX as u64 - 1), 10).await.unwrap(), []);
        assert_eq!(store.due_timers(Timestamp(u64::MAX), 10).await.unwrap().len(), 1);
    })
    .await;
}

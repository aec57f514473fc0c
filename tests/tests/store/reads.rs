//! What each read finds, in which order, and where its pages end.

use std::sync::Arc;

use e2e::databases::on_both_databases;
use e2e::random::Random;
use e2e::records::{self, workspace};
use sluice::domain::approval::{Approval, ApprovalStatus};
use sluice::domain::artifact::{Artifact, Digest};
use sluice::domain::gate::{Evaluation, EvaluationStatus, Verdict};
use sluice::domain::id::{ApprovalId, ArtifactId, EvaluationId, MissionId, RunId, VerdictId, WorkItemId, WorkspaceId};
use sluice::domain::mission::{Mission, MissionStatus};
use sluice::domain::run::{ClaimableRun, Lease, Run, RunKind, RunStatus};
use sluice::domain::time::Timestamp;
use sluice::domain::work_item::WorkItem;
use sluice::domain::workspace::WorkspaceRevision;
use sluice::store::{Store, UnderJudgement, Unit, Write};

async fn write(store: &Store, writes: impl IntoIterator<Item = Write>) {
    store.commit(Unit { writes: writes.into_iter().collect(), ..Unit::default() }).await.unwrap();
}

fn elsewhere() -> WorkspaceId {
    WorkspaceId::new("ws_elsewhere")
}

#[tokio::test]
async fn missions_are_listed_newest_first_by_page_and_status() {
    on_both_databases(async |store| {
        let mission = |id: &str, status| Write::Mission(records::mission_at(id, status, 1));
        let foreign = Mission { workspace_id: elsewhere(), ..records::mission_at("mis_x", MissionStatus::Running, 1) };
        write(
            &store,
            [
                // By bytes upper case sorts before lower case, by no locale's dictionary it does.
                mission("mis_B", MissionStatus::Running),
                mission("mis_a", MissionStatus::Draft),
                mission("mis_c", MissionStatus::Paused),
                mission("mis_d", MissionStatus::Succeeded),
                mission("mis_e", MissionStatus::Failed),
                mission("mis_f", MissionStatus::Canceled),
                mission("mis_g", MissionStatus::Running),
                Write::Mission(foreign),
            ],
        )
        .await;
        let ids = async |status, before: Option<&str>, limit| {
            let before = before.map(MissionId::new);
            let found = store.missions(&workspace(), status, before.as_ref(), limit).await.unwrap();
            found.iter().map(|mission| mission.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(ids(None, None, 3).await, ["mis_g", "mis_f", "mis_e"]);
        assert_eq!(ids(None, Some("mis_e"), 3).await, ["mis_d", "mis_c", "mis_a"]);
        assert_eq!(ids(None, Some("mis_a"), 3).await, ["mis_B"]);
        assert_eq!(ids(Some(MissionStatus::Running), None, 9).await, ["mis_g", "mis_B"]);
        assert_eq!(ids(None, None, 0).await, [""; 0]);
        let open = store.open_missions(&workspace()).await.unwrap();
        assert_eq!(open, ["mis_B", "mis_a", "mis_c", "mis_g"].map(MissionId::new));
        assert_eq!(store.mission(&workspace(), &MissionId::new("mis_x")).await.unwrap(), None);
        assert!(store.mission(&elsewhere(), &MissionId::new("mis_x")).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn work_items_are_paged_by_position() {
    on_both_databases(async |store| {
        let item = |mission: &str, position| {
            let item = records::work_item(&mut Random::new(1), mission, &format!("wi_{}", 99 - position), position);
            Write::WorkItem(Arc::new(item))
        };
        write(&store, (0..12).map(|position| item("mis_a", position)).chain([item("mis_b", 0)])).await;
        let positions = async |after, limit| {
            let found = store.work_items(&MissionId::new("mis_a"), after, limit).await.unwrap();
            found.iter().map(|item| item.position).collect::<Vec<_>>()
        };
        assert_eq!(positions(None, 3).await, [0, 1, 2]);
        assert_eq!(positions(Some(2), 100).await, (3..12).collect::<Vec<_>>());
        assert_eq!(positions(Some(11), 100).await, [0; 0]);
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_work_items_are_one_unit_and_one_page() {
    on_both_databases(async |store| {
        let items = (0..10_000).map(|position| {
            let item = records::work_item(&mut Random::new(1), "mis_a", &format!("wi_{position}"), position);
            Write::WorkItem(Arc::new(item))
        });
        write(&store, items).await;
        let found = store.work_items(&MissionId::new("mis_a"), None, u32::MAX).await.unwrap();
        assert_eq!(found.len(), 10_000);
    })
    .await;
}

fn ids(runs: &[Run]) -> Vec<&str> {
    runs.iter().map(|run| run.id.as_str()).collect()
}

fn run(id: &str, status: RunStatus) -> Run {
    Run { status, kind: RunKind::Work, ..records::queued_run("mis_a", id, 1) }
}

#[tokio::test]
async fn runs_are_listed_by_mission_status_and_page() {
    on_both_databases(async |store| {
        let other = Run { mission_id: MissionId::new("mis_b"), ..run("run_d", RunStatus::Queued) };
        let foreign = Run { workspace_id: elsewhere(), ..run("run_e", RunStatus::Queued) };
        let runs = [
            run("run_a", RunStatus::Queued),
            run("run_b", RunStatus::Failed),
            run("run_c", RunStatus::Queued),
            other,
            foreign,
        ];
        write(&store, runs.map(Write::Run)).await;
        let (mission, after) = (MissionId::new("mis_a"), RunId::new("run_a"));
        let all = store.runs(&workspace(), None, None, None, 9).await.unwrap();
        assert_eq!(ids(&all), ["run_a", "run_b", "run_c", "run_d"]);
        let queued = store.runs(&workspace(), Some(&mission), Some(RunStatus::Queued), None, 9).await.unwrap();
        assert_eq!(ids(&queued), ["run_a", "run_c"]);
        let page = store.runs(&workspace(), Some(&mission), None, Some(&after), 1).await.unwrap();
        assert_eq!(ids(&page), ["run_b"]);
        assert_eq!(store.run(&RunId::new("run_z")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_board_gets_open_runs_last_runs_and_planner_runs() {
    on_both_databases(async |store| {
        let planner = Run { kind: RunKind::Planner, work_item_id: None, ..run("run_p", RunStatus::Failed) };
        let elsewhere = Run { mission_id: MissionId::new("mis_b"), ..run("run_z", RunStatus::Running) };
        let runs = [
            run("run_a", RunStatus::Failed),
            run("run_b", RunStatus::Succeeded),
            run("run_c", RunStatus::Queued),
            run("run_d", RunStatus::Running),
            planner,
            elsewhere,
        ];
        let item = WorkItem {
            run_id: Some(RunId::new("run_b")),
            ..records::work_item(&mut Random::new(1), "mis_a", "wi_a", 0)
        };
        write(&store, runs.map(Write::Run).into_iter().chain([Write::WorkItem(Arc::new(item))])).await;
        let board = store.board_runs(&MissionId::new("mis_a")).await.unwrap();
        assert_eq!(ids(&board), ["run_b", "run_c", "run_d", "run_p"]);
    })
    .await;
}

fn claimable_ids(runs: &[ClaimableRun]) -> Vec<&str> {
    runs.iter().map(|run| run.id.as_str()).collect()
}

#[tokio::test]
async fn claims_are_fair_between_missions() {
    on_both_databases(async |store| {
        let mission = |id: &str, status| Write::Mission(records::mission_at(id, status, 1));
        let queued = |mission: &str, id: &str, at| Write::Run(records::queued_run(mission, id, at));
        let going = Run { status: RunStatus::Running, ..records::queued_run("mis_a", "run_a0", 1) };
        let not_yet = Run { not_before: Some(Timestamp(101)), ..records::queued_run("mis_b", "run_b9", 1) };
        let just_now = Run { not_before: Some(Timestamp(100)), ..records::queued_run("mis_c", "run_c1", 90) };
        write(
            &store,
            [
                mission("mis_a", MissionStatus::Running),
                mission("mis_b", MissionStatus::Running),
                mission("mis_c", MissionStatus::Running),
                mission("mis_d", MissionStatus::Paused),
                Write::Run(going),
                queued("mis_a", "run_a1", 10),
                queued("mis_a", "run_a2", 11),
                queued("mis_b", "run_b1", 50),
                queued("mis_b", "run_b2", 51),
                queued("mis_b", "run_b3", 52),
                Write::Run(not_yet),
                Write::Run(just_now),
                queued("mis_d", "run_d1", 1),
            ],
        )
        .await;
        let expected = ["run_b1", "run_c1", "run_a1", "run_b2", "run_a2", "run_b3"];
        let found = store.claimable_runs(&workspace(), Timestamp(100), None, 100).await.unwrap();
        assert_eq!(claimable_ids(&found), expected);
        assert_eq!(found.iter().map(|run| run.turn).collect::<Vec<_>>(), [1, 1, 2, 2, 3, 3]);
        let mut paged: Vec<ClaimableRun> = Vec::new();
        loop {
            let page = store.claimable_runs(&workspace(), Timestamp(100), paged.last(), 2).await.unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(claimable_ids(&paged), expected, "pages leave nothing out");
        assert_eq!(store.claimable_runs(&elsewhere(), Timestamp(100), None, 9).await.unwrap(), []);

        let asked = ["run_b1", "run_b9", "run_a0", "run_d1", "run_x"].map(RunId::new);
        let still = store.still_claimable(&asked, Timestamp(100)).await.unwrap();
        assert_eq!(ids(&still), ["run_b1"], "not what is late, going, paused or unknown");
    })
    .await;
}

#[tokio::test]
async fn leased_runs_are_found_by_host_and_by_end() {
    on_both_databases(async |store| {
        let leased = |id: &str, host: &str, expires_at| {
            let lease = Lease {
                host_id: host.to_owned(),
                expires_at: Timestamp(expires_at),
                ..records::lease(&mut Random::new(1))
            };
            Run { lease: Some(lease), token_digest: None, ..run(id, RunStatus::Running) }
        };
        let outside = |run: Run| Run { token_digest: Some(Digest::of(b"secret")), ..run };
        let free = Write::Run(run("run_d", RunStatus::Queued));
        let held = [leased("run_a", "h1", 30), leased("run_b", "h2", 20), leased("run_c", "h1", 10)];
        write(&store, held.into_iter().map(Write::Run).chain([free])).await;
        let find = async |host: Option<&str>, before: Option<u64>, limit| {
            let found = store.leased_runs(host, before.map(Timestamp), limit).await.unwrap();
            found.iter().map(|run| run.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(find(None, None, 9).await, ["run_c", "run_b", "run_a"]);
        assert_eq!(find(Some("h1"), None, 9).await, ["run_c", "run_a"]);
        assert_eq!(find(None, Some(20), 9).await, ["run_c"]);
        assert_eq!(find(None, Some(21), 9).await, ["run_c", "run_b"]);
        assert_eq!(find(Some("h1"), Some(100), 1).await, ["run_c"]);
        write(&store, [Write::Run(outside(leased("run_c", "h1", 10)))]).await;
        assert_eq!(find(Some("h1"), None, 9).await, ["run_a"], "a worker outside outlives its host");
        assert_eq!(find(None, Some(20), 9).await, ["run_c"]);
    })
    .await;
}

#[tokio::test]
async fn evaluations_are_pending_when_they_are_due() {
    on_both_databases(async |store| {
        let evaluation = |id: &str, mission: &str, status, not_before: Option<u64>, requested_at| {
            Write::Evaluation(Evaluation {
                status,
                not_before: not_before.map(Timestamp),
                requested_at: Timestamp(requested_at),
                ..records::evaluation(&mut Random::new(1), mission, id)
            })
        };
        write(
            &store,
            [
                evaluation("evl_a", "mis_a", EvaluationStatus::Pending, None, 30),
                evaluation("evl_b", "mis_b", EvaluationStatus::Pending, Some(100), 20),
                evaluation("evl_c", "mis_a", EvaluationStatus::Pending, Some(101), 10),
                evaluation("evl_d", "mis_a", EvaluationStatus::Answered, None, 5),
            ],
        )
        .await;
        let ids = |found: Vec<Evaluation>| found.iter().map(|evaluation| evaluation.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(store.pending_evaluations(Timestamp(100), 9).await.unwrap()), ["evl_b", "evl_a"]);
        assert_eq!(ids(store.pending_evaluations(Timestamp(101), 1).await.unwrap()), ["evl_c"]);
        assert_eq!(ids(store.evaluations_of(&MissionId::new("mis_a")).await.unwrap()), ["evl_c", "evl_a"]);
    })
    .await;
}

#[tokio::test]
async fn timers_are_due_in_their_order() {
    on_both_databases(async |store| {
        assert_eq!(store.next_timer_due().await.unwrap(), None);
        let timer = |mission: &str, key: &str, due_at| {
            let timer = records::timer(&mut Random::new(1), mission, key);
            Write::Timer(sluice::domain::timer::Timer { due_at: Timestamp(due_at), ..timer })
        };
        write(
            &store,
            [timer("mis_a", "z", 30), timer("mis_b", "y", 20), timer("mis_a", "b", 40), timer("mis_a", "B", 50)],
        )
        .await;
        let due = async |now, limit| {
            let found = store.due_timers(Timestamp(now), limit).await.unwrap();
            found.iter().map(|timer| timer.key.clone()).collect::<Vec<_>>()
        };
        assert_eq!(due(19, 9).await, [""; 0]);
        assert_eq!(due(20, 9).await, ["y"]);
        assert_eq!(due(99, 2).await, ["y", "z"]);
        assert_eq!(store.next_timer_due().await.unwrap(), Some(Timestamp(20)));
        let of_mission = store.timers(&MissionId::new("mis_a")).await.unwrap();
        assert_eq!(of_mission.iter().map(|timer| timer.key.as_str()).collect::<Vec<_>>(), ["B", "b", "z"]);
    })
    .await;
}

#[tokio::test]
async fn approvals_are_listed_and_expire() {
    on_both_databases(async |store| {
        let approval = |id: &str, mission: &str, status, expires_at: Option<u64>| {
            let approval = records::approval(&mut Random::new(1), mission, id);
            Approval { status, expires_at: expires_at.map(Timestamp), ..approval }
        };
        let pending = ApprovalStatus::Pending;
        let foreign = Approval { workspace_id: elsewhere(), ..approval("apr_e", "mis_c", pending, Some(5)) };
        let approvals = [
            approval("apr_a", "mis_a", pending, Some(100)),
            approval("apr_b", "mis_a", ApprovalStatus::Granted, Some(10)),
            approval("apr_c", "mis_b", pending, None),
            approval("apr_d", "mis_b", pending, Some(101)),
            foreign,
        ];
        write(&store, approvals.map(Write::Approval)).await;
        let ids = |found: Vec<Approval>| found.iter().map(|approval| approval.id.to_string()).collect::<Vec<_>>();
        let mission = MissionId::new("mis_a");
        assert_eq!(ids(store.approvals(&workspace(), None, None, None, 3).await.unwrap()), ["apr_a", "apr_b", "apr_c"]);
        assert_eq!(
            ids(store.approvals(&workspace(), None, Some(pending), None, 9).await.unwrap()),
            ["apr_a", "apr_c", "apr_d"]
        );
        assert_eq!(
            ids(store.approvals(&workspace(), Some(&mission), Some(pending), None, 9).await.unwrap()),
            ["apr_a"]
        );
        assert_eq!(ids(store.expired_approvals(Timestamp(100), 9).await.unwrap()), ["apr_e", "apr_a"]);
        assert_eq!(ids(store.expired_approvals(Timestamp(100), 1).await.unwrap()), ["apr_e"]);
        assert_eq!(store.approval(&ApprovalId::new("apr_z")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_inbox_hides_no_mission_behind_another() {
    on_both_databases(async |store| {
        let input = |mission: &str, number: u32| {
            Write::Input(records::input(&mut Random::new(1), mission, &format!("evt_{number:04}")))
        };
        let long = (0..40).map(|number| input("mis_a", number));
        let short = [input("mis_b", 9000), input("mis_B", 9001), input("mis_c", 9002)];
        write(&store, long.chain(short)).await;
        let ids = async |limit| {
            let found = store.inbox(limit).await.unwrap();
            found.iter().map(|input| input.id.to_string()).collect::<Vec<_>>()
        };
        let mut expected: Vec<_> = (0..16).map(|number| format!("evt_{number:04}")).collect();
        expected.extend(["evt_9000", "evt_9001", "evt_9002"].map(str::to_owned));
        assert_eq!(ids(100).await, expected);
        assert_eq!(ids(2).await, ["evt_0000", "evt_0001"]);
        let mission = MissionId::new("mis_a");
        assert_eq!(store.inbox_of(&mission, 100).await.unwrap().len(), 40);
        assert_eq!(store.inbox_of(&mission, 1).await.unwrap()[0].id.as_str(), "evt_0000");
    })
    .await;
}

#[tokio::test]
async fn histories_are_paged_in_order() {
    on_both_databases(async |store| {
        let entry = |mission: &str, seq| Write::History(records::history_entry(&mut Random::new(seq), mission, seq));
        write(&store, (0..12).map(|seq| entry("mis_a", seq)).chain([entry("mis_b", 0)])).await;
        let seqs = async |after, limit| {
            let found = store.history(&MissionId::new("mis_a"), after, limit).await.unwrap();
            found.iter().map(|entry| entry.seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs(None, 2).await, [0, 1]);
        assert_eq!(seqs(Some(0), 2).await, [1, 2]);
        assert_eq!(seqs(Some(8), 100).await, [9, 10, 11]);
    })
    .await;
}

#[tokio::test]
async fn verdicts_are_listed_by_mission_work_item_and_page() {
    on_both_databases(async |store| {
        let verdict = |id: &str, mission: &str, item: &str| {
            let verdict = records::verdict(&mut Random::new(1), mission, id);
            Write::Verdict(Verdict { work_item_id: WorkItemId::new(item), ..verdict })
        };
        let verdicts = [
            ("ver_a", "mis_a", "wi_1"),
            ("ver_b", "mis_a", "wi_2"),
            ("ver_c", "mis_a", "wi_1"),
            ("ver_d", "mis_b", "wi_1"),
        ];
        write(&store, verdicts.map(|(id, mission, item)| verdict(id, mission, item))).await;
        let (mission, item, after) = (MissionId::new("mis_a"), WorkItemId::new("wi_1"), VerdictId::new("ver_a"));
        let ids = |found: Vec<Verdict>| found.iter().map(|verdict| verdict.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(store.verdicts(&mission, None, None, 9).await.unwrap()), ["ver_a", "ver_b", "ver_c"]);
        assert_eq!(ids(store.verdicts(&mission, Some(&item), None, 9).await.unwrap()), ["ver_a", "ver_c"]);
        assert_eq!(ids(store.verdicts(&mission, None, Some(&after), 1).await.unwrap()), ["ver_b"]);
    })
    .await;
}

#[tokio::test]
async fn artifacts_are_listed_and_found_by_ids() {
    on_both_databases(async |store| {
        let artifact = |id: &str, item: Option<&str>| {
            let artifact = records::artifact(&mut Random::new(1), "mis_a", id);
            Write::Artifact(Artifact { work_item_id: item.map(WorkItemId::new), ..artifact })
        };
        write(&store, [artifact("art_a", Some("wi_1")), artifact("art_b", None), artifact("art_c", Some("wi_1"))])
            .await;
        write(&store, (0..1200).map(|number| artifact(&format!("art_n{number:04}"), Some("wi_2")))).await;
        let (mission, item, after) = (MissionId::new("mis_a"), WorkItemId::new("wi_1"), ArtifactId::new("art_a"));
        let names = |found: Vec<Artifact>| found.iter().map(|artifact| artifact.id.to_string()).collect::<Vec<_>>();
        assert_eq!(names(store.artifacts(&mission, None, None, 2).await.unwrap()), ["art_a", "art_b"]);
        assert_eq!(names(store.artifacts(&mission, Some(&item), Some(&after), 9).await.unwrap()), ["art_c"]);
        let wanted = ["art_c", "art_missing", "art_a", "art_c"].map(ArtifactId::new);
        assert_eq!(names(store.artifacts_by_ids(&wanted).await.unwrap()), ["art_c", "art_a", "art_c"]);
        let many: Vec<_> = (0..1200).rev().map(|number| ArtifactId::new(format!("art_n{number:04}"))).collect();
        let found = store.artifacts_by_ids(&many).await.unwrap();
        assert_eq!(found.iter().map(|artifact| artifact.id.clone()).collect::<Vec<_>>(), many);
        assert_eq!(store.artifacts_by_ids(&[]).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_is_under_judgement_is_what_its_rows_say_each_by_itself() {
    on_both_databases(async |store| {
        let (mut asked, mut found) = (Vec::new(), Vec::new());
        for seed in 0..40 {
            let random = &mut Random::new(seed);
            let (mission_id, run_id, item_id) = (format!("mis_{seed}"), format!("run_{seed}"), "wi_a");
            let mission = records::mission(random, &mission_id);
            let item = records::work_item(random, &mission_id, item_id, 0);
            let mut evaluation = records::evaluation(random, &mission_id, &format!("evl_{seed}"));
            evaluation.work_item_id = WorkItemId::new(item_id);
            evaluation.run_id = RunId::new(run_id.as_str());
            let mut run = records::run(random, &mission_id, &run_id);
            // None, one or several; those the run named, in an order of its own, one of them twice.
            let left: Vec<Artifact> = (0..seed % 5)
                .map(|n| Artifact {
                    run_id: Some(run.id.clone()),
                    ..records::artifact(random, &mission_id, &format!("art_{seed}_{n}"))
                })
                .collect();
            let foreign = Artifact {
                run_id: Some(RunId::new("run_other")),
                ..records::artifact(random, &mission_id, &format!("art_{seed}_x"))
            };
            let mut named: Vec<&Artifact> = left.iter().rev().skip(1).collect();
            named.extend(named.first().copied());
            run.artifacts = named.iter().map(|artifact| artifact.reference()).collect();
            // Neither the foreign one nor one that is gone is the run's to have judged.
            let gone = records::artifact(random, &mission_id, "art_gone");
            run.artifacts.extend([&foreign, &gone].map(Artifact::reference));
            let writes =
                [Write::Mission(mission.clone()), Write::WorkItem(Arc::new(item.clone())), Write::Run(run.clone())];
            write(&store, writes).await;
            write(&store, left.iter().chain([&foreign]).cloned().map(Write::Artifact)).await;
            let revisions = seed / 10;
            if seed % 10 == 0 && revisions > 0 {
                let revision = WorkspaceRevision { revision: revisions, ..WorkspaceRevision::none(workspace()) };
                write(&store, [Write::Workspace(Box::new(revision))]).await;
            }

            let none = store.under_judgement(std::slice::from_ref(&evaluation)).await.unwrap();
            assert_eq!(none, [None], "nobody asked yet");
            write(&store, [Write::Evaluation(evaluation.clone())]).await;
            asked.push(evaluation.clone());
            let judged = store.under_judgement(std::slice::from_ref(&evaluation)).await.unwrap();
            let [Some(judged)] = <[_; 1]>::try_from(judged).unwrap() else { panic!("it is there") };
            found.push(Some(UnderJudgement { workspace_newest: 3, ..judged.clone() }));
            assert_eq!(judged.revision, evaluation.revision);
            assert_eq!(judged.bindings, mission.bindings);
            assert_eq!(judged.workspace_newest, store.workspace_newest(&workspace()).await.unwrap());
            assert_eq!(judged.workspace_newest, revisions);
            assert_eq!((&judged.title, &judged.detail), (&item.spec.title, &item.spec.detail));
            assert_eq!(judged.metadata, item.spec.metadata);
            assert_eq!((judged.session_id, judged.run_summary), (run.session_id, run.summary));
            assert_eq!(judged.artifacts, named.into_iter().cloned().collect::<Vec<_>>());

            // Where one of the rows is missing there is nothing to judge.
            let id = |what: &str| EvaluationId::new(format!("evl_{seed}_{what}"));
            let missing = [
                Evaluation { id: id("a"), workspace_id: elsewhere(), ..evaluation.clone() },
                Evaluation { id: id("b"), work_item_id: WorkItemId::new("wi_none"), ..evaluation.clone() },
                Evaluation { id: id("c"), run_id: RunId::new("run_none"), ..evaluation },
            ];
            write(&store, missing.iter().cloned().map(Write::Evaluation)).await;
            asked.extend(missing);
            found.extend([None, None, None]);
        }
        // Two may ask about one run.
        let again = Evaluation { id: EvaluationId::new("evl_again"), ..asked[16].clone() };
        write(&store, [Write::Evaluation(again.clone())]).await;
        asked.push(again);
        found.push(found[16].clone());
        assert_eq!(store.under_judgement(&asked).await.unwrap(), found, "many at once, each as alone");
    })
    .await;
}

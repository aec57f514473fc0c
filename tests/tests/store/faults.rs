//! Faults: no room, no permission, no server; and that all is well soon after.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::records::{self, workspace};
use e2e::scratch::Scratch;
use sluice::store::{CommitError, Location, LogFilter, OpenError, StorageErrorKind, Store, Unit};
use tokio::time::Instant;

/// A file system of a few megabytes, unmounted when dropped.
struct SmallDisk {
    scratch: Scratch,
}

impl SmallDisk {
    /// `None`, after a line that says so, where this process may not mount.
    fn new(megabytes: u32) -> Option<Self> {
        let scratch = Scratch::new("disk");
        let size = format!("size={megabytes}m,mode=0777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(scratch.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { scratch });
        }
        eprintln!("this process may not mount a file system: what needs a full one is skipped");
        None
    }

    fn path(&self) -> &Path {
        self.scratch.path()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Leaves no room.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.filler()).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
    }

    /// Leaves room again.
    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.path()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a test that failed may still have files open.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn unit(id: &str) -> Unit {
    let mut event = records::plain_event(id);
    event.actor = "x".repeat(20_000);
    Unit { events: vec![event], ..Unit::default() }
}

/// Commits until the disk is full, from several callers at once; the ids that were acknowledged.
async fn commit_until_full(store: &Store, round: usize, callers: usize) -> Vec<String> {
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                let (mut done, mut refused) = (Vec::new(), 0);
                for number in 0..2000 {
                    let id = format!("evt_{round}_{caller}_{number}");
                    match store.commit(unit(&id)).await {
                        Ok(_) => done.push(id),
                        Err(CommitError::Storage(error)) => {
                            assert_eq!(error.kind, StorageErrorKind::Full, "{error:?}");
                            refused += 1;
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                    if refused == 20 {
                        return done;
                    }
                }
                panic!("the disk never became full");
            })
        })
        .collect();
    let mut done = Vec::new();
    for task in tasks {
        done.extend(task.await.unwrap());
    }
    done
}

/// Everything acknowledged is there, and nothing else.
async fn check(store: &Store, mut acknowledged: Vec<String>) {
    let events = store.log_events(&workspace(), 0, &LogFilter::default(), u32::MAX).await.unwrap();
    let seqs: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=events.len() as u64).collect::<Vec<_>>());
    let mut found: Vec<_> = events.iter().map(|event| event.event.event_id.to_string()).collect();
    found.sort();
    acknowledged.sort();
    assert_eq!(found, acknowledged);
}

/// Fills the disk under a store, frees it, and expects every commit to succeed at once.
async fn is_well_once_there_is_room(disk: &SmallDisk, store: &Store) {
    let mut acknowledged = vec!["evt_before".to_owned()];
    store.commit(unit("evt_before")).await.unwrap();
    for round in 0..3 {
        disk.fill();
        acknowledged.extend(commit_until_full(store, round, 4).await);
        check(store, acknowledged.clone()).await;
        disk.free();
        let freed = Instant::now();
        for number in 0..50 {
            let id = format!("evt_after_{round}_{number}");
            store.commit(unit(&id)).await.unwrap_or_else(|error| panic!("{number}: {error:?}"));
            acknowledged.push(id);
        }
        assert!(freed.elapsed() < Duration::from_secs(5));
        check(store, acknowledged.clone()).await;
    }
}

#[tokio::test]
async fn a_full_disk_under_sqlite_refuses_and_recovers() {
    let Some(disk) = SmallDisk::new(16) else { return };
    let store = Store::open(&Location::Sqlite { directory: disk.path().join("data") }).await.unwrap();
    is_well_once_there_is_room(&disk, &store).await;

    disk.fill();
    let error = store.put_blob(&[1; 100_000]).await.unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Full);
    disk.free();
    store.put_blob(&[1; 100_000]).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_full_disk_under_postgres_refuses_and_recovers() {
    let Some(cluster) = e2e::postgres::shared() else { return };
    let Some(disk) = SmallDisk::new(40) else { return };
    let directory = disk.path().join("tablespace");
    std::fs::create_dir(&directory).unwrap();
    cluster.give(&directory);
    cluster.execute(format!("CREATE TABLESPACE small LOCATION '{}'", directory.display())).await;
    cluster.execute("CREATE DATABASE on_small TABLESPACE small".to_owned()).await;
    let store = Store::open(&Location::Postgres { url: cluster.url("on_small") }).await.unwrap();
    is_well_once_there_is_room(&disk, &store).await;
    store.close().await;
    cluster.execute("DROP DATABASE on_small WITH (FORCE)".to_owned()).await;
    cluster.execute("DROP TABLESPACE small".to_owned()).await;
}

#[tokio::test]
async fn a_disk_too_full_to_start_on_is_full() {
    let Some(disk) = SmallDisk::new(1) else { return };
    disk.fill();
    let location = Location::Sqlite { directory: disk.path().join("data") };
    let error = Store::open(&location).await.unwrap_err();
    assert!(matches!(error, OpenError::Full { .. }), "{error:?}");
    disk.free();
    Store::open(&location).await.unwrap().close().await;
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_read_only() {
    let Some(disk) = SmallDisk::new(16) else { return };
    let location = Location::Sqlite { directory: disk.path().join("data") };
    Store::open(&location).await.unwrap().close().await;
    disk.remount("ro");
    let error = Store::open(&location).await.unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
    let elsewhere = Location::Sqlite { directory: disk.path().join("elsewhere") };
    let error = Store::open(&elsewhere).await.unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
    disk.remount("rw");
    Store::open(&location).await.unwrap().close().await;
}

#[tokio::test]
async fn a_server_that_drops_every_session_is_not_noticed() {
    let Some(cluster) = e2e::postgres::shared() else { return };
    let Some(database) = TestDatabase::postgres().await else { return };
    let Location::Postgres { url } = &database.location else { unreachable!() };
    let store = database.open().await;
    let mut follower = sluice::events::Follower::new(store.clone(), workspace(), LogFilter::default(), 0);
    for round in 0..5 {
        store.commit(unit(&format!("evt_{round}"))).await.unwrap();
        assert_eq!(follower.next().await.unwrap().len(), 1);
        cluster.disconnect_everybody(url).await;
    }
    check(&store, (0..5).map(|round| format!("evt_{round}")).collect()).await;
}

#[tokio::test]
async fn a_batch_waits_for_the_logs_lock() {
    use sqlx::Connection as _;
    let Some(database) = TestDatabase::postgres().await else { return };
    let Location::Postgres { url } = &database.location else { unreachable!() };
    let store = database.open().await;
    store.commit(unit("evt_1")).await.unwrap();
    // What another host does in the middle of its batch.
    let mut other = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT pg_advisory_xact_lock(8317151707346051180); UPDATE log_head SET seq = 7")
        .execute(&mut other)
        .await
        .unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.commit(unit("evt_2")).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    assert_eq!(store.log_head().await.unwrap(), 1, "readers do not wait");
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    let done = waiting.await.unwrap().unwrap();
    assert_eq!(done.seqs, Some((8, 8)), "the batch saw what was committed while it waited");
}

#[tokio::test]
async fn a_lock_that_another_host_never_gives_back_is_busy() {
    use sqlx::Connection as _;
    let Some(database) = TestDatabase::postgres().await else { return };
    let Location::Postgres { url } = &database.location else { unreachable!() };
    let store = database.open().await;
    let mut frozen = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT pg_advisory_xact_lock(8317151707346051180)").execute(&mut frozen).await.unwrap();
    // The store gives up after ten seconds by itself.
    let answer = tokio::time::timeout(Duration::from_secs(20), store.commit(unit("evt_1"))).await;
    let Err(CommitError::Storage(error)) = answer.expect("an answer in the end") else { panic!("it should fail") };
    assert_eq!(error.kind, StorageErrorKind::Busy, "{error:?}");
    frozen.close().await.unwrap();
    store.commit(unit("evt_2")).await.unwrap();
}

/// Set for the child of the test below: where its database is.
const LIMITED_DIRECTORY: &str = "SLUICE_TEST_LIMITED_DIRECTORY";

#[tokio::test]
#[ignore = "the process whose files may not grow, started by the test below"]
async fn commits_under_a_limit_of_file_size() {
    let directory = std::env::var(LIMITED_DIRECTORY).expect("started by the test below").into();
    let store = Store::open(&Location::Sqlite { directory }).await.unwrap();
    for number in 0_u64.. {
        let id = format!("evt_{number}");
        match store.commit(unit(&id)).await {
            Ok(_) => println!("ok {id}"),
            Err(CommitError::Storage(error)) => println!("failed {:?}", error.kind),
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Beyond a limit of file size writes fail with an error that SQLite takes for a broken disk.
#[tokio::test]
async fn a_disk_that_fails_for_a_while_is_survived() {
    use std::io::{BufRead as _, BufReader};
    if !Command::new("prlimit").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("there is no prlimit: failing writes are not tried");
        return;
    }
    let database = TestDatabase::sqlite();
    let Location::Sqlite { directory } = &database.location else { unreachable!() };
    let mut child = Command::new("sh")
        // Without the trap the limit would end the process instead of failing its writes.
        .args(["-c", "trap '' XFSZ; ulimit -S -f 2000; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "faults::commits_under_a_limit_of_file_size", "--ignored", "--nocapture"])
        .env(LIMITED_DIRECTORY, directory)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let (mut acknowledged, mut failed, mut last_is_failure) = (Vec::new(), 0, false);
    let mut freed: Option<Instant> = None;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, id)) = line.split_once("ok ") {
            acknowledged.push(id.to_owned());
            last_is_failure = false;
        } else if line.contains("failed ") {
            assert!(line.contains("Unavailable") || line.contains("Full"), "{line}");
            failed += 1;
            last_is_failure = true;
        }
        if failed == 50 && freed.is_none() {
            assert!(acknowledged.len() > 10, "something was written before");
            let lifted = Command::new("prlimit")
                .arg(format!("--pid={}", child.id()))
                .arg("--fsize=unlimited:unlimited")
                .status();
            assert!(lifted.unwrap().success());
            freed = Some(Instant::now());
        }
        if let Some(freed) = freed
            && freed.elapsed() > Duration::from_secs(1)
        {
            child.kill().unwrap();
            break;
        }
    }
    child.wait().unwrap();
    assert!(failed >= 50, "the limit was never felt");
    assert!(!last_is_failure, "all is well a second after the fault cleared");
    let store = database.open().await;
    let events = store.log_events(&workspace(), 0, &LogFilter::default(), u32::MAX).await.unwrap();
    let found: std::collections::HashSet<_> = events.iter().map(|event| event.event.event_id.to_string()).collect();
    for id in acknowledged {
        assert!(found.contains(&id), "{id} was acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_dropped_under_load_lose_nothing_acknowledged() {
    const CALLERS: usize = 6;
    let Some(cluster) = e2e::postgres::shared() else { return };
    let Some(database) = TestDatabase::postgres().await else { return };
    let Location::Postgres { url } = &database.location else { unreachable!() };
    let store = database.open().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (store, stopped) = (store.clone(), stopped.clone());
            tokio::spawn(async move {
                let (mut acknowledged, mut number) = (Vec::new(), 0);
                while !*stopped.borrow() {
                    let id = format!("evt_{caller}_{number}");
                    number += 1;
                    match store.commit(unit(&id)).await {
                        Ok(done) => acknowledged.push((id, done.seqs.unwrap().0)),
                        // A COMMIT that got no answer: nobody can tell.
                        Err(CommitError::Storage(error)) => {
                            assert_eq!(error.kind, StorageErrorKind::Unavailable, "{error:?}");
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
                acknowledged
            })
        })
        .collect();
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_millis(40)).await;
        cluster.disconnect_everybody(url).await;
    }
    stop.send(true).unwrap();
    let mut acknowledged = Vec::new();
    for caller in callers {
        acknowledged.extend(caller.await.unwrap());
    }
    // The readers' connections were dropped too; they are replaced as they are found out.
    let events = loop {
        match store.log_events(&workspace(), 0, &LogFilter::default(), u32::MAX).await {
            Ok(events) => break events,
            Err(error) => assert_eq!(error.kind, StorageErrorKind::Unavailable, "{error:?}"),
        }
    };
    assert!(acknowledged.len() > 15);
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.seq, index as u64 + 1, "the log has no hole");
    }
    for (id, seq) in acknowledged {
        let at = usize::try_from(seq).unwrap() - 1;
        assert_eq!(events[at].event.event_id.as_str(), id);
    }
}

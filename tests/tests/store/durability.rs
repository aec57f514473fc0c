//! What was acknowledged outlives a SIGKILL at any moment.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use e2e::databases::TestDatabase;
use e2e::random::Random;
use e2e::records::{self, workspace};
use sluice::domain::artifact::Digest;
use sluice::domain::id::MissionId;
use sluice::store::{Location, LogFilter, Store, Unit, Write};

/// Where the child finds its database: `sqlite:` with a directory, or a URL.
const DATABASE: &str = "SLUICE_TEST_DATABASE";

/// Callers of the child that commit at the same time.
const CALLERS: usize = 6;

const ROUNDS: usize = 20;

fn mission(caller: usize) -> String {
    format!("mis_{caller}")
}

/// One caller of the child: goes on where its history ends, and prints what was acknowledged.
async fn commit_for_ever(store: Store, caller: usize) {
    let mission = mission(caller);
    let mut seq = store.history(&MissionId::new(mission.as_str()), None, u32::MAX).await.unwrap().len() as u64;
    loop {
        let content = format!("{mission} {seq}").repeat(50);
        let digest = store.put_blob(content.as_bytes()).await.unwrap();
        let random = &mut Random::new(seq);
        let unit = Unit {
            writes: vec![
                Write::History(records::history_entry(random, &mission, seq)),
                Write::Timer(records::timer(random, &mission, &seq.to_string())),
            ],
            events: vec![records::plain_event(&format!("evt_{mission}_{seq}"))],
            ..Unit::default()
        };
        let done = store.commit(unit).await.unwrap();
        println!("ack {mission} {seq} {} {digest}", done.seqs.unwrap().0);
        seq += 1;
    }
}

#[tokio::test]
#[ignore = "the process that is killed, started by the other tests here"]
async fn commits_until_it_is_killed() {
    let database = std::env::var(DATABASE).expect("started by the other tests here");
    let location = match database.strip_prefix("sqlite:") {
        Some(directory) => Location::Sqlite { directory: directory.into() },
        None => Location::Postgres { url: database },
    };
    let store = Store::open(&location).await.unwrap();
    let callers: Vec<_> = (0..CALLERS).map(|caller| tokio::spawn(commit_for_ever(store.clone(), caller))).collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

/// Starts the child, kills it after `lines` acknowledgements, and answers all it gave.
fn acknowledged_before_kill(database: &str, lines: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::commits_until_it_is_killed", "--ignored", "--nocapture"])
        .env(DATABASE, database)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        // libtest's own first line has no end of its own.
        if let Some(start) = line.find("ack ") {
            acknowledged.push(line[start..].to_owned());
        }
        if acknowledged.len() == lines {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success(), "it was killed, or it failed by itself: {status}");
    assert!(acknowledged.len() >= lines, "it ended after {} acknowledgements", acknowledged.len());
    acknowledged
}

/// Finds everything acknowledged, and units only whole.
async fn check(store: &Store, acknowledged: &[String]) {
    let events = store.log_events(&workspace(), 0, &LogFilter::default(), u32::MAX).await.unwrap();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.seq, index as u64 + 1, "the log has no hole");
    }
    for line in acknowledged {
        let words: Vec<&str> = line.split(' ').collect();
        let [_, mission, number, seq, digest] = words[..] else { panic!("{line}") };
        let seq: usize = seq.parse().unwrap();
        assert_eq!(events[seq - 1].event.event_id.as_str(), format!("evt_{mission}_{number}"), "{line}");
        let digest = Digest::parse(digest).unwrap();
        let content = store.read_blob(&digest, 0, u32::MAX).await.unwrap();
        assert_eq!(Digest::of(&content), digest, "{line}");
    }
    let mut histories = 0;
    for caller in 0..CALLERS {
        let mission = MissionId::new(mission(caller));
        let history = store.history(&mission, None, u32::MAX).await.unwrap();
        assert!(history.iter().enumerate().all(|(index, entry)| entry.seq == index as u64));
        assert_eq!(store.timers(&mission).await.unwrap().len(), history.len(), "a unit is there whole or not at all");
        histories += history.len();
    }
    assert_eq!(histories, events.len(), "a unit is there whole or not at all");
}

async fn survives_kills(database: TestDatabase) {
    let name = match &database.location {
        Location::Sqlite { directory } => format!("sqlite:{}", directory.display()),
        Location::Postgres { url } => url.clone(),
    };
    let mut random = Random::new(20);
    let mut acknowledged = Vec::new();
    for _ in 0..ROUNDS {
        acknowledged.extend(acknowledged_before_kill(&name, 1 + random.below(60)));
        let store = database.open().await;
        check(&store, &acknowledged).await;
        store.close().await;
    }
}

#[tokio::test]
async fn sqlite_keeps_what_it_acknowledged() {
    survives_kills(TestDatabase::sqlite()).await;
}

#[tokio::test]
async fn postgres_keeps_what_it_acknowledged() {
    if let Some(database) = TestDatabase::postgres().await {
        survives_kills(database).await;
    }
}

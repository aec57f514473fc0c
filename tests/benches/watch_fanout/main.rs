//! What it takes to tell many watchers of one writer's resources: events delivered per second and the
//! time from the request to each watcher, for 1, 100 and 1,000 of them, against a bare in-process
//! broadcast to as many SSE connections.
//!
//! Either side is a process of its own on the same machine as its clients: `sluice serve` (release
//! build, SQLite with full synchronisation), and this program run as [`bare`]. Both get the same requests
//! from the same client, and their events have the same length; the bare one keeps nothing. *Paced*: the
//! writer sends so many a second, the same for both, and the time counts. *Flat out*: it keeps sixteen
//! requests on their way, and what counts is how fast everything arrives; with one watcher that is the speed
//! of writing to a disk against that of writing nowhere (`resource_put` measures it), and not judged here.
//! The rounds take turns, so that both meet the same machine. The target is half of what the bare one delivers.
//!
//! Then, of ours alone: what an idle watcher costs in memory (at most 64 KiB), and whether 999
//! watchers of other things slow one watcher down.
//!
//! `cargo build --release && cargo bench -p e2e --bench watch_fanout`, with other numbers of watchers as arguments.

mod bare;
mod watchers;

use std::path::Path;
use std::time::Duration;

use e2e::binary::{Binary, Process};
use e2e::load::{Connection, address};
use tokio::time::Instant;
use watchers::{Figures, Watchers, now_us};

/// Share of what the bare one delivers.
const TARGET: f64 = 0.5;
/// Most memory of an idle watcher, in KiB.
const MEMORY_KIB: f64 = 64.0;
/// Rounds of each figure.
const ROUNDS: u32 = 3;
/// How long the paced writer writes in each round.
const PACED: Duration = Duration::from_secs(2);
/// Requests that the writer has on their way when it writes flat out.
const IN_FLIGHT: usize = 16;
/// About 200 bytes, as a status or a claim has.
const VALUE: &str = r#"{"state":"running","owner":"agent.builder-07","step":17,"of":40,"note":"compiling the second of three targets","artifacts":["art_01","art_02"],"started_at_ms":1790000000000}"#;

/// Who is asked.
pub(crate) struct Side {
    base: String,
    token: String,
    process: Process,
    _state: Binary,
}

impl Side {
    fn ours() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
        let program = root.join("target/release/sluice");
        assert!(program.exists(), "run `cargo build --release` first");
        let state = binary(&program);
        let options = ["serve", "--listen", "127.0.0.1:0", "--set", "max_streams_per_principal=100000"];
        let mut process = state.start(&options);
        process.wait_for("listening on http://");
        let read = |name: &str| std::fs::read_to_string(state.data().join(name)).expect("a file of the server");
        let record: serde_json::Value = serde_json::from_str(&read("server.json")).expect("the record is JSON");
        let base = record["url"].as_str().expect("an address").to_owned();
        Self { base, token: read("operator.token").trim().to_owned(), process, _state: state }
    }

    fn bare() -> Self {
        let state = binary(&std::env::current_exe().expect("this program has a path"));
        let mut process = state.start(&[bare::ARGUMENT]);
        process.wait_for("\n");
        Self { base: process.printed().trim().to_owned(), token: String::new(), process, _state: state }
    }

    /// Resident memory that no file stands behind, in KiB.
    fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How long its processors have worked for it.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("it lives");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
        // `utime` and `stime`, in hundredths of a second; the first field here is the third of all.
        let ticks: u64 = [11, 12].iter().map(|at| fields[*at].parse::<u64>().expect("a number")).sum();
        Duration::from_millis(ticks * 10)
    }

    async fn watch(&self, prefixes: impl IntoIterator<Item = String>) -> Watchers {
        Watchers::open(address(&self.base), &self.token, prefixes).await
    }

    /// Writes `count` times, each `pause` after the one before or as soon as one was answered.
    async fn write(&self, count: usize, pause: Duration) {
        let in_flight = if pause.is_zero() { IN_FLIGHT } else { 1 };
        let connections = (0..in_flight).map(|_| self.write_one_by_one(count / in_flight, pause));
        futures_util::future::join_all(connections).await;
    }

    async fn write_one_by_one(&self, count: usize, pause: Duration) {
        let mut writer = Connection::open(address(&self.base)).await;
        let mut next = Instant::now();
        for _ in 0..count {
            // The time travels along with the event.
            let body = format!(r#"{{"value":{VALUE},"updated_by":"@{}"}}"#, now_us());
            let (status, answer) = writer.send("PUT", "/resource/team/bench/one", &self.token, &body).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
            next += pause;
            tokio::time::sleep_until(next).await;
        }
    }

    /// One round: all watchers are there, the writer writes, everything arrives.
    async fn round(&self, watchers: &Watchers, count: usize, pause: Duration) -> Figures {
        watchers.forget();
        let (begun, cpu) = (Instant::now(), self.cpu());
        self.write(count, pause).await;
        watchers.all_told(count).await;
        watchers.figures(begun.elapsed(), self.cpu().saturating_sub(cpu))
    }
}

fn binary(program: &Path) -> Binary {
    let cache = std::env::temp_dir().join("sluice-bench-cache");
    Binary::new(program.to_str().expect("a path is text"), cache.to_str().expect("a path is text"))
}

fn line(name: &str, us: &Figures, them: &Figures) {
    let ratio = us.per_second / them.per_second;
    println!(
        "{name:<22} {:>9.0} {:>8.2} {:>8.2} {:>6.1}   {:>9.0} {:>8.2} {:>8.2} {:>6.1}   {ratio:>5.2}",
        us.per_second, us.p50_ms, us.p99_ms, us.cpu_us, them.per_second, them.p50_ms, them.p99_ms, them.cpu_us
    );
}

/// Both sides in turns with as many watchers; whether the target is met.
async fn compare(ours: &Side, bare: &Side, count: usize) -> bool {
    let everything = || std::iter::repeat_n("team/bench/".to_owned(), count);
    let (us, them) = (ours.watch(everything()).await, bare.watch(everything()).await);
    // As many deliveries as a round has time for.
    let (per_second, flat_out) = match count {
        1 => (500, 8_000),
        100 => (100, 1_600),
        _ => (10, 240),
    };
    let pause = Duration::from_secs(1) / per_second;
    let paced = (PACED.as_secs() * u64::from(per_second)) as usize;
    let mut is_met = true;
    for (name, writes, pause) in [("paced", paced, pause), ("flat out", flat_out, Duration::ZERO)] {
        let (mut sum_us, mut sum_them) = (Figures::default(), Figures::default());
        for _ in 0..ROUNDS {
            sum_us.add(ours.round(&us, writes, pause).await, ROUNDS);
            sum_them.add(bare.round(&them, writes, pause).await, ROUNDS);
        }
        line(&format!("{count} watchers, {name}"), &sum_us, &sum_them);
        let is_judged = count > 1 || !pause.is_zero();
        is_met &= !is_judged || sum_us.per_second >= TARGET * sum_them.per_second;
    }
    us.close().await;
    them.close().await;
    is_met
}

/// What watchers that are told nothing cost.
async fn memory(ours: &Side) -> bool {
    const IDLE: usize = 1_000;
    // Whatever a stream needs once for all of them is there.
    ours.watch((0..10).map(|number| format!("team/warm/{number}"))).await.close().await;
    let before = ours.memory_kib();
    let idle = ours.watch((0..IDLE).map(|number| format!("team/idle/{number}"))).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let each = ours.memory_kib().saturating_sub(before) as f64 / IDLE as f64;
    println!("an idle watcher: {each:.1} KiB, at most {MEMORY_KIB}\n");
    idle.close().await;
    each <= MEMORY_KIB
}

/// One watcher, alone and beside others of other things.
async fn crowded(ours: &Side) {
    const OTHERS: usize = 999;
    const WRITES: usize = 2_000;
    let one = || std::iter::once("team/bench/".to_owned());
    let alone = ours.watch(one()).await;
    let (mut by_itself, mut among_others) = (Figures::default(), Figures::default());
    for _ in 0..ROUNDS {
        by_itself.add(ours.round(&alone, WRITES, Duration::ZERO).await, ROUNDS);
        let others = ours.watch((0..OTHERS).map(|number| format!("team/other/{number}/"))).await;
        among_others.add(ours.round(&alone, WRITES, Duration::ZERO).await, ROUNDS);
        others.close().await;
    }
    println!();
    line("1 of 1,000 : alone", &among_others, &by_itself);
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    if std::env::args().any(|argument| argument == bare::ARGUMENT) {
        bare::serve().await;
        return std::process::ExitCode::SUCCESS;
    }
    let counts: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let counts = if counts.is_empty() { vec![1, 100, 1_000] } else { counts };
    let (ours, bare) = (Side::ours(), Side::bare());
    // First, while nothing is in memory that others have left.
    let mut is_met = memory(&ours).await;
    println!(
        "{:<22} {:>9} {:>8} {:>8} {:>6}   {:>9} {:>8} {:>8} {:>6}   ratio",
        "", "told/s", "p50 ms", "p99 ms", "cpu us", "bare/s", "p50 ms", "p99 ms", "cpu us"
    );
    for count in counts {
        is_met &= compare(&ours, &bare, count).await;
    }
    crowded(&ours).await;
    println!("\ntarget: {TARGET} of the bare one's: {}", if is_met { "met" } else { "MISSED" });
    if is_met { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

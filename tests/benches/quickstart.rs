//! How the quickstart starts and what it takes: the time from the start of the process to the
//! first event on disk with a warm compile cache (aim: at most 100 ms), the time to the end, and
//! the peak of resident memory. Prints a table; asserts nothing about time.
//!
//! `cargo build --release && cargo bench -p e2e --bench quickstart`

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Runs measured; the first one warms the cache and does not count.
const RUNS: usize = 6;

struct Measured {
    first_event_ms: u64,
    total_ms: u64,
    peak_kib: u64,
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    let binary = root.join("target/release/sluice");
    if !binary.exists() {
        eprintln!("there is no {}; run `cargo build --release` first", binary.display());
        std::process::exit(2);
    }
    println!("{:>4}  {:>16}  {:>9}  {:>12}", "run", "first event, ms", "all, ms", "peak, MiB");
    for run in 0..RUNS {
        let measured = measure(root, &binary, run);
        let name = if run == 0 { "cold".to_owned() } else { run.to_string() };
        println!(
            "{name:>4}  {:>16}  {:>9}  {:>12.1}",
            measured.first_event_ms,
            measured.total_ms,
            measured.peak_kib as f64 / 1024.0
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures with the machine's clock")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    u64::try_from(since.as_millis()).expect("milliseconds fit 64 bits")
}

fn measure(root: &Path, binary: &Path, run: usize) -> Measured {
    let data = std::env::temp_dir().join(format!("sluice-bench-{}-{run}", std::process::id()));
    let started = now_ms();
    let mut child = Command::new(binary)
        .args(["run", "examples/quickstart/mission.toml", "--json", "--data"])
        .arg(&data)
        .current_dir(root)
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak_kib = 0;
    while child.try_wait().expect("the process can be waited for").is_none() {
        peak_kib = peak_kib.max(high_water_kib(&status));
        std::thread::sleep(Duration::from_millis(2));
    }
    let total_ms = now_ms() - started;
    let first_event_ms = first_event_at(root, binary, &data) - started;
    std::fs::remove_dir_all(&data).expect("the data directory is ours to remove");
    Measured { first_event_ms, total_ms, peak_kib }
}

fn high_water_kib(status: &Path) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// When the mission's first event was recorded.
fn first_event_at(root: &Path, binary: &Path, data: &Path) -> u64 {
    let ask = |arguments: &[&str]| -> serde_json::Value {
        let mut command = Command::new(binary);
        let output =
            command.arg("mission").args(arguments).args(["--json", "--data"]).arg(data).current_dir(root).output();
        serde_json::from_slice(&output.expect("the binary starts").stdout).expect("the answer is JSON")
    };
    let missions = ask(&["list"]);
    let id = missions["missions"][0]["id"].as_str().expect("a mission was recorded").to_owned();
    ask(&["history", &id])["events"][0]["occurred_at_ms"].as_u64().expect("its first event has a time")
}

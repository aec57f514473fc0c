//! What a call of a component costs through the host, beside what wasmtime alone takes for it.
//!
//! `cargo bench -p e2e --bench plugin_call` prints a table; `-- calls`, `cores`, `fuel` or `start`
//! only that part of it. All numbers of one run come from the same machine in the same minute; only
//! their ratios mean anything elsewhere. Rounds are short and the kinds take turns, so that a slow
//! moment hits all of them, and each figure is the lower quartile of its rounds: other work on the
//! machine only ever makes a round slower.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::bare::Bare;
use e2e::guest::{World, component};
use e2e::plugins::{bind, board, event, host};
use e2e::scratch::Scratch;
use sluice::clock::SystemClock;
use sluice::domain::board::Board;
use sluice::domain::event::InputKind;
use sluice::domain::json::Json;
use sluice::domain::plugin::{Binding, PluginKind};
use sluice::engine::ports::{Plugins as _, ReducerCall};
use sluice::plugins::{Limits, PluginHost, PluginHostOptions};

/// Rounds of each figure.
const ROUNDS: usize = 60;

/// Calls of one round.
const CALLS: u32 = 250;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let host = Arc::new(host(Limits::default()));
    let binding = host.bind("mission-default", PluginKind::Reducer, &Json::empty_object()).expect("it is built in");
    host.check_binding(&binding).expect("it compiles");
    if is_wanted("calls") {
        calls(&host, &binding);
    }
    if is_wanted("cores") {
        cores(&host, &binding);
    }
    if is_wanted("fuel") {
        fuel();
    }
    if is_wanted("start") {
        starting();
    }
}

/// One call through the host, on a small and on a large board, and the same call without it.
fn calls(host: &PluginHost, binding: &Binding) {
    let (small, large) = (board(binding, 10), board(binding, 10_000));
    let with_limits = Bare::new(true);
    let without_limits = Bare::new(false);
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        rounds[0].push(per_call(|| call(host, binding, &small)));
        rounds[1].push(per_call(|| with_limits.call()));
        rounds[2].push(per_call(|| without_limits.call()));
        rounds[3].push(per_call(|| call(host, binding, &large)));
    }
    let [through, same, plain, at_10_000] = rounds.map(lower_quartile);
    println!("one call: a fresh instance of mission-default, event mission_started, 4 of 10 items started\n");
    println!("{:<58} {:>9} {:>7}  target", "", "us/call", "ratio");
    row("through the host, 10 items", through, 1.0, "");
    row("wasmtime alone, the same engine settings", same, through / same, "host <= 1.30");
    row("wasmtime alone, pooled, without fuel, epoch and limiter", plain, through / plain, "");
    row("through the host, 10,000 items", at_10_000, at_10_000 / through, "<= 1.50\n");
}

/// Calls a second on one thread and on as many as there are cores, beside what so many threads
/// that only count get out of the machine at the same time.
fn cores(host: &Arc<PluginHost>, binding: &Binding) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let count = u32::try_from(cores).expect("no machine has so many");
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        rounds[0].push(per_second(host, binding, 1));
        rounds[1].push(per_second(host, binding, count));
        rounds[2].push(counted(1));
        rounds[3].push(counted(count));
    }
    let [one, all, one_counting, all_counting] = rounds.map(upper_quartile);
    println!("{:<58} {:>9} {:>7}  target", "", "calls/s", "ratio");
    row("one thread", one, 1.0, "");
    row(&format!("{count} threads on {count} cores"), all, all / one, ">= 2 on 4 cores");
    row(
        "the machine at that time: the same threads only counting",
        all_counting,
        all_counting / one_counting,
        "(million steps/s)\n",
    );
}

/// What a unit of fuel is worth: pure instructions, and work left to the host.
fn fuel() {
    let mut limits = Limits::default();
    limits.reducer.wall = Duration::from_mins(10);
    let host = host(limits);
    let spin = bind(&host, component(World::Reducer, "spin", &[("rounds", "0")]), PluginKind::Reducer);
    let list = bind(&host, component(World::Reducer, "board", &[("times", "0")]), PluginKind::Reducer);
    println!("{:<58} {:>9}", "2,000,000,000 fuel, a reducer's", "s");
    for (name, binding) in [("a loop that only counts", &spin), ("asking for 500 ready items again and again", &list)] {
        let board = board(binding, 1_000);
        host.prepare(&binding.digest).expect("it compiles");
        let started = now();
        let ended = host.reduce(binding, board, ReducerCall::Init);
        assert!(ended.is_err(), "it never ends by itself");
        println!("{name:<58} {:>9.2}", started.elapsed().as_secs_f64());
    }
    println!();
}

/// From nothing to four components that are ready, with an empty and with a warm cache.
fn starting() {
    let scratch = Scratch::new("plugin_call");
    println!("{:<58} {:>9}", "start of a host, its four components prepared", "ms");
    for name in ["cold cache: all four compiled", "warm cache"] {
        let started = now();
        let options = PluginHostOptions {
            cache_dir: Some(scratch.path().join("compiled")),
            limits: Limits::default(),
            clock: Arc::new(SystemClock::new()),
            compiler: None,
        };
        let host = PluginHost::new(options).expect("the machine runs components");
        let made = started.elapsed();
        for info in host.installed() {
            host.prepare(&info.digest).expect("it compiles");
        }
        println!("{name:<58} {:>9.1}", milliseconds(started.elapsed()));
        println!("{:<58} {:>9.1}", "  of it until the host is there", milliseconds(made));
    }
}

fn call(host: &PluginHost, binding: &Binding, board: &Arc<Board>) {
    let reduction = host.reduce(binding, Arc::clone(board), event(InputKind::MissionStarted, "{}"));
    assert!(black_box(reduction).expect("the call succeeds").commands.len() > 4);
}

/// Microseconds of one of [`CALLS`] calls.
fn per_call(call: impl Fn()) -> f64 {
    let started = now();
    for _ in 0..CALLS {
        call();
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
}

fn per_second(host: &Arc<PluginHost>, binding: &Binding, threads: u32) -> f64 {
    let board = board(binding, 10);
    let started = now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..CALLS).for_each(|_| call(host, binding, &board)));
        }
    });
    f64::from(CALLS * threads) / started.elapsed().as_secs_f64()
}

/// Millions of steps a second of threads that only count.
fn counted(threads: u32) -> f64 {
    const STEPS: u32 = 20_000_000;
    let started = now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..STEPS).fold(0, |sum: u32, step| black_box(sum.wrapping_mul(31).wrapping_add(step))));
        }
    });
    f64::from(STEPS) * f64::from(threads) / started.elapsed().as_secs_f64() / 1e6
}

fn row(name: &str, figure: f64, ratio: f64, target: &str) {
    println!("{name:<58} {figure:>9.1} {ratio:>7.2}  {target}");
}

fn lower_quartile(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 4]
}

/// The same end as [`lower_quartile`], where more is better.
fn upper_quartile(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() * 3 / 4]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine")]
fn now() -> Instant {
    Instant::now()
}

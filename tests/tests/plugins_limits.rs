//! What a component may use, each limit tried from both sides.

use std::time::Duration;

use e2e::guest::{World, component};
use e2e::plugins::{bind, board, failure, host, init};
use sluice::domain::plugin::{Limit, PluginFailure, PluginKind};
use sluice::engine::ports::{Plugins as _, ReducerCall};
use sluice::plugins::Limits;

const MIB: u64 = 1024 * 1024;
const PAGE: u64 = 64 * 1024;

fn with_fuel(fuel: u64) -> Limits {
    let mut limits = Limits::default();
    limits.reducer.fuel = fuel;
    limits
}

fn over(limit: Limit, allowed: u64) -> PluginFailure {
    PluginFailure::Limit { limit, allowed }
}

#[test]
fn endless_work_runs_out_of_fuel() {
    let host = host(with_fuel(5_000_000));
    let endless = init(&host, component(World::Reducer, "spin", &[("rounds", "0")]));
    let report = endless.as_ref().unwrap_err().report.clone();
    assert_eq!(failure(endless), over(Limit::Fuel, 5_000_000));
    assert_eq!(report.fuel, 5_000_000);
    init(&host, component(World::Reducer, "spin", &[("rounds", "100000")])).unwrap();
}

#[test]
fn just_enough_fuel_is_enough() {
    let spin = component(World::Reducer, "spin", &[("rounds", "1000")]);
    let used = init(&host(Limits::default()), spin.clone()).unwrap().report.fuel;
    init(&host(with_fuel(used)), spin.clone()).unwrap();
    // Fuel is looked at when a loop begins anew or a function is entered, so that the last few
    // instructions are free.
    assert_eq!(failure(init(&host(with_fuel(used - 20)), spin)), over(Limit::Fuel, used - 20));
}

#[test]
fn work_that_is_left_to_the_host_costs_fuel_too() {
    let host = host(with_fuel(50_000_000));
    let binding = bind(&host, component(World::Reducer, "board", &[("times", "0")]), PluginKind::Reducer);
    let endless = host.reduce(&binding, board(&binding, 1_000), ReducerCall::Init);
    assert_eq!(failure(endless), over(Limit::Fuel, 50_000_000));
    let binding = bind(&host, component(World::Reducer, "board", &[("times", "10")]), PluginKind::Reducer);
    host.reduce(&binding, board(&binding, 1_000), ReducerCall::Init).unwrap();
}

#[test]
fn work_while_being_instantiated_costs_fuel_too() {
    let host = host(with_fuel(5_000_000));
    let endless = init(&host, component(World::Reducer, "start", &[]));
    assert_eq!(failure(endless), over(Limit::Fuel, 5_000_000));
}

#[test]
fn a_stop_by_the_clock_is_the_hosts_fault() {
    let mut limits = with_fuel(u64::MAX / 2);
    limits.reducer.wall = Duration::from_millis(100);
    let host = host(limits);
    let endless = init(&host, component(World::Reducer, "spin", &[("rounds", "0")])).unwrap_err();
    assert!(endless.failure.is_host_fault(), "{:?}", endless.failure);
    assert!(endless.failure.to_string().contains("after 100 ms"), "{}", endless.failure);
    assert!(endless.report.wall_us >= 100_000, "stopped after {} us", endless.report.wall_us);
    init(&host, component(World::Reducer, "spin", &[("rounds", "1000")])).unwrap();
}

#[test]
fn a_long_call_does_not_stop_its_siblings() {
    let mut limits = with_fuel(u64::MAX / 2);
    limits.reducer.wall = Duration::from_millis(300);
    let host = host(limits);
    std::thread::scope(|scope| {
        let endless = scope.spawn(|| init(&host, component(World::Reducer, "spin", &[("rounds", "0")])));
        for rounds in 1..200 {
            init(&host, component(World::Reducer, "spin", &[("rounds", &rounds.to_string())])).unwrap();
        }
        assert!(failure(endless.join().unwrap()).is_host_fault());
    });
}

fn memory(first: u64, second: u64, more: u64) -> Vec<u8> {
    let (first, second, more) = (first.to_string(), second.to_string(), more.to_string());
    component(World::Reducer, "memory", &[("first", &first), ("second", &second), ("more", &more), ("maximum", "")])
}

#[test]
fn memory_is_counted_over_all_memories() {
    let host = host(Limits::default());
    let pages = 64 * MIB / PAGE;
    let full = init(&host, memory(1, 1, pages - 2)).unwrap();
    assert_eq!(full.report.memory_bytes, 64 * MIB);
    assert_eq!(failure(init(&host, memory(1, 1, pages - 1))), over(Limit::Memory, 64 * MIB));
    assert_eq!(failure(init(&host, memory(pages / 2, 1, pages / 2))), over(Limit::Memory, 64 * MIB));
}

#[test]
fn memory_from_the_start_counts() {
    let host = host(Limits::default());
    let pages = 64 * MIB / PAGE;
    init(&host, memory(pages - 1, 1, 0)).unwrap();
    assert_eq!(failure(init(&host, memory(pages - 1, 2, 0))), over(Limit::Memory, 64 * MIB));
}

#[test]
fn a_modules_own_maximum_is_its_own_business() {
    // Growing beyond one's own maximum answers -1, on which this guest traps by itself.
    let values = [("first", "1"), ("second", "1"), ("more", "2"), ("maximum", "2")];
    let refused = failure(init(&host(Limits::default()), component(World::Reducer, "memory", &values)));
    assert!(matches!(&refused, PluginFailure::Trap { message } if message.contains("unreachable")), "{refused:?}");
}

#[test]
fn tables_count_as_memory() {
    let table = |a: u64, b: u64| component(World::Reducer, "table", &[("a", &a.to_string()), ("b", &b.to_string())]);
    let mut limits = Limits::default();
    limits.reducer.memory_bytes = MIB;
    let host = host(limits);
    // One page of memory is there already; an entry is a pointer.
    let entries = (MIB - PAGE) / 8;
    init(&host, table(entries - 10, 10)).unwrap();
    assert_eq!(failure(init(&host, table(entries - 10, 11))), over(Limit::Memory, MIB));
    assert_eq!(failure(init(&host, table(100_000_000, 0))), over(Limit::Memory, MIB));
}

#[test]
fn the_stack_is_limited() {
    let host = host(Limits::default());
    let recurse = |depth: &str| component(World::Reducer, "recurse", &[("depth", depth)]);
    init(&host, recurse("4000")).unwrap();
    assert_eq!(failure(init(&host, recurse("100000000"))), over(Limit::Stack, 512 * 1024));
}

fn notices(count: usize, bytes: usize) -> Vec<u8> {
    let pages = (bytes / 65536 + 3).to_string();
    let (count, spaces) = (count.to_string(), (bytes - 2).to_string());
    component(World::Reducer, "notices", &[("count", &count), ("spaces", &spaces), ("pages", &pages)])
}

#[test]
fn commands_are_counted() {
    let host = host(Limits::default());
    assert_eq!(init(&host, notices(20_000, 2)).unwrap().commands.len(), 20_000);
    assert_eq!(failure(init(&host, notices(20_001, 2))), over(Limit::ResultSize, 20_000));
}

#[test]
fn the_text_of_all_commands_is_limited() {
    let host = host(Limits::default());
    // `noise` is five bytes.
    let quarter = 8 * 1024 * 1024 - 5;
    assert_eq!(init(&host, notices(4, quarter)).unwrap().commands.len(), 4);
    assert_eq!(failure(init(&host, notices(4, quarter + 1))), over(Limit::ResultSize, 32 * MIB));
}

#[test]
fn an_artifact_of_a_command_is_limited() {
    let host = host(Limits::default());
    let artifact =
        |bytes: u64| component(World::Reducer, "artifact", &[("bytes", &bytes.to_string()), ("pages", "256")]);
    assert_eq!(init(&host, artifact(8 * MIB)).unwrap().commands.len(), 1);
    assert_eq!(failure(init(&host, artifact(8 * MIB + 1))), over(Limit::ResultSize, 8 * MIB));
    // More than may cross at once at all.
    assert_eq!(failure(init(&host, artifact(10 * MIB))), over(Limit::ResultSize, 9 * MIB));
}

#[test]
fn an_answer_is_limited() {
    let mut limits = Limits::default();
    limits.reducer.memory_bytes = 256 * MIB;
    let host = host(limits);
    let error = |bytes: u64| {
        let values = [("fill", "101"), ("tag", "1"), ("at", "65536"), ("answer", "16"), ("pages", "1700")];
        component(World::Reducer, "error", &[values.as_slice(), &[("bytes", &bytes.to_string())]].concat())
    };
    let longest = failure(init(&host, error(9 * MIB)));
    assert_eq!(longest, PluginFailure::Guest { message: "e".repeat(4_096) });
    assert_eq!(failure(init(&host, error(9 * MIB + 1))), over(Limit::ResultSize, 9 * MIB));
    assert_eq!(failure(init(&host, error(100 * MIB))), over(Limit::ResultSize, 9 * MIB));
}

#[test]
fn the_log_is_cut_and_never_fails_a_call() {
    let host = host(Limits::default());
    let log = |lines: &str, bytes: &str| {
        let values = [("lines", lines), ("bytes", bytes), ("pages", "4")];
        init(&host, component(World::Reducer, "log", &values)).unwrap().report
    };
    let full = log("256", "4096");
    assert_eq!((full.log.len(), full.log_dropped), (256, 0));
    assert_eq!((full.log[255].level, full.log[255].message.len()), ("warn", 4_096));
    let flooded = log("10000", "4097");
    assert_eq!((flooded.log.len(), flooded.log_dropped), (256, 9_744));
    assert_eq!(flooded.log[0].message.len(), 4_096);
}

#[test]
fn the_same_call_does_and_costs_the_same() {
    let notices = notices(100, 50);
    let (first, second) = (host(Limits::default()), host(Limits::default()));
    let one = init(&first, notices.clone()).unwrap();
    for host in [&first, &second] {
        let again = init(host, notices.clone()).unwrap();
        assert_eq!(again.commands, one.commands);
        assert_eq!(again.report.fuel, one.report.fuel);
        assert_eq!(again.report.memory_bytes, one.report.memory_bytes);
    }
}

#[test]
fn hundreds_of_calls_at_once_wait_for_their_turn() {
    let mut limits = Limits::default();
    limits.reducer.calls_max = 2;
    let host = host(limits);
    let binding = bind(&host, component(World::Reducer, "spin", &[("rounds", "10000")]), PluginKind::Reducer);
    let board = board(&binding, 0);
    std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..100).map(|_| scope.spawn(|| host.reduce(&binding, board.clone(), ReducerCall::Init))).collect();
        for call in calls {
            call.join().unwrap().unwrap();
        }
    });
}

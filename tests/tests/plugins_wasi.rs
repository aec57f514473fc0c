//! Components whose language brings WASI along find nothing in it, wait for nothing, and do the
//! same again when they are called again.

use std::time::{Duration, Instant};

use e2e::guest::{World, encode, manifest, text, with_manifest};
use e2e::plugins::{NOW, bind, board, event, failure, host, init};
use serde_json::Value;
use sluice::domain::command::Command;
use sluice::domain::event::InputKind;
use sluice::domain::plugin::{Limit, PluginFailure, PluginKind};
use sluice::engine::ports::{LogLine, Plugins as _, Reduction};
use sluice::plugins::Limits;

/// Thirty years in nanoseconds.
const LONG: &str = "946080000000000000";

fn guest(exit: &str) -> Vec<u8> {
    let wit = include_str!("../guests/wasi.wit");
    let core = text("wasi", &[("nanoseconds", LONG), ("exit", exit)]);
    with_manifest(&encode(World::Reducer, wit, &core), &manifest("reducer"))
}

/// What the guest found, by name.
fn found(reduction: &Reduction) -> Value {
    let [Command::EmitNotice { data, .. }] = reduction.commands.as_slice() else { panic!("{:?}", reduction.commands) };
    serde_json::from_str(data.as_str()).expect("the notice is JSON")
}

fn number(found: &Value, name: &str) -> u64 {
    let digits = found[name].as_str().expect("the notice has it");
    u64::from_str_radix(digits, 16).expect("it is a number")
}

#[test]
fn there_is_nothing_in_it() {
    let found = found(&init(&host(Limits::default()), guest("0")).unwrap());
    for name in ["values", "argues", "places"] {
        assert_eq!(number(&found, name), 0, "{name}");
    }
    assert_eq!(number(&found, "input_"), 0x101, "standard input is closed");
}

#[test]
fn time_stands_and_waiting_takes_none() {
    let host = host(Limits::default());
    let binding = bind(&host, guest("0"), PluginKind::Reducer);
    host.prepare(&binding.digest).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the case is about the machine's own time")]
    let started = Instant::now();
    let reduction = host.reduce(&binding, board(&binding, 0), sluice::engine::ports::ReducerCall::Init).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "it waited {:?}", started.elapsed());
    let found = found(&reduction);
    assert_eq!(number(&found, "wall__"), NOW.as_millis());
    assert_eq!(number(&found, "before"), 0);
    assert_eq!(number(&found, "after_").to_string(), LONG);
}

#[test]
fn randomness_comes_from_the_call() {
    let first = found(&init(&host(Limits::default()), guest("0")).unwrap());
    let again = found(&init(&host(Limits::default()), guest("0")).unwrap());
    assert_eq!(first, again);
    assert_ne!(number(&first, "random"), number(&first, "unsafe"));
}

#[test]
fn output_goes_to_the_plugins_log() {
    let report = init(&host(Limits::default()), guest("0")).unwrap().report;
    let line = |level, text: &str| LogLine { level, message: text.to_owned() };
    assert_eq!(report.log, [line("info", "out 1"), line("info", "out 2"), line("warn", "err 1")]);
}

/// A guest that does `what` so many times.
fn again_and_again(what: &str, times: &str) -> Vec<u8> {
    let wit = include_str!("../guests/wasi.wit");
    let core = text("wasi_loop", &[("what", what), ("times", times)]);
    with_manifest(&encode(World::Reducer, wit, &core), &manifest("reducer"))
}

#[test]
fn what_it_does_costs_fuel() {
    let mut limits = Limits::default();
    limits.reducer.fuel = 1_000_000;
    let host = host(limits);
    for what in ["(call $wall (i32.const 1024))", "(drop (call $random))"] {
        init(&host, again_and_again(what, "450")).unwrap();
        let over = failure(init(&host, again_and_again(what, "550")));
        assert_eq!(over, PluginFailure::Limit { limit: Limit::Fuel, allowed: 1_000_000 }, "{what}");
        let endless = failure(init(&host, again_and_again(what, "-1")));
        assert_eq!(endless, PluginFailure::Limit { limit: Limit::Fuel, allowed: 1_000_000 }, "{what}");
    }
}

#[test]
fn a_flood_of_output_is_cut_and_never_fails_a_call() {
    let write = "(call $write (global.get $out) (i32.const 4096) (i32.const 4096) (i32.const 1024))";
    let report = init(&host(Limits::default()), again_and_again(write, "1000")).unwrap().report;
    // 4 MB were written, a line feed in each 4,096 bytes; what is beyond 1 MiB is not even counted.
    assert_eq!((report.log.len(), report.log_dropped), (256, 1));
    assert_eq!(report.log[0].message, "a line of output");
}

#[test]
fn leaving_instead_of_answering_is_the_guests_error() {
    let left = failure(init(&host(Limits::default()), guest("1")));
    assert!(matches!(&left, PluginFailure::Guest { message } if message.contains("status 1")), "{left:?}");
}

#[test]
fn a_component_that_imports_it_works_as_any_other() {
    let host = host(Limits::default());
    let binding = bind(&host, guest("0"), PluginKind::Reducer);
    let reduction = host.reduce(&binding, board(&binding, 0), event(InputKind::MissionStarted, "{}")).unwrap();
    assert_eq!(reduction.commands, []);
}

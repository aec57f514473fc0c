//! Components are compiled by a child of the program: what it makes is good, what it may use is limited, and nothing
//! of it is left.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use e2e::guest::{World, component, gate_that};
use e2e::scratch::Scratch;
use sluice::clock::SystemClock;
use sluice::domain::artifact::Digest;
use sluice::domain::json::Json;
use sluice::domain::plugin::PluginKind;
use sluice::engine::ports::{PluginRefusal, Plugins as _};
use sluice::plugins::{CompileLimits, Compiler, Limits, PluginHost, PluginHostOptions};

/// A component that takes a while to compile.
const LARGE: &[u8] = include_bytes!("../../plugins/prebuilt/scrubber.wasm");

fn host(cache: Option<&Path>, limits: CompileLimits) -> PluginHost {
    let program = env!("CARGO_BIN_EXE_sluice").into();
    PluginHost::new(PluginHostOptions {
        cache_dir: cache.map(Path::to_owned),
        limits: Limits::default(),
        clock: Arc::new(SystemClock::new()),
        compiler: Some(Compiler { program, limits }),
    })
    .expect("the machine runs components")
}

fn refused(bytes: &[u8], limits: CompileLimits) -> PluginRefusal {
    let refusal = host(None, limits).first_call(bytes.to_vec()).expect_err("it is refused");
    assert!(!refusal.is_host_fault, "{refusal:?}");
    refusal
}

/// Held by each case: children are counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Children of this process that are there, zombies included.
fn children() -> usize {
    let own = format!(" {} ", std::process::id());
    let stats = std::fs::read_dir("/proc").expect("processes can be seen").flatten();
    let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter(|stat| stat.rsplit(')').next().is_some_and(|rest| rest[2..].starts_with(&own))).count()
}

#[test]
fn what_a_child_makes_is_called_here_and_kept() {
    let _alone = alone();
    let scratch = Scratch::new("apart");
    let cache = scratch.path().join("cache");
    let bytes = gate_that("pass", "lenient", "1.0.0");
    let told = host(Some(&cache), CompileLimits::default()).first_call(bytes.clone()).expect("it is good");
    assert!(told.as_str().contains(r#""outcome":"pass""#), "{told:?}");
    let kept: Vec<_> = std::fs::read_dir(&cache).expect("a cache").flatten().collect();
    assert_eq!(kept.len(), 1, "{kept:?}");

    // Another host finds it, and needs no compiler any more.
    let other = host(Some(&cache), CompileLimits { wall: Duration::ZERO, ..CompileLimits::default() });
    other.install(bytes.clone()).expect("it is one");
    let binding = other.bind_pinned(&Digest::of(&bytes), PluginKind::Gate, &Json::empty_object());
    assert_eq!(binding.expect("it can be bound").name, "lenient");
}

#[test]
fn a_child_that_takes_too_much_is_killed_and_reaped() {
    let _alone = alone();
    let wall = refused(LARGE, CompileLimits { wall: Duration::from_millis(50), ..CompileLimits::default() });
    assert!(wall.stage == "compile" && wall.message.contains("was not compiled and tried within"), "{wall:?}");
    let memory = refused(LARGE, CompileLimits { memory_bytes: 1 << 20, ..CompileLimits::default() });
    assert!(memory.stage == "compile" && memory.message.contains("broke off"), "{memory:?}");
    assert_eq!(children(), 0);
}

/// A function that keeps a compiler busy: so many blocks within one another, each of which may be left for each.
fn bomb() -> Vec<u8> {
    let (depth, rows) = (2_000, 6_000);
    let mut text = String::from(
        "(module (memory (export \"memory\") 1) (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 1024)\n",
    );
    text.push_str("(func $bomb (param i32) (result i64) (local i64)\n");
    text.push_str(&"(block\n".repeat(depth));
    for row in 0..rows {
        // A String takes every write.
        let _ = writeln!(
            text,
            "(local.set 1 (i64.add (i64.mul (local.get 1) (i64.const {row})) (i64.extend_i32_u (local.get 0))))(br_if {} (i64.eqz (local.get 1)))",
            row % depth
        );
    }
    text.push_str(&")".repeat(depth));
    text.push_str("(local.get 1))\n");
    text.push_str("(func (export \"sluice:mission/reducer@0.1.0#init\") (result i32) (drop (call $bomb (i32.const 1))) i32.const 0)\n");
    text.push_str("(func (export \"sluice:mission/reducer@0.1.0#on-event\") (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))");
    e2e::guest::with_manifest(&e2e::guest::encode(World::Reducer, "", &text), &e2e::guest::manifest("reducer"))
}

#[test]
fn a_bomb_goes_off_in_the_child_alone() {
    let _alone = alone();
    let limits =
        CompileLimits { cpu: Duration::from_secs(1), wall: Duration::from_mins(1), ..CompileLimits::default() };
    for _ in 0..2 {
        let refusal = host(None, limits).first_call(bomb());
        // A fast machine may compile even this; it is limited either way.
        if let Err(refusal) = refusal {
            assert!(refusal.stage == "compile" && refusal.message.contains("processor time"), "{refusal:?}");
        }
    }
    let large = refused(LARGE, limits);
    assert!(large.message.contains("processor time"), "{large:?}");
    assert_eq!(children(), 0);
}

#[test]
fn what_falls_through_its_first_calls_is_refused_by_the_child() {
    let _alone = alone();
    let trap = component(World::Reducer, "trap", &[("what", "unreachable")]);
    let endless = component(World::Reducer, "spin", &[("rounds", "0")]);
    for (bytes, part) in [(trap, "unreachable"), (endless, "fuel")] {
        let refusal = refused(&bytes, CompileLimits::default());
        assert!(refusal.stage == "self_test" && refusal.message.contains(part), "{refusal:?}");
    }
    assert_eq!(children(), 0);
}

#[test]
fn a_program_that_is_not_there_is_the_hosts_fault() {
    let _alone = alone();
    let host = PluginHost::new(PluginHostOptions {
        cache_dir: None,
        limits: Limits::default(),
        clock: Arc::new(SystemClock::new()),
        compiler: Some(Compiler { program: "/nowhere/sluice".into(), limits: CompileLimits::default() }),
    });
    let refusal = host.expect("a host").first_call(gate_that("pass", "lenient", "1.0.0")).expect_err("nobody compiles");
    assert!(refusal.is_host_fault, "{refusal:?}");
}

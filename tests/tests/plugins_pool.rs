//! A machine without the address space for pooled instances runs components all the same.

use std::process::Command;

use e2e::guest::{World, component};
use e2e::plugins::{host, init};
use sluice::plugins::Limits;

/// Address space of the poor machine in KiB: enough for a few instances, and not for a pool.
const ADDRESS_SPACE_KIB: u64 = 40 * 1024 * 1024;

#[test]
fn with_address_space_instances_come_from_a_pool() {
    assert!(host(Limits::default()).is_pooled());
}

#[test]
fn without_address_space_instances_come_on_demand() {
    let here = std::env::current_exe().unwrap();
    let child = Command::new("sh")
        .args(["-c", "ulimit -v \"$1\" && exec \"$2\" --exact on_the_poor_machine --ignored --nocapture", "sh"])
        .arg(ADDRESS_SPACE_KIB.to_string())
        .arg(here)
        .output()
        .unwrap();
    let (words, errors) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && words.contains("1 passed"), "{words}\n{errors}");
}

#[test]
#[ignore = "runs in a process with little address space, started by the other case"]
fn on_the_poor_machine() {
    let host = host(Limits::default());
    assert!(!host.is_pooled());
    for rounds in ["1", "2", "3"] {
        let reduction = init(&host, component(World::Reducer, "spin", &[("rounds", rounds)])).unwrap();
        assert_eq!(reduction.report.memory_bytes, 64 * 1024);
    }
}

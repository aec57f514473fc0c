//! Ends processes that a killed host left running, before their runs are carried out again.

use std::path::Path;

/// Kills every process that was given a run's directory below `scratch_root`, and removes the
/// directories. To be called while no worker uses `scratch_root`. The directory and not the run is
/// what counts: the run may be carried out again elsewhere by now, also on this machine.
///
/// Only where `/proc` tells a process's environment; elsewhere the directories alone are removed.
pub fn end_orphans(scratch_root: &Path) {
    let Ok(entries) = std::fs::read_dir(scratch_root) else { return };
    let directories: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    if directories.is_empty() {
        return;
    }
    let markers: Vec<String> =
        directories.iter().map(|directory| format!("SLUICE_SCRATCH={}", directory.join("work").display())).collect();
    for pid in processes_with(&markers) {
        tracing::info!(pid = pid.as_raw_nonzero(), "ending a process that an earlier host left running");
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    for directory in directories {
        let _ = std::fs::remove_dir_all(directory);
    }
}

fn processes_with(markers: &[String]) -> Vec<rustix::process::Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| markers.iter().any(|m| m.as_bytes() == variable))
    })
    .filter_map(rustix::process::Pid::from_raw)
    .collect()
}

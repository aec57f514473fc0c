//! The hidden command by which a host has components compiled in a process of their own. It is no command for
//! people: what it reads and writes is between two processes of one version.

use std::process::ExitCode;

use crate::plugins::child::{self, ChildTask};

/// Compile the component on standard input
#[derive(Debug, clap::Args)]
pub(super) struct CompileArgs {
    /// Processor time in seconds
    #[arg(long)]
    cpu_s: u64,
    /// Bytes of memory
    #[arg(long)]
    memory_bytes: u64,
    /// Call it for the first time, too
    #[arg(long)]
    calls: bool,
}

pub(super) fn execute(args: &CompileArgs) -> ExitCode {
    let task = ChildTask { cpu_s: args.cpu_s, memory_bytes: args.memory_bytes, calls: args.calls };
    match child::serve(task, &mut std::io::stdin().lock(), &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

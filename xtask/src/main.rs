//! The command line of the repository's own tasks: `cargo run -p xtask -- <task>`.
//!
//! Owns the reading of arguments and nothing else. Read next: the library, one module per task.

use anyhow::{Result, bail};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo run -p xtask -- <task>

tasks:
  plugins [NAME..]   build the plugins and the tests' guests (or those named) as components
  plugins --check    say which prebuilt components do not belong to their sources
  contract           compare `wit/` with the released contract
  openapi            compare `specs/openapi.json` with the released API
  tidy               check the rules of the tree that the compiler does not know";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["plugins", "--check"] => xtask::plugins::check(&xtask::root()),
        ["plugins", names @ ..] if names.iter().all(|name| !name.starts_with('-')) => {
            xtask::plugins::build(&xtask::root(), names)
        }
        ["contract"] => xtask::contract::check(&xtask::root()),
        ["openapi"] => xtask::openapi::check(&xtask::root()),
        ["tidy"] => xtask::tidy::check(&xtask::root()),
        ["--help" | "-h" | "help"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("unknown task or option\n\n{USAGE}"),
    }
}

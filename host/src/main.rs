//! The binary `sluice`: parses the command line and hands it to [`sluice::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    sluice::cli::main()
}

//! The command `scanner`.

use std::process::ExitCode;

fn main() -> ExitCode {
    scanner_cli::run(std::env::args_os())
}

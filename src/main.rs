//! The `polargram` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    polargram::cli::run(std::env::args_os())
}

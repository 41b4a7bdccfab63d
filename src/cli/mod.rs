//! The `polargram` command: the same code whether cargo or pip installed it.

mod args;
mod commands;
mod display;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::error::Error;
use commands::Command;
use display::{INTERRUPTED, say};

/// Word vectors from Parquet and Arrow columns of tokens.
#[derive(Parser)]
#[command(name = "polargram", version, about, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Exit code of a job that failed. clap's own, for wrong usage, is 2.
const FAILED: u8 = 1;

/// Runs the command with the program's name and its arguments, and says how the process should exit: 0 done, 1 failed,
/// 2 wrong usage, 130 interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(run_to_code(arguments))
}

/// [`run`], with the exit code as a number.
pub fn run_to_code(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with code 0, mistakes to stderr with code 2. If they cannot be printed, the
            // code still tells.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(FAILED);
        }
    };
    match cli.command.run() {
        Ok(()) => 0,
        Err(Error::Interrupted) => {
            say("polargram: interrupted; no output was written");
            INTERRUPTED
        }
        Err(error) => {
            say(format_args!("polargram: {error}"));
            FAILED
        }
    }
}

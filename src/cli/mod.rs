//! The `polargram` command: the same code whether cargo or pip installed it.

mod args;
mod commands;
mod display;
mod evaluation;
mod exit;
mod help;
mod metrics;
mod settings;
mod streams;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use self::args::Messages;
use self::commands::Command;
use self::display::{complain, print_lines, say};
use self::exit::{CODES, FAILED, Failure, INTERRUPTED};
use crate::error::Error;

/// Word vectors from Parquet and Arrow columns of tokens.
#[derive(Parser)]
#[command(name = "polargram", version, about, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    messages: Messages,
    #[command(subcommand)]
    command: Command,
}

/// Runs the command with the program's name and its arguments, and says how the process should exit: 0 done, 1 failed,
/// 2 wrong usage, 3 a fault of the input, 4 of the output, 130 interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(run_to_code(arguments))
}

/// [`run`], with the exit code as a number.
pub fn run_to_code(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match run_command(&arguments) {
        Ok(code) => code,
        Err(Failure { error: Error::Interrupted, .. }) => {
            say("polargram: interrupted; no output was written");
            INTERRUPTED
        }
        Err(Failure { error, code }) => {
            complain(&error);
            code
        }
    }
}

fn run_command(arguments: &[OsString]) -> Result<u8, Failure> {
    let command = settings::with_environment(help::with_help(Cli::command(), CODES));
    // The messages of a fault in the file, too, are as the arguments say.
    let command = settings::with_file(command, arguments)?;
    let mut parser = command.clone();
    let parsed = parser.try_get_matches_from_mut(arguments);
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version go to stdout with code 0, mistakes to stderr with code 2. If they cannot be printed, the
            // code still tells.
            let _ = error.print();
            return Ok(u8::try_from(error.exit_code()).unwrap_or(FAILED));
        }
    };
    cli.messages.apply();
    if let Some((name, matches)) = matches.subcommand()
        && matches.try_get_one::<bool>("print_config").is_ok_and(|is_set| is_set == Some(&true))
        && let Some(subcommand) = parser.find_subcommand(name)
    {
        print_lines(settings::printed(subcommand, matches).lines())?;
        return Ok(0);
    }
    cli.command.run(&mut parser).map(|()| 0)
}

//! `polargram completions`.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::error::{IoContext, Result};

/// Print a script that completes the commands and options in a shell.
#[derive(Args)]
pub(in crate::cli) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Of this command.
    pub(in crate::cli) fn run(&self, command: &mut Command) -> Result<()> {
        let mut script = Vec::new();
        generate(self.shell, command, "polargram", &mut script);
        let mut out = io::stdout().lock();
        match out.write_all(&script).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.at("write to", "standard output".as_ref()),
        }
    }
}

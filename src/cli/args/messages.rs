//! What is told on the way.

use clap::Args;

use crate::cli::display::{LogFormat, ProgressStyle, set_style};

#[derive(Args)]
#[command(next_help_heading = "Messages")]
pub(in crate::cli) struct Messages {
    /// How messages are written to stderr.
    #[arg(long, value_enum, default_value = "text", global = true)]
    log_format: LogFormat,
    /// How progress is shown on stderr.
    #[arg(long, value_enum, default_value = "auto", global = true)]
    progress: ProgressStyle,
}

impl Messages {
    /// From now on messages are written so.
    pub(in crate::cli) fn apply(&self) {
        set_style(self.log_format, self.progress);
    }
}

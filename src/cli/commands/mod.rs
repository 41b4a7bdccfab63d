//! The commands, a file each.

mod phrases;
mod sample;
mod similar;
mod train;

use clap::Subcommand;

use crate::error::Result;

#[derive(Subcommand)]
pub(super) enum Command {
    Train(Box<train::Train>),
    Phrases(Box<phrases::Phrases>),
    Similar(similar::Similar),
    Sample(sample::Sample),
}

impl Command {
    pub(super) fn run(&self) -> Result<()> {
        match self {
            Self::Train(train) => train.run(),
            Self::Phrases(phrases) => phrases.run(),
            Self::Similar(similar) => similar.run(),
            Self::Sample(sample) => sample.run(),
        }
    }
}

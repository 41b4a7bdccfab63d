//! The commands, a file each.

mod analogy;
mod completions;
mod convert;
mod embed;
mod evaluate;
mod info;
mod phrases;
mod plot;
mod sample;
mod similar;
mod train;
mod vocab;

use clap::Subcommand;

use super::exit::Failure;

#[derive(Subcommand)]
pub(super) enum Command {
    Sample(sample::Sample),
    Vocab(Box<vocab::Vocab>),
    Train(Box<train::Train>),
    Phrases(Box<phrases::Phrases>),
    Similar(similar::Similar),
    Analogy(analogy::Analogy),
    Embed(Box<embed::Embed>),
    Evaluate(evaluate::Evaluate),
    Info(info::Info),
    Convert(convert::Convert),
    Plot(plot::Plot),
    Completions(completions::Completions),
}

impl Command {
    /// `whole` is the command that this is a part of.
    pub(super) fn run(&self, whole: &mut clap::Command) -> Result<(), Failure> {
        match self {
            Self::Sample(sample) => Ok(sample.run()?),
            Self::Vocab(vocab) => vocab.run(),
            Self::Train(train) => train.run(),
            Self::Similar(similar) => Ok(similar.run()?),
            Self::Analogy(analogy) => Ok(analogy.run()?),
            Self::Embed(embed) => embed.run(),
            Self::Evaluate(evaluate) => Ok(evaluate.run()?),
            Self::Info(info) => Ok(info.run()?),
            Self::Convert(convert) => convert.run(),
            Self::Plot(plot) => plot.run(),
            Self::Completions(completions) => Ok(completions.run(whole)?),
            Self::Phrases(phrases) => Ok(phrases.run()?),
        }
    }
}

//! `polargram convert`.

use std::path::Path;

use clap::{Args, ValueEnum};

use crate::cli::args::{StorageArgs, format_parser};
use crate::cli::display::on_interrupt;
use crate::cli::exit::{Failure, OnOutput};
use crate::cli::settings::is_standard_stream;
use crate::cli::streams;
use crate::corpus::Utf8Errors;
use crate::error::Error;
use crate::formats::{Encoding, FloatType, Format, LoadOptions, SaveOptions};
use crate::progress::Progress;
use crate::vectors::KeyedVectors;

/// Write vectors in another format.
///
/// The first bytes of a file tell its format, or else its ending does. The ending of the output tells the output's.
#[derive(Args)]
pub(in crate::cli) struct Convert {
    #[arg(value_name = "FROM", help = format!("Vectors ({}), their URL, or - for standard input", Format::endings()))]
    from: String,
    /// The file or URL to write, or - for standard output.
    #[arg(value_name = "TO")]
    to: String,
    /// The format of the output, whatever its name ends with; needed for standard output.
    #[arg(long, value_parser = format_parser())]
    format: Option<&'static Format>,
    /// Take only the first rows, as many as this.
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,
    /// Write half precision: half the size.
    #[arg(long)]
    half: bool,
    /// The column of the keys, in a table of others.
    #[arg(long, value_name = "COLUMN")]
    key_column: Option<String>,
    /// The column of the vectors, in a table of others.
    #[arg(long, value_name = "COLUMN")]
    vector_column: Option<String>,
    /// Keys are integers.
    #[arg(long)]
    integer_keys: bool,
    /// Text without the line `words dimensions`, whose first word could be taken for one.
    #[arg(long)]
    no_header: bool,
    /// How the bytes of words in text and binary files become text.
    #[arg(long, value_enum, default_value = "utf8")]
    encoding: TextEncoding,
    /// What to do about words that are not UTF-8.
    #[arg(long, value_enum, default_value = "strict")]
    errors: Utf8Errors,
    #[command(flatten)]
    storage: StorageArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TextEncoding {
    Utf8,
    Latin1,
}

impl Convert {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let progress = Progress::default();
        on_interrupt(&progress);
        let format = self.format().on_output()?;
        let options = LoadOptions {
            limit: self.limit,
            no_header: self.no_header,
            errors: self.errors,
            integer_keys: self.integer_keys,
            encoding: match self.encoding {
                TextEncoding::Utf8 => Encoding::Utf8,
                TextEncoding::Latin1 => Encoding::Latin1,
            },
            key_column: self.key_column.clone(),
            vector_column: self.vector_column.clone(),
            ..LoadOptions::default()
        };
        let from = streams::input(&self.from, self.storage.options());
        let vectors = KeyedVectors::load_with(from, &options, &progress)?;
        let options = SaveOptions { float: if self.half { FloatType::Float16 } else { FloatType::Float32 } };
        streams::output(&self.to, format.endings[0], self.storage.options(), |to| {
            vectors.save_as(format, to.clone(), &options, &progress)
        })
        .on_output()
    }

    fn format(&self) -> crate::Result<&'static Format> {
        match (self.format, is_standard_stream(&self.to)) {
            (Some(format), true) if format.has_second_file() => {
                let reason = format!("{} is two files; standard output takes one: name a file", format.name);
                Err(Error::parameter("format", reason))
            }
            (Some(format), _) => Ok(format),
            (None, true) => Err(Error::parameter("format", "is needed for standard output, as in --format txt")),
            (None, false) => Format::of_name(Path::new(&self.to)),
        }
    }
}

//! What is written, and where.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::formats::Format;

#[derive(Args)]
pub(in crate::cli) struct OutputArgs {
    /// The directory or URL for vectors.arrow and the other formats; a directory is made if it is missing.
    #[arg(long = "output", short = 'o', value_name = "OUTPUT")]
    pub(in crate::cli) location: String,
    /// What to write.
    #[arg(long, value_parser = format_parser(), value_delimiter = ',', default_value = "arrow")]
    pub(in crate::cli) formats: Vec<&'static Format>,
}

/// Takes the names of the formats that there are.
pub(in crate::cli) fn format_parser() -> impl TypedValueParser<Value = &'static Format> {
    let names = Format::written().map(|format| PossibleValue::new(format.name).help(format.about));
    PossibleValuesParser::new(names).try_map(|name| Format::named(&name).ok_or("is not the name of a format"))
}

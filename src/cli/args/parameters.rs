//! The options of the hyperparameters, which follow from the table of [`Config`].

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::config::{Config, Parameter, Range, Value};
use crate::error::Result;

/// The hyperparameters given, in the order of the table.
pub(in crate::cli) struct Parameters(Vec<(&'static Parameter<Config>, Value)>);

impl Parameters {
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) if one is out of range.
    pub(in crate::cli) fn config(&self) -> Result<Config> {
        let mut config = Config::default();
        self.0.iter().try_for_each(|(parameter, value)| parameter.set(&mut config, *value))?;
        config.validate()?;
        Ok(config)
    }
}

impl Args for Parameters {
    fn augment_args(command: Command) -> Command {
        command.args(Config::PARAMETERS.iter().map(option))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Parameters {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = Config::PARAMETERS.iter().filter_map(|parameter| {
            let value = matches.get_one(parameter.name).copied()?;
            Some((parameter, value))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// An option that may stand without a value: what is off by default can be switched on by its name alone.
fn is_flag(parameter: &Parameter<Config>) -> bool {
    parameter.range == Range::Switch && parameter.default() == Value::Switch(false)
}

fn option(parameter: &'static Parameter<Config>) -> Arg {
    let arg = Arg::new(parameter.name)
        .long(dashed(parameter.name))
        .help(help(parameter.meaning))
        .help_heading("Hyperparameters");
    let range = parameter.range;
    if is_flag(parameter) {
        return arg
            .value_name("true|false")
            .value_parser(move |text: &str| range.parse(text))
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .default_value("false")
            .hide_default_value(true);
    }
    let (value_name, may_be_negative) = match range {
        Range::Whole { .. } | Range::Optional => ("N", false),
        Range::Real { .. } => ("X", true),
        Range::Switch => ("true|false", false),
        Range::ZeroOrOne => ("0|1", false),
    };
    let arg = arg
        .value_name(value_name)
        .allow_negative_numbers(may_be_negative)
        .value_parser(move |text: &str| range.parse(text));
    match parameter.default() {
        Value::None => arg,
        default => arg.default_value(range.text(default)),
    }
}

fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

/// A parameter's meaning with the names of others, which stand between backticks, as options.
fn help(meaning: &str) -> String {
    let parts = meaning.trim_end_matches('.').split('`').enumerate();
    parts.map(|(i, part)| if i % 2 == 1 { format!("--{}", dashed(part)) } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        parameters: Parameters,
    }

    fn parsed(arguments: &[&str]) -> Result<Config, String> {
        let program =
            Program::try_parse_from(["program"].iter().chain(arguments)).map_err(|error| error.to_string())?;
        program.parameters.config().map_err(|error| error.to_string())
    }

    #[test]
    fn clap_accepts_the_options_of_the_table() {
        Program::command().debug_assert();
    }

    #[test]
    fn without_options_every_parameter_has_its_default() {
        assert_eq!(parsed(&[]), Ok(Config::default()));
    }

    #[test]
    fn every_parameter_can_be_set_by_the_option_of_its_name() {
        for parameter in Config::PARAMETERS {
            let default = parameter.default();
            let (first, last) = match parameter.range {
                Range::Whole { least, most } => (Value::Whole(least), Value::Whole(most)),
                Range::Real { least, most } => (Value::Real(least), Value::Real(most)),
                Range::Optional => (Value::Whole(1), Value::Whole(2)),
                Range::Switch | Range::ZeroOrOne => (Value::Switch(false), Value::Switch(true)),
            };
            let value = if first == default { last } else { first };
            let option = match is_flag(parameter) {
                true => format!("--{}", dashed(parameter.name)),
                false => format!("--{}={}", dashed(parameter.name), parameter.range.text(value)),
            };
            let program = Program::try_parse_from(["program", &option]).unwrap();
            let (mut want, mut got) = (Config::default(), Config::default());
            parameter.set(&mut want, value).unwrap();
            program.parameters.0.iter().for_each(|(parameter, value)| parameter.set(&mut got, *value).unwrap());
            assert_eq!(got, want, "{option}");
            assert_ne!(got, Config::default(), "{option}");
        }
    }

    #[test]
    fn the_help_lists_each_option_with_its_meaning_and_default() {
        let text = Program::command().render_long_help().to_string();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for wanted in [
            "--vector-size <N> Dimensions of the word vectors [default: 100]",
            "--max-final-vocab <N> --min-count is raised until no more words than this are left",
            "--null-word[=<true|false>] Adds a last row for the word \"\\0\", to pad sentences with",
            "--cbow-mean <0|1> In CBOW, takes the mean of the context, rather than its sum [default: 1]",
            "--sample <X>",
            "[default: 0.001]",
            "[default: 0.025]",
            "--sorted-vocab <true|false>",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_wrong_usage_and_one_out_of_range_names_the_parameter() {
        for (arguments, wanted) in [
            (["--window", "wide"], "'--window <N>': expected a whole number between 1 and 10000"),
            (["--seed", "18446744073709551616"], "--seed"),
            (["--sg", "2"], "expected 0 or 1"),
            (["--alpha", "-1"], "alpha: must be a finite number of at least 0, got -1.0"),
            (["--sample", "nan"], "sample: must be a finite number"),
            (["--negative", "0"], "negative: must be at least 1 unless hs is 1"),
        ] {
            let error = parsed(&arguments).unwrap_err();
            assert!(error.contains(wanted), "{arguments:?}: {error}");
        }
    }
}

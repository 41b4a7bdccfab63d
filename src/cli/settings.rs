//! Options from elsewhere than the command line: environment variables and a TOML file. What stands on the command line counts
//! most, then the environment, then the file, then the default.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::error::{Error, IoContext, Result};

/// What the names of the variables start with.
const PREFIX: &str = "POLARGRAM_";
const CONFIG: &str = "config";
/// What a file does not set: it would be read again, or nothing would be done.
const NOT_IN_FILES: [&str; 5] = ["config", "print-config", "dry-run", "help", "version"];

/// Lets each option take its value from an environment variable: `--vector-size` from POLARGRAM_VECTOR_SIZE. One that is empty
/// counts as not set.
pub(super) fn with_environment(command: Command) -> Command {
    command.mut_args(from_environment).mut_subcommands(|command| command.mut_args(from_environment))
}

fn from_environment(arg: Arg) -> Arg {
    let Some(variable) = arg.get_long().map(variable_of) else { return arg };
    let arg = match arg.get_action() {
        ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
        ArgAction::Set | ArgAction::Append => arg,
        // Help and version.
        _ => return arg,
    };
    match env::var_os(&variable).is_some_and(|value| !value.is_empty()) {
        true => arg.env(variable).hide_env(true),
        false => arg,
    }
}

fn variable_of(long: &str) -> String {
    format!("{PREFIX}{}", long.replace('-', "_").to_ascii_uppercase())
}

/// Lets the options of a subcommand take their values from the file that `--config` names, if it is given.
///
/// # Errors
/// [`Error::Io`] if it cannot be read; [`Error::Format`] if it is not TOML, or names an option that there is not.
pub(super) fn with_file(command: Command, arguments: &[OsString]) -> Result<Command> {
    let Some(name) = subcommand_of(&command, arguments) else { return Ok(command) };
    let has_config = command.find_subcommand(&name).is_some_and(|found| argument(found, CONFIG).is_some());
    let Some(path) = file_of(arguments).filter(|_| has_config) else { return Ok(command) };
    let text = std::fs::read_to_string(&path).at("read", &path)?;
    let table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| Error::format(&path, on_one_line(&error, &text)))?;
    let mut command = command;
    for (key, value) in &table {
        command = with_default(command, &name, key, value).map_err(|reason| Error::format(&path, reason))?;
    }
    Ok(command)
}

fn on_one_line(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
    let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    format!("line {line} is not valid TOML: {message}")
}

/// The first argument that is the name of a subcommand.
fn subcommand_of(command: &Command, arguments: &[OsString]) -> Option<String> {
    let names = arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    names.filter_map(|name| command.find_subcommand(name)).map(|found| found.get_name().to_owned()).next()
}

/// The file that `--config` or the environment names.
fn file_of(arguments: &[OsString]) -> Option<PathBuf> {
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    env::var_os(variable_of(CONFIG)).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The argument of an option's name, or a positional one.
fn argument<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|arg| name_of(arg) == name)
}

fn name_of(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_else(|| arg.get_id().as_str())
}

/// Gives an option of a subcommand, or one that all have, a default.
fn with_default(command: Command, subcommand: &str, key: &str, value: &toml::Value) -> Result<Command, String> {
    let name = key.replace('_', "-");
    let may_be_set = |name: &str| !NOT_IN_FILES.contains(&name);
    let own = || command.find_subcommand(subcommand).into_iter().flat_map(Command::get_arguments);
    let all = || own().map(|arg| (arg, true)).chain(command.get_arguments().map(|arg| (arg, false)));
    let found = all().find(|(arg, _)| name_of(arg) == name).filter(|_| may_be_set(&name));
    let Some((arg, is_own)) = found else {
        let names = all().map(|(arg, _)| name_of(arg)).filter(|name| may_be_set(name));
        let names: Vec<String> = names.map(|name| name.replace('-', "_")).collect();
        return Err(format!("there is no option {key:?}; there are {}", names.join(", ")));
    };
    let values = match value {
        toml::Value::Array(values) => values.iter().map(text_of).collect::<Result<Vec<_>, _>>(),
        value => text_of(value).map(|text| vec![text]),
    };
    let values = values.map_err(|kind| format!("{key}: is a {kind}; expected a string, a number, true or false"))?;
    let takes_several =
        matches!(arg.get_action(), ArgAction::Append) || arg.get_num_args().is_some_and(|n| n.max_values() > 1);
    if values.len() > 1 && !takes_several && arg.get_value_delimiter().is_none() {
        return Err(format!("{key}: takes one value, not {}", values.len()));
    }
    let id = arg.get_id().clone();
    // Unlike `mut_arg`, which moves the argument to the end.
    let with_values = |arg: Arg| match *arg.get_id() == id {
        true => arg.required(false).default_values(values.clone()),
        false => arg,
    };
    Ok(match is_own {
        true => command.mut_subcommand(subcommand, |found| found.mut_args(with_values)),
        false => command.mut_args(with_values),
    })
}

/// A value as it stands on the command line.
fn text_of(value: &toml::Value) -> Result<String, &'static str> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(format!("{number:?}")),
        toml::Value::Boolean(is_on) => Ok(is_on.to_string()),
        other => Err(other.type_str()),
    }
}

/// The options of a subcommand with the values that they have now, as a file that `--config` takes.
pub(super) fn printed(command: &Command, matches: &ArgMatches) -> String {
    let mut text = format!("# polargram {} --config FILE\n", command.get_name());
    for arg in command.get_arguments().filter(|arg| !NOT_IN_FILES.contains(&name_of(arg))) {
        // Arguments that every command has may not be known to this one.
        let values = matches.try_get_raw(arg.get_id().as_str()).ok().flatten();
        let values: Vec<String> = values.into_iter().flatten().map(|value| written(&value.to_string_lossy())).collect();
        let takes_several = matches!(arg.get_action(), ArgAction::Append)
            || arg.get_num_args().is_some_and(|n| n.max_values() > 1)
            || arg.get_value_delimiter().is_some();
        let key = name_of(arg).replace('-', "_");
        match (values.as_slice(), takes_several) {
            ([], _) => {}
            ([value], false) => text.push_str(&format!("{key} = {value}\n")),
            (values, _) => text.push_str(&format!("{key} = [{}]\n", values.join(", "))),
        }
    }
    text
}

/// A value in TOML: as a number or a truth value if that is read as the same text.
fn written(text: &str) -> String {
    let is_same = |value: toml::Value| text_of(&value).is_ok_and(|other| other == text);
    let numbers = [
        text.parse().ok().map(toml::Value::Integer),
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(toml::Value::Float),
        text.parse().ok().map(toml::Value::Boolean),
    ];
    match numbers.into_iter().flatten().find(|value| is_same(value.clone())) {
        Some(value) => value.to_string(),
        None => toml::Value::String(text.to_owned()).to_string(),
    }
}

/// Where a file of settings is written to: a path as it is.
pub(super) fn is_standard_stream(path: &str) -> bool {
    path == "-" && !Path::new(path).exists()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn command() -> Command {
        let train = Command::new("train")
            .arg(Arg::new("corpus").required(true).num_args(1..))
            .arg(Arg::new("config").long("config"))
            .arg(Arg::new("size").long("vector-size").default_value("100"))
            .arg(Arg::new("lower").long("lowercase").action(ArgAction::SetTrue))
            .arg(Arg::new("column").long("column").default_value("tokens"));
        Command::new("polargram").subcommand(train)
    }

    fn parsed(arguments: &[&str]) -> Result<ArgMatches> {
        let arguments: Vec<OsString> = ["polargram"].iter().chain(arguments).map(OsString::from).collect();
        let command = with_file(command(), &arguments)?;
        let matches =
            command.try_get_matches_from(&arguments).map_err(|error| Error::parameter("usage", error.to_string()))?;
        Ok(matches.subcommand_matches("train").unwrap().clone())
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn what_is_printed_is_read_back_and_the_command_line_counts_more() {
        let first =
            parsed(&["train", "a b.parquet", "1", "--column", "true", "--vector-size=0.5", "--lowercase"]).unwrap();
        let text = printed(command().find_subcommand("train").unwrap(), &first);
        assert!(text.contains("corpus = [\"a b.parquet\", 1]\n") && text.contains("lowercase = true\n"), "{text}");
        let file = file(&text);
        let path = file.path().to_str().unwrap();
        let again = parsed(&["train", "--config", path]).unwrap();
        assert_eq!(printed(command().find_subcommand("train").unwrap(), &again), text);
        let other = parsed(&["train", "--config", path, "--vector-size", "7", "other"]).unwrap();
        assert_eq!(other.get_one::<String>("size").unwrap(), "7");
        assert_eq!(other.get_many::<String>("corpus").unwrap().collect::<Vec<_>>(), ["other"]);
    }

    #[test]
    fn a_file_with_a_fault_is_refused_with_its_name_and_the_place() {
        for (text, reason) in [
            ("vector_size = \n", "line 1 is not valid TOML"),
            ("column = \"a\"\nvectors = 5", "there is no option \"vectors\"; there are "),
            ("config = \"other.toml\"", "there is no option \"config\""),
            ("vector_size = [1, 2]", "vector_size: takes one value, not 2"),
            ("[corpus]\na = 1", "corpus: is a table"),
            ("column = 2026-01-01", "column: is a datetime"),
        ] {
            let file = file(text);
            let path = file.path().to_str().unwrap();
            let error = parsed(&["train", &format!("--config={path}")]).unwrap_err().to_string();
            assert!(error.starts_with(path) && error.contains(reason), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
        assert!(matches!(parsed(&["train", "--config", "/no/such/file"]), Err(Error::Io { .. })));
    }
}

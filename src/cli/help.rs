//! The help: commands in groups, and examples.

use clap::Command;

/// The commands by what they are for, in the order in which they are listed.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Corpora", &["sample", "vocab", "phrases"]),
    ("Training", &["train"]),
    ("Vectors", &["similar", "analogy", "embed", "evaluate", "info", "convert", "plot"]),
    ("Shell", &["completions", "help"]),
];

/// Two examples of each command.
const EXAMPLES: [(&str, &str); 12] = [
    (
        "sample",
        "  polargram sample --output corpus
  polargram sample --output corpus --tokens 200000 --seed 7",
    ),
    (
        "vocab",
        "  polargram vocab corpus --output vocab.parquet
  zcat articles.txt.gz | polargram vocab - --lowercase --min-count 5 > vocab.tsv",
    ),
    (
        "phrases",
        "  polargram phrases corpus --output phrases.arrow --threshold 20
  polargram phrases corpus --model phrases.arrow --rewrite phrased.parquet",
    ),
    (
        "train",
        "  polargram train corpus --output out --sg 1 --report report.html
  polargram train s3://bucket/wiki/ --output s3://bucket/vectors/ --config train.toml \\
      --log-format json --metrics metrics.json",
    ),
    (
        "similar",
        "  polargram similar --vectors out/vectors.arrow monday
  polargram similar --vectors out/vectors.arrow king woman --negative man --topn 5",
    ),
    (
        "analogy",
        "  polargram analogy --vectors out/vectors.arrow man king woman
  polargram analogy --vectors out/vectors.arrow --method cosmul man king woman",
    ),
    (
        "embed",
        "  polargram embed corpus/part-0.parquet --vectors out/vectors.arrow --output embedded.parquet
  polargram embed s3://bucket/in/ --vectors out/vectors.arrow --weights sif --output s3://bucket/out.parquet",
    ),
    (
        "evaluate",
        "  polargram evaluate --vectors out/vectors.arrow --analogies corpus/questions.txt
  polargram evaluate --vectors out/vectors.arrow --pairs wordsim353.tsv simlex999.txt --json",
    ),
    (
        "info",
        "  polargram info out/vectors.arrow
  polargram info out/vectors.arrow checkpoint --json",
    ),
    (
        "convert",
        "  polargram convert out/vectors.arrow vectors.bin
  polargram convert glove.6B.100d.txt glove.arrow --limit 100000",
    ),
    (
        "plot",
        "  polargram plot --vectors out/vectors.arrow --top 300 --output map.html
  polargram plot --metrics metrics.json --output training.svg",
    ),
    (
        "completions",
        "  polargram completions bash > ~/.local/share/bash-completion/completions/polargram
  polargram completions fish > ~/.config/fish/completions/polargram.fish",
    ),
];

const ENVIRONMENT: &str =
    "  POLARGRAM_NAME stands for the option --name of every command, with _ for -, as POLARGRAM_VECTOR_SIZE=300.
  What is on the command line counts more; what is in the file of --config counts less.";

fn heading(text: &str) -> String {
    // As clap writes its own; it leaves the colours out where there is no terminal.
    format!("\x1b[1m\x1b[4m{text}:\x1b[0m")
}

/// Adds groups and examples to the help.
pub(super) fn with_help(command: Command, exit_codes: &str) -> Command {
    let listing = listing(&command);
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{listing}{}\n{{options}}\n\n{}\n{ENVIRONMENT}\
         \n\n{}\n{exit_codes}\n{{after-help}}",
        heading("Options"),
        heading("Environment"),
        heading("Exit codes"),
    );
    let mut command = command.help_template(template);
    for (name, examples) in EXAMPLES {
        if command.find_subcommand(name).is_some() {
            let examples = format!("{}\n{examples}", heading("Examples"));
            command = command.mut_subcommand(name, |command| command.after_help(examples));
        }
    }
    command
}

fn listing(command: &Command) -> String {
    const ABOUT_HELP: &str = "Print the help of a command";
    let about = |name: &str| match command.find_subcommand(name) {
        Some(found) => found.get_about().map(|about| first_sentence(&about.to_string())),
        None => (name == "help").then(|| ABOUT_HELP.to_owned()),
    };
    let mut listing = String::new();
    for (group, names) in GROUPS {
        let lines: Vec<String> =
            names.iter().filter_map(|name| Some(format!("  \x1b[1m{name:<12}\x1b[0m {}\n", about(name)?))).collect();
        if !lines.is_empty() {
            listing.push_str(&format!("{}\n{}\n", heading(group), lines.concat()));
        }
    }
    listing
}

fn first_sentence(about: &str) -> String {
    let sentence = about.split_once(". ").map_or(about, |(first, _)| first);
    sentence.split_once(", a line").map_or(sentence, |(first, _)| first).trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn names() -> Vec<String> {
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
    }

    #[test]
    fn every_command_is_in_a_group_and_in_the_help() {
        let text = with_help(Cli::command(), "codes").render_long_help().to_string();
        for name in names() {
            assert!(GROUPS.iter().any(|(_, names)| names.contains(&name.as_str())), "{name}");
            assert!(text.contains(&format!("\n  {name} ")), "{name}: {text}");
        }
    }

    #[test]
    fn every_command_has_two_examples_that_it_accepts() {
        for name in names() {
            let (_, examples) = EXAMPLES.iter().find(|(command, _)| *command == name).expect(&name);
            let joined = examples.replace("\\\n", " ");
            let examples: Vec<&str> = joined.lines().collect();
            assert_eq!(examples.len(), 2, "{name}");
            for example in examples {
                let start = example.find(&format!("polargram {name} ")).expect(example);
                let line = example[start..].split(" > ").next().unwrap();
                let parsed = Cli::command().try_get_matches_from(line.split_whitespace());
                assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
            }
        }
    }
}

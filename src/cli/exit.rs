//! How the command ends: its exit codes.

use crate::error::{Error, Result};

/// What was wrong with the arguments, or a value among them. It is clap's own.
pub(super) const USAGE: u8 = 2;
/// Exit code of a job that failed for another reason.
pub(super) const FAILED: u8 = 1;
const INPUT: u8 = 3;
const OUTPUT: u8 = 4;
/// Exit code of a job that the user interrupted: 128 + SIGINT.
pub(super) const INTERRUPTED: u8 = 130;

/// The codes, as the help shows them.
pub(super) const CODES: &str = "  0    done
  1    failed for a reason that is none of the others
  2    wrong usage: an option, or a value out of its range
  3    input that is missing, damaged or not what it should be
  4    output that cannot be written
  130  interrupted (Ctrl-C, SIGTERM)";

/// Why the command failed, and its exit code.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) code: u8,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Interrupted => INTERRUPTED,
            Error::Parameter { .. } => USAGE,
            Error::Io { action, .. } if is_writing(action) => OUTPUT,
            Error::Io { action, .. } if is_reading(action) => INPUT,
            Error::Corpus { .. }
            | Error::EmptyVocabulary { .. }
            | Error::Format { .. }
            | Error::Truncated { .. }
            | Error::UnknownKey(_)
            | Error::Polars(_) => INPUT,
            _ => FAILED,
        };
        Self { error, code }
    }
}

fn is_writing(action: &str) -> bool {
    ["write", "create", "replace", "remove", "spill"].iter().any(|verb| action.starts_with(verb))
}

fn is_reading(action: &str) -> bool {
    ["read", "map", "decompress", "list", "find", "follow", "open"].iter().any(|verb| action.starts_with(verb))
}

/// Marks what failed as a fault of the output.
pub(super) trait OnOutput<T> {
    /// A refusal of a file that was to be written is a fault of the output, also where it is about its name or its format.
    fn on_output(self) -> Result<T, Failure>;
}

impl<T> OnOutput<T> for Result<T> {
    fn on_output(self) -> Result<T, Failure> {
        self.map_err(|error| match &error {
            Error::Io { .. } | Error::Format { .. } => Failure { code: OUTPUT, error },
            _ => error.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn codes_tell_usage_input_and_output_apart() {
        let fault = |action| Error::Io { action, path: PathBuf::from("f"), source: io::Error::other("full") };
        for (error, code) in [
            (Error::parameter("window", "must be at least 1"), USAGE),
            (fault("read"), INPUT),
            (fault("map"), INPUT),
            (fault("write to"), OUTPUT),
            (fault("create the directory"), OUTPUT),
            (fault("start threads for"), FAILED),
            (Error::format(Path::new("v"), "is damaged"), INPUT),
            (Error::Interrupted, INTERRUPTED),
            (Error::Forked, FAILED),
        ] {
            assert_eq!(Failure::from(error).code, code);
        }
        let refused: Result<()> = Err(Error::format(Path::new("/dev/null"), "is a pipe or a device"));
        assert_eq!(refused.on_output().unwrap_err().code, OUTPUT);
    }
}

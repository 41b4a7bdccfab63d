//! How the values of options are written.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::corpus::Split;
use crate::models::Every;
use crate::phrases::ENGLISH_CONNECTOR_WORDS;

pub(in crate::cli) fn parse_every(text: &str) -> Result<Every, String> {
    if text == "epoch" {
        return Ok(Every::Epoch);
    }
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes < 1e9 => Ok(Every::Time(Duration::from_secs_f64(60.0 * minutes))),
        _ => Err("expected `epoch` or a number of minutes".to_owned()),
    }
}

pub(in crate::cli) fn parse_split(text: &str) -> Result<Split, String> {
    match (text, text.strip_prefix("regex:")) {
        ("whitespace", _) => Ok(Split::Whitespace),
        (_, Some(pattern)) => Ok(Split::Regex(pattern.to_owned())),
        _ => Err("expected `whitespace` or `regex:PATTERN`".to_owned()),
    }
}

pub(super) fn parse_storage_option(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "expected NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Bytes, with K, M, G or T for powers of 1024.
pub(in crate::cli) fn parse_bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let factor = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => Some(1),
        "K" | "KB" | "KIB" => Some(1u64 << 10),
        "M" | "MB" | "MIB" => Some(1 << 20),
        "G" | "GB" | "GIB" => Some(1 << 30),
        "T" | "TB" | "TIB" => Some(1 << 40),
        _ => None,
    };
    let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    bytes.ok_or_else(|| "expected a number of bytes such as 1000000, 256M or 2G".to_owned())
}

/// Words between commas, or `english` for those of gensim.
pub(in crate::cli) fn parse_connector_words(text: &str) -> Result<BTreeSet<String>, String> {
    let words: Vec<&str> = match text {
        "english" => ENGLISH_CONNECTOR_WORDS.to_vec(),
        _ => text.split(',').filter(|word| !word.is_empty()).collect(),
    };
    Ok(words.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_with_and_without_a_unit() {
        for (text, bytes) in [
            ("17", 17),
            ("17B", 17),
            ("1K", 1 << 10),
            ("256M", 256 << 20),
            ("2g", 2 << 30),
            ("3GiB", 3 << 30),
            ("1TB", 1 << 40),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "1X", "-1", "1.5G", "99999999999T", "1MM", "5KM", "5BI", "5KBIB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn checkpoints_come_by_epoch_or_by_minutes() {
        assert_eq!(parse_every("epoch"), Ok(Every::Epoch));
        assert_eq!(parse_every("0.5"), Ok(Every::Time(Duration::from_secs(30))));
        for text in ["", "0", "-1", "nan", "epochs"] {
            assert!(parse_every(text).is_err(), "{text}");
        }
    }
}

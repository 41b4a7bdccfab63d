use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, ListBuilder, RecordBatch, StringBuilder};

use super::*;
use crate::corpus::{ArrowCorpus, Batch};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// A corpus of one part for each text, whose lines are its sentences. `-` is a null token, a line of `--` a null list.
fn corpus(parts: &[&str]) -> ArrowCorpus {
    let batches: Vec<RecordBatch> = parts.iter().map(|part| batch(part)).collect();
    ArrowCorpus::new(&batches, "tokens").unwrap()
}

fn batch(part: &str) -> RecordBatch {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for line in part.lines() {
        match line {
            "--" => lists.append_null(),
            line => lists.append_value(line.split_whitespace().map(|token| (token != "-").then_some(token))),
        }
    }
    RecordBatch::try_from_iter_with_nullable([("tokens", Arc::new(lists.finish()) as ArrayRef, true)]).unwrap()
}

fn count(parts: &[&str], options: &CountOptions) -> WordCounts {
    WordCounts::count(&corpus(parts), options, &Progress::default()).unwrap()
}

fn sorted(parts: &[&str]) -> WordCounts {
    count(parts, &CountOptions::default())
}

fn frequencies(frequencies: &[(&str, u64)], sorted: bool) -> Result<WordCounts> {
    WordCounts::from_frequencies(frequencies.iter().copied(), 0, sorted)
}

/// The frequencies of which gensim 4.4 gave the numbers below.
fn birds() -> WordCounts {
    frequencies(&[("the", 1000), ("of", 100), ("cat", 10), ("dodo", 1), ("auk", 1)], true).unwrap()
}

fn trim(min_count: u64) -> Trim<'static> {
    Trim { min_count, ..Trim::default() }
}

fn vocabulary(counts: &WordCounts, trim: &Trim) -> Vocabulary {
    Vocabulary::new(counts, trim).unwrap().0
}

fn entries(vocabulary: &Vocabulary) -> Vec<(&str, u64)> {
    vocabulary.keys().iter().filter_map(Key::as_text).zip(vocabulary.counts().iter().copied()).collect()
}

fn columns(counts: &WordCounts) -> Vec<(String, u64)> {
    let (words, counts) = counts.columns().unwrap();
    words.iter().map(|word| word.to_string()).zip(counts).collect()
}

fn named(entries: &[(&str, u64)]) -> Vec<(String, u64)> {
    entries.iter().map(|&(word, count)| (word.to_owned(), count)).collect()
}

#[test]
fn words_are_by_descending_count_and_then_by_word() {
    let counts = sorted(&["b c a", "c é b", "c z"]);
    assert_eq!(columns(&counts), named(&[("c", 3), ("b", 2), ("a", 1), ("z", 1), ("é", 1)]));
    assert_eq!(entries(&vocabulary(&counts, &trim(2))), [("c", 3), ("b", 2)]);
}

#[test]
fn a_min_count_of_zero_keeps_every_word_even_one_of_count_zero() {
    let counts = frequencies(&[("a", 1), ("never", 0)], true).unwrap();
    assert_eq!(entries(&vocabulary(&counts, &trim(0))), [("a", 1), ("never", 0)]);
}

#[test]
fn null_tokens_and_null_lists_are_not_counted_and_empty_lists_are_sentences() {
    let counts = sorted(&["a - a\n\n--\n-", "b"]);
    assert_eq!((counts.len(), counts.raw_tokens(), counts.sentences()), (2, 3, 4));
}

#[test]
fn a_vocabulary_knows_what_was_dropped() {
    let vocabulary = vocabulary(&sorted(&["a a b c c"]), &trim(2));
    assert_eq!((vocabulary.tokens(), vocabulary.raw_tokens(), vocabulary.raw_words()), (4, 5, 3));
}

#[test]
fn without_sorting_rows_are_by_first_occurrence_over_all_parts() {
    let parts: Vec<String> = (0..50).map(|part| format!("z{part} y{part}\nx z{part} y7")).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let counts = count(&parts, &CountOptions { sorted: false, ..CountOptions::default() });
    let mut want = named(&[("z0", 2), ("y0", 1), ("x", 50), ("y7", 51)]);
    for part in (1..50).map(|part| part.to_string()) {
        want.push((format!("z{part}"), 2));
        if part != "7" {
            want.push((format!("y{part}"), 1));
        }
    }
    assert_eq!(columns(&counts), want);
}

#[test]
fn a_bound_drops_the_rarest_words_whenever_counts_are_added_up() {
    let options = CountOptions { max_vocab_size: Some(2), ..CountOptions::default() };
    // After 500,000 tokens six words wait, of which a and b stay. So c counts from zero then, and at the end b goes too.
    let first = "b b c ".to_owned() + &"a ".repeat(249_997);
    let second = "b d ".to_owned() + &"a ".repeat(249_998);
    let counts = count(&[&first, &second, "c c c c"], &options);
    assert_eq!(columns(&counts), named(&[("a", 499_995), ("c", 4)]));
    assert_eq!((counts.raw_tokens(), counts.sentences()), (500_004, 3));
}

#[test]
fn words_of_one_count_are_dropped_together() {
    let counts = count(&["a a b c"], &CountOptions { max_vocab_size: Some(2), ..CountOptions::default() });
    assert_eq!(columns(&counts), named(&[("a", 2)]));
}

#[test]
fn a_bound_drops_the_same_words_however_the_source_cuts_its_batches() {
    // The shift makes some words frequent and many rare.
    let word = |i: u64| format!("w{}", (i * i % 77_773) >> (i % 16));
    let line = |i: u64| (i * 40..i * 40 + 40).map(word).collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = (0..16_000).map(line).collect();
    let counted = |batch_lines: usize| {
        let batches: Vec<ArrayRef> =
            lines.chunks(batch_lines).map(|lines| batch(&lines.join("\n")).column(0).clone()).collect();
        let options = CountOptions { max_vocab_size: Some(10_000), sorted: false, ..CountOptions::default() };
        WordCounts::count(&OnePart(batches), &options, &Progress::default()).unwrap()
    };
    let (large, small) = (counted(16_000), counted(999));
    assert!((1..=10_000).contains(&large.len()), "{} words", large.len());
    assert_eq!(large.raw_tokens(), 640_000);
    assert!(columns(&large) == columns(&small));
}

#[test]
fn counts_that_do_not_fit_into_memory_are_the_same_from_disk() {
    // More words than are held at the least, each twice and far apart, and one that is frequent.
    let lines: Vec<String> = (0..1_400_000).map(|i| format!("the w{}", i % 700_000)).collect();
    let corpus = OnePart(lines.chunks(50_000).map(|lines| batch(&lines.join(" ")).column(0).clone()).collect());
    for sorted in [true, false] {
        let counted = |memory_budget| {
            let options = CountOptions { memory_budget, sorted, ..CountOptions::default() };
            WordCounts::count(&corpus, &options, &Progress::default()).unwrap()
        };
        let (in_memory, on_disk) = (counted(u64::MAX), counted(0));
        assert!(matches!(in_memory.counts, counting::Counts::InMemory(_)));
        assert!(matches!(on_disk.counts, counting::Counts::OnDisk(_)));
        assert_eq!((on_disk.len(), on_disk.raw_tokens()), (700_001, 2_800_000));
        assert!(columns(&on_disk) == columns(&in_memory));
        assert_eq!(on_disk.count_at(1).unwrap(), Some(2));
        assert_eq!(on_disk.count_at(700_001).unwrap(), None);
        let trim = Trim { min_count: 3, ..Trim::default() };
        let (kept, report) = Vocabulary::new(&on_disk, &trim).unwrap();
        assert_eq!((kept.len(), report.drop_unique), (1, 700_000));
    }
}

/// Batches of one part.
struct OnePart(Vec<ArrayRef>);

impl crate::corpus::Corpus for OnePart {
    fn parts(&self) -> usize {
        1
    }

    fn read(&self, _part: usize, _progress: &Progress) -> Result<crate::corpus::Batches<'_>> {
        Ok(Box::new(self.0.iter().cloned().map(|lists| Batch::new(lists, None, "tokens", "part"))))
    }

    fn origin(&self, _part: usize) -> String {
        "part".into()
    }

    fn column(&self) -> &str {
        "tokens"
    }
}

#[test]
fn frequencies_of_a_repeated_word_are_added_up() {
    let given = [("b", 1), ("a", 2), ("b", 5)];
    assert_eq!(columns(&frequencies(&given, true).unwrap()), named(&[("b", 6), ("a", 2)]));
    let unsorted = frequencies(&[("a", 2), ("b", 1), ("b", 5)], false).unwrap();
    assert_eq!(columns(&unsorted), named(&[("a", 2), ("b", 6)]));
    assert_eq!(unsorted.raw_tokens(), 8);
}

#[test]
fn frequencies_beyond_64_bits_are_refused() {
    let error = frequencies(&[("a", u64::MAX), ("b", 1)], true).unwrap_err();
    assert!(error.to_string().starts_with("word_freq"), "{error}");
}

#[test]
fn max_final_vocab_raises_min_count_and_drops_words_of_one_count_together() {
    let effective = |min_count, most| {
        let trim = Trim { max_final_vocab: Some(most), ..trim(min_count) };
        let report = trim.report(&birds(), None).unwrap();
        (report.effective_min_count, report.num_retained_words)
    };
    assert_eq!(effective(0, 2), (11, 2));
    assert_eq!(effective(0, 4), (2, 3));
    assert_eq!(effective(50, 4), (50, 2));
    assert_eq!(effective(0, 5), (1, 5));
    assert_eq!(effective(0, 0), (1001, 0));
}

#[test]
fn a_rule_keeps_or_drops_its_word_whatever_the_count() {
    let counts = sorted(&["a a a b b c d"]);
    let rules = [Rule::Discard, Rule::Default, Rule::Keep, Rule::Default];
    assert_eq!(entries(&vocabulary(&counts, &Trim { rules: Some(&rules), ..trim(2) })), [("b", 2), ("c", 1)]);
    let error = Vocabulary::new(&counts, &Trim { rules: Some(&rules[1..]), ..trim(2) }).unwrap_err();
    assert_eq!(error.to_string(), "rules: 3 rules for 4 words");
}

#[test]
fn rules_are_in_the_order_of_the_columns_without_sorting_too() {
    let counts = count(&["z y y"], &CountOptions { sorted: false, ..CountOptions::default() });
    let rules = [Rule::Keep, Rule::Discard];
    assert_eq!(entries(&vocabulary(&counts, &Trim { rules: Some(&rules), ..trim(2) })), [("z", 1)]);
}

#[test]
fn rules_have_the_numbers_of_gensim() {
    assert_eq!([0, 1, 2].map(|n| Rule::try_from(n).unwrap()), [Rule::Default, Rule::Discard, Rule::Keep]);
    assert!(Rule::try_from(3).is_err());
}

#[test]
fn the_report_gives_the_numbers_of_gensim() {
    for (sample, unique, total) in [(1e-3, 3, 50), (5.0, 2, 186), (0.0, 0, 1110)] {
        let (_, report) = Vocabulary::new(&birds(), &Trim { sample, ..trim(2) }).unwrap();
        let want = TrimReport {
            effective_min_count: 2,
            drop_unique: 2,
            num_retained_words: 3,
            retain_total: 1110,
            downsample_unique: unique,
            downsample_total: total,
        };
        assert_eq!(report, want);
        assert_eq!(Trim { sample, ..trim(2) }.report(&birds(), None).unwrap(), want);
    }
}

#[test]
fn the_null_word_comes_last_with_count_1() {
    let trim = Trim { null_word: true, ..trim(1) };
    let (first, report) = Vocabulary::new(&sorted(&["a a"]), &trim).unwrap();
    assert_eq!(entries(&first), [("a", 2), ("\0", 1)]);
    assert_eq!(report.num_retained_words, 1);
    let second = first.extended(&sorted(&["b"]), &trim).unwrap().0;
    assert_eq!(entries(&second), [("a", 2), ("\0", 1), ("b", 1)]);
}

#[test]
fn an_extended_vocabulary_keeps_its_rows_and_adds_counts_and_words() {
    let first = vocabulary(&sorted(&["a a a b b rare"]), &trim(2));
    // b is seen once: too rare for a row, but it has one.
    let counts = sorted(&["z z a a a a b y y y once"]);
    let (second, report) = first.extended(&counts, &Trim { sample: 0.0, ..trim(2) }).unwrap();
    assert_eq!(entries(&second), [("a", 7), ("b", 3), ("y", 3), ("z", 2)]);
    assert_eq!((second.raw_tokens(), second.raw_words()), (11, 5));
    // gensim 4.4 reports the same.
    assert_eq!((report.drop_unique, report.num_retained_words, report.retain_total), (2, 3, 9));
    assert_eq!(trim(2).report(&counts, Some(&first)).unwrap().num_retained_words, 3);
}

#[test]
fn an_extension_thins_words_by_their_count_in_the_whole_vocabulary() {
    let first = vocabulary(&birds(), &trim(2));
    let counts = frequencies(&[("the", 10), ("new", 90)], true).unwrap();
    let (second, report) = first.extended(&counts, &Trim { sample: 1e-2, ..trim(2) }).unwrap();
    let probability = |count: f64| ((12.1 / count).sqrt() + 12.1 / count).min(1.0);
    assert_eq!(second.tokens(), 1210);
    let want = 10.0 * probability(1010.0) + 90.0 * probability(90.0);
    assert_eq!((report.downsample_unique, report.downsample_total), (2, want as u64));
}

#[test]
fn an_extension_may_bring_nothing_new() {
    let first = vocabulary(&sorted(&["a a"]), &trim(1));
    let (second, report) = first.extended(&sorted(&["rare"]), &trim(2)).unwrap();
    assert_eq!((entries(&second), report.num_retained_words), (vec![("a", 2)], 0));
}

#[test]
fn a_vocabulary_without_words_is_an_error_that_names_the_threshold() {
    let error = Vocabulary::new(&sorted(&["a a b"]), &trim(3)).unwrap_err();
    assert!(matches!(error, Error::EmptyVocabulary { min_count: 3, distinct: 2, total: 3 }), "{error}");
    let nothing = CountOptions { sorted: false, max_vocab_size: Some(1), ..CountOptions::default() };
    let error = Vocabulary::new(&count(&[], &nothing), &trim(0)).unwrap_err();
    assert!(matches!(error, Error::EmptyVocabulary { distinct: 0, .. }), "{error}");
}

#[test]
fn parts_that_do_not_fit_together_are_refused() {
    let from =
        |words: &[&str], counts: &[u64]| Vocabulary::from_parts(words.iter().copied().collect(), counts.to_vec(), 9, 9);
    assert_eq!(entries(&from(&["b", "a"], &[1, 2]).unwrap()), [("b", 1), ("a", 2)]);
    assert!(from(&["a"], &[1, 2]).is_err());
    assert!(from(&["a", "a"], &[1, 2]).is_err());
    assert!(from(&["a", "b"], &[u64::MAX, 1]).is_err());
}

#[test]
fn a_cancelled_count_is_interrupted() {
    let progress = Progress::default();
    progress.cancel();
    let counted = WordCounts::count(&corpus(&["a"]), &CountOptions::default(), &progress);
    assert!(matches!(counted, Err(Error::Interrupted)));
}

/// Lists of integers as a corpus of one part.
fn integers(batches: &[&[&[i64]]]) -> OnePart {
    let lists = |batch: &&[&[i64]]| {
        let mut lists = ListBuilder::new(Int64Builder::new());
        batch.iter().for_each(|list| lists.append_value(list.iter().copied().map(Some)));
        Arc::new(lists.finish()) as ArrayRef
    };
    OnePart(batches.iter().map(lists).collect())
}

fn count_all(corpus: &dyn crate::corpus::Corpus, options: &CountOptions) -> Result<WordCounts> {
    WordCounts::count(corpus, options, &Progress::default())
}

#[test]
fn integers_are_by_descending_count_and_then_by_number() {
    let corpus = integers(&[&[&[101, 7, -3], &[7, 1 << 40]], &[&[10, 9]]]);
    let counts = count_all(&corpus, &CountOptions::default()).unwrap();
    assert_eq!(columns(&counts), named(&[("7", 2), ("-3", 1), ("9", 1), ("10", 1), ("101", 1), ("1099511627776", 1)]));
    assert_eq!((counts.raw_tokens(), counts.sentences()), (7, 3));
    let unsorted = count_all(&corpus, &CountOptions { sorted: false, ..CountOptions::default() }).unwrap();
    let order: Vec<String> = columns(&unsorted).into_iter().map(|(key, _)| key).collect();
    assert_eq!(order, ["101", "7", "-3", "1099511627776", "10", "9"]);
    let kept = vocabulary(&counts, &trim(2));
    assert_eq!((kept.keys().key_type(), kept.keys().id(7i64), kept.keys().id("7")), (KeyType::Int64, Some(0), None));
}

#[test]
fn integers_beyond_memory_or_a_bound_are_counted_as_text_is() {
    let lists: Vec<Vec<i64>> = (0..500_000).map(|i| vec![-1, i % 250_000]).collect();
    let lists: Vec<&[i64]> = lists.iter().map(Vec::as_slice).collect();
    let batches: Vec<&[&[i64]]> = lists.chunks(50_000).collect();
    let corpus = integers(&batches);
    let counted =
        |memory_budget| count_all(&corpus, &CountOptions { memory_budget, ..CountOptions::default() }).unwrap();
    let (in_memory, on_disk) = (counted(u64::MAX), counted(0));
    assert!(matches!(on_disk.counts, counting::Counts::OnDisk(_)));
    assert!(columns(&on_disk) == columns(&in_memory));
    assert_eq!((on_disk.len(), on_disk.raw_tokens()), (250_001, 1_000_000));
    let bounded = CountOptions { max_vocab_size: Some(10), ..CountOptions::default() };
    assert_eq!(columns(&count_all(&corpus, &bounded).unwrap()), named(&[("-1", 500_000)]));
}

#[test]
fn text_and_integers_in_one_corpus_are_refused_naming_both_places() {
    let mut parts = integers(&[&[&[1]]]);
    parts.0.insert(0, batch("a").column(0).clone());
    let error = count_all(&parts, &CountOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with("part: column \"tokens\" holds integers (Int64), but text in part;"), "{error}");
    // Nulls and empty lists are of any type.
    let mut parts = integers(&[&[&[1]]]);
    parts.0.insert(0, batch("-\n\n--").column(0).clone());
    assert_eq!(columns(&count_all(&parts, &CountOptions::default()).unwrap()), named(&[("1", 1)]));
}

#[test]
fn a_vocabulary_of_integers_grows_by_integers_only() {
    let first = vocabulary(&count_all(&integers(&[&[&[7, 7, -3]]]), &CountOptions::default()).unwrap(), &trim(1));
    let more = count_all(&integers(&[&[&[5, 7]]]), &CountOptions::default()).unwrap();
    let (second, _) = first.extended(&more, &trim(1)).unwrap();
    let keys: Vec<i64> = second.keys().iter().filter_map(Key::as_i64).collect();
    assert_eq!((keys, second.counts()), (vec![7, -3, 5], &[3, 1, 1][..]));
    let error = first.extended(&sorted(&["7"]), &trim(1)).unwrap_err().to_string();
    assert!(error.contains("holds text, but the keys of the model are integers (Int64)"), "{error}");
    let error = first.extended(&more, &Trim { null_word: true, ..trim(1) }).unwrap_err().to_string();
    assert!(error.starts_with("null_word: is text"), "{error}");
}

#[test]
fn frequencies_of_integers_are_of_integers() {
    let counts = WordCounts::from_frequencies([(-1i64, 3), (9, 3), (10, 3), (9, 1)], 0, true).unwrap();
    assert_eq!(columns(&counts), named(&[("9", 4), ("-1", 3), ("10", 3)]));
    let mixed = [(Key::Int64(1), 1), (Key::Text("a"), 1)];
    assert!(
        WordCounts::from_frequencies(mixed, 0, true).unwrap_err().to_string().starts_with("word_freq: has the key")
    );
}

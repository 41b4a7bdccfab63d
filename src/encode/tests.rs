use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, ListBuilder, PrimitiveBuilder, RecordBatch, StringBuilder,
};
use arrow::datatypes::{Int32Type, Int64Type, UInt32Type, UInt64Type};

use super::*;
use crate::corpus::ArrowCorpus;
use crate::progress::{Phase, Progress};
use crate::vocab::{CountOptions, Trim, Vocabulary, WordCounts};

const BATCH_WORDS: usize = 1 << 15;

fn corpus(sentences: &[&[Option<&str>]]) -> ArrowCorpus {
    let mut lists = ListBuilder::new(StringBuilder::new());
    sentences.iter().for_each(|sentence| lists.append_value(sentence.iter().copied()));
    let lists: ArrayRef = Arc::new(lists.finish());
    ArrowCorpus::new(&[RecordBatch::try_from_iter([("tokens", lists)]).unwrap()], "tokens").unwrap()
}

fn vocabulary(corpus: &ArrowCorpus, min_count: u64) -> Vocabulary {
    let counts = WordCounts::count(corpus, &CountOptions::default(), &Progress::default()).unwrap();
    Vocabulary::new(&counts, &Trim { min_count, ..Trim::default() }).unwrap().0
}

fn batches(spool: &Spool) -> impl Iterator<Item = EncodedBatch> {
    (0..).map_while(|number| spool.batch(number))
}

fn encoded(corpus: &ArrowCorpus, min_count: u64, budget: u64) -> (Vec<Vec<u32>>, Spool) {
    let progress = Progress::default();
    let vocabulary = vocabulary(corpus, min_count);
    let spool = encode(corpus, &vocabulary, BATCH_WORDS, budget, &progress).unwrap();
    let sentences = batches(&spool).flat_map(|batch| {
        batch.lists.iter().map(|list| list.unwrap().as_primitive::<UInt32Type>().values().to_vec()).collect::<Vec<_>>()
    });
    (sentences.collect(), spool)
}

#[test]
fn nulls_and_unknown_tokens_are_left_out_and_counted_as_documented() {
    let corpus = corpus(&[&[Some("a"), None, Some("b"), Some("a")], &[], &[Some("rare")], &[Some("b"), Some("a")]]);
    let (sentences, spool) = encoded(&corpus, 2, u64::MAX);
    assert_eq!(sentences, [vec![0, 1, 0], vec![1, 0]]);
    let encoded = spool.encoded();
    assert_eq!((encoded.tokens, encoded.raw_tokens, encoded.raw_sentences), (5, 6, 4));
}

#[test]
fn a_spool_on_disk_holds_the_same_batches_as_one_in_memory() {
    let words: Vec<String> = (0..300).map(|i| format!("w{}", i * i % 97)).collect();
    let sentence: Vec<Option<&str>> = words.iter().map(|word| Some(word.as_str())).collect();
    // Several chunks of several batches.
    let sentences = vec![sentence.as_slice(); 3000];
    let corpus = corpus(&sentences);
    let (memory, in_memory) = encoded(&corpus, 1, u64::MAX);
    let (disk, on_disk) = encoded(&corpus, 1, 1000);
    assert_eq!(memory, disk);
    assert!(on_disk.len() > 3);
    assert_eq!(on_disk.len(), in_memory.len());
    assert!(batches(&on_disk).enumerate().all(|(i, batch)| batch.number == i));
    assert!(batches(&on_disk).zip(batches(&in_memory)).all(|(a, b)| a.lists == b.lists));
}

#[test]
fn a_batch_ends_with_the_sentence_that_fills_it() {
    let sentence = vec![Some("a"); BATCH_WORDS / 2 + 1];
    let (_, spool) = encoded(&corpus(&[&sentence, &sentence, &sentence]), 1, u64::MAX);
    assert_eq!(batches(&spool).map(|batch| batch.lists.len()).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_measured_corpus_is_the_encoded_one_and_its_tokens_are_told() {
    let corpus = corpus(&[&[Some("a"), None, Some("b"), Some("a")], &[Some("rare")]]);
    let (vocabulary, progress) = (vocabulary(&corpus, 2), Progress::default());
    let encoder = Encoder {
        corpus: &corpus,
        vocabulary: &vocabulary,
        batch_words: BATCH_WORDS,
        memory_budget: u64::MAX,
        progress: &progress,
    };
    let measured = measure(&encoder).unwrap();
    assert_eq!(measured, encoded(&corpus, 2, u64::MAX).1.encoded());
    assert_eq!((progress.phase(), progress.tokens(), progress.total()), (Phase::Encoding, 4, 4));
}

#[test]
fn a_cancelled_job_is_interrupted() {
    let corpus = corpus(&[&[Some("a")]]);
    let vocabulary = vocabulary(&corpus, 1);
    let progress = Progress::default();
    progress.cancel();
    assert!(matches!(encode(&corpus, &vocabulary, BATCH_WORDS, u64::MAX, &progress), Err(crate::Error::Interrupted)));
}

/// A corpus of integers, one column of lists a part.
fn integers<T: ArrowPrimitiveType>(parts: &[&[&[Option<T::Native>]]]) -> ArrowCorpus {
    let batch = |part: &&[&[Option<T::Native>]]| {
        let mut lists = ListBuilder::new(PrimitiveBuilder::<T>::new());
        part.iter().for_each(|sentence| lists.append_value(sentence.iter().copied()));
        RecordBatch::try_from_iter([("tokens", Arc::new(lists.finish()) as ArrayRef)]).unwrap()
    };
    ArrowCorpus::new(&parts.iter().map(batch).collect::<Vec<_>>(), "tokens").unwrap()
}

#[test]
fn integers_are_encoded_by_number_and_unknown_ones_and_nulls_are_left_out() {
    let corpus = integers::<Int32Type>(&[&[&[Some(-3), None, Some(7), Some(9)]], &[&[Some(7), Some(7)]]]);
    let (lists, spool) = encoded(&corpus, 1, u64::MAX);
    // By count, then by number.
    assert_eq!(lists, [vec![1, 0, 2], vec![0, 0]]);
    assert_eq!((spool.encoded().tokens, spool.encoded().raw_tokens), (5, 5));
    let (lists, _) = encoded(&corpus, 2, u64::MAX);
    assert_eq!(lists, [vec![0], vec![0, 0]]);
}

#[test]
fn a_number_of_one_sign_is_the_same_number_in_a_column_of_the_other() {
    let corpus = integers::<UInt64Type>(&[&[&[Some(7), Some(u64::MAX)]]]);
    let vocabulary = vocabulary(&corpus, 1);
    let signed = integers::<Int64Type>(&[&[&[Some(-1), Some(7)]]]);
    let progress = Progress::default();
    let spool = encode(&signed, &vocabulary, BATCH_WORDS, u64::MAX, &progress).unwrap();
    assert_eq!((spool.encoded().tokens, spool.encoded().raw_tokens), (1, 2));
}

#[test]
fn tokens_of_another_kind_than_the_keys_are_refused() {
    let (words, items) = (corpus(&[&[Some("7")]]), integers::<Int64Type>(&[&[&[Some(7)]]]));
    let encoded = |of: &ArrowCorpus, with| {
        let error = encode(of, &vocabulary(with, 1), BATCH_WORDS, u64::MAX, &Progress::default()).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(encoded(&words, &items).contains("holds text, but the keys of the vocabulary are integers (Int64)"));
    assert!(encoded(&items, &words).contains("holds integers (Int64), but the keys of the vocabulary are text"));
}

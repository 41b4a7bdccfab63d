use std::io::Cursor;

use arrow::array::{Array, AsArray};
use proptest::prelude::*;

use super::parser::white_space;
use super::*;
use crate::corpus::options::ReadOptions;
use crate::corpus::partitions::Partition;
use crate::corpus::readers::compressed;
use crate::error::Error;
use crate::progress::Progress;
use crate::utf8::Utf8Errors;

const LAYOUTS: [TextLayout; 3] = [TextLayout::Lines, TextLayout::Text8, TextLayout::Brown];
const ERRORS: [Utf8Errors; 3] = [Utf8Errors::Strict, Utf8Errors::Replace, Utf8Errors::Ignore];

fn collected(batches: ListsOf<'_>) -> Result<Vec<Vec<String>>> {
    let mut sentences = Vec::new();
    for lists in batches {
        for words in lists?.as_list::<i64>().iter().flatten() {
            sentences.push(words.as_string::<i64>().iter().flatten().map(str::to_owned).collect());
        }
    }
    Ok(sentences)
}

fn local(text: &[u8], options: TextOptions) -> Result<Vec<Vec<String>>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("corpus.txt");
    std::fs::write(&path, text).unwrap();
    let corpus = LocalText::open(&path, options)?;
    let parts: Result<Vec<_>> = (0..corpus.parts()).map(|part| collected(corpus.batches(part)?)).collect();
    Ok(parts?.concat())
}

fn read(text: &[u8], options: TextOptions) -> Result<Vec<Vec<String>>> {
    collected(Box::new(TextParser::new(Box::new(text), options, "corpus.txt".into())))
}

#[test]
fn a_line_is_a_sentence_with_and_without_a_last_line_break() {
    for text in ["a b\n\nc\t d\r\n", "a b\n\nc\t d"] {
        let expected = [["a", "b"], ["c", "d"]];
        assert_eq!(read(text.as_bytes(), TextOptions::default()).unwrap(), expected, "{text:?}");
        assert_eq!(local(text.as_bytes(), TextOptions::default()).unwrap(), expected, "{text:?}");
    }
    for layout in LAYOUTS {
        assert!(local(b"", TextOptions { layout, ..Default::default() }).unwrap().is_empty());
        assert!(read(b"", TextOptions { layout, ..Default::default() }).unwrap().is_empty());
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_word() {
    let text = "\u{feff}the/at king/nn\n\u{feff}the/at queen/nn\n".as_bytes();
    for layout in LAYOUTS {
        let options = TextOptions { layout, ..Default::default() };
        let words = read(text, options.clone()).unwrap().concat();
        assert_eq!(words, ["the/at", "king/nn", "\u{feff}the/at", "queen/nn"], "{layout:?}");
        assert_eq!(local(text, options.clone()).unwrap().concat(), words);
        let mut in_small_blocks = TextParser::new(Box::new(text), options, "corpus.txt".into());
        in_small_blocks.block_bytes = 1;
        assert_eq!(collected(Box::new(in_small_blocks)).unwrap().concat(), words);
    }
    let long = [text, b"a b c\n".repeat(2 << 20).as_slice(), text].concat();
    let words = local(&long, TextOptions::default()).unwrap().concat();
    assert_eq!((words[0].as_str(), words[words.len() - 4].as_str()), ("the/at", "\u{feff}the/at"));
}

#[test]
fn long_files_come_in_parts_of_whole_lines_and_batches_of_8_mib() {
    let text = ("word ".repeat(100_000) + "\n").repeat(40);
    let read = local(text.as_bytes(), TextOptions::default()).unwrap();
    assert_eq!(read.len(), 40);
    assert!(read.iter().all(|sentence| sentence.len() == 100_000));
    let batches = TextParser::new(Box::new(text.as_bytes()), TextOptions::default(), String::new());
    let lengths: Vec<usize> = batches.map(|lists| lists.unwrap().len()).collect();
    assert_eq!(lengths, [17, 17, 6]);
}

#[test]
fn a_file_that_is_replaced_or_cut_off_while_it_is_read_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("corpus.txt");
    std::fs::write(&path, "a b\n".repeat(5_000_000)).unwrap();
    let corpus = LocalText::open(&path, TextOptions::default()).unwrap();
    assert_eq!(corpus.parts(), 3);
    let begun = corpus.batches(2).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
    for read in [collected(begun), corpus.batches(2).and_then(collected)] {
        let error = read.unwrap_err().to_string();
        assert!(error.contains("corpus.txt: It was changed after the job had started"), "{error}");
    }
    let other = directory.path().join("other.txt");
    std::fs::write(&other, "c d\n".repeat(5_000_001)).unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert!(matches!(corpus.batches(0), Err(Error::Io { .. })));
}

#[test]
fn what_is_not_utf8_is_refused_with_its_line_of_the_whole_file_and_nothing_follows() {
    let mut text = "word\n".repeat(4_000_000).into_bytes();
    text.extend(b"bad \xff\ngood\n");
    for layout in LAYOUTS {
        let options = TextOptions { layout, ..Default::default() };
        let origin = "corpus.txt, line 4000001: is not UTF-8 (byte 0xff)";
        let error = local(&text, options.clone()).unwrap_err().to_string();
        assert!(error.contains(origin), "{error}");
        let mut batches = TextParser::new(Box::new(text.as_slice()), options, "corpus.txt".into());
        let error = batches.find_map(Result::err).unwrap().to_string();
        assert!(error.contains(origin), "{error}");
        assert!(batches.next().is_none());
    }
}

#[test]
fn a_line_that_is_too_long_is_refused_with_its_number() {
    let text = ["a b\n".repeat(10).as_bytes(), &b"a ".repeat(100), b"\nc\n"].concat();
    for (layout, longest_line, line) in
        [(TextLayout::Lines, 150, Some(11)), (TextLayout::Lines, 250, None), (TextLayout::Text8, 150, None)]
    {
        let options = TextOptions { layout, ..Default::default() };
        let mut sentences = TextParser::new(Box::new(text.as_slice()), options, "corpus.txt".into());
        (sentences.block_bytes, sentences.longest_line) = (16, longest_line);
        match (collected(Box::new(sentences)), line) {
            (Ok(read), None) => assert_eq!(read.concat().len(), 121),
            (Err(Error::Corpus { origin, .. }), Some(line)) => assert_eq!(origin, format!("corpus.txt, line {line}")),
            (read, _) => panic!("{read:?}"),
        }
    }
}

#[test]
fn white_space_is_that_of_python() {
    for char in '\0'..=char::MAX {
        let expected = if char.is_whitespace() || ('\x1c'..='\x1f').contains(&char) { char.len_utf8() } else { 0 };
        assert_eq!(white_space(char.to_string().as_bytes()), expected, "{char:?}");
    }
}

#[test]
fn brown_keeps_words_whose_tags_begin_with_letters() {
    let options = TextOptions { layout: TextLayout::Brown, ..Default::default() };
    let text = "\tThe/at-tl ÉTÉ/n ,/, a/b/c plain /nn x/ y/n1 z/np$\n./. '/'\nit's/pps+bez\n";
    let expected = [vec!["the/at", "été/n", "/nn", "z/np"], vec!["it's/pp"]];
    assert_eq!(read(text.as_bytes(), options).unwrap(), expected);
}

#[test]
fn options_that_cannot_be_are_refused() {
    for options in [
        TextOptions { max_sentence_length: Some(0), ..Default::default() },
        TextOptions { layout: TextLayout::Text8, limit: Some(1), ..Default::default() },
    ] {
        let query = Arc::new(Query::new(&ReadOptions::column("tokens")).unwrap());
        for name in ["corpus.txt", "corpus.txt.gz"] {
            let file = Opening {
                location: FileLocation::Local(name.into()),
                partition: Partition::default(),
                query: query.clone(),
                text: &options,
                progress: &Progress::default(),
            };
            let refused = TextFile::open(file);
            assert!(matches!(refused, Err(Error::Parameter { .. })));
        }
    }
}

#[test]
fn a_stream_that_breaks_off_is_an_error_that_names_the_file() {
    let bytes = compressed::decompressed(Box::new(Cursor::new(b"\x1f\x8b")), "corpus.txt.gz");
    let sentences = TextParser::new(bytes, TextOptions::default(), "corpus.txt.gz".into());
    let error = collected(Box::new(sentences)).unwrap_err().to_string();
    assert!(error.starts_with("cannot read corpus.txt.gz: gzip data: "), "{error}");
}

/// The whole text at once, in the plainest way.
fn naive(text: &[u8], options: &TextOptions) -> Result<Vec<Vec<String>>, usize> {
    let limit = options.limit.unwrap_or(usize::MAX);
    let text = text.split_inclusive(|&byte| byte == b'\n').take(limit).collect::<Vec<_>>().concat();
    let text = match (String::from_utf8(text.clone()), options.errors) {
        (Ok(text), _) => text,
        (Err(error), Utf8Errors::Strict) => {
            let valid = &text[..error.utf8_error().valid_up_to()];
            return Err(1 + valid.iter().filter(|&&byte| byte == b'\n').count());
        }
        (_, Utf8Errors::Replace) => String::from_utf8_lossy(&text).into_owned(),
        (_, Utf8Errors::Ignore) => text.utf8_chunks().map(|chunk| chunk.valid()).collect(),
    };
    let split = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let brown = |word: String| {
        let [word, tag] = word.split('/').collect::<Vec<_>>().try_into().ok()?;
        let tag: String = tag.chars().take(2).collect();
        (!tag.is_empty() && tag.chars().all(char::is_alphabetic)).then(|| word.to_lowercase() + "/" + &tag)
    };
    let sentences: Vec<Vec<String>> = match options.layout {
        TextLayout::Lines => text.split('\n').map(split).collect(),
        TextLayout::Text8 => vec![split(&text)],
        TextLayout::Brown => text.split('\n').map(|line| split(line).into_iter().filter_map(brown).collect()).collect(),
    };
    let max = options.max_sentence_length.unwrap_or(1 << 20);
    Ok(sentences.iter().flat_map(|words| words.chunks(max).map(<[String]>::to_vec)).collect())
}

/// Text in which what is hard is common.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let hard = b" ,\n,\r\n,\t,\x0b,\x1c,\x1f,\xc2\x85,\xe3\x80\x80,\xe2\x80\xa8,\xe2,\x80,\xc2,\xff,\xf0\x9f\x98\x80,\
        \xf0\x9f,\xc3\x89,/,/nn-tl,word,a,\0";
    let hard: Vec<&[u8]> = hard.split(|&byte| byte == b',').collect();
    let pieces = proptest::sample::select(hard);
    prop_oneof![
        proptest::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat()),
        "[a-zÉ/ \u{3000}\u{85}\n😀]{0,60}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn whatever_the_size_of_reads_the_sentences_are_those_of_the_whole(
        text in text(),
        layout in proptest::sample::select(LAYOUTS.as_slice()),
        errors in proptest::sample::select(ERRORS.as_slice()),
        max_sentence_length in proptest::option::of(1usize..4),
        limit in proptest::option::of(0usize..4),
        block_bytes in 1usize..12,
    ) {
        let limit = limit.filter(|_| layout != TextLayout::Text8);
        let options = TextOptions { layout, max_sentence_length, limit, errors };
        let mut stream = TextParser::new(Box::new(text.as_slice()), options.clone(), "corpus.txt".into());
        stream.block_bytes = block_bytes;
        for read in [collected(Box::new(stream)), local(&text, options.clone())] {
            match (read, naive(&text, &options)) {
                (Ok(read), Ok(expected)) => prop_assert_eq!(read, expected),
                (Err(Error::Corpus { origin, .. }), Err(line)) => {
                    let suffix = format!("corpus.txt, line {line}");
                    prop_assert!(origin.ends_with(&suffix), "{} is not {}", origin, suffix);
                }
                (read, expected) => prop_assert!(false, "{read:?} is not {expected:?}"),
            }
        }
    }
}

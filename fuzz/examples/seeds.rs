//! Writes inputs that the readers accept to `corpus/TARGET/`, from where libFuzzer changes them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, Int64Array, ListBuilder, RecordBatch, StringBuilder};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use polargram::formats::{FloatType, SaveOptions};
use polargram::models::{Checkpoint, Every};
use polargram::phrases::{PhraseModel, PhraseOptions, Scoring};
use polargram::toy_corpus::write_corpus;
use polargram::vectors::Rows;
use polargram::vocab::Keys;
use polargram::{KeyedVectors, Progress};
use polargram_fuzz::{
    COLUMN, SENTENCES, VECTOR_NAMES, as_one_input, place, small_bundle, small_checkpoint, small_corpus, small_model,
};

/// NumPy's array of lists of strings as Python pickles it (protocol 4).
const PICKLED: &[u8] = b"\x80\x04\x95\xa4\x00\x00\x00\x00\x00\x00\x00\x8c\x16numpy._core.multiarray\x94\x8c\x0c_r\
    econstruct\x94\x93\x94\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94K\x00\x85\x94C\x01b\
    \x94\x87\x94R\x94(K\x01K\x02\x85\x94h\x03\x8c\x05dtype\x94\x93\x94\x8c\x02O8\x94\x89\x88\
    \x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?t\x94b\x89]\x94(]\
    \x94(\x8c\x03the\x94\x8c\x04king\x94e]\x94\x8c\x03tea\x94aet\x94b.";

/// The line "the king" as four programs compress it.
const COMPRESSED: [(&str, &[u8]); 4] = [
    (
        "gz",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03+\xc9HU\xc8\xce\xccK\xe7\x02\x00\x8cW\x86\xb6\
    \x09\x00\x00\x00",
    ),
    (
        "bz2",
        b"BZh91AY&SY1/\x95 \x00\x00\x04Q\x80\x00\x10@\x00\x02\xe9\x04\x00 \x00\"\x06\x86\xd4 \xc9\
    \x88K\x180\xf1w$S\x85\x09\x03\x12\xf9R\x00",
    ),
    ("zst", b"(\xb5/\xfd\x04XI\x00\x00the king\x0a;\xbf\x872"),
    (
        "xz",
        b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F\x02\x00!\x01\x16\x00\x00\x00t/\xe5\xa3\x01\x00\x08the \
    king\x0a\x00\x00\x00\x00\xd2%\xcb\xd2\xd3\xa0=]\x00\x01!\x09l\x18\xc5\xd5\x1f\xb6\xf3}\
    \x01\x00\x00\x00\x00\x04YZ",
    ),
];

/// `KeyedVectors` of one word as gensim 4 pickles it (protocol 0, without what is not read).
const GENSIM: &[u8] =
    b"ccopy_reg\n_reconstructor\n(cgensim.models.keyedvectors\nKeyedVectors\nc__builtin__\nobject\nNtR(d\
    Vindex_to_key\n(lVking\nasVkey_to_index\n(dVking\nI0\nssVvectors\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\n\
    ndarray\n(I0\ntS'b'\ntR(I1\n(I1\nI2\ntcnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n\
    S'\\x00\\x00\\x80?\\x00\\x00\\x00?'\ntbsb.";
/// VarEmbed's dictionary of one word.
const VAREMBED: &[u8] =
    b"(dVword_to_ix\n(dVking\nI0\nssVword_embeddings\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\n\
    ndarray\n(I0\ntS'b'\ntR(I1\n(I1\nI1\ntcnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n\
    S'\\x00\\x00\\x80?'\ntbs.";

/// `Phrases` and `FrozenPhrases` of two words as gensim 4 pickles them (protocol 0).
const GENSIM_PHRASES: [(&str, &[u8]); 2] = [
    (
        "gensim",
        b"ccopy_reg\n_reconstructor\n(cgensim.models.phrases\nPhrases\nc__builtin__\nobject\nNtR(dVmin_count\nI1\n\
    sVthreshold\nF0.5\nsVdelimiter\nV_\nsVscoring\ncgensim.models.phrases\noriginal_scorer\nsVcorpus_word_count\n\
    I6\nsVvocab\n(dVthe\nI3\nsVking\nI3\nsVthe_king\nI3\nssb.",
    ),
    (
        "gensim frozen",
        b"ccopy_reg\n_reconstructor\n(cgensim.models.phrases\nFrozenPhrases\nc__builtin__\nobject\nNtR(dVmin_count\n\
    I1\nsVthreshold\nF0.5\nsVdelimiter\nV_\nsVscoring\nVnpmi\nsVphrasegrams\n(dVthe_king\nF0.9\nssb.",
    ),
];

fn seed(target: &str, name: &str, data: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).expect("a folder for seeds");
    fs::write(folder.join(name), data).expect("a seed");
}

fn bytes_of(name: &str) -> Vec<u8> {
    fs::read(place(name)).expect("a file that was written")
}

fn vectors() {
    let vectors =
        KeyedVectors::from_rows(["king", "queen", "tea"], 2, &[1.0, 0.9, 0.9, 1.0, -1.0, 0.2]).expect("vectors");
    for (target, name) in [
        ("vectors_arrow", "v.arrow"),
        ("vectors_word2vec_text", "v.txt"),
        ("vectors_word2vec_binary", "v.bin"),
        ("vectors_npy", "v.npy"),
        ("vectors_parquet", "v.parquet"),
        ("vectors_npz", "v.npz"),
        ("vectors_safetensors", "v.safetensors"),
    ] {
        vectors.save(place(name)).expect("a file of vectors");
        let data = match name {
            "v.npy" => as_one_input(&bytes_of("v.vocab.txt"), &bytes_of(name)),
            _ => bytes_of(name),
        };
        seed(target, "small", &data);
    }
}

/// Half precision, integer keys, and words that NumPy's text cannot hold.
fn vectors_of_other_kinds() {
    let numbers = Keys::new(&Int64Array::from(vec![7, -1])).expect("keys");
    let rows = || Rows::from_vec(vec![1.0, 0.5, -2.0, 0.25], 2);
    let tables = [
        ("integers", KeyedVectors::new(numbers, vec![3, 1], rows(), None).expect("vectors")),
        ("nul", KeyedVectors::from_rows(["a\0", "é"], 2, &[1.0, 0.5, -2.0, 0.25]).expect("vectors")),
    ];
    let half = SaveOptions { float: FloatType::Float16 };
    for (kind, vectors) in &tables {
        for (target, ending) in [
            ("vectors_arrow", "arrow"),
            ("vectors_parquet", "parquet"),
            ("vectors_npz", "npz"),
            ("vectors_safetensors", "safetensors"),
        ] {
            let name = format!("{kind}.{ending}");
            vectors.save_with(place(&name), &half, &Progress::default()).expect("a file of vectors");
            seed(target, kind, &bytes_of(&name));
        }
    }
}

/// Models of fastText with two words, a label and two buckets: of today, of version 11, and without magic or version.
fn models_of_fasttext() {
    let mut numbers = Vec::new();
    for number in [2, 5, 5, 1, 5, 1, 2, 2, 2, 2, 3, 100i32] {
        numbers.extend(number.to_le_bytes());
    }
    numbers.extend(1e-4f64.to_le_bytes());
    numbers.extend([3, 2, 1i32].into_iter().flat_map(i32::to_le_bytes));
    numbers.extend(9i64.to_le_bytes());
    let mut words = Vec::new();
    for (word, count, kind) in [("</s>", 5i64, 0u8), ("bé", 4, 0), ("__label__x", 2, 1)] {
        words.extend([word.as_bytes(), b"\0", &count.to_le_bytes(), &[kind]].concat());
    }
    let mut matrix = [4i64, 2].into_iter().flat_map(i64::to_le_bytes).collect::<Vec<_>>();
    matrix.extend((1u8..=8).flat_map(|value| f32::from(value).to_le_bytes()));
    // The matrix for training.
    let output = [1i64, 1].into_iter().flat_map(i64::to_le_bytes).chain([0; 4]).collect::<Vec<_>>();
    seed("vectors_fasttext", "old", &[numbers.as_slice(), &words, &matrix, &output].concat());
    for version in [11, 12i32] {
        let start = [793_712_314, version].into_iter().flat_map(i32::to_le_bytes).collect::<Vec<_>>();
        let model =
            [&start, numbers.as_slice(), &(-1i64).to_le_bytes(), &words, b"\0", &matrix, b"\0", &output].concat();
        seed("vectors_fasttext", &format!("version{version}"), &model);
    }
}

fn vectors_of_any_name() {
    let vectors = KeyedVectors::from_rows(["king", "of", "tea"], 2, &[1.0, 0.9, 0.9, 1.0, -1.0, 0.2]).expect("vectors");
    for (name, which) in VECTOR_NAMES.into_iter().zip(0u8..) {
        vectors.save(place(name)).expect("a file of vectors");
        seed("vectors_any", name, &[&[which], bytes_of(name).as_slice()].concat());
    }
    seed("vectors_any", "glove", b"\x02\xef\xbb\xbfking 1 0.5\n. . . 2 0.25\n");
    // The name of the text, for each compression.
    for (name, data) in COMPRESSED {
        seed("vectors_any", name, &[b"\x02", data].concat());
    }
    let text = "3 1\nking 1\nof tea 2\ncafé 3\n";
    seed(
        "vectors_vocabulary",
        "words",
        &as_one_input("\u{feff}king 3\nof tea\t2\ncafé 1\n".as_bytes(), text.as_bytes()),
    );
    seed("vectors_vocabulary", "numbers", &as_one_input(b"7 3\n-1 2\n", b"2 1\n7 1\n-1 2\n"));
}

fn tables() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for sentence in SENTENCES {
        lists.append_value(sentence.split(' ').map(Some));
    }
    let lists = Arc::new(lists.finish());
    let counts = Arc::new(Int64Array::from_iter_values(1..=lists.len() as i64));
    let batch = RecordBatch::try_from_iter([(COLUMN, lists as Arc<dyn Array>), ("n", counts)]).expect("a table");
    let mut file = FileWriter::try_new(Vec::new(), &batch.schema()).expect("a writer");
    file.write(&batch).expect("a record batch");
    seed("corpus_ipc", "file", &file.into_inner().expect("a whole file"));
    let mut stream = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a writer");
    stream.write(&batch).expect("a record batch");
    seed("corpus_ipc", "stream", &stream.into_inner().expect("a whole stream"));

    write_corpus(&place("corpus"), 200, 1).expect("a sample corpus");
    seed("corpus_parquet", "sample", &bytes_of("corpus/part-0.parquet"));
}

fn npy(description: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{description:117}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
}

fn arrays() {
    let ids: Vec<u8> = [3u64, 1, 2, 3, 5, 1].into_iter().flat_map(u64::to_le_bytes).collect();
    seed("corpus_npy", "ids", &npy("{'descr': '<u8', 'fortran_order': False, 'shape': (2, 3), }", &ids));
    seed("corpus_npy", "lists", &npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", PICKLED));
}

fn pickles() {
    seed("pickle", "gensim", GENSIM);
    seed("pickle", "varembed", VAREMBED);
}

fn phrases() {
    let progress = Progress::default();
    let corpus = small_corpus(&progress);
    for (kind, scoring, passes) in [("default", Scoring::Default, 2), ("npmi", Scoring::Npmi, 1)] {
        let connector_words = ["the".to_owned()].into();
        let options =
            PhraseOptions { min_count: 1.0, threshold: 0.1, scoring, connector_words, ..PhraseOptions::default() };
        let model = PhraseModel::learn(&corpus, options, passes, &progress).expect("phrases");
        for (name, model) in [(kind.to_owned(), &model), (format!("{kind} frozen"), &model.freeze().expect("phrases"))]
        {
            model.save(place(&name)).expect("a saved model");
            seed("phrases", &name, &bytes_of(&name));
        }
    }
    for (name, data) in GENSIM_PHRASES {
        seed("phrases", name, data);
    }
}

fn blocks() {
    let values: Vec<u8> = (0..12).collect();
    for (name, header) in [
        ("c", "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 2), }"),
        ("fortran", "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }"),
        ("one axis", "{'descr': '|u1', 'fortran_order': False, 'shape': (12,), }"),
    ] {
        seed("npy_blocks", name, &[b"\x02", npy(header, &values).as_slice()].concat());
    }
}

fn bundles() {
    small_bundle("bundle");
    small_bundle("bundle.zip");
    for (which, name) in ["bundle/bundle.json", "bundle/v.npy", "bundle.zip"].into_iter().enumerate() {
        let name_of_seed = name.rsplit('/').next().expect("a name");
        seed("bundle", name_of_seed, &[&[which as u8], bytes_of(name).as_slice()].concat());
    }
}

fn texts() {
    let text = SENTENCES.join("\n");
    seed("corpus_text", "lines", text.as_bytes());
    seed("corpus_text", "brown", b"\n\tThe/at king/nn likes/vbz tea/nn\n");
    for (name, data) in COMPRESSED {
        seed("corpus_compressed", name, data);
    }
}

fn models() {
    let progress = Progress::default();
    small_model(&progress).save(place("model"), serde_json::Value::Null).expect("a saved model");
    for (which, name) in ["config.json", "vectors.arrow", "output.npy"].into_iter().enumerate() {
        seed("saved_model", name, &[&[which as u8], bytes_of(&format!("model/{name}")).as_slice()].concat());
    }
    small_checkpoint(&Checkpoint::new(place("checkpoint"), Every::Epoch), &progress);
    seed("checkpoint", "config.json", &bytes_of("checkpoint/config.json"));
}

fn main() {
    vectors();
    vectors_of_other_kinds();
    models_of_fasttext();
    vectors_of_any_name();
    tables();
    arrays();
    pickles();
    phrases();
    blocks();
    bundles();
    texts();
    models();
}

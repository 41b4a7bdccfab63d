use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use proptest::prelude::*;

use super::*;

type Text = Vec<Option<Vec<Option<String>>>>;

fn header(descr: &str, order: &str, shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
    [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
}

/// Writes as Python does: memoises all strings and lists, and fetches those it has written before.
#[derive(Default)]
struct Pickler {
    bytes: Vec<u8>,
    is_old: bool,
    memoised: u32,
    memo: HashMap<String, u32>,
}

impl Pickler {
    /// Up to the first item of an array; protocol 2 as of NumPy 1, or 4 as of NumPy 2.
    fn new(is_old: bool, shape: &[i32]) -> Self {
        let mut pickler = Self { is_old, ..Self::default() };
        pickler.bytes = if is_old { b"\x80\x02".to_vec() } else { b"\x80\x04\x95\0\0\0\0\0\0\0\0".to_vec() };
        pickler.global("numpy.core.multiarray", "_reconstruct").global("numpy", "ndarray").raw(b"K\0\x85").memoise();
        if is_old {
            pickler.global("_codecs", "encode").text("b").text("latin1").raw(b"\x86").memoise().raw(b"R");
        } else {
            pickler.raw(b"C\x01b");
        }
        pickler.memoise().raw(b"\x87").memoise().raw(b"R").memoise().raw(b"(K\x01");
        for n in shape {
            pickler.raw(b"J").raw(&n.to_le_bytes());
        }
        pickler.raw(if shape.len() == 1 { b"\x85" } else { b"\x86" }).memoise().global("numpy", "dtype");
        pickler.text("O8").raw(b"\x89\x88\x87").memoise().raw(b"R").memoise().raw(b"(K\x03").text("|");
        pickler.raw(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?t").memoise().raw(b"b\x89]").memoise();
        pickler
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend(bytes);
        self
    }

    fn memoise(&mut self) -> &mut Self {
        let index = self.memoised;
        self.memoised += 1;
        match self.is_old {
            true => self.raw(b"r").raw(&index.to_le_bytes()),
            false => self.raw(b"\x94"),
        }
    }

    fn text(&mut self, text: &str) -> &mut Self {
        if let Some(index) = self.memo.get(text).copied() {
            return self.raw(b"j").raw(&index.to_le_bytes());
        }
        self.memo.insert(text.to_owned(), self.memoised);
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes()).memoise()
    }

    fn global(&mut self, module: &str, name: &str) -> &mut Self {
        match self.is_old {
            true => self.raw(format!("c{module}\n{name}\n").as_bytes()).memoise(),
            false => self.text(module).text(name).raw(b"\x93").memoise(),
        }
    }

    fn token(&mut self, token: Option<&String>) {
        match token {
            Some(text) => self.text(text),
            None => self.raw(b"N"),
        };
    }

    fn array(mut self, lists: &Text, is_tuple: bool) -> Vec<u8> {
        for batch in lists.chunks(1000) {
            self.raw(b"(");
            for list in batch {
                let Some(tokens) = list else {
                    self.raw(b"N");
                    continue;
                };
                match is_tuple {
                    true => self.raw(b"("),
                    false => self.raw(b"]").memoise().raw(b"("),
                };
                tokens.iter().for_each(|token| self.token(token.as_ref()));
                self.raw(if is_tuple { b"t" } else { b"e" });
            }
            self.raw(b"e");
        }
        self.end(&format!("{},", lists.len()))
    }

    /// The file.
    fn end(&mut self, shape: &str) -> Vec<u8> {
        self.raw(b"t").memoise().raw(b"b.");
        [header("|O", "False", shape), std::mem::take(&mut self.bytes)].concat()
    }
}

fn read(file: &[u8]) -> Result<Text> {
    let input = || Box::new(std::io::Cursor::new(file.to_vec()));
    let fetched = Arc::new(scan(input(), "corpus.npy")?);
    let mut text = Text::new();
    for lists in object_lists(input(), "corpus.npy".into(), fetched)? {
        let tokens = |list: ArrayRef| list.as_string::<i64>().iter().map(|t| t.map(str::to_owned)).collect();
        text.extend(lists?.as_list::<i64>().iter().map(|list| list.map(tokens)));
    }
    Ok(text)
}

fn error(file: &[u8]) -> String {
    read(file).unwrap_err().to_string()
}

fn lists(texts: &[&str]) -> Text {
    texts.iter().map(|text| Some(text.split(' ').map(|token| Some(token.to_owned())).collect())).collect()
}

#[test]
fn a_list_that_is_fetched_again_is_a_sentence_again() {
    let mut pickler = Pickler::new(false, &[4]);
    let index = pickler.memoised as u8;
    // Before and after its batch has been appended.
    pickler.raw(b"(]").memoise().raw(b"(").text("a").text("b").raw(&[b'e', b'h', index, b'e']);
    pickler.raw(&[b'h', index, b'a', b'h', index, b'a']);
    assert_eq!(read(&pickler.end("4,")).unwrap(), lists(&["a b"; 4]));
}

#[test]
fn a_matrix_of_strings_is_a_sentence_a_row() {
    let mut pickler = Pickler::new(true, &[2, 2]);
    pickler.raw(b"(").text("a").text("b").text("a").raw(b"Ne");
    let text = read(&pickler.end("2, 2")).unwrap();
    assert_eq!(text[0], lists(&["a b"])[0]);
    assert_eq!(text[1].as_ref().unwrap()[1], None);
}

#[test]
fn one_long_tuple_is_one_sentence() {
    let mut pickler = Pickler::new(false, &[1]);
    pickler.raw(b"(").raw(&[b'N'; 5000]).raw(b"ta");
    assert_eq!(read(&pickler.end("1,")).unwrap(), [Some(vec![None; 5000])]);
}

#[test]
fn nothing_is_called() {
    let evil: [(&[u8], &str); 14] = [
        (b"cposix\nsystem\n\x8c\x02ls\x85R", "it calls posix.system"),
        (b"\x8c\x08builtins\x8c\x04eval\x93", "it calls builtins.eval"),
        (b"(iposix\nsystem\n", "the opcode INST"),
        (b"(\x8c\x01ao", "the opcode OBJ"),
        (b"h\x02)\x81", "the opcode NEWOBJ"),
        (b"\x82\x01", "the opcode EXT1"),
        (b"Pid\n", "the opcode PERSID"),
        (b"]}b", "the opcode EMPTY_DICT"),
        (b"](NtNb", "BUILD has no state"),
        (b"])b", "BUILD changes something that is not an array"),
        (b"h\x02)R", "an item is an array"),
        (b"\xff", "0xff is not an opcode"),
        (b"((((", "lists of lists"),
        (b")\x85\x85\x85\x85", "tuples of tuples"),
    ];
    for (item, named) in evil {
        let mut pickler = Pickler::new(false, &[1]);
        let error = error(&pickler.raw(item).raw(b"a").end("1,"));
        let is_named = error.starts_with("corpus.npy: the pickle in it is refused: ") && error.contains(named);
        assert!(is_named, "{error}");
        let alone = [header("|O", "False", "1,").as_slice(), b"\x80\x04", item, b"."].concat();
        read(&alone).unwrap_err();
    }
}

#[test]
fn what_is_no_array_of_lists_says_what_to_do() {
    let items: [(&[u8], &str); 6] = [
        (b"X\x01\0\0\0aa", "holds strings; expected lists of strings"),
        (b"]K\x01aa", "item 0 is a list that holds a number"),
        (b"K\x01a", "item 0 is a number"),
        (b"(NNe", "holds more items than the 1 of its shape"),
        (b"", "holds 0 items, not the 1 of its shape"),
        (b"X\x02\0\0\0\xff\xffa", "not UTF-8"),
    ];
    for (item, expected) in items {
        let error = error(Pickler::new(false, &[1]).raw(item).end("1,").as_slice());
        assert!(error.contains(expected), "{error}");
    }
    assert!(error(&Pickler::new(false, &[1]).raw(b"Na").end("2,")).contains("disagree about the shape"));
    assert!(error(&header("|O", "True", "2, 2")).contains("np.ascontiguousarray"));
    assert!(error(&header("<f4", "False", "2, 2")).contains("holds <f4; expected integer ids"));
    assert!(error(&header("|O", "False", "")).contains("has 0 axes"));
}

#[test]
fn lengths_that_no_file_holds_are_not_believed() {
    let mut pickler = Pickler::new(false, &[1]);
    let file = pickler.raw(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f").end("1,");
    assert!(error(&file).contains("ends too early"));
    assert!(error(&Pickler::new(false, &[1]).raw(b"j\xff\xff\xff\xff").end("1,")).contains("damaged"));
    assert!(error(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").contains("has a header longer than"));
    assert!(ids("<i8", "4294967296, 4294967296", &[]).unwrap_err().to_string().contains("not as long"));
}

fn ids(descr: &str, shape: &str, values: &[u8]) -> Result<Vec<Vec<i64>>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ids.npy");
    std::fs::write(&path, [&header(descr, "False", shape), values].concat()).unwrap();
    let mut rows = Vec::new();
    for lists in IdsFile::map(&path)?.batches() {
        for row in lists?.as_list::<i64>().iter().flatten() {
            assert_eq!(row.data_type().is_signed_integer(), descr.contains('i'));
            let row = arrow::compute::cast(&row, &DataType::Int64).unwrap();
            rows.push(row.as_primitive::<Int64Type>().values().to_vec());
        }
    }
    Ok(rows)
}

#[test]
fn ids_of_any_width_and_byte_order_are_read() {
    for bytes in [1, 2, 4, 8] {
        for (kind, order) in [('i', '<'), ('i', '>'), ('u', '<'), ('u', '>')] {
            let mut values: Vec<[u8; 8]> = (0..6_u64).map(u64::to_le_bytes).collect();
            values.iter_mut().filter(|_| order == '>').for_each(|value| value[..bytes].reverse());
            let values = values.iter().flat_map(|value| value[..bytes].to_vec()).collect::<Vec<u8>>();
            let descr = format!("{order}{kind}{bytes}");
            assert_eq!(ids(&descr, "3, 2", &values).unwrap(), [[0, 1], [2, 3], [4, 5]], "{descr}");
            assert_eq!(ids(&descr, "6,", &values).unwrap(), [[0, 1, 2, 3, 4, 5]], "{descr}");
        }
    }
    assert_eq!(ids("|u1", "10000, 1", &[200; 10000]).unwrap(), vec![[200]; 10000]);
    assert!(ids("|u1", "18446744073709551615, 0", &[]).unwrap().is_empty());
}

#[test]
fn ids_below_zero_are_read_and_files_of_another_length_are_refused() {
    assert_eq!(ids(">i2", "2, 1", b"\0\x05\xff\xfe").unwrap(), [[5], [-2]]);
    let error = |values: &[u8]| ids(">i2", "2, 1", values).unwrap_err().to_string();
    assert!(error(b"\0\x05\xff").contains("truncated"));
    assert!(error(b"\0\x05\0\x05\0").contains("truncated"));
}

fn sentences() -> impl Strategy<Value = Text> {
    let token = prop_oneof![4 => "[a-c]", 2 => "\\PC{0,9}"].prop_map(Some);
    let token = prop_oneof![9 => token, 1 => Just(None)];
    let sentence = proptest::option::weighted(0.9, proptest::collection::vec(token, 0..9));
    prop_oneof![9 => proptest::collection::vec(sentence, 0..20), 1 => Just(lists(&["a b a"; 5000]))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_python_writes_is_read_back(text in sentences(), is_old: bool, is_tuple: bool) {
        let file = Pickler::new(is_old, &[text.len() as i32]).array(&text, is_tuple);
        prop_assert_eq!(read(&file).unwrap(), text);
    }

    #[test]
    fn damaged_files_never_panic(
        text in sentences(), is_old: bool, at: prop::sample::Index, byte: u8, noise: Vec<u8>
    ) {
        let mut file = Pickler::new(is_old, &[text.len() as i32]).array(&text, false);
        let at = at.index(file.len());
        prop_assert!(read(&file[..at]).is_err());
        let _ = read(&[&file[..at], &noise].concat());
        let _ = read(&[&header("|O", "False", "1,"), noise.as_slice()].concat());
        let _ = read(&[&file[..at], &noise, &file[at..]].concat());
        file[at] = byte;
        let _ = read(&file);
    }
}

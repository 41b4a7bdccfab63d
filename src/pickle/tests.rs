use proptest::prelude::*;

use super::*;

fn refused(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn values_of_every_protocol_are_read() {
    // pickle.dumps([None, True, 1, -2, 1.5, "é", (1, 2), {"a": 3}], protocol)
    let samples: [&[u8]; 3] = [
        b"(lp0\nNaI01\naI1\naI-2\naF1.5\naV\xe9\np1\na(I1\nI2\ntp2\na(dp3\nVa\np4\nI3\nsa.",
        b"\x80\x02]q\x00(N\x88K\x01J\xfe\xff\xff\xffG?\xf8\x00\x00\x00\x00\x00\x00X\x02\x00\x00\x00\xc3\xa9q\x01K\x01K\x02\x86q\x02}q\x03X\x01\x00\x00\x00aq\x04K\x03se.",
        b"\x80\x04\x95*\x00\x00\x00\x00\x00\x00\x00]\x94(N\x88K\x01J\xfe\xff\xff\xffG?\xf8\x00\x00\x00\x00\x00\x00\x8c\x02\xc3\xa9\x94K\x01K\x02\x86\x94}\x94\x8c\x01a\x94K\x03se.",
    ];
    for bytes in samples {
        let pickle = read(bytes).unwrap();
        let items = pickle.list(pickle.root()).unwrap();
        assert!(pickle.is_none(items[0]));
        assert_eq!(pickle.integer(items[1]), Some(1));
        assert_eq!(pickle.integer(items[3]), Some(-2));
        assert_eq!(pickle.number(items[4]), Some(1.5));
        assert_eq!(pickle.text(items[5]).as_deref(), Some("é"));
        assert_eq!(pickle.tuple(items[6]).map(<[Id]>::len), Some(2));
        assert_eq!(pickle.integer(pickle.fields(items[7]).unwrap()["a"]), Some(3));
        assert_eq!(pickle.length(), bytes.len());
    }
}

#[test]
fn integers_beyond_64_bits_keep_their_bytes() {
    for (bytes, low) in [
        (&b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."[..], [0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (b"L18446744073709551616L\n.", [0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (b"L-18446744073709551616L\n.", [0, 0, 0, 0, 0, 0, 0, 0, 0xFF]),
    ] {
        let pickle = read(bytes).unwrap();
        let Node::BigInt(value) = pickle.node(pickle.root()) else { panic!() };
        assert_eq!(value[..9], low);
        assert_eq!(pickle.integer(pickle.root()), None);
    }
    let pickle = read(b"\x8a\x00.").unwrap();
    assert_eq!(pickle.integer(pickle.root()), Some(0));
}

#[test]
fn nothing_is_called_and_what_would_have_been_is_named() {
    for bytes in
        [&b"cos\nsystem\n(S'echo hi'\ntR."[..], b"(S'echo hi'\nios\nsystem\n.", b"(cos\nsystem\nS'echo hi'\no."]
    {
        let pickle = read(bytes).unwrap();
        let error = pickle.unexpected(pickle.root(), "vectors").to_string();
        assert!(error.contains("refers to os.system, which polargram does not execute"), "{error}");
        assert!(Array::new(&pickle, pickle.root()).unwrap_err().to_string().contains("os.system"));
    }
}

#[test]
fn opcodes_that_need_something_else_are_refused_with_their_place() {
    for (bytes, reason) in [
        (&b"N0Pid\n."[..], "outside the file (PERSID) (at byte 2)"),
        (b"NQ.", "PERSID"),
        (b"\x82\x01.", "EXT"),
        (b"\x97.", "NEXT_BUFFER"),
        (b"\xff.", "0xff, which is not an opcode (at byte 0)"),
        (b"\x80\x09.", "protocol 9"),
        (b".", "a value is missing"),
        (b"NNu.", "a mark is missing"),
        (b"(\x88d.", "a key has no value"),
        (b"h\x07.", "has not put"),
        (b"NNb.", "BUILD"),
        (b"NNa.", "appends to something"),
        (b"X\xff\xff\xff\xffab", "ends too early"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab", "ends too early"),
        (b"\x8b\xff\xff\xff\xffab", "ends too early"),
        (b"X\x01\x00\x00\x00\xff.", "not UTF-8"),
        (b"Ix\n.", "a line does not hold"),
        (b"", "ends too early"),
    ] {
        let error = refused(bytes);
        assert!(error.contains(reason), "{error}");
    }
}

/// A list that holds the last list twice, and so on: 2^levels items, if they were written out.
fn bomb(levels: usize) -> Vec<u8> {
    let mut bytes = b"](NNe".to_vec();
    for _ in 0..levels {
        bytes.extend(b"q\x000](h\x00h\x00e");
    }
    bytes.push(b'.');
    bytes
}

#[test]
fn a_bomb_of_shared_lists_stays_as_small_as_its_bytes() {
    let bytes = bomb(10_000);
    let pickle = read(&bytes).unwrap();
    assert!(pickle.nodes.len() < bytes.len());
    assert!(pickle.ensure_tree(pickle.root(), 1_000_000, 100_000).unwrap_err().to_string().contains("100000 values"));
    assert!(pickle.ensure_tree(pickle.root(), 64, 1 << 40).unwrap_err().to_string().contains("64 deep"));
    let small = bomb(2);
    let small = read(&small).unwrap();
    small.ensure_tree(small.root(), 3, 15).unwrap();
    small.ensure_tree(small.root(), 3, 14).unwrap_err();
}

#[test]
fn a_list_that_holds_itself_is_read_and_refused_as_a_tree() {
    let pickle = read(b"]q\x00h\x00a.").unwrap();
    assert_eq!(pickle.list(pickle.root()), Some(&[pickle.root()][..]));
    assert!(pickle.ensure_tree(pickle.root(), 100, 1000).is_err());
}

#[test]
fn deep_nesting_neither_recurses_nor_fails() {
    let bytes = [b"]".repeat(1_000_000), b"a".repeat(999_999), b".".to_vec()].concat();
    drop(read(&bytes).unwrap());
}

/// pickle.dumps(np.array([[1, 2], [3, 4]], ">f8"), 2), in Fortran order if so.
fn matrix(is_fortran: bool, rows: u8) -> Vec<u8> {
    let order: &[u8] = if is_fortran { b"\x88" } else { b"\x89" };
    let values: Vec<u8> = [1.0_f64, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_be_bytes()).collect();
    [
        &b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K"[..],
        &[rows],
        b"K\x02\x86cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
        order,
        b"U\x20",
        &values,
        b"tb.",
    ]
    .concat()
}

#[test]
fn arrays_are_read_in_either_order_of_rows_and_of_bytes() {
    for (is_fortran, want) in [(false, [1.0, 2.0, 3.0, 4.0]), (true, [1.0, 3.0, 2.0, 4.0])] {
        let bytes = matrix(is_fortran, 2);
        let pickle = read(&bytes).unwrap();
        let (values, shape) = Array::new(&pickle, pickle.root()).unwrap().to_rows().unwrap();
        assert_eq!((values.as_slice(), shape), (&want[..], [2, 2]));
    }
    let bytes = matrix(false, 3);
    let pickle = read(&bytes).unwrap();
    assert!(Array::new(&pickle, pickle.root()).unwrap_err().to_string().contains("does not fit its shape [3, 2]"));
}

#[test]
fn no_cut_or_flipped_pickle_panics() {
    let whole = matrix(true, 2);
    for cut in 0..whole.len() {
        assert!(read(&whole[..cut]).is_err());
    }
    for (at, bit) in (0..whole.len()).flat_map(|at| (0..8).map(move |bit| (at, 1_u8 << bit))) {
        let mut flipped = whole.clone();
        flipped[at] ^= bit;
        if let Ok(pickle) = read(&flipped) {
            let _ = Array::new(&pickle, pickle.root()).and_then(|array| array.to_rows());
        }
    }
}

#[test]
fn strings_of_protocol_0_are_unescaped() {
    let pickle = read(b"(S'caf\\xc3\\xa9\\n\\'\\\\'\nV\\u65e5\\U0001f600\xe9\nS\"it's\"\nt.").unwrap();
    let texts: Vec<_> = pickle.tuple(pickle.root()).unwrap().iter().map(|&id| pickle.text(id).unwrap()).collect();
    assert_eq!(texts, ["cafÃ©\n'\\", "日😀é", "it's"]);
}

fn opcodes() -> impl Strategy<Value = Vec<u8>> {
    let codes: Vec<u8> = (0..=255).collect();
    let one = prop_oneof![
        prop::sample::select(codes).prop_map(|code| vec![code]),
        prop::sample::select(b"NNN(((]})tuesabq0q1h0h1R.\x85\x86\x81\x94\x93\x8f\x90\x91".to_vec())
            .prop_map(|code| vec![code]),
        Just(b"h\0".to_vec()),
        Just(b"q\0".to_vec()),
        Just(b"cnumpy\nndarray\n".to_vec()),
        Just(b"\x8c\x01a".to_vec()),
        Just(b"K\x07".to_vec()),
    ];
    prop::collection::vec(one, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in opcodes()) {
        if let Ok(pickle) = read(&bytes) {
            prop_assert!(pickle.nodes.len() <= bytes.len() + 4);
            let root = pickle.root();
            let _ = (pickle.describe(root), pickle.integer(root), pickle.bytes(root), pickle.instance(root));
            let _ = (pickle.fields(root), pickle.ensure_tree(root, 100, 10_000));
            let _ = Array::new(&pickle, root).and_then(|array| array.to_rows());
            let _ = (pickle.word(root), pickle.text_length(root));
        }
    }
}

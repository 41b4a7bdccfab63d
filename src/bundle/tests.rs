use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::error::Result;
use crate::progress::Progress;
use crate::store::Location;

fn array(values: &[u8]) -> Array<'_> {
    Array { descr: "<u2".into(), is_fortran: true, shape: vec![2, values.len() as u64 / 4], values }
}

fn saved(path: &Path) {
    let group = vec![("a".to_owned(), Item::Array(array(&[3; 4]))), ("n".to_owned(), Item::Value(Value::Bool(true)))];
    let items = [
        ("big".to_owned(), Item::Array(array(&[7; 400]))),
        ("parts".to_owned(), Item::Group(group)),
        ("n".to_owned(), Item::Value(Value::Float(f64::NAN))),
    ];
    save(&Location::from(path), &items, &Progress::default()).unwrap();
}

fn open(path: &Path, ignored: &[&str]) -> Result<Bundle> {
    let ignored: Vec<String> = ignored.iter().map(|&name| name.to_owned()).collect();
    Bundle::open(&Location::from(path), &ignored, &Progress::default())
}

fn array_of(content: &Content) -> &StoredArray {
    match content {
        Content::Array(array) => array,
        _ => panic!("it is not an array"),
    }
}

#[test]
fn a_bundle_comes_back_from_a_directory_and_from_one_file() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["b", "b.zip", "b.npz"] {
        let path = directory.path().join(name);
        saved(&path);
        saved(&path);
        let bundle = open(&path, &[]).unwrap();
        let names: Vec<_> = bundle.entries.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["big", "parts", "n"]);
        let StoredArray::File(big) = array_of(&bundle.entries[0].1) else { panic!("{name}: it is not in a file") };
        assert_eq!((big.offset() % 64, big.read().unwrap()), (0, vec![7; 400]));
        assert_eq!(big.header().shape, [2, 100]);
        let Content::Group(parts) = &bundle.entries[1].1 else { panic!("parts are not a group") };
        assert_eq!(array_of(&parts[0].1).read().unwrap(), [3; 4]);
        assert!(matches!(&bundle.entries[2].1, Content::Value(Value::Float(value)) if value.is_nan()));
    }
}

#[test]
fn what_is_ignored_may_be_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    saved(&path);
    fs::remove_file(path.join("big.npy")).unwrap();
    fs::remove_file(path.join("parts.a.npy")).unwrap();
    assert!(open(&path, &["big"]).err().unwrap().to_string().contains("parts.a.npy"));
    let bundle = open(&path, &["big", "parts.a"]).unwrap();
    assert_eq!(bundle.entries.len(), 2);
}

#[test]
fn a_bundle_takes_the_place_of_a_bundle_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    saved(&path);
    fs::write(path.join("notes"), "mine").unwrap();
    save(&Location::from(&path), &[("x".to_owned(), Item::Value(Value::None))], &Progress::default()).unwrap();
    let mut names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["bundle.json", "notes"]);
    fs::write(path.join(FILE), "{}").unwrap();
    let error = save(&Location::from(&path), &[], &Progress::default()).unwrap_err().to_string();
    assert!(error.contains("not a bundle's directory"), "{error}");
}

#[test]
fn what_a_bundle_cannot_hold_is_refused_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    let group = || Item::Group(vec![("b".to_owned(), Item::Group(vec![]))]);
    let object = || Item::Array(Array { descr: "|O".into(), is_fortran: false, shape: vec![1], values: &[0; 8] });
    let short = || Item::Array(Array { descr: "<f4".into(), is_fortran: false, shape: vec![3], values: &[0; 8] });
    for item in [group(), object(), short(), Item::Value(Value::Int(1 << 70))] {
        assert!(save(&Location::from(&path), &[("a".to_owned(), item)], &Progress::default()).is_err());
        assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
    }
}

/// A zip file of these members.
fn zipped(path: &Path, method: CompressionMethod, members: &[(&str, &[u8])]) {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn a_zipped_directory_opens_and_so_do_arrays_that_numpy_zipped() {
    let directory = tempfile::tempdir().unwrap();
    let (path, zip) = (directory.path().join("b"), directory.path().join("z.zip"));
    saved(&path);
    let files = ["bundle.json", "big.npy", "parts.a.npy"];
    let contents = files.map(|name| fs::read(path.join(name)).unwrap());
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        for (prefix, taken) in [("", 0), ("b/", 0), ("", 1)] {
            let names: Vec<String> = files.iter().map(|name| format!("{prefix}{name}")).collect();
            let members: Vec<_> = names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
            zipped(&zip, method, &members[taken..]);
            let bundle = open(&zip, &[]).unwrap();
            assert_eq!(bundle.entries[0].0, "big");
            assert_eq!(array_of(&bundle.entries[0].1).read().unwrap(), [7; 400]);
        }
    }
}

#[test]
fn hostile_zip_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let zip = directory.path().join("z.zip");
    let refused = || open(&zip, &[]).err().unwrap().to_string();
    for name in ["../evil.npy", "/evil.npy", "a/../../evil.npy", "..\\evil.npy", "C:evil.npy"] {
        zipped(&zip, CompressionMethod::Stored, &[(name, b"x")]);
        assert!(refused().contains("leads out of its directory"), "{name}: {}", refused());
    }
    zipped(&zip, CompressionMethod::Deflated, &[("a.npy", &vec![0; 100 << 20])]);
    assert!(refused().contains("zip bombs"), "{}", refused());
    zipped(&zip, CompressionMethod::Stored, &[("a.npy", b"x"), ("b.npy", b"y")]);
    let mut bytes = fs::read(&zip).unwrap();
    // In the directory at the end, and in the header before the content.
    let places: Vec<usize> = (0..bytes.len() - 5).filter(|&at| bytes[at..].starts_with(b"b.npy")).collect();
    places.iter().for_each(|&at| bytes[at] = b'a');
    fs::write(&zip, &bytes).unwrap();
    assert!(refused().contains("twice"), "{}", refused());
    zipped(&zip, CompressionMethod::Stored, &[("x", b"x")]);
    assert!(refused().contains("not a bundle"));
    fs::write(&zip, "garbage").unwrap();
    assert!(refused().contains("not a whole zip file"));
}

#[test]
fn no_cut_or_flipped_zip_file_panics() {
    let directory = tempfile::tempdir().unwrap();
    let zip = directory.path().join("z.zip");
    saved(&zip);
    let whole = fs::read(&zip).unwrap();
    let mut file = File::options().read(true).write(true).open(&zip).unwrap();
    let mut read = |bytes: &[u8]| {
        file.rewind().unwrap();
        file.set_len(0).unwrap();
        file.write_all(bytes).unwrap();
        let Ok(bundle) = open(&zip, &[]) else { return };
        for (_, content) in &bundle.entries {
            if let Content::Array(array) = content {
                let _ = array.read();
            }
        }
    };
    for cut in (0..whole.len()).step_by(7) {
        read(&whole[..cut]);
    }
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x81;
        read(&flipped);
    }
}

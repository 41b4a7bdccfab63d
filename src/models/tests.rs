//! Saved models.

use std::fs;
use std::path::Path;

use super::saved::{DESCRIPTION, MODEL};
use super::*;
use crate::config::Config;
use crate::vocab::{Trim, WordCounts};

fn model() -> Word2Vec {
    let frequencies = [("a", 9), ("b", 8), ("c", 7)];
    let counts = WordCounts::from_frequencies(frequencies, 5, true).unwrap();
    let config = Config { vector_size: 5, hs: true, max_final_vocab: Some(2), ..Config::default() };
    let trim = Trim { max_final_vocab: config.max_final_vocab, ..Trim::default() };
    Word2Vec::new(config, &counts, &trim).unwrap().0
}

#[test]
fn a_saved_model_is_the_same_when_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    let attributes = serde_json::json!({ "comment": "x" });
    model().save(&path, attributes.clone()).unwrap();
    let saved = Word2Vec::load(&path).unwrap();
    assert_eq!(saved.attributes, attributes);
    assert_eq!(saved.model.config(), model().config());
    assert_eq!(saved.model.corpus(), model().corpus());
    assert_eq!((saved.model.effective_min_count(), model().effective_min_count()), (8, 8));
    assert_eq!(saved.model.vectors().unwrap().vector("b").unwrap(), model().vectors().unwrap().vector("b").unwrap());
    assert!(saved.model.node_rows().is_some() && saved.resume.is_none());
}

fn change_description(path: &Path, change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) {
    let file = path.join(DESCRIPTION);
    let mut description: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(description.as_object_mut().unwrap());
    fs::write(&file, description.to_string()).unwrap();
}

#[test]
fn a_model_that_does_not_name_its_family_is_word2vec_and_one_of_another_family_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    model().save(&path, serde_json::Value::Null).unwrap();
    change_description(&path, |description| {
        assert_eq!(description.remove("family"), Some("word2vec".into()));
    });
    assert!(Word2Vec::load(&path).is_ok());
    change_description(&path, |description| {
        description.insert("family".to_owned(), "doc2vec".into());
    });
    let error = Word2Vec::load(&path).err().unwrap().to_string();
    assert!(error.contains("config.json") && error.contains("\"doc2vec\", not \"word2vec\""), "{error}");
}

#[test]
fn an_older_model_is_replaced_and_other_files_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    model().save(&path, serde_json::Value::Null).unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    let other = model().with_config(Config { alpha: 0.5, ..model().config().clone() });
    other.save(&path, serde_json::Value::Null).unwrap();
    assert_eq!(Word2Vec::load(&path).unwrap().model.config().alpha, 0.5);
    assert_eq!(fs::read_to_string(path.join("notes.txt")).unwrap(), "mine");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn nothing_else_is_replaced_by_a_model() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("thesis.txt"), "years").unwrap();
    let error = model().save(directory.path(), serde_json::Value::Null).unwrap_err();
    assert!(error.to_string().contains("not a model"), "{error}");
    assert!(directory.path().join("thesis.txt").exists());
}

#[test]
fn a_config_of_another_program_is_no_model_to_replace() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join(DESCRIPTION);
    for foreign in [r#"{"architectures": ["BertModel"]}"#, r#"{"format": "pt"}"#, r#"{"format": 1}"#, "[", ""] {
        fs::write(&config, foreign).unwrap();
        let error = model().save(directory.path(), serde_json::Value::Null).unwrap_err();
        assert!(error.to_string().contains("not a model"), "{foreign:?}: {error}");
        assert_eq!(fs::read_to_string(&config).unwrap(), foreign);
    }
}

#[test]
fn a_model_of_another_version_may_be_replaced() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(DESCRIPTION), r#"{"format": "polargram model 2"}"#).unwrap();
    model().save(directory.path(), serde_json::Value::Null).unwrap();
    assert!(Word2Vec::load(directory.path()).is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("model"), directory.path().join("links").join("latest"));
    fs::create_dir(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let error = model().save(&link, serde_json::Value::Null).unwrap_err();
    assert!(error.to_string().contains("latest"), "a link to nothing: {error}");
    model().save(&path, serde_json::Value::Null).unwrap();
    for (target, alpha) in [(link.clone(), 0.5), (link.join(""), 0.25)] {
        let other = model().with_config(Config { alpha, ..model().config().clone() });
        other.save(&target, serde_json::Value::Null).unwrap();
        assert_eq!(Word2Vec::load(&path).unwrap().model.config().alpha, alpha);
        assert_eq!(fs::read_link(&link).unwrap(), path);
        let listed = |path: &Path| fs::read_dir(path).unwrap().count();
        assert_eq!((listed(directory.path()), listed(link.parent().unwrap())), (2, 1));
    }
}

#[test]
fn damaged_models_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    // The description of the bundle is not needed for the model.
    for &name in MODEL.files.iter().filter(|&&name| name != crate::bundle::FILE) {
        let path = directory.path().join(name).with_extension("model");
        model().save(&path, serde_json::Value::Null).unwrap();
        let file = path.join(name);
        let whole = fs::read(&file).unwrap();
        for cut in [0, whole.len() / 2, whole.len() - 1] {
            fs::write(&file, &whole[..cut]).unwrap();
            let error = Word2Vec::load(&path).err().map(|error| error.to_string());
            assert!(error.as_ref().is_some_and(|error| error.contains(name)), "{name} cut at {cut}: {error:?}");
        }
    }
}

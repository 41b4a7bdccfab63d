"""Raw text to vectors, beside model2vec."""

import json
import pickle

import model2vec
import numpy as np
import polars as pl
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers, trainers

import polargram as pg

TEXTS = ["The cat sat on the mat.", "Dogs and cats, ёлка 中国 café!", "the the the", "a\tb\nc"] * 20


def trained(kind: str) -> tokenizers.Tokenizer:
    special = ["[PAD]", "[UNK]"]
    if kind == "unigram":
        tokenizer = tokenizers.Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="[UNK]")
    elif kind == "bpe":
        tokenizer = tokenizers.Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special)
    else:
        tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=special)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def saved(path, kind="wordpiece", quantized=False, dtype=np.float32, **options):
    tokenizer = trained(kind)
    random = np.random.default_rng(0)
    tokens = tokenizer.get_vocab_size()
    rows = 20 if quantized else tokens
    if quantized:
        options["token_mapping"] = random.integers(0, rows, tokens)
        options["weights"] = random.uniform(0.5, 2, tokens).astype(np.float32)
    vectors = random.normal(size=(rows, 8)) * (20 if dtype == np.int8 else 1)
    model2vec.StaticModel(vectors.astype(dtype), tokenizer, **options).save_pretrained(str(path))
    return model2vec.StaticModel.from_pretrained(str(path))


def encoded(texts, path, engine="in-memory", **options):
    frame = pl.LazyFrame({"text": pl.Series(texts, dtype=pl.String)})
    return frame.select(pg.encode("text", path, **options)).collect(engine=engine)["text"]


@pytest.fixture(scope="module")
def wordpiece(tmp_path_factory):
    path = tmp_path_factory.mktemp("wordpiece") / "model"
    return saved(path, max_length=5), path


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_texts_are_encoded_as_model2vec_does(tmp_path, kind, normalize, engine):
    model = saved(tmp_path / "m", kind, normalize=normalize)
    texts = [*TEXTS, "", "   ", "zzz qqq", "[UNK] cat [PAD]", "cat " * 2000]
    got = encoded(texts, tmp_path / "m", engine)
    assert got.dtype == pl.Array(pl.Float32, 8)
    np.testing.assert_allclose(got.to_numpy(), model.encode(texts), atol=1e-5)


@pytest.mark.parametrize("max_length", [None, 3, 512])
def test_long_texts_end_where_model2vec_ends_them(tmp_path, max_length):
    model = saved(tmp_path / "m", max_length=max_length)
    texts = ["中 cat the " * n for n in (1, 2, 3, 300)]
    np.testing.assert_allclose(encoded(texts, tmp_path / "m").to_numpy(), model.encode(texts), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_matrices_of_any_type_are_read(tmp_path, dtype):
    model = saved(tmp_path / "m", dtype=dtype)
    got = encoded(TEXTS, tmp_path / "m").to_numpy()
    np.testing.assert_allclose(got, model.encode(TEXTS), atol=2e-2 if dtype == np.float16 else 1e-5)


def test_quantized_vocabularies_have_a_mapping_and_weights(tmp_path):
    model = saved(tmp_path / "m", quantized=True, normalize=True)
    np.testing.assert_allclose(encoded(TEXTS, tmp_path / "m").to_numpy(), model.encode(TEXTS), atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=20))
def test_any_text_is_encoded_as_model2vec_does(wordpiece, texts):
    model, path = wordpiece
    np.testing.assert_allclose(encoded(texts, path).to_numpy(), model.encode(texts), atol=1e-5)


def test_nulls_slices_chunks_and_empty_frames_keep_their_places(wordpiece):
    model, path = wordpiece
    text = pl.concat([pl.Series("t", ["cat", None]), pl.Series("t", ["the mat", "x", None])], rechunk=False)
    got = text.slice(1, 3).to_frame().select(pl.col("t").w2v.encode(path))["t"]
    assert got.is_null().to_list() == [True, False, False]
    np.testing.assert_allclose(got[1].to_numpy(), model.encode(["the mat"])[0], atol=1e-5)
    assert encoded([], path).dtype == pl.Array(pl.Float32, 8)
    as_categories = text.cast(pl.Categorical).to_frame().select(pl.col("t").w2v.encode(path))["t"]
    assert as_categories.is_null().to_list() == text.is_null().to_list()


def test_plans_know_their_type_and_travel(wordpiece):
    _, path = wordpiece
    plan = pl.LazyFrame({"t": ["cat"]}).select(pl.col("t").w2v.encode(path))
    assert plan.collect_schema() == {"t": pl.Array(pl.Float32, 8)}
    assert pickle.loads(pickle.dumps(plan)).collect().height == 1


def test_a_column_of_numbers_is_refused(wordpiece):
    with pytest.raises(pl.exceptions.PolarsError, match="expected strings"):
        pl.LazyFrame({"t": [1]}).select(pl.col("t").w2v.encode(wordpiece[1])).collect_schema()


def break_json(path):
    path.write_text("{")


def shorten(path):
    path.write_bytes(path.read_bytes()[:-8])


def huge_header(path):
    path.write_bytes((2**60).to_bytes(8, "little") + b"{}")


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("tokenizer.json", break_json),
        ("tokenizer.json", lambda path: path.write_text('{"model": {"type": "WordPiece", "vocab": 3}}')),
        ("tokenizer.json", lambda path: path.write_text("[" * 100_000)),
        ("config.json", break_json),
        ("config.json", lambda path: path.write_text('{"max_length": "many"}')),
        ("model.safetensors", shorten),
        ("model.safetensors", huge_header),
        ("model.safetensors", lambda path: path.write_bytes(b"")),
    ],
)
def test_damaged_models_are_reported_when_the_plan_is_resolved(tmp_path, file, damage):
    saved(tmp_path / "m")
    damage(tmp_path / "m" / file)
    plan = pl.LazyFrame({"t": ["cat"]}).select(pl.col("t").w2v.encode(tmp_path / "m"))
    with pytest.raises(pl.exceptions.PolarsError, match=file) as caught:
        plan.collect_schema()
    assert "panic" not in str(caught.value)


def test_ids_beyond_the_matrix_and_missing_files_are_reported(tmp_path):
    saved(tmp_path / "m")
    parts = json.loads((tmp_path / "m" / "tokenizer.json").read_text())
    parts["model"]["vocab"]["beyond"] = 2**31
    (tmp_path / "m" / "tokenizer.json").write_text(json.dumps(parts))
    with pytest.raises(pl.exceptions.PolarsError, match="'?\"beyond\"'? has the id 2147483648"):
        encoded(["cat"], tmp_path / "m")
    (tmp_path / "m" / "config.json").unlink()
    with pytest.raises(pl.exceptions.PolarsError, match="not a static model"):
        encoded(["cat"], tmp_path / "m")
    with pytest.raises(pl.exceptions.PolarsError, match="missing"):
        encoded(["cat"], tmp_path / "missing")


@pytest.fixture(scope="module")
def wv():
    return pg.Word2Vec([["the", "cat", "sat", "[UNK]"]] * 50, vector_size=6, workers=1, min_count=1).wv


@pytest.mark.parametrize(
    ("tokenizer", "tokens"),
    [("whitespace", ["the", "cat,", "zz", "sat"]), ("regex:[a-z]+", ["the", "cat", "zz", "sat"])],
)
def test_files_of_vectors_are_encoded_with_a_named_tokenizer(wv, tmp_path, tokenizer, tokens):
    wv.save(tmp_path / "v.arrow")
    got = encoded(["the cat, zz sat", "zz"], tmp_path / "v.arrow", tokenizer=tokenizer).to_numpy()
    want = np.mean([wv[token] for token in tokens if token in wv], axis=0)
    np.testing.assert_allclose(got[0], want, atol=1e-6)
    assert not got[1].any()


def test_vectors_in_memory_and_models_encode_too(tmp_path):
    model = pg.Word2Vec([["the", "cat", "sat"]] * 50, vector_size=6, workers=1)
    wv = model.wv
    wv.save(tmp_path / "v.arrow")
    want = encoded(["the cat", None], tmp_path / "v.arrow", tokenizer="whitespace")
    for vectors in (wv, model):
        assert encoded(["the cat", None], vectors, tokenizer="whitespace").to_list() == want.to_list()
    series = pl.Series("text", ["the cat", None]).w2v.encode(wv, tokenizer="whitespace")
    assert (series.name, series.to_list()) == ("text", want.to_list())


def test_items_have_no_tokens_in_text():
    items = pg.KeyedVectors(1)
    items[7] = [1.0]
    with pytest.raises(pl.exceptions.PolarsError, match="text has none of them"):
        encoded(["7"], items, tokenizer="whitespace")


def test_an_open_model_is_listed_and_let_go(wordpiece):
    _, path = wordpiece
    encoded(["cat"], path)
    last = [entry for entry in pg.registry.list() if entry.path == path.resolve()]
    assert [(entry.vector_size, entry.is_mapped) for entry in last] == [(8, True)]
    assert pg.registry.clear() > 0
    assert not [entry for entry in pg.registry.list() if entry.path == path.resolve()]


def test_a_tokenizer_file_serves_a_file_of_vectors(tmp_path):
    tokenizer = trained("wordpiece")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    wv = pg.KeyedVectors(2)
    wv[["cat", "the"]] = [[1.0, 0.0], [0.0, 1.0]]
    wv.save(tmp_path / "v.arrow")
    got = encoded(["The CAT!"], tmp_path / "v.arrow", tokenizer=tmp_path / "tokenizer.json")
    assert got.to_list() == [[0.5, 0.5]]


def test_the_tokenizer_must_be_named_right(wv, tmp_path):
    wv.save(tmp_path / "v.arrow")
    for tokenizer, message in [(None, "name a tokenizer"), ("words", "is unknown"), ("regex:(", "regular expression")]:
        with pytest.raises(pl.exceptions.PolarsError, match=message):
            encoded(["cat"], tmp_path / "v.arrow", tokenizer=tokenizer)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("tokenizer", ["whitespace", "regex:[a-z]+"])
def test_vectors_leave_for_model2vec_and_come_back(wv, tmp_path, tokenizer, normalize):
    wv.to_model2vec(tmp_path / "m", tokenizer=tokenizer, normalize=normalize)
    texts = ["the cat", "zz the", "sat, cat", "zz", "[UNK] the", "the " * 3000 + "cat"]
    want = model2vec.StaticModel.from_pretrained(str(tmp_path / "m")).encode(texts)
    np.testing.assert_allclose(encoded(texts, tmp_path / "m").to_numpy(), want, atol=1e-5)
    wv.save(tmp_path / "v.arrow")
    ours = encoded(texts, tmp_path / "v.arrow", tokenizer=tokenizer).to_numpy()
    if not normalize:
        np.testing.assert_allclose(ours, want, atol=1e-5)


def test_vectors_leave_with_a_tokenizer_of_their_own(tmp_path):
    trained("wordpiece").save(str(tmp_path / "tokenizer.json"))
    wv = pg.KeyedVectors(2)
    wv[["cat", "the"]] = [[1.0, 0.0], [0.0, 1.0]]
    wv.to_model2vec(tmp_path / "m", tokenizer=tmp_path / "tokenizer.json")
    assert model2vec.StaticModel.from_pretrained(str(tmp_path / "m")).encode(["The cat"]).tolist() == [[0.5, 0.5]]


def test_vectors_that_cannot_be_tokens_are_refused(wv, tmp_path):
    items = pg.KeyedVectors(1)
    items[7] = [1.0]
    with pytest.raises(ValueError, match="needs words as keys"):
        items.to_model2vec(tmp_path / "m")
    with pytest.raises(ValueError, match="regular expression"):
        wv.to_model2vec(tmp_path / "m", tokenizer="regex:(")
    with pytest.raises(ValueError, match="is unknown"):
        wv.to_model2vec(tmp_path / "m", tokenizer="words")
    assert not (tmp_path / "m").exists()


def test_a_model_that_cannot_be_written_leaves_the_one_that_is_there(tmp_path):
    wv = pg.Word2Vec([["a", "b"]] * 9, vector_size=4).wv
    wv.to_model2vec(tmp_path / "m")
    before = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    (tmp_path / "m" / "modules.json").unlink()
    (tmp_path / "m" / "modules.json").mkdir()
    with pytest.raises(OSError, match=r"modules\.json"):
        wv.to_model2vec(tmp_path / "m", normalize=True)
    left = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir() if path.is_file()}
    assert left == {name: content for name, content in before.items() if name != "modules.json"}
    assert not [path for path in tmp_path.iterdir() if path.name != "m"]

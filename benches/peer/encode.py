"""``encode`` against ``model2vec.StaticModel.encode`` with the same model, two threads.

    python benches/peer/encode.py ARTICLES.parquet [--articles 8000] [--size 256]

The model is made here: a WordPiece tokenizer trained on some of the articles, and random vectors. The programs
alternate; a figure is the least of several times, but for the first call, which opens the model and knows no word yet.
The results must agree to 1e-5.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

THREADS = 2
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[name] = str(THREADS)
os.environ["TOKENIZERS_PARALLELISM"] = "true"

import model2vec  # noqa: E402
import numpy as np  # noqa: E402
import polars as pl  # noqa: E402
import tokenizers  # noqa: E402
from tokenizers import models, normalizers, pre_tokenizers, trainers  # noqa: E402

import polargram as pg  # noqa: E402

VOCABULARY = 30_000


def make_model(texts: list[str], size: int, path: Path) -> model2vec.StaticModel:
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=["[PAD]", "[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    vectors = np.random.default_rng(15).normal(size=(tokenizer.get_vocab_size(), size)).astype(np.float32)
    model2vec.StaticModel(vectors, tokenizer, normalize=True).save_pretrained(str(path))
    return model2vec.StaticModel.from_pretrained(str(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--articles", type=int, default=8000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    articles = pl.read_parquet(options.corpus, columns=["text"])
    # A small sample is repeated, so that there are as many articles as were asked for.
    frame = pl.concat([articles] * -(-options.articles // articles.height)).head(options.articles)
    texts = frame["text"].to_list()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model"
        model = make_model(texts[:2000], options.size, path)
        plan = frame.lazy().select(e=pg.encode("text", path))
        start = time.perf_counter()
        plan.collect()
        least = {"polargram, first call": time.perf_counter() - start}
        for _ in range(options.rounds):
            start = time.perf_counter()
            want = model.encode(texts)
            times = {"model2vec": time.perf_counter() - start}
            for name, engine in (("polargram", "in-memory"), ("polargram, streaming", "streaming")):
                start = time.perf_counter()
                got = plan.collect(engine=engine)  # type: ignore[call-overload]
                times[name] = time.perf_counter() - start
                difference = float(np.abs(got["e"].to_numpy() - want).max())
                if difference > 1e-5:
                    raise SystemExit(f"{name} differs from model2vec by {difference:g}")
            least |= {name: min(least.get(name, took), took) for name, took in times.items()}
    print(
        f"{len(texts)} articles, {sum(map(len, texts)) / 1e6:.0f} M characters, d = {options.size}, {THREADS} threads"
    )
    for name, seconds in least.items():
        print(
            f"{name:22} {seconds:7.3f} s {len(texts) / seconds:10.0f} articles/s {least['model2vec'] / seconds:6.1f}x"
        )


if __name__ == "__main__":
    main()

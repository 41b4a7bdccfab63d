"""One training job in its own process: prints its times, peak memory and throughput as a line of JSON.

    python jobs.py gensim|polargram CORPUS OUTPUT '{"sg": 1, ...}'

CORPUS is what the program reads fastest: for gensim a text file for ``corpus_file``, one sentence on each line; for
polargram Parquet. Vectors go to OUTPUT in word2vec's binary format.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from pathlib import Path
from typing import Any


def gensim(corpus: str, output: str, parameters: dict[str, Any]) -> dict[str, float]:
    from gensim.models import Word2Vec

    start = time.perf_counter()
    model = Word2Vec(**parameters)
    model.build_vocab(corpus_file=corpus)
    counted = time.perf_counter()
    total_words, examples = model.corpus_total_words, model.corpus_count
    model.train(corpus_file=corpus, total_words=total_words, total_examples=examples, epochs=model.epochs)
    trained = time.perf_counter()
    model.wv.save_word2vec_format(output, binary=True)
    done = time.perf_counter()
    words = sum(model.wv.expandos["count"]) * model.epochs
    return {"vocabulary": counted - start, "training": trained - counted, "job": done - start, "words": float(words)}


def polargram(corpus: str, output: str, parameters: dict[str, Any]) -> dict[str, float]:
    import polargram as pg

    start = time.perf_counter()
    model = pg.Word2Vec(corpus, **parameters)
    model.wv.save_word2vec_format(output, binary=True)
    done = time.perf_counter()
    training = model.total_train_time
    words = sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key) * parameters["epochs"]
    return {"vocabulary": model.total_vocabulary_time, "training": training, "job": done - start, "words": float(words)}


if __name__ == "__main__":
    program, corpus, output, parameters = sys.argv[1:]
    seconds = {"gensim": gensim, "polargram": polargram}[program](corpus, output, json.loads(parameters))
    # Not ru_maxrss, which a process inherits from its parent.
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    peak_mib = int(peak[1]) / 1024 if peak else math.nan
    print(json.dumps({**seconds, "peak_mib": peak_mib}))

"""Vectors of the nodes of a graph: random walks are its sentences (DeepWalk, Perozzi et al. 2014).

    python examples/walks.py [EDGES.parquet] [SOURCE TARGET]

EDGES.parquet has a row for each edge, with two columns of node numbers (``source`` and ``target``, or SOURCE and
TARGET). Every edge is walked both ways. Without it, a graph of four communities is made. Each step of the walks is a
join of Polars over the edges. The walks are made in batches while the model reads them, in every pass the same again:
they are never in memory as a whole, nor in a file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

import polargram as pg

WALKS_PER_NODE = 20
STEPS = 20
#: Walks that are in memory at a time.
BATCH = 1000


# %% 1. A graph: a list of edges


def communities(number: int = 4, nodes: int = 100, inside: float = 0.1, between: float = 0.005) -> pl.DataFrame:
    """A stochastic block model: two nodes of one community are often linked, two others seldom."""
    rng = np.random.default_rng(14)
    community = np.arange(number * nodes) % number
    probability = np.where(community[:, None] == community, inside, between)
    source, target = np.nonzero(np.triu(rng.random(probability.shape) < probability, k=1))
    return pl.DataFrame({"source": source, "target": target})


def read(arguments: list[str]) -> pl.DataFrame:
    if not arguments:
        return communities()
    source, target = arguments[1:] or ["source", "target"]
    return pl.read_parquet(arguments[0], columns=[source, target]).rename({source: "source", target: "target"})


# %% 2. Walks, as a LazyFrame whose rows are made when they are read


def walks(edges: pl.DataFrame) -> pl.LazyFrame:
    """``WALKS_PER_NODE`` walks from each node, as lists of nodes."""
    both_ways = pl.concat([edges, edges.select(source="target", target="source")])
    links = both_ways.sort("source").with_row_index("link")
    nodes = links.group_by("source").agg(first=pl.col("link").min(), degree=pl.len())
    starts = pl.concat([nodes.select("source").sort("source")] * WALKS_PER_NODE).with_row_index("walk")
    # What is drawn follows from the number of the walk and of the step, so each pass makes the same walks.
    link = pl.col("first") + pl.struct("walk", "step").hash(seed=1) % pl.col("degree")

    def batch_of(starts: pl.DataFrame) -> pl.DataFrame:
        batch = starts.select("walk", at="source", nodes=pl.concat_list("source"))
        for step in range(STEPS):
            known = batch.with_columns(step=pl.lit(step)).join(nodes, left_on="at", right_on="source")
            moved = known.with_columns(link=link.cast(links.schema["link"])).join(links, on="link")
            batch = moved.select("walk", at="target", nodes=pl.col("nodes").list.concat("target"))
        return batch.sort("walk").select("nodes")

    def batches(_columns: object, _filter: object, n_rows: int | None, _size: object) -> Iterator[pl.DataFrame]:
        for part in starts.head(n_rows or starts.height).iter_slices(BATCH):
            yield batch_of(part)

    return register_io_source(batches, schema={"nodes": pl.List(edges.schema["source"])})


# %% 3. Nodes that are near


def same_community(wv: pg.KeyedVectors, number: int = 4, topn: int = 10) -> float:
    """The share of each node's nearest nodes that are of its own community."""
    nodes = np.array(wv.index_to_key)
    rows, _ = wv.search(wv.index_to_key, topn=topn + 1, as_arrays=True)
    near = nodes[rows[:, 1:]]  # The nearest of all is the node itself.
    return float(np.mean(near % number == nodes[:, None] % number))


def main(arguments: list[str]) -> None:
    edges = read(arguments)
    wv = pg.Word2Vec(walks(edges), column="nodes", vector_size=32, sg=1, window=5, min_count=1, epochs=2, seed=1).wv
    print(f"{edges.height} edges, {len(wv)} nodes; {WALKS_PER_NODE * len(wv)} walks, {BATCH} in memory at a time")
    node = wv.index_to_key[0]
    print(f"\nnode {node} is near to")
    for near, cosine in wv.most_similar(node, topn=5):
        print(f"  {cosine:.2f}  {near}")
    if not arguments:
        share = same_community(wv)
        print(f"\n{share:.0%} of the ten nearest nodes are of the same of four communities; by chance it would be 25%")


if __name__ == "__main__":
    main(sys.argv[1:])

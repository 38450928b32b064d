"""Representatives: texts that stand for many others of the pool."""

from __future__ import annotations

import numpy as np

from alnlp.signals import FloatArray, IntArray, Signals
from alnlp.strategies.neighbours import (
    Floats,
    clusters,
    mean_similarity,
    nearest,
    normalised,
    squared_distances,
    subset,
)
from alnlp.strategies.spec import ALL_TASKS, Indices, StrategySpec, highest, top
from alnlp.strategies.uncertainty import UNSURE, unsure

_MOST_CLUSTERS = 500
_SMALL_CLUSTER = 5
_NEIGHBOURS = 20
#: A cluster of more texts is judged by so many of them, drawn at random.
_COMPARED = 5_000


def kmeans(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices, each of the candidate nearest to one of n k-means centres.

    Xu, Yu, Tresp, Xu and Wang, "Representative Sampling for Text Classification Using Support
    Vector Machines", ECIR 2003; Zhdanov, "Diverse mini-batch Active Learning", arXiv 2019.
    """
    if n == signals.size:
        return rng.permutation(n)
    order = rng.permutation(signals.size)  # of what is equally near to a centre, any may come
    points = normalised(signals.embeddings)[order]
    return order[nearest_distinct(points, clusters(points, n, rng)[1])]


def nearest_distinct(points: Floats, centres: Floats) -> Indices:
    """The place of the nearest of (N, D) to each of (n, D) centres in turn, none of them twice."""
    places = nearest(centres, points, 1)[1][:, 0]
    chosen: list[int] = []
    for centre, place in zip(centres, places.tolist(), strict=True):
        if place in chosen:
            distances = squared_distances(centre[None], points)[0]
            distances[chosen] = np.inf
            place = int(distances.argmin())
        chosen.append(place)
    return np.array(chosen, dtype=np.int64)


def density(signals: Signals) -> FloatArray:
    """How unsure the model is times how typical a text is of the pool: (N,).

    Information density with beta = 1; a text that is on average unlike the pool counts 0.

    Settles and Craven, "An Analysis of Active Learning Strategies for Sequence Labeling Tasks",
    EMNLP 2008.
    """
    cosines = 2 * mean_similarity(normalised(signals.embeddings)) - 1
    return unsure(signals) * np.maximum(cosines, 0)


def typiclust(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices, each the most typical of the cluster with the fewest labels.

    There are as many clusters as there will be labels after the batch, at most 500.

    Hacohen, Dekel and Weinshall, "Active Learning on a Budget: Opposite Strategies Suit High and
    Low Budgets", ICML 2022.
    """
    return typical(signals.embeddings, signals.labelled.covered, n, rng)


def typical(embeddings: FloatArray, known: FloatArray, n: int, rng: np.random.Generator) -> Indices:
    """n of N places by `typiclust`, from (N, D) embeddings and (L, D) of those labelled."""
    points = normalised(embeddings, known)
    cluster, _ = clusters(points, min(len(known) + n, _MOST_CLUSTERS, len(points)), rng)
    size = len(embeddings)
    return most_typical(points[:size], cluster[:size], cluster[size:], n, rng)


def most_typical(
    points: Floats, cluster: IntArray, answered: IntArray, n: int, rng: np.random.Generator
) -> Indices:
    """n places of (N, D), each the most typical one left in the cluster whose turn it is.

    First come clusters with the fewest labelled and chosen texts, then the larger ones; those of
    at most five texts wait until nothing else is left, as they hold outliers. Where clusters are
    small anyway, those of at most half the mean size do, which the paper has no need to say. Ties
    are broken at random.

    Args:
        points: (N, D) the candidates.
        cluster: (N,) theirs.
        answered: (L,) those of the answered examples.
        n: how many.
        rng: breaks ties, and draws those of a very large cluster that are compared.
    """
    count = int(max(cluster.max(), answered.max(initial=0))) + 1
    labels = np.bincount(answered, minlength=count)
    sizes = np.bincount(cluster, minlength=count) + labels
    small = min(_SMALL_CLUSTER, sizes[sizes > 0].mean() / 2)
    left = np.bincount(cluster, minlength=count)
    is_left = np.ones(len(points), bool)
    chosen: list[int] = []
    while len(chosen) < n:
        open_ones = rng.permutation(np.flatnonzero(left))
        order = (-sizes[open_ones], labels[open_ones], sizes[open_ones] <= small)
        turn = open_ones[np.lexsort(order)[0]]
        members = np.flatnonzero((cluster == turn) & is_left)
        members = members[subset(len(members), _COMPARED, rng)]
        place = int(members[top(-mean_distance(points[members]), 1, rng)[0]])
        chosen.append(place)
        is_left[place] = False
        left[turn] -= 1
        labels[turn] += 1
    return np.array(chosen, dtype=np.int64)


def mean_distance(points: Floats) -> FloatArray:
    """The mean distance of each of (N, D) to its 20 nearest others, one over typicality: (N,).

    Rounded to five places, as equal texts are to tie whatever float32 makes of them.
    """
    from sklearn.neighbors import NearestNeighbors

    k = min(_NEIGHBOURS, len(points) - 1)
    if not k:
        return np.zeros(1)
    finder = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points)
    # Without an argument, nobody is a neighbour of its own.
    result: FloatArray = finder.kneighbors()[0].mean(axis=1)
    return np.round(result, 5)


ENTRIES: dict[str, StrategySpec] = {
    "kmeans": StrategySpec(
        kmeans,
        ALL_TASKS,
        frozenset({"embeddings"}),
        why="it is the middle of a group of similar texts",
        summary="the text nearest to each of as many k-means centres as the batch is long",
        source="Xu et al. 2003; Zhdanov 2019",
    ),
    "density": StrategySpec(
        highest(density),
        ALL_TASKS,
        UNSURE | {"embeddings"},
        why="the model is unsure of it, and many texts are like it",
        summary="unsure times mean similarity to the pool (information density)",
        source="Settles and Craven 2008",
        score=density,
        per_word=True,  # as the uncertainty of entities is that it builds upon
    ),
    "typiclust": StrategySpec(
        typiclust,
        ALL_TASKS,
        frozenset({"embeddings", "labelled"}),
        why="it is typical of a group of texts with few labels",
        summary="the most typical text of each cluster without labels, largest first (TypiClust)",
        source="Hacohen et al. 2022",
    ),
}

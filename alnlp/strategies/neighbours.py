"""Distances, neighbours and clusters of embeddings, in memory that grows with N only."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from alnlp.signals import FloatArray, IntArray

Floats = NDArray[np.float32]

#: What grows with the square of the number of texts looks at so many, drawn at random.
BOUND = 20_000
#: Rows at a time: a block of distances to BOUND points stays near the size of a cache.
_BLOCK = 256
#: Squared distances below this part of the squared lengths are lost in the rounding of float32.
_NEAR = 1e-5


def single(embeddings: FloatArray) -> Floats:
    """Embeddings (N, D) as float32 in memory, copied only where they are not."""
    return np.ascontiguousarray(embeddings, dtype=np.float32)


def normalised(*embeddings: FloatArray) -> Floats:
    """Several (N, D) below each other as float32 rows of length one; zero vectors stay zero."""
    parts = [part for part in embeddings if len(part)] or [embeddings[0]]
    points = np.empty((sum(map(len, parts)), parts[0].shape[1]), np.float32)
    np.concatenate(parts, out=points, casting="same_kind")
    lengths = np.sqrt(squared_lengths(points))
    lengths[lengths == 0] = 1
    points /= lengths[:, None]
    return points


def squared_lengths(points: Floats) -> Floats:
    """The squared length of each of (N, D): (N,)."""
    lengths: Floats = np.einsum("ij,ij->i", points, points)
    return lengths


def squared_distances(points: Floats, others: Floats) -> Floats:
    """Squared Euclidean distances between (A, D) and (B, D): (A, B)."""
    distances = points @ others.T
    distances *= -2
    distances += squared_lengths(points)[:, None]
    distances += squared_lengths(others)
    np.maximum(distances, 0, out=distances)
    return distances


def blocks(places: IntArray) -> Iterator[IntArray]:
    """The same places a few hundred at a time."""
    for start in range(0, len(places), _BLOCK):
        yield places[start : start + _BLOCK]


def too_near(distances: FloatArray, lengths: FloatArray, so_far: FloatArray) -> IntArray:
    """Which squared distances (N,) have to be taken from differences, as rounding hides them.

    Args:
        distances: (N,) from lengths and inner products.
        lengths: (N,) the sum of the two squared lengths behind each.
        so_far: (N,) the distances so far; what is 0 already needs nothing better.
    """
    return np.flatnonzero((distances < _NEAR * lengths) & (so_far > 0))


def approach(so_far: FloatArray, points: Floats, lengths: Floats, place: int) -> None:
    """Lower squared distances to what is chosen, (N,), by what lies nearer to one more place.

    Args:
        so_far: (N,), changed; exactly 0 for what equals a chosen one.
        points: (N, D).
        lengths: (N,), the squared lengths.
        place: of the one that is chosen now.
    """
    both = lengths + lengths[place]
    distances = both - 2 * (points @ points[place])
    for rows in blocks(too_near(distances, both, so_far)):
        distances[rows] = squared_lengths(points[rows] - points[place])
    np.minimum(so_far, np.maximum(distances, 0), out=so_far)


def similarity(rows: Floats, others: Floats) -> FloatArray:
    """Similarity from 0 (opposite) to 1 (alike) of (N, D) and (M, D) of length one: (N, M).

    Rounded to five places, as equal texts are to tie whatever float32 makes of them.
    """
    cosines: FloatArray = rows @ others.T
    return np.round(np.clip((1 + cosines) / 2, 0, 1), 5)


def highest_similarity(rows: Floats, others: Floats) -> FloatArray:
    """The similarity of each of (N, D) to the most similar of (M, D): (N,); 0 where M is 0."""
    highest = np.zeros(len(rows), dtype=np.float32)
    if len(others):
        for places in blocks(np.arange(len(rows))):
            highest[places] = similarity(rows[places], others).max(axis=1)
    return highest


def mean_similarity(rows: Floats) -> FloatArray:
    """The mean similarity of each of (N, D) to all of them: (N,), from 0 to 1.

    The mean of cosines is the cosine with the mean, so N products do for N x N.
    """
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    return similarity(rows, mean[None])[:, 0]


def nearest(points: Floats, among: Floats, k: int) -> tuple[FloatArray, IntArray]:
    """Distances and places of the k nearest of (M, D) to each of (N, D): two (N, at most k)."""
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(n_neighbors=min(k, len(among)), algorithm="brute").fit(among)
    distances, places = finder.kneighbors(points)
    return distances, places


def clusters(points: Floats, k: int, rng: np.random.Generator) -> tuple[IntArray, Floats]:
    """The k-means clusters of (N, D): the cluster of each, (N,), and the centres, (k, D).

    From mini-batches where there are many points. Points that are all alike leave clusters empty.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    first = points[subset(len(points), max(BOUND, k), rng)]
    settings = {
        "n_clusters": k,
        "init": first[_seeds(first, k, rng)],
        "n_init": 1,
        "random_state": int(rng.integers(2**31)),
    }
    if len(points) > BOUND:
        made = MiniBatchKMeans(**settings, batch_size=4096)
    else:
        made = KMeans(**settings)
    with warnings.catch_warnings():
        # That there are fewer different points than clusters is no news for the annotator.
        warnings.simplefilter("ignore", ConvergenceWarning)
        made.fit(points)
    return made.labels_.astype(np.int64), made.cluster_centers_


def _seeds(points: Floats, k: int, rng: np.random.Generator) -> list[int]:
    """k places by k-means++, for scikit-learn's copies all float32 points to float64 k times.

    Arthur and Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA 2007.
    """
    lengths = squared_lengths(points)
    so_far = np.full(len(points), np.inf)
    chosen = [int(rng.integers(len(points)))]
    while len(chosen) < k:
        approach(so_far, points, lengths, chosen[-1])
        chosen += drawn(so_far, chosen, k, rng)
    return chosen


def drawn(so_far: FloatArray, chosen: list[int], n: int, rng: np.random.Generator) -> list[int]:
    """The next place of k-means++, drawn in proportion to squared distances (N,).

    Where all that is left equals a chosen one, all places that lack to n, drawn evenly.
    """
    farthest = so_far.max()
    if farthest <= 0:
        left = np.setdiff1d(np.arange(len(so_far)), chosen)
        return [*map(int, rng.choice(left, size=n - len(chosen), replace=False))]
    # Divided twice, for a sum of numbers near the smallest is not exact.
    weights = so_far / farthest
    return [int(rng.choice(len(weights), p=weights / weights.sum()))]


def subset(size: int, bound: int, rng: np.random.Generator) -> IntArray:
    """At most `bound` of the places 0 to size - 1, all or drawn at random, in order."""
    if size <= bound:
        return np.arange(size)
    return np.sort(rng.choice(size, size=bound, replace=False))

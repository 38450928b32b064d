"""Coverage: batches near which, together with what is answered, the whole pool lies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alnlp.signals import FloatArray, IntArray, Signals
from alnlp.strategies.neighbours import (
    BOUND,
    Floats,
    approach,
    blocks,
    clusters,
    nearest,
    normalised,
    single,
    squared_distances,
    squared_lengths,
    subset,
)
from alnlp.strategies.spec import ALL_TASKS, Indices, StrategySpec

#: How much a point at a squared distance is covered, from 0 to 1.
Kernel = Callable[[Floats], Floats]

_PURITY = 0.95
_BALLS = 2_000
_PAIRED = 1_000
#: Differences of the mean cover that are due to float32. Real ties are many: of two points that
#: cover nobody but each other, either adds as much.
_ROUNDING = 1e-6


def k_center(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices, each the farthest from what is answered or chosen; the first at random where
    nothing is answered.

    The greedy 2-approximation of Sener and Savarese, "Active Learning for Convolutional Neural
    Networks: A Core-Set Approach", ICLR 2018.
    """
    points, answered = single(signals.embeddings), single(signals.labelled.covered)
    distances = np.full(len(points), np.inf)
    if len(answered):
        distances = nearest(points, answered, 1)[0][:, 0].astype(np.float64) ** 2
    return farthest_first(points, distances, n, rng)


def farthest_first(
    points: Floats, distances: FloatArray, n: int, rng: np.random.Generator
) -> Indices:
    """n places of (N, D), each the farthest from the answered and chosen ones, ties at random.

    Args:
        points: (N, D).
        distances: (N,) squared, to the nearest answered one; infinite where there is none.
        n: how many.
        rng: breaks ties.
    """
    lengths = squared_lengths(points)
    distances = distances.copy()
    chosen: list[int] = []
    while len(chosen) < n:
        place = int(rng.choice(np.flatnonzero(distances == distances.max())))
        chosen.append(place)
        approach(distances, points, lengths, place)
        distances[place] = -1
    return np.array(chosen, dtype=np.int64)


def probcover(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices whose balls of one radius hold most of what no answered example's ball holds.

    The radius is the largest of which 95% of all balls hold texts of one of K k-means clusters
    only, for K labels. Of more than 20,000 candidates a random subset stands for all.

    Yehuda, Dekel, Hacohen and Weinshall, "Active Learning Through a Covering Lens", NeurIPS 2022.
    """

    def top_hat(points: Floats) -> Kernel:
        k = min(max(signals.label_count, 2), len(points))
        pseudo, _ = clusters(points, k, rng)
        radius = pure_radius(points, pseudo, subset(len(points), _BALLS, rng))
        return lambda distances: (distances < radius**2).astype(np.float32)

    return _cover(signals, top_hat, n, rng)


def pure_radius(points: Floats, pseudo: IntArray, balls: IntArray) -> float:
    """The largest radius at which 95% of the open balls around some points are pure.

    A ball is pure if all points in it, of (N, D), have one pseudo-label, of (N,); where there is
    but one pseudo-label, the radius is infinite.
    """
    other = np.full(len(balls), np.inf)
    for places in blocks(np.arange(len(balls))):
        centres = balls[places]
        distances = squared_distances(points[centres], points)
        distances[pseudo[centres][:, None] == pseudo] = np.inf
        other[places] = distances.min(axis=1)
    # At most a twentieth may be impure, which they are where a point of another label is nearer.
    impure = int((1 - _PURITY) * len(balls) + 1e-9)
    return float(np.sqrt(np.partition(other, impure)[impure]))


def maxherding(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices to which, or to an answered example, the pool is most similar on average.

    The similarity is a Gaussian of the distance between normalised embeddings, its width their
    median distance (the authors' is 1, which suits features that point everywhere; those of texts
    do not). Of more than 20,000 candidates a random subset stands for all.

    Bae, Noh and Sutherland, "Generalized Coverage for More Robust Low-Budget Active Learning",
    ECCV 2024.
    """

    def gaussian(points: Floats) -> Kernel:
        width = median_distance(points[subset(len(points), _PAIRED, rng)]) or 1.0
        return lambda distances: np.exp(distances / np.float32(-2 * width**2))

    return _cover(signals, gaussian, n, rng)


def median_distance(points: Floats) -> float:
    """The median distance between two of (N, D), 0 where there is one only."""
    if len(points) < 2:
        return 0.0
    distances = np.sqrt(squared_distances(points, points))
    return float(np.median(distances[np.triu_indices(len(points), 1)]))


def _cover(
    signals: Signals, kernel_of: Callable[[Floats], Kernel], n: int, rng: np.random.Generator
) -> Indices:
    looked_at = subset(signals.size, max(BOUND, n), rng)
    points = normalised(signals.embeddings[looked_at])
    known = signals.labelled.covered
    answered = normalised(known) if len(known) else points[:0]
    return looked_at[cover(points, answered, kernel_of(points), n, rng)]


def cover(
    points: Floats, answered: Floats, kernel: Kernel, n: int, rng: np.random.Generator
) -> Indices:
    """n places of (N, D), each the one that adds most to how much all N points are covered.

    A point is covered as much as its kernel with the nearest chosen or answered one says. Ties are
    broken at random, and so is the rest drawn once nothing adds anything.
    """
    everywhere, rounding = np.arange(len(points)), _ROUNDING * len(points)
    covered = np.zeros(len(points), np.float32)
    for places in blocks(np.arange(len(answered))):
        near = squared_distances(answered[places], points).min(axis=0)
        np.maximum(covered, kernel(near), out=covered)
    gains = np.zeros(len(points))
    _add(gains, points, kernel, everywhere, covered, np.ones_like(covered))
    chosen: list[int] = []
    while len(chosen) < n:
        if gains.max() <= rounding:
            left = np.setdiff1d(everywhere, chosen)
            chosen += rng.choice(left, size=n - len(chosen), replace=False).tolist()
            break
        best = int(rng.choice(np.flatnonzero(gains >= gains.max() - rounding)))
        now = np.maximum(covered, kernel(squared_distances(points[[best]], points)[0]))
        # Only what is covered better now makes a difference to the others: each step is short.
        _add(gains, points, kernel, np.flatnonzero(now > covered), covered, now, sign=-1)
        covered = now
        chosen.append(best)
        gains[chosen] = -1
    return np.array(chosen, dtype=np.int64)


def _add(
    gains: FloatArray,
    points: Floats,
    kernel: Kernel,
    changed: IntArray,
    low: Floats,
    high: Floats,
    sign: int = 1,
) -> None:
    """Add to each gain (N,), or take away, what its point would cover of some points between two
    levels of cover (N,).
    """
    for places in blocks(changed):
        more = kernel(squared_distances(points[places], points))
        more -= low[places, None]
        np.clip(more, 0, (high - low)[places, None], out=more)
        gains += sign * more.sum(axis=0, dtype=np.float64)


ENTRIES: dict[str, StrategySpec] = {
    "k_center": StrategySpec(
        k_center,
        ALL_TASKS,
        frozenset({"embeddings", "labelled"}),
        why="it is unlike anything labelled so far",
        summary="the text farthest from all labelled and chosen ones, again and again (core-set)",
        source="Sener and Savarese 2018",
    ),
    "probcover": StrategySpec(
        probcover,
        ALL_TASKS,
        frozenset({"embeddings", "labelled", "label_count"}),
        why="many texts like it have no labelled example near them yet",
        summary="most unlabelled texts within a radius that keeps clusters apart (ProbCover)",
        source="Yehuda et al. 2022",
    ),
    "maxherding": StrategySpec(
        maxherding,
        ALL_TASKS,
        frozenset({"embeddings", "labelled"}),
        why="it stands for many texts that no labelled example resembles",
        summary="most similarity to the pool that labelled texts lack (generalised coverage)",
        source="Bae et al. 2024",
    ),
}

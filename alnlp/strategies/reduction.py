"""Reductions: a strategy looks at a part of a large pool only.

A reduction is `(signals, n, rng) -> distinct indices` of any number; a strategy `within` it gives
indices of the whole pool, as any other strategy does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from alnlp.signals import FloatArray, IntArray, Signals
from alnlp.strategies.neighbours import nearest, normalised
from alnlp.strategies.spec import (
    ALL_TASKS,
    LABEL_TASKS,
    Indices,
    Strategy,
    StrategySpec,
    highest,
    top,
)
from alnlp.strategies.uncertainty import UNSURE, unsure

Reduction = Callable[[Signals, int, np.random.Generator], Indices]

#: At random: with 59 examples for each one wanted, the best of these is among the best 5 in 100 of
#: the pool with probability 1 - 0.95^59 = 0.95.
SUBSET = 59
#: SEALS: nearest neighbours of each labelled example.
NEIGHBOURS = 100
#: AnchorAL: anchors of each class, nearest neighbours of each anchor, size of the subpool.
ANCHORS, ANCHOR_NEIGHBOURS, SUBPOOL = 10, 50, 1000


def restricted(signals: Signals, indices: Indices) -> Signals:
    """Signals over some of the candidates, (M,) indices; still nothing is computed before asked."""
    texts = indices.tolist()
    gathered: dict[str, Callable[..., Any]] = {
        "probabilities": lambda: signals.probabilities[indices],
        "embeddings": lambda: signals.embeddings_of(indices),
        "embeddings_of": lambda places: signals.embeddings_of(indices[places]),
        "samples": lambda: signals.samples[:, indices],
        "committee": lambda kind: signals.committee(kind)[:, indices],
        "history": lambda: signals.history[:, indices],
        "texts": lambda: [signals.texts[i] for i in texts],
        "seconds": lambda: signals.seconds[indices],
        "scores": lambda name: signals.score_of(name)[indices],
        "costs": lambda places: signals.costs(indices[places]),
        # These are not of the candidates.
        "labelled": lambda: signals.labelled,
        "label_embeddings": lambda: signals.label_embeddings,
        "label_count": lambda: signals.label_count,
        "queries": lambda: signals.queries,
        "query_embeddings": lambda: signals.query_embeddings,
    }
    return replace(
        signals, size=len(indices), loaders={name: gathered[name] for name in signals.loaders}
    )


def within(reduce: Reduction, strategy: Strategy) -> Strategy:
    """The strategy among what the reduction leaves; others at random where that is too little."""

    def select(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
        kept = reduce(signals, n, rng)
        if len(kept) < n:
            others = np.setdiff1d(np.arange(signals.size), kept)
            kept = np.concatenate([kept, rng.choice(others, size=n - len(kept), replace=False)])
        return kept[strategy(restricted(signals, kept), n, rng)]

    return select


def random_subset(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """59 candidates at random for each one wanted.

    Ertekin et al., "Learning on the Border: Active Learning in Imbalanced Data Classification",
    CIKM 2007.
    """
    return rng.choice(signals.size, size=min(signals.size, SUBSET * n), replace=False)


def neighbours(
    known: FloatArray, rows: FloatArray, k: int, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """The k most similar of N units to each of M, and their cosine similarity: (M, k) each.

    Of rows that are alike, any may come.
    """
    order = rng.permutation(len(rows))
    found = order[nearest(known, rows[order], k)[1]]
    cosines = np.stack([rows[near] @ one for one, near in zip(known, found, strict=True)])
    return found, np.round(cosines, 5)


def seals(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """The 100 nearest neighbours of each labelled example; a random subset where there is none.

    Coleman et al., "Similarity Search for Efficient Active Learning and Search of Rare Concepts",
    AAAI 2022.
    """
    known = normalised(signals.labelled.embeddings)
    if not len(known):
        return random_subset(signals, n, rng)
    found, _ = neighbours(known, normalised(signals.embeddings), NEIGHBOURS, rng)
    return np.unique(found)


def anchors(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """The most similar, 1000 at most, to ten anchors of each class among the labelled.

    Lesci and Vlachos, "AnchorAL: Computationally Efficient Active Learning for Large and
    Imbalanced Datasets", NAACL 2024: anchors by k-means++, their 50 nearest neighbours, ranked by
    the mean similarity to those anchors that they are neighbours of. Without labels a random
    subset.
    """
    known = normalised(signals.labelled.embeddings)
    places = anchor_places(known, signals.labelled.targets, rng)
    if not len(places):
        return random_subset(signals, n, rng)
    rows = normalised(signals.embeddings)
    found, cosines = neighbours(known[places], rows, ANCHOR_NEIGHBOURS, rng)
    kept = np.unique(found)
    means = anchor_similarity(found, cosines, signals.size)[kept]
    return kept[top(means, min(len(kept), max(n, SUBPOOL)), rng)]


def anchor_places(known: FloatArray, targets: IntArray, rng: np.random.Generator) -> Indices:
    """The places of at most ten anchors of each class among L units, drawn by k-means++.

    Args:
        known: (L, D).
        targets: (L,) classes or (L, K) of 0 and 1.
        rng: of the draw.
    """
    from sklearn.cluster import kmeans_plusplus

    if targets.ndim == 1:
        classes = [np.flatnonzero(targets == name) for name in np.unique(targets)]
    else:
        classes = [np.flatnonzero(column) for column in targets.T]
    drawn = [np.empty(0, dtype=np.int64)]
    for members in classes:
        if len(members) > ANCHORS:
            seed = int(rng.integers(2**31))
            _, places = kmeans_plusplus(known[members], ANCHORS, random_state=seed)
            members = members[places]
        drawn.append(members)
    return np.unique(np.concatenate(drawn))


def anchor_similarity(found: IntArray, cosines: FloatArray, size: int) -> FloatArray:
    """The mean over the anchors that have found a candidate, 0 where none has: (M, k) -> (N,)."""
    sums = np.bincount(found.ravel(), weights=cosines.ravel(), minlength=size)
    counts = np.bincount(found.ravel(), minlength=size)
    result: FloatArray = sums / np.maximum(counts, 1)
    return result


_MARGIN = highest(unsure)

ENTRIES: dict[str, StrategySpec] = {
    "margin_subset": StrategySpec(
        within(random_subset, _MARGIN),
        ALL_TASKS,
        UNSURE,
        why="the model is unsure of this text, among some drawn at random",
        summary="the most unsure of a random part of the pool, 59 for each one wanted",
        source="Ertekin et al. 2007",
        explained_by=(random_subset,),
    ),
    "margin_seals": StrategySpec(
        within(seals, _MARGIN),
        ALL_TASKS,
        UNSURE | {"embeddings", "labelled"},
        why="the model is unsure of this text, which is like one that is labelled",
        summary="the most unsure of the nearest neighbours of the labelled (SEALS)",
        source="Coleman et al. 2022",
        explained_by=(seals,),
    ),
    "margin_anchors": StrategySpec(
        within(anchors, _MARGIN),
        LABEL_TASKS,
        UNSURE | {"embeddings", "labelled"},
        why="the model is unsure of this text, which is like those of one label",
        summary="the most unsure of what is near to a few labelled of each class (AnchorAL)",
        source="Lesci and Vlachos 2024",
        explained_by=(anchors,),
    ),
}

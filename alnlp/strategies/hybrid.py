"""Hybrids: unsure examples that also differ from each other, or stand for many."""

from __future__ import annotations

import numpy as np

from alnlp.signals import FloatArray, IntArray, Signals
from alnlp.strategies.neighbours import (
    highest_similarity,
    mean_similarity,
    normalised,
    similarity,
    subset,
)
from alnlp.strategies.representative import typical
from alnlp.strategies.spec import ALL_TASKS, Indices, StrategySpec, highest, top
from alnlp.strategies.uncertainty import UNSURE, unsure

#: Candidates of cluster_margin for each example to choose, and the mean size of a cluster.
CANDIDATES = 10
#: The most candidates of cluster_margin, whose time and memory grow with the square.
MOST_CANDIDATES = 5000
#: The share that `mixed` draws at random.
SHARE = 0.1
#: Of a larger pool, `margin_typiclust` looks for typical texts among so many, drawn at random: a
#: batch has to be there at once.
LOOKED_AT = 2_000


def round_robin(clusters: IntArray, n: int) -> Indices:
    """n of M places, one of each cluster in turn from the smallest cluster up: (M,) -> (n,).

    Within a cluster, and between clusters of one size, what comes first in `clusters` comes first.
    """
    members: dict[int, list[int]] = {}
    for place, cluster in enumerate(clusters.tolist()):
        members.setdefault(cluster, []).append(place)
    turns = sorted(members.values(), key=len)
    depth = len(turns[-1])
    # The smallest left over is always the first that has members left.
    order = [turn[i] for i in range(depth) for turn in turns if i < len(turn)]
    return np.array(order[:n], dtype=np.int64)


def cluster_margin(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """The most unsure, spread over clusters of like texts, the small ones first.

    Citovsky et al., "Batch Active Learning at Scale", NeurIPS 2021. Of the k_m = 10n most unsure
    candidates clusters are made by average linkage, and members are drawn at random from the
    smallest cluster up. The paper clusters the whole pool beforehand, down to 10 examples a cluster
    on average; here the candidates are, down to the same size.
    """
    from sklearn.cluster import AgglomerativeClustering

    scores = unsure(signals)
    size = min(len(scores), max(n, min(CANDIDATES * n, MOST_CANDIDATES)))
    candidates = top(scores, size, rng)
    if size == n:
        return candidates
    candidates = rng.permutation(candidates)
    wanted = max(1, size // CANDIDATES)
    embeddings = np.asarray(signals.embeddings[candidates], dtype=np.float32)
    clusters = AgglomerativeClustering(wanted, linkage="average").fit_predict(embeddings)
    return candidates[round_robin(clusters, n)]


def weighted_product(signals: Signals) -> FloatArray:
    """How unsure the model is, density in the pool and distance to the labelled, multiplied: (N,).

    Informativeness, representativeness and diversity together, as in Shen et al., "Multi-Criteria-
    based Active Learning for Named Entity Recognition", ACL 2004, which adds the first two; that
    they are multiplied is the information density of Settles and Craven, "An Analysis of Active
    Learning Strategies for Sequence Labeling Tasks", EMNLP 2008.
    """
    rows = normalised(signals.embeddings)
    known = normalised(signals.labelled.covered)
    return unsure(signals) * mean_similarity(rows) * (1 - highest_similarity(rows, known))


def ranked(
    unsure: FloatArray, rows: FloatArray, known: FloatArray, n: int, rng: np.random.Generator
) -> Indices:
    """n of N candidates, each with the highest score after those before it are added to the known.

    The score is alpha (1 - similarity to the nearest known) + (1 - alpha) unsure, where alpha is
    the share of the unknown among all: at the beginning distance counts, later uncertainty.
    Cardoso et al., "Ranked batch-mode active learning", Information Sciences 2017.

    Args:
        unsure: (N,), from 0 to 1.
        rows: (N, D), units.
        known: (L, D), units; where L is 0 nothing is near.
        n: how many.
        rng: breaks ties.
    """
    near = highest_similarity(rows, known)
    left = np.ones(len(rows), dtype=bool)
    total = len(rows) + len(known)
    chosen: list[int] = []
    for _ in range(n):
        alpha = (len(rows) - len(chosen)) / total
        scores = np.where(left, alpha * (1 - near) + (1 - alpha) * unsure, -np.inf)
        best = int(rng.choice(np.flatnonzero(scores == scores.max())))
        chosen.append(best)
        left[best] = False
        near = np.maximum(near, similarity(rows, rows[best][None])[:, 0])
    return np.array(chosen, dtype=np.int64)


def ranked_batch(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """Unsure examples far from the labelled and from each other, one after the other."""
    scores = unsure(signals)
    if signals.spans:
        # MNLP is a mean of -log p, and the formula wants a number up to 1.
        scores = 1 - np.exp(-scores)
    known = normalised(signals.labelled.covered)
    return ranked(scores, normalised(signals.embeddings), known, n, rng)


def mixed(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """The most unsure, but each with probability 0.1 drawn at random instead (epsilon-greedy).

    Exploring beside exploiting follows Osugi, Kun and Scott, "Balancing Exploration and
    Exploitation: A New Algorithm for Active Machine Learning", ICDM 2005, where the share adapts.
    """
    explored = int(rng.binomial(n, SHARE))
    best = top(unsure(signals), n - explored, rng) if explored < n else np.empty(0, np.int64)
    others = np.setdiff1d(np.arange(signals.size), best)
    return np.concatenate([best, rng.choice(others, size=explored, replace=False)])


def margin_typiclust(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """Half the most unsure, half typical of groups of texts with few labels, in random order.

    Which of the two teaches more hangs on how much a model knows already, and nobody can tell
    beforehand: Hacohen and Weinshall, "How to Select Which Active Learning Strategy is Best Suited
    for Your Specific Problem and Budget", NeurIPS 2023, who choose one of them for a batch.
    """
    halves = n // 2 + int(rng.integers(2)) * (n % 2)
    best = top(unsure(signals), halves, rng)
    others = np.delete(np.arange(signals.size), best)
    others = others[subset(len(others), max(LOOKED_AT, n - halves), rng)]
    if halves == n:
        return best
    # What the first half takes from a group of texts counts as labelled for the second.
    known = np.concatenate([signals.labelled.covered, signals.embeddings_of(best)])
    others = others[typical(signals.embeddings_of(others), known, n - halves, rng)]
    return rng.permutation(np.concatenate([best, others]))


ENTRIES: dict[str, StrategySpec] = {
    "margin_typiclust": StrategySpec(
        margin_typiclust,
        ALL_TASKS,
        UNSURE | {"embeddings", "labelled"},
        why="the model is unsure of it, or it is typical of a group of texts with few labels",
        summary="half by margin, half by typiclust, which chooses the first batch alone",
        source="Hacohen and Weinshall 2023",
        cold_start="typiclust",
    ),
    "cluster_margin": StrategySpec(
        cluster_margin,
        ALL_TASKS,
        UNSURE | {"embeddings"},
        why="the model is unsure of this text, and it is unlike the others of the batch",
        summary="the most unsure, in turn from clusters of like texts, small clusters first",
        source="Citovsky et al. 2021",
    ),
    "weighted_product": StrategySpec(
        highest(weighted_product),
        ALL_TASKS,
        UNSURE | {"embeddings", "labelled"},
        why="the model is unsure of this text, which stands for many and is new",
        summary="unsure x density in the pool x distance to the labelled",
        source="Settles and Craven 2008; Shen et al. 2004",
        score=weighted_product,
        per_word=True,  # as the uncertainty of entities is that it builds upon
    ),
    "ranked_batch": StrategySpec(
        ranked_batch,
        ALL_TASKS,
        UNSURE | {"embeddings", "labelled"},
        why="unlike all that is labelled, or the model is unsure of it",
        summary="far from the labelled and each other at first, unsure later on",
        source="Cardoso et al. 2017",
        explained_by=(ranked_batch, ranked),
    ),
    "mixed": StrategySpec(
        mixed,
        ALL_TASKS,
        UNSURE,
        why="the model is unsure of this text, or it was drawn at random to look further",
        summary="the most unsure, one in ten at random",
        source="Osugi et al. 2005",
    ),
}

"""Uncertainty put right: by what past forecasts were worth, and without the outliers."""

from __future__ import annotations

import math

import numpy as np

from alnlp.calibration import temperature, tempered, tempered_labels
from alnlp.scores import Score, entropy, least_confidence, margin, over_labels
from alnlp.signals import FloatArray, Signals
from alnlp.strategies.spec import ALL_TASKS, LABEL_TASKS, Indices, StrategySpec, highest, top
from alnlp.strategies.uncertainty import UNSURE, unsure

_OUTLIERS = 0.05
_NEIGHBOURS = 10
#: Neighbours are looked for among so many candidates, drawn at random from a larger pool.
_REFERENCES = 2000
_AT_ONCE = 20_000


def calibrated(score: Score, signals: Signals) -> FloatArray:
    """A score (N,) of the probabilities after temperature scaling."""
    known = signals.labelled
    fitted = temperature(known.forecasts, known.outcomes)
    if signals.multilabel:
        return over_labels(score)(tempered_labels(signals.probabilities, fitted))
    return score(tempered(signals.probabilities, fitted))


def remoteness(embeddings: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The mean distance of N texts to their 10 nearest neighbours among the others: (N, D) -> (N,).

    In a large pool, to the nearest of 2,000 drawn at random. Ramaswamy, Rastogi and Shim,
    "Efficient Algorithms for Mining Outliers from Large Data Sets", SIGMOD 2000; the mean rather
    than the last distance is that of Angiulli and Pizzuti, "Fast Outlier Detection in High
    Dimensional Spaces", PKDD 2002.
    """
    from sklearn.neighbors import NearestNeighbors

    size = len(embeddings)
    if size < 2:
        return np.zeros(size)
    drawn = np.sort(rng.choice(size, size=min(size, _REFERENCES), replace=False))
    neighbours = min(_NEIGHBOURS, len(drawn) - 1)
    reference = np.asarray(embeddings[drawn], dtype=np.float32)
    search = NearestNeighbors(n_neighbors=neighbours + 1, algorithm="brute").fit(reference)
    itself = np.isin(np.arange(size), drawn)
    result = np.empty(size)
    for start in range(0, size, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        nearest, _ = search.kneighbors(np.asarray(embeddings[part], dtype=np.float32))
        # The nearest to one of the references is itself, which is no neighbour.
        result[part] = np.where(
            itself[part], nearest[:, 1:].mean(axis=1), nearest[:, :-1].mean(axis=1)
        )
    return result


def margin_clipped(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """The n most uncertain, those 5% last that lie furthest from their neighbours.

    So outliers are chosen only where nothing else is left.
    """
    scores = unsure(signals).astype(np.float64)
    outliers = top(remoteness(signals.embeddings, rng), math.floor(_OUTLIERS * signals.size), rng)
    kept = np.delete(np.arange(signals.size), outliers)
    order = kept[top(scores[kept], min(n, len(kept)), rng)]
    missing = n - len(order)
    if missing:
        order = np.concatenate([order, outliers[top(scores[outliers], missing, rng)]])
    return order.astype(np.int64)


def _calibrated(score: Score, *, why: str, summary: str, source: str) -> StrategySpec:
    def of_texts(signals: Signals) -> FloatArray:
        return calibrated(score, signals)

    return StrategySpec(
        highest(of_texts), LABEL_TASKS, frozenset({"probabilities", "labelled"}), why, summary,
        source, of_texts, explained_by=(score, temperature),
    )  # fmt: skip


ENTRIES: dict[str, StrategySpec] = {
    "margin_calibrated": _calibrated(
        margin,
        why="the model hesitates between two labels, as far as it can be believed",
        summary="margin after temperature scaling by past forecasts",
        source="Scheffer et al. 2001; Guo et al. 2017",
    ),
    "entropy_calibrated": _calibrated(
        entropy,
        why="the model spreads its belief over several labels, as far as it can be believed",
        summary="entropy after temperature scaling by past forecasts",
        source="Settles 2009; Guo et al. 2017",
    ),
    "least_confidence_calibrated": _calibrated(
        least_confidence,
        why="the model is least sure of its best label, as far as it can be believed",
        summary="least confidence after temperature scaling by past forecasts",
        source="Lewis and Gale 1994; Guo et al. 2017",
    ),
    "margin_clipped": StrategySpec(
        margin_clipped,
        ALL_TASKS,
        needs=UNSURE | {"embeddings"},
        why="the model is unsure of it, and it is no stray text",
        summary="margin without the 5% of texts furthest from their neighbours",
        source="this project; outliers by Ramaswamy et al. 2000",
        explained_by=(margin_clipped, remoteness),
    ),
}

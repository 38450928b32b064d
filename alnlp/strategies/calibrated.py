"""Uncertainty put right: by what past forecasts were worth, and without the outliers."""

from __future__ import annotations

import math

import numpy as np

from alnlp.scores import Score, entropy, least_confidence, margin, over_labels
from alnlp.signals import FloatArray, IntArray, Signals
from alnlp.strategies.spec import ALL_TASKS, LABEL_TASKS, Indices, StrategySpec, highest, top
from alnlp.strategies.uncertainty import UNSURE, unsure

_COLDEST, _HOTTEST = 0.05, 20.0
_FEWEST_FORECASTS = 10
#: A probability of a label is taken for no nearer to 0 or 1, for that is what float32 resolves.
_NEAREST = 1e-7

_OUTLIERS = 0.05
_NEIGHBOURS = 10
#: Neighbours are looked for among so many candidates, drawn at random from a larger pool.
_REFERENCES = 2000
_AT_ONCE = 20_000


def tempered(probabilities: FloatArray, temperature: float) -> FloatArray:
    """What the softmax gives when the logits are divided by a temperature: (N, K) -> (N, K)."""
    p = probabilities.astype(np.float64)
    logits = np.log(np.maximum(p, np.finfo(np.float32).tiny)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    result: FloatArray = np.exp(logits)
    result /= result.sum(axis=1, keepdims=True)
    return result


def temperature(forecasts: FloatArray, outcomes: IntArray) -> float:
    """The temperature that makes past forecasts most likely, from 0.05 to 20.

    1, which changes nothing, for fewer than 10 forecasts or outcomes that are all the same. Guo,
    Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        forecasts: (F, K) probabilities, given before the answers were known.
        outcomes: the classes (F,), or 0/1 of shape (F, K) for independent labels, which share the
            temperature of their log-odds.
    """
    if len(forecasts) < _FEWEST_FORECASTS or (outcomes == outcomes.flat[0]).all():
        return 1.0
    if outcomes.ndim == 2:
        yes = np.clip(forecasts.astype(np.float64).reshape(-1), _NEAREST, 1 - _NEAREST)
        forecasts, outcomes = np.stack([1.0 - yes, yes], axis=1), outcomes.reshape(-1)
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(outcomes))

    def loss(log_temperature: float) -> float:
        said = tempered(forecasts, math.exp(log_temperature))[rows, outcomes]
        return float(-np.log(np.maximum(said, np.finfo(np.float64).tiny)).mean())

    # The likelihood is concave in one over the temperature, so it has one peak on this scale too.
    bounds = (math.log(_COLDEST), math.log(_HOTTEST))
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)


def calibrated(score: Score, signals: Signals) -> FloatArray:
    """A score (N,) of the probabilities after temperature scaling."""
    known = signals.labelled
    fitted = temperature(known.forecasts, known.outcomes)

    def of(probabilities: FloatArray) -> FloatArray:
        return score(tempered(probabilities, fitted))

    if not signals.multilabel:
        return of(signals.probabilities)
    p = signals.probabilities.astype(np.float64)
    return over_labels(of)(np.clip(p, _NEAREST, 1 - _NEAREST))


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
        source, of_texts,
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
    ),
}

"""Contrast with what is answered: unlike it altogether, or predicted otherwise though alike."""

from __future__ import annotations

import numpy as np

from alnlp.signals import FloatArray, IntArray, Signals
from alnlp.strategies.neighbours import BOUND, Floats, blocks, nearest, normalised, subset
from alnlp.strategies.spec import ALL_TASKS, LABEL_TASKS, Indices, StrategySpec, highest, top
from alnlp.strategies.uncertainty import unsure

_SUB_BATCHES = 10
#: Pool texts per answered one that the classifier of DAL learns from, as in the authors' code.
_PER_ANSWERED = 10
_NEIGHBOURS = 10


def dal(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices that a classifier tells apart most surely from the answered examples.

    A logistic regression on the embeddings; where nothing is answered, the first sub-batch is
    drawn at random.

    Gissin and Shalev-Shwartz, "Discriminative Active Learning", arXiv 2019.
    """
    known = signals.labelled.covered
    points = normalised(signals.embeddings)
    answered = normalised(known) if len(known) else points[:0]
    return unlike(points, answered, n, rng)


def unlike(points: Floats, answered: Floats, n: int, rng: np.random.Generator) -> Indices:
    """n places of (N, D), in ten sub-batches, after each of which the classifier learns anew.

    The classifier tells the answered, (L, D), and the chosen ones from at most ten times as many
    of the others, and the highest probabilities of being one of the others are chosen.
    """
    chosen = np.empty(0, np.int64)
    left = np.arange(len(points))
    for part in np.array_split(np.arange(n), min(n, _SUB_BATCHES)):
        known = np.concatenate([answered, points[chosen]])
        if len(known):
            bound = min(_PER_ANSWERED * len(known), BOUND)
            others = points[left[subset(len(left), bound, rng)]]
            # Equal texts are to tie whatever float32 makes of them.
            scores = np.round(points @ _direction(known, others), 5)[left]
            picked = left[top(scores, len(part), rng)]
        else:
            picked = rng.choice(left, size=len(part), replace=False)
        chosen = np.concatenate([chosen, picked])
        left = np.setdiff1d(left, picked)
    return chosen


def _direction(known: Floats, others: Floats) -> Floats:
    """The weights (D,) of a logistic regression in which `others` score higher than `known`."""
    from sklearn.linear_model import LogisticRegression

    is_other = np.repeat([0, 1], [len(known), len(others)])
    examples = np.concatenate([known, others]).astype(np.float64)
    model = LogisticRegression(max_iter=1000).fit(examples, is_other)
    weights: Floats = model.coef_[0].astype(np.float32)
    return weights


def cal(signals: Signals) -> FloatArray:
    """How much the predictions of a text differ from those of the answered ones next to it: (N,).

    The mean of KL(p_neighbour || p_candidate) over the ten nearest answered examples, by
    normalised embeddings; summed over the labels where these are independent. Where nothing is
    answered, how unsure the model is.

    Margatina, Vernikos, Barrault and Aletras, "Active Learning by Acquiring Contrastive Examples",
    EMNLP 2021.
    """
    known = signals.labelled
    if not known.probabilities.size:
        return unsure(signals)
    points, answered = normalised(signals.embeddings), normalised(known.embeddings)
    neighbours = nearest(points, answered, _NEIGHBOURS)[1]
    ours, theirs = signals.probabilities, known.probabilities
    if signals.multilabel:
        ours, theirs = (np.concatenate([p, 1 - p], axis=1) for p in (ours, theirs))
    return mean_divergence(ours, theirs, neighbours)


def mean_divergence(
    probabilities: FloatArray, answered: FloatArray, neighbours: IntArray
) -> FloatArray:
    """The mean of KL(p_neighbour || p_candidate) over the neighbours of each candidate: (N,).

    Args:
        probabilities: (N, K) of the candidates.
        answered: (L, K) of the answered examples.
        neighbours: (N, k) places among the answered.
    """
    answered = answered.astype(np.float64)
    negentropy = (answered * _log(answered)).sum(axis=1)
    result = np.empty(len(probabilities))
    for rows in blocks(np.arange(len(probabilities))):
        near = neighbours[rows]
        crossed = answered[near].mean(axis=1) * _log(probabilities[rows].astype(np.float64))
        result[rows] = negentropy[near].mean(axis=1) - crossed.sum(axis=1)
    return np.maximum(result, 0)


def _log(probabilities: FloatArray) -> FloatArray:
    # What is stored as 0 was smaller than float32 can say; its logarithm stays finite.
    logs: FloatArray = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    return logs


ENTRIES: dict[str, StrategySpec] = {
    "dal": StrategySpec(
        dal,
        ALL_TASKS,
        frozenset({"embeddings", "labelled"}),
        why="it is easily told from everything labelled so far",
        summary="a classifier is most sure that the text is not one of the labelled (DAL)",
        source="Gissin and Shalev-Shwartz 2019",
    ),
    "cal": StrategySpec(
        highest(cal),
        LABEL_TASKS,
        frozenset({"probabilities", "embeddings", "labelled"}),
        why="the model sees it otherwise than the labelled texts most like it",
        summary="predictions differ most from those of the nearest labelled texts (CAL)",
        source="Margatina et al. 2021",
        score=cal,
    ),
}

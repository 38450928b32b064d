"""Multi-label strategies: those that look at the set of labels of an example as a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alnlp.signals import FloatArray, IntArray, Labelled, Signals
from alnlp.strategies.spec import Indices, StrategySpec, highest, top

Flags = NDArray[np.bool_]

#: How much the separation margin counts against the label cardinality: the paper's grid.
_BETAS = tuple(step / 10 for step in range(11))
#: The generalisation error is estimated over so many candidates at most, drawn at random.
_ERRORS_OF = 2000
_AT_ONCE = 1_000_000


def predicted(probabilities: FloatArray) -> Flags:
    """The labels that are said to hold, those with a probability of 0.5 or more."""
    result: Flags = probabilities >= 0.5
    return result


def borda_uncertainty(probabilities: FloatArray) -> FloatArray:
    """How far up a text stands in K rankings by the margin of a label: (N, K) -> (N,), 0 to 1.

    The smaller the margin |p - (1 - p)|, the higher the rank; texts of one margin share the mean of
    their ranks. The first part of CVIRS, see `category_vector_inconsistency`.
    """
    size, labels = probabilities.shape
    points = np.zeros(size)
    for column in np.abs(2.0 * probabilities - 1.0).T:
        _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
        points += size - (counts.cumsum() - (counts - 1) / 2)[place]
    result: FloatArray = points / (labels * max(size - 1, 1))
    return result


def category_vector_inconsistency(labels: Flags, known: Flags) -> FloatArray:
    """The mean distance of N label vectors to L known ones: (N, K), (L, K) -> (N,), 0 to 1.

    The distance is 1 where two vectors contradict each other in each label, and else the variation
    of information (twice the joint entropy less both entropies) over the joint entropy, 0 for
    vectors that are alike. Without known ones the inconsistency is 1. Reyes, Morell and Ventura,
    "Effective Active Learning Strategy for Multi-Label Learning", Neurocomputing 2018 (CVIRS).
    """
    if not len(known):
        return np.ones(len(labels))
    # Most texts share their labels with others, so each set of labels is compared once.
    first, place = _distinct(labels)[:2]
    known_first, _, counts = _distinct(known)
    unique, others = labels[first].astype(np.float64), known[known_first].astype(np.float64)
    result = np.empty(len(unique))
    step = max(1, _AT_ONCE // len(others))
    for start in range(0, len(unique), step):
        result[start : start + step] = _distances(unique[start : start + step], others) @ counts
    averaged: FloatArray = (result / len(known))[place]
    return averaged


def _distinct(labels: Flags) -> tuple[IntArray, IntArray, IntArray]:
    """The first place of each label vector, which of these each one is, and how often it occurs."""
    packed = np.packbits(labels, axis=1)
    _, first, place, counts = np.unique(
        packed, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    return first, place.reshape(-1), counts


def _distances(ones: FloatArray, others: FloatArray) -> FloatArray:
    """(A, K) and (B, K) of 0 and 1 -> (A, B)."""
    labels = ones.shape[1]
    both = (ones @ others.T).astype(np.intp)
    mine, theirs = (vectors.sum(axis=1).astype(np.intp) for vectors in (ones, others))
    only_mine, only_theirs = mine[:, None] - both, theirs[None] - both
    neither = labels - both - only_mine - only_theirs
    # What a share of c of the K labels adds to an entropy, for each c: -c/K log c/K.
    shares = np.arange(labels + 1) / labels
    part = -shares * np.log(np.maximum(shares, np.finfo(np.float64).tiny))
    joint = part[both] + part[only_mine] + part[only_theirs] + part[neither]
    own = (part[mine] + part[labels - mine])[:, None] + (part[theirs] + part[labels - theirs])[None]
    # The joint entropy is 0 for two constant vectors: alike, or contradicting in each label.
    distance: FloatArray = np.maximum(2 * joint - own, 0.0) / np.where(joint > 0, joint, 1.0)
    distance[only_mine + only_theirs == labels] = 1.0
    return distance


def cvirs(signals: Signals) -> FloatArray:
    """Rank by uncertainty times inconsistency with the answered label vectors, (N,), 0 to 1."""
    known = signals.labelled.targets.astype(bool)
    inconsistency = category_vector_inconsistency(predicted(signals.probabilities), known)
    return borda_uncertainty(signals.probabilities) * inconsistency


def label_cardinality_inconsistency(probabilities: FloatArray, targets: IntArray) -> FloatArray:
    """How far the number of predicted labels is from the mean number: (N, K), (L, K) -> (N,).

    Without answered examples the mean is that which the model expects of the candidates. Li and
    Guo, "Active Learning with Multi-Label SVM Classification", IJCAI 2013.
    """
    usual = targets.sum(axis=1).mean() if len(targets) else probabilities.sum(axis=1).mean()
    result: FloatArray = np.abs(predicted(probabilities).sum(axis=1) - usual)
    return result


def lci(signals: Signals) -> FloatArray:
    """Label cardinality inconsistency of N candidates, from 0 up."""
    return label_cardinality_inconsistency(signals.probabilities, signals.labelled.targets)


def prediction_uncertainty(probabilities: FloatArray) -> FloatArray:
    """One over the margin between predicted labels and the others: (N, K) -> (N,), up to 1e6.

    The margin is between the lowest log-odds of a label that is predicted and the highest of one
    that is not. Where one side is empty the decision boundary, 0, stands for it. Max-margin
    prediction uncertainty, Li and Guo, IJCAI 2013.
    """
    p = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    odds = np.log(p) - np.log1p(-p)
    holds = predicted(probabilities)
    lowest = np.where(holds, odds, np.inf).min(axis=1)
    highest_other = np.where(holds, -np.inf, odds).max(axis=1)
    margin = np.where(np.isfinite(lowest), lowest, 0.0)
    margin -= np.where(np.isfinite(highest_other), highest_other, 0.0)
    return 1.0 / np.maximum(margin, 1e-6)


def approximate_error(outputs: FloatArray) -> float:
    """The error that a model is expected to make, from its outputs (N, K), below 0 for no.

    Of each text, the largest hinge loss among the labels that are said to hold and that among the
    others. Li and Guo, IJCAI 2013.
    """
    holds = outputs >= 0
    missed = np.where(holds, np.maximum(1.0 - outputs, 0.0), 0.0).max(axis=1)
    wrong = np.where(holds, 0.0, np.maximum(1.0 + outputs, 0.0)).max(axis=1)
    return float((missed + wrong).sum())


def mmu_lci(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """Prediction uncertainty ** beta times cardinality inconsistency ** (1 - beta).

    Each beta of 0, 0.1, ..., 1 gives a batch. As in the paper that batch is taken with which, given
    the labels that the model predicts, a retrained classifier would err least over the candidates;
    where the paper retrains its SVMs, this is ridge regression on the embeddings (the least-squares
    SVM), for the sake of time. Li and Guo, "Active Learning with Multi-Label SVM Classification",
    IJCAI 2013.
    """
    uncertainty = prediction_uncertainty(signals.probabilities)
    inconsistency = lci(signals)
    batches: dict[tuple[int, ...], Indices] = {}
    for beta in _BETAS:
        batch = top(uncertainty**beta * inconsistency ** (1 - beta), n, rng)
        batches.setdefault(tuple(np.sort(batch).tolist()), batch)
    if len(batches) == 1:
        return next(iter(batches.values()))
    sample = rng.choice(signals.size, size=min(signals.size, _ERRORS_OF), replace=False)
    inputs = np.asarray(signals.embeddings[np.sort(sample)], dtype=np.float64)
    errors = {
        key: approximate_error(_retrained(signals, signals.labelled, batch, inputs))
        for key, batch in batches.items()
    }
    return batches[min(errors, key=lambda key: errors[key])]


def _retrained(
    signals: Signals, labelled: Labelled, batch: Indices, inputs: FloatArray
) -> FloatArray:
    """Outputs (M, K) on inputs (M, D) of a model of the answered texts and a batch (B,) as labelled
    by the newest model.
    """
    from sklearn.linear_model import Ridge

    labels = predicted(signals.probabilities[batch])
    known = np.asarray(signals.embeddings[batch], dtype=np.float64)
    if len(labelled):
        labels = np.concatenate([labelled.targets.astype(bool), labels])
        answered = np.asarray(labelled.embeddings, dtype=np.float64)
        known = np.concatenate([answered, known])
    outputs: FloatArray = Ridge().fit(known, np.where(labels, 1.0, -1.0)).predict(inputs)
    return outputs.reshape(len(inputs), -1)


ENTRIES: dict[str, StrategySpec] = {
    "cvirs": StrategySpec(
        highest(cvirs),
        ("multilabel",),
        needs=frozenset({"probabilities", "labelled"}),
        why="many of its labels are unsure, and together they are unlike those answered so far",
        summary="rank by the margins of the labels, times inconsistency of the label set (CVIRS)",
        source="Reyes et al. 2018",
        score=cvirs,
        explained_by=(cvirs, category_vector_inconsistency),
    ),
    "lci": StrategySpec(
        highest(lci),
        ("multilabel",),
        needs=frozenset({"probabilities", "labelled"}),
        why="the model gives it unusually many or few labels",
        summary="distance from the mean number of labels (label cardinality inconsistency)",
        source="Li and Guo 2013",
        score=lci,
        explained_by=(label_cardinality_inconsistency,),
    ),
    "mmu_lci": StrategySpec(
        mmu_lci,
        ("multilabel",),
        needs=frozenset({"probabilities", "embeddings", "labelled"}),
        why="its labels are hard to tell from the others, or unusually many or few",
        summary="separation margin of the labels with label cardinality, weighed anew each time",
        source="Li and Guo 2013",
    ),
}

"""Uncertainty scores: pure functions from (N, K) probabilities to (N,), higher = label sooner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
Score = Callable[[FloatArray], FloatArray]


def least_confidence(probabilities: FloatArray) -> FloatArray:
    """One minus the probability of the best class: (N, K) -> (N,).

    Lewis and Gale, "A Sequential Algorithm for Training Text Classifiers", SIGIR 1994.
    """
    result: FloatArray = 1.0 - probabilities.max(axis=1)
    return result


def margin(probabilities: FloatArray) -> FloatArray:
    """One minus the gap between the two best classes (breaking ties): (N, K) -> (N,).

    Scheffer, Decomain and Wrobel, "Active Hidden Markov Models for Information Extraction",
    IDA 2001; Luo et al., "Active Learning to Recognize Multiple Types of Plankton", JMLR 2005.
    """
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), dtype=probabilities.dtype)
    best_two = np.partition(probabilities, -2, axis=1)[:, -2:]
    result: FloatArray = 1.0 - (best_two[:, 1] - best_two[:, 0])
    return result


def entropy(probabilities: FloatArray) -> FloatArray:
    """Shannon entropy in nats, with 0 log 0 = 0: (N, K) -> (N,).

    Settles, "Active Learning Literature Survey", University of Wisconsin-Madison 2009.
    """
    # A probability below the smallest normal number adds nothing, but its logarithm would be -inf.
    logs = np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny))
    result: FloatArray = -(probabilities * logs).sum(axis=1)
    return result


def over_labels(score: Score, reduction: Literal["mean", "max"] = "mean") -> Score:
    """The same score for independent labels: the mean or maximum over K of yes/no scores.

    Each probability p becomes the two-class distribution (p, 1 - p). Averaging follows binary
    minimisation in Brinker, "On Active Learning in Multi-label Classification", GfKl 2005; both
    are compared by Esuli and Sebastiani, "Active Learning Strategies for Multi-Label Text
    Classification", ECIR 2009.
    """

    def reduced(probabilities: FloatArray) -> FloatArray:
        n, k = probabilities.shape
        yes = probabilities.reshape(-1)
        each = score(np.stack([yes, 1.0 - yes], axis=1)).reshape(n, k)
        result: FloatArray = each.max(axis=1) if reduction == "max" else each.mean(axis=1)
        return result

    return reduced

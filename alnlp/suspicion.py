"""Which labels are probably wrong: what all other answers say of each example, and how far to
believe it.

A ridge regression on embeddings and word pairs has a closed form for what it would say of each
example had it not seen that one, so that thousands of answers are cross-checked in a second. What
it says is then read as a mixture of right answers and of slips, whose share is fitted as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alnlp.data.words import words_of

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Strength of the ridge, and how many words and pairs of words it reads: what found the most
#: errors planted in TREC-6, AG News and SST-2.
RIDGE, TERMS = 3.0, 1000
#: What is known of slips beforehand: as if 100 answers had been looked at and 5 of them were wrong.
_LOOKED_AT, _SLIPS = 100, 5
#: A class with fewer answers cannot be told from slips.
FEWEST = 5
_BLOCK = 4096


@dataclass(frozen=True)
class Features:
    """What a regression sees of N texts.

    Attributes:
        terms: (N, V) weights of words and pairs of words, sparse (scipy).
        embeddings: (N, D) of unit length, a row of zeros where there is none; D may be 0.
    """

    terms: Any
    embeddings: NDArray[np.float32]

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Dense rows (n, 1 + V + D), some thousand at a time; the first column is a constant."""
        for start in range(0, len(self.embeddings), _BLOCK):
            part = slice(start, start + _BLOCK)
            terms = self.terms[part].toarray()
            yield part, np.hstack([np.ones((len(terms), 1)), terms, self.embeddings[part]])


def features(texts: Sequence[str], embeddings: NDArray[np.floating] | None = None) -> Features:
    """What the regression is to see of N texts, at least one.

    Args:
        texts: the N texts.
        embeddings: (N, D); a row of zeros stands for a text that none is known of.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(analyzer=_terms, sublinear_tf=True, max_features=TERMS)
    terms = weights.fit_transform(texts)
    if embeddings is None:
        return Features(terms, np.zeros((len(texts), 0), np.float32))
    known = np.asarray(embeddings, np.float32)
    there = known.any(axis=1, keepdims=True)
    # Embeddings of one pool lie in a narrow cone; around their mean they tell texts apart better.
    known = np.where(there, known - known.sum(axis=0) / max(1, int(there.sum())), 0)
    lengths = np.linalg.norm(known, axis=1, keepdims=True)
    unit = known / np.where(lengths > 0, lengths, 1)
    return Features(terms, unit.astype(np.float32))


def _terms(text: str) -> list[str]:
    words = [text[start:end].casefold() for start, end in words_of(text)]
    # A text without any word still says something: nothing at all.
    return [*words, *(f"{a} {b}" for a, b in pairwise(words))] or [""]


def left_out(seen: Features, targets: Array, ridge: float = RIDGE) -> Array:
    """What a ridge regression on the others says of each example: (N, C).

    Exactly what N regressions, each without one example, would say of that one: with the weights
    of all, less what its own target adds. Golub, Heath and Wahba, "Generalized Cross-Validation
    as a Method for Choosing a Good Ridge Parameter", Technometrics 1979.

    Args:
        seen: features of N examples.
        targets: (N, C) what the C columns should say, such as 0 or 1.
        ridge: the strength of the regularisation, above 0.
    """
    width = 1 + seen.terms.shape[1] + seen.embeddings.shape[1]
    products, sums = ridge * np.eye(width), np.zeros((width, targets.shape[1]))
    for part, block in seen.blocks():
        products += block.T @ block
        sums += block.T @ targets[part]
    inverse = np.linalg.inv(products)
    weights = inverse @ sums
    said = np.empty(targets.shape)
    for part, block in seen.blocks():
        own = np.einsum("ij,ij->i", block @ inverse, block)[:, None]
        said[part] = (block @ weights - own * targets[part]) / np.maximum(1 - own, 1e-9)
    return said


@dataclass(frozen=True)
class Reading:
    """What the others make of N answers.

    Attributes:
        probabilities: (N, K) of the right answer, given the text.
        slips: the share of answers that are given at random.
    """

    probabilities: Array
    slips: float

    def wrong(self, given: IntArray, drawn: Array) -> Array:
        """The probability that each of N answers is wrong, (N,).

        A slip hits upon the right answer as well, by chance.

        Args:
            given: (N,) the classes answered.
            drawn: (K,) how often a slip is each class.
        """
        own = self.probabilities[np.arange(len(given)), given]
        slipped = self.slips * drawn[given]
        result: Array = slipped * (1 - own) / np.maximum((1 - self.slips) * own + slipped, 1e-300)
        return result


def read(said: Array, given: IntArray, drawn: Array) -> Reading:
    """Turn what the others say into probabilities, and find the share of slips.

    The most likely scale of a softmax of the scores, where a share of the answers is not right but
    drawn at random; maximum a posteriori, since a few answers cannot tell the share. The mixture is
    that of Lawrence and Schölkopf, "Estimating a Kernel Fisher Discriminant in the Presence of
    Label Noise", ICML 2001. On planted errors its probabilities found more, with fewer false
    alarms, than the thresholds of confident learning (Northcutt, Jiang and Chuang, JAIR 2021) on
    the same scores.

    Args:
        said: (N, K) scores, made without the answer that they speak of.
        given: (N,) the classes answered.
        drawn: (K,) how often a slip is each class; sums to 1.
    """
    from scipy.optimize import minimize

    rows = np.arange(len(said))

    def loss(point: Array) -> tuple[float, Array]:
        scale, share = math.exp(point[0]), 1 / (1 + math.exp(-point[1]))
        p = _softmax(scale * said)
        own = p[rows, given]
        likely = (1 - share) * own + share * drawn[given]
        value = -np.log(likely).sum() - _SLIPS * math.log(share)
        value -= (_LOOKED_AT - _SLIPS) * math.log(1 - share)
        pull = (1 - share) * own / likely
        slopes = pull[:, None] * p
        slopes[rows, given] -= pull
        by_share = ((own - drawn[given]) / likely).sum() * share * (1 - share)
        by_share += _LOOKED_AT * share - _SLIPS
        by_scale = scale * float((slopes * said).sum())
        return value, np.array([by_scale, by_share])

    start = np.array([1.5, math.log(_SLIPS / (_LOOKED_AT - _SLIPS))])
    bounds = [(-3.0, 5.0), (-8.0, 0.0)]
    scale, share = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Reading(_softmax(math.exp(scale) * said), 1 / (1 + math.exp(-share)))


def doubtful_classes(
    seen: Features, given: IntArray, classes: int, honest: Array | None = None
) -> tuple[Array, Array]:
    """How probably each of N answers is wrong (N,), and the probabilities of each class (N, K).

    An answer of a class with fewer than 5 of them is not doubted. Probabilities are left out of
    what is answered: they come from the other N - 1.

    Args:
        seen: features of N examples.
        given: (N,) the classes answered.
        classes: K.
        honest: (N, K) what a model that has not learnt from these answers says, averaged in; a
            row of nan where there is none.
    """
    counts = np.bincount(given, minlength=classes)
    drawn = np.where(counts > 0, 1.0, 0.0) / np.count_nonzero(counts)
    if np.count_nonzero(counts >= FEWEST) < 2:
        return np.zeros(len(given)), np.eye(classes)[given]
    reading = read(left_out(seen, np.eye(classes)[given]), given, drawn)
    if honest is not None:
        both = (reading.probabilities + honest) / 2
        known = np.isfinite(honest).all(axis=1, keepdims=True)
        reading = Reading(np.where(known, both, reading.probabilities), reading.slips)
    wrong = reading.wrong(given, drawn)
    return np.where(counts[given] >= FEWEST, wrong, 0.0), reading.probabilities


def doubtful_labels(
    seen: Features, given: IntArray, honest: Array | None = None
) -> tuple[Array, Array]:
    """For label sets: how probably each decision is wrong, and how probably each label holds.

    Each label is a question of its own; a slip on it is a label as frequent as it is. One that
    holds, or does not hold, for fewer than 5 examples is not doubted.

    Args:
        seen: features of N examples.
        given: (N, K) 1 where a label was given, else 0.
        honest: (N, K) as in `doubtful_classes`.

    Returns:
        Two arrays (N, K).
    """
    wrong, holds = np.zeros(given.shape), given.astype(np.float64)
    judged = np.flatnonzero((given.sum(axis=0) >= FEWEST) & ((1 - given).sum(axis=0) >= FEWEST))
    if not len(judged):
        return wrong, holds
    said = left_out(seen, given[:, judged].astype(np.float64))
    for column, label in enumerate(judged.tolist()):
        answers = given[:, label]
        drawn = np.array([1 - answers.mean(), answers.mean()])
        score = said[:, column]
        reading = read(np.stack([1 - score, score], axis=1), answers, drawn)
        if honest is not None:
            p = honest[:, [label]]
            both = (reading.probabilities + np.hstack([1 - p, p])) / 2
            reading = Reading(np.where(np.isfinite(p), both, reading.probabilities), reading.slips)
        wrong[:, label], holds[:, label] = (
            reading.wrong(answers, drawn),
            reading.probabilities[:, 1],
        )
    return wrong, holds


def _softmax(scores: Array) -> Array:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Array = raised / raised.sum(axis=1, keepdims=True)
    return result

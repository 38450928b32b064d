"""How uncertain a text is, from how uncertain its words are: flatten, score, regroup, reduce."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from alnlp.inference.decoding import Paths
from alnlp.scores import entropy, least_confidence, margin
from alnlp.tags import OUTSIDE

FloatArray = NDArray[np.floating]

#: The scores of classification, here of each word's tags.
WORD_SCORES = {"least_confidence": least_confidence, "margin": margin, "entropy": entropy}
_TOP = 3


class Segments:
    """W words in the N texts that they belong to.

    Args:
        ends: where each text ends among the words, (N,).
    """

    def __init__(self, ends: NDArray[np.int64]) -> None:
        self.lengths = np.diff(ends, prepend=0)
        self._filled = self.lengths > 0
        self._starts = (ends - self.lengths)[self._filled]
        self._texts = np.repeat(np.arange(len(ends)), self.lengths)

    def reduce(self, operation: np.ufunc, values: FloatArray) -> NDArray[np.float64]:
        """The words' values (W,) of each text taken together, (N,); 0 for a text without words."""
        result = np.zeros(len(self.lengths))
        if len(self._starts):
            result[self._filled] = operation.reduceat(values.astype(np.float64), self._starts)
        return result

    def mean(self, values: FloatArray) -> NDArray[np.float64]:
        """The mean of each text's words."""
        result: NDArray[np.float64] = self.reduce(np.add, values) / np.maximum(self.lengths, 1)
        return result

    def top(self, values: FloatArray) -> NDArray[np.float64]:
        """The mean of each text's three highest, or of as many words as it has."""
        # Ordered by text first, so that ranks within a text are distances from its start.
        order = np.lexsort((-values, self._texts))
        ranks = np.arange(len(values)) - np.repeat(self._starts, self.lengths[self._filled])
        highest = np.where(ranks < _TOP, values[order], 0.0)
        result: NDArray[np.float64] = self.reduce(np.add, highest) / np.clip(self.lengths, 1, _TOP)
        return result


Reduction = Callable[[Segments, FloatArray, NDArray[np.bool_]], NDArray[np.float64]]

#: From the words' scores (W,), and whether each is in an entity, to one score a text.
REDUCTIONS: dict[str, Reduction] = {
    "mean": lambda texts, values, entity: texts.mean(values),
    "max": lambda texts, values, entity: texts.reduce(np.maximum, values),
    "min": lambda texts, values, entity: texts.reduce(np.minimum, values),
    "sum": lambda texts, values, entity: texts.reduce(np.add, values),
    "top3": lambda texts, values, entity: texts.top(values),
    "entities": lambda texts, values, entity: texts.reduce(np.add, values * entity),
}
SEQUENCE_SCORES = ("mnlp", "sequence_margin", "lowest_token")
NAMES = (*(f"{score}:{how}" for score in WORD_SCORES for how in REDUCTIONS), *SEQUENCE_SCORES)


def text_scores(
    log_probabilities: FloatArray, ends: NDArray[np.int64], paths: Paths
) -> dict[str, NDArray[np.float32]]:
    """All scores of NAMES for N texts, each (N,): at least 0, higher = label sooner.

    A text without words scores 0. The papers are named by the strategies of these names.

    Args:
        log_probabilities: of each word's tags, (W, T), one text after the other.
        ends: where each text ends among the words, (N,).
        paths: from `best_paths` of the same words.
    """
    texts = Segments(ends)
    probabilities = np.exp(log_probabilities)
    entity = paths.tags[0] != OUTSIDE
    found = {
        f"{name}:{how}": reduction(texts, np.maximum(score(probabilities), 0.0), entity)
        for name, score in WORD_SCORES.items()
        for how, reduction in REDUCTIONS.items()
    }
    best, second = paths.log_probabilities
    found["mnlp"] = -best / np.maximum(texts.lengths, 1)
    found["sequence_margin"] = 1.0 - (np.exp(best) - np.exp(second))
    found["lowest_token"] = texts.reduce(np.maximum, 1.0 - path_probabilities(probabilities, paths))
    return {name: np.maximum(found[name], 0.0).astype(np.float32) for name in NAMES}


def path_probabilities(probabilities: FloatArray, paths: Paths) -> FloatArray:
    """What (W, T) values say of the best path's tag at each word, (W,)."""
    return np.take_along_axis(probabilities, paths.tags[0][:, None].astype(np.intp), axis=1)[:, 0]

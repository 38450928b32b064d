"""The best valid tag sequences of texts: constrained Viterbi, two paths deep.

A network says what tag each word has as if words were independent, so its most probable tags may
name an I without its B. Here the probability of a sequence is the product of its words', and the
best and the second best are sought among valid sequences only (the numbering is that of
`alnlp.tags`). Viterbi, "Error Bounds for Convolutional Codes", IEEE Trans. Inf. Theory 1967;
N-best: Seshadri and Sundberg, IEEE Trans. Commun. 1994.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Padded words whose way back is remembered at once.
_WORDS_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class Paths:
    """The two best valid tag sequences of N texts, W words in all.

    Attributes:
        tags: int16 (2, W), the best in the first row.
        log_probabilities: float64 (2, N); -inf where a text without words has no second sequence.
    """

    tags: NDArray[np.int16]
    log_probabilities: NDArray[np.float64]


def best_paths(log_probabilities: NDArray[np.floating], ends: NDArray[np.int64]) -> Paths:
    """Decode N texts.

    Args:
        log_probabilities: of each word's tags, (W, T), one text after the other.
        ends: where each text ends among the words, (N,).
    """
    lengths = np.diff(ends, prepend=0)
    tags = np.zeros((2, len(log_probabilities)), np.int16)
    totals = np.zeros((2, len(ends)))
    totals[1] = -np.inf
    for texts in _blocks(lengths):
        steps = np.arange(lengths[texts[0]])[:, None]
        there = steps < lengths[texts]
        places = np.where(there, steps + (ends - lengths)[texts], 0)
        found, totals[:, texts] = _decode(log_probabilities[places], lengths[texts])
        tags[:, places[there]] = found[:, there]
    return Paths(tags, totals)


def _blocks(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Texts that have words, the longest first, in groups of like length."""
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    while len(order):
        size = max(1, _WORDS_AT_ONCE // int(lengths[order[0]]))
        yield order[:size]
        order = order[size:]


def _decode(
    emissions: NDArray[np.floating], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Tags (2, L, B) and totals (2, B) of B texts from emissions (L, B, T), the longest first."""
    steps, size, tags = emissions.shape
    # For each text, rank and tag: the best two paths that end there, and where each came from, as
    # an index into the rank and tag of the word before.
    totals = np.full((size, 2, tags), -np.inf)
    totals[:, 0] = emissions[0]
    totals[:, 0, 2::2] = -np.inf  # no text begins inside an entity
    came = np.zeros((steps, size, 2, tags), np.int16)
    # An I follows the B or I of its own label: of both ranks, four ways to come.
    inside = np.arange(1, tags).reshape(-1, 2)
    inside = np.concatenate([inside, inside + tags], axis=1)
    for step in range(1, steps):
        active = int(np.searchsorted(-lengths, -step))  # texts longer than this
        before = totals[:active].reshape(active, 2 * tags)
        ways, sums = _best_two(before)
        ways_in, sums_in = _best_two(before[:, inside])
        ways_in = np.take_along_axis(inside[None], ways_in, axis=2)
        for rank in range(2):
            came[step, :active, rank] = ways[:, rank, None]
            came[step, :active, rank, 2::2] = ways_in[..., rank]
            totals[:active, rank] = sums[:, rank, None]
            totals[:active, rank, 2::2] = sums_in[..., rank]
        totals[:active] += emissions[step, :active, None]
    ways, sums = _best_two(totals.reshape(size, 2 * tags))
    found = np.zeros((2, steps, size), np.int16)
    for step in reversed(range(steps)):
        active = int(np.searchsorted(-lengths, -step))
        found[:, step, :active] = (ways[:active] % tags).T
        back = came[step, :active].reshape(active, 2 * tags)
        ways[:active] = np.take_along_axis(back, ways[:active], axis=1)
    return found, sums.T


def _best_two(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places and values of the two highest along the last axis, (..., 2)."""
    best = values.argmax(axis=-1, keepdims=True)
    rest = values.copy()
    np.put_along_axis(rest, best, -np.inf, axis=-1)
    places = np.concatenate([best, rest.argmax(axis=-1, keepdims=True)], axis=-1)
    found = np.take_along_axis(values, places, axis=-1)
    # Where all the rest is impossible, its first place may be the best one again.
    found[..., 1:] = np.take_along_axis(rest, places[..., 1:], axis=-1)
    return places, found

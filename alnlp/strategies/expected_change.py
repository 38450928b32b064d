"""Expected change: the examples whose label would move the model the most."""

from __future__ import annotations

import numpy as np

from alnlp.signals import FloatArray, Signals
from alnlp.strategies.spec import LABEL_TASKS, StrategySpec, highest

_AT_ONCE = 20_000


def expected_gradient_length(
    probabilities: FloatArray, embeddings: FloatArray, multilabel: bool = False
) -> FloatArray:
    """How long the gradient of the last layer is expected to be: (N, K), (N, D) -> (N,).

    For the label y the gradient of the cross-entropy is (p - e_y) by [h, 1], weights and bias
    together, so its length is |p - e_y| |[h, 1]|; the mean over y under p. Each of several labels
    has a sigmoid head of its own, whose gradient is (p - y) [h, 1]: the expected lengths,
    2 p (1 - p) |[h, 1]|, are summed. Settles, Craven and Ray, "Multiple-Instance Active Learning",
    NIPS 2007 (2008).
    """
    p = probabilities.astype(np.float64)
    if multilabel:
        lengths = (2 * p * (1 - p)).sum(axis=1)
    else:
        squares = (p**2).sum(axis=1, keepdims=True) - 2 * p + 1
        lengths = (p * np.sqrt(np.maximum(squares, 0.0))).sum(axis=1)
    inputs = np.empty(len(p))
    # A part at a time: the embeddings of a large pool are a file.
    for start in range(0, len(p), _AT_ONCE):
        part = np.asarray(embeddings[start : start + _AT_ONCE], dtype=np.float32)
        inputs[start : start + _AT_ONCE] = np.sqrt(np.einsum("nd,nd->n", part, part) + 1.0)
    result: FloatArray = lengths * inputs
    return result


def egl(signals: Signals) -> FloatArray:
    """The expected gradient length of N candidates, from 0 up."""
    return expected_gradient_length(signals.probabilities, signals.embeddings, signals.multilabel)


ENTRIES: dict[str, StrategySpec] = {
    "egl": StrategySpec(
        highest(egl),
        LABEL_TASKS,
        needs=frozenset({"probabilities", "embeddings"}),
        why="whatever its label, it would change the model a lot",
        summary="longest expected gradient of the last layer (EGL)",
        source="Settles et al. 2008",
        score=egl,
        explained_by=(expected_gradient_length,),
    ),
}

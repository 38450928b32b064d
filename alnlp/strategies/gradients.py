"""BADGE: a batch whose gradients are large and differ from each other."""

from __future__ import annotations

import numpy as np

from alnlp.signals import FloatArray, Signals
from alnlp.strategies.neighbours import Floats, blocks, drawn, single, squared_lengths, too_near
from alnlp.strategies.spec import LABEL_TASKS, Indices, StrategySpec, top


def badge(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices seeded by k-means++ on the gradients of the last layer at the predicted labels.

    Ash, Zhang, Krishnamurthy, Langford and Agarwal, "Deep Batch Active Learning by Diverse,
    Uncertain Gradient Lower Bounds", ICLR 2020.
    """
    gradients = logit_gradients(signals.probabilities, multilabel=signals.multilabel)
    return seeds(gradients, single(signals.embeddings), n, rng)


def logit_gradients(probabilities: FloatArray, *, multilabel: bool = False) -> FloatArray:
    """The loss at the predicted labels derived by the logits, p - y: (N, K) -> (N, K) float64.

    y is one for the most probable class, or for each label of at least one half where the labels
    are independent, and zero elsewhere.
    """
    gradients = probabilities.astype(np.float64)
    if multilabel:
        gradients -= probabilities >= 0.5
    else:
        gradients[np.arange(len(gradients)), probabilities.argmax(axis=1)] -= 1.0
    return gradients


def seeds(gradients: FloatArray, embeddings: Floats, n: int, rng: np.random.Generator) -> Indices:
    """n places chosen by k-means++ among the outer products g_i h_i of (N, K) and (N, D).

    The first is the longest, as in the authors' code; each further one is drawn with a probability
    in proportion to its squared distance from the nearest chosen one. Where all that is left
    equals a chosen one, the rest is drawn evenly. The N x KD products are never formed:
    |g_i h_i - g_j h_j|^2 = |g_i|^2 |h_i|^2 + |g_j|^2 |h_j|^2 - 2 (g_i . g_j) (h_i . h_j).
    """
    lengths = np.einsum("ij,ij->i", gradients, gradients) * squared_lengths(embeddings)
    chosen = [int(top(lengths, 1, rng)[0])]
    nearest = np.full(len(lengths), np.inf)
    while len(chosen) < n:
        distances = _squared_distances(gradients, embeddings, lengths, chosen[-1], nearest)
        np.minimum(nearest, distances, out=nearest)
        chosen += drawn(nearest, chosen, n, rng)
    return np.array(chosen, dtype=np.int64)


def _squared_distances(
    gradients: FloatArray,
    embeddings: Floats,
    lengths: FloatArray,
    place: int,
    nearest: FloatArray,
) -> FloatArray:
    """Squared distances of all outer products to that at one place: (N,)."""
    g, h = gradients[place], embeddings[place]
    distances = lengths + lengths[place] - 2 * (gradients @ g) * (embeddings @ h)
    for rows in blocks(too_near(distances, lengths + lengths[place], nearest)):
        # g_i h_i - g h = (g_i - g) h_i + g (h_i - h), which is exactly 0 for a duplicate.
        dg, dh = gradients[rows] - g, (embeddings[rows] - h).astype(np.float64)
        distances[rows] = (
            (dg**2).sum(axis=1) * squared_lengths(embeddings[rows])
            + (g**2).sum() * (dh**2).sum(axis=1)
            + 2 * (dg @ g) * (embeddings[rows] * dh).sum(axis=1)
        )
    clipped: FloatArray = np.maximum(distances, 0, out=distances)
    return clipped


ENTRIES: dict[str, StrategySpec] = {
    "badge": StrategySpec(
        badge,
        LABEL_TASKS,
        frozenset({"probabilities", "embeddings"}),
        why="it would change the model much, and otherwise than the rest of the batch",
        summary="k-means++ seeding on gradient embeddings: unsure and different (BADGE)",
        source="Ash et al. 2020",
    ),
}

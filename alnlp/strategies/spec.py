"""What a strategy is: `(signals, n, rng) -> indices`, and how one stands in the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import StrategyError
from alnlp.signals import FloatArray, Signals, finite

Indices = NDArray[np.int64]
Strategy = Callable[[Signals, int, np.random.Generator], Indices]
SignalScore = Callable[[Signals], FloatArray]

ALL_TASKS = ("classification", "multilabel", "ner")
LABEL_TASKS = ("classification", "multilabel")

#: What a strategy may need, by name: attributes of `Signals`, and the two kinds of committee.
SIGNALS = frozenset({
    "probabilities", "scores", "embeddings", "labelled", "samples", "committee",
    "committee_models", "history", "label_embeddings", "query_embeddings", "texts", "queries",
    "seconds", "costs",
})  # fmt: skip
#: Signals that there are without a trained model: those of the pretrained network and the texts.
_WITHOUT_MODEL = {
    "embeddings", "labelled", "label_embeddings", "queries", "query_embeddings", "texts", "seconds"
}  # fmt: skip


@dataclass(frozen=True)
class StrategySpec:
    """An entry of the catalogue.

    Attributes:
        select: the strategy itself.
        tasks: the kinds of task that it serves.
        needs: the names of the attributes of `Signals` that it reads.
        why: why an example was chosen, in words for the person who labels it.
        summary: one line for the catalogue.
        source: the paper.
        score: what `select` takes the highest of, (N,) from 0 up; None where it is no score.
        variants: by kind of task, what may be written behind the name and a colon, each an entry
            of its own; the first is meant by the bare name.
        per_word: whether the score is of one word on average, whatever the length of the text.
        cold_start: the name of the strategy that chooses while there is no trained model, as soon
            as the pretrained network has read the pool.
    """

    select: Strategy
    tasks: tuple[str, ...]
    needs: frozenset[str]
    why: str
    summary: str
    source: str
    score: SignalScore | None = None
    variants: Mapping[str, Mapping[str, StrategySpec]] = field(default_factory=dict)
    per_word: bool = False
    cold_start: str = "random"

    def needs_for(self, task: str) -> frozenset[str]:
        """What it reads for a kind of task: models of labels give probabilities, taggers scores."""
        return self.needs - {"probabilities" if task == "ner" else "scores"}

    @property
    def needs_model(self) -> bool:
        """Whether it reads what only a trained model says."""
        return bool(self.needs - _WITHOUT_MODEL)


def top(scores: FloatArray, n: int, rng: np.random.Generator) -> Indices:
    """The n highest of (N,) scores, best first, ties broken at random."""
    finite(scores)
    if n < len(scores):
        threshold = np.partition(scores, -n)[-n]
        candidates = np.flatnonzero(scores >= threshold)
    else:
        candidates = np.arange(len(scores))
    # Shuffled first, then sorted stably: equal scores come out in random order.
    candidates = rng.permutation(candidates)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:n]].astype(np.int64)


def highest(score: SignalScore) -> Strategy:
    """The strategy that takes the highest values of a score."""

    def select(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
        return top(score(signals), n, rng)

    return select


def select(spec: StrategySpec, signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """At most n distinct indices below `signals.size`, checked.

    Raises:
        StrategyError: the strategy broke its contract.
    """
    n = min(n, signals.size)
    if n <= 0:
        return np.empty(0, dtype=np.int64)
    chosen = np.asarray(spec.select(signals, n, rng))
    if not (
        chosen.ndim == 1
        and len(chosen) <= n
        and np.issubdtype(chosen.dtype, np.integer)
        and len(np.unique(chosen)) == len(chosen)
        and (len(chosen) == 0 or (chosen.min() >= 0 and chosen.max() < signals.size))
    ):
        raise StrategyError(
            f"strategy: got {str(chosen)[:60]}, expected at most {n} distinct integers "
            f"from 0 to {signals.size - 1}"
        )
    return chosen.astype(np.int64)

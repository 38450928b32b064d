"""Strategies choose a batch: `(signals, n, rng) -> n distinct indices`, all in one dict.

Any callable of that signature may stand in for a name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import StrategyError
from alnlp.signals import Signals
from alnlp.strategies.scores import Score, entropy, least_confidence, margin, over_labels

Indices = NDArray[np.int64]
Strategy = Callable[[Signals, int, np.random.Generator], Indices]

ALL_TASKS = ("classification", "multilabel")


@dataclass(frozen=True)
class StrategySpec:
    """An entry of the catalogue.

    Attributes:
        select: the strategy itself.
        tasks: the kinds of task that it serves.
        needs_model: whether it reads what a trained model says.
        why: why an example was chosen, in words for the person who labels it.
        summary: one line for the catalogue.
        source: the paper.
    """

    select: Strategy
    tasks: tuple[str, ...]
    needs_model: bool
    why: str
    summary: str
    source: str


def random(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices drawn uniformly without replacement; never runs a model."""
    return rng.choice(signals.size, size=n, replace=False)


def top(scores: NDArray[np.floating], n: int, rng: np.random.Generator) -> Indices:
    """The n highest of (N,) scores, best first, ties broken at random."""
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).sum())
        raise StrategyError(
            f"scores: got {bad} of {len(scores)} that are not finite; the model's weights have "
            "probably diverged, train again with a lower learning rate"
        )
    if n < len(scores):
        threshold = np.partition(scores, -n)[-n]
        candidates = np.flatnonzero(scores >= threshold)
    else:
        candidates = np.arange(len(scores))
    # Shuffled first, then sorted stably: equal scores come out in random order.
    candidates = rng.permutation(candidates)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:n]].astype(np.int64)


def by_score(score: Score) -> Strategy:
    """The strategy that takes the highest values of a score of the probabilities."""
    averaged = over_labels(score)

    def select(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
        chosen = averaged if signals.multilabel else score
        return top(chosen(signals.probabilities), n, rng)

    return select


STRATEGIES: dict[str, StrategySpec] = {
    "random": StrategySpec(
        random,
        ALL_TASKS,
        needs_model=False,
        why="drawn at random",
        summary="a uniform draw; the line every other strategy has to beat",
        source="Lewis and Gale 1994",
    ),
    "margin": StrategySpec(
        by_score(margin),
        ALL_TASKS,
        needs_model=True,
        why="the model hesitates between two labels",
        summary="smallest gap between the two most probable labels (breaking ties)",
        source="Scheffer et al. 2001",
    ),
    "entropy": StrategySpec(
        by_score(entropy),
        ALL_TASKS,
        needs_model=True,
        why="the model spreads its belief over several labels",
        summary="largest entropy of the predicted distribution",
        source="Settles 2009",
    ),
    "least_confidence": StrategySpec(
        by_score(least_confidence),
        ALL_TASKS,
        needs_model=True,
        why="the model is least sure of its best label",
        summary="lowest probability of the most probable label",
        source="Lewis and Gale 1994",
    ),
}


def find(strategy: str | Strategy, task: str) -> tuple[str, StrategySpec]:
    """The name and entry of a strategy, given by name or as a callable.

    Raises:
        StrategyError: no such name, or one that does not serve the task.
    """
    if not isinstance(strategy, str):
        name = getattr(strategy, "__name__", type(strategy).__name__)
        return name, StrategySpec(
            strategy, (task,), needs_model=True, why=f"chosen by {name}", summary="", source=""
        )
    if strategy not in STRATEGIES:
        raise StrategyError(f"strategy: got {strategy!r}, expected one of {', '.join(STRATEGIES)}")
    spec = STRATEGIES[strategy]
    if task not in spec.tasks:
        raise StrategyError(
            f"strategy: {strategy!r} serves {', '.join(spec.tasks)}, and the task is {task!r}; "
            "`alnlp strategies` lists what serves it"
        )
    return strategy, spec


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

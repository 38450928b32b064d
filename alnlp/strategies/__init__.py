"""Strategies choose a batch: `(signals, n, rng) -> n distinct indices`, all in one dict.

Any callable of that signature may stand in for a name. Most strategies are a score, one number
per example, of which the highest are taken; `select_within` takes the highest per word instead.

For named entities a score of words becomes one of texts by a reduction, written behind the name:
`entropy:max`. See `REDUCTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import StrategyError
from alnlp.scores import Score, entropy, least_confidence, margin, over_labels
from alnlp.signals import FloatArray, IntArray, Signals, finite

Indices = NDArray[np.int64]
Strategy = Callable[[Signals, int, np.random.Generator], Indices]
SignalScore = Callable[[Signals], FloatArray]

ALL_TASKS = ("classification", "multilabel", "ner")
_COUNTED_AT_ONCE = 64

#: How the scores of the words of a text become one; the first is meant by a bare name. The mean
#: compares texts of any length fairly: the sum favours long texts, and so, less so, do the
#: maximum and the mean of the three highest. "entities" is the sum over the words that the model
#: takes for part of an entity, 0 where it sees none.
REDUCTIONS = ("mean", "max", "min", "sum", "top3", "entities")


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
        score: what `select` takes the highest of, (N,) from 0 up; None where it is no score.
        reductions: what may follow the name and a colon for ner, the default first.
        per_word: whether the score is of one word on average, whatever the length of the text.
    """

    select: Strategy
    tasks: tuple[str, ...]
    needs_model: bool
    why: str
    summary: str
    source: str
    score: SignalScore | None = None
    reductions: tuple[str, ...] = ()
    per_word: bool = False


def random(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices drawn uniformly without replacement; never runs a model."""
    return rng.choice(signals.size, size=n, replace=False)


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


def _of_labels(score: Score, *, why: str, summary: str, source: str) -> StrategySpec:
    """An entry over the probabilities of labels: those of a text, or those of each of its words."""
    averaged = over_labels(score)

    def of_texts(signals: Signals) -> FloatArray:
        return (averaged if signals.multilabel else score)(signals.probabilities)

    return StrategySpec(
        highest(of_texts), ALL_TASKS, True, why, summary, source, of_texts, REDUCTIONS
    )


def _of_sequence(
    name: str, *, why: str, summary: str, source: str, per_word: bool = False
) -> StrategySpec:
    """An entry over the probabilities of whole tag sequences, for ner."""

    def of_texts(signals: Signals) -> FloatArray:
        return signals.score_of(name)

    return StrategySpec(
        highest(of_texts), ("ner",), True, why, summary, source, of_texts, per_word=per_word
    )


STRATEGIES: dict[str, StrategySpec] = {
    "random": StrategySpec(
        random,
        ALL_TASKS,
        needs_model=False,
        why="drawn at random",
        summary="a uniform draw; the line every other strategy has to beat",
        source="Lewis and Gale 1994",
    ),
    "margin": _of_labels(
        margin,
        why="the model hesitates between two labels",
        summary="smallest gap between the two most probable labels (breaking ties)",
        source="Scheffer et al. 2001",
    ),
    "entropy": _of_labels(
        entropy,
        why="the model spreads its belief over several labels",
        summary="largest entropy of the predicted distribution",
        source="Settles 2009",
    ),
    "least_confidence": _of_labels(
        least_confidence,
        why="the model is least sure of its best label",
        summary="lowest probability of the most probable label",
        source="Lewis and Gale 1994",
    ),
    "mnlp": _of_sequence(
        "mnlp",
        why="the model is unsure of the entities of this text as a whole",
        summary="lowest log-probability of the best tag sequence, per word (MNLP)",
        source="Shen et al. 2017",
        per_word=True,
    ),
    "sequence_margin": _of_sequence(
        "sequence_margin",
        why="the model hesitates between two readings of this text",
        summary="smallest gap between the two most probable tag sequences (N-best margin)",
        source="Kim et al. 2006; Settles and Craven 2008",
    ),
    "lowest_token": _of_sequence(
        "lowest_token",
        why="the model is unsure of one word of this text",
        summary="lowest probability of a single tag of the best sequence",
        source="Marcheggiani and Artières 2014",
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
    name, colon, reduction = strategy.partition(":")
    if name not in STRATEGIES:
        raise StrategyError(f"strategy: got {strategy!r}, expected one of {', '.join(STRATEGIES)}")
    spec = STRATEGIES[name]
    if task not in spec.tasks:
        raise StrategyError(
            f"strategy: {name!r} serves {', '.join(spec.tasks)}, and the task is {task!r}; "
            "`alnlp strategies` lists what serves it"
        )
    if colon and (task != "ner" or not spec.reductions):
        reason = "it scores whole texts" if task == "ner" else f"task {task} scores no words"
        raise StrategyError(
            f"strategy: got {strategy!r}, expected {name!r} alone; {reason}, so there is nothing "
            "to reduce"
        )
    if colon and reduction not in spec.reductions:
        raise StrategyError(
            f"strategy: got {strategy!r}, expected one of {', '.join(spec.reductions)} "
            f"after {name + ':'!r}"
        )
    if task == "ner" and spec.reductions:
        spec = _reduced(spec, name, reduction or spec.reductions[0])
    return strategy, spec


def default(task: str) -> str:
    """The name of the strategy that serves a kind of task best, as far as it was measured."""
    return "mnlp" if task == "ner" else "margin"


def _reduced(spec: StrategySpec, name: str, reduction: str) -> StrategySpec:
    def score(signals: Signals) -> FloatArray:
        return signals.score_of(f"{name}:{reduction}")

    return replace(spec, select=highest(score), score=score, per_word=reduction == "mean")


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


def select_within(
    spec: StrategySpec, signals: Signals, budget: int, rng: np.random.Generator
) -> Indices:
    """Distinct indices whose `signals.costs` sum to at most `budget` words.

    A strategy that is a score is taken by its highest score per word (a mean over words is one
    already), ties at random, and an example that no longer fits is passed over. Any other strategy
    is followed in its own order up to the first example that does not fit: passing over would draw
    short texts more often, and a random draw has to stay one. Where nothing fits, the first example
    is given all the same.

    Raises:
        StrategyError: the strategy broke its contract.
    """
    # Every example costs a word at least, so no more of them than words can fit.
    n = min(budget, signals.size)
    if n <= 0:
        return np.empty(0, dtype=np.int64)
    if spec.score is None:
        order = select(spec, signals, n, rng)
        return order[: _fitting(order, signals, budget)]
    costs = signals.costs(np.arange(signals.size))
    scores = spec.score(signals)
    order = top(scores if spec.per_word else scores / costs, signals.size, rng)
    return order[_greedy(costs[order], budget)]


def _fitting(order: Indices, signals: Signals, budget: int) -> int:
    """How many examples of an order fit into the budget, one at least."""
    used = 0
    # A few at a time: to count the words of a whole pool would take long.
    for start in range(0, len(order), _COUNTED_AT_ONCE):
        for place, cost in enumerate(signals.costs(order[start : start + _COUNTED_AT_ONCE])):
            used += int(cost)
            if used > budget:
                return max(start + place, 1)
    return len(order)


def _greedy(costs: IntArray, budget: int) -> list[int]:
    """The places, in order, of what still fits into the budget; the first where nothing does."""
    places = []
    cheapest = costs.min()
    for place, cost in enumerate(costs.tolist()):
        if budget < cheapest:
            break
        if cost <= budget:
            places.append(place)
            budget -= cost
    return places or [0]

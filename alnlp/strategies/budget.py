"""A batch of so many words rather than so many texts."""

from __future__ import annotations

import numpy as np

from alnlp.signals import IntArray, Signals
from alnlp.strategies.spec import Indices, StrategySpec, select, top

_COUNTED_AT_ONCE = 64


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
        return _in_its_order(spec, signals, budget, rng)
    costs = signals.costs(np.arange(signals.size))
    scores = spec.score(signals)
    order = top(scores if spec.per_word else scores / costs, signals.size, rng)
    return order[_greedy(costs[order], budget)]


def _in_its_order(
    spec: StrategySpec, signals: Signals, budget: int, rng: np.random.Generator
) -> Indices:
    """What fits of one batch that a strategy chooses, of more texts until something is left over.

    A second batch to fill up the first would be chosen as if the first were not there.
    """
    some = rng.choice(signals.size, size=min(signals.size, _COUNTED_AT_ONCE), replace=False)
    n = max(1, round(budget / float(signals.costs(some).mean())))
    while True:
        order = select(spec, signals, min(n, signals.size), rng)
        fitting = _fitting(order, signals, budget)
        used = int(signals.costs(order).sum())
        if used >= budget or n >= signals.size:
            return order[:fitting]
        n *= 2


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

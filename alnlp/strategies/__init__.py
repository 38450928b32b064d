"""Strategies choose a batch: `(signals, n, rng) -> n distinct indices`, all in one dict.

Any callable of that signature may stand in for a name. Most strategies are a score, one number
per example, of which the highest are taken; `select_within` takes the highest per word instead.

A variant of a strategy is written behind its name: for named entities the way in which the scores
of words become one of texts (`entropy:max`), for several labels the same (`margin:max`).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection

from alnlp.errors import StrategyError
from alnlp.strategies import (
    bayesian,
    calibrated,
    cold_start,
    committee,
    contrastive,
    coverage,
    expected_change,
    gradients,
    history,
    hybrid,
    multilabel,
    rare,
    reduction,
    representative,
    uncertainty,
)
from alnlp.strategies.budget import select_within
from alnlp.strategies.spec import Indices, Strategy, StrategySpec, own, refusal, select, top
from alnlp.strategies.uncertainty import REDUCTIONS

__all__ = [
    "REDUCTIONS",
    "STRATEGIES",
    "Indices",
    "Strategy",
    "StrategySpec",
    "default",
    "find",
    "named",
    "refusal",
    "select",
    "select_within",
    "top",
]

STRATEGIES: dict[str, StrategySpec] = {
    **uncertainty.ENTRIES,
    **calibrated.ENTRIES,
    **bayesian.ENTRIES,
    **committee.ENTRIES,
    **expected_change.ENTRIES,
    **gradients.ENTRIES,
    **coverage.ENTRIES,
    **representative.ENTRIES,
    **contrastive.ENTRIES,
    **hybrid.ENTRIES,
    **reduction.ENTRIES,
    **rare.ENTRIES,
    **multilabel.ENTRIES,
    **cold_start.ENTRIES,
    **history.ENTRIES,
}


def find(strategy: str | Strategy, task: str) -> tuple[str, StrategySpec]:
    """The name and entry of a strategy, given by name or as a callable.

    A callable may say what it reads by an attribute `needs`, a set of names of signals; else it is
    given what the newest model says of each text, and embeddings.

    Raises:
        StrategyError: no such name, one that does not serve the task, or needs that nothing meets.
    """
    if not isinstance(strategy, str):
        return own(strategy, task)
    name, colon, variant = strategy.partition(":")
    serving = [known for known, spec in STRATEGIES.items() if task in spec.tasks]
    spec = named(strategy, serving)
    if task not in spec.tasks:
        raise StrategyError(
            f"strategy: {name!r} serves {', '.join(spec.tasks)}, and the task is {task!r}; "
            "`alnlp strategies` lists what serves it"
        )
    variants = spec.variants.get(task, {})
    if colon and variant not in variants:
        expected = f"one of {', '.join(variants)} after {name + ':'!r}" if variants else repr(name)
        raise StrategyError(
            f"strategy: got {strategy!r}, expected {expected}"
            + ("" if variants else f" alone; it has no variants for the task {task!r}")
        )
    if variants:
        spec = variants[variant or next(iter(variants))]
    return strategy, spec


def named(strategy: str, among: Collection[str] = tuple(STRATEGIES)) -> StrategySpec:
    """The entry of a name, whatever variant is written behind it.

    Args:
        strategy: the name.
        among: the names that are offered instead of one that is not there.

    Raises:
        StrategyError: no such name.
    """
    name = strategy.partition(":")[0]
    if name not in STRATEGIES:
        near = " or ".join(map(repr, difflib.get_close_matches(name, among)))
        hint = f" (did you mean {near}?)" if near else ""
        raise StrategyError(
            f"strategy: got {strategy!r}{hint}, expected a name that `alnlp strategies` lists"
        )
    return STRATEGIES[name]


def default(task: str) -> str:
    """The name of the strategy that serves a kind of task best, as far as it was measured.

    For entities one that is fair to texts of any length: "entropy:entities" learns more from a
    sentence, but of texts of mixed length it takes the longest, to read and to train on.
    """
    return {"ner": "mnlp", "multilabel": "margin"}.get(task, "margin_typiclust")

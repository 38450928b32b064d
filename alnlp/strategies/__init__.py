"""Strategies choose a batch: `(signals, n, rng) -> n distinct indices`, all in one dict.

Any callable of that signature may stand in for a name. Most strategies are a score, one number
per example, of which the highest are taken; `select_within` takes the highest per word instead.

A variant of a strategy is written behind its name: for named entities the way in which the scores
of words become one of texts (`entropy:max`), for several labels the same (`margin:max`).
"""

from __future__ import annotations

import difflib

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
from alnlp.strategies.spec import SIGNALS, Indices, Strategy, StrategySpec, select, top
from alnlp.strategies.uncertainty import REDUCTIONS

__all__ = [
    "REDUCTIONS",
    "STRATEGIES",
    "Indices",
    "Strategy",
    "StrategySpec",
    "default",
    "find",
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
        name = getattr(strategy, "__name__", type(strategy).__name__)
        usual = {"scores" if task == "ner" else "probabilities", "embeddings"}
        needs = frozenset(getattr(strategy, "needs", usual))
        if unknown := needs - SIGNALS:
            raise StrategyError(
                f"strategy {name}: needs {', '.join(sorted(unknown))}, expected some of "
                f"{', '.join(sorted(SIGNALS))}"
            )
        return name, StrategySpec(
            strategy,
            (task,),
            needs=needs,
            why=f"chosen by {name}",
            summary="",
            source="",
        )
    name, colon, variant = strategy.partition(":")
    if name not in STRATEGIES:
        serving = [known for known, spec in STRATEGIES.items() if task in spec.tasks]
        near = difflib.get_close_matches(name, serving, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise StrategyError(
            f"strategy: got {strategy!r}{hint}, expected one of {', '.join(serving)}"
        )
    spec = STRATEGIES[name]
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


def default(task: str) -> str:
    """The name of the strategy that serves a kind of task best, as far as it was measured.

    For entities one that is fair to texts of any length: "entropy:entities" learns more from a
    sentence, but of texts of mixed length it takes the longest, to read and to train on.
    """
    return {"ner": "mnlp", "multilabel": "margin"}.get(task, "margin_typiclust")

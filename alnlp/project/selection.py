"""Which examples come next: candidates, the strategy's choice, and what is said beside each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.project.rounds import Round
from alnlp.signals import Signals
from alnlp.strategies import STRATEGIES, Strategy, find, select
from alnlp.tasks import Answer, Task

Rows = NDArray[np.int64]
COLD_START = "random"


@dataclass(frozen=True)
class Prediction:
    """What a model says of one text.

    Attributes:
        answer: the most probable answer.
        confidence: its probability; for multilabel that of the least certain of the K decisions.
        probabilities: label name -> probability.
    """

    answer: Answer
    confidence: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class AskedExample:
    """One example of a batch.

    Attributes:
        id: its stable id.
        text: exactly as imported.
        meta: the other columns of its row.
        strategy: the strategy that chose it.
        why: the same in words for the person who labels it.
        batch: the batch that it was handed out in.
        round: the number of the model behind the suggestion, None without one.
        prediction: what that model says, None without one.
    """

    id: str
    text: str
    meta: Mapping[str, Any]
    strategy: str
    why: str
    batch: str
    round: int | None = None
    prediction: Prediction | None = None

    @property
    def suggestion(self) -> Answer | None:
        """The model's answer, None without a model."""
        return self.prediction.answer if self.prediction else None

    @property
    def confidence(self) -> float | None:
        """The probability of the suggestion, None without a model."""
        return self.prediction.confidence if self.prediction else None


@dataclass(frozen=True)
class Batch(Sequence[AskedExample]):
    """What `ask` hands out: a sequence of examples.

    Attributes:
        examples: in the order in which to label them.
        notice: one line for the person when something unusual happened, else None.
    """

    examples: tuple[AskedExample, ...] = ()
    notice: str | None = field(default=None)

    def __len__(self) -> int:
        return len(self.examples)

    @overload
    def __getitem__(self, index: int) -> AskedExample: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[AskedExample, ...]: ...
    def __getitem__(self, index: int | slice) -> AskedExample | tuple[AskedExample, ...]:
        return self.examples[index]

    def __iter__(self) -> Iterator[AskedExample]:
        return iter(self.examples)


def predictions(task: Task, probabilities: NDArray[np.floating]) -> list[Prediction]:
    """Predictions from (N, K) probabilities."""
    answers = task.decode(probabilities)
    if task.multilabel:
        certainty = np.maximum(probabilities, 1 - probabilities).min(axis=1)
    else:
        certainty = probabilities.max(axis=1)
    return [
        Prediction(
            answer,
            float(sure),
            {name: float(p) for name, p in zip(task.labels, row, strict=True)},
        )
        for answer, sure, row in zip(answers, certainty, probabilities, strict=True)
    ]


@dataclass(frozen=True)
class Choice:
    """Rows chosen for a batch, and by what."""

    rows: Rows
    strategy: str
    why: str
    notice: str | None


def choose(
    pool: Pool,
    task: Task,
    newest: Round | None,
    *,
    strategy: str | Strategy,
    n: int,
    taken: Rows,
    apart_from: Rows,
    rng: np.random.Generator,
) -> Choice:
    """At most n pool rows for a batch, no two of them near-duplicates.

    Args:
        pool: all examples.
        task: the kind of answers.
        newest: the newest round, None before the first training.
        strategy: a name or a callable.
        n: how many to choose.
        taken: rows that must not be chosen: answered, skipped or leased.
        apart_from: rows whose near-duplicates must not be chosen: the rest of the same batch.
        rng: of every random draw.
    """
    name, spec = find(strategy, task.kind)
    candidates = _candidates(pool, taken, apart_from, rng)
    notice = None
    if spec.needs_model:
        if newest is None or not newest.is_scored:
            notice = "no model has been trained yet: this batch is drawn at random"
        else:
            positions = newest.positions(candidates)
            if (positions >= 0).any():
                candidates = candidates[positions >= 0]
            elif len(candidates):
                notice = "the newest model has not seen these examples: drawn at random"
        if notice:
            name, spec = COLD_START, STRATEGIES[COLD_START]
    chosen = select(spec, _signals(task, newest, candidates), n, rng)
    if not len(candidates) and len(np.unique(taken)) < len(pool):
        notice = "a short batch: all other examples are near-duplicates of these"
    return Choice(candidates[chosen], name, spec.why, notice)


def _candidates(pool: Pool, taken: Rows, apart_from: Rows, rng: np.random.Generator) -> Rows:
    """Free rows in ascending order, one drawn at random from each group of near-duplicates."""
    free = np.ones(len(pool), dtype=bool)
    free[taken] = False
    if len(apart_from):
        free &= ~np.isin(pool.groups, pool.groups[apart_from])
    rows = np.flatnonzero(free)
    groups = pool.groups[rows]
    alone = np.bincount(groups, minlength=1)[groups] == 1 if len(groups) else free[:0]
    crowded = rng.permutation(rows[~alone])
    _, first = np.unique(pool.groups[crowded], return_index=True)
    return np.sort(np.concatenate([rows[alone], crowded[first]]))


def _signals(task: Task, newest: Round | None, rows: Rows) -> Signals:
    if newest is None or not newest.is_scored:
        return Signals(len(rows), multilabel=task.multilabel)
    scored = newest
    return Signals(
        len(rows),
        load_probabilities=lambda: np.asarray(scored.probabilities[scored.positions(rows)]),
        load_embeddings=lambda: np.asarray(scored.embeddings[scored.positions(rows)]),
        multilabel=task.multilabel,
    )

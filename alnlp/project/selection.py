"""Which examples come next: candidates, the strategy's choice, and what is said beside each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.data.words import Words
from alnlp.errors import ProjectError
from alnlp.project.candidates import WITHOUT_NETWORK, Known, available, signals
from alnlp.project.kept import KeptSignals
from alnlp.project.readout import Prediction
from alnlp.strategies import (
    STRATEGIES,
    Strategy,
    StrategySpec,
    find,
    refusal,
    select,
    select_within,
)
from alnlp.strategies.neighbours import subset
from alnlp.tasks import Answer, Task

Rows = NDArray[np.int64]
COLD_START = "random"
#: What starts in a strategy's place looks at so many texts, drawn at random, until there are so
#: many answers: the first batches have to be there at once, and a model comes soon.
_STARTS_AMONG, _STARTS_UNTIL = 2_000, 100


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
        words: for ner, where each word of the text starts and ends; empty otherwise.
        blind: whether the suggestion is to be withheld from the annotator, see
            `Settings.blind_share`; None where nothing is drawn.
    """

    id: str
    text: str
    meta: Mapping[str, Any]
    strategy: str
    why: str
    batch: str
    round: int | None = None
    prediction: Prediction | None = None
    words: Words = field(default_factory=list)
    blind: bool | None = None

    @property
    def shown(self) -> Prediction | None:
        """What the annotator may be told of the prediction."""
        return None if self.blind else self.prediction

    @property
    def suggestion(self) -> Answer | None:
        """The model's answer, None without a model or where it is withheld."""
        return self.shown.answer if self.shown else None

    @property
    def confidence(self) -> float | None:
        """The probability of the suggestion, None without one."""
        return self.shown.confidence if self.shown else None


@dataclass(frozen=True)
class Batch(Sequence[AskedExample]):
    """What `ask` hands out: a sequence of examples.

    Attributes:
        examples: in the order in which to label them.
        notice: one line for the person when something unusual happened or nothing is left, else
            None.
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


@dataclass(frozen=True)
class Amount:
    """How much a batch may hold: so many texts, or texts of so many words together."""

    texts: int | None
    tokens: int | None = None

    @staticmethod
    def of(n: object, tokens: object, usual: int, task: Task) -> Amount:
        """The amount that a caller asked for; `usual` texts where they named none.

        Raises:
            ProjectError: both or senseless numbers, or words asked of a task that has none.
        """
        if tokens is not None and (n is not None or not task.spans):
            raise ProjectError(
                f"ask: got tokens = {tokens!r}, expected n instead: "
                + ("one of both counts" if task.spans else f"task {task.kind} counts texts")
            )
        for name, value in (("n", n), ("tokens", tokens)):
            if value is not None and (type(value) is not int or value < 1):
                raise ProjectError(
                    f"ask: got {name} = {value!r}, expected a whole number of at least 1"
                )
        if tokens is not None:
            return Amount(None, cast(int, tokens))
        return Amount(usual if n is None else cast(int, n))

    def left(self, pool: Pool, mine: Rows) -> int:
        """How many texts, or words, are left beside those that a batch holds already."""
        if self.texts is not None:
            return max(0, self.texts - len(mine))
        return max(0, (self.tokens or 0) - sum(len(pool.words(row)) for row in mine.tolist()))


@dataclass(frozen=True)
class Choice:
    """Rows chosen for a batch, and by what; whether there was nothing left to choose from."""

    rows: Rows
    strategy: str
    why: str
    notice: str | None
    exhausted: bool = False


def choose(
    pool: Pool,
    task: Task,
    kept: KeptSignals | None,
    known: Known,
    *,
    strategy: str | Strategy,
    amount: Amount,
    taken: Rows,
    mine: Rows,
    rng: np.random.Generator,
) -> Choice:
    """Pool rows that fill a batch up, no two of them near-duplicates.

    Args:
        pool: all examples.
        task: the kind of answers.
        kept: the newest round; before the first, what the pretrained network says, or None.
        known: of answers and searches.
        strategy: a name or a callable.
        amount: how much the whole batch may hold.
        taken: rows that must not be chosen: answered, skipped or leased.
        mine: rows that the batch holds already, whose near-duplicates must not be chosen either.
        rng: of every random draw.
    """
    asked, wanted = find(strategy, task.kind)
    name, spec = _able(asked, wanted, task, kept, known)
    everything = np.arange(len(pool))
    candidates, notice = everything[:0], None
    needs = spec.needs_for(task.kind)
    if not needs - WITHOUT_NETWORK:
        candidates = _candidates(pool, everything, taken, mine, rng)
    elif kept is None or not kept.is_scored:
        notice = "no model has read the texts yet: this batch is drawn at random"
    elif needs - available(task, kept, known):
        notice = (
            f"nothing has been prepared for the strategy {name} yet: this batch is drawn at "
            "random; the next training prepares it"
        )
    else:
        candidates = _candidates(pool, kept.rows, taken, mine, rng)
        if name != asked:
            candidates = candidates[subset(len(candidates), _STARTS_AMONG, rng)]
        if not len(candidates):
            notice = "the newest model has not seen these examples: drawn at random"
    if notice:
        name, spec = COLD_START, STRATEGIES[COLD_START]
        candidates = _candidates(pool, everything, taken, mine, rng)
    seen = signals(pool, task, kept, candidates, known)
    left = amount.left(pool, mine)
    if amount.texts is not None:
        chosen = select(spec, seen, left, rng)
    else:
        chosen = select_within(spec, seen, left, rng) if left > 0 else np.empty(0, np.int64)
        if len(mine) and seen.costs(chosen).sum() > left:
            chosen = chosen[:0]  # only a batch of one may exceed the budget
    if len(candidates) and not len(chosen) and not len(mine):
        raise refusal([], left, len(candidates))  # what fills a batch up may be nothing
    if not len(candidates):
        notice = None
    if not len(candidates) and len(np.unique(taken)) < len(pool):
        notice = "a short batch: all other examples are near-duplicates of these"
    return Choice(candidates[chosen], name, spec.why, notice, not len(candidates))


def _able(
    name: str, spec: StrategySpec, task: Task, kept: KeptSignals | None, known: Known
) -> tuple[str, StrategySpec]:
    """The strategy, or the one that starts in its place while there is no model."""
    there, first = available(task, kept, known), STRATEGIES[spec.cold_start]
    able = not spec.needs_for(task.kind) - there
    begun = spec.cold_start == COLD_START or len(known.answers) >= _STARTS_UNTIL
    if able or begun or first.needs_for(task.kind) - there:
        return name, spec
    return spec.cold_start, first


def _candidates(pool: Pool, among: Rows, taken: Rows, mine: Rows, rng: np.random.Generator) -> Rows:
    """Free rows in ascending order, one drawn at random from each group of near-duplicates.

    `among` are ascending rows that may be chosen at all, such as those that a model has read.
    """
    free = np.zeros(len(pool), dtype=bool)
    free[among] = True
    free[taken] = False
    if len(mine):
        free &= ~np.isin(pool.groups, pool.groups[mine])
    rows = np.flatnonzero(free)
    groups = pool.groups[rows]
    alone = np.bincount(groups, minlength=1)[groups] == 1 if len(groups) else free[:0]
    crowded = rng.permutation(rows[~alone])
    _, first = np.unique(pool.groups[crowded], return_index=True)
    return np.sort(np.concatenate([rows[alone], crowded[first]]))

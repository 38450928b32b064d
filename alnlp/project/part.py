"""Which part of a large pool a round reads, so that the next batch does not wait for all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alnlp.project.advising import stop_rows
from alnlp.project.candidates import Known, signals
from alnlp.strategies.spec import top
from alnlp.strategies.uncertainty import unsure

if TYPE_CHECKING:
    from alnlp.project.training import Plan

Rows = NDArray[np.int64]


def of(plan: Plan) -> Rows:
    """Ascending unlabelled rows, as many as the settings allow.

    Half of a part are the texts that the round before was least sure of; the others are drawn at
    random, so that each text gets its turn. What the audit sample is drawn from is read at random
    alone, and the stop set always.
    """
    rows, limit = plan.unlabelled, plan.settings.score_limit
    if len(rows) <= limit:
        return rows
    rng = np.random.default_rng([plan.settings.seed, plan.seq])
    steady = stop_rows(plan.pool, rows)[:limit]
    doubtful = _doubtful(plan, np.setdiff1d(rows, steady), (limit - len(steady)) // 2, rng)
    rest = np.setdiff1d(rows, np.concatenate([steady, doubtful]))
    drawn = rng.permutation(rest)[: limit - len(steady) - len(doubtful)]
    return np.sort(np.concatenate([steady, doubtful, drawn]))


def _doubtful(plan: Plan, rows: Rows, n: int, rng: np.random.Generator) -> Rows:
    """The n rows that the round before was least sure of; none where it has not read any."""
    before = plan.previous
    if before is None or not before.is_scored or before.label_names != list(plan.task.labels):
        return rows[:0]
    known = rows[(before.positions(rows) >= 0) & ~np.isin(rows, plan.reserved)]
    said = signals(plan.pool, plan.task, before, known, Known({}, dict))
    return known[top(unsure(said), min(n, len(known)), rng)]

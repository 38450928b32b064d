"""What the next round will learn from, score and keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from alnlp.data.spans import SpanAnswer, looked_at
from alnlp.project import browsing, training
from alnlp.project.answering import UNDO
from alnlp.project.selection import COLD_START
from alnlp.store import Ledger
from alnlp.tasks import Answer

if TYPE_CHECKING:
    from alnlp.project.state import State

#: Recorded where a strategy would be, of what none has asked for.
_NOBODYS = (browsing.SEARCH, UNDO)


def plan(
    state: State, ledger: Ledger, score: bool, strategy: str, needs: frozenset[str]
) -> training.Plan:
    """What the next round will train on, score, and keep for the strategy."""
    newest, answers = state.newest_round, state.taught(ledger)
    rows = state.pool.rows(list(answers))
    order = np.argsort(rows)
    said = list(answers.values())
    audited, audit_answers = state.audited(ledger)
    asked = _asked(ledger, answers)
    free = np.ones(len(state.pool), dtype=bool)
    free[state.pool.rows(list(state.labels(ledger)))] = free[state.held_out] = False
    return training.Plan(
        folder=state.folder,
        task=state.task,
        settings=state.settings,
        pool=state.pool,
        test=state.test,
        rows=rows[order],
        answers=[said[place] for place in order.tolist()],
        asked=state.pool.rows(asked),
        asked_answers=[answers[i] for i in asked],
        unlabelled=np.flatnonzero(free),
        audited=audited,
        audit_answers=audit_answers,
        reserved=state.reserved(ledger),
        strategy=strategy,
        needs=needs,
        score=score,
        previous=newest,
        seq=ledger.seq,
        agreement=browsing.agreement(ledger, newest.number) if newest else None,
        spent=_spent(state, ledger, answers),
    )


def _spent(state: State, ledger: Ledger, answers: Mapping[str, Answer]) -> dict[str, float]:
    """What the answers cost: seconds of the annotators, and for ner words looked at."""
    given = ledger.answers()
    seconds = [event.seconds for i in answers for event in given[i].values()]
    spent = {"seconds": round(sum(s or 0.0 for s in seconds), 1)} if any(seconds) else {}
    if state.task.spans:
        rows = state.pool.rows(list(answers)).tolist()
        said = cast(Iterable[SpanAnswer], answers.values())
        spent["tokens"] = sum(map(looked_at, map(state.pool.words, rows), said))
    return spent


def _asked(ledger: Ledger, ids: Iterable[str]) -> list[str]:
    """Of some answered examples those that a strategy has chosen, the earliest first.

    With what nobody was asked for no strategy is recorded.
    """
    given = ledger.answers()
    first: list[tuple[int, str, str]] = []
    for i in ids:
        asked = [
            (event.seq, i, event.strategy)
            for event in given[i].values()
            if event.bulk is None and event.strategy and event.strategy not in _NOBODYS
        ]
        if asked:
            first.append(min(asked))
    return [i for _, i, strategy in sorted(first) if strategy != COLD_START]

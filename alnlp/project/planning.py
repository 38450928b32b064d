"""What the next round will learn from, score and keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from alnlp.data.spans import SpanAnswer, looked_at
from alnlp.project import browsing, training
from alnlp.project.creating import IMPORTED
from alnlp.store import Ledger
from alnlp.tasks import Answer

if TYPE_CHECKING:
    from alnlp.project.state import State


def plan(
    state: State, ledger: Ledger, score: bool, strategy: str, needs: frozenset[str]
) -> training.Plan:
    """What the next round will train on, score, and keep for the strategy."""
    newest, answers = state.newest_round, state.taught(ledger)
    rows = state.pool.rows(list(answers))
    order = np.argsort(rows)
    said = list(answers.values())
    audited, audit_answers = state.audited(ledger)
    asked = _in_order(ledger, answers)
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


def _in_order(ledger: Ledger, ids: Iterable[str]) -> list[str]:
    """Those of some answered examples that a strategy has asked for, the earliest first."""
    given = ledger.answers()
    first: dict[str, int] = {}
    for i in ids:
        asked = [
            event.seq
            for by, event in given[i].items()
            if by != IMPORTED and event.bulk is None and event.strategy != browsing.SEARCH
        ]
        if asked:
            first[i] = min(asked)
    return sorted(first, key=first.__getitem__)

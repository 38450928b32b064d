"""Looking at what is there: search, earlier answers, agreement; and checking what comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Example, Pool
from alnlp.errors import DataError
from alnlp.project.readout import Prediction
from alnlp.store import Event, Ledger, NewEvent
from alnlp.tasks import Task

Which = Literal["all", "answered", "unanswered", "flagged"]
_RECENT = 50


@dataclass(frozen=True)
class Found:
    """An example with all that is known about it.

    Attributes:
        example: the text and its other columns.
        answers: annotator -> the label event that counts.
        prediction: what the newest model says; None where it was not scored.
        flagged: whether somebody marked it for discussion.
        comments: annotator -> their comment.
    """

    example: Example
    answers: Mapping[str, Event]
    prediction: Prediction | None
    flagged: bool
    comments: Mapping[str, str]


@dataclass(frozen=True)
class Answered:
    """An example and what its annotator did with it: a "label" or "skip" event."""

    example: Example
    event: Event


def checked(event: NewEvent, task: Task, pool: Pool) -> NewEvent:
    """The event with its answer in canonical form; DataError where pool or task do not know it."""
    if event.example_id not in pool:
        raise DataError(
            f"example id: got {event.example_id!r:.60}, which is not in the pool; "
            "use the ids of the examples that ask() returned"
        )
    if event.kind != "label":
        return event
    text = pool[pool.row(event.example_id)].text if task.spans else None
    suggestion = None if event.suggestion is None else task.check(event.suggestion, text)
    return replace(event, answer=task.check(event.answer, text), suggestion=suggestion)


def found(
    pool: Pool, ledger: Ledger, rows: NDArray[np.int64], said: Sequence[Prediction | None]
) -> list[Found]:
    """All that is known about some rows."""
    answers, flagged = ledger.answers(), ledger.flagged
    result = []
    for row, prediction in zip(rows.tolist(), said, strict=True):
        example = pool[row]
        comments = {by: event.comment or "" for by, event in ledger.comments(example.id).items()}
        result.append(
            Found(example, answers.get(example.id, {}), prediction, example.id in flagged, comments)
        )
    return result


def matching(
    pool: Pool, task: Task, ledger: Ledger, query: str, which: Which, label: str | None
) -> NDArray[np.int64]:
    """(M,) rows whose text has every word of the query, and that pass the filters."""
    if which == "unanswered":
        free = np.ones(len(pool), dtype=bool)
        free[pool.rows(list(ledger.labels()))] = False
        rows = np.flatnonzero(free)
    elif which == "all":
        rows = np.arange(len(pool))
    else:
        ids = ledger.labels() if which == "answered" else ledger.flagged
        rows = np.sort(pool.rows(list(ids)))
    if label is not None:
        carry = [i for i, answer in ledger.labels().items() if label in task.names(answer)]
        rows = np.intersect1d(rows, pool.rows(carry))
    words = query.casefold().split()
    if not words:
        return rows
    texts = pool.texts(rows)
    return rows[[all(word in text.casefold() for word in words) for text in texts]]


def answers_since(ledger: Ledger, seq: int) -> int:
    """How many answers that count are newer than an event."""
    return sum(event.seq > seq for by in ledger.answers().values() for event in by.values())


def agreement(ledger: Ledger, of_round: int | None = None) -> dict[str, float] | None:
    """How often people kept the suggestion they were shown, over their newest answers.

    Args:
        ledger: the annotations.
        of_round: only suggestions by the model of this round; of all rounds where None.
    """
    events = (event for by in ledger.answers().values() for event in by.values())
    shown = [
        event
        for event in events
        if event.suggestion is not None and of_round in (None, event.round)
    ]
    shown = sorted(shown, key=lambda event: event.seq)[-_RECENT:]
    if not shown:
        return None
    kept = sum(_kept(event) for event in shown)
    return {"share": kept / len(shown), "n": len(shown)}


def _kept(event: Event) -> bool:
    """Whether the answer is what was suggested; of spans, within what was looked at."""
    answer, suggestion = event.answer, event.suggestion
    if not isinstance(answer, dict) or not isinstance(suggestion, dict):
        return answer == suggestion
    seen = answer.get("confirmed")
    return answer["spans"] == [
        span
        for span in suggestion["spans"]
        if seen is None or any(a <= span["start"] and span["end"] <= b for a, b in seen)
    ]

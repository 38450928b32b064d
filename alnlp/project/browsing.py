"""Looking at what is there: filters, earlier answers, agreement; and checking what comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Example, Pool
from alnlp.errors import DataError
from alnlp.project.readout import Prediction
from alnlp.store import Event, Ledger, NewEvent
from alnlp.tasks import Task

Which = Literal["all", "answered", "unanswered", "flagged"]
#: The strategy of what was found by a search, as answers and leases name it.
SEARCH = "search"
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
        hits: where the words of a search stand in the text, as offsets (start, end).
        blind: whether the prediction is to be withheld from those who are still to answer.
    """

    example: Example
    answers: Mapping[str, Event]
    prediction: Prediction | None
    flagged: bool
    comments: Mapping[str, str]
    hits: Sequence[tuple[int, int]] = ()
    blind: bool = False


@dataclass(frozen=True)
class Answered:
    """An example and what its annotator did with it.

    Attributes:
        example: the text and its other columns.
        event: a "label" or "skip".
        together: how many answers one undo takes back with this one, itself among them.
    """

    example: Example
    event: Event
    together: int = 1


def checked(event: NewEvent, task: Task, pool: Pool) -> NewEvent:
    """The event with its answer in canonical form; DataError where pool or task do not know it."""
    if event.example_id not in pool:
        raise DataError(
            f"example id: got {event.example_id!r:.60}, which is not in the pool; "
            "use the ids of the examples that ask() returned"
        )
    if event.kind not in ("label", "confirm"):
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


def passing(
    pool: Pool, task: Task, ledger: Ledger, which: Which, label: str | None
) -> NDArray[np.int64]:
    """(M,) ascending rows that pass the filters."""
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
    return rows


def answers_since(ledger: Ledger, seq: int) -> int:
    """How many answers that count are newer than an event."""
    return ledger.labels_since(seq)


def agreement(ledger: Ledger, of_round: int | None = None) -> dict[str, float] | None:
    """How often people kept the suggestion they were shown, over their newest answers.

    Args:
        ledger: the annotations.
        of_round: only suggestions by the model of this round; of all rounds where None.
    """
    shown = (
        event
        for event in ledger.newest_labels()
        if event.suggestion is not None and not event.blind and of_round in (None, event.round)
    )
    kept = [accepted(event) for event in islice(shown, _RECENT)]
    if not kept:
        return None
    return {"share": sum(kept) / len(kept), "n": len(kept)}


def accepted(event: Event) -> bool:
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

"""The rows of the store as values: annotation events and leases."""

from __future__ import annotations

import json
import math
import uuid
from dataclasses import dataclass, field
from typing import Literal, get_args

from alnlp.errors import DataError
from alnlp.tasks import Answer

EventKind = Literal[
    "label", "skip", "flag", "unflag", "comment", "undo", "redo", "confirm", "unconfirm"
]
KINDS: tuple[EventKind, ...] = get_args(EventKind)

#: The kinds that settle an example for an annotator, and the only ones that can be undone.
ANSWERS: frozenset[EventKind] = frozenset({"label", "skip"})


def _new_uid() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """One action of one annotator on one example, not stored yet.

    Attributes:
        example_id: the example acted on.
        annotator: who acted.
        kind: "label" and "skip" are answers; "undo" and "redo" act on an earlier answer; "confirm"
            says of an answer under suspicion that it is right, so that it counts whatever others
            say, "unconfirm" takes that back.
        answer: the labels, for "label" and "confirm" alone.
        target: for "undo" and "redo" alone, the uid of the answer that is undone or redone.
        comment: free text; for "comment" an empty text takes the earlier one back.
        suggestion: what the model proposed when the example was shown, or would have proposed.
        confidence: the model's probability for its suggestion, 0 to 1.
        strategy: the strategy that chose the example.
        round: the training round whose model made the suggestion.
        seconds: the time from showing the example to the answer.
        blind: whether the suggestion was withheld, where that was drawn by lot; None elsewhere.
        bulk: of answers given in one go, the name that they share; to undo one of them undoes all.
        uid: made by the client; sending the same uid again stores nothing twice.
    """

    example_id: str
    annotator: str
    kind: EventKind
    answer: Answer | None = None
    target: str | None = None
    comment: str | None = None
    suggestion: Answer | None = None
    confidence: float | None = None
    strategy: str | None = None
    round: int | None = None
    seconds: float | None = None
    blind: bool | None = None
    bulk: str | None = None
    uid: str = field(default_factory=_new_uid)

    def check(self) -> None:
        """Refuse an event that could not be stored or folded.

        Raises:
            DataError: names the field, what was got and what was expected.
        """
        if self.kind not in KINDS:
            raise DataError(f"event kind: got {self.kind!r}, expected one of {', '.join(KINDS)}")
        for name in ("uid", "example_id", "annotator"):
            check_text(name, getattr(self, name))
        for name in ("target", "comment", "strategy", "bulk"):
            if getattr(self, name) is not None:
                check_text(name, getattr(self, name), empty=name == "comment")
        self._check_belongs("answer", self.kind in ("label", "confirm"))
        self._check_belongs("target", self.kind in ("undo", "redo"))
        if self.bulk is not None and self.kind not in ANSWERS:
            raise DataError(f"event of kind {self.kind}: got an unexpected bulk, expected none")
        if self.kind == "comment" and self.comment is None:
            raise DataError("event of kind comment: got no comment, expected a text")
        for name in ("answer", "suggestion"):
            check_json(name, getattr(self, name))
        for name in ("confidence", "seconds"):
            _check_number(name, getattr(self, name))
        if self.confidence is not None and self.confidence > 1:
            raise DataError(f"confidence: got {self.confidence!r}, expected 0 to 1")
        if self.blind is not None and type(self.blind) is not bool:
            raise DataError(f"blind: got {self.blind!r}, expected true, false or nothing")
        if self.round is not None and type(self.round) is not int:
            raise DataError(f"round: got {self.round!r}, expected an int")

    def _check_belongs(self, name: str, belongs: bool) -> None:
        if (getattr(self, name) is not None) != belongs:
            got, expected = ("no", "one") if belongs else ("an unexpected", "none")
            raise DataError(f"event of kind {self.kind}: got {got} {name}, expected {expected}")


@dataclass(frozen=True, kw_only=True)
class Event(NewEvent):
    """An event as stored.

    Attributes:
        seq: its place in the one order of all events; 1, 2, 3, ... without gaps.
        created_at: when it was stored, UTC, ISO 8601.
    """

    seq: int
    created_at: str

    def says(self, other: NewEvent) -> bool:
        """Whether `other` is the same action, so that sending it again changes nothing."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("example_id", "annotator", "kind", "answer", "target", "comment")
        )


@dataclass(frozen=True)
class LeaseRequest:
    """An example that a strategy wants an annotator to see, and why.

    Attributes:
        example_id: the example.
        reason: why it was chosen, in words for the annotator.
        strategy: the strategy that chose it.
    """

    example_id: str
    reason: str = ""
    strategy: str = ""


@dataclass(frozen=True)
class Lease:
    """An example reserved for one annotator until a moment.

    Attributes:
        example_id: the example; no two live leases share one.
        annotator: for whom it is reserved.
        batch: the batch it was handed out in.
        position: its rank among the requests of that batch, from 0.
        reason: why it was chosen, in words for the annotator.
        strategy: the strategy that chose it.
        created_at: when it was granted, UTC, ISO 8601.
        expires_at: from when on anybody may take it over, UTC, ISO 8601.
    """

    example_id: str
    annotator: str
    batch: str
    position: int
    reason: str
    strategy: str
    created_at: str
    expires_at: str


def check_text(name: str, value: object, *, empty: bool = False) -> None:
    """Refuse what SQLite could not keep as text, or an empty text where a name is due."""
    if not isinstance(value, str) or not (value.strip() or empty):
        raise DataError(f"{name}: got {value!r}, expected a text that is not empty")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise DataError(f"{name}: got {ascii(value)[:80]}, expected valid Unicode without NUL")


def check_json(name: str, value: object) -> None:
    """Refuse a value that would not come back from JSON as it went in."""
    try:
        same = json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise DataError(f"{name}: got {ascii(value)[:80]}, expected JSON values (text, lists, ...)")


def _check_number(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, float | int) or not math.isfinite(value) or value < 0:
        raise DataError(f"{name}: got {value!r}, expected a number that is not negative")

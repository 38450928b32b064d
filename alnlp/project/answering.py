"""What people say about examples of a project: answers, skips and flags, taken back and again."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from alnlp.data import Pool
from alnlp.project import browsing
from alnlp.project.browsing import Answered
from alnlp.project.settings import Settings
from alnlp.project.state import State
from alnlp.store import Event, LeaseRequest, NewEvent, Store
from alnlp.tasks import Answer, Task

#: The strategy of what an undo has brought back, as leases name it.
UNDO = "undo"
#: Why such an example is asked about.
BROUGHT_BACK = "brought back by undo"


class Answering:
    """The part of a project that records what people say; see `Project`."""

    _store: Store
    _state: State

    @property
    def pool(self) -> Pool:
        """All examples, labelled or not."""
        return self._state.pool

    @property
    def task(self) -> Task:
        """The kind of answers, and the labels of this moment."""
        return self._state.task

    @property
    def settings(self) -> Settings:
        """The settings of this moment."""
        return self._state.settings

    def tell(
        self, answers: Mapping[str, Answer], *, annotator: str = "me", bulk: bool = False
    ) -> list[Event]:
        """Record answers by example id; partial, late and repeated answers are all fine.

        When it returns, the answers are on disk. The newest answer of an annotator counts; of
        several annotators, what one has confirmed on a second look, else what most of them say.

        Args:
            answers: by example id.
            annotator: whose.
            bulk: whether one `undo` is to take all of them back.

        Raises:
            DataError: an id that the pool does not hold, or a label outside the label set; then
                nothing was recorded.
        """
        name = uuid.uuid4().hex if bulk else None
        asked = {lease.example_id: lease.strategy for lease in self._store.leases(annotator)}
        return self.record(
            [
                NewEvent(
                    example_id=i,
                    annotator=annotator,
                    kind="label",
                    answer=a,
                    strategy=asked.get(i),
                    bulk=name,
                )
                for i, a in answers.items()
            ]
        )

    def skip(self, example_ids: Sequence[str], *, annotator: str = "me") -> list[Event]:
        """Do not ask this annotator for these examples again; they are not trained on."""
        return self.record(
            [NewEvent(example_id=i, annotator=annotator, kind="skip") for i in example_ids]
        )

    def flag(
        self, example_id: str, *, annotator: str = "me", comment: str | None = None
    ) -> list[Event]:
        """Mark an example for discussion; it keeps its answer."""
        events = [NewEvent(example_id=example_id, annotator=annotator, kind="flag")]
        if comment:
            events.append(replace(events[0], kind="comment", comment=comment, uid=uuid.uuid4().hex))
        return self.record(events)

    def undo(self, *, annotator: str = "me") -> Event | None:
        """Take back the annotator's newest answer or skip, or all answers given in bulk with it.

        Returns:
            What was taken back, the newest of a bulk; None when there is nothing left.
        """
        return self._step_back("undo", annotator)

    def redo(self, *, annotator: str = "me") -> Event | None:
        """Bring back what was undone last; None when there is nothing to bring back."""
        return self._step_back("redo", annotator)

    def record(self, events: Sequence[NewEvent]) -> list[Event]:
        """Record events of any kind: all of them, on disk, or none.

        An event whose `uid` is known already is not recorded again, so replaying is harmless. An
        undone example is reserved for its annotator again, unless it was answered in bulk or
        another answer of theirs stands on it.

        Raises:
            DataError: as for `tell`.
        """
        task = self.task
        checked = [browsing.checked(event, task, self.pool) for event in events]
        recorded = self._store.append(checked)
        for event in recorded:
            if event.kind == "undo" and self._is_open(event):
                request = LeaseRequest(event.example_id, BROUGHT_BACK, UNDO)
                seconds = self.settings.lease_hours * 3600
                self._store.lease([request], event.annotator, uuid.uuid4().hex, seconds)
        return recorded

    def _is_open(self, undo: Event) -> bool:
        """Whether its example is without an answer now, and it was not taken back in bulk."""
        with self._state.refreshed() as ledger:
            answer = ledger.by_uid(undo.target or "")
            if answer is not None and len(ledger.together(answer)) > 1:
                return False
            return ledger.answer(undo.example_id, undo.annotator) is None

    def release(self, annotator: str = "me", keep: Collection[str] = ()) -> int:
        """Give back what an annotator has not answered, but for `keep`; how many."""
        return self._store.release(annotator, keep)

    def settled(self, example_ids: Sequence[str], *, annotator: str = "me") -> list[str]:
        """Those of some examples that the annotator has answered or skipped."""
        with self._state.refreshed() as ledger:
            return [i for i in example_ids if ledger.answer(i, annotator) is not None]

    def lost(self, example_ids: Sequence[str], *, annotator: str = "me") -> list[str]:
        """Those of some examples that the annotator holds no longer and has not answered.

        Somebody else has them by now, or has answered them.
        """
        held = {lease.example_id for lease in self._store.leases(annotator)}
        settled = set(self.settled(example_ids, annotator=annotator))
        return [i for i in example_ids if i not in held | settled]

    def answers_since(self, seq: int) -> tuple[int, int]:
        """How many answers that count are newer than an event, and the newest event's number."""
        with self._state.refreshed() as ledger:
            return browsing.answers_since(ledger, seq), ledger.seq

    def undoable(self, annotator: str = "me", limit: int = 50) -> list[Answered]:
        """What `undo` would take back, one after the other."""
        with self._state.refreshed() as ledger:
            return self._state.answered(ledger, ledger.undoable(annotator, limit))

    def redoable(self, annotator: str = "me", limit: int = 50) -> list[Answered]:
        """What `redo` would bring back, one after the other."""
        with self._state.refreshed() as ledger:
            return self._state.answered(ledger, ledger.redoable(annotator, limit))

    def _step_back(self, kind: Literal["undo", "redo"], annotator: str) -> Event | None:
        with self._state.refreshed() as ledger:
            last = ledger.last_undoable if kind == "undo" else ledger.last_redoable
            target = last(annotator)
            if target is None:
                return None
            self.record(
                [
                    NewEvent(
                        example_id=target.example_id,
                        annotator=annotator,
                        kind=kind,
                        target=target.uid,
                    )
                ]
            )
            return target

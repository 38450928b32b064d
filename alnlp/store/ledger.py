"""The present state of the annotations, folded from the events one by one."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from itertools import islice
from operator import attrgetter

from alnlp.errors import StoreError
from alnlp.store.records import Event
from alnlp.tasks import Answer

_by_seq = attrgetter("seq")


class Ledger:
    """Who says what about which example now.

    The present answer of an annotator on an example is the newest "label" or "skip" that is not
    undone. Feed it with `ledger.apply(store.events(after=ledger.seq))`; each event is folded in
    once, in time that does not grow with the history. What the methods return is a copy that
    later events leave alone. Not safe for threads that apply at once.

    Attributes:
        seq: the seq of the newest event folded in; 0 at the start.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.seq = 0
        self._by_uid: dict[str, Event] = {}
        self._undone: set[str] = set()
        # Answers given in one go: annotator and bulk -> its answers, in order of seq.
        self._bulks: dict[tuple[str, str], list[Event]] = {}
        # Answers not undone, in order of seq: the last one is the present one.
        self._standing: dict[tuple[str, str], list[Event]] = {}
        self._undo: dict[str, list[Event]] = {}
        self._redo: dict[str, list[Event]] = {}
        # Inner dicts are replaced, never changed, so that a shallow copy is a snapshot.
        self._answers: dict[str, dict[str, Event]] = {}
        self._skipped: dict[str, set[str]] = {}
        self._labels: dict[str, Answer] = {}
        self._flagged: dict[str, Event] = {}
        # Confirmations not taken back, in order of seq: the last one is the present one.
        self._confirmations: dict[str, list[Event]] = {}
        self._comments: dict[str, dict[str, Event]] = {}
        self.apply(events)

    def apply(self, events: Iterable[Event]) -> None:
        """Fold in events in order of seq; those folded in before are passed over.

        Raises:
            StoreError: an event between the newest known one and these is missing.
        """
        for event in events:
            if event.seq <= self.seq:
                continue
            if event.seq != self.seq + 1:
                raise StoreError(
                    f"ledger: got event {event.seq} after {self.seq}, expected {self.seq + 1}; "
                    f"apply store.events(after={self.seq})"
                )
            self._fold(event)
            self.seq = event.seq

    # What annotators say

    def answers(self) -> dict[str, dict[str, Event]]:
        """The present labels: example id -> annotator -> "label" event."""
        return dict(self._answers)

    def answer(self, example_id: str, annotator: str) -> Event | None:
        """The annotator's present answer on the example, a "label" or a "skip"."""
        standing = self._standing.get((example_id, annotator))
        return standing[-1] if standing else None

    def newest_labels(self) -> Iterator[Event]:
        """The present "label" events, newest first; to be read before the next `apply`.

        The first ones come at once, however many there are.
        """
        answers = merge(*map(reversed, self._undo.values()), key=_by_seq, reverse=True)
        return filter(self._is_present_label, answers)

    def labels_since(self, seq: int) -> int:
        """How many present "label" events are above a seq, in time that grows with these alone."""
        newer = (on[bisect_right(on, seq, key=_by_seq) :] for on in self._undo.values())
        return sum(self._is_present_label(event) for some in newer for event in some)

    def _is_present_label(self, event: Event) -> bool:
        return event.kind == "label" and self.answer(event.example_id, event.annotator) is event

    def said(self) -> list[Event]:
        """Every "label" and "skip", those replaced or undone as well, in order of seq."""
        return list(self._by_uid.values())

    def skipped(self, annotator: str) -> set[str]:
        """The ids of the examples whose present answer by the annotator is "skip"."""
        return set(self._skipped.get(annotator, ()))

    def all_skipped(self) -> set[str]:
        """The ids of the examples that somebody skips at present."""
        return set().union(*self._skipped.values())

    @property
    def flagged(self) -> dict[str, Event]:
        """The flagged examples: id -> "flag" event. The newest flag or unflag of anybody counts."""
        return dict(self._flagged)

    @property
    def confirmed(self) -> dict[str, Event]:
        """The examples whose answer was found right on a second look: id -> "confirm" event.

        Of several, the newest one counts; "unconfirm" takes the annotator's own newest one back.
        """
        return {i: given[-1] for i, given in self._confirmations.items()}

    def comments(self, example_id: str) -> dict[str, Event]:
        """The newest comment of each annotator on the example, emptied ones left out."""
        return dict(self._comments.get(example_id, {}))

    # What they say together

    def label_of(self, example_id: str) -> Answer | None:
        """The answer that somebody confirmed on a second look, else the one most annotators gave.

        A confirmation counts while anybody gives this answer, and until who confirmed it gives
        another one. Answers are compared whole; of several as frequent, the newest given counts.
        """
        return self._labels.get(example_id)

    def labels(self) -> dict[str, Answer]:
        """`label_of` for every labelled example."""
        return dict(self._labels)

    def answer_counts(self) -> Counter[str]:
        """How many examples each annotator has labelled or skipped at present."""
        return Counter(annotator for (_, annotator), on in self._standing.items() if on)

    # Undo and redo

    def by_uid(self, uid: str) -> Event | None:
        """The answer with this uid, undone or not."""
        return self._by_uid.get(uid)

    def together(self, answer: Event) -> list[Event]:
        """The answers that one undo takes back with this one, itself among them."""
        if answer.bulk is None:
            return [answer]
        return list(self._bulks.get((answer.annotator, answer.bulk), [answer]))

    def undoable(self, annotator: str, limit: int | None = None) -> list[Event]:
        """The annotator's answers that are not undone, newest first; see `together`."""
        return list(islice(reversed(self._undo.get(annotator, ())), limit))

    def redoable(self, annotator: str, limit: int | None = None) -> list[Event]:
        """The answers undone since the annotator's last new one, the one undone last first."""
        return list(islice(reversed(self._redo.get(annotator, ())), limit))

    def last_undoable(self, annotator: str) -> Event | None:
        """The first of `undoable`, if any."""
        return next(iter(self.undoable(annotator, 1)), None)

    def last_redoable(self, annotator: str) -> Event | None:
        """The first of `redoable`, if any."""
        return next(iter(self.redoable(annotator, 1)), None)

    # Folding

    def _fold(self, event: Event) -> None:
        match event.kind:
            case "label" | "skip":
                self._by_uid[event.uid] = event
                if event.bulk is not None:
                    self._bulks.setdefault((event.annotator, event.bulk), []).append(event)
                self._redo.pop(event.annotator, None)
                self._stand(event)
            case "undo" | "redo":
                self._fold_reversal(event)
            case "flag":
                self._flagged[event.example_id] = event
            case "unflag":
                self._flagged.pop(event.example_id, None)
            case "confirm":
                self._confirmations.setdefault(event.example_id, []).append(event)
                self._settle(event.example_id)
            case "unconfirm":
                self._unconfirm(event)
            case "comment":
                self._comments[event.example_id] = _with(
                    self._comments.get(event.example_id, {}),
                    event.annotator,
                    event if event.comment else None,
                )

    def _fold_reversal(self, event: Event) -> None:
        target = self._by_uid.get(event.target or "")
        if target is None or target.annotator != event.annotator:
            return
        undo = event.kind == "undo"
        changed = [one for one in self.together(target) if (one.uid in self._undone) != undo]
        redo = self._redo.setdefault(target.annotator, [])
        if undo:
            self._undone.update(one.uid for one in changed)
            redo.extend(changed)
        else:
            self._undone.difference_update(one.uid for one in changed)
            redo[:] = [one for one in redo if one.uid in self._undone]
        for answer in changed:
            (self._fall if undo else self._stand)(answer)

    def _unconfirm(self, event: Event) -> None:
        given = self._confirmations.get(event.example_id, [])
        own = [place for place, one in enumerate(given) if one.annotator == event.annotator]
        if own:
            del given[own[-1]]
            if not given:
                del self._confirmations[event.example_id]
            self._settle(event.example_id)

    def _stand(self, answer: Event) -> None:
        key = (answer.example_id, answer.annotator)
        insort(self._standing.setdefault(key, []), answer, key=_by_seq)
        insort(self._undo.setdefault(answer.annotator, []), answer, key=_by_seq)
        self._refresh(*key)

    def _fall(self, answer: Event) -> None:
        key = (answer.example_id, answer.annotator)
        for ordered in (self._standing[key], self._undo[answer.annotator]):
            del ordered[bisect_left(ordered, answer.seq, key=_by_seq)]
        self._refresh(*key)

    def _refresh(self, example_id: str, annotator: str) -> None:
        present = self.answer(example_id, annotator)
        skipped = self._skipped.setdefault(annotator, set())
        if present is not None and present.kind == "skip":
            skipped.add(example_id)
        else:
            skipped.discard(example_id)
        label = present if present is not None and present.kind == "label" else None
        answers = _with(self._answers.get(example_id, {}), annotator, label)
        if answers:
            self._answers[example_id] = answers
        else:
            self._answers.pop(example_id, None)
        self._settle(example_id)

    def _settle(self, example_id: str) -> None:
        answers = self._answers.get(example_id)
        if not answers:
            self._labels.pop(example_id, None)
            return
        confirmed = next(reversed(self._confirmations.get(example_id, [])), None)
        if confirmed is not None and confirmed.answer is not None and _holds(confirmed, answers):
            self._labels[example_id] = confirmed.answer
        else:
            self._labels[example_id] = _majority(answers.values())


def _with(events: Mapping[str, Event], annotator: str, event: Event | None) -> dict[str, Event]:
    rest = {name: other for name, other in events.items() if name != annotator}
    return rest if event is None else {**rest, annotator: event}


def _holds(confirmed: Event, answers: Mapping[str, Event]) -> bool:
    """Whether anybody gives the confirmed answer, and who confirmed it has given no other since."""
    own = answers.get(confirmed.annotator)
    if own is not None and own.seq > confirmed.seq and own.answer != confirmed.answer:
        return False
    return any(event.answer == confirmed.answer for event in answers.values())


def _majority(answers: Iterable[Event]) -> Answer:
    votes: dict[str, list[Event]] = {}
    for event in answers:
        votes.setdefault(json.dumps(event.answer), []).append(event)
    winners = max(votes.values(), key=lambda given: (len(given), max(map(_by_seq, given))))
    answer = winners[0].answer
    assert answer is not None
    return answer

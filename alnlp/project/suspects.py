"""The answers of a project that are probably wrong, for a person to look at again."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Example
from alnlp.data.wording import Stretches, differing
from alnlp.project import doubts
from alnlp.project.cold import ColdStart
from alnlp.project.creating import IMPORTED
from alnlp.project.doubts import Doubt, Kind, Known
from alnlp.project.readout import cooled
from alnlp.project.state import State
from alnlp.store import Event
from alnlp.suspicion import FEWEST
from alnlp.tasks import Answer

Rows = NDArray[np.int64]
Standing = Mapping[str, Event]

WORDS_ALONE = (
    "Judged by their words alone: more errors are found once the texts have been read by the "
    "pretrained network."
)
TOO_FEW = f"Label errors are looked for as soon as two labels have {FEWEST} answers each."


@dataclass(frozen=True)
class Counterpart:
    """A near-duplicate that is answered otherwise.

    Attributes:
        example: the other example.
        given: its answer.
        here: where the doubted text has other words, as (start, end) in code points.
        there: where this one has.
    """

    example: Example
    given: Answer
    here: Stretches
    there: Stretches


@dataclass(frozen=True)
class Suspect:
    """An answer that is probably wrong.

    Attributes:
        kind: "label" (the other answers speak against it), "contradiction" (near-duplicates are
            answered otherwise), "disagreement" (annotators differ), "span" (the same words are
            marked otherwise elsewhere, or a model is sure of a mark).
        example: the example.
        given: the answer that counts now.
        answers: what each annotator says.
        proposed: what to answer instead.
        score: how probably the answer is wrong, 0 to 1.
        reason: what speaks against it, in a sentence.
        others: for a contradiction, the near-duplicates, the most alike first.
    """

    kind: Kind
    example: Example
    given: Answer
    answers: Mapping[str, Answer]
    proposed: Answer
    score: float
    reason: str
    others: tuple[Counterpart, ...] = ()


@dataclass(frozen=True)
class Suspects(Sequence[Suspect]):
    """What `suspects` lists: a sequence, the most probable errors first.

    Attributes:
        found: those listed.
        total: how many there are in all.
        notice: what keeps more from being found, None if nothing does.
        by_words: whether embeddings would find more, see `Project.prepare`.
    """

    found: tuple[Suspect, ...]
    total: int
    notice: str | None = None
    by_words: bool = False

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, index: int) -> Suspect: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Suspect, ...]: ...
    def __getitem__(self, index: int | slice) -> Suspect | tuple[Suspect, ...]:
        return self.found[index]


@dataclass(frozen=True)
class _Look:
    """The state of a project at the moment of a look, so that nobody has to wait for it."""

    ids: list[str]
    rows: Rows
    known: Known
    standing: list[Standing]
    confirmed: Mapping[str, Event]
    cold: ColdStart | None


@dataclass(frozen=True)
class _Judged:
    """What takes seconds to find, kept until an answer changes."""

    key: object
    wrong: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    doubts: list[Doubt]
    pairs: list[tuple[int, int]]


class Inbox:
    """The suspicious answers of a project, looked for anew when answers have changed.

    Only what lies on disk is read, so that this may be asked in a server: torch is never loaded.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._judged: _Judged | None = None

    def suspects(self, limit: int) -> Suspects:
        """The `limit` most probable errors that nobody has confirmed as they are."""
        look = self._look()
        with self._lock:  # who asks meanwhile waits for the same result
            judged = self._judge(look)
        found = sorted(_listed(look, judged), key=lambda doubt: (-doubt.score, doubt.place))
        by_words = look.cold is None and not look.known.task.spans
        notice = WORDS_ALONE if by_words else None
        if not look.known.task.spans and not _enough(look.known):
            notice, by_words = TOO_FEW, False
        made = tuple(self._suspect(look, doubt) for doubt in found[:limit])
        return Suspects(made, len(found), notice, by_words)

    def _look(self) -> _Look:
        state = self._state
        cold = ColdStart.of(state.folder, state.settings)
        with state.refreshed() as ledger:
            task, pool, labels = state.task, state.pool, state.labels(ledger)
            given, confirmed = ledger.answers(), ledger.confirmed
        answered = list(labels)
        rows = pool.rows(answered)
        order = np.argsort(rows)
        ids = [answered[place] for place in order.tolist()]
        rows = rows[order]
        words = [pool.words(row) for row in rows.tolist()] if task.spans else []
        answers = [labels[i] for i in ids]
        known = Known(task, pool.texts(rows), answers, pool.groups[rows], words)
        return _Look(ids, rows, known, [given[i] for i in ids], confirmed, cold)

    def _judge(self, look: _Look) -> _Judged:
        known, newest = look.known, self._state.newest_round
        key = look.ids, known.answers, known.task, newest and newest.number, look.cold is None
        if self._judged is not None and self._judged.key == key:
            return self._judged
        nothing = np.zeros(len(look.ids))
        if not look.ids:
            made = _Judged(key, nothing, None, [], [])
        elif known.task.spans:
            found = doubts.span_doubts(known, self._state.predicted(look.rows))
            made = _Judged(key, nothing, None, found, doubts.contradictions(known))
        else:
            said = doubts.judged(known, _embeddings(look), self._honest(look))
            pairs = doubts.contradictions(known)
            made = _Judged(key, said.wrong, said.probabilities, list(said.doubts), pairs)
        self._judged = made
        return made

    def _honest(self, look: _Look) -> NDArray[np.float64] | None:
        """What the newest round said of texts before they were answered, nan for others.

        It has scored only what had no answer then, so it has learnt from none of these.
        """
        newest, labels = self._state.newest_round, look.known.task.labels
        if newest is None or not newest.is_scored or "probabilities" not in newest.arrays:
            return None
        places = newest.positions(look.rows)
        there = np.flatnonzero(places >= 0)
        if not len(there) or newest.label_names != list(labels):
            return None
        said = np.full((len(look.rows), len(labels)), np.nan)
        read = np.asarray(newest.arrays["probabilities"][places[there]])
        said[there] = cooled(look.known.task, read, newest.temperature)
        return said

    def _suspect(self, look: _Look, doubt: Doubt) -> Suspect:
        pool, known, place = self._state.pool, look.known, doubt.place
        others = []
        for other in doubt.others:
            here, there = differing(known.texts[place], known.texts[other])
            example = pool[int(look.rows[other])]
            others.append(Counterpart(example, known.answers[other], here, there))
        said = {by: event.answer for by, event in look.standing[place].items()}
        return Suspect(
            doubt.kind,
            pool[int(look.rows[place])],
            known.answers[place],
            {by: answer for by, answer in said.items() if answer is not None},
            doubt.proposed,
            round(doubt.score, 4),
            doubt.reason,
            tuple(others),
        )


def _enough(known: Known) -> bool:
    counts = Counter(name for answer in known.answers for name in known.task.names(answer))
    return sum(n >= FEWEST for n in counts.values()) >= 2


def _embeddings(look: _Look) -> NDArray[np.floating] | None:
    if look.cold is None:
        return None
    kept, places = look.cold.arrays["embeddings"], look.cold.positions(look.rows)
    known = np.zeros((len(places), kept.shape[1]), np.float32)
    known[places >= 0] = kept[places[places >= 0]]
    return known


def _listed(look: _Look, judged: _Judged) -> Iterable[Doubt]:
    """One doubt about each example at most; what people say of each other's answers comes first."""
    found: dict[int, Doubt] = {}
    open_pairs = [pair for pair in judged.pairs if not _settled(look, pair)]
    beside: set[int] = set()  # what to think of these is seen once they have been compared
    for centre, others in doubts.stars(open_pairs, judged.wrong):
        found[centre] = doubts.contradiction(look.known, centre, others)
        beside.update(others)
    taken = found.keys() | beside
    for doubt in [*_disagreements(look, judged), *judged.doubts]:
        if doubt.place not in taken and not _settled(look, [doubt.place]):
            found[doubt.place] = doubt
    return found.values()


def _settled(look: _Look, places: Iterable[int]) -> bool:
    """Whether each of some answers was confirmed after all of them had been given."""
    places = list(places)
    newest = max(event.seq for place in places for event in look.standing[place].values())
    for place in places:
        confirmed = look.confirmed.get(look.ids[place])
        said = [event.answer for event in look.standing[place].values()]
        if confirmed is None or confirmed.seq < newest or confirmed.answer not in said:
            return False
    return True


def _disagreements(look: _Look, judged: _Judged) -> Iterable[Doubt]:
    """Examples that people have answered differently; what came in a file is overridden."""
    for place, standing in enumerate(look.standing):
        people = {by: event for by, event in standing.items() if by != IMPORTED}
        votes = Counter(json.dumps(event.answer) for event in people.values())
        if len(votes) < 2:
            continue
        score = 1 - votes.most_common(1)[0][1] / len(people)
        reason = f"{len(people)} people gave {len(votes)} different answers."
        proposed = _likeliest(look, judged, place, people)
        yield Doubt("disagreement", place, proposed, score, reason)


def _likeliest(look: _Look, judged: _Judged, place: int, people: Standing) -> Answer:
    """Of the answers given, the most probable one where that is known; else the one that counts."""
    task, counts = look.known.task, look.known.answers[place]
    if task.kind != "classification" or judged.probabilities is None:
        return counts
    said = judged.probabilities[place]
    given = {str(event.answer) for event in people.values()}
    return max(sorted(given), key=lambda name: said[task.labels.index(name)])

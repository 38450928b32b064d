"""The present state of a project folder: pool, annotations and newest round, read under a lock."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.errors import ProjectError
from alnlp.project import audit, bias, browsing, learning, rounds
from alnlp.project.browsing import Answered, Found
from alnlp.project.candidates import Known, available
from alnlp.project.cold import ColdStart
from alnlp.project.creating import IMPORTED
from alnlp.project.kept import KeptSignals
from alnlp.project.readout import Prediction, predictions
from alnlp.project.rounds import Round
from alnlp.project.selection import AskedExample
from alnlp.project.settings import Settings
from alnlp.store import Event, Lease, Ledger, Store
from alnlp.tasks import Answer, Task

if TYPE_CHECKING:
    from alnlp.project.learning import Model

Rows = NDArray[np.int64]
#: The key in the store of the ids that were handed out for the audit sample.
_DRAWN = "audited"


class State:
    """What a project folder holds now; `Project` is its public face.

    Attributes:
        folder: the project's folder.
        store: its store.
        pool: all examples; replaced when examples are added.
        test: held-out examples with gold labels.
        held_out: pool rows that are in the test set as well, never asked or trained on.
        lock: guards everything that is read in several steps.
        asking: held while examples are chosen and handed out.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.test = Pool.open(folder / "test")
        self.lock = threading.RLock()
        self.asking = threading.Lock()
        self._ledger = Ledger()
        self._newest: Round | None = None
        self._model: tuple[int, Model] | None = None
        self._reserve: tuple[object, Rows] | None = None
        self._lots: tuple[object, NDArray[np.uint64]] | None = None
        self.reopen()

    def reopen(self) -> None:
        """Read the pool anew, with what was imported since."""
        with self.lock:
            self.pool = Pool.open(self.folder / "pool")
            self.held_out = np.flatnonzero(np.isin(self.pool.id_numbers, self.test.id_numbers))

    @property
    def uid(self) -> str:
        """A name that no other project has, whatever its folder is called."""
        known = self.store.get("uid")
        return str(known or self.store.change("uid", lambda uid: uid or uuid.uuid4().hex))

    @property
    def task(self) -> Task:
        """The kind of answers, and the labels of this moment."""
        stored = self.store.get("task")
        return Task.from_json(stored)

    @property
    def settings(self) -> Settings:
        """The settings of this moment."""
        return Settings.of(self.store.get("settings"))

    @property
    def newest_round(self) -> Round | None:
        """The newest finished round, None before the first training."""
        folder = self.folder / "rounds"
        with self.lock:
            number = rounds.newest_number(folder)
            while number != (self._newest.number if self._newest else 0):
                self._newest = Round.read(folder / f"{number:04d}") if number else None
                try:
                    if self._newest:
                        self._newest.open_signals()
                except FileNotFoundError:  # pruned in this moment, so that a newer one is there
                    self._newest = None
                number = rounds.newest_number(folder)
            return self._newest

    def kept(self) -> KeptSignals | None:
        """What strategies choose by: the newest round, or what the pretrained network says."""
        newest = self.newest_round
        if newest is not None and newest.is_scored:
            return newest
        return ColdStart.of(self.folder, self.settings)

    def lacks(self, needs: frozenset[str]) -> bool:
        """Whether some of the signals that a strategy needs were not kept."""
        known = Known({}, dict, self.settings.queries)
        return bool(needs - available(self.task, self.kept(), known))

    def need_round(self) -> Round:
        """The newest finished round; ProjectError before the first training."""
        newest = self.newest_round
        if newest is None:
            raise ProjectError(
                f"{self.folder.name}: no model has been trained yet; label some examples, then "
                f"run: alnlp train {self.folder}"
            )
        return newest

    def model(self) -> Model:
        """The newest model, loaded once a round."""
        newest = self.need_round()
        with self.lock:
            if self._model is None or self._model[0] != newest.number:
                self._model = newest.number, learning.load_model(self.task, newest.folder)
            return self._model[1]

    @contextmanager
    def refreshed(self) -> Iterator[Ledger]:
        """The present state of the annotations, with all that other processes have written.

        The pool is refreshed as well, and after the annotations: an import adds examples first and
        answers to them afterwards, so every answer finds its example.
        """
        with self.lock:
            self._ledger.apply(self.store.events(after=self._ledger.seq))
            if not self.pool.is_current():
                self.reopen()
            yield self._ledger

    def labels(self, ledger: Ledger) -> dict[str, Answer]:
        """The answers that count: all but those to examples of the test set."""
        held_out = {self.pool.ids[row] for row in self.held_out.tolist()}
        return {i: answer for i, answer in ledger.labels().items() if i not in held_out}

    def reserved(self, ledger: Ledger) -> Rows:
        """The rows reserved for the audit sample, in the order in which they are asked for.

        What came with its answer was no random draw, and is trained on.
        """
        settings = self.settings
        share, seed = settings.audit_share, settings.seed
        if not share:
            return np.empty(0, np.int64)
        key = (ledger.seq, len(self.pool), share, seed)
        if self._reserve is None or self._reserve[0] != key:
            given = [i for i, by in ledger.answers().items() if IMPORTED in by]
            apart = np.concatenate([self.pool.rows(given), self.held_out])
            if self._lots is None or self._lots[0] != (len(self.pool), seed):
                self._lots = (len(self.pool), seed), audit.lots(self.pool, seed)
            rows = audit.reserved(self._lots[1], share)
            self._reserve = key, rows[~np.isin(rows, apart)]
        return self._reserve[1]

    def drawn(self, ledger: Ledger) -> Rows:
        """What is reserved, as far as it was asked for."""
        reserved = self.reserved(ledger)
        asked = np.flatnonzero(np.isin(reserved, self.pool.rows(self.store.get(_DRAWN, []))))
        return reserved[: asked[-1] + 1] if len(asked) else reserved[:0]

    def draw(self, rows: Rows) -> None:
        """Remember that rows were asked for as part of the audit sample."""
        ids = [self.pool.ids[row] for row in rows.tolist()]
        self.store.change(_DRAWN, lambda known: [*(known or []), *ids])

    def taught(self, ledger: Ledger) -> dict[str, Answer]:
        """The answers to train on: all but those that the model is measured by."""
        answers = self.labels(ledger)
        apart = np.isin(self.pool.rows(list(answers)), self.reserved(ledger)).tolist()
        return {i: said for (i, said), kept in zip(answers.items(), apart, strict=True) if not kept}

    def audited(self, ledger: Ledger) -> tuple[Rows, list[Answer]]:
        """The audit sample: rows and answers, but for texts that were looked at in part only."""
        answers = ledger.labels()
        known = [
            (row, answers[i])
            for row in self.drawn(ledger).tolist()
            if (i := self.pool.ids[row]) in answers and not _in_part(answers[i])
        ]
        return np.array([row for row, _ in known], np.int64), [answer for _, answer in known]

    def unjudged(self, ledger: Ledger) -> int:
        """How many were asked for as part of the audit sample and have been skipped."""
        drawn = {self.pool.ids[row] for row in self.drawn(ledger).tolist()}
        return len((drawn & ledger.all_skipped()) - ledger.labels().keys())

    def is_begun(self) -> bool:
        """Whether anybody but a file has answered or skipped an example."""
        with self.refreshed() as ledger:
            return bool({*ledger.labels(), *ledger.all_skipped()} - _imported(ledger))

    def summary(self) -> dict[str, Any]:
        """Counts and figures for a person, as JSON-able values."""
        with self.refreshed() as ledger:
            newest, task, answers = self.newest_round, self.task, self.labels(ledger)
            audited = self.audited(ledger)[0]
            kept = self.kept()
            counts = Counter(name for answer in answers.values() for name in task.names(answer))
            return {
                "task": task.kind,
                "labels": list(task.labels),
                "model": newest.model if newest else self.settings.model,
                "strategy": self.settings.strategy,
                "pool": len(self.pool) - len(self.held_out),
                "test": len(self.test),
                "labelled": len(answers),
                "per_label": {name: counts[name] for name in task.labels},
                "skipped": len(ledger.all_skipped()),
                "flagged": len(ledger.flagged),
                "round": newest.number if newest else 0,
                "read_by": kept.reader if kept else None,
                "since_round": browsing.answers_since(ledger, newest.seq if newest else 0),
                "batch_size": self.settings.batch_size,
                "metrics": newest.metrics if newest else {},
                "tested": newest.tested if newest else {},
                "audited": len(audited),
                "audit_skipped": self.unjudged(ledger),
                "audit": newest.audit if newest else {},
                "agreement": browsing.agreement(ledger),
            }

    def asked(self, leases: Sequence[Lease]) -> Iterator[AskedExample]:
        """The leased examples with what the newest model says of them."""
        rows = self.pool.rows([lease.example_id for lease in leases])
        newest, task = self.newest_round, self.task
        with self.refreshed() as ledger:
            whole = np.isin(rows, self.reserved(ledger)).tolist()
        blind = self.blind([lease.example_id for lease in leases])
        told = zip(leases, rows.tolist(), self.predicted(rows), whole, blind, strict=True)
        for lease, row, said, is_whole, is_blind in told:
            example = self.pool[row]
            if said and (is_whole or is_blind):  # the part that a model is sure of counts as well
                said = replace(said, unsure=())
            yield AskedExample(
                example.id,
                example.text,
                example.meta,
                strategy=lease.strategy,
                why=lease.reason,
                batch=lease.batch,
                round=newest.number if newest and said else None,
                prediction=said,
                words=self.pool.words(row) if task.spans else [],
                blind=is_blind if said else None,
            )

    def blind(self, example_ids: Sequence[str]) -> list[bool | None]:
        """Whether suggestions are withheld on some examples; None where nothing is drawn."""
        share = self.settings.blind_share
        if not share:
            return [None] * len(example_ids)
        return [bias.is_blind(self.uid, example, share) for example in example_ids]

    def predicted(self, rows: NDArray[np.int64]) -> list[Prediction | None]:
        """What the newest model says of pool rows; None where it has not scored them."""
        newest = self.newest_round
        said: list[Prediction | None] = [None] * len(rows)
        if newest is None or not newest.is_scored:
            return said
        positions = newest.positions(rows)
        known = np.flatnonzero(positions >= 0)
        task = self.task.with_labels(newest.label_names)
        read = predictions(task, newest.arrays, positions[known], newest.temperature)
        for place, prediction in zip(known.tolist(), read, strict=True):
            said[place] = prediction
        return said

    def found(self, ledger: Ledger, rows: NDArray[np.int64]) -> list[Found]:
        """All that is known about pool rows."""
        items = browsing.found(self.pool, ledger, rows, self.predicted(rows))
        blind = self.blind([item.example.id for item in items])
        return [replace(item, blind=bool(one)) for item, one in zip(items, blind, strict=True)]

    def answered(self, ledger: Ledger, events: Sequence[Event]) -> list[Answered]:
        """The events with their examples."""
        rows = self.pool.rows([event.example_id for event in events]).tolist()
        return [
            Answered(self.pool[row], event, len(ledger.together(event)))
            for row, event in zip(rows, events, strict=True)
        ]


def _in_part(answer: Answer) -> bool:
    """Whether somebody has looked at some words of a text only."""
    return isinstance(answer, Mapping) and "confirmed" in answer


def _imported(ledger: Ledger) -> set[str]:
    """The ids of the examples that nobody but a file has answered."""
    return {i for i, by in ledger.answers().items() if set(by) == {IMPORTED}}

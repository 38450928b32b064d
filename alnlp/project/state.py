"""The present state of a project folder: pool, annotations and newest round, read under a lock."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.data.spans import SpanAnswer, looked_at
from alnlp.errors import ProjectError
from alnlp.project import audit, bias, browsing, learning, rounds, training
from alnlp.project.browsing import Answered, Found
from alnlp.project.candidates import Known, available
from alnlp.project.cold import ColdStart
from alnlp.project.creating import IMPORTED
from alnlp.project.kept import KeptSignals
from alnlp.project.readout import Prediction, predictions
from alnlp.project.rounds import Round
from alnlp.project.selection import Amount, AskedExample, Choice, choose
from alnlp.project.settings import Settings
from alnlp.store import Event, Lease, LeaseRequest, Ledger, Store
from alnlp.strategies import Strategy
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
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.test = Pool.open(folder / "test")
        self.lock = threading.RLock()
        self._asking = threading.Lock()
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
            if (i := self.pool.ids[row]) in answers and "confirmed" not in answers[i]
        ]
        return np.array([row for row, _ in known], np.int64), [answer for _, answer in known]

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
                "audited": len(audited),
                "audit": newest.audit if newest else {},
                "agreement": browsing.agreement(ledger),
            }

    def open_leases(self, annotator: str) -> list[Lease]:
        """What the annotator was given and has to answer still; the rest is given back.

        What they found by a search and wanted to be asked about comes first, the newest search
        before earlier ones.

        Given back is what somebody has answered meanwhile, and what is a near-duplicate of a lease
        that is newer, such as one that an undo has brought back.
        """
        mine = self.store.leases(annotator)
        with self.refreshed() as ledger:
            answered = ledger.labels()
            unanswered = [lease for lease in mine if lease.example_id not in answered]
            rows = self.pool.rows([lease.example_id for lease in unanswered])
            newest = dict(zip(self.pool.groups[rows].tolist(), unanswered, strict=True))
        kept = [lease for lease in unanswered if lease in newest.values()]
        if len(kept) < len(mine):
            self.store.release(annotator, keep=[lease.example_id for lease in kept])
        searched = [lease for lease in kept if lease.strategy == browsing.SEARCH]
        searched.sort(key=lambda lease: lease.created_at, reverse=True)
        return searched + [lease for lease in kept if lease.strategy != browsing.SEARCH]

    def hand_out(
        self, amount: Amount, annotator: str, strategy: str | Strategy | None
    ) -> tuple[list[Lease], int, str | None]:
        """What the annotator holds, filled up by the strategy; how many are fresh; a notice."""
        ttl = self.settings.lease_hours * 3600
        notice = None
        with self._asking:
            mine = self.open_leases(annotator)
            held = len(mine[: amount.texts])
            while amount.texts is None or len(mine) < amount.texts:
                choice = self.choose(mine, amount, annotator, strategy)
                notice = choice.notice or notice
                if not len(choice.rows):
                    break
                requests = [
                    LeaseRequest(self.pool.ids[row], choice.why, choice.strategy)
                    for row in choice.rows.tolist()
                ]
                granted = self.store.lease(requests, annotator, uuid.uuid4().hex, ttl)
                # Another process may have been faster with some of them: then ask for the rest.
                mine = self.open_leases(annotator)
                if amount.tokens is not None and len(granted) == len(requests):
                    break  # a budget is hardly ever used up to the last word
            self.store.renew(annotator, ttl)
            handed = mine[: amount.texts]
            return handed, len(handed) - held, notice

    def choose(
        self,
        mine: Sequence[Lease],
        amount: Amount,
        annotator: str,
        strategy: str | Strategy | None,
    ) -> Choice:
        """What the strategy takes for this annotator, besides what `mine` holds already."""
        # Leases are read before answers: an answer ends its lease, so what is answered in between
        # is seen at least once.
        leased = [lease.example_id for lease in self.store.leases()]
        settings, newest, kept = self.settings, self.newest_round, self.kept()
        with self.refreshed() as ledger:
            pool, known = self.pool, self._known(ledger, settings)
            answered = [*ledger.labels(), *ledger.skipped(annotator), *leased]
            entropy = [settings.seed, newest.number if newest else 0, ledger.seq, len(leased)]
            taken = np.concatenate([pool.rows(answered), self.held_out])
            said = {*ledger.labels(), *ledger.all_skipped()} - _unasked(ledger)
            asked = pool.rows(said.union(leased))
            reserved, drawn = self.reserved(ledger), self.drawn(ledger)
        rng = np.random.default_rng(entropy)
        held = pool.rows([lease.example_id for lease in mine])
        free = audit.apart(pool, reserved[~np.isin(reserved, taken)], held)
        left = amount.left(pool, held)
        more = left if amount.tokens is None else audit.texts_in(pool, free, left)
        for_audit = free[: audit.due(settings.audit_share, asked, drawn, more)]
        if amount.tokens is not None and len(held):  # only a batch of one may exceed the budget
            words = np.cumsum([len(pool.words(row)) for row in for_audit.tolist()])
            for_audit = for_audit[words <= left]
        # A choice may take seconds, so nobody has to wait for it.
        chosen = choose(
            pool,
            self.task,
            kept,
            known,
            strategy=settings.strategy if strategy is None else strategy,
            amount=amount,
            taken=np.concatenate([taken, reserved]),
            mine=np.concatenate([held, for_audit]),
            rng=rng,
        )
        if chosen.exhausted:
            for_audit = free[:more]
        if not len(for_audit):
            return chosen
        self._draw(for_audit)
        return replace(chosen, rows=rng.permutation(np.concatenate([chosen.rows, for_audit])))

    def _draw(self, rows: Rows) -> None:
        """Remember that rows were asked for as part of the audit sample."""
        ids = [self.pool.ids[row] for row in rows.tolist()]
        self.store.change(_DRAWN, lambda known: [*(known or []), *ids])

    def _known(self, ledger: Ledger, settings: Settings) -> Known:
        """What strategies may know beside what a model says."""
        answers = self.taught(ledger)
        rows = dict(zip(answers, self.pool.rows(list(answers)).tolist(), strict=True))
        given = ledger.answers()

        def seconds() -> dict[int, float]:
            return {
                row: float(np.median(timed))
                for example, row in rows.items()
                if (timed := [event.seconds for event in given[example].values() if event.seconds])
            }

        return Known({rows[i]: said for i, said in answers.items()}, seconds, settings.queries)

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

    def plan(
        self, ledger: Ledger, score: bool, strategy: str, needs: frozenset[str]
    ) -> training.Plan:
        """What the next round will train on, score, and keep for the strategy."""
        newest, answers = self.newest_round, self.taught(ledger)
        rows = self.pool.rows(list(answers))
        order = np.argsort(rows)
        said = list(answers.values())
        audited, audit_answers = self.audited(ledger)
        asked = _in_order(ledger, answers)
        free = np.ones(len(self.pool), dtype=bool)
        free[self.pool.rows(list(self.labels(ledger)))] = free[self.held_out] = False
        return training.Plan(
            folder=self.folder,
            task=self.task,
            settings=self.settings,
            pool=self.pool,
            test=self.test,
            rows=rows[order],
            answers=[said[place] for place in order.tolist()],
            asked=self.pool.rows(asked),
            asked_answers=[answers[i] for i in asked],
            unlabelled=np.flatnonzero(free),
            audited=audited,
            audit_answers=audit_answers,
            reserved=self.reserved(ledger),
            strategy=strategy,
            needs=needs,
            score=score,
            previous=newest,
            seq=ledger.seq,
            agreement=browsing.agreement(ledger, newest.number) if newest else None,
            spent=self._spent(ledger, answers),
        )

    def _spent(self, ledger: Ledger, answers: Mapping[str, Answer]) -> dict[str, float]:
        """What the answers cost: seconds of the annotators, and for ner words looked at."""
        given = ledger.answers()
        seconds = [event.seconds for i in answers for event in given[i].values()]
        spent = {"seconds": round(sum(s or 0.0 for s in seconds), 1)} if any(seconds) else {}
        if self.task.spans:
            rows = self.pool.rows(list(answers)).tolist()
            said = cast(Iterable[SpanAnswer], answers.values())
            spent["tokens"] = sum(map(looked_at, map(self.pool.words, rows), said))
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


def _unasked(ledger: Ledger) -> set[str]:
    """The ids of the examples that were answered by a file or in one go alone."""
    return {
        example
        for example, given in ledger.answers().items()
        if all(by == IMPORTED or event.bulk is not None for by, event in given.items())
    }


def _imported(ledger: Ledger) -> set[str]:
    """The ids of the examples that nobody but a file has answered."""
    return {i for i, by in ledger.answers().items() if set(by) == {IMPORTED}}

"""A project: pool, annotations, rounds and models in one folder."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from alnlp.data import ImportReport, Pool
from alnlp.data.words import Words
from alnlp.errors import DataError, ProjectError
from alnlp.models import check_serves, locate
from alnlp.progress import Progress
from alnlp.project import (
    advising,
    bias,
    creating,
    exporting,
    handing,
    learning,
    outlook,
    planning,
    rounds,
    training,
)
from alnlp.project.answering import Answering
from alnlp.project.audit import AUDIT_SHARE
from alnlp.project.candidates import WITHOUT_NETWORK
from alnlp.project.creating import IMPORTED, STORE, Source, first_of
from alnlp.project.finding import Finding
from alnlp.project.readout import Prediction
from alnlp.project.rounds import Round
from alnlp.project.selection import COLD_START, Amount, Batch
from alnlp.project.settings import Settings
from alnlp.project.state import State
from alnlp.project.suspects import Inbox, Suspects
from alnlp.stopping import Advice
from alnlp.store import Store
from alnlp.strategies import STRATEGIES, Strategy, default, find
from alnlp.tasks import Answer, Kind, Task


class Project(Answering, Finding):
    """A pool of examples, the answers to them, and the models trained on the answers.

    Make one with `Project.create`, come back to it with `Project.open`. The store on disk is the
    truth and this object a view of it: several processes and threads may hold the same project.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        """Use `create` or `open` instead."""
        self.folder = folder
        self._store = store
        self._state = State(folder, store)
        self._inbox = Inbox(self._state)

    # Making, opening, extending -----------------------------------------------------------------

    @classmethod
    def create(
        cls,
        folder: str | Path,
        *,
        data: Any,
        task: Kind,
        labels: Sequence[str] | None = None,
        text_column: str | None = None,
        label_column: str | None = None,
        test: Any = None,
        answers: bool | None = None,
        overlaps: bool = False,
        encoding: str = "utf-8",
        progress: Progress | None = None,
        **settings: Any,
    ) -> Project:
        """Make a project from data; after an error nothing is left behind.

        Args:
            folder: where to; must not exist, or be empty.
            data: a csv, tsv, jsonl, parquet, txt or conll file (plain or .gz), a
                `datasets.Dataset`, or a hub id.
            task: "classification", "multilabel" or "ner" (named entities).
            labels: the label names; those found in the data where None.
            text_column: guessed where None.
            label_column: guessed where None.
            test: held-out data with gold labels, in any form that `data` may have.
            answers: whether labels found in the data are answers already given (True), or kept
                aside as gold labels for simulation (False). None: answers if only some rows have
                one, since then the others are what remains to be labelled.
            overlaps: for ner, whether entities may overlap.
            encoding: of text files.
            progress: told how the import goes on.
            settings: fields of `Settings`. Without a test set, audit_share is 0.1 by default.

        Raises:
            DataError: the data cannot be used.
            ProjectError: the folder is taken, or a setting makes no sense.
        """
        folder = Path(folder).resolve()  # a relative path would change its meaning with chdir
        creating.create_folder(
            folder,
            source=Source(data, text_column, label_column, encoding),
            test=None if test is None else Source(test, text_column, label_column, encoding),
            task=Task(task, tuple(labels or ()), overlaps),
            answers=answers,
            settings=Settings.of(
                {
                    "strategy": default(task),
                    "audit_share": AUDIT_SHARE if test is None else 0.0,
                    **settings,
                }
            ),
            progress=progress,
        )
        return cls.open(folder)

    @classmethod
    def open(cls, folder: str | Path) -> Project:
        """Open a project where it was left.

        Raises:
            ProjectError: the folder holds no project.
            StoreError: its store is broken, or newer than this program.
        """
        folder = Path(folder).resolve()
        if not cls.is_project(folder):
            raise ProjectError(
                f"{folder}: holds no alnlp project; make one with: alnlp new {folder} --data FILE"
            )
        return cls(folder, Store.open(folder / STORE))

    @staticmethod
    def is_project(folder: str | Path) -> bool:
        """Whether a folder holds a project, by a look at one file name."""
        try:
            return (Path(folder) / STORE).is_file()
        except OSError as error:
            raise ProjectError(f"{folder}: cannot be read ({error.strerror})") from error

    def close(self) -> None:
        """Let go of the store; the object cannot be used afterwards."""
        self._store.close()

    def add(
        self,
        data: Any,
        *,
        text_column: str | None = None,
        label_column: str | None = None,
        answers: bool = True,
        encoding: str = "utf-8",
        progress: Progress | None = None,
    ) -> ImportReport:
        """Add examples to the pool; labels found in the data become answers unless told not to.

        A text that the pool already holds is not added again, but its label counts as an answer,
        unless a person has answered it: a file never overrides a person.
        """
        source = Source(data, text_column, label_column, encoding)
        found: dict[str, Answer] = {}
        with self._state.lock:
            report = source.read_into(
                self.folder / "pool", self.task, progress, first_of(found) if answers else None
            )
            with self._state.refreshed() as ledger:
                known = ledger.answers()
            fresh = [
                (example_id, answer)
                for example_id, answer in found.items()
                if not (said := known.get(example_id, {}))
                or (set(said) == {IMPORTED} and said[IMPORTED].answer != answer)
            ]
            for chunk in creating.answer_events(fresh):
                self._store.append(chunk)
            self._store.change("reports", lambda reports: [*reports, report.to_json()])
            return report

    # What it is ---------------------------------------------------------------------------------

    def __repr__(self) -> str:
        known = self.status()
        return (
            f"<Project {self.name}: {known['task']}, {known['labelled']} of {known['pool']} texts "
            f"answered, round {known['round']}>"
        )

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.resolve().name

    @property
    def uid(self) -> str:
        """A name that no other project has, whatever its folder is called."""
        return self._state.uid

    def words(self, example_id: str) -> Words:
        """For ner, where each word of an example starts and ends; empty for other tasks."""
        return self.pool.words(self.pool.row(example_id)) if self.task.spans else []

    @property
    def test(self) -> Pool:
        """Held-out examples with gold labels; empty where none were given."""
        return self._state.test

    def add_label(self, name: str) -> Task:
        """Add a label to the end of the label set; models know it from the next round on."""

        def added(stored: dict[str, Any]) -> dict[str, Any]:
            task = Task.from_json(stored)
            return task.with_labels((*task.labels, name.strip())).to_json()

        self._store.change("task", added)
        return self.task

    def update_settings(self, **changes: Any) -> Settings:
        """Change some settings; the next batch and the next round use them."""
        if "model" in changes:
            check_serves(changes["model"], self.task.kind)
            changes["model"] = locate(changes["model"])

        begun = bool({"audit_share", "seed"} & set(changes)) and self._state.is_begun()

        def changed(stored: dict[str, Any]) -> dict[str, Any]:
            settings = Settings.of({**stored, **changes})
            if begun and settings.audit_share > Settings.of(stored).audit_share:
                raise ProjectError(
                    "audit_share: cannot be raised once something is answered, since what a "
                    "strategy has chosen would be missing from a random draw"
                )
            if begun and settings.audit_share and settings.seed != Settings.of(stored).seed:
                raise ProjectError(
                    "seed: cannot be changed once something is answered, since the audit sample "
                    "is drawn by it"
                )
            find(settings.strategy, self.task.kind)
            return settings.to_dict()

        return Settings.of(self._store.change("settings", changed))

    @property
    def reports(self) -> list[ImportReport]:
        """What each import brought and refused, newest last."""
        return [ImportReport.from_json(report) for report in self._store.get("reports", [])]

    @property
    def history(self) -> list[Round]:
        """All finished rounds, oldest first."""
        return rounds.finished(self.folder / "rounds")

    @property
    def newest_round(self) -> Round | None:
        """The newest finished round, None before the first training."""
        return self._state.newest_round

    def status(self) -> dict[str, Any]:
        """Counts and figures for a person, as JSON-able values."""
        return {"name": self.name, **self._state.summary()}

    def advice(self, budget: int | None = None) -> list[Advice]:
        """Whether to stop labelling, by each criterion of `alnlp.stopping`; the person decides.

        Args:
            budget: how many examples may be answered in all.
        """
        with self._state.refreshed() as ledger:
            answered = len(self._state.labels(ledger))
        return advising.advice(self.task, self.history, answered, budget)

    def outlook(self, target: float | None = None) -> dict[str, Any]:
        """How good the model is, what more labels will bring and cost; see `outlook.outlook`.

        Args:
            target: a figure from 0 to 1, to say how many labels and seconds it will take.

        Raises:
            StrategyError: the target is no such figure.
        """
        return outlook.outlook(self._state, self.history, target)

    def bias(self) -> dict[str, Any]:
        """How far suggestions sway the answers, see `bias.report` and `Settings.blind_share`."""
        with self._state.refreshed() as ledger:
            return bias.report(ledger)

    # Asking ---------------------------------------------------------------------------------------

    def ask(
        self,
        n: int | None = None,
        *,
        tokens: int | None = None,
        annotator: str = "me",
        strategy: str | Strategy | None = None,
        keep: Collection[str] | None = None,
    ) -> Batch:
        """Hand out examples to label next; they stay reserved for this annotator.

        What the annotator was given before and has not answered comes first, so that a reload
        resumes the batch; the strategy fills it up to n. No two of them are near-duplicates.

        Args:
            n: how many; the project's batch size where None.
            tokens: for ner, instead of n: how many words all texts may have together. The
                strategy then takes what it values most per word. One text alone may be longer.
            annotator: for whom.
            strategy: a name or a callable; the project's own where None. A warning says where it
                could not choose.
            keep: ids of what stays of what was handed out before, while the rest is given back
                and chosen anew; all of it where None.
        """
        amount = Amount.of(n, tokens, self.settings.batch_size, self.task)
        if not isinstance(annotator, str) or not annotator.strip():
            raise ProjectError(f"annotator: got {annotator!r}, expected a name")
        if strategy is not None:
            find(strategy, self.task.kind)
        mine, fresh, notice = handing.hand_out(self._state, amount, annotator, strategy, keep)
        if strategy is not None and len(mine) > fresh:
            notice = notice or (
                f"{len(mine) - fresh} of these were handed out before and have no answer yet; "
                f"release({annotator!r}) gives them back"
            )
        if strategy is not None and notice and mine:
            warnings.warn(notice, stacklevel=2)  # else an experiment may be on something else
        return Batch(tuple(self._state.asked(mine)), notice)

    def suspects(self, limit: int = 100) -> Suspects:
        """The answers that are probably wrong: label errors, contradictions, disagreements.

        Correct one with `tell`; an event of kind "confirm" that names the answer makes it count
        whatever others say, and keeps it from being listed until it changes, or a near-duplicate
        of it. No model is run: embeddings are those that `prepare` has kept, and without them
        texts are compared by words alone.

        Args:
            limit: at most so many, the most probable errors first.
        """
        return self._inbox.suspects(limit)

    # Training and using -------------------------------------------------------------------------

    def train(
        self,
        *,
        score: bool | None = None,
        strategy: str | Strategy | None = None,
        progress: Progress | None = None,
    ) -> Round:
        """Fine-tune on all answers, score the pool, and write a round.

        Args:
            score: whether to score the unlabelled pool; where None, only if the strategy reads a
                model. Without scores there are no suggestions.
            strategy: what `ask` will choose by, so that all it needs is kept; the project's own
                where None.
            progress: told how it goes on; it may raise `Cancelled`.
        """
        chosen = self.settings.strategy if strategy is None else strategy
        name, spec = find(chosen, self.task.kind)
        if score is None:
            score = bool(spec.needs_for(self.task.kind) - WITHOUT_NETWORK)
        with self._state.refreshed() as ledger:
            plan = planning.plan(self._state, ledger, score, name, spec.needs_for(self.task.kind))
        return training.run(plan, progress)

    def prepare(self, *, progress: Progress | None = None) -> None:
        """Read the pool by the pretrained network, for strategies that need no training.

        Before the first training, `ask` can then choose by typiclust, k_center, zero_shot and the
        like; without it the first batch is drawn at random.
        """
        training.prepare(self._state.folder, self.pool, self.task, self.settings, progress)

    @property
    def wants_preparing(self) -> bool:
        """Whether the project's strategy draws at random now, and would not after `prepare`."""
        newest = self.newest_round
        if newest is not None and newest.is_scored:
            return False
        spec = find(self.settings.strategy, self.task.kind)[1]
        if spec.needs_model:
            if spec.cold_start == COLD_START or len(self.pool) > self.settings.score_limit:
                return False  # a first reading of a very large pool takes longer than a first batch
            spec = STRATEGIES[spec.cold_start]
        return self._state.lacks(spec.needs_for(self.task.kind))

    def evaluate(self, *, progress: Progress | None = None) -> dict[str, float]:
        """The metrics of the newest round on the test set."""
        if not len(self.test):
            raise ProjectError(
                f"{self.name}: has no test set; make the project with test=FILE (--test FILE)"
            )
        newest, state = self._state.need_round(), self._state
        if newest.metrics:
            return newest.metrics
        return training.measure(state.model(), self.task, self.test, state.folder, progress)[0]

    def predict(
        self,
        texts: Sequence[str],
        *,
        words: Sequence[Words] | None = None,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """What the newest model says of texts.

        Args:
            texts: any, of the pool or not.
            words: for ner, where each word of each text starts and ends, if it came as tokens.
            progress: told how it goes on.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise DataError("texts: expected a list of texts, each of them a str")
        newest = self._state.need_round()
        task = self.task.with_labels(newest.label_names)
        return learning.predict(
            self._state.model(), task, list(texts), words, progress, newest.temperature
        )

    @property
    def formats(self) -> list[str]:
        """The formats of answers that `export` knows by the ending of a file's name."""
        return exporting.formats(self.task)

    def export(
        self,
        path: str | Path,
        format: str | None = None,
        *,
        remark: Callable[[str], None] = warnings.warn,
    ) -> Path:
        """Write the answers (in the format of the path's ending) or the model ("model").

        Answers go into csv, tsv, jsonl or parquet files; entities into jsonl, conll, csv, tsv or
        spacy files, or by name of the format: conll-iob1, conll-bioes, tokens, doccano. A csv or
        tsv cell that a spreadsheet would run as a formula gets a leading apostrophe; jsonl keeps
        every character and every entity.

        Args:
            path: of the file, or of the folder for a model.
            format: instead of the one that the ending says.
            remark: told in a line what the format cannot say; a Python warning by default.
        """
        path = Path(path)
        if format == "model":
            return exporting.export_model(self._state.need_round(), path)
        with self._state.refreshed() as ledger:  # nobody has to wait while it is written
            said = exporting.Said(ledger.labels(), ledger.answers())
        remarks = exporting.export_answers(self.pool, self.task, said, path, format)
        for line in remarks:
            remark(line)
        return path.resolve()

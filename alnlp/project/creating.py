"""How a project comes into being: import, check, write, and only then take the folder's name."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alnlp.data import ImportReport, import_examples
from alnlp.errors import DataError, ProjectError
from alnlp.models import check_serves, locate
from alnlp.progress import Progress, Step
from alnlp.project.folders import new_folder
from alnlp.project.settings import Settings
from alnlp.store import NewEvent, Store
from alnlp.strategies import find
from alnlp.tasks import Answer, Task

STORE = "project.db"
#: The annotator in whose name the answers found in files are kept.
IMPORTED = "import"
_CHUNK = 10_000


@dataclass(frozen=True)
class Source:
    """Where examples come from and how to read them.

    Attributes:
        data: a file, a `datasets.Dataset`, or a hub id.
        text_column: guessed where None.
        label_column: guessed where None.
        encoding: of text files.
    """

    data: Any
    text_column: str | None = None
    label_column: str | None = None
    encoding: str = "utf-8"

    def read_into(
        self,
        folder: Path,
        task: Task,
        progress: Progress | None,
        on_label: Callable[[str, Answer], None] | None = None,
    ) -> ImportReport:
        """Import into a pool folder; `on_label` is told the id and label of each labelled row."""
        return import_examples(
            self.data,
            folder,
            task=task,
            on_label=on_label,
            text_column=self.text_column,
            label_column=self.label_column,
            encoding=self.encoding,
            progress=None if progress is None else _as_steps(progress),
        )


def _as_steps(progress: Progress) -> Callable[[int, int | None], None]:
    return lambda done, total: progress(Step("import", done, total, "rows"))


def create_folder(
    folder: Path,
    *,
    source: Source,
    test: Source | None,
    task: Task,
    answers: bool | None,
    settings: Settings,
    progress: Progress | None,
) -> None:
    """Write a new project folder; `Project.create` says what the arguments mean."""
    find(settings.strategy, task.kind)
    check_serves(settings.model, task.kind)
    settings = replace(settings, model=locate(settings.model))
    try:
        with new_folder(folder) as temporary:
            found: dict[str, Answer] = {}
            keep = None if answers is False else first_of(found)
            report = source.read_into(temporary / "pool", task, progress, keep)
            reports = [report]
            if test is not None:
                reports.append(_import_test(test, temporary / "test", task, progress))
            if not task.labels:
                task = task.with_labels(sorted({name for r in reports for name in r.labels}))
            _check_labels(task)
            as_answers = 0 < len(found) < report.added if answers is None else answers
            _fill_store(temporary, task, settings, reports, found if as_answers else {})
    except OSError as error:
        raise ProjectError(
            f"{folder}: cannot be written ({error.strerror or error}); choose another folder"
        ) from error


def answer_events(answers: Iterable[tuple[str, Answer]]) -> Iterator[list[NewEvent]]:
    """Events, in chunks, that record (example id, answer) pairs found in a file."""
    chunk: list[NewEvent] = []
    for example_id, answer in answers:
        chunk.append(
            NewEvent(
                uid=uuid.uuid4().hex,
                example_id=example_id,
                annotator=IMPORTED,
                kind="label",
                answer=answer,
            )
        )
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def first_of(found: dict[str, Answer]) -> Callable[[str, Answer], None]:
    """Keeps answers in a dict by example id, of several for one text the first."""

    def keep(example_id: str, answer: Answer) -> None:
        found.setdefault(example_id, answer)

    return keep


def _import_test(test: Source, folder: Path, task: Task, progress: Progress | None) -> ImportReport:
    report = test.read_into(folder, task, progress)
    if report.labelled < report.added:
        raise DataError(
            f"test set: {report.added - report.labelled} of {report.added} examples have no label; "
            "every test example needs one"
        )
    return report


def _check_labels(task: Task) -> None:
    if len(task.labels) == 1 and task.kind == "classification":
        raise DataError(
            f"labels: got only {task.labels[0]!r}, expected at least 2; name them all with "
            "labels=[...] (on the command line: --labels a,b)"
        )
    if not task.labels:
        raise DataError(
            "labels: none were found in the data; name them with labels=[...] "
            "(on the command line: --labels a,b)"
        )


def _fill_store(
    folder: Path,
    task: Task,
    settings: Settings,
    reports: Sequence[ImportReport],
    answers: Mapping[str, Answer],
) -> None:
    store = Store.create(folder / STORE)
    try:
        store.put("uid", uuid.uuid4().hex)
        store.put("task", task.to_json())
        store.put("settings", settings.to_dict())
        store.put("reports", [report.to_json() for report in reports])
        for chunk in answer_events(answers.items()):
            store.append(chunk)
    finally:
        store.close()

"""Writing answers and models out of a project."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from alnlp.data import Pool
from alnlp.data.delimited import guarded
from alnlp.data.ner import writers
from alnlp.data.ner.losses import SpanRow
from alnlp.data.spans import SpanAnswer
from alnlp.errors import DataError, ProjectError
from alnlp.models import public_name
from alnlp.project.folders import new_folder
from alnlp.project.rounds import Round
from alnlp.store import Event
from alnlp.tasks import Answer, Task

Row = dict[str, Any]
Writer = Callable[[Pool, Task, "Said", Path], list[str]]

#: The columns that are ours, in lower case: those of the file that are named so get another name.
_OWN = ("id", "text", "label", "labels", "annotators")
_AMBIGUOUS = ("|", ";", ",")
_MANIFEST = "alnlp.json"


class Said(NamedTuple):
    """What is to be written, by example id: the answers that count, and who has given which."""

    labels: Mapping[str, Answer]
    given: Mapping[str, Mapping[str, Event]]


def export_answers(pool: Pool, task: Task, said: Said, path: Path, format: str | None) -> list[str]:
    """Write one row per answered example: id, text, label or labels, annotators, other columns.

    For ner the formats are those of `alnlp.data.ner.writers`. Returns what the format cannot say,
    a line for each kind; nothing where all is said.

    A column of the data that has the name of one of these becomes "NAME (file)". What a csv or tsv
    file holds is read back exactly: an apostrophe before what a spreadsheet would run as a formula
    is taken off again, and a label set is names joined by |, or a JSON list where a name holds a
    separator or there is none.

    Raises:
        DataError: an unknown format.
        ProjectError: nothing is answered yet, or the file cannot be written.
    """
    write = _span_writer(path, format) if task.spans else _label_writer(path, format)
    if not said.labels:
        raise ProjectError("export: got 0 answered examples, expected at least 1; label some first")
    with _explained(path):
        path = path.resolve()
        if path.is_dir():
            raise ProjectError(f"{path}: is a folder; name a file in it")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.writing")
        try:
            remarks = write(pool, task, said, temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return remarks


def formats(task: Task) -> list[str]:
    """The formats of answers that the ending of a file's name says; the usual one first."""
    if not task.spans:
        return ["csv", *(name for name in WRITERS if name != "csv")]
    return list(dict.fromkeys(writers.ENDINGS.values()))


def _label_writer(path: Path, format: str | None) -> Writer:
    name = format or path.suffix.lstrip(".").lower()
    if name not in WRITERS:
        raise DataError(
            f"export: got {name or path.name!r}, expected a file ending in "
            f"{', '.join('.' + known for known in WRITERS)}, or a format of that name, or model"
        )

    def write(pool: Pool, task: Task, said: Said, path: Path) -> list[str]:
        WRITERS[name](_rows(pool, task, said), path)
        return []

    return write


def _span_writer(path: Path, format: str | None) -> Writer:
    name = writers.format_of(path) if format is None else format
    if name not in writers.WRITERS:
        raise DataError(
            f"export: got {name!r}, expected one of {', '.join(writers.WRITERS)}, or model"
        )

    def write(pool: Pool, task: Task, said: Said, path: Path) -> list[str]:
        return writers.write(name, _span_rows(pool, said), path)

    return write


def export_model(newest: Round, folder: Path) -> Path:
    """Copy the newest model into a new folder that plain transformers loads.

    Nothing in it names a folder of this machine.

    Raises:
        ProjectError: the folder is taken or cannot be written, or the round has no model any more.
    """
    if not newest.has_weights:
        raise ProjectError(f"round {newest.number}: its model is not on disk; train a new round")
    with _explained(folder):
        folder = folder.resolve()
        with new_folder(folder) as temporary:
            kept_back = shutil.ignore_patterns("*.npy", "round.json")
            shutil.copytree(newest.folder, temporary, ignore=kept_back, dirs_exist_ok=True)
            _make_public(temporary / _MANIFEST)
    return folder


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise ProjectError(f"{path}: cannot be written ({reason}); choose another place") from error


def _make_public(manifest: Path) -> None:
    try:
        values = json.loads(manifest.read_text(encoding="utf-8"))
        name = public_name(values["checkpoint"])
    except (ValueError, KeyError, TypeError) as error:
        raise ProjectError(f"{manifest.name}: damaged ({error}); train a new round") from error
    if Path(name).is_absolute():  # a folder that is no longer there
        name = Path(name).name
    manifest.write_text(json.dumps({**values, "checkpoint": name}, indent=2), encoding="utf-8")


def _answered(pool: Pool, said: Said) -> Iterator[tuple[int, Answer, list[str]]]:
    """The pool row, answer and annotators of each answered example, in pool order."""
    labels, answers = said.labels, said.given
    for row in sorted(pool.rows(list(labels)).tolist()):
        example_id = pool.ids[row]
        yield row, labels[example_id], sorted(answers[example_id])


def _span_rows(pool: Pool, said: Said) -> Iterator[SpanRow]:
    for row, answer, annotators in _answered(pool, said):
        example = pool[row]
        words = pool.words(row) if pool.has_words(row) else None
        spans = cast(SpanAnswer, answer)
        yield SpanRow(example.id, example.text, words, spans, annotators, dict(example.meta))


def _rows(pool: Pool, task: Task, said: Said) -> Iterator[Row]:
    column = "labels" if task.multilabel else "label"
    for place, answer, annotators in _answered(pool, said):
        example = pool[place]
        row = {
            "id": example.id,
            "text": example.text,
            column: answer,
            "annotators": annotators,
        }
        for name, value in example.meta.items():
            while name in row or name.strip().lower() in _OWN:
                name += " (file)"
            row[name] = value
        yield row


def _write_jsonl(rows: Iterator[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_delimited(
    delimiter: str, quoting: Literal[0, 1]
) -> Callable[[Iterator[Row], Path], None]:
    def write(rows: Iterator[Row], path: Path) -> None:
        flat = [{key: _cell(value) for key, value in row.items()} for row in rows]
        columns = list(dict.fromkeys(key for row in flat for key in row))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
            writer.writerow(map(guarded, columns))
            writer.writerows([row.get(column, "") for column in columns] for row in flat)

    return write


def _cell(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        ambiguous = not value or any(
            part.startswith("[") or any(mark in part for mark in _AMBIGUOUS) for part in value
        )
        text = json.dumps(value, ensure_ascii=False) if ambiguous else "|".join(value)
    elif isinstance(value, str):
        text = value
    else:
        return "" if value is None else json.dumps(value, ensure_ascii=False)
    return guarded(text)


def _write_parquet(rows: Iterator[Row], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    listed = list(rows)
    columns = list(dict.fromkeys(key for row in listed for key in row))
    table = {column: _arrow([row.get(column) for row in listed]) for column in columns}
    pq.write_table(pa.table(table), path)


def _arrow(values: list[Any]) -> Any:
    """The values as parquet can hold them: as JSON where types are mixed, too big or empty."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        array = pa.array(values)
        if pa.types.is_nested(array.type):  # that an object has no keys is found out on writing
            pq.write_table(pa.table({"tried": array}), pa.MockOutputStream())
    except (pa.ArrowException, OverflowError):
        dumped = (None if v is None else json.dumps(v, ensure_ascii=False) for v in values)
        return pa.array(dumped, pa.string())
    return array


WRITERS: dict[str, Callable[[Iterator[Row], Path], None]] = {
    "jsonl": _write_jsonl,
    "csv": _write_delimited(",", csv.QUOTE_MINIMAL),
    # the reader takes quotes in tsv for quotes only where the header has them
    "tsv": _write_delimited("\t", csv.QUOTE_ALL),
    "parquet": _write_parquet,
}

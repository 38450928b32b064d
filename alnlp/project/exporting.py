"""Writing answers and models out of a project."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alnlp.data import Pool
from alnlp.errors import DataError, ProjectError
from alnlp.project.rounds import Round
from alnlp.store import Ledger
from alnlp.tasks import Task

Row = dict[str, Any]

#: A spreadsheet runs a cell that begins so as a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_answers(pool: Pool, task: Task, ledger: Ledger, path: Path, format: str | None) -> Path:
    """Write one row per answered example: id, text, label or labels, annotators, other columns."""
    name = format or path.suffix.lstrip(".").lower()
    if name not in WRITERS:
        raise DataError(
            f"export: got {name or path.name!r}, expected a file ending in "
            f"{', '.join('.' + known for known in WRITERS)}, or a format of that name, or model"
        )
    if not ledger.labels():
        raise ProjectError("export: got 0 answered examples, expected at least 1; label some first")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.writing")
    try:
        WRITERS[name](_rows(pool, task, ledger), temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def export_model(newest: Round, folder: Path) -> Path:
    """Copy the newest model into a new folder that plain transformers loads."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"{folder}: already exists; choose a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    temporary.chmod(0o755)
    try:
        shutil.copytree(
            newest.folder, temporary, ignore=shutil.ignore_patterns("*.npy"), dirs_exist_ok=True
        )
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return folder


def _rows(pool: Pool, task: Task, ledger: Ledger) -> Iterator[Row]:
    column = "labels" if task.multilabel else "label"
    labels, answers = ledger.labels(), ledger.answers()
    rows = pool.rows(list(labels))
    for row in sorted(rows.tolist()):
        example = pool[row]
        own = {
            "id": example.id,
            "text": example.text,
            column: labels[example.id],
            "annotators": sorted(answers[example.id]),
        }
        yield {**own, **{k: v for k, v in example.meta.items() if k not in own}}


def _write_jsonl(rows: Iterator[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_delimited(delimiter: str) -> Callable[[Iterator[Row], Path], None]:
    def write(rows: Iterator[Row], path: Path) -> None:
        flat = [{key: _cell(value) for key, value in row.items()} for row in rows]
        columns = list(dict.fromkeys(key for row in flat for key in row))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, delimiter=delimiter)
            writer.writeheader()
            writer.writerows(flat)

    return write


def _cell(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        text = "|".join(value)
    elif isinstance(value, str):
        text = value
    else:
        return "" if value is None else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _write_parquet(rows: Iterator[Row], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Other columns may mix types from row to row, which parquet cannot: then they become JSON.
    listed = list(rows)
    columns = list(dict.fromkeys(key for row in listed for key in row))
    table = {}
    for column in columns:
        values = [row.get(column) for row in listed]
        try:
            table[column] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            table[column] = pa.array([json.dumps(value, ensure_ascii=False) for value in values])
    pq.write_table(pa.table(table), path)


WRITERS: dict[str, Callable[[Iterator[Row], Path], None]] = {
    "jsonl": _write_jsonl,
    "csv": _write_delimited(","),
    "tsv": _write_delimited("\t"),
    "parquet": _write_parquet,
}

"""One way in for all sources: a stream of usable rows, with a reason for each that is not."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

from alnlp.data import hub
from alnlp.data.columns import Columns, guess_columns
from alnlp.data.formats import ENDINGS, ending, read_file
from alnlp.data.rows import Record, Records, Rejected, Row, excerpt, is_valid
from alnlp.errors import DataError

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?(:[\w.-]+)?")
_FILE_ENDINGS = (*ENDINGS, ".txt", ".json", ".xls", ".xlsx", ".conll", ".zip", ".arrow", ".md")
_SAMPLE_RECORDS, _SAMPLE_ITEMS = 100, 10_000
_LEVELS = 100


@dataclass(frozen=True)
class Reading:
    """A source being read.

    Attributes:
        source: its name, for people.
        columns: the columns in use.
        rows: in file order; can be read once.
        total: the number of rows, where the format knows it beforehand.
    """

    source: str
    columns: Columns
    rows: Iterator[Row | Rejected]
    total: int | None = None

    def __iter__(self) -> Iterator[Row | Rejected]:
        return self.rows


def read_rows(
    source: object,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
) -> Reading:
    """Reads a source row by row; a bad row is handed out as `Rejected` and reading goes on.

    Args:
        source: a csv, tsv, jsonl or parquet file, plain or .gz; a `datasets.Dataset` or
            `DatasetDict`; a folder that `save_to_disk` wrote or that holds data files; or a hub
            id "org/name", with ":split" for another split than train.
        text_column: guessed if not given, see `guess_columns`.
        label_column: guessed by name if not given.
        encoding: of text files; a byte order mark overrules it.

    Raises:
        DataError: no such source or column, nothing usable at its beginning, or damage.
    """
    name, records = _open(source, encoding)
    sample, items = _sample(records.items)
    cells = [item.cells for item in sample if isinstance(item, Record)]
    if not cells and sample:
        first = sample[0]
        assert isinstance(first, Rejected)
        raise DataError(
            f"{name}: no usable row; the first problem is on line {first.line}: {first.reason}"
        )
    if not cells and records.names is None:
        raise DataError(f"{name}: the file is empty, expected at least one row")
    names = records.names or _names(sample)
    try:
        if records.names is None and not _settled(cells, names, text_column, label_column):
            names = _names(_open(source, encoding)[1].items)  # read twice, to the end at once
        columns = guess_columns(cells, names, text=text_column, label=label_column)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    rows = (item if isinstance(item, Rejected) else _row(item, columns) for item in items)
    return Reading(name, columns, rows, records.total)


def _open(source: object, encoding: str) -> tuple[str, Records]:
    if hub.is_dataset(source):
        return type(source).__name__, hub.read_dataset(source)
    if not isinstance(source, str | Path) or not str(source):
        raise DataError(
            f"data: got {type(source).__name__} {excerpt(repr(source), 40)}, expected a file, "
            "a datasets.Dataset, a folder or a hub id"
        )
    path, text = Path(source), str(source)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError as error:  # no permission to look, or a name that is too long
        raise DataError(
            f"{excerpt(text)}: cannot be opened ({error.strerror}); check the path"
        ) from error
    if is_file:
        return path.name, read_file(path, encoding)
    if is_folder:
        return path.name, hub.read_folder(path)
    if isinstance(source, Path) or ending(path) in _FILE_ENDINGS or not _HUB_ID.fullmatch(text):
        raise DataError(f"{text}: no such file or folder; check the path")
    name, _, split = text.partition(":")
    return text, hub.read_hub(name, split or "train")


def _sample(
    items: Iterator[Record | Rejected],
) -> tuple[list[Record | Rejected], Iterator[Record | Rejected]]:
    """The first items, until enough of them are records; and all items, these included."""
    sample: list[Record | Rejected] = []
    records = 0
    while records < _SAMPLE_RECORDS and len(sample) < _SAMPLE_ITEMS:
        item = next(items, None)
        if item is None:
            break
        sample.append(item)
        records += isinstance(item, Record)
    return sample, itertools.chain(sample, items)


def _names(items: Iterable[Record | Rejected]) -> tuple[str, ...]:
    records = (item for item in items if isinstance(item, Record))
    return tuple(dict.fromkeys(key for record in records for key in record.cells))


def _settled(
    cells: Sequence[dict[str, Any]], names: Sequence[str], text: str | None, label: str | None
) -> bool:
    """Whether the first records of a file without a header decide on its columns.

    Not if they lack a column that was given, or any label: both may come further down.
    """
    if any(given is not None and given not in names for given in (text, label)):
        return False
    return guess_columns(cells, names, text=text, label=label).label is not None


def _row(record: Record, columns: Columns) -> Row | Rejected:
    if any(_is_deep(value) for value in record.cells.values()):
        return Rejected(record.line, f"a column is nested more than {_LEVELS} levels deep")
    text = record.cells.get(columns.text)
    problem = _problem(text)
    if problem or not isinstance(text, str):
        return Rejected(record.line, problem, "" if text is None else excerpt(str(text)))
    label = record.cells.get(columns.label) if columns.label is not None else None
    if _is_missing(label):
        label = None
    meta = {
        name: _plain(value)
        for name, value in record.cells.items()
        if name not in (columns.text, columns.label) and not isinstance(value, bytes)
    }
    if (label or meta) and not is_valid(json.dumps([label, meta], ensure_ascii=False, default=str)):
        return Rejected(record.line, "a column holds half a character", excerpt(text))
    return Row(record.line, text, label, meta)


def _problem(text: Any) -> str:
    if text is None or (isinstance(text, float) and math.isnan(text)):
        return "no text"
    if not isinstance(text, str):
        return f"text is not a string but {type(text).__name__}"
    if not text.strip():
        return "empty text"
    if "\0" in text:
        return "text holds a NUL character"
    if not is_valid(text):
        return "text holds half a character (a lone surrogate)"
    return ""


def _is_deep(value: Any, levels: int = _LEVELS) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return False
    return not levels or any(_is_deep(part, levels - 1) for part in value)


def _is_missing(label: Any) -> bool:
    if isinstance(label, str):
        return not label.strip()
    return label is None or (isinstance(label, float) and math.isnan(label))


def _plain(value: Any) -> Any:
    """The value as JSON can hold it; dates in ISO form, anything unknown as its text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return value.isoformat() if isinstance(value, date | time) else str(value)

"""One way in for all sources: a stream of usable rows, with a reason for each that is not."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from alnlp.data import hub
from alnlp.data.columns import Columns, guess_columns
from alnlp.data.formats import ENDINGS, SPAN_ENDINGS, ending, read_file
from alnlp.data.ner.columns import SpanColumns, guess_span_columns
from alnlp.data.ner.reading import span_row
from alnlp.data.ner.schemes import common_scheme
from alnlp.data.ner.tokenrows import TokenColumns, guess_token_columns, sentences
from alnlp.data.rows import (
    LEVELS,
    Record,
    Records,
    Rejected,
    Row,
    excerpt,
    is_deep,
    is_missing,
    is_valid,
    plain,
    text_problem,
)
from alnlp.errors import DataError

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?(:[\w.-]+)?")
_FILE_ENDINGS = (
    *ENDINGS, *SPAN_ENDINGS, ".json", ".xls", ".xlsx", ".zip", ".arrow", ".md"
)  # fmt: skip
_SAMPLE_RECORDS, _SAMPLE_ITEMS = 100, 10_000


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
    spans: bool = False,
) -> Reading:
    """Reads a source row by row; a bad row is handed out as `Rejected` and reading goes on.

    For named entities (`spans`) a row's label is a `SpanAnswer` that fits its text, or None where
    nobody has annotated it; rows that came as tokens have `words`.

    Args:
        source: a csv, tsv, jsonl, parquet or txt file, plain or .gz; a `datasets.Dataset` or
            `DatasetDict`; a folder that `save_to_disk` wrote or that holds data files; or a hub
            id "org/name", with ":split" for another split than train.
        text_column: guessed if not given, see `guess_columns`.
        label_column: guessed by name if not given.
        encoding: of text files; a byte order mark overrules it.
        spans: whether the rows are for named entities; then also CoNLL and spaCy files are read.

    Raises:
        DataError: no such source or column, nothing usable at its beginning, or damage.
        MissingExtra: a spaCy file, and spaCy is not installed.
    """
    name, records = _open(source, encoding, spans)
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
    guess = _guess_spans if spans else guess_columns
    text, label = text_column or records.text, label_column or records.label
    try:
        if records.names is None and not _settled(guess, cells, names, text, label):
            # read twice, to the end at once
            names = _names(_open(source, encoding, spans)[1].items)
        columns = guess(cells, names, text=text, label=label)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    total = records.total
    if isinstance(columns, TokenColumns):
        sample, items = _sample(sentences(items, columns))
        columns, total = columns.as_spans(), None
    return Reading(name, columns, _rows(sample, items, columns), total)


def _guess_spans(
    sample: Sequence[Mapping[str, Any]], names: Sequence[str], **given: str | None
) -> TokenColumns | SpanColumns:
    return guess_token_columns(sample, names, **given) or guess_span_columns(sample, names, **given)


def _rows(
    sample: Sequence[Record | Rejected], items: Iterator[Record | Rejected], columns: Columns
) -> Iterator[Row | Rejected]:
    make: Callable[[Record], Row | Rejected] = partial(_row, columns=columns)
    if isinstance(columns, SpanColumns):
        tags = (x.cells.get(columns.label or "") for x in sample if isinstance(x, Record))
        scheme = common_scheme(t for t in tags if columns.tags and isinstance(t, list))
        make = partial(span_row, columns=columns, scheme=scheme)
    return (item if isinstance(item, Rejected) else make(item) for item in items)


def _open(source: object, encoding: str, spans: bool) -> tuple[str, Records]:
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
        return path.name, read_file(path, encoding, spans=spans)
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
    guess: Callable[..., Columns | TokenColumns],
    cells: Sequence[dict[str, Any]],
    names: Sequence[str],
    text: str | None,
    label: str | None,
) -> bool:
    """Whether the first records of a file without a header decide on its columns.

    Not if they lack a column that was given, or any label: both may come further down.
    """
    if any(given is not None and given not in names for given in (text, label)):
        return False
    columns = guess(cells, names, text=text, label=label)
    return isinstance(columns, TokenColumns) or columns.label is not None


def _row(record: Record, columns: Columns) -> Row | Rejected:
    if any(is_deep(value) for value in record.cells.values()):
        return Rejected(record.line, f"a column is nested more than {LEVELS} levels deep")
    text = record.cells.get(columns.text)
    problem = text_problem(text)
    if problem or not isinstance(text, str):
        return Rejected(record.line, problem, "" if text is None else excerpt(str(text)))
    label = record.cells.get(columns.label) if columns.label is not None else None
    if is_missing(label):
        label = None
    meta = {
        name: plain(value)
        for name, value in record.cells.items()
        if name not in (columns.text, columns.label) and not isinstance(value, bytes)
    }
    if (label or meta) and not is_valid(json.dumps([label, meta], ensure_ascii=False, default=str)):
        return Rejected(record.line, "a column holds half a character", excerpt(text))
    return Row(record.line, text, label, meta)

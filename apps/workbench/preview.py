"""What a file holds, as far as its first rows show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from alnlp.data import Rejected
from alnlp.data.formats import SPAN_ENDINGS, ending
from alnlp.data.readers import read_rows
from alnlp.data.rows import Row
from alnlp.data.spans import read_answer, spans_of
from alnlp.errors import DataError
from alnlp.tasks import Kind, Task

_SHOWN_ROWS = 8
_SHOWN_CHARACTERS = 300
_READ_ROWS = 100_000  # label names are looked for in so many
_MOST_LABELS = 200
_LOOKED_AT = 200


@dataclass(frozen=True)
class Preview:
    """The first rows of a file.

    Attributes:
        name: a name for the project.
        columns: text column, label column if any, then the others.
        rows: the first usable rows, one cell for each column.
        text_column: the column in use for texts.
        label_column: the column in use for labels.
        kind: what the labels look like: "ner" where they are spans, else "classification".
        labels: the label names found, in the order of the alphabet.
        fully_labelled: whether each row that was read has a label.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_column: str
    label_column: str | None
    kind: Kind
    labels: tuple[str, ...]
    fully_labelled: bool

    def payload(self) -> dict[str, Any]:
        """What the panel shows: strings in lists alone, so that no key comes from the file."""
        return {
            "columns": self.columns,
            "rows": self.rows,
            "text": self.text_column,
            "label": self.label_column,
        }


def read_preview(
    path: str,
    text: str | None = None,
    label: str | None = None,
    *,
    kind: Kind | None = None,
    guess_label: bool = True,
) -> Preview:
    """Read the beginning of a file.

    Args:
        path: the file.
        text: the text column; guessed where None.
        label: the label column; guessed where None, unless `guess_label` is off.
        kind: the task, which says how labels are read; guessed where None.
        guess_label: see `label`.

    Raises:
        DataError: the file cannot be read as a table.
    """
    spans = _holds_spans(path) if kind is None else kind == "ner"
    reading = read_rows(path, text_column=text, label_column=label, spans=spans)
    read = list(islice(reading.rows, _READ_ROWS))
    usable = [row for row in read if not isinstance(row, Rejected)]
    if not usable:
        first = next((row for row in read if isinstance(row, Rejected)), None)
        reason = f"; the first problem is on line {first.line}: {first.reason}" if first else ""
        raise DataError(f"{reading.source}: no usable row{reason}")
    in_use = reading.columns
    found, labelled = _labels(usable, spans)
    chosen = in_use.label if label or (guess_label and len(found) <= _MOST_LABELS) else None
    head = usable[:_SHOWN_ROWS]
    others = dict.fromkeys(name for row in head for name in row.meta)
    names = [in_use.text, *([in_use.label] if in_use.label else []), *others]
    return Preview(
        name=_project_name(path),
        columns=tuple(names),
        rows=tuple(_cells(row, in_use.label is not None, list(others)) for row in head),
        text_column=in_use.text,
        label_column=chosen,
        kind="ner" if spans else "classification",
        labels=found if chosen and len(found) <= _MOST_LABELS else (),
        fully_labelled=bool(chosen) and labelled == len(usable),
    )


def split_labels(typed: str) -> list[str]:
    """Label names as typed: one a line, or on one line separated by commas."""
    separator = "\n" if "\n" in typed.strip() else ","
    names = (name.strip() for name in typed.split(separator))
    return list(dict.fromkeys(name for name in names if name))


def _holds_spans(path: str) -> bool:
    """Whether the first rows of a file carry spans, or are tokens with tags."""
    if ending(path) in SPAN_ENDINGS:
        return True
    try:
        rows = list(islice(read_rows(path, spans=True).rows, _LOOKED_AT))
    except DataError:
        return False
    if any(isinstance(row, Row) and row.label is not None for row in rows):
        return True
    try:
        read_rows(path)
    except DataError:
        return True  # no table of texts, so that the reasons given for entities say more
    return False


def _labels(rows: list[Row], spans: bool) -> tuple[tuple[str, ...], int]:
    """The names in the label column, and how many rows have one."""
    several = any(isinstance(row.label, list) for row in rows)
    task = Task("ner" if spans else "multilabel" if several else "classification")
    names: set[str] = set()
    labelled = 0
    for row in rows:
        if row.label is None:
            continue
        try:
            names.update(task.names(task.read(row.label)))
        except DataError:
            continue  # the import will report it
        labelled += 1
    return tuple(sorted(names)), labelled


def _cells(row: Row, has_label: bool, others: list[str]) -> tuple[str, ...]:
    label = [_cell(_marks(row) if isinstance(row.label, dict) else row.label)] if has_label else []
    return (_cell(row.text), *label, *(_cell(row.meta.get(name)) for name in others))


def _marks(row: Row) -> str:
    """The spans of a row in words."""
    spans = spans_of(read_answer(row.label))
    return "; ".join(f"{row.text[span.start : span.end]}: {span.label}" for span in spans)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _project_name(path: str) -> str:
    stem = re.sub(
        r"(\.(csv|tsv|jsonl|parquet|txt|conll|bio|iob|spacy|gz))+$",
        "",
        Path(path).name,
        flags=re.IGNORECASE,
    )
    return re.sub(r"[^\w .-]+", " ", stem).strip(" .-_")[:64]

"""What the readers of the file formats hand on: records, and the rows made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be used.

    Attributes:
        line: the physical line of the file that the row starts on, from 1; for parquet files and
            data sets, which have no lines, the number of the row.
        reason: why, in a few words.
        excerpt: the beginning of the row, for a person to recognise it by.
    """

    line: int
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A row as its format gives it: any value under each column name."""

    line: int
    cells: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A usable row.

    Attributes:
        line: as in `Rejected`.
        text: not blank, valid Unicode, exactly as in the file.
        label: the raw value of the label column; None where there is none.
        meta: the other columns, JSON values only.
    """

    line: int
    text: str
    label: object | None
    meta: dict[str, Any]


@dataclass(frozen=True)
class Records:
    """A stream of records.

    Attributes:
        items: in file order; can be read once.
        names: the column names; None where only the records know them.
        total: the number of records, where the format knows it beforehand.
    """

    items: Iterator[Record | Rejected]
    names: tuple[str, ...] | None = None
    total: int | None = None


def excerpt(text: str, width: int = 80) -> str:
    """The beginning of a text on one line, with broken characters made visible."""
    head = " ".join(text[: 4 * width].split())
    shown = head if len(head) <= width else head[: width - 3] + "..."
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def is_valid(text: str) -> bool:
    """Whether a text has no lone surrogates: none read from JSON, none standing for a bad byte."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

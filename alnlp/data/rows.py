"""What the readers of the file formats hand on: records, and the rows made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from alnlp.data.words import Words

#: Of nesting in a cell; deeper ones cost the recursion of whoever walks them.
LEVELS = 100


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
        words: the tokens that the row came with, as offsets in the text; None for plain text.
        repairs: mistakes that allow one reading only, which was taken, in words.
    """

    line: int
    text: str
    label: object | None
    meta: dict[str, Any]
    words: Words | None = None
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Records:
    """A stream of records.

    Attributes:
        items: in file order; can be read once.
        names: the column names; None where only the records know them.
        total: the number of records, where the format knows it beforehand.
        text: the text column, where the format knows it.
        label: the label column, where the format knows it.
    """

    items: Iterator[Record | Rejected]
    names: tuple[str, ...] | None = None
    total: int | None = None
    text: str | None = None
    label: str | None = None


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


def text_problem(text: Any) -> str:
    """Why a cell cannot be the text of a row; empty where it can."""
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


def is_deep(value: Any, levels: int = LEVELS) -> bool:
    """Whether lists and objects are nested deeper than so many levels."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return False
    return not levels or any(is_deep(part, levels - 1) for part in value)


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: null, not a number, or blanks."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def plain(value: Any) -> Any:
    """The value as JSON can hold it; dates in ISO form, anything unknown as its text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    return value.isoformat() if isinstance(value, date | time) else str(value)

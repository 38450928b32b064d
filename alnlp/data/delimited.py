"""csv and tsv: one record at a time, the line it starts on, and no row lost to its neighbour."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from alnlp.data.rows import Record, Records, Rejected, excerpt, is_valid
from alnlp.errors import DataError

_DELIMITERS = (",", ";", "\t", "|")
_UNUSED = "\x1f"  # the delimiter of a file with one column: commas there are part of the text
_FIELD_LIMIT = 2**27
#: A spreadsheet runs a cell that begins so as a formula (OWASP, "CSV Injection").
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTING = {  # by the beginning of the message of the module csv
    "unexpected": "not valid csv: a quote opens a cell and nothing closes it",
    "field larg": "not valid csv: a quote opens a cell and nothing closes it",
}


def guarded(cell: str) -> str:
    """The cell as it is written: an apostrophe goes before what a spreadsheet would run.

    Also where apostrophes stand before that already, so that `unguarded` gives every text back.
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before `guarded`: without the first apostrophe before a formula."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class _Lines:
    """Physical lines, of which those of the present record can be taken back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._again: deque[str] = deque()
        self.record: list[str] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._stream)
        self.number += 1
        self.record.append(line)
        return line

    def keep_first(self) -> str:
        """Takes back all lines of the record but the first, which is returned."""
        self._again.extendleft(reversed(self.record[1:]))
        self.number -= len(self.record) - 1
        del self.record[1:]
        return self.record[0]


def read_delimited(stream: TextIO, name: str, encoding: str) -> Records:
    """The records of a csv or tsv file with a header line.

    A stray quote costs its own line only: when a quoted cell turns out not to be one, reading
    goes on with the next physical line. In a tsv file the lines themselves decide what a quote
    is, unless the header is in quotes: then quotes enclose cells, whatever is in them. One
    apostrophe before = + - @, tab or carriage return at the beginning of a cell is taken off: it
    keeps spreadsheets from running the cell, and our own exports put it there.

    Args:
        stream: opened with newline="" and errors="surrogateescape".
        name: of the file, for messages.
        encoding: of the file, for messages.

    Raises:
        DataError: no header, or one that names a column twice.
    """
    csv.field_size_limit(_FIELD_LIMIT)  # global to the module csv, hence only ever raised
    lines = _Lines(stream)
    header = next((line for line in lines if line.strip()), None)
    if header is None:
        raise DataError(f"{name}: the file is empty, expected a header line with column names")
    if not is_valid(header):
        raise DataError(f"{name}: the header line is not valid {encoding}; give the encoding")
    delimiter = max(_DELIMITERS, key=lambda mark: len(_split(header, mark)))
    cells = _split(header, delimiter)
    if len(cells) == 1:
        delimiter = _UNUSED
    names = tuple(unguarded(cell).strip() or f"column {i}" for i, cell in enumerate(cells, 1))
    for column in names:
        if names.count(column) > 1:
            raise DataError(f"{name}: the header names the column {column!r} twice")
    # tab-separated files as a rule have no quoting, so a quote is a character like others
    literal = delimiter == _UNUSED or (delimiter == "\t" and not header.startswith('"'))
    return Records(_records(lines, names, delimiter, encoding, literal), names)


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _records(
    lines: _Lines, names: tuple[str, ...], delimiter: str, encoding: str, literal: bool
) -> Iterator[Record | Rejected]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.record.clear()
        start = lines.number + 1
        problem = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, problem = [], _QUOTING.get(str(error)[:10], f"not valid csv: {error}")
        if problem or (literal and delimiter == "\t" and _swallowed_lines(cells)):
            first = lines.keep_first()
            unquoted = first.rstrip("\r\n").split(delimiter) if literal else []
            if len(unquoted) == len(names):
                cells, problem = unquoted, ""
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
        if not cells and not problem:
            continue
        shown = lines.record[0]
        if not all(map(is_valid, cells)) or (problem and not is_valid(shown)):
            problem = f"not valid {encoding.upper()}"
        elif not problem and len(cells) != len(names):
            problem = f"number of cells: {len(cells)}, expected {len(names)}"
        if problem:
            yield Rejected(start, problem, excerpt(shown))
        else:
            yield Record(start, dict(zip(names, map(unguarded, cells), strict=True)))


def _swallowed_lines(cells: list[str]) -> bool:
    return any("\t" in cell and "\n" in cell for cell in cells)

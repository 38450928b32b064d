"""Files with one token a line, blank lines between sentences: CoNLL 2002, 2003 and their kin."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby
from typing import Any, TextIO

from alnlp.data.ner.schemes import is_tag
from alnlp.data.rows import Record, Records, Rejected, excerpt, is_valid

ENDINGS = (".conll", ".bio", ".iob", ".iob2", ".bioes", ".bilou")
#: The first token of the lines that stand between documents.
DOCUMENT = "-DOCSTART-"
_PEEKED = 100

_Line = tuple[int, str]


def looks_like_conll(stream: TextIO) -> bool:
    """Whether the first line that counts ends in a tag, and most of those after it.

    A text may well do so: "too little vitamin B-12". The stream is read on from there.
    """
    tagged = [
        len(cells) > 1 and is_tag(cells[-1])
        for _, line in zip(range(_PEEKED), stream, strict=False)
        if line.strip() and (cells := _cells(line))[0] != DOCUMENT and not _is_comment(line, cells)
    ]
    return tagged[:1] == [True] and 2 * sum(tagged) > len(tagged)


def read_conll(stream: TextIO, encoding: str) -> Records:
    """The sentences of a file, with a list for each column: "column 1", "column 2", ...

    Columns are separated by tabs where a line has one, else by blanks. The number of columns is
    that of the first token. Lines that begin with "# ", before a sentence, are comments, unless
    they end in a tag. Where -DOCSTART- lines are, "document" counts them.

    Args:
        stream: opened with newline="" and errors="surrogateescape".
        encoding: of the file, for messages.
    """
    blocks = _blocks(stream)
    first = next(blocks, None)
    if first is None:
        return Records(iter(()))
    names = tuple(f"column {i}" for i in range(1, len(_cells(first[1][0][1])) + 1))
    items = (_sentence(*block, names, encoding) for block in chain([first], blocks))
    return Records(items, names, text=names[0], label=names[-1] if len(names) > 1 else None)


def _blocks(stream: TextIO) -> Iterator[tuple[int | None, list[_Line]]]:
    """The number of the document and the lines of each sentence, without comments."""
    document = None
    for blank, group in groupby(enumerate(stream, 1), key=lambda pair: not pair[1].strip()):
        if blank:
            continue
        lines = list(group)
        while lines and _is_comment(lines[0][1], _cells(lines[0][1])):
            del lines[0]
        if lines and _cells(lines[0][1])[:1] == [DOCUMENT]:
            document = (document or 0) + 1
            del lines[0]
        if lines:
            yield document, lines


def _sentence(
    document: int | None, lines: list[_Line], names: tuple[str, ...], encoding: str
) -> Record | Rejected:
    rows = []
    for number, line in lines:
        cells = _cells(line)
        problem = ""
        if not is_valid(line):
            problem = f"not valid {encoding.upper()}: line {number}"
        elif len(cells) != len(names):
            problem = f"columns: got {len(cells)} on line {number}, expected {len(names)}"
        if problem:
            return Rejected(lines[0][0], problem, excerpt(line))
        rows.append(cells)
    values: dict[str, Any] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    if document is not None:
        values["document"] = document
    return Record(lines[0][0], values)


def _cells(line: str) -> list[str]:
    line = line.rstrip("\r\n")
    if "\t" in line:
        return [cell.strip(" ") for cell in line.rstrip("\t").split("\t")]
    return [cell for cell in line.split(" ") if cell]


def _is_comment(line: str, cells: list[str]) -> bool:
    return line.startswith("# ") and not is_tag(cells[-1])

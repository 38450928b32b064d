"""Lines in and lines out: how a stream is read and written, and what became of it."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, Protocol, TypeVar

from alnlp.data.rows import Rejected, excerpt, is_valid, text_problem
from alnlp.errors import DataError

Line = TypeVar("Line", str, bytes)
Written = TypeVar("Written", str, bytes, contravariant=True)

#: The most unusable lines that are kept to be reported.
REPORTED = 1000


class Writer(Protocol[Written]):
    """Where the chosen lines go: a binary file for bytes, a text file for str."""

    def write(self, line: Written, /) -> object:
        """Write one line."""

    def flush(self) -> object:
        """Send what was written on its way."""


@dataclass
class Streamed:
    """What became of a stream.

    Attributes:
        read: lines with a text that was decided on.
        chosen: how many of them were found worth a label and written; where the stream was cut
            short, the last of these may not have been.
        drifts: the numbers of the lines at which the uncertainty was found to have changed.
        unusable: how many lines had no text that can be read.
        rejected: the first 1000 of these, with reasons.
        closed: whether the stream ended because nobody reads the output any more; the last lines
            may have been lost on their way then.
        braced: whether the lines were read as plain text although the first begins like JSON.
    """

    read: int = 0
    chosen: int = 0
    drifts: list[int] = field(default_factory=list)
    unusable: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    closed: bool = False
    braced: bool = False


@dataclass(frozen=True, slots=True)
class Item(Generic[Line]):
    """A usable line: its number from 1, as it came, and its text."""

    number: int
    line: Line
    text: str


def parsed(
    lines: Iterable[Line], encoding: str, done: Streamed
) -> Iterator[Item[Line] | Rejected | None]:
    """The lines with their texts or why they have none; None for a blank one."""
    jsonl: bool | None = None
    for number, line in enumerate(lines, 1):
        try:
            plain = line.decode(encoding) if isinstance(line, bytes) else line
        except UnicodeDecodeError as error:
            shown = error.object.decode("ascii", "backslashreplace")
            yield Rejected(number, _undecodable(error, encoding), excerpt(shown))
            continue
        plain = plain.removeprefix("\ufeff").rstrip("\r\n")
        if not plain.strip():
            yield None  # a reader that waits for the next line would hold back what came before
            continue
        if jsonl is None:
            # A brace alone does not do: logs begin with one, and all their lines would be refused.
            jsonl = _is_row(plain)
            done.braced = not jsonl and plain.lstrip().startswith("{")
        text, problem = _text(plain) if jsonl else (plain, text_problem(plain))
        yield Rejected(number, problem, excerpt(plain)) if problem else Item(number, line, text)


def _undecodable(error: UnicodeDecodeError, encoding: str) -> str:
    return (
        f"not valid {encoding.upper()} (byte 0x{error.object[error.start]:02X} at position "
        f"{error.start + 1}); mend it, or give the lines' encoding (--encoding cp1252, say)"
    )


def _is_row(line: str) -> bool:
    """Whether a line is a JSON object with a text column, whatever that holds."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "text" in value


def _text(line: str) -> tuple[str, str]:
    """The text of a line of JSON, and why there is none."""
    if not is_valid(line):
        return "", "not valid UTF-8"
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return "", f"not valid JSON: {error}"
    if not isinstance(value, dict):
        return "", f"not a JSON object but a {type(value).__name__}"
    text = value.get("text")
    return str(text), text_problem(text)


def line_encoding(encoding: str) -> str:
    """The name of an encoding, refused where its lines cannot be told apart before decoding."""
    try:
        name = codecs.lookup(encoding).name
        end = b"\n".decode(name, "replace")  # refuses base64 and others that make bytes
    except (LookupError, ValueError) as error:
        raise DataError(
            f"encoding: got {encoding!r}, expected a name such as utf-8 or cp1252"
        ) from error
    if end != "\n":
        raise DataError(
            f"encoding: got {encoding!r}, expected one whose lines end with the byte 0x0A, such as "
            f"utf-8 or cp1252; turn the lines into one with: iconv -f {encoding} -t utf-8"
        )
    return name


def arrived(
    source: Iterator[Item[Line] | Rejected | None], most: int, ready: Callable[[], bool]
) -> list[Item[Line] | Rejected | None]:
    """The next items, one at least unless the source has ended."""
    items = []
    for item in islice(source, most):
        items.append(item)
        if not ready():
            break
    return items


def usable_among(items: Iterable[Item[Line] | Rejected | None], done: Streamed) -> list[Item[Line]]:
    """The usable ones among some lines; the others are noted down."""
    usable = []
    for item in items:
        if item is None:
            continue
        if not isinstance(item, Rejected):
            usable.append(item)
            continue
        done.unusable += 1
        if len(done.rejected) < REPORTED:
            done.rejected.append(item)
    return usable


def write(out: Writer[Line], lines: Iterable[Line], done: Streamed) -> None:
    """Write chosen lines and count them, until the pipe's reader closes it."""
    try:
        for line in lines:
            done.chosen += 1  # first: an interrupt leaves no line that is written and not counted
            out.write(_ended(line))
        out.flush()
    except BrokenPipeError:
        done.closed = True


def _ended(line: Line) -> Line:
    """A line with the end that a text file has, whatever end it came with."""
    if isinstance(line, bytes):
        return line.rstrip(b"\r\n") + b"\n"
    return line.rstrip("\r\n") + "\n"

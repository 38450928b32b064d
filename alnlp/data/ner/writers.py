"""Annotated texts out, in the formats that other tools read, with a word on what those lack."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

from alnlp.data.delimited import guarded
from alnlp.data.ner.conll import DOCUMENT
from alnlp.data.ner.docbin import write_docbin
from alnlp.data.ner.losses import Losses, SpanRow
from alnlp.data.ner.reading import located
from alnlp.data.ner.schemes import Scheme, write_tags
from alnlp.data.spans import spans_of
from alnlp.data.words import Words, joined, words_of
from alnlp.errors import DataError

Writer = Callable[[Iterable[SpanRow], Path, Losses], None]

#: The formats by the ending of a file's name.
ENDINGS = {
    ".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv", ".spacy": "spacy", ".conll": "conll",
    ".bio": "conll", ".iob2": "conll", ".iob": "conll-iob1", ".bioes": "conll-bioes",
}  # fmt: skip


def write(format: str, rows: Iterable[SpanRow], path: Path) -> list[str]:
    """Writes the rows and returns what the format could not say, one plain line for each kind.

    Raises:
        DataError: unknown format.
        MissingExtra: an optional package is not installed.
        OSError: the file cannot be written.
    """
    if format not in WRITERS:
        raise DataError(f"format: got {format!r}, expected one of {', '.join(WRITERS)}")
    losses = Losses()
    WRITERS[format](rows, path, losses)
    return losses.lines()


def format_of(path: Path | str) -> str:
    """The format by the ending of a file's name.

    Raises:
        DataError: the ending is none of a format.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise DataError(
            f"{Path(path).name}: got the file ending {ending!r}, expected one of "
            f"{', '.join(ENDINGS)}; or name the format: {', '.join(WRITERS)}"
        )
    return ENDINGS[ending]


def _write_jsonl(rows: Iterable[SpanRow], path: Path, losses: Losses) -> None:
    """Everything there is; `alnlp` reads it back as it was."""

    def line(row: SpanRow) -> dict[str, Any]:
        values: dict[str, Any] = {"id": row.id, "text": row.text, **row.answer}
        if row.words is not None:
            values["words"] = row.words
        values["annotators"] = row.annotators
        return {**values, "meta": row.meta} if row.meta else values

    _write_lines(map(line, rows), path)


def _write_doccano(rows: Iterable[SpanRow], path: Path, losses: Losses) -> None:
    def line(row: SpanRow) -> dict[str, Any]:
        if row.words is not None:
            losses.note("text", "came as tokens, which doccano does not keep", row.id)
        return {"id": row.id, "text": row.text, "label": list(map(list, spans_of(row.answer)))}

    _write_lines(map(line, _complete(rows, "doccano", losses, extra=True)), path)


def _write_tokens(rows: Iterable[SpanRow], path: Path, losses: Losses) -> None:
    """Tokens with IOB2 tags, and the text where blanks between the tokens do not give it."""

    def line(row: SpanRow) -> dict[str, Any]:
        words, tags = _tagged(row, "IOB2", losses)
        tokens = [row.text[start:end] for start, end in words]
        values: dict[str, Any] = {"id": row.id, "tokens": tokens, "ner_tags": tags}
        if joined(tokens) != (row.text, words):
            if located(tokens, row.text) == words:
                values["text"] = row.text
            else:
                _note_inexact("tokens", row, losses)
        values["annotators"] = row.annotators
        return {**values, "meta": row.meta} if row.meta else values

    _write_lines(map(line, _complete(rows, "tokens", losses, extra=False)), path)


def _write_lines(values: Iterable[dict[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for value in values:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")


def _write_conll(
    rows: Iterable[SpanRow], path: Path, losses: Losses, *, name: str, scheme: Scheme
) -> None:
    """A token and a tag on each line, a blank line behind each text."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in _complete(rows, name, losses, extra=True):
            parts = _without_blanks(row, losses)
            words, tags = _tagged(row, scheme, losses, parts)
            tokens = [row.text[start:end] for start, end in words]
            if joined(tokens) != (row.text, words):
                _note_inexact(name, row, losses)
            if tokens[0] == DOCUMENT:
                losses.note("text", f"begins with {DOCUMENT}, which readers of {name} drop", row.id)
            for token, tag in zip(tokens, tags, strict=True):
                if tag != (tag := "_".join(tag.split())):
                    losses.note("tag", "with blanks in the label, which became _", row.id)
                file.write(f"{token} {tag}\n")
            file.write("\n")


def _without_blanks(row: SpanRow, losses: Losses) -> Words:
    """The words of a row; those that hold blanks, which part columns in CoNLL, as several."""
    words: Words = []
    for start, end in row.words or words_of(row.text):
        parts = row.text[start:end].split()
        if parts != [row.text[start:end]]:
            losses.note("word", "with blanks inside, written as several", row.id)
        for part in parts:
            start = row.text.index(part, start)
            words.append((start, start + len(part)))
            start += len(part)
    return words


def _write_delimited(
    rows: Iterable[SpanRow], path: Path, losses: Losses, *, name: str, delimiter: str
) -> None:
    """A token a row, with its offsets; the first row of each text has the text as well."""
    # the reader takes quotes in tsv for quotes only where the header has them
    quoting: Literal[0, 1] = csv.QUOTE_ALL if delimiter == "\t" else csv.QUOTE_MINIMAL
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
        writer.writerow(["sentence_id", "token", "tag", "start", "end", "text"])
        for row in _complete(rows, name, losses, extra=True):
            text = row.text
            for (start, end), tag in zip(*_tagged(row, "IOB2", losses), strict=True):
                cells = (row.id, row.text[start:end], tag, str(start), str(end), text)
                writer.writerow(map(guarded, cells))
                text = ""


def _complete(
    rows: Iterable[SpanRow], name: str, losses: Losses, *, extra: bool
) -> Iterator[SpanRow]:
    """The rows that are annotated as a whole; `extra` notes other columns, which are not kept."""
    for row in rows:
        if "confirmed" in row.answer:
            what = f"annotated in part, which {name} cannot say, and left out; jsonl and spacy can"
            losses.note("text", what, row.id)
            continue
        if extra and row.meta:
            losses.note("text", f"with other columns, which {name} leaves out", row.id)
        yield row


def _tagged(
    row: SpanRow, scheme: Scheme, losses: Losses, words: Words | None = None
) -> tuple[Words, list[str]]:
    words = words or row.words or words_of(row.text)
    tags, lost = write_tags(spans_of(row.answer), words, scheme)
    losses.spans(row.id, lost)
    return words, tags


def _note_inexact(name: str, row: SpanRow, losses: Losses) -> None:
    losses.note(
        "text",
        f"more than tokens with single blanks between them, which is all that {name} has; jsonl "
        "and csv keep the exact text",
        row.id,
    )


#: The formats that `write` knows.
WRITERS: dict[str, Writer] = {
    "jsonl": _write_jsonl,
    "tokens": _write_tokens,
    "conll": partial(_write_conll, name="conll", scheme="IOB2"),
    "conll-iob1": partial(_write_conll, name="conll-iob1", scheme="IOB1"),
    "conll-bioes": partial(_write_conll, name="conll-bioes", scheme="BIOES"),
    "csv": partial(_write_delimited, name="csv", delimiter=","),
    "tsv": partial(_write_delimited, name="tsv", delimiter="\t"),
    "spacy": write_docbin,
    "doccano": _write_doccano,
}

"""From a record of any format to a row with words and spans, or a reason why not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from alnlp.data.columns import by_name
from alnlp.data.ner.columns import SpanColumns, is_strings
from alnlp.data.ner.schemes import Scheme, is_missing_tag, read_tags, word_spans
from alnlp.data.rows import (
    LEVELS,
    Record,
    Rejected,
    Row,
    excerpt,
    is_deep,
    is_missing,
    is_valid,
    plain,
    text_problem,
)
from alnlp.data.spans import Span, SpanAnswer, check_answer, read_answer, spans_of
from alnlp.data.words import Words, joined
from alnlp.errors import DataError

_REFUSED = ("reject", "ignore")  # what Prodigy says of an example that is no training data


def span_row(record: Record, columns: SpanColumns, scheme: Scheme | None) -> Row | Rejected:
    """The row that a record holds; `scheme` is that of the file's tags, as far as it is known."""
    try:
        return _row(record, columns, scheme)
    except DataError as error:
        shown = record.cells.get(columns.text)
        if isinstance(shown, list):
            shown = " ".join(map(str, shown))
        return Rejected(record.line, str(error), "" if shown is None else excerpt(str(shown)))


def _row(record: Record, columns: SpanColumns, scheme: Scheme | None) -> Row:
    cells = dict(record.cells)
    if any(is_deep(value) for value in cells.values()):
        raise DataError(f"a column is nested more than {LEVELS} levels deep")
    repairs: list[str] = []
    text, words = _text_and_words(cells, columns, repairs)
    label = None if columns.label is None else cells.pop(columns.label, None)
    value: Any = None
    if columns.tags and label is not None:
        value = _tagged(label, words or [], text, scheme, repairs)
    elif not columns.tags and not is_missing(label):
        if isinstance(record.cells[columns.text], list):
            raise DataError("spans: got tokens beside them, expected the text that they count in")
        value = _turned(label)
    answer = None if value is None else _checked(read_answer(_confirmed(value, cells)), text)
    if answer is not None and cells.get("answer") in _REFUSED:
        answer = None
        repairs.append(f"answer: {cells['answer']!r}, so the row counts as not annotated")
    if isinstance(related := cells.get("relations"), list) and related:
        repairs.append(f"relations: {len(related)} kept beside the text; a task has spans only")
    if words is not None and len(visible := _visible(words, text)) < len(words):
        repairs.append(f"tokens: {len(words) - len(visible)} of only blanks left out")
        words = visible
    return Row(record.line, text, answer, _meta(cells), words, tuple(repairs))


def _text_and_words(
    cells: dict[str, Any], columns: SpanColumns, repairs: list[str]
) -> tuple[str, Words | None]:
    """The text and the words of the row; takes out of the cells what is used."""
    main = cells.pop(columns.text, None)
    name = columns.beside or ""
    beside = cells.get(name)
    if not isinstance(main, list) and (problem := text_problem(main)):
        raise DataError(problem)
    if isinstance(main, str):
        words = _words(beside, main)
        if words is not None or beside is None:
            cells.pop(name, None)
        elif beside != [] and not is_missing(beside):
            repairs.append(f"{name}: not those of the text, which is read without them")
        return main, words
    _check_tokens(main)
    if isinstance(beside, str) and not text_problem(beside):
        words = located(main, beside)
        if words is not None:
            del cells[name]
            return beside, words
    if is_missing(beside):
        cells.pop(name, None)
    else:
        shown = excerpt(str(beside), 40)
        repairs.append(f"{name}: {shown!r} is not that of the tokens, which are joined instead")
    text, words = joined(main)
    if problem := text_problem(text):
        raise DataError(problem)
    return text, words


def _check_tokens(tokens: Sequence[Any]) -> None:
    if not tokens:
        raise DataError("tokens: got none, expected at least one")
    for i, token in enumerate(tokens, 1):
        if not isinstance(token, str):
            raise DataError(f"tokens: number {i} is {excerpt(repr(token), 40)}, expected a text")
        if not token:
            raise DataError(f"tokens: number {i} is empty, expected a text")
        if "\0" in token or not is_valid(token):
            raise DataError(f"tokens: number {i} holds NUL or half a character")


def located(tokens: Sequence[str], text: str) -> Words | None:
    """Where tokens stand in a text with nothing but blanks between them; None if they do not."""
    words: Words = []
    at = 0
    for token in tokens:
        start = text.find(token, at)
        if start < 0 or text[at:start].strip():
            return None
        at = start + len(token)
        words.append((start, at))
    return None if text[at:].strip() else words


def _words(value: Any, text: str) -> Words | None:
    """Words from offsets, as pairs or objects, or from tokens of the text; None if neither."""
    if not isinstance(value, list):
        return None
    if is_strings(value):
        return located(value, text) if all(isinstance(v, str) and v for v in value) else None
    words: Words = []
    at = 0
    for i, part in enumerate(value, 1):
        if isinstance(part, Mapping):
            part = [part.get("start"), part.get("end")]
        whole = isinstance(part, list) and all(type(offset) is int for offset in part)
        if not whole or len(part) != 2 or not at <= part[0] < part[1] <= len(text):
            raise DataError(
                f"words: number {i} is {excerpt(repr(part), 40)}, expected [start, end] with "
                f"{at} <= start < end <= {len(text)}"
            )
        at = part[1]
        words.append((part[0], at))
    return words or None


def _visible(words: Words, text: str) -> Words:
    return [(start, end) for start, end in words if text[start:end].strip()]


def _tagged(
    tags: Any, words: Words, text: str, scheme: Scheme | None, repairs: list[str]
) -> list[Span] | None:
    """The spans that tags say, without words of only blanks at their edges; None for no tags."""
    if not isinstance(tags, list):
        raise DataError(f"tags: got {excerpt(repr(tags), 40)}, expected a list")
    if len(tags) == len(words) and all(map(is_missing_tag, tags)):
        return None
    spans, found = read_tags(tags, words, text, scheme)
    repairs += found
    visible = _visible(words, text)
    if len(visible) == len(words):
        return spans
    inside = word_spans(spans, visible)
    for i, span in enumerate(spans):
        if span in inside:  # else it holds only blanks, and will be refused
            first, behind, label = inside[span]
            spans[i] = Span(visible[first][0], visible[behind - 1][1], label)
    return spans


def _confirmed(value: Any, cells: dict[str, Any]) -> Any:
    """The answer with what the column "confirmed" says of it, which is taken out of the cells."""
    name = by_name(list(cells), ("confirmed",))
    confirmed = None if name is None else cells.pop(name)
    if is_missing(confirmed):
        return value
    value, confirmed = _parsed(value, "spans"), _parsed(confirmed, "confirmed")
    if not isinstance(value, Mapping):
        value = {"spans": value}
    if "confirmed" in value:
        raise DataError("confirmed: got it in a column and beside the spans, expected it once")
    return {**value, "confirmed": confirmed}


def _parsed(value: Any, what: str) -> Any:
    """The value, read as JSON if it is a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{what}: got {excerpt(repr(value), 60)}, expected JSON") from error


def _turned(value: Any) -> Any:
    """A list of objects from an object of lists, as data sets keep it; anything else as it is."""
    if not isinstance(value, Mapping) or not all(isinstance(p, list) for p in value.values()):
        return value
    sizes = {len(part) for part in value.values()}
    if "spans" in value or len(value) < 3 or len(sizes) != 1:
        return value
    return [dict(zip(value, parts, strict=True)) for parts in zip(*value.values(), strict=True)]


def _checked(answer: SpanAnswer, text: str) -> SpanAnswer:
    """The answer, if it fits the text; which labels and overlaps are allowed the task knows."""
    labels = {span.label for span in spans_of(answer)}
    return check_answer(answer, sorted(labels), text=text, overlaps=True)


def _meta(cells: dict[str, Any]) -> dict[str, Any]:
    """The other columns; those that an export has put into "meta" stand for themselves again."""
    own = cells.pop("meta", None)
    if isinstance(own, Mapping):
        cells.update(own)
    elif own is not None:
        cells["meta"] = own
    meta = {name: plain(value) for name, value in cells.items() if not isinstance(value, bytes)}
    if meta and not is_valid(json.dumps(meta, ensure_ascii=False)):
        raise DataError("a column holds half a character")
    return meta

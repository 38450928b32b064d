"""Tables with one token a row: gathered into sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alnlp.data.columns import by_name, check_given
from alnlp.data.ner.columns import TAGS, TOKENS, SpanColumns
from alnlp.data.rows import Record, Rejected, excerpt, is_missing
from alnlp.errors import DataError

_SENTENCES = (
    "sentence_id", "sentence #", "sentence", "sent_id", "sent", "sentence_idx", "sentence_no",
    "sentence_number", "sentence id", "text_id", "example_id",
)  # fmt: skip
_DOCUMENTS = ("doc", "doc_id", "document", "document_id", "docid")


@dataclass(frozen=True)
class TokenColumns:
    """The columns of a table with one token a row.

    Attributes:
        token: the token.
        tag: its tag; None for a table without.
        sentence: names that tell sentences apart; a new one begins where one of them changes, or
            is filled after empty cells. Where none is of sentences, but at most of documents, rows
            without a token stand between sentences.
        text: the exact text, in the first row of each sentence; with `offsets` only.
        offsets: where the token starts and ends in it.
    """

    token: str
    tag: str | None
    sentence: tuple[str, ...]
    text: str | None = None
    offsets: tuple[str, str] | None = None

    def as_spans(self) -> SpanColumns:
        """The columns of the sentences that `sentences` makes."""
        if self.text is not None:
            return SpanColumns(self.text, self.tag, tags=True, beside=self.token)
        return SpanColumns(self.token, self.tag, tags=True)


def guess_token_columns(
    sample: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    text: str | None = None,
    label: str | None = None,
) -> TokenColumns | None:
    """The columns of a table with one token a row, None if it is none.

    Raises:
        DataError: it is one, but nothing says which tokens make a sentence.
    """
    check_given(names, text, label)
    kinds = {name: {type(row.get(name)) for row in sample} for name in names}
    strings = [name for name in names if str in kinds[name] and list not in kinds[name]]
    token = text if text in strings else by_name(strings, TOKENS)
    tag = label if label is not None else by_name([n for n in strings if n != token], TAGS)
    others = [name for name in names if name not in (token, tag)]
    keys = tuple(n for known in (_SENTENCES, _DOCUMENTS) if (n := by_name(others, known)))
    if token is None or (text is not None and text != token) or not (tag or keys):
        return None
    if text is not None and by_name([text], TOKENS) is None and not (tag and keys):
        return None
    cells = [row.get(token) for row in sample]
    if all(isinstance(cell, str) and cell[:1] == "[" and cell[-1:] == "]" for cell in cells):
        if by_name(others, ("text",)) is not None:
            return None
        raise DataError(
            f"column {token!r} holds lists written as text; save the data as jsonl or parquet"
        )
    if not keys and not any(map(is_missing, cells)):
        raise DataError(
            f"column {token!r} holds one token a row, and no column says which of them make a "
            "sentence; expected one such as sentence_id"
        )
    start, end = by_name(others, ("start",)), by_name(others, ("end",))
    exact = by_name([name for name in others if name not in keys], ("text",))
    if exact is None or start is None or end is None:
        return TokenColumns(token, tag, keys)
    return TokenColumns(token, tag, keys, exact, (start, end))


def sentences(
    items: Iterator[Record | Rejected], columns: TokenColumns
) -> Iterator[Record | Rejected]:
    """A record for each sentence, with a list for each column that is not one of the sentence.

    A row that cannot be read costs its sentence; where it may have been the first row of the next
    one, it costs that as well.
    """
    # Where a column tells sentences apart, a row is no token only if that is empty as well.
    told = by_name(columns.sentence, _SENTENCES) is not None
    needed = (columns.token, columns.tag, *(columns.sentence if told else ()))
    group: list[Record] = []
    problem = ""
    bad_before = ""  # the row just before, if it could not be read
    for item in items:
        if isinstance(item, Rejected):
            bad_before = f"line {item.line}: {item.reason}"
            problem = problem or bad_before
            if not group:
                yield item
            continue
        separator = all(is_missing(item.cells.get(name)) for name in needed if name is not None)
        if separator and told:
            continue
        if separator or (group and _begins(group, item, columns)):
            if group:
                yield _sentence(group, columns, problem)
            group, problem = [], "" if separator else bad_before
        bad_before = ""
        if not separator:
            group.append(item)
    if group:
        yield _sentence(group, columns, problem)


def _begins(group: list[Record], item: Record, columns: TokenColumns) -> bool:
    """Whether a row is the first of a sentence, given the rows of the one before it."""
    for key in columns.sentence:
        value = item.cells.get(key)
        if not is_missing(value) and value != group[0].cells.get(key):
            return True
    if columns.offsets is None:
        return False
    start, before = (_whole(row.cells.get(columns.offsets[0])) for row in (item, group[-1]))
    return isinstance(start, int) and isinstance(before, int) and start <= before


def _sentence(group: list[Record], columns: TokenColumns, problem: str) -> Record | Rejected:
    first = group[0]
    if problem:
        shown = " ".join(str(record.cells.get(columns.token)) for record in group)
        return Rejected(first.line, f"sentence: {problem}", excerpt(shown))
    single = {*columns.sentence, *([columns.text] if columns.text is not None else [])}
    cells: dict[str, Any] = {
        name: first.cells.get(name) if name in single else [r.cells.get(name) for r in group]
        for name in dict.fromkeys(name for record in group for name in record.cells)
    }
    if columns.offsets is not None:
        cells[columns.token] = [
            [_whole(record.cells.get(name)) for name in columns.offsets] for record in group
        ]
        for name in columns.offsets:
            cells.pop(name, None)
    return Record(first.line, cells)


def _whole(cell: Any) -> Any:
    """The number in a cell of a csv file; anything else as it is, to be refused."""
    return int(cell) if isinstance(cell, str) and cell.isascii() and cell.isdigit() else cell

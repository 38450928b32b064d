"""The rows that exports write, and what a format could not say of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from alnlp.data.ner.schemes import Loss
from alnlp.data.spans import SpanAnswer
from alnlp.data.words import Words


@dataclass(frozen=True)
class SpanRow:
    """An annotated text to be written.

    Attributes:
        id: of the example.
        text: exactly as imported.
        words: the tokens that the text came with; None for plain text.
        answer: the spans.
        annotators: who gave it.
        meta: the other columns, JSON values.
    """

    id: str
    text: str
    words: Words | None
    answer: SpanAnswer
    annotators: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)


_SPANS = {
    "overlap": "overlap a longer one and are left out; jsonl and spacy keep them",
    "cut": "cut a word and were widened to whole words; jsonl and doccano keep them as they are",
    "outside": "touch no word and are left out; jsonl and doccano keep them",
}


class Losses:
    """Counts what could not be written, with the first example of each kind."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    def note(self, what: str, example: str, count: int = 1) -> None:
        """Counts a loss; `what` completes "12 ..."."""
        before, first = self._found.get(what, (0, example))
        self._found[what] = (before + count, first)

    def spans(self, example: str, lost: Iterable[Loss]) -> None:
        """Counts spans that tags or tokens cannot say."""
        for loss in lost:
            self.note(f"spans {_SPANS[loss.what]}", example)

    def lines(self) -> list[str]:
        """A plain line for each kind of loss."""
        return [f"{n:,} {what} (first: {example})" for what, (n, example) in self._found.items()]

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
    "overlap": "overlapped by a longer one and left out; jsonl and spacy keep both",
    "cut": "not on whole words and widened to them; jsonl and doccano keep what was marked",
    "outside": "on no word and left out; jsonl and doccano keep what was marked",
}


class Losses:
    """Counts what could not be written, with the first example of each kind."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[int, str]] = {}

    def note(self, noun: str, what: str, example: str) -> None:
        """Counts a loss, to be told as "12 spans: ..."; `what` fits one as well as many."""
        before, first = self._found.get((noun, what), (0, example))
        self._found[noun, what] = (before + 1, first)

    def spans(self, example: str, lost: Iterable[Loss]) -> None:
        """Counts spans that tags or tokens cannot say."""
        for loss in lost:
            self.note("span", _SPANS[loss.what], example)

    def lines(self) -> list[str]:
        """A plain line for each kind of loss."""
        return [
            f"{n:,} {noun}{'s' * (n != 1)}: {what} (first: {example})"
            for (noun, what), (n, example) in self._found.items()
        ]

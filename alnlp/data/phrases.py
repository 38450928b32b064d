"""The same words marked in some texts, and unmarked or marked otherwise in others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alnlp.data.spans import Span, SpanAnswer, spans_of
from alnlp.data.words import Words

Phrase = tuple[str, ...]

#: How often a phrase has to be seen, and which share has to agree, before the rest is doubted.
SEEN, AGREED = 3, 2 / 3
#: Longer phrases are hardly ever said twice.
_LONGEST = 12


@dataclass(frozen=True)
class Oddity:
    """One place where a phrase is marked otherwise than in most texts.

    Attributes:
        row: of the text.
        start: where the phrase begins, in code points.
        end: where it ends.
        given: the label there, None where it is not marked.
        usual: the label in most texts, None where most leave it unmarked.
        agreed: how many places have the usual label.
        seen: how many places there are.
    """

    row: int
    start: int
    end: int
    given: str | None
    usual: str | None
    agreed: int
    seen: int

    @property
    def score(self) -> float:
        """How probably it is a mistake: the share that agrees, drawn towards a half."""
        return (self.agreed + 1) / (self.seen + 2)


def odd_marks(
    texts: Sequence[str], words: Sequence[Words], answers: Sequence[SpanAnswer]
) -> list[Oddity]:
    """The places where a phrase is marked otherwise than in two of three places or more.

    Words are compared without letter case. A place inside or across another mark counts neither
    way, and neither does one that nobody has looked at.

    Args:
        texts: N texts.
        words: where the words of each stand.
        answers: one for each.
    """
    marks = [spans_of(answer) for answer in answers]
    said = [
        tuple(text[start:end].casefold() for start, end in places)
        for text, places in zip(texts, words, strict=True)
    ]
    marked = {
        phrase
        for row, spans in enumerate(marks)
        for span in spans
        if (phrase := _phrase(said[row], words[row], span)) is not None
    }
    by_first: dict[str, set[int]] = defaultdict(set)
    for phrase in marked:
        by_first[phrase[0]].add(len(phrase))
    places: dict[Phrase, list[tuple[int, int, int, str | None]]] = defaultdict(list)
    for row, spoken in enumerate(said):
        for first, last in _occurrences(spoken, by_first, marked):
            start, end = words[row][first][0], words[row][last - 1][1]
            known, label = _marked(start, end, marks[row], answers[row])
            if known:
                places[spoken[first:last]].append((row, start, end, label))
    return [odd for found in places.values() for odd in _odd(found)]


def _phrase(spoken: Phrase, words: Words, span: Span) -> Phrase | None:
    """The words of a span, None where it does not begin and end with words."""
    inside = [i for i, (start, end) in enumerate(words) if span.start <= start and end <= span.end]
    if not inside or len(inside) > _LONGEST:
        return None
    whole = (words[inside[0]][0], words[inside[-1]][1]) == (span.start, span.end)
    return spoken[inside[0] : inside[-1] + 1] if whole else None


def _occurrences(
    spoken: Phrase, by_first: dict[str, set[int]], marked: set[Phrase]
) -> Iterator[tuple[int, int]]:
    for first, word in enumerate(spoken):
        for length in by_first.get(word, ()):
            phrase = spoken[first : first + length]
            if len(phrase) == length and phrase in marked:
                yield first, first + length


def _marked(
    start: int, end: int, spans: Sequence[Span], answer: SpanAnswer
) -> tuple[bool, str | None]:
    """Whether anything is known of a place, and its label."""
    for span in spans:
        if (span.start, span.end) == (start, end):
            return True, span.label
    if any(span.start < end and start < span.end for span in spans):
        return False, None
    seen = answer.get("confirmed")
    return seen is None or any(a <= start and end <= b for a, b in seen), None


def _odd(found: Sequence[tuple[int, int, int, str | None]]) -> list[Oddity]:
    counts = Counter(label for *_, label in found)
    usual, agreed = counts.most_common(1)[0]
    if agreed < SEEN or agreed < AGREED * len(found):
        return []
    return [
        Oddity(row, start, end, label, usual, agreed, len(found))
        for row, start, end, label in found
        if label != usual
    ]

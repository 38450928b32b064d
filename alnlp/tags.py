"""Entity tags as numbers: one layer of IOB2 over the words of a text.

Tag 0 is O, outside of all entities. The label with index k has two tags: 1 + 2k (B) for the first
word of an entity and 2 + 2k (I) for its further words. No I may stand without its B or I before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alnlp.data.spans import Span, SpanAnswer, longest_apart, spans_of
from alnlp.data.words import Words

OUTSIDE = 0
#: Of a word that nobody has looked at; the losses of torch pass over it.
UNKNOWN = -100


def tag_names(labels: Sequence[str]) -> tuple[str, ...]:
    """The names of all tags in order, 1 + 2K for K labels."""
    return ("O", *(f"{part}-{label}" for label in labels for part in "BI"))


def word_spans(answer: SpanAnswer, words: Words) -> list[Span]:
    """The spans of an answer with word indices for offsets, widened to the words they touch.

    Sorted and without repeats; a span that touches no word is left out.
    """
    starts, ends = _edges(words)
    found = set()
    for span in spans_of(answer):
        first = int(np.searchsorted(ends, span.start, "right"))
        behind = int(np.searchsorted(starts, span.end, "left"))
        if first < behind:
            found.add(Span(first, behind, span.label))
    return sorted(found)


def encode(
    answer: SpanAnswer, words: Words, labels: Sequence[str]
) -> tuple[NDArray[np.int64], int]:
    """The tag of each word (W,), and how many spans the one layer of tags cannot hold.

    Of spans that overlap, once widened to whole words, the longest is kept. Words outside of what
    the annotator has confirmed are UNKNOWN.
    """
    spans = word_spans(answer, words)
    kept = longest_apart(spans)
    tags = np.full(len(words), OUTSIDE, dtype=np.int64)
    if "confirmed" in answer:
        starts, ends = _edges(words)
        tags[:] = UNKNOWN
        for start, end in answer["confirmed"]:
            tags[(start <= starts) & (ends <= end)] = OUTSIDE
    index = {label: k for k, label in enumerate(labels)}
    for span in kept:
        tags[span.start : span.end] = 2 + 2 * index[span.label]
        tags[span.start] -= 1
    return tags, len(answer["spans"]) - len(kept)


def entities(tags: NDArray[np.integer]) -> NDArray[np.int64]:
    """First word, word behind the last, and label index of each entity, (E, 3), of valid tags.

    Texts may follow each other in one array: no valid text begins with an I tag, so no entity
    reaches from one into the next.
    """
    starts = np.flatnonzero(tags % 2 == 1)
    closing = np.append(np.flatnonzero((tags % 2 == 1) | (tags == OUTSIDE)), len(tags))
    ends = closing[np.searchsorted(closing, starts, "right")]
    return np.stack([starts, ends, tags[starts] // 2], axis=1).astype(np.int64)


def _edges(words: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    edges = np.asarray(words, dtype=np.int64).reshape(-1, 2)
    return edges[:, 0], edges[:, 1]

"""Entity tags as numbers: one layer of IOB2 over the words of a text.

Tag 0 is O, outside of all entities. The label with index k has two tags: 1 + 2k (B) for the first
word of an entity and 2 + 2k (I) for its further words. No I may stand without its B or I before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alnlp.data.ner.schemes import word_spans, write_tags
from alnlp.data.spans import SpanAnswer, spans_of
from alnlp.data.words import Words

OUTSIDE = 0
#: Of a word that nobody has looked at; the losses of torch pass over it.
UNKNOWN = -100


def tag_names(labels: Sequence[str]) -> tuple[str, ...]:
    """The names of all tags in order, 1 + 2K for K labels."""
    return ("O", *(f"{part}-{label}" for label in labels for part in "BI"))


def encode(
    answer: SpanAnswer, words: Words, labels: Sequence[str]
) -> tuple[NDArray[np.int64], int]:
    """The tag of each word (W,), and how many spans the one layer of tags cannot hold.

    Of spans that overlap, once widened to whole words, the longest is kept. UNKNOWN are the words
    outside of what the annotator has confirmed, and those that only spans that are not kept mark.
    """
    names, losses = write_tags(spans_of(answer), words)
    number = {name: tag for tag, name in enumerate(tag_names(labels))}
    tags = np.array([number[name] for name in names], dtype=np.int64)
    kept = int((tags % 2 == 1).sum())
    doubtful = ~known_words(answer, words)
    lost = word_spans([loss.span for loss in losses if loss.what == "overlap"], words)
    for first, behind, _ in lost.values():
        doubtful[first:behind] = True
    tags[doubtful & (tags == OUTSIDE)] = UNKNOWN
    return tags, len(answer["spans"]) - kept


def known_words(answer: SpanAnswer, words: Words) -> NDArray[np.bool_]:
    """Which words (W,) the annotator has decided on: inside of what is confirmed, or marked."""
    known = np.full(len(words), "confirmed" not in answer)
    starts, ends = np.asarray(words, dtype=np.int64).reshape(-1, 2).T
    for start, end in answer.get("confirmed", ()):
        known[(start <= starts) & (ends <= end)] = True
    for first, behind, _ in word_spans(spans_of(answer), words).values():
        known[first:behind] = True
    return known


def entities(tags: NDArray[np.integer]) -> NDArray[np.int64]:
    """First word, word behind the last, and label index of each entity, (E, 3).

    The tags are valid, or UNKNOWN in places, which ends an entity. Texts may follow each other in
    one array: no valid text begins with an I tag, so no entity reaches from one into the next.
    """
    starts = np.flatnonzero(tags % 2 == 1)
    closing = np.append(np.flatnonzero((tags % 2 == 1) | (tags <= OUTSIDE)), len(tags))
    ends = closing[np.searchsorted(closing, starts, "right")]
    return np.stack([starts, ends, tags[starts] // 2], axis=1).astype(np.int64)

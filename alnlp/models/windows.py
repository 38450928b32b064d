"""Long texts as overlapping windows, so that every word is read with context on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

#: How much of a window its neighbour reads as well.
OVERLAP = 0.25


def split(sizes: Sequence[int], room: int) -> list[tuple[range, range]]:
    """Windows over the words of a text: for each the words it reads, and those it answers for.

    Every word is answered for exactly once: by the window in which it stands farthest from where
    the text is cut. A text that fits is one window; so is a text without words.

    Args:
        sizes: subwords of each word, between 1 and `room`.
        room: the most subwords in a window.
    """
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])  # subwords before each word
    read: list[range] = []
    start, n = 0, len(sizes)
    while True:
        stop = int(np.searchsorted(ends, ends[start] + room, "right")) - 1
        read.append(range(start, stop))
        if stop == n:
            break
        # The next window begins a quarter back, but late enough for the word that follows to fit.
        earliest = max(ends[stop] - int(OVERLAP * room), ends[stop + 1] - room)
        start = max(start + 1, int(np.searchsorted(ends, earliest)))
    # In an overlap both windows are cut once, so the farther cut changes in its middle.
    borders = [0, *(_middle(ends, b.start, a.stop) for a, b in pairwise(read)), n]
    return [(words, range(*kept)) for words, kept in zip(read, pairwise(borders), strict=True)]


def _middle(ends: np.ndarray, start: int, stop: int) -> int:
    """The first word of start to stop whose own middle lies in the overlap's second half."""
    middles = ends[start:stop] + ends[start + 1 : stop + 1]
    return start + int(np.searchsorted(middles, ends[start] + ends[stop]))

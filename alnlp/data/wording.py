"""Texts that say the same but for a few words, and which words these are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher

from alnlp.data.words import words_of

Stretches = list[tuple[int, int]]

#: Of as many words as the longer text has, one in five may differ, but no more than three.
SHARE, MOST = 5, 3
#: How many texts with one rare word in common are looked at for each answer.
_BUCKET = 1000


def contradicting(texts: Sequence[str], answers: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of texts that differ by a few words and have different answers, smaller index first.

    A few are one in five of the words of the longer text, and three at most; letter case,
    punctuation and the order of words do not count. Found by prefix filtering: two such texts
    share one of the rarest words of each. Chaudhuri, Ganti and Kaushik, "A Primitive Operator for
    Similarity Joins in Data Cleaning", ICDE 2006.

    Args:
        texts: N texts.
        answers: one for each.
    """
    bags = [_bag(text) for text in texts]
    often = Counter(word for bag in bags for word in bag)
    rare: dict[Hashable, dict[Hashable, list[int]]] = defaultdict(lambda: defaultdict(list))
    found = []
    for row in sorted(range(len(bags)), key=lambda row: len(bags[row])):
        bag, answer = bags[row], answers[row]
        apart = _apart(len(bag))
        prefix = sorted(bag, key=lambda word: (often[word], word))[: apart + 1]
        near: set[int] = set()
        for word in prefix:
            for other, rows in rare[word].items():
                if other != answer:
                    near.update(rows[-_BUCKET:])
            rare[word][answer].append(row)
        found += [
            (min(row, other), max(row, other))
            for other in near
            if len(bag) - len(bag & bags[other]) <= apart
        ]
    return sorted(found)


def likeness(left: str, right: str) -> float:
    """The share of words that two texts have in common, 0 to 1."""
    a, b = _bag(left), _bag(right)
    return len(a & b) / max(len(a), len(b), 1)


def _apart(words: int) -> int:
    return min(words // SHARE, MOST)


def _bag(text: str) -> frozenset[tuple[str, int]]:
    """The words of a text, each with the number of times it came before; signs do not count."""
    seen: Counter[str] = Counter()
    bag = []
    words = [text[start:end].casefold() for start, end in words_of(text)]
    for word in [word for word in words if word[0].isalnum()] or words:
        bag.append((word, seen[word]))
        seen[word] += 1
    return frozenset(bag)


def differing(left: str, right: str) -> tuple[Stretches, Stretches]:
    """The stretches (start, end) of each text whose words the other one lacks at that place.

    Offsets are code points; words beside each other make one stretch, and letter case is no
    difference.
    """
    places = words_of(left), words_of(right)
    here, there = (
        [text[start:end].casefold() for start, end in words]
        for text, words in zip((left, right), places, strict=True)
    )
    found: tuple[Stretches, Stretches] = ([], [])
    for change, *ends in SequenceMatcher(None, here, there, autojunk=False).get_opcodes():
        if change == "equal":
            continue
        for words, stretches, (first, last) in zip(
            places, found, (ends[:2], ends[2:]), strict=True
        ):
            if first < last:
                stretches.append((words[first][0], words[last - 1][1]))
    return found


def shared(left: str, right: str) -> dict[tuple[int, int], tuple[int, int]]:
    """Where the words that two texts have in common stand: place in the one -> in the other."""
    a, b = words_of(left), words_of(right)
    here = [left[start:end].casefold() for start, end in a]
    there = [right[start:end].casefold() for start, end in b]
    blocks = SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks()
    return {a[i + k]: b[j + k] for i, j, size in blocks for k in range(size)}

"""Rare classes: fill up what has few labels, or search for what a random draw would not find."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import StrategyError
from alnlp.signals import IntArray, Signals
from alnlp.strategies.cold_start import take_turns
from alnlp.strategies.neighbours import normalised, similarity
from alnlp.strategies.spec import ALL_TASKS, LABEL_TASKS, Indices, StrategySpec, top
from alnlp.strategies.uncertainty import UNSURE, unsure


def label_counts(targets: IntArray, K: int) -> IntArray:
    """How many labelled examples each of K classes has: (L,) classes or (L, K) of 0 and 1 -> (K,).

    Labels that one side does not know, since they were added later, count nothing.
    """
    if targets.ndim == 1:
        counts = np.bincount(targets, minlength=K)[:K]
    else:
        counts = np.zeros(K, dtype=np.int64)
        both = min(K, targets.shape[1])
        counts[:both] = (targets[:, :both] > 0).sum(axis=0)
    return counts.astype(np.int64)


def fill_up(predicted: NDArray[np.bool_], counts: IntArray, n: int) -> Indices:
    """n of N candidates, each of the class that has the fewest labels by then.

    A class without candidates is passed over; candidates of no class come last. Ties between
    classes go to the first.

    Args:
        predicted: (N, K) whether a candidate is taken for one of a class, the candidates in the
            order in which they are preferred.
        counts: (K,) labels so far.
        n: how many.
    """
    counts = counts.copy()
    queues = [iter(np.flatnonzero(column).tolist()) for column in predicted.T]
    left = set(range(len(queues)))
    chosen: dict[int, None] = {}
    while len(chosen) < n and left:
        fewest = min(left, key=lambda c: (counts[c], c))
        place = next((place for place in queues[fewest] if place not in chosen), None)
        if place is None:
            left.remove(fewest)
        else:
            chosen[place] = None
            counts += predicted[place]
    rest = (place for place in range(len(predicted)) if place not in chosen)
    while len(chosen) < n:
        chosen[next(rest)] = None
    return np.array(list(chosen), dtype=np.int64)


def class_balanced(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """The most unsure of those that the model takes for a class with few labels.

    Bengar et al., "Class-Balanced Active Learning for Image Classification", WACV 2022, made
    greedy: there an optimisation over the whole batch weighs scores against the balance of the
    predicted classes, here balance comes first, by the class that each example is predicted to be.
    """
    order = top(unsure(signals), signals.size, rng)
    probabilities = signals.probabilities[order]
    K = probabilities.shape[1]
    if signals.multilabel:
        predicted = probabilities >= 0.5
    else:
        predicted = probabilities.argmax(axis=1)[:, None] == np.arange(K)
    counts = label_counts(signals.labelled.targets, K)
    columns = rng.permutation(K)  # ties between classes are broken at random
    return order[fill_up(predicted[:, columns], counts[columns], n)]


def folded(text: str) -> str:
    """The text in the one form in which case and composed characters make no difference."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def has_words(text: str, words: Sequence[str]) -> bool:
    """Whether a folded text contains each of some folded words as a whole, and there is any."""
    return bool(words) and all(_has_word(text, word) for word in words)


def _has_word(text: str, word: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        before, behind = text[start - 1 : start], text[end : end + 1]
        if not (_joined(before, word[0]) or _joined(word[-1], behind)):
            return True
        start = text.find(word, start + 1)
    return False


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours are of one word; either may be "", the edge of the text."""
    return all(map(_continues, (left, right)))


def _continues(character: str) -> bool:
    """Whether a character makes one word with its like: not in scripts that put no blanks between
    words, such as Chinese and Thai.
    """
    if not character or "\u0e00" <= character <= "\u109f" or "\u1780" <= character <= "\u17ff":
        return False
    if unicodedata.east_asian_width(character) in "WF":
        return False
    return character.isalnum() or unicodedata.category(character).startswith("M")


def found_words(texts: Sequence[str], queries: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each of N texts contains all words of each of Q queries: (N, Q)."""
    wanted = [folded(query).split() for query in queries]
    found = np.zeros((len(texts), len(wanted)), dtype=bool)
    for place, text in enumerate(texts):
        plain = folded(text)
        found[place] = [has_words(plain, words) for words in wanted]
    return found


def seeded(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """For each query in turn what contains its words, and then what is most similar to it.

    Among texts with the words too the most similar come first. Without queries the names of the
    labels with the fewest answers are searched for, by similarity. Guided learning: Attenberg and
    Provost, "Why Label When You Can Search?", KDD 2010, where people search in place of this.
    """
    rows = normalised(signals.embeddings)
    queries = signals.queries
    if not len(queries):
        names = normalised(signals.label_embeddings)
        counts = label_counts(signals.labelled.targets, len(names))
        fewest = counts == counts.min(initial=len(signals.labelled))
        return take_turns(similarity(rows, names[fewest]), n, rng)
    wanted = normalised(signals.query_embeddings)
    if len(wanted) != len(queries):
        raise StrategyError(
            f"query embeddings: got {len(wanted)}, expected one for each of {len(queries)} queries"
        )
    scores = similarity(rows, wanted)  # up to 1, so that words come before it
    scores += 2 * found_words(signals.texts, queries)
    return take_turns(scores, n, rng)


ENTRIES: dict[str, StrategySpec] = {
    "class_balanced": StrategySpec(
        class_balanced,
        LABEL_TASKS,
        UNSURE | {"labelled"},
        why="the model takes it for a label that has few answers, and is unsure",
        summary="fills up the labels with the fewest answers, by what the model predicts",
        source="Bengar et al. 2022",
    ),
    "seeded": StrategySpec(
        seeded,
        ALL_TASKS,
        frozenset(
            {"embeddings", "texts", "queries", "query_embeddings", "label_embeddings", "labelled"}
        ),
        why="it has the words that were searched for, or is close to them in meaning",
        summary="a search by words and examples, for labels that a random draw would not find",
        source="Attenberg and Provost 2010",
    ),
}

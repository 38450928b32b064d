"""Rare classes: filling up by predicted class, and the search by words and examples."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alnlp.errors import StrategyError
from alnlp.signals import Labelled, Signals
from alnlp.strategies import rare, select
from alnlp.strategies.uncertainty import unsure

SEEDS = range(30)


def slow_fill_up(predicted: list[list[bool]], counts: list[int], n: int) -> list[int]:
    counts, chosen = list(counts), []
    for _ in range(n):
        open_ones = [i for i in range(len(predicted)) if i not in chosen]
        for c in sorted(range(len(counts)), key=lambda c: counts[c]):
            mine = [i for i in open_ones if predicted[i][c]]
            if mine:
                break
        else:
            mine = open_ones
        chosen.append(mine[0])
        counts = [count + predicted[mine[0]][c] for c, count in enumerate(counts)]
    return chosen


@pytest.mark.parametrize("seed", SEEDS)
def test_fill_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, K = int(rng.integers(1, 20)), int(rng.integers(1, 5))
    predicted = rng.random((size, K)) < rng.random()
    counts = rng.integers(6, size=K)
    n = int(rng.integers(1, size + 1))
    expected = slow_fill_up(predicted.tolist(), counts.tolist(), n)
    before = counts.tolist()
    assert rare.fill_up(predicted, counts, n).tolist() == expected
    assert counts.tolist() == before


def test_class_balanced_by_hand() -> None:
    # Labels so far: 5, 1 and 2. Predicted: 0 0 1 1 1 2, the most unsure last within each class.
    probabilities = np.array(
        [[0.9, 0.1, 0], [0.6, 0.4, 0], [0, 0.9, 0.1], [0, 0.8, 0.2], [0, 0.6, 0.4], [0, 0.1, 0.9]]
    )
    targets = np.array([0, 0, 0, 0, 0, 1, 2, 2])
    known = Labelled(np.zeros((8, 1)), np.empty((8, 0)), targets)
    signals = Signals.of(probabilities, labelled=known)

    def chosen(n: int, seed: int) -> list[int]:
        return select(
            rare.ENTRIES["class_balanced"], signals, n, np.random.default_rng(seed)
        ).tolist()

    # Class 1 up to 2 labels (4), then 1 and 2 are equal: 3 and 5 in either order, then 2 and no
    # more of class 2 to be had; then class 0, the most unsure first.
    orders = {tuple(chosen(6, seed)) for seed in range(40)}
    assert orders == {(4, 3, 5, 2, 1, 0), (4, 5, 3, 2, 1, 0)}


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_class_balanced(seed: int, multilabel: bool) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.random((25, 4)) if multilabel else rng.dirichlet(np.ones(4), size=25)
    targets = rng.integers(2, size=(9, 4)) if multilabel else rng.integers(4, size=9)
    known = Labelled(np.zeros((9, 1)), np.empty((9, 0)), targets)
    signals = Signals.of(probabilities, labelled=known, multilabel=multilabel)
    chosen = rare.class_balanced(signals, 7, np.random.default_rng(seed)).tolist()
    draws = np.random.default_rng(seed)
    draws.permutation(25)  # the ties among scores, of which there are none
    columns = draws.permutation(4).tolist()
    rows = probabilities.tolist()
    order = sorted(range(25), key=lambda i: -float(unsure(signals)[i]))
    predicted = [
        [rows[i][c] >= 0.5 if multilabel else rows[i][c] == max(rows[i]) for c in columns]
        for i in order
    ]
    answers = targets.tolist()
    counts = [sum(a[c] if multilabel else a == c for a in answers) for c in columns]
    assert chosen == [order[i] for i in slow_fill_up(predicted, counts, 7)]


def test_labels_that_one_side_does_not_know() -> None:
    assert rare.label_counts(np.array([0, 4, 1, 1]), 3).tolist() == [1, 2, 0]
    assert rare.label_counts(np.array([[1, 0, 1], [1, 0, 0]]), 2).tolist() == [2, 0]
    assert rare.label_counts(np.array([[1], [1]]), 3).tolist() == [2, 0, 0]
    assert rare.label_counts(np.empty((5, 0), dtype=int), 2).tolist() == [0, 0]
    assert rare.label_counts(np.empty(0, dtype=int), 2).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("I want a REFUND, please.", "refund", True),
        ("refunds are slow", "refund", False),
        ("prerefund", "refund", False),
        ("prerefund and refund", "refund", True),
        ("money was sent back", "back money", True),
        ("money was sent", "back money", False),
        ("Große STRASSE", "straße gross", False),
        ("GROSSE Straße", "große strasse", True),
        ("caf\u00e9 au lait", "cafe\u0301", True),
        ("cafe\u0301s", "cafe", False),
        ("we use c++ here", "C++", True),
        ("a (very) bad [x", "(very) [x", True),
        ("anything", "", False),
        ("anything", "  ", False),
        ("anything", ".*", False),
        ("请给我退款谢谢", "退款", True),
        ("ขอเงินคืนด้วย", "เงินคืน", True),
        ("a退款b", "退款", True),
        ("version 12", "version 1", False),
        ("", "x", False),
    ],
)
def test_whole_words(text: str, query: str, found: bool) -> None:
    assert rare.found_words([text], [query]).tolist() == [[found]]


letters = st.text(st.sampled_from("abAB é,.-1ß"), max_size=12)


@given(letters, letters)
def test_whole_words_of_plain_scripts(text: str, query: str) -> None:
    def fold(given: str) -> str:
        return unicodedata.normalize("NFC", given.casefold())

    def is_found(word: str) -> bool:
        plain = fold(text)
        for start in range(len(plain) - len(word) + 1):
            if plain[start : start + len(word)] == word:
                around = f" {plain} "[start : start + len(word) + 2]
                begins = around[0].isalnum() and word[0].isalnum()
                ends = around[-1].isalnum() and word[-1].isalnum()
                if not begins and not ends:
                    return True
        return False

    words = fold(query).split()
    expected = bool(words) and all(is_found(word) for word in words)
    assert rare.found_words([text], [query])[0, 0] == expected


def searching(queries: list[str], texts: list[str], seed: int = 0, targets: object = ()) -> Signals:
    rng = np.random.default_rng(seed)
    answers = np.array(targets, dtype=np.int64)
    known = Labelled(np.zeros((len(answers), 3)), np.empty((len(answers), 0)), answers)
    return Signals.of(
        embeddings=rng.normal(size=(len(texts), 3)),
        texts=texts,
        queries=queries,
        query_embeddings=rng.normal(size=(len(queries), 3)),
        label_embeddings=rng.normal(size=(3, 3)),
        labelled=known,
    )


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("seed", range(8))
def test_seeded_ranks_by_words_and_then_by_meaning(seed: int) -> None:
    texts = [f"{'Red' if i % 4 == 0 else 'blue'} thing {i}" for i in range(24)]
    signals = searching(["red"], texts, seed)
    wanted = signals.query_embeddings[0]
    ranked = sorted(range(24), key=lambda i: (i % 4 != 0, -cosine(signals.embeddings[i], wanted)))
    chosen = select(rare.ENTRIES["seeded"], signals, 10, np.random.default_rng(seed)).tolist()
    assert chosen == ranked[:10]


def test_every_query_gets_its_turn() -> None:
    texts = ["red"] * 30 + ["green"] * 2 + ["blue"] * 30
    signals = searching(["red", "green"], texts)
    chosen = select(rare.ENTRIES["seeded"], signals, 4, np.random.default_rng(0)).tolist()
    assert {30, 31} <= set(chosen)
    assert sum(i < 30 for i in chosen) == 2


def test_without_queries_the_names_of_the_rarest_labels_are_searched_for() -> None:
    signals = searching([], ["text"] * 20, targets=[0, 0, 1, 2, 2])
    wanted = signals.label_embeddings[1]
    ranked = sorted(range(20), key=lambda i: -cosine(signals.embeddings[i], wanted))
    chosen = select(rare.ENTRIES["seeded"], signals, 5, np.random.default_rng(0)).tolist()
    assert chosen == ranked[:5]
    # two labels without any answer take turns
    signals = searching([], ["text"] * 20, targets=[1, 1])
    firsts = {
        max(range(20), key=lambda i: cosine(signals.embeddings[i], signals.label_embeddings[c]))
        for c in (0, 2)
    }
    chosen = select(rare.ENTRIES["seeded"], signals, 2, np.random.default_rng(0)).tolist()
    assert set(chosen) == firsts


def test_a_query_without_embedding_is_told() -> None:
    signals = searching(["red"], ["red"])
    broken = {**signals.loaders, "query_embeddings": lambda: np.zeros((2, 3))}
    with pytest.raises(StrategyError, match="got 2, expected one for each of 1 queries"):
        select(rare.ENTRIES["seeded"], Signals(1, broken), 1, np.random.default_rng(0))

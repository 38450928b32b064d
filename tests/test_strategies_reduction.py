"""Reductions: indices of the true pool, signals gathered lazily, and what is left of the pool."""

import inspect
import math

import numpy as np
import pytest

from alnlp.errors import StrategyError
from alnlp.signals import Labelled, Signals
from alnlp.strategies import reduction, select
from alnlp.strategies.neighbours import normalised
from alnlp.strategies.uncertainty import unsure

SEEDS = range(15)


def everything(size: int, rng: np.random.Generator) -> Signals:
    """Signals with every loader that there is, all different."""
    return Signals.of(
        rng.dirichlet(np.ones(3), size=size),
        rng.normal(size=(size, 4)),
        scores={"mnlp": rng.random(size), "entropy:max": rng.random(size)},
        costs=rng.integers(1, 99, size=size),
        samples=rng.random((2, size, 3)),
        committee=rng.random((5, size, 3)),
        history=rng.random((4, size, 3)),
        labelled=Labelled(rng.normal(size=(6, 4)), np.empty((6, 0)), rng.integers(3, size=6)),
        label_embeddings=rng.normal(size=(3, 4)),
        label_count=3,
        texts=[f"text {i}" for i in range(size)],
        queries=["one", "two"],
        query_embeddings=rng.normal(size=(2, 4)),
        seconds=rng.random(size) + 1,
    )


READ = {
    "probabilities": (lambda s: s.probabilities, 0),
    "embeddings": (lambda s: s.embeddings, 0),
    "samples": (lambda s: s.samples, 1),
    "committee": (lambda s: s.committee("heads"), 1),
    "history": (lambda s: s.history, 1),
    "texts": (lambda s: np.array(s.texts), 0),
    "seconds": (lambda s: s.seconds, 0),
    "scores": (lambda s: s.score_of("entropy:max"), 0),
    "costs": (lambda s: s.costs(np.arange(s.size)), 0),
    "labelled": (lambda s: s.labelled.embeddings, None),
    "label_embeddings": (lambda s: s.label_embeddings, None),
    "label_count": (lambda s: np.array(s.label_count), None),
    "queries": (lambda s: np.array(s.queries), None),
    "query_embeddings": (lambda s: s.query_embeddings, None),
}


def test_every_signal_is_covered() -> None:
    given = set(inspect.signature(Signals.of).parameters) - {"multilabel", "spans"}
    assert set(READ) == given
    assert set(everything(5, np.random.default_rng(0)).loaders) == given


@pytest.mark.parametrize("name", READ)
def test_what_is_restricted_is_gathered(name: str) -> None:
    rng = np.random.default_rng(0)
    whole = everything(20, rng)
    indices = rng.permutation(20)[:7]
    part = reduction.restricted(whole, indices)
    read, axis = READ[name]
    expected = read(whole) if axis is None else np.take(read(whole), indices, axis=axis)
    assert len(part) == 7
    assert read(part).tolist() == expected.tolist()
    if name == "costs":  # of some of those that are left
        assert part.costs(np.array([6, 0])).tolist() == whole.costs(indices[[6, 0]]).tolist()


def test_restricting_reads_nothing_and_knows_nothing_new() -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("was read")

    lazy = Signals(9, dict.fromkeys(READ, refuse), multilabel=True, spans=True)
    part = reduction.restricted(lazy, np.array([3, 4]))
    assert (part.multilabel, part.spans) == (True, True)
    with pytest.raises(AssertionError, match="was read"):
        _ = part.texts
    bare = reduction.restricted(Signals(9), np.array([3, 4]))
    assert bare.costs(np.array([0, 1])).tolist() == [1, 1]
    with pytest.raises(StrategyError, match="none is kept"):
        _ = bare.probabilities


def test_the_indices_are_those_of_the_pool() -> None:
    probabilities = np.full((50, 2), [0.9, 0.1])
    probabilities[[31, 44]] = 0.5
    signals = Signals.of(probabilities)

    def last(signals: Signals, n: int, rng: np.random.Generator) -> np.ndarray:
        return np.arange(30, 50)

    chosen = reduction.within(last, reduction._MARGIN)(signals, 2, np.random.default_rng(0))
    assert set(chosen.tolist()) == {31, 44}


def test_too_small_a_rest_is_filled_up_at_random() -> None:
    def two(signals: Signals, n: int, rng: np.random.Generator) -> np.ndarray:
        return np.array([3, 4])

    signals = Signals.of(np.full((9, 2), 0.5))
    drawn = set()
    for seed in range(50):
        chosen = reduction.within(two, reduction._MARGIN)(signals, 4, np.random.default_rng(seed))
        assert len(set(chosen.tolist())) == 4
        assert {3, 4} <= set(chosen.tolist())
        drawn |= set(chosen.tolist())
    assert drawn == set(range(9))


def test_the_random_subset_holds_one_of_the_best() -> None:
    assert 1 - 0.95**reduction.SUBSET >= 0.95 > 1 - 0.95 ** (reduction.SUBSET - 1)
    assert len(reduction.random_subset(Signals(100), 3, np.random.default_rng(0))) == 100
    scores = np.linspace(0, 1, 1000)
    signals = Signals.of(scores={"mnlp": scores}, spans=True)
    hits = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        kept = reduction.random_subset(signals, 1, rng)
        assert len(set(kept.tolist())) == 59
        chosen = select(reduction.ENTRIES["margin_subset"], signals, 1, np.random.default_rng(seed))
        assert chosen.tolist() == [max(kept)]
        hits += int(chosen[0] >= 950)
    assert 0.91 < hits / 300 < 0.99


def slow_neighbours(one: list[float], pool: list[list[float]], k: int) -> list[tuple[int, float]]:
    def cosine(other: list[float]) -> float:
        dot = sum(a * b for a, b in zip(one, other, strict=True))
        return dot / (math.hypot(*one) * math.hypot(*other))

    ranked = sorted(range(len(pool)), key=lambda i: -cosine(pool[i]))
    return [(i, cosine(pool[i])) for i in ranked[:k]]


def labelled_pool(seed: int) -> Signals:
    rng = np.random.default_rng(seed)
    L = int(rng.integers(1, 9))
    known = Labelled(rng.normal(size=(L, 3)), np.empty((L, 0)), rng.integers(3, size=L))
    return Signals.of(rng.dirichlet(np.ones(3), size=80), rng.normal(size=(80, 3)), labelled=known)


@pytest.mark.parametrize("seed", SEEDS)
def test_seals(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduction, "NEIGHBOURS", 6)
    signals = labelled_pool(seed)
    pool = signals.embeddings.tolist()
    expected = {
        i for one in signals.labelled.embeddings.tolist() for i, _ in slow_neighbours(one, pool, 6)
    }
    kept = reduction.seals(signals, 2, np.random.default_rng(0))
    assert sorted(kept.tolist()) == sorted(expected)
    chosen = select(reduction.ENTRIES["margin_seals"], signals, 2, np.random.default_rng(0))
    best = sorted(expected, key=lambda i: -float(unsure(signals)[i]))[:2]
    assert chosen.tolist() == best


@pytest.mark.parametrize("seed", SEEDS)
def test_anchors(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduction, "ANCHOR_NEIGHBOURS", 12)
    monkeypatch.setattr(reduction, "SUBPOOL", 9)
    signals = labelled_pool(seed)
    pool = signals.embeddings.tolist()
    found: dict[int, list[float]] = {}
    for one in signals.labelled.embeddings.tolist():  # so few that each of them is an anchor
        for i, cosine in slow_neighbours(one, pool, 12):
            found.setdefault(i, []).append(cosine)
    means = {i: sum(cosines) / len(cosines) for i, cosines in found.items()}
    expected = sorted(means, key=lambda i: -means[i])[:9]
    kept = reduction.anchors(signals, 2, np.random.default_rng(0))
    assert kept.tolist() == expected
    chosen = select(reduction.ENTRIES["margin_anchors"], signals, 2, np.random.default_rng(0))
    assert chosen.tolist() == sorted(expected, key=lambda i: -float(unsure(signals)[i]))[:2]
    assert len(reduction.anchors(signals, 11, np.random.default_rng(0))) >= 11


def test_anchor_similarity_by_hand() -> None:
    found, cosines = np.array([[0, 2], [2, 3]]), np.array([[0.5, 0.25], [0.75, 1.0]])
    assert reduction.anchor_similarity(found, cosines, 5).tolist() == [0.5, 0, 0.5, 1, 0]


def test_anchors_are_ten_of_each_class_spread_out() -> None:
    rng = np.random.default_rng(0)
    corners = np.eye(10)[np.arange(200) % 10] + rng.normal(scale=1e-3, size=(200, 10))
    targets = np.where(np.arange(200) < 197, 0, 1)
    for seed in range(30):
        places = reduction.anchor_places(normalised(corners), targets, np.random.default_rng(seed))
        assert {197, 198, 199} <= set(places.tolist())
        first = [int(i) for i in places if i < 197]
        assert len(first) == 10
        # k-means++ hardly ever takes a second one near to a first, a plain draw would.
        assert len({i % 10 for i in first}) == 10


def test_anchors_of_several_labels_and_of_none() -> None:
    rng = np.random.default_rng(0)
    known = normalised(rng.normal(size=(5, 3)))
    several = np.array([[1, 0], [1, 1], [0, 0], [0, 1], [0, 0]])
    assert reduction.anchor_places(known, several, rng).tolist() == [0, 1, 3]
    assert reduction.anchor_places(known, np.empty((5, 0), dtype=int), rng).tolist() == []
    assert reduction.anchor_places(known[:0], np.empty(0, dtype=int), rng).tolist() == []
    none = Labelled(np.empty((0, 3)), np.empty((0, 0)), np.empty(0, dtype=int))
    signals = Signals.of(
        rng.dirichlet(np.ones(2), size=400), rng.normal(size=(400, 3)), labelled=none
    )
    for reduce in (reduction.seals, reduction.anchors):
        assert len(reduce(signals, 2, rng)) == 2 * 59

"""Hybrids against slow references; and what hybrids, reductions and searches do at the extremes."""

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alnlp.signals import Labelled, Loader, Signals
from alnlp.strategies import cold_start, hybrid, rare, reduction, select, top
from alnlp.strategies.neighbours import highest_similarity, normalised, similarity
from alnlp.strategies.spec import StrategySpec
from alnlp.strategies.uncertainty import UNSURE, unsure

ENTRIES: dict[str, StrategySpec] = {
    **hybrid.ENTRIES,
    **reduction.ENTRIES,
    **rare.ENTRIES,
    **cold_start.ENTRIES,
}
SERVED = [(name, task) for name, spec in ENTRIES.items() for task in spec.tasks]
SEEDS = range(20)


def signals_of(
    task: str,
    embeddings: np.ndarray,
    seed: int = 0,
    labelled: int = 4,
    K: int = 3,
    queries: tuple[str, ...] = ("red fox",),
    known: np.ndarray | None = None,
) -> Signals:
    """Signals of a task with all that the strategies of these four modules read."""
    rng = np.random.default_rng(seed)
    size, width = embeddings.shape
    probabilities = rng.dirichlet(np.ones(K), size=size)
    known = rng.normal(size=(labelled, width)) if known is None else known
    targets = rng.integers(K, size=len(known))
    if task == "multilabel":
        probabilities, targets = rng.random((size, K)), rng.integers(2, size=(len(known), K))
    if task == "ner":
        targets = np.empty((len(known), 0), dtype=np.int64)
    return Signals.of(
        None if task == "ner" else probabilities,
        embeddings,
        scores={"mnlp": rng.gamma(1.0, size=size)} if task == "ner" else None,
        labelled=Labelled(known, np.empty((len(known), 0)), targets),
        label_embeddings=rng.normal(size=(K, width)),
        texts=[f"a {'red' if i % 2 else 'blue'} fox {i}" for i in range(size)],
        queries=queries,
        query_embeddings=rng.normal(size=(len(queries), width)),
        multilabel=task == "multilabel",
        spans=task == "ner",
    )


def slow_cosine(a: list[float], b: list[float]) -> float:
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


def slow_similarity(a: list[float], b: list[float]) -> float:
    return (1 + slow_cosine(a, b)) / 2


def test_similarities_equal_their_definition() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
    a[2] = 0
    expected = [[slow_similarity(x, y) for y in b.tolist()] for x in a.tolist()]
    np.testing.assert_allclose(similarity(normalised(a), normalised(b)), expected, atol=1e-5)
    np.testing.assert_allclose(
        highest_similarity(normalised(a), normalised(b)), np.max(expected, axis=1), atol=1e-5
    )
    assert highest_similarity(normalised(a), np.empty((0, 3))).tolist() == [0] * 7
    assert a[2].tolist() == [0, 0, 0]
    assert normalised(a.astype(np.float16)).dtype == np.float32


def test_the_nearest_are_found_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    a, b = normalised(rng.normal(size=(50, 4))), normalised(rng.normal(size=(7, 4)))
    whole = highest_similarity(a, b)
    monkeypatch.setattr("alnlp.strategies.neighbours._BLOCK", 7)
    np.testing.assert_allclose(highest_similarity(a, b), whole, atol=1e-5)


# Cluster-Margin -------------------------------------------------------------------------------


def slow_round_robin(clusters: list[int], n: int) -> list[int]:
    members = {name: [i for i, c in enumerate(clusters) if c == name] for name in clusters}
    ordered = sorted(members, key=lambda name: len(members[name]))  # stable, by first member
    chosen: list[int] = []
    while len(chosen) < n:
        for name in ordered:  # from the smallest to the largest, then back to the smallest left
            if members[name] and len(chosen) < n:
                chosen.append(members[name].pop(0))
    return chosen


def slow_average_linkage(points: list[list[float]], wanted: int) -> list[set[int]]:
    clusters = [{i} for i in range(len(points))]
    while len(clusters) > wanted:
        best = None
        for i in range(len(clusters)):
            for j in range(i):
                pairs = [(a, b) for a in clusters[i] for b in clusters[j]]
                mean = sum(math.dist(points[a], points[b]) for a, b in pairs) / len(pairs)
                if best is None or mean < best[0]:
                    best = mean, i, j
        assert best is not None
        _, i, j = best
        clusters[j] |= clusters.pop(i)
    return clusters


def test_round_robin_by_hand() -> None:
    clusters = np.array([5, 5, 5, 2, 2, 9, 5])
    assert hybrid.round_robin(clusters, 7).tolist() == [5, 3, 0, 4, 1, 2, 6]
    assert hybrid.round_robin(clusters, 2).tolist() == [5, 3]


@pytest.mark.parametrize("seed", SEEDS)
def test_round_robin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clusters = rng.integers(rng.integers(1, 7), size=rng.integers(1, 30))
    n = int(rng.integers(1, len(clusters) + 1))
    assert hybrid.round_robin(clusters, n).tolist() == slow_round_robin(clusters.tolist(), n)


@pytest.mark.parametrize("seed", SEEDS)
def test_cluster_margin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, n = 45, int(rng.integers(1, 5))
    signals = signals_of("classification", rng.normal(size=(size, 3)), seed)
    chosen = hybrid.cluster_margin(signals, n, np.random.default_rng(7))
    draws = np.random.default_rng(7)
    best_first = sorted(range(size), key=lambda i: -float(unsure(signals)[i]))[: 10 * n]
    draws.permutation(len(best_first))  # the draw that breaks ties; there are none
    order = draws.permutation(np.array(best_first)).tolist()
    points = [signals.embeddings[i].tolist() for i in order]
    clusters = slow_average_linkage(points, max(1, len(order) // 10))
    names = [next(k for k, c in enumerate(clusters) if i in c) for i in range(len(order))]
    assert chosen.tolist() == [order[i] for i in slow_round_robin(names, n)]


def test_cluster_margin_takes_from_the_small_cluster_first() -> None:
    rng = np.random.default_rng(0)
    embeddings = np.concatenate([rng.normal(size=(38, 2)), rng.normal(size=(2, 2)) + 100])
    for seed in SEEDS:
        signals = signals_of("classification", embeddings, seed)
        chosen = hybrid.cluster_margin(signals, 20, np.random.default_rng(seed)).tolist()
        assert {38, 39} <= set(chosen)
        assert chosen[0] >= 38


def test_cluster_margin_draws_within_a_cluster_and_bounds_the_candidates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signals = signals_of("classification", np.random.default_rng(0).normal(size=(60, 2)))

    def drawn(n: int, seeds: int) -> set[int]:
        rngs = [np.random.default_rng(seed) for seed in range(seeds)]
        return {int(i) for rng in rngs for i in hybrid.cluster_margin(signals, n, rng)}

    assert drawn(1, 99) == set(top(unsure(signals), 10, np.random.default_rng(0)).tolist())
    monkeypatch.setattr(hybrid, "MOST_CANDIDATES", 12)
    few = drawn(5, 20)
    assert few <= set(top(unsure(signals), 12, np.random.default_rng(0)).tolist())


# The product ----------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["classification", "multilabel", "ner"])
@pytest.mark.parametrize("seed", range(5))
def test_weighted_product(task: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    signals = signals_of(task, rng.normal(size=(12, 3)), seed, labelled=int(seed * 2))
    pool, known = signals.embeddings.tolist(), signals.labelled.embeddings.tolist()
    expected = []
    for i, one in enumerate(pool):
        dense = sum(slow_similarity(one, other) for other in pool) / len(pool)
        away = 1 - max((slow_similarity(one, other) for other in known), default=0.0)
        expected.append(float(unsure(signals)[i]) * dense * away)
    score = ENTRIES["weighted_product"].score
    assert score is not None
    np.testing.assert_allclose(score(signals), expected, atol=1e-4)
    chosen = select(ENTRIES["weighted_product"], signals, 4, rng)
    # A hair's breadth may be lost, since similarities are rounded so that equal texts tie.
    order = sorted(range(12), key=lambda i: -expected[i])
    np.testing.assert_allclose(np.array(expected)[chosen], np.array(expected)[order[:4]], atol=1e-4)


# Ranked batches -------------------------------------------------------------------------------


def slow_ranked(
    unsure: list[float], pool: list[list[float]], known: list[list[float]], n: int
) -> list[int]:
    unlabelled, labelled, chosen = list(range(len(pool))), list(known), []
    for _ in range(n):
        alpha = len(unlabelled) / (len(unlabelled) + len(labelled))
        scores = {}
        for i in unlabelled:
            near = max((slow_similarity(pool[i], other) for other in labelled), default=0.0)
            scores[i] = alpha * (1 - near) + (1 - alpha) * unsure[i]
        best = max(scores, key=lambda i: scores[i])
        chosen.append(best)
        unlabelled.remove(best)
        labelled.append(pool[best])
    return chosen


@pytest.mark.parametrize("task", ["classification", "multilabel", "ner"])
@pytest.mark.parametrize("seed", range(5))
def test_ranked_batch(task: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    signals = signals_of(task, rng.normal(size=(15, 3)), seed, labelled=1 + seed * 6)
    scores = unsure(signals).tolist()
    if task == "ner":
        scores = [1 - math.exp(-x) for x in scores]
    pool, known = signals.embeddings.tolist(), signals.labelled.embeddings.tolist()
    chosen = hybrid.ranked_batch(signals, 6, rng).tolist()
    assert chosen == slow_ranked(scores, pool, known, 6)


def test_ranked_batch_by_hand() -> None:
    # Labelled: east. Similarities of the pool to it: 1, 1/2, 0; total 4, so alpha is 3/4 at first.
    known = np.array([[1.0, 0.0]])
    pool = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    unsure = np.array([1.0, 0.9, 0.1])
    # 3/4 * 0 + 1/4 * 1 = 0.25; 3/4 * 1/2 + 1/4 * 0.9 = 0.6; 3/4 * 1 + 1/4 * 0.1 = 0.775
    # then 1/2: 0.5; 1/2 * 1/2 + 1/2 * 0.9 = 0.7
    rng = np.random.default_rng(0)
    assert hybrid.ranked(unsure, pool, known, 3, rng).tolist() == [2, 1, 0]
    without = {int(hybrid.ranked(unsure, pool, known[:0], 1, rng)[0]) for _ in range(50)}
    assert without == {0, 1, 2}  # alpha is 1 and nothing is near: all are alike


# Mixed ----------------------------------------------------------------------------------------


def test_mixed_is_the_most_unsure_and_a_tenth_at_random() -> None:
    signals = signals_of("classification", np.zeros((40, 2)))
    order = sorted(range(40), key=lambda i: -float(unsure(signals)[i]))
    others: list[int] = []
    runs = 600
    for seed in range(runs):
        chosen = hybrid.mixed(signals, 10, np.random.default_rng(seed)).tolist()
        explored = int(np.random.default_rng(seed).binomial(10, 0.1))
        assert chosen[: 10 - explored] == order[: 10 - explored]
        assert len(set(chosen)) == 10
        others += chosen[10 - explored :]
    assert 0.08 * 10 * runs < len(others) < 0.12 * 10 * runs
    assert set(order[10:]) <= set(others)


# All of them at the extremes ------------------------------------------------------------------


@pytest.mark.parametrize(("name", "task"), SERVED)
@pytest.mark.parametrize(
    ("embeddings", "n"),
    [
        (np.ones((1, 3)), 1),
        (np.ones((30, 3)), 7),
        (np.zeros((30, 3)), 7),
        (np.zeros((30, 3)), 30),
        (np.repeat(np.eye(3), 10, axis=0), 12),
        (np.random.default_rng(0).normal(size=(30, 3)), 30),
        (np.random.default_rng(0).normal(size=(300, 3)).astype(np.float16), 3),
    ],
    ids=["one", "alike", "zero", "zero-all", "duplicates", "all", "float16"],
)
@pytest.mark.parametrize("labelled", [0, 1, 25])
@pytest.mark.parametrize("queries", [(), ("red fox", "", "no such word")])
def test_extremes(
    name: str, task: str, embeddings: np.ndarray, n: int, labelled: int, queries: tuple[str, ...]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for K in (1, 3):
            signals = signals_of(task, embeddings, labelled=labelled, K=K, queries=queries)
            first = select(ENTRIES[name], signals, n, np.random.default_rng(5))
            assert len(first) == n
            again = select(ENTRIES[name], signals, n, np.random.default_rng(5))
            assert first.tolist() == again.tolist()


@pytest.mark.parametrize("name", ["weighted_product", "ranked_batch", "margin_seals", "seeded"])
def test_permuting_the_pool_permutes_the_answer(name: str) -> None:
    rng = np.random.default_rng(0)
    signals = signals_of("classification", rng.normal(size=(300, 4)), labelled=2)
    order = rng.permutation(300)
    plain = select(ENTRIES[name], signals, 9, np.random.default_rng(1))
    moved = select(ENTRIES[name], reduction.restricted(signals, order), 9, np.random.default_rng(1))
    assert order[moved].tolist() == plain.tolist()


@pytest.mark.parametrize(("name", "task"), SERVED)
def test_needs_name_what_is_read(name: str, task: str) -> None:
    whole = signals_of(task, np.random.default_rng(0).normal(size=(30, 3)))
    read: set[str] = set()

    def noting(key: str) -> Loader:
        def load(*what: object) -> object:
            read.add(key)
            return whole.loaders[key](*what)

        return load

    watched = replace(whole, loaders={key: noting(key) for key in whole.loaders})
    select(ENTRIES[name], watched, 4, np.random.default_rng(0))
    if name == "seeded":
        watched = replace(watched, loaders={**watched.loaders, "queries": lambda: ()})
        select(ENTRIES[name], watched, 4, np.random.default_rng(0))
    assert read - UNSURE == ENTRIES[name].needs - UNSURE
    assert bool(read & UNSURE) == bool(ENTRIES[name].needs & UNSURE)


@pytest.mark.parametrize("seed", range(8))
def test_half_is_unsure_and_half_typical_of_groups_without_labels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Eleven tight groups of twelve texts, as many as there are labels with a batch of eight; three
    # have a label already, and all unsure ones are there.
    group = np.repeat(np.arange(11), 12)
    centres = np.eye(11)
    points = centres[group] + 0.01 * rng.normal(size=(132, 11))
    sure = np.full(132, 0.9)
    sure[group < 3] = rng.uniform(0.5, 0.6, 36)
    known = Labelled(centres[:3], np.full((3, 2), 0.5), np.zeros(3, np.int64))
    signals = Signals.of(np.stack([sure, 1 - sure], axis=1), points, labelled=known)
    for n in (8, 7, 1):
        chosen = select(ENTRIES["margin_typiclust"], signals, n, np.random.default_rng(seed))
        unsure_ones = [place for place in chosen.tolist() if group[place] < 3]
        assert len(unsure_ones) in {n // 2, (n + 1) // 2}
        assert sorted(unsure_ones) == sorted(np.argsort(sure)[: len(unsure_ones)].tolist())
        typical = [int(group[place]) for place in chosen.tolist() if group[place] >= 3]
        assert len(set(typical)) == len(typical)
    orders = [
        select(ENTRIES["margin_typiclust"], signals, 8, np.random.default_rng(s))[0]
        for s in range(20)
    ]
    assert {bool(group[place] < 3) for place in orders} == {True, False}, "one half comes first"


@pytest.mark.parametrize("seed", range(8))
def test_the_typical_half_passes_over_what_the_unsure_half_has_taken_from(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # The unsure ones are in the largest group, whose turn it would be; there are three others.
    group = np.repeat(np.arange(4), [30, 12, 12, 12])
    points = np.eye(4)[group] + 0.01 * rng.normal(size=(66, 4))
    sure = np.where(group == 0, rng.uniform(0.5, 0.6, 66), 0.9)
    known = Labelled(np.empty((0, 4)), np.empty((0, 2)), np.empty(0, np.int64))
    signals = Signals.of(np.stack([sure, 1 - sure], axis=1), points, labelled=known)
    chosen = select(ENTRIES["margin_typiclust"], signals, 4, np.random.default_rng(seed))
    assert (group[chosen] == 0).sum() == 2


def test_of_a_large_pool_a_part_is_looked_at_for_typical_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hybrid, "LOOKED_AT", 10)
    seen: list[int] = []
    plain = hybrid.typical

    def noted(embeddings: np.ndarray, *others: Any) -> np.ndarray:
        seen.append(len(embeddings))
        return plain(embeddings, *others)

    monkeypatch.setattr(hybrid, "typical", noted)
    signals = signals_of("classification", np.random.default_rng(0).normal(size=(300, 4)))
    assert len(set(select(ENTRIES["margin_typiclust"], signals, 9, np.random.default_rng(1)))) == 9
    assert len(select(ENTRIES["margin_typiclust"], signals, 40, np.random.default_rng(1))) == 40
    assert seen == [10, 20]


def test_only_the_embeddings_that_are_looked_at_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hybrid, "LOOKED_AT", 10)
    signals = signals_of("classification", np.random.default_rng(0).normal(size=(300, 4)))
    points = signals.loaders["embeddings"]()
    read: list[np.ndarray] = []

    def some(indices: np.ndarray) -> np.ndarray:
        read.append(indices)
        return points[indices]

    whole = select(ENTRIES["margin_typiclust"], signals, 9, np.random.default_rng(1))
    loaders = {key: load for key, load in signals.loaders.items() if key != "embeddings"}
    part = replace(signals, loaders={**loaders, "embeddings": None, "embeddings_of": some})
    chosen = select(ENTRIES["margin_typiclust"], part, 9, np.random.default_rng(1))
    assert chosen.tolist() == whole.tolist()
    assert sorted(len(indices) for indices in read) in ([4, 10], [5, 10])

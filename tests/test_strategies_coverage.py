"""Core-set and the two covers against greedy loops over distances."""

import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest

from alnlp.signals import Labelled, Signals
from alnlp.strategies import coverage
from alnlp.strategies.coverage import (
    Kernel,
    cover,
    k_center,
    maxherding,
    median_distance,
    probcover,
    pure_radius,
)
from alnlp.strategies.spec import Strategy

Points = list[list[float]]


def labelled(embeddings: np.ndarray) -> Labelled:
    count = len(embeddings)
    return Labelled(embeddings, np.empty((count, 0)), np.zeros(count, np.int64))


def pool(embeddings: np.ndarray, answered: np.ndarray, classes: int = 2) -> Signals:
    return Signals.of(embeddings=embeddings, labelled=labelled(answered), label_count=classes)


def slow_k_center(points: Points, answered: Points, n: int) -> list[int]:
    chosen: list[int] = []
    while len(chosen) < n:
        centres = answered + [points[c] for c in chosen]
        far = [
            -1.0 if i in chosen else min(math.dist(x, c) for c in centres)
            for i, x in enumerate(points)
        ]
        chosen.append(far.index(max(far)))
    return chosen


def test_k_center_takes_the_farthest() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        points, known = rng.normal(size=(20, 3)), rng.normal(size=(rng.integers(1, 4), 3))
        chosen = k_center(pool(points, known), 8, rng).tolist()
        assert chosen == slow_k_center(points.tolist(), known.tolist(), 8)


def test_k_center_of_nothing_answered_starts_anywhere() -> None:
    points = np.random.default_rng(0).normal(size=(8, 2))
    firsts = set()
    for seed in range(200):
        nothing = pool(points, np.empty((0, 2)))
        first, *others = k_center(nothing, 4, np.random.default_rng(seed)).tolist()
        firsts.add(first)
        assert [first, *others] == [
            first,
            *[i for i in slow_k_center(points.tolist(), [points[first].tolist()], 4) if i != first][
                :3
            ],
        ]
    assert firsts == set(range(8))


def test_k_center_takes_duplicates_last() -> None:
    different = np.random.default_rng(0).normal(loc=50, size=(5, 30)).astype(np.float16)
    points = np.repeat(different, 4, axis=0)
    for seed in range(20):
        nothing = pool(points, np.empty((0, 30)))
        chosen = k_center(nothing, 20, np.random.default_rng(seed)).tolist()
        assert {c // 4 for c in chosen[:5]} == set(range(5))
        assert sorted(chosen) == list(range(20))


def test_k_center_tells_near_ones_apart_that_are_long() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        points = rng.normal(loc=100, scale=0.02, size=(15, 50)).astype(np.float32)
        chosen = k_center(pool(points[1:], points[:1]), 8, rng).tolist()
        assert chosen == slow_k_center(points[1:].tolist(), points[:1].tolist(), 8)


def slow_radius(points: Points, pseudo: list[int]) -> float:
    """The largest of all distances at which the open balls of 95% of the points are pure."""

    def purity(radius: float) -> float:
        pure = [
            all(
                label == other
                for y, other in zip(points, pseudo, strict=True)
                if math.dist(x, y) < radius
            )
            for x, label in zip(points, pseudo, strict=True)
        ]
        return sum(pure) / len(pure)

    return max(r for x in points for y in points if purity(r := math.dist(x, y)) >= 0.95)


@pytest.mark.parametrize("size", [2, 19, 20, 41, 60])
def test_the_radius_keeps_95_percent_of_the_balls_pure(size: int) -> None:
    rng = np.random.default_rng(size)
    points = rng.normal(size=(size, 2))
    pseudo = rng.integers(3, size=size)
    pseudo[:2] = 0, 1
    found = pure_radius(points.astype(np.float32), pseudo, np.arange(size))
    assert found == pytest.approx(slow_radius(points.tolist(), pseudo.tolist()), rel=1e-3)


def test_the_radius_of_one_cluster_knows_no_end() -> None:
    alike = np.ones((4, 2), np.float32)
    assert pure_radius(alike, np.zeros(4, np.int64), np.arange(4)) == math.inf


def check_greedy(
    points: Points,
    answered: Points,
    chosen: list[int],
    value: Callable[[float], float],
) -> None:
    """Each choice raises the sum over all points of their best kernel value as much as any."""

    def covered(centres: Points) -> float:
        return sum(max((value(math.dist(x, c)) for c in centres), default=0.0) for x in points)

    for step, choice in enumerate(chosen):
        centres = answered + [points[c] for c in chosen[:step]]
        after = {i: covered([*centres, x]) for i, x in enumerate(points) if i not in chosen[:step]}
        # Ties are broken at random.
        assert after[choice] == pytest.approx(max(after.values()), abs=3e-5)


@pytest.mark.parametrize("known", [0, 3])
def test_covering_is_greedy(known: int) -> None:
    for seed in range(15):
        rng = np.random.default_rng(seed)
        points = rng.normal(size=(18, 2)).astype(np.float32)
        answered = rng.normal(size=(known, 2)).astype(np.float32)
        kernels: list[tuple[Kernel, Callable[[float], float]]] = [
            (lambda d: np.exp(-d / np.float32(0.98)), lambda d: math.exp(-(d**2) / 0.98)),
            (lambda d: (d < 0.8**2).astype(np.float32), lambda d: float(d < 0.8)),
        ]
        for kernel, value in kernels:
            chosen = cover(points, answered, kernel, 18, rng).tolist()
            assert sorted(chosen) == list(range(18))
            check_greedy(points.tolist(), answered.tolist(), chosen, value)


def test_the_median_distance() -> None:
    points = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    rows = points.tolist()
    expected = statistics.median(math.dist(rows[i], rows[j]) for i in range(9) for j in range(i))
    assert median_distance(points) == pytest.approx(expected, rel=1e-5)
    assert median_distance(points[:1]) == 0


def directions(sizes: list[int], spread: float, seed: int = 0) -> np.ndarray:
    """Groups of so many points around the axes."""
    rng = np.random.default_rng(seed)
    groups = [
        np.eye(len(sizes))[k] + rng.normal(scale=spread, size=(size, len(sizes)))
        for k, size in enumerate(sizes)
    ]
    return np.concatenate(groups)


@pytest.mark.parametrize("strategy", [probcover, maxherding])
def test_large_groups_come_first(strategy: Strategy) -> None:
    sizes = [5, 30, 15]
    points, group = directions(sizes, 0.01), np.repeat([0, 1, 2], sizes)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        nothing = pool(points, np.empty((0, 3)), classes=3)
        assert group[strategy(nothing, 3, rng)].tolist() == [1, 2, 0]
        answered = pool(points, np.array([[0.0, 2.0, 0.0]]), classes=3)
        assert group[strategy(answered, 2, rng)].tolist() == [2, 0]


def test_maxherding_is_the_cover_by_the_median_distance() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        points, known = rng.normal(size=(15, 3)), rng.normal(size=(2, 3))
        unit = [(x / np.linalg.norm(x)).tolist() for x in points]
        width = statistics.median(math.dist(unit[i], unit[j]) for i in range(15) for j in range(i))
        check_greedy(
            unit,
            [(x / np.linalg.norm(x)).tolist() for x in known],
            maxherding(pool(points, known), 6, rng).tolist(),
            lambda d, width=width: math.exp(-(d**2) / (2 * width**2)),
        )


def test_probcover_covers_with_pure_balls(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        points, known = rng.normal(size=(30, 3)), rng.normal(size=(2, 3))
        unit = [(x / np.linalg.norm(x)).tolist() for x in points]
        pseudo = (points[:, 0] > 0.5).astype(np.int64)
        classes = seed % 3 + 2

        def clustered(rows: np.ndarray, k: int, *_: object, pseudo=pseudo, classes=classes):
            assert (rows.shape, k) == ((30, 3), classes)
            return pseudo, None

        monkeypatch.setattr(coverage, "clusters", clustered)
        # Of two points that are just a radius apart, rounding would decide.
        radius = slow_radius(unit, pseudo.tolist()) * (1 - 1e-3)
        monkeypatch.setattr(coverage, "pure_radius", lambda *_, radius=radius: radius)
        check_greedy(
            unit,
            [(x / np.linalg.norm(x)).tolist() for x in known],
            probcover(pool(points, known, classes), 12, rng).tolist(),
            lambda d, radius=radius: float(d < radius),
        )


@pytest.mark.parametrize("strategy", [probcover, maxherding])
def test_of_a_large_pool_a_random_part_is_looked_at(
    strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "BOUND", 10)
    points = directions([20, 20], 0.1)
    seen: set[int] = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        chosen = strategy(pool(points, np.empty((0, 2))), 4, rng).tolist()
        assert len(set(chosen)) == 4
        seen.update(chosen)
    assert max(seen) > 35 > 5 > min(seen)
    more = strategy(pool(points, np.empty((0, 2))), 25, np.random.default_rng(0))
    assert len(set(more.tolist())) == 25


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("strategy", [k_center, probcover, maxherding])
@pytest.mark.parametrize("vector", [[0.0, 0.0], [1.0, 2.0]])
@pytest.mark.parametrize(("size", "n", "known"), [(1, 1, 0), (1, 1, 1), (6, 6, 0), (6, 4, 2)])
def test_pools_all_alike(
    strategy: Strategy, vector: list[float], size: int, n: int, known: int
) -> None:
    points = np.tile(np.array(vector, np.float16), (size, 1))
    signals = pool(points, np.tile(np.array(vector, np.float16), (known, 1)), classes=1)
    chosen = strategy(signals, n, np.random.default_rng(0)).tolist()
    assert len(set(chosen)) == n

"""Representatives of the pool against loops over their definitions."""

import math

import numpy as np
import pytest

from alnlp.signals import Labelled, Signals
from alnlp.strategies import neighbours, representative
from alnlp.strategies.neighbours import clusters, normalised
from alnlp.strategies.representative import (
    density,
    kmeans,
    mean_distance,
    mean_similarity,
    most_typical,
    nearest_distinct,
    typiclust,
)
from alnlp.strategies.spec import Strategy

Points = list[list[float]]


def labelled(embeddings: np.ndarray) -> Labelled:
    count = len(embeddings)
    return Labelled(embeddings, np.empty((count, 0)), np.zeros(count, np.int64))


def groups(sizes: list[int], spread: float, seed: int = 0) -> np.ndarray:
    """Groups of so many points around the axes."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [
            np.eye(len(sizes))[k] + rng.normal(scale=spread, size=(size, len(sizes)))
            for k, size in enumerate(sizes)
        ]
    )


def unit(row: list[float]) -> list[float]:
    length = math.sqrt(sum(x * x for x in row))
    return [x / length for x in row]


def test_rows_of_length_one_and_zeros() -> None:
    rows = np.array([[3.0, 4.0], [0.0, 0.0]], np.float16)
    np.testing.assert_allclose(
        normalised(rows, np.empty((0, 2)), rows[:1]), [[0.6, 0.8], [0, 0], [0.6, 0.8]], atol=1e-6
    )


def test_each_centre_takes_the_nearest_that_is_free() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        points, centres = rng.normal(size=(9, 2)), rng.normal(size=(6, 2))
        free, expected = list(range(9)), []
        for centre in centres.tolist():
            expected.append(min(free, key=lambda i: math.dist(points[i].tolist(), centre)))
            free.remove(expected[-1])
        found = nearest_distinct(points.astype(np.float32), centres.astype(np.float32))
        assert found.tolist() == expected


def test_the_next_nearest_where_two_centres_meet() -> None:
    points = np.array([[0.0], [1.0], [5.0]], np.float32)
    centres = np.array([[0.1], [0.2], [0.0]], np.float32)
    assert nearest_distinct(points, centres).tolist() == [0, 1, 2]


def test_kmeans_takes_the_middle_of_each_group() -> None:
    sizes = [10, 20, 30]
    points, group = groups(sizes, 0.05), np.repeat([0, 1, 2], sizes)
    rows = [unit(row) for row in points.tolist()]
    expected = set()
    for k in range(3):
        mine = [i for i in range(60) if group[i] == k]
        centre = [sum(rows[i][d] for i in mine) / len(mine) for d in range(3)]
        expected.add(min(mine, key=lambda i: math.dist(rows[i], centre)))
    found = [
        set(kmeans(Signals.of(embeddings=points), 3, np.random.default_rng(s)).tolist())
        for s in range(10)
    ]
    # k-means may end in a worse optimum now and then.
    assert found.count(expected) >= 7
    assert all(len(batch) == 3 for batch in found)


def test_mean_similarity_is_the_mean_cosine_with_the_pool() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(loc=0.3, size=(12, 4))
    rows = [unit(row) for row in points.tolist()]
    expected = [sum(sum(a * b for a, b in zip(x, y, strict=True)) for y in rows) / 12 for x in rows]
    np.testing.assert_allclose(2 * mean_similarity(normalised(points)) - 1, expected, atol=3e-5)
    p = rng.dirichlet(np.ones(3), 12)
    unsure = [1 - (max(row) - sorted(row)[-2]) for row in p.tolist()]
    product = [u * max(s, 0) for u, s in zip(unsure, expected, strict=True)]
    np.testing.assert_allclose(density(Signals.of(p, points)), product, atol=3e-5)


def test_density_by_hand() -> None:
    # The mean of (1, 0), (1, 0) and (0, 1) is (2/3, 1/3).
    embeddings = np.array([[2.0, 0.0], [5.0, 0.0], [0.0, 3.0]])
    unsure = np.array([0.5, 1.0, 1.0])
    signals = Signals.of(embeddings=embeddings, scores={"mnlp": unsure}, spans=True)
    np.testing.assert_allclose(density(signals), [1 / 3, 2 / 3, 1 / 3], rtol=1e-4)


def test_the_mean_distance_to_the_20_nearest() -> None:
    for size in (2, 15, 21, 40):
        points = np.random.default_rng(size).normal(size=(size, 3)).astype(np.float32)
        rows = points.tolist()
        expected = []
        for i, x in enumerate(rows):
            others = sorted(math.dist(x, y) for j, y in enumerate(rows) if j != i)[:20]
            expected.append(sum(others) / len(others))
        np.testing.assert_allclose(mean_distance(points), expected, rtol=1e-5)


def slow_typical(points: Points, cluster: list[int], answered: list[int], n: int) -> list[int]:
    """The most typical of the cluster with the fewest labels, of the largest among those."""
    chosen: list[int] = []
    small = min(5, (len(cluster) + len(answered)) / len({*cluster, *answered}) / 2)
    while len(chosen) < n:
        best: tuple[bool, int, int] | None = None
        for c in set(cluster):
            left = [i for i in range(len(points)) if cluster[i] == c and i not in chosen]
            size = cluster.count(c) + answered.count(c)
            labels = answered.count(c) + sum(cluster[i] == c for i in chosen)
            if left and (best is None or (size <= small, labels, -size) < best):
                best, members = (size <= small, labels, -size), left
        typicality = {}
        for i in members:
            near = sorted(math.dist(points[i], points[j]) for j in members if j != i)[:20]
            typicality[i] = len(near) / sum(near) if near else 1.0
        chosen.append(max(members, key=lambda i: typicality[i]))
    return chosen


def test_typiclust_takes_turns_and_the_most_typical() -> None:
    # All of a different size, so that no two clusters are level.
    sizes = [3, 4, 7, 9, 26]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        points = rng.normal(size=(sum(sizes), 3)).astype(np.float32)
        cluster = rng.permutation(np.repeat(np.arange(5), sizes))
        answered = np.repeat([1, 2, 4], [1, 0, rng.integers(3)])
        chosen = most_typical(points, cluster, answered, 20, rng).tolist()
        by_hand = slow_typical(points.tolist(), cluster.tolist(), answered.tolist(), 20)
        # Two that are left are each other's only neighbour: either is as typical.
        assert cluster[chosen].tolist() == cluster[by_hand].tolist()
        assert chosen[:8] == by_hand[:8]


@pytest.mark.parametrize("known", [100, 400])
def test_where_clusters_are_small_those_without_labels_still_come_first(known: int) -> None:
    """A cluster of ordinary size is no outlier, however few texts that are."""
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(500), 4)
    answered = rng.choice(500, known, replace=False)
    points = rng.normal(size=(2000, 3)).astype(np.float32)
    chosen = most_typical(points, cluster, answered, 50, rng)
    assert not np.isin(cluster[chosen], answered).any()


def test_clusters_without_labels_come_first() -> None:
    points = groups([10, 30, 20], 0.05)
    group = np.repeat([0, 1, 2], [10, 30, 20])
    signals = Signals.of(embeddings=points, labelled=labelled(np.empty((0, 3))))
    hits = 0
    for seed in range(10):
        hits += group[typiclust(signals, 3, np.random.default_rng(seed))].tolist() == [1, 2, 0]
    assert hits >= 7
    answered = Signals.of(embeddings=points, labelled=labelled(np.array([[0.0, 3.0, 0.0]])))
    hits = 0
    for seed in range(10):
        hits += group[typiclust(answered, 2, np.random.default_rng(seed))].tolist() == [2, 0]
    assert hits >= 7


def test_of_a_large_cluster_a_random_part_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representative, "_COMPARED", 10)
    points = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    none, one = np.empty(0, np.int64), np.zeros(60, np.int64)
    firsts = {
        int(most_typical(points, one, none, 1, np.random.default_rng(s))[0]) for s in range(30)
    }
    assert len(firsts) > 5


def test_clusters_are_those_of_kmeans() -> None:
    points = normalised(groups([20, 20], 0.02))
    found, centres = clusters(points, 2, np.random.default_rng(0))
    assert len(set(found[:20].tolist())) == len(set(found[20:].tolist())) == 1
    assert found[0] != found[-1]
    np.testing.assert_allclose(centres[found[0]], points[:20].mean(axis=0), atol=1e-5)


def test_mini_batches_lose_little_against_all_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BOUND", 10)
    monkeypatch.setattr("sklearn.cluster.KMeans", None)  # of many points nobody may call it
    points, group = normalised(groups([10, 20, 30], 0.05)), np.repeat([0, 1, 2], [10, 20, 30])

    def loss(cluster: np.ndarray, centres: np.ndarray) -> float:
        pairs = zip(points.tolist(), centres[cluster].tolist(), strict=True)
        return sum(math.dist(point, centre) ** 2 for point, centre in pairs)

    least = loss(group, np.stack([points[group == k].mean(axis=0) for k in range(3)]))
    for seed in range(10):
        assert loss(*clusters(points, 3, np.random.default_rng(seed))) < 1.05 * least


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("strategy", [kmeans, typiclust])
@pytest.mark.parametrize("vector", [[0.0, 0.0], [1.0, 2.0]])
@pytest.mark.parametrize(("size", "n", "known"), [(1, 1, 0), (1, 1, 1), (6, 6, 0), (6, 4, 2)])
def test_pools_all_alike(
    strategy: Strategy, vector: list[float], size: int, n: int, known: int
) -> None:
    points = np.tile(np.array(vector, np.float16), (size, 1))
    answered = labelled(np.tile(np.array(vector, np.float16), (known, 1)))
    signals = Signals.of(embeddings=points, labelled=answered)
    chosen = strategy(signals, n, np.random.default_rng(0)).tolist()
    assert len(set(chosen)) == n

"""Cold start: a fair sample that is spread out, and turns of the labels."""

import math

import numpy as np
import pytest

from alnlp.signals import Signals
from alnlp.strategies import cold_start, select

SEEDS = range(25)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_stratum_gives_its_share_up_to_rounding(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 60))
    strata = rng.integers(rng.integers(1, 8), size=size)
    n = int(rng.integers(1, size + 1))
    chosen = cold_start.proportional(strata, n, rng).tolist()
    assert len(set(chosen)) == n
    for name in set(strata.tolist()):
        members = [i for i in range(size) if strata[i] == name]
        given = sum(i in members for i in chosen)
        assert math.floor(len(members) * n / size) <= given <= math.ceil(len(members) * n / size)


def test_every_example_is_as_likely() -> None:
    strata = np.array([0] * 11 + [1] * 2 + [2])
    counts = np.zeros(14)
    for seed in range(4000):
        counts[cold_start.proportional(strata, 4, np.random.default_rng(seed))] += 1
    np.testing.assert_allclose(counts / 4000, 4 / 14, atol=0.03)


def test_stratified_is_spread_over_the_groups_of_the_pool() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(4), [100, 50, 30, 20])
    embeddings = 5 * np.eye(4)[groups] + rng.normal(scale=0.05, size=(200, 4))
    off = []
    for seed in range(20):
        signals = Signals.of(embeddings=embeddings)
        chosen = select(cold_start.ENTRIES["stratified"], signals, 20, np.random.default_rng(seed))
        off.append(np.abs(np.bincount(groups[chosen], minlength=4) - [10, 5, 3, 2]).max())
    # A plain draw is off by 2.5 on average.
    assert np.mean(off) < 1.5


def test_strata_are_found_on_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cold_start, "FITTED", 30)
    monkeypatch.setattr(cold_start, "STRATA", 4)
    embeddings = np.random.default_rng(0).normal(size=(500, 3))
    signals = Signals.of(embeddings=embeddings)
    chosen = select(cold_start.ENTRIES["stratified"], signals, 40, np.random.default_rng(0))
    assert len(set(chosen.tolist())) == 40
    assert max(chosen) > 30


def slow_turns(scores: list[list[float]], n: int, columns: list[int]) -> list[int]:
    chosen: list[int] = []
    turn = 0
    while len(chosen) < n:
        column = columns[turn % len(columns)]
        open_ones = [i for i in range(len(scores)) if i not in chosen]
        chosen.append(max(open_ones, key=lambda i: scores[i][column]))
        turn += 1
    return chosen


@pytest.mark.parametrize("seed", SEEDS)
def test_columns_take_turns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, columns = int(rng.integers(1, 15)), int(rng.integers(1, 6))
    n = int(rng.integers(1, size + 1))
    scores = rng.random((size, columns))
    chosen = cold_start.take_turns(scores, n, np.random.default_rng(seed)).tolist()
    order = np.random.default_rng(seed).permutation(columns).tolist()
    assert chosen == slow_turns(scores.tolist(), n, order)


def test_turns_of_no_column_are_random() -> None:
    drawn = {
        int(cold_start.take_turns(np.empty((4, 0)), 1, np.random.default_rng(s))[0]) for s in SEEDS
    }
    assert drawn == {0, 1, 2, 3}


def test_zero_shot_by_hand() -> None:
    names = np.array([[2.0, 0.0], [0.0, 1.0]])
    texts = np.array([[1.0, 0.1], [1.0, 0.5], [0.1, 1.0], [1.0, 0.2], [-1.0, -1.0], [0, 0]])
    signals = Signals.of(embeddings=texts, label_embeddings=names)
    orders = {
        tuple(
            select(cold_start.ENTRIES["zero_shot"], signals, 5, np.random.default_rng(s)).tolist()
        )
        for s in range(20)
    }
    # East: 0, 3, 1, ...; north: 2, 1, then 3, taken already, and the zero vector at a right angle.
    assert orders == {(0, 2, 3, 1, 5), (2, 0, 1, 3, 5)}

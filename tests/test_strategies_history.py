"""Strategies over past rounds and over seconds, against slow references."""

from itertools import pairwise

import numpy as np
import pytest

from alnlp.signals import Signals
from alnlp.strategies import select
from alnlp.strategies.history import ENTRIES, label_flips, weighted_fluctuation

SEEDS = range(15)


def history_of(seed: int, multilabel: bool) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 6)), int(rng.integers(1, 8)), int(rng.integers(1, 4)))
    raw = rng.random(shape)
    return raw if multilabel else raw / raw.sum(axis=2, keepdims=True)


def slow_margin(row: list[float], multilabel: bool) -> float:
    if multilabel:
        return sum(1 - abs(p - (1 - p)) for p in row) / len(row)
    ordered = sorted(row, reverse=True)
    return 0.0 if len(row) < 2 else 1 - (ordered[0] - ordered[1])


def slow_fluctuation(values: list[float]) -> float:
    weighed = total = 0.0
    for age, value in enumerate(reversed(values)):
        weighed += 2.0**-age * value
        total += 2.0**-age
    mean = sum(values) / len(values)
    return weighed / total + sum((value - mean) ** 2 for value in values) / len(values)


def slow_flips(rows: list[list[float]], multilabel: bool) -> int:
    flips = 0
    for before, after in pairwise(rows):
        if multilabel:
            flips += sum((b >= 0.5) != (a >= 0.5) for b, a in zip(before, after, strict=True))
        else:
            flips += before.index(max(before)) != after.index(max(after))
    return flips


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_scores_equal_their_definitions(seed: int, multilabel: bool) -> None:
    history = history_of(seed, multilabel)
    signals = Signals.of(history=history, multilabel=multilabel)
    fluctuations, flips = [], []
    for text in range(history.shape[1]):
        rows = [one[text] for one in history.tolist()]
        margins = [slow_margin(row, multilabel) for row in rows]
        fluctuations.append(slow_fluctuation(margins))
        flips.append(slow_flips(rows, multilabel) + margins[-1] / 2)
    for name, expected in (("fluctuation", fluctuations), ("label_flip", flips)):
        score = ENTRIES[name].score
        assert score is not None
        np.testing.assert_allclose(score(signals), expected, atol=1e-9)


def test_fluctuation_by_hand() -> None:
    # Three rounds weigh 1, 2 and 4 of 7. Both texts have a mean of 0.5, the second one stays there.
    rounds = [np.array([0.2, 0.5]), np.array([0.5, 0.5]), np.array([0.8, 0.5])]
    expected = [(0.2 + 1.0 + 3.2) / 7 + (0.09 + 0 + 0.09) / 3, 0.5]
    np.testing.assert_allclose(weighted_fluctuation(rounds), expected)


def test_flips_by_hand() -> None:
    first, second = [0.9, 0.1], [0.1, 0.9]
    history = np.array([[first, first], [second, first], [first, first], [first, second]])
    assert label_flips(history).tolist() == [2, 1]
    assert label_flips(history, multilabel=True).tolist() == [4, 2]


def test_a_flip_outweighs_every_margin_and_the_newest_margin_breaks_ties() -> None:
    sure, unsure, other = [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]
    history = np.array([[sure, sure, sure, sure], [sure, unsure, other, [0.7, 0.3]]])
    signals = Signals.of(history=history)
    chosen = select(ENTRIES["label_flip"], signals, 4, np.random.default_rng(0))
    assert chosen.tolist() == [2, 1, 3, 0]
    alone = Signals.of(history=history[1:])
    chosen = select(ENTRIES["label_flip"], alone, 2, np.random.default_rng(0))
    assert chosen.tolist() == [1, 3]


def test_entities_that_came_and_went_by_hand() -> None:
    # Over three rounds 2, 0 and 2 entities changed; the margin of readings breaks the tie.
    history = np.array([[[0], [0], [0]], [[2], [0], [1]], [[0], [0], [1]]])
    scores = {"sequence_margin": np.array([0.1, 1.0, 0.3])}
    signals = Signals.of(history=history, scores=scores, spans=True)
    assert ENTRIES["label_flip"].score is not None
    np.testing.assert_allclose(ENTRIES["label_flip"].score(signals), [2.05, 0.5, 2.15])
    chosen = select(ENTRIES["label_flip"], signals, 3, np.random.default_rng(0))
    assert chosen.tolist() == [2, 0, 1]


def test_cost_aware_divides_by_seconds() -> None:
    spec, rng = ENTRIES["cost_aware"], np.random.default_rng(0)
    seconds = np.array([10.0, 2.0, 5.0])
    # Margin scores 1, 0.4 and 0.8 give 0.1, 0.2 and 0.16 a second.
    p = np.array([[0.5, 0.5], [0.8, 0.2], [0.6, 0.4]])
    assert select(spec, Signals.of(p, seconds=seconds), 3, rng).tolist() == [1, 2, 0]
    several = Signals.of(p, seconds=seconds, multilabel=True)
    assert select(spec, several, 3, rng).tolist() == [1, 2, 0]
    mnlp = {"mnlp": np.array([3.0, 0.1, 1.0])}
    entities = Signals.of(scores=mnlp, seconds=seconds, spans=True)
    assert select(spec, entities, 3, rng).tolist() == [0, 2, 1]
    assert spec.score is not None
    np.testing.assert_allclose(spec.score(entities), [0.3, 0.05, 0.2])


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", ["fluctuation", "label_flip"])
def test_permuting_the_pool_permutes_the_answer(name: str, multilabel: bool) -> None:
    rng = np.random.default_rng(3)
    history = rng.random((3, 30, 4))
    order = rng.permutation(30)
    plain, moved = (
        select(
            ENTRIES[name],
            Signals.of(history=each, multilabel=multilabel),
            12,
            np.random.default_rng(0),
        )
        for each in (history, history[:, order])
    )
    assert order[moved].tolist() == plain.tolist()

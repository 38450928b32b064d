"""Every strategy against its contract, every score against a slow and obvious reference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alnlp.errors import StrategyError
from alnlp.signals import Signals
from alnlp.strategies import STRATEGIES, find, select, top
from alnlp.strategies.scores import entropy, least_confidence, margin, over_labels


@st.composite
def distributions(draw: st.DrawFn) -> np.ndarray:
    n, k = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    raw = draw(hnp.arrays(np.float64, (n, k), elements=st.floats(0, 1)))
    raw[raw.sum(axis=1) == 0] = 1.0
    return raw / raw.sum(axis=1, keepdims=True)


def slow_entropy(row: list[float]) -> float:
    return -sum(p * math.log(p) for p in row if p > 0)


def slow_margin(row: list[float]) -> float:
    ordered = sorted(row, reverse=True)
    return 0.0 if len(ordered) < 2 else 1 - (ordered[0] - ordered[1])


@given(distributions())
def test_scores_equal_their_definitions(probabilities: np.ndarray) -> None:
    rows = probabilities.tolist()
    np.testing.assert_allclose(entropy(probabilities), [slow_entropy(r) for r in rows], atol=1e-9)
    np.testing.assert_allclose(margin(probabilities), [slow_margin(r) for r in rows], atol=1e-9)
    np.testing.assert_allclose(least_confidence(probabilities), [1 - max(r) for r in rows])


def test_entropy_by_hand() -> None:
    p = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]], dtype=np.float32)
    np.testing.assert_allclose(entropy(p), [0, math.log(2), math.log(3)], atol=1e-6)


@given(hnp.arrays(np.float64, (5, 3), elements=st.floats(0, 1)))
def test_multilabel_scores_average_the_yes_no_scores(p: np.ndarray) -> None:
    expected = [np.mean([slow_margin([x, 1 - x]) for x in row]) for row in p.tolist()]
    np.testing.assert_allclose(over_labels(margin)(p), expected, atol=1e-9)


@given(hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1)), st.integers(1, 30))
def test_top_takes_the_highest(scores: np.ndarray, n: int) -> None:
    chosen = top(scores, n, np.random.default_rng(0))
    assert len(chosen) == min(n, len(scores)) == len(set(chosen.tolist()))
    assert sorted(scores[chosen], reverse=True) == sorted(scores, reverse=True)[:n]
    assert list(scores[chosen]) == sorted(scores[chosen], reverse=True)


def test_ties_are_broken_at_random() -> None:
    firsts = {int(top(np.ones(10), 1, np.random.default_rng(seed))[0]) for seed in range(200)}
    assert firsts == set(range(10))


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize(("size", "n"), [(1, 1), (1, 5), (7, 3), (7, 7), (7, 50), (7, 0)])
def test_contract(name: str, multilabel: bool, size: int, n: int) -> None:
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(4), size=size).astype(np.float32)
    signals = Signals.of(probabilities, rng.normal(size=(size, 8)), multilabel=multilabel)
    spec = STRATEGIES[name]
    first = select(spec, signals, n, np.random.default_rng(0))
    assert len(first) == min(n, size)
    assert len(set(first.tolist())) == len(first)
    assert all(0 <= i < size for i in first)
    again = select(spec, signals, n, np.random.default_rng(0))
    assert first.tolist() == again.tolist()


@pytest.mark.parametrize("name", [n for n, spec in STRATEGIES.items() if spec.needs_model])
def test_permuting_the_pool_permutes_the_answer(name: str) -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(5), size=40)
    order = rng.permutation(40)
    spec = STRATEGIES[name]
    plain = select(spec, Signals.of(probabilities), 10, np.random.default_rng(0))
    moved = select(spec, Signals.of(probabilities[order]), 10, np.random.default_rng(0))
    assert order[moved].tolist() == plain.tolist()


@pytest.mark.parametrize("name", [n for n, spec in STRATEGIES.items() if spec.needs_model])
def test_alike_examples_and_broken_probabilities(name: str) -> None:
    alike = Signals.of(np.full((6, 3), 1 / 3))
    assert len(select(STRATEGIES[name], alike, 4, np.random.default_rng(0))) == 4
    broken = Signals.of(np.array([[0.5, 0.5], [np.nan, np.nan]]))
    with pytest.raises(StrategyError, match="1 of 2"):
        select(STRATEGIES[name], broken, 1, np.random.default_rng(0))


def test_random_never_asks_the_model() -> None:
    chosen = select(STRATEGIES["random"], Signals(5), 3, np.random.default_rng(0))
    assert len(chosen) == 3
    with pytest.raises(StrategyError, match="no model has been trained"):
        select(STRATEGIES["margin"], Signals(5), 3, np.random.default_rng(0))


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(StrategyError, match=r"'marjin', expected one of random, margin"):
        find("marjin", "classification")


@pytest.mark.parametrize("answer", [[0, 0], [9], [-1], [0.5], [[0]], [0, 1, 2, 3]])
def test_a_callable_that_breaks_the_contract_is_told_so(answer: list[int]) -> None:
    _, spec = find(lambda signals, n, rng: np.array(answer), "classification")
    with pytest.raises(StrategyError, match="distinct integers"):
        select(spec, Signals(5), 2, np.random.default_rng(0))

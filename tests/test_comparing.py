"""The statistics over learning curves, against naive references and cases worked out by hand."""

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from alnlp.comparing import (
    Paired,
    against,
    area,
    deviation,
    gains,
    holm,
    labels_to_reach,
    overall_table,
    paired,
    paired_t,
    signed_rank,
    summarise,
    table,
)
from alnlp.errors import DataError
from alnlp.simulation import SimulatedRound, Simulation

CURVES = st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=1, max_size=8).map(
    lambda steps: (list(itertools.accumulate(step for step, _ in steps)), [y for _, y in steps])
)


def curve(seed: int, values: list[float], *, strategy: str = "margin", step: int = 10):
    points = tuple(
        SimulatedRound(i, 10 + step * i, {"accuracy": value}, {}) for i, value in enumerate(values)
    )
    return Simulation("classification", "tiny", strategy, seed, 100, 20, points)


# Curves -----------------------------------------------------------------------------------------


@given(CURVES)
def test_area(points: tuple[list[int], list[float]]) -> None:
    """Against the mean of the curve, read off at every single label."""
    labels, values = points
    total = 0.0
    for (x0, x1), (y0, y1) in zip(
        itertools.pairwise(labels), itertools.pairwise(values), strict=True
    ):
        for x in range(x0, x1):  # the middle of each unit step is its mean
            total += y0 + (y1 - y0) * (x + 0.5 - x0) / (x1 - x0)
    expected = total / (labels[-1] - labels[0]) if len(labels) > 1 else values[0]
    assert area(labels, values) == pytest.approx(expected)


def test_area_by_hand() -> None:
    # (0.2 + 0.6) / 2 * 10 + (0.6 + 0.8) / 2 * 30 = 4 + 21 = 25 over 40 labels.
    assert area([20, 30, 60], [0.2, 0.6, 0.8]) == pytest.approx(0.625)
    assert area([20, 40], [0.7, 0.7]) == pytest.approx(0.7)
    assert area([20], [0.3]) == 0.3


@given(CURVES, st.floats(0.01, 1))
def test_labels_to_reach(points: tuple[list[int], list[float]], target: float) -> None:
    """Against walking along the curve with fractions."""
    labels, values = points
    expected: float | None = None
    if values[0] >= target:
        expected = labels[0]
    else:
        for i in range(1, len(labels)):
            if values[i] >= target:
                rise = Fraction(values[i]) - Fraction(values[i - 1])
                share = (Fraction(target) - Fraction(values[i - 1])) / rise
                expected = float(labels[i - 1] + share * (labels[i] - labels[i - 1]))
                break
    found = labels_to_reach(labels, values, target)
    assert (found is None) == (expected is None)
    if found is not None:
        assert found == pytest.approx(expected)


def test_labels_to_reach_by_hand() -> None:
    labels, values = [20, 40, 60, 80], [0.5, 0.7, 0.6, 0.9]
    assert labels_to_reach(labels, values, 0.65) == pytest.approx(35)  # the first time, not 63.3
    assert labels_to_reach(labels, values, 0.75) == pytest.approx(70)
    assert labels_to_reach(labels, values, 0.9) == 80
    assert labels_to_reach(labels, values, 0.91) is None
    assert labels_to_reach(labels, values, 0.4) == 20


# Tests ------------------------------------------------------------------------------------------


def naive_signed_rank(differences: list[float]) -> float:
    """Wilcoxon's p by trying every sign, ranks of ties averaged, zeros left out."""
    values = [value for value in differences if value != 0]
    if not values:
        return 1.0
    sizes = [abs(value) for value in values]
    ranks = [
        Fraction(2 * sum(other < size for other in sizes) + sizes.count(size) + 1, 2)
        for size in sizes
    ]
    middle = sum(ranks) / 2
    seen = abs(sum(r for r, v in zip(ranks, values, strict=True) if v > 0) - middle)
    signs = list(itertools.product((0, 1), repeat=len(values)))
    as_far = [
        abs(sum(r for r, s in zip(ranks, each, strict=True) if s) - middle) >= seen
        for each in signs
    ]
    return sum(as_far) / len(signs)


@given(st.lists(st.integers(-4, 6), min_size=0, max_size=9))
def test_signed_rank(differences: list[int]) -> None:
    """Small whole numbers, so with many ties and zeros."""
    assert signed_rank([d / 4 for d in differences]) == pytest.approx(
        naive_signed_rank([d / 4 for d in differences])
    )


def test_signed_rank_by_hand() -> None:
    # Six gains of six: 2 of 64 signs are as extreme. One loss of the smallest rank: 4 of 64.
    assert signed_rank([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == pytest.approx(2 / 64)
    assert signed_rank([-0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == pytest.approx(4 / 64)
    assert signed_rank([0.0, 0.0]) == 1.0


@pytest.mark.parametrize("pairs", [10, 40])
def test_signed_rank_of_many_pairs_is_that_of_scipy(pairs: int) -> None:
    values = np.random.default_rng(pairs).normal(0.2, 1, pairs)
    assert signed_rank(values) == pytest.approx(wilcoxon(values, method="exact").pvalue)


def test_paired_t_by_hand() -> None:
    # Mean 2, deviation 1, so t = 2 / (1 / sqrt 3) = 3.4641 with two degrees of freedom, for which
    # the two-sided p is 1 - t / sqrt(2 + t^2) = 1 - sqrt(12 / 14).
    assert paired_t([1, 2, 3]) == pytest.approx(1 - math.sqrt(12 / 14))
    assert paired_t([0.5, 0.5, 0.5]) is None  # nothing says how much they vary
    assert paired_t([0.0, 0.0]) == 1.0


def naive_holm(p_values: list[float]) -> list[float]:
    """An adjusted p is the smallest level at which the step-down procedure still rejects."""
    m = len(p_values)
    order = sorted(range(m), key=lambda i: p_values[i])
    adjusted = [0.0] * m
    for place, i in enumerate(order):
        adjusted[i] = max(min(1.0, (m - j) * p_values[order[j]]) for j in range(place + 1))
    return adjusted


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(naive_holm(p_values))


def test_holm_by_hand() -> None:
    # 0.01 * 4, 0.02 * 3, 0.03 * 2 = 0.06, 0.5 * 1; the None is not one of the four.
    assert holm([0.03, None, 0.01, 0.5, 0.02]) == pytest.approx([0.06, None, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("pairs", "tests", "test"),
    [(0, 1, ""), (1, 1, ""), (2, 1, "t"), (5, 1, "t"), (6, 1, "Wilcoxon"), (6, 2, "t"),
     (9, 10, "Wilcoxon"), (9, 20, "t")],
)  # fmt: skip
def test_which_test_is_taken(pairs: int, tests: int, test: str) -> None:
    """Wilcoxon's smallest p, 2 / 2^n, times the tests must be able to go below 0.05."""
    draw = random.Random(pairs)
    told = paired([draw.random() - 0.3 for _ in range(pairs)], tests)
    assert told.test == test
    assert (told.p is None) == (test == "")


def test_the_last_digits_are_no_difference() -> None:
    assert 0.1 + 0.2 - 0.3 > 0
    assert paired([0.1 + 0.2 - 0.3] * 6) == Paired("Wilcoxon", 6, 0.0, 0, 1.0)
    assert paired([0.1 + 0.2 - 0.3] * 2) == Paired("t", 2, 0.0, 0, 1.0)
    # Nor do they make a rank: six ties, one of them a loss.
    told = paired([0.1 + 0.2, 0.3, 0.3, 0.3, 0.3, -0.3])
    assert told.p == naive_signed_rank([0.3] * 5 + [-0.3])


# Together ---------------------------------------------------------------------------------------

FLAT = {"random": [0.4, 0.5, 0.6], "margin": [0.4, 0.7, 0.8], "entropy": [0.4, 0.5, 0.6]}


def runs(seeds: int, *, more: float = 0.0) -> dict[str, list[Simulation]]:
    """Curves of three strategies, each seed a hundredth higher."""
    return {
        name: [curve(seed, [v + seed / 100 + more for v in values]) for seed in range(seeds)]
        for name, values in FLAT.items()
    }


def test_against_random_over_data_sets_and_seeds() -> None:
    data = {"one": runs(3), "two": runs(4, more=0.1)}
    data["two"]["margin"] = data["two"]["margin"][::-1]  # paired by seed, not by place
    told = against(data, {"one": "accuracy", "two": "accuracy"})
    # Areas: random 0.5, margin (0.55 + 0.75) / 2 = 0.65: seven gains of 0.15, of which 2 in 128
    # are as extreme; corrected for the two strategies.
    assert told["margin"] == Paired(
        "Wilcoxon", 7, pytest.approx(0.15), 7, pytest.approx(2 / 128), pytest.approx(4 / 128)
    )
    assert told["entropy"] == Paired("Wilcoxon", 7, 0.0, 0, 1.0, 1.0)
    assert list(told) == ["margin", "entropy"]


def test_gains_are_told_by_data_set_and_seed() -> None:
    data = {"one": runs(2), "two": runs(3, more=0.1)}
    data["two"]["margin"] = data["two"]["margin"][:0:-1]  # seeds 2 and 1
    told = gains(data, {"one": "accuracy", "two": "accuracy"})
    # Areas: margin 0.65 and entropy 0.5 against 0.5, at whatever height the seed is.
    same = [("one", 0), ("one", 1), ("two", 1), ("two", 2)]
    assert told["margin"] == pytest.approx(dict.fromkeys(same, 0.15))
    assert told["entropy"] == dict.fromkeys([*same[:2], ("two", 0), *same[2:]], 0.0)


def test_only_pairs_count() -> None:
    data = runs(3)
    data["margin"] = [curve(seed, [0.9, 0.9, 0.9]) for seed in (2, 7)]
    told = against(
        {"one": data, "two": {"margin": data["margin"]}}, dict.fromkeys(("one", "two"), "accuracy")
    )
    assert (told["margin"].pairs, told["margin"].p) == (1, None)
    assert told["margin"].difference == pytest.approx(0.9 - 0.52)
    data["margin"] = [curve(1, [0.9, 0.9, 0.9])] * 2
    with pytest.raises(DataError, match="one, margin: got several curves of one seed"):
        against({"one": data}, {"one": "accuracy"})
    with pytest.raises(DataError, match="metric: got 'span_f1', expected one of accuracy"):
        against({"one": runs(1)}, {"one": "span_f1"})


def test_summaries() -> None:
    margin = summarise(runs(2), "accuracy", full=0.8)[1]
    assert margin.strategy == "margin"
    assert margin.final == pytest.approx((0.8, 0.81))
    assert margin.area == pytest.approx((0.65, 0.66))
    # 90% of 0.8 is 0.72, reached between 20 (0.7) and 30 (0.8) labels; with seed 1 from 0.71.
    assert margin.needed[0.9] == pytest.approx((22, 21))
    random_runs = summarise(runs(2), "accuracy", full=0.8)[0]
    assert random_runs.needed[0.9] == (None, None)
    assert summarise(runs(1), "accuracy")[0].needed == {}
    assert deviation([0.8, 0.81]) == pytest.approx(math.sqrt(2) * 0.005)
    assert deviation([0.8]) is None


def test_tables() -> None:
    found = runs(2)
    told = against({"one": found}, {"one": "accuracy"})
    lines = table(summarise(found, "accuracy", full=0.81), told, "accuracy").splitlines()
    assert lines == [
        "| strategy | final accuracy | area | labels to 90% of full | labels to 95% of full "
        "| labels to 99% of full | difference | wins | p | p (Holm) |",
        "|---|---|---|---|---|---|---|---|---|---|",
        "| random | 0.605 ± 0.007 | 0.505 ± 0.007 | > 30 | > 30 | > 30 |  |  |  |  |",
        "| margin | 0.805 ± 0.007 | 0.655 ± 0.007 | 22 | 26 | > 30 (1 of 2) | +0.150 | 2 of 2 "
        "|  |  |",  # two differences that are the same say nothing of chance
        "| entropy | 0.605 ± 0.007 | 0.505 ± 0.007 | > 30 | > 30 | > 30 | +0.000 | 0 of 2 "
        "| 1 (t) | 1 |",
    ]
    single = table(summarise(runs(1), "accuracy"), {}, "accuracy").splitlines()
    assert single[2] == "| random | 0.600 | 0.500 |  |  |  |  |"
    alone = overall_table({"margin": Paired("", 1, 0.1, 1, None)}).splitlines()
    assert alone[2] == "| margin | +0.100 | 1 of 1 |  |  |"

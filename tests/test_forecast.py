"""Forecasts of learning curves: planted laws are found, and intervals keep their promise."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from alnlp.errors import StrategyError
from alnlp.forecast import FEWEST, Forecast, Measured, fit, why_not
from alnlp.metrics.intervals import of_rate


def exact(labels: list[int], values: list[float]) -> list[Measured]:
    return [Measured(n, v, v, v) for n, v in zip(labels, values, strict=True)]


def law(n: float, best: float, gap: float, speed: float) -> float:
    return best - gap * n**-speed


@pytest.mark.parametrize(
    ("best", "gap", "speed"), [(0.9, 2.0, 0.5), (0.97, 1.2, 0.35), (0.8, 8.0, 1.0)]
)
def test_a_planted_law_is_carried_on(best: float, gap: float, speed: float) -> None:
    labels = list(range(100, 2001, 100))
    curve = fit(exact(labels, [law(n, best, gap, speed) for n in labels]))
    for more in (100, 1000):
        said = curve.at(more)
        true = law(2000 + more, best, gap, speed)
        assert said.value == pytest.approx(true, abs=0.01)
        assert said.low < true < said.high


def test_a_flat_curve_stays_flat_and_a_steep_one_rises() -> None:
    labels = list(range(50, 501, 50))
    flat = fit(exact(labels, [0.7] * len(labels)))
    steep = fit(exact(labels, [law(n, 0.95, 2.0, 0.3) for n in labels]))
    assert flat.at(100).value - flat.at(0).value < 0.005
    assert steep.at(100).value - steep.at(0).value > 0.01


def planted(rng: np.random.Generator) -> tuple[list[Measured], float]:
    """A curve measured on texts of which more and more are kept, and the true figure later."""
    best, speed = rng.uniform(0.75, 0.98), rng.uniform(0.2, 1.0)
    first, now = rng.uniform(0.3, 0.6), int(rng.choice([108, 180, 288]))
    labels = np.arange(36, now + 1, 36)

    def true(n: float) -> float:
        curve = best - (best - first) * (n / 36) ** -speed
        return float(np.clip(curve + rng.normal(0, 0.2 / np.sqrt(n)), 0.01, 0.99))

    hard = rng.normal(size=len(labels) * 4)  # a text that is hard stays hard
    points = []
    for number, n in enumerate(labels.tolist(), start=1):
        kept = hard[: 4 * number]
        blurred = np.sqrt(0.8) * kept + np.sqrt(0.2) * rng.normal(size=len(kept))
        hits = (blurred < ndtri(true(n))).sum()
        said = of_rate(float(hits), len(kept))
        points.append(Measured(n, said.value, said.low, said.high))
    return points, true(now + 100)


def test_the_interval_holds_the_true_figure_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(200):
        points, later = planted(rng)
        said = fit(points).at(100)
        inside.append(said.low <= later <= said.high)
    assert 0.91 <= np.mean(inside) <= 0.99


def test_many_rounds_measured_by_the_same_few_texts_are_not_many_measurements() -> None:
    """The mean of independent measurements would be four times as exact."""
    labels = list(range(20, 321, 20))
    curve = fit([Measured(n, 0.7, 0.55, 0.85) for n in labels]).at(0)
    assert curve.high - curve.low > 0.2


points = st.integers(3, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(1, 400), min_size=n, max_size=n, unique=True).map(sorted),
        st.lists(st.tuples(*[st.floats(0, 1)] * 3).map(sorted), min_size=n, max_size=n),
    )
)


@given(points, st.floats(0.01, 1))
def test_whatever_was_measured_the_forecast_makes_sense(drawn, target: float) -> None:
    labels, values = drawn
    curve = fit(
        [Measured(n, v, low, high) for n, (low, v, high) in zip(labels, values, strict=True)]
    )
    said = [curve.at(more) for more in (0, 1, 10, 100, 10_000)]
    for before, after in pairwise(said):
        assert before.low <= after.low
        assert before.value <= after.value
        assert before.high <= after.high
    assert all(0 <= one.low <= one.value <= one.high <= 1 for one in said)
    needed = curve.labels_needed(target)
    for more, side in zip(needed, ("high", "value", "low"), strict=True):
        if more is None:
            assert getattr(curve.at(100 * labels[-1]), side) < target
        else:
            assert getattr(curve.at(more), side) >= target
            assert more == 0 or getattr(curve.at(more - 1), side) < target
    known = [float("inf") if more is None else more for more in needed]
    assert known == sorted(known)


def test_it_says_the_same_twice() -> None:
    known = exact([10, 20, 30], [0.5, 0.6, 0.65])
    assert fit(known).at(50) == fit(known).at(50)


@pytest.mark.parametrize("n", range(FEWEST))
def test_too_few_points_have_a_reason(n: int) -> None:
    known = exact([10, 20, 30][:n], [0.5] * n)
    reason = why_not(known)
    assert reason.startswith("There is 1 round with" if n == 1 else f"There are {n} rounds with")
    assert reason.endswith(".")
    with pytest.raises(StrategyError, match=f"{n} round"):
        fit(known)
    assert not why_not(exact([10, 20, 30], [0.5] * 3))


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (exact([10, 10, 20], [0.5] * 3), "increasing"),
        (exact([0, 10, 20], [0.5] * 3), "from 1"),
        (exact([10, 20, 30], [0.5, 0.5, 1.5]), "from 0 to 1"),
        (exact([10, 20, 30], [0.5, 0.5, float("nan")]), "from 0 to 1"),
        ([*exact([10, 20], [0.5] * 2), Measured(30, 0.5, 0.6, 0.7)], "low <= value"),
    ],
)
def test_nonsense_is_refused(known: list[Measured], message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        fit(known)


@pytest.mark.parametrize("target", [0, -1, 1.01, float("nan")])
def test_a_target_is_a_share(target: float) -> None:
    curve: Forecast = fit(exact([10, 20, 30], [0.5, 0.6, 0.65]))
    with pytest.raises(StrategyError, match="target"):
        curve.labels_needed(target)


def test_all_right_and_all_wrong() -> None:
    assert fit(exact([10, 20, 30], [0.0] * 3)).at(0).value < 0.1
    assert fit(exact([10, 20, 30], [1.0] * 3)).at(100).value > 0.9

"""DAL and CAL against slow references."""

import math

import numpy as np
import pytest

from alnlp.signals import Labelled, Signals
from alnlp.strategies.contrastive import cal, dal, mean_divergence, unlike

Rows = list[list[float]]


def labelled(embeddings: np.ndarray, probabilities: np.ndarray | None = None) -> Labelled:
    count = len(embeddings)
    if probabilities is None:
        probabilities = np.empty((count, 0))
    return Labelled(embeddings, probabilities, np.zeros(count, np.int64))


def divergence(p: list[float], q: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def yes_no(p: list[float], q: list[float]) -> float:
    return sum(divergence([a, 1 - a], [b, 1 - b]) for a, b in zip(p, q, strict=True))


def unit(row: list[float]) -> list[float]:
    length = math.sqrt(sum(x * x for x in row))
    return [x / length for x in row]


def slow_cal(h: Rows, p: Rows, known: Rows, said: Rows, multilabel: bool) -> list[float]:
    scores = []
    for x, q in zip(h, p, strict=True):
        order = sorted(range(len(known)), key=lambda j: math.dist(unit(x), unit(known[j])))
        each = [(yes_no if multilabel else divergence)(said[j], q) for j in order[:10]]
        scores.append(sum(each) / len(each))
    return scores


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("known", [1, 4, 25])
def test_cal_is_the_mean_divergence_from_the_nearest(multilabel: bool, known: int) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        h, near = rng.normal(size=(12, 3)), rng.normal(size=(known, 3))

        def draw(size: int, rng: np.random.Generator = rng) -> np.ndarray:
            return rng.random((size, 4)) if multilabel else rng.dirichlet(np.ones(4), size)

        p, said = draw(12), draw(known)
        signals = Signals.of(p, h, labelled=labelled(near, said), multilabel=multilabel)
        expected = slow_cal(h.tolist(), p.tolist(), near.tolist(), said.tolist(), multilabel)
        np.testing.assert_allclose(cal(signals), expected, rtol=1e-6)


def test_cal_by_hand() -> None:
    # KL((.9, .1) || (.5, .5)) = .9 ln 1.8 + .1 ln .2 = .368064, and 0 for the neighbour that
    # agrees; turned round it would be .5 ln(5/9) + .5 ln 5 = .510826.
    p, said = np.array([[0.5, 0.5]]), np.array([[0.9, 0.1], [0.5, 0.5]])
    np.testing.assert_allclose(mean_divergence(p, said, np.array([[0, 1]])), [0.184032], atol=1e-6)
    np.testing.assert_allclose(mean_divergence(p, said, np.array([[0]])), [0.368064], atol=1e-6)


def test_neighbours_are_answered_examples_only() -> None:
    # The two candidates lie on each other and disagree; both agree with the ten answered ones
    # nearest to them as far as the first is concerned, and the far ones are never asked.
    said = np.array([[0.9, 0.1]] * 10 + [[0.1, 0.9]] * 5)
    angles = np.concatenate([np.linspace(0.1, 0.2, 10), np.linspace(2.0, 2.1, 5)])
    near = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    p, h = np.array([[0.9, 0.1], [0.5, 0.5]]), np.array([[1.0, 0.0], [7.0, 0.0]])
    found = cal(Signals.of(p, h, labelled=labelled(near, said)))
    np.testing.assert_allclose(found, [0, 0.368064], atol=1e-6)


def test_cal_stays_finite_where_a_probability_is_zero() -> None:
    p, said = np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32)
    h = np.ones((1, 2), np.float16)
    score = cal(Signals.of(p, h, labelled=labelled(h, said)))
    assert np.isfinite(score).all()
    assert score[0] > 50


@pytest.mark.parametrize("multilabel", [False, True])
def test_cal_of_nothing_answered_is_how_unsure_the_model_is(multilabel: bool) -> None:
    p = np.array([[0.5, 0.5], [0.9, 0.1]])
    nothing = labelled(np.empty((0, 3)), np.empty((0, 2)))
    found = cal(Signals.of(p, np.ones((2, 3)), labelled=nothing, multilabel=multilabel))
    np.testing.assert_allclose(found, [1.0, 0.2])


def slow_logistic(rows: Rows, targets: list[int]) -> np.ndarray:
    """The minimum of |w|^2 / 2 plus the log-loss, the intercept free, by Newton's method."""
    x = np.array([[*row, 1.0] for row in rows])
    free = np.diag([1.0] * len(rows[0]) + [0.0])
    w = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        slope = x.T @ (p - np.array(targets)) + free @ w
        bend = (x * (p * (1 - p))[:, None]).T @ x + free
        w -= np.linalg.solve(bend, slope)
    return w


def slow_dal(h: Rows, known: Rows, n: int) -> list[int]:
    """Ten sub-batches, or as many as there are texts to choose; all of the pool is learnt from."""
    sizes = [n // 10 + (part < n % 10) for part in range(10)]
    chosen: list[int] = []
    for size in sizes:
        left = [i for i in range(len(h)) if i not in chosen]
        seen = [unit(x) for x in known] + [unit(h[i]) for i in chosen]
        rows = seen + [unit(h[i]) for i in left]
        w = slow_logistic(rows, [0] * len(seen) + [1] * len(left))
        score = {i: sum(a * b for a, b in zip(unit(h[i]), w[:-1], strict=True)) for i in left}
        chosen += sorted(left, key=lambda i: -score[i])[:size]
    return chosen


@pytest.mark.parametrize("n", [1, 5, 14])
def test_dal_tells_the_pool_from_the_answered_in_sub_batches(n: int) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        h, known = rng.normal(size=(25, 3)), rng.normal(size=(4, 3))
        found = dal(Signals.of(embeddings=h, labelled=labelled(known)), n, rng)
        assert found.tolist() == slow_dal(h.tolist(), known.tolist(), n)


def test_dal_learns_from_ten_times_as_many_at_most() -> None:
    # With one answered example, ten of the forty are drawn, so that the choice varies.
    rng = np.random.default_rng(0)
    h, known = rng.normal(size=(40, 3)).astype(np.float32), np.array([[1, 0, 0]], np.float32)
    firsts = {int(unlike(h, known, 1, np.random.default_rng(s))[0]) for s in range(40)}
    assert 1 < len(firsts) < 20


def test_dal_of_nothing_answered_starts_at_random() -> None:
    h = np.random.default_rng(0).normal(size=(10, 3))
    signals = Signals.of(embeddings=h, labelled=labelled(np.empty((0, 3))))
    firsts = {int(dal(signals, 3, np.random.default_rng(s))[0]) for s in range(200)}
    assert firsts == set(range(10))
    first, second = dal(signals, 2, np.random.default_rng(0)).tolist()
    others = [i for i in range(10) if i != first]
    after = slow_dal([h[i].tolist() for i in others], [h[first].tolist()], 1)
    assert second == others[after[0]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("vector", [[0.0, 0.0], [1.0, 2.0]])
@pytest.mark.parametrize(("size", "n", "known"), [(1, 1, 0), (1, 1, 1), (6, 6, 0), (30, 25, 2)])
def test_pools_all_alike(vector: list[float], size: int, n: int, known: int) -> None:
    points = np.tile(np.array(vector, np.float16), (size, 1))
    answered = labelled(np.tile(np.array(vector, np.float16), (known, 1)), np.ones((known, 1)))
    signals = Signals.of(np.ones((size, 1), np.float32), points, labelled=answered)
    chosen = dal(signals, n, np.random.default_rng(0)).tolist()
    assert len(set(chosen)) == n
    assert cal(signals).tolist() == [0.0] * size if known else np.isfinite(cal(signals)).all()

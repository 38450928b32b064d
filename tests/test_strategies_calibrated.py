"""Uncertainty after temperature scaling, and without outliers, against slow references."""

import math

import numpy as np
import pytest

from alnlp.calibration import temperature, tempered
from alnlp.signals import Labelled, Signals
from alnlp.strategies import calibrated, select
from alnlp.strategies.calibrated import ENTRIES, remoteness

SEEDS = range(8)


def softmax(logits: np.ndarray) -> np.ndarray:
    raw = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raw / raw.sum(axis=-1, keepdims=True)


def slow_tempered(row: list[float], t: float) -> list[float]:
    powers = [p ** (1 / t) for p in row]
    return [x / sum(powers) for x in powers]


def slow_loss(rows: list[list[float]], outcomes: list[int], t: float) -> float:
    said = [slow_tempered(row, t)[y] for row, y in zip(rows, outcomes, strict=True)]
    return -sum(math.log(p) for p in said)


def as_yes_no(forecasts: np.ndarray, outcomes: np.ndarray) -> tuple[list[list[float]], list[int]]:
    rows = [[1 - p, p] for row in forecasts.tolist() for p in row]
    return rows, [y for row in outcomes.tolist() for y in row]


def past(seed: int, multilabel: bool, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """40 forecasts of three labels whose logits were `confidence` times the true ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(40, 3))
    if multilabel:
        outcomes = (rng.random((40, 3)) < 1 / (1 + np.exp(-logits))).astype(np.int64)
        return 1 / (1 + np.exp(-confidence * logits)), outcomes
    outcomes = np.array([rng.choice(3, p=row) for row in softmax(logits)])
    return softmax(confidence * logits), outcomes


@pytest.mark.parametrize("confidence", [0.5, 4.0])
@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_temperature_makes_the_forecasts_likelier(
    seed: int, multilabel: bool, confidence: float
) -> None:
    forecasts, outcomes = past(seed, multilabel, confidence)
    found = temperature(forecasts, outcomes)
    if multilabel:
        rows, answers = as_yes_no(forecasts, outcomes)
    else:
        rows, answers = forecasts.tolist(), outcomes.tolist()
    grid = [0.05 * 400 ** (step / 200) for step in range(201)]
    least = min(slow_loss(rows, answers, t) for t in grid)
    assert slow_loss(rows, answers, found) <= least + 1e-6
    nearest = min(grid, key=lambda t: slow_loss(rows, answers, t))
    assert abs(math.log(found / nearest)) < 0.04


def test_the_temperature_of_overconfident_forecasts_is_found() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3))
    outcomes = (softmax(logits).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    assert temperature(softmax(3 * logits), outcomes) == pytest.approx(3, rel=0.05)
    yes = (rng.random((20_000, 3)) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    said = 1 / (1 + np.exp(-logits / 2))
    assert temperature(said, yes) == pytest.approx(0.5, rel=0.05)


def test_too_few_or_one_sided_forecasts_change_nothing() -> None:
    assert temperature(np.empty((0, 0)), np.empty(0, np.int64)) == 1
    assert temperature(np.empty((0, 3)), np.empty((0, 3), np.int64)) == 1
    nine = np.array([[0.9, 0.1]] * 9)
    assert temperature(nine, np.arange(9) % 2) == 1
    assert temperature(np.array([[0.9, 0.1]] * 30), np.zeros(30, np.int64)) == 1
    assert temperature(np.full((30, 2), 0.9), np.ones((30, 2), np.int64)) == 1
    assert temperature(np.ones((30, 1)), np.zeros(30, np.int64)) == 1


def test_the_temperature_stays_within_its_bounds() -> None:
    right = np.tile([[0.6, 0.4], [0.4, 0.6]], (10, 1))
    assert temperature(right, np.tile([0, 1], 10)) == pytest.approx(0.05, rel=0.01)
    assert temperature(right, np.tile([1, 0], 10)) == pytest.approx(20, rel=0.01)
    certain = np.tile([[1.0, 0.0]], (20, 1))
    assert 0.05 <= temperature(certain, np.arange(20) % 2) <= 20.01


SCORES = {
    "margin": lambda row: 1 - (sorted(row)[-1] - sorted(row)[-2]),
    "entropy": lambda row: -sum(p * math.log(p) for p in row if p > 0),
    "least_confidence": lambda row: 1 - max(row),
}


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", sorted(SCORES))
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_of_tempered_probabilities(seed: int, name: str, multilabel: bool) -> None:
    forecasts, outcomes = past(seed, multilabel, 4.0)
    p, _ = past(seed + 100, multilabel, 4.0)
    labelled = Labelled(np.zeros((40, 2)), forecasts, outcomes, forecasts, outcomes)
    signals = Signals.of(p, labelled=labelled, multilabel=multilabel)
    t = temperature(forecasts, outcomes)
    assert t > 1.5
    expected = []
    for row in p.tolist():
        rows = [[q, 1 - q] for q in row] if multilabel else [row]
        expected.append(sum(SCORES[name](slow_tempered(r, t)) for r in rows) / len(rows))
    spec = ENTRIES[f"{name}_calibrated"]
    assert spec.score is not None
    np.testing.assert_allclose(spec.score(signals), expected, atol=1e-6)


@pytest.mark.parametrize("multilabel", [False, True])
def test_without_forecasts_the_newest_model_is_believed(multilabel: bool) -> None:
    p, _ = past(0, multilabel, 1.0)
    none = Labelled(np.empty((0, 2)), np.empty((0, 3)), np.empty(0, np.int64))
    signals = Signals.of(p, labelled=none, multilabel=multilabel)
    for name, score in SCORES.items():
        rows = [[[q, 1 - q] for q in row] if multilabel else [row] for row in p.tolist()]
        expected = [sum(score(r) for r in each) / len(each) for each in rows]
        spec = ENTRIES[f"{name}_calibrated"]
        assert spec.score is not None
        np.testing.assert_allclose(spec.score(signals), expected, atol=1e-6)


def test_tempering_can_change_the_order() -> None:
    # By margin the first text is the less sure one; with doubt cast on the model, the second is.
    p = np.array([[0.5, 0.42, 0.08], [0.4, 0.3, 0.3]])
    plain = 1 - (np.sort(p)[:, -1] - np.sort(p)[:, -2])
    assert plain[0] > plain[1]
    hot = np.sort(tempered(p, 20.0))
    assert (hot[:, -1] - hot[:, -2])[0] < (hot[:, -1] - hot[:, -2])[1]
    extreme = tempered(np.array([[1.0, 0.0], [0.5, 0.5]], dtype=np.float32), 0.05)
    np.testing.assert_allclose(extreme, [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("seed", SEEDS)
def test_remoteness_is_the_mean_distance_to_the_neighbours(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(-3, 4, size=(int(rng.integers(2, 25)), 2)).astype(np.float16)
    expected = []
    for i, one in enumerate(points.tolist()):
        far = sorted(math.dist(one, other) for j, other in enumerate(points.tolist()) if j != i)
        nearest = far[:10]
        expected.append(sum(nearest) / len(nearest))
    np.testing.assert_allclose(remoteness(points, rng), expected, atol=1e-3)


def test_remoteness_in_a_large_pool_is_to_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrated, "_REFERENCES", 12)
    monkeypatch.setattr(calibrated, "_AT_ONCE", 7)
    points = np.random.default_rng(0).normal(size=(40, 3))
    drawn = np.random.default_rng(5).choice(40, size=12, replace=False).tolist()
    expected = []
    for i in range(40):
        far = sorted(math.dist(points[i], points[j]) for j in drawn if j != i)[:10]
        expected.append(sum(far) / len(far))
    found = remoteness(points, np.random.default_rng(5))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def clipped_pool() -> tuple[np.ndarray, np.ndarray]:
    """60 texts of which 7, 8 and 9 are the least sure and far from all others."""
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(60, 3))
    embeddings[[7, 8, 9]] += [[90, 0, 0], [0, 90, 0], [0, 0, 90]]
    unsure = rng.random(60) * 0.8
    unsure[[7, 8, 9]] = [0.9, 0.95, 1.0]
    return embeddings, unsure


@pytest.mark.parametrize("task", ["classification", "multilabel", "ner"])
def test_margin_clipped_leaves_the_outliers_for_the_end(task: str) -> None:
    embeddings, unsure = clipped_pool()
    if task == "ner":
        signals = Signals.of(embeddings=embeddings, scores={"mnlp": unsure}, spans=True)
    else:
        # The margin score of (p, 1 - p) with p = 1/2 + (1 - u)/2 is u.
        p = 1 - unsure / 2
        p = p[:, None] if task == "multilabel" else np.stack([p, 1 - p], axis=1)
        signals = Signals.of(p, embeddings, multilabel=task == "multilabel")
    ranked = sorted(set(range(60)) - {7, 8, 9}, key=lambda i: -unsure[i])
    spec = ENTRIES["margin_clipped"]
    assert select(spec, signals, 5, np.random.default_rng(0)).tolist() == ranked[:5]
    everything = select(spec, signals, 60, np.random.default_rng(0)).tolist()
    assert everything == [*ranked, 9, 8, 7]
    order = np.random.default_rng(1).permutation(60)
    loaders = {
        name: (lambda *what, load=load: load(*what)[order])
        for name, load in signals.loaders.items()
    }
    moved = Signals(60, loaders, signals.multilabel, signals.spans)
    chosen = select(spec, moved, 5, np.random.default_rng(0))
    assert order[chosen].tolist() == ranked[:5]


def test_small_or_equal_pools_are_not_clipped_to_nothing() -> None:
    spec = ENTRIES["margin_clipped"]
    for size in (1, 2, 19, 25):
        signals = Signals.of(np.full((size, 2), 0.5), np.zeros((size, 4), dtype=np.float16))
        chosen = select(spec, signals, size, np.random.default_rng(0))
        assert sorted(chosen.tolist()) == list(range(size))

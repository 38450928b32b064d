"""Intervals of a few random answers: the truth lies in them about as often as they say."""

import numpy as np
import pytest

from alnlp.calibration import calibration_error, tempered_labels
from alnlp.metrics.intervals import (
    Estimate,
    of_classes,
    of_counts,
    of_difference,
    of_label_sets,
    of_rate,
)

RUNS = 120
#: Of 120 intervals of 95%, fewer hold the truth than this in one of 100,000 experiments.
ENOUGH = 0.86


def covered(estimates: list[Estimate], truth: float) -> float:
    return float(np.mean([one.low <= truth <= one.high for one in estimates]))


def f1_of(confusion: np.ndarray) -> np.ndarray:
    """F1 of each label, by a joint distribution (predicted, gold)."""
    return 2 * confusion.diagonal() / (confusion.sum(axis=0) + confusion.sum(axis=1))


@pytest.mark.parametrize("answers", [10, 25, 100])
@pytest.mark.parametrize("labels", [2, 6])
def test_classes(answers: int, labels: int) -> None:
    rng = np.random.default_rng(answers + labels)
    shares = rng.dirichlet(np.full(labels, 5.0))
    right = rng.uniform(0.6, 0.95, labels)
    confusion = np.stack(
        [
            share * (1 - ok) / (labels - 1) * np.ones(labels)
            for share, ok in zip(shares, right, strict=True)
        ]
    )
    confusion[np.arange(labels), np.arange(labels)] = shares * right
    found, of_labels = [], []
    for _ in range(RUNS):
        drawn = rng.choice(labels**2, answers, p=confusion.ravel())
        figures, each = of_classes(drawn % labels, drawn // labels, labels, rng)
        found.append(figures)
        of_labels.append(each[0])
    assert covered([one["accuracy"] for one in found], confusion.trace()) >= ENOUGH
    assert covered([one["macro_f1"] for one in found], f1_of(confusion).mean()) >= ENOUGH
    assert covered(of_labels, f1_of(confusion)[0]) >= ENOUGH
    values = [one["accuracy"].value for one in found]
    error = np.sqrt(confusion.trace() * (1 - confusion.trace()) / answers / RUNS)
    assert abs(np.mean(values) - confusion.trace()) < 5 * error  # no bias


@pytest.mark.parametrize("answers", [40, 200])
@pytest.mark.parametrize(("frequent", "rare", "recall"), [(2, 4, 0.1), (5, 15, 0.3), (1, 1, 0.6)])
def test_rare_labels_that_go_worse(answers: int, frequent: int, rare: int, recall: float) -> None:
    """Few answers show what a rare label is like, and the frequent ones do not tell."""
    rng = np.random.default_rng(answers)
    labels = frequent + rare
    shares = np.repeat([0.9 / frequent, 0.1 / rare], [frequent, rare])
    recalls = np.repeat([0.97, recall], [frequent, rare])
    confusion = np.zeros((labels, labels))
    for gold in range(labels):
        others = np.delete(np.arange(labels), gold)
        confusion[others, gold] = (1 - recalls[gold]) * shares[others] / shares[others].sum()
        confusion[gold, gold] = recalls[gold]
    confusion *= shares
    found, of_labels = [], []
    for _ in range(RUNS):
        drawn = rng.choice(labels**2, answers, p=confusion.ravel())
        figures, each = of_classes(drawn % labels, drawn // labels, labels, rng)
        found.append(figures["macro_f1"])
        of_labels.append(each[-1])
    assert covered(found, f1_of(confusion).mean()) >= ENOUGH
    assert covered(of_labels, f1_of(confusion)[-1]) >= ENOUGH


@pytest.mark.parametrize("right", [0.6, 0.8])
def test_what_is_in_one_text_goes_right_or_wrong_together(right: float) -> None:
    rng = np.random.default_rng(0)
    labels, answers, size = 10, 40, 20_000
    meant = rng.integers(labels, size=size)
    said = np.where(rng.random(size) < right, meant, rng.integers(labels, size=size))
    gold, found = (np.eye(labels, dtype=np.int64)[side] for side in (meant, said))
    told = []
    for _ in range(RUNS):
        drawn = rng.choice(size, answers, replace=False)
        told.append(of_label_sets(gold[drawn], found[drawn], rng)[0]["micro_f1"])
    assert covered(told, (meant == said).mean()) >= ENOUGH


def test_without_labels_there_is_no_f1() -> None:
    empty = np.zeros((5, 0), np.int64)
    figures, each = of_label_sets(empty, empty, np.random.default_rng(0))
    assert set(figures) == {"subset_accuracy"}
    assert each == []


@pytest.mark.parametrize("answers", [12, 50])
def test_label_sets(answers: int) -> None:
    rng = np.random.default_rng(answers)
    labels, size = 4, 40_000
    gold = (rng.random((size, labels)) < [0.6, 0.3, 0.2, 0.1]).astype(np.int64)
    wrong = rng.random((size, labels)) < 0.1
    said = np.where(wrong, 1 - gold, gold)
    both, either = (gold * said).sum(axis=0), gold.sum(axis=0) + said.sum(axis=0)
    truth = {
        "subset_accuracy": (gold == said).all(axis=1).mean(),
        "micro_f1": 2 * both.sum() / either.sum(),
        "macro_f1": (2 * both / either).mean(),
    }
    found = []
    for _ in range(RUNS):
        drawn = rng.choice(size, answers, replace=False)
        found.append(of_label_sets(gold[drawn], said[drawn], rng)[0])
    for name, value in truth.items():
        assert covered([one[name] for one in found], value) >= ENOUGH, name


@pytest.mark.parametrize("answers", [15, 60])
def test_entities(answers: int) -> None:
    rng = np.random.default_rng(answers)
    size = 20_000
    gold = rng.poisson(1.5, size)
    exact = rng.binomial(gold, 0.7)
    predicted = exact + rng.poisson(0.4, size)
    truth = 2 * exact.sum() / (gold.sum() + predicted.sum())
    found = []
    for _ in range(RUNS):
        drawn = rng.choice(size, answers, replace=False)
        found.append(of_counts(exact[drawn], gold[drawn], predicted[drawn], rng))
    assert covered(found, truth) >= ENOUGH


def test_all_right_is_not_certainty() -> None:
    rng = np.random.default_rng(0)
    zeros = np.zeros(8, np.int64)
    accuracy = of_classes(zeros, zeros, 2, rng)[0]["accuracy"]
    assert accuracy.high == 1.0
    assert accuracy.low < 0.85 < accuracy.value < 1.0
    nothing = of_counts(zeros, zeros, zeros, rng)
    assert nothing.low < nothing.high


def test_accuracy_and_f1_are_the_same_kind_of_guess() -> None:
    """Of two labels that are alike, with two answers: neither figure is what was counted."""
    rng = np.random.default_rng(0)
    gold, found = np.array([0, 1]), np.array([1, 0])
    figures, _ = of_classes(gold, found, 2, rng)
    accuracy = figures["accuracy"]
    assert accuracy.value == pytest.approx(0.5 / 3, abs=0.01)
    assert accuracy.low == 0
    assert figures["macro_f1"].value == pytest.approx(accuracy.value, abs=0.1)
    sets, _ = of_label_sets(np.eye(2, dtype=int), 1 - np.eye(2, dtype=int), rng)
    assert sets["subset_accuracy"].value == pytest.approx(0.5 / 3, abs=0.01)


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 1.0])
    right = np.array([1, 1, 1, 0, 1, 1])
    # From 0.9 on: 4.8 said of 4 right ones, of 5; and 0.55 said of one.
    assert calibration_error(confidence, right) == pytest.approx((0.8 + 0.45) / 6)
    assert calibration_error(np.array([1.0, 0.0]), np.array([1, 0])) == 0.0


def test_temperature_of_log_odds() -> None:
    said = np.array([[0.9, 0.5], [0.1, 0.0]])
    found = tempered_labels(said, 2.0)
    assert found[0, 0] == pytest.approx(1 / (1 + (1 / 9) ** 0.5))
    assert found[0, 1] == pytest.approx(0.5)
    assert 0 < found[1, 1] < 0.001
    np.testing.assert_allclose(tempered_labels(said, 1.0), said, atol=1e-6)


@pytest.mark.parametrize("n", [10, 40, 200])
def test_rates(n: int) -> None:
    rng = np.random.default_rng(n)
    inside = []
    for rate in rng.uniform(0.5, 0.95, 500):
        said = of_rate(float(rng.binomial(n, rate)), n)
        inside.append(said.low <= rate <= said.high)
    assert 0.92 <= np.mean(inside) <= 0.98
    assert of_rate(0, n).low == 0
    assert of_rate(n, n).high == 1


@pytest.mark.parametrize("n", [20, 60])
def test_differences_of_two_models_on_the_same_texts(n: int) -> None:
    rng = np.random.default_rng(n)
    whole, found = np.ones(n), []
    for _ in range(RUNS):
        # Half of the texts are as hard for the one as for the other.
        hard = rng.random(n) < 0.5
        shared = rng.random(n) < 0.6
        hits = [np.where(hard, shared, rng.random(n) < rate).astype(float) for rate in (0.9, 0.7)]
        found.append(of_difference((hits[0], whole), (hits[1], whole), rng))
    assert covered(found, 0.1) >= ENOUGH
    alike = of_difference((whole, whole), (whole, whole), rng)
    assert alike.value == 0
    assert alike.low < 0 < alike.high

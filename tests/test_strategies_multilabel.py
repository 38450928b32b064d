"""Strategies over sets of labels against slow references and cases computed by hand."""

import math

import numpy as np
import pytest

from alnlp.signals import Labelled, Signals
from alnlp.strategies import multilabel, select
from alnlp.strategies.multilabel import (
    ENTRIES,
    approximate_error,
    borda_uncertainty,
    category_vector_inconsistency,
    label_cardinality_inconsistency,
    prediction_uncertainty,
)

SEEDS = range(20)


def pool_of(seed: int, *, most: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Random probabilities (N, K), with ties, and 0/1 targets (L, K)."""
    rng = np.random.default_rng(seed)
    size, known, labels = (int(rng.integers(low, most)) for low in (1, 0, 1))
    return rng.integers(0, 9, size=(size, labels)) / 8, rng.integers(2, size=(known, labels))


def signals_of(p: np.ndarray, targets: np.ndarray, seed: int = 0) -> Signals:
    rng = np.random.default_rng(seed)
    embeddings, known = rng.normal(size=(len(p), 4)), rng.normal(size=(len(targets), 4))
    labelled = Labelled(known, np.zeros(targets.shape), targets)
    return Signals.of(p, embeddings, labelled=labelled, multilabel=True)


def slow_borda(p: list[list[float]]) -> list[float]:
    size, labels = len(p), len(p[0])
    points = [0.0] * size
    for k in range(labels):
        margins = [abs(row[k] - (1 - row[k])) for row in p]
        for i, mine in enumerate(margins):
            below = sum(other < mine for other in margins)
            alike = sum(other == mine for other in margins)
            rank = below + (alike + 1) / 2
            points[i] += size - rank
    return [each / (labels * (size - 1)) if size > 1 else 0.0 for each in points]


def slow_h2(r: float, s: float) -> float:
    return -sum(x * math.log2(x) for x in (r, s) if x > 0)


def slow_distance(mine: list[int], theirs: list[int]) -> float:
    """The paper's formula with its contingency table: a both, b and c one of them, d neither."""
    q = len(mine)
    pairs = list(zip(mine, theirs, strict=True))
    a, b, c, d = (pairs.count(pair) for pair in ((1, 1), (0, 1), (1, 0), (0, 0)))
    if (b + c) / q == 1:
        return 1.0
    joint = slow_h2((b + c) / q, (a + d) / q)
    if b + c:
        joint += (b + c) / q * slow_h2(b / (b + c), c / (b + c))
    joint += (a + d) / q * slow_h2(a / (a + d), d / (a + d))
    if joint == 0:
        return 0.0
    own = slow_h2(sum(mine) / q, 1 - sum(mine) / q) + slow_h2(sum(theirs) / q, 1 - sum(theirs) / q)
    return (2 * joint - own) / joint


def slow_inconsistency(labels: list[list[int]], known: list[list[int]]) -> list[float]:
    if not known:
        return [1.0] * len(labels)
    return [sum(slow_distance(row, other) for other in known) / len(known) for row in labels]


@pytest.mark.parametrize("seed", SEEDS)
def test_cvirs_equals_its_definition(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multilabel, "_AT_ONCE", 5)
    p, targets = pool_of(seed)
    labels = [[int(x >= 0.5) for x in row] for row in p.tolist()]
    rank = slow_borda(p.tolist())
    inconsistency = slow_inconsistency(labels, targets.tolist())
    np.testing.assert_allclose(borda_uncertainty(p), rank, atol=1e-9)
    found = category_vector_inconsistency(p >= 0.5, targets.astype(bool))
    np.testing.assert_allclose(found, inconsistency, atol=1e-9)
    spec = ENTRIES["cvirs"]
    assert spec.score is not None
    expected = [s * v for s, v in zip(rank, inconsistency, strict=True)]
    np.testing.assert_allclose(spec.score(signals_of(p, targets)), expected, atol=1e-9)


def test_cvirs_by_hand() -> None:
    # Margins of the first label 0.8, 0.2, 0: ranks 3, 2, 1. Of the second 0.2, 0.5, 0.5: ranks 1
    # and twice 2.5. Points (0 + 2) / 4, (1 + 0.5) / 4, (2 + 0.5) / 4.
    p = np.array([[0.9, 0.4], [0.6, 0.75], [0.5, 0.25]])
    np.testing.assert_allclose(borda_uncertainty(p), [0.5, 0.375, 0.625])
    # Predicted (1, 0), (1, 1), (1, 0); answered (1, 0), (0, 1). (1, 0) is alike and contradicts in
    # each label: (0 + 1) / 2. (1, 1) says nothing, so (2 - 0 - 1) / 1 bits for both.
    targets = np.array([[1, 0], [0, 1]])
    spec, signals = ENTRIES["cvirs"], signals_of(p, targets)
    assert spec.score is not None
    np.testing.assert_allclose(spec.score(signals), [0.25, 0.375, 0.3125])
    assert select(spec, signals, 3, np.random.default_rng(0)).tolist() == [1, 2, 0]
    # (1, 1, 0, 0) and (1, 0, 0, 0): joint entropy 1.5 bits, 1 and 0.8113 bits each.
    labels, known = np.array([[1, 1, 0, 0]], bool), np.array([[1, 0, 0, 0]], bool)
    distance = category_vector_inconsistency(labels, known)
    np.testing.assert_allclose(distance, [(3 - 1 - 0.8112781) / 1.5], atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_lci_is_the_distance_from_the_usual_number_of_labels(seed: int) -> None:
    p, targets = pool_of(seed)
    rows = p.tolist()
    if len(targets):
        usual = sum(map(sum, targets.tolist())) / len(targets)
    else:
        usual = sum(map(sum, rows)) / len(rows)
    expected = [abs(sum(x >= 0.5 for x in row) - usual) for row in rows]
    np.testing.assert_allclose(label_cardinality_inconsistency(p, targets), expected, atol=1e-9)


def test_lci_by_hand() -> None:
    p = np.array([[0.9, 0.8, 0.7], [0.9, 0.1, 0.1], [0.1, 0.1, 0.1]])
    targets = np.array([[1, 0, 0], [1, 1, 0]])
    found = label_cardinality_inconsistency(p, targets)
    np.testing.assert_allclose(found, [1.5, 0.5, 1.5])
    chosen = select(ENTRIES["lci"], signals_of(p, targets), 2, np.random.default_rng(0))
    assert sorted(chosen.tolist()) == [0, 2]


def slow_uncertainty(row: list[float]) -> float:
    clipped = [min(max(x, 1e-7), 1 - 1e-7) for x in row]
    odds = [math.log(x / (1 - x)) for x in clipped]
    holds = [o for o, x in zip(odds, row, strict=True) if x >= 0.5]
    others = [o for o, x in zip(odds, row, strict=True) if x < 0.5]
    return 1 / max(min(holds, default=0.0) - max(others, default=0.0), 1e-6)


def slow_error(outputs: list[list[float]]) -> float:
    total = 0.0
    for row in outputs:
        total += max([max(0.0, 1 - f) for f in row if f >= 0], default=0.0)
        total += max([max(0.0, 1 + f) for f in row if f < 0], default=0.0)
    return total


@pytest.mark.parametrize("seed", SEEDS)
def test_uncertainty_and_error_equal_their_definitions(seed: int) -> None:
    p, _ = pool_of(seed)
    expected = [slow_uncertainty(row) for row in p.tolist()]
    np.testing.assert_allclose(prediction_uncertainty(p), expected, rtol=1e-6)
    outputs = np.random.default_rng(seed).normal(size=p.shape)
    assert approximate_error(outputs) == pytest.approx(slow_error(outputs.tolist()))


def test_prediction_uncertainty_by_hand() -> None:
    # log 4 - log 3/7 = 1.3863 + 0.8473; nothing predicted: 0 - log 3/7; everything: log 3/2 - 0.
    p = np.array([[0.8, 0.3], [0.2, 0.3], [0.6, 0.9]])
    expected = [1 / 2.2336, 1 / 0.8473, 1 / 0.4055]
    np.testing.assert_allclose(prediction_uncertainty(p), expected, rtol=1e-3)


def slow_ridge(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Ridge regression with a penalty of 1 and a free intercept, by its normal equations."""
    centre, mean = x.mean(axis=0), y.mean(axis=0)
    gram = (x - centre).T @ (x - centre) + np.eye(x.shape[1])
    weights = np.linalg.solve(gram, (x - centre).T @ (y - mean))
    return (new - centre) @ weights + mean


@pytest.mark.parametrize("seed", SEEDS)
def test_mmu_lci_takes_the_batch_that_promises_the_least_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.random((9, 3))
    targets = rng.integers(2, size=(int(rng.integers(0, 5)), 3))
    signals = signals_of(p, targets, seed)
    x, known = signals.embeddings, signals.labelled.embeddings
    usual = targets.sum(axis=1).mean() if len(targets) else p.sum(axis=1).mean()
    errors: dict[frozenset[int], float] = {}

    def error_of(batch: list[int]) -> float:
        inputs = np.concatenate([known, x[batch]])
        labels = np.concatenate([targets, p[batch] >= 0.5]) * 2.0 - 1.0
        return slow_error(slow_ridge(inputs, labels, x).tolist())

    for beta in [step / 10 for step in range(1, 11)]:
        score = [
            slow_uncertainty(row) ** beta * abs(sum(v >= 0.5 for v in row) - usual) ** (1 - beta)
            for row in p.tolist()
        ]
        batch = sorted(range(9), key=lambda i: -score[i])[:2]
        errors[frozenset(batch)] = error_of(batch)
    found = frozenset(select(ENTRIES["mmu_lci"], signals, 2, rng).tolist())
    if found in errors:
        assert errors[found] == pytest.approx(min(errors.values()))
    else:
        # For beta 0 the score is the cardinality alone, where ties are drawn at random.
        cardinality = label_cardinality_inconsistency(p, targets)
        assert sorted(cardinality[list(found)]) == pytest.approx(sorted(cardinality)[-2:])
        assert error_of(sorted(found)) <= min(errors.values()) + 1e-9


def test_mmu_lci_weighs_the_two_by_what_is_learnt() -> None:
    """Some pools are decided by the margin, others by the cardinality."""
    by_margin = by_cardinality = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        p, targets = rng.random((12, 4)), rng.integers(2, size=(6, 4))
        signals = signals_of(p, targets, seed)
        (text,) = select(ENTRIES["mmu_lci"], signals, 1, rng).tolist()
        cardinality = label_cardinality_inconsistency(p, targets)
        by_margin += text == int(prediction_uncertainty(p).argmax())
        by_cardinality += cardinality[text] == cardinality.max()
    assert by_margin
    assert by_cardinality


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_strategies_serve_every_multilabel_pool(name: str) -> None:
    spec = ENTRIES[name]
    assert spec.tasks == ("multilabel",)
    for size, labels, known in [(1, 1, 0), (1, 3, 2), (6, 1, 3), (6, 9, 0), (30, 4, 12)]:
        rng = np.random.default_rng(size)
        for p in (rng.random((size, labels)), np.full((size, labels), 0.5)):
            signals = signals_of(p, rng.integers(2, size=(known, labels)))
            chosen = select(spec, signals, min(5, size), np.random.default_rng(0)).tolist()
            assert len(set(chosen)) == min(5, size)
            again = select(spec, signals, min(5, size), np.random.default_rng(0)).tolist()
            assert chosen == again


def test_permuting_the_pool_permutes_the_answer() -> None:
    rng = np.random.default_rng(0)
    p, targets, order = rng.random((40, 5)), rng.integers(2, size=(8, 5)), rng.permutation(40)
    plain = signals_of(p, targets)
    moved = Signals.of(p[order], plain.embeddings[order], labelled=plain.labelled, multilabel=True)
    chosen = select(ENTRIES["cvirs"], plain, 10, np.random.default_rng(0))
    again = select(ENTRIES["cvirs"], moved, 10, np.random.default_rng(0))
    assert order[again].tolist() == chosen.tolist()

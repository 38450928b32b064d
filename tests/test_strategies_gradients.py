"""BADGE against k-means++ over gradients that are formed in full."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alnlp.signals import Signals
from alnlp.strategies.gradients import badge, logit_gradients, seeds

Vector = list[float]


def slow_gradient(row: Vector, h: Vector, multilabel: bool) -> Vector:
    """(p - y) times h, written out as one long vector."""
    best = row.index(max(row))
    g = [p - (1.0 if (p >= 0.5 if multilabel else k == best) else 0.0) for k, p in enumerate(row)]
    return [a * b for a in g for b in h]


def apart(a: Vector, b: Vector) -> float:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def slow_badge(vectors: list[Vector], n: int, rng: np.random.Generator) -> list[int]:
    """k-means++ seeding from the longest vector on, with one uniform draw a centre."""
    zero = [0.0] * len(vectors[0])
    norms = [apart(vector, zero) for vector in vectors]
    chosen = [norms.index(max(norms))]
    while len(chosen) < n:
        weights = [min(apart(vector, vectors[c]) for c in chosen) for vector in vectors]
        threshold, so_far = rng.random() * sum(weights), 0.0
        for place, weight in enumerate(weights):
            so_far += weight
            if so_far > threshold:
                chosen.append(place)
                break
    return chosen


@pytest.mark.parametrize("multilabel", [False, True])
def test_badge_is_k_means_plus_plus_on_gradients(multilabel: bool) -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        p = rng.random((15, 4)) if multilabel else rng.dirichlet(np.ones(4), 15)
        h = rng.normal(size=(15, 3)).astype(np.float32)
        vectors = [
            slow_gradient(row, x, multilabel) for row, x in zip(p.tolist(), h.tolist(), strict=True)
        ]
        signals = Signals.of(p, h, multilabel=multilabel)
        chosen = badge(signals, 7, np.random.default_rng(seed)).tolist()
        assert chosen == slow_badge(vectors, 7, np.random.default_rng(seed))


#: Gradients of the logits by hand: (-.4, .4), (-.3, .3) and (.1, -.1).
P = np.array([[0.6, 0.4], [0.7, 0.3], [0.1, 0.9]])
H = np.array([[1.0, 1.0], [0.0, 2.0], [3.0, 0.0]], dtype=np.float32)


def test_badge_by_hand() -> None:
    np.testing.assert_allclose(logit_gradients(P), [[-0.4, 0.4], [-0.3, 0.3], [0.1, -0.1]])
    # Squared lengths .32 * 2 = .64, .18 * 4 = .72 and .02 * 9 = .18: the second comes first.
    # From there .64 + .72 - 2 * .24 * 2 = .4 to the first and .72 + .18 - 0 = .9 to the third.
    draws = [badge(Signals.of(P, H), 2, np.random.default_rng(s)).tolist() for s in range(4000)]
    assert {first for first, _ in draws} == {1}
    share = np.mean([second == 2 for _, second in draws])
    assert share == pytest.approx(0.9 / 1.3, abs=0.025)


def test_independent_labels_are_predicted_from_one_half_on() -> None:
    p = np.array([[0.5, 0.49, 0.9]])
    np.testing.assert_allclose(logit_gradients(p, multilabel=True), [[-0.5, 0.49, -0.1]])


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=20),
    st.integers(1, 20),
    st.integers(0, 3),
)
def test_no_duplicate_while_something_else_is_left(
    kinds: list[tuple[int, int]], n: int, seed: int
) -> None:
    p = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [1.0, 0.0, 0.0]], dtype=np.float32)
    h = np.random.default_rng(0).normal(loc=30, size=(3, 40)).astype(np.float16)
    signals = Signals.of(p[[a for a, _ in kinds]], h[[b for _, b in kinds]])
    n = min(n, len(kinds))
    chosen = badge(signals, n, np.random.default_rng(seed)).tolist()
    assert len(set(chosen)) == len(chosen) == n
    # Of a sure prediction the gradient is zero, whatever the embedding.
    gradients = [(a, 0 if a == 2 else b) for a, b in kinds]
    different = len(set(gradients))
    assert len({gradients[c] for c in chosen}) == min(n, different)


def test_nearly_equal_ones_are_told_apart_exactly() -> None:
    h = np.full((4, 300), 20.0, dtype=np.float32)
    h[1, 0] = np.nextafter(np.float32(20), np.float32(21))
    g = np.tile([[0.5, -0.5]], (4, 1))
    for seed in range(20):
        chosen = seeds(g, h, 2, np.random.default_rng(seed)).tolist()
        assert 1 in chosen


def test_near_ones_are_drawn_by_their_exact_distance() -> None:
    # One differs by a thousandth in h alone, one by half of it in each of g and h: as far away.
    g, h = np.array([[0.5, -0.5]]), np.full((1, 50), 30.0)
    gradients = np.concatenate([g, g, g * (1 - 0.0005)])
    embeddings = np.concatenate([h, h * (1 - 0.001), h * (1 - 0.0005)]).astype(np.float32)
    draws = [seeds(gradients, embeddings, 2, np.random.default_rng(s)) for s in range(4000)]
    assert np.mean([second == 2 for _, second in draws]) == pytest.approx(0.5, abs=0.03)


def test_without_any_gradient_the_draw_is_even() -> None:
    alike = Signals.of(np.ones((5, 1)), np.zeros((5, 3)))
    drawn = [tuple(badge(alike, 2, np.random.default_rng(s)).tolist()) for s in range(200)]
    assert {first for first, _ in drawn} == {second for _, second in drawn} == set(range(5))
    assert all(first != second for first, second in drawn)

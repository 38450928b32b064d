"""Strategies over passes with dropout, and the expected gradient, against slow references."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from alnlp.signals import Signals
from alnlp.strategies import bayesian, select
from alnlp.strategies.bayesian import ENTRIES, greedy_information, power
from alnlp.strategies.expected_change import ENTRIES as CHANGE
from alnlp.strategies.expected_change import expected_gradient_length

SEEDS = range(15)


def passes_of(seed: int, *, multilabel: bool = False, most: int = 7) -> np.ndarray:
    """Random (S, N, K) probabilities, some of them 0 or 1."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 5)), int(rng.integers(1, most)), int(rng.integers(1, 4)))
    raw = rng.random(shape) * (rng.random(shape) < 0.8)
    if multilabel:
        return raw
    raw[..., 0] += raw.sum(axis=2) == 0
    return raw / raw.sum(axis=2, keepdims=True)


def slow_entropy(row: list[float]) -> float:
    return -sum(p * math.log(p) for p in row if p > 0)


def questions_of(samples: np.ndarray, multilabel: bool) -> list[list[list[list[float]]]]:
    """[question][pass][text][answer]: one question, or one with two answers for each label."""
    if not multilabel:
        return [samples.tolist()]
    return [
        [[[1 - text[k], text[k]] for text in one] for one in samples.tolist()]
        for k in range(samples.shape[2])
    ]


def slow_information(passes: list[list[list[float]]], batch: list[int]) -> float:
    """The mutual information of the answers of a batch and the pass, all answers written out."""
    answers = range(len(passes[0][0]))
    marginal, within = 0.0, 0.0
    for configuration in itertools.product(answers, repeat=len(batch)):
        under = [
            math.prod(one[text][a] for text, a in zip(batch, configuration, strict=True))
            for one in passes
        ]
        mean = sum(under) / len(passes)
        marginal -= mean * math.log(mean) if mean > 0 else 0
        within -= sum(p * math.log(p) for p in under if p > 0) / len(passes)
    return marginal - within


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_bald_is_the_mutual_information(seed: int, multilabel: bool) -> None:
    samples = passes_of(seed, multilabel=multilabel)
    questions = questions_of(samples, multilabel)
    expected = [
        sum(slow_information(one, [text]) for one in questions) / len(questions)
        for text in range(samples.shape[1])
    ]
    np.testing.assert_allclose(bayesian.bald(samples, multilabel), expected, atol=1e-9)


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_variation_ratios_count_the_commonest_answer(seed: int, multilabel: bool) -> None:
    samples = passes_of(seed, multilabel=multilabel)
    count, size, labels = samples.shape
    expected = []
    for text in range(size):
        if multilabel:
            said = [[one[text][k] >= 0.5 for one in samples.tolist()] for k in range(labels)]
        else:
            said = [[one[text].index(max(one[text])) for one in samples.tolist()]]
        ratios = [1 - Counter(answers).most_common(1)[0][1] / count for answers in said]
        expected.append(sum(ratios) / len(ratios))
    np.testing.assert_allclose(bayesian.variation_ratios(samples, multilabel), expected, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_std_is_the_root_of_the_mean_square_less_the_squared_mean(seed: int) -> None:
    samples = passes_of(seed)
    expected = []
    for text in range(samples.shape[1]):
        deviations = []
        for k in range(samples.shape[2]):
            p = [one[text][k] for one in samples.tolist()]
            square = sum(x * x for x in p) / len(p) - (sum(p) / len(p)) ** 2
            deviations.append(math.sqrt(max(square, 0)))
        expected.append(sum(deviations) / len(deviations))
    np.testing.assert_allclose(bayesian.mean_std(samples), expected, atol=1e-7)


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_batchbald_adds_the_text_that_tells_most_beside_the_others(
    seed: int, multilabel: bool
) -> None:
    samples = passes_of(seed, multilabel=multilabel, most=6)
    questions = questions_of(samples, multilabel)
    arrays = bayesian.questions_of(samples, multilabel)
    np.testing.assert_allclose(arrays, questions)
    chosen = greedy_information(arrays, 4, 10_000, np.random.default_rng(seed))

    def joint(batch: list[int]) -> float:
        return sum(slow_information(one, batch) for one in questions)

    for place, text in enumerate(chosen):
        others = [i for i in range(samples.shape[1]) if i not in chosen[:place]]
        best = max(joint([*chosen[:place], other]) for other in others)
        assert joint(chosen[: place + 1]) == pytest.approx(best, abs=1e-9)
        assert text in others
    if len(chosen) < min(4, samples.shape[1]):
        left = [i for i in range(samples.shape[1]) if i not in chosen]
        assert max(joint([*chosen, i]) for i in left) - joint(chosen) < 1e-5


def by_hand() -> np.ndarray:
    """Four passes, two classes. Texts 0 and 1 tell passes 1, 2 from 3, 4, without any doubt: BALD
    log 2 = 0.693 each, and 0.693 together. Text 2 tells passes 1, 3 from 2, 4 with 0.9 to 0.1:
    BALD log 2 - H(0.1) = 0.693 - 0.325 = 0.368, and 0.693 + 0.368 = 1.061 with text 0 or 1.
    """
    yes = np.array([[1, 1, 0.9], [1, 1, 0.1], [0, 0, 0.9], [0, 0, 0.1]])
    return np.stack([yes, 1 - yes], axis=2)


def test_batchbald_by_hand() -> None:
    samples = by_hand()
    np.testing.assert_allclose(bayesian.bald(samples), [0.6931, 0.6931, 0.3681], atol=1e-4)
    assert slow_information(samples.tolist(), [0, 1]) == pytest.approx(0.6931, abs=1e-4)
    assert slow_information(samples.tolist(), [0, 2]) == pytest.approx(1.0613, abs=1e-4)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        signals = Signals.of(samples=samples)
        chosen = select(ENTRIES["batchbald"], signals, 2, rng).tolist()
        assert chosen[0] in (0, 1)
        assert chosen[1] == 2
        both = select(ENTRIES["bald"], signals, 2, rng).tolist()
        assert sorted(both) == [0, 1]


def test_drawn_configurations_estimate_what_all_of_them_give() -> None:
    rng = np.random.default_rng(0)
    samples = rng.dirichlet(np.full(6, 0.3), size=(4, 12))
    every, drawn = bayesian._Configurations(4, 10**6), bayesian._Configurations(4, 40_000)
    for text in range(6):
        every.add(samples[:, text], rng)
        drawn.add(samples[:, text], rng)
    assert drawn.drawn
    assert not every.drawn
    exact = every.expected_entropy(samples)
    np.testing.assert_allclose(drawn.expected_entropy(samples), exact, atol=0.01)
    # Entropies of single texts are clearly above, so that the closeness means something.
    assert (bayesian._Configurations(4, 1).expected_entropy(samples) - exact).max() > 0.1


@pytest.mark.parametrize("limit", [8, 80, 10_000])
def test_batchbald_asks_no_question_twice(limit: int) -> None:
    """Eight passes are three bits; thirty texts ask for one bit each, ten for each of the bits."""
    bits = np.array([[(one >> (text % 3)) & 1 for text in range(30)] for one in range(8)])
    yes = np.where(bits == 1, 0.95, 0.05)
    samples = np.stack([yes, 1 - yes], axis=2)[None]
    chosen = greedy_information(samples, 3, limit, np.random.default_rng(0))
    assert {text % 3 for text in chosen} == {0, 1, 2}


def test_batchbald_goes_on_by_bald_when_nothing_is_left_to_learn() -> None:
    samples = by_hand()[:, [0, 1, 0, 1]]
    chosen = select(ENTRIES["batchbald"], Signals.of(samples=samples), 3, np.random.default_rng(0))
    assert len(set(chosen.tolist())) == 3
    one_pass = np.full((1, 5, 2), 0.5)
    chosen = select(ENTRIES["batchbald"], Signals.of(samples=one_pass), 4, np.random.default_rng(0))
    assert len(set(chosen.tolist())) == 4


def test_batchbald_looks_at_the_highest_bald_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    signals = Signals.of(samples=by_hand())
    for candidates, expected in ((1, ({0, 1}, 2)), (2, ({0, 1}, 2)), (3, ({0, 2}, 1))):
        monkeypatch.setattr(bayesian, "_CANDIDATES", candidates)
        for seed in range(5):
            chosen = select(ENTRIES["batchbald"], signals, 3, np.random.default_rng(seed)).tolist()
            # Texts 0 and 1 are alike, so the one that comes first may be called 0.
            named = chosen if chosen[0] == 0 else [{0: 1, 1: 0, 2: 2}[text] for text in chosen]
            assert (set(named[:2]), named[2]) == expected


def test_batchbald_asks_each_label_by_itself() -> None:
    # The first label is that of `by_hand`, of the second all passes say the same.
    samples = by_hand()
    samples[..., 1] = [0.3, 0.5, 0.9]
    signals = Signals.of(samples=samples, multilabel=True)
    bald = [0.6931 / 2, 0.6931 / 2, 0.3681 / 2]
    np.testing.assert_allclose(bayesian.bald(samples, multilabel=True), bald, atol=1e-4)
    for seed in range(5):
        chosen = select(ENTRIES["batchbald"], signals, 2, np.random.default_rng(seed)).tolist()
        assert chosen[0] in (0, 1)
        assert chosen[1] == 2


def test_power_adds_gumbel_noise_to_the_logarithm() -> None:
    scores = np.random.default_rng(1).random(20)
    noise = np.random.default_rng(7).gumbel(size=20).tolist()
    noisy = [math.log(s) + g for s, g in zip(scores.tolist(), noise, strict=True)]
    expected = sorted(range(20), key=lambda i: -noisy[i])[:6]
    assert power(scores, 6, np.random.default_rng(7)).tolist() == expected


def test_power_draws_in_proportion_and_zeros_last() -> None:
    scores = np.array([0.0, 0.1, 0.3, 0.6, 0.0])
    rng = np.random.default_rng(0)
    draws = [power(scores, 4, rng).tolist() for _ in range(3000)]
    first = Counter(draw[0] for draw in draws)
    for text, share in enumerate(scores.tolist()):
        assert first[text] / 3000 == pytest.approx(share, abs=0.04)
    assert {draw[3] for draw in draws} == {0, 4}
    # After 3 the rest is in proportion 1 to 3.
    second = Counter(draw[1] for draw in draws if draw[0] == 3)
    assert second[2] / second.total() == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_strategies_serve_their_tasks(name: str, multilabel: bool) -> None:
    rng = np.random.default_rng(2)
    samples = rng.random((5, 30, 4)).astype(np.float16)
    if not multilabel:
        samples /= samples.sum(axis=2, keepdims=True)
    signals = Signals.of(samples=samples, multilabel=multilabel)
    chosen = select(ENTRIES[name], signals, 12, np.random.default_rng(0)).tolist()
    assert len(set(chosen)) == 12
    assert chosen == select(ENTRIES[name], signals, 12, np.random.default_rng(0)).tolist()
    order = rng.permutation(30)
    moved = Signals.of(samples=samples[:, order], multilabel=multilabel)
    if name not in ("power_bald", "variation_ratios"):  # a draw, and a score full of ties
        again = select(ENTRIES[name], moved, 12, np.random.default_rng(0))
        assert order[again].tolist() == chosen


def slow_gradient_length(p: list[float], h: list[float], multilabel: bool) -> float:
    """Every gradient written out, entry by entry."""
    inputs = [*h, 1.0]

    def length(errors: list[float]) -> float:
        return math.sqrt(sum((e * x) ** 2 for e in errors for x in inputs))

    if multilabel:
        return sum(q * length([q - 1]) + (1 - q) * length([q]) for q in p)
    return sum(
        p[y] * length([p[k] - (1 if k == y else 0) for k in range(len(p))]) for y in range(len(p))
    )


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_expected_gradient_length(seed: int, multilabel: bool) -> None:
    p = passes_of(seed, multilabel=multilabel)[0]
    h = np.random.default_rng(seed).normal(size=(len(p), 3)).astype(np.float16)
    expected = [
        slow_gradient_length(row, x, multilabel)
        for row, x in zip(p.tolist(), h.tolist(), strict=True)
    ]
    np.testing.assert_allclose(expected_gradient_length(p, h, multilabel), expected, atol=1e-6)


def test_expected_gradient_length_by_hand() -> None:
    # p = (1/2, 1/2): both gradients are (1/2, 1/2) by [3, 4, ..., 1], so sqrt(1/2) sqrt(26).
    p, h = np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[3.0, 4.0], [3.0, 4.0]])
    np.testing.assert_allclose(expected_gradient_length(p, h), [math.sqrt(13), 0], atol=1e-6)
    for multilabel in (False, True):
        signals = Signals.of(p, h, multilabel=multilabel)
        assert select(CHANGE["egl"], signals, 1, np.random.default_rng(0)).tolist() == [0]

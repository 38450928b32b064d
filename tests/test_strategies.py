"""Names and variants of strategies, uncertainty scores against slow and obvious references."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alnlp.errors import StrategyError
from alnlp.scores import entropy, least_confidence, margin, over_labels
from alnlp.signals import Labelled, Signals
from alnlp.strategies import (
    STRATEGIES,
    StrategySpec,
    find,
    select,
    select_within,
    top,
)
from alnlp.strategies.uncertainty import ENTRIES

REDUCED = [
    f"{name}:{how}" for name, spec in ENTRIES.items() for how in spec.variants.get("ner", ())
]
SEQUENCE = [name for name, spec in ENTRIES.items() if spec.tasks == ("ner",)]
#: All of them with every task that they serve, in every way of writing it.
SERVED = [(name, task) for name, spec in ENTRIES.items() for task in spec.tasks] + [
    (name, "ner") for name in REDUCED
]


def entry(name: str, task: str) -> StrategySpec:
    return find(name, task)[1]


def signals_of(task: str, values: np.ndarray) -> Signals:
    """Signals of (N, K) values: probabilities, or for ner every score that may be asked for."""
    if task != "ner":
        return Signals.of(values, multilabel=task == "multilabel")
    names = REDUCED + SEQUENCE
    scores = {name: values[:, k % values.shape[1]] for k, name in enumerate(names)}
    return Signals.of(scores=scores, costs=np.arange(1, len(values) + 1))


def with_costs(signals: Signals, costs: np.ndarray) -> Signals:
    return replace(signals, loaders={**signals.loaders, "costs": lambda indices: costs[indices]})


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


@pytest.mark.parametrize("name", REDUCED + SEQUENCE)
def test_each_name_reads_its_own_score(name: str) -> None:
    scores = {other: np.array([1.0, 0.0]) for other in REDUCED + SEQUENCE}
    scores[name] = np.array([0.0, 1.0])
    chosen = select(entry(name, "ner"), Signals.of(scores=scores), 1, np.random.default_rng(0))
    assert chosen.tolist() == [1]


def test_a_bare_name_is_the_first_reduction() -> None:
    signals = Signals.of(scores={"entropy:mean": np.array([0.0, 1.0])})
    name, spec = find("entropy", "ner")
    assert name == "entropy"
    assert select(spec, signals, 1, np.random.default_rng(0)).tolist() == [1]
    assert find("entropy:max", "ner")[0] == "entropy:max"


def test_the_tagger_gives_every_score_that_may_be_asked_for() -> None:
    from alnlp.inference.token_scores import NAMES

    assert set(NAMES) == {*REDUCED, *SEQUENCE}


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("entropy:max", "classification", "'entropy:max', expected 'entropy' alone; it has no"),
        ("mnlp:max", "ner", "got 'mnlp:max', expected 'mnlp' alone; it has no variants"),
        ("random:max", "ner", "expected 'random'"),
        ("entropy:most", "ner", "expected one of mean, max, min, sum, top3, entities after"),
        ("entropy:", "ner", "expected one of mean"),
        (":max", "ner", "got ':max', expected a name that `alnlp strategies` lists"),
        ("marjin:max", "ner", "got 'marjin:max' .did you mean 'margin'"),
        ("mnlp", "multilabel", "'mnlp' serves ner, and the task is 'multilabel'"),
    ],
)
def test_names_that_do_not_fit_are_refused_in_one_line(name: str, task: str, message: str) -> None:
    with pytest.raises(StrategyError, match=message) as refused:
        find(name, task)
    assert "\n" not in str(refused.value)


def test_signals_are_checked() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(StrategyError, match=r"mnlp: got shape \(3,\), expected \(2,\)"):
        select(entry("mnlp", "ner"), Signals(2, {"scores": lambda name: np.ones(3)}), 1, rng)
    with pytest.raises(StrategyError, match=r"costs: got shape \(1, 1\), expected \(2,\)"):
        _ = Signals(2, {"costs": lambda _: np.ones((1, 1), dtype=int)}).costs(np.arange(2))
    with pytest.raises(StrategyError, match="'mnlp', expected one of entropy:mean"):
        Signals.of(scores={"entropy:mean": np.ones(2)}).score_of("mnlp")
    with pytest.raises(StrategyError, match="none is kept"):
        select(entry("mnlp", "ner"), Signals(2), 1, rng)
    with pytest.raises(StrategyError, match="got no array"):
        Signals.of()


def test_costs_are_at_least_one_word() -> None:
    assert Signals(3).costs(np.array([2, 0])).tolist() == [1, 1]
    assert Signals.of(costs=np.array([0, 4])).costs(np.arange(2)).tolist() == [1, 4]


texts = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), min_size=1, max_size=12)


def slow_per_word(scores: list[int], costs: list[int], budget: int) -> set[tuple[int, ...]]:
    """Every order in which the best text per word that still fits may be taken, again and again."""
    rates = [score / cost for score, cost in zip(scores, costs, strict=True)]
    done: set[tuple[int, ...]] = set()
    open_ones: set[tuple[int, ...]] = {()}
    while open_ones:
        taken = open_ones.pop()
        left = budget - sum(costs[i] for i in taken)
        fitting = [i for i in range(len(costs)) if i not in taken and costs[i] <= left]
        if not fitting:
            done.add(taken)
        best = max((rates[i] for i in fitting), default=0)
        open_ones |= {(*taken, i) for i in fitting if rates[i] == best}
    return done if done != {()} else {(i,) for i in range(len(costs)) if rates[i] == max(rates)}


@pytest.mark.parametrize(("name", "per_word"), [("entropy:sum", False), ("mnlp", True)])
@given(texts.filter(lambda rows: len(rows) < 7), st.integers(1, 30), st.integers(0, 5))
def test_the_highest_score_per_word_fills_the_budget(
    name: str, per_word: bool, rows: list[tuple[int, int]], budget: int, seed: int
) -> None:
    scores, costs = map(list, zip(*rows, strict=True))
    given_scores = [score / cost for score, cost in rows] if per_word else scores
    signals = Signals.of(scores={name: np.array(given_scores, dtype=float)}, costs=np.array(costs))
    chosen = select_within(entry(name, "ner"), signals, budget, np.random.default_rng(seed))
    assert tuple(chosen.tolist()) in slow_per_word(scores, costs, budget)


def in_order(signals: Signals, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.arange(n)


@given(texts, st.integers(1, 60))
def test_another_strategy_is_followed_until_the_budget_is_used(
    rows: list[tuple[int, int]], budget: int
) -> None:
    costs = [cost for _, cost in rows]
    signals = Signals.of(costs=np.array(costs))
    chosen = select_within(entry(in_order, "ner"), signals, budget, np.random.default_rng(0))
    expected = [0]
    while len(expected) < len(costs) and sum(costs[: len(expected) + 1]) <= budget:
        expected.append(len(expected))
    assert chosen.tolist() == expected


@pytest.mark.parametrize(("name", "task"), SERVED)
@given(texts, st.integers(0, 60))
def test_a_budget_is_kept(name: str, task: str, rows: list[tuple[int, int]], budget: int) -> None:
    values = np.array([[score, 4 - score] for score, _ in rows]) / 4
    costs = np.array([cost for _, cost in rows])
    signals = with_costs(signals_of(task, values), costs)
    chosen = select_within(entry(name, task), signals, budget, np.random.default_rng(0)).tolist()
    assert len(set(chosen)) == len(chosen) >= min(budget, 1)
    assert sum(costs[chosen]) <= budget or len(chosen) == 1
    if name != "random" and budget:
        left = budget - sum(costs[chosen])
        assert all(costs[i] > left for i in set(range(len(costs))) - set(chosen))


def test_equal_rates_are_drawn_at_random() -> None:
    signals = Signals.of(scores={"margin:max": np.arange(1.0, 6.0)}, costs=np.arange(1, 6))
    spec = entry("margin:max", "ner")
    firsts = {
        int(select_within(spec, signals, 5, np.random.default_rng(seed))[0]) for seed in range(100)
    }
    assert firsts == set(range(5))


def test_nothing_is_chosen_of_nothing() -> None:
    rng = np.random.default_rng(0)
    assert select_within(STRATEGIES["random"], Signals(0), 5, rng).tolist() == []
    assert select_within(STRATEGIES["random"], Signals(5), 0, rng).tolist() == []


def test_random_never_asks_the_model() -> None:
    chosen = select(STRATEGIES["random"], Signals(5), 3, np.random.default_rng(0))
    assert len(chosen) == 3
    with pytest.raises(StrategyError, match="none is kept"):
        select(STRATEGIES["margin"], Signals(5), 3, np.random.default_rng(0))


def test_unknown_names_offer_the_closest_that_serve() -> None:
    for name, task, near in (
        ("marjin", "classification", " (did you mean 'margin' or "),
        ("entropy_calibratd", "multilabel", " (did you mean 'entropy_calibrated' or "),
        ("badge2", "ner", ""),  # badge does not serve it
        ("poetry of earth", "ner", ""),
    ):
        with pytest.raises(StrategyError) as refused:
            find(name, task)
        said = str(refused.value)
        assert said.startswith(f"strategy: got {name!r}{near}"), said
        assert said.endswith(", expected a name that `alnlp strategies` lists"), said
        assert len(said) < 200


BROKEN = {
    "twice": [0, 0], "beyond": [9], "below": [-1], "half": [0.5], "deep": [[0]], "many": [0, 1, 2],
    "set": {1, 2}, "mask": np.array([True, False]), "nothing": None, "ragged": [[0], [0, 1]],
    "words": ["0"], "deeply": np.zeros((3, 40), int), "generator": (i for i in range(2)),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_callable_that_breaks_the_contract_is_told_so(kind: str) -> None:
    _, spec = find(lambda signals, n, rng: BROKEN[kind], "classification")
    with pytest.raises(StrategyError) as refused:
        select(spec, Signals(5), 2, np.random.default_rng(0))
    got, expected = str(refused.value).split(", expected ")
    assert expected == "a list or array of 1 to 2 distinct whole numbers from 0 to 4"
    assert got.startswith("strategy: got ")
    assert len(got.splitlines()) == 1
    assert len(got) <= 80


@pytest.mark.parametrize("answer", [[3, 1], (3, 1), np.array([3, 1], np.uint8), [4], []])
def test_a_callable_may_return_any_sequence(answer: Any) -> None:
    _, spec = find(lambda signals, n, rng: answer, "classification")
    chosen = select(spec, Signals(5), 2, np.random.default_rng(0))
    assert chosen.dtype == np.int64
    assert chosen.tolist() == list(answer)


COVERING = ["k_center", "maxherding", "probcover", "typiclust", "dal", "ranked_batch",
            "weighted_product", "margin_typiclust"]  # fmt: skip


@pytest.mark.parametrize("name", COVERING)
def test_what_is_handed_out_needs_no_more_like_it(name: str) -> None:
    """Of two groups, one of which somebody is about to answer, the other comes first."""
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(8)[:2] * 3, 30, axis=0)
    embeddings = centres + rng.normal(size=(60, 8)) * 0.05
    nothing = np.empty((0, 8)), np.empty((0, 2)), np.empty(0, np.int64)
    known = Labelled(*nothing, pending=embeddings[:3])
    signals = Signals.of(
        np.full((60, 2), 0.5), embeddings, labelled=known, label_count=2
    )  # equally unsure of all
    n = 2 if name == "margin_typiclust" else 1  # of which one is typical
    chosen = [
        select(STRATEGIES[name], signals, n, np.random.default_rng(seed)) for seed in range(20)
    ]
    of_the_other = [(places >= 30).any() for places in chosen]
    assert np.mean(of_the_other) > 0.9


@pytest.mark.parametrize("name", ["k_center", "maxherding", "typiclust"])
@pytest.mark.parametrize("seed", range(3))
def test_a_budget_that_is_left_over_is_not_spent_on_more_of_the_same(name: str, seed: int) -> None:
    """Few of many short texts in one far group are chosen, however often the strategy is asked."""
    rng = np.random.default_rng(seed)
    far = rng.normal(size=(20, 8)) * 0.01 + 10 * np.eye(8)[0]
    embeddings = np.concatenate([far, rng.normal(size=(200, 8))])
    costs = np.where(np.arange(220) < 20, 1, 40)
    known = Labelled(np.empty((0, 8)), np.empty((0, 0)), np.empty((0, 0), np.int64))
    signals = Signals.of(embeddings=embeddings, costs=costs, labelled=known)
    chosen = select_within(STRATEGIES[name], signals, 330, np.random.default_rng(seed))
    assert 290 < costs[chosen].sum() <= 330
    assert (chosen < 20).sum() <= 3


def test_a_batch_within_a_budget_is_chosen_as_a_batch() -> None:
    """What chooses a batch as a whole is asked for as many texts as fit, not as many words."""
    asked = []

    def batch(signals: Signals, n: int, rng: np.random.Generator) -> np.ndarray:
        asked.append((signals.size, n))
        return rng.permutation(signals.size)[:n]

    spec = replace(ENTRIES["random"], select=batch)
    signals = Signals.of(costs=np.full(300, 20))
    chosen = select_within(spec, signals, 1000, np.random.default_rng(0))
    assert len(set(chosen.tolist())) == 50
    assert asked == [(300, 50)]
    asked.clear()
    costs = np.where(np.arange(300) < 150, 10, 30)
    signals = Signals.of(costs=costs)
    chosen = select_within(spec, signals, 1000, np.random.default_rng(0))
    assert 960 < costs[chosen].sum() <= 1000
    assert 40 < asked[0][1] < 60

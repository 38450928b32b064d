"""One contract for the whole catalogue: every strategy, every variant, every task it serves."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alnlp.errors import StrategyError
from alnlp.inference.token_scores import NAMES
from alnlp.signals import Labelled, Signals
from alnlp.strategies import STRATEGIES, StrategySpec, find, select

pytestmark = pytest.mark.filterwarnings("error")

#: Every strategy with every task that it serves, in every way of writing it.
SERVED = [
    (written, task)
    for name, spec in STRATEGIES.items()
    for task in spec.tasks
    for written in (name, *(f"{name}:{variant}" for variant in spec.variants.get(task, ())))
]
#: Those that take more than a glance at the pool: their answer may depend on the draw.
RANDOMISED = {
    "random", "mixed", "power_bald", "badge", "kmeans", "typiclust", "probcover", "maxherding",
    "dal", "cluster_margin", "margin_subset", "margin_anchors", "stratified", "batchbald",
    "class_balanced", "zero_shot", "margin_typiclust",
}  # fmt: skip
WORDS = ("red", "green", "blue", "round", "square", "soft")


def entry(name: str, task: str) -> StrategySpec:
    return find(name, task)[1]


def world(
    task: str,
    size: int,
    *,
    classes: int = 3,
    labelled: int = 8,
    seed: int = 0,
    alike: bool = False,
    order: np.ndarray | None = None,
    one_class: bool = False,
    width: int = 6,
) -> Signals:
    """All signals that there can be, over candidates in an order, drawn at random or all alike."""
    rng = np.random.default_rng(seed)
    order = np.arange(size) if order is None else order

    def simplex(*shape: int) -> np.ndarray:
        if task == "multilabel":
            values = rng.uniform(0.01, 0.99, (*shape, classes))
        else:
            values = rng.dirichlet(np.ones(classes), shape)
        return values.astype(np.float32)

    def each(values: np.ndarray, axis: int = 0) -> np.ndarray:
        """One value for each candidate: the first one's for all where they are alike."""
        if alike:
            values = np.repeat(np.take(values, [0], axis=axis), size, axis=axis)
        return np.take(values, order, axis=axis)

    targets = rng.integers(0, 1 if one_class else classes, labelled)
    if task == "multilabel":
        targets = rng.integers(0, 2, (labelled, classes))
    if task == "ner":
        targets = np.empty((labelled, 0), np.int64)
    texts = [f"{rng.choice(WORDS)} {rng.choice(WORDS)} {place}" for place in range(size)]
    return Signals.of(
        None if task == "ner" else each(simplex(size)),
        each(rng.normal(size=(size, width)).astype(np.float16)),
        scores={name: each(rng.random(size)) for name in NAMES} if task == "ner" else None,
        costs=each(rng.integers(1, 9, size)) if task == "ner" else None,
        samples=None if task == "ner" else each(simplex(4, size), 1),
        committee=None if task == "ner" else each(simplex(3, size), 1),
        history=each(rng.integers(0, 3, (3, size, 1)) if task == "ner" else simplex(3, size), 1),
        labelled=Labelled(
            rng.normal(size=(labelled, width)).astype(np.float16),
            np.empty((labelled, 0)) if task == "ner" else simplex(labelled),
            targets,
            np.empty((0, 0)) if task == "ner" else simplex(labelled),
            targets,
        ),
        label_embeddings=rng.normal(size=(classes, width)).astype(np.float16),
        label_count=classes,
        texts=[texts[0 if alike else place] for place in order.tolist()],
        queries=("red",),
        query_embeddings=rng.normal(size=(1, width)).astype(np.float16),
        seconds=each(rng.uniform(1, 9, size)),
        multilabel=task == "multilabel",
        spans=task == "ner",
    )


def spoil(values: Any, how: Callable[[np.ndarray], np.ndarray]) -> Any:
    """An array, or what is known of the answered, with the same numbers broken."""
    if isinstance(values, Labelled):
        return replace(values, embeddings=how(values.embeddings.astype(np.float32)))
    return how(values.astype(np.float32))


def chosen(name: str, task: str, signals: Signals, n: int, seed: int = 0) -> list[int]:
    return select(entry(name, task), signals, n, np.random.default_rng(seed)).tolist()


def test_the_catalogue_is_wide_and_says_what_it_is() -> None:
    assert len(STRATEGIES) >= 35
    for name, spec in STRATEGIES.items():
        assert name.isidentifier()
        assert spec.tasks
        assert all((spec.why, spec.summary, spec.source)), name
        assert set(spec.variants) <= set(spec.tasks)


@pytest.mark.parametrize(("name", "task"), SERVED)
@pytest.mark.parametrize(
    ("size", "n"), [(1, 1), (1, 5), (2, 1), (7, 3), (7, 7), (7, 50), (7, 0), (60, 20)]
)
def test_distinct_indices_and_the_same_ones_again(name: str, task: str, size: int, n: int) -> None:
    signals = world(task, size)
    first = chosen(name, task, signals, n)
    assert len(first) == min(n, size) == len(set(first))
    assert all(0 <= index < size for index in first)
    assert chosen(name, task, world(task, size), n) == first


@pytest.mark.parametrize(
    ("name", "task"), [one for one in SERVED if one[0].partition(":")[0] not in RANDOMISED]
)
def test_permuting_the_pool_permutes_the_answer(name: str, task: str) -> None:
    order = np.random.default_rng(1).permutation(40)
    if score := entry(name, task).score:  # which may have ties, to be broken at random
        plain_scores = score(world(task, 40))
        np.testing.assert_allclose(score(world(task, 40, order=order)), plain_scores[order], 1e-5)
        return
    plain = chosen(name, task, world(task, 40), 10)
    assert chosen(name, task, world(task, 40), 10, seed=1) == plain, "drawn at random after all"
    moved = chosen(name, task, world(task, 40, order=order), 10)
    assert order[moved].tolist() == plain


@pytest.mark.parametrize(("name", "task"), SERVED)
@pytest.mark.parametrize("labelled", [0, 8])
def test_ties_are_broken_at_random(name: str, task: str, labelled: int) -> None:
    signals = world(task, 12, alike=True, labelled=labelled)
    draws = [chosen(name, task, signals, 3, seed) for seed in range(30)]
    assert all(len(set(draw)) == 3 for draw in draws)
    assert len({index for draw in draws for index in draw}) > 9, "some places are preferred"


@pytest.mark.parametrize(
    ("name", "task"), [(name, spec.tasks[0]) for name, spec in STRATEGIES.items()]
)
def test_ties_are_broken_at_random_in_a_pool_whose_products_are_rounded(
    name: str, task: str
) -> None:
    # So many rows that products are made in blocks, which round otherwise at their borders.
    signals = world(task, 1003, alike=True, width=96)
    places = [i for seed in range(12) for i in chosen(name, task, signals, 3, seed)]
    assert len(set(places)) > 25, "some places are preferred"
    assert 250 < np.mean(places) < 750


@pytest.mark.parametrize(("name", "task"), SERVED)
@pytest.mark.parametrize(
    "extreme",
    [
        {"classes": 1},
        {"labelled": 0},
        {"labelled": 1},
        {"one_class": True},
        {"classes": 1, "labelled": 0, "alike": True},
    ],
    ids=str,
)
def test_extreme_inputs_end_in_a_small_answer(
    name: str, task: str, extreme: dict[str, Any]
) -> None:
    assert len(chosen(name, task, world(task, 9, **extreme), 4)) == 4


NUMBERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "not a number": lambda array: np.full_like(array, np.nan),
    "infinite": lambda array: np.full_like(array, np.inf),
}


@pytest.mark.parametrize(("name", "task"), SERVED)
@pytest.mark.parametrize("broken", NUMBERS)
def test_broken_numbers_are_an_error_in_one_line(name: str, task: str, broken: str) -> None:
    signals = world(task, 6)
    of_numbers = {*signals.loaders} - {"texts", "queries", "costs", "label_count"}
    needs = {need.removesuffix("_models") for need in entry(name, task).needs_for(task)}
    needs &= of_numbers
    assert needs or name == "random"
    for need in needs:
        read: list[str] = []

        def load(*what: Any, need: str = need, read: list[str] = read) -> Any:
            read.append(need)
            return spoil(signals.loaders[need](*what), NUMBERS[broken])

        spoilt = replace(signals, loaders={**signals.loaders, need: load})
        # Where words are searched for, it matters neither what labels are called nor who is rare.
        if need in {"label_embeddings", "labelled"} and "queries" in entry(name, task).needs:
            chosen(name, task, spoilt, 2)
            assert not read
            continue
        with pytest.raises(StrategyError, match="not finite") as refused:
            chosen(name, task, spoilt, 2)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("name", "task"), SERVED)
def test_what_it_reads_is_what_it_says_it_needs(name: str, task: str) -> None:
    read: set[str] = set()
    signals = world(task, 9)

    def noted(need: str, load: Callable[..., Any]) -> Callable[..., Any]:
        def loading(*what: Any) -> Any:
            read.add(f"committee_{what[0]}" if need == "committee" and what[0] != "heads" else need)
            return load(*what)

        return loading

    loaders = {need: noted(need, load) for need, load in signals.loaders.items()}
    chosen(name, task, replace(signals, loaders=loaders), 3)
    undeclared = read - entry(name, task).needs_for(task) - {"texts", "queries", "seconds", "costs"}
    assert not undeclared


@pytest.mark.parametrize("name", [n for n, s in STRATEGIES.items() if "committee" in s.needs])
def test_an_empty_committee_is_an_error(name: str) -> None:
    signals = world("classification", 6)
    empty = {"committee": lambda _kind: np.empty((0, 6, 3))}
    with pytest.raises(StrategyError, match=r"committee: got shape \(0, 6, 3\), expected"):
        chosen(name, "classification", replace(signals, loaders={**signals.loaders, **empty}), 2)


@pytest.mark.parametrize(("name", "task"), SERVED)
@settings(max_examples=8)
@given(
    st.integers(1, 15), st.integers(1, 20), st.integers(1, 5), st.integers(0, 6), st.integers(0, 99)
)
def test_any_small_pool(
    name: str, task: str, size: int, n: int, classes: int, labelled: int, seed: int
) -> None:
    signals = world(task, size, classes=classes, labelled=labelled, seed=seed)
    found = chosen(name, task, signals, n, seed)
    assert len(found) == min(n, size) == len(set(found))

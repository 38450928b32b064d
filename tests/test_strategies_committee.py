"""Query by committee against slow references, and the committee of heads itself."""

import math
from collections import Counter

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from alnlp.signals import Signals
from alnlp.strategies import committee, select
from alnlp.strategies.committee import ENTRIES, committee_heads

SEEDS = range(15)


def members_of(seed: int, multilabel: bool) -> np.ndarray:
    """Random (M, N, K) probabilities, some of them 0."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 5)), int(rng.integers(1, 7)), int(rng.integers(1, 4)))
    raw = rng.random(shape) * (rng.random(shape) < 0.8)
    if multilabel:
        return raw
    raw[..., 0] += raw.sum(axis=2) == 0
    return raw / raw.sum(axis=2, keepdims=True)


def slow_entropy(row: list[float]) -> float:
    return -sum(p * math.log(p) for p in row if p > 0)


def distributions(members: np.ndarray, text: int, multilabel: bool) -> list[list[list[float]]]:
    """[question][member][answer]: one question, or one with two answers for each label."""
    rows = [member[text] for member in members.tolist()]
    if not multilabel:
        return [rows]
    return [[[row[k], 1 - row[k]] for row in rows] for k in range(members.shape[2])]


def slow_vote_entropy(rows: list[list[float]]) -> float:
    votes = Counter(row.index(max(row)) for row in rows)
    return slow_entropy([count / len(rows) for count in votes.values()])


def slow_consensus(rows: list[list[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def slow_kl(rows: list[list[float]]) -> float:
    mean = slow_consensus(rows)
    divergences = [
        sum(p * math.log(p / m) for p, m in zip(row, mean, strict=True) if p > 0) for row in rows
    ]
    return sum(divergences) / len(rows)


REFERENCES = {
    "vote_entropy": slow_vote_entropy,
    "consensus_entropy": lambda rows: slow_entropy(slow_consensus(rows)),
    "kl_disagreement": slow_kl,
}


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", sorted(REFERENCES))
@pytest.mark.parametrize("seed", SEEDS)
def test_scores_equal_their_definitions(seed: int, name: str, multilabel: bool) -> None:
    members = members_of(seed, multilabel)
    expected = []
    for text in range(members.shape[1]):
        each = [REFERENCES[name](rows) for rows in distributions(members, text, multilabel)]
        expected.append(sum(each) / len(each))
    score = getattr(committee, name)(members, multilabel)
    np.testing.assert_allclose(score, expected, atol=1e-9)


def test_scores_by_hand() -> None:
    # Three members; the first text splits them 2 to 1, of the second all are equally unsure.
    members = np.array([[[1.0, 0.0], [0.6, 0.4]], [[1.0, 0.0], [0.6, 0.4]], [[0.0, 1.0]] * 2])
    members[2, 1] = [0.6, 0.4]
    split = -(2 / 3) * math.log(2 / 3) - (1 / 3) * math.log(1 / 3)
    np.testing.assert_allclose(committee.vote_entropy(members), [split, 0], atol=1e-9)
    np.testing.assert_allclose(committee.kl_disagreement(members), [split, 0], atol=1e-9)
    np.testing.assert_allclose(committee.consensus_entropy(members), [0.6365, 0.6730], atol=1e-4)


@pytest.mark.parametrize("task", ["classification", "multilabel"])
@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_each_variant_asks_its_own_committee(name: str, task: str) -> None:
    agree, differ = np.array([[0.9, 0.1]] * 3), np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]])
    arrays = {"heads": [agree, differ, agree], "models": [agree, agree, differ]}

    def load(kind: str) -> np.ndarray:
        return np.stack(arrays[kind], axis=1)

    spec = ENTRIES[name]
    signals = Signals(3, {"committee": load}, multilabel=task == "multilabel")
    variants = spec.variants[task]
    for kind, text, need in (("heads", 1, "committee"), ("models", 2, "committee_models")):
        chosen = select(variants[kind], signals, 1, np.random.default_rng(0))
        assert chosen.tolist() == [text]
        assert variants[kind].needs == {need}
    assert select(spec, signals, 1, np.random.default_rng(0)).tolist() == [1]
    assert next(iter(variants)) == "heads"


def slow_bag(targets: list[int], rng: np.random.Generator) -> list[int]:
    while True:
        bag = rng.integers(len(targets), size=len(targets)).tolist()
        if len({targets[i] for i in bag}) > 1 or len(set(targets)) == 1:
            return bag


def slow_head(x: np.ndarray, known: np.ndarray, targets: list[int], outputs: int) -> np.ndarray:
    answers = np.zeros((len(x), outputs))
    seen = sorted(set(targets))
    if len(seen) == 1:
        answers[:, seen[0]] = 1
        return answers
    fitted = LogisticRegression(class_weight="balanced", max_iter=1000).fit(known, targets)
    for row, text in enumerate(x):
        for place, label in enumerate(fitted.classes_):
            answers[row, label] = fitted.predict_proba([text])[0, place]
    return answers


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_heads_are_regressions_on_bootstrap_samples(seed: int, multilabel: bool) -> None:
    data = np.random.default_rng(seed)
    x, known = data.normal(size=(4, 3)), data.normal(size=(9, 3))
    targets = data.integers(2, size=(9, 3)) if multilabel else data.choice([0, 2, 3], size=9)
    outputs = 3 if multilabel else 5
    members = committee_heads(
        x, known, targets, outputs, 3, np.random.default_rng(seed), multilabel
    )
    assert members.shape == (3, 4, outputs)
    assert members.dtype == np.float32
    rng = np.random.default_rng(seed)
    for member in members:
        expected = np.zeros((4, outputs))
        if multilabel:
            for k in range(3):
                column = targets[:, k].tolist()
                bag = slow_bag(column, rng)
                expected[:, k] = slow_head(x, known[bag], [column[i] for i in bag], 2)[:, 1]
        else:
            bag = slow_bag(targets.tolist(), rng)
            expected = slow_head(x, known[bag], [targets[i] for i in bag], outputs)
        np.testing.assert_allclose(member, expected, atol=2e-3)
    if not multilabel:
        assert (members[:, :, [1, 4]] == 0).all()


def test_heads_of_one_class_say_that_class() -> None:
    rng, x = np.random.default_rng(0), np.zeros((2, 3), dtype=np.float16)
    one = committee_heads(x, np.ones((4, 3)), np.full(4, 1), 3, 2, rng)
    assert one.tolist() == [[[0, 1, 0]] * 2] * 2
    flags = np.array([[1, 0], [1, 0]])
    labels = committee_heads(x, np.ones((2, 3)), flags, 2, 2, rng, True)
    assert labels.tolist() == [[[1, 0]] * 2] * 2


def test_every_bag_keeps_two_classes_when_there_are_two() -> None:
    known, targets = np.array([[0.0], [1.0]]), np.array([0, 1])
    members = committee_heads(known, known, targets, 2, 40, np.random.default_rng(0))
    assert ((members > 0) & (members < 1)).all()


def test_without_answers_the_heads_know_nothing() -> None:
    rng, x = np.random.default_rng(0), np.zeros((2, 3))
    none = np.empty((0, 3))
    assert (committee_heads(x, none, np.empty(0, int), 4, 2, rng) == 0.25).all()
    assert (committee_heads(x, none, np.empty((0, 4), int), 4, 2, rng, True) == 0.5).all()

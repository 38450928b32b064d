"""Metrics against plain loops, and the interface of `evaluate` without a network."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alnlp import metrics
from alnlp.errors import DataError
from alnlp.tasks import Task

SINGLE = Task("classification", ("a", "b", "c", "d"))
SEVERAL = Task("multilabel", ("a", "b", "c"))

names = st.sampled_from(SINGLE.labels)
pairs = st.lists(st.tuples(names, names), min_size=1, max_size=30)
sets = st.lists(st.sampled_from(SEVERAL.labels), unique=True).map(sorted)
set_pairs = st.lists(st.tuples(sets, sets), min_size=1, max_size=30)


def counts(gold: list[set[str]], found: list[set[str]], label: str) -> tuple[int, int, int]:
    """True positives, false positives and false negatives of a label."""
    both = list(zip(gold, found, strict=True))
    return (
        sum(label in g and label in f for g, f in both),
        sum(label not in g and label in f for g, f in both),
        sum(label in g and label not in f for g, f in both),
    )


def f1(tp: int, fp: int, fn: int) -> float:
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0


def slow_macro(gold: list[set[str]], found: list[set[str]]) -> float:
    present = set().union(*gold, *found)
    scores = [f1(*counts(gold, found, label)) for label in present]
    return sum(scores) / len(scores) if scores else 0.0


@given(pairs)
@settings(max_examples=40, deadline=None)
def test_classification_agrees_with_a_loop(rows: list[tuple[str, str]]) -> None:
    gold, found = map(list, zip(*rows, strict=True))
    result = metrics.compute(SINGLE, gold, found)
    assert set(result) == {"accuracy", "macro_f1"}
    assert result["accuracy"] == pytest.approx(sum(g == f for g, f in rows) / len(rows))
    assert result["macro_f1"] == pytest.approx(
        slow_macro([{g} for g in gold], [{f} for f in found])
    )


@given(set_pairs)
@settings(max_examples=40, deadline=None)
def test_multilabel_agrees_with_a_loop(rows: list[tuple[list[str], list[str]]]) -> None:
    answers, predicted = map(list, zip(*rows, strict=True))
    gold, found = [set(x) for x in answers], [set(x) for x in predicted]
    result = metrics.compute(SEVERAL, answers, predicted)
    assert set(result) == {"subset_accuracy", "micro_f1", "macro_f1"}
    exact = sum(g == f for g, f in zip(gold, found, strict=True))
    assert result["subset_accuracy"] == pytest.approx(exact / len(rows))
    totals = [sum(column) for column in zip(*(counts(gold, found, k) for k in "abc"), strict=True)]
    assert result["micro_f1"] == pytest.approx(f1(*totals))
    assert result["macro_f1"] == pytest.approx(slow_macro(gold, found))


@given(set_pairs)
@settings(max_examples=40, deadline=None)
def test_per_label_agrees_with_a_loop(rows: list[tuple[list[str], list[str]]]) -> None:
    answers, predicted = map(list, zip(*rows, strict=True))
    result = metrics.per_label(SEVERAL, answers, predicted)
    assert list(result) == list(SEVERAL.labels)
    for label, figures in result.items():
        tp, fp, fn = counts([set(x) for x in answers], [set(x) for x in predicted], label)
        assert figures == pytest.approx(
            {
                "precision": tp / (tp + fp) if tp + fp else 0.0,
                "recall": tp / (tp + fn) if tp + fn else 0.0,
                "f1": f1(tp, fp, fn),
                "support": tp + fn,
            }
        )


def test_per_label_of_single_labels() -> None:
    result = metrics.per_label(SINGLE, ["a", "a", "b"], ["a", "b", "b"])
    assert result["a"] == pytest.approx({"precision": 1, "recall": 0.5, "f1": 2 / 3, "support": 2})
    assert result["d"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}


@pytest.mark.parametrize(
    ("gold", "found", "message"),
    [
        ([], [], "0 gold and 0 predicted"),
        (["a"], ["a", "b"], "1 gold and 2 predicted"),
        (["a"], ["z"], "'z'"),
    ],
)
def test_unusable_answers_are_explained(gold: list[str], found: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        metrics.compute(SINGLE, gold, found)


def test_metric_serves_the_interface_of_evaluate() -> None:
    import evaluate

    metric = metrics.metric("classification")
    assert isinstance(metric, evaluate.Metric)
    metric.add_batch(references=[0, 1], predictions=[0, 0])
    metric.add_batch(references=[2], predictions=[2])
    assert metric.compute()["accuracy"] == pytest.approx(2 / 3)


def test_import_is_light() -> None:
    code = "import sys, alnlp.metrics; print({'evaluate', 'sklearn', 'torch'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"

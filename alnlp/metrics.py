"""Metrics over scikit-learn, in the form of the `evaluate` library but without its network.

`evaluate.load("f1")` fetches a script from the hub. The same `evaluate.Metric` interface is served
here by classes of this package: `metric(task)` gives one, `compute` is the short way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import DataError
from alnlp.tasks import Answer, Kind, Task

if TYPE_CHECKING:
    import evaluate


def compute(task: Task, gold: Sequence[Answer], predicted: Sequence[Answer]) -> dict[str, float]:
    """How well the predicted answers match the gold ones, each figure between 0 and 1.

    classification: accuracy, macro_f1. multilabel: subset_accuracy (all labels of an example
    right), micro_f1, macro_f1. A macro average is over the labels present in gold or predicted
    answers, so labels that never occur neither raise nor lower it. Where nothing was to be found
    and nothing was predicted (all label sets empty), F1 is 0.

    Raises:
        DataError: no answer, different lengths, or a label outside the task's.
    """
    references, predictions = _encoded(task, gold, predicted)
    result = metric(task.kind).compute(references=references, predictions=predictions)
    return {name: float(value) for name, value in result.items()}


def per_label(
    task: Task, gold: Sequence[Answer], predicted: Sequence[Answer]
) -> dict[str, dict[str, float]]:
    """Precision, recall, f1 and support (gold count) of every label of the task, in its order.

    A figure with nothing to divide by is 0.

    Raises:
        DataError: as `compute`.
    """
    from sklearn.metrics import precision_recall_fscore_support

    references, predictions = _encoded(task, gold, predicted)
    columns = precision_recall_fscore_support(
        references, predictions, labels=range(len(task.labels)), zero_division=0
    )
    names = ("precision", "recall", "f1", "support")
    return {
        label: {name: float(column[k]) for name, column in zip(names, columns, strict=True)}
        for k, label in enumerate(task.labels)
    }


def metric(kind: Kind) -> evaluate.Metric:
    """The `evaluate.Metric` of a kind of task, over class indices or 0/1 rows."""
    return _classes()[kind](keep_in_memory=True)


def _encoded(
    task: Task, gold: Sequence[Answer], predicted: Sequence[Answer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not gold or len(gold) != len(predicted):
        raise DataError(
            f"metrics: got {len(gold)} gold and {len(predicted)} predicted answers, "
            "expected the same number of each and at least one"
        )
    return tuple(  # type: ignore[return-value]
        task.encode([task.check(answer) for answer in answers]) for answers in (gold, predicted)
    )


@cache
def _classes() -> dict[Kind, type[evaluate.Metric]]:
    # The classes are made on first use: `evaluate` and scikit-learn take seconds to import.
    import evaluate
    from datasets import Features, Sequence, Value
    from sklearn.metrics import accuracy_score, f1_score

    def info(description: str, feature: Any) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=description,
            citation="",
            inputs_description="",
            features=Features({"predictions": feature, "references": feature}),
        )

    class Classification(evaluate.Metric):  # type: ignore[misc]
        """Accuracy and macro F1 over class indices."""

        def _info(self) -> evaluate.MetricInfo:
            return info("accuracy and macro F1", Value("int64"))

        def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
            return {
                "accuracy": accuracy_score(references, predictions),
                # Without `labels`, scikit-learn averages over those present on either side.
                "macro_f1": f1_score(references, predictions, average="macro", zero_division=0),
            }

    class Multilabel(evaluate.Metric):  # type: ignore[misc]
        """Subset accuracy, micro and macro F1 over 0/1 rows."""

        def _info(self) -> evaluate.MetricInfo:
            return info("subset accuracy, micro and macro F1", Sequence(Value("int64")))

        def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
            gold, found = np.asarray(references), np.asarray(predictions)
            present = np.flatnonzero(gold.any(axis=0) | found.any(axis=0))

            def f1(average: str) -> float:
                if not len(present):
                    return 0.0
                return float(
                    f1_score(gold, found, labels=present, average=average, zero_division=0)
                )

            return {
                "subset_accuracy": float((gold == found).all(axis=1).mean()),
                "micro_f1": f1("micro"),
                "macro_f1": f1("macro"),
            }

    return {"classification": Classification, "multilabel": Multilabel}

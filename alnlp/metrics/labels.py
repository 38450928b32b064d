"""Metrics of whole texts: one label or a set of labels each, over scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from alnlp.tasks import Answer, Kind, Task

if TYPE_CHECKING:
    import evaluate


def compute(task: Task, gold: Sequence[Answer], predicted: Sequence[Answer]) -> dict[str, float]:
    """The figures of checked answers, see `alnlp.metrics.compute`."""
    metric = metric_classes()[task.kind](keep_in_memory=True)
    result = metric.compute(references=task.encode(gold), predictions=task.encode(predicted))
    return {name: float(value) for name, value in result.items()}


def per_label(
    task: Task, gold: Sequence[Answer], predicted: Sequence[Answer]
) -> dict[str, dict[str, float]]:
    """The figures of each label, see `alnlp.metrics.per_label`."""
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        task.encode(gold), task.encode(predicted), labels=range(len(task.labels)), zero_division=0
    )
    names = ("precision", "recall", "f1", "support")
    return {
        label: {name: float(column[k]) for name, column in zip(names, columns, strict=True)}
        for k, label in enumerate(task.labels)
    }


@cache
def metric_classes() -> dict[Kind, type[evaluate.Metric]]:
    """The `evaluate.Metric` of each kind of task whose answers are labels."""
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

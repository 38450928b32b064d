"""What the newest model says of the pool, read back from its round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alnlp.calibration import FloatArray, tempered, tempered_labels
from alnlp.data.spans import Span, answer_of
from alnlp.tasks import Answer, Task

Rows = NDArray[np.int64]
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Prediction:
    """What a model says of one text.

    Attributes:
        answer: the most probable answer.
        confidence: its probability; where it is made of many decisions (each label of a
            multilabel task, each word of a ner task) that of the least certain one.
        probabilities: label name -> probability; empty for ner.
        span_confidences: for ner, the probability of each span of the answer, in its order.
        unsure: for ner, the stretches [start, end] of a long text that are worth a look while
            the rest is not; empty where the text should be read as a whole.
    """

    answer: Answer
    confidence: float
    probabilities: dict[str, float] = field(default_factory=dict)
    span_confidences: tuple[float, ...] = ()
    unsure: tuple[tuple[int, int], ...] = ()


def predictions(
    task: Task, arrays: Arrays, places: Rows, temperature: float = 1.0
) -> list[Prediction]:
    """Predictions at some places of the arrays that a model's pass over texts gave.

    Args:
        task: with the labels that the model knows.
        arrays: of the pass.
        places: indices into them.
        temperature: puts the probabilities of labels right.
    """
    if task.spans:
        return [_spans(task, arrays, place) for place in places.tolist()]
    probabilities = cooled(task, np.asarray(arrays["probabilities"][places]), temperature)
    if task.multilabel:
        certainty = np.maximum(probabilities, 1 - probabilities).min(axis=1)
    else:
        certainty = probabilities.max(axis=1)
    return [
        Prediction(
            answer,
            float(sure),
            {name: float(p) for name, p in zip(task.labels, row, strict=True)},
        )
        for answer, sure, row in zip(
            task.decode(probabilities), certainty, probabilities, strict=True
        )
    ]


def cooled(task: Task, probabilities: FloatArray, temperature: float) -> FloatArray:
    """Probabilities (N, K) of a task's labels, put right by a temperature."""
    if temperature == 1.0:
        return probabilities
    return (tempered_labels if task.multilabel else tempered)(probabilities, temperature)


def _spans(task: Task, arrays: Arrays, place: int) -> Prediction:
    found = _part(arrays, "spans", place)
    answer = answer_of(
        Span(int(span["start"]), int(span["end"]), task.labels[span["label"]]) for span in found
    )
    return Prediction(
        answer,
        confidence=1.0 - float(arrays["lowest_token"][place]),
        span_confidences=tuple(found["confidence"].tolist()),
        unsure=tuple((int(start), int(end)) for start, end in _part(arrays, "unsure", place)),
    )


def _part(arrays: Arrays, name: str, place: int) -> NDArray[Any]:
    """Those of a flat array that belong to one text."""
    ends = arrays[f"{name}_ends"]
    part: NDArray[Any] = arrays[name][int(ends[place - 1]) if place else 0 : int(ends[place])]
    return part

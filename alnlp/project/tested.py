"""What a test set says of a model: a random draw of texts as well, which leaves room for luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from alnlp import metrics
from alnlp.data.spans import SpanAnswer, spans_of
from alnlp.data.words import Words
from alnlp.metrics import intervals
from alnlp.metrics.intervals import Estimate
from alnlp.tasks import Answer, Task

_DRAWS_SEED = 0


def figures(
    task: Task,
    gold: Sequence[Answer],
    found: Sequence[Answer],
    counted: Mapping[str, float],
    words: Sequence[Words] | None = None,
) -> dict[str, Any]:
    """What was counted on a test set, with intervals for new texts like these; JSON-able.

    "n" texts; figures of `metrics.compute`, all that have an interval, each at the value that was
    counted; and "labels" with the F1 of each label that occurs.

    Args:
        task: with the labels of this moment.
        gold: n right answers.
        found: what the model says of these n texts.
        counted: by `metrics.compute`.
        words: for ner, those of each text.
    """
    rng = np.random.default_rng(_DRAWS_SEED)
    each = metrics.per_label(task, gold, found, words)
    if task.spans:
        over_all, labels = _of_spans(task, gold, found, rng)
    else:
        right, said = task.encode(gold), task.encode(found)
        over_all, labels = of_labels(task, right, said, right[:0], rng)
    return {
        "n": len(gold),
        **{name: one.at(counted[name]).to_json() for name, one in over_all.items()},
        "labels": {name: one.at(each[name]["f1"]).to_json() for name, one in labels.items()},
    }


def of_labels(
    task: Task,
    right: NDArray[np.int64],
    said: NDArray[np.int64],
    others: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """The figures over all texts, and the F1 of each label that occurs, with intervals.

    As in the macro average of `metrics.compute`, labels that occur nowhere are left out.

    Args:
        task: of labels.
        right: n right answers, encoded.
        said: what the model says of these n texts.
        others: answers of more texts, for the labels that occur in them.
        rng: of the draws.
    """
    if task.multilabel:
        each = (right, said, others)
        present = np.flatnonzero(np.any([side.any(axis=0) for side in each], axis=0))
        known = intervals.of_label_sets(right[:, present], said[:, present], rng)
    else:
        present, places = np.unique(np.concatenate([right, said, others]), return_inverse=True)
        right, said = places[: len(right)], places[len(right) : 2 * len(right)]
        known = intervals.of_classes(right, said, len(present), rng)
    names = [task.labels[label] for label in present.tolist()]
    return known[0], dict(zip(names, known[1], strict=True))


def _of_spans(
    task: Task, gold: Sequence[Answer], found: Sequence[Answer], rng: np.random.Generator
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    sides = [[spans_of(cast(SpanAnswer, answer)) for answer in side] for side in (gold, found)]

    def counts(label: str | None = None) -> NDArray[np.int64]:
        """(n, 3) entities of each text: found exactly, there are, predicted."""
        meant, said = (
            [{span for span in spans if label in (None, span.label)} for spans in side]
            for side in sides
        )
        both = zip(meant, said, strict=True)
        return np.array([(len(a & b), len(a), len(b)) for a, b in both], np.int64)

    def estimate(own: NDArray[np.int64]) -> Estimate:
        return intervals.of_counts(own[:, 0], own[:, 1], own[:, 2], rng)

    labels = {}
    for label in task.labels:
        own = counts(label)
        own = own[own.any(axis=1)]  # others change nothing, and are many
        if len(own):
            labels[label] = estimate(own)
    return {"span_f1": estimate(counts())}, labels

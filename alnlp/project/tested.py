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
    over_all, labels = (_of_spans if task.spans else _of_labels)(task, gold, found, rng)
    return {
        "n": len(gold),
        **{name: one.at(counted[name]).to_json() for name, one in over_all.items()},
        "labels": {name: one.at(each[name]["f1"]).to_json() for name, one in labels.items()},
    }


def _of_labels(
    task: Task, gold: Sequence[Answer], found: Sequence[Answer], rng: np.random.Generator
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    right, said = task.encode(gold), task.encode(found)
    if task.multilabel:
        present = np.flatnonzero(right.any(axis=0) | said.any(axis=0))
        right, said = right[:, present], said[:, present]
        known = intervals.of_label_sets(right, said, said.sum(axis=0), len(said), rng)
    else:  # those that occur, as in the macro average that was counted
        present, places = np.unique(np.stack([right, said]), return_inverse=True)
        right, said = places.reshape(2, len(gold))
        often = np.bincount(said, minlength=len(present))
        known = intervals.of_classes(right, said, often, rng)
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

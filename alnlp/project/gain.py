"""What choosing has gained: the answers of the audit sample are what labelling at random gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alnlp.metrics import intervals
from alnlp.project import learning
from alnlp.tasks import Answer, Task

if TYPE_CHECKING:
    from alnlp.project.learning import Model
    from alnlp.project.training import Plan

IntArray = NDArray[np.int64]

#: Answers of the audit sample that it takes to say anything.
_FEWEST = 20
_FOLDS = 5
_SEED = 0


def of(plan: Plan, model: Model, cache: Path) -> dict[str, float] | None:
    """What a quick model learns from chosen labels, beside as many drawn at random.

    The audit sample is parted in five. For each part, one head on the frozen network learns from
    the other four, another one from as many of the labels that the strategy has chosen, the
    earliest ones, and both are judged by the part. Both learn from the labels as well that were
    drawn at random before there was anything to choose by, since the strategy chose what these
    lack. {"n": labels that each has learnt from alone, "shared": those of both, "chosen" and
    "random": accuracy, for label sets micro F1, "difference" with its interval of 95% "low" to
    "high"}. It speaks of these n labels alone, and of what choosing gained by then.

    None for entities, and with fewer than 20 answers kept aside or too few chosen.

    Args:
        plan: of the round.
        model: trained in this round.
        cache: of what never changes.
    """
    task, audited = plan.task, len(plan.audited)
    n = audited - -(-audited // _FOLDS)  # without the largest of the parts
    if task.spans or audited < _FEWEST or len(plan.asked) < n:
        return None
    rows = np.concatenate([plan.audited, plan.started, plan.asked[:n]])
    known = learning.frozen_embeddings(model, plan, rows, cache)
    kept, shared, chosen = np.split(known, [audited, audited + len(plan.started)])
    right = task.encode(plan.audit_answers)

    def taught(more: NDArray[Any], answers: Sequence[Answer], asked: NDArray[Any]) -> IntArray:
        given = [*plan.started_answers, *answers]
        return _decided(task, learning.quick(task, np.concatenate([shared, more]), given, asked))

    by_chosen = taught(chosen, plan.asked_answers[:n], kept)
    by_random = np.empty_like(by_chosen)
    rng = np.random.default_rng(_SEED)
    for part in np.array_split(rng.permutation(audited), _FOLDS):
        others = np.setdiff1d(np.arange(audited), part)[:n]
        answers = [plan.audit_answers[place] for place in others.tolist()]
        by_random[part] = taught(kept[others], answers, kept[part])
    figures = (_counts(task, right, by_chosen), _counts(task, right, by_random))
    difference = intervals.of_difference(*figures, rng)
    first, second = (hits.sum() / max(needed.sum(), 1e-12) for hits, needed in figures)
    return {
        "n": n,
        "shared": len(plan.started),
        "chosen": float(first),
        "random": float(second),
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
    }


def _decided(task: Task, said: NDArray[np.float32]) -> IntArray:
    chosen = said >= 0.5 if task.multilabel else said.argmax(axis=1)
    return chosen.astype(np.int64)


def _counts(
    task: Task, right: IntArray, found: IntArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each text: what was found, and what there was to be found, as for the F-measure."""
    if not task.multilabel:
        return (right == found).astype(np.float64), np.ones(len(right))
    return (right & found).sum(axis=1).astype(np.float64), (right + found).sum(axis=1) / 2

"""Self-training: a model learns from its own sure guesses about texts that nobody has answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alnlp.models import self_trains
from alnlp.project import learning
from alnlp.project.readout import Prediction, predictions
from alnlp.tasks import Answer, Task

if TYPE_CHECKING:
    from alnlp.models.protocol import FitReport
    from alnlp.progress import Progress
    from alnlp.project.learning import Model
    from alnlp.project.training import Plan

#: Texts that are guessed at, at most, and guesses for each answer that are learnt from, at most.
_READ, _AN_ANSWER = 5_000, 4


def fit(model: Model, name: str, plan: Plan, cache: Path, progress: Progress | None) -> FitReport:
    """Train on the answers; where the model's name asks for it, then anew with its sure guesses.

    Texts of the audit reserve are not guessed at: what is learnt from them could not be measured
    with them.

    Yarowsky, "Unsupervised Word Sense Disambiguation Rivaling Supervised Methods", ACL 1995.
    """
    seed, rows = plan.settings.seed, plan.rows
    report = learning.fit(model, plan.pool, rows, plan.answers, seed, cache, progress)
    free = np.setdiff1d(plan.unlabelled, plan.reserved)
    if not self_trains(name) or not len(free):
        return report
    drawn = np.random.default_rng(seed).permutation(len(free))[:_READ]
    free = free[np.sort(drawn)]
    said = learning.score(model, plan.pool, free, cache, progress)
    guessed = predictions(plan.task, said, np.arange(len(free)))
    places = surest(plan.task, guessed, _AN_ANSWER * len(rows))
    answers: list[Answer] = [*plan.answers, *(guessed[place].answer for place in places)]
    both = np.concatenate([rows, free[places]])
    student = learning.fit(model, plan.pool, both, answers, seed, cache, progress)
    return replace(
        student,
        examples=len(rows),
        guessed=len(places),
        steps=report.steps + student.steps,
        seconds=round(report.seconds + student.seconds, 3),
    )


def surest(task: Task, guessed: Sequence[Prediction], most: int) -> NDArray[np.int64]:
    """The places of the surer half of the guesses of each label, at most so many, ascending.

    Where there are more, each label gives the same share of its own. Answers that are no single
    label are all of a kind.
    """
    by_label: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(guessed):
        by_label[one.answer if isinstance(one.answer, str) else ""].append(place)
    share = min(0.5, most / max(len(guessed), 1))
    chosen = [
        place
        for places in by_label.values()
        for place in sorted(places, key=lambda place: -guessed[place].confidence)[
            : round(share * len(places))
        ]
    ]
    return np.sort(np.array(chosen, np.int64))

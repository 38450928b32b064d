"""Which model serves the answers there are: what `auto` stands for in a round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alnlp.models import DEFAULT, PROBE
from alnlp.tasks import Task

#: Below so many answers a label, fine-tuning adds nothing to a probe (recipes/LOG.md), which is
#: there at once.
_ANSWERS_A_LABEL = 2
#: With fewer labels fine-tuning was ahead wherever it was measured, from 40 answers on.
_MANY_LABELS = 20
#: Nobody wants to wait longer for the shortest of trainings.
_SECONDS = 300.0


@dataclass(frozen=True)
class Choice:
    """A model and why it was chosen.

    Attributes:
        model: a name of the catalogue.
        reason: one line for the person; empty where the person chose it.
    """

    model: str
    reason: str = ""


def choose(task: Task, answers: int, seconds: Callable[[bool], tuple[float, float]]) -> Choice:
    """The model for a round.

    Args:
        task: with the labels of this moment.
        answers: how many there are to learn from.
        seconds: how long the shortest fine-tuning on such texts takes here, and how long the one
            on these answers; called if it matters, with whether to measure it now, whatever is
            known from before.
    """
    labels = len(task.labels)
    if task.spans:
        return Choice(DEFAULT, "entities are learnt by fine-tuning")
    given = f"{answers} answer{'s' * (answers != 1)} for {labels} label{'s' * (labels != 1)}"
    if labels >= _MANY_LABELS and answers < _ANSWERS_A_LABEL * labels:
        return Choice(PROBE, f"{given} are too few to fine-tune on, so the network stays frozen")
    shortest, expected = seconds(False)
    if shortest > _SECONDS:  # the training before may have waited, as where a computer slept
        shortest, expected = seconds(True)
    if shortest > _SECONDS:
        return Choice(
            PROBE,
            f"fine-tuning on such texts would take {shortest / 60:.0f} minutes or more here, so "
            "the network stays frozen",
        )
    return Choice(DEFAULT, f"{given} are worth fine-tuning on, which takes about {expected:.0f} s")

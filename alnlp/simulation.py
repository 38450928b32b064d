"""An oracle in place of the person: how well would this strategy have done?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from alnlp.errors import DataError, ProjectError
from alnlp.progress import Progress
from alnlp.project import Amount, AskedExample, Project
from alnlp.strategies import Strategy, find
from alnlp.tasks import Answer

Oracle = Callable[[AskedExample], Answer]


@dataclass(frozen=True)
class SimulatedRound:
    """One point of a learning curve.

    Attributes:
        round: 0 for the model trained on the initial labels.
        labels: answered examples it was trained on.
        metrics: on the test set; for ner also "tokens", the words labelled so far.
        seconds: "train", "score" and "select", the last for choosing this round's batch.
    """

    round: int
    labels: int
    metrics: dict[str, float]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Simulation:
    """A whole learning curve, with all that is needed to run it again.

    Attributes:
        task: the kind of task.
        model: the model that was fine-tuned.
        strategy: the strategy that chose the batches.
        seed: of every random draw and every training.
        pool: examples to choose from.
        test: held-out examples.
        rounds: the points, in order.
    """

    task: str
    model: str
    strategy: str
    seed: int
    pool: int
    test: int
    rounds: tuple[SimulatedRound, ...]

    def to_json(self) -> dict[str, Any]:
        """The simulation as JSON-able values."""
        return {**asdict(self), "rounds": [asdict(point) for point in self.rounds]}

    @staticmethod
    def from_json(values: dict[str, Any]) -> Simulation:
        """What `to_json` gave."""
        points = tuple(SimulatedRound(**point) for point in values["rounds"])
        return Simulation(**{**values, "rounds": points})


def gold_oracle(project: Project) -> Oracle:
    """An oracle that answers with the labels found in the project's data."""

    def answer(example: AskedExample) -> Answer:
        gold: Answer | None = project.pool.gold(project.pool.row(example.id))
        if gold is None:
            raise DataError(
                f"example {example.id}: has no label in the data; simulate on fully labelled data"
            )
        return gold

    return answer


def simulate(
    project: Project,
    oracle: Oracle | None = None,
    *,
    rounds: int,
    batch_size: int | None = None,
    tokens: int | None = None,
    initial: int | None = None,
    strategy: str | Strategy | None = None,
    progress: Progress | None = None,
    on_round: Callable[[SimulatedRound], None] | None = None,
) -> Simulation:
    """Label `initial` random examples, then `rounds` batches, training after each.

    A plain loop over `ask`, `tell` and `train`; the project ends up as if a person had done it.

    Args:
        project: with a test set.
        oracle: gives the answer to an example; by default the labels found in the data.
        rounds: batches after the initial one.
        batch_size: examples a batch; the project's own where None.
        tokens: for ner, words a batch instead of examples.
        initial: examples labelled before the first training; one batch where None.
        strategy: a name or a callable; the project's own where None.
        progress: told about each step of each training.
        on_round: told about each finished point.

    Raises:
        DataError: the project has no test set, or an example no gold label.
        ProjectError: a negative number of rounds.
    """
    if rounds < 0:
        raise ProjectError(f"rounds: got {rounds}, expected 0 or more")
    if not len(project.test):
        raise DataError(f"{project.name}: has no test set, and a simulation measures on one")
    oracle = oracle or gold_oracle(project)
    settings = project.settings
    size = settings.batch_size if batch_size is None else batch_size
    chosen = settings.strategy if strategy is None else strategy
    name, spec = find(chosen, project.task.kind)
    Amount.of(None if tokens else size, tokens, size, project.task)  # refused before a training
    points: list[SimulatedRound] = []
    for number in range(rounds + 1):
        began = time.perf_counter()
        if number == 0:
            batch = project.ask(size if initial is None else initial, strategy="random")
        else:
            batch = project.ask(None if tokens else size, tokens=tokens, strategy=chosen)
        select = time.perf_counter() - began
        if not batch:
            break  # the pool is exhausted
        project.tell({example.id: oracle(example) for example in batch})
        made = project.train(score=spec.needs_model, progress=progress)
        seconds = {
            "train": made.seconds["train"],
            "score": made.seconds.get("score", 0.0),
            "select": round(select, 4),
        }
        metrics = made.metrics | {k: v for k, v in made.spent.items() if k == "tokens"}
        points.append(SimulatedRound(number, made.labels, metrics, seconds))
        if on_round is not None:
            on_round(points[-1])
    if not points:
        raise DataError(f"{project.name}: no example is left to label; all are in the test set")
    return Simulation(
        task=project.task.kind,
        model=settings.model,
        strategy=name,
        seed=settings.seed,
        pool=project.status()["pool"],
        test=len(project.test),
        rounds=tuple(points),
    )

"""An oracle in place of the person: how well would this strategy have done?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from alnlp.errors import DataError, ProjectError
from alnlp.progress import Progress
from alnlp.project import Amount, AskedExample, Batch, Project, Round
from alnlp.strategies import Strategy, find
from alnlp.tasks import Answer

Oracle = Callable[[AskedExample], Answer]

#: What a project keeps of its simulation, beside its rounds.
_JOURNAL = "simulation.json"


@dataclass(frozen=True)
class SimulatedRound:
    """One point of a learning curve.

    Attributes:
        round: 0 for the model trained on the initial labels.
        labels: answered examples it was trained on.
        metrics: on the test set; for ner also "tokens", the words labelled so far.
        seconds: "train", "score" and "select", the last for choosing this round's batch.
        model: that was trained, which with "auto" may differ from round to round.
        audit: what the audit sample says of the model, where the project keeps one.
    """

    round: int
    labels: int
    metrics: dict[str, float]
    seconds: dict[str, float]
    model: str = ""
    audit: dict[str, Any] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """Examples answered so far, with those of the audit sample."""
        return self.labels + int(self.audit.get("n", 0))


@dataclass(frozen=True)
class Simulation:
    """A whole learning curve, with all that is needed to run it again.

    Attributes:
        task: the kind of task.
        model: as the project names it; each point says what was trained.
        strategy: the strategy that chose the batches.
        initial_strategy: the one that chose the first.
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
    initial_strategy: str = "random"

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


@dataclass
class _Journal:
    """What a simulation must know to go on in another process, beside the project's own state.

    Attributes:
        asked: what was asked for, by name; going on with something else is refused.
        after: the number of the newest round before the simulation.
        seq: the newest event of that moment.
        select: seconds of each choice, by the number of its point.
    """

    asked: dict[str, Any]
    after: int
    seq: int
    select: list[float] = field(default_factory=list)

    @staticmethod
    def of(project: Project, asked: dict[str, Any]) -> _Journal:
        """The journal of a project, a new one where there is none; written with the first batch."""
        # What was handed out and not answered is drawn once more, and is the same.
        project.release("me")
        try:
            text = (project.folder / _JOURNAL).read_text(encoding="utf-8")
        except FileNotFoundError:
            newest = project.newest_round
            return _Journal(asked, newest.number if newest else 0, project.answers_since(0)[1])
        journal = _Journal(**json.loads(text))
        for name, value in asked.items():
            if journal.asked[name] != value:
                raise ProjectError(
                    f"{name}: got {value!r}, and the project {project.name} holds a simulation "
                    f"with {journal.asked[name]!r}; simulate on a new project"
                )
        return journal

    def points(self, project: Project) -> list[SimulatedRound]:
        """The points whose rounds are on disk."""
        finished = [made for made in project.history if made.number > self.after]
        return [self.point(number, made) for number, made in enumerate(finished)]

    def point(self, number: int, made: Round) -> SimulatedRound:
        """The point of the curve that a round is."""
        seconds = {
            "train": made.seconds["train"],
            "score": made.seconds.get("score", 0.0),
            "select": self.select[number],
        }
        metrics = made.metrics | {k: v for k, v in made.spent.items() if k == "tokens"}
        return SimulatedRound(number, made.labels, metrics, seconds, made.model, made.audit)

    def is_answered(self, project: Project) -> bool:
        """Whether the next batch was answered before the run was killed, and not trained on."""
        newest = project.newest_round
        seq = newest.seq if newest and newest.number > self.after else self.seq
        return project.answers_since(seq)[0] > 0

    def note_choice(self, project: Project, number: int, seconds: float) -> None:
        """Keep how long a choice took, before its answers make it final."""
        self.select[number:] = [round(seconds, 4)]
        temporary = project.folder / f".writing-{_JOURNAL}"
        temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        temporary.replace(project.folder / _JOURNAL)


def simulate(
    project: Project,
    oracle: Oracle | None = None,
    *,
    rounds: int,
    batch_size: int | None = None,
    tokens: int | None = None,
    initial: int | None = None,
    strategy: str | Strategy | None = None,
    initial_strategy: str | Strategy | None = None,
    progress: Progress | None = None,
    on_round: Callable[[SimulatedRound], None] | None = None,
) -> Simulation:
    """Label `initial` examples, then `rounds` batches; train after each.

    A plain loop over `ask`, `tell` and `train`; the project ends up as if a person had done it.

    A simulation that was killed is gone on with by the same call on the same project: every
    finished round is on disk, and each draw depends on nothing but what the project holds, so that
    the curve is that of a run without a break. More rounds than before make the curve longer.

    Args:
        project: with a test set.
        oracle: gives the answer to an example; by default the labels found in the data.
        rounds: batches after the initial one.
        batch_size: examples a batch; the project's own where None.
        tokens: for ner, words a batch instead of examples.
        initial: examples labelled before the first training; one batch where None.
        strategy: a name or a callable; the project's own where None.
        initial_strategy: chooses the initial examples, one that needs no trained model; where None
            the one by which the strategy starts, which is the draw at random for most.
        progress: told about each step of each training.
        on_round: told about each point that this call has finished.

    Raises:
        DataError: the project has no test set, or an example no gold label.
        ProjectError: a negative number of rounds, an initial strategy that needs a trained model,
            or the project holds another simulation.
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
    if initial_strategy is None:
        initial_strategy = spec.cold_start
    first_name = find(initial_strategy, project.task.kind)[0]
    Amount.of(None if tokens else size, tokens, size, project.task)  # refused before a training
    first = size if initial is None else initial
    asked = {
        "initial": first,
        "initial_strategy": first_name,
        "batch_size": size,
        "tokens": tokens,
        "strategy": name,
    }
    journal = _Journal.of(project, {**asked, "model": settings.model, "seed": settings.seed})
    points = journal.points(project)
    for number in range(len(points), rounds + 1):
        if not journal.is_answered(project):
            began = time.perf_counter()
            if number == 0:
                batch = _first_batch(project, first, initial_strategy, progress)
            else:
                batch = project.ask(None if tokens else size, tokens=tokens, strategy=chosen)
            if not batch:
                break  # the pool is exhausted
            select = time.perf_counter() - began
            answers = {example.id: oracle(example) for example in batch}
            journal.note_choice(project, number, select)
            project.tell(answers)
        made = project.train(strategy=chosen, progress=progress)
        points.append(journal.point(number, made))
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
        rounds=tuple(points[: rounds + 1]),
        initial_strategy=first_name,
    )


def _first_batch(
    project: Project, n: int, strategy: str | Strategy, progress: Progress | None
) -> Batch:
    """The initial examples, before there is a model."""
    spec = find(strategy, project.task.kind)[1]
    if spec.needs_model:
        raise ProjectError(
            f"initial strategy: got {strategy!r}, which needs a trained model; expected one that "
            "needs none, such as random, typiclust or k_center"
        )
    if spec.needs:
        project.prepare(progress=progress)
    return project.ask(n, strategy=strategy)

"""One round: fit on the answers, measure on the test set, score the pool, publish."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.errors import ProjectError
from alnlp.models import split
from alnlp.models.choosing import Choice
from alnlp.progress import Progress, Step
from alnlp.project import audit, gain, learning, part, rounds, selftraining, tested
from alnlp.project.advising import stop_set
from alnlp.project.cold import NEEDS as COLD_START_NEEDS
from alnlp.project.cold import ColdStart
from alnlp.project.evidence import collect, of_words
from alnlp.project.kept import save_signals
from alnlp.project.readout import predictions
from alnlp.project.rounds import Round
from alnlp.project.settings import Settings
from alnlp.tasks import Answer, Task

if TYPE_CHECKING:
    from alnlp.models.protocol import FitReport
    from alnlp.project.learning import Model

#: Of a figure with an interval, by what they add to its name.
_BOUNDS = {"": "value", "_low": "low", "_high": "high"}


@dataclass(frozen=True)
class Plan:
    """All that a round needs to know, fixed when it begins.

    Attributes:
        folder: the project's folder.
        task: with the labels of this moment.
        settings: of this moment.
        pool: all examples.
        test: held-out examples with their gold answers; empty where there is no test set.
        rows: (M,) ascending pool rows to train on.
        answers: their M answers.
        asked: (P,) those of them that a strategy has chosen, the earliest first.
        asked_answers: their P answers.
        unlabelled: (U,) ascending pool rows to score afterwards.
        audited: (A,) pool rows to measure by, drawn at random and never trained on.
        audit_answers: their A answers.
        reserved: (R,) all pool rows that are reserved for that, the audited ones among them.
        strategy: the name of the strategy that will choose by this round.
        needs: the signals to keep for it, see `StrategySpec.needs`.
        score: whether to score them.
        previous: the newest round, None before the first.
        seq: the newest annotation event that is counted in.
        agreement: how often the suggestions of the round before were kept.
        spent: what the answers cost, see `Round`.
    """

    folder: Path
    task: Task
    settings: Settings
    pool: Pool
    test: Pool
    rows: NDArray[np.int64]
    answers: Sequence[Answer]
    asked: NDArray[np.int64]
    asked_answers: Sequence[Answer]
    unlabelled: NDArray[np.int64]
    audited: NDArray[np.int64]
    audit_answers: Sequence[Answer]
    reserved: NDArray[np.int64]
    strategy: str
    needs: frozenset[str]
    score: bool
    previous: Round | None
    seq: int
    agreement: dict[str, float] | None
    spent: Mapping[str, float]


def run(plan: Plan, progress: Progress | None) -> Round:
    """Train, measure, score and publish one round.

    Raises:
        ProjectError: nothing to train on, or another training of this project is running.
        ModelError: the model cannot be loaded or trained.
        Cancelled: the listener asked for it; the previous round stays the newest.
    """
    if not len(plan.rows):
        raise ProjectError("train: got 0 answered examples, expected at least 1; label some first")
    with _alone(plan.folder), rounds.writing(plan.folder / "rounds") as temporary:
        seconds: dict[str, float] = {}
        choice = learning.choose(plan)
        model = learning.new_model(plan.task, choice.model)
        cache = plan.folder / "cache"
        with _timed(seconds, "train"):
            report = selftraining.fit(model, choice.model, plan, cache, progress)
        on_test: tuple[dict[str, float], dict[str, Any]] = {}, {}
        if len(plan.test):
            with _timed(seconds, "evaluate"):
                on_test = measure(
                    model, plan.task, plan.test, plan.folder, progress, keep=temporary
                )
        arrays: dict[str, NDArray[Any]] = {}
        if plan.score:
            if not learning.is_probe(model):  # which has read all texts once and for all
                plan = replace(plan, unlabelled=part.of(plan))
            with _timed(seconds, "score"):
                arrays = learning.score(model, plan.pool, plan.unlabelled, cache, progress)
                more = collect(plan, choice.model, model, arrays, cache, progress)
                more |= stop_set(plan.pool, plan.task, plan.unlabelled, arrays)
                save_signals(temporary, plan.unlabelled, {**arrays, **more})
        audited = _audit(plan, model, cache, temporary)
        gained = gain.of(plan, model, cache)
        made = _describe(plan, choice, report, on_test, audited, gained, seconds)
        model.save(temporary)
        _write_card(plan, report, made, temporary)
        published = rounds.publish(temporary, made)
        rounds.prune(plan.folder / "rounds", plan.settings.keep_rounds)
        return published


def prepare(
    folder: Path, pool: Pool, task: Task, settings: Settings, progress: Progress | None
) -> ColdStart:
    """Keep what the pretrained network says of a pool, for strategies that need no training.

    Raises:
        ProjectError: a training of this project is running.
        ModelError: the network cannot be loaded.
        Cancelled: the listener asked for it; what was read so far is kept.
    """
    from alnlp.models.frozen import encoder

    with _alone(folder):
        model = encoder(split(settings.model)[1])
        embeddings = learning.embeddings(model, pool, folder / "cache", progress)
        words = of_words(model, task.labels, settings.queries, COLD_START_NEEDS)
        nobody: dict[str, NDArray[Any]] = {
            "labelled_rows": np.empty(0, np.int64),
            "labelled_embeddings": np.empty((0, embeddings.shape[1]), np.float16),
        }
        arrays = {"embeddings": embeddings, **nobody, **words}
        return ColdStart.write(folder, settings, np.arange(len(pool)), arrays)


def measure(
    model: Model,
    task: Task,
    test: Pool,
    folder: Path,
    progress: Progress | None,
    keep: Path | None = None,
) -> tuple[dict[str, float], dict[str, Any]]:
    """The metrics of a model on the held-out examples with gold answers, and `tested.figures`.

    What it says of each of them is written into the folder `keep`, but for entities.
    """
    from alnlp import metrics

    def relabel(step: Step) -> None:
        if progress is not None:
            progress(Step("evaluate", step.done, step.total, step.unit))

    rows = np.arange(len(test))
    gold = [task.check(test.gold(row)) for row in rows.tolist()]
    words = [test.words(row) for row in rows.tolist()] if task.spans else None
    arrays = learning.score(model, test, rows, folder / "cache" / "test", relabel)
    if keep is not None and not task.spans:
        np.save(keep / "test_targets.npy", task.encode(gold))
        np.save(keep / "test_probabilities.npy", arrays["probabilities"])
    found = [one.answer for one in predictions(task, arrays, rows)]
    counted = metrics.compute(task, gold, found, words)
    return counted, tested.figures(task, gold, found, counted, words)


def _audit(plan: Plan, model: Model, cache: Path, folder: Path) -> dict[str, Any]:
    """What the audit sample says of the model; what the model says of the sample is kept."""
    if not len(plan.audited):
        return {}
    said = learning.score(model, plan.pool, plan.audited, cache, None)
    np.save(folder / "audit_rows.npy", plan.audited)
    if plan.task.spans:
        return audit.figures(plan.task, plan.audit_answers, said)
    np.save(folder / "audit_probabilities.npy", said["probabilities"])
    return audit.figures(plan.task, plan.audit_answers, said, plan.answers)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the project's training lock, which the operating system frees if the process dies."""
    lock = FileLock(folder / "train.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ProjectError(
            f"{folder.name}: a training or first reading of this project is running; wait until it "
            "ends"
        ) from None
    except OSError as error:
        raise ProjectError(f"{folder}: cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[phase] = round(time.perf_counter() - start, 3)


def _describe(
    plan: Plan,
    choice: Choice,
    report: FitReport,
    on_test: tuple[dict[str, float], dict[str, Any]],
    audited: dict[str, Any],
    gained: dict[str, float] | None,
    seconds: dict[str, float],
) -> Round:
    folder = plan.folder / "rounds"
    number = rounds.next_number(folder)
    counts = Counter(name for answer in plan.answers for name in plan.task.names(answer))
    return Round(
        number=number,
        folder=folder / f"{number:04d}",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        model=choice.model,
        reason=choice.reason,
        strategy=plan.strategy,
        seed=plan.settings.seed,
        labels=len(plan.rows),
        per_label={name: counts[name] for name in plan.task.labels},
        seq=plan.seq,
        label_names=list(plan.task.labels),
        spent=dict(plan.spent),
        metrics=on_test[0],
        tested=on_test[1],
        audit=audited,
        gain=gained,
        agreement=plan.agreement,
        seconds=seconds,
        fit=report.to_json(),
    )


def _write_card(plan: Plan, report: FitReport, made: Round, folder: Path) -> None:
    from alnlp import hardware
    from alnlp.models.card import model_card

    metrics, measured_on = made.metrics, f"{len(plan.test)} held-out test examples"
    if not metrics and made.audit:
        name, figure = audit.main_figure(made.audit)
        metrics = {f"{name}{bound}": figure[key] for bound, key in _BOUNDS.items()}
        measured_on = f"{made.audit['n']} answers to examples drawn at random, never trained on"
    card = model_card(
        plan.task,
        made.model,
        report,
        label_counts=made.per_label,
        metrics=metrics,
        metrics_on=measured_on,
        hardware=hardware.describe(),
        temperature=made.temperature,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")

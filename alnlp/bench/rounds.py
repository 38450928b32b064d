"""`alnlp bench round`: what a person waits for after a batch, by phase."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from alnlp import hardware
from alnlp.bench.report import Report
from alnlp.errors import DataError
from alnlp.models import AUTO, public_name
from alnlp.progress import Progress
from alnlp.project import Project
from alnlp.tasks import Kind

_BATCH = 20


def round_(
    data: str,
    *,
    task: Kind = "classification",
    model: str = AUTO,
    labels: int = 100,
    pool: int = 1500,
    rounds: int = 3,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Train, score and select as after a batch; the first round pays for what is kept later.

    Args:
        data: a file with labels.
        task: of the data.
        model: as for a project.
        labels: answered at random before the first round; each further round has 20 more.
        pool: how many texts of the file, drawn at random.
        rounds: how many.
        seed: of draws and trainings.
        progress: told how it goes on.

    Raises:
        DataError: the file cannot be used, or has too few labels.
    """
    with tempfile.TemporaryDirectory(prefix="alnlp-") as scratch:
        folder = Path(scratch, "project")
        project = labelled_project(
            folder, data, task, labels, progress, pool=pool, model=model, seed=seed
        )
        lines = []
        for _ in range(rounds):
            lines.append(_one(project, progress))
            asked = [(example.id, project.pool.row(example.id)) for example in project.ask(_BATCH)]
            answers = {i: gold for i, row in asked if (gold := project.pool.gold(row)) is not None}
            if not answers:
                break
            project.tell(answers)
        size, strategy = len(project.pool), project.settings.strategy
        project.close()
    about = {"model": public_name(model), "strategy": strategy, "pool": size, "seed": seed}
    about |= {"data": data_name(data)}
    return Report(about | hardware.describe(), lines, ("Seconds.",))


def data_name(data: str) -> str:
    """The folder that a file lies in, which names the set, or a hub id as it is."""
    path = Path(data)
    return path.resolve().parent.name if path.is_file() else data


def _one(project: Project, progress: Progress | None) -> dict[str, Any]:
    began = time.perf_counter()
    made = project.train(score=True, progress=progress)
    trained = time.perf_counter()
    project.ask(_BATCH)
    ended = time.perf_counter()
    phases = {"train": made.seconds["train"], "score": made.seconds["score"]}
    rest = trained - began - sum(phases.values())
    return {
        "round": made.number,
        "labels": made.labels,
        **phases,
        "load and save": rest,
        "select": ended - trained,
        "all": ended - began,
    }


def labelled_project(
    folder: Path,
    data: str,
    task: Kind,
    labels: int,
    progress: Progress | None,
    *,
    seed: int,
    pool: int | None = None,
    **settings: Any,
) -> Project:
    """A project on a file with labels, some of them given at random.

    Args:
        folder: where to.
        data: the file.
        task: of the data.
        labels: how many are given.
        progress: told about the import.
        seed: of the draws.
        pool: at most so many texts, drawn at random; all where None.
        settings: of the project.

    Raises:
        DataError: the file cannot be used, or has fewer labels.
    """
    rng = np.random.default_rng(seed)
    source: Any = data
    if pool is not None:
        source = folder.with_name("drawn.jsonl")
        _draw(Project.create(folder.with_name("all"), data=data, task=task), pool, rng, source)
    settings = {"seed": seed, "audit_share": 0.0, **settings}  # all labels are to be learnt from
    project = Project.create(
        folder, data=source, task=task, answers=False, progress=progress, **settings
    )
    order = rng.permutation(len(project.pool)).tolist()
    known = [row for row in order if project.pool.gold(row) is not None]
    if len(known) < labels:
        raise DataError(
            f"{data}: got {len(known)} rows with a label, expected at least {labels}; measure on "
            "labelled data, or ask for fewer labels"
        )
    project.tell({project.pool.ids[row]: project.pool.gold(row) for row in known[:labels]})
    return project


def _draw(whole: Project, n: int, rng: np.random.Generator, path: Path) -> None:
    """Write n random rows with their labels."""
    column = {"classification": "label", "multilabel": "labels", "ner": "spans"}[whole.task.kind]
    with path.open("w", encoding="utf-8") as file:
        for row in np.sort(rng.permutation(len(whole.pool))[:n]).tolist():
            gold = whole.pool.gold(row)
            answer = gold["spans"] if whole.task.spans and gold is not None else gold
            file.write(json.dumps({"text": whole.pool[row].text, column: answer}) + "\n")
    whole.close()

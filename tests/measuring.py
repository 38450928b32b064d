"""What the tests of the progress figures share: projects that were measured round by round."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alnlp import Project
from alnlp.store import NewEvent

Make = Callable[..., Project]
LABELS = ["refund", "delivery", "fault"]


def write(path: Path, n: int, kind: str, start: int = 0) -> Path:
    """n texts of random words, the first of which tells the label."""
    rng = random.Random(start)
    words = ["".join(rng.choices("abcdefgh", k=6)) for _ in range(500)]
    lines = []
    for at in range(n):
        label = LABELS[at % 3]
        spans = [{"start": 0, "end": len(label), "label": "X"}]
        answers = {"ner": {"spans": spans}, "multilabel": {"labels": [label]}}
        text = f"{label} {' '.join(rng.choices(words, k=8))}"
        lines.append(json.dumps({"text": text, **answers.get(kind, {"label": label})}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def make(make_project: Make, tiny_model: str, tmp_path: Path) -> Make:
    """Projects of a tiny probe, for entities of a tiny tagger, with an audit sample."""

    def made(size: int = 240, tests: int = 0, **settings: Any) -> Project:
        kind = settings.get("task", "classification")
        files = {"data": write(tmp_path / "pool.jsonl", size, kind)}
        if tests:
            files["test"] = write(tmp_path / "test.jsonl", tests, kind, start=1)
        model = tiny_model if kind == "ner" else f"probe:{tiny_model}"
        usual = {"answers": False, "audit_share": 0.25, "model": model}
        return make_project(**files, **{**usual, **settings})

    return made


def answer(project: Project, n: int, seconds: float | None = 8.0) -> None:
    project.record(
        [
            NewEvent(
                example_id=one.id,
                annotator="me",
                kind="label",
                answer=project.pool.gold(project.pool.row(one.id)),
                strategy=one.strategy,
                seconds=seconds,
            )
            for one in project.ask(n)
        ]
    )


def labelled(project: Project, rounds: int, n: int = 24) -> Project:
    for _ in range(rounds):
        answer(project, n)
        project.train(score=True)
    return project


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model: str) -> Path:
    """The folder of a project with four rounds, of 24 answers each."""
    folder = tmp_path_factory.mktemp("trained")
    data = write(folder / "pool.jsonl", 240, "classification")
    project = Project.create(
        folder / "project",
        data=data,
        task="classification",
        answers=False,
        audit_share=0.25,
        model=f"probe:{tiny_model}",
    )
    labelled(project, 4).close()
    return project.folder


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Iterator[Project]:
    shutil.copytree(trained, tmp_path / "copy" / "project")
    project = Project.open(tmp_path / "copy" / "project")
    yield project
    project.close()

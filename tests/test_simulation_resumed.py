"""A killed simulation goes on from its last finished round, to the curve of one never killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alnlp.errors import ProjectError
from alnlp.project import Project
from alnlp.simulation import Simulation, simulate

MakeProject = Callable[..., Project]
ASKED = {"rounds": 3, "batch_size": 6, "initial": 9}

#: Kills itself at the n-th call of one of the functions that a simulation calls.
KILLED = """
import os, signal, sys
from alnlp.models.config import TrainConfig
from alnlp.project import Project
from alnlp.simulation import gold_oracle, simulate
TrainConfig.steps = lambda self, *_: 25
project, where, left = Project.open(sys.argv[1]), sys.argv[2], int(sys.argv[3])
answer = gold_oracle(project)
def call(place):
    global left
    left -= place == where
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
def oracle(example):
    call("asked")
    return answer(example)
simulate(
    project, oracle, rounds=3, batch_size=6, initial=9,
    progress=lambda step: call(step.phase), on_round=lambda point: call("published"),
)
"""


def with_test_set(make_project: MakeProject, csv_file: Path, name: str, **options) -> Project:
    test = csv_file.with_name("test.csv")
    lines = csv_file.read_text().splitlines()
    test.write_text("\n".join([lines[0], *lines[-12:]]))
    return make_project(name, test=test, seed=3, **options)


def points(run: Simulation) -> list[tuple[int, int, dict[str, float]]]:
    return [(point.round, point.labels, point.metrics) for point in run.rounds]


def answered(project: Project) -> list[str]:
    with project._state.refreshed():
        return [event.example_id for event in project._store.events()]


@pytest.mark.slow
def test_killed_again_and_again(make_project: MakeProject, csv_file: Path) -> None:
    straight = with_test_set(make_project, csv_file, "straight")
    whole = simulate(straight, **ASKED)
    project = with_test_set(make_project, csv_file, "killed")
    rounds = []
    for where, calls in (
        ("asked", 4),  # the first batch is handed out and not answered
        ("train", 0),  # it is answered, and its training begins
        ("published", 0),  # the round is on disk, and nobody was told
        ("asked", 3),
        ("train", 20),
        ("score", 0),
    ):
        command = [sys.executable, "-c", KILLED, str(project.folder), where, str(calls)]
        ran = subprocess.run(command, capture_output=True, text=True, env=os.environ)
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        rounds.append(len(project.history))
    assert rounds == [0, 0, 1, 1, 1, 1]
    told = []
    resumed = simulate(project, **ASKED, on_round=told.append)
    assert points(resumed) == points(whole)
    assert answered(project) == answered(straight)
    assert told == list(resumed.rounds[1:])
    assert all(point.seconds["select"] > 0 for point in resumed.rounds)


@pytest.mark.slow
def test_a_finished_simulation_is_read_or_made_longer(
    make_project: MakeProject, csv_file: Path
) -> None:
    project = with_test_set(make_project, csv_file, "project", strategy="random")
    shorter = simulate(project, **{**ASKED, "rounds": 1})
    told = []
    longer = simulate(project, **ASKED, on_round=told.append)
    assert [point.round for point in told] == [2, 3]
    assert longer.rounds[:2] == shorter.rounds
    assert simulate(project, **ASKED) == longer
    assert simulate(project, **{**ASKED, "rounds": 1}) == shorter
    with pytest.raises(ProjectError, match="batch_size: got 5, and the project project holds a"):
        simulate(project, **{**ASKED, "batch_size": 5})
    with pytest.raises(ProjectError, match="strategy: got 'margin'"):
        simulate(project, **ASKED, strategy="margin")


def test_a_batch_of_words_is_drawn_once_more(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What of its budget was left over is not spent on more texts the second time."""
    more = [8 if i % 3 == 0 else 0 for i in range(60)]
    rows = [
        {"tokens": [f"w{i}", "Ana", *["is"] * n], "ner_tags": ["O", "B-X", *["O"] * n]}
        for i, n in enumerate(more)
    ]
    for name, part in (("data", rows[:50]), ("test", rows[50:])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, part)))
    project = make_project(
        data=tmp_path / "data.jsonl", test=tmp_path / "test.jsonl", task="ner", strategy="random",
        answers=False,
    )  # fmt: skip
    simulate(project, rounds=0, initial=4, tokens=30)
    asked = []

    def die(answers: dict[str, object]) -> None:
        asked.append(list(answers))
        raise KeyboardInterrupt

    monkeypatch.setattr(project, "tell", die)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            simulate(project, rounds=1, initial=4, tokens=30)
    assert asked[0] == asked[1] == asked[2]
    assert sum(len(project.words(i)) for i in asked[0]) <= 28


def test_a_refused_simulation_leaves_no_journal(make_project: MakeProject, csv_file: Path) -> None:
    project = with_test_set(make_project, csv_file, "project", strategy="random")
    with pytest.raises(ProjectError, match="n = 0"):
        simulate(project, rounds=0, batch_size=6, initial=0)
    assert len(simulate(project, rounds=0, batch_size=6, initial=9).rounds) == 1

"""The trainer beside the work: coalescing, cancelling, dying and coming back."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from telling import tell_gold

from alnlp.project import Project
from alnlp.worker import Trainer, TrainerStatus

MakeProject = Callable[..., Project]
LONG = 120.0


@pytest.fixture
def trainer() -> Iterator[Trainer]:
    made = Trainer()
    yield made
    made.close()


def until(trainer: Trainer, folder: Path, wanted: Callable[[TrainerStatus], bool]) -> TrainerStatus:
    with trainer._changed:
        assert trainer._changed.wait_for(lambda: wanted(trainer.status(folder)), LONG)
        return trainer.status(folder)


def labelled(make_project: MakeProject, name: str = "project", n: int = 9) -> Project:
    project = make_project(name)
    tell_gold(project, project.ask(n))
    return project


def test_a_round_appears_in_the_project(make_project: MakeProject, trainer: Trainer) -> None:
    project = labelled(make_project)
    assert trainer.status(project.folder) == TrainerStatus()
    trainer.request(project.folder)
    assert trainer.status(project.folder).busy
    assert trainer.wait(project.folder, LONG) == TrainerStatus(state="idle", round=1)
    assert project.newest_round is not None
    assert project.newest_round.is_scored
    assert project.ask(3)[0].suggestion is not None


def test_a_first_reading_before_any_answer(make_project: MakeProject, trainer: Trainer) -> None:
    project = make_project(strategy="typiclust")
    trainer.prepare(project.folder)
    trainer.prepare(project.folder)
    assert trainer.wait(project.folder, LONG) == TrainerStatus(state="idle")
    assert {example.strategy for example in project.ask(3)} == {"typiclust"}


def test_a_training_goes_before_a_first_reading(
    make_project: MakeProject, trainer: Trainer
) -> None:
    reading = make_project("reading", strategy="typiclust")
    folder = labelled(make_project).folder
    trainer.request(folder)
    trainer.prepare(reading.folder)
    other = labelled(make_project, "other").folder
    trainer.request(other)
    ended: list[Path] = []

    def all_rest() -> bool:
        for one in (folder, other, reading.folder):
            if one not in ended and not trainer.status(one).busy:
                ended.append(one)
        return len(ended) == 3

    with trainer._changed:
        assert trainer._changed.wait_for(all_rest, LONG)
    assert ended == [folder, other, reading.folder]
    assert not reading.wants_preparing


def test_cancelling_a_dead_trainer_frees_the_project(
    make_project: MakeProject, trainer: Trainer
) -> None:
    folder = labelled(make_project).folder
    trainer.request(folder)
    child = trainer._child
    assert child is not None
    with trainer._changed:  # nobody has noticed its death yet
        child.kill()
        child.wait()
        trainer.cancel(folder)
        assert trainer.status(folder).state == "failed"
    trainer.request(folder)
    assert trainer.wait(folder, LONG).round == 1


def test_many_wishes_during_a_training_become_one(
    make_project: MakeProject, trainer: Trainer
) -> None:
    project = labelled(make_project)
    trainer.request(project.folder)
    until(trainer, project.folder, lambda status: status.state == "training")
    for _ in range(5):
        trainer.request(project.folder)
    until(trainer, project.folder, lambda status: not status.busy)
    assert [made.number for made in project.history] == [1, 2]


def test_two_projects_are_trained_one_after_the_other(
    make_project: MakeProject, trainer: Trainer
) -> None:
    folders = [labelled(make_project, name).folder for name in ("one", "two")]
    for folder in folders:
        trainer.request(folder)
    for folder in folders:
        assert trainer.wait(folder, LONG).round == 1


def test_progress_tells_rate_and_time_left(make_project: MakeProject, trainer: Trainer) -> None:
    project = labelled(make_project)
    trainer.request(project.folder)
    status = until(trainer, project.folder, lambda s: s.phase == "train" and s.rate is not None)
    assert status.total is not None
    assert 0 < status.done <= status.total
    assert status.seconds_left is not None
    assert status.seconds_left >= 0


def test_cancel_keeps_the_trainer_alive(make_project: MakeProject, trainer: Trainer) -> None:
    project = labelled(make_project)
    trainer.request(project.folder)
    until(trainer, project.folder, lambda status: status.state == "training")
    trainer.cancel(project.folder)
    assert trainer.wait(project.folder, LONG).state == "cancelled"
    assert project.history == []
    trainer.request(project.folder)
    assert trainer.wait(project.folder, LONG).round == 1


def test_a_failure_is_one_line_and_not_the_end(make_project: MakeProject, trainer: Trainer) -> None:
    empty = make_project("empty")
    trainer.request(empty.folder)
    status = trainer.wait(empty.folder, LONG)
    assert status.state == "failed"
    assert "label some first" in status.message
    assert "\n" not in status.message
    good = labelled(make_project)
    trainer.request(good.folder)
    assert trainer.wait(good.folder, LONG).round == 1


def test_a_killed_trainer_is_reported_and_replaced(
    make_project: MakeProject, trainer: Trainer
) -> None:
    project = labelled(make_project)
    trainer.request(project.folder)
    until(trainer, project.folder, lambda status: status.state == "training")
    assert trainer._child is not None
    trainer._child.kill()
    status = until(trainer, project.folder, lambda status: not status.busy)
    assert status.state == "failed"
    assert "stopped unexpectedly" in status.message
    trainer.request(project.folder)
    assert trainer.wait(project.folder, LONG).round == 1


def test_a_dead_trainer_keeps_nobody_waiting(make_project: MakeProject, trainer: Trainer) -> None:
    one, two = (labelled(make_project, name).folder for name in ("one", "two"))
    trainer.request(one)
    until(trainer, one, lambda status: status.state == "training")
    with trainer._changed:  # the listener cannot clean up before the next wish comes
        assert trainer._child is not None
        trainer._child.kill()
        trainer._child.wait()
        trainer.request(two)
    assert trainer.wait(one, LONG).state == "failed"
    assert trainer.wait(two, LONG).round == 1


def test_closing_keeps_nobody_waiting(make_project: MakeProject, trainer: Trainer) -> None:
    folder = labelled(make_project).folder
    trainer.request(folder)
    trainer.close()
    assert trainer.wait(folder, LONG).state == "cancelled"


def test_cancelling_a_repeated_wish_ends_both(make_project: MakeProject, trainer: Trainer) -> None:
    folder = labelled(make_project).folder
    trainer.request(folder)
    until(trainer, folder, lambda status: status.state == "training")
    trainer.request(folder)
    trainer.cancel(folder)
    assert trainer.wait(folder, LONG).state == "cancelled"


PARENT = """
import sys
from pathlib import Path
from alnlp.worker import Trainer
trainer = Trainer()
folder = Path(sys.argv[1])
trainer.request(folder)
with trainer._changed:
    trainer._changed.wait_for(lambda: trainer.status(folder).state == "training")
print(trainer._child.pid, flush=True)
trainer.wait(folder)
"""


def test_a_killed_parent_leaves_no_trainer_behind(make_project: MakeProject) -> None:
    project = labelled(make_project)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(project.folder)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    descriptor = os.pidfd_open(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    ended, _, _ = select.select([descriptor], [], [], LONG)  # readable once the process is gone
    os.close(descriptor)
    assert ended


LABELLER = """
import sys
from conftest import rows
from alnlp.data import example_id
from alnlp.errors import ProjectError
from alnlp.project import Project
from alnlp.worker import Trainer
gold = {example_id(row["text"]): row["label"] for row in rows()}
project, me = Project.open(sys.argv[1]), sys.argv[2]
trainer = Trainer()
print("ready", flush=True)
turn = 0
while True:
    for example in project.ask(3, annotator=me):
        for event in project.tell({example.id: gold[example.id]}, annotator=me):
            print(event.uid, flush=True)
    if project.status()["labelled"] > 40:
        for _ in range(15):
            project.undo(annotator=me)
    turn += 1
    if turn % 3 == 0:
        try:
            project.train()
        except ProjectError:
            pass
    elif not trainer.status(project.folder).busy:
        trainer.request(project.folder)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_when_killed_at_any_moment(make_project: MakeProject) -> None:
    """25 times two processes that answer and train, both killed at a random moment."""
    project = labelled(make_project, n=3)
    folder, draw = project.folder, random.Random(0)
    acknowledged: set[str] = set()
    killed_in_training = 0
    for _ in range(25):
        pair = [start_labeller(folder, name) for name in ("ana", "ben")]
        time.sleep(draw.uniform(0, 2.5))  # the moment of death is the random input of this test
        for process in pair:
            os.killpg(process.pid, signal.SIGKILL)
        for process in pair:
            assert process.stdout is not None
            acknowledged |= {line for line in process.stdout.read().split() if len(line) == 32}
            process.wait()
        killed_in_training += any((folder / "rounds").glob(".writing-*"))

        again = Project.open(folder)
        assert acknowledged <= {event.uid for event in again._store.events()}
        for made in again.history[-2:]:
            assert made.has_weights
            assert made.is_scored
            assert len(made.probabilities) == len(made.rows)
        again.close()
    assert len(acknowledged) > 50
    assert killed_in_training > 5
    assert project.train().number == project.history[-1].number
    assert not list((folder / "rounds").glob(".writing-*"))


def start_labeller(folder: Path, annotator: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", LABELLER, str(folder), annotator],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # of two that train at once, one is refused
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parent,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process

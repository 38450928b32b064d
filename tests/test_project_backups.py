"""Backups of a project: what comes back, what is set aside, the commands, and the daily ones."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from test_cli import alnlp
from workbench import LABELS, IdleTrainer, make_project, sentences, serving

from alnlp.errors import StoreError
from alnlp.project import Project, backups
from alnlp.store import Store, backup
from alnlp_apps.workbench.backups import daily_backups
from alnlp_apps.workbench.workspace import Workspace


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    make_project(tmp_path / "inbox", sentences(30), audit_share=0.0, strategy="random")
    project = Project.open(tmp_path / "inbox")
    yield project
    project.close()


def answer(project: Project, n: int) -> None:
    project.tell({example.id: LABELS[0] for example in project.ask(n)})


def test_a_project_comes_back_with_answers_settings_and_rounds(project: Project) -> None:
    info = '{"created_at": "2026-01-01", "model": "m", "strategy": "random", "seed": 0, '
    info += '"labels": 5, "per_label": {}, "seq": 5, "label_names": [], "metrics": {"f1": 0.5}}'
    made = project.folder / "rounds" / "0001"
    made.mkdir(parents=True)
    (made / "round.json").write_text(info)
    answer(project, 5)
    project.update_settings(guidelines="be kind")
    backups.back_up(project.folder)
    answer(project, 3)
    project.update_settings(guidelines="be quick")
    project.close()
    (made / "round.json").unlink()
    made.rmdir()
    restored, moved = backups.restore(project.folder)
    assert (restored.answers, restored.newer) == (5, 3)
    assert moved == []
    again = Project.open(project.folder)
    assert again.status()["labelled"] == 5
    assert again.settings.guidelines == "be kind"
    assert [(one.number, one.metrics) for one in again.history] == [(1, {"f1": 0.5})]
    again.close()


def put_round(project: Project, number: int, **known: object) -> Path:
    info = {"created_at": "2026-01-01", "model": "m", "strategy": "random", "seed": 0, "labels": 5}
    info |= {"per_label": {}, "seq": 5, "label_names": list(LABELS), **known}
    folder = project.folder / "rounds" / f"{number:04d}"
    folder.mkdir(parents=True)
    (folder / "round.json").write_text(json.dumps(info))
    return folder


def test_rounds_that_know_more_than_the_backup_are_set_aside(project: Project) -> None:
    answer(project, 5)
    put_round(project, 1)
    backups.back_up(project.folder)
    answer(project, 3)
    put_round(project, 2, seq=8)
    put_round(project, 3, label_names=[*LABELS, "new"])
    damaged = put_round(project, 4) / "round.json"
    damaged.write_bytes(b"\xff{")
    backups.back_up(project.folder)  # whatever is damaged
    [_, wanted] = backup.backups(project.folder / "backups")
    project.close()
    restored, moved = backups.restore(project.folder, wanted.name)
    assert restored.aside is not None
    assert [path.name for path in moved] == ["0002", "0003", "0004"]
    beside = restored.aside.with_name(f"{restored.aside.stem}-rounds")
    assert {path.parent for path in moved} == {beside}
    again = Project.open(project.folder)
    assert [made.number for made in again.history] == [1]
    assert again.status()["since_round"] == 0
    answer(again, 2)
    assert again.status()["since_round"] == 2
    again.close()


@pytest.mark.parametrize(
    "note",
    [
        '{"../../evil": "{}"}',
        "[1]",
        '{"0002": 5}',
        '{"0003": "no json"}',
        "no json",
        '{"0004": "[]"}',
    ],
)
def test_a_backup_from_anywhere_writes_no_rounds_but_rounds(project: Project, note: str) -> None:
    answer(project, 5)
    made = backups.back_up(project.folder)
    project.close()
    with closing(sqlite3.connect(made)) as copy, copy:
        copy.execute("UPDATE meta SET value = ? WHERE key = 'rounds'", (note,))
    before = sorted(project.folder.parent.glob("*"))
    backups.restore(project.folder)
    assert sorted(project.folder.parent.glob("*")) == before
    again = Project.open(project.folder)
    assert again.history == []
    again.close()


def test_a_store_that_is_in_use_is_restored_with_its_log(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_project(other, sentences(30), audit_share=0.0, strategy="random")
    for file in other.glob("project.db*"):
        file.unlink()
    answer(project, 5)
    assert (project.folder / "project.db-wal").stat().st_size
    restored, _ = backups.restore(other, project.folder / "project.db")
    assert restored.answers == 5
    with Store.open(other / "project.db") as store:
        assert len(store.events()) == 5


def test_what_is_written_while_a_copy_is_made_is_due(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Notes(dict):  # asked for when the events have been copied, and the copy is still written
        def items(self):
            answer(project, 1)
            return super().items()

    answer(project, 5)
    store, folder = project.folder / "project.db", project.folder / "backups"
    backup.back_up(store, folder, notes=Notes(key=1))
    later = backup._now() + 2 * backup.DAY
    monkeypatch.setattr(backup, "_now", lambda: later)
    assert backup.is_due(store, folder)


def test_a_file_of_no_possible_day_is_no_backup(project: Project) -> None:
    made = backups.back_up(project.folder)
    odd = made.with_name("2026-99-99T999999.db")
    odd.write_bytes(made.read_bytes())
    assert backup.backups(made.parent) == [made]
    assert backups.back_up_if_due(project.folder) is None
    backup.prune(made.parent)
    assert odd.exists()


def test_the_commands(project: Project) -> None:
    answer(project, 5)
    ran = alnlp("backup", project.folder)
    assert ran.returncode == 0
    [copy] = backup.backups(project.folder / "backups")
    assert ran.stdout == f"written: {copy}\n"
    answer(project, 1)
    project.close()
    ran = alnlp("restore", project.folder)
    assert ran.returncode == 0, ran.stderr
    aside = next((project.folder / "backups").glob("*-replaced.db"))
    assert ran.stdout.splitlines() == [
        f"restored: {copy}, with 5 answers",
        f"set aside: {aside}, with 1 answer more",
    ]
    assert alnlp("restore", project.folder, aside.name).returncode == 0
    again = Project.open(project.folder)
    assert again.status()["labelled"] == 6
    again.close()


def test_the_commands_refuse_in_one_line(project: Project, tmp_path: Path) -> None:
    for arguments, part in [
        (("backup", tmp_path), "holds no alnlp project"),
        (("restore", project.folder), "holds no backup"),
        (("restore", project.folder, "nothing.db"), "nothing.db"),
        (("restore", project.folder, "x" * 5000), "expected a file or one of: none"),
        (("restore", tmp_path / "typo"), "typo: holds no alnlp project"),
    ]:
        ran = alnlp(*arguments)
        assert ran.returncode == 2
        assert ran.stderr.count("\n") == 1
        assert part in ran.stderr


def test_what_is_served_is_backed_up_and_not_replaced(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(project, 2)
    project.close()
    made = threading.Event()
    if_due = backups.back_up_if_due

    def watched(folder: Path) -> None:
        if_due(folder)
        made.set()

    monkeypatch.setattr(backups, "back_up_if_due", watched)
    with serving(tmp_path, trainer=IdleTrainer()) as base:
        import httpx

        assert made.wait(60)
        [copy] = backup.backups(project.folder / "backups")
        backup.check(copy)
        httpx.get(f"{base}/alnlp/projects/inbox/status", timeout=60).raise_for_status()
        ran = alnlp("restore", project.folder)
        assert ran.returncode == 2
        assert ran.stderr.count("\n") == 1
        assert "in use" in ran.stderr
    assert alnlp("restore", project.folder).returncode == 0


def test_a_backup_that_fails_is_tried_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Semaphore(0)

    def fail(folder: Path) -> None:
        tried.release()
        raise StoreError("the disk is full")

    monkeypatch.setattr(backups, "back_up_if_due", fail)
    monkeypatch.setattr("alnlp_apps.workbench.backups._EVERY_SECONDS", 0.0)
    with daily_backups(Workspace(tmp_path, IdleTrainer())):
        for _ in range(3):
            assert tried.acquire(timeout=60)

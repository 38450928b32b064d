"""The status of a project where many ask for it at once: worked out for all who wait together."""

import threading
from concurrent.futures import ThreadPoolExecutor

from workbench import LABELS, IdleTrainer, make_project, sentences

from alnlp.project import Project
from alnlp.store import NewEvent
from alnlp_apps.workbench.workspace import Workspace

WAITING = 8


def test_who_waits_shares_the_next_one_and_finds_its_own_answer(tmp_path, monkeypatch):
    make_project(tmp_path / "inbox", sentences(30))
    workspace = Workspace(tmp_path, IdleTrainer())
    desk = workspace.desk("inbox")
    plain, begun = Project.status, []
    first, go_on, answered = threading.Event(), threading.Event(), threading.Semaphore(0)

    def status(project):
        begun.append(project)
        told = plain(project)
        if len(begun) == 1:
            first.set()
            assert go_on.wait(60)
        return told

    def answer(example_id):
        desk.record(
            [NewEvent(example_id=example_id, annotator="me", kind="label", answer=LABELS[0])]
        )
        answered.release()
        return desk.status()["labelled"]

    monkeypatch.setattr(Project, "status", status)
    try:
        with ThreadPoolExecutor(WAITING + 1) as pool:
            early = pool.submit(desk.status)
            assert first.wait(60)
            late = [pool.submit(answer, id_) for id_ in desk.project.pool.ids[:WAITING]]
            for _ in late:
                assert answered.acquire(timeout=60)
            go_on.set()
            assert early.result()["labelled"] == 0
            # All had answered before the next one was begun.
            assert [told.result() for told in late] == [WAITING] * WAITING
        assert 2 <= len(begun) < 2 + WAITING
        assert desk.status()["labelled"] == WAITING
    finally:
        workspace.close()

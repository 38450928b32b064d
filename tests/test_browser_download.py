"""The answers as a file, out of the browser."""

import csv
import json
from contextlib import closing

import browsing
import httpx
import pytest
from browsing import open_tab, press, ready, saved, text_of
from workbench import LABELS, IdleTrainer, make_project, sentences

from alnlp.project import Project

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
AWKWARD = "=SUM(A1) says “Bürö” 😀, <b>twice</b>"
NAME = "Tücken & co"


def test_what_was_answered_can_be_taken_away(tmp_path, visit, served):
    folder = tmp_path / "workspace" / NAME
    folder.parent.mkdir()
    make_project(folder, [AWKWARD, *sentences(20)], strategy="random", audit_share=0.0)
    with served(folder.parent, trainer=IdleTrainer()) as base:
        page = visit(base, NAME.replace("&", "%26"))
        ready(page)
        given = {}
        for _ in range(21):
            given[text_of(page)] = LABELS[0]
            press(page, "1")
        saved(page)
        open_tab(page, "Data")
        for ending in ("csv", "jsonl"):
            page.get_by_label("Format of the file").select_option(ending)
            with page.expect_download() as started:
                page.get_by_role("button", name="Download the answers").click()
            assert started.value.suggested_filename == f"{NAME}.{ending}"
            page.get_by_text(f"{NAME}.{ending} is in your downloads.").wait_for()
            path = tmp_path / f"taken.{ending}"
            started.value.save_as(path)
            text = path.read_text(encoding="utf-8")
            rows = (
                map(json.loads, text.splitlines())
                if ending == "jsonl"
                else csv.DictReader(text.splitlines())
            )
            taken = {row["text"].removeprefix("'"): row["label"] for row in rows}
            assert taken == given


def test_marks_have_formats_of_their_own_and_losses_are_told(tmp_path, visit, served):
    folder = tmp_path / "workspace" / "marks"
    folder.parent.mkdir()
    make_project(folder, ["Ana lives in Rome"], task="ner", audit_share=0.0)
    with closing(Project.open(folder)) as project:
        [example] = project.ask(1)
        # A mark that ends within a word is cut off in conll.
        project.tell({example.id: {"spans": [{"start": 0, "end": 2, "label": LABELS[0]}]}})
        assert project.formats[0] == "jsonl"
        assert "parquet" not in project.formats
    with served(folder.parent, trainer=IdleTrainer()) as base:
        address = f"{base}/alnlp/projects/marks/export"
        answer = httpx.get(address, params={"format": "conll"})
        assert "Ana" in answer.text
        assert json.loads(answer.headers["alnlp-remarks"])
        assert (
            json.loads(httpx.get(address, params={"format": "jsonl"}).headers["alnlp-remarks"])
            == []
        )
        for wrong in ("parquet", "../x.csv", ""):
            refused = httpx.get(address, params={"format": wrong})
            assert refused.status_code == 422
            assert "expected one of jsonl" in refused.json()["error"]


def test_without_answers_there_is_nothing_to_take_away(tmp_path, served):
    folder = tmp_path / "workspace" / "empty"
    folder.parent.mkdir()
    make_project(folder, sentences(3))
    with served(folder.parent, trainer=IdleTrainer()) as base:
        refused = httpx.get(f"{base}/alnlp/projects/empty/export", params={"format": "csv"})
        assert "got 0 answered examples" in refused.json()["error"]

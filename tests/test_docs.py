"""The code in the documentation runs."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import rows
from telling import tell_gold

from alnlp import Project, corpus
from alnlp.cli import main

DOCS = Path(__file__).parent.parent / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def test_a_strategy_of_ones_own_in_fifteen_lines(
    make_project: Callable[..., Project],
    monkeypatch: pytest.MonkeyPatch,
    tiny_model: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = make_project(answers=False)
    tell_gold(project, project.ask(10))
    code, curves = blocks("strategies.md")
    body = code.partition("\n\n")[2].partition("\n\n")
    assert len(body[0].splitlines() + body[2].splitlines()) <= 15
    monkeypatch.chdir(project.folder.parent)
    names: dict[str, object] = {}
    exec(code.replace('"tickets"', repr(project.folder.name)), names)
    batch = names["batch"]
    assert {example.strategy for example in batch} == {"short_and_unsure"}  # type: ignore[attr-defined]

    create = Project.create

    def create_small(folder: str, *, model: str, **given: object) -> Project:
        assert model == "probe"
        return create(folder, **given, model=f"probe:{tiny_model}")  # type: ignore[arg-type]

    monkeypatch.setattr(Project, "create", create_small)
    for name, part in (("train", rows(45)), ("test", rows(60)[45:])):
        Path(f"{name}.jsonl").write_text("\n".join(map(json.dumps, part)))
    assert len(curves.splitlines()) <= 15
    for _ in range(2):
        exec(curves, names)
        printed = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
        assert printed == [[s, str(k)] for k in range(3) for s in ("random", "short_and_unsure")]


def test_the_commands_of_the_tutorial_do_what_it_says(
    tiny_model: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    project = corpus.create_demo(Path("alnlp-projects", "inbox"), "classification")
    project.update_settings(model=f"probe:{tiny_model}")
    gold = {row["text"]: row["label"] for row in map(json.loads, corpus.INTENTS.open("rb"))}
    project.tell({example.id: gold[example.text] for example in project.ask(20)})
    project.train()
    project.close()
    Path("new.csv").write_text("text\nwhere is my parcel?\n")
    page = (DOCS / "tutorial.md").read_text("utf-8")
    demo, predict = re.findall(r"```\n(.*?)\n```", page, re.DOTALL)
    assert demo == "make demo"
    # The screen Data hands out what this command writes.
    export = ".venv/bin/alnlp export alnlp-projects/inbox answers.csv"
    for command in (export, predict):
        program, *words = command.partition(" > ")[0].split()
        assert program == ".venv/bin/alnlp"
        monkeypatch.setattr(sys, "argv", ["alnlp", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    (columns,) = re.findall(r"\| column \|.*?\n\n", page, re.DOTALL)
    assert re.findall(r"^\| `(\w+)`", columns, re.MULTILINE) == (
        Path("answers.csv").read_text("utf-8").splitlines()[0].split(",")
    )
    shown = json.loads(*re.findall(r"```json\n(.*?)```", page, re.DOTALL))
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said.keys() == shown.keys()


def test_every_picture_of_the_tutorial_is_there_and_told_in_words() -> None:
    page = (DOCS / "tutorial.md").read_text("utf-8")
    pictures = re.findall(r"!\[([^]]*)\]\(images/([^)]+)\)", page)
    assert all(words for words, _ in pictures)
    assert {name for _, name in pictures} == {path.name for path in (DOCS / "images").iterdir()}

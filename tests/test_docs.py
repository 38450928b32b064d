"""The code in the documentation runs."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import rows
from telling import tell_gold

from alnlp import Project

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
    monkeypatch.setattr(
        Project,
        "create",
        lambda folder, **given: create(folder, **given, model=f"probe:{tiny_model}"),
    )
    for name, part in (("train", rows(45)), ("test", rows(60)[45:])):
        Path(f"{name}.jsonl").write_text("\n".join(map(json.dumps, part)))
    exec(curves, names)
    printed = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert printed == [[s, str(k)] for k in range(3) for s in ("random", "short_and_unsure")]

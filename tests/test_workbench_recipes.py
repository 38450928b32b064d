"""The benchmarks of the workbench run from end to end, and notice what they are there to notice."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from alnlp.project.creating import STORE
from alnlp.store import NewEvent, Store

RECIPES = Path(__file__).parent.parent / "recipes"


@pytest.fixture(autouse=True)
def _recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(RECIPES))


def run(recipe: str, *arguments: object) -> list[str]:
    """The lines that a recipe prints, over the built-in corpus where it would read a data set."""
    ran = subprocess.run(
        [sys.executable, RECIPES / recipe, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "ALNLP_DATA"},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.slow
def test_annotators(tiny_model: str) -> None:
    lines = run(
        "annotators.py", "--seconds", 6, "--clients", 4, "--pause", 0.2, "--texts", 400,
        "--model", tiny_model,
    )  # fmt: skip
    for name in ("at rest", "training"):
        for route in ("/events", "/ask"):
            assert sum(line.startswith(f"| {name} | {route} | ") for line in lines) == 1
    assert lines[-1].endswith("no example handed to two people, no error")
    assert not lines[-1].startswith("0 answers")


@pytest.mark.slow
@pytest.mark.browser
def test_workbench_latency(tiny_model: str) -> None:
    pytest.importorskip("playwright", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not on the PATH: install it to run the browser tests")
    lines = run(
        "workbench_latency.py", "--presses", 3, "--paces", "0,50", "--model", tiny_model,
        "--chromium", chromium,
    )  # fmt: skip
    rows = [line.split(" | ")[:3] for line in lines if line.endswith(" |")]
    assert rows[2:] == [
        ["| at rest", "at once", "3"], ["| at rest", "50 ms", "3"],
        ["| training", "at once", "3"], ["| training", "50 ms", "3"],
    ]  # fmt: skip


def test_an_example_in_two_hands_is_a_fault() -> None:
    from annotators import Annotator, Seen

    example = {"id": "e1", "suggestion": None, "confidence": None, "strategy": "s", "round": None}
    server = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"examples": [example], "lost": []})
    )
    seen = Seen()

    async def ask_both() -> None:
        async with httpx.AsyncClient(transport=server, base_url="http://server") as client:
            for name in ("ana", "ben"):
                await Annotator(name, client, seen, pause=0, seed=0).fetch(rerank=False)

    asyncio.run(ask_both())
    assert seen.faults == ["e1: held by ana and by ben"]


def test_an_example_that_is_taken_away_is_a_fault() -> None:
    from annotators import Annotator, Seen

    replies = iter(({"examples": [{"id": "e1"}], "lost": []}, {"examples": [], "lost": ["e1"]}))
    server = httpx.MockTransport(lambda _: httpx.Response(200, json=next(replies)))
    seen = Seen()

    async def ask_twice() -> None:
        async with httpx.AsyncClient(transport=server, base_url="http://server") as client:
            annotator = Annotator("ana", client, seen, pause=0, seed=0)
            await annotator.fetch(rerank=False)
            await annotator.fetch(rerank=False)

    asyncio.run(ask_twice())
    assert "e1: taken from ana" in seen.faults


def test_the_store_is_held_against_what_the_clients_were_told(tmp_path: Path) -> None:
    from annotators import check

    given = [
        NewEvent(example_id=example, annotator=by, kind="label", answer="fault", uid=uid)
        for uid, example, by in (("1", "e1", "ana"), ("2", "e2", "ana"), ("3", "e2", "ben"))
    ]
    with Store.create(tmp_path / STORE) as store:
        store.append(given)
    told = {event.uid: event.example_id for event in given}
    assert check(tmp_path, {"1": "e1", "2": "e2", "3": "e2"}) == [
        "1 examples answered by two people"
    ]
    del told["1"]
    faults = check(tmp_path, {**told, "4": "e4"})
    assert faults[1:] == [
        "1 confirmed answers that are not in the store, or more than once",
        "1 answers in the store that were never confirmed",
    ]

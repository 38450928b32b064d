"""Suggestion bias: who does not see a suggestion, what is recorded of it, what is made of it."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import browsing
import numpy as np
import pytest
from browsing import press, ready, saved, text_of
from hypothesis import given
from hypothesis import strategies as st
from telling import GOLD, MakeProject, tell_gold
from test_cli import alnlp
from workbench import IdleTrainer

from alnlp.errors import DataError, ProjectError
from alnlp.metrics import intervals
from alnlp.project import Project, bias
from alnlp.project.browsing import agreement
from alnlp.project.readout import Prediction
from alnlp.project.state import State
from alnlp.store import Event, Ledger, NewEvent
from alnlp_apps.workbench import payloads

browser, visit, served = browsing.browser, browsing.visit, browsing.served


# The draw


@given(share=st.floats(0, 1), other=st.floats(0, 1), uid=st.text(max_size=9))
def test_the_draw_is_steady_and_grows_with_the_share(share: float, other: float, uid: str) -> None:
    ids = [f"{number:016x}" for number in range(400)]
    low, high = sorted((share, other))
    drawn = {at: {i for i in ids if bias.is_blind(uid, i, at)} for at in (low, high)}
    assert drawn[low] <= drawn[high]
    spread = math.sqrt(400 * share * (1 - share))
    assert abs(len(drawn[share]) - 400 * share) <= 6 * spread + 1
    assert not any(bias.is_blind(uid, i, 0.0) for i in ids)
    assert all(bias.is_blind(uid, i, 1.0) for i in ids)


def test_projects_draw_apart() -> None:
    ids = [f"{number:016x}" for number in range(4000)]
    both = sum(bias.is_blind("one", i, 0.5) and bias.is_blind("two", i, 0.5) for i in ids)
    assert both / 4000 == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("share", [-0.1, 1.1, True, "half", float("nan")])
def test_a_share_that_is_none_is_refused(make_project: MakeProject, share: Any) -> None:
    with pytest.raises(ProjectError, match=r"blind_share: got .* expected 0 to 1"):
        make_project(blind_share=share)


# What is handed out


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    project = make_project(answers=False, blind_share=0.5)
    tell_gold(project, project.ask(12))
    project.train(score=True)
    return project


def test_nothing_is_drawn_without_a_model_or_a_share(make_project: MakeProject) -> None:
    project = make_project(answers=False, blind_share=0.5)
    assert {example.blind for example in project.ask(5)} == {None}
    tell_gold(project, project.ask(12))
    project.train(score=True)
    project.update_settings(blind_share=0)
    batch = project.ask(5)
    assert {example.blind for example in batch} == {None}
    assert all(example.suggestion is not None for example in batch)


def test_a_withheld_suggestion_is_nowhere_to_be_seen(project: Project) -> None:
    batch = project.ask(20)
    again = project.ask(20)
    assert [example.blind for example in batch] == [example.blind for example in again]
    assert {example.blind for example in batch} == {True, False}
    for example in batch:
        told = payloads.asked(example)
        item = project.found([example.id])[0]
        seen = payloads.found(item, [])["prediction"]
        if example.blind:
            assert (example.suggestion, example.confidence) == (None, None)
            assert told.pop("withheld")["suggestion"] == example.prediction.answer
            assert told["suggestion"] is told["confidence"] is told["closest"] is seen is None
            assert not any(name in str(told["why"]) for name in project.task.labels)
        else:
            assert example.suggestion == example.prediction.answer == seen["answer"]
            assert told["closest"]
            assert told["withheld"] is None


def test_once_answered_a_prediction_may_be_seen(project: Project) -> None:
    example = next(example for example in project.ask(20) if example.blind)
    project.tell({example.id: GOLD[example.id]})
    assert payloads.found(project.found([example.id])[0], [])["prediction"] is not None


def test_of_a_text_in_parts_the_whole_is_to_be_looked_at(
    make_project: MakeProject, tmp_path: Path
) -> None:
    lines = [
        {"text": f"Call {name} in Bern now", "spans": [{"start": 5, "end": 8, "label": "PER"}]}
        for name in ("Ana", "Ben", "Eva", "Ida", "Jan", "Kim", "Leo", "Mia", "Nia", "Ola")
    ]
    data = tmp_path / "spans.jsonl"
    data.write_text("\n".join(map(json.dumps, lines)))
    project = make_project(data=data, task="ner", answers=False, blind_share=1.0)
    gold = {"spans": lines[0]["spans"]}
    project.tell({example.id: gold for example in project.ask(5)})
    project.train(score=True)
    for example in project.ask(4):
        assert example.blind
        told = payloads.asked(example)
        assert (told["unsure"], told["suggestion"]) == ([], None)
        assert set(told["withheld"]["suggestion"]) == {"spans"}


# What is recorded, and the report


def given_answers(project: Project, right: dict[bool, int], wrong: dict[bool, int]) -> None:
    """Answers to examples that were shown (False) or withheld (True), in these numbers."""
    ids, events = iter(project.pool.ids), []
    for blind in (False, True):
        for n, answer in ((right[blind], "refund"), (wrong[blind], "fault")):
            for _ in range(n):
                told = {"suggestion": "refund", "confidence": 0.9, "blind": blind, "round": 1}
                seconds = 2.0 if blind else 1.0
                events.append(
                    NewEvent(example_id=next(ids), annotator="ana", kind="label", answer=answer,
                             seconds=seconds, **told)
                )  # fmt: skip
    project.record(events)


def test_the_report(make_project: MakeProject) -> None:
    project = make_project(answers=False)
    assert project.bias() == {
        "shown": {"n": 0, "accepted": 0, "acceptance": None, "seconds": None},
        "hidden": {"n": 0, "accepted": 0, "acceptance": None, "seconds": None},
        "difference": None,
    }
    assert "suggestions:" not in alnlp("status", project.folder).stdout
    given_answers(project, {False: 18, True: 5}, {False: 2, True: 15})
    example = list(project.pool.ids)[44]  # no draw was made for this one
    event = NewEvent(example_id=example, annotator="ana", kind="label", answer="fault")
    project.record([replace(event, suggestion="fault")])
    found = project.bias()
    assert (found["shown"]["n"], found["shown"]["accepted"]) == (20, 18)
    assert (found["hidden"]["n"], found["hidden"]["accepted"]) == (20, 5)
    assert (found["shown"]["seconds"], found["hidden"]["seconds"]) == (1.0, 2.0)
    assert found["difference"]["value"] == pytest.approx(0.65)
    assert 0.3 < found["difference"]["low"] < 0.65 < found["difference"]["high"] < 0.85
    with project._state.refreshed() as ledger:
        assert agreement(ledger) == {"share": 19 / 21, "n": 21}  # what was shown, and that alone
    [line] = [
        line for line in alnlp("status", project.folder).stdout.splitlines()
        if line.startswith("suggestions:")
    ]  # fmt: skip
    for part in ("90% of 20", "25% of 20", "+65 points"):
        assert part in line


def test_only_the_answer_that_counts_is_counted() -> None:
    told: dict[str, Any] = {"suggestion": "a", "blind": True, "created_at": "2026-01-01"}
    events = [
        Event(seq=1, uid="1", example_id="e", annotator="ana", kind="label", answer="b", **told),
        Event(seq=2, uid="2", example_id="e", annotator="ana", kind="label", answer="a", **told),
        Event(seq=3, uid="3", example_id="f", annotator="ana", kind="label", answer="b", **told),
        Event(seq=4, uid="4", example_id="f", annotator="ana", kind="undo", target="3",
              created_at="2026-01-01"),
        Event(seq=5, uid="5", example_id="g", annotator="ana", kind="skip", **told),
    ]  # fmt: skip
    hidden = bias.report(Ledger(events))["hidden"]
    assert (hidden["n"], hidden["accepted"]) == (1, 1)


@given(hits=st.tuples(st.integers(0, 40), st.integers(0, 40)), more=st.integers(1, 40))
def test_the_interval_of_a_difference(hits: tuple[int, int], more: int) -> None:
    one, two = (intervals.of_rate(n, n + more) for n in hits)
    gap, back = intervals.of_unpaired(one, two), intervals.of_unpaired(two, one)
    assert -1 <= gap.low <= gap.value <= gap.high <= 1
    assert (gap.low, gap.value, gap.high) == pytest.approx((-back.high, -back.value, -back.low))
    assert gap.high - gap.low >= max(one.high - one.low, two.high - two.low) - 1e-9


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        one, two = rng.binomial(60, 0.85), rng.binomial(30, 0.7)
        gap = intervals.of_unpaired(intervals.of_rate(one, 60), intervals.of_rate(two, 30))
        held += gap.low <= 0.15 <= gap.high
    assert 0.92 <= held / 400 <= 0.99


def test_a_blind_that_is_neither_is_refused(make_project: MakeProject) -> None:
    project = make_project(answers=False)
    event = NewEvent(
        example_id=project.pool.ids[0], annotator="a", kind="skip", blind="yes",  # type: ignore[arg-type]
    )  # fmt: skip
    with pytest.raises(DataError, match="blind"):
        project.record([event])


# In the browser

SEEN = """(example) => {
  const text = document.querySelector(".al-card").textContent;
  return [text, document.querySelectorAll(".al-suggested, [aria-pressed=true].al-label").length];
}"""


def said(state: State, rows: np.ndarray) -> list[Prediction]:
    """A model that is 80% sure of "refund" everywhere."""
    shares = {"delivery": 0.15, "fault": 0.05, "refund": 0.8}
    return [Prediction("refund", 0.8, shares) for _ in rows]


@pytest.mark.browser
def test_a_person_answers_without_the_suggestion(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, visit, served
) -> None:
    project = make_project(answers=False, blind_share=0.5, strategy="random")
    monkeypatch.setattr(State, "predicted", said)
    with served(project.folder.parent, trainer=IdleTrainer()) as base:
        page = visit(base, project.name)
        ready(page)
        asked = {example.text: example for example in project.ask(20)}
        for _ in range(10):
            example = asked[text_of(page)]
            card, suggested = page.evaluate(SEEN)
            if example.blind:
                page.wait_for_selector(".al-suggestion:has-text('withheld')")
                assert suggested == 0
                assert not page.locator(".al-accept").is_visible()
                assert not any(name in card.replace(example.text, "") for name in GOLD.values())
                assert "%" not in card
                assert press(page, "Enter") == example.text  # nothing to accept
            else:
                assert suggested == 1
                assert example.suggestion in card
            press(page, "1")
        saved(page)
        events = {e.example_id: e for e in project._store.events() if e.blind is not None}
        assert {event.blind for event in events.values()} == {True, False}
        for event in events.values():
            example = next(one for one in asked.values() if one.id == event.example_id)
            assert event.blind == example.blind
            assert event.suggestion == example.prediction.answer
            assert event.confidence == pytest.approx(example.prediction.confidence)
        blind = next(event for event in reversed(list(events.values())) if event.blind)
        page.reload()  # what is looked back at stays as it was when it was answered
        ready(page)
        text = next(one.text for one in asked.values() if one.id == blind.example_id)
        while text_of(page) != text:
            before = text_of(page)
            page.keyboard.press("ArrowLeft")
            page.wait_for_function(
                "(text) => document.querySelector('.al-text').textContent !== text", arg=before
            )
        assert page.evaluate(SEEN)[1] == 0
        found = page.evaluate(f"fetch('/alnlp/projects/{project.name}/bias').then((r) => r.json())")
        assert found["blind_share"] == 0.5
        assert found["shown"]["n"] + found["hidden"]["n"] == 10

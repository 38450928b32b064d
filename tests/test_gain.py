"""What choosing has gained: chosen answers against as many drawn at random, and nothing else."""

import json

import measuring
import pytest
from measuring import Make, labelled

from alnlp import Project
from alnlp.project import planning
from alnlp.store import NewEvent

make, trained, project = measuring.make, measuring.trained, measuring.project


def test_what_choosing_gained(project: Project) -> None:
    gained = project.outlook()["gain"]
    assert gained == project.history[-1].gain
    assert gained["n"] == 19  # of 24 without the largest of five parts
    assert gained["shared"] == 18  # of the first batch, which no model chose
    assert gained["difference"] == pytest.approx(gained["chosen"] - gained["random"])
    assert -1 <= gained["low"] <= gained["difference"] <= gained["high"] <= 1
    assert gained["low"] < gained["high"]
    assert project.history[0].gain is None  # 6 answers kept aside


def test_what_was_drawn_at_random_at_first_is_no_choice(make: Make) -> None:
    project = labelled(make(), 1, n=80)
    assert project.status()["audited"] == 20
    assert project.outlook()["gain"] is None
    labelled(project, 2)
    gained = project.outlook()["gain"]
    assert (gained["n"], gained["shared"]) == (25, 60)


def test_a_gain_of_an_earlier_version_is_not_told(project: Project) -> None:
    file = project.history[-1].folder / "round.json"
    info = json.loads(file.read_text())
    del info["gain"]["shared"]
    file.write_text(json.dumps(info))
    assert project.outlook()["gain"] is None


def test_what_nobody_was_asked_for_is_no_choice_of_a_strategy(project: Project) -> None:
    state = project._state

    def asked() -> set[int]:
        with state.refreshed() as ledger:
            return set(planning.plan(state, ledger, False, "margin", frozenset()).asked.tolist())

    before = asked()
    assert len(before) == 54
    bulk, searched, told = (
        item.example.id for item in project.search(which="unanswered", limit=3)[0]
    )
    project.tell({bulk: "fault"}, bulk=True)
    found = {"annotator": "me", "kind": "label", "answer": "fault", "strategy": "search"}
    project.record([NewEvent(example_id=searched, **found)])
    project.tell({told: "fault"})
    assert asked() == before
    with state.refreshed() as ledger:
        taught = planning.plan(state, ledger, False, "margin", frozenset()).rows
    others = len(taught) - len(before)
    assert others > 18
    project.train()
    assert project.outlook()["gain"]["shared"] == others  # but both models learn from them
    batch = project.ask(8)
    project.tell(dict.fromkeys((one.id for one in batch), "fault"))
    assert len(asked()) == len(before) + 6  # by the strategy, the others for the audit sample


def test_what_the_frozen_network_says_is_read_where_nobody_kept_it(
    make: Make, tiny_model: str
) -> None:
    project = make(model=tiny_model, strategy="margin")
    labelled(project, 2, n=48)
    read = project.outlook()["gain"]
    assert read is not None
    project.prepare()
    project.train()
    assert project.outlook()["gain"] == pytest.approx(read)

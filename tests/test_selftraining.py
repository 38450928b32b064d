"""Models that learn from their own sure guesses, and what they are given as such."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import tell_gold

from alnlp import Project
from alnlp.errors import ModelError
from alnlp.models import locate, public_name, self_trains, split, taught_by
from alnlp.project import learning, selftraining
from alnlp.project.readout import Prediction
from alnlp.project.selftraining import surest
from alnlp.tasks import Task

TASK = Task("classification", ("a", "b"))


def guesses(*said: tuple[str, float]) -> list[Prediction]:
    return [Prediction(answer, confidence) for answer, confidence in said]


def test_the_surer_half_of_each_label_by_hand() -> None:
    said = guesses(("a", 0.9), ("b", 0.6), ("a", 0.8), ("b", 0.7), ("a", 0.99), ("a", 0.5))
    assert surest(TASK, said, 99).tolist() == [0, 3, 4]
    # Two of six are a third: one of four, and one of two.
    assert surest(TASK, said, 2).tolist() == [3, 4]
    assert surest(TASK, [], 5).tolist() == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1)), max_size=30), st.integers(0, 40))
def test_nobody_left_out_is_surer(said: list[tuple[str, float]], most: int) -> None:
    chosen = surest(TASK, guesses(*said), most).tolist()
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= most + 1  # each label is rounded
    for label in "ab":
        of_label = [place for place, one in enumerate(said) if one[0] == label]
        taken = [said[place][1] for place in of_label if place in chosen]
        left = [said[place][1] for place in of_label if place not in chosen]
        assert len(taken) <= round(len(of_label) / 2)
        assert not taken or not left or min(taken) >= max(left)


def test_names() -> None:
    assert [self_trains(name) for name in ("selftrain", "selftrain:probe", "probe")] == [1, 1, 0]
    assert (taught_by("selftrain"), taught_by("selftrain:probe:x")) == ("minilm", "probe:x")
    assert taught_by("setfit") == "setfit"
    assert split("selftrain:probe:x") == ("probe", "x")
    assert split("selftrain") == ("", "minilm")
    assert locate("selftrain") == "selftrain:minilm"
    assert locate("selftrain:setfit") == "selftrain:setfit:minilm"
    assert public_name("selftrain:probe").startswith("selftrain:probe:sentence-transformers/")
    for wrong in ("selftrain:auto", "selftrain:selftrain:probe"):
        with pytest.raises(ModelError, match=r"model: got '.*', expected a model after") as refused:
            locate(wrong)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["probe:", ""])
def test_a_round_learns_from_guesses(
    kind: str, make_project: Any, tiny_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project: Project = make_project(model=f"selftrain:{kind}{tiny_model}", audit_share=0.5)
    tell_gold(project, project.ask(8, strategy="random"))
    learnt: list[tuple[list[int], list[Any]]] = []
    plain = learning.fit

    def fit(model: Any, pool: Any, rows: Any, answers: Any, *rest: Any) -> Any:
        learnt.append((rows.tolist(), list(answers)))
        return plain(model, pool, rows, answers, *rest)

    plans: list[Any] = []
    trained = selftraining.fit

    def noted(model: Any, name: str, plan: Any, *rest: Any) -> Any:
        plans.append(plan)
        return trained(model, name, plan, *rest)

    monkeypatch.setattr(learning, "fit", fit)
    monkeypatch.setattr(selftraining, "fit", noted)
    made = project.train(score=True)
    (first, _), (second, answers) = learnt
    assert second[: len(first)] == first
    guessed = second[len(first) :]
    assert 0 < len(guessed) == made.fit["guessed"] <= 4 * len(first)
    assert made.labels == made.fit["examples"] == len(first)
    assert set(answers) <= set(project.task.labels)
    assert set(guessed) <= set(plans[0].unlabelled.tolist())
    assert len(plans[0].reserved)
    assert not set(guessed) & set(plans[0].reserved.tolist())
    assert "and its own guesses about" in (made.folder / "README.md").read_text("utf-8")
    again = project.train(score=True)
    assert learnt[3] == learnt[1]
    assert json.dumps(again.metrics) == json.dumps(made.metrics)
    assert project.ask(3)


def test_without_anything_to_guess_it_is_the_plain_model(
    make_project: Any, tiny_model: str
) -> None:
    project: Project = make_project(model=f"selftrain:probe:{tiny_model}")
    tell_gold(project, project.ask(len(project.pool), strategy="random"))
    assert project.train(score=True).fit["guessed"] == 0

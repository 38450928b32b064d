"""Which model `auto` stands for in a round, and that it says why."""

import pytest

from alnlp.models import AUTO, MODELS, locate, public_name, split
from alnlp.models.choosing import choose
from alnlp.models.finetuned import FineTuned
from alnlp.project import Project
from alnlp.tasks import Task

THREE = Task("classification", ("a", "b", "c"))
MANY = Task("multilabel", tuple(f"label {k}" for k in range(77)))


def quick() -> float:
    return 12.0


def never() -> float:
    raise AssertionError("the time decides nothing here")


def test_few_labels_are_fine_tuned_from_the_first_answers_on() -> None:
    choice = choose(THREE, 5, quick)
    assert choice.model == "minilm"
    assert choice.reason == "5 answers for 3 labels are worth fine-tuning on, at 12 s or more here"


@pytest.mark.parametrize(("answers", "model"), [(20, "probe"), (153, "probe"), (154, "minilm")])
def test_many_labels_need_some_answers_each(answers: int, model: str) -> None:
    choice = choose(MANY, answers, quick)
    assert choice.model == model
    assert f"{answers} answers for 77 labels" in choice.reason


def test_a_slow_machine_keeps_the_network_frozen() -> None:
    choice = choose(THREE, 50, lambda: 1200.0)
    assert choice.model == "probe"
    assert "20 minutes" in choice.reason


def test_entities_are_always_fine_tuned() -> None:
    assert choose(Task("ner", ("PER",)), 2, never).model == "minilm"


def test_its_name_stays_what_it_is() -> None:
    assert next(iter(MODELS)) == AUTO
    assert locate(AUTO) == public_name(AUTO) == AUTO
    assert split(AUTO) == ("", "minilm")
    assert locate("probe:auto") == "probe:minilm"


def test_a_round_says_what_was_chosen_and_why(make_project, tiny_model: str, monkeypatch) -> None:
    """The tiny network stands in for MiniLM, and a clock for the machine."""
    monkeypatch.setattr("alnlp.models.resolve", lambda name: tiny_model)
    monkeypatch.setattr("alnlp.models.loading.resolve", lambda name: tiny_model)
    monkeypatch.setattr("alnlp.models.frozen.resolve", lambda name: tiny_model)
    asked = []

    def measured(self: FineTuned, texts: list[str]) -> float:
        asked.append(len(texts))
        return 900.0

    monkeypatch.setattr(FineTuned, "shortest_training", measured)
    project: Project = make_project(model=AUTO)
    project.tell({i.id: project.pool.gold(project.pool.row(i.id)) for i in project.ask(9)})
    made = project.train(score=True)
    assert (made.model, asked) == ("probe", [9])
    assert "15 minutes" in made.reason
    monkeypatch.setattr(FineTuned, "shortest_training", lambda self, texts: 1.0)
    made = project.train()
    assert (made.model, made.fit["steps"]) == ("minilm", 100)
    monkeypatch.setattr(FineTuned, "shortest_training", measured)
    assert project.train().model == "minilm"  # now the steps of the round before are known
    assert len(asked) == 1
    project.update_settings(model=tiny_model)
    assert project.train().reason == ""


def test_the_time_of_a_training_is_told_from_a_pass(tiny_model: str) -> None:
    assert FineTuned(THREE, tiny_model).shortest_training(["where is my parcel"] * 5) > 0

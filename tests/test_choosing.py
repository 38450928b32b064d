"""Which model `auto` stands for in a round, and that it says why."""

import pytest

from alnlp.models import AUTO, MODELS, locate, public_name, split
from alnlp.models.choosing import choose
from alnlp.models.finetuned import FineTuned
from alnlp.project import Project
from alnlp.tasks import Task

THREE = Task("classification", ("a", "b", "c"))
MANY = Task("multilabel", tuple(f"label {k}" for k in range(77)))


def quick(_anew: bool) -> tuple[float, float]:
    return 8.0, 12.0


def never(_anew: bool) -> tuple[float, float]:
    raise AssertionError("the time decides nothing here")


def test_few_labels_are_fine_tuned_from_the_first_answers_on() -> None:
    choice = choose(THREE, 5, quick)
    assert choice.model == "minilm"
    assert (
        choice.reason == "5 answers for 3 labels are worth fine-tuning on, which takes about 12 s"
    )


@pytest.mark.parametrize(("answers", "model"), [(20, "probe"), (153, "probe"), (154, "minilm")])
def test_many_labels_need_some_answers_each(answers: int, model: str) -> None:
    choice = choose(MANY, answers, quick)
    assert choice.model == model
    assert f"{answers} answers for 77 labels" in choice.reason


def test_a_slow_machine_keeps_the_network_frozen() -> None:
    choice = choose(THREE, 50, lambda _anew: (1200.0, 5000.0))
    assert choice.model == "probe"
    assert "20 minutes" in choice.reason


def test_a_training_that_has_waited_is_no_slow_machine() -> None:
    """As where the computer slept meanwhile: the time is measured before it decides anything."""
    choice = choose(THREE, 50, lambda anew: (8.0, 12.0) if anew else (1200.0, 5000.0))
    assert choice.model == "minilm"
    assert "about 12 s" in choice.reason


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
    asked = []

    def measured(
        self: FineTuned, texts: list[str], answers: int, a_step: float | None
    ) -> tuple[float, float]:
        asked.append((len(texts), answers))
        return 900.0, 900.0

    monkeypatch.setattr(FineTuned, "expected_seconds", measured)
    project: Project = make_project(model=AUTO)
    project.tell({i.id: project.pool.gold(project.pool.row(i.id)) for i in project.ask(9)})
    made = project.train(score=True)
    assert (made.model, asked) == ("probe", [(9, 9)] * 2)
    assert "15 minutes" in made.reason
    monkeypatch.setattr(FineTuned, "expected_seconds", lambda *_: (1.0, 1.0))
    made = project.train()
    assert (made.model, made.fit["steps"]) == ("minilm", 25)
    project.update_settings(model=tiny_model)
    assert project.train().reason == ""


def test_the_time_of_a_training_is_told_from_a_few_steps(tiny_model: str) -> None:
    shortest, all_of_them = FineTuned(THREE, tiny_model).expected_seconds(["my parcel"] * 5, 1000)
    assert 0 < shortest < all_of_them
    assert all_of_them == pytest.approx(shortest * 315 / 80)


def test_a_training_tells_the_time_of_the_next(make_project, tiny_model: str, monkeypatch) -> None:
    monkeypatch.setattr("alnlp.models.resolve", lambda name: tiny_model)
    monkeypatch.setattr("alnlp.models.loading.resolve", lambda name: tiny_model)
    known = []
    measuring = FineTuned.expected_seconds

    def listening(self: FineTuned, texts, answers: int, a_step: float | None):
        known.append(a_step)
        return measuring(self, texts, answers, a_step)

    monkeypatch.setattr(FineTuned, "expected_seconds", listening)
    project: Project = make_project(model=AUTO)
    project.tell({i.id: project.pool.gold(project.pool.row(i.id)) for i in project.ask(9)})
    first = project.train()
    project.train()
    assert known == [None, first.fit["seconds"] / first.fit["steps"]]

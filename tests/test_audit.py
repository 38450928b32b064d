"""The audit sample: drawn at random, told to nobody, never trained on, and honest."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alnlp.calibration import tempered
from alnlp.errors import ProjectError
from alnlp.project import Project, audit
from alnlp.tasks import Task

Make = Callable[..., Project]


@pytest.fixture
def make(make_project: Make, tmp_path: Path) -> Make:
    """Projects with so many texts of random words, half of them of each label."""

    def made(size: int, **settings: Any) -> Project:
        rng = random.Random(0)
        words = ["".join(rng.choices("abcdefgh", k=6)) for _ in range(500)]
        lines: list[dict[str, Any]] = [
            {"text": f"{['yes', 'no'][at % 2]} {' '.join(rng.choices(words, k=9))}"}
            for at in range(size)
        ]
        for at, line in enumerate(lines):
            label = ["yes", "no"][at % 2]
            spans = [{"start": 0, "end": len(label), "label": "X"}]
            line |= {"spans": spans} if settings.get("task") == "ner" else {"label": label}
        path = tmp_path / "texts.jsonl"
        path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        return make_project(data=path, **{"answers": False, **settings})

    return made


def ids_of(project: Project, found: np.ndarray) -> set[str]:
    return {project.pool.ids[row] for row in found.tolist()}


def reserve(project: Project) -> set[str]:
    with project._state.refreshed() as ledger:
        return ids_of(project, project._state.reserved(ledger))


def sample(project: Project) -> set[str]:
    with project._state.refreshed() as ledger:
        return ids_of(project, project._state.audited(ledger)[0])


def answer(project: Project, batch) -> None:
    project.tell({i.id: project.pool.gold(project.pool.row(i.id)) for i in batch})


@pytest.fixture
def project(make: Make) -> Project:
    return make(300, audit_share=0.2)


def test_a_share_of_each_batch_is_drawn_from_the_reserve(project: Project) -> None:
    kept = reserve(project)
    assert 0.1 * 300 < len(kept) < 0.3 * 300
    for count in range(1, 6):
        batch = project.ask(10)
        assert len(batch) == 10
        assert len({(i.strategy, i.why) for i in batch}) == 1  # nothing tells them apart
        answer(project, batch)
        assert len(sample(project)) == 2 * count
    assert sample(project) < kept


def test_small_batches_come_to_the_same_share(project: Project) -> None:
    for _ in range(15):
        answer(project, project.ask(1))
    assert len(sample(project)) == 3


def test_it_is_never_trained_on(project: Project) -> None:
    answer(project, project.ask(20))
    made = project.train(score=True)
    assert made.labels == 16
    assert made.audit["n"] == 4
    assert project.status()["labelled"] == 20
    assert project.status()["audited"] == 4
    scored = ids_of(project, made.rows)
    assert not scored & sample(project)
    assert reserve(project) - sample(project) <= scored


def test_the_figures_are_those_of_the_model(project: Project) -> None:
    answer(project, project.ask(50))
    made = project.train(score=True)
    audited = sorted(sample(project))
    texts = [project.pool[project.pool.row(i)].text for i in audited]
    gold = [project.pool.gold(project.pool.row(i)) for i in audited]
    right = np.mean([p.answer == g for p, g in zip(project.predict(texts), gold, strict=True)])
    figure = made.audit["accuracy"]
    assert figure["value"] == pytest.approx((10 * right + 0.5) / 11, abs=0.01)  # as after Jeffreys
    assert figure["low"] <= right <= figure["high"]
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert figure["high"] - figure["low"] > 0.05
    assert set(made.audit["labels"]) == set(project.task.labels)
    assert Project.open(project.folder).newest_round.audit == made.audit


def test_what_is_labelled_out_of_turn_does_not_count(project: Project) -> None:
    """Search results are no random draw, even where they hit the reserve."""
    with project._state.refreshed() as ledger:
        last = [project.pool.ids[row] for row in project._state.reserved(ledger)[-5:].tolist()]
    project.tell({i: project.pool.gold(project.pool.row(i)) for i in last})
    assert sample(project) == set()
    answer(project, project.ask(10))
    assert project.train(score=False).labels == 10 - len(sample(project))


def test_what_is_answered_in_one_go_was_not_asked_for(project: Project) -> None:
    others = [i for i in project.pool.ids if i not in reserve(project)][:100]
    project.tell(dict.fromkeys(others, "yes"), bulk=True)
    answer(project, project.ask(10))
    assert len(sample(project)) == 2


def test_given_back_and_skipped_examples_do_not_use_up_the_share(project: Project) -> None:
    first = {i.id for i in project.ask(10)} & reserve(project)
    project.release()
    again = {i.id for i in project.ask(10)} & reserve(project)
    assert again == first
    project.skip(list(first))
    rest = project.ask(10)
    assert not first & {i.id for i in rest}


def test_answers_of_a_file_are_trained_on(make: Make) -> None:
    project = make(100, audit_share=0.3, answers=True)
    assert reserve(project) == set()
    assert project.train(score=False).labels == 100


def test_when_all_else_is_labelled_the_reserve_is_asked_for(make: Make) -> None:
    project = make(40, audit_share=0.2)
    seen: set[str] = set()
    while batch := project.ask(7):
        seen |= {i.id for i in batch}
        answer(project, batch)
    assert seen == {project.pool.ids[row] for row in range(len(project.pool))}
    assert sample(project) == reserve(project)


def test_the_share_may_sink_and_not_rise(project: Project) -> None:
    answer(project, project.ask(20))
    with pytest.raises(ProjectError, match="audit_share"):
        project.update_settings(audit_share=0.3)
    project.update_settings(audit_share=0.0)
    assert reserve(project) == sample(project) == set()
    assert project.train(score=False).labels == 20
    with pytest.raises(ProjectError, match=r"0 to 0\.5"):
        project.update_settings(audit_share=0.6)


def test_the_reserve_is_a_random_part_of_the_pool(project: Project) -> None:
    drawn = audit.lots(project.pool)
    assert len(np.unique(drawn)) == len(drawn)
    kept = audit.reserved(drawn, 0.2)
    assert (np.diff(drawn[kept].astype(float)) >= 0).all()
    assert set(audit.reserved(drawn, 0.1)) < set(kept)
    assert len(audit.reserved(drawn, 0.0)) == 0


def test_due_is_the_share_of_all_that_is_asked_for() -> None:
    reserved = np.arange(100)
    nobody = np.arange(0)
    assert audit.due(0.1, nobody, reserved, 20) == 2
    assert audit.due(0.1, nobody, reserved, 9) == 0
    assert audit.due(0.1, np.arange(200, 209), reserved, 1) == 1
    assert audit.due(0.1, np.arange(50), reserved, 20) == 0
    assert audit.due(0.5, np.arange(200, 300), reserved, 3) == 3


def test_near_duplicates_in_the_reserve_wait_for_another_batch(
    make_project: Make, tmp_path: Path
) -> None:
    """Two of them in a batch would be given back and drawn again for ever."""
    path = tmp_path / "alike.jsonl"
    texts = [
        f"the parcel number {word} came late and the box was wet{mark}"
        for word in ("oneone", "twotwo", "threethree", "fourfour")
        for mark in (".", "!", "?", " ")
    ]
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    settings = {"labels": ["a", "b"], "audit_share": 0.5}
    project = make_project(data=path, **settings)
    groups, seen = project.pool.groups, 0
    assert len(np.unique(groups)) < len(project.pool)
    while batch := project.ask(8):
        found = groups[project.pool.rows([one.id for one in batch])]
        assert len(np.unique(found)) == len(found)
        project.tell({one.id: "a" for one in batch})
        seen += len(batch)
    assert seen == len(project.pool)


def test_a_budget_of_words_is_kept(make: Make) -> None:
    project = make(200, task="ner", audit_share=0.2)
    for _ in range(4):
        batch = project.ask(tokens=120)
        words = sum(len(one.words) for one in batch)
        assert 60 < words <= 120
        assert [one.id for one in project.ask(tokens=120)] == [one.id for one in batch]
        answer(project, batch)
    labelled = project.status()["labelled"]
    assert 0.1 * labelled <= len(sample(project)) <= 0.2 * labelled


def test_what_came_from_a_file_is_never_kept_aside(make: Make) -> None:
    project = make(100, audit_share=0.3, answers=True)
    for row in range(10):
        project.tell({project.pool.ids[row]: "no"})  # a person puts an imported answer right
    assert reserve(project) == set()
    with pytest.raises(ProjectError, match="audit_share"):
        project.update_settings(audit_share=0.4)


def test_texts_looked_at_in_part_do_not_count(make: Make) -> None:
    project = make(60, task="ner", audit_share=0.5)
    batch = project.ask(10)
    assert sum(one.id in reserve(project) for one in batch) == 5
    whole = {"spans": [], "confirmed": [[0, 3]]}
    project.tell({one.id: whole for one in batch})
    assert sample(project) == set()


@pytest.mark.parametrize("task", ["classification", "multilabel"])
def test_a_label_may_be_called_as_it_likes(make: Make, task: str) -> None:
    names = ["confirmed", "unconfirmed"]
    project = make(60, audit_share=0.5, task=task, labels=["yes", "no", *names])
    batch = project.ask(20)
    given = [names[i % 2] if task == "classification" else [names[i % 2]] for i in range(20)]
    project.tell({one.id: answer for one, answer in zip(batch, given, strict=True)})
    assert len(sample(project)) == 10


def test_what_was_drawn_and_skipped_is_told(project: Project) -> None:
    batch = project.ask(20)
    drawn = [one.id for one in batch if one.id in reserve(project)]
    assert len(drawn) == 4
    project.skip(drawn[:2])
    answer(project, [one for one in batch if one.id not in drawn[:2]])
    status = project.status()
    assert (status["audited"], status["audit_skipped"]) == (2, 2)
    project.tell({drawn[0]: "yes"})
    assert project.status()["audit_skipped"] == 1


def test_a_label_that_occurs_nowhere_lowers_no_figure() -> None:
    said = {"probabilities": np.eye(4)[[0, 1] * 30]}
    gold = ["a", "b"] * 30
    two, four = (Task("classification", tuple("abcd"[:n])) for n in (2, 4))
    expected = audit.figures(two, gold, {"probabilities": said["probabilities"][:, :2]})
    found = audit.figures(four, gold, said)
    assert found["labels"].keys() == {"a", "b"}
    assert found["macro_f1"] == expected["macro_f1"]
    taught = audit.figures(four, gold, said, ["c"])  # which is there, but not among these texts
    assert taught["labels"].keys() == {"a", "b", "c"}
    assert taught["macro_f1"]["low"] < found["macro_f1"]["low"]


def figures_of(gold: list[str], certain: float) -> dict:
    task = Task("classification", ("a", "b"))
    wrong = np.array([[certain, 1 - certain]] * len(gold))
    said = {"probabilities": wrong}
    return audit.figures(task, gold, said)


def test_overconfident_models_are_cooled_down() -> None:
    found = figures_of((["a"] * 3 + ["b"]) * 20, 0.99)
    assert found["temperature"] > 2
    assert found["ece"]["before"] == pytest.approx(0.24)
    assert found["ece"]["after"] < 0.6 * found["ece"]["before"]


def test_what_people_are_told_is_put_right(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"temperature": 2.5, "ece": {"before": 0.2, "after": 0.1}}
    monkeypatch.setattr(audit, "_calibration", lambda *_: found)
    for _ in range(3):
        answer(project, project.ask(50))
    made = project.train(score=True)
    assert made.temperature == 2.5
    asked = project.ask(3)[0]
    raw = made.arrays["probabilities"][made.positions(project.pool.rows([asked.id]))]
    expected = tempered(np.asarray(raw), made.temperature)[0].max()
    assert asked.confidence == pytest.approx(expected)
    assert project.predict([asked.text])[0].confidence == pytest.approx(expected, abs=0.01)
    card = (made.folder / "README.md").read_text()
    assert f"divided by {made.temperature:.3g}" in card
    assert "Measured on 30 answers to examples drawn at random" in card


def test_few_answers_give_wide_intervals() -> None:
    few, many = (figures_of((["a"] * 3 + ["b"]) * n, 0.75) for n in (2, 50))
    widths = [found["accuracy"]["high"] - found["accuracy"]["low"] for found in (few, many)]
    assert widths[0] > 2 * widths[1]
    assert few["temperature"] == 1.0  # of so few none can be told


def test_label_sets_and_entities_are_measured_too() -> None:
    task = Task("multilabel", ("a", "b"))
    said = {"probabilities": np.array([[0.9, 0.2], [0.8, 0.6], [0.3, 0.1]] * 5)}
    found = audit.figures(task, [["a"], ["a"], []] * 5, said)
    assert found["subset_accuracy"]["value"] == pytest.approx(10.5 / 16, abs=0.01)
    assert found["labels"]["a"]["value"] > found["labels"]["b"]["value"]


def test_entities_are_measured(make: Make) -> None:
    project = make(60, task="ner", audit_share=0.5)
    answer(project, project.ask(20))
    made = project.train(score=True)
    assert made.audit["n"] == 10
    assert 0 <= made.audit["span_f1"]["low"] <= made.audit["span_f1"]["high"] <= 1
    assert audit.main_figure(made.audit)[0] == "span_f1"


def test_a_small_budget_of_words_reaches_what_was_kept_for_the_end(make: Make) -> None:
    project = make(30, audit_share=0.2, task="ner", strategy="random")
    while batch := project.ask(tokens=5):  # half of a text
        assert len(batch) == 1
        answer(project, batch)
    assert (project.status()["labelled"], batch.notice) == (30, "every example is answered")

"""Advice on when to stop: what rounds said of a stop set, kept and compared."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from telling import tell_gold

from alnlp import Project
from alnlp.project.advising import _codes, _predictions, _uncertainties
from alnlp.stopping import agreement, kappa

MakeProject = Callable[..., Project]


@pytest.fixture
def trained(make_project: MakeProject, tiny_model: str, csv_file: Path) -> Project:
    test = csv_file.with_name("test.csv")
    test.write_text("text,label\nsomething else entirely,refund\nand more,fault\n")
    project = make_project(model=f"probe:{tiny_model}", test=test, keep_rounds=1)
    for _ in range(4):
        tell_gold(project, project.ask(5))
        project.train()
    return project


def test_each_criterion_has_its_say(trained: Project) -> None:
    advice = {one.criterion: one for one in trained.advice(budget=20)}
    assert set(advice) == {
        "budget", "agreement", "classification_change", "overall_uncertainty", "delta_f", "plateau",
    }  # fmt: skip
    assert advice["budget"].stop
    assert all(one.reason.endswith(".") for one in advice.values())
    assert "budget" not in {one.criterion for one in trained.advice()}


def test_the_stop_set_outlives_its_round_and_is_what_the_model_said(trained: Project) -> None:
    said = []
    for made in trained.history:
        rows = np.load(made.folder / "stop_rows.npy")
        said.append(dict(zip(rows.tolist(), np.load(made.folder / "stop_predictions.npy"),
                             strict=True)))  # fmt: skip
    assert not (trained.history[0].folder / "rows.npy").exists()
    newest = said[-1]
    texts = [trained.pool[row].text for row in newest]
    predicted = [trained.task.labels.index(one.answer) for one in trained.predict(texts)]
    assert predicted == [int(code) for code in newest.values()]
    common = set.intersection(*map(set, said))
    pairs = [[int(one[row]) for row in sorted(common)] for one in said]
    agreements = [kappa(a, b) for a, b in pairwise(pairs)]
    kept, texts = _predictions(trained.history)
    assert kept is not None
    assert texts == len(common)
    assert kept.tolist() == pairs
    assert None not in agreements
    assert agreement(kept, 500).value == pytest.approx(np.mean(agreements))
    few = {one.criterion: one for one in trained.advice()}["agreement"]
    assert few.reason.startswith(f"Only {len(common)} texts")


def test_before_the_first_round_there_is_the_budget_alone(make_project: MakeProject) -> None:
    project = make_project()
    assert project.advice() == []
    tell_gold(project, project.ask(5))
    assert [one.reason for one in project.advice(budget=20)] == [
        "15 of 20 labels of the budget are left."
    ]


def test_the_budget_counts_every_answer(trained: Project) -> None:
    """Also those of the audit sample, and those that came after the newest round."""
    tell_gold(trained, trained.ask(3))
    assert trained.advice(budget=30)[0].reason == "7 of 30 labels of the budget are left."


def test_the_uncertainty_is_that_of_the_stop_set(trained: Project) -> None:
    made = trained.newest_round
    assert made is not None
    stop = np.load(made.folder / "stop_rows.npy")
    texts = [trained.pool[row].text for row in stop.tolist()]
    said = np.array([list(one.probabilities.values()) for one in trained.predict(texts)])
    expected = -(said * np.log(said)).sum(axis=1).mean()
    told = _uncertainties(trained.task, made)
    assert told is not None
    assert told.mean() == pytest.approx(expected, rel=1e-2)


def test_rounds_that_read_nothing_are_passed_over(trained: Project) -> None:
    for _ in range(4):
        tell_gold(trained, trained.ask(2))
        trained.train(score=False)
    said, _ = _predictions(trained.history)
    assert said is not None
    assert len(said) == 4


def test_tags_of_words_as_codes() -> None:
    class Words:
        def words(self, row: int) -> list[tuple[int, int]]:
            return [(0, 3), (4, 8), (9, 12), (13, 15)]

    spans = np.zeros(2, np.dtype([("start", "i4"), ("end", "i4"), ("label", "i2")]))
    spans["start"], spans["end"], spans["label"] = [4, 0], [12, 3], [1, 0]
    said = {"spans": spans, "spans_ends": np.array([1, 2])}
    assert _codes(Words(), 0, 0, said).tolist() == [-1, 2, 3, -1]  # type: ignore[arg-type]
    assert _codes(Words(), 0, 1, said).tolist() == [0, -1, -1, -1]  # type: ignore[arg-type]


def test_the_command_line_shows_it(trained: Project, capsys: pytest.CaptureFixture[str]) -> None:
    from alnlp.cli.projects import status

    status(trained.folder)
    assert "says agreement: " in capsys.readouterr().out
    status(trained.folder, as_json=True)
    assert len(json.loads(capsys.readouterr().out)["advice"]) == 5

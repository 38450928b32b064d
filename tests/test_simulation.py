"""The oracle loop: a plain use of the public methods, repeatable by its seed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from alnlp.errors import DataError, ProjectError
from alnlp.plotting import learning_curves
from alnlp.project import Project
from alnlp.simulation import Simulation, simulate

MakeProject = Callable[..., Project]


def test_a_curve(make_project: MakeProject, csv_file: Path, tmp_path: Path) -> None:
    test = csv_file.with_name("test.csv")
    lines = csv_file.read_text().splitlines()
    test.write_text("\n".join([lines[0], *lines[-12:]]))
    runs = []
    for name in ("one", "two"):
        project = make_project(name, test=test, seed=3)
        runs.append(simulate(project, rounds=2, batch_size=6, initial=9))
    result = runs[0].to_json()
    assert [point["labels"] for point in result["rounds"]] == [9, 15, 21]
    assert [point["round"] for point in result["rounds"]] == [0, 1, 2]
    assert result["pool"] == 33
    assert result["test"] == 12
    assert set(result["rounds"][0]["metrics"]) == {"accuracy", "macro_f1"}
    assert set(result["rounds"][0]["seconds"]) == {"train", "score", "select"}
    metrics = [[point.metrics for point in run.rounds] for run in runs]
    assert metrics[0] == metrics[1]
    assert Simulation.from_json(json.loads(json.dumps(result))) == runs[0]
    picture = learning_curves({"margin": runs}, tmp_path / "curve.png", metric="accuracy")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_exhausted_pool_ends_the_curve(make_project: MakeProject, csv_file: Path) -> None:
    test = csv_file.with_name("test.csv")
    test.write_text("text,label\nsomething else entirely,refund\n")
    project = make_project(test=test, strategy="random")
    result = simulate(project, rounds=5, batch_size=20, initial=20)
    assert [point.labels for point in result.rounds] == [20, 40, 45]
    assert all(point.seconds["score"] == 0 for point in result.rounds)


def test_it_needs_a_test_set_and_labels(make_project: MakeProject, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no test set"):
        simulate(make_project("one"), rounds=1)
    path = tmp_path / "bare.csv"
    path.write_text("text\nhello there\nhow are you\n")
    test = tmp_path / "test.csv"
    test.write_text("text,label\nsomething,refund\nelse,fault\n")
    bare = make_project("two", data=path, test=test)
    with pytest.raises(DataError, match="has no label in the data"):
        simulate(bare, rounds=1, batch_size=2)


def test_the_first_batch_may_be_chosen_as_well(make_project: MakeProject, csv_file: Path) -> None:
    test = csv_file.with_name("test.csv")
    test.write_text("text,label\nsomething else entirely,refund\n")
    project = make_project(test=test)
    result = simulate(project, rounds=1, batch_size=4, initial=4, initial_strategy="k_center")
    assert [point.labels for point in result.rounds] == [4, 8]
    with pytest.raises(ProjectError, match="needs a trained model"):
        simulate(make_project("two", test=test), rounds=1, initial_strategy="margin")

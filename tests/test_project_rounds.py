"""The rounds of a project, and what comes out of it: train, come back, export, search."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import rows
from plain import transformers_said
from telling import GOLD, MakeProject, tell_gold

from alnlp.errors import Cancelled, DataError, ProjectError
from alnlp.progress import Step
from alnlp.project import Project, Round

# Training


def test_a_round_scores_the_rest_and_steers_the_next_batch(make_project: MakeProject) -> None:
    project = make_project(strategy="margin")
    tell_gold(project, project.ask(12))
    made = project.train()
    assert made.number == 1
    assert made.labels == 12
    assert len(made.rows) == 33
    np.testing.assert_allclose(made.arrays["probabilities"].sum(axis=1), 1, atol=1e-3)
    batch = project.ask(5)
    margins = np.sort(made.arrays["probabilities"], axis=1)
    least_sure = made.rows[np.argsort(margins[:, -1] - margins[:, -2])[:5]]
    assert {example.id for example in batch} == {project.pool.ids[row] for row in least_sure}
    assert all(example.strategy == "margin" and example.round == 1 for example in batch)
    assert all(0 <= (example.confidence or -1) <= 1 for example in batch)


def test_one_label_only_and_one_example_only(make_project: MakeProject) -> None:
    project = make_project()
    project.tell({project.ask(1)[0].id: "refund"})
    assert project.train(score=True).per_label == {"delivery": 0, "fault": 0, "refund": 1}
    assert project.predict(["money back"])[0].answer in project.task.labels


def test_training_on_nothing(make_project: MakeProject) -> None:
    project = make_project()
    with pytest.raises(ProjectError, match="label some first"):
        project.train()
    with pytest.raises(ProjectError, match="no model has been trained yet"):
        project.predict(["hello"])


def test_test_examples_are_never_trained_on(make_project: MakeProject, csv_file: Path) -> None:
    test = csv_file.with_name("test.csv")
    test.write_text("\n".join(csv_file.read_text().splitlines()[:16]))
    project = make_project(test=test, answers=True)
    assert project.status()["labelled"] == 30
    assert project.train(score=True).labels == 30
    assert len(project.newest_round.rows) == 0


def test_a_held_round_outlives_its_pruning(make_project: MakeProject) -> None:
    project = make_project(keep_rounds=1)
    tell_gold(project, project.ask(9))
    project.train()
    held = project.newest_round
    Project.open(project.folder).train()
    assert held is not None
    assert len(held.arrays["probabilities"]) == 36
    assert project.newest_round.number == 2
    assert len(project.ask(3)) == 3


def test_damaged_rounds_name_the_folder_to_remove(make_project: MakeProject) -> None:
    project = make_project()
    tell_gold(project, project.ask(9))
    made = project.train()
    (project.folder / "rounds" / "0002").mkdir()
    assert project.train().number == 3
    (made.folder / "round.json").write_text("{")
    with pytest.raises(ProjectError, match="0001: a damaged round"):
        project.history  # noqa: B018
    for name in ("0001", "0002", "0003"):
        shutil.rmtree(project.folder / "rounds" / name)
    assert project.newest_round is None


def test_a_project_does_not_move_with_the_working_directory(
    make_project: MakeProject, tmp_path: Path, csv_file: Path, tiny_model: str, monkeypatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tiny").symlink_to(tiny_model)
    monkeypatch.chdir(tmp_path)
    project = Project.create("here", data=csv_file, task="classification", model="tiny")
    tell_gold(project, project.ask(9))
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert project.train().folder == tmp_path / "here" / "rounds" / "0001"
    assert project.predict(["hello"])


def test_cancelling_keeps_the_round_before(make_project: MakeProject) -> None:
    project = make_project()
    tell_gold(project, project.ask(9))
    project.train()

    def stop(step: Step) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        project.train(progress=stop)
    assert [made.number for made in project.history] == [1]
    assert sorted(p.name for p in (project.folder / "rounds").iterdir()) == ["0001"]
    assert project.train().number == 2


def test_old_weights_go_and_metrics_stay(make_project: MakeProject) -> None:
    project = make_project(keep_rounds=1)
    tell_gold(project, project.ask(9))
    for _ in range(3):
        project.train()
    assert [made.has_weights for made in project.history] == [False, False, True]
    assert [made.labels for made in project.history] == [9, 9, 9]


def test_training_is_repeatable(make_project: MakeProject) -> None:
    batches = []
    for name in ("one", "two"):
        project = make_project(name, seed=5)
        tell_gold(project, project.ask(9))
        project.train()
        batches.append([example.id for example in project.ask(9)])
    assert batches[0] == batches[1]


def test_multilabel(make_project: MakeProject, tmp_path: Path) -> None:
    path = tmp_path / "multi.jsonl"
    names = ["fault", "delivery", "refund"]
    with path.open("w") as file:
        for i, row in enumerate(rows()):
            labels = [names[i % 3], names[(i + 1) % 3]] if i % 4 else []
            file.write(json.dumps({"text": row["text"], "labels": labels}) + "\n")
    project = make_project(data=path, test=path, task="multilabel", answers=False)
    free = make_project("untested", data=path, task="multilabel")
    batch = free.ask(12)
    free.tell({e.id: free.pool.gold(free.pool.row(e.id)) for e in batch})
    free.train()
    assert len(free.ask(5)) == 5
    assert not project.ask(5), "all of the pool is in the test set"


def test_a_round_of_an_interrupted_writer_is_swept_away(make_project: MakeProject) -> None:
    project = make_project()
    tell_gold(project, project.ask(9))
    (project.folder / "rounds" / ".writing-dead").mkdir(parents=True)
    assert project.history == []
    made: Round = project.train()
    assert made.number == 1
    assert not (project.folder / "rounds" / ".writing-dead").exists()


# Coming back and getting out


def test_export_and_import_round_trip(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project()
    tell_gold(project, project.ask(10))
    for ending in ("jsonl", "csv", "tsv", "parquet"):
        out = project.export(tmp_path / f"out.{ending}")
        other = make_project(f"from-{ending}")
        other.add(out)
        assert other.status()["labelled"] == 10
        assert len(other.pool) == 45
        got = {f.example.id: f.answers["import"].answer for f in other.search(which="answered")[0]}
        assert got == {i: GOLD[i] for i in got}


def test_a_spreadsheet_runs_no_formula(make_project: MakeProject, tmp_path: Path) -> None:
    path = tmp_path / "evil.jsonl"
    texts = ["=1+1", "+cmd", "-2", "@SUM(A1)", "plain"]
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    project = make_project(data=path, labels=["a", "b"])
    project.tell({example.id: "a" for example in project.ask(5)})
    with project.export(tmp_path / "out.csv").open(newline="") as file:
        cells = [row["text"] for row in csv.DictReader(file)]
    assert sorted(cells) == sorted(["'=1+1", "'+cmd", "'-2", "'@SUM(A1)", "plain"])
    exact = [json.loads(line)["text"] for line in project.export(tmp_path / "o.jsonl").open()]
    assert sorted(exact) == sorted(texts)


@pytest.mark.parametrize("name", ["out.xml", "out", "out."])
def test_unknown_export_formats(make_project: MakeProject, tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="expected a file ending in"):
        make_project().export(tmp_path / name)


PLAIN = """
classify = pipeline("text-classification", model=folder, top_k=None)
print(json.dumps({row["label"]: row["score"] for row in classify(texts)[0]}))
"""


def test_the_exported_model_needs_no_alnlp(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project()
    tell_gold(project, project.ask(12))
    project.train(score=False)
    folder = project.export(tmp_path / "model", "model")
    text = "where is my parcel says ana"
    said = transformers_said(PLAIN, folder, [text])
    own = project.predict([text])[0].probabilities
    assert said.keys() == own.keys()
    for name, probability in own.items():
        assert said[name] == pytest.approx(probability, abs=0.02)  # bf16 against fp32
    assert (folder / "README.md").read_text().startswith("---")


def test_evaluate_needs_a_test_set(make_project: MakeProject, csv_file: Path) -> None:
    project = make_project()
    with pytest.raises(ProjectError, match="has no test set"):
        project.evaluate()


def test_search(make_project: MakeProject) -> None:
    project = make_project()
    found, total = project.search("PARCEL where", limit=2)
    assert total == 5
    assert len(found) == 2
    assert all("where is my parcel" in item.example.text for item in found)
    assert project.search("nothing like that") == ([], 0)

"""The outlook: what it says of quality, of labels to come and of their cost was measured."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import measuring
import numpy as np
import pytest
from fastapi.testclient import TestClient
from measuring import LABELS, answer, labelled
from workbench import IdleTrainer

from alnlp import Project
from alnlp.errors import ProjectError, StrategyError
from alnlp.forecast import Forecast
from alnlp.project import audit
from alnlp.store import NewEvent
from alnlp_apps.workbench import build

Make = measuring.Make
make, trained, project = measuring.make, measuring.trained, measuring.project


def test_before_the_first_round_little_is_known(make: Make) -> None:
    project = make()
    said = project.outlook(target=0.9)
    assert json.loads(json.dumps(said)) == said
    assert said["metric"] == ""
    assert said["curve"] == said["advice"] == said["starving"] == []
    assert said["time"] == {"answers": 0, "seconds": 0.0, "seconds_per_label": None}
    for name in ("forecast", "gain", "changed", "calibration", "confusion"):
        assert said[name] is None
    assert "0 rounds" in said["forecast_reason"]
    labelled(project, 2)
    assert "2 rounds" in project.outlook()["forecast_reason"]


def test_the_curve_is_that_of_the_audit_sample(project: Project) -> None:
    said = project.outlook()
    assert json.loads(json.dumps(said)) == said
    assert said["metric"] == "accuracy"
    assert [one["labels"] for one in said["curve"]] == [18, 36, 54, 72]
    for point, made in zip(said["curve"], project.history, strict=True):
        assert point == {"round": made.number, "labels": made.labels, **made.audit["accuracy"]}


def test_the_forecast_goes_on_from_the_newest_round(project: Project) -> None:
    said = project.outlook(target=0.8)["forecast"]
    rest = 240 - 96
    assert said["points"][0]["labels"] == 72
    assert said["points"][-1]["labels"] == 72 + 0.75 * rest  # no more than the texts can teach
    # Of 100 answers a quarter is kept aside: 75 teach.
    assert said["more"]["answers"] == 100
    curve = {point["labels"]: point["value"] for point in said["points"]}
    at = [max(n for n in curve if n <= 147), min(n for n in curve if n >= 147)]
    assert curve[at[0]] <= said["more"]["value"] <= curve[at[1]]
    for point in (*said["points"], said["more"]):
        assert 0 <= point["low"] <= point["value"] <= point["high"] <= 1
    reached = said["target"]
    assert reached["value"] == 0.8
    expected = [None if n is None else 8 * n for n in reached["answers"]]
    assert reached["seconds"] == expected
    assert project.outlook()["forecast"]["target"] is None
    with pytest.raises(StrategyError, match="target"):
        project.outlook(target=1.2)


def test_a_target_counts_answers_those_kept_aside_among_them(project: Project) -> None:
    said = project.outlook()["forecast"]
    for point in said["points"][1:]:
        reached = project.outlook(target=point["value"])["forecast"]["target"]["answers"][1]
        assert reached is not None
        assert point["labels"] - 72 == pytest.approx(0.75 * reached, abs=2)


def test_a_training_on_the_same_labels_is_no_point_to_go_on_from(project: Project) -> None:
    before = project.outlook()["forecast"]
    project.train(score=True)
    after = project.outlook()
    assert len(after["curve"]) == 5
    assert after["forecast"] == before


def test_answers_taken_back_do_not_end_forecasts(project: Project) -> None:
    for _ in range(30):
        project.undo()
    project.train(score=True)
    made = project.history[-1].labels
    assert made < 72
    assert project.outlook()["changed"]["labels"] > 0
    labelled(project, 2)
    said = project.outlook()
    assert [one["labels"] for one in said["curve"]][:5] == [18, 36, 54, 72, made]
    assert said["forecast"] is not None
    assert said["changed"]["labels"] > 0


def test_no_more_labels_are_needed_than_there_are(make: Make) -> None:
    project = labelled(make(130), 4, n=24)
    rest = 130 - 96
    for target in (0.5, 0.9, 0.99, 1.0):
        needed = project.outlook(target=target)["forecast"]["target"]["answers"]
        assert all(n is None or n <= rest for n in needed)


def test_texts_may_be_too_few_for_a_target_that_the_curve_reaches(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = 240 - 96
    for needed, answers, short in (
        ((3, 30, None), [4, 40, None], False),
        ((rest, rest + 1, None), [None, None, None], True),
        ((None, None, None), [None, None, None], False),
    ):
        monkeypatch.setattr(Forecast, "labels_needed", lambda *_, needed=needed: needed)
        reached = project.outlook(target=0.9)["forecast"]["target"]
        assert (reached["answers"], reached["short"]) == (answers, short)


def test_an_f_measure_of_a_test_set_is_not_taken_as_exact(make: Make) -> None:
    project = labelled(make(tests=30, task="multilabel", audit_share=0.0), 4)
    said = project.outlook()
    assert said["metric"] == "micro_f1"
    first = said["forecast"]["points"][0]
    assert first["high"] - first["low"] > 0.05


def test_rounds_of_another_model_are_on_another_curve(project: Project, sibling_model: str) -> None:
    project.update_settings(model=f"probe:{sibling_model}")
    labelled(project, 1)
    said = project.outlook()
    assert said["forecast"] is None
    assert "1 round " in said["forecast_reason"]
    assert "another model" in said["forecast_reason"]
    assert said["changed"] is None  # what the model has changed is not what answers have
    assert {one["stop"] for one in said["advice"] if one["name"] == "agreement"} <= {None}


@pytest.fixture
def sibling_model(tmp_path: Path) -> str:
    import tiny

    return str(tiny.checkpoint(tmp_path / "sibling", ["some other words"]))


def test_when_all_is_answered_there_is_nothing_to_forecast(make: Make) -> None:
    project = labelled(make(size=40), 4, n=10)
    said = project.outlook()
    assert said["forecast"] is None
    assert said["forecast_reason"] == "Every text is answered."


def test_with_a_test_set_that_is_what_counts(make: Make) -> None:
    project = labelled(make(tests=60, audit_share=0.0), 3)
    said = project.outlook()
    for point, made in zip(said["curve"], project.history, strict=True):
        assert point["value"] == pytest.approx(made.metrics["accuracy"])
        assert point["low"] < point["value"] <= point["high"]
    counts = np.array(said["confusion"]["counts"])
    assert counts.sum(axis=1).tolist() == [20, 20, 20]
    assert counts.trace() / 60 == pytest.approx(project.evaluate()["accuracy"])
    assert sum(one["n"] for one in said["calibration"]["bins"]) == 60
    assert said["gain"] is None


def test_confusion_and_calibration_are_of_the_answers_kept_aside(project: Project) -> None:
    made, said = project.history[-1], project.outlook()
    rows = np.load(made.folder / "audit_rows.npy")
    gold = [project.pool.gold(row) for row in rows.tolist()]
    found = [one.answer for one in project.predict(project.pool.texts(rows))]
    expected = np.zeros((3, 3), int)
    for right, answered in zip(gold, found, strict=True):
        expected[project.task.labels.index(right), project.task.labels.index(answered)] += 1
    assert said["confusion"] == {"labels": [*project.task.labels], "counts": expected.tolist()}
    bins = said["calibration"]["bins"]
    assert sum(one["n"] for one in bins) == len(rows) == 24
    rights = sum(one["n"] * one["right"] for one in bins)
    assert rights == pytest.approx(expected.trace())
    over_all = said["calibration"]["all"]
    assert over_all["n"] == 24
    assert over_all["right"] == pytest.approx(expected.trace() / 24)
    assert over_all["said"] == pytest.approx(sum(one["n"] * one["said"] for one in bins) / 24)
    assert all(one["low"] <= one["right"] <= one["high"] for one in [*bins, over_all])
    assert said["calibration"]["ece"] == made.audit["ece"]
    assert said["calibration"]["temperature"] == made.temperature


def test_a_corrected_answer_counts_at_once(project: Project) -> None:
    rows = np.load(project.history[-1].folder / "audit_rows.npy")
    before = np.array(project.outlook()["confusion"]["counts"]).sum(axis=1)
    project.add_label("other")
    project.tell({project.pool.ids[rows[0]]: "other"})
    after = project.outlook()["confusion"]
    assert after["labels"][-1] == "other"
    sums = np.array(after["counts"]).sum(axis=1)
    assert sums[-1] == 1
    assert sums.sum() == before.sum()
    assert np.array(after["counts"])[:, -1].sum() == 0  # the model does not know it yet


def test_pauses_do_not_count(make: Make) -> None:
    project = make()
    answer(project, 20, seconds=6.0)
    answer(project, 1, seconds=4000.0)
    answer(project, 5, seconds=None)
    time = project.outlook()["time"]
    assert time == {"answers": 21, "seconds": 126.0, "seconds_per_label": 6.0}


def test_all_time_counts_that_was_spent(make: Make) -> None:
    project = make()
    answer(project, 8, seconds=5.0)
    answer(project, 2, seconds=0.0)
    project.undo()
    skipped = [
        NewEvent(example_id=one.id, annotator="me", kind="skip", seconds=14.0)
        for one in project.ask(1)
    ]
    project.record(skipped)
    time = project.outlook()["time"]
    assert time == {"answers": 9, "seconds": 54.0, "seconds_per_label": 6.0}
    # Corrected in Review, where no time is taken: it is the same answer that has cost so much.
    project.tell(dict.fromkeys(project.settled(project.pool.ids), "fault"))
    assert project.outlook()["time"] == {"answers": 10, "seconds": 54.0, "seconds_per_label": 5.4}


def test_how_many_predictions_changed(project: Project) -> None:
    changed = project.outlook()["changed"]
    assert changed["labels"] == 54  # of 18, 36 and 54 the nearest to 50
    names = ("stop_rows", "stop_predictions")
    kept = []
    for made in (project.history[0], project.history[-1]):
        rows, said = (np.load(made.folder / f"{name}.npy").tolist() for name in names)
        kept.append(dict(zip(rows, said, strict=True)))
    common = kept[0].keys() & kept[1].keys()
    assert changed["of"] == len(common)
    different = sum(kept[0][row] != kept[1][row] for row in common)
    assert changed["share"] == pytest.approx(different / len(common))


def test_labels_that_starve(make: Make) -> None:
    project = make(labels=[*LABELS, "rare"])
    labelled(project, 1, n=40)
    assert project.outlook()["starving"] == [{"label": "rare", "answers": 0, "audited": 0}]


@pytest.mark.parametrize("kind", ["multilabel", "ner"])
def test_other_tasks_have_an_outlook_too(make: Make, kind: str) -> None:
    project = labelled(make(task=kind), 3, n=32)
    said = project.outlook(target=0.9)
    assert json.loads(json.dumps(said)) == said
    assert said["metric"] == {"multilabel": "micro_f1", "ner": "span_f1"}[kind]
    assert said["forecast"]["more"]["answers"] == 100
    assert said["changed"]["of"] > 0
    assert said["confusion"] is None
    assert (said["calibration"] is None) == (said["gain"] is None) == (kind == "ner")
    if kind == "multilabel":  # a text stands in a bin once, however many of its labels do
        texts = said["calibration"]["all"]["n"]
        assert texts == 24
        assert all(one["n"] <= texts for one in said["calibration"]["bins"])


def test_no_network_is_loaded_for_it(project: Project) -> None:
    code = (
        "import sys; from alnlp import Project; "
        f"Project.open({str(project.folder)!r}).outlook(0.9); "
        "print([name for name in ('torch', 'sklearn', 'transformers') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_command_line_tells_two_lines_of_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    from alnlp.cli.projects import status

    status(project.folder)
    printed = capsys.readouterr().out
    assert "100 more labels: accuracy " in printed
    assert "a label takes 8.0 s (96 answers in 13 minutes, pauses aside)" in printed
    status(project.folder, as_json=True)
    assert json.loads(capsys.readouterr().out)["outlook"] == project.outlook()


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    app = build(project.folder.parent, trainer=IdleTrainer())
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def test_the_route_gives_it(client: TestClient, project: Project) -> None:
    address = f"/alnlp/projects/{project.name}/outlook"
    assert client.get(address).json() == project.outlook()
    assert client.get(address, params={"target": 0.9}).json() == project.outlook(target=0.9)
    refused = client.get(address, params={"target": 2})
    assert refused.status_code == 422
    assert "target" in refused.json()["error"]
    assert client.get("/alnlp/projects/nobody/outlook").status_code == 404


def test_each_seed_draws_an_audit_sample_of_its_own(make: Make) -> None:
    project = make(size=100)
    draws = [
        set(audit.reserved(audit.lots(project.pool, seed), 0.3).tolist()) for seed in range(20)
    ]
    together = [len(a & b) for at, a in enumerate(draws) for b in draws[:at]]
    assert np.mean(together) == pytest.approx(9, abs=1.5)
    project.update_settings(seed=7)
    answer(project, 8)
    with pytest.raises(ProjectError, match="seed: cannot be changed"):
        project.update_settings(seed=8)

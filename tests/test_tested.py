"""What a test set says of a model: figures with intervals, as those of the audit sample have."""

import json

import measuring
import numpy as np
import pytest
from measuring import LABELS, Make, labelled

from alnlp import metrics
from alnlp.cli.projects import _measured
from alnlp.project import tested
from alnlp.tasks import Task

make = measuring.make


@pytest.mark.parametrize("kind", ["classification", "multilabel", "ner"])
def test_figures_of_a_test_set_have_intervals_too(make: Make, kind: str) -> None:
    project = labelled(make(tests=60, task=kind, audit_share=0.0), 1)
    made = project.history[0]
    told = project.status()["tested"]
    assert told == made.tested == json.loads(json.dumps(made.tested))
    assert told["n"] == 60
    for name in project.outlook()["metric"], *(told.keys() - {"n", "labels"}):
        figure = told[name]
        assert figure["value"] == pytest.approx(made.metrics[name])
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
        assert 0 < figure["high"] - figure["low"] < 0.5
    assert set(told["labels"]) == ({"X"} if kind == "ner" else set(LABELS))
    if kind != "ner":
        mean = np.mean([one["value"] for one in told["labels"].values()])
        assert mean == pytest.approx(told["macro_f1"]["value"])


def test_a_label_that_a_test_set_lacks_has_no_figure_there() -> None:
    task = Task("classification", ("a", "b", "c"))
    gold, found = ["a", "c"] * 20, ["a"] * 40
    counted = metrics.compute(task, gold, found)
    told = tested.figures(task, gold, found, counted)
    assert set(told["labels"]) == {"a", "c"}
    assert told["macro_f1"]["value"] == counted["macro_f1"]
    assert told["labels"]["c"]["value"] == told["labels"]["c"]["low"] == 0


def test_the_command_line_claims_no_more_than_is_known() -> None:
    wide, narrow = (
        {"value": 0.17, "low": 0.0, "high": 0.67},
        {"value": 0.5, "low": 0.4, "high": 0.6},
    )
    by = "answers kept aside"
    [few] = _measured({"n": 2, "accuracy": wide, "labels": {"a": wide}}, by)
    assert (
        few == "accuracy: 0.00 to 0.67 (95% interval, by 2 answers kept aside: too few to say more)"
    )
    assert _measured({"n": 9, "accuracy": narrow}, by)[0].startswith("accuracy: 0.40 to 0.60 (")
    [many] = _measured({"n": 99, "accuracy": narrow}, by)
    assert many == "accuracy: 0.5000 (95% interval 0.40 to 0.60, by 99 answers kept aside)"
    assert _measured({}, by) == []

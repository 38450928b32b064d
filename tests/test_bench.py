"""The benchmarks say what they should; how fast anything is, no test asserts."""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from conftest import rows
from torch import nn

from alnlp import Project
from alnlp.bench import Report, machine
from alnlp.bench.machine import operations, peak
from alnlp.bench.rounds import labelled_project, round_
from alnlp.bench.scale import scale, sentences
from alnlp.bench.scoring import System, measure, one_text, score
from alnlp.errors import DataError
from alnlp.models.finetuned import FineTuned
from alnlp.tasks import Task

FILES = [("classification", "labelled_file"), ("ner", "entity_file")]
TASK = Task("classification", ("a", "b"))


@pytest.fixture(autouse=True)
def small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peak of small matrices is low, and found soon."""
    monkeypatch.setattr(machine, "_SIZES", (256,))
    monkeypatch.setattr(machine, "_SECONDS_A_SIZE", 0.0)


@pytest.fixture
def labelled_file(tmp_path: Path) -> str:
    path = tmp_path / "support" / "train.jsonl"
    path.parent.mkdir()
    path.write_text("\n".join(map(json.dumps, rows(150))))
    return str(path)


@pytest.fixture
def entity_file(tmp_path: Path) -> str:
    lines = [
        {"tokens": [f"w{i}", "Ana", "is", f"here{i * 7919}"], "ner_tags": ["O", "B-X", "O", "O"]}
        for i in range(130)
    ]
    path = tmp_path / "entities.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return str(path)


def test_operations_of_linear_layers_and_attention(tiny_model: str) -> None:
    """Against a count by hand: 2 operations for each weight and token, 4 L² D for attention.

    The last layer goes on from attention with the first token alone.
    """
    model = FineTuned(TASK, tiny_model)
    model.fit(["one", "two"], ["a", "b"], seed=0)
    layers = model.network.base_model.encoder.layer
    last = layers[-1]
    heads = [model.network.base_model.pooler.dense, model.network.classifier]
    heads += [last.attention.output.dense, last.intermediate.dense, last.output.dense]
    once = sum(head.weight.numel() for head in heads)
    linear = [m for m in layers.modules() if isinstance(m, nn.Linear)]
    weights = sum(m.weight.numel() for m in linear if all(m is not head for head in heads))
    width = model.network.config.hidden_size
    lengths = np.array([5, 21])
    expected = [
        2 * n * weights + 4 * n * n * width * len(layers) + 2 * once for n in lengths.tolist()
    ]
    np.testing.assert_allclose(operations(one_text(model), lengths), expected, rtol=1e-6)


def test_a_peak_is_some_number() -> None:
    assert peak("fp32") > 1e6


def test_all_systems_take_turns() -> None:
    seen: dict[str, list[int]] = {"whole": [], "part": []}

    def work(name: str):
        def scored(places: np.ndarray) -> np.ndarray:
            seen[name].append(len(places))
            return places.astype(float)

        return scored

    systems = [System("whole", "fp32", work("whole")), System("part", "fp32", work("part"), 0.1)]
    peaks = measure(systems, np.full(50, 7.0), np.random.default_rng(0), None)
    assert seen == {"whole": [32, 50, 50, 50], "part": [32, 5, 5, 5]}
    assert [len(system.rates) for system in systems] == [3, 3]
    assert systems[0].performed == pytest.approx([7 * rate for rate in systems[0].rates])
    assert set(peaks) == {"fp32"}


@pytest.mark.parametrize(
    ("task", "file"), [("classification", "labelled_file"), ("ner", "entity_file")]
)
def test_score(task, file: str, tiny_model: str, request) -> None:
    report = score(request.getfixturevalue(file), task=task, model=tiny_model, limit=40)
    names = [line["system"] for line in report.rows]
    assert {"alnlp", "transformers.pipeline, batch 32", "matrix product"} <= set(names)
    ours = next(line for line in report.rows if line["precision"] == "fp32")
    assert ours["rank correlation"] == pytest.approx(1.0)
    assert ours["share of peak"] > 0
    assert json.loads(json.dumps(report.to_json()))["about"]["texts"] == 40


@pytest.mark.parametrize(
    ("task", "file"), [("classification", "labelled_file"), ("ner", "entity_file")]
)
def test_round(task, file: str, tiny_model: str, request) -> None:
    path = request.getfixturevalue(file)
    report = round_(path, task=task, model=tiny_model, labels=30, pool=100, rounds=2)
    assert [line["labels"] for line in report.rows] == [30, 50]
    assert report.about["pool"] == 100
    for line in report.rows:
        parts = ("train", "score", "load and save", "select")
        assert sum(line[name] for name in parts) == pytest.approx(line["all"], rel=0.01)


@pytest.mark.slow
def test_scale(tiny_model: str) -> None:
    (line,) = scale([2500], model=tiny_model).rows
    assert line["sentences"] == 2500
    assert all(value > 0 for value in line.values())


def test_a_large_pool_is_asked_by_the_default_strategy(tiny_model: str, tmp_path: Path) -> None:
    from alnlp.bench import scale

    folder = tmp_path / "project"
    scale._import(folder, 300, tiny_model, 0)
    scale._score(folder, 300, tiny_model, 0)
    scale._publish(folder, 300, tiny_model, 0)
    with closing(Project.open(folder)) as project:
        batch = project.ask(20)
        assert {one.strategy for one in batch} == {project.settings.strategy}
        assert batch.notice is None


def test_sentences_are_the_same_every_time() -> None:
    assert list(sentences(3)) == list(sentences(3))
    assert len(set(sentences(200))) == 200


def test_too_few_labels_are_refused(labelled_file: str, tmp_path: Path, tiny_model: str) -> None:
    with pytest.raises(DataError, match="got 150 rows with a label, expected at least 200"):
        labelled_project(
            tmp_path / "p", labelled_file, "classification", 200, None, model=tiny_model, seed=0
        )


def test_a_table() -> None:
    lines = [
        {"system": "a", "texts/s": 1234.5, "share": 0.25},
        {"system": "b", "texts/s": None, "share": 3},
    ]
    assert Report({"seed": 0}, lines, ["Read it."]).table().splitlines() == [
        "seed 0", "",
        "| system | texts/s | share |",
        "|--------|---------|-------|",
        "| a      | 1234    | 0.25  |",
        "| b      |         | 3     |",
        "", "Read it.",
    ]  # fmt: skip

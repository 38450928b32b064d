"""recipes/coverage.py counts what lies in the intervals, and runs from end to end."""

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alnlp import Simulation
from alnlp.simulation import SimulatedRound

RECIPES = Path(__file__).parent.parent / "recipes"


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(RECIPES))
    # Not by its name, which is that of a tool for tests as well.
    spec = importlib.util.spec_from_file_location("recipe", RECIPES / "coverage.py")
    assert spec is not None
    assert spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    return recipe


def run(trues: list[float], low: float = 0.6, high: float = 0.8) -> Simulation:
    """A run whose audits say the same each time."""
    said = {"value": 0.7, "low": low, "high": high}
    rounds = tuple(
        SimulatedRound(
            number,
            50 * (number + 1),
            {"accuracy": true, "macro_f1": true},
            {},
            audit={"n": 5 * (number + 1), "accuracy": said, "macro_f1": said},
        )
        for number, true in enumerate(trues)
    )
    return Simulation("classification", "probe", "margin", 0, 1000, 100, rounds)


def test_the_table_counts_what_lies_inside(coverage) -> None:
    runs = {"some": [run([0.7, 0.5, 0.7, 0.7, 0.7]), run([0.7, 0.7, 0.7, 0.7, 0.99])]}
    found = {name: [coverage.cases(run) for run in several] for name, several in runs.items()}
    told = coverage.report(found).splitlines()
    assert told[0] == "2 runs on each data set."
    assert "| accuracy, by answers kept aside | 5 | 15 | 25 | all rounds |" in told
    assert told[4] == "| some | 100% (±0.10) | 100% (±0.10) | 50% (±0.10) | 80% (±0.10) |"
    # The third of five rounds is the first to say anything, and 100 labels later is the fifth.
    assert any(line.startswith("| some | 50% (") for line in told[12:])


@pytest.mark.slow
def test_it_runs_and_goes_on(tiny_model: str, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "trec6"
    folder.mkdir(parents=True)
    words = {"refund": "money back", "delivery": "my parcel", "fault": "it broke"}
    for split, n in (("train", 150), ("test", 60)):
        lines = [
            json.dumps({"text": f"{words[label]} {split} {i * 7919}", "label": label})
            for i in range(n)
            for label in [list(words)[i % 3]]
        ]
        with gzip.open(folder / f"{split}.jsonl.gz", "wt") as file:
            file.write("\n".join(lines) + "\n")
    command = [
        *(sys.executable, str(RECIPES / "coverage.py"), "--datasets", "trec6"),
        *("--seeds", "0..1", "--model", f"probe:{tiny_model}", "--initial", "20"),
        *("--batch", "20", "--rounds", "2", "--out", str(tmp_path / "out")),
    ]
    environment = {**os.environ, "ALNLP_DATA": str(tmp_path / "data")}
    first = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert "| trec6 | " in first.stdout
    files = [tmp_path / "out" / "trec6" / f"margin-{seed}.json" for seed in (0, 1)]
    runs = [json.loads(path.read_text()) for path in files]
    for found in runs:
        assert found["test"] == pytest.approx(70, abs=3)
        assert [point["audit"]["n"] for point in found["rounds"]] == [2, 4, 6]
    assert runs[0]["rounds"][0]["audit"] != runs[1]["rounds"][0]["audit"]
    again = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    table = (tmp_path / "out" / "table.md").read_text()
    assert again.stdout.endswith(table + "\n")

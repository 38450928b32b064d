"""The recipes run from end to end, here in a size that only shows that they do."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from alnlp.simulation import SimulatedRound, Simulation

RECIPES = Path(__file__).parent.parent / "recipes"


def curve(seed: int, labels: list[int], values: list[float]) -> Simulation:
    points = tuple(
        SimulatedRound(i, n, {"accuracy": value}, {})
        for i, (n, value) in enumerate(zip(labels, values, strict=True))
    )
    return Simulation("classification", "tiny", "random", seed, 100, 20, points)


def test_the_table_of_curves_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(RECIPES))
    from benchmark import table

    runs = {
        "random": [curve(0, [20, 40, 60], [0.5, 0.6, 0.7]), curve(1, [20, 40], [0.5, 0.8])],
        "margin": [curve(0, [20, 40, 60], [0.5, 0.9, 0.9])],
    }
    lines = table(runs, "accuracy").splitlines()
    assert lines == [
        "| labels | 20 | 40 |",
        "|---|---|---|",
        "| random | 0.500 ± 0.000 | 0.700 ± 0.141 |",
        "| margin | 0.500 | 0.900 |",
    ]
    runs["entropy"] = [curve(0, [20, 38, 58], [0.5, 0.5, 0.5])]
    assert table(runs, "accuracy").splitlines()[0] == "| labels | 20 | 38 to 40 |"
    assert table({"margin": runs["margin"]}, "accuracy").startswith("| labels | 20 | 40 | 60 |")


def test_a_folder_is_kept_for_one_kind_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(RECIPES))
    from benchmark import claim, write_json

    claim(tmp_path, {"rounds": 4})
    claim(tmp_path, {"rounds": 4})
    with pytest.raises(SystemExit, match=r"got runs with rounds = 4 in this folder, expected 8"):
        claim(tmp_path, {"rounds": 8})
    write_json(tmp_path / "0.json", [])
    (tmp_path / "settings.json").unlink()
    with pytest.raises(SystemExit, match="got runs with rounds = 'unknown'"):
        claim(tmp_path, {"rounds": 4})


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(RECIPES))
    from benchmark import one_line_errors

    for error in (FileNotFoundError("no such data set"), PermissionError(13, "denied", "here")):
        with pytest.raises(SystemExit) as ended, one_line_errors():
            raise error
        assert str(ended.value) == str(error)


@pytest.mark.parametrize(
    ("recipe", "option", "value", "says"),
    [
        ("stream.py", "--policies", "balanced,magic", "expected some of balanced, variable, "),
        ("stream.py", "--lines", "2001", "--lines: got 2001, expected 2,002 or more: "),
        ("selection_speed.py", "--classes", "0", "--classes: got 0, expected at least 1"),
        ("selection_speed.py", "--strategies", "badge,magic", "expected some of random, margin, "),
        ("selection_speed.py", "--strategies", "bald", "--strategies: got 'bald', expected some "),
    ],
)
def test_what_is_wrong_is_said_in_a_line(recipe: str, option: str, value: str, says: str) -> None:
    given = [sys.executable, RECIPES / recipe, option, value]
    ran = subprocess.run(given, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(option)
    assert says in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.slow
def test_selection_speed() -> None:
    given = [sys.executable, RECIPES / "selection_speed.py", "--rows", "300", "--width", "16"]
    given += ["--select", "5", "--strategies", "margin_typiclust,badge"]
    ran = subprocess.run(given, capture_output=True, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert lines[0] == "5 of 300 texts, 16 numbers each, seed 0"
    assert [line.split(" | ")[0] for line in lines[4:]] == ["| margin_typiclust", "| badge"]


@pytest.mark.slow
def test_a_stream(data_folder: Path, tiny_model: str) -> None:
    pytest.importorskip("river", reason="river is not installed: pip install 'alnlp[stream]'")
    given = [sys.executable, RECIPES / "stream.py", "--model", f"probe:{tiny_model}"]
    given += ["--policies", "random", "--lines", "2002"]
    ran = subprocess.run(given, capture_output=True, text=True, check=True)
    head, _, row = ran.stdout.splitlines()
    assert head.startswith("| policy | lines a second | chosen | before | 1,000 after | rest | ")
    assert row.startswith("| random | ")
    assert row.count("%") == 4


def test_what_the_stream_says_ends_its_recipe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(RECIPES))
    from stream import row

    with pytest.raises(SystemExit, match=r"^error: .*none.*$"):
        row(tmp_path / "none", ["a"] * 4, "random", Namespace(budget=0.5, seed=0))


@pytest.mark.slow
def test_trec(data_folder: Path, tiny_model: str, tmp_path: Path) -> None:
    command = [
        *(sys.executable, RECIPES / "trec.py", "--model", f"probe:{tiny_model}", "--seeds", "0"),
        *("--rounds", "1", "--pool", "300", "--skip-full", "--out", tmp_path),
    ]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    table = first.stdout.splitlines()[-4:]
    assert table[0] == "| labels | 20 | 40 |"
    assert table[2].startswith("| random | 0.")
    assert (tmp_path / "curve.png").exists()
    assert len(json.loads((tmp_path / "margin-0.json").read_text())["rounds"]) == 2
    (tmp_path / "margin-0.json").unlink()
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout.splitlines()[-4:] == table
    assert [line.split()[:2] for line in again.stdout.splitlines()[:-4]] == [["margin", "0"]] * 2


@pytest.mark.slow
def test_a_frozen_network_and_a_fine_tuned_one(
    data_folder: Path, tiny_model: str, tmp_path: Path
) -> None:
    command = [
        *(sys.executable, RECIPES / "frozen_head.py", "--model", tiny_model, "--seeds", "0"),
        *("--datasets", "trec6", "--pool", "120", "--rounds", "1", "--out", tmp_path),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.split(" | ") for line in ran.stdout.splitlines() if line.startswith("| f")]
    assert [line[:2] for line in lines] == [
        ["| frozen", "TREC-6"], ["| frozen", "all"],
        ["| fine-tuned", "TREC-6"], ["| fine-tuned", "all"],
        ["| fine-tuned less frozen", "all"],
    ]  # fmt: skip
    assert all("of 1" in line[5] for line in lines)
    frozen, tuned, more = (float(lines[place][4]) for place in (1, 3, 4))
    assert frozen != tuned
    assert more == pytest.approx(tuned - frozen, abs=0.0011)
    assert "is about these data sets alone" in ran.stdout.splitlines()[-1]
    assert (tmp_path / "fine-tuned" / "trec6-120" / "margin-0.json").exists()


@pytest.mark.slow
def test_entities_per_label_and_per_word(
    data_folder: Path, tiny_model: str, tmp_path: Path
) -> None:
    command = [
        *(sys.executable, RECIPES / "weibo_ner.py", "--model", tiny_model, "--seeds", "0"),
        *("--strategies", "random,entropy:entities", "--initial", "10", "--batch", "10"),
        *("--rounds", "1", "--pool", "150", "--skip-full", "--out", tmp_path),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert "| labels | 10 | 20 |" in lines
    assert sum(line.startswith("| words | ") for line in lines) == 1
    assert sum(line.startswith("| entropy:entities | 0.") for line in lines) == 2
    assert (tmp_path / "curve.png").exists()
    assert (tmp_path / "curve-tokens.png").exists()

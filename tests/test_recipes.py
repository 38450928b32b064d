"""The recipes run from end to end, here in a size that only shows that they do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RECIPES = Path(__file__).parent.parent / "recipes"


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
    ]  # fmt: skip
    assert all("of 1" in line[5] for line in lines)
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

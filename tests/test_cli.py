"""The command line: what works, and one line with exit status 2 for every mistake."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from alnlp.cli import main
from alnlp.strategies import STRATEGIES, default

COMMANDS = [
    *("demo", "new", "serve", "simulate", "train", "status", "predict", "export", "import"),
    *("backup", "restore", "stream", "bench", "strategies", "models"),
]


@dataclass
class Ran:
    """What a command ended with."""

    returncode: int
    stdout: str
    stderr: str


def alnlp(*arguments: object, cwd: Path | None = None) -> Ran:
    """Runs a command as the shell would, but in this process: torch is imported once."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with (
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["alnlp", *map(str, arguments)]),
        mock.patch.dict(os.environ, COLUMNS="200"),
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 0
    return Ran(status, out.getvalue(), err.getvalue())


def shell(*arguments: object, cwd: Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Runs a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from alnlp.cli import main; main()", *map(str, arguments)],
        input=given,
        capture_output=True,
        cwd=cwd,
    )


def test_help_lists_every_command() -> None:
    ran = alnlp("--help")
    assert ran.returncode == 0
    for command in COMMANDS:
        assert f"  {command} " in ran.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    assert alnlp(command, "--help").returncode == 0


def test_the_catalogues() -> None:
    names = [entry["name"] for entry in json.loads(alnlp("strategies", "--json").stdout)]
    assert {"random", "margin", "entropy", "least_confidence"} <= set(names)
    assert "minilm" in alnlp("models").stdout


def test_the_strategies_of_a_task() -> None:
    printed = alnlp("strategies", "--task", "ner").stdout
    listed = re.findall(r"^(\w+) ", printed, re.MULTILINE)[:-1]  # but the remark at the end
    assert listed == [name for name, spec in STRATEGIES.items() if "ner" in spec.tasks]
    assert "\nmnlp " in printed
    marked = [line.split()[0] for line in printed.splitlines() if "default for ner" in line]
    assert marked == [default("ner")]
    assert "margin:mean, :max, :min, :sum, :top3, :entities for ner\n" in printed
    assert "for multilabel;" not in printed
    everything = alnlp("strategies").stdout
    assert "vote_entropy:heads, :models for classification, multilabel\n" in everything
    for task in ("classification", "multilabel", "ner"):
        assert f"(default for {task})" in everything
    entries = {entry["name"]: entry for entry in json.loads(alnlp("strategies", "--json").stdout)}
    assert {name for name, entry in entries.items() if entry["default_for"]} == {
        default(task) for task in ("classification", "multilabel", "ner")
    }
    assert entries["margin"]["variants"]["multilabel"] == ["mean", "max"]


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "random"])
def test_a_strategy_is_explained_with_the_title_of_its_paper(name: str) -> None:
    spec = STRATEGIES[name]
    author = re.findall(r"[A-Z][\w-]+", spec.source)[0]
    titled = rf'{author}[^"]*"[A-Z][^"]{{10,}}"[^"]*\d{{4}}'
    assert re.search(titled, spec.description), spec.description
    assert "Args:" not in spec.description


def test_one_strategy_of_the_catalogue() -> None:
    assert "never runs a model" in alnlp("strategies", "random").stdout
    printed = alnlp("strategies", "margin").stdout
    assert printed.startswith("margin ")
    head, _, explained = printed.partition("\n\n")
    assert STRATEGIES["margin"].source in head
    assert explained.strip() == STRATEGIES["margin"].description
    assert alnlp("strategies", "entropy:max").stdout == alnlp("strategies", "entropy").stdout
    (entry,) = json.loads(alnlp("strategies", "badge", "--json").stdout)
    assert "Uncertain Gradient Lower Bounds" in entry["description"]
    for arguments, says in (
        (("badg",), "strategy: got 'badg' (did you mean 'badge' or 'bald'?), expected a name"),
        (("badge", "--task", "ner"), "'badge' serves classification, multilabel, and the task is"),
        (("--task", "poetry"), "task: got 'poetry', expected one of classification"),
    ):
        ran = alnlp("strategies", *arguments)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert says in ran.stderr
        assert len(ran.stderr.splitlines()) == 1


def test_what_a_stream_has_chosen_is_imported(
    tmp_path: Path, csv_file: Path, tiny_model: str
) -> None:
    arguments = ("--task", "classification", "--labels", "refund,delivery", "--model", tiny_model)
    (tmp_path / "first.txt").write_text("where is it\n\nrefund please\n")
    made = alnlp("new", "p", "--data", "first.txt", *arguments, cwd=tmp_path)
    assert "2 examples" in made.stdout, made.stderr
    (tmp_path / "to_label.txt").write_bytes(b"Where, then?\r\nrefund please\nI \xff\n")
    added = alnlp("import", "p", "to_label.txt", cwd=tmp_path)
    assert "0 of 3 examples are answered" in added.stdout, added.stderr
    assert "not valid UTF-8" in added.stdout + added.stderr
    ran = alnlp("simulate", "first.txt", "--test", csv_file, *arguments[:2], cwd=tmp_path)
    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1), ran.stderr


def test_the_whole_way(tmp_path: Path, csv_file: Path, tiny_model: str) -> None:
    made = alnlp(
        "new", "p", "--data", csv_file, "--task", "classification", "--model", tiny_model,
        cwd=tmp_path,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "45 examples" in made.stdout
    assert json.loads(alnlp("status", "p", "--json", cwd=tmp_path).stdout)["labelled"] == 0
    added = alnlp("import", "p", csv_file, cwd=tmp_path)
    assert "45 of 45 examples are answered" in added.stdout
    trained = alnlp("train", "p", "--json", cwd=tmp_path)
    assert json.loads(trained.stdout)["labels"] == 45
    said = alnlp("predict", "p", csv_file, cwd=tmp_path).stdout.splitlines()
    assert len(said) == 45
    assert set(json.loads(said[0])) == {"text", "label", "confidence"}
    assert alnlp("export", "p", "out.csv", cwd=tmp_path).returncode == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 46
    assert alnlp("export", "p", "m", "--format", "model", cwd=tmp_path).returncode == 0
    assert (tmp_path / "m" / "model.safetensors").exists()


def test_simulate(tmp_path: Path, csv_file: Path, tiny_model: str) -> None:
    arguments = [
        "simulate", csv_file, "--test", csv_file, "--task", "classification",
        "--model", tiny_model, "--rounds", 1,
    ]  # fmt: skip
    ran = alnlp(*arguments)
    assert ran.returncode == 2
    assert "all are in the test set" in ran.stderr
    assert ran.stderr.count("\n") == 1
    test = csv_file.with_name("test.csv")
    test.write_text("text,label\nsomething else,refund\nand more,fault\n")
    arguments[3] = test
    ran = alnlp(
        *arguments, "--initial", 10, "--batch", 5, "--json", "o.json", "--plot", "o.png",
        cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    result = json.loads((tmp_path / "o.json").read_text())
    assert [point["labels"] for point in result["rounds"]] == [10, 15]
    assert (tmp_path / "o.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("new", "p", "--data", "absent.csv", "--task", "classification"),
        ("new", "p", "--data", "FILE", "--task", "poetry"),
        ("new", "p", "--data", "FILE", "--task", "classification", "--strategy", "nope"),
        ("new", "p", "--data", "FILE", "--task", "classification", "--labels", "only"),
        ("new", "p", "--data", "FILE", "--task", "classification", "--text-column", "nope"),
        ("train", "absent"),
        ("status", "absent"),
        ("predict", "absent", "FILE"),
        ("export", "absent", "out.csv"),
        ("import", "absent", "FILE"),
        ("serve", "FILE"),
        ("serve", ".", "--host", "0.0.0.0"),
        ("simulate", "FILE", "--test", "absent.csv"),
        ("demo", "--task", "poetry"),
    ],
)
def test_mistakes_end_in_one_line(
    tmp_path: Path, csv_file: Path, arguments: tuple[str, ...]
) -> None:
    ran = alnlp(*(str(csv_file) if a == "FILE" else a for a in arguments), cwd=tmp_path)
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1
    assert "Traceback" not in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["messages.csv"]


def test_a_process_of_its_own_ends_the_same(tmp_path: Path) -> None:
    ran = shell("train", "absent", cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"error: ")
    assert ran.stderr.count(b"\n") == 1


def test_a_stream(tmp_path: Path, csv_file: Path, tiny_model: str) -> None:
    pytest.importorskip("river")
    assert alnlp("new", "p", "--data", csv_file, "--task", "classification", "--answers",
                 "--model", f"probe:{tiny_model}", cwd=tmp_path).returncode == 0  # fmt: skip
    assert alnlp("train", "p", cwd=tmp_path).returncode == 0
    lines = b"".join(b"message %d about a parcel\n" % i for i in range(60))
    ran = shell("stream", "p", "--budget", "1", cwd=tmp_path, given=lines + b"\0 broken\n")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == lines
    assert b"60 lines read, 60 chosen (100.0%); 1 could not be used\n" in ran.stderr
    assert b"line 61: " in ran.stderr
    for wrong, word in [(("--budget", "2"), b"budget: got 2"), (("--policy", "x"), b"policy: got")]:
        bad = shell("stream", "p", *wrong, cwd=tmp_path, given=lines)
        assert bad.returncode == 2
        assert word in bad.stderr


def test_an_unknown_option_ends_with_status_2() -> None:
    assert alnlp("new", "--colour").returncode == 2


@pytest.mark.slow
def test_entities_the_whole_way(tmp_path: Path, tiny_model: str) -> None:
    texts = [
        f"case {i * 7919} of {name} in Oslo" for i, name in enumerate(["Ana", "Ben", "Eli"] * 6)
    ]
    rows = [
        {"text": text, "spans": [[text.index("of ") + 3, text.index(" in"), "PERSON"]]}
        for text in texts
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = alnlp(
        "simulate", "data.jsonl", "--test", "data.jsonl", "--task", "ner", "--initial", "5",
        cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "no example is left to label" in ran.stderr
    tests = [{**row, "text": row["text"] + "!"} for row in rows[:4]]
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tests))
    ran = alnlp(
        "simulate", "data.jsonl", "--test", "test.jsonl", "--task", "ner", "--model", tiny_model,
        "--strategy", "entropy:entities", "--initial", "4", "--tokens", "30", "--rounds", "1",
        "--json", "out.json", "--plot", "out.png",
        cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    first, second = json.loads((tmp_path / "out.json").read_text())["rounds"]
    assert {"span_f1", "tokens"} <= set(first["metrics"])
    assert first["metrics"]["tokens"] < second["metrics"]["tokens"]
    assert alnlp("new", "p", "--data", "data.jsonl", "--task", "ner", "--answers",
                 "--model", tiny_model, cwd=tmp_path).returncode == 0  # fmt: skip
    assert alnlp("train", "p", cwd=tmp_path).returncode == 0
    said = json.loads(alnlp("predict", "p", "data.jsonl", cwd=tmp_path).stdout.splitlines()[0])
    assert set(said) == {"text", "spans"}
    written = alnlp("export", "p", "out.conll", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert "B-PERSON" in (tmp_path / "out.conll").read_text()
    for wrong, word in [("entropy:best", "mean, max"), ("entopy", "did you mean 'entropy'")]:
        bad = alnlp("new", "q", "--data", "data.jsonl", "--task", "ner", "--strategy", wrong,
                    cwd=tmp_path)  # fmt: skip
        assert bad.returncode == 2
        assert word in bad.stderr
        assert "Traceback" not in bad.stderr

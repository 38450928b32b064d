"""recipes/compare.py goes on where it was killed, to the very table of a run without a break."""

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RECIPES = Path(__file__).parent.parent / "recipes"
WHAT = {"refund": "money back", "delivery": "my parcel", "fault": "it broke"}


def row(i: int) -> dict[str, object]:
    label = list(WHAT)[i % 3]
    return {"text": f"{WHAT[label]} {i * 7919} and {i * 104729 % 65537}", "label": label}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two small data sets in the form of $ALNLP_DATA, under the names of real ones."""
    for number, name in enumerate(("trec6", "sst2_sentences")):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for split, first, n in (("train", 0, 60), ("test", 100, 24)):
            lines = [json.dumps(row(first + 1000 * number + i)) for i in range(n)]
            with gzip.open(folder / f"{split}.jsonl.gz", "wt") as file:
                file.write("\n".join(lines) + "\n")
    return tmp_path / "data"


def command(model: str, out: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, str(RECIPES / "compare.py"), "--datasets", "trec6,sst2_sentences"),
        *("--strategies", "margin", "--seeds", "0..1", "--model", model, "--pool", "50"),
        *("--initial", "6", "--batch", "4", "--rounds", "1", "--out", str(out), *more),
    ]


def run(given: list[str], data: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ALNLP_DATA": str(data)}
    return subprocess.run(given, capture_output=True, text=True, env=environment)


def run_killed_after(given: list[str], data: Path, rounds: int) -> list[str]:
    """Run until so many rounds are told, then SIGKILL in the middle of what follows."""
    environment = {**os.environ, "ALNLP_DATA": str(data)}
    process = subprocess.Popen(
        given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(rounds)]
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    return told


def tables(out: Path) -> list[str]:
    return [line for line in (out / "table.md").read_text().splitlines() if line[:1] == "|"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_in_the_middle_of_a_curve(data: Path, tiny_model: str, tmp_path: Path) -> None:
    probe = f"probe:{tiny_model}"  # whose rounds are short
    whole = run(command(probe, tmp_path / "whole"), data)
    assert whole.returncode == 0, whole.stderr
    out = tmp_path / "killed"
    given = command(probe, out)
    told = run_killed_after(given, data, 1)
    assert told[0].startswith("trec6 random seed 0: 6 labels, accuracy 0.")
    assert " | training 1 of 18, " in told[0]
    assert list((out / "trec6-50" / "unfinished").glob("random-0/rounds/*/round.json"))
    assert not (out / "trec6-50" / "random-0.json").exists()
    told = run_killed_after(given, data, 2)  # in the second curve, after one of its rounds
    assert told[0].startswith("trec6 random seed 0: 10 labels")
    assert [line.split(" | ")[1].split(",")[0] for line in told] == [
        f"training {number} of 18" for number in (2, 3)
    ]
    ended = run(given, data)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("trec6 margin seed 0: 10 labels")
    assert tables(out) == tables(tmp_path / "whole")
    for path in (tmp_path / "whole").glob("*/*-[01].json"):
        curves = [json.loads((top / path.parent.name / path.name).read_text())["rounds"]
                  for top in (tmp_path / "whole", out)]  # fmt: skip
        without_times = [[(p["labels"], p["metrics"]) for p in points] for points in curves]
        assert without_times[0] == without_times[1]
        assert len(curves[0]) == 2

    for name in ("trec6-50", "sst2_sentences-50"):
        assert (out / name / "curve.png").read_bytes().startswith(b"\x89PNG")
        assert not [path for path in (out / name / "unfinished").iterdir() if path.is_dir()]
        assert list((out / name / "base" / "cache" / "tokens").iterdir())  # shared by the copies
    lines = tables(out)
    assert len(lines) == 4 + 4 + 3
    assert [line.split(" | ")[0] for line in lines[2:4]] == ["| random", "| margin"]
    assert lines[3].count("(t)") == 1
    assert "labels to 95% of full" in lines[0]
    assert " of 4 | " in lines[-1]  # two data sets, two seeds
    told = (out / "table.md").read_text()
    assert "is about these data sets alone" in told.partition("## All data sets")[2]
    assert "All 50 labels: 0." in (out / "table.md").read_text()

    again = run(given, data)  # all of it is on disk: nothing but the report
    assert again.stdout.startswith("# 2 of 2 seeds")
    assert tables(out) == lines
    refused = run(command(probe, out, "--batch", "5"), data)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "got runs with batch = 4 in this folder, expected 5" in refused.stderr
    assert refused.stderr.endswith("choose another --out\n")


@pytest.mark.slow
def test_a_pool_that_runs_out_and_one_of_another_size(
    data: Path, tiny_model: str, tmp_path: Path
) -> None:
    def recipe(*more: str) -> subprocess.CompletedProcess[str]:
        given = [sys.executable, str(RECIPES / "trec.py"), "--model", f"probe:{tiny_model}"]
        given += ["--strategies", "margin", "--seeds", "0..0", "--out", str(tmp_path / "out")]
        return run([*given, "--initial", "9", "--batch", "8", "--rounds", "2", *more], data)

    first = recipe("--pool", "12")
    assert first.returncode == 0, first.stderr
    assert [line.split(" | ")[0] for line in first.stdout.splitlines() if line[:1] == "|"] == [
        "| labels", "|---|---|---|", "| random", "| margin",
    ]  # fmt: skip
    assert recipe("--pool", "12").stdout == first.stdout[first.stdout.index("| labels") :]
    other = recipe("--pool", "30")
    assert other.returncode == 1
    assert "got runs with pool = 12 in this folder, expected 30" in other.stderr
    for wrong, says in (("margin,magic", "'magic'"), ("margin,margin", "each once")):
        refused = recipe("--strategies", wrong)
        assert refused.returncode == 1
        assert says in refused.stderr
        assert "Traceback" not in refused.stderr


#: The recipe of TREC, killed at its claim of the folder: before that is written, or just after.
KILLED = """
import os, signal, benchmark, trec
def write(path, values, write=benchmark.write_json):
    {after} and write(path, values)
    assert path.name == "settings.json"
    os.kill(os.getpid(), signal.SIGKILL)
benchmark.write_json = write
benchmark.main(trec.TREC, None)
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_killed_while_a_folder_is_claimed(
    data: Path, tiny_model: str, tmp_path: Path, after: bool
) -> None:
    """No settings find a project that was made with others."""
    out, script = tmp_path / "out", tmp_path / "killed.py"
    script.write_text(KILLED.format(after=after))
    given = ["--model", f"probe:{tiny_model}", "--strategies", "random", "--seeds", "0"]
    given += ["--initial", "9", "--rounds", "0", "--skip-full", "--out", str(out), "--pool"]
    environment = {**os.environ, "ALNLP_DATA": str(data), "PYTHONPATH": str(RECIPES)}
    killed = subprocess.run([sys.executable, str(script), *given, "30"], env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert not (out / "base").exists()
    assert (out / "settings.json").exists() == after
    recipe = [sys.executable, str(RECIPES / "trec.py"), *given]
    if after:
        other = run([*recipe, "20"], data)
        assert "got runs with pool = 30 in this folder, expected 20" in other.stderr
    pool = 30 if after else 20
    assert run([*recipe, str(pool)], data).returncode == 0
    assert json.loads((out / "random-0.json").read_text())["pool"] == pool
    assert [path.name for path in out.glob(".*")] == []


@pytest.mark.slow
def test_runs_of_another_machine_or_version(data: Path, tiny_model: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    recipe = [sys.executable, str(RECIPES / "trec.py"), "--model", f"probe:{tiny_model}"]
    recipe += ["--strategies", "random", "--seeds", "0", "--initial", "9", "--rounds", "0"]
    recipe += ["--skip-full", "--out", str(out)]
    assert run(recipe, data).returncode == 0
    claim = out / "settings.json"
    found = json.loads(claim.read_text())
    for name in ("precision", "torch", "alnlp"):
        claim.write_text(json.dumps(found | {name: "other"}))
        refused = run(recipe, data)
        assert refused.returncode == 1
        assert refused.stderr == (
            f"{out}: got runs with {name} = 'other' in this folder, expected {found[name]!r}; "
            "choose another --out\n"
        )
    claim.unlink()
    assert "got runs with pool = 'unknown' in this folder" in run(recipe, data).stderr


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--datasets", "trec6,trec7", "--datasets: got 'trec6,trec7', expected some of trec6, "),
        (
            "--strategies",
            "margin,magic",
            "strategy: got 'magic' (did you mean 'margin'?), expected a name that ",
        ),
        ("--strategies", "mnlp", "strategy: 'mnlp' serves ner"),
        ("--strategies", "margin,,", "--strategies: got 'margin,,', expected names"),
        ("--seeds", "0..", "--seeds: got '0..', expected numbers such as 0,1,2 or 0..4"),
        ("--seeds", "0,0..1", "--seeds: got '0,0..1', expected at least one, and each seed once"),
        ("--pool", "61", "--pool: got 61, expected 1 to 60 rows of "),
        ("--model", "no/such", "no/such"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    data: Path, tiny_model: str, tmp_path: Path, option: str, value: str, says: str
) -> None:
    ran = run([*command(tiny_model, tmp_path / "out"), option, value], data)
    assert ran.returncode == 1
    lines = ran.stderr.strip().splitlines()
    assert says in lines[-1]
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--batch", "-5", "--batch: got '-5', expected a whole number of at least 1"),
        ("--initial", "0", "--initial: got '0', expected a whole number of at least 1"),
        ("--rounds", "-1", "--rounds: got '-1', expected a whole number of at least 0"),
        ("--pool", "0", "--pool: got '0', expected a whole number of at least 1"),
        ("--initial-strategy", "margin", "--initial-strategy: got 'margin', which needs a trained"),
    ],
)
def test_a_wrong_number_leaves_nothing_behind(
    data: Path, tiny_model: str, tmp_path: Path, option: str, value: str, says: str
) -> None:
    ran = run([*command(tiny_model, tmp_path / "out"), f"{option}={value}"], data)
    assert ran.returncode
    assert says in ran.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_a_run_that_cannot_be_read_is_named(data: Path, tiny_model: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = command(tiny_model, out, "--datasets", "trec6", "--seeds", "0")
    assert run(given, data).returncode == 0
    finished = out / "trec6-50" / "margin-0.json"
    finished.write_text(finished.read_text()[:40])
    refused = run(given, data)
    assert refused.returncode == 1
    [line] = refused.stderr.strip().splitlines()
    assert line.startswith(f"{finished}: ")
    assert "remove the file" in line
    taken = run([*given[:-1], "0", "--out", str(finished / "below")], data)
    assert taken.returncode == 1
    assert taken.stderr.strip().splitlines()[-1].startswith("--out: got ")


def test_every_recipe_names_its_data_set() -> None:
    code = (
        "from compare import benchmarks, RECIPES\n"
        "found = benchmarks()\n"
        "assert len(found) == len(RECIPES) == len({bench.name for bench in found})\n"
        "print(*(bench.name for bench in found))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=RECIPES, capture_output=True, text=True, check=True
    )
    names = set(ran.stdout.split())
    if "ALNLP_DATA" in os.environ:
        assert names <= {path.name for path in Path(os.environ["ALNLP_DATA"]).iterdir()}

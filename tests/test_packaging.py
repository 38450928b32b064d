"""What is shipped: the wheel holds the app and the corpus, and runs without the source tree."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from alnlp import corpus

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    source = tmp_path_factory.mktemp("source")
    # A copy, since building writes next to the sources.
    listed = subprocess.run(
        ["git", "ls-files", "-z", "alnlp", "apps", "pyproject.toml", "README.md", "LICENSE"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.rstrip("\0").split("\0"):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source],
        check=True, capture_output=True,
    )  # fmt: skip
    return next(out.glob("*.whl"))


def test_the_wheel_holds_all_there_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    for package, folder in (("alnlp", ROOT / "alnlp"), ("alnlp_apps", ROOT / "apps")):
        for path in folder.rglob("*"):
            wanted = path.suffix in (".py", ".js", ".css", ".jsonl") and path.is_file()
            if wanted and "__pycache__" not in path.parts:
                assert f"{package}/{path.relative_to(folder)}" in held


@pytest.mark.slow
def test_the_wheel_runs_away_from_its_source(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = (
        "import alnlp, alnlp_apps.workbench as w, alnlp.corpus as c, pathlib;"
        "project = c.create_demo(pathlib.Path('demo'), 'classification');"
        "print(alnlp.__file__, w.__file__, len(project.pool), len(project.test))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    library, app, pool, test = ran.stdout.split()
    assert Path(library).is_relative_to(site)
    assert Path(app).is_relative_to(site)
    assert (int(pool), int(test)) == (850, 160)


@pytest.mark.parametrize("suffix", ["", "_test"])
def test_the_corpus_is_what_it_says(suffix: str) -> None:
    intents, entities = (
        [json.loads(line) for line in (corpus.FOLDER / f"{name}{suffix}.jsonl").open("rb")]
        for name in ("intents", "entities")
    )
    assert [row["text"] for row in intents] == [row["text"] for row in entities]
    assert len({row["text"] for row in intents}) == len(intents)
    assert {row["label"] for row in intents} == {
        *("account", "billing", "delivery", "fault", "question", "refund")
    }
    types = set()
    for row in entities:
        end = 0
        for span in row["spans"]:
            assert end <= span["start"] < span["end"] <= len(row["text"])
            surface = row["text"][span["start"] : span["end"]]
            assert surface == surface.strip()
            end = span["end"]
            types.add(span["label"])
    assert types == {"ORDER", "PRODUCT", "DATE", "MONEY", "PERSON"}

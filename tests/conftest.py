"""What many tests share: data sets, a tiny model, small projects."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from alnlp.models.config import TrainConfig
from alnlp.project import Project

# No test asserts a time.
hypothesis.settings.register_profile("alnlp", deadline=None)
hypothesis.settings.load_profile("alnlp")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
# Tests side by side share the cores: more torch threads than cores cost ten times the time.
PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // PROCESSES)))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real benchmark sets, or a skip."""
    if "ALNLP_DATA" not in os.environ:
        pytest.skip("ALNLP_DATA is not set: name the folder of benchmark sets to run this test")
    return Path(os.environ["ALNLP_DATA"])


#: Enough for the tiny model to have learnt something.
QUICK_STEPS = 25

WORDS = {
    "refund": ["money back please", "return this item", "i want a refund"],
    "delivery": ["where is my parcel", "still not arrived", "tracking shows nothing"],
    "fault": ["it does not start", "the display is broken", "loud noise inside"],
}
RECIPIENTS = ["ana", "ben", "carla", "dmitri", "elif", "farid", "greta", "hugo", "ines"]


def rows(n: int = 45) -> list[dict[str, Any]]:
    """n different short messages of three classes, every third of a class."""
    made = []
    for i in range(n):
        label = list(WORDS)[i % 3]
        phrase = WORDS[label][i // 3 % 3]
        name = RECIPIENTS[i // 9 % len(RECIPIENTS)]
        made.append({"text": f"{phrase} says {name} about case {i * 7919}", "label": label})
    return made


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """A csv with columns text and label."""
    path = tmp_path / "messages.csv"
    lines = ["text,label", *(f"{row['text']},{row['label']}" for row in rows())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a BERT of two layers and 32 units, with random weights."""
    import tiny

    return str(tiny.checkpoint(tmp_path_factory.mktemp("tiny"), [row["text"] for row in rows()]))


@pytest.fixture
def make_project(
    tmp_path: Path, csv_file: Path, tiny_model: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Project]]:
    """Makes projects on the small csv with the tiny model, whose trainings are short."""
    monkeypatch.setattr(TrainConfig, "steps", lambda self, *_: min(QUICK_STEPS, self.min_steps))
    made: list[Project] = []

    def make(name: str = "project", **options: Any) -> Project:
        usual = {"data": csv_file, "task": "classification", "model": tiny_model}
        # All that is asked for was chosen by the strategy, but in tests of the audit sample.
        settings = {**usual, "audit_share": 0.0, **options}
        made.append(Project.create(tmp_path / name, **settings))
        return made[-1]

    yield make
    for project in made:
        project.close()

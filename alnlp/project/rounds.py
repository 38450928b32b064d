"""A round: one retraining, one folder, complete or absent.

A folder `rounds/0003` is a plain transformers model folder plus `round.json` and the arrays of
signals. It is written under a temporary name and renamed when everything is on disk, so a crash at
any moment leaves the previous round as the newest.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from alnlp.errors import ProjectError
from alnlp.project.kept import KeptSignals, damaged
from alnlp.store.database import sync

_INFO = "round.json"
_TEMPORARY = ".writing-"
_STAYS = ("stop_", "audit_")


@dataclass(frozen=True)
class Round(KeptSignals):
    """One finished retraining.

    Attributes:
        number: 1 for the first; the name of its folder.
        folder: where it lies.
        created_at: UTC, ISO 8601.
        model: the model that was trained.
        reason: why it was chosen, in a line; empty where the project names it.
        strategy: the name of the strategy that it was trained for.
        seed: of the training.
        labels: answered examples that it was trained on.
        per_label: how many of them carry each label.
        seq: the newest annotation event that it knows of.
        label_names: the labels in the order of the model's outputs.
        spent: what the answers cost: "seconds" of the annotators where they were timed, and for
            ner "tokens", the words that they looked at.
        metrics: on the test set; empty where there is none.
        tested: the same with intervals, see `tested.figures`; empty in rounds of earlier versions.
        audit: what the audit sample says of the model, see `audit.figures`; empty without one.
        gain: what choosing has gained over labelling at random, see `gain.of`; None where that
            cannot be told.
        agreement: {"share", "n"}: how often people kept what the round before had suggested.
        seconds: wall-clock by phase: "train", "evaluate", "score".
        fit: what the training did: steps, loss, precision, configuration.
    """

    number: int
    folder: Path
    created_at: str
    model: str
    strategy: str
    seed: int
    labels: int
    per_label: dict[str, int]
    seq: int
    label_names: list[str]
    spent: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tested: dict[str, Any] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)
    gain: dict[str, float] | None = None
    reason: str = ""
    agreement: dict[str, float] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)

    @property
    def reader(self) -> str:
        """Who says what is kept here, in words."""
        return f"round {self.number}"

    @property
    def temperature(self) -> float:
        """What puts its probabilities right, by the audit sample; 1 where that cannot tell."""
        return float(self.audit.get("temperature", 1.0))

    @staticmethod
    def read(folder: Path, number: int | None = None) -> Round:
        """The round that lies in a folder, whose name is its number unless one is given.

        Raises:
            ProjectError: it is damaged.
        """
        try:
            info = json.loads((folder / _INFO).read_text(encoding="utf-8"))
            return Round(int(folder.name) if number is None else number, folder, **info)
        except (OSError, ValueError, TypeError) as error:
            raise damaged(folder, error) from error

    @property
    def has_weights(self) -> bool:
        """Whether the model is still on disk; old rounds keep only their metrics."""
        return all((self.folder / name).exists() for name in ("config.json", "model.safetensors"))


def finished(folder: Path) -> list[Round]:
    """All finished rounds below a folder, oldest first."""
    return [Round.read(folder / f"{number:04d}") for number in _numbers(folder)]


def infos(folder: Path) -> dict[str, str]:
    """What is known about each finished round but for its arrays and weights, by folder name.

    Damaged rounds are left out.
    """
    known = {}
    for number in _numbers(folder):
        with suppress(OSError, ValueError):
            file = folder / f"{number:04d}" / _INFO
            known[file.parent.name] = file.read_text(encoding="utf-8")
    return known


def put_infos(folder: Path, known: Mapping[str, object]) -> None:
    """Bring back what `infos` gave, for rounds that are gone; their metrics, not their models.

    What `infos` cannot have given is left out: a backup may come from anywhere.
    """
    for name, info in known.items():
        if re.fullmatch(r"\d{4,9}", name, re.ASCII) and not (folder / name).exists():
            with writing(folder) as temporary, suppress(ProjectError):
                (temporary / _INFO).write_text(str(info), encoding="utf-8")
                sync(temporary / _INFO)
                Round.read(temporary, int(name))
                temporary.rename(folder / name)
    if folder.is_dir():
        sync(folder)


def set_aside(folder: Path, to: Path, seq: int, labels: Collection[str]) -> list[Path]:
    """Move rounds that a project cannot have made, or that are damaged, to another folder.

    Args:
        folder: of the rounds.
        to: made if there are any.
        seq: the newest event there is.
        labels: those there are.

    Returns:
        Where they are now.
    """
    moved = []
    for number in _numbers(folder):
        path = folder / f"{number:04d}"
        with suppress(ProjectError):
            made = Round.read(path)
            if made.seq <= seq and set(made.label_names) <= set(labels):
                continue
        to.mkdir(parents=True, exist_ok=True)
        moved.append(path.rename(to / path.name))
    if moved:
        sync(to)
        sync(folder)
    return moved


def newest_number(folder: Path) -> int:
    """The number of the newest finished round, 0 for none; no file is read."""
    return max(_numbers(folder), default=0)


def next_number(folder: Path) -> int:
    """A number that no round has, not even one whose folder was emptied."""
    taken = [int(d.name) for d in folder.iterdir() if d.name.isdigit()] if folder.is_dir() else []
    return max(taken, default=0) + 1


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    named = sorted((int(d.name), d) for d in folder.iterdir() if d.name.isdigit())
    return [number for number, d in named if (d / _INFO).is_file()]


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """A temporary folder for a round in the making; gone afterwards unless published."""
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob(f"{_TEMPORARY}*"):  # the caller holds the training lock
        shutil.rmtree(left_over, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=folder))
    temporary.chmod(0o755)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def publish(temporary: Path, made: Round) -> Round:
    """Make a written round the newest one: everything to disk first, then one rename."""
    info = asdict(made)
    del info["number"], info["folder"]
    (temporary / _INFO).write_text(json.dumps(info, indent=1, ensure_ascii=False), encoding="utf-8")
    for path in temporary.rglob("*"):
        sync(path)
    sync(temporary)
    final = made.folder
    temporary.rename(final)
    sync(final.parent)
    return replace(made, folder=final)


def prune(folder: Path, keep: int) -> None:
    """Drop weights and signals of all but the newest `keep` rounds.

    Their metrics stay, and what they said of the stop set and of the audit sample.
    """
    for old in finished(folder)[:-keep]:
        for path in old.folder.iterdir():
            if path.name not in (_INFO, "README.md") and not path.name.startswith(_STAYS):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

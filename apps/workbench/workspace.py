"""The projects of one folder, each opened once, and the trainer that they share."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from alnlp.errors import ProjectError
from alnlp.project import Project
from alnlp.store import Event, NewEvent
from alnlp_apps.workbench.texts import NEW

_NAME = re.compile(r"\w[\w .-]{0,63}")
_TRAINER_FIELDS = (
    "state", "phase", "done", "total", "unit", "rate", "seconds_left", "round", "message",
)  # fmt: skip


class Training(Protocol):
    """The part of `alnlp.worker.Trainer` that the workbench uses."""

    def request(self, folder: Path) -> None:
        """Ask for a training; asking again before it begins changes nothing."""

    def cancel(self, folder: Path) -> None:
        """Stop the training of a project, or take the request back."""

    def status(self, folder: Path) -> Any:
        """A `TrainerStatus`."""

    def close(self) -> None:
        """End the process."""


class Desk:
    """One project as it is served: it asks for a training whenever a batch has been answered."""

    def __init__(self, project: Project, trainer: Training) -> None:
        self.project = project
        self._trainer = trainer
        self._lock = threading.Lock()
        self._due = project.status()["since_round"]

    def record(self, events: Sequence[NewEvent]) -> list[Event]:
        """Store events; a training is requested when enough answers have come in."""
        stored = self.project.record(events)
        answers = sum(event.kind == "label" for event in stored)
        with self._lock:
            self._due += answers
            complete = answers and self._due >= self.project.settings.batch_size
        if complete:
            self.train()
        return stored

    def train(self) -> None:
        """Request a training."""
        with self._lock:
            self._due = 0
        self._trainer.request(self.project.folder)

    def status(self) -> dict[str, Any]:
        """The project's status, what its trainer does, and the answers since the last request."""
        trainer = self._trainer.status(self.project.folder)
        return {
            **self.project.status(),
            "name": self.project.folder.name,
            "due": self._due,
            "trainer": {name: getattr(trainer, name) for name in _TRAINER_FIELDS},
        }

    def cancel(self) -> None:
        """Cancel the training."""
        self._trainer.cancel(self.project.folder)


class Workspace:
    """A folder whose subfolders are projects."""

    def __init__(self, folder: Path, trainer: Training, selected: str | None = None) -> None:
        self.folder = folder
        self.selected = selected
        self._trainer = trainer
        self._desks: dict[tuple[str, int], Desk] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """The names of the projects, sorted."""
        if not self.folder.is_dir():
            return []
        found = (path.name for path in self.folder.iterdir() if Project.is_project(path))
        return sorted((name for name in found if not name.startswith(".")), key=str.casefold)

    def desk(self, name: str) -> Desk:
        """The desk of a project.

        Raises:
            ProjectError: no project has this name.
            StoreError: it cannot be opened.
        """
        # Only a name that the listing has becomes part of a path.
        if name not in self.names():
            raise ProjectError(f"project: got {name!r:.80}, which is not in this workspace")
        folder = self.folder / name
        with self._lock:
            # A project may have been deleted and made anew under the same name.
            key = name, folder.stat().st_ino
            if key not in self._desks:
                self._desks[key] = Desk(Project.open(folder), self._trainer)
            return self._desks[key]

    def new_folder(self, name: str) -> Path:
        """Where a new project of this name goes.

        Raises:
            ProjectError: the name cannot be a folder's, or is taken.
        """
        name = name.strip()
        if not _NAME.fullmatch(name) or name.endswith("."):
            raise ProjectError(NEW["no_name"].format(name=name[:80]))
        folder = self.folder / name
        if folder.exists():
            raise ProjectError(f"name: {name!r} is taken; choose another one")
        return folder

    def close(self) -> None:
        """End the trainer and let go of all projects."""
        self._trainer.close()
        for desk in self._desks.values():
            desk.project.close()

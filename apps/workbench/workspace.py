"""The projects of one folder, each opened once, and the trainer that they share."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from alnlp.encoder import Encoder
from alnlp.errors import ProjectError, StrategyError
from alnlp.project import Project
from alnlp.store import Event, NewEvent
from alnlp_apps.workbench.payloads import rates

_NAME = re.compile(r"\w[\w .-]{0,63}")
_TRAINER_FIELDS = (
    "state", "phase", "done", "total", "unit", "rate", "seconds_left", "round", "message",
)  # fmt: skip


class Training(Protocol):
    """The part of `alnlp.worker.Trainer` that the workbench uses."""

    def request(self, folder: Path) -> None:
        """Ask for a training; asking again before it begins changes nothing."""

    def prepare(self, folder: Path) -> None:
        """Ask for the pool to be read by the pretrained network."""

    def cancel(self, folder: Path) -> None:
        """Stop the training of a project, or take the request back."""

    def status(self, folder: Path) -> Any:
        """A `TrainerStatus`."""

    def close(self) -> None:
        """End the process."""


class Reading(Protocol):
    """The part of `alnlp.encoder.Encoder` that the workbench uses."""

    def start(self) -> None:
        """Get ready, without waiting for it."""

    def embed(self, model: str, text: str) -> Any:
        """(D,) of a text."""

    def close(self) -> None:
        """End the process."""


class Desk:
    """One project as it is served: it asks for a training whenever a batch has been answered."""

    def __init__(self, project: Project, trainer: Training, encoder: Reading) -> None:
        self.project = project
        self._trainer = trainer
        self._encoder = encoder
        self._lock, self._telling = threading.Lock(), threading.Lock()
        self._told: tuple[int, dict[str, Any]] = (0, {})
        newest = project.newest_round
        # The newest event at the last request; a restored store may be behind its newest round.
        self._asked_at = min(newest.seq, project.answers_since(newest.seq)[1]) if newest else 0
        self._prepared: object = None
        self._prepare()

    @property
    def due(self) -> int:
        """Answers that count and came after the last request for a training."""
        return self.project.answers_since(self._asked_at)[0]

    def record(self, events: Sequence[NewEvent]) -> list[Event]:
        """Store events; a training is requested when enough answers have come in."""
        stored = self.project.record(events)
        if any(event.kind == "label" for event in stored):
            self.train_if_due(self.project.settings.batch_size)
        return stored

    def train_if_due(self, answers: int) -> None:
        """Request a training if at least so many answers came after the last request."""
        with self._lock:
            due, newest = self.project.answers_since(self._asked_at)
            if due < answers:
                return
            self._asked_at = newest
        self._trainer.request(self.project.folder)

    def train(self) -> None:
        """Request a training."""
        with self._lock:
            self._asked_at = self.project.answers_since(self._asked_at)[1]
        self._trainer.request(self.project.folder)

    def status(self) -> dict[str, Any]:
        """The project's status, what its trainer does, and the answers since the last request.

        Who asks while it is being worked out for somebody shares the next one with all who wait:
        many annotators at once would keep the processor busy with nothing else.
        """
        before = self._told[0]
        with self._telling:
            number, status = self._told
            if number <= before + 1:  # it was begun before this was asked for, or is none
                status = self._status()
                self._told = number + 1, status
            return status

    def _status(self) -> dict[str, Any]:
        self._prepare()
        trainer, status = self._trainer.status(self.project.folder), self.project.status()
        return {
            **status,
            "metrics": rates(status["metrics"]),
            "audit_share": self.project.settings.audit_share,
            "name": self.project.folder.name,
            "due": self.due,
            "trainer": {name: getattr(trainer, name) for name in _TRAINER_FIELDS},
        }

    def _prepare(self) -> None:
        """Request a first reading where the strategy could use one: once for each state of it."""
        settings, labels = self.project.settings, self.project.task.labels
        needed = (settings.model, settings.strategy, settings.queries, labels)
        with self._lock:
            if needed == self._prepared:
                return
            self._prepared = needed
        try:
            wanted = self.project.wants_preparing
        except StrategyError:  # one that this version does not know; `ask` says so
            return
        if wanted:
            self._trainer.prepare(self.project.folder)

    def read(self) -> None:
        """Request that the pretrained network reads the pool, so that meaning can be searched."""
        self._trainer.prepare(self.project.folder)

    def expect_query(self) -> None:
        """Let the process that embeds queries start while somebody is typing the first one."""
        self._encoder.start()

    def embed(self, query: str) -> Any:
        """(D,) of a query, as the pretrained network reads it."""
        return self._encoder.embed(self.project.settings.model, query)

    def cancel(self) -> None:
        """Cancel the training."""
        self._trainer.cancel(self.project.folder)


class Workspace:
    """A folder whose subfolders are projects.

    Args:
        folder: of the projects.
        trainer: trains all of them, one after the other.
        selected: the project that is shown first.
        alone: show only that one and those made here, since others may look at the workspace.
        encoder: embeds what people search for; a process of its own where None.
    """

    def __init__(
        self,
        folder: Path,
        trainer: Training,
        selected: str | None = None,
        *,
        alone: bool = False,
        encoder: Reading | None = None,
    ) -> None:
        self.folder = folder
        self.selected = selected
        self._shown = {selected} if alone and selected else None
        self._trainer = trainer
        self._encoder = encoder or Encoder()
        self._desks: dict[tuple[str, int], Desk] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """The names of the projects, sorted."""
        if not self.folder.is_dir():
            return []
        found = (path.name for path in self.folder.iterdir() if _is_project(path))
        shown = (name for name in found if self._shown is None or name in self._shown)
        return sorted((name for name in shown if not name.startswith(".")), key=str.casefold)

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
                self._desks[key] = Desk(Project.open(folder), self._trainer, self._encoder)
            return self._desks[key]

    def new_folder(self, name: str) -> Path:
        """Where a new project of this name goes.

        Raises:
            ProjectError: the name cannot be a folder's, or is taken.
        """
        name = " ".join(name.split())  # pasted names bring line breaks
        if not _NAME.fullmatch(name) or name.endswith("."):
            raise ProjectError(
                f"name: got {name[:80]!r}; expected letters, digits, spaces, - and _, up to 64 "
                "of them"
            )
        folder = self.folder / name
        if folder.exists():
            raise ProjectError(f"name: {name!r} is taken; choose another one")
        if self._shown is not None:
            self._shown.add(name)
        return folder

    def close(self) -> None:
        """End the trainer and let go of all projects."""
        self._trainer.close()
        self._encoder.close()
        for desk in self._desks.values():
            desk.project.close()


def _is_project(folder: Path) -> bool:
    try:
        return Project.is_project(folder)
    except ProjectError:  # a folder that this user may not read is none of this workspace's
        return False

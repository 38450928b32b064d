"""Backups of a project: what people did and what it led to, in one file under `backups/`.

A backup holds the events, the settings and what is known about each round. It does not hold the
pool, which the imported files can make again, nor the models, which a training can.
"""

from __future__ import annotations

from pathlib import Path

from alnlp.errors import ProjectError
from alnlp.project import rounds
from alnlp.project.creating import STORE
from alnlp.store import Store, backup
from alnlp.store.backup import FOLDER, Restored
from alnlp.tasks import Task

#: The key in a copy of the store of what is known about the rounds: number -> `round.json`.
_ROUNDS = "rounds"


def back_up(folder: Path) -> Path:
    """Make a backup of a project now, while others may work on it, and prune old ones.

    Raises:
        ProjectError: the folder holds no project.
        StoreError: the store cannot be read, or the backup not be written.
    """
    if not (folder / STORE).is_file():
        raise ProjectError(f"{folder}: holds no alnlp project, expected one to back up")
    notes = {_ROUNDS: rounds.infos(folder / "rounds")}
    made = backup.back_up(folder / STORE, folder / FOLDER, notes=notes)
    backup.prune(folder / FOLDER)
    return made


def back_up_if_due(folder: Path) -> Path | None:
    """Make a backup if the newest is older than a day and something was written since."""
    return back_up(folder) if backup.is_due(folder / STORE, folder / FOLDER) else None


def restore(folder: Path, name: str | Path | None = None) -> tuple[Restored, list[Path]]:
    """Bring back a backup; the present store is kept beside the backups.

    So are rounds that have learnt what the backup does not hold.

    Args:
        folder: of the project.
        name: of a backup of the project, or the path of one; the newest where None.

    Returns:
        What was done, and the rounds that were set aside.

    Raises:
        ProjectError: there is no such project or backup.
        StoreError: it is damaged or of another project, or the project is in use.
    """
    if not (folder / "pool").is_dir():
        raise ProjectError(f"{folder}: holds no alnlp project, expected one to bring a backup to")
    restored = backup.restore(folder / STORE, _chosen(folder, name), folder / FOLDER)
    with Store.open(folder / STORE) as store:
        seq = max((event.seq for event in store.events()), default=0)
        labels = Task.from_json(store.get("task")).labels
    aside = folder / FOLDER / f"{(restored.aside or restored.backup).stem}-rounds"
    moved = rounds.set_aside(folder / "rounds", aside, seq, labels)
    known = backup.note(folder / STORE, _ROUNDS)
    rounds.put_infos(folder / "rounds", known if isinstance(known, dict) else {})
    return restored, moved


def _chosen(folder: Path, name: str | Path | None) -> Path:
    kept = backup.backups(folder / FOLDER)
    if name is None:
        if not kept:
            raise ProjectError(f"{folder / FOLDER}: holds no backup; name the file of one")
        return kept[0]
    found = [path for path in (folder / FOLDER / name, Path(name)) if _is_file(path)]
    if not found:
        names = ", ".join(path.name for path in kept) or "none"
        raise ProjectError(f"backup: got {str(name)!r:.80}, expected a file or one of: {names}")
    return found[0]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False

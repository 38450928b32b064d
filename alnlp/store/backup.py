"""Copies of the store, made while it is written, and brought back with one call.

A copy holds the events, leases and settings; what else a project wants kept travels as a note. It
appears under its name when it is whole, checked and on the disk, or not at all.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alnlp.errors import StoreError
from alnlp.store import migrations
from alnlp.store.database import connect, is_damage, reason, sync

FOLDER = "backups"
#: What is kept: everything of the last day, then the newest of so many days and weeks.
DAYS, WEEKS = 7, 4
DAY = timedelta(days=1)

_STAMP = "%Y-%m-%dT%H%M%S"
_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d{6})(-version-\d+|-replaced)?\.db")
_REPLACED = "-replaced"
_DRAFT = ".draft-"
#: How long a restore waits for a program that is just letting go of the store.
_PATIENCE_SECONDS = 1.0
_UID = "SELECT value FROM meta WHERE key = 'uid'"
_ANSWERS = "SELECT uid FROM events WHERE kind IN ('label', 'skip')"


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    Attributes:
        backup: the copy that was brought back.
        answers: how many answers and skips it holds.
        aside: the store that was there before, None where there was none.
        newer: answers and skips that only that one holds; None where it is too damaged to tell.
    """

    backup: Path
    answers: int
    aside: Path | None
    newer: int | None


def back_up(
    store: Path, folder: Path, *, mark: str = "", notes: Mapping[str, Any] | None = None
) -> Path:
    """Copy a store into a folder, under the present moment; others may go on writing.

    Args:
        store: the file.
        folder: made if absent.
        mark: added to the name, "-version-N" or "-replaced"; such a copy is never pruned.
        notes: JSON values by key, kept with the settings of the copy.

    Returns:
        The copy.

    Raises:
        StoreError: the store cannot be read or is damaged, or the folder cannot be written.
    """
    with _told(store), _draft(folder) as draft:
        written = _written_at(store)
        with closing(connect(store.absolute())) as source, closing(_open(draft, "rw")) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, also for readers alone
            for key, value in (notes or {}).items():
                row = key, json.dumps(value, allow_nan=False)
                target.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", row)
        _examine(draft)
        os.utime(draft, ns=(written, written))  # what is written from here on is not in it
        return _publish(draft, folder, mark)


def check(backup: Path) -> None:
    """Read all of a copy.

    Raises:
        StoreError: it is not there, damaged, no store, or made by a newer program.
    """
    if not backup.is_file():
        raise StoreError(f"{backup}: no such file, expected a backup")
    with _told(backup):
        _examine(backup)


def _examine(file: Path) -> None:
    with closing(_open(file, "ro")) as copy:
        found = str(copy.execute("PRAGMA integrity_check(1)").fetchone()[0])
        if found != "ok":
            raise StoreError(
                f"is damaged ({' '.join(found.split())}); bring back a whole backup with: "
                "alnlp restore DIR [BACKUP]"
            )
        application, version = (
            copy.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        )
        migrations.is_older(application, version)


def backups(folder: Path) -> list[Path]:
    """The copies in a folder that a restore may choose by itself, newest first."""
    named = [path for path in _files(folder) if _moment(path) is not None]
    return sorted((path for path in named if not path.stem.endswith(_REPLACED)), reverse=True)


def made_at(backup: Path) -> datetime:
    """When a copy was made, by its name."""
    moment = _moment(backup)
    if moment is None:
        raise StoreError(f"{backup}: expected a name that begins with a date")
    return moment


def _moment(backup: Path) -> datetime | None:
    match = _NAME.fullmatch(backup.name)
    try:
        return datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC) if match else None
    except ValueError:  # no such day
        return None


def note(backup: Path, key: str) -> Any:
    """What was kept with a copy under a key, None where there is nothing of the kind."""
    with _told(backup), closing(_open(backup, "ro")) as copy:
        found = copy.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    try:
        return json.loads(found[0]) if found else None
    except (TypeError, ValueError):
        return None


def is_due(store: Path, folder: Path) -> bool:
    """Whether the newest copy is older than a day, and the store was written since."""
    newest = next(iter(backups(folder)), None)
    if newest is None:
        return True
    if _now() - made_at(newest) < DAY:
        return False
    return _written_at(store) > newest.stat().st_mtime_ns


def _written_at(store: Path) -> int:
    logs = (store, store.with_name(f"{store.name}-wal"))
    return max((file.stat().st_mtime_ns for file in logs if file.exists()), default=0)


def prune(folder: Path) -> list[Path]:
    """Delete old copies, see `DAYS`; returns those that are gone."""
    daily = [path for path in backups(folder) if "-version-" not in path.name]
    days: dict[Any, Path] = {}
    weeks: dict[Any, Path] = {}
    for path in daily:
        moment = made_at(path)
        days.setdefault(moment.date(), path)
        weeks.setdefault(moment.isocalendar()[:2], path)
    kept = {*list(days.values())[:DAYS], *list(weeks.values())[:WEEKS]}
    old = [path for path in daily if path not in kept and _now() - made_at(path) >= DAY]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def restore(store: Path, backup: Path, folder: Path) -> Restored:
    """Put a copy in the place of a store, which is kept in a folder.

    Killed at any moment, it leaves the store as it was or as the copy is.

    Raises:
        StoreError: the copy is damaged or of another project, or the store is in use.
    """
    check(backup)
    aside = None
    try:
        if store.exists():
            aside = _replace(store, backup, folder)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise StoreError(f"{store}: {reason(error)}") from error
        aside = _move_aside(store, folder)
    if not store.exists():
        _place(store, backup)
    mine = _answers(store) or set()
    theirs = None if aside is None else _answers(aside)
    return Restored(backup, len(mine), aside, None if theirs is None else len(theirs - mine))


def _replace(store: Path, backup: Path, folder: Path) -> Path:
    """Overwrite a store by a copy, in one transaction, after it has been copied itself."""
    if not store.stat().st_size:  # its creation did not end
        return _move_aside(store, folder)
    with closing(_alone(store)) as target, closing(_open(backup, "ro")) as source:
        if len({uid for file in (target, source) for (uid,) in file.execute(_UID)}) > 1:
            raise StoreError(f"{backup}: is a backup of another project than {store}")
        with _draft(folder) as draft:
            with closing(_open(draft, "rw")) as copy:
                target.backup(copy)
            aside = _publish(draft, folder, _REPLACED)
        source.backup(target)
        return aside


def _alone(store: Path) -> sqlite3.Connection:
    """A connection to a store that nobody else has open, or can open as long as it lasts."""
    connection = _open(store, "rw", _PATIENCE_SECONDS)
    try:
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")  # fails while others have the log open
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")  # in this mode the lock stays
    except BaseException as error:
        connection.close()
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise StoreError(
                f"{store}: is in use; end what has it open (alnlp serve?) and try again"
            ) from error
        raise
    return connection


def _move_aside(store: Path, folder: Path) -> Path:
    """Keep the files of a store that is too damaged to be copied."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = _free(folder, _REPLACED)
    for end in ("", "-wal", "-shm", "-journal"):
        file = store.with_name(store.name + end)
        if file.exists():
            file.rename(aside.with_name(aside.name + end))
    sync(folder)
    return aside


def _place(store: Path, backup: Path) -> None:
    """Copy a backup to where no store is."""
    log = store.with_name(f"{store.name}-wal")
    if log.exists():  # SQLite would replay it into the store
        raise StoreError(f"{log}: is left over from a store that is gone; move it away first")
    with _told(store), _draft(store.parent) as draft:
        with closing(_open(backup, "ro")) as source, closing(_open(draft, "rw")) as target:
            source.backup(target)  # with what its log holds, if it is no backup but a store
            target.execute("PRAGMA journal_mode = DELETE")
        sync(draft)
        draft.rename(store)
        sync(store.parent)


def _answers(file: Path) -> set[str] | None:
    """The uids of all answers and skips, None where they cannot be read."""
    try:
        with closing(_open(file, "ro")) as copy:
            return {uid for (uid,) in copy.execute(_ANSWERS)}
    except sqlite3.DatabaseError:
        return None


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """An empty file beside the copies, gone afterwards unless it took a name."""
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob(f"{_DRAFT}*"):  # by a program that was killed
        if time.time() - left_over.stat().st_mtime > DAY.total_seconds():
            left_over.unlink(missing_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=_DRAFT, suffix=".db", dir=folder)
    os.close(descriptor)
    draft = Path(name)
    draft.chmod(0o644)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, folder: Path, mark: str) -> Path:
    sync(draft)
    path = _free(folder, mark)
    draft.rename(path)
    sync(folder)
    return path


def _free(folder: Path, mark: str) -> Path:
    """A name of this moment, or of the next second that is not taken."""
    moment = _now()
    while (path := folder / f"{moment.strftime(_STAMP)}{mark}.db").exists():
        moment += timedelta(seconds=1)
    return path


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise StoreError(f"{file}: {error}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{file}: {reason(error)}") from error
    except OSError as error:
        raise StoreError(f"{error.filename or file}: {error.strerror}") from error


def _open(file: Path, mode: str, patience: float = 30.0) -> sqlite3.Connection:
    uri = f"{file.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None)


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _now() -> datetime:
    return datetime.now(UTC)

"""Connections and transactions to one SQLite file, with failures told in one line."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, QueuePool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError, StatementError

from alnlp.errors import DamagedError, StoreError

#: How long a statement waits for another process to finish writing.
BUSY_SECONDS = 30.0

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "fullfsync = ON",  # macOS alone: its plain fsync leaves the data in the drive's cache
    "foreign_keys = ON",
)

#: A page that is missing, or holds something else.
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ")

_REASONS = {
    "SQLITE_BUSY": "is locked by another program; close that program and try again",
    "SQLITE_LOCKED": "is locked by another program; close that program and try again",
    "SQLITE_NOTADB": "is not a database, expected a file made by alnlp",
    "SQLITE_CORRUPT": "is damaged; bring back a backup with: alnlp restore DIR",
    "SQLITE_FULL": "cannot be written, the disk is full; free some space and try again",
    "SQLITE_READONLY": "cannot be written; check the permissions of the file and its folder",
    "SQLITE_PERM": "cannot be opened; check the permissions of the file and its folder",
    "SQLITE_CANTOPEN": "cannot be opened; check the file and the permissions of its folder",
    "SQLITE_IOERR": "cannot be read or written; check the disk and the space left on it",
}


class Database:
    """One SQLite file that many threads and processes may use at once.

    Writers take the write lock when their transaction begins, so a transaction never fails half
    way because another writer came in between. A committed transaction is on the disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pid = os.getpid()
        # SQLite lets writers who wait sleep and try again, and some of them wait for long; the
        # threads of this process take their turns instead.
        self._turn = threading.Lock()
        # No ceiling on connections: each thread that is at work holds one.
        self._engine = create_engine(
            "sqlite://",
            creator=partial(connect, path.absolute()),
            poolclass=QueuePool,
            max_overflow=-1,
            json_serializer=partial(json.dumps, allow_nan=False),
        )
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        event.listen(self._engine, "begin", _begin)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """For one statement, which sees one unchanging state and never waits for a writer."""
        with self._failures(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock: all of it is kept, or none."""
        with self._failures(), self._turn, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection; a later transaction opens one again."""
        self._engine.dispose()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        if os.getpid() != self._pid:
            # SQLite's locks do not survive a fork; going on could damage the file.
            raise StoreError(f"{self.path}: was opened before a fork; open it in this process")
        try:
            yield
        except StoreError as error:
            raise type(error)(f"{self.path}: {error}") from error
        except (SQLAlchemyError, UnicodeEncodeError) as error:
            kind = DamagedError if is_damage(error) else StoreError
            raise kind(f"{self.path}: {reason(error)}") from error


def create_file(path: Path, prepare: Callable[[Connection], None]) -> None:
    """Make a database at `path`; it appears there finished or not at all.

    Raises:
        StoreError: the file exists, or its folder does not or cannot be written.
    """
    try:
        path.open("xb").close()  # takes the name; nobody else can create it from here on
    except FileExistsError:
        raise StoreError(f"{path}: exists already; open it or choose another name") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be created ({error.strerror})") from error
    draft = path.with_name(f".{path.name}.new")
    try:
        log = path.with_name(f"{path.name}-wal")
        if log.exists():  # SQLite would replay it into the new file
            raise StoreError(f"{log}: is left over from a store that is gone; move it away first")
        for left_over in path.parent.glob(f"{draft.name}*"):  # by a program that was killed
            left_over.unlink()
        draft.touch()
        with closing(Database(draft)) as database, database.writing() as connection:
            prepare(connection)
        draft.replace(path)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise StoreError(f"{path}: cannot be created ({error.strerror})") from error
        raise


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to a store that is there, durable and for threads to share in turn."""
    # mode=rw: a file that is missing is an error, not a new store.
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # _begin says when a transaction begins
        check_same_thread=False,  # the pool hands a connection to one thread at a time
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    # A statement that reads is a transaction by itself.
    if statement := connection.get_execution_options().get("begin"):
        connection.exec_driver_sql(statement)


def is_damage(error: BaseException) -> bool:
    """Whether the content of the file is at fault."""
    return _name(error).startswith(_DAMAGE)


def reason(error: Exception) -> str:
    """What is wrong with the file, and what to do about it."""
    name = _name(error)
    for prefix, told in _REASONS.items():
        if name.startswith(prefix):
            return told
    return str(_cause(error)).splitlines()[0]


def _name(error: BaseException) -> str:
    return str(getattr(_cause(error), "sqlite_errorname", ""))


def _cause(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, StatementError) and error.orig else error

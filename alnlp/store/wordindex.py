"""An index of the words of a pool: made from the texts, so that it can be thrown away any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from sqlalchemy import Connection

from alnlp.errors import DamagedError
from alnlp.store.database import Database, create_file

#: Rows of one transaction: so long another process waits that wants to write as well.
_AT_ONCE = 10_000
_VERSION = 1
_TOKENS = "unicode61 remove_diacritics 0 categories 'L* N*'"


class WordIndex:
    """Which rows contain which words, in an SQLite file (FTS5); texts themselves are not kept.

    Letters and digits make up words; what else makes words equal (accents, scripts without spaces)
    is the business of those who hand in texts and terms.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """The index at `path`, made anew where there is none or where it cannot be read.

        Raises:
            StoreError: it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # two that make it would break each other's
            index = cls(Database(path))
            if not (path.is_file() and index._is_usable()):
                index.close()
                for file in path.parent.glob(f"{path.name}*"):
                    file.unlink()
                create_file(path, _make)
            return index

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def throw_away(self) -> None:
        """Delete the file, since it turned out to be damaged; `open` makes another."""
        self.close()
        self._database.path.unlink(missing_ok=True)

    def __len__(self) -> int:
        with self._database.reading() as connection:
            return _rows(connection)

    def extend(self, rows: int, texts: Callable[[int, int], Iterable[str]]) -> None:
        """Index the rows that are missing, up to a number of them.

        What is done stays, whatever happens on the way; several processes may do it at once.

        Args:
            rows: how many there are to be.
            texts: gives the texts from one row to before another.
        """
        while len(self) < rows:
            with self._database.writing() as connection:
                start = _rows(connection)
                end = min(rows, start + _AT_ONCE)
                numbered = list(enumerate(texts(start, end), start)) if start < end else []
                if numbered:
                    connection.exec_driver_sql(
                        "INSERT INTO words (rowid, text) VALUES (?, ?)", numbered
                    )
                    connection.exec_driver_sql("UPDATE indexed SET rows = ?", (end,))

    def matching(self, terms: Sequence[tuple[Sequence[str], bool]]) -> NDArray[np.int64]:
        """The ascending rows that contain every term.

        Args:
            terms: words that follow one another, and whether the last of them may go on; at least
                one term of at least one word, each of letters and digits only.
        """
        wanted = " AND ".join(f'"{" ".join(words)}"{"*" if more else ""}' for words, more in terms)
        with self._database.reading() as connection:
            # One text with all numbers is read three times as fast as one row for each.
            found = connection.exec_driver_sql(
                "SELECT group_concat(rowid) FROM words WHERE words MATCH ?", (wanted,)
            ).scalar_one()
        return np.sort(np.fromstring(found or "", np.int64, sep=","))

    def _is_usable(self) -> bool:
        try:
            with self._database.reading() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        except DamagedError:
            return False
        return bool(version == _VERSION)


def _make(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE words "
        f"USING fts5(text, content='', columnsize=0, tokenize=\"{_TOKENS}\")"
    )
    connection.exec_driver_sql("CREATE TABLE indexed (rows INTEGER NOT NULL)")
    connection.exec_driver_sql("INSERT INTO indexed VALUES (0)")
    connection.exec_driver_sql(f"PRAGMA user_version = {_VERSION}")


def _rows(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT rows FROM indexed").scalar_one())

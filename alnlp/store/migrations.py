"""Ordered steps from an empty file to the newest schema.

A step that has been released is never edited: stores made by it exist. To change the schema,
append a step to `MIGRATIONS` and bring schema.py in line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from alnlp.errors import StoreError

#: "alnl" in ASCII, in the header of the file: tells a store from any other SQLite database.
APPLICATION_ID = 0x616C6E6C


def events_and_meta(connection: Connection) -> None:
    """Version 1: the events, which can only be appended, and the settings."""
    connection.exec_driver_sql(
        """
        CREATE TABLE events (
            seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            uid TEXT NOT NULL UNIQUE,
            example_id TEXT NOT NULL,
            annotator TEXT NOT NULL,
            kind TEXT NOT NULL,
            answer JSON,
            target TEXT REFERENCES events (uid),
            comment TEXT,
            suggestion JSON,
            confidence FLOAT,
            strategy TEXT,
            round INTEGER,
            seconds FLOAT,
            created_at TEXT NOT NULL
        )
        """
    )
    for action in ("UPDATE", "DELETE"):
        connection.exec_driver_sql(
            f"""
            CREATE TRIGGER events_refuse_{action.lower()} BEFORE {action} ON events
            BEGIN SELECT RAISE(ABORT, 'events can only be appended'); END
            """
        )
    connection.exec_driver_sql(
        "CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value JSON NOT NULL)"
    )


def leases(connection: Connection) -> None:
    """Version 2: who has been handed which example, and until when."""
    connection.exec_driver_sql(
        """
        CREATE TABLE leases (
            example_id TEXT NOT NULL PRIMARY KEY,
            annotator TEXT NOT NULL,
            batch TEXT NOT NULL,
            position INTEGER NOT NULL,
            reason TEXT NOT NULL,
            strategy TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL
        )
        """
    )


def bulks(connection: Connection) -> None:
    """Version 3: which answers were given in one go."""
    connection.exec_driver_sql("ALTER TABLE events ADD COLUMN bulk TEXT")


def blinds(connection: Connection) -> None:
    """Version 4: whether a suggestion was withheld from the annotator."""
    connection.exec_driver_sql("ALTER TABLE events ADD COLUMN blind BOOLEAN")


Migration = Callable[[Connection], None]
MIGRATIONS: tuple[Migration, ...] = (events_and_meta, leases, bulks, blinds)


def pending(connection: Connection) -> bool:
    """Whether the store is older than this program.

    Raises:
        StoreError: the file is another program's database, or newer than this program.
    """
    return is_older(_header(connection, "application_id"), version(connection))


def version(connection: Connection) -> int:
    """How many of the steps the store has seen."""
    return _header(connection, "user_version")


def is_older(application_id: int, steps: int) -> bool:
    """`pending` for a file with these two numbers in its header."""
    if application_id != APPLICATION_ID:
        raise StoreError("is a database of another program, expected one made by alnlp")
    if steps > len(MIGRATIONS):
        raise StoreError(
            f"has schema version {steps}, expected at most {len(MIGRATIONS)}: it was made by a "
            "newer alnlp; upgrade with: pip install --upgrade alnlp"
        )
    return steps < len(MIGRATIONS)


def migrate(connection: Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Run the steps that the store has not seen, inside the caller's transaction."""
    for step in migrations[version(connection) :]:
        step(connection)
    # PRAGMA takes no bound parameters; both values are numbers of this module.
    connection.exec_driver_sql(f"PRAGMA user_version = {len(migrations)}")
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def _header(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())

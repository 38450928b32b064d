"""The files of the store: made, damaged, locked, full, forked, migrated."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import storing
from sqlalchemy import MetaData
from storing import ids, label, one_line, wanted

from alnlp.errors import StoreError
from alnlp.store import Store, database, migrations
from alnlp.store.schema import metadata

path, store = storing.path, storing.store

# Files and failures


def test_create_never_touches_an_existing_file(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(StoreError) as raised:
        Store.create(path)
    one_line(raised, str(path), "exists already")
    assert path.read_text() == "precious"


def test_create_leaves_nothing_behind_when_it_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: object) -> None:
        raise StoreError("disk on fire")

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "migrate", fail)
        with pytest.raises(StoreError, match="disk on fire"):
            Store.create(path)
    assert list(path.parent.iterdir()) == []
    Store.create(path).close()
    assert list(path.parent.iterdir()) == [path]


def test_create_refuses_the_log_of_a_lost_store(path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    log.write_bytes(b"labels")
    with pytest.raises(StoreError, match="left over"):
        Store.create(path)
    assert not path.exists()
    assert log.read_bytes() == b"labels"


def test_create_in_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        Store.create(tmp_path / "no" / "store.sqlite")
    one_line(raised, "cannot be created")


def test_open_refuses_what_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello " * 2000)
    (tmp_path / "empty").touch()
    with sqlite3.connect(tmp_path / "foreign") as raw:
        raw.execute("CREATE TABLE events (seq)")
    for name, part in [
        ("missing", "no such file"),
        ("", "no such file"),
        ("text", "not a database"),
        ("empty", "is empty"),
        ("foreign", "another program"),
    ]:
        with pytest.raises(StoreError) as raised:
            Store.open(tmp_path / name)
        one_line(raised, str(tmp_path / name), part)
    with sqlite3.connect(tmp_path / "foreign") as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("events",)]


def test_a_damaged_store_is_told_in_one_line(store: Store, path: Path) -> None:
    store.append([label(f"e{k}") for k in range(2000)])
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError) as raised:
        Store.open(path).events()
    one_line(raised, str(path), "damaged")
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(StoreError) as raised:
        Store.open(path).events()
    one_line(raised, str(path), "damaged")


@pytest.mark.parametrize("name", ["a b?c#d%20.db", "søk.sqlite"])
def test_any_file_name_will_do(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.create(name) as store:
        monkeypatch.chdir("/")  # a relative path stays where it was
        store.append([label("e1")])
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert len(Store.open(tmp_path / name).events()) == 1


def test_every_connection_is_durable(store: Store) -> None:
    with store._database.writing() as one, store._database.reading() as two:
        for connection in (one, two):
            for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
                assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def test_a_locked_store_is_readable_and_says_so_to_writers(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.create(path).close()
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store.open(path) as store:
        assert store.events() == []
        with pytest.raises(StoreError) as raised:
            store.append([label("e1")])
        one_line(raised, str(path), "locked")
        other.execute("ROLLBACK")
        store.append([label("e1")])
    other.close()


@pytest.mark.parametrize(
    ("pragma", "part"), [("max_page_count = 1", "disk is full"), ("query_only = 1", "permissions")]
)
def test_a_failed_write_keeps_what_was_there(store: Store, pragma: str, part: str) -> None:
    before = store.append([label("e1")])
    with store._database.reading() as connection:  # the pool hands this connection out again
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    with pytest.raises(StoreError) as raised:
        store.append([label(f"f{k}", "x" * 500) for k in range(500)])
    one_line(raised, part)
    assert store.events() == before


def test_a_forked_child_must_open_the_store_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        with pytest.raises(StoreError, match="fork"):
            store.append([label("e1")])
    assert store.events() == []


# Migrations


MIGRATIONS = migrations.MIGRATIONS


def version_one(path: Path) -> None:
    database.create_file(path, lambda connection: migrations.migrate(connection, MIGRATIONS[:1]))
    with sqlite3.connect(path) as raw:
        raw.execute(
            "INSERT INTO events (uid, example_id, annotator, kind, answer, created_at)"
            " VALUES ('u1', 'e1', 'ana', 'label', '\"spam\"', '2025-01-01T00:00:00.000000+00:00')"
        )
        raw.execute("INSERT INTO meta VALUES ('labels', '[\"spam\"]')")


def header(path: Path, name: str) -> int:
    with sqlite3.connect(path) as raw:
        return int(raw.execute(f"PRAGMA {name}").fetchone()[0])


def test_a_store_of_version_one_opens(path: Path) -> None:
    version_one(path)
    assert header(path, "user_version") == 1
    with Store.open(path) as store:
        assert [(event.uid, event.answer) for event in store.events()] == [("u1", "spam")]
        assert store.get("labels") == ["spam"]
        assert ids(store.lease(wanted("e2"), "ana", "b1", 60)) == ["e2"]
        assert store.append([label("e2")])[0].seq == 2
    assert header(path, "user_version") == len(MIGRATIONS)


def test_a_failed_migration_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version_one(path)

    def broken(connection: Any) -> None:
        connection.exec_driver_sql("CREATE TABLE half (a)")
        connection.exec_driver_sql("CREATE TABLE meta (a)")

    with monkeypatch.context() as patched:
        patched.setattr(migrations.migrate, "__defaults__", ((*MIGRATIONS, broken),))
        with pytest.raises(StoreError) as raised:
            Store.open(path)
        one_line(raised, "already exists")
    with sqlite3.connect(path) as raw:
        tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_master")}
    assert not tables & {"half", "leases"}
    assert header(path, "user_version") == 1
    assert len(Store.open(path).events()) == 1


def test_a_store_of_a_newer_program_is_refused(path: Path) -> None:
    Store.create(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreError) as raised:
        Store.open(path)
    one_line(raised, str(path), "newer alnlp", "upgrade")


def test_the_tables_are_what_the_migrations_make(store: Store) -> None:
    found = MetaData()
    with store._database.reading() as connection:
        found.reflect(connection, resolve_fks=False)

    def shape(tables: MetaData) -> dict[str, list[tuple[str, str, bool, bool, list[str]]]]:
        return {
            name: [
                (
                    column.name,
                    str(column.type),
                    bool(column.nullable),
                    column.primary_key,
                    [key.target_fullname for key in column.foreign_keys],
                )
                for column in table.columns
            ]
            for name, table in tables.tables.items()
        }

    assert shape(found) == shape(metadata)

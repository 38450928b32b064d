"""The store on real files (contents, failures, races, crashes) and the ledger over its events."""

from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import os
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData

from alnlp.errors import DataError, StoreError
from alnlp.store import Event, LeaseRequest, Ledger, NewEvent, Store, database, migrations
from alnlp.store import store as store_module
from alnlp.store.schema import metadata


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.create(path) as store:
        yield store


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(store_module, "_now", clock)
    return clock


def label(example: str, answer: Any = "spam", by: str = "ana", **fields: Any) -> NewEvent:
    return NewEvent(example_id=example, annotator=by, kind="label", answer=answer, **fields)


def act(kind: Any, example: str, by: str = "ana", **fields: Any) -> NewEvent:
    return NewEvent(example_id=example, annotator=by, kind=kind, **fields)


def one_line(raised: pytest.ExceptionInfo[StoreError], *parts: str) -> None:
    message = str(raised.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


# Events


def test_an_event_comes_back_as_it_was_given(store: Store, path: Path) -> None:
    full = label(
        "e1",
        ["b", "ä"],
        suggestion=["b"],
        confidence=0.25,
        strategy="margin",
        round=3,
        seconds=1.5,
        comment="Robert'); DROP TABLE events;-- ${7*6} {{x}}\n\u202e",
    )
    stored = store.append([full, label("e2", []), act("comment", "e2", comment="")])
    assert [event.seq for event in stored] == [1, 2, 3]
    assert {name: getattr(stored[0], name) for name in vars(full)} == vars(full)
    assert datetime.fromisoformat(stored[0].created_at).utcoffset() == timedelta(0)
    store.close()
    with Store.open(path) as again:
        assert again.events() == stored
        assert again.events(after=1) == stored[1:]
        assert again.events(after=3) == []


def test_no_events_is_no_work(store: Store) -> None:
    assert store.append([]) == []
    assert store.events() == []


def test_the_same_uid_is_stored_once(store: Store) -> None:
    first = label("e1", seconds=1.0)
    (stored,) = store.append([first])
    retried = label("e1", seconds=9.0, uid=first.uid)
    other = label("e2")
    assert store.append([retried, other, other]) == [stored, *store.events(after=1) * 2]
    assert [event.seq for event in store.events()] == [1, 2]


def test_a_uid_of_another_event_is_refused_and_nothing_kept(store: Store) -> None:
    (stored,) = store.append([label("e1", "spam")])
    with pytest.raises(DataError) as raised:
        store.append([label("e2"), label("e1", "ham", uid=stored.uid)])
    one_line(raised, stored.uid, "make a new one")
    assert store.events() == [stored]


def test_seq_has_no_gaps_after_a_failed_append(store: Store) -> None:
    with pytest.raises(DataError):
        store.append([label("e1"), act("undo", "e1", target="nowhere")])
    assert [event.seq for event in store.append([label("e2")])] == [1]


@pytest.mark.parametrize(
    ("event", "part"),
    [
        (act("labell", "e"), "kind"),
        (act("label", "e"), "no answer"),
        (act("skip", "e", answer="spam"), "unexpected answer"),
        (act("undo", "e"), "no target"),
        (label("e", target="x"), "unexpected target"),
        (act("comment", "e"), "no comment"),
        (act("skip", " "), "example_id"),
        (act("skip", "e", by=""), "annotator"),
        (act("skip", "e", uid=""), "uid"),
        (act("skip", "e", comment="\ud800"), "comment"),
        (act("skip", "e", by="a\0b"), "annotator"),
        (label("e", {"a"}), "answer"),
        (label("e", ("a",)), "answer"),
        (label("e", float("nan")), "answer"),
        (label("e", confidence=float("nan")), "confidence"),
        (label("e", confidence=1.5), "confidence"),
        (label("e", seconds=-1.0), "seconds"),
        (label("e", seconds="1"), "seconds"),
        (label("e", round=True), "round"),
    ],
)
def test_a_malformed_event_is_refused(store: Store, event: NewEvent, part: str) -> None:
    with pytest.raises(DataError) as raised:
        store.append([label("fine"), event])
    one_line(raised, part)
    assert store.events() == []


def test_undo_aims_at_an_own_answer_on_the_same_example(store: Store) -> None:
    answer, flag = store.append([label("e1"), act("flag", "e1")])
    for wrong in (
        act("undo", "e1", target="nowhere"),
        act("undo", "e1", target=flag.uid),
        act("undo", "e2", target=answer.uid),
        act("redo", "e1", by="ben", target=answer.uid),
    ):
        with pytest.raises(DataError):
            store.append([wrong])
    assert len(store.events()) == 2
    together = label("e3")
    store.append([together, act("undo", "e3", target=together.uid)])
    assert store.events()[-1].target == together.uid


def test_the_database_itself_refuses_to_change_an_event(store: Store, path: Path) -> None:
    store.append([label("e1")])
    with sqlite3.connect(path) as raw:
        for statement in ("UPDATE events SET answer = '\"ham\"'", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError, match="only be appended"):
                raw.execute(statement)


def test_many_events_at_once(store: Store) -> None:
    # More than SQLite takes as parameters of one statement.
    new = [label(f"e{k}") for k in range(40_000)]
    assert len(store.append(new)) == len(store.events()) == 40_000
    assert store.append(new[:3] + new[-3:])[-1].seq == 40_000


# Settings


@pytest.mark.parametrize("value", [None, 0, "", [], {"labels": ["a", "ß"], "n": 1.5}])
def test_settings_are_kept(store: Store, path: Path, value: object) -> None:
    assert store.get("task", "default") == "default"
    store.put("task", "earlier")
    store.put("task", value)
    store.close()
    with Store.open(path) as again:
        assert again.get("task", "default") == value


@pytest.mark.parametrize("value", [float("nan"), object(), {1: "a"}, (1, 2)])
def test_a_setting_that_json_would_change_is_refused(store: Store, value: object) -> None:
    with pytest.raises(DataError) as raised:
        store.put("task", value)
    one_line(raised, "task", "JSON")
    assert store.get("task") is None


# Leases


def wanted(*examples: str) -> list[LeaseRequest]:
    return [
        LeaseRequest(example, reason=f"why {example}", strategy="margin") for example in examples
    ]


def ids(leases: list[Any]) -> list[str]:
    return [lease.example_id for lease in leases]


def test_nobody_gets_what_another_holds(store: Store, clock: Clock) -> None:
    granted = store.lease(wanted("a", "b", "a"), "ana", "b1", 60)
    assert [(lease.example_id, lease.position, lease.reason) for lease in granted] == [
        ("a", 0, "why a"),
        ("b", 1, "why b"),
    ]
    assert ids(store.lease(wanted("b", "c"), "ben", "b2", 60)) == ["c"]
    assert store.lease(wanted("a"), "ana", "b3", 60) == []
    assert store.leases("ana") == granted
    assert ids(store.leases()) == ["a", "b", "c"]


def test_leases_come_by_batch_then_position(store: Store, clock: Clock) -> None:
    store.lease(wanted("z", "y"), "ana", "first", 60)
    clock.forward(1)
    store.lease(wanted("b", "a"), "ana", "second", 60)
    assert ids(store.leases("ana")) == ["z", "y", "b", "a"]


def test_an_expired_lease_is_taken_over(store: Store, clock: Clock) -> None:
    store.lease(wanted("a", "b"), "ana", "b1", 60)
    clock.forward(59)
    assert store.renew("ana", 60) == 2
    clock.forward(59)
    assert store.lease(wanted("a"), "ben", "b2", 60) == []
    clock.forward(1)
    assert store.leases() == []
    assert store.renew("ana", 60) == 0
    assert store.release("ana") == 0
    (lease,) = store.lease(wanted("a"), "ben", "b2", 60)
    assert store.leases() == [lease]


def test_release_keeps_what_it_is_told_to(store: Store) -> None:
    store.lease(wanted("a", "b", "c"), "ana", "b1", 60)
    store.lease(wanted("d"), "ben", "b2", 60)
    assert store.release("ana", keep={"b", "d", "x"}) == 2
    assert ids(store.leases()) == ["b", "d"]
    assert store.release("ana") == 1
    assert ids(store.leases()) == ["d"]


def test_an_answer_ends_the_annotators_own_lease(store: Store) -> None:
    store.lease(wanted("a", "b", "c"), "ana", "b1", 60)
    store.append([act("flag", "a"), act("comment", "b", comment="?"), label("c", by="ben")])
    assert ids(store.leases("ana")) == ["a", "b", "c"]
    store.append([label("a"), act("skip", "b")])
    assert ids(store.leases("ana")) == ["c"]


def test_a_refused_answer_keeps_the_lease(store: Store) -> None:
    store.lease(wanted("a"), "ana", "b1", 60)
    with pytest.raises(DataError):
        store.append([label("a"), act("undo", "a", target="nowhere")])
    assert ids(store.leases("ana")) == ["a"]


@pytest.mark.parametrize("ttl", [0, -1, float("nan")])
def test_a_lease_needs_a_time_to_live(store: Store, ttl: float) -> None:
    with pytest.raises(StoreError, match="ttl"):
        store.lease(wanted("a"), "ana", "b1", ttl)


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


# Threads, processes, crashes


def test_threads_share_a_store(store: Store) -> None:
    examples = [f"e{k}" for k in range(30)]

    def work(name: str) -> list[str]:
        granted = ids(store.lease(wanted(*examples), name, name, 60))
        for k in range(5):
            store.append([label(f"{name}{k}", by=name), label(f"{name}{k}", "ham", by=name)])
            store.events()
        return granted

    with ThreadPoolExecutor(8) as pool:
        granted = [example for got in pool.map(work, "abcdefgh") for example in got]
    assert sorted(granted) == sorted(examples)
    events = store.events()
    assert [event.seq for event in events] == list(range(1, 81))
    assert [a.example_id for a in events[::2]] == [b.example_id for b in events[1::2]]


def answer_for_ever(path: Path, name: str, acknowledge: Connection) -> None:
    store = Store.open(path)
    for k in itertools.count():
        example = f"{name}-{k}"
        store.lease(wanted(example), name, "batch", 3600)
        first = label(example, "x", by=name)
        last = label(example, "y", by=name)
        store.append([first, act("undo", example, by=name, target=first.uid), last])
        acknowledge.send(last.uid)


def start(path: Path, name: str) -> tuple[BaseProcess, Connection]:
    fork = multiprocessing.get_context("fork")  # a fresh interpreter would take a second each
    receive, send = fork.Pipe(duplex=False)
    process = fork.Process(target=answer_for_ever, args=(path, name, send), daemon=True)
    process.start()
    send.close()
    return process, receive


def received(connection: Connection) -> Iterator[str]:
    with contextlib.suppress(EOFError, OSError):  # the last message may be cut off
        while True:
            yield connection.recv()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork, which this system lacks")
@pytest.mark.parametrize(
    ("rounds", "children"), [(5, 2), pytest.param(25, 2, marks=pytest.mark.slow)]
)
def test_no_acknowledged_answer_is_lost_to_a_kill(path: Path, rounds: int, children: int) -> None:
    Store.create(path).close()
    rng = random.Random(rounds)
    acknowledged: set[str] = set()
    for turn in range(rounds):
        for process, answers in [start(path, f"p{turn}-{k}") for k in range(children)]:
            acknowledged.update(answers.recv() for _ in range(rng.randint(1, 5)))
            process.join(timeout=rng.uniform(0.0, 0.01))
            assert process.is_alive()
            process.kill()
            process.join()
            acknowledged.update(received(answers))
        with contextlib.closing(sqlite3.connect(path)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with Store.open(path) as store:
            events = store.events()
            leased = {lease.example_id for lease in store.leases()}
        ledger = Ledger(events)
        assert acknowledged <= {event.uid for event in events}
        assert set(Counter(event.example_id for event in events).values()) == {3}
        assert set(ledger.labels().values()) == {"y"}
        assert not leased & set(ledger.labels())
    assert len(acknowledged) >= rounds * children


# Ledger


def folded(*new: NewEvent) -> Ledger:
    return Ledger(numbered(new))


def numbered(new: Any) -> list[Event]:
    return [Event(**vars(event), seq=k, created_at="") for k, event in enumerate(new, start=1)]


def test_the_newest_answer_counts() -> None:
    ledger = folded(label("e1", "spam"), label("e1", "ham"), act("skip", "e2"), label("e3"))
    assert ledger.labels() == {"e1": "ham", "e3": "spam"}
    assert ledger.skipped("ana") == {"e2"}
    assert ledger.skipped("ben") == set()
    assert ledger.answer_counts() == {"ana": 3}
    assert ledger.seq == 4


def test_undo_brings_the_earlier_answer_back() -> None:
    first, second = label("e1", "spam"), label("e1", "ham")
    undo = act("undo", "e1", target=second.uid)
    ledger = folded(first, second, undo)
    assert ledger.label_of("e1") == "spam"
    undone = folded(first, second, undo, act("undo", "e1", target=first.uid))
    assert undone.label_of("e1") is None
    assert undone.answers() == {}
    assert undone.last_undoable("ana") is None
    redoable = undone.last_redoable("ana")
    assert redoable is not None
    assert redoable.uid == first.uid


def test_a_new_answer_clears_what_could_be_redone() -> None:
    first = label("e1")
    undo = act("undo", "e1", target=first.uid)
    assert folded(first, undo, act("flag", "e1")).last_redoable("ana") is not None
    assert folded(first, undo, label("e2", by="ben")).last_redoable("ana") is not None
    assert folded(first, undo, act("skip", "e2")).last_redoable("ana") is None


def test_a_redo_is_no_new_answer() -> None:
    first, second = label("e1"), label("e2")
    ledger = folded(
        first,
        second,
        act("undo", "e2", target=second.uid),
        act("undo", "e1", target=first.uid),
        act("redo", "e1", target=first.uid),
    )
    undoable, redoable = ledger.last_undoable("ana"), ledger.last_redoable("ana")
    assert undoable is not None
    assert redoable is not None
    assert (undoable.uid, redoable.uid) == (first.uid, second.uid)
    assert ledger.undoable("ana", limit=0) == []
    assert ledger.redoable("ben") == []


def test_several_annotators_vote() -> None:
    ledger = folded(label("e", "a"), label("e", "b", by="ben"))
    assert ledger.label_of("e") == "b"
    third = Event(**vars(label("e", "a", by="cy")), seq=3, created_at="")
    ledger.apply([third])
    assert ledger.label_of("e") == "a"
    sets = folded(label("m", ["a", "b"]), label("m", ["a"], by="ben"), label("m", ["a", "b"], "cy"))
    assert sets.label_of("m") == ["a", "b"]


def test_flags_and_comments() -> None:
    ledger = folded(
        act("flag", "e1", comment="odd"),
        act("flag", "e2"),
        act("unflag", "e2", by="ben"),
        act("comment", "e1", comment="first"),
        act("comment", "e1", comment="second"),
        act("comment", "e1", by="ben", comment="gone"),
        act("comment", "e1", by="ben", comment=""),
    )
    assert {example: flag.comment for example, flag in ledger.flagged.items()} == {"e1": "odd"}
    assert {by: event.comment for by, event in ledger.comments("e1").items()} == {"ana": "second"}
    assert ledger.comments("e2") == {}


def test_the_ledger_refuses_a_gap_and_passes_over_a_repeat() -> None:
    events = numbered([label("e1"), label("e2"), label("e3")])
    ledger = Ledger(events[:1])
    with pytest.raises(StoreError) as raised:
        ledger.apply(events[2:])
    one_line(raised, "after=1")
    ledger.apply(events)
    ledger.apply(events)
    assert (ledger.seq, len(ledger.labels())) == (3, 3)


def test_what_the_ledger_returned_stays_as_it_was() -> None:
    events = numbered([label("e1", "a"), label("e1", "b"), act("skip", "e1")])
    ledger = Ledger(events[:1])
    answers, skipped = ledger.answers(), ledger.skipped("ana")
    ledger.apply(events)
    assert answers == {"e1": {"ana": events[0]}}
    assert skipped == set()


def slow_replay(events: list[Event], people: str, examples: str) -> dict[str, Any]:
    """The definitions, read from the whole history each time."""
    answers = {event.uid: event for event in events if event.kind in ("label", "skip")}
    undone: dict[str, None] = {}
    redoable: dict[str, list[str]] = {by: [] for by in people}
    for event in events:
        own = event.target in answers and answers[event.target].annotator == event.annotator
        if event.uid in answers:
            redoable[event.annotator] = []
        elif event.kind == "undo" and own and event.seq > answers[event.target].seq:
            if event.target not in undone:
                undone[event.target] = None
                redoable[event.annotator].append(event.target)
        elif event.kind == "redo" and own and event.target in undone:
            del undone[event.target]
            redoable[event.annotator] = [u for u in redoable[event.annotator] if u != event.target]
    standing = [event for event in answers.values() if event.uid not in undone]

    def present(example: str, by: str) -> Event | None:
        given = [e for e in standing if (e.example_id, e.annotator) == (example, by)]
        return max(given, key=lambda event: event.seq, default=None)

    labels: dict[str, Any] = {}
    for example in examples:
        votes = [e for by in people if (e := present(example, by)) and e.kind == "label"]
        if votes:
            same = [sum(other.answer == event.answer for other in votes) for event in votes]
            labels[example] = max(zip(same, votes, strict=True), key=lambda v: (v[0], v[1].seq))[
                1
            ].answer
    return {
        "present": {(x, by): present(x, by) for x in examples for by in people},
        "labels": labels,
        "skipped": {
            by: {x for x in examples if (e := present(x, by)) and e.kind == "skip"} for by in people
        },
        "undoable": {
            by: sorted((e.seq for e in standing if e.annotator == by), reverse=True)
            for by in people
        },
        "redoable": {by: redoable[by][::-1] for by in people},
    }


PEOPLE, EXAMPLES = "abc", "xyz"

actions = st.lists(
    st.tuples(
        st.sampled_from(["label", "label", "skip", "undo", "undo", "redo", "flag"]),
        st.sampled_from(EXAMPLES),
        st.sampled_from(PEOPLE),
        st.sampled_from(["p", "q", ["p", "q"]]),
        st.integers(1, 40),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(actions, st.lists(st.integers(0, 40), max_size=4))
def test_the_ledger_agrees_with_a_slow_replay(
    drawn: list[tuple[Any, str, str, Any, int]], cuts: list[int]
) -> None:
    events = [
        Event(
            example_id=example,
            annotator=by,
            kind=kind,
            answer=answer if kind == "label" else None,
            target=str(target) if kind in ("undo", "redo") else None,
            uid=str(seq),
            seq=seq,
            created_at="",
        )
        for seq, (kind, example, by, answer, target) in enumerate(drawn, start=1)
    ]
    ledger = Ledger()
    for end in [*sorted(cuts), len(events)]:
        known = events[:end]
        ledger.apply(known)
        slow = slow_replay(known, PEOPLE, EXAMPLES)
        present = {(x, by): ledger.answer(x, by) for x in EXAMPLES for by in PEOPLE}
        undoable = {by: [event.seq for event in ledger.undoable(by)] for by in PEOPLE}
        redoable = {by: [event.uid for event in ledger.redoable(by)] for by in PEOPLE}
        assert present == slow["present"]
        assert ledger.labels() == slow["labels"]
        assert {by: ledger.skipped(by) for by in PEOPLE} == slow["skipped"]
        assert ledger.all_skipped() == set().union(*slow["skipped"].values())
        assert undoable == slow["undoable"]
        assert redoable == slow["redoable"]
        answers = {(x, by): e for x, given in ledger.answers().items() for by, e in given.items()}
        assert answers == {key: e for key, e in present.items() if e and e.kind == "label"}


def test_a_long_history_survives_the_round_trip(store: Store) -> None:
    rng = random.Random(0)
    store.append([label(f"e{rng.randrange(500)}", rng.choice("ab")) for _ in range(5000)])
    ledger = Ledger(store.events())
    for _ in range(100):
        event = ledger.last_undoable("ana")
        assert event is not None
        store.append([act("undo", event.example_id, target=event.uid)])
        ledger.apply(store.events(after=ledger.seq))
    assert json.dumps(ledger.labels(), sort_keys=True) == json.dumps(
        Ledger(store.events()).labels(), sort_keys=True
    )
    assert len([event for event in store.events() if event.kind == "undo"]) == 100

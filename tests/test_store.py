"""The store: events, settings and leases, also among threads and killed processes."""

import contextlib
import itertools
import multiprocessing
import os
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import storing
from storing import Clock, act, ids, label, one_line, wanted

from alnlp.errors import DataError, StoreError
from alnlp.store import Ledger, NewEvent, Store

path, store, clock = storing.path, storing.store, storing.clock

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

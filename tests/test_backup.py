"""Backups: made while the store is written, killed at any moment, pruned, brought back."""

import os
import signal
import sqlite3
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import storing
from hypothesis import given
from hypothesis import strategies as st
from storing import label, one_line
from test_store_files import MIGRATIONS, header, version_one

from alnlp.errors import StoreError
from alnlp.store import Store, backup

path, store = storing.path, storing.store


@pytest.fixture
def folder(path: Path) -> Path:
    return path.parent / backup.FOLDER


def uids(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as raw:
        return [uid for (uid,) in raw.execute("SELECT uid FROM events ORDER BY seq")]


def fill(store: Store, name: str, n: int = 300) -> None:
    store.append([label(f"{name}{k}", "x" * 200, uid=f"{name}{k}") for k in range(n)])


@pytest.fixture
def two(path: Path, folder: Path) -> tuple[list[str], list[str], Path]:
    """What a backup holds, what the store holds by now, and the backup."""
    with Store.create(path) as store:
        store.put("uid", "one")
        fill(store, "early")
        copy = backup.back_up(path, folder)
        fill(store, "late")
    return uids(copy), uids(path), copy


# Making backups


def test_a_backup_during_writes_is_whole(store: Store, path: Path, folder: Path) -> None:
    ended = threading.Event()

    def write() -> None:
        k = 0
        while not ended.is_set():
            fill(store, f"bundle{k}-", 7)
            k += 1

    fill(store, "first")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(8):
            before = len(store.events())
            copy = backup.back_up(path, folder)
            backup.check(copy)
            found = uids(copy)
            assert len(found) >= before
            assert (len(found) - 300) % 7 == 0  # no bundle is there in part
            assert found == uids(path)[: len(found)]
    finally:
        ended.set()
        writer.join()
    assert len(list(folder.iterdir())) == 8


def test_a_backup_is_one_file_that_opens_anywhere(store: Store, path: Path, folder: Path) -> None:
    fill(store, "e")
    store.put("settings", {"seed": 3})
    copy = backup.back_up(path, folder, notes={"rounds": {"0001": "{}"}})
    folder.chmod(0o555)
    try:
        assert len(uids(copy)) == 300
    finally:
        folder.chmod(0o755)
    assert [file.name for file in folder.iterdir()] == [copy.name]
    assert store.get("rounds") is None
    with Store.open(copy) as opened:
        assert opened.get("settings") == {"seed": 3}
        assert opened.get("rounds") == {"0001": "{}"}


def test_no_backup_is_made_of_a_damaged_store(path: Path, folder: Path, two: object) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 8192] = b"\xff" * 8192
    path.write_bytes(raw)
    before = set(folder.iterdir())
    with pytest.raises(StoreError) as raised:
        backup.back_up(path, folder)
    one_line(raised, str(path), "damaged", "alnlp restore")
    assert set(folder.iterdir()) == before


def test_before_a_migration_the_store_is_copied(path: Path, folder: Path) -> None:
    version_one(path)
    Store.open(path).close()
    [copy] = folder.iterdir()
    assert copy.name.endswith("-version-1.db")
    assert header(copy, "user_version") == 1
    assert uids(copy) == ["u1"]
    Store.open(path).close()
    assert list(folder.iterdir()) == [copy]


def test_no_migration_without_a_copy(path: Path, folder: Path) -> None:
    version_one(path)
    folder.write_text("in the way")
    with pytest.raises(StoreError) as raised:
        Store.open(path)
    one_line(raised, str(folder))
    assert header(path, "user_version") == 1


# Keeping them


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(ages=st.lists(st.integers(0, 24 * 90), max_size=40))
def test_what_is_pruned(ages: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("kept")
    moments = sorted({NOW - timedelta(hours=age) for age in ages}, reverse=True)
    for moment in moments:
        (folder / f"{moment.strftime('%Y-%m-%dT%H%M%S')}.db").touch()
    others = ["2020-01-01T000000-version-1.db", "2020-01-01T000000-replaced.db", "mine.db"]
    for name in others:
        (folder / name).touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup, "_now", lambda: NOW)
        backup.prune(folder)
        assert backup.prune(folder) == []
    assert all((folder / name).exists() for name in others)
    left = [backup.made_at(file) for file in backup.backups(folder) if "version" not in file.name]
    assert left[:1] == moments[:1]
    assert {moment for moment in moments if NOW - moment < timedelta(days=1)} <= set(left)
    for period, n in ((lambda moment: moment.date(), 7), (lambda m: m.isocalendar()[:2], 4)):
        there = list(dict.fromkeys(map(period, moments)))[:n]
        assert [max(m for m in moments if period(m) == one) for one in there] == [
            max((m for m in left if period(m) == one), default=None) for one in there
        ]
    old = [moment for moment in left if NOW - moment >= timedelta(days=1)]
    assert len(old) <= backup.DAYS + backup.WEEKS


def test_a_backup_is_due_after_a_day_with_something_new(
    store: Store, path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backup.is_due(path, folder)
    backup.back_up(path, folder)
    fill(store, "new")
    assert not backup.is_due(path, folder)
    monkeypatch.setattr(backup, "_now", lambda: datetime.now(UTC) + timedelta(days=1, minutes=1))
    later = path.with_name(f"{path.name}-wal").stat().st_mtime
    [copy] = folder.iterdir()
    os.utime(copy, (later - 1, later - 1))
    assert backup.is_due(path, folder)
    os.utime(copy, (later + 1, later + 1))
    assert not backup.is_due(path, folder)


# Bringing them back


def test_a_restore_keeps_what_it_replaces(path: Path, folder: Path, two: tuple) -> None:
    early, late, copy = two
    restored = backup.restore(path, copy, folder)
    assert (restored.answers, restored.newer) == (300, 300)
    assert uids(path) == early
    assert restored.aside is not None
    assert uids(restored.aside) == late
    assert backup.backups(folder) == [copy]  # what was set aside is none that is chosen by itself
    again = backup.restore(path, restored.aside, folder)
    assert (again.answers, again.newer) == (600, 0)
    with Store.open(path) as store:
        store.append([label("after")])
    assert uids(path)[:-1] == late


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "gone"])
def test_a_damaged_store_is_replaced_and_kept(
    path: Path, folder: Path, two: tuple, damage: str
) -> None:
    early, _, copy = two
    raw = path.read_bytes()
    broken = {"cut": raw[: len(raw) // 2], "text": b"hello " * 9999, "empty": b""}.get(damage)
    path.unlink()
    if broken is not None:
        path.write_bytes(broken)
    restored = backup.restore(path, copy, folder)
    assert uids(path) == early
    backup.check(path)
    assert restored.newer is None
    assert (restored.aside is None) == (damage == "gone")
    if restored.aside is not None:
        assert restored.aside.read_bytes() == broken
    Store.open(path).close()


def test_a_store_in_use_is_left_alone(path: Path, folder: Path, two: tuple) -> None:
    _, late, copy = two
    with Store.open(path) as store:
        with pytest.raises(StoreError) as raised:
            backup.restore(path, copy, folder)
        one_line(raised, str(path), "in use", "try again")
        store.append([label("goes on", uid="goes on")])
    assert uids(path) == [*late, "goes on"]
    assert list(folder.iterdir()) == [copy]


def cut(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])


def overwritten(copy: Path) -> None:
    raw = bytearray(copy.read_bytes())
    raw[8192:12288] = b"\xff" * 4096
    copy.write_bytes(raw)


def foreign(copy: Path) -> None:
    copy.unlink()
    with closing(sqlite3.connect(copy)) as raw:
        raw.execute("CREATE TABLE events (seq)")


def newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as raw:
        raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")


def of_another_project(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as raw, raw:
        raw.execute("UPDATE meta SET value = '\"two\"' WHERE key = 'uid'")


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (cut, "damaged"),
        (overwritten, "damaged"),
        (lambda copy: copy.write_text("hello " * 2000), "not a database"),
        (lambda copy: copy.write_bytes(b""), "another program"),
        (foreign, "another program"),
        (newer, "newer alnlp"),
        (of_another_project, "another project"),
        (Path.unlink, "no such file"),
    ],
)
def test_an_unusable_backup_is_refused(
    path: Path, folder: Path, two: tuple, damage: Callable[[Path], object], part: str
) -> None:
    _, late, copy = two
    damage(copy)
    before = set(folder.iterdir())
    with pytest.raises(StoreError) as raised:
        backup.restore(path, copy, folder)
    one_line(raised, str(copy), part)
    assert uids(path) == late
    assert set(folder.iterdir()) == before


# Killed at any moment


def killed(step: int, work: Callable[[], object]) -> bool:
    """Run work in a process that SIGKILL ends before its n-th step on the disk; whether it did."""
    process = os.fork()
    if process:
        status = os.waitpid(process, 0)[1]
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed"
        return os.WIFSIGNALED(status)
    try:
        steps = iter(range(step))

        def count(*_: object) -> None:
            if next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        files = {"open", "os.rename", "os.remove", "shutil.copyfile", "sqlite3.connect"}
        sys.addaudithook(lambda event, _: count() if event in files else None)

        class Slow(sqlite3.Connection):
            """Copies a few pages at a time, and keeps none of them in memory."""

            def backup(self, target: sqlite3.Connection, **_: object) -> None:
                target.execute("PRAGMA cache_size = 1")
                super().backup(target, pages=8, progress=count)

        connect = sqlite3.connect
        sqlite3.connect = lambda *a, **b: connect(*a, **b, factory=Slow)  # type: ignore[assignment]
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def test_a_killed_backup_leaves_nothing_half_written(path: Path, folder: Path, two: tuple) -> None:
    _, late, _ = two
    for step in range(1, 400):
        if not killed(step, lambda: backup.back_up(path, folder)):
            break
        for copy in backup.backups(folder):
            backup.check(copy)
        assert uids(path) == late
    assert step > 10
    assert uids(backup.backups(folder)[0]) == late
    backup.check(backup.back_up(path, folder))


@pytest.mark.parametrize("damaged", [False, True])
def test_a_killed_restore_leaves_the_store_as_it_was_or_as_the_backup_is(
    path: Path, folder: Path, two: tuple, damaged: bool
) -> None:
    early, late, copy = two
    raw = b"hello " * 2000 if damaged else path.read_bytes()
    outcomes = set()
    for step in range(1, 400):
        path.write_bytes(raw)
        done = not killed(step, lambda: backup.restore(path, copy, folder))
        if damaged and (not path.exists() or path.read_bytes() == raw):
            outcomes.add("before")
            asides = [file.read_bytes() for file in folder.glob("*-replaced.db")]
            assert path.exists() or raw in asides
        else:
            outcomes.add("restored" if (found := uids(path)) == early else "before")
            assert found in (early, late)
            Store.open(path).close()
        for kept in folder.glob("[!.]*.db"):
            if not damaged:
                backup.check(kept)
        if done:
            break
    assert step > 10
    assert outcomes == {"before", "restored"}
    assert uids(path) == early

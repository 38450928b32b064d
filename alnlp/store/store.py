"""The annotation store: append-only events, leases and settings in one SQLite file."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from alnlp.errors import DataError, StoreError
from alnlp.store import backup, migrations
from alnlp.store.database import Database, create_file
from alnlp.store.records import (
    ANSWERS,
    Event,
    Lease,
    LeaseRequest,
    NewEvent,
    check_json,
    check_text,
)
from alnlp.store.schema import events, leases, meta


class Store:
    """What happened in a project, in the order it happened.

    An event that `append` has returned is on the disk: it survives the death of every process.
    One store object may be shared by threads; another process opens its own. Every method raises
    StoreError when the file is locked for too long, damaged, read-only or the disk is full.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Make a new store.

        Raises:
            StoreError: the file exists, or its folder does not or cannot be written.
        """
        path = Path(path)
        create_file(path, migrations.migrate)
        return cls.open(path)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a store; one made by an older alnlp is brought up to date, wholly or not at all.

        Before that it is copied into `backups` beside it.

        Raises:
            StoreError: there is no such file, it is no store, or a newer alnlp made it.
        """
        path = Path(path)
        if not path.is_file():
            raise StoreError(f"{path}: no such file, expected a store; create it first")
        if path.stat().st_size == 0:
            raise StoreError(
                f"{path}: is empty, its creation did not end; delete it, create it anew"
            )
        database = Database(path)
        try:
            with database.reading() as connection:
                outdated = migrations.pending(connection)
                version = migrations.version(connection)
            if outdated:
                backup.back_up(path, path.parent / backup.FOLDER, mark=f"-version-{version}")
                with database.writing() as connection:
                    migrations.migrate(connection)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self.close()

    # Settings

    def get(self, key: str, default: Any = None) -> Any:
        """The value kept under a key, or `default`."""
        with self._database.reading() as connection:
            row = connection.execute(select(meta.c.value).where(meta.c.key == key)).first()
        return default if row is None else row.value

    def put(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key, in place of an earlier one.

        Raises:
            DataError: the value would not come back from JSON as it is.
        """
        self.change(key, lambda _: value)

    def change(self, key: str, function: Callable[[Any], Any]) -> Any:
        """Replace the value under a key by a function of it, with no other writer in between.

        Args:
            key: of the value.
            function: takes the present value, None where there is none; may raise to keep it.

        Returns:
            The new value.

        Raises:
            DataError: the new value would not come back from JSON as it is.
        """
        check_text("key", key)
        with self._database.writing() as connection:
            row = connection.execute(select(meta.c.value).where(meta.c.key == key)).first()
            value = function(None if row is None else row.value)
            check_json(key, value)
            statement = upsert(meta).values(key=key, value=value)
            connection.execute(statement.on_conflict_do_update([meta.c.key], set_={"value": value}))
        return value

    def append(self, new: Sequence[NewEvent]) -> list[Event]:
        """Store events, all or none, and end the leases that their answers settle.

        An event whose uid is stored already is not stored again, so a client that is unsure may
        send it once more.

        Returns:
            The stored events in the order given.

        Raises:
            DataError: an event is malformed, undoes something else than an answer of the same
                annotator on the same example, or has the uid of a different event.
        """
        for event in new:
            event.check()
        if not new:
            return []
        with self._database.writing() as connection:
            known = _known(connection, new)
            seq = connection.scalar(select(func.max(events.c.seq))) or 0
            now = _utc(_now())
            added = []
            for event in new:
                if event.uid not in known:
                    _check_target(event, known)
                    seq += 1
                    known[event.uid] = Event(**vars(event), seq=seq, created_at=now)
                    added.append(known[event.uid])
                elif not known[event.uid].says(event):
                    raise DataError(
                        f"event {event.uid!r}: got a uid that another event has; make a new one"
                    )
            if added:
                connection.execute(insert(events), [vars(event) for event in added])
                given = [event for event in added if event.kind in (*ANSWERS, "redo")]
                _settle(connection, given)
        return [known[event.uid] for event in new]

    def events(self, after: int = 0) -> list[Event]:
        """The events whose seq is above `after`, in order."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(events).where(events.c.seq > after).order_by(events.c.seq)
            )
            return [Event(**row) for row in rows.mappings()]

    # Leases

    def lease(
        self, requests: Sequence[LeaseRequest], annotator: str, batch: str, ttl: float
    ) -> list[Lease]:
        """Reserve those of the examples that nobody has a live lease on.

        Args:
            requests: the examples wanted, best first.
            annotator: for whom.
            batch: the name of the batch that they make up.
            ttl: seconds until anybody may take them over.

        Returns:
            The leases granted, in the order of the requests.
        """
        for name, value in (("annotator", annotator), ("batch", batch)):
            check_text(name, value)
        for request in requests:
            check_text("example_id", request.example_id)
        with self._database.writing() as connection:
            now = _now()
            connection.execute(delete(leases).where(~_live(now)))
            taken = set(connection.scalars(select(leases.c.example_id)))
            created_at, expires_at = _utc(now), _expiry(now, ttl)
            granted = []
            for position, request in enumerate(requests):
                if request.example_id not in taken:
                    taken.add(request.example_id)
                    granted.append(
                        Lease(
                            example_id=request.example_id,
                            annotator=annotator,
                            batch=batch,
                            position=position,
                            reason=request.reason,
                            strategy=request.strategy,
                            created_at=created_at,
                            expires_at=expires_at,
                        )
                    )
            if granted:
                connection.execute(insert(leases), [vars(lease) for lease in granted])
        return granted

    def leases(self, annotator: str | None = None) -> list[Lease]:
        """The live leases, of one annotator or of all: earlier batches first, then by position."""
        query = select(leases).where(_live(_now()))
        if annotator is not None:
            query = query.where(leases.c.annotator == annotator)
        query = query.order_by(leases.c.created_at, leases.c.batch, leases.c.position)
        with self._database.reading() as connection:
            return [Lease(**row) for row in connection.execute(query).mappings()]

    def release(self, annotator: str, keep: Collection[str] = ()) -> int:
        """End an annotator's live leases but for the examples in `keep`; returns how many."""
        mine = select(leases.c.example_id).where(leases.c.annotator == annotator, _live(_now()))
        with self._database.writing() as connection:
            ended = set(connection.scalars(mine)).difference(keep)
            connection.execute(delete(leases).where(_among(leases.c.example_id, ended)))
        return len(ended)

    def renew(self, annotator: str, ttl: float) -> int:
        """Let an annotator's live leases end `ttl` seconds from now; returns how many."""
        now = _now()
        mine = update(leases).where(leases.c.annotator == annotator, _live(now))
        with self._database.writing() as connection:
            return connection.execute(mine.values(expires_at=_expiry(now, ttl))).rowcount


def _known(connection: Connection, new: Sequence[NewEvent]) -> dict[str, Event]:
    """The stored events that new ones repeat or aim at, by uid."""
    uids = {event.uid for event in new} | {event.target for event in new if event.target}
    rows = connection.execute(select(events).where(_among(events.c.uid, uids)))
    return {row["uid"]: Event(**row) for row in rows.mappings()}


def _check_target(event: NewEvent, known: dict[str, Event]) -> None:
    if event.target is None:
        return
    target = known.get(event.target)
    if target is None:
        raise DataError(f"{event.kind}: got target {event.target!r}, expected a stored event's uid")
    if target.kind not in ANSWERS:
        raise DataError(f"{event.kind}: got a {target.kind}, expected a label or skip")
    if (target.annotator, target.example_id) != (event.annotator, event.example_id):
        raise DataError(
            f"{event.kind}: got an answer by {target.annotator!r} on {target.example_id!r}, "
            f"expected one by {event.annotator!r} on {event.example_id!r}"
        )


def _settle(connection: Connection, answers: Sequence[Event]) -> None:
    if not answers:
        return
    statement = delete(leases).where(
        leases.c.example_id == bindparam("settled"), leases.c.annotator == bindparam("by")
    )
    connection.execute(
        statement, [{"settled": event.example_id, "by": event.annotator} for event in answers]
    )


def _among(column: Column[str], values: Iterable[str]) -> ColumnElement[bool]:
    # One JSON parameter: SQLite limits how many parameters a statement may have.
    each = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(each.c.value))


def _live(now: datetime) -> ColumnElement[bool]:
    return leases.c.expires_at > _utc(now)


def _expiry(now: datetime, ttl: float) -> str:
    if not ttl > 0:
        raise StoreError(f"ttl: got {ttl!r}, expected seconds above 0")
    return _utc(now + timedelta(seconds=ttl))


def _now() -> datetime:
    return datetime.now(UTC)


def _utc(moment: datetime) -> str:
    """ISO 8601 of one fixed width, so that texts compare as moments do."""
    return moment.isoformat(timespec="microseconds")

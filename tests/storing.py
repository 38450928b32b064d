"""What the tests of the store share: a store, a clock that is set, events, requests for leases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alnlp.errors import StoreError
from alnlp.store import LeaseRequest, NewEvent, Store
from alnlp.store import store as store_module


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
    assert "\n" not in message, message
    for part in parts:
        assert part in message, message


def wanted(*examples: str) -> list[LeaseRequest]:
    return [
        LeaseRequest(example, reason=f"why {example}", strategy="margin") for example in examples
    ]


def ids(leases: list[Any]) -> list[str]:
    return [lease.example_id for lease in leases]

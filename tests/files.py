"""What the tests of data share: files written for a test, real ones, and their rows."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alnlp.data.readers import read_rows
from alnlp.data.rows import Rejected, Row
from alnlp.errors import DataError
from alnlp.tasks import Task

TASK = Task("classification")
MULTI = Task("multilabel")


def put(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def usable(path: Any, **options: Any) -> list[Row]:
    return [row for row in read_rows(path, **options) if isinstance(row, Row)]


def bad(path: Any, **options: Any) -> list[Rejected]:
    return [row for row in read_rows(path, **options).rows if isinstance(row, Rejected)]


def refused(read: Callable[[Path], Any], path: Path, message: str) -> None:
    """Reading it must end in one line that names the file and says so."""
    with pytest.raises(DataError) as error:
        read(path)
    said = str(error.value)
    assert message in said, said
    assert path.name in said, said
    assert "\n" not in said, said


def real(name: str, split: str = "train") -> Path:
    root = os.environ.get("ALNLP_DATA")
    if not root:
        pytest.skip("ALNLP_DATA is not set: the folder with the benchmark data sets")
    return Path(root) / name / f"{split}.jsonl.gz"

"""The pool: all examples of a project in memory-mapped Arrow files that only ever grow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alnlp.data.examples import Example
from alnlp.data.words import Words, words_of
from alnlp.errors import DataError

Rows = NDArray[np.int64]

GROUPS = "groups.npy"
SCHEMA = pa.schema(
    [
        pa.field("id", pa.uint64(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("gold", pa.string()),
        pa.field("meta", pa.string()),
        pa.field("line", pa.int64(), nullable=False),
        # Of a row that came as tokens: start, end, start, end, ...
        pa.field("words", pa.list_(pa.int32())),
    ]
)
_BEFORE_WORDS = pa.schema(list(SCHEMA)[:-1])


class Ids(Sequence[str]):
    """The ids of the pool by row, over an array of 64-bit numbers."""

    def __init__(self, numbers: NDArray[np.uint64]) -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        """The id of one row, or a list of those of several."""
        if isinstance(row, slice):
            return [f"{number:016x}" for number in self._numbers[row].tolist()]
        return f"{int(self._numbers[row]):016x}"

    def __iter__(self) -> Iterator[str]:
        return (f"{number:016x}" for number in self._numbers.tolist())


class Pool:
    """Examples by row number and by id; row numbers stay what they are when rows are added.

    Opening reads no text, and a pool that is open does not see rows added later: open it again.
    """

    def __init__(self, folder: Path, files: Sequence[Path]) -> None:
        """A pool over given Arrow files; `Pool.open` is what callers want."""
        self.folder = folder
        self._files = list(files)
        self._batches = [batch for file in files for batch in _batches(file)]
        sizes = [batch.num_rows for batch in self._batches]
        self._ends = np.cumsum(np.array(sizes, dtype=np.int64))

    @classmethod
    def open(cls, folder: str | Path) -> Pool:
        """The pool of a folder; one that is absent or holds no import is an empty pool.

        Raises:
            DataError: a file of the pool is damaged.
        """
        return cls(Path(folder), pool_files(Path(folder)))

    def is_current(self) -> bool:
        """Whether the folder still holds the files that were opened and no others.

        Lists the folder and opens nothing, so it may be asked before each use.
        """
        return pool_files(self.folder) == self._files

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    @cached_property
    def id_numbers(self) -> NDArray[np.uint64]:
        """The ids as numbers, of shape (N,)."""
        parts = [batch.column("id").to_numpy() for batch in self._batches]
        return np.concatenate([np.empty(0, np.uint64), *parts])

    @property
    def ids(self) -> Ids:
        """The ids by row."""
        return Ids(self.id_numbers)

    @cached_property
    def version(self) -> str:
        """The number of rows and a hash of their ids: changes whenever rows are added."""
        digest = hashlib.blake2b(np.ascontiguousarray(self.id_numbers).data, digest_size=8)
        return f"{len(self)}-{digest.hexdigest()}"

    @cached_property
    def groups(self) -> Rows:
        """Near-duplicate group of each row, of shape (N,), see `near_duplicate_groups`.

        Raises:
            DataError: the file of the groups is missing or damaged.
        """
        if not len(self):
            return np.empty(0, dtype=np.int64)
        try:
            groups: Rows = np.load(self.folder / GROUPS, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{GROUPS}: cannot be read ({error}); import the data again") from error
        if groups.ndim != 1 or len(groups) < len(self):
            raise DataError(
                f"{GROUPS}: got shape {groups.shape}, expected ({len(self)},); "
                "import the data again"
            )
        return groups[: len(self)]  # longer if an import stopped just before its last step

    @cached_property
    def _order(self) -> Rows:
        return np.argsort(self.id_numbers, kind="stable")

    @cached_property
    def _sorted(self) -> NDArray[np.uint64]:
        return self.id_numbers[self._order]

    def rows(self, ids: Iterable[str]) -> Rows:
        """The rows of some ids, in the order given.

        Raises:
            DataError: an id that is not in the pool.
        """
        wanted = list(ids)
        numbers = _numbers(wanted)
        places = np.searchsorted(self._sorted, numbers)
        found = places < len(self)
        found[found] = self._sorted[places[found]] == numbers[found]
        if not found.all():
            unknown = wanted[int(np.argmin(found))]
            raise DataError(f"id: got {unknown!r}, which is not the id of an example of this pool")
        return self._order[places]

    def row(self, example: str) -> int:
        """The row of an id.

        Raises:
            DataError: it is not in the pool.
        """
        return int(self.rows([example])[0])

    def __contains__(self, example: object) -> bool:
        if not isinstance(example, str):
            return False
        try:
            self.rows([example])
        except DataError:
            return False
        return True

    def __getitem__(self, row: int) -> Example:
        batch, place = self._locate(row)
        meta = batch.column("meta")[place].as_py()
        return Example(
            id=f"{batch.column('id')[place].as_py():016x}",
            text=batch.column("text")[place].as_py(),
            meta=json.loads(meta) if meta is not None else {},
        )

    def __iter__(self) -> Iterator[Example]:
        return (self[row] for row in range(len(self)))

    def gold(self, row: int) -> Any:
        """The label that the file gave the row, None for none; for simulation and export only."""
        batch, place = self._locate(row)
        gold = batch.column("gold")[place].as_py()
        return json.loads(gold) if gold is not None else None

    def words(self, row: int) -> Words:
        """The words of a row: the tokens it came with, or else those found in its text."""
        batch, place = self._locate(row)
        flat = batch.column("words")[place].as_py() if "words" in batch.schema.names else None
        if flat is None:
            return words_of(batch.column("text")[place].as_py())
        return list(zip(flat[::2], flat[1::2], strict=True))

    def has_words(self, row: int) -> bool:
        """Whether the row came as tokens."""
        batch, place = self._locate(row)
        return "words" in batch.schema.names and batch.column("words")[place].is_valid

    def texts(self, rows: Iterable[int] | Rows | None = None) -> list[str]:
        """The texts of some rows in the order given, or all of them."""
        if rows is None:
            return [text for texts in self.iter_texts() for text in texts]
        wanted = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows), dtype=np.int64)
        if wanted.size and not (wanted.min() >= 0 and wanted.max() < len(self)):
            raise IndexError(f"rows: got {wanted.min()} to {wanted.max()} of {len(self)}")
        texts: list[str] = [""] * len(wanted)
        files = np.searchsorted(self._ends, wanted, side="right")
        for file in np.unique(files):
            batch = self._batches[file]
            places = np.flatnonzero(files == file)
            inside = wanted[places] - (self._ends[file] - batch.num_rows)
            found = batch.column("text").take(pa.array(inside)).to_pylist()
            for place, text in zip(places.tolist(), found, strict=True):
                texts[place] = text
        return texts

    def iter_texts(self, batch: int = 10_000) -> Iterator[list[str]]:
        """All texts in row order, at most `batch` at a time (fewer where texts are long)."""
        for stored in self._batches:
            for start in range(0, stored.num_rows, batch):
                yield stored.column("text").slice(start, batch).to_pylist()

    def iter_golds(self) -> Iterator[tuple[list[int], list[str | None]]]:
        """The ids as numbers and the labels as JSON, a batch at a time, in row order."""
        for stored in self._batches:
            yield stored.column("id").to_pylist(), stored.column("gold").to_pylist()

    def _locate(self, row: int) -> tuple[Any, int]:
        if not 0 <= row < len(self):
            raise IndexError(f"row: got {row}, expected 0 to {len(self) - 1}")
        number = int(np.searchsorted(self._ends, row, side="right"))
        batch = self._batches[number]
        return batch, int(row - (self._ends[number] - batch.num_rows))


def pool_files(folder: Path) -> list[Path]:
    """The Arrow files of a pool, in the order of their imports."""
    return sorted(folder.glob("[0-9]*.arrow"), key=lambda file: int(file.stem))


def _batches(file: Path) -> list[Any]:
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(file)))
        if reader.schema not in (SCHEMA, _BEFORE_WORDS):
            raise DataError(f"{file.name}: not a file of this program's pool; restore it")
        return [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except (pa.ArrowException, OSError) as error:
        what = " ".join(str(error).split())
        raise DataError(
            f"{file.name}: damaged ({what}); restore the pool from a copy or import again"
        ) from error


def _numbers(ids: Sequence[str]) -> NDArray[np.uint64]:
    """The numbers of ids; 16 lower-case hexadecimal digits, so that one id has one spelling."""
    digits = "".join(ids)
    if set(map(len, ids)) - {16} or set(digits) - set("0123456789abcdef"):
        wrong = next(i for i in ids if len(i) != 16 or set(i) - set("0123456789abcdef"))
        raise DataError(f"id: got {wrong!r}, expected 16 hexadecimal digits")
    return np.frombuffer(bytes.fromhex(digits), dtype=">u8").astype(np.uint64)

"""From a source into the pool: checked, folded, grouped, and committed in one step."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import pyarrow as pa
from filelock import FileLock, Timeout

from alnlp.data.duplicates import near_duplicate_groups
from alnlp.data.examples import example_id
from alnlp.data.pool import GROUPS, SCHEMA, Pool, Rows, pool_files
from alnlp.data.readers import Reading, read_rows
from alnlp.data.report import ImportReport
from alnlp.data.rows import Rejected, Row, excerpt
from alnlp.data.spans import SpanAnswer
from alnlp.errors import DataError

Progress = Callable[[int, int | None], None]
Answer = str | list[str] | SpanAnswer
OnLabel = Callable[[str, Any], None]

_NEW, _OLD = 0, -1  # codes of no label: of an example of this import, of an earlier one
_BATCH_ROWS, _BATCH_CHARACTERS = 10_000, 4_000_000
_MOST_LABELS = 1_000
_REPORTED = 1_000


class LabelReader(Protocol):
    """The part of a task that an import needs."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label set; empty if the import is to find it."""

    @property
    def spans(self) -> bool:
        """Whether the answers are spans of the text."""

    def with_labels(self, labels: Iterable[str]) -> LabelReader:
        """The same with another label set."""

    def read(self, value: object) -> Answer:
        """The answer in a raw cell; DataError if it is none."""

    def check(self, value: object, text: str | None = None) -> Answer:
        """The answer in canonical form; DataError if the label set or the text do not allow it."""

    def names(self, answer: Any) -> tuple[str, ...]:
        """The label names in an answer."""


def import_examples(
    source: object,
    folder: str | Path,
    *,
    task: LabelReader,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
    limit: int | None = None,
    progress: Progress | None = None,
    on_label: OnLabel | None = None,
) -> ImportReport:
    """Adds the examples of a source to the pool in `folder`, or nothing at all.

    Rows are streamed, so a source may be larger than memory; kept in memory are 8 bytes of id and
    one small number per row, and about 160 bytes per row while near-duplicates are sought. A text
    that comes several times is one example, with the first label that any of its rows carries;
    what an earlier import brought is not changed.

    Args:
        source: see `read_rows`.
        folder: of the pool; made if it is not there.
        task: reads labels; one with an empty label set takes whatever names are found.
        text_column: guessed if not given.
        label_column: guessed by name if not given.
        encoding: of text files.
        limit: reads this many rows at most.
        progress: called with rows done, and rows in all if known; may raise to stop the import.
        on_label: called with the id and the answer of each usable row that has a label, also one
            whose text is there already; an import that fails afterwards takes nothing back.

    Raises:
        DataError: no usable row; over 1,000 different labels; another import is running; or
            whatever `read_rows` raises.
    """
    reading = read_rows(
        source,
        text_column=text_column,
        label_column=label_column,
        encoding=encoding,
        spans=task.spans,
    )
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            FileLock(folder / ".import.lock", timeout=0),
            _scratch(folder / ".import") as scratch,
        ):
            work = _Import(reading, folder, scratch, task, on_label)
            return work.run(limit, progress)
    except Timeout:
        raise DataError(f"{folder.name}: another import is running; wait until it ends") from None
    except OSError as error:
        raise DataError(
            f"{folder.name}: cannot be written ({error.strerror or error}); nothing was imported"
        ) from error


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """An empty folder, which an import that was killed may have left behind full."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Import:
    """One import: its counts, and the temporary files that become the pool's at the end."""

    def __init__(
        self,
        reading: Reading,
        folder: Path,
        scratch: Path,
        task: LabelReader,
        on_label: OnLabel | None,
    ) -> None:
        self.reading, self.folder, self.scratch = reading, folder, scratch
        self.task, self.on_label = task, on_label
        self.old = Pool.open(folder)
        self.stem = f"{_last_number(folder) + 1:05d}"
        self.answers: dict[bytes | None, int] = {None: _NEW}
        self.first = self._known()
        self.late: dict[int, str] = {}  # of rows written without a label that came later
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.rejections: list[Rejected] = []
        self.repairs: list[str] = []
        self.labels: Counter[str] = Counter()

    def _known(self) -> dict[int, int]:
        """The code of the answer of each example in the pool, by id."""
        known: dict[int, int] = {}
        for ids, golds in self.old.iter_golds():
            codes = [self._code(gold) for gold in golds]
            known.update((i, code or _OLD) for i, code in zip(ids, codes, strict=True))
        return known

    def _code(self, gold: str | None) -> int:
        """A small number for a label; of spans, which hardly ever repeat, only a hash is kept."""
        key = None if gold is None else hashlib.blake2b(gold.encode(), digest_size=8).digest()
        return self.answers.setdefault(key, len(self.answers))

    def run(self, limit: int | None, progress: Progress | None) -> ImportReport:
        """Reads, writes, groups, commits."""
        rows = itertools.islice(self.reading.rows, limit)
        total = self.reading.total
        if total is not None and limit is not None:
            total = min(total, limit)
        arrow, rejected = self.scratch / "rows.arrow", self.scratch / "rejected.jsonl"
        with (
            arrow.open("wb") as out,
            pa.ipc.new_file(out, SCHEMA) as writer,
            rejected.open("w", encoding="utf-8", newline="\n") as bad,
        ):
            for batch in _batched(rows):
                writer.write_batch(self._batch(batch, bad))
                if progress is not None:
                    progress(self.counts["read"], total)
        if self.counts["read"] == self.counts["rejected"]:
            raise DataError(self._nothing_usable())
        if self.late:
            arrow = self._completed(arrow)
        near = self._commit(arrow, rejected)
        return self._report(near)

    def _batch(self, rows: list[Row | Rejected], bad: IO[str]) -> Any:
        columns: tuple[list[Any], ...] = tuple([] for _ in SCHEMA)
        for row in rows:
            self.counts["read"] += 1
            item = self._answered(row) if isinstance(row, Row) else row
            if isinstance(item, Rejected):
                self._reject(item, bad)
                continue
            self._note_repairs(item[0])
            if (values := self._fold(*item)) is not None:
                for column, value in zip(columns, values, strict=True):
                    column.append(value)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
        return pa.record_batch(arrays, schema=SCHEMA)

    def _answered(self, row: Row) -> tuple[Row, Answer | None] | Rejected:
        if row.label is None:
            return row, None
        try:
            answer = self.task.read(row.label)
            if self.task.labels:
                return row, self.task.check(answer, row.text)
            if self.task.spans:  # whatever labels are found belong to the set, but spans must fit
                found = self.task.with_labels(dict.fromkeys(self.task.names(answer)))
                return row, found.check(answer, row.text)
            return row, answer
        except DataError as error:
            return Rejected(row.line, str(error), excerpt(row.text))

    def _note_repairs(self, row: Row) -> None:
        self.counts["repaired"] += bool(row.repairs)
        if row.repairs and len(self.repairs) < _REPORTED:
            self.repairs.append(f"line {row.line}: {'; '.join(row.repairs)}")

    def _reject(self, bad: Rejected, out: IO[str]) -> None:
        self.counts["rejected"] += 1
        self.reasons[bad.reason.partition(":")[0]] += 1
        if len(self.rejections) < _REPORTED:
            self.rejections.append(bad)
        fields = {"line": bad.line, "reason": bad.reason, "excerpt": bad.excerpt}
        out.write(json.dumps(fields, ensure_ascii=False) + "\n")

    def _fold(self, row: Row, answer: Answer | None) -> tuple[Any, ...] | None:
        """The cells of a new example, None for a text that is there already."""
        example = example_id(row.text)
        if answer is not None and self.on_label is not None:
            self.on_label(example, answer)
        number = int(example, 16)
        gold = None if answer is None else json.dumps(answer, ensure_ascii=False)
        code = self._code(gold)
        if (first := self.first.get(number)) is not None:
            self.counts["folded"] += 1
            if gold is not None and answer is not None and first == _NEW:
                self.first[number], self.late[number] = code, gold
                self._count_labels(answer)
            elif answer is not None and first != _OLD:
                self.counts["conflicts"] += first != code
            return None
        self.first[number] = code
        self.counts["added"] += 1
        if answer is not None:
            self._count_labels(answer)
        meta = json.dumps(row.meta, ensure_ascii=False) if row.meta else None
        words = None if row.words is None else [at for word in row.words for at in word]
        return number, row.text, gold, meta, row.line, words

    def _count_labels(self, answer: Answer) -> None:
        self.counts["labelled"] += 1
        self.labels.update(self.task.names(answer))
        if len(self.labels) > _MOST_LABELS:
            raise DataError(
                f"{self.reading.source}: column {self.reading.columns.label!r} holds more than "
                f"{_MOST_LABELS:,} different labels; name another column with --label-column"
            )

    def _completed(self, arrow: Path) -> Path:
        """A copy of the rows written, with the labels that came after their rows."""
        copy = arrow.with_name("completed.arrow")
        gold = SCHEMA.get_field_index("gold")
        with (
            pa.ipc.open_file(arrow) as reader,
            copy.open("wb") as out,
            pa.ipc.new_file(out, SCHEMA) as writer,
        ):
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                pairs = zip(batch["id"].to_pylist(), batch["gold"].to_pylist(), strict=True)
                full = [self.late.get(i, old) for i, old in pairs]
                array = pa.array(full, SCHEMA.field(gold).type)
                writer.write_batch(batch.set_column(gold, SCHEMA.field(gold), array))
        return copy

    def _nothing_usable(self) -> str:
        if not self.counts["read"]:
            return f"{self.reading.source}: no row, expected at least one below the header"
        kind, count = self.reasons.most_common(1)[0]
        first = next((bad for bad in self.rejections if bad.reason.startswith(kind)), None)
        example = f" (line {first.line}: {first.reason})" if first else ""
        return (
            f"{self.reading.source}: none of {self.counts['read']:,} rows can be used; "
            f"{count:,} times: {kind}{example}"
        )

    def _commit(self, arrow: Path, rejected: Path) -> int:
        """Puts the files in place, the rows last; returns how many have a near-duplicate.

        Groups that are missing or damaged are made anew even if no row is added. Groups computed
        for rows that never arrive do no harm: a group is named by its smallest row, and
        `Pool.groups` reads no further than the rows.
        """
        near = 0
        if self.counts["rejected"]:
            self._place(rejected, self._rejected_file)
        added = [arrow] if self.counts["added"] else []
        if added or not self._has_groups():
            grown = Pool(self.folder, [*pool_files(self.folder), *added])
            groups = near_duplicate_groups(grown.iter_texts(), grown.texts)
            sizes = np.bincount(groups)
            near = int((sizes[groups[len(self.old) :]] > 1).sum())
            self._save_groups(groups)
            del grown
        for file in added:
            self._place(file, f"{self.stem}.arrow")
        return near

    def _has_groups(self) -> bool:
        try:
            return len(self.old.groups) == len(self.old)
        except DataError:
            return False

    @property
    def _rejected_file(self) -> str:
        return f"{self.stem}.rejected.jsonl"

    def _save_groups(self, groups: Rows) -> None:
        file = self.scratch / GROUPS
        np.save(file, groups, allow_pickle=False)
        self._place(file, GROUPS)

    def _place(self, file: Path, name: str) -> None:
        with file.open("rb+") as written:
            os.fsync(written.fileno())
        file.replace(self.folder / name)
        if os.name == "posix":  # the new name must survive a power cut as well
            descriptor = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _report(self, near: int) -> ImportReport:
        counts = self.counts
        return ImportReport(
            source=self.reading.source,
            text_column=self.reading.columns.text,
            label_column=self.reading.columns.label,
            read=counts["read"],
            added=counts["added"],
            folded=counts["folded"],
            conflicts=counts["conflicts"],
            near_duplicates=near,
            labelled=counts["labelled"],
            label_counts={name: self.labels[name] for name in sorted(self.labels)},
            rejected=counts["rejected"],
            rejections=tuple(self.rejections),
            rejected_file=self._rejected_file if counts["rejected"] else None,
            repaired=counts["repaired"],
            repairs=tuple(self.repairs),
        )


def _last_number(folder: Path) -> int:
    """The number of the newest import; one whose rows were all rejected or folded counts too."""
    files = [*pool_files(folder), *folder.glob("[0-9]*.rejected.jsonl")]
    return max((int(file.name.partition(".")[0]) for file in files), default=0)


def _batched(rows: Iterator[Row | Rejected]) -> Iterator[list[Row | Rejected]]:
    """Lists of rows, bounded in number and in characters."""
    batch: list[Row | Rejected] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += len(row.text) if isinstance(row, Row) else len(row.excerpt)
        if len(batch) >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch

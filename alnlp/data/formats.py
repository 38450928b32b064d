"""Files: which format, how compressed, how encoded, and a clear word where one is damaged."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from alnlp.data.delimited import read_delimited
from alnlp.data.rows import Record, Records, Rejected, excerpt, is_valid
from alnlp.errors import DataError

ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")
_GZIP_MAGIC = b"\x1f\x8b"
_ARROW_BATCH = 256
_DAMAGE = (OSError, EOFError, zlib.error, UnicodeError)


def ending(path: Path | str) -> str:
    """The format by the file's name, ".gz" aside: ".csv" for "Tickets.CSV.gz"."""
    name = Path(path).name.lower().removesuffix(".gz")
    return Path(name).suffix


def read_file(path: Path, encoding: str) -> Records:
    """The records of a csv, tsv, jsonl or parquet file, plain or compressed with gzip.

    Raises:
        DataError: unknown ending, unreadable, empty or damaged file; damage found half-way is
            raised by the iteration, and says how far it got.
    """
    suffix = ending(path)
    if suffix not in ENDINGS:
        raise DataError(
            f"{path.name}: got the file ending {path.suffix!r}, expected one of "
            f"{', '.join(ENDINGS)}, plain or .gz; save the file in one of these formats"
        )
    with _explained(path, "the beginning"):
        if suffix == ".parquet":
            return _guarded(path, _read_parquet(path))
        stream, used = _open_text(path, encoding)
        if suffix == ".jsonl":
            return _guarded(path, Records(_json_lines(stream, used)))
        return _guarded(path, read_delimited(stream, path.name, used))


@contextlib.contextmanager
def _explained(path: Path, where: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except PermissionError as error:
        raise DataError(f"{path.name}: no permission to read it; change its mode") from error
    except (*_DAMAGE, pa.ArrowException) as error:
        what = " ".join(str(error).split())[:200]
        raise DataError(
            f"{path.name}: damaged or not in the format of its name, unreadable after {where}: "
            f"{what}; nothing was imported, get the file again"
        ) from error


def _guarded(path: Path, records: Records) -> Records:
    def items() -> Iterator[Record | Rejected]:
        line = 0
        source = iter(records.items)
        while True:
            with _explained(path, f"line {line}" if line else "the beginning"):
                item = next(source, None)
            if item is None:
                return
            line = item.line
            yield item

    return replace(records, items=items())


def _open_binary(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked if they are compressed, whatever its name says."""
    return cast(BinaryIO, gzip.open(path)) if _is_packed(path) else path.open("rb")


def _is_packed(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP_MAGIC


def _open_text(path: Path, encoding: str) -> tuple[TextIO, str]:
    try:
        used = codecs.lookup(encoding).name
        "".encode(used)  # refuses base64 and others that turn bytes into bytes
    except (LookupError, ValueError) as error:
        raise DataError(
            f"encoding: got {encoding!r}, expected a name such as utf-8, utf-16 or cp1252"
        ) from error
    stream = _open_binary(path)
    head = stream.read(4096)
    stream.seek(0)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        used = "utf-16"
    elif used == "utf-8" and head.count(0) > len(head) / 4:
        raise DataError(
            f"{path.name}: not UTF-8 text (every other byte is zero); "
            "if it is text, give its encoding, for example utf-16-le"
        )
    codec = "utf-8-sig" if used == "utf-8" else used
    text = io.TextIOWrapper(stream, encoding=codec, errors="surrogateescape", newline="")
    return text, used


def _json_lines(stream: TextIO, encoding: str) -> Iterator[Record | Rejected]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        problem, value = "", None
        if not is_valid(line):
            problem = f"not valid {encoding.upper()}"
        else:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                problem = f"not valid JSON: {error}"
        if not problem and not isinstance(value, dict):
            problem = f"not a JSON object but a {type(value).__name__}"
        if problem:
            yield Rejected(number, problem, excerpt(line))
        else:
            yield Record(number, cast(dict[str, Any], value))


def _read_parquet(path: Path) -> Records:
    import pyarrow.parquet as pq

    stream = _open_binary(path)
    if _is_packed(path):  # the footer is read first, and seeking in gzip unpacks all before it
        unpacked = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 (closed with the records)
        shutil.copyfileobj(stream, unpacked)
        stream = unpacked
    file = pq.ParquetFile(stream)
    schema = file.schema_arrow
    names: dict[str, list[str]] = {}
    if b"huggingface" in (schema.metadata or {}):
        from alnlp.data.hub import class_names

        names = class_names(schema)
    return Records(
        arrow_records(file.iter_batches(batch_size=_ARROW_BATCH), names),
        tuple(schema.names),
        file.metadata.num_rows,
    )


def arrow_records(batches: Iterable[Any], names: dict[str, list[str]]) -> Iterator[Record]:
    """Records from Arrow batches or tables, with class numbers turned into names.

    Args:
        batches: `pyarrow.RecordBatch` or `pyarrow.Table`.
        names: the class names of each column that holds class numbers.
    """
    row = 0
    for batch in batches:
        for cells in batch.to_pylist():
            row += 1
            for column, known in names.items():
                cells[column] = _named(cells[column], known)
            yield Record(row, cells)


def _named(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(part, names) for part in value]
    if value is None or value == -1:  # -1 is the convention of hidden test labels
        return None
    return names[value] if 0 <= value < len(names) else value

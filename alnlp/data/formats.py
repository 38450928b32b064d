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
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from alnlp.data.columns import NAMED_ENTITIES
from alnlp.data.delimited import read_delimited
from alnlp.data.ner import conll
from alnlp.data.rows import Record, Records, Rejected, excerpt, is_valid
from alnlp.errors import DataError

ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet", ".txt")
#: Of files that hold nothing but named entities.
SPAN_ENDINGS = (*conll.ENDINGS, ".spacy")
_MAYBE_CONLL = (".txt", ".tsv", ".csv")
_GZIP_MAGIC = b"\x1f\x8b"
_ARROW_BATCH = 256
#: Of columns, and of the fields of objects in them: the names of their class numbers.
ClassNames = dict[str, "list[str] | ClassNames"]
_DAMAGE = (OSError, EOFError, zlib.error, UnicodeError)


def ending(path: Path | str) -> str:
    """The format by the file's name, ".gz" aside: ".csv" for "Tickets.CSV.gz"."""
    name = Path(path).name.lower().removesuffix(".gz")
    return Path(name).suffix


def read_file(path: Path, encoding: str, *, spans: bool = False) -> Records:
    """The records of a csv, tsv, jsonl, parquet or txt file, plain or compressed with gzip.

    A txt file holds one text a line. With `spans` also of CoNLL and spaCy files; then txt, tsv and
    csv files whose first line ends in a tag, and so is no header, are read as CoNLL.

    Raises:
        DataError: unknown ending, unreadable, empty or damaged file; damage found half-way is
            raised by the iteration, and says how far it got.
        MissingExtra: a spaCy file, and spaCy is not installed.
    """
    suffix = ending(path)
    known = (*ENDINGS, *SPAN_ENDINGS) if spans else ENDINGS
    if suffix in (_MAYBE_CONLL if spans else (".txt",)):
        with _explained(path, "the beginning"):
            if _looks_like_conll(path, encoding):
                suffix = conll.ENDINGS[0]
    if suffix in SPAN_ENDINGS and not spans:
        raise DataError(f"{path.name}: {NAMED_ENTITIES}")
    if suffix not in known:
        raise DataError(
            f"{path.name}: got the file ending {suffix!r}, expected one of "
            f"{', '.join(known)}, plain or .gz; save the file in one of these formats"
        )
    with _explained(path, "the beginning"):
        return _guarded(path, _read(path, suffix, encoding))


def _read(path: Path, suffix: str, encoding: str) -> Records:
    if suffix == ".parquet":
        return _read_parquet(path)
    if suffix == ".spacy":
        from alnlp.data.ner.docbin import read_docbin

        with _open_binary(path) as packed:
            return read_docbin(packed.read(), path.name)
    stream, used = _open_text(path, encoding)
    if suffix == ".jsonl":
        return Records(_json_lines(stream, used))
    if suffix == ".txt":
        return _read_texts(stream, used)
    if suffix in conll.ENDINGS:
        return conll.read_conll(stream, used)
    return read_delimited(stream, path.name, used)


def _looks_like_conll(path: Path, encoding: str) -> bool:
    stream, _ = _open_text(path, encoding)
    with stream:
        return conll.looks_like_conll(stream)


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


def _read_texts(stream: TextIO, encoding: str) -> Records:
    items = _text_lines(stream, encoding)
    first = next(items, None)
    if first is None:
        return Records(items)
    return Records(chain([first], items), ("text",), text="text")


def _text_lines(stream: TextIO, encoding: str) -> Iterator[Record | Rejected]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        if is_valid(line):
            yield Record(number, {"text": line.rstrip("\r\n")})
        else:
            yield Rejected(number, f"not valid {encoding.upper()}", excerpt(line))


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
    names: ClassNames = {}
    if b"huggingface" in (schema.metadata or {}):
        from alnlp.data.hub import class_names

        names = class_names(schema)
    return Records(
        arrow_records(file.iter_batches(batch_size=_ARROW_BATCH), names),
        tuple(schema.names),
        file.metadata.num_rows,
    )


def arrow_records(batches: Iterable[Any], names: ClassNames) -> Iterator[Record]:
    """Records from Arrow batches or tables, with class numbers turned into names.

    Args:
        batches: `pyarrow.RecordBatch` or `pyarrow.Table`.
        names: the class names of each column that holds class numbers.
    """
    row = 0
    for batch in batches:
        for cells in batch.to_pylist():
            row += 1
            yield Record(row, _named(cells, names))


def _named(value: Any, names: list[str] | ClassNames) -> Any:
    if isinstance(value, list):
        return [_named(part, names) for part in value]
    if isinstance(value, dict) and isinstance(names, dict):
        return {k: _named(part, names[k]) if k in names else part for k, part in value.items()}
    if value is None or value == -1:  # -1 is the convention of hidden test labels
        return None
    return names[value] if 0 <= value < len(names) else value

"""What the tests of files of named entities share: their rows, and what these hold."""

import json
from pathlib import Path
from typing import Any

from files import put
from hypothesis import HealthCheck

from alnlp.data.ner.losses import SpanRow
from alnlp.data.readers import read_rows
from alnlp.data.rows import Rejected, Row
from alnlp.data.words import words_of

SHARED_FOLDER: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
ENDINGS = {"conll": "conll", "conll-iob1": "iob", "conll-bioes": "bioes", "csv": "csv",
           "tsv": "tsv", "spacy": "spacy"}  # fmt: skip
LABELS = ["PER", "PER.NOM", "B-x", "creative-work", "=SUM", "人"]


def read(source: Any, **options: Any) -> list[Row | Rejected]:
    return list(read_rows(source, spans=True, **options))


def usable(source: Any, **options: Any) -> list[Row]:
    return [row for row in read(source, **options) if isinstance(row, Row)]


def bad(source: Any, **options: Any) -> list[tuple[int, str]]:
    return [(r.line, r.reason) for r in read(source, **options) if isinstance(r, Rejected)]


def marked(row: Row) -> list[tuple[str, str]] | None:
    """The label and the characters of each span."""
    if row.label is None:
        return None
    spans = row.label["spans"]  # type: ignore[index]
    return [(row.text[span["start"] : span["end"]], span["label"]) for span in spans]


def fields(row: SpanRow | Row, *, plain: bool = False) -> tuple[Any, ...]:
    answer = row.answer if isinstance(row, SpanRow) else row.label
    return row.text, row.words if plain else row.words or words_of(row.text), answer


def objects(folder: Path, *lines: dict[str, Any]) -> Path:
    return put(folder, "objects.jsonl", "\n".join(map(json.dumps, lines)))

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alnlp.data import Pool, import_examples
from alnlp.errors import ProjectError
from alnlp.project import exporting
from alnlp.project.rounds import Round
from alnlp.store import Event, Ledger
from alnlp.tasks import Answer, Task

CLASSES = Task("classification", ("a", "b", "-1", "@x", "'=y"))
SETS = Task("multilabel", ("a", "b", "a, b", "x|y", "c", "-1", "[d", "'=y", '"'))

ODD = st.text(st.sampled_from("'=+-@\t\r\n\"|;, [a"), min_size=1)
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
TEXTS = st.one_of(ODD, ANY).filter(str.strip)


def fill(folder: Path, rows: list[dict[str, Any]]) -> Pool:
    source = folder / "source.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    import_examples(source, folder / "pool", task=Task("classification"))
    return Pool.open(folder / "pool")


def answered(pool: Pool, answers: list[Answer]) -> Ledger:
    return Ledger(
        Event(
            example_id=example, annotator="me", kind="label", answer=answer, seq=n, created_at=""
        )
        for n, (example, answer) in enumerate(zip(pool.ids, answers, strict=True), 1)
    )


def export(folder: Path, rows: list[dict[str, Any]], task: Task, answers: list[Answer], name: str):  # type: ignore[no-untyped-def]
    pool = fill(folder, rows)
    return exporting.export_answers(pool, task, answered(pool, answers), folder / name, None)

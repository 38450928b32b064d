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


def answered(pool: Pool, answers: list[Answer]) -> exporting.Said:
    ledger = Ledger(
        Event(example_id=example, annotator="me", kind="label", answer=answer, seq=n, created_at="")
        for n, (example, answer) in enumerate(zip(pool.ids, answers, strict=True), 1)
    )
    return exporting.Said(ledger.labels(), ledger.answers())


def export(
    folder: Path, rows: list[dict[str, Any]], task: Task, answers: list[Answer], name: str
) -> Path:
    pool = fill(folder, rows)
    assert exporting.export_answers(pool, task, answered(pool, answers), folder / name, None) == []
    return folder / name


def records(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.data(), task=st.sampled_from([CLASSES, SETS]), ending=st.sampled_from(["csv", "tsv"])
)
def test_what_is_exported_is_imported_exactly(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, task: Task, ending: str
) -> None:
    texts = data.draw(st.lists(TEXTS, min_size=1, max_size=6, unique=True))
    names = st.sampled_from(task.labels)
    answer = st.lists(names, unique=True).map(sorted) if task.multilabel else names
    answers = data.draw(st.lists(answer, min_size=len(texts), max_size=len(texts)))
    notes = data.draw(st.lists(TEXTS, min_size=len(texts), max_size=len(texts)))
    folder = tmp_path_factory.mktemp("trip")
    rows = [{"text": text, "note": note} for text, note in zip(texts, notes, strict=True)]
    out = export(folder, rows, task, answers, f"out.{ending}")
    for reading in (task, Task(task.kind)) if task is CLASSES else (task,):
        back = folder / f"back-{len(reading.labels)}"
        import_examples(out, back, task=reading)
        pool = Pool.open(back)
        assert list(pool.ids) == list(Pool.open(folder / "pool").ids)
        assert [pool.gold(row) for row in range(len(pool))] == answers
        assert [example.meta["note"] for example in pool] == notes


def test_label_sets_are_read_back_without_knowing_the_labels(tmp_path: Path) -> None:
    answers: list[Answer] = [["a, b"], ["c", "x|y"], [], ["a", "c"], ["[d"]]
    rows = [{"text": f"text {i}"} for i in range(len(answers))]
    out = export(tmp_path, rows, SETS, answers, "out.csv")
    assert [row["labels"] for row in records(out)] == [
        '["a, b"]', '["c", "x|y"]', "[]", "a|c", '["[d"]',
    ]  # fmt: skip
    import_examples(out, tmp_path / "back", task=Task("multilabel"))
    pool = Pool.open(tmp_path / "back")
    assert [pool.gold(row) for row in range(len(pool))] == answers


def test_a_spreadsheet_runs_no_formula_from_names_either(tmp_path: Path) -> None:
    out = export(tmp_path, [{"text": "'=1", "=cmd": "+2"}], CLASSES, ["-1"], "out.csv")
    [row] = records(out)
    assert (row["text"], row["label"], row["'=cmd"]) == ("''=1", "'-1", "'+2")
    import_examples(out, tmp_path / "back", task=CLASSES)
    example = Pool.open(tmp_path / "back")[0]
    assert (example.text, example.meta["=cmd"]) == ("'=1", "+2")


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("task", [CLASSES, SETS], ids=["one", "several"])
def test_columns_of_the_file_with_our_names_are_kept(
    tmp_path: Path, ending: str, task: Task
) -> None:
    own = {"id": "7", "annotators": "bo", "Labels": "L", "label": "l", "id (file)": "8"}
    source = {"sentence": "hello", "text": "other", "category": None, **own}
    (tmp_path / "source.jsonl").write_text(json.dumps(source), encoding="utf-8")
    import_examples(
        tmp_path / "source.jsonl",
        tmp_path / "pool",
        task=task,
        text_column="sentence",
        label_column="category",
    )
    pool = Pool.open(tmp_path / "pool")
    answer: Answer = ["c"] if task.multilabel else "a"
    out = tmp_path / f"out.{ending}"
    exporting.export_answers(pool, task, answered(pool, [answer]), out, None)
    [row] = records(out)
    assert (row["id"], row["text"]) == (pool.ids[0], "hello")
    kept = {
        "id (file)": "7", "annotators (file)": "bo", "Labels (file)": "L", "label (file)": "l",
        "text (file)": "other", "id (file) (file)": "8",
    }  # fmt: skip
    assert kept.items() <= row.items()
    import_examples(out, tmp_path / "back", task=task)
    again = Pool.open(tmp_path / "back")
    assert (again[0].text, again.gold(0)) == ("hello", answer)


def test_parquet_holds_what_it_has_no_type_for_as_json(tmp_path: Path) -> None:
    odd = [{"n": 2**70, "o": {}, "deep": [{"x": {}}], "m": 1, "list": [1]}, {"m": "x", "list": []}]
    rows = [{"text": f"text {i}", **more} for i, more in enumerate(odd)]
    first, second = records(export(tmp_path, rows, CLASSES, ["a", "b"], "out.parquet"))
    assert (first["n"], first["o"], first["deep"]) == (str(2**70), "{}", '[{"x": {}}]')
    assert (first["m"], second["m"]) == ("1", '"x"')
    assert (second["n"], second["o"]) == (None, None)
    assert (first["list"], second["list"]) == ([1], [])


def test_where_nothing_can_be_written_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = fill(tmp_path, [{"text": "hello"}])
    said, made = answered(pool, ["a"]), trained(tmp_path, checkpoint="minilm")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("x")

    def write(path: Path, format: str) -> None:
        if format == "model":
            exporting.export_model(made, path)
        else:
            exporting.export_answers(pool, CLASSES, said, path, format)

    def message(path: Path, format: str = "csv") -> str:
        with pytest.raises(ProjectError) as error:
            write(path, format)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "is a folder" in message(tmp_path / "folder.csv")
    assert "is a folder" in message(Path())
    for format in ("csv", "model"):
        assert "cannot be written" in message(tmp_path / "file" / "x.csv", format)
        assert "cannot be written" in message(tmp_path / ("x" * 300), format)
    assert "already exists" in message(tmp_path / "file", "model")
    assert "already exists" in message(Path(), "model")

    def refused(*args: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    for format in ("csv", "model"):
        assert "Permission denied" in message(tmp_path / "new.csv", format)
    assert {path.name for path in tmp_path.iterdir()} == {
        "source.jsonl", "pool", "folder.csv", "file", "0001",
    }  # fmt: skip


def trained(folder: Path, checkpoint: str) -> Round:
    """A round as a training leaves it, with bytes for weights."""
    model = folder / "0001"
    model.mkdir()
    for name in ("config.json", "model.safetensors", "README.md", "rows.npy"):
        (model / name).write_text("{}", encoding="utf-8")
    manifest = {"format": 1, "checkpoint": checkpoint, "seed": 3}
    (model / "alnlp.json").write_text(json.dumps(manifest), encoding="utf-8")
    (model / "round.json").write_text(json.dumps({"model": checkpoint}), encoding="utf-8")
    return Round(
        number=1, folder=model, created_at="", model=checkpoint, strategy="", seed=3, labels=1,
        per_label={}, seq=1, label_names=["a"],
    )  # fmt: skip


@pytest.mark.parametrize("state", ["there", "gone"])
def test_no_path_of_this_machine_travels_with_the_model(tmp_path: Path, state: str) -> None:
    base = tmp_path / "secret place" / "my-bert"
    if state == "there":
        base.mkdir(parents=True)
    made = trained(tmp_path, str(base))
    out = exporting.export_model(made, tmp_path / "new" / ".." / "out")
    assert out == tmp_path / "out"
    names = {path.name for path in out.iterdir()}
    assert names == {"config.json", "model.safetensors", "README.md", "alnlp.json"}
    assert not any("secret" in path.read_text(encoding="utf-8") for path in out.iterdir())
    manifest = json.loads((out / "alnlp.json").read_text(encoding="utf-8"))
    assert manifest == {"format": 1, "checkpoint": "my-bert", "seed": 3}
    assert "secret" in (made.folder / "alnlp.json").read_text(encoding="utf-8")


def test_the_default_model_is_named_as_the_hub_does(tmp_path: Path) -> None:
    out = exporting.export_model(trained(tmp_path, "minilm"), tmp_path / "out")
    manifest = json.loads((out / "alnlp.json").read_text(encoding="utf-8"))
    assert manifest["checkpoint"] == "sentence-transformers/all-MiniLM-L6-v2"


def test_a_round_without_its_model_is_not_exported(tmp_path: Path) -> None:
    made = trained(tmp_path, "minilm")
    (made.folder / "config.json").unlink()
    with pytest.raises(ProjectError, match="round 1: its model is not on disk"):
        exporting.export_model(made, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_manifest_is_said(tmp_path: Path) -> None:
    made = trained(tmp_path, "minilm")
    (made.folder / "alnlp.json").write_text("{", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"alnlp\.json: damaged"):
        exporting.export_model(made, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["0001"]

"""Sources of other formats, what is no source at all, and the columns of any."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from files import bad, put, real, refused, usable

from alnlp.data.columns import Columns, guess_columns
from alnlp.data.readers import read_rows
from alnlp.data.rows import Rejected, Row
from alnlp.errors import DataError

# JSON lines, parquet, data sets


def test_deep_json_costs_its_own_row_only(tmp_path: Path) -> None:
    deep = "[" * 700 + "]" * 700
    lines = [f'{{"text": "a", "{name}": {deep}}}' for name in ("more", "label")]
    lines += [f'{{"text": {deep}}}', '{"text": "b", "more": [[{"x": []}]], "label": 1}']
    path = put(tmp_path, "a.jsonl", "\n".join(['{"text": "z", "label": 2}', *lines]))
    assert [row.text for row in usable(path)] == ["z", "b"]
    assert [(item.line, item.reason[:18]) for item in bad(path)] == [
        (line, "a column is nested") for line in (2, 3, 4)
    ]


def test_columns_that_come_late_in_jsonl_are_found(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"t{i}", "note": f"n{i}"}) for i in range(150)]
    lines += ['{"text": "u", "label": "x", "own": "y"}']
    path = put(tmp_path, "a.jsonl", "\n".join(lines))
    for column, expected in ((None, "x"), ("label", "x"), ("own", "y")):
        rows = usable(path, label_column=column)
        assert [row.label for row in rows] == [None] * 150 + [expected]
    assert [row.text for row in usable(path, text_column="own")] == ["y"]
    with pytest.raises(DataError, match="got 'gone', expected one of: 'text', 'note', 'label'"):
        read_rows(path, label_column="gone")


def test_bad_json_lines_are_rejected_with_reasons(tmp_path: Path) -> None:
    good = ['{"text": "a", "label": 1, "more": {"x": [NaN, null]}}', '{"text": "z", "label": ""}']
    lines = [
        "{bad", "[1]", '{"text": 5}', '{"text": "\\ud800"}', '{"text": null}', "{}",
        '{"text": "c", "more": "\\ud800"}', "[" * 100_000,
    ]  # fmt: skip
    path = put(tmp_path, "a.jsonl", "\n".join([good[0], "", *lines, good[1]]))
    assert usable(path) == [
        Row(1, "a", 1, {"more": {"x": [None, None]}}),
        Row(11, "z", None, {}),
    ]
    rejected = bad(path)
    assert [item.line for item in rejected] == list(range(3, 11))
    expected = [
        "not valid JSON", "not a JSON object", "text is not a string but int",
        "text holds half a character", "no text", "no text", "a column holds half a character",
        "not valid JSON",
    ]  # fmt: skip
    for item, reason in zip(rejected, expected, strict=True):
        assert item.reason.startswith(reason)


def test_json_line_with_invalid_bytes(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", b'{"text": "a\xff"}\n{"text": "b\xe2\x80\xa8c"}\n')
    assert [(item.line, item.reason) for item in bad(path)] == [(1, "not valid UTF-8")]
    assert [row.text for row in usable(path)] == ["b\u2028c"]


LINES = "\ufeff first, 'as it is' \r\n\n \t \nzweite\tZeile\r=1+1\u2028still\x85here\nlast"


@pytest.mark.parametrize("name", ["a.txt", "a.TXT.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_text_a_line(tmp_path: Path, name: str, encoding: str) -> None:
    data = LINES.encode() if encoding == "utf-8" else LINES[1:].encode(encoding)
    path = put(tmp_path, name, gzip.compress(data) if name.endswith("gz") else data)
    assert usable(path) == [
        Row(1, " first, 'as it is' ", None, {}),
        Row(4, "zweite\tZeile", None, {}),
        Row(5, "=1+1\u2028still\x85here", None, {}),
        Row(6, "last", None, {}),
    ]
    assert read_rows(path).columns == Columns("text")


def test_lines_of_text_that_cannot_be_used(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", b"good\nb\xe9d\nhalf\0\n" + b"long " * 500_000 + b"\ntoo\n")
    assert [len(row.text) for row in usable(path)] == [4, 2_500_000, 3]
    assert [(item.line, item.reason, item.excerpt) for item in bad(path)] == [
        (2, "not valid UTF-8", "b\\udce9d"),
        (3, "text holds a NUL character", "half\0"),
    ]
    assert [row.text for row in usable(path, encoding="cp1252")][:2] == ["good", "béd"]
    with pytest.raises(DataError, match="label column: got 'label', expected one of: 'text'"):
        read_rows(path, label_column="label")


def test_a_text_that_ends_like_a_tag_makes_no_file_of_tags(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", "I lack vitamin B-12\nMy group is O\nand\nmore texts\n")
    for spans in (False, True):
        assert len(usable(path, spans=spans)) == 4
    path = put(tmp_path, "b.txt", "EU B-ORG\nrejects O\n\nPeter B-PER\nleft\n")
    assert [row.text for row in usable(path, spans=True)] == ["EU rejects"]
    refused(read_rows, path, "named entities come with task ner")


@pytest.mark.parametrize("packed", [False, True])
def test_parquet(tmp_path: Path, packed: bool) -> None:
    out = io.BytesIO()
    when = pa.array([1, 2, 3], pa.timestamp("us"))
    pq.write_table(pa.table({"text": ["a", None, "c"], "label": [1, 2, None], "when": when}), out)
    name = "a.parquet.gz" if packed else "a.parquet"
    path = put(tmp_path, name, gzip.compress(out.getvalue()) if packed else out.getvalue())
    assert usable(path) == [
        Row(1, "a", 1, {"when": "1970-01-01T00:00:00.000001"}),
        Row(3, "c", None, {"when": "1970-01-01T00:00:00.000003"}),
    ]
    assert bad(path) == [Rejected(2, "no text")]
    assert read_rows(path).total == 3


def test_data_sets_give_class_names(tmp_path: Path) -> None:
    import datasets

    names = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"text": datasets.Value("string"), "label": names})
    one = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, -1]}, features)
    one.save_to_disk(str(tmp_path / "saved"))
    one.to_parquet(str(tmp_path / "one.parquet"))
    datasets.DatasetDict(train=one).save_to_disk(str(tmp_path / "dict"))
    expected = [("a", "neg"), ("b", "pos"), ("c", None)]
    for source in (
        one,
        one.with_format("numpy"),
        datasets.DatasetDict(test=one),
        tmp_path / "saved",
        tmp_path / "dict",
        tmp_path / "one.parquet",
    ):
        assert [(row.text, row.label) for row in usable(source)] == expected
    features = datasets.Features({"text": datasets.Value("string"), "labels": datasets.List(names)})
    many = datasets.Dataset.from_dict({"text": ["a", "b"], "labels": [[0, 1], []]}, features)
    assert [row.label for row in usable(many)] == [["neg", "pos"], []]
    with pytest.raises(DataError, match="split: got 'train', expected one of: a, b"):
        read_rows(datasets.DatasetDict(a=one, b=one))


def test_folder_of_files_is_loaded_as_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(DataError, match="neither a file here nor a data set"):
        read_rows(folder)
    put(folder, "train.csv", "text,label\nhi,a\n")
    assert [(row.text, row.label) for row in usable(str(folder))] == [("hi", "a")]


def test_hub_id_and_split_reach_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load(name: str) -> datasets.DatasetDict:
        if name != "org/name":
            raise ConnectionError("no\nnetwork")
        return datasets.DatasetDict(
            train=datasets.Dataset.from_dict({"text": ["a"]}),
            test=datasets.Dataset.from_dict({"text": ["b"]}),
        )

    monkeypatch.setattr(datasets, "load_dataset", load)
    assert [row.text for row in usable("org/name")] == ["a"]
    assert [row.text for row in usable("org/name:test")] == ["b"]
    with pytest.raises(DataError, match="no network") as error:
        read_rows("org/other")
    assert "\n" not in str(error.value)


# What cannot be read


@pytest.mark.parametrize("source", ["none.csv", "none.txt.gz", "no/such/file", "a b", Path("x")])
def test_missing_files_are_not_sought_on_the_hub(source: str | Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_rows(source)


@pytest.mark.parametrize("source", [3, None, "", [1]])
def test_what_is_no_source_is_said(source: object) -> None:
    with pytest.raises(DataError, match="expected a file"):
        read_rows(source)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.jsonl", b"", "the file is empty"),
        ("a.txt", b"\n \r\n", "the file is empty"),
        ("a.txt", b"\xff\n", "no usable row; the first problem is on line 1: not valid UTF-8"),
        ("a.txt", "hé".encode("utf-16-le"), "give its encoding"),
        ("a.txt.gz", b"\x1f\x8b broken", "damaged"),
        ("a.csv", b"\n\n", "the file is empty"),
        ("a.csv", b"text,text\na,b\n", "'text' twice"),
        ("a.csv", "text\thé\n".encode("utf-16-le"), "give its encoding"),
        ("a.csv", b"t\xffxt,label\n", "header line is not valid"),
        ("a.csv", b"id,n\n1,2\n", "no column holds text; the columns are: 'id', 'n'"),
        ("a.jsonl", b"x\ny\n", "no usable row; the first problem is on line 1"),
        ("a.jsonl", b'{"tokens": ["a"], "ner_tags": ["O"]}\n', "come with task ner"),
        ("a.parquet", b"PAR1 no parquet", "unreadable after the beginning"),
        ("a.xlsx", b"PK", "'.xlsx', expected one of .csv, .tsv, .jsonl, .parquet, .txt, plain"),
    ],
)
def test_unusable_files_end_in_one_line(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    refused(read_rows, put(tmp_path, name, data), message)


def test_unknown_encoding(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "text\nhé\n".encode("cp1252"))
    assert [row.text for row in usable(path, encoding="cp1252")] == ["hé"]
    with pytest.raises(DataError, match="encoding: got 'klingon'"):
        read_rows(path, encoding="klingon")


@pytest.mark.parametrize("encoding", ["base64", "rot13", "hex", "zlib", "a\0b", ""])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_what_is_no_text_encoding_is_refused(tmp_path: Path, name: str, encoding: str) -> None:
    with pytest.raises(DataError, match="encoding: got"):
        read_rows(put(tmp_path, name, "text\nh\n"), encoding=encoding)


@pytest.mark.parametrize("name", ["wnut17", "weibo_ner"])
def test_named_entities_are_refused_for_now(name: str) -> None:
    with pytest.raises(DataError, match="task ner"):
        read_rows(real(name))


# Columns


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["id", "Label", "TEXT"], Columns("TEXT", "Label")),
        (["title", "body", "category"], Columns("body", "category")),
        (["id", "free", "y"], Columns("free", "y")),
        (["id", "free"], Columns("free", None)),
        (["labels", "sentence", "text"], Columns("text", "labels")),
    ],
)
def test_columns_are_guessed(names: list[str], expected: Columns) -> None:
    cells = dict.fromkeys(names, "x1") | {"free": "a longer text than others"}
    sample = [{name: cells[name] for name in names}]
    assert guess_columns(sample, names) == expected


def test_a_column_of_numbers_is_never_the_text_by_name() -> None:
    sample = [{"text": 5, "words": "hello there"}]
    assert guess_columns(sample, ["text", "words"]).text == "words"


def test_columns_given_are_checked() -> None:
    sample = [{"a": "x", "label": "y"}]
    assert guess_columns(sample, ["a", "label"], text="label") == Columns("label", None)
    with pytest.raises(DataError, match="text column: got 'b', expected one of: 'a', 'label'"):
        guess_columns(sample, ["a", "label"], text="b")
    with pytest.raises(DataError, match="expected two columns"):
        guess_columns(sample, ["a", "label"], text="a", label="a")

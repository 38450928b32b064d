from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alnlp.data import ImportReport, Pool, example_id, import_examples
from alnlp.data.columns import Columns, guess_columns
from alnlp.data.duplicates import _normalised, alike, near_duplicate_groups
from alnlp.data.readers import read_rows
from alnlp.data.rows import Rejected, Row
from alnlp.errors import Cancelled, DataError
from alnlp.tasks import Task

TASK = Task("classification")
MULTI = Task("multilabel")
SHARED_FOLDER: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],  # files are written anew
}


def put(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def usable(path: Any, **options: Any) -> list[Row]:
    return [row for row in read_rows(path, **options) if isinstance(row, Row)]


def bad(path: Any, **options: Any) -> list[Rejected]:
    return [row for row in read_rows(path, **options).rows if isinstance(row, Rejected)]


def real(name: str, split: str = "train") -> Path:
    root = os.environ.get("ALNLP_DATA")
    if not root:
        pytest.skip("ALNLP_DATA is not set: the folder with the benchmark data sets")
    return Path(root) / name / f"{split}.jsonl.gz"


def groups_of(texts: list[str], batch: int = 1000) -> np.ndarray:
    batches = [texts[i : i + batch] for i in range(0, len(texts), batch)]
    return near_duplicate_groups(batches, lambda rows: [texts[row] for row in rows])


# Delimited files


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("start", "encoding"), [(b"", "utf-8"), (b"\xef\xbb\xbf", "utf-8"), (b"", "utf-16")]
)
def test_delimiter_and_byte_order_mark_are_found(
    tmp_path: Path, delimiter: str, start: bytes, encoding: str
) -> None:
    text = f"text{delimiter}label{delimiter}note\r\nhé, you{delimiter}a{delimiter}n\r\n"
    text = text.replace("hé, you", '"hé, you"')
    [row] = usable(put(tmp_path, "a.csv", start + text.encode(encoding)))
    assert row == Row(2, "hé, you", "a", {"note": "n"})


def test_bad_rows_are_rejected_with_the_line_they_start_on(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "a.csv",
        b'text,label\n"two\nlines",a\ntoo,many,cells\nfew\n\n  ,b\n\xff bad,b\nnu\0l,b\nlast,b\n',
    )
    assert [(row.line, row.text) for row in usable(path)] == [(2, "two\nlines"), (10, "last")]
    assert [(item.line, item.reason) for item in bad(path)] == [
        (4, "number of cells: 3, expected 2"),
        (5, "number of cells: 1, expected 2"),
        (7, "empty text"),
        (8, "not valid UTF-8"),
        (9, "text holds a NUL character"),
    ]
    assert bad(path)[3].excerpt == "\\udcff bad,b"


def test_a_stray_quote_costs_its_own_line_only(tmp_path: Path) -> None:
    rows = [f"row {i},a" for i in range(50)]
    path = put(tmp_path, "a.csv", "\n".join(["text,label", '"never closed,a', *rows, 'say "x",a']))
    assert len(usable(path)) == 51
    assert [(item.line, item.reason[:13]) for item in bad(path)] == [(2, "not valid csv")]
    path = put(tmp_path, "b.csv", 'text,label\n"He said "hi" to me",a\nok,b\n')
    assert [row.text for row in usable(path)] == ["ok"]


def test_quotes_in_tsv_are_characters_unless_they_enclose_a_cell(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "a.tsv",
        'text\tlabel\n"Hello\t1\nBye"\t0\n"Good" film\t1\n"two\nlines"\t1\n"whole"\t0\n',
    )
    texts = ['"Hello', 'Bye"', '"Good" film', "two\nlines", "whole"]
    assert [row.text for row in usable(path)] == texts
    assert [row.line for row in usable(path)] == [2, 3, 4, 5, 7]


def test_a_single_column_needs_no_quotes(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'text\nhello, world\n"quoted, cell"\n')
    assert [row.text for row in usable(path)] == ["hello, world", "quoted, cell"]


def test_megabyte_cells_and_long_lines_are_read(tmp_path: Path) -> None:
    path = put(
        tmp_path, "a.csv", "text,label\n" + "x" * 100_000 + ",a\n" + "é" * 2_000_000 + ",b\n"
    )
    assert [len(row.text) for row in usable(path)] == [100_000, 2_000_000]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
                str.strip
            ),
            st.sampled_from(["a", "b", 'c"', "d,e"]),
        ),
        min_size=1,
        max_size=12,
    ),
    delimiter=st.sampled_from([",", ";", "|"]),
)
def test_whatever_csv_writes_is_read_back(
    tmp_path: Path, rows: list[tuple[str, str]], delimiter: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("text", "label"), *rows])
    read = usable(put(tmp_path, "a.csv", out.getvalue()))
    assert [(row.text, row.label) for row in read] == rows


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.binary(max_size=300),
    name=st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.csv.gz", "a.parquet.gz"]),
)
def test_random_bytes_are_never_more_than_a_data_error(
    tmp_path: Path, data: bytes, name: str
) -> None:
    for content in (data, b"text,label\n" + data, b'{"text": "' + data, gzip.compress(data)):
        path = put(tmp_path, name, content)
        with contextlib.suppress(DataError):
            lines = [row.line for row in read_rows(path).rows]
            assert lines == sorted(lines)


def test_the_apostrophe_before_a_formula_is_taken_off(tmp_path: Path) -> None:
    cells = ["'=1", "''=1", "'-1", "'@x", "'+", "it's", "'quoted'", "''", "=1"]
    path = put(tmp_path, "a.csv", "text,label\n" + "".join(f"{cell},a\n" for cell in cells))
    expected = ["=1", "'=1", "-1", "@x", "+", "it's", "'quoted'", "''", "=1"]
    assert [row.text for row in usable(path)] == expected


def test_a_header_in_quotes_says_that_a_tsv_file_is_quoted(tmp_path: Path) -> None:
    path = put(tmp_path, "a.tsv", '"text"\t"label"\n"a\t1\nb"\t"0"\n')
    assert [row.text for row in usable(path)] == ["a\t1\nb"]


# Other formats


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


@pytest.mark.parametrize("source", ["none.csv", "none.jsonl.gz", "no/such/file", "a b", Path("x")])
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
        ("a.csv", b"\n\n", "the file is empty"),
        ("a.csv", b"text,text\na,b\n", "'text' twice"),
        ("a.csv", "text\thé\n".encode("utf-16-le"), "give its encoding"),
        ("a.csv", b"t\xffxt,label\n", "header line is not valid"),
        ("a.csv", b"id,n\n1,2\n", "no column holds text; the columns are: 'id', 'n'"),
        ("a.jsonl", b"x\ny\n", "no usable row; the first problem is on line 1"),
        ("a.jsonl", b'{"tokens": ["a"], "ner_tags": ["O"]}\n', "come with task ner"),
        ("a.parquet", b"PAR1 no parquet", "unreadable after the beginning"),
        ("a.xlsx", b"PK", "file ending '.xlsx', expected one of .csv"),
    ],
)
def test_unusable_files_end_in_one_line(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    with pytest.raises(DataError) as error:
        read_rows(put(tmp_path, name, data))
    assert message in str(error.value)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_damage_half_way_says_how_far_it_got_and_adds_nothing(tmp_path: Path) -> None:
    lines = "".join(f"hello {os.urandom(20).hex()},a\n" for _ in range(30_000))
    packed = gzip.compress(f"text,label\n{lines}".encode())
    path = put(tmp_path, "a.csv.gz", packed[: len(packed) // 2])
    with pytest.raises(DataError, match=r"a\.csv\.gz: .*after line 1\d{4}: .*nothing was imported"):
        import_examples(path, tmp_path / "pool", task=TASK)
    assert len(Pool.open(tmp_path / "pool")) == 0
    assert list((tmp_path / "pool").glob("[!.]*")) == []


def test_unknown_encoding(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "text\nhé\n".encode("cp1252"))
    assert [row.text for row in usable(path, encoding="cp1252")] == ["hé"]
    with pytest.raises(DataError, match="encoding: got 'klingon'"):
        read_rows(path, encoding="klingon")


@pytest.mark.parametrize("encoding", ["base64", "rot13", "hex", "zlib", "a\0b", ""])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_what_is_no_text_encoding_is_refused(tmp_path: Path, name: str, encoding: str) -> None:
    with pytest.raises(DataError, match="encoding: got"):
        read_rows(put(tmp_path, name, "text\nh\n"), encoding=encoding)


def test_what_cannot_be_opened_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").mkdir()
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")

    def refused(*args: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    def message(source: Path) -> str:
        with pytest.raises(DataError) as error:
            import_examples(source, tmp_path / "pool", task=TASK)
        return str(error.value)

    said = [message(tmp_path / "a.csv"), message(tmp_path / ("x" * 300 + ".csv"))]
    file = put(tmp_path, "b.csv", "text\nhello\n")
    for looking in ("open", "is_file"):  # the second as in a folder that may not be entered
        with monkeypatch.context() as patch:
            patch.setattr(Path, looking, refused)
            said.append(message(file))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", refused)
        said.append(message(tmp_path / "a.csv"))
    words = ["neither a file", "too long", "no permission", "Permission denied", "Permission"]
    for text, word in zip(said, words, strict=True):
        assert word in text
        assert "\n" not in text
        assert "cannot be written" not in text


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


# Near-duplicates


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Where is my new card, it never arrived?", "Where is my new crad it never arrived", True),
        ("Who is Duke Ellington ?", "WHO IS DUKE ELINGTON", True),
        ("My top-up didn't go through", "My top up didn't go through!!", True),
        ("我喜欢这个产品", "我喜欢这个产品！", True),
        ("What is the capital of Peru ?", "What is the capital of Mali ?", False),
        ("What is the capital of Mongolia ?", "What is the capital of Slovenia ?", False),
        ("How do I top up my card?", "How do I lock my card?", False),
        ("我喜欢这个产品", "我讨厌这个产品", False),
        ("yes", "yet", False),
        ("👍", "👎", False),
        ("!!!", "???", False),
    ],
)
def test_what_counts_as_a_near_duplicate(left: str, right: str, expected: bool) -> None:
    assert alike(*_normalised([left, right])) is expected
    grouped = groups_of([left, "something else entirely", right]).tolist()
    assert grouped == [0, 1, 0 if expected else 2]


def all_pairs_groups(texts: list[str]) -> np.ndarray:
    """The slow, obvious reference."""
    plain = _normalised(texts)
    groups = np.arange(len(texts))
    for i in range(len(texts)):
        for j in range(i):
            if alike(plain[i], plain[j]):
                low, high = sorted((groups[i], groups[j]))
                groups[groups == high] = low
    return groups


def test_groups_agree_with_comparing_all_pairs() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), rng.integers(2, 8))) for _ in range(80)]
    texts: list[str] = []
    for _ in range(250):
        if texts and rng.random() < 0.4:
            old = texts[rng.integers(len(texts))]
            place = int(rng.integers(len(old)))
            texts.append(old[:place] + "z" + old[place + 1 :])
        else:
            texts.append(" ".join(rng.choice(words, rng.integers(5, 30))))
    slow = all_pairs_groups(texts)
    assert len(np.unique(slow)) < 200
    fast = groups_of(texts, batch=37)
    assert (fast == slow).mean() > 0.99
    assert all(slow[fast == group].min() == slow[fast == group].max() for group in fast)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=30))
def test_groups_are_named_by_their_smallest_row(texts: list[str]) -> None:
    groups = groups_of(texts, batch=7)
    assert groups.dtype == np.int64
    assert groups.shape == (len(texts),)
    assert (groups <= np.arange(len(texts))).all()
    assert (groups[groups] == groups).all()
    same: dict[str, int] = {}
    for text, group in zip(texts, groups, strict=True):
        assert same.setdefault(text, group) == group


# Pool and import


def test_import_folds_counts_and_reports(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "a.csv",
        "text,label,id\nI want my money back,refund,1\nwhere is it,where,2\n"
        "I want my money back,other,3\nwhere is it,where,4\nno label here,,5\n ,x,6\n"
        "I want my money back!,refund,7\n",
    )
    calls: list[tuple[int, int | None]] = []
    report = import_examples(
        path, tmp_path / "pool", task=TASK, progress=lambda *done: calls.append(done)
    )
    assert (report.read, report.added, report.folded, report.conflicts) == (7, 4, 2, 1)
    assert (report.rejected, report.labelled, report.near_duplicates) == (1, 3, 2)
    assert report.label_counts == {"refund": 2, "where": 1}
    assert report.labels == ("refund", "where")
    assert report.rejections == (Rejected(7, "empty text", ""),)
    assert calls == [(7, None)]
    assert "a.csv: read 7 rows, added 4 examples" in report.summary()
    assert ImportReport.from_json(report.to_json()) == report
    assert report.rejected_file is not None
    written = (tmp_path / "pool" / report.rejected_file).read_text(encoding="utf-8")
    assert json.loads(written) == {"line": 7, "reason": "empty text", "excerpt": ""}

    pool = Pool.open(tmp_path / "pool")
    assert len(pool) == 4
    assert pool[0].text == "I want my money back"
    assert pool[0].meta == {"id": "1"}
    assert [pool.gold(row) for row in range(4)] == ["refund", "where", None, "refund"]
    assert pool.groups.tolist() == [0, 1, 2, 0]
    assert list(pool.ids) == [example_id(text) for text in pool.texts()]


def test_rows_stay_when_more_are_added(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    assert len(Pool.open(folder)) == 0
    assert Pool.open(folder).groups.shape == (0,)
    first = import_examples(
        put(tmp_path, "a.csv", "text,label\nwhere is my parcel today,a\nb,b\n"), folder, task=TASK
    )
    before = Pool.open(folder)
    second = import_examples(
        put(
            tmp_path, "b.jsonl", '{"text":"b","label":"x"}\n{"text":"Where is my parcel today?"}\n'
        ),
        folder,
        task=TASK,
    )
    after = Pool.open(folder)
    assert (first.added, second.added, second.folded, second.conflicts) == (2, 1, 1, 1)
    assert after.texts() == [*before.texts(), "Where is my parcel today?"]
    assert after.groups.tolist() == [0, 1, 0]
    assert second.near_duplicates == 1
    assert before.version != after.version
    assert len(before) == 2
    assert before.texts([1]) == ["b"]

    again = import_examples(tmp_path / "a.csv", folder, task=TASK)
    assert (again.added, again.folded, again.conflicts) == (0, 2, 0)
    assert Pool.open(folder).version == after.version


@pytest.mark.parametrize("distance", [0, 5, 25_000])
def test_the_first_label_counts_also_if_it_comes_late(tmp_path: Path, distance: int) -> None:
    between = [{"text": f"{i * 7919} between"} for i in range(distance)]
    rows = [{"text": "a"}, {"text": "b"}, *between]
    rows += [{"text": "a", "label": "x"}, {"text": "a", "label": "y"}, {"text": "c", "label": "x"}]
    path = put(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    report = import_examples(path, tmp_path / "pool", task=TASK)
    pool = Pool.open(tmp_path / "pool")
    assert [pool.gold(row) for row in (0, 1, len(pool) - 1)] == ["x", None, "x"]
    assert [example.text for example in (pool[0], pool[1], pool[len(pool) - 1])] == ["a", "b", "c"]
    assert (report.labelled, report.folded, report.conflicts) == (2, 2, 1)
    assert report.label_counts == {"x": 2}


def test_a_later_import_changes_no_row(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    import_examples(put(tmp_path, "a.csv", "text,label\na,\n"), folder, task=TASK)
    path = put(tmp_path, "b.csv", "text,label\na,x\na,y\nb,x\n")
    report = import_examples(path, folder, task=TASK)
    assert (report.added, report.labelled, report.folded, report.conflicts) == (1, 1, 2, 0)
    assert [Pool.open(folder).gold(row) for row in range(2)] == [None, "x"]


def test_a_pool_knows_whether_it_is_current(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    empty = Pool.open(folder)
    assert empty.is_current()
    import_examples(put(tmp_path, "a.csv", "text\nhello\n"), folder, task=TASK)
    assert not empty.is_current()
    pool = Pool.open(folder)
    import_examples(tmp_path / "a.csv", folder, task=TASK)
    assert pool.is_current()
    import_examples(put(tmp_path, "b.csv", "text\nother\n"), folder, task=TASK)
    assert not pool.is_current()
    assert Pool.open(folder).is_current()


def test_rejections_of_each_import_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    names = [
        import_examples(put(tmp_path, "a.csv", f"text,label\n{text},\n ,\n"), folder, task=TASK)
        for text in ("a", "a", "a", "b")
    ]
    assert [report.rejected_file for report in names] == [
        f"0000{n}.rejected.jsonl" for n in (1, 2, 3, 4)
    ]
    assert Pool.open(folder).texts() == ["a", "b"]


@pytest.mark.parametrize("damage", ["gone", "junk", "short"])
def test_importing_again_mends_the_groups(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "pool"
    path = put(tmp_path, "a.csv", "text\nhello there you\nHello there, you!\n")
    import_examples(path, folder, task=TASK)
    groups = folder / "groups.npy"
    if damage == "gone":
        groups.unlink()
    elif damage == "junk":
        groups.write_bytes(b"junk")
    else:
        np.save(groups, np.zeros(1, dtype=np.int64))
    with pytest.raises(DataError, match="import the data again"):
        _ = Pool.open(folder).groups
    assert import_examples(path, folder, task=TASK).added == 0
    assert Pool.open(folder).groups.tolist() == [0, 0]


def test_lookups(tmp_path: Path) -> None:
    texts = [f"text number {i} é" for i in range(25)]
    lines = "\n".join(json.dumps({"text": text}) for text in texts)
    import_examples(put(tmp_path, "a.jsonl", lines), tmp_path / "pool", task=TASK)
    pool = Pool.open(tmp_path / "pool")
    assert pool.texts(np.array([7, 3, 7])) == [texts[7], texts[3], texts[7]]
    assert pool.texts([]) == []
    assert [len(part) for part in pool.iter_texts(10)] == [10, 10, 5]
    assert pool.rows([pool.ids[9], pool.ids[2]]).tolist() == [9, 2]
    assert pool.row(example_id(texts[4])) == 4
    assert pool.rows([]).shape == (0,)
    assert pool.ids[1:3] == [example_id(text) for text in texts[1:3]]
    assert pool.ids[5] in pool
    assert [example.text for example in pool] == texts
    for unknown in ("0" * 16, "f" * 16, pool.ids[0].upper() + "g", "", "x"):
        assert unknown not in pool
        with pytest.raises(DataError, match=f"id: got '{unknown}'"):
            pool.row(unknown)
    for row in (-1, 25):
        with pytest.raises(IndexError):
            pool[row]
        with pytest.raises(IndexError):
            pool.texts([row])


def test_labels_outside_the_set_are_rejected(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "text,label\na,pos\nb,nog\nc,neg\n")
    report = import_examples(path, tmp_path / "pool", task=Task("classification", ("pos", "neg")))
    assert report.added == 2
    assert "'nog', expected one of" in report.rejections[0].reason
    with pytest.raises(DataError, match="none of 3 rows can be used; 3 times: label"):
        import_examples(path, tmp_path / "other", task=Task("classification", ("x",)))
    assert len(Pool.open(tmp_path / "other")) == 0


def test_multilabel(tmp_path: Path) -> None:
    lines = ['{"text":"a","labels":["y","x"]}', '{"text":"b","labels":[]}', '{"text":"c"}']
    path = put(tmp_path, "a.jsonl", "\n".join([*lines, '{"text":"d","labels":3}']))
    report = import_examples(path, tmp_path / "pool", task=MULTI)
    pool = Pool.open(tmp_path / "pool")
    assert [pool.gold(row) for row in range(3)] == [["x", "y"], [], None]
    assert (report.labelled, report.rejected, report.labels) == (2, 1, ("x", "y"))


def test_labels_are_told_also_of_texts_that_are_there_already(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "text,label\na,x\nb,\na,y\n ,z\n")
    told: list[tuple[str, object]] = []
    import_examples(
        path, tmp_path / "pool", task=TASK, on_label=lambda *labelled: told.append(labelled)
    )
    assert told == [(example_id("a"), "x"), (example_id("a"), "y")]


def test_too_many_labels_suggest_another_column(tmp_path: Path) -> None:
    lines = "".join(f"text {os.urandom(8).hex()},l{i}\n" for i in range(1_001))
    with pytest.raises(DataError, match="more than 1,000 different labels; name another column"):
        import_examples(
            put(tmp_path, "a.csv", "text,label\n" + lines), tmp_path / "pool", task=TASK
        )


def test_header_only_and_limit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no row, expected at least one"):
        import_examples(put(tmp_path, "a.csv", "text,label\n"), tmp_path / "pool", task=TASK)
    path = put(tmp_path, "b.csv", "text\n" + "".join(f"t{i}\n" for i in range(9)))
    assert import_examples(path, tmp_path / "pool", task=TASK, limit=4).added == 4


def test_stopping_an_import_adds_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int | None) -> None:
        raise Cancelled("stopped")

    path = put(tmp_path, "a.csv", "text\nhello\n")
    with pytest.raises(Cancelled):
        import_examples(path, tmp_path / "pool", task=TASK, progress=stop)
    assert len(Pool.open(tmp_path / "pool")) == 0
    assert import_examples(path, tmp_path / "pool", task=TASK).added == 1


def test_a_crash_before_the_last_step_leaves_the_pool_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pool"
    import_examples(put(tmp_path, "a.csv", "text\nhello there you\n"), folder, task=TASK)
    before = Pool.open(folder).version
    path = put(tmp_path, "b.csv", "text\nHello there, you!\nother\n")
    kill = (
        "import os, sys; from pathlib import Path; from alnlp.data import import_examples;"
        "from alnlp.tasks import Task; replace = Path.replace;"
        "Path.replace = lambda a, b: os._exit(9) if b.suffix == '.arrow' else replace(a, b);"
        "import_examples(sys.argv[1], sys.argv[2], task=Task('classification'))"
    )
    done = subprocess.run([sys.executable, "-c", kill, str(path), str(folder)], check=False)
    assert done.returncode == 9
    pool = Pool.open(folder)
    assert pool.version == before
    assert pool.groups.tolist() == [0]
    assert import_examples(path, folder, task=TASK).added == 2
    assert Pool.open(folder).groups.tolist() == [0, 0, 2]
    assert not (folder / ".import").exists()


def test_two_imports_at_once_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "text\nhello\n")
    with (
        FileLock(tmp_path / ".import.lock"),
        pytest.raises(DataError, match="another import is running"),
    ):
        import_examples(path, tmp_path, task=TASK)


def test_damaged_pools_are_said(tmp_path: Path) -> None:
    import_examples(put(tmp_path, "a.csv", "text\nhello\n"), tmp_path / "pool", task=TASK)
    (tmp_path / "pool" / "groups.npy").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"groups\.npy"):
        _ = Pool.open(tmp_path / "pool").groups
    file = tmp_path / "pool" / "00001.arrow"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match=r"00001\.arrow: damaged"):
        Pool.open(tmp_path / "pool")


def test_awkward_texts_come_back_as_they_are(tmp_path: Path) -> None:
    texts = ["<img src=x onerror=alert(1)>", "${7*6} {{value}}", "مرحبا \u202e", "e\u0301", " a\t"]
    path = put(tmp_path, "a.jsonl", "\n".join(json.dumps({"text": text}) for text in texts))
    import_examples(path, tmp_path / "pool", task=TASK)
    assert Pool.open(tmp_path / "pool").texts() == texts


def test_importing_the_package_stays_light() -> None:
    code = (
        "import sys, alnlp.data;"
        "heavy = {'torch', 'datasets', 'transformers', 'gradio', 'sklearn', 'pandas'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "task", "labels"),
    [
        ("trec6", TASK, 6),
        ("ag_news_subset", TASK, 4),
        ("banking77", TASK, 77),
        ("sst2_sentences", TASK, 2),
        ("scicite", TASK, 3),
        ("goemotions", MULTI, 28),
    ],
)
def test_real_data(tmp_path: Path, name: str, task: Task, labels: int) -> None:
    path = real(name)
    info = json.loads((path.parent / "info.json").read_text(encoding="utf-8"))
    report = import_examples(path, tmp_path, task=task)
    pool = Pool.open(tmp_path)
    assert report.read == info["n_rows"]["train"]
    assert report.rejected == 0
    assert report.added + report.folded == report.read
    assert set(report.labels) == set(info["label_names"])
    assert len(report.labels) == labels
    assert len(pool) == report.added == report.labelled
    assert 0 < report.near_duplicates < 0.1 * len(pool)
    assert import_examples(real(name, "test"), tmp_path, task=task).read > 0
    assert Pool.open(tmp_path).texts([0, len(pool) - 1]) == pool.texts([0, len(pool) - 1])


@pytest.mark.parametrize("name", ["wnut17", "weibo_ner"])
def test_named_entities_are_refused_for_now(name: str) -> None:
    with pytest.raises(DataError, match="task ner"):
        read_rows(real(name))


@pytest.mark.slow
def test_memory_stays_bounded_while_importing(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    words = [word for row in usable(real("banking77")) for word in row.text.split()]
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "label"])
        for _ in range(250):
            picked = rng.choice(words, (1_000, 12)).tolist()
            writer.writerows((" ".join(part), part[0][0]) for part in picked)
    code = (
        "import pathlib, re, sys;"
        "from alnlp.data import import_examples; from alnlp.tasks import Task;"
        "import_examples(sys.argv[1], sys.argv[2], task=Task('classification'));"
        # Not ru_maxrss, which remembers the size of the process that this one was forked from.
        "status = pathlib.Path('/proc/self/status').read_text();"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(tmp_path / "pool")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert int(done.stdout) < 600_000  # kB; a million rows took 677,000
    assert len(Pool.open(tmp_path / "pool")) > 240_000


def test_a_single_column_may_hold_lines_and_tabs(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text('text\n"first line\n\n    indented\tand a tab"\nplain, with a comma\n')
    texts = [row.text for row in read_rows(path).rows]
    assert texts == ["first line\n\n    indented\tand a tab", "plain, with a comma"]

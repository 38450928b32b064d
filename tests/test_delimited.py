"""Delimited files: delimiters, quotes, bad lines, and whatever is written is read back."""

import contextlib
import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from files import bad, put, usable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alnlp.data.readers import read_rows
from alnlp.data.rows import Row
from alnlp.errors import DataError

SHARED_FOLDER: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],  # files are written anew
}


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


@settings(max_examples=60, **SHARED_FOLDER)
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


@settings(max_examples=100, **SHARED_FOLDER)
@given(
    data=st.binary(max_size=300),
    name=st.sampled_from(
        ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.txt", "a.csv.gz", "a.parquet.gz", "a.txt.gz"]
    ),
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


def test_a_single_column_may_hold_lines_and_tabs(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text('text\n"first line\n\n    indented\tand a tab"\nplain, with a comma\n')
    texts = [row.text for row in read_rows(path).rows]
    assert texts == ["first line\n\n    indented\tand a tab", "plain, with a comma"]

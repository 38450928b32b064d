"""Named entities written and read again: all comes back, or the loss is told."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ner_files import ENDINGS, LABELS, SHARED_FOLDER, fields, marked, usable

from alnlp.data import example_id
from alnlp.data.ner.losses import SpanRow
from alnlp.data.ner.writers import WRITERS, format_of, write
from alnlp.data.spans import Span, answer_of
from alnlp.data.words import joined, words_of
from alnlp.errors import DataError

PIECES = ["the", "Über", "e\u0301", "12.5", "科技", "すし", "مَرْحَبًا", "👩‍👩‍👧", "🇩🇪", "ไทย",
          "क्\u200dष", ".", "=1+1", "#", "'", '"', " ", "\n", "\t", "\u3000", "\r\n", "-", "O",
          "\u2028"]  # fmt: skip
TOKENS = ["a", "Ω", "好", "👩‍👩‍👧", "#", "'", "مَرْحَبًا", "e\u0301", "O"]
anything = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
texts = st.lists(st.sampled_from(PIECES) | anything, max_size=10).map("".join).filter(str.strip)
metas = st.dictionaries(
    st.sampled_from(["note", "id", "text", "spans", "meta", "n"]),
    st.none() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.lists(st.integers(), max_size=2),
    max_size=2,
)  # fmt: skip


@st.composite
def span_rows(draw: st.DrawFn, *, partial: bool = True) -> SpanRow:
    words = None
    if draw(st.booleans()):
        tokens = draw(st.lists(texts | st.sampled_from(["a", "Ω", "好"]), min_size=1, max_size=8))
        text, words = joined(tokens)
    else:
        text = draw(texts)
    found = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        if draw(st.booleans()):  # most spans that people mark stand on words
            pairs = words or words_of(text)
            first = draw(st.integers(0, len(pairs) - 1))
            start = pairs[first][0]
            end = pairs[draw(st.integers(first, min(first + 2, len(pairs) - 1)))][1]
        if text[start:end].strip():
            found.append(Span(start, end, draw(st.sampled_from(LABELS))))
    confirmed = None
    if partial and found and draw(st.integers(0, 4)) == 0:
        confirmed = [(span.start, span.end) for span in found]
    row = SpanRow(example_id(text), text, words, answer_of(found, confirmed), ["ana"])
    return row if draw(st.booleans()) else SpanRow(**{**vars(row), "meta": draw(metas)})


@settings(max_examples=150, **SHARED_FOLDER)
@given(rows=st.lists(span_rows(), min_size=1, max_size=4))
def test_jsonl_gives_everything_back(tmp_path: Path, rows: list[SpanRow]) -> None:
    path = tmp_path / "out.jsonl"
    assert write("jsonl", rows, path) == []
    back = usable(path)
    assert [fields(row, plain=True) for row in back] == [fields(row, plain=True) for row in rows]
    for row, again in zip(rows, back, strict=True):
        assert again.meta == {"id": row.id, "annotators": row.annotators, **row.meta}


@settings(max_examples=150, **SHARED_FOLDER)
@given(rows=st.lists(span_rows(), min_size=1, max_size=3))
def test_spacy_gives_all_but_cut_words_back(tmp_path: Path, rows: list[SpanRow]) -> None:
    path = tmp_path / "out.spacy"
    lines = write("spacy", rows, path)
    back = usable(path)
    assert [row.text for row in back] == [row.text for row in rows]
    assert [row.words for row in back] == [row.words for row in rows]
    if not lines:
        assert [row.label for row in back] == [row.answer for row in rows]
    for row, again in zip(rows, back, strict=True):
        assert again.meta == {"id": row.id, "annotators": row.annotators, **row.meta}


@pytest.mark.parametrize("format", sorted(set(WRITERS) - {"jsonl", "spacy"}))
@settings(max_examples=100, **SHARED_FOLDER)
@given(rows=st.lists(span_rows(), min_size=1, max_size=4))
def test_what_a_format_cannot_hold_is_said(
    tmp_path: Path, format: str, rows: list[SpanRow]
) -> None:
    path = tmp_path / f"{format}.{ENDINGS.get(format, 'jsonl')}"
    lines = write(format, rows, path)
    whole = [row for row in rows if "confirmed" not in row.answer]
    assert len(whole) == len(rows) or any("annotated in part" in line for line in lines)
    if not whole:
        return
    back = usable(path)
    assert len(back) == len(whole)
    assert not [row.repairs for row in back if row.repairs]
    said = "\n".join(lines)
    retold = any(kind in said for kind in ("single blanks", "several"))
    for row, again in zip(whole, back, strict=True):
        assert retold or fields(again)[:2] == fields(row)[:2] or format == "doccano"
        if not retold and not any(
            kind in said for kind in ("whole words", "no word", "overlapped", "label")
        ):
            assert again.label == row.answer
    if format in ("csv", "tsv", "doccano"):
        assert [row.text for row in back] == [row.text for row in whole]
    if format == "doccano":
        assert [row.label for row in back] == [row.answer for row in whole]


@settings(max_examples=60, **SHARED_FOLDER)
@given(
    rows=st.lists(
        st.lists(st.sampled_from(TOKENS), min_size=1), min_size=1, max_size=5
    ),
    format=st.sampled_from(["conll", "conll-iob1", "conll-bioes", "tokens"]),
    data=st.data(),
)  # fmt: skip
def test_tokens_without_blanks_come_back_from_conll(
    tmp_path: Path, rows: list[list[str]], format: str, data: st.DataObject
) -> None:
    made = []
    for tokens in rows:
        text, words = joined(tokens)
        labels = [data.draw(st.sampled_from([None, *LABELS])) for _ in words]
        spans = [Span(*w, label) for w, label in zip(words, labels, strict=True) if label]
        made.append(SpanRow("x", text, words, answer_of(spans), []))
    path = tmp_path / f"a.{ENDINGS.get(format, 'jsonl')}"
    assert write(format, made, path) == []
    assert list(map(fields, usable(path))) == list(map(fields, made))


def test_losses_are_counted_and_name_the_first_example(tmp_path: Path) -> None:
    text = "New York City\nhall"
    answer = answer_of([Span(0, 8, "LOC"), Span(0, 13, "LOC"), Span(14, 16, "X Y")])
    part = answer_of([], [(0, 3)])
    tokens = [(0, 8), (9, 18)]
    rows = [
        SpanRow("aa", text, None, answer, ["me"], {"note": 1}),
        SpanRow("bb", text, tokens, answer_of([Span(0, 8, "LOC")])),
        SpanRow("cc", text, None, part),
    ]
    assert write("conll", rows, tmp_path / "a.conll") == [
        "1 text: with other columns, which conll leaves out (first: aa)",
        "1 span: not on whole words and widened to them; jsonl and doccano keep what was marked "
        "(first: aa)",
        "1 span: overlapped by a longer one and left out; jsonl and spacy keep both (first: aa)",
        "2 texts: more than tokens with single blanks between them, which is all that conll has; "
        "jsonl and csv keep the exact text (first: aa)",
        "1 tag: with blanks in the label, which became _ (first: aa)",
        "2 words: with blanks inside, written as several (first: bb)",
        "1 text: annotated in part, which conll cannot say, and left out; jsonl and spacy can "
        "(first: cc)",
    ]
    assert (tmp_path / "a.conll").read_text().splitlines() == [
        "New B-LOC", "York I-LOC", "City I-LOC", "hall B-X_Y", "",
        "New B-LOC", "York I-LOC", "City O", "hall O", "",
    ]  # fmt: skip


def test_a_token_that_marks_documents_is_told(tmp_path: Path) -> None:
    texts = [joined(["-DOCSTART-", "Ana"]), joined(["Ana", "-DOCSTART-"])]
    rows = [SpanRow(f"n{i}", text, words, answer_of([])) for i, (text, words) in enumerate(texts)]
    line = "1 text: begins with -DOCSTART-, which readers of conll drop (first: n0)"
    assert write("conll", rows, tmp_path / "a.conll") == [line]
    assert [row.text for row in usable(tmp_path / "a.conll")] == ["Ana", "Ana -DOCSTART-"]


def test_formats_by_ending() -> None:
    assert format_of("out/a.jsonl") == "jsonl"
    assert format_of(Path("A.CONLL")) == "conll"
    assert all(format_of(f"a.{ending}") == name for name, ending in ENDINGS.items())
    with pytest.raises(DataError, match=r"got the file ending '\.xml', expected one of \.jsonl"):
        format_of("a.xml")
    with pytest.raises(DataError, match="format: got 'xml', expected one of jsonl, tokens"):
        write("xml", [], Path("a.xml"))


@pytest.mark.parametrize("name", ["wnut17", "ncbi_disease", "weibo_ner", "wikigold"])
def test_real_data_round_trips(tmp_path: Path, data_folder: Path, name: str) -> None:
    info = json.loads((data_folder / name / "info.json").read_text(encoding="utf-8"))
    for split, count in info["n_rows"].items():
        rows = usable(data_folder / name / f"{split}.jsonl.gz")
        assert len(rows) == count
        assert not any(row.repairs for row in rows)
        found = {label for row in rows for _, label in marked(row) or []}
        assert found <= set(info["label_names"])
        made = [
            SpanRow(example_id(row.text), row.text, row.words, row.label)  # type: ignore[arg-type]
            for row in rows
        ]
        for format in ("conll", "conll-bioes", "tsv") if split == "test" else ("conll",):
            path = tmp_path / f"a.{ENDINGS.get(format, format)}"
            assert write(format, made, path) == []
            assert [fields(row) for row in usable(path)] == [fields(row) for row in rows]

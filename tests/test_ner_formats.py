from __future__ import annotations

import contextlib
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alnlp.data import example_id, import_examples
from alnlp.data.ner.losses import SpanRow
from alnlp.data.ner.schemes import read_tags, scheme_of, write_tags
from alnlp.data.ner.writers import WRITERS, format_of, write
from alnlp.data.readers import read_rows
from alnlp.data.rows import Rejected, Row
from alnlp.data.spans import Span, answer_of, longest_apart
from alnlp.data.words import Words, joined, words_of
from alnlp.errors import DataError, MissingExtra
from alnlp.tags import UNKNOWN, encode, known_words
from alnlp.tasks import Task

SHARED_FOLDER: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
ENDINGS = {"conll": "conll", "conll-iob1": "iob", "conll-bioes": "bioes", "csv": "csv",
           "tsv": "tsv", "spacy": "spacy"}  # fmt: skip
LABELS = ["PER", "PER.NOM", "B-x", "creative-work", "=SUM", "人"]


def put(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


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


# Schemes

SEGMENTS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([None, "A", "B-b", "C.c"])), max_size=8
)


def slow_tags(segments: list[tuple[int, str | None]], scheme: str) -> list[str]:
    tags: list[str] = []
    for number, (size, label) in enumerate(segments):
        before = segments[number - 1][1] if number else None
        if label is None:
            tags += ["O"] * size
        elif scheme == "IOB1":
            tags += ["B-" + label if before == label else "I-" + label]
            tags += ["I-" + label] * (size - 1)
        elif scheme == "IOB2":
            tags += ["B-" + label] + ["I-" + label] * (size - 1)
        elif size == 1:
            tags += ["S-" + label]
        else:
            tags += ["B-" + label] + ["I-" + label] * (size - 2) + ["E-" + label]
    return tags


def tokens_of(count: int) -> tuple[str, Words]:
    return joined([f"w{i}" for i in range(count)])


@settings(deadline=None)
@given(SEGMENTS, st.sampled_from(["IOB1", "IOB2", "BIOES"]))
def test_schemes_agree_with_a_slow_reference(
    segments: list[tuple[int, str | None]], scheme: Any
) -> None:
    text, words = tokens_of(sum(size for size, _ in segments))
    spans, at = [], 0
    for size, label in segments:
        if label is not None:
            spans.append(Span(words[at][0], words[at + size - 1][1], label))
        at += size
    tags = slow_tags(segments, scheme)
    assert write_tags(spans, words, scheme) == (tags, [])
    assert scheme_of(tags) == (scheme if spans else None)
    assert read_tags(tags, words, text) == (spans, [])
    aliases = {"E": "L", "S": "U"}
    spelled = [aliases.get(tag[0], tag[0]) + tag[1:] for tag in tags]
    assert read_tags(spelled, words, text) == (spans, [])


@settings(deadline=None)
@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "E-A", "S-A"]), max_size=12))
def test_broken_tags_of_one_label_have_one_reading(tags: list[str]) -> None:
    from seqeval.metrics.sequence_labeling import get_entities

    text, words = tokens_of(len(tags))
    spans, repairs = read_tags(tags, words, text)
    expected = [(words[s][0], words[e][1], label) for label, s, e in get_entities(tags)]
    assert spans == expected
    for scheme in ("IOB1", "IOB2", "BIOES"):
        written, losses = write_tags(spans, words, scheme)
        assert not losses
        assert read_tags(written, words, text) == (spans, [])
        if written == tags:
            assert not repairs or scheme_of(tags) != scheme


@pytest.mark.parametrize(
    ("tags", "scheme", "spans", "repairs"),
    [
        ("O I-A I-A", "IOB2", ["w1 w2 A"], ["word 2 'w1': I-A read as B-A"]),
        ("O I-A I-A", None, ["w1 w2 A"], []),
        ("O B-A I-A", "IOB1", ["w1 w2 A"], ["word 2 'w1': B-A read as I-A"]),
        ("I-A I-B O", None, ["w0 A", "w1 B"], []),
        ("B-A B-A I-A", None, ["w0 A", "w1 w2 A"], []),
        ("S-A B-A I-A", None, ["w0 A", "w1 w2 A"], ["word 3 'w2': I-A read as E-A"]),
        ("B-A O S-B", None, ["w0 A", "w2 B"], ["word 1 'w0': B-A read as S-A"]),
        ("B-A M-A E-A", None, ["w0 w1 w2 A"], []),
        ("o 0 b-A", None, ["w2 A"], ["word 1 'w0': o read as O", "word 2 'w1': 0 read as O",
                                     "word 3 'w2': b-A read as B-A"]),
        ("B-PER-NOM I-PER-NOM O", None, ["w0 w1 PER-NOM"], []),
    ],
)  # fmt: skip
def test_tags_are_read_and_repaired(
    tags: str, scheme: Any, spans: list[str], repairs: list[str]
) -> None:
    text, words = tokens_of(3)
    found, said = read_tags(tags.split(), words, text, scheme)
    assert [f"{text[s.start : s.end]} {s.label}" for s in found] == spans
    assert said == repairs


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["B-A", "I-B", "O"], "got I-B for word 2 'w1' after B-A, expected the same label"),
        (["B-A", "E-B", "O"], "got E-B for word 2 'w1' after B-A"),
        (["S-A", "O", "U-A"], "got the letters S, U in one text"),
        (["X-A", "O", "O"], "got 'X-A' for word 1 'w0', expected O, or B, I, E or S"),
        (["PER", "O", "O"], "got 'PER' for word 1"),
        (["O", "B-", "O"], "got 'B-' for word 2"),
        (["O", "B", "O"], "got 'B' for word 2"),
        (["O", "", "O"], "got none for word 2"),
        (["O", "-", "B-A"], "got none for word 2"),
        (["O", None, "B-A"], "got none for word 2"),
        (["O", 3, "O"], "got the number 3 for word 2 'w1', expected a name such as B-PER"),
        (["O", True, "O"], "got True for word 2"),
        (["O", ["B-A"], "O"], "for word 2 'w1', expected a text"),
        (["O", "B-a\0", "O"], "expected valid characters"),
        (["O", "O"], "got 2 tags for 3 words, expected as many"),
    ],
)
def test_tags_with_several_readings_are_refused(tags: list[Any], message: str) -> None:
    text, words = tokens_of(3)
    with pytest.raises(DataError) as error:
        read_tags(tags, words, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_tags_cannot_say_is_told() -> None:
    text = "New York City hall"
    words = words_of(text)
    spans = [Span(0, 13, "LOC"), Span(4, 8, "X"), Span(14, 16, "CUT"), Span(13, 14, "BLANK")]
    tags, losses = write_tags(spans, words)
    assert tags == ["B-LOC", "I-LOC", "I-LOC", "B-CUT"]
    assert {(loss.what, loss.span.label) for loss in losses} == {
        ("overlap", "X"), ("cut", "CUT"), ("outside", "BLANK"),
    }  # fmt: skip


def slow_apart(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (span.start - span.end, span)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.builds(Span, st.integers(0, 9), st.integers(0, 9), st.sampled_from("AB"))))
def test_the_longest_spans_apart(found: list[Span]) -> None:
    spans = [Span(min(s, e), max(s, e), label) for s, e, label in found]
    assert longest_apart(spans) == slow_apart(spans)
    spans = [Span(s, e + 1, label) for s, e, label in spans]
    assert longest_apart(spans) == slow_apart(spans)


def test_words_of_spans_that_tags_cannot_hold_are_unknown() -> None:
    text = "University of New York City Hospital"
    spans = [Span(0, 22, "ORG"), Span(14, 27, "LOC"), Span(14, 17, "LOC")]
    found, left_out = encode(answer_of(spans), words_of(text), ["ORG", "LOC"])
    assert (found.tolist(), left_out) == ([1, 2, 2, 2, UNKNOWN, 0], 2)
    answer = answer_of(spans, [(0, 27)])
    found, _ = encode(answer, words_of(text), ["ORG", "LOC"])
    assert found.tolist() == [1, 2, 2, 2, UNKNOWN, UNKNOWN]
    assert known_words(answer, words_of(text)).tolist() == [True] * 5 + [False]


# Round trips

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


def fields(row: SpanRow | Row, *, plain: bool = False) -> tuple[Any, ...]:
    answer = row.answer if isinstance(row, SpanRow) else row.label
    return row.text, row.words if plain else row.words or words_of(row.text), answer


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


# CoNLL files

CONLL_2003 = """-DOCSTART- -X- -X- O

EU NNP B-NP I-ORG
rejects VBZ B-VP O
German JJ B-NP I-MISC
call NN I-NP O
. . O O

Peter NNP B-NP I-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- O O

# NN O O
ok NN O O
"""


@pytest.mark.parametrize("name", ["a.conll", "a.conll.gz", "a.iob", "a.txt", "a.tsv"])
@pytest.mark.parametrize("separator", [" ", "\t", "  "])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_conll_2003(tmp_path: Path, name: str, separator: str, newline: str) -> None:
    data = CONLL_2003.replace(" ", separator).replace("\n", newline).encode()
    path = put(tmp_path, name, gzip.compress(data) if name.endswith("gz") else data)
    rows = read(path)
    assert all(isinstance(row, Row) and not row.repairs for row in rows)
    first, second, third = usable(path)
    assert (first.line, first.text) == (3, "EU rejects German call .")
    assert first.words == [(0, 2), (3, 10), (11, 17), (18, 22), (23, 24)]
    assert marked(first) == [("EU", "ORG"), ("German", "MISC")]
    assert first.meta == {
        "column 2": ["NNP", "VBZ", "JJ", "NN", "."],
        "column 3": ["B-NP", "B-VP", "B-NP", "I-NP", "O"],
        "document": 1,
    }
    assert marked(second) == [("Peter Blackburn", "PER")]
    assert (third.text, marked(third), third.meta["document"]) == ("# ok", [], 2)
    assert read_rows(path, spans=True).columns.label == "column 4"


def test_conll_2002_comments_and_bad_sentences(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "a.conll",
        b"# sent_id = 1\n# a comment\nMelbourne B-LOC\n\n"
        b"one O\ntwo\nthree O\n\n"  # line 5
        b"a B-PER\nb I-LOC\n\n"  # line 9
        b"x I-PER\n\n"  # line 12
        b"\xff O\n\n"  # line 14
        b"a extra O\n \t \n"  # line 16
        b"NER B-\n\n"  # line 18
        b"u -\nv -\n\n"  # line 20
        b"# O\nend O",  # line 23
    )
    rows = usable(path)
    assert [(row.line, row.text, marked(row)) for row in rows] == [
        (3, "Melbourne", [("Melbourne", "LOC")]),
        (12, "x", [("x", "PER")]),
        (20, "u v", None),
        (23, "# end", []),
    ]
    assert rows[1].repairs == ("word 1 'x': I-PER read as B-PER",)
    assert bad(path) == [
        (5, "columns: got 1 on line 6, expected 2"),
        (9, "tags: got I-LOC for word 2 'b' after B-PER, expected the same label inside of an "
            "entity"),
        (14, "not valid UTF-8: line 14"),
        (16, "columns: got 3 on line 16, expected 2"),
        (18, "tags: got 'B-' for word 1 'NER', expected O, or B, I, E or S with a hyphen and a "
             "label, such as B-PER"),
    ]  # fmt: skip


def test_conll_columns_can_be_named(tmp_path: Path) -> None:
    path = put(tmp_path, "a.conll", "1\tAachen\tB-LOC\tO\n2\tist\tO\tO\n\n1\tda\tO\tO\n")
    rows = usable(path, text_column="column 2", label_column="column 3")
    assert [row.text for row in rows] == ["Aachen ist", "da"]
    assert [marked(row) for row in rows] == [[("Aachen", "LOC")], []]
    with pytest.raises(DataError, match="text column: got 'word', expected one of: 'column 1'"):
        read(path, text_column="word")


def test_conll_with_tokens_only_is_not_annotated(tmp_path: Path) -> None:
    rows = usable(put(tmp_path, "a.conll", "科\n技\n\nHello\nthere\n"))
    assert [(row.text, row.label) for row in rows] == [("科技", None), ("Hello there", None)]


# Tables and data sets


def test_jsonl_of_tokens(tmp_path: Path) -> None:
    lines = [
        {"tokens": ["EU", "rejects"], "ner_tags": ["B-ORG", "O"], "n": 1},
        {"tokens": ["x"], "ner_tags": None},
        {"tokens": ["x", ""], "ner_tags": ["O", "O"]},
        {"tokens": ["x", "\0"], "ner_tags": ["O", "O"]},
        {"tokens": ["\ud800"], "ner_tags": ["O"]},
        {"tokens": ["x", 5, "y", "z", "u", 6], "ner_tags": ["O"] * 6},
        {"tokens": ["x"], "ner_tags": ["O", "O"]},
        {"tokens": [], "ner_tags": []},
        {"tokens": None, "ner_tags": []},
        {"tokens": ["x"], "ner_tags": [7]},
        {"tokens": ["x"], "ner_tags": "O"},
        {"tokens": [" "], "ner_tags": ["O"]},
        {"tokens": ["a", " ", "b"], "ner_tags": ["B-X", "I-X", "I-X"]},
        {"tokens": ["x"], "ner_tags": ["O"], "more": "\ud800"},
        {"tokens": "x", "ner_tags": ["O"]},
    ]
    path = put(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)))
    rows = usable(path)
    assert [(row.line, row.text, row.words, marked(row), row.meta) for row in rows] == [
        (1, "EU rejects", [(0, 2), (3, 10)], [("EU", "ORG")], {"n": 1}),
        (2, "x", [(0, 1)], None, {}),
        (13, "a   b", [(0, 1), (4, 5)], [("a   b", "X")], {}),
    ]
    assert [row.repairs for row in rows] == [(), (), ("tokens: 1 of only blanks left out",)]
    assert [line for line, _ in bad(path)] == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15]
    reasons = [
        "tokens: number 2 is empty", "tokens: number 2 holds NUL", "tokens: number 1 holds NUL",
        "tokens: number 2 is 5, expected a text", "tags: got 2 tags for 1 words",
        "tokens: got none", "no text", "tags: got the number 7", "tags: got 'O', expected a list",
        "empty text", "a column holds half", "tags: got 1 tags for 0 words",
    ]  # fmt: skip
    for (_, reason), expected in zip(bad(path), reasons, strict=True):
        assert reason.startswith(expected)


SPAN_LINES: list[tuple[dict[str, Any], Any]] = [
    ({"spans": [{"start": 0, "end": 2, "label": "A"}]}, [("ab", "A")]),
    ({"spans": []}, []),
    ({"spans": None}, None),
    ({}, None),
    ({"spans": [[0, 2, "A"], [1, 2, "B"]]}, [("ab", "A"), ("b", "B")]),
    ({"spans": [{"start": 0.0, "end": 2, "labels": ["A"], "text": "ab"}]}, [("ab", "A")]),
    ({"spans": {"start": [0], "end": [2], "label": ["A"]}}, [("ab", "A")]),
    ({"spans": [{"start": 3, "end": 5, "label": "A", "token_start": 1}]}, [("👩c", "A")]),
    ({"spans": [[0, 2, "A"]], "answer": "reject"}, None),
    ({"spans": [[0, 6, "A"]]}, "span: got start 0 and end 6, expected 0 <= start < end <= 5"),
    ({"spans": [[-1, 2, "A"]]}, "span: got start -1"),
    ({"spans": [[2, 2, "A"]]}, "span: got start 2 and end 2"),
    ({"spans": [[0.5, 2, "A"]]}, "span: got offset 0.5, expected a whole number"),
    ({"spans": [["0", 2, "A"]]}, "span: got offset '0'"),
    ({"spans": [[2, 3, "A"]]}, "span 2-3: got only blanks"),
    ({"spans": [[0, 2]]}, "span: got [0, 2], expected start, end and label"),
    ({"spans": [[0, 2, ""]]}, "span: got label ''"),
    ({"spans": [[0, 2, "\ud800"]]}, "span: got label"),
    ({"spans": [{"from": 0, "to": 2}]}, "span: got {'from': 0"),
    ({"spans": 5}, "spans: got 5, expected a list"),
    ({"spans": "x"}, "spans: got 'x', expected a list of spans as JSON"),
    ({"spans": [[0, 2, "A"]], "confirmed": [[3, 5]]}, "span 0-2: lies outside"),
    ({"spans": [[0, 2, "A"]], "words": [[0, 2], [1, 3]]}, "words: number 2 is [1, 3]"),
    ({"spans": [[0, 2, "A"]], "words": [[0, 9]]}, "words: number 1 is [0, 9]"),
    ({"spans": [[0, 2, "A"]], "words": [[0, "2"]]}, "words: number 1"),
    ({"spans": [], "x": "[" * 3}, []),
]


@pytest.mark.parametrize(("cells", "expected"), SPAN_LINES)
def test_jsonl_of_spans(tmp_path: Path, cells: dict[str, Any], expected: Any) -> None:
    good = {"text": "ab 👩c", "spans": []}
    lines = [good, {"text": "ab 👩c", **cells}]
    path = put(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)))
    row = read(path)[1]
    if isinstance(expected, str):
        assert isinstance(row, Rejected)
        assert row.line == 2
        assert row.reason.startswith(expected)
    else:
        assert isinstance(row, Row)
        assert marked(row) == expected


def objects(folder: Path, *lines: dict[str, Any]) -> Path:
    return put(folder, "objects.jsonl", "\n".join(map(json.dumps, lines)))


@pytest.mark.parametrize(
    ("tokens", "tags", "spans", "words"),
    [
        (["a", " ", "c"], ["B-X", "I-X", "O"], [(0, 1)], [(0, 1), (4, 5)]),
        ([" ", " ", "c d"], ["B-X", "I-X", "I-X"], [(4, 7)], [(4, 7)]),
        (["a", "\t", "c"], ["B-X", "B-X", "O"], "span 2-3: got only blanks", []),
        ([" a", " ", "c "], ["B-X", "I-X", "B-X"], [(0, 2), (5, 7)], [(0, 2), (5, 7)]),
    ],
)
def test_blank_tokens_are_told_and_end_no_span(
    tmp_path: Path, tokens: list[str], tags: list[str], spans: Any, words: Words
) -> None:
    [row] = read(objects(tmp_path, {"tokens": tokens, "ner_tags": tags}))
    if isinstance(spans, str):
        assert isinstance(row, Rejected)
        assert row.reason.startswith(spans)
    else:
        assert isinstance(row, Row)
        assert row.label == answer_of(Span(*span, "X") for span in spans)
        assert row.words == words
        assert row.repairs == (f"tokens: {3 - len(words)} of only blanks left out",)


CONFIRMED: list[tuple[Any, Any]] = [
    ([[0, 9]], [[0, 9]]),
    ("[[0, 9]]", [[0, 9]]),
    (" [[4, 9], [0, 3]]", [[0, 3], [4, 9]]),
    (None, None),
    (" ", None),
    (float("nan"), None),
    ("yes", "confirmed: got 'yes', expected JSON"),
    ("[[0, 9", "confirmed: got '[[0, 9', expected JSON"),
    ("[" * 9999, "confirmed: got '[[["),
    ("9", "confirmed: got 9, expected pairs [start, end]"),
    (True, "confirmed: got True, expected pairs"),
    (0, "confirmed: got 0, expected pairs"),
    ({"start": 0, "end": 9}, "confirmed: got {'start': 0"),
    ([[0]], "confirmed: got [[0]], expected pairs"),
    (["all"], "confirmed: got ['all'], expected pairs"),
    ([[0, 99]], "confirmed: got start 0 and end 99"),
    ("[[4, 9]]", "span 0-3: lies outside of what is confirmed"),
]


@pytest.mark.parametrize(("confirmed", "expected"), CONFIRMED)
@pytest.mark.parametrize("name", ["confirmed", "Confirmed"])
@pytest.mark.parametrize(
    "cells",
    [
        {"text": "Ana lives", "spans": [[0, 3, "P"]]},
        {"text": "Ana lives", "spans": '[[0, 3, "P"]]'},
        {"text": "Ana lives", "spans": {"spans": [[0, 3, "P"]]}},
        {"text": "Ana lives", "spans": {"start": [0], "end": [3], "label": ["P"]}},
        {"tokens": ["Ana", "lives"], "ner_tags": ["B-P", "O"]},
    ],
)
def test_what_is_confirmed_is_read_or_the_row_refused(
    tmp_path: Path, cells: dict[str, Any], name: str, confirmed: Any, expected: Any
) -> None:
    [row] = read(objects(tmp_path, {**cells, name: confirmed}))
    if isinstance(expected, str):
        assert isinstance(row, Rejected)
        assert row.reason.startswith(expected)
        assert "\n" not in row.reason
    else:
        assert isinstance(row, Row)
        assert (row.label, row.meta) == (answer_of([Span(0, 3, "P")], expected), {})


def test_what_is_confirmed_in_csv_and_twice(tmp_path: Path) -> None:
    data = 'text,spans,confirmed\nAna a,"[[0,3,""P""]]","[[0,4]]"\nAna b,[],\nAna c,,x\n'
    first, second, third = usable(put(tmp_path, "a.csv", data))
    assert first.label == answer_of([Span(0, 3, "P")], [(0, 4)])
    assert second.label == answer_of([])
    assert (third.label, third.meta) == (None, {"confirmed": "x"})
    twice = {"text": "Ana", "spans": {"spans": [], "confirmed": [[0, 3]]}, "confirmed": [[0, 1]]}
    reason = "confirmed: got it in a column and beside the spans, expected it once"
    assert bad(objects(tmp_path, twice)) == [(1, reason)]


def test_spans_need_the_text_that_they_count_in(tmp_path: Path) -> None:
    words = {"tokens": ["Ana", "lives"]}
    reason = "spans: got tokens beside them, expected the text that they count in"
    for name, spans in [
        ("spans", [[0, 3, "P"]]), ("spans", []), ("label", [[0, 3, "P"]]),
        ("entities", [{"start": 0, "end": 1, "type": "P"}]), ("spans", '[[0, 3, "P"]]'),
    ]:  # fmt: skip
        assert bad(objects(tmp_path, {**words, name: spans})) == [(1, reason)]
        assert bad(objects(tmp_path, {**words, name: spans, "ner_tags": None})) == [(1, reason)]
        late = bad(objects(tmp_path, *[words] * 150, {**words, name: spans}))
        assert [line for line, _ in late] == [151]
        path = objects(tmp_path, {**words, name: spans})
        assert bad(path, text_column="tokens", label_column=name) == [(1, reason)]
        with_text = {**words, name: spans, "text": "Ana  lives", "ner_tags": None}
        [row] = usable(objects(tmp_path, with_text))
        assert row.label is not None
    mixed = [{"text": "Ana", "spans": []}, {"text": ["Ana"], "spans": [[0, 3, "P"]]}]
    assert bad(objects(tmp_path, *mixed)) == [(2, reason)]
    [row] = usable(objects(tmp_path, {**words, "spans": None}))
    assert row.label is None
    [row] = usable(objects(tmp_path, {**words, "spans": [[0, 1, "P"]], "tags": ["B-Q", "O"]}))
    assert marked(row) == [("Ana", "Q")]  # spans of token numbers, as some data sets have them


def test_empty_lists_do_not_tell_tags_from_spans(tmp_path: Path) -> None:
    one = {"text": "Ana lives", "tokens": ["Ana", "lives"], "label": [[0, 3, "P"]]}
    none = {"text": "No one", "tokens": ["No", "one"], "label": []}
    for lines in ([one, none], [none, one], [none] * 150 + [one]):
        rows = usable(objects(tmp_path, *lines))
        assert {str(marked(row)) for row in rows} == {"[('Ana', 'P')]", "[]"}
        assert rows[-1].words is not None
    [row] = usable(objects(tmp_path, none))
    assert marked(row) == []
    offsets = {"text": "Ana", "words": [[0, 3]], "spans": [[0, 3, "P"]]}
    rows = usable(objects(tmp_path, offsets, {"text": "x", "words": [], "spans": []}))
    assert [(marked(row), row.words) for row in rows] == [([("Ana", "P")], [(0, 3)]), ([], None)]
    tagged = [{"tokens": ["x"], "tags": ["B-P"]}, {"tokens": ["y"], "tags": []}]
    assert bad(objects(tmp_path, *tagged)) == [
        (2, "tags: got 0 tags for 1 words, expected as many")
    ]
    topics = [{"text": "x", "label": ["news"]}, {"text": "y", "label": []}]
    assert [row.label for row in usable(objects(tmp_path, *topics))] == [None, None]


def test_deep_json_is_refused(tmp_path: Path) -> None:
    deep = "[" * 500 + "]" * 500
    lines = ['{"text": "a", "spans": []}', f'{{"text": "b", "spans": {deep}}}']
    path = put(tmp_path, "a.jsonl", "\n".join(lines))
    assert bad(path) == [(2, "a column is nested more than 100 levels deep")]


def test_doccano_old_and_new(tmp_path: Path) -> None:
    old = '{"id": 1, "text": "Hi Ana", "label": [[3, 6, "PER"]], "meta": {"a": 1}}\n'
    assert marked(usable(put(tmp_path, "a.jsonl", old))[0]) == [("Ana", "PER")]
    assert usable(put(tmp_path, "a.jsonl", old))[0].meta == {"id": 1, "a": 1}
    older = old.replace('"label"', '"labels"')
    assert marked(usable(put(tmp_path, "a.jsonl", older))[0]) == [("Ana", "PER")]
    entity = {"id": 7, "label": "PER", "start_offset": 3, "end_offset": 6}
    new = {"id": 1, "text": "Hi Ana", "entities": [entity], "relations": [{"id": 1}]}
    [row] = usable(put(tmp_path, "a.jsonl", json.dumps(new)))
    assert marked(row) == [("Ana", "PER")]
    assert row.repairs == ("relations: 1 kept beside the text; a task has spans only",)
    assert row.meta["relations"] == [{"id": 1}]


def test_labels_of_whole_texts_are_no_spans(tmp_path: Path) -> None:
    [row] = usable(put(tmp_path, "a.jsonl", '{"text": "Hi Ana", "label": "news"}'))
    assert (row.label, row.meta) == (None, {"label": "news"})


def test_late_columns_are_found(tmp_path: Path) -> None:
    lines = ['{"text": "nothing yet"}'] * 150
    lines += ['{"text": "Hi Ana", "entities": [[3, 6, "PER"]], "words": [[0, 2], [3, 6]]}']
    rows = usable(put(tmp_path, "a.jsonl", "\n".join(lines)))
    assert [row.label for row in rows[:-1]] == [None] * 150
    assert marked(rows[-1]) == [("Ana", "PER")]
    assert rows[-1].words == [(0, 2), (3, 6)]
    lines = ['{"tokens": ["a", "b"]}'] * 150 + ['{"tokens": ["a", "b"], "tags": ["B-X", "O"]}']
    rows = usable(put(tmp_path, "b.jsonl", "\n".join(lines)))
    assert [marked(row) for row in rows] == [None] * 150 + [[("a", "X")]]


def test_the_scheme_of_a_file_is_that_of_most_rows(tmp_path: Path) -> None:
    one = '{"tokens": ["a", "b"], "tags": ["%s", "%s"]}'
    first = [one % ("O", "I-X")] * 3 + [one % ("I-X", "I-Y"), one % ("B-X", "O")]
    rows = usable(put(tmp_path, "a.jsonl", "\n".join(first)))
    assert [len(row.repairs) for row in rows] == [0, 0, 0, 0, 1]
    second = [one % ("O", "B-X")] * 3 + [one % ("I-X", "I-Y"), one % ("I-X", "O")]
    path = put(tmp_path, "b.jsonl", "\n".join(second))
    assert [row.repairs for row in usable(path)][-1] == ("word 1 'a': I-X read as B-X",)
    assert [line for line, _ in bad(path)] == [4]


def test_tokens_beside_their_text_keep_the_exact_text(tmp_path: Path) -> None:
    lines = [
        {"text": "U.S.  Army", "tokens": ["U.S.", "Army"], "ner_tags": ["B-ORG", "I-ORG"]},
        {"text": "other", "tokens": ["a", "b"], "ner_tags": ["O", "O"]},
    ]
    first, second = usable(put(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines))))
    assert (first.text, first.words, first.meta) == ("U.S.  Army", [(0, 4), (6, 10)], {})
    assert (second.text, second.meta) == ("a b", {"text": "other"})
    assert first.repairs == ()
    told = "text: 'other' is not that of the tokens, which are joined instead"
    assert second.repairs == (told,)
    strange = {"text": "Ana", "tokens": ["Ana", "Z"], "spans": []}
    [row] = usable(objects(tmp_path, strange))
    assert (row.text, row.words, row.meta) == ("Ana", None, {"tokens": ["Ana", "Z"]})
    assert row.repairs == ("tokens: not those of the text, which is read without them",)
    prodigy = {
        "text": "Hi Ana",
        "tokens": [{"text": "Hi", "start": 0, "end": 2, "id": 0},
                   {"text": "Ana", "start": 3, "end": 6, "id": 1}],
        "spans": [{"start": 3, "end": 6, "label": "PER"}],
    }  # fmt: skip
    [row] = usable(put(tmp_path, "b.jsonl", json.dumps(prodigy)))
    assert (row.words, marked(row)) == ([(0, 2), (3, 6)], [("Ana", "PER")])


KAGGLE = '''Sentence #,Word,POS,Tag
Sentence: 1,Thousands,NNS,O
,of,IN,O
,London,NNP,B-geo
Sentence: 2,"Said ""it""",VB,O
,Iran,NNP,B-gpe
'''
FULL = '''doc,sent,token,ner_tag
a,1,Thousands,O
a,1,of,O
a,1,London,B-geo
b,1,"Said ""it""",O
b,1,Iran,B-gpe
'''
BLANK = 'token,tag\nThousands,O\nof,O\nLondon,B-geo\n,\n"Said ""it""",O\nIran,B-gpe\n'


@pytest.mark.parametrize("data", [KAGGLE, FULL, BLANK])
def test_csv_with_one_token_a_row(tmp_path: Path, data: str) -> None:
    rows = usable(put(tmp_path, "a.csv", data))
    assert [row.text for row in rows] == ["Thousands of London", 'Said "it" Iran']
    assert [marked(row) for row in rows] == [[("London", "geo")], [("Iran", "gpe")]]
    assert rows[0].line == 2
    assert rows[1].line in (5, 6)
    assert rows[0].words == [(0, 9), (10, 12), (13, 19)]


def test_where_a_column_tells_sentences_no_other_row_does(tmp_path: Path) -> None:
    data = "sentence_id,token,tag\n1,Ana,B-P\n2,x,O\n,,\n2,y,O\n3,u,O\n3,,\n3,v,O\n4,w,O\n,,\n"
    path = put(tmp_path, "a.csv", data)
    assert [row.text for row in usable(path)] == ["Ana", "x y", "w"]
    assert bad(path) == [(6, "tokens: number 2 is empty, expected a text")]
    data = "doc,token,tag\na,x,O\na,,\na,y,O\nb,z,O\n,,\nb,u,O\n"  # documents are no sentences
    assert [row.text for row in usable(put(tmp_path, "c.csv", data))] == ["x", "y", "z", "u"]
    data = KAGGLE.replace(",of,IN,O", ",,,\n,of,IN,O").replace("Sentence: 2", ",,,\nSentence: 2")
    rows = usable(put(tmp_path, "b.csv", data))
    assert [row.text for row in rows] == ["Thousands of London", 'Said "it" Iran']


def test_a_bad_row_costs_its_sentence(tmp_path: Path) -> None:
    data = "sentence_id,token,tag\n1,a,O\n1,b,O,x\n1,c,O\n2,d,O\n2,\xff,O\n3,e,O\n3,,O\n4,f,O\n"
    path = put(tmp_path, "a.csv", data.encode("latin-1"))
    assert [row.text for row in usable(path)] == ["f"]
    assert bad(path) == [
        (2, "sentence: line 3: number of cells: 4, expected 3"),
        (5, "sentence: line 6: not valid UTF-8"),
        (7, "sentence: line 6: not valid UTF-8"),  # line 6 may have been the first of it
    ]


def test_csv_of_texts(tmp_path: Path) -> None:
    data = 'text,spans,n\nHi Ana,"[[3, 6, ""PER""]]",1\nno one,[],2\nnot seen,,3\nbad,[1],4\n'
    path = put(tmp_path, "a.csv", data)
    assert [marked(row) for row in usable(path)] == [[("Ana", "PER")], [], None]
    assert bad(path) == [(5, "span: got 1, expected start, end and label")]
    rows = usable(put(tmp_path, "b.csv", "id,text\n1,Hi Ana\n"))
    assert [(row.text, row.label, row.words) for row in rows] == [("Hi Ana", None, None)]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", "id,n\n1,2\n", "no column holds texts or tokens; the columns are: 'id', 'n'"),
        ("a.csv", "token,tag\na,O\nb,O\n", "no column says which of them make a sentence"),
        ("a.csv", "tokens,tags\n\"['a']\",\"['O']\"\n", "holds lists written as text"),
        ("a.conll", "", "the file is empty"),
        ("a.conll", "\n\n# only a comment\n", "the file is empty"),
        ("a.txt", "Just a text.\n", "got the file ending '.txt', expected one of .csv"),
        ("a.spacy", b"no DocBin", "not a DocBin file of spaCy"),
        ("a.conll.gz", b"\x1f\x8b broken", "damaged"),
    ],
)
def test_unusable_files_end_in_one_line(
    tmp_path: Path, name: str, data: str | bytes, message: str
) -> None:
    with pytest.raises(DataError) as error:
        read(put(tmp_path, name, data))
    assert message in str(error.value)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.conll", "a.spacy", "a.jsonl"])
def test_classification_refuses_named_entities(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, name, '{"id": "x1", "tokens": ["a"], "ner_tags": ["O"]}\n')
    with pytest.raises(DataError, match="named entities come with task ner"):
        read_rows(path)
    with pytest.raises(DataError, match="no such file"):
        read_rows(str(tmp_path / f"missing-{name}"))


@settings(max_examples=150, **SHARED_FOLDER)
@given(
    data=st.binary(max_size=200) | st.text(st.sampled_from("aO BI-PER#\t\n\"',[]{}:é\ud800"))
    .map(lambda text: text.encode("utf-8", "surrogatepass")),
    name=st.sampled_from(["a.conll", "a.csv", "a.tsv", "a.jsonl", "a.txt", "a.spacy"]),
)  # fmt: skip
def test_random_bytes_are_never_more_than_a_data_error(
    tmp_path: Path, data: bytes, name: str
) -> None:
    with contextlib.suppress(DataError):
        read(put(tmp_path, name, data))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.sampled_from(["a", "B-X"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["start", "end", "label", "spans", "x"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
KEYS = ["text", "tokens", "tags", "spans", "label", "words", "confirmed", "meta", "relations",
        "answer", "token", "tag", "start", "end", "sentence_id"]  # fmt: skip


@settings(max_examples=200, **SHARED_FOLDER)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), JSON), min_size=1, max_size=4))
def test_random_objects_are_never_more_than_a_data_error(
    tmp_path: Path, lines: list[dict[str, Any]]
) -> None:
    path = put(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)))
    rows = []
    with contextlib.suppress(DataError):
        rows = usable(path)
    for row in rows:
        assert row.text.strip()
        assert all(row.text[start:end].strip() for start, end in row.words or [])
        json.dumps(row.meta, allow_nan=False)


def test_data_sets_give_tags_and_spans(tmp_path: Path) -> None:
    import datasets

    tags = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    text, number = datasets.Value("string"), datasets.Value("int64")
    features = datasets.Features(
        {"id": text, "tokens": datasets.List(text), "ner_tags": datasets.List(tags)}
    )
    cells = {"id": ["a", "b"], "tokens": [["Ana", "Bo", "left"], ["no"]],
             "ner_tags": [[1, 2, 0], [-1]]}  # fmt: skip
    one = datasets.Dataset.from_dict(cells, features)
    one.save_to_disk(str(tmp_path / "saved"))
    one.to_parquet(str(tmp_path / "one.parquet"))
    files = (tmp_path / "saved", tmp_path / "one.parquet")
    for source in (one, datasets.DatasetDict(train=one), *files):
        rows = usable(source)
        assert [marked(row) for row in rows] == [[("Ana Bo", "PER")], None]
        assert read_rows(source, spans=True).total == 2
    plain = datasets.Dataset.from_dict({**cells, "ner_tags": [[1, 2, 0], [0]]})
    assert bad(plain)[0][1].startswith("tags: got the number 1 for word 1 'Ana', expected a name")
    kinds = datasets.ClassLabel(names=["PER", "LOC"])
    for entities, value in (
        ([{"start": number, "end": number, "label": kinds}], [{"start": 3, "end": 6, "label": 1}]),
        ({"start": datasets.List(number), "end": datasets.List(number),
          "label": datasets.List(kinds)}, {"start": [3], "end": [6], "label": [1]}),
    ):  # fmt: skip
        made = datasets.Dataset.from_dict(
            {"text": ["Hi Ana"], "entities": [value]},
            datasets.Features({"text": text, "entities": entities}),
        )
        assert [marked(row) for row in usable(made)] == [[("Ana", "LOC")]]


# spaCy


def test_docs_of_spacy(tmp_path: Path) -> None:
    from spacy.tokens import Doc, DocBin
    from spacy.tokens import Span as SpacySpan
    from spacy.vocab import Vocab

    vocab = Vocab()

    def doc() -> Doc:
        words = ["Ana", "Bo", " ", "left", "Rome"]
        return Doc(vocab, words=words, spaces=[True, True, False, True, False])

    bare, none, some, groups, part = (doc() for _ in range(5))
    none.set_ents([])
    some.set_ents([SpacySpan(some, 0, 2, "PER")])
    groups.spans["sc"] = [SpacySpan(groups, 0, 1, "PER"), SpacySpan(groups, 0, 2, "PER")]
    part.set_ents([SpacySpan(part, 4, 5, "LOC")], default="missing")
    DocBin(docs=[bare, none, some, groups, part]).to_disk(tmp_path / "a.spacy")
    rows = usable(tmp_path / "a.spacy")
    assert {row.text for row in rows} == {"Ana Bo  left Rome"}
    assert rows[0].words == [(0, 3), (4, 6), (8, 12), (13, 17)]
    assert [marked(row) for row in rows] == [
        None, [], [("Ana Bo", "PER")], [("Ana", "PER"), ("Ana Bo", "PER")], [("Rome", "LOC")],
    ]  # fmt: skip
    assert rows[4].label["confirmed"] == [[13, 17]]  # type: ignore[index]
    assert read_rows(tmp_path / "a.spacy", spans=True).total == 5


def test_entities_that_we_write_are_those_of_spacy(tmp_path: Path) -> None:
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    answer = answer_of([Span(0, 8, "LOC"), Span(0, 13, "LOC")])
    write("spacy", [SpanRow("x", "New York City", None, answer)], tmp_path / "a.spacy")
    [doc] = DocBin().from_disk(tmp_path / "a.spacy").get_docs(Vocab())
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("New York City", "LOC")]
    assert sorted(span.text for span in doc.spans["alnlp"]) == ["New York", "New York City"]


def test_without_spacy_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(MissingExtra, match=r"pip install 'alnlp\[spacy\]'"):
        read(put(tmp_path, "a.spacy", b"x"))
    with pytest.raises(MissingExtra, match="spacy"):
        write("spacy", [], tmp_path / "b.spacy")


def test_spacy_is_imported_only_where_it_is_needed(tmp_path: Path) -> None:
    path = put(tmp_path, "a.conll", "a B-X\n")
    code = (
        "import sys; from alnlp.data.ner import writers; from alnlp.data.readers import read_rows;"
        "assert len(list(read_rows(sys.argv[1], spans=True))) == 1;"
        "assert not {'spacy', 'datasets', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


# Whole imports and real data


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


def test_import_of_named_entities(tmp_path: Path) -> None:
    path = put(tmp_path, "a.conll", CONLL_2003.replace("\nok NN O O", "") + "\nA I-X\n")
    report = import_examples(path, tmp_path / "pool", task=Task("ner"))
    assert (report.added, report.labelled, report.rejected) == (3, 3, 1)
    assert report.labels == ("MISC", "ORG", "PER")
    again = import_examples(path, tmp_path / "b", task=Task("ner", ("ORG", "MISC")))
    assert [bad.line for bad in again.rejections] == [9, 16]

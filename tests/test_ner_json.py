"""JSON lines of named entities: tokens, spans, what is confirmed, doccano, Prodigy."""

import json
from pathlib import Path
from typing import Any

import pytest
from files import put
from ner_files import bad, marked, objects, read, usable

from alnlp.data.rows import Rejected, Row
from alnlp.data.spans import Span, answer_of
from alnlp.data.words import Words


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

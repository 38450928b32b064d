"""Files of named entities of any format: unusable and random ones, data sets, spaCy."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from files import put, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from ner_files import SHARED_FOLDER, bad, marked, read, usable

from alnlp.data.ner.losses import SpanRow
from alnlp.data.ner.writers import write
from alnlp.data.readers import read_rows
from alnlp.data.spans import Span, answer_of
from alnlp.errors import DataError, MissingExtra

# Any format


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", "id,n\n1,2\n", "no column holds texts or tokens; the columns are: 'id', 'n'"),
        ("a.csv", "token,tag\na,O\nb,O\n", "no column says which of them make a sentence"),
        ("a.csv", "tokens,tags\n\"['a']\",\"['O']\"\n", "holds lists written as text"),
        ("a.conll", "", "the file is empty"),
        ("a.conll", "\n\n# only a comment\n", "the file is empty"),
        ("a.md", "Just a text.\n", "got the file ending '.md', expected one of .csv"),
        ("a.spacy", b"no DocBin", "not a DocBin file of spaCy"),
        ("a.conll.gz", b"\x1f\x8b broken", "damaged"),
    ],
)
def test_unusable_files_end_in_one_line(
    tmp_path: Path, name: str, data: str | bytes, message: str
) -> None:
    refused(read, put(tmp_path, name, data), message)


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


# Data sets and spaCy


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

"""CoNLL and csv files of named entities, with a token or a text on each line."""

import gzip
from pathlib import Path

import pytest
from files import put
from ner_files import bad, marked, read, usable

from alnlp.data import import_examples
from alnlp.data.readers import read_rows
from alnlp.data.rows import Row
from alnlp.errors import DataError
from alnlp.tasks import Task

# CoNLL

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


def test_import_of_named_entities(tmp_path: Path) -> None:
    path = put(tmp_path, "a.conll", CONLL_2003.replace("\nok NN O O", "") + "\nA I-X\n")
    report = import_examples(path, tmp_path / "pool", task=Task("ner"))
    assert (report.added, report.labelled, report.rejected) == (3, 3, 1)
    assert report.labels == ("MISC", "ORG", "PER")
    again = import_examples(path, tmp_path / "b", task=Task("ner", ("ORG", "MISC")))
    assert [bad.line for bad in again.rejections] == [9, 16]


# csv


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

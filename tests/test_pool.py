"""The pool: its rows stay, whatever comes later, and it says what is damaged."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from files import TASK, put

from alnlp.data import Pool, example_id, import_examples
from alnlp.errors import DataError


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

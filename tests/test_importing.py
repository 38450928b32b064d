"""Imports: folding, labels, rejections, failures that add nothing, real data."""

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from files import MULTI, TASK, put, real, usable

from alnlp.data import ImportReport, Pool, example_id, import_examples
from alnlp.data.rows import Rejected
from alnlp.errors import Cancelled, DataError
from alnlp.tasks import Task

# Reports and labels


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


# Failures


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


def test_damage_half_way_says_how_far_it_got_and_adds_nothing(tmp_path: Path) -> None:
    lines = "".join(f"hello {os.urandom(20).hex()},a\n" for _ in range(30_000))
    packed = gzip.compress(f"text,label\n{lines}".encode())
    path = put(tmp_path, "a.csv.gz", packed[: len(packed) // 2])
    with pytest.raises(DataError, match=r"a\.csv\.gz: .*after line 1\d{4}: .*nothing was imported"):
        import_examples(path, tmp_path / "pool", task=TASK)
    assert len(Pool.open(tmp_path / "pool")) == 0
    assert list((tmp_path / "pool").glob("[!.]*")) == []


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


# Real and large data


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

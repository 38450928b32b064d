"""Streams of lines: what comes in, what goes out and when, by the model of a project."""

import io
import json
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from drifting import Scripted, drifting

from alnlp import stream
from alnlp.errors import Cancelled, DataError, MissingExtra, ProjectError, StrategyError
from alnlp.progress import Step
from alnlp.project import Project
from alnlp.stream import POLICIES, Chooser, Streamed, run


class Fake:
    """A project whose model is as unsure as a text's last word says."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.newest_round = SimpleNamespace(number=1)

    def predict(self, texts: list[str]) -> list[Any]:
        assert texts
        self.asked.append(texts)
        return [SimpleNamespace(confidence=1 - float(text.split()[-1])) for text in texts]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    if not river_is_there():
        monkeypatch.setattr(stream, "adwin", lambda: Scripted())


def river_is_there() -> bool:
    try:
        import_module("river")
    except ImportError:
        return False
    return True


def streamed(lines: Any, **options: Any) -> tuple[Streamed, bytes, Fake]:
    out, project = io.BytesIO(), Fake()
    return run(project, lines, out, **options), out.getvalue(), project  # type: ignore[arg-type]


def test_lines_come_out_as_they_came_but_for_their_ends() -> None:
    lines = [b"\xef\xbb\xbffirst 1\r\n", b"\r\n", "zweite höchstens 1\n".encode(), b"  third  1"]
    done, out, project = streamed(lines, budget=1.0, policy="random")
    assert out == b"\xef\xbb\xbffirst 1\n" + "zweite höchstens 1\n".encode() + b"  third  1\n"
    assert project.asked == [["first 1", "zweite höchstens 1", "  third  1"]]
    assert (done.read, done.chosen, done.unusable, done.closed) == (3, 3, 0, False)


def test_str_comes_out_as_str() -> None:
    out = io.StringIO()
    lines = ["one 1\n", "two 1\r\n", "three 1"]
    run(Fake(), lines, out, budget=1.0, policy="random")  # type: ignore[arg-type]
    assert out.getvalue() == "one 1\ntwo 1\nthree 1\n"


def test_json_lines_and_bad_ones() -> None:
    lines = [
        b'{"text": "first 1", "id": 7}\n',
        b"not json\n",
        b"[1]\n",
        b'{"texts": "x"}\n',
        b'{"text": 5}\n',
        b'{"text": " "}\n',
        b'{"text": "\xff 1"}\n',
        b'{"text": "\\ud800"}\n',
        b"[" * 100_000 + b"\n",
        b"\n",
        b'  {"id": 9, "text": "second\\n 1"}\n',
    ]
    done, out, project = streamed(lines, budget=1.0, policy="random")
    assert out == lines[0] + lines[-1]
    assert project.asked == [["first 1", "second\n 1"]]
    assert [bad.line for bad in done.rejected] == [2, 3, 4, 5, 6, 7, 8, 9]
    reasons = [bad.reason for bad in done.rejected]
    assert reasons[0].startswith("not valid JSON")
    assert reasons[1:5] == [
        "not a JSON object but a list",
        "no text",
        "text is not a string but int",
        "empty text",
    ]
    assert reasons[5].startswith("not valid UTF-8 (byte 0xFF at position 11); ")
    assert reasons[6] == "text holds half a character (a lone surrogate)"
    assert done.unusable == 8
    assert not done.braced


def test_json_may_end_its_lines_as_windows_does() -> None:
    done, out, _ = streamed([b'{"text": "one 1"}\r\n'] * 2, budget=1.0, policy="random")
    assert (done.read, out) == (2, b'{"text": "one 1"}\n' * 2)


@pytest.mark.parametrize(
    "first",
    [b"{start} 1", b'{"level": "info"} 1', b'{"text": "x"} 1', b"  { 1", b"{" * 100_000 + b" 1"],
)
def test_a_log_that_begins_with_a_brace_loses_no_line(first: bytes) -> None:
    lines = [first + b"\n", b'{"text": "a line that is an object"} 1\n', b"plain 1\n"]
    done, out, project = streamed(lines, budget=1.0, policy="random")
    assert out == b"".join(lines)
    assert project.asked == [[line.decode().rstrip("\n") for line in lines]]
    assert (done.read, done.unusable, done.braced) == (3, 0, True)


def test_an_object_without_the_text_column_is_a_plain_text() -> None:
    class Sure(Fake):
        def predict(self, texts: list[str]) -> list[Any]:
            self.asked.append(texts)
            return [SimpleNamespace(confidence=0.0) for _ in texts]

    project = Sure()
    done = run(project, ['{"body": "x"}'], io.StringIO(), budget=1.0)  # type: ignore[arg-type]
    assert project.asked == [['{"body": "x"}']]
    assert done.braced


def test_a_first_row_whose_text_is_unusable_is_a_row_all_the_same() -> None:
    lines = [b'{"text": null}\n', b'{"text": "one 1"}\n']
    done, out, _ = streamed(lines, budget=1.0, policy="random")
    assert (out, done.unusable, done.braced) == (lines[1], 1, False)


def test_a_broken_line_does_not_decide_what_the_others_are() -> None:
    lines = [b"caf\xe9\n", b'{"text": "one 1"}\n']
    done, _, project = streamed(lines, budget=1.0, policy="random")
    assert project.asked == [["one 1"]]
    assert done.unusable == 1


def test_plain_lines_that_are_no_text() -> None:
    done, out, _ = streamed([b"one 1\n", b"a\xffb 1\n", b"a\0b 1\n"], budget=1.0, policy="random")
    assert out == b"one 1\n"
    assert [bad.line for bad in done.rejected] == [2, 3]
    assert [bad.reason for bad in done.rejected] == [
        "not valid UTF-8 (byte 0xFF at position 2); mend it, or give the lines' encoding "
        "(--encoding cp1252, say)",
        "text holds a NUL character",
    ]
    assert done.rejected[0].excerpt == r"a\xffb 1"


def test_another_encoding_is_read_and_written() -> None:
    lines = ["café 1\n".encode("cp1252"), b"\x81 1\n"]
    done, out, project = streamed(lines, budget=1.0, policy="random", encoding="windows-1252")
    assert project.asked == [["café 1"]]
    assert out == lines[0]
    assert done.rejected[0].reason.startswith("not valid CP1252 (byte 0x81 at position 1); ")


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("klingon", "encoding: got 'klingon', expected a name such as utf-8 or cp1252"),
        ("base64", "encoding: got 'base64', expected a name"),
        ("idna", "encoding: got 'idna', expected a name"),
        ("utf-16", "'utf-16', expected one whose lines end with the byte 0x0A.*iconv -f utf-16"),
        ("utf-32-le", "expected one whose lines end"),
        ("cp037", "expected one whose lines end"),
    ],
)
def test_encodings_that_do_not_do(encoding: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        streamed([b"one 1\n"], encoding=encoding)


def test_only_some_bad_lines_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.lines, "REPORTED", 5)
    done, _, _ = streamed([b"x 1\n", *[b"\0\n"] * 900], chunk=7)
    assert (done.unusable, len(done.rejected)) == (900, 5)


def test_nothing_usable_is_an_error_and_nothing_is_not() -> None:
    with pytest.raises(DataError, match=r"line 2: empty text.*none of 2 can be used") as told:
        streamed([b"\n", b'{"text": ""}\n', b"{1}\n"])
    assert "\n" not in str(told.value)
    assert streamed([])[0] == Streamed()
    assert streamed([b" \n"])[0] == Streamed()


def values_as_lines(values: np.ndarray) -> list[bytes]:
    return [f"line {i} {value:.6f}\n".encode() for i, value in enumerate(values)]


@pytest.mark.parametrize("name", POLICIES)
def test_the_chunks_make_no_difference(name: str) -> None:
    lines = values_as_lines(drifting()[8_000:12_000])
    runs = [streamed(lines, policy=name, seed=3, chunk=chunk)[:2] for chunk in (1, 256, 9999)]
    assert runs[0] == runs[1] == runs[2]
    assert runs[0][0].chosen == runs[0][1].count(b"\n") > 100
    chooser = Chooser(name, 0.05, np.random.default_rng(3), stream.adwin)
    expected = [line for line in lines if chooser(1 - (1 - float(line.split()[-1])))]
    assert runs[0][1] == b"".join(expected)
    assert streamed(lines, policy=name, seed=4)[1] != runs[0][1] or name in (
        "balanced",
        "variable",
        "fixed",
    )


def test_a_drift_is_reported_by_line() -> None:
    pytest.importorskip("river")
    lines = [b"\n", *values_as_lines(drifting())]
    done, _, project = streamed(lines)
    assert 10_002 <= done.drifts[0] <= 10_202
    assert max(map(len, project.asked)) == 256


def test_a_new_round_is_used_and_is_no_drift() -> None:
    pytest.importorskip("river")
    out, project = io.BytesIO(), Fake()

    def lines() -> Iterator[bytes]:
        for place, line in enumerate(values_as_lines(drifting()[:12_000])):
            if place == 9_984:  # a whole number of chunks
                project.newest_round = SimpleNamespace(number=2)
            yield line

    done = run(project, lines(), out)  # type: ignore[arg-type]
    assert done.read == 12_000
    # But for the few lines that were still sure, the new detector knows the unsure ones only.
    assert done.drifts == []


def test_each_chunk_is_written_before_the_next_is_read() -> None:
    raw = io.BytesIO()
    out: Any = io.BufferedWriter(raw)  # type: ignore[arg-type]
    project = Fake()
    seen = []

    def lines() -> Iterator[bytes]:
        for place in range(40):
            seen.append(raw.getvalue().count(b"\n"))
            yield f"line {place} 1\n".encode()

    run(project, lines(), out, budget=1.0, policy="random", chunk=10)  # type: ignore[arg-type]
    assert seen == [place // 10 * 10 for place in range(40)]


def test_a_closed_pipe_ends_it_cleanly() -> None:
    reader, writer = os.pipe()
    lines = iter(values_as_lines(np.ones(5000)))
    read = 0

    def counted() -> Iterator[bytes]:
        nonlocal read
        for line in lines:
            read += 1
            if read == 300:
                os.close(reader)
            yield line

    with os.fdopen(writer, "wb", buffering=0) as out:
        project: Any = Fake()
        done = run(project, counted(), out, budget=1.0, policy="random", chunk=100)
    assert done.closed
    assert (done.read, done.chosen, read) == (300, 201, 300)


def test_who_interrupts_it_knows_how_far_it_came() -> None:
    def lines() -> Iterator[bytes]:
        yield from values_as_lines(np.ones(25))
        raise KeyboardInterrupt

    done = Streamed()
    with pytest.raises(KeyboardInterrupt):
        streamed(lines(), budget=1.0, policy="random", chunk=10, done=done)
    assert (done.read, done.chosen) == (20, 20)


def test_what_was_left_to_write_does_not_count_as_chosen() -> None:
    class Blocked(io.BytesIO):
        def write(self, line: Any) -> int:
            if self.getvalue().count(b"\n") == 13:
                raise KeyboardInterrupt
            return super().write(line)

    done, out, project = Streamed(), Blocked(), Fake()
    lines = values_as_lines(np.ones(25))
    with pytest.raises(KeyboardInterrupt):
        run(project, lines, out, budget=1.0, policy="random", chunk=10, done=done)  # type: ignore[arg-type]
    assert (done.read, done.chosen) == (20, 14)


def test_progress_is_told_and_may_stop_it() -> None:
    told: list[Step] = []
    streamed(values_as_lines(np.ones(25)), chunk=10, progress=told.append)
    assert [(step.done, step.total, step.unit) for step in told] == [
        (10, None, "lines"),
        (20, None, "lines"),
        (25, None, "lines"),
    ]

    def stop(step: Step) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        streamed(values_as_lines(np.ones(25)), progress=stop)


def test_options_are_checked_before_a_line_is_read() -> None:
    def lines() -> Iterator[bytes]:
        raise AssertionError("was read")
        yield b""

    with pytest.raises(StrategyError, match="budget"):
        streamed(lines(), budget=0)
    with pytest.raises(DataError, match="encoding"):
        streamed(lines(), encoding="klingon")
    for seed in (-4, 2**32):
        with pytest.raises(StrategyError, match=f"seed: got {seed}, expected a whole number from"):
            streamed(lines(), seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classification", "multilabel", "ner"])
def test_a_real_project(kind: str, make_project: Callable[..., Project], tmp_path: Any) -> None:
    data = tmp_path / "some.jsonl"
    words = ["my parcel in Berlin", "money back Ana", "broken in Rome", "late since May"]
    answers: dict[str, Any] = {
        "classification": lambda i: {"label": "abcd"[i % 4]},
        "multilabel": lambda i: {"labels": ["a", "b"][: i % 3]},
        "ner": lambda i: {"spans": [[3, 9, "A"]] if i % 2 else []},
    }
    rows = [{"text": f"{words[i % 4]} {i}", **answers[kind](i)} for i in range(12)]
    data.write_text("\n".join(map(json.dumps, rows)))
    project = make_project(kind, data=data, task=kind, answers=True)
    with pytest.raises(ProjectError, match="no model has been trained"):
        run(project, [b"a text\n"], io.BytesIO())
    project.train(score=False)
    out = io.BytesIO()
    lines = [json.dumps(row).encode() + b"\n" for row in rows] * 4
    done = run(project, lines, out, budget=0.25, chunk=16)
    assert done.read == 48
    assert 9 <= done.chosen == out.getvalue().count(b"\n") <= 15
    assert set(out.getvalue().splitlines(keepends=True)) <= set(lines)


def test_river_is_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(
        stream.policies, "import_module", lambda name: (_ for _ in ()).throw(ImportError())
    )
    with pytest.raises(MissingExtra):
        streamed(iter([b"never read\n"]))


def test_a_slow_pipe_is_decided_on_line_by_line() -> None:
    from alnlp.console import Arriving

    reader, writer = os.pipe()
    lines, out, project = Arriving(reader), io.BytesIO(), Fake()
    seen: list[int] = []

    def feeding() -> Iterator[bytes]:
        source = iter(lines)
        for place in range(5):
            seen.append(out.getvalue().count(b"\n"))
            os.write(writer, f"line {place} 1\n".encode())
            yield next(source)
        os.write(writer, b"the last 1")
        os.close(writer)
        yield from source

    done = run(
        project,
        feeding(),
        out,
        budget=1.0,
        policy="random",
        ready=lines.ready,  # type: ignore[arg-type]
    )
    os.close(reader)
    assert seen == [0, 1, 2, 3, 4]
    assert done.read == 6
    assert out.getvalue().endswith(b"the last 1\n")


def test_half_a_line_holds_nothing_up() -> None:
    from alnlp.console import Arriving

    reader, writer = os.pipe()
    lines = Arriving(reader)
    source = iter(lines)
    os.write(writer, b"first 1\nhalf")
    assert next(source) == b"first 1\n"
    assert not lines.ready()
    os.write(writer, b" of it\n")
    assert lines.ready()
    assert next(source) == b"half of it\n"
    os.close(writer)
    assert lines.ready()  # the end is there
    assert list(source) == []
    os.close(reader)

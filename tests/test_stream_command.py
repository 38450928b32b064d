"""The command `alnlp stream`: how it ends, its one line for a mistake, and what it tells."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alnlp.stream import POLICIES

pytest.importorskip("river", reason="river is not installed: pip install 'alnlp[stream]'")

#: The command in a process of its own, on a model that is unsure of everything.
RUN = """
import signal
from types import SimpleNamespace

from alnlp.cli import main
from alnlp.project import Project

class Fake:
    newest_round = SimpleNamespace(number=1)

    def predict(self, texts):
        return [SimpleNamespace(confidence=0.0) for _ in texts]

Project.open = lambda folder: Fake()
# A shell that runs the tests in the background has SIGINT ignored, and this would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


def command(*options: str) -> list[str]:
    return [sys.executable, "-c", RUN, "stream", "p", "--budget", "1", *options]


def streamed(given: bytes, *options: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*options), input=given, **({"stdout": subprocess.PIPE} | more),
        stderr=subprocess.PIPE, env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = streamed(b"a line\n" * 1000, stdout=writer)
    os.close(writer)
    assert ran.returncode == 1
    assert ran.stderr == b"256 lines read, 1 chosen (0.4%)\n"


def test_ctrl_c_ends_it_with_the_summary() -> None:
    with subprocess.Popen(
        command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as ran:
        assert ran.stdin
        assert ran.stdout
        assert ran.stderr
        ran.stdin.write(b"one\ntwo\nthree\n")
        ran.stdin.flush()
        assert [ran.stdout.readline() for _ in range(3)] == [b"one\n", b"two\n", b"three\n"]
        ran.send_signal(signal.SIGINT)
        assert ran.stderr.read() == b"3 lines read, 3 chosen (100.0%)\n"
        assert ran.wait() == 130


def test_bad_lines_are_told_briefly_and_counted() -> None:
    ran = streamed(b"one\r\n" + b"caf\xe9 x\n" * 7 + b"two\n")
    assert ran.returncode == 0
    assert ran.stdout == b"one\ntwo\n"
    told = ran.stderr.decode().splitlines()
    assert [line.partition(":")[0] for line in told[:5]] == [f"line {n}" for n in range(2, 7)]
    assert "not valid UTF-8 (byte 0xE9 at position 4)" in told[0]
    assert told[5:] == ["and 2 more", "2 lines read, 2 chosen (100.0%); 7 could not be used"]


def test_another_encoding() -> None:
    ran = streamed(b"caf\xe9 x\n", "--encoding", "cp1252")
    assert ran.stdout == b"caf\xe9 x\n"
    assert ran.stderr == b"1 lines read, 1 chosen (100.0%)\n"


def test_a_log_that_begins_with_a_brace_is_plain_text() -> None:
    given = b"{boot} ready\nsecond\n"
    ran = streamed(given)
    assert ran.stdout == given
    told = ran.stderr.decode().splitlines()
    assert len(told) == 2
    assert "all were read as plain text" in told[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seed", "-4"), b"error: seed: got -4, expected a whole number from 0 to 4294967295\n"),
        (("--encoding", "klingon"), b"error: encoding: got 'klingon', expected a name"),
    ],
)
def test_mistakes_end_in_one_line(options: tuple[str, ...], message: bytes) -> None:
    ran = streamed(b"a line\n", *options)
    assert ran.returncode == 2
    assert ran.stderr.startswith(message)
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is not there")
@pytest.mark.parametrize("size", [10, 100_000])  # what fits into a buffer, and what does not
def test_a_full_disk_is_told_of_standard_output(size: int) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = streamed(b"x" * size + b"\n", stdout=full)
    assert ran.returncode == 2
    assert ran.stderr == b"error: standard output: No space left on device\n"


@pytest.mark.parametrize(
    ("redirection", "message"),
    [
        ("<&-", b"standard input: got a closed one, expected a file or pipe of lines"),
        (">&-", b"standard output: got a closed one, expected a file or pipe of lines"),
        ("0>/dev/null", b"standard input: Bad file descriptor"),
    ],
)
def test_closed_streams_are_told(redirection: str, message: bytes) -> None:
    ran = subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *command()],
        input=b"a line\n", capture_output=True,
    )  # fmt: skip
    assert ran.returncode == 2
    assert ran.stderr == b"error: " + message + b"\n"


def test_the_help_explains_every_policy_and_both_kinds_of_lines() -> None:
    lines = streamed(b"", "--help").stdout.decode().splitlines()
    for name in POLICIES:
        assert any(line.startswith(f"    {name}  ") for line in lines), name
    said = " ".join(" ".join(lines).split())
    assert "on average" in said
    assert "JSON object" in said
    assert "plain text" in said
    assert "written as they came" in said

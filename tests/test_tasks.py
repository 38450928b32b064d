from __future__ import annotations

import numpy as np
import pytest

from alnlp.errors import DataError
from alnlp.tasks import Task

MULTI = Task("multilabel")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a", ["a"]),
        (" b | a ", ["a", "b"]),
        ("a;b", ["a", "b"]),
        ("a, b", ["a", "b"]),
        ("", []),
        (" | ", []),
        ("[]", []),
        ("[1, 2]", ["1", "2"]),
        ('["a, b", "c|d"]', ["a, b", "c|d"]),
        ("['a', 'b']", ["a", "b"]),
        ("[ 'it\\'s' , \"a, b\", -1 ]", ["-1", "a, b", "it's"]),
        ("['a' 'b']", ["['a' 'b']"]),  # to Python one word, to numpy two
        ("[open('x')]", ["[open('x')]"]),
        ("[007]", ["[007]"]),
        ("[note] a", ["[note] a"]),
        (["b", 1, "a"], ["1", "a", "b"]),
        (np.array(["b", "a"]), ["a", "b"]),
    ],
)
def test_cells_that_hold_several_labels(cell: object, expected: list[str]) -> None:
    assert MULTI.read(cell) == expected


@pytest.mark.parametrize("cell", ['["a", null]', "[[1]]", '["\\ud800"]', "['\\x00']", "a|b\0", 3])
def test_cells_that_hold_no_labels(cell: object) -> None:
    with pytest.raises(DataError, match="label: got"):
        MULTI.read(cell)


def test_endless_brackets_are_a_name() -> None:
    assert MULTI.read("[" * 100_000) == ["[" * 100_000]


def test_a_cell_that_is_a_label_is_not_split() -> None:
    task = Task("multilabel", ("a, b", "a", "b", "[1]"))
    assert task.read(" a, b ") == ["a, b"]
    assert task.read("[1]") == ["[1]"]
    assert task.read("b, a") == ["a", "b"]
    assert Task("classification").read("a, b") == "a, b"


@pytest.mark.parametrize("value", [{"a", 1}, frozenset({1, "a"}), [None], "a", 3, {"a": 1}, ["c"]])
def test_what_is_no_answer_is_a_data_error(value: object) -> None:
    with pytest.raises(DataError):
        Task("multilabel", ("a", "b")).check(value)


def test_sets_are_answers() -> None:
    assert Task("multilabel", ("a", "b")).check({"b", "a"}) == ["a", "b"]


@pytest.mark.parametrize("name", ["", " ", "a\0", "\ud800", "x\udcff", 3])
def test_names_that_no_file_can_hold_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="labels: got"):
        Task("classification", ("a", name))
    with pytest.raises(DataError, match="labels: got"):
        MULTI.with_labels([name])


def test_blanks_around_names_are_dropped() -> None:
    task = Task("classification", ("refund ", "\twhere"))
    assert task.labels == ("refund", "where")
    assert task.check(task.read(" refund")) == "refund"
    assert MULTI.with_labels([" a b "]).labels == ("a b",)
    with pytest.raises(DataError, match="a name twice"):
        Task("classification", ("a", "a "))

"""What an answer is: one label, a set of labels, or spans; how each is read, checked, encoded."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from alnlp.data.rows import is_valid
from alnlp.data.spans import SpanAnswer, check_answer, read_answer
from alnlp.errors import DataError

Kind = Literal["classification", "multilabel", "ner"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: One annotator's answer: a label name, for multilabel a sorted list of them, for ner spans.
Answer = str | list[str] | SpanAnswer

_SEPARATORS = ("|", ";", ",")
_ITEM = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+)"""
_PYTHON_LIST = re.compile(rf"\[\s*(?:{_ITEM}\s*(?:,\s*{_ITEM}\s*)*)?\]")


def _shorten(value: object, width: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."


def _is_writable(name: str) -> bool:
    return "\0" not in name and is_valid(name)


def _listed(value: str) -> list[object] | None:
    """The list that a text writes out as JSON, or as Python does; None if it is no list."""
    try:
        listed = json.loads(value)
    except (ValueError, RecursionError):
        if not _PYTHON_LIST.fullmatch(value):
            return None
        try:
            listed = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return None
    return listed if isinstance(listed, list) else None


@dataclass(frozen=True)
class Task:
    """The kind of question asked of each example, and the labels that may answer it.

    Attributes:
        kind: "classification" (exactly one label), "multilabel" (any number of labels) or "ner"
            (named entities: any number of labelled spans).
        labels: the label names, without blanks around them, in the order of the model's outputs.
        overlaps: whether spans may share characters; for ner only.
    """

    kind: Kind
    labels: tuple[str, ...] = ()
    overlaps: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DataError(f"task: got {self.kind!r}, expected one of {', '.join(KINDS)}")
        for label in self.labels:
            if not isinstance(label, str) or not label.strip():
                raise DataError(f"labels: got {label!r}, expected names that are not empty")
            if not _is_writable(label):
                raise DataError(f"labels: got {label!r}, expected names in valid characters")
        object.__setattr__(self, "labels", tuple(label.strip() for label in self.labels))
        if len(set(self.labels)) != len(self.labels):
            raise DataError(f"labels: got a name twice in {_shorten(list(self.labels))}")
        if self.overlaps and not self.spans:
            raise DataError(f"overlaps: got task {self.kind}, expected ner; only spans can overlap")

    @property
    def multilabel(self) -> bool:
        """Whether an example may carry several labels at once."""
        return self.kind == "multilabel"

    @property
    def spans(self) -> bool:
        """Whether the answers are spans of the text."""
        return self.kind == "ner"

    def to_json(self) -> dict[str, Any]:
        """The task as JSON-able values."""
        values: dict[str, Any] = {"kind": self.kind, "labels": list(self.labels)}
        return {**values, "overlaps": self.overlaps} if self.spans else values

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Task:
        """The task that `to_json` wrote."""
        return Task(values["kind"], tuple(values["labels"]), values.get("overlaps", False))

    def with_labels(self, labels: Iterable[str]) -> Task:
        """The same task with other labels, in the order given."""
        return replace(self, labels=tuple(labels))

    def read(self, value: object) -> Answer:
        """An answer from a raw cell of a file: a name, a number, for multilabel several, or spans.

        Several labels come as a list, or as a text: a JSON or Python list, or names joined by
        | ; or ,. A text that is the name of one of the labels is that label, whatever it holds.
        Spans come as `read_answer` of `alnlp.data.spans` takes them.

        Raises:
            DataError: the value is no answer to this kind of task. Names are not checked against
                the label set; `check` does that.
        """
        if self.spans:
            return read_answer(value)
        if self.kind == "classification":
            return self._read_name(value)
        if isinstance(value, str):
            value = self._split(value.strip())
        if isinstance(value, Sequence | np.ndarray):
            return sorted({self._read_name(part) for part in value})
        raise DataError(f"label: got {_shorten(value)}, expected a list of label names")

    @staticmethod
    def _read_name(value: object) -> str:
        if isinstance(value, bool | int | np.integer):
            return str(value)
        if isinstance(value, float) and value.is_integer():
            return str(int(value))  # spreadsheets turn 1 into 1.0
        if isinstance(value, str) and value.strip() and _is_writable(value):
            return value.strip()
        raise DataError(f"label: got {_shorten(value)}, expected the name of a label")

    def _split(self, value: str) -> Sequence[object]:
        if value in self.labels:
            return [value]
        if value.startswith("[") and (listed := _listed(value)) is not None:
            return listed
        separator = next((mark for mark in _SEPARATORS if mark in value), "|")
        return [part for part in value.split(separator) if part.strip()]

    def check(self, value: object, text: str | None = None) -> Answer:
        """The answer in its canonical form.

        Args:
            value: as a person or program gives it.
            text: of the example, which spans must fit; not compared where None.

        Raises:
            DataError: not an answer of this kind, a name outside the label set, or spans that
                the text or the task does not allow.
        """
        if self.spans:
            return check_answer(read_answer(value), self.labels, text=text, overlaps=self.overlaps)
        if self.kind == "classification" and not isinstance(value, str):
            raise DataError(f"answer: got {_shorten(value)}, expected one label name")
        if self.kind == "multilabel" and not isinstance(value, list | tuple | set | frozenset):
            raise DataError(f"answer: got {_shorten(value)}, expected a list of label names")
        answer = self.read(list(value) if isinstance(value, set | frozenset) else value)
        for name in self.names(answer):
            if name not in self.labels:
                raise DataError(
                    f"label: got {_shorten(name)}, expected one of "
                    f"{_shorten(list(self.labels), 200)}"
                )
        return answer

    def names(self, answer: Answer) -> tuple[str, ...]:
        """The label names in an answer: one for classification, one for each span for ner."""
        if isinstance(answer, dict):
            return tuple(span["label"] for span in answer["spans"])
        return (answer,) if isinstance(answer, str) else tuple(answer)

    def encode(self, answers: Sequence[Answer]) -> NDArray[np.int64]:
        """Labels as class indices of shape (N,), or for multilabel 0/1 of shape (N, K)."""
        index = {label: k for k, label in enumerate(self.labels)}
        if self.kind == "classification":
            return np.array([index[str(answer)] for answer in answers], dtype=np.int64)
        encoded = np.zeros((len(answers), len(self.labels)), dtype=np.int64)
        for row, answer in enumerate(answers):
            for name in self.names(answer):
                encoded[row, index[name]] = 1
        return encoded

    def decode(self, probabilities: NDArray[np.floating]) -> list[Answer]:
        """The most probable label or labels for each row of (N, K) probabilities."""
        if self.kind == "classification":
            return [self.labels[k] for k in probabilities.argmax(axis=1)]
        return [sorted(self.labels[k] for k in np.flatnonzero(row >= 0.5)) for row in probabilities]

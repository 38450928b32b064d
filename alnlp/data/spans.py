"""Spans: labelled stretches of a text, as character offsets that select exactly what was marked."""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict

from alnlp.data.rows import is_valid
from alnlp.errors import DataError


class SpanDict(TypedDict):
    """A span as JSON holds it: `text[start:end]` carries the label; offsets are code points."""

    start: int
    end: int
    label: str


class SpanAnswer(TypedDict):
    """One annotator's answer on one text.

    Attributes:
        spans: sorted by start, then end, then label.
        confirmed: the stretches [start, end] that the annotator has looked at, sorted and apart
            from each other; without this key it is the whole text. Outside of them nothing is
            known: no span there does not mean that there is none.
    """

    spans: list[SpanDict]
    confirmed: NotRequired[list[list[int]]]


class Span(NamedTuple):
    """A labelled stretch of a text, ordered as in an answer."""

    start: int
    end: int
    label: str

    def to_dict(self) -> SpanDict:
        """The span as JSON holds it."""
        return {"start": self.start, "end": self.end, "label": self.label}


_STARTS, _ENDS = ("start", "start_offset", "begin"), ("end", "end_offset")
_LABELS = ("label", "type", "tag", "entity", "entity_group", "labels")


def spans_of(answer: SpanAnswer) -> list[Span]:
    """The spans of an answer as tuples."""
    return [Span(span["start"], span["end"], span["label"]) for span in answer["spans"]]


def answer_of(
    spans: Iterable[Span], confirmed: Iterable[Sequence[int]] | None = None
) -> SpanAnswer:
    """The canonical answer made of spans: sorted, without repeats; `confirmed` merged."""
    answer: SpanAnswer = {"spans": [span.to_dict() for span in sorted(set(spans))]}
    if confirmed is not None:
        answer["confirmed"] = _merged(confirmed)
    return answer


def overlapping(spans: Iterable[Span]) -> tuple[Span, Span] | None:
    """The first two different spans that share a character, None where all stand apart."""
    widest: Span | None = None
    for span in sorted(set(spans)):
        if widest is not None and span.start < widest.end:
            return widest, span
        widest = span
    return None


def longest_apart(spans: Iterable[Span]) -> list[Span]:
    """The spans without those that overlap a longer one, in order: what one layer of tags holds."""
    kept: list[Span] = []  # in order and apart, so that a span can run into its neighbours only
    for span in sorted(set(spans), key=lambda span: (span.start - span.end, span)):
        at = bisect(kept, span)
        near = kept[max(at - 1, 0) : at + 1]
        if all(span.end <= other.start or other.end <= span.start for other in near):
            kept.insert(at, span)
    return kept


def looked_at(words: Iterable[tuple[int, int]], answer: SpanAnswer) -> int:
    """How many of a text's words the annotator has looked at: what the answer cost, in words."""
    confirmed = answer.get("confirmed")
    if confirmed is None:
        return sum(1 for _ in words)
    return sum(any(start < b and a < end for a, b in confirmed) for start, end in words)


def read_answer(value: object) -> SpanAnswer:
    """An answer from a raw cell: a list of spans, or an object with "spans" (and "confirmed").

    A span is an object with start, end and label, or [start, end, label]; a text is read as JSON.

    Raises:
        DataError: it is neither; whether the offsets fit a text is left to `check_answer`.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"spans: got {_short(value)}, expected a list of spans as JSON"
            ) from error
    spans: Any = value
    confirmed: Any = None
    if isinstance(value, Mapping):
        confirmed = value.get("confirmed")
        unknown = [key for key in value if key not in ("spans", "confirmed")]
        if unknown or "spans" not in value:
            raise DataError(f"spans: got {_short(value)}, expected an object with spans")
        spans = value["spans"]
    if not _is_list(spans):
        raise DataError(f"spans: got {_short(spans)}, expected a list of spans")
    if confirmed is not None and not (
        _is_list(confirmed) and all(_is_list(part) and len(part) == 2 for part in confirmed)
    ):
        raise DataError(f"confirmed: got {_short(confirmed)}, expected pairs [start, end]")
    return answer_of(
        map(_read_span, spans),
        None if confirmed is None else [[_offset(at) for at in part] for part in confirmed],
    )


def check_answer(
    answer: SpanAnswer, labels: Sequence[str], *, text: str | None, overlaps: bool
) -> SpanAnswer:
    """The answer, if it fits the text and the task.

    Args:
        answer: in canonical form, as `read_answer` gives it.
        labels: the label set.
        text: that the offsets are of; not compared where None.
        overlaps: whether spans may share characters.

    Raises:
        DataError: an offset outside the text, a span that holds nothing but blanks, an unknown
            label, spans that overlap and must not, a span outside of what is confirmed.
    """
    spans = spans_of(answer)
    for span in spans:
        _check_range(span.start, span.end, text, "span")
        if text is not None and not text[span.start : span.end].strip():
            raise DataError(f"span {span.start}-{span.end}: got only blanks, expected some text")
        if span.label not in labels:
            raise DataError(
                f"label: got {_short(span.label)}, expected one of {_short(list(labels), 200)}"
            )
    if not overlaps and (pair := overlapping(spans)) is not None:
        first, second = (f"{span.start}-{span.end} {span.label}" for span in pair)
        raise DataError(
            f"spans: {first} and {second} overlap, expected spans apart from each other; "
            "allow it with overlaps=True (on the command line: new --overlaps)"
        )
    confirmed = answer.get("confirmed")
    if confirmed is not None:
        if not confirmed:
            raise DataError("confirmed: got nothing, expected at least one pair [start, end]")
        for start, end in confirmed:
            _check_range(start, end, text, "confirmed")
        for span in spans:
            if not any(start <= span.start and span.end <= end for start, end in confirmed):
                raise DataError(
                    f"span {span.start}-{span.end}: lies outside of what is confirmed, "
                    f"{_short(confirmed)}"
                )
    return answer


def _check_range(start: int, end: int, text: str | None, what: str) -> None:
    size = None if text is None else len(text)
    if not 0 <= start < end or (size is not None and end > size):
        expected = (
            f"0 <= start < end{'' if size is None else f' <= {size}, the length of the text'}"
        )
        raise DataError(f"{what}: got start {start} and end {end}, expected {expected}")


def _read_span(value: Any) -> Span:
    start, end, label = None, None, None
    if isinstance(value, Mapping):
        start, end, label = (_first(value, names) for names in (_STARTS, _ENDS, _LABELS))
    elif _is_list(value) and len(value) == 3:
        start, end, label = value
    if start is None or end is None or label is None:
        raise DataError(f"span: got {_short(value)}, expected start, end and label")
    if _is_list(label) and len(label) == 1:
        label = label[0]
    if not isinstance(label, str) or not label.strip() or "\0" in label or not is_valid(label):
        raise DataError(f"span: got label {_short(label)}, expected the name of a label")
    return Span(_offset(start), _offset(end), label.strip())


def _first(span: Mapping[Any, Any], names: Sequence[str]) -> Any:
    return next((span[name] for name in names if name in span), None)


def _offset(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise DataError(f"span: got offset {_short(value)}, expected a whole number")
    return int(value)


def _is_list(value: Any) -> bool:
    if isinstance(value, str | bytes | Mapping):
        return False
    return isinstance(value, Sequence) or hasattr(value, "tolist")


def _merged(parts: Iterable[Sequence[int]]) -> list[list[int]]:
    ordered = sorted([int(start), int(end)] for start, end in parts)
    merged = ordered[:1]
    for start, end in ordered[1:]:
        if start <= merged[-1][1]:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([start, end])
    return merged


def _short(value: object, width: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."

"""Which column holds the text, and which the label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alnlp.errors import DataError

_TEXT_NAMES = (
    "text", "sentence", "message", "content", "body", "tweet", "review", "question", "utterance",
    "comment", "post", "query", "document", "passage", "abstract", "description", "summary",
    "headline", "title", "subject", "string", "input",
)  # fmt: skip
_LABEL_NAMES = (
    "label", "labels", "category", "categories", "class", "intent", "target", "topic", "topics",
    "tag", "tags", "sentiment", "emotion", "emotions", "label_text", "gold", "y",
)  # fmt: skip
_NER_NAMES = ("ner_tags", "ner", "tags", "spans", "entities")

NAMED_ENTITIES = (
    "the rows are tokens with tags: named entities come with task ner; "
    "for classification, give a file with a text column"
)


@dataclass(frozen=True)
class Columns:
    """The names of the columns in use; `label` is None for a file without labels."""

    text: str
    label: str | None = None


def guess_columns(
    sample: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    text: str | None = None,
    label: str | None = None,
) -> Columns:
    """The columns given, and for those not given the likeliest by name.

    Without a well-known name the text is the column with the longest strings on average. A label
    column is never guessed from its values: an id or a free text would do too much harm.

    Args:
        sample: the first records.
        names: all columns of the file.
        text: the text column, if the caller knows it.
        label: the label column, if the caller knows it.

    Raises:
        DataError: a column given is not there; no column can be the text; the rows are tokens.
    """
    check_given(names, text, label)
    if text is None:
        tokens = by_name(names, ("tokens",)) and by_name(names, _NER_NAMES)
        free = [name for name in names if name != label]
        text = text_column(free, sample, known_only=bool(tokens))
        if text is None and tokens:
            raise DataError(NAMED_ENTITIES)
    if text is None:
        raise DataError(
            f"no column holds text; the columns are: {listed(names)}; "
            "name one with --text-column (text_column=...)"
        )
    if label is None:
        label = by_name([name for name in names if name != text], _LABEL_NAMES)
    return Columns(text, label)


def check_given(names: Sequence[str], text: str | None, label: str | None) -> None:
    """Raises DataError if a column that the caller names is not there, or one is named twice."""
    for given, option in ((text, "text column"), (label, "label column")):
        if given is not None and given not in names:
            raise DataError(f"{option}: got {given!r}, expected one of: {listed(names)}")
    if text is not None and text == label:
        raise DataError(f"text column and label column are both {text!r}, expected two columns")


def text_column(
    names: Sequence[str], sample: Sequence[Mapping[str, Any]], *, known_only: bool = False
) -> str | None:
    """The likeliest column of texts, None if there is none; `known_only`: by its name only."""
    lengths = {name: _mean_length(name, sample) for name in names}
    strings = [name for name in names if lengths[name] > 0 or not sample]
    known = by_name(strings, _TEXT_NAMES)
    if known is not None or known_only:
        return known
    others = [
        name
        for name in strings
        if name.strip().lower() not in _LABEL_NAMES and _has_letters(name, sample)
    ]
    return max(others, key=lambda name: lengths[name]) if others and sample else None


def by_name(names: Sequence[str], known: Sequence[str]) -> str | None:
    """The first of the known names that is there, in whatever case; None if none is."""
    plain = {name.strip().lower(): name for name in reversed(names)}
    return next((plain[name] for name in known if name in plain), None)


def _mean_length(name: str, sample: Sequence[Mapping[str, Any]]) -> float:
    values = [record.get(name) for record in sample]
    return sum(len(v.strip()) for v in values if isinstance(v, str)) / max(len(values), 1)


def _has_letters(name: str, sample: Sequence[Mapping[str, Any]]) -> bool:
    values = [record.get(name) for record in sample]
    return any(char.isalpha() for value in values if isinstance(value, str) for char in value)


def listed(names: Sequence[str], most: int = 20) -> str:
    """The names for a message, not too many of them."""
    shown = ", ".join(repr(name) for name in names[:most]) or "none"
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"

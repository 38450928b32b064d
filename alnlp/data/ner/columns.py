"""Which columns hold tokens, tags, texts and spans."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alnlp.data.columns import Columns, by_name, check_given, listed, text_column
from alnlp.data.rows import is_missing
from alnlp.errors import DataError

TOKENS = ("tokens", "words", "token", "word")
TAGS = ("ner_tags", "ner_tag", "ner", "tags", "tag", "labels", "label", "bio", "iob")
_SPANS = ("spans", "entities", "ents", "annotations", "labels", "label", "ner", "tags")
_SURELY_SPANS = ("spans", "entities")

_Test = Callable[[Any], bool]


@dataclass(frozen=True)
class SpanColumns(Columns):
    """The columns of named entities.

    Attributes:
        text: the texts, or else lists of tokens.
        label: the tags if `tags`, else the spans; None for a file without answers.
        tags: whether the answers are one tag for each token. Spans of nothing but tokens stand
            for a mistake: their offsets count in a text that is not there.
        beside: where `text` holds tokens, the exact texts; else the tokens, as offsets or strings.
    """

    tags: bool = False
    beside: str | None = None


def guess_span_columns(
    sample: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    text: str | None = None,
    label: str | None = None,
) -> SpanColumns:
    """The columns given, and for those not given the likeliest by name and kind of value.

    Tokens with tags go before a text beside them, which then only gives the exact blanks.

    Raises:
        DataError: a column given is not there, or none holds texts or tokens.
    """
    check_given(names, text, label)

    lists = [name for name in names if any(is_strings(row.get(name)) for row in sample)]
    tokens = by_name([name for name in lists if name != label], TOKENS) if text is None else None
    if text in lists:
        tokens = text
    taken = {*TOKENS, *TAGS, *_SPANS}
    free = [name for name in names if name != label and name.strip().lower() not in taken]
    plain = text if tokens is None else None
    if plain is None:
        plain = text_column(free, sample, known_only=tokens is not None)
    answers = [name for name in names if label in (None, name) and name not in (tokens, plain)]

    def pick(known: Sequence[str], fits: _Test) -> str | None:
        names = [name for name in answers if _holds(sample, name, fits)]
        return by_name(names, known if label is None else (label.strip().lower(),))

    tags = pick(TAGS, _is_tags) if tokens is not None else None
    spans = by_name(answers, _SURELY_SPANS) or pick(_SPANS, _is_spans)
    if tags and spans and not _shows(sample, tags, _is_tags) and _shows(sample, spans, _is_spans):
        tags = None
    if tokens is not None and (tags is not None or plain is None):
        is_tags = tags is not None or spans is None
        return SpanColumns(tokens, tags or spans or label, tags=is_tags, beside=plain)
    if plain is None:
        raise DataError(
            f"no column holds texts or tokens; the columns are: {listed(names)}; expected text "
            "with spans, or tokens with ner_tags; name them with --text-column and --label-column"
        )
    others = [name for name in names if name not in (plain, label, spans)]
    beside = [name for name in others if _holds(sample, name, lambda v: isinstance(v, list))]
    return SpanColumns(plain, label or spans, beside=by_name(beside, TOKENS))


def is_strings(value: Any) -> bool:
    """Whether it is a list of texts, with one at least."""
    return isinstance(value, list) and _are(str, value)


def _is_tags(value: Any) -> bool:
    return isinstance(value, list) and _are(str | int | None, value)


def _are(kind: Any, parts: list[Any]) -> bool:
    return bool(parts) and all(isinstance(part, kind) for part in parts[:5])


def _is_spans(value: Any) -> bool:
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return True  # to be refused with a reason
    if isinstance(value, list):
        return all(isinstance(part, list | dict) for part in value[:5])
    return isinstance(value, dict)


def _holds(sample: Sequence[Mapping[str, Any]], name: str, fits: _Test) -> bool:
    """Whether a column holds such values for all the sample knows; empty lists tell nothing."""
    known = [value for value in _known(sample, name) if value != []]
    return not known or any(map(fits, known))


def _shows(sample: Sequence[Mapping[str, Any]], name: str, fits: _Test) -> bool:
    """Whether the sample has such a value in a column."""
    return any(map(fits, _known(sample, name)))


def _known(sample: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [record[name] for record in sample if not is_missing(record.get(name))]

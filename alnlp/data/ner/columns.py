"""Which columns hold tokens, tags, texts and spans."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alnlp.data.columns import Columns, by_name, check_given, listed, text_column
from alnlp.data.rows import is_missing
from alnlp.errors import DataError

TOKENS = ("tokens", "words", "token", "word")
TAGS = ("ner_tags", "ner_tag", "ner", "tags", "tag", "labels", "label", "bio", "iob")
_SPANS = ("spans", "entities", "ents", "annotations", "labels", "label", "ner", "tags")
_SURELY_SPANS = ("spans", "entities")


@dataclass(frozen=True)
class SpanColumns(Columns):
    """The columns of named entities.

    Attributes:
        text: the texts, or else lists of tokens.
        label: the tags if `tags`, else the spans; None for a file without answers.
        tags: whether the answers are one tag for each token.
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

    def pick(known: Sequence[str], fits: Callable[[Any], bool]) -> str | None:
        free = [name for name in names if name not in (text, label)]
        return by_name([name for name in free if _holds(sample, name, fits)], known)

    lists = [name for name in names if any(is_strings(row.get(name)) for row in sample)]
    tokens = by_name([name for name in lists if name != label], TOKENS) if text is None else None
    if text in lists:
        tokens = text
    tags = label if label is not None and _holds(sample, label, _is_tags) else None
    if label is None and tokens is not None:
        tags = by_name([n for n in names if n != tokens and _holds(sample, n, _is_tags)], TAGS)
    taken = {*TOKENS, *TAGS, *_SPANS}
    free = [name for name in names if name != label and name.strip().lower() not in taken]
    plain = text if tokens is None else None
    if plain is None:
        plain = text_column(free, sample, known_only=tokens is not None)
    if tokens is not None and (tags is not None or plain is None):
        return SpanColumns(tokens, label or tags, tags=True, beside=plain)
    if plain is None:
        raise DataError(
            f"no column holds texts or tokens; the columns are: {listed(names)}; expected text "
            "with spans, or tokens with ner_tags; name them with --text-column and --label-column"
        )
    if label is None:
        label = by_name([name for name in names if name != plain], _SURELY_SPANS)
    return SpanColumns(
        plain, label or pick(_SPANS, _is_spans), beside=pick(TOKENS, lambda v: isinstance(v, list))
    )


def is_strings(value: Any) -> bool:
    """Whether it is a list of texts, or an empty one."""
    return isinstance(value, list) and all(isinstance(part, str) for part in value[:5])


def _is_tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(p, str | int | None) for p in value[:5])


def _is_spans(value: Any) -> bool:
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return True  # to be refused with a reason
    if isinstance(value, list):
        return all(isinstance(part, list | dict) for part in value[:5])
    return isinstance(value, dict)


def _holds(sample: Sequence[Mapping[str, Any]], name: str, fits: Callable[[Any], bool]) -> bool:
    """Whether a column holds such values as far as the sample knows."""
    values: Iterator[Any] = (record.get(name) for record in sample)
    known = [value for value in values if not is_missing(value)]
    return not known or any(map(fits, known))

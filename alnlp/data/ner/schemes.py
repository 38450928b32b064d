"""Tags and spans: what the IOB1, IOB2 and BIOES tags of words say, and back."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from alnlp.data.rows import excerpt, is_valid
from alnlp.data.spans import Span, longest_apart
from alnlp.data.words import Words
from alnlp.errors import DataError

Scheme = Literal["IOB1", "IOB2", "BIOES"]

_ALIASES = {"L": "E", "U": "S", "M": "I"}  # BILOU says Last and Unit, BMES says Middle
_CLOSED, _OTHER = set("ES"), set("LU")
_OUTSIDE = ("O", "o", "0")
_MISSING = ("", "-", "_")


class Loss(NamedTuple):
    """A span that tags cannot say exactly.

    Attributes:
        what: "overlap" (a longer one stands in its place), "cut" (it was widened to the words
            that it cuts) or "outside" (it touches no word).
        span: as it was.
    """

    what: Literal["overlap", "cut", "outside"]
    span: Span


class _Tag(NamedTuple):
    """A tag in canonical letters: B, I, E, S, or O without a label."""

    part: str
    label: str


def is_missing_tag(tag: object) -> bool:
    """Whether it stands for "nobody has tagged this word"."""
    if isinstance(tag, str):
        return tag.strip() in _MISSING
    return tag is None or (isinstance(tag, float) and math.isnan(tag))


def is_tag(tag: str) -> bool:
    """Whether it has the form of a tag: O, or a letter of a scheme, a hyphen and a label."""
    return tag == "O" or (tag[:1] in tuple("BIESLUM") and tag[1:2] == "-" and len(tag) > 2)


def scheme_of(tags: Iterable[object]) -> Scheme | None:
    """The scheme that the tags of one text are written in; None if there is no entity.

    The first entity decides between IOB1 and IOB2: it begins with I in the one, with B in the
    other.
    """
    parts = [tag.strip()[:1].upper() for tag in tags if isinstance(tag, str) and "-" in tag[1:]]
    if any(part in "ESLUM" for part in parts):
        return "BIOES"
    return {"B": "IOB2", "I": "IOB1"}.get(parts[0]) if parts else None  # type: ignore[return-value]


def common_scheme(texts: Iterable[Iterable[object]]) -> Scheme | None:
    """The scheme that most of the texts of a file are in; None if no text has an entity."""
    found = Counter(scheme for tags in texts if (scheme := scheme_of(tags)) is not None)
    return found.most_common(1)[0][0] if found else None


def read_tags(
    tags: Sequence[object], words: Words, text: str, scheme: Scheme | None = None
) -> tuple[list[Span], list[str]]:
    """The spans that tags say, and what had to be repaired to read them.

    An entity that begins or ends with the wrong letter can be meant in one way only, and is
    repaired. A change of the label inside of an entity can be meant in several, and is refused.

    Args:
        tags: one for each word.
        words: of the text.
        text: that the words are of.
        scheme: of the file; found from the tags themselves where None, or where they hold letters
            of BIOES.

    Raises:
        DataError: not one tag for each word, a tag of no scheme, letters of two schemes in one
            text, or a change of the label inside of an entity.
    """
    if len(tags) != len(words):
        raise DataError(f"tags: got {len(tags)} tags for {len(words)} words, expected as many")
    shown = [f"word {i} {excerpt(text[s:e], 30)!r}" for i, (s, e) in enumerate(words, 1)]
    repairs: list[str] = []
    parsed = [_parse(tag, name, repairs) for tag, name in zip(tags, shown, strict=True)]
    own = scheme_of(tags)
    _check_mixture(tags)
    if scheme is None or own == "BIOES":
        scheme = own
    spans: list[Span] = []
    open_since = None
    for i, (tag, name) in enumerate(zip(parsed, shown, strict=True)):
        before = parsed[i - 1] if i else _Tag("O", "")
        after = parsed[i + 1] if i + 1 < len(parsed) else _Tag("O", "")
        if tag.part == "O":
            continue
        if _begins(tag, before, scheme, name):
            open_since = i
        last = tag.part in "ES" or after.part in "OBS" or after.label != tag.label
        right = _letter(i == open_since, last, before.label == tag.label, scheme)
        if right != tag.part:
            repairs.append(f"{name}: {tags[i]} read as {right}-{tag.label}")
        if last:
            assert open_since is not None
            spans.append(Span(words[open_since][0], words[i][1], tag.label))
    return spans, repairs


def _parse(tag: object, name: str, repairs: list[str]) -> _Tag:
    if isinstance(tag, int) and not isinstance(tag, bool):
        raise DataError(
            f"tags: got the number {tag} for {name}, expected a name such as B-PER; "
            "numbers need the names of the classes, as data sets keep them in their features"
        )
    if is_missing_tag(tag):
        raise DataError(f"tags: got none for {name}, expected O or a tag such as B-PER")
    if not isinstance(tag, str):
        raise DataError(f"tags: got {excerpt(repr(tag), 40)} for {name}, expected a text")
    tag = tag.strip()
    if tag in _OUTSIDE:
        if tag != "O":
            repairs.append(f"{name}: {tag} read as O")
        return _Tag("O", "")
    part, hyphen, label = tag[:1].upper(), tag[1:2], tag[2:].strip()
    part = _ALIASES.get(part, part)
    if part not in tuple("BIES") or hyphen != "-" or not label:
        raise DataError(
            f"tags: got {excerpt(repr(tag), 40)} for {name}, expected O, or B, I, E or S with a "
            "hyphen and a label, such as B-PER"
        )
    if "\0" in label or not is_valid(label):
        raise DataError(f"tags: got {excerpt(repr(tag), 40)} for {name}, expected valid characters")
    if tag[:1] != tag[:1].upper():
        repairs.append(f"{name}: {tag} read as {part}-{label}")
    return _Tag(part, label)


def _check_mixture(tags: Sequence[object]) -> None:
    letters = {str(tag).strip()[:1].upper() for tag in tags if "-" in str(tag)}
    if letters & _CLOSED and letters & _OTHER:
        raise DataError(
            f"tags: got the letters {', '.join(sorted(letters))} in one text, expected those of "
            "one scheme: B, I, O, E, S or B, I, L, O, U"
        )


def _begins(tag: _Tag, before: _Tag, scheme: Scheme | None, name: str) -> bool:
    """Whether the word begins an entity, given the tag before it."""
    if tag.part in "BS" or before.part in "OES":
        return True
    if tag.label == before.label:
        return False
    if scheme == "IOB1":
        return True
    raise DataError(
        f"tags: got {tag.part}-{tag.label} for {name} after {before.part}-{before.label}, "
        "expected the same label inside of an entity"
    )


def write_tags(
    spans: Iterable[Span], words: Words, scheme: Scheme = "IOB2"
) -> tuple[list[str], list[Loss]]:
    """A tag for each word, and the spans that the tags do not say exactly."""
    tags = ["O"] * len(words)
    kept, losses = one_layer(spans, words)
    behind = 0
    label_before = ""
    for first, last, label in kept:
        adjacent = first == behind and label == label_before
        for i in range(first, last):
            tags[i] = f"{_letter(i == first, i == last - 1, adjacent, scheme)}-{label}"
        behind, label_before = last, label
    return tags, losses


def one_layer(spans: Iterable[Span], words: Words) -> tuple[list[Span], list[Loss]]:
    """The spans in indices of words, apart from each other, and what that leaves out or widens."""
    spans = sorted(set(spans))
    found = word_spans(spans, words)
    kept = longest_apart(found.values())
    held = set(kept)
    losses = [Loss("outside", span) for span in spans if span not in found]
    for span, wide in found.items():
        if (words[wide.start][0], words[wide.end - 1][1]) != (span.start, span.end):
            losses.append(Loss("cut", span))
    return kept, losses + [Loss("overlap", span) for span in found if found[span] not in held]


def word_spans(spans: Iterable[Span], words: Words) -> dict[Span, Span]:
    """For each span that touches a word: with indices of words for offsets, the words it touches.

    Different spans may touch the same words, and so become equal.
    """
    starts, ends = [start for start, _ in words], [end for _, end in words]
    found = {}
    for span in spans:
        first, behind = bisect_right(ends, span.start), bisect_left(starts, span.end)
        if first < behind:
            found[span] = Span(first, behind, span.label)
    return found


def _letter(first: bool, last: bool, adjacent: bool, scheme: Scheme | None) -> str:
    """The letter of a word of an entity; `adjacent` to one before it with the same label."""
    if scheme == "BIOES":
        return {(True, True): "S", (True, False): "B", (False, True): "E"}.get((first, last), "I")
    if scheme == "IOB1":
        return "B" if first and adjacent else "I"
    return "B" if first else "I"

"""What people search by: words and phrases, whatever their case and accents.

A text is read as words: runs of letters and digits, folded so that case, accents and composed
characters make no difference. Scripts that put no spaces between words are read sign by sign.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

_WORD = re.compile(r"[^\W_]+")
# Thai and Lao, Burmese, Khmer, kana, Chinese characters.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_PARTS = re.compile(r'["“”„«»]([^"“”„«»]*)(["“”„«»]?)|([^\s"“”„«»]+)')
_MOST_HITS = 200


@dataclass(frozen=True)
class Term:
    """What a text must contain: words that follow one another.

    Attributes:
        words: folded, at least one.
        prefix: whether the last one may go on.
    """

    words: tuple[str, ...]
    prefix: bool


def parse(query: str) -> list[Term]:
    """The terms of a query, all of which a text must contain.

    Words count in any order, and by their beginnings; "words in quotes" as they stand. Quotes that
    are still open reach to the end.
    """
    terms = []
    for phrase, closed, word in _PARTS.findall(query):
        words = tuple(_WORD.findall(folded(phrase or word)))
        if words:
            terms.append(Term(words, prefix=not closed))
    return list(dict.fromkeys(terms))


def folded(text: str) -> str:
    """The text in the one form in which case, accents and composed characters do not matter."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _UNSPACED.sub(r" \g<0> ", plain.translate(_marks()))


def hits(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Where the terms stand in a text: whole words, as offsets (start, end) in ascending order."""
    if not terms:
        return []
    words = _words(text)
    found: set[int] = set()
    for term in terms:
        last = len(term.words) - 1
        for place, (word, _, _) in enumerate(words):
            if not word.startswith(term.words[0]):  # most words end here
                continue
            these = [other for other, _, _ in words[place : place + last + 1]]
            if len(these) <= last or these[:last] != list(term.words[:last]):
                continue
            wanted = term.words[last]
            if these[last] == wanted or (term.prefix and these[last].startswith(wanted)):
                found.update(range(place, place + last + 1))
    return [words[place][1:] for place in sorted(found)[:_MOST_HITS]]


def _words(text: str) -> list[tuple[str, int, int]]:
    """The folded words of a text with their offsets in it."""
    if text.isascii():
        return [(word.group(), *word.span()) for word in _WORD.finditer(folded(text))]
    pieces = [folded(character) for character in text]
    origin = [place for place, piece in enumerate(pieces) for _ in piece]
    return [
        (word.group(), origin[word.start()], origin[word.end() - 1] + 1)
        for word in _WORD.finditer("".join(pieces))
    ]


@cache
def _marks() -> dict[int, None]:
    """A table for `str.translate` that takes away accents and other marks without width."""
    return {
        point: None
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) == "Mn"
    }

"""Words: the smallest stretches of a text that a tagger labels and that marking snaps to."""

from __future__ import annotations

from collections.abc import Iterable

import regex

#: Of one text: (start, end) of each word, in order and apart from each other.
Words = list[tuple[int, int]]

# Scripts that put no blanks between words: each character (with its marks) stands for itself.
_UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
)
_LETTER = rf"(?![{_UNSPACED}])\p{{L}}"
# \X is one character as people see it, with its marks and joiners; the look-ahead says of which
# kind it has to be. ASCII before ASCII needs no \X, which is slow.
_WORD = regex.compile(
    rf"(?=\p{{Nd}})\X(?:[.,]?(?=\p{{Nd}})\X)*+"  # 12.50, and the 5 of 5mg
    rf"|(?={_LETTER})\X(?:[a-zA-Z0-9](?=[\0-\x7f])|(?=[\p{{Nd}}\p{{Cf}}]|{_LETTER})\X)*+"
    r"|(?![\s\x1c-\x1f])\X"  # Übergröße, B12, h1n1 are above, here a sign, an emoji, 字
)


def words_of(text: str) -> Words:
    """The words of a text: runs of letters, numbers, and every other visible character by itself.

    Scripts written without blanks between words (Chinese, Japanese, Thai and others) give one
    word for each character. No word is split inside a character as people see it: combining
    marks, joiners and flags stay with what they belong to. Blanks belong to no word.
    """
    return [match.span() for match in _WORD.finditer(text)]


def joined(tokens: Iterable[str]) -> tuple[str, Words]:
    """The text made of tokens (none of them empty), and where each of them stands in it.

    Tokens are joined by blanks, but not between two characters of a script that has none, and
    not at all where such a text comes as single characters.
    """
    tokens = list(tokens)
    tight = all(len(token) == 1 for token in tokens) and any(map(_is_unspaced, tokens))
    parts: list[str] = []
    words: Words = []
    at = 0
    for token in tokens:
        if parts and not tight and not (_is_unspaced(parts[-1][-1]) and _is_unspaced(token[0])):
            parts.append(" ")
            at += 1
        parts.append(token)
        words.append((at, at + len(token)))
        at += len(token)
    return "".join(parts), words


_UNSPACED_CHARACTER = regex.compile(rf"[{_UNSPACED}\p{{P}}--\p{{ASCII}}]", regex.VERSION1)


def _is_unspaced(character: str) -> bool:
    return bool(_UNSPACED_CHARACTER.match(character))

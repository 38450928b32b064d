from __future__ import annotations

from itertools import pairwise

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alnlp.data.words import joined, words_of

#: Scripts, joiners, marks and signs that texts are made of, and the odd ones among them.
PIECES = [
    "the", "Über", "e\u0301", "12.50", "5mg", "U.S.", "don't", "科技", "すし", "ラーメン", "ﾊﾞ",
    "مَرْحَبًا", "שָׁלוֹם", "ภาษาไทย", "नमस्ते", "क्\u200dष", "한국어", "👩‍👩‍👧", "🇩🇪", "👍🏽", "1️⃣", "#",
    "\u200b", "\u200d", "\u0301", "\ufeff", "\xad", "\u0600", "\x1c", "\x85", "\u3000", " ", "  ",
    "\n", "\r\n", "\t", "…", "“", "，", "。", "𝔘", "A1",
]  # fmt: skip
anything = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
mixed = st.lists(st.sampled_from(PIECES) | anything, max_size=12).map("".join)


@settings(max_examples=500, deadline=None)
@given(mixed)
@example("9\u200d")
@example("a\u0600字")
def test_words_are_apart_in_order_and_cover_all_but_blanks(text: str) -> None:
    words = words_of(text)
    assert all(start < end for start, end in words)
    assert all(end <= start for (_, end), (start, _) in pairwise(words))
    covered = {at for start, end in words for at in range(start, end)}
    assert all(at in covered for at, sign in enumerate(text) if not sign.isspace())
    assert not any(text[start].isspace() for start, _ in words)


@settings(max_examples=500, deadline=None)
@given(mixed)
@example("9\u200d")
@example("1🏽2")
@example("x\u0600字y")
def test_no_word_cuts_a_character_as_people_see_it(text: str) -> None:
    inside = {at for m in regex.finditer(r"\X", text) for at in range(m.start() + 1, m.end())}
    for m in regex.finditer(r"\X", text):  # a mark on a blank has nothing else to stand on
        if m[0][0].isspace():
            inside -= set(range(m.start(), m.end()))
    assert not inside & {at for word in words_of(text) for at in word}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Take 12.50, or 5mg.", ["Take", "12.50", ",", "or", "5", "mg", "."]),
        ("Übergröße B12 h1n1", ["Übergröße", "B12", "h1n1"]),
        ("科技 tech", ["科", "技", "tech"]),
        ("👩‍👩‍👧🇩🇪👍🏽", ["👩‍👩‍👧", "🇩🇪", "👍🏽"]),
        ("مَرْحَبًا بك", ["مَرْحَبًا", "بك"]),
        ("क्\u200dषत्रिय", ["क्\u200dषत्रिय"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        (" \n\t", []),
        ("", []),
    ],
)
def test_words_of_known_texts(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in words_of(text)] == words


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | anything.filter(bool), max_size=12))
def test_joined_tokens_stand_at_their_offsets(tokens: list[str]) -> None:
    text, words = joined(tokens)
    assert [text[start:end] for start, end in words] == tokens
    gaps = zip([0, *(end for _, end in words)], [*(s for s, _ in words), len(text)], strict=True)
    assert {text[end:start] for end, start in gaps} <= {"", " "}


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["EU", "rejects", "it", "."], "EU rejects it ."),
        (["科", "技", "，", "好"], "科技，好"),
        (["科", "A", "I", "好"], "科AI好"),
        (["东京", "大学", "AI", "系"], "东京大学 AI 系"),
        ([], ""),
    ],
)
def test_joined_texts(tokens: list[str], text: str) -> None:
    assert joined(tokens)[0] == text

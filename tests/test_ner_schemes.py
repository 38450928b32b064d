"""Tags: schemes and their repairs, the words of spans, against slow references."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alnlp.data.ner.schemes import read_tags, scheme_of, write_tags
from alnlp.data.spans import Span, answer_of, longest_apart
from alnlp.data.words import Words, joined, words_of
from alnlp.errors import DataError
from alnlp.tags import UNKNOWN, encode, known_words

SEGMENTS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([None, "A", "B-b", "C.c"])), max_size=8
)


def slow_tags(segments: list[tuple[int, str | None]], scheme: str) -> list[str]:
    tags: list[str] = []
    for number, (size, label) in enumerate(segments):
        before = segments[number - 1][1] if number else None
        if label is None:
            tags += ["O"] * size
        elif scheme == "IOB1":
            tags += ["B-" + label if before == label else "I-" + label]
            tags += ["I-" + label] * (size - 1)
        elif scheme == "IOB2":
            tags += ["B-" + label] + ["I-" + label] * (size - 1)
        elif size == 1:
            tags += ["S-" + label]
        else:
            tags += ["B-" + label] + ["I-" + label] * (size - 2) + ["E-" + label]
    return tags


def tokens_of(count: int) -> tuple[str, Words]:
    return joined([f"w{i}" for i in range(count)])


@settings(deadline=None)
@given(SEGMENTS, st.sampled_from(["IOB1", "IOB2", "BIOES"]))
def test_schemes_agree_with_a_slow_reference(
    segments: list[tuple[int, str | None]], scheme: Any
) -> None:
    text, words = tokens_of(sum(size for size, _ in segments))
    spans, at = [], 0
    for size, label in segments:
        if label is not None:
            spans.append(Span(words[at][0], words[at + size - 1][1], label))
        at += size
    tags = slow_tags(segments, scheme)
    assert write_tags(spans, words, scheme) == (tags, [])
    assert scheme_of(tags) == (scheme if spans else None)
    assert read_tags(tags, words, text) == (spans, [])
    aliases = {"E": "L", "S": "U"}
    spelled = [aliases.get(tag[0], tag[0]) + tag[1:] for tag in tags]
    assert read_tags(spelled, words, text) == (spans, [])


@settings(deadline=None)
@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "E-A", "S-A"]), max_size=12))
def test_broken_tags_of_one_label_have_one_reading(tags: list[str]) -> None:
    from seqeval.metrics.sequence_labeling import get_entities

    text, words = tokens_of(len(tags))
    spans, repairs = read_tags(tags, words, text)
    expected = [(words[s][0], words[e][1], label) for label, s, e in get_entities(tags)]
    assert spans == expected
    for scheme in ("IOB1", "IOB2", "BIOES"):
        written, losses = write_tags(spans, words, scheme)
        assert not losses
        assert read_tags(written, words, text) == (spans, [])
        if written == tags:
            assert not repairs or scheme_of(tags) != scheme


@pytest.mark.parametrize(
    ("tags", "scheme", "spans", "repairs"),
    [
        ("O I-A I-A", "IOB2", ["w1 w2 A"], ["word 2 'w1': I-A read as B-A"]),
        ("O I-A I-A", None, ["w1 w2 A"], []),
        ("O B-A I-A", "IOB1", ["w1 w2 A"], ["word 2 'w1': B-A read as I-A"]),
        ("I-A I-B O", None, ["w0 A", "w1 B"], []),
        ("B-A B-A I-A", None, ["w0 A", "w1 w2 A"], []),
        ("S-A B-A I-A", None, ["w0 A", "w1 w2 A"], ["word 3 'w2': I-A read as E-A"]),
        ("B-A O S-B", None, ["w0 A", "w2 B"], ["word 1 'w0': B-A read as S-A"]),
        ("B-A M-A E-A", None, ["w0 w1 w2 A"], []),
        ("o 0 b-A", None, ["w2 A"], ["word 1 'w0': o read as O", "word 2 'w1': 0 read as O",
                                     "word 3 'w2': b-A read as B-A"]),
        ("B-PER-NOM I-PER-NOM O", None, ["w0 w1 PER-NOM"], []),
    ],
)  # fmt: skip
def test_tags_are_read_and_repaired(
    tags: str, scheme: Any, spans: list[str], repairs: list[str]
) -> None:
    text, words = tokens_of(3)
    found, said = read_tags(tags.split(), words, text, scheme)
    assert [f"{text[s.start : s.end]} {s.label}" for s in found] == spans
    assert said == repairs


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["B-A", "I-B", "O"], "got I-B for word 2 'w1' after B-A, expected the same label"),
        (["B-A", "E-B", "O"], "got E-B for word 2 'w1' after B-A"),
        (["S-A", "O", "U-A"], "got the letters S, U in one text"),
        (["X-A", "O", "O"], "got 'X-A' for word 1 'w0', expected O, or B, I, E or S"),
        (["PER", "O", "O"], "got 'PER' for word 1"),
        (["O", "B-", "O"], "got 'B-' for word 2"),
        (["O", "B", "O"], "got 'B' for word 2"),
        (["O", "", "O"], "got none for word 2"),
        (["O", "-", "B-A"], "got none for word 2"),
        (["O", None, "B-A"], "got none for word 2"),
        (["O", 3, "O"], "got the number 3 for word 2 'w1', expected a name such as B-PER"),
        (["O", True, "O"], "got True for word 2"),
        (["O", ["B-A"], "O"], "for word 2 'w1', expected a text"),
        (["O", "B-a\0", "O"], "expected valid characters"),
        (["O", "O"], "got 2 tags for 3 words, expected as many"),
    ],
)
def test_tags_with_several_readings_are_refused(tags: list[Any], message: str) -> None:
    text, words = tokens_of(3)
    with pytest.raises(DataError) as error:
        read_tags(tags, words, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_tags_cannot_say_is_told() -> None:
    text = "New York City hall"
    words = words_of(text)
    spans = [Span(0, 13, "LOC"), Span(4, 8, "X"), Span(14, 16, "CUT"), Span(13, 14, "BLANK")]
    tags, losses = write_tags(spans, words)
    assert tags == ["B-LOC", "I-LOC", "I-LOC", "B-CUT"]
    assert {(loss.what, loss.span.label) for loss in losses} == {
        ("overlap", "X"), ("cut", "CUT"), ("outside", "BLANK"),
    }  # fmt: skip


def slow_apart(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (span.start - span.end, span)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.builds(Span, st.integers(0, 9), st.integers(0, 9), st.sampled_from("AB"))))
def test_the_longest_spans_apart(found: list[Span]) -> None:
    spans = [Span(min(s, e), max(s, e), label) for s, e, label in found]
    assert longest_apart(spans) == slow_apart(spans)
    spans = [Span(s, e + 1, label) for s, e, label in spans]
    assert longest_apart(spans) == slow_apart(spans)


def test_words_of_spans_that_tags_cannot_hold_are_unknown() -> None:
    text = "University of New York City Hospital"
    spans = [Span(0, 22, "ORG"), Span(14, 27, "LOC"), Span(14, 17, "LOC")]
    found, left_out = encode(answer_of(spans), words_of(text), ["ORG", "LOC"])
    assert (found.tolist(), left_out) == ([1, 2, 2, 2, UNKNOWN, 0], 2)
    answer = answer_of(spans, [(0, 27)])
    found, _ = encode(answer, words_of(text), ["ORG", "LOC"])
    assert found.tolist() == [1, 2, 2, 2, UNKNOWN, UNKNOWN]
    assert known_words(answer, words_of(text)).tolist() == [True] * 5 + [False]

"""Metrics of named entities against plain sets of spans."""

import random
import warnings
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alnlp import metrics
from alnlp.data.words import Words, words_of
from alnlp.errors import DataError
from alnlp.tasks import Task

# Names that seqeval itself takes for one type, and one that looks like a tag.
LABELS = ("drug", "-drug", "B-drug")
FLAT, NESTED = Task("ner", LABELS), Task("ner", LABELS, overlaps=True)
NOTHING = {"spans": []}
Triple = tuple[int, int, str]

# Seven words of two to four characters, a blank between them.
TEXT = "aa bbb cc dddd ee ff ggg"
WORDS = words_of(TEXT)


def answer(*spans: Triple, confirmed: list[list[int]] | None = None) -> dict:
    listed = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    return {"spans": listed} if confirmed is None else {"spans": listed, "confirmed": confirmed}


def over(first: int, behind: int, label: str = "drug") -> Triple:
    """The span over some words of TEXT."""
    return WORDS[first][0], WORDS[behind - 1][1], label


@st.composite
def word_spans(draw: st.DrawFn, flat: bool) -> set[Triple]:
    """Labelled ranges of word indices."""
    ends = st.integers(0, len(WORDS))
    label = st.sampled_from(LABELS)
    if not flat:
        drawn = draw(st.lists(st.tuples(ends, ends, label), max_size=6))
        return {(min(s, e), max(s, e), name) for s, e, name in drawn if s != e}
    cuts = sorted(draw(st.sets(ends)))
    return {(s, e, draw(label)) for s, e in pairwise(cuts) if draw(st.booleans())}


def answers(flat: bool) -> st.SearchStrategy[list[tuple[set[Triple], set[Triple]]]]:
    return st.lists(st.tuples(word_spans(flat), word_spans(flat)), min_size=1, max_size=4)


def share(one: Triple, other: Triple) -> bool:
    return one[2] == other[2] and any(
        word in range(other[0], other[1]) for word in range(one[0], one[1])
    )


def slow_counts(pairs: list[tuple[set[Triple], set[Triple]]], labels: set[str]) -> dict[str, float]:
    """Everything that is counted, for some labels together."""
    counts = dict.fromkeys(("exact", "partial", "missed", "spurious", "gold", "found"), 0.0)
    for gold, found in pairs:
        for span in gold:
            if span[2] not in labels:
                continue
            counts["gold"] += 1
            if span in found:
                counts["exact"] += 1
            elif any(share(span, other) for other in found):
                counts["partial"] += 1
            else:
                counts["missed"] += 1
        for span in found:
            if span[2] in labels:
                counts["found"] += 1
                counts["spurious"] += not any(share(span, other) for other in gold)
    return counts


def slow_rates(counts: dict[str, float]) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    both = counts["gold"] + counts["found"]
    return (
        counts["exact"] / counts["found"] if counts["found"] else 0.0,
        counts["exact"] / counts["gold"] if counts["gold"] else 0.0,
        2 * counts["exact"] / both if both else 0.0,
    )


COUNTED = ("exact", "partial", "missed", "spurious")


def agrees(task: Task, pairs: list[tuple[set[Triple], set[Triple]]]) -> None:
    gold = [answer(*(over(*span) for span in spans)) for spans, _ in pairs]
    found = [answer(*(over(*span) for span in spans)) for _, spans in pairs]
    words = [WORDS] * len(pairs)
    result = metrics.compute(task, gold, found, words)

    counts = slow_counts(pairs, set(LABELS))
    precision, recall, f1 = slow_rates(counts)
    by_label = {label: slow_counts(pairs, {label}) for label in LABELS}
    present = [c for c in by_label.values() if c["gold"] or c["found"]]
    macro = sum(slow_rates(c)[2] for c in present) / len(present) if present else 0.0
    assert result == pytest.approx(
        {
            "span_f1": f1,
            "precision": precision,
            "recall": recall,
            "macro_f1": macro,
            **{name: counts[name] for name in COUNTED},
            "left_out": 0.0,
        }
    )
    assert next(iter(result)) == "span_f1"

    figures = metrics.per_label(task, gold, found, words)
    assert list(figures) == list(LABELS)
    for label, own in by_label.items():
        precision, recall, f1 = slow_rates(own)
        assert figures[label] == pytest.approx(
            {
                "precision": precision,
                "recall": recall,
                "f1": f1,
                "support": own["gold"],
                **{name: own[name] for name in COUNTED},
            }
        )


@given(answers(flat=True))
@settings(max_examples=60, deadline=None)
def test_flat_spans_agree_with_sets(pairs: list[tuple[set[Triple], set[Triple]]]) -> None:
    agrees(FLAT, pairs)


@given(answers(flat=False))
@settings(max_examples=60, deadline=None)
def test_overlapping_spans_agree_with_sets(pairs: list[tuple[set[Triple], set[Triple]]]) -> None:
    agrees(NESTED, pairs)


@given(
    word_spans(flat=True),
    word_spans(flat=True),
    st.lists(st.integers(0, 7), min_size=2, max_size=2, unique=True),
)
@settings(max_examples=60, deadline=None)
def test_only_confirmed_words_are_compared(
    gold: set[Triple], found: set[Triple], edges: list[int]
) -> None:
    first, behind = sorted(edges)
    gold = {span for span in gold if first <= span[0] and span[1] <= behind}
    confirmed = [[WORDS[first][0], WORDS[behind - 1][1]]]
    result = metrics.compute(
        FLAT,
        [answer(*(over(*span) for span in gold), confirmed=confirmed)],
        [answer(*(over(*span) for span in found))],
        [WORDS],
    )
    inside = {(max(s, first), min(e, behind), k) for s, e, k in found if s < behind and e > first}
    counts = slow_counts([(gold, {span for span in inside if span[0] < span[1]})], set(LABELS))
    assert {name: result[name] for name in COUNTED} == {name: counts[name] for name in COUNTED}
    assert result["span_f1"] == pytest.approx(slow_rates(counts)[2])


def test_a_span_between_two_confirmed_stretches_is_compared_in_both() -> None:
    gold = answer(over(0, 1), confirmed=[list(WORDS[0]), list(WORDS[2])])
    result = metrics.compute(FLAT, [gold], [answer(over(0, 4))], [WORDS])
    assert (result["exact"], result["spurious"]) == (1, 1)


def test_spans_are_widened_to_the_words_they_touch() -> None:
    gold, found = answer((1, 4, "drug")), answer((0, 6, "drug"))  # a|a b|bb and aa bbb
    assert metrics.compute(FLAT, [gold], [found], [WORDS])["span_f1"] == 1
    characters: Words = [(at, at + 1) for at in range(len(TEXT))]
    assert metrics.compute(FLAT, [gold], [found], [characters])["span_f1"] == 0


def test_spans_that_words_cannot_tell_are_counted() -> None:
    gold = answer((3, 4, "drug"), (5, 6, "drug"))  # both on the word bbb
    result = metrics.compute(FLAT, [gold], [answer(over(1, 2))], [WORDS])
    assert (result["exact"], result["missed"], result["left_out"]) == (1, 0, 1)
    result = metrics.compute(FLAT, [answer((0, 2, "drug"))], [NOTHING], [WORDS[1:]])
    assert (result["missed"], result["left_out"]) == (0, 1)


def test_two_labels_on_one_word_are_both_counted() -> None:
    gold = answer((3, 4, "drug"), (5, 6, "B-drug"))
    result = metrics.compute(FLAT, [gold], [answer(over(1, 2))], [WORDS])
    assert (result["exact"], result["missed"], result["left_out"]) == (1, 1, 0)


@pytest.mark.parametrize("words", [[[]], [WORDS]])
@pytest.mark.parametrize("gold", [NOTHING, {"spans": [], "confirmed": [[0, 2]]}])
def test_no_entity_anywhere_is_no_warning(words: list[Words], gold: dict) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = metrics.compute(FLAT, [gold], [NOTHING], words)
        figures = metrics.per_label(FLAT, [gold], [NOTHING], words)
    assert set(result.values()) == {0.0}
    assert {value for row in figures.values() for value in row.values()} == {0.0}


def test_one_side_without_entities_is_no_warning() -> None:
    some = answer(over(0, 2), over(3, 4, "-drug"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        missed = metrics.compute(FLAT, [some], [NOTHING], [WORDS])
        spurious = metrics.compute(FLAT, [NOTHING], [some], [WORDS])
    assert (missed["missed"], missed["span_f1"]) == (2, 0)
    assert (spurious["spurious"], spurious["span_f1"]) == (2, 0)


def test_words_are_made_from_texts_or_asked_for() -> None:
    gold = [answer(over(0, 2))]
    assert metrics.compute(FLAT, gold, gold, texts=[TEXT])["span_f1"] == 1
    with pytest.raises(DataError, match="neither words nor texts"):
        metrics.compute(FLAT, gold, gold)
    with pytest.raises(DataError, match="words of 2 texts, expected 1"):
        metrics.compute(FLAT, gold, gold, [WORDS, WORDS])
    with pytest.raises(DataError, match="texts of 2 texts, expected 1"):
        metrics.compute(FLAT, gold, gold, texts=[TEXT, TEXT])


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([(0, 2, "dose")], "'dose'"),
        ([(0, 99, "drug")], "end 99"),
        ([(0, 5, "drug"), (3, 6, "drug")], "overlap"),
    ],
)
def test_unusable_spans_are_explained(spans: list[Triple], message: str) -> None:
    check: Callable = metrics.compute
    with pytest.raises(DataError, match=message):
        check(FLAT, [answer(*spans)], [NOTHING], texts=[TEXT])
    with pytest.raises(DataError, match=message):
        check(FLAT, [NOTHING], [answer(*spans)], texts=[TEXT])


def test_metric_serves_the_interface_of_evaluate() -> None:
    import evaluate

    metric = metrics.metric("ner")
    assert isinstance(metric, evaluate.Metric)
    metric.add_batch(
        references=[["B-PER", "I-PER", "O"], []], predictions=[["B-PER", "I-PER", "B-LOC"], []]
    )
    metric.add(reference=["O"], prediction=["I-LOC"])  # strict IOB2: an I alone is no entity
    result = metric.compute()
    per_type = result.pop("per_type")
    assert result == pytest.approx(
        {"span_f1": 2 / 3, "precision": 0.5, "recall": 1, "macro_f1": 0.5}
    )
    assert per_type == {
        "LOC": {"precision": 0, "recall": 0, "f1": 0, "support": 0},
        "PER": {"precision": 1, "recall": 1, "f1": 1, "support": 1},
    }


def test_figures_are_those_of_seqeval_on_plain_tags() -> None:
    from seqeval.metrics import f1_score, precision_score, recall_score
    from seqeval.scheme import IOB2

    task, draw = Task("ner", ("PER", "LOC")), random.Random(0)

    def tagged() -> tuple[list[str], list[Triple]]:
        tags, spans, at = ["O"] * len(WORDS), [], 0
        while at < len(WORDS):
            size, label = draw.randint(1, 3), draw.choice(task.labels)
            if draw.random() < 0.5 and at + size <= len(WORDS):
                tags[at : at + size] = [f"B-{label}"] + [f"I-{label}"] * (size - 1)
                spans.append(over(at, at + size, label))
            at += size
        return tags, spans

    gold, found = [tagged() for _ in range(500)], [tagged() for _ in range(500)]
    result = metrics.compute(
        task, [answer(*s) for _, s in gold], [answer(*s) for _, s in found], [WORDS] * 500
    )
    tags = [t for t, _ in gold], [t for t, _ in found]
    assert result["span_f1"] == pytest.approx(f1_score(*tags, mode="strict", scheme=IOB2))
    assert result["precision"] == pytest.approx(precision_score(*tags, mode="strict", scheme=IOB2))
    assert result["recall"] == pytest.approx(recall_score(*tags, mode="strict", scheme=IOB2))
    assert result["macro_f1"] == pytest.approx(f1_score(*tags, average="macro"))

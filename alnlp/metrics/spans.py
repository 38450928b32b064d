"""Metrics of named entities: spans that match exactly, over seqeval, and spans that nearly do.

Spans are compared after both sides were widened to the whole words that they touch: the smallest
stretch that a tagger can mark. Of a gold answer that the annotator confirmed only in part, only
the words inside of that part are compared; a predicted span is cut where it leaves them.

A span is right where start, end and label are (precision, recall, F1). Beyond that each gold span
is counted once: "exact", "partial" (not exact, but a predicted span of its label shares a word
with it) or "missed". A predicted span that shares no word with a gold span of its label is
"spurious". "left_out" counts the gold spans that words cannot tell: on no word at all, or on the
very words of another span of the same label.

Overlapping spans all count. One sequence of tags cannot hold them, so seqeval is given a further
sequence for each further layer of a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from alnlp.data.ner.schemes import word_spans
from alnlp.data.spans import Span, SpanAnswer, spans_of
from alnlp.data.words import Words
from alnlp.tags import known_words
from alnlp.tasks import Task

if TYPE_CHECKING:
    import evaluate

_COUNTS = ("exact", "partial", "missed", "spurious")
_RATES = ("precision", "recall", "f1", "support")

#: Of one text: gold and predicted spans with word indices for offsets, and its number of words.
_Pair = tuple[set[Span], set[Span], int]


def compute(
    task: Task, gold: Sequence[SpanAnswer], predicted: Sequence[SpanAnswer], words: Sequence[Words]
) -> dict[str, float]:
    """The figures of checked answers, see `alnlp.metrics.compute`."""
    pairs = _pairs(gold, predicted, words)
    rates = _rates(task, pairs)
    del rates["per_type"]
    counts = _counts(pairs)
    left_out = sum(
        len(answer["spans"]) - len(_in_words(answer, own))
        for answer, own in zip(gold, words, strict=True)
    )
    return {
        **rates,
        **{name: sum(counts[name, label] for label in task.labels) for name in _COUNTS},
        "left_out": left_out,
    }


def per_label(
    task: Task, gold: Sequence[SpanAnswer], predicted: Sequence[SpanAnswer], words: Sequence[Words]
) -> dict[str, dict[str, float]]:
    """The figures of each label, see `alnlp.metrics.per_label`."""
    pairs = _pairs(gold, predicted, words)
    rates, counts = _rates(task, pairs)["per_type"], _counts(pairs)
    return {
        label: {
            **rates.get(str(k), dict.fromkeys(_RATES, 0.0)),
            **{name: counts[name, label] for name in _COUNTS},
        }
        for k, label in enumerate(task.labels)
    }


@cache
def metric_class() -> type[evaluate.Metric]:
    """The `evaluate.Metric` over sequences of IOB2 tags."""
    # Made on first use: `evaluate` and seqeval (with scikit-learn) take seconds to import.
    import evaluate
    from datasets import Features, Value
    from datasets import Sequence as List
    from seqeval.metrics.v1 import precision_recall_fscore_support
    from seqeval.scheme import IOB2, Entities

    class Spans(evaluate.Metric):  # type: ignore[misc]
        """Precision, recall and F1 over strict IOB2: all types, their mean, and each by itself."""

        def _info(self) -> evaluate.MetricInfo:
            tags = List(Value("string"))
            return evaluate.MetricInfo(
                description="precision, recall and F1 of entities, overall and per type",
                citation="",
                inputs_description="",
                features=Features({"predictions": tags, "references": tags}),
            )

        def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
            gold, found = Entities(references, IOB2), Entities(predictions, IOB2)

            def rates(average: str | None) -> Any:
                return precision_recall_fscore_support(
                    references,
                    predictions,
                    average=average,
                    zero_division=0,
                    scheme=IOB2,
                    entities_true=gold,
                    entities_pred=found,
                )

            precision, recall, f1, _ = rates("micro")
            types = sorted(gold.unique_tags | found.unique_tags)  # the order of seqeval's arrays
            rows = zip(*rates(None), strict=True)
            figures = [dict(zip(_RATES, map(float, row), strict=True)) for row in rows]
            return {
                "span_f1": float(f1),
                "precision": float(precision),
                "recall": float(recall),
                "macro_f1": sum(row["f1"] for row in figures) / max(len(types), 1),
                "per_type": dict(zip(types, figures, strict=True)),
            }

    return Spans


def _pairs(
    gold: Sequence[SpanAnswer], predicted: Sequence[SpanAnswer], words: Sequence[Words]
) -> list[_Pair]:
    pairs = []
    for right, guess, own in zip(gold, predicted, words, strict=True):
        sides: list[Iterable[Span]] = [_in_words(right, own), _in_words(guess, own)]
        if "confirmed" in right:
            known = known_words(right, own).tolist()
            sides = [[part for span in side for part in _cut(span, known)] for side in sides]
        pairs.append((set(sides[0]), set(sides[1]), len(own)))
    return pairs


def _in_words(answer: SpanAnswer, words: Words) -> set[Span]:
    return set(word_spans(spans_of(answer), words).values())


def _cut(span: Span, known: Sequence[bool]) -> Iterable[Span]:
    """The stretches of a span whose words are known."""
    for is_known, run in groupby(range(span.start, span.end), key=known.__getitem__):
        if is_known:
            places = list(run)
            yield Span(places[0], places[-1] + 1, span.label)


def _counts(pairs: Iterable[_Pair]) -> Counter[tuple[str, str]]:
    """How often each of `_COUNTS` holds for a span of each label, by (name, label)."""
    counts: Counter[tuple[str, str]] = Counter()
    for gold, found, _ in pairs:
        counts.update(("exact", span.label) for span in gold & found)
        in_gold, in_found = _places(gold), _places(found)
        for span in gold - found:
            near = not in_found.isdisjoint(_places([span]))
            counts["partial" if near else "missed", span.label] += 1
        for span in found - gold:
            counts["spurious", span.label] += in_gold.isdisjoint(_places([span]))
    return counts


def _places(spans: Iterable[Span]) -> set[tuple[str, int]]:
    return {(span.label, word) for span in spans for word in range(span.start, span.end)}


def _rates(task: Task, pairs: Iterable[_Pair]) -> dict[str, Any]:
    # Types are written as numbers: seqeval strips "-" off names, which makes some of them equal.
    number = {label: k for k, label in enumerate(task.labels)}
    layers = [(layer, size) for gold, found, size in pairs for layer in _layers(gold, found)]
    result: dict[str, Any] = metric_class()(keep_in_memory=True).compute(
        references=[_tags(gold, size, number) for (gold, _), size in layers],
        predictions=[_tags(found, size, number) for (_, found), size in layers],
    )
    return result


def _layers(gold: set[Span], found: set[Span]) -> list[tuple[list[Span], list[Span]]]:
    """The spans of a text dealt out so that on no side spans of one layer overlap.

    A span on both sides is in the same layer on both. There is at least one layer, and one is
    enough where neither side overlaps itself.
    """
    layers: list[tuple[list[Span], list[Span]]] = [([], [])]
    for span in sorted(gold | found):
        holders = [span in gold, span in found]
        for layer in layers:
            # In order of their starts, the last span of a layer is the only one to run into.
            if all(
                not (holds and side and side[-1].end > span.start)
                for holds, side in zip(holders, layer, strict=True)
            ):
                break
        else:
            layer = ([], [])
            layers.append(layer)
        for holds, side in zip(holders, layer, strict=True):
            if holds:
                side.append(span)
    return layers


def _tags(spans: Iterable[Span], size: int, number: dict[str, int]) -> list[str]:
    tags = ["O"] * size
    for start, end, label in spans:
        tags[start:end] = [f"B-{number[label]}"] + [f"I-{number[label]}"] * (end - start - 1)
    return tags

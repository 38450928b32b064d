"""Metrics over scikit-learn and seqeval, in the form of the `evaluate` library, without network.

`evaluate.load("f1")` fetches a script from the hub. The same `evaluate.Metric` interface is served
here by classes of this package: `metric(kind)` gives one, `compute` is the short way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from alnlp.data.spans import SpanAnswer
from alnlp.data.words import Words, words_of
from alnlp.errors import DataError
from alnlp.metrics import labels, spans
from alnlp.tasks import Answer, Kind, Task

if TYPE_CHECKING:
    import evaluate


def compute(
    task: Task,
    gold: Sequence[Answer],
    predicted: Sequence[Answer],
    words: Sequence[Words] | None = None,
    texts: Sequence[str] | None = None,
) -> dict[str, float]:
    """How well the predicted answers match the gold ones.

    classification: accuracy, macro_f1. multilabel: subset_accuracy (all labels of an example
    right), micro_f1, macro_f1. ner: span_f1, precision, recall, macro_f1, and how many spans are
    exact, partial, missed, spurious and left_out, see `alnlp.metrics.spans`. Rates are floats
    between 0 and 1, counts are ints. A macro average is over the labels present in gold or
    predicted answers, so labels that never occur neither raise nor lower it. Where nothing was to
    be found and nothing was predicted, F1 is 0.

    Args:
        task: the kind of answers.
        gold: the right answers.
        predicted: as many others, in the same order.
        words: for ner, the words of each text; `words_of` the texts where None.
        texts: for ner, needed only without `words`; offsets outside of them are refused.

    Raises:
        DataError: no answer, different lengths, a label outside the task's, or no words for ner.
    """
    gold, predicted = _checked(task, gold, predicted, texts)
    if task.spans:
        return spans.compute(task, *_spans(gold, predicted), _words(len(gold), words, texts))
    return labels.compute(task, gold, predicted)


def per_label(
    task: Task,
    gold: Sequence[Answer],
    predicted: Sequence[Answer],
    words: Sequence[Words] | None = None,
    texts: Sequence[str] | None = None,
) -> dict[str, dict[str, float]]:
    """Precision, recall, f1 and support (gold count) of every label of the task, in its order.

    For ner also how many spans are exact, partial, missed and spurious. A figure with nothing to
    divide by is 0. Arguments and errors are those of `compute`.
    """
    gold, predicted = _checked(task, gold, predicted, texts)
    if task.spans:
        return spans.per_label(task, *_spans(gold, predicted), _words(len(gold), words, texts))
    return labels.per_label(task, gold, predicted)


def metric(kind: Kind) -> evaluate.Metric:
    """The `evaluate.Metric` of a kind of task, over class indices, 0/1 rows, or IOB2 tags."""
    made = spans.metric_class() if kind == "ner" else labels.metric_classes()[kind]
    return made(keep_in_memory=True)


def _checked(
    task: Task,
    gold: Sequence[Answer],
    predicted: Sequence[Answer],
    texts: Sequence[str] | None,
) -> tuple[list[Answer], list[Answer]]:
    if not gold or len(gold) != len(predicted):
        raise DataError(
            f"metrics: got {len(gold)} gold and {len(predicted)} predicted answers, "
            "expected the same number of each and at least one"
        )
    _check_count("texts", texts, len(gold))
    of_each = [None] * len(gold) if texts is None else texts
    return (
        [task.check(answer, text) for answer, text in zip(gold, of_each, strict=True)],
        [task.check(answer, text) for answer, text in zip(predicted, of_each, strict=True)],
    )


def _spans(
    gold: list[Answer], predicted: list[Answer]
) -> tuple[list[SpanAnswer], list[SpanAnswer]]:
    return cast(list[SpanAnswer], gold), cast(list[SpanAnswer], predicted)


def _words(
    count: int, words: Sequence[Words] | None, texts: Sequence[str] | None
) -> Sequence[Words]:
    _check_count("words", words, count)
    if words is not None:
        return words
    if texts is None:
        raise DataError("metrics: got neither words nor texts, expected the words of each text")
    return [words_of(text) for text in texts]


def _check_count(what: str, given: Sequence[object] | None, count: int) -> None:
    if given is not None and len(given) != count:
        raise DataError(f"metrics: got {what} of {len(given)} texts, expected {count}")

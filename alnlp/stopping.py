"""When to stop labelling: criteria that advise and say why; the person decides.

Most of them compare what successive models predict on one *stop set*: texts that nobody labels, as
many as can be had and drawn like the texts to come. Predictions are integer arrays over R rounds:

- one label a text: (R, N) class numbers;
- several labels: (R, N, K) of 0 and 1;
- named entities: (R, W), a class number for each of the W words of all texts, one text after the
  other.

A number below 0 says "no class of its own", such as a word outside of entities: it counts where
models agree or differ, and no F-measure is taken of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from alnlp.errors import StrategyError
from alnlp.signals import FloatArray, IntArray, finite

#: On fewer texts two models may agree by chance.
FEWEST = 50


@dataclass(frozen=True)
class Advice:
    """What one criterion says.

    Attributes:
        criterion: its name in `CRITERIA`.
        stop: whether it advises to stop; None where it cannot tell yet.
        reason: why, as a sentence for the person who decides.
        value: what was compared with the threshold; None where there is nothing to compare yet.
    """

    criterion: str
    stop: bool | None
    reason: str
    value: float | None = None


@dataclass(frozen=True)
class History:
    """What is known of the rounds so far; None where it is not known.

    Attributes:
        labels: answered examples.
        budget: how many may be answered in all.
        predictions: integers of shape (R, N) or (R, N, K), the newest last, as the module says.
        uncertainties: (N,) how unsure the newest model is of each text of the stop set: the
            entropy in nats (`scores.entropy` of its probabilities, for several labels
            `over_labels(entropy)`, for named entities the score "entropy:mean").
        curve: (R,) a metric of each round on the test set, the newest last.
        texts: how many texts the predictions are of, where they are of words.
    """

    labels: int | None = None
    budget: int | None = None
    predictions: IntArray | None = None
    uncertainties: FloatArray | None = None
    curve: FloatArray | None = None
    texts: int | None = None

    @property
    def compared(self) -> int | None:
        """How many texts the predictions are of."""
        if self.texts is not None or self.predictions is None:
            return self.texts
        return int(self.predictions.shape[1])


@dataclass(frozen=True)
class Criterion:
    """An entry of the catalogue.

    Attributes:
        judge: gives the advice, from the values of `needs`.
        needs: the names of attributes of `History`.
        summary: one line for the catalogue.
        source: the paper.
    """

    judge: Callable[..., Advice]
    needs: tuple[str, ...]
    summary: str
    source: str


def advise(history: History) -> list[Advice]:
    """The advice of every criterion for which enough is known, in the order of `CRITERIA`."""
    advice = []
    for criterion in CRITERIA.values():
        known = [getattr(history, name) for name in criterion.needs]
        if all(value is not None for value in known):
            advice.append(criterion.judge(*known))
    return advice


# How alike two models are -----------------------------------------------------------------------


def kappa(before: ArrayLike, after: ArrayLike) -> float | None:
    """Cohen's kappa of two arrays of classes of one shape: agreement beyond that of chance.

    Of several labels each yes or no is one decision. None where it is undefined: there is nothing
    to compare, or both say one and the same class throughout, so that chance alone would agree as
    often (0 / 0). Such a pair tells nothing of how settled the models are.

    Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological
    Measurement 1960.
    """
    before, after = _pair(before, after)
    _, codes = np.unique(np.stack([before.reshape(-1), after.reshape(-1)]), return_inverse=True)
    first, second = codes.reshape(2, -1)
    n, classes = len(first), int(codes.max(initial=0)) + 1
    # Whole numbers up to the last step, so that "by chance always" is recognised exactly.
    chance = int(np.bincount(first, minlength=classes) @ np.bincount(second, minlength=classes))
    if chance == n * n:
        return None
    return (n * int((first == second).sum()) - chance) / (n * n - chance)


def changed(before: ArrayLike, after: ArrayLike) -> float:
    """The share of texts (for named entities of words) whose prediction has changed, 0 to 1."""
    before, after = _pair(before, after)
    if not len(before):
        return 0.0
    return float((before != after).reshape(len(before), -1).any(axis=1).mean())


def f_change(before: ArrayLike, after: ArrayLike) -> float | None:
    """The predicted change of the F-measure from one model to the next, 0 to 1.

    For one class, with a texts given to it by both models, b by the earlier alone and c by the
    later alone, the F-measure of the earlier model as judged by the later is 2a / (2a + b + c),
    that of the later is 1, and the change is 1 - 2a / (2a + b + c). Texts that neither gives to the
    class do not count. For more than two classes this is the mean over the classes, each against
    the rest; a class that neither model predicts has no F-measure and is left out. None where that
    leaves no class. With the negative class of two as -1 it is the paper's own figure.

    Altschuler and Bloodgood, "Stopping Active Learning Based on Predicted Change of F Measure for
    Text Classification", ICSC 2019.
    """
    before, after = _pair(before, after)
    if before.ndim == 2:
        both = ((before > 0) & (after > 0)).sum(axis=0)
        given = (before > 0).sum(axis=0) + (after > 0).sum(axis=0)
    else:
        classes = max(before.max(initial=-1), after.max(initial=-1)) + 1
        both = _counts(before[before == after], classes)
        given = _counts(before, classes) + _counts(after, classes)
    seen = given > 0  # given = 2a + b + c
    return float((1 - 2 * both[seen] / given[seen]).mean()) if seen.any() else None


def _counts(classes: IntArray, several: int) -> IntArray:
    return np.bincount(classes[classes >= 0], minlength=several)


def _pair(before: ArrayLike, after: ArrayLike) -> tuple[IntArray, IntArray]:
    first, second = (np.asarray(given) for given in (before, after))
    if first.size and not (first.dtype.kind in "iub" and second.dtype.kind in "iub"):
        raise StrategyError(
            f"predictions: got {first.dtype} and {second.dtype}, expected whole numbers"
        )
    if first.shape != second.shape or first.ndim not in (1, 2):
        raise StrategyError(
            f"predictions: got shapes {first.shape} and {second.shape}, expected twice (N,) or "
            "twice (N, K): those of two models on one stop set"
        )
    return first.astype(np.int64), second.astype(np.int64)


# The criteria -----------------------------------------------------------------------------------


def budget(labels: int, limit: int) -> Advice:
    """Stop when as many examples are answered as were to be."""
    if labels >= limit:
        return Advice("budget", True, f"The budget of {limit} labels is used up.", float(labels))
    left = limit - labels
    return Advice(
        "budget", False, f"{left} of {limit} labels of the budget are left.", float(labels)
    )


def agreement(
    predictions: IntArray, texts: int, threshold: float = 0.99, window: int = 3
) -> Advice:
    """Stop when kappa of successive models, averaged over the window, reaches the threshold.

    Bloodgood and Vijay-Shanker, "A Method for Stopping Active Learning Based on Stabilizing
    Predictions and the Need for User-Adjustable Stopping", CoNLL 2009.
    """
    name = "agreement"
    if untold := _untold(name, predictions, texts, window):
        return untold
    mean = float(np.mean(_known(kappa, predictions, window)))
    stop = mean >= threshold
    says = f"{'reaches' if stop else 'is below'} {threshold:g}"
    return Advice(
        name,
        stop,
        f"The agreement of successive models on texts that nobody has answered (kappa), "
        f"{mean:.3f} on average over the last {window}, {says}.",
        mean,
    )


def classification_change(predictions: IntArray, texts: int) -> Advice:
    """Stop when two successive models predict the same for every text.

    Zhu, Wang and Hovy, "Multi-Criteria-Based Strategy to Stop Active Learning for Data
    Annotation", COLING 2008.
    """
    name = "classification_change"
    if untold := _untold(name, predictions, texts, 1):
        return untold
    share = changed(predictions[-2], predictions[-1])
    if share == 0:
        return Advice(name, True, "The newest model changed no prediction.", 0.0)
    return Advice(name, False, f"The newest model changed {share:.1%} of the predictions.", share)


def overall_uncertainty(
    uncertainties: FloatArray, predictions: IntArray, threshold: float = 0.01
) -> Advice:
    """Stop when the newest model is on average less unsure than the threshold.

    A model that has seen one answer only is sure of it everywhere, which tells nothing.

    Zhu, Wang and Hovy, "Multi-Criteria-Based Strategy to Stop Active Learning for Data
    Annotation", COLING 2008, after the mean confidence of Zhu and Hovy, "Active Learning for Word
    Sense Disambiguation with Methods for Addressing the Class Imbalance Problem", EMNLP 2007.

    Raises:
        StrategyError: a figure is not finite.
    """
    name = "overall_uncertainty"
    if not len(uncertainties):
        return Advice(name, True, "No unlabelled text is left to be unsure of.")
    if len(uncertainties) < FEWEST:
        return _too_short(name, len(uncertainties))
    newest = predictions[-1]
    if newest.size and (newest == newest.flat[0]).all():
        return Advice(name, None, "The newest model gives every text one and the same answer.")
    mean = float(finite(np.asarray(uncertainties, np.float64), "uncertainties").mean())
    stop = mean < threshold
    says = "below" if stop else "not below"
    return Advice(name, stop, f"The mean uncertainty of {mean:.4f} is {says} {threshold:g}.", mean)


def delta_f(predictions: IntArray, texts: int, threshold: float = 0.02, window: int = 3) -> Advice:
    """Stop when each of the last `window` predicted changes of F is below the threshold.

    See `f_change` for the paper and for more than two classes.
    """
    name = "delta_f"
    if untold := _untold(name, predictions, texts, window):
        return untold
    largest = max(_known(f_change, predictions, window))
    stop = largest < threshold
    says = "below" if stop else "not below"
    return Advice(
        name,
        stop,
        f"The largest of the last {window} predicted changes of the F-measure, {largest:.3f}, is "
        f"{says} {threshold:g}.",
        largest,
    )


def plateau(curve: FloatArray, least: float = 0.005, window: int = 3, fall: float = 0.02) -> Advice:
    """Stop when the learning curve no longer rises.

    The gain is the median of the last `window` rounds less that of the `window` rounds before; the
    curve is on a plateau when the gain is below `least`. After the gradient-based stopping of Laws
    and Schütze, "Stopping Criteria for Active Learning of Named Entity Recognition", COLING 2008,
    which takes an estimate of the performance where there is a measured one here; medians keep one
    lucky or unlucky round from deciding. A curve that falls by more than `fall` is no plateau: that
    is for a person to look into.

    Raises:
        StrategyError: a figure is not finite.
    """
    name = "plateau"
    if len(curve) < 2 * window:
        return _too_few(name, len(curve), 2 * window)
    values = finite(np.asarray(curve, np.float64), "curve")
    gain = float(np.median(values[-window:]) - np.median(values[-2 * window : -window]))
    found = f"The median of the last {window} rounds is {gain:+.4f} against the {window} before"
    if gain < -fall:
        reason = f"{found}: the newest models are worse, so look at the newest answers first."
        return Advice(name, None, reason, gain)
    stop = gain < least
    says = "less than" if stop else "at least"
    return Advice(name, stop, f"{found}, {says} {least:+g}.", gain)


def _untold(name: str, predictions: IntArray, texts: int, window: int) -> Advice | None:
    """What to say where successive predictions cannot be compared; None where they can."""
    if len(predictions) <= window:
        return _too_few(name, len(predictions), window + 1)
    if not texts:
        return Advice(name, None, "No text is left that nobody has answered.")
    if texts < FEWEST:
        return _too_short(name, texts)
    if len(_known(kappa, predictions, window)) < window:
        return Advice(
            name,
            None,
            "Two successive models gave one and the same answer to everything that nobody has "
            "answered, which tells nothing of how settled they are.",
        )
    return None


def _too_short(name: str, texts: int) -> Advice:
    return Advice(
        name, None, f"Only {texts} texts that nobody has answered were read, too few to tell."
    )


def _known(
    compare: Callable[[IntArray, IntArray], float | None], predictions: IntArray, window: int
) -> list[float]:
    """What successive models of the window come to, where that is defined."""
    last = pairwise(predictions[-window - 1 :])
    values = (compare(before, after) for before, after in last)
    return [value for value in values if value is not None]


def _too_few(name: str, rounds: int, needed: int) -> Advice:
    return Advice(
        name, None, f"It takes {needed} rounds, each with more answers, to tell; {rounds} so far."
    )


CRITERIA: dict[str, Criterion] = {
    "budget": Criterion(
        budget,
        needs=("labels", "budget"),
        summary="as many labels as were planned",
        source="",
    ),
    "agreement": Criterion(
        agreement,
        needs=("predictions", "compared"),
        summary="successive models agree on the stop set (kappa of 0.99, averaged over three)",
        source="Bloodgood and Vijay-Shanker 2009",
    ),
    "classification_change": Criterion(
        classification_change,
        needs=("predictions", "compared"),
        summary="the newest model changed no prediction on the stop set",
        source="Zhu, Wang and Hovy 2008",
    ),
    "overall_uncertainty": Criterion(
        overall_uncertainty,
        needs=("uncertainties", "predictions"),
        summary="the model is sure of nearly all unlabelled texts",
        source="Zhu and Hovy 2007; Zhu, Wang and Hovy 2008",
    ),
    "delta_f": Criterion(
        delta_f,
        needs=("predictions", "compared"),
        summary="the F-measure is predicted to change no more",
        source="Altschuler and Bloodgood 2019",
    ),
    "plateau": Criterion(
        plateau,
        needs=("curve",),
        summary="the learning curve no longer rises",
        source="after Laws and Schütze 2008",
    ),
}

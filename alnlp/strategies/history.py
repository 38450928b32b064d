"""What the rounds so far say of an example, and what it costs to label it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from alnlp.scores import margin, over_labels
from alnlp.signals import FloatArray, Signals
from alnlp.strategies.spec import ALL_TASKS, LABEL_TASKS, StrategySpec, highest
from alnlp.strategies.uncertainty import UNSURE, unsure


def weighted_fluctuation(uncertainties: Sequence[FloatArray]) -> FloatArray:
    """Uncertainty over R rounds, newest last, and how much it fluctuates: R times (N,) -> (N,).

    The mean in which each round weighs half of the next one, plus the variance over the rounds.
    The sum over past rounds is history uncertainty sampling (Davy and Luz, "Active Learning with
    History-Based Query Selection for Text Categorisation", ECIR 2007); the exponential weights and
    the fluctuation are those of Yao, Dou, Nie and Wen, "Looking Back on the Past: Active Learning
    with Historical Evaluation Results", TKDE 2020.
    """
    rounds = np.stack(uncertainties).astype(np.float64)
    weights = 0.5 ** np.arange(len(rounds))[::-1]
    result: FloatArray = weights @ rounds / weights.sum() + rounds.var(axis=0)
    return result


def label_flips(history: FloatArray, multilabel: bool = False) -> FloatArray:
    """How often the predicted label changed over R rounds: (R, N, K) -> (N,).

    Each of several labels counts for itself.
    """
    flips = np.zeros(history.shape[1])
    for before, after in pairwise(history):
        if multilabel:
            flips += ((before >= 0.5) != (after >= 0.5)).sum(axis=1)
        else:
            flips += before.argmax(axis=1) != after.argmax(axis=1)
    return flips


def fluctuation(signals: Signals) -> FloatArray:
    """`weighted_fluctuation` of the margin scores of the last rounds, (N,)."""
    score = over_labels(margin) if signals.multilabel else margin
    return weighted_fluctuation([score(probabilities) for probabilities in signals.history])


def label_flip(signals: Signals) -> FloatArray:
    """The number of flips, and below a whole one the margin score of the newest round, (N,).

    Of named entities, how many came or went over the rounds, and the margin of whole readings.

    Zhu and Ma, "Uncertainty-Based Active Learning with Instability Estimation for Text
    Classification", ACM TSLP 2012, for labels that do not stay; the margin breaks ties.
    """
    if signals.spans:
        came_or_went: FloatArray = signals.history.sum(axis=(0, 2), dtype=np.float64)
        return came_or_went + signals.score_of("sequence_margin") / 2
    score = over_labels(margin) if signals.multilabel else margin
    newest = score(signals.history[-1]).astype(np.float64)
    return label_flips(signals.history, signals.multilabel) + newest / 2


def cost_aware(signals: Signals) -> FloatArray:
    """Uncertainty per second that an annotator is expected to take, (N,).

    That of entities is per word, so what a whole text teaches is as many times more.

    Haertel, Seppi, Ringger and Carroll, "Return on Investment for Active Learning", NIPS Workshop
    on Cost-Sensitive Learning 2008.
    """
    benefit = unsure(signals)
    if signals.spans:
        benefit = benefit * signals.costs(np.arange(signals.size))
    return benefit / signals.seconds


ENTRIES: dict[str, StrategySpec] = {
    "fluctuation": StrategySpec(
        highest(fluctuation),
        LABEL_TASKS,
        needs=frozenset({"history"}),
        why="the model was unsure of it in the last rounds, or now and then",
        summary="weighted sum of the uncertainty of past rounds, plus its fluctuation",
        source="Davy and Luz 2007; Yao et al. 2020",
        score=fluctuation,
        explained_by=(weighted_fluctuation,),
    ),
    "label_flip": StrategySpec(
        highest(label_flip),
        ALL_TASKS,
        needs=frozenset({"history", "scores"}),
        why="the model changed its mind about it from round to round",
        summary="number of times that predicted labels or entities changed over the rounds",
        source="Zhu and Ma 2012",
        score=label_flip,
    ),
    "cost_aware": StrategySpec(
        highest(cost_aware),
        ALL_TASKS,
        needs=UNSURE | {"seconds"},
        why="the model is unsure of it, and it is quickly labelled",
        summary="uncertainty per second that labelling is expected to take",
        source="Haertel et al. 2008",
        score=cost_aware,
        # Time stands for length already, so that a budget of words does not divide again.
        per_word=True,
    ),
}

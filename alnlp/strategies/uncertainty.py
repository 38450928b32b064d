"""Uncertainty: the examples of which the newest model is least sure, and the draw at random."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from alnlp.scores import Score, entropy, least_confidence, margin, over_labels
from alnlp.signals import FloatArray, Signals
from alnlp.strategies.spec import (
    ALL_TASKS,
    Indices,
    SignalScore,
    StrategySpec,
    highest,
)

#: How the scores of the words of a text become one; the first is meant by a bare name. The mean
#: compares texts of any length fairly: the sum favours long texts, and so, less so, do the
#: maximum and the mean of the three highest. "entities" is the sum over the words that the model
#: takes for part of an entity, 0 where it sees none.
REDUCTIONS = ("mean", "max", "min", "sum", "top3", "entities")


def random(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n indices drawn uniformly without replacement; never runs a model."""
    return rng.choice(signals.size, size=n, replace=False)


def unsure(signals: Signals) -> FloatArray:
    """How unsure the newest model is of each of N texts, from 0 up, for strategies that build on
    it: the margin score of labels, MNLP for named entities.
    """
    if signals.spans:
        return signals.score_of("mnlp")
    return (over_labels(margin) if signals.multilabel else margin)(signals.probabilities)


#: What `unsure` reads.
UNSURE = frozenset({"probabilities", "scores"})


def _of_labels(name: str, score: Score, *, why: str, summary: str, source: str) -> StrategySpec:
    """An entry over the probabilities of labels: those of a text, or those of each of its words."""
    plain = StrategySpec(
        highest(lambda signals: score(signals.probabilities)),
        ALL_TASKS,
        frozenset({"probabilities"}),
        why,
        summary,
        source,
        lambda signals: score(signals.probabilities),
        explained_by=(score,),
    )

    def reading(of_texts: SignalScore, needs: str, *, per_word: bool = False) -> StrategySpec:
        return replace(
            plain, select=highest(of_texts), score=of_texts, needs=frozenset({needs}),
            per_word=per_word,
        )  # fmt: skip

    def reduced(how: str) -> StrategySpec:
        return reading(
            lambda signals: signals.score_of(f"{name}:{how}"), "scores", per_word=how == "mean"
        )

    def over(reduction: Literal["mean", "max"]) -> StrategySpec:
        of_texts = over_labels(score, reduction)
        return reading(lambda signals: of_texts(signals.probabilities), "probabilities")

    return replace(
        plain,
        variants={
            "multilabel": {"mean": over("mean"), "max": over("max")},
            "ner": {how: reduced(how) for how in REDUCTIONS},
        },
    )


def mnlp(signals: Signals) -> FloatArray:
    """How improbable the best tag sequence is, per word: (N,), from 0 up.

    The negative of its log-probability over the number of words; 0 for a text without words. Shen
    et al., "Deep Active Learning for Named Entity Recognition", ICLR 2018 (2017 as a preprint).
    """
    return signals.score_of("mnlp")


def sequence_margin(signals: Signals) -> FloatArray:
    """One minus the gap between the two most probable tag sequences: (N,), 0 to 1.

    Kim et al., "MMR-based Active Machine Learning for Bio Named Entity Recognition", HLT-NAACL
    2006; Settles and Craven, "An Analysis of Active Learning Strategies for Sequence Labeling
    Tasks", EMNLP 2008.
    """
    return signals.score_of("sequence_margin")


def lowest_token(signals: Signals) -> FloatArray:
    """One minus the probability of the least sure tag of the best sequence: (N,), 0 to 1.

    Marcheggiani and Artières, "An Experimental Comparison of Active Learning Strategies for
    Partially Labeled Sequences", EMNLP 2014.
    """
    return signals.score_of("lowest_token")


def _of_sequence(
    score: SignalScore, *, why: str, summary: str, source: str, per_word: bool = False
) -> StrategySpec:
    """An entry over the probabilities of whole tag sequences, for ner."""
    return StrategySpec(
        highest(score),
        ("ner",),
        frozenset({"scores"}),
        why,
        summary,
        source,
        score,
        per_word=per_word,
    )


ENTRIES: dict[str, StrategySpec] = {
    "random": StrategySpec(
        random,
        ALL_TASKS,
        needs=frozenset(),
        why="drawn at random",
        summary="a uniform draw; the line every other strategy has to beat",
        source="Lewis and Gale 1994",
    ),
    "margin": _of_labels(
        "margin",
        margin,
        why="the model hesitates between two labels",
        summary="smallest gap between the two most probable labels (breaking ties)",
        source="Scheffer et al. 2001",
    ),
    "entropy": _of_labels(
        "entropy",
        entropy,
        why="the model spreads its belief over several labels",
        summary="largest entropy of the predicted distribution",
        source="Settles 2009",
    ),
    "least_confidence": _of_labels(
        "least_confidence",
        least_confidence,
        why="the model is least sure of its best label",
        summary="lowest probability of the most probable label",
        source="Lewis and Gale 1994",
    ),
    "mnlp": _of_sequence(
        mnlp,
        why="the model is unsure of the entities of this text as a whole",
        summary="lowest log-probability of the best tag sequence, per word (MNLP)",
        source="Shen et al. 2017",
        per_word=True,
    ),
    "sequence_margin": _of_sequence(
        sequence_margin,
        why="the model hesitates between two readings of this text",
        summary="smallest gap between the two most probable tag sequences (N-best margin)",
        source="Kim et al. 2006; Settles and Craven 2008",
    ),
    "lowest_token": _of_sequence(
        lowest_token,
        why="the model is unsure of one word of this text",
        summary="lowest probability of a single tag of the best sequence",
        source="Marcheggiani and Artières 2014",
    ),
}

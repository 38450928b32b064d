"""Bayesian strategies: what several passes with dropout left on disagree about."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alnlp.scores import Score, entropy, least_confidence, over_labels
from alnlp.signals import FloatArray, Signals
from alnlp.strategies.spec import (
    LABEL_TASKS,
    Indices,
    SignalScore,
    Strategy,
    StrategySpec,
    highest,
    top,
)

#: BatchBALD looks at so many texts with the highest BALD scores; with batches of 50 these are the
#: 20 for each that the authors' code keeps at least.
_CANDIDATES = 1000
#: The joint entropy is summed over all configurations of answers up to so many, and estimated from
#: so many drawn ones beyond; fewer where a step would take more than `_NUMBERS` logarithms.
_CONFIGURATIONS = 2000
_NUMBERS = 10_000_000
#: An answer that is expected to tell fewer nats about the model tells nothing.
_NOTHING = 1e-6


def vote_shares(members: FloatArray, multilabel: bool = False) -> FloatArray:
    """The share of M members that say each class, or that say yes to each label.

    (M, N, K) probabilities -> (N, K). Each member votes for its most probable class, for several
    labels it says yes from a probability of 0.5.
    """
    votes = np.zeros(members.shape[1:])
    for member in members:
        if multilabel:
            votes += member >= 0.5
        else:
            votes[np.arange(len(votes)), member.argmax(axis=1)] += 1
    return votes / len(members)


def consensus(members: FloatArray) -> FloatArray:
    """The mean of M members' probabilities: (M, N, K) -> (N, K)."""
    result: FloatArray = members.mean(axis=0, dtype=np.float64)
    return result


def disagreement(members: FloatArray, uncertainty: Score = entropy) -> FloatArray:
    """The entropy of the mean less the mean of the entropies: (M, N, K) -> (N,), in nats.

    Args:
        members: probabilities of M models or passes.
        uncertainty: `entropy`, or for independent labels its mean over labels.
    """
    each = np.zeros(members.shape[1])
    for member in members:
        each += uncertainty(member.astype(np.float64))
    # The difference is never below 0, but its rounding errors are.
    return np.maximum(uncertainty(consensus(members)) - each / len(members), 0.0)


def bald(samples: FloatArray, multilabel: bool = False) -> FloatArray:
    """How much a label would tell about the model, in nats: (S, N, K) -> (N,).

    The mutual information of the label and the weights; the mean over independent labels. Houlsby
    et al., "Bayesian Active Learning for Classification and Preference Learning", 2011; Gal, Islam
    and Ghahramani, "Deep Bayesian Active Learning with Image Data", ICML 2017.
    """
    return disagreement(samples, over_labels(entropy) if multilabel else entropy)


def variation_ratios(samples: FloatArray, multilabel: bool = False) -> FloatArray:
    """The share of S passes that do not say the commonest answer: (S, N, K) -> (N,).

    The mean over independent labels. Freeman, "Elementary Applied Statistics", 1965; Gal et al.,
    ICML 2017.
    """
    score = over_labels(least_confidence) if multilabel else least_confidence
    return score(vote_shares(samples, multilabel))


def mean_std(samples: FloatArray) -> FloatArray:
    """The standard deviation over S passes, its mean over K classes: (S, N, K) -> (N,).

    The same for independent labels, as a probability and its complement deviate alike. Kampffmeyer,
    Salberg and Jenssen, "Semantic Segmentation of Small Objects and Modeling of Uncertainty in
    Urban Remote Sensing Images Using Deep Convolutional Neural Networks", CVPR Workshops 2016; Gal
    et al., ICML 2017.
    """
    mean = consensus(samples)
    squares = np.zeros(mean.shape)
    for sample in samples:
        squares += (sample - mean) ** 2
    result: FloatArray = np.sqrt(squares / len(samples)).mean(axis=1)
    return result


def power(scores: FloatArray, n: int, rng: np.random.Generator) -> Indices:
    """n of (N,) scores drawn without replacement, each time in proportion to what is left.

    The n highest logarithms after Gumbel noise is added are such a draw (Gumbel-top-k). Scores of
    0 come last, in random order. Kirsch et al., "Stochastic Batch Acquisition: A Simple Baseline
    for Deep Active Learning", TMLR 2023 (2021 as a preprint), with the exponent 1.
    """
    logs = np.log(np.maximum(scores, np.finfo(np.float64).tiny))
    return top(logs + rng.gumbel(size=len(logs)), n, rng)


class _Configurations:
    """The answers that a batch may get, and how probable each pass holds each of them.

    Attributes:
        logs: (C, S), the log probability of each configuration under each pass.
        drawn: whether these are drawn ones, of which each counts the same, rather than all.
    """

    def __init__(self, passes: int, limit: int) -> None:
        self.logs = np.zeros((1, passes))
        self.drawn = False
        self._limit = limit
        self._added: list[FloatArray] = []

    def add(self, probabilities: FloatArray, rng: np.random.Generator) -> None:
        """Another text joins the batch, with (S, K) probabilities of its answers."""
        self._added.append(probabilities)
        passes, classes = probabilities.shape
        if not self.drawn and len(self.logs) * classes <= self._limit:
            longer = self.logs[:, None, :] + _logs(probabilities).T[None]
            self.logs = longer.reshape(-1, passes)
        elif self.drawn:
            self._draw(probabilities, rng)
        else:
            self.drawn = True
            self.logs = np.zeros((self._limit, passes))
            for added in self._added:
                self._draw(added, rng)

    def _draw(self, probabilities: FloatArray, rng: np.random.Generator) -> None:
        # Each configuration belongs to one pass and draws its answers from that; all passes draw
        # equally many, so that what the passes are sure of adds no noise.
        own = np.arange(len(self.logs)) % len(probabilities)
        reached = probabilities.cumsum(axis=1)[own]
        level = rng.random((len(own), 1)) * reached[:, -1:]
        answers = (reached[:, :-1] <= level).sum(axis=1)
        self.logs += _logs(probabilities)[:, answers].T

    def expected_entropy(self, samples: FloatArray) -> FloatArray:
        """The entropy of one more answer once the batch is answered: (S, N, K) -> (N,)."""
        highest_logs = self.logs.max(axis=1, keepdims=True)
        posterior = np.exp(self.logs - highest_logs)
        mass = posterior.sum(axis=1)
        posterior /= mass[:, None]
        weights = mass * np.exp(highest_logs[:, 0])
        weights = np.full(len(mass), 1 / len(mass)) if self.drawn else weights / weights.sum()
        result = np.zeros(samples.shape[1])
        # Class by class, as to sum over a short last axis takes numpy longer than the logarithms.
        for k in range(samples.shape[2]):
            probable = posterior @ samples[:, :, k]
            result -= weights @ (probable * _logs(probable))
        return result


def _logs(probabilities: FloatArray) -> FloatArray:
    result: FloatArray = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    return result


def greedy_information(
    samples: FloatArray, n: int, limit: int, rng: np.random.Generator
) -> list[int]:
    """At most n of N texts whose answers together tell the most about the model, greedily.

    By the chain rule, what a text adds to the joint mutual information of a batch is the entropy of
    its answer that is expected to be left once the batch is answered, less its mean entropy under
    the single passes. It ends early when no text adds anything: S passes are told apart by log S
    nats. Kirsch, van Amersfoort and Gal, "BatchBALD: Efficient and Diverse Batch Acquisition for
    Deep Bayesian Active Learning", NeurIPS 2019.

    Args:
        samples: (Q, S, N, K) probabilities; Q is 1, or the number of independent yes/no questions
            about each text, over which the information is summed.
        n: the size of the batch.
        limit: how many configurations of answers are looked at.
        rng: for ties and for drawing configurations.
    """
    questions, passes, size, _ = samples.shape
    batches = [_Configurations(passes, limit) for _ in range(questions)]
    within = sum(entropy(each) for question in samples for each in question) / passes
    chosen: list[int] = []
    for _ in range(min(n, size)):
        gains = -within + sum(
            batch.expected_entropy(each) for batch, each in zip(batches, samples, strict=True)
        )
        gains[chosen] = -np.inf
        if gains.max() <= _NOTHING:
            break
        best = int(rng.choice(np.flatnonzero(gains == gains.max())))
        chosen.append(best)
        for batch, each in zip(batches, samples, strict=True):
            batch.add(each[:, best], rng)
    return chosen


def questions_of(samples: FloatArray, multilabel: bool) -> FloatArray:
    """(S, N, K) as one question, (1, S, N, K), or as K yes/no questions, (K, S, N, 2)."""
    samples = samples.astype(np.float64)
    if not multilabel:
        return samples[None]
    yes = samples.transpose(2, 0, 1)
    return np.stack([1.0 - yes, yes], axis=3)


def batchbald(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """The batch of n texts whose labels together tell the most about the model.

    Among the `_CANDIDATES` texts of the highest BALD scores, as the authors' code can; where these
    add nothing more, the highest BALD scores follow.
    """
    scores = bald(signals.samples, signals.multilabel)
    order = top(scores, min(max(n, _CANDIDATES), signals.size), rng)
    samples = questions_of(signals.samples[:, order[:_CANDIDATES]], signals.multilabel)
    questions, passes, size, classes = samples.shape
    affordable = min(_CONFIGURATIONS, _NUMBERS // (questions * size * classes))
    # A multiple of the passes, so that each may draw equally many.
    limit = passes * max(10, affordable // passes)
    chosen = greedy_information(samples, n, limit, rng)
    rest = np.delete(np.arange(len(order)), chosen)
    result: Indices = order[np.concatenate([np.array(chosen, dtype=np.int64), rest])[:n]]
    return result


def _power_bald(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    return power(bald(signals.samples, signals.multilabel), n, rng)


def _of_samples(
    select: Strategy,
    *explained_by: Callable[..., object],
    why: str,
    summary: str,
    source: str,
    score: SignalScore | None = None,
) -> StrategySpec:
    return StrategySpec(
        select, LABEL_TASKS, frozenset({"samples"}), why, summary, source, score,
        explained_by=explained_by,
    )  # fmt: skip


def _by_score(
    score: SignalScore, explained_by: Callable[..., object], *, why: str, summary: str, source: str
) -> StrategySpec:
    return _of_samples(
        highest(score), explained_by, why=why, summary=summary, source=source, score=score
    )


ENTRIES: dict[str, StrategySpec] = {
    "bald": _by_score(
        lambda signals: bald(signals.samples, signals.multilabel),
        bald,
        why="the model is sure each time it is asked, but not of the same label",
        summary="mutual information of the label and the model under dropout (BALD)",
        source="Houlsby et al. 2011; Gal et al. 2017",
    ),
    "batchbald": _of_samples(
        batchbald,
        batchbald,
        greedy_information,
        why="the labels of this batch together tell the model the most",
        summary="greedy joint mutual information of a batch under dropout (BatchBALD)",
        source="Kirsch et al. 2019",
    ),
    "power_bald": _of_samples(
        _power_bald,
        power,
        why="drawn at random, rather where the model disagrees with itself",
        summary="a draw in proportion to the BALD score (PowerBALD)",
        source="Kirsch et al. 2023",
    ),
    "variation_ratios": _by_score(
        lambda signals: variation_ratios(signals.samples, signals.multilabel),
        variation_ratios,
        why="the model changes its label from one pass to the next",
        summary="share of passes under dropout that leave the commonest label",
        source="Freeman 1965; Gal et al. 2017",
    ),
    "mean_std": _by_score(
        lambda signals: mean_std(signals.samples),
        mean_std,
        why="the model's probabilities vary from one pass to the next",
        summary="standard deviation of the probabilities under dropout, mean over labels",
        source="Kampffmeyer et al. 2016; Gal et al. 2017",
    ),
}

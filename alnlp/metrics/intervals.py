"""What a few randomly drawn answers say of a model: figures with intervals that can be believed.

Each figure is a posterior. The texts weigh at random, each as much as any other on average, which
is what their being a random draw leaves open (Rubin, "The Bayesian Bootstrap", The Annals of
Statistics 1981); and texts are made up beside them, for what few texts cannot show. Those of a
label follow a rate that all labels share, itself unknown: it is learnt from the labels, of which
none counts for much, since a label with many answers says little of one with none (Gelman and
others, "Bayesian Data Analysis", 2013, chapter 5, has such hierarchical rates).

The value of each is the mean of its posterior: of accuracy as of F1, so that they can be compared.
With few answers it is nearer to the middle than what was counted, as the interval is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]

_DRAWS = 4000
#: Of texts, that are held in memory at once.
_WEIGHTS_AT_ONCE = 4_000_000
#: Texts made up beside those that a label occurs in; and the most that a label's own texts count
#: towards the rate by which these are made up. By simulation of 2 to 20 labels, alike or not.
_PULL, _VOTE = 2.0, 0.5
#: The weight of two texts made up beside those drawn: one with all of its entities found, and one
#: with none, as many as the others have.
_MADE_UP = 0.5


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval of 95%."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """As JSON-able values."""
        return asdict(self)

    @staticmethod
    def of(draws: FloatArray) -> Estimate:
        """From draws of the posterior: their mean, and where 2.5% lie below and above."""
        low, high = np.quantile(draws, (0.025, 0.975))
        return Estimate(float(draws.mean()), float(low), float(high))

    def holding(self, counted: float) -> Estimate:
        """The same with an interval that holds what was counted as well."""
        return replace(self, low=min(self.low, counted), high=max(self.high, counted))

    def at(self, counted: float) -> Estimate:
        """The same with what was counted for its value."""
        return replace(self.holding(counted), value=counted)


def of_classes(
    gold: IntArray, predicted: IntArray, labels: int, rng: np.random.Generator
) -> tuple[dict[str, Estimate], list[Estimate]]:
    """Accuracy and macro F1 over all texts, and the F1 of each label.

    Args:
        gold: (n,) the right labels of texts drawn at random, by number.
        predicted: (n,) what the model said of them.
        labels: how many labels there are.
        rng: of the draws.
    """
    every = np.eye(labels, dtype=np.int64)
    f1 = _of_labels(every[gold], every[predicted], rng)
    figures = {
        "accuracy": _of_share(gold == predicted, rng),
        "macro_f1": Estimate.of(f1.mean(axis=1)),
    }
    return figures, [Estimate.of(column) for column in f1.T]


def of_label_sets(
    gold: IntArray, predicted: IntArray, rng: np.random.Generator
) -> tuple[dict[str, Estimate], list[Estimate]]:
    """Subset accuracy, micro and macro F1 over all texts, and the F1 of each of K labels.

    Without labels there is no F1.

    Args:
        gold: (n, K) 0/1, the right labels of texts drawn at random.
        predicted: (n, K) 0/1, what the model said of them.
        rng: of the draws.
    """
    figures = {"subset_accuracy": _of_share((gold == predicted).all(axis=1), rng)}
    if not gold.shape[1]:
        return figures, []
    f1 = _of_labels(gold, predicted, rng)
    sums = ((gold & predicted).sum(axis=1), gold.sum(axis=1), predicted.sum(axis=1))
    figures |= {"micro_f1": of_counts(*sums, rng), "macro_f1": Estimate.of(f1.mean(axis=1))}
    return figures, [Estimate.of(column) for column in f1.T]


def of_counts(
    exact: IntArray, gold: IntArray, predicted: IntArray, rng: np.random.Generator
) -> Estimate:
    """Micro F1 of entities or labels over all texts, by a Bayesian bootstrap over texts.

    What is in one text is not independent, so that texts weigh, not entities or labels.

    Args:
        exact: (n,) entities found exactly in each text drawn at random, or labels.
        gold: (n,) of them there are.
        predicted: (n,) of them predicted.
        rng: of the draws.
    """
    usual = max((gold.mean() + predicted.mean()) / 2, 1.0)
    prior = np.append(np.ones(len(gold)), [_MADE_UP, _MADE_UP])
    found = np.append(exact, [usual, 0.0])
    needed = np.append((gold + predicted) / 2, [usual, usual])
    at_once = max(1, _WEIGHTS_AT_ONCE // len(prior))
    drawn = []
    for done in range(0, _DRAWS, at_once):
        weights = rng.dirichlet(prior, min(at_once, _DRAWS - done))
        drawn.append((weights @ found) / (weights @ needed))
    return Estimate.of(np.concatenate(drawn))


def of_difference(
    first: tuple[FloatArray, FloatArray],
    second: tuple[FloatArray, FloatArray],
    rng: np.random.Generator,
) -> Estimate:
    """How far two models differ that are judged by the same texts, by a Bayesian bootstrap.

    Rubin, "The Bayesian Bootstrap", The Annals of Statistics 1981.

    Args:
        first: of one model, (n,) what it found in each text, and (n,) what there was to be found.
        second: the same of the other, whose figure is taken off.
        rng: of the draws.
    """
    # Two texts made up, one won by each: few texts on which both agree do not settle that they are
    # equally good.
    weights = rng.dirichlet(np.append(np.ones(len(first[0])), [_MADE_UP, _MADE_UP]), _DRAWS)
    drawn, values = [], []
    for (hits, needed), won in ((first, [1.0, 0.0]), (second, [0.0, 1.0])):
        usual = max(float(needed.mean()), 0.5)
        over = weights @ np.append(needed, [usual, usual])
        drawn.append(weights @ np.append(hits, np.multiply(won, usual)) / over)
        values.append(float(hits.sum() / max(needed.sum(), 1e-12)))
    return Estimate.of(drawn[0] - drawn[1]).at(values[0] - values[1])


def of_rate(hits: float, n: float) -> Estimate:
    """A share of hits among n, with the interval after Jeffreys.

    Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science
    2001.
    """
    from scipy.special import betaincinv

    value = hits / n
    low, high = (float(betaincinv(hits + 0.5, n - hits + 0.5, q)) for q in (0.025, 0.975))
    return Estimate(value, min(low, value), max(high, value))


def of_unpaired(first: Estimate, second: Estimate) -> Estimate:
    """By how much one rate is higher than another, of different texts, from their intervals.

    Newcombe, "Interval Estimation for the Difference Between Independent Proportions", Statistics
    in Medicine 1998, method 10.
    """
    value = first.value - second.value
    low = np.hypot(first.value - first.low, second.high - second.value)
    high = np.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, value - float(low), value + float(high))


def _of_share(hits: NDArray[np.bool_], rng: np.random.Generator) -> Estimate:
    """The share of texts (n,) that are hits, with the interval after Jeffreys."""
    drawn = rng.beta(hits.sum() + 0.5, (~hits).sum() + 0.5, _DRAWS)
    return Estimate.of(drawn).holding(float(hits.mean()))


def _of_labels(gold: IntArray, predicted: IntArray, rng: np.random.Generator) -> FloatArray:
    """Draws (S, K) of the F1 of each label, from (n, K) 0/1: those of one draw belong together."""
    hits, errors = gold & predicted, gold ^ predicted
    both = np.stack([hits.sum(axis=0), errors.sum(axis=0)])
    votes = (both * _VOTE / np.maximum(both.sum(axis=0), _VOTE)).sum(axis=1)
    rate = rng.beta(1 + votes[0], 1 + votes[1], _DRAWS)[:, None]
    labels = gold.shape[1]
    weighed = _weighed(np.concatenate([hits, errors], axis=1), rng)
    right = weighed[:, :labels] + _gamma(_PULL * rate, labels, rng)
    wrong = weighed[:, labels:] + _gamma(_PULL * (1 - rate), labels, rng)
    f1: FloatArray = 2 * right / np.maximum(2 * right + wrong, 1e-12)
    return f1


def _weighed(rows: IntArray, rng: np.random.Generator) -> FloatArray:
    """Draws (S, M) of the sum over texts (n, M), each of which has the weight 1 on average."""
    alike, often = np.unique(rows, axis=0, return_counts=True)
    at_once = max(1, _WEIGHTS_AT_ONCE // len(alike))
    return np.concatenate([
        rng.standard_gamma(often, (min(at_once, _DRAWS - done), len(alike))) @ alike
        for done in range(0, _DRAWS, at_once)
    ])  # fmt: skip


def _gamma(shapes: FloatArray, labels: int, rng: np.random.Generator) -> FloatArray:
    """Draws (S, K) of the weight of what is made up, of shapes (S, 1)."""
    drawn: FloatArray = rng.standard_gamma(np.broadcast_to(shapes, (len(shapes), labels)))
    return drawn

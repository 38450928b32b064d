"""What a few randomly drawn answers say of a model: figures with intervals that can be believed.

Each figure is a posterior: a model's predictions are right at a rate of their own for each label
predicted, and these rates are drawn towards the rate over all, since few labels have answers enough
to stand alone. How often each label is predicted is known from more texts, which nobody labelled.
Gelman and others, "Bayesian Data Analysis", 2013, chapter 5, has such hierarchical rates.

The value of each is the mean of its posterior: of accuracy as of F1, so that they can be compared.
With few answers it is nearer to the middle than what was counted, as the interval is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]

_DRAWS = 4000
#: Of texts, that are held in memory at once.
_WEIGHTS_AT_ONCE = 4_000_000
#: Answers that the rate over all is worth to the rate of one label.
_PULL = 2.0
#: A label never said yet is taken to have been said so often.
_UNSEEN = 0.5
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
    gold: IntArray, predicted: IntArray, said: IntArray, rng: np.random.Generator
) -> tuple[dict[str, Estimate], list[Estimate]]:
    """Accuracy and macro F1 over all texts, and the F1 of each label.

    Args:
        gold: (n,) the right labels of texts drawn at random, by number.
        predicted: (n,) what the model said of them.
        said: (K,) how often it said each label of texts drawn at random, these and others.
        rng: of the draws.
    """
    labels = len(said)
    counts = np.zeros((labels, labels))
    np.add.at(counts, (predicted, gold), 1)
    hits, sizes = counts.diagonal(), counts.sum(axis=1)
    accuracy = _over_all(hits.sum(), len(gold) - hits.sum(), rng)
    usual = (said + _UNSEEN) / (said + _UNSEEN).sum()
    shares = rng.dirichlet(said + _UNSEEN, _DRAWS)
    right = _meeting(accuracy, _rates(hits, sizes - hits, rng), shares)
    golds = right * shares
    for label in range(labels):
        prior = np.delete(usual, label) + 1 / labels
        drawn = rng.dirichlet(np.delete(counts[label], label) + prior / prior.sum(), _DRAWS)
        wrong = (1 - right[:, label]) * shares[:, label]
        golds[:, np.arange(labels) != label] += wrong[:, None] * drawn
    f1 = 2 * right * shares / np.maximum(golds + shares, 1e-12)
    figures = {
        "accuracy": Estimate.of(accuracy).holding(float(hits.sum() / len(gold))),
        "macro_f1": Estimate.of(f1.mean(axis=1)),
    }
    return figures, [Estimate.of(column) for column in f1.T]


def of_label_sets(
    gold: IntArray, predicted: IntArray, said: IntArray, read: int, rng: np.random.Generator
) -> tuple[dict[str, Estimate], list[Estimate]]:
    """Subset accuracy, micro and macro F1 over all texts, and the F1 of each label.

    Args:
        gold: (n, K) 0/1, the right labels of texts drawn at random.
        predicted: (n, K) 0/1, what the model said of them.
        said: (K,) how often it said each label of texts drawn at random, these and others.
        read: how many texts these were.
        rng: of the draws.
    """
    both = (gold * predicted).sum(axis=0)
    yes, meant = predicted.sum(axis=0), gold.sum(axis=0)
    whole = (gold == predicted).all(axis=1).sum()
    exact = _over_all(whole, len(gold) - whole, rng)
    shares = rng.beta(said + _UNSEEN, read - said + _UNSEEN, (_DRAWS, len(said)))
    found = _rates(both, yes - both, rng) * shares
    no = len(gold) - yes
    missed = _rates(meant - both, no - (meant - both), rng) * (1 - shares)
    needed = 2 * found + (shares - found) + missed
    f1 = 2 * found / np.maximum(needed, 1e-12)
    micro = 2 * found.sum(axis=1) / np.maximum(needed.sum(axis=1), 1e-12)
    figures = {
        "subset_accuracy": Estimate.of(exact).holding(float(whole / len(gold))),
        "micro_f1": Estimate.of(micro),
        "macro_f1": Estimate.of(f1.mean(axis=1)),
    }
    return figures, [Estimate.of(column) for column in f1.T]


def of_counts(
    exact: IntArray, gold: IntArray, predicted: IntArray, rng: np.random.Generator
) -> Estimate:
    """Micro F1 of entities over all texts, by a Bayesian bootstrap over texts.

    Rubin, "The Bayesian Bootstrap", The Annals of Statistics 1981.

    Args:
        exact: (n,) entities found exactly in each text drawn at random.
        gold: (n,) entities there are.
        predicted: (n,) entities predicted.
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


def _over_all(hits: float, misses: float, rng: np.random.Generator) -> FloatArray:
    """Draws (S,) of a rate of hits, after Jeffreys."""
    drawn: FloatArray = rng.beta(hits + 0.5, misses + 0.5, _DRAWS)
    return np.clip(drawn, 1e-6, 1 - 1e-6)


def _rates(hits: FloatArray, misses: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draws (S, K) of the rate of hits of each label, drawn towards the rate over all."""
    over_all = _over_all(hits.sum(), misses.sum(), rng)[:, None]
    drawn: FloatArray = rng.beta(_PULL * over_all + hits, _PULL * (1 - over_all) + misses)
    return drawn


def _meeting(over_all: FloatArray, rates: FloatArray, shares: FloatArray) -> FloatArray:
    """Rates (S, K) moved until their mean, weighted by shares (S, K), is that over all (S,).

    Rates drawn towards each other say too much about their mean: what pulls them is no answer.
    """
    mean = np.clip((rates * shares).sum(axis=1), 1e-6, 1 - 1e-6)
    down = rates * (over_all / mean)[:, None]
    up = 1 - (1 - rates) * ((1 - over_all) / (1 - mean))[:, None]
    moved: FloatArray = np.where((over_all < mean)[:, None], down, up)
    return moved


def as_json(
    figures: dict[str, Estimate], labels: list[Estimate], names: tuple[str, ...]
) -> dict[str, Any]:
    """Figures and those of each label by its name, as JSON-able values."""
    return {
        **{name: figure.to_json() for name, figure in figures.items()},
        "labels": {name: one.to_json() for name, one in zip(names, labels, strict=True)},
    }

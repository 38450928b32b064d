"""What the next labels will bring: a learning curve carried on, with what is not known of it.

Learning curves are fitted by an inverse power law, as in Figueroa, Zeng-Treitler, Kandula and Ngo,
"Predicting sample size required for classification performance", BMC Medical Informatics and
Decision Making 2012. One best fit would say nothing of its own doubt, and points that the same few
texts have measured all err together. So all laws on a grid are weighed by how well they go with the
points, and what is said of the curve to come is said by draws from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import StrategyError

FloatArray = NDArray[np.float64]

#: Fewer rounds than that tell no law from another.
FEWEST = 3
#: Points looked at: more of them cost time and tell hardly more.
_MOST = 30
#: What the errors of two rounds measured on the same texts have in common: part of it lasts, part
#: goes as the labels grow apart (measured over 225 simulated curves: 0.84 from one round to the
#: next, 0.6 over ten).
_LASTS, _FADES = 0.65, 0.25
#: How far a single round lies off the law: one standard deviation is this over the root of its
#: labels, and never less than the second figure.
_ROUGH, _ROUGHEST = 0.25, 0.01
#: Half the width of an interval of 95%, in standard deviations.
_HALF = 1.96
_LEVELS, _RISES, _SPEEDS = 41, 20, 12
_SLOWEST, _FASTEST = 0.1, 1.5
_DRAWS = 4000
#: Beyond so many times the labels there are, a target counts as out of reach.
_REACH = 100.0


@dataclass(frozen=True)
class Measured:
    """A point of a learning curve.

    Attributes:
        labels: that the model was trained on, at least one.
        value: of a figure from 0 to 1.
        low, high: its interval of 95%; both the value where it is known.
    """

    labels: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Expected:
    """What a figure will be, with an interval that holds the true one in 95 of 100 cases."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """A learning curve carried on: S draws from all that it may be; `fit` makes one.

    Attributes:
        labels: of the newest round.
        level: (S,) where the law stands at these labels.
        best: (S,) what it comes to with labels without end, at most 1.
        speed: (S,) the exponent of the law.
        luck: (S,) how far a single round will lie off it.
    """

    labels: int
    level: FloatArray
    best: FloatArray
    speed: FloatArray
    luck: FloatArray

    def at(self, more: float) -> Expected:
        """The figure of a model trained on so many labels more."""
        low, value, high = self._quantiles(more)
        return Expected(value, low, high)

    def labels_needed(self, target: float) -> tuple[int | None, int | None, int | None]:
        """How many more labels reach a target: by the upper bound, as expected, by the lower bound.

        What `at` says of one label fewer is below the target. None: not within a hundred times
        the labels there are.

        Raises:
            StrategyError: the target is no share.
        """
        if not 0 < target <= 1:
            raise StrategyError(f"target: got {target!r}, expected a figure above 0, up to 1")
        low, value, high = (self._reached(target, which) for which in (2, 1, 0))
        return low, value, high

    def _reached(self, target: float, which: int) -> int | None:
        enough = int(self.labels * _REACH)
        if self._quantiles(0)[which] >= target:
            return 0
        if self._quantiles(enough)[which] < target:
            return None
        short = 0  # the curve of each draw rises, and so do their quantiles
        while enough - short > 1:
            middle = (short + enough) // 2
            if self._quantiles(middle)[which] >= target:
                enough = middle
            else:
                short = middle
        return enough

    def _quantiles(self, more: float) -> tuple[float, float, float]:
        """Where 2.5, 50 and 97.5% of the draws lie below."""
        grown = 1 + more / self.labels
        curve = self.best - self._gap * grown**-self.speed
        low, middle, high = np.quantile(np.clip(curve + self.luck, 0, 1), (0.025, 0.5, 0.975))
        return float(low), float(middle), float(high)

    @cached_property
    def _gap(self) -> FloatArray:
        return self.best - self.level


def why_not(points: Sequence[Measured]) -> str:
    """Why nothing can be said of the labels to come; empty where `fit` can."""
    if len(points) >= FEWEST:
        return ""
    there_are = "There is 1 round" if len(points) == 1 else f"There are {len(points)} rounds"
    return f"{there_are} with a measurement so far, and a forecast takes {FEWEST}."


def fit(points: Sequence[Measured]) -> Forecast:
    """Carry on a learning curve, given by its points in order of labels.

    The law: a - (a - v) (n / N) ** -c, with the value v at the newest N labels, an asymptote a from
    v to 1, and an exponent c. So it never falls. The error of measuring is shared in part by all
    points, since the texts of an audit sample stay in it.

    Raises:
        StrategyError: fewer than 3 points, labels that do not increase, or no figures from 0 to 1.
    """
    _check(points)
    if len(points) > _MOST:
        points = [points[at] for at in np.linspace(0, len(points) - 1, _MOST).round().astype(int)]
    labels = np.array([point.labels for point in points], np.float64)
    low, high = (np.array([getattr(p, side) for p in points]) for side in ("low", "high"))
    # The middle of the interval is drawn in from 0 and 1, as a few answers ought to be.
    middle, error = (low + high) / 2, (high - low) / (2 * _HALF)
    rough = np.maximum(_ROUGH / np.sqrt(labels), _ROUGHEST)
    covariance = _covariance(labels, error, rough)
    spread = 5 * float(np.sqrt(covariance[-1, -1]))
    laws = _laws(max(0.005, middle[-1] - spread), min(0.995, middle[-1] + spread))
    weights = _weights(laws, labels / labels[-1], middle, covariance)
    rng = np.random.default_rng(0)
    drawn = laws[_resampled(weights, rng)]
    level, rise, speed = drawn.T
    luck = rng.normal(0.0, rough[-1], _DRAWS)
    return Forecast(int(labels[-1]), level, level + rise * (1 - level), speed, luck)


def _check(points: Sequence[Measured]) -> None:
    if reason := why_not(points):
        raise StrategyError(f"learning curve: {reason}")
    labels = [point.labels for point in points]
    if labels[0] < 1 or (np.diff(labels) <= 0).any():
        raise StrategyError(f"learning curve: got labels {labels}, expected increasing ones from 1")
    for point in points:
        if not 0 <= point.low <= point.value <= point.high <= 1:
            raise StrategyError(
                f"learning curve: got {point}, expected figures from 0 to 1 with low <= value <= "
                "high"
            )


def _covariance(labels: FloatArray, error: FloatArray, rough: FloatArray) -> FloatArray:
    """(R, R) of the points about the law.

    Of two samples of which one holds the other, the means covary as much as the larger one varies,
    as far as texts that one model gets wrong are wrong by the other as well.
    """
    near = np.minimum(labels[:, None], labels) / np.maximum(labels[:, None], labels)
    shared: FloatArray = (_LASTS + _FADES * near) * np.minimum(error[:, None], error) ** 2
    shared[np.diag_indices(len(error))] = error**2 + rough**2
    return shared


def _laws(lowest: float, highest: float) -> FloatArray:
    """(G, 3) a grid of laws: the level now, the share of the way up to 1 left to go, the speed."""
    levels = np.linspace(lowest, highest, _LEVELS)
    rises = (np.arange(_RISES) + 0.5) / _RISES
    speeds = np.geomspace(_SLOWEST, _FASTEST, _SPEEDS)
    return np.stack(np.meshgrid(levels, rises, speeds, indexing="ij"), axis=-1).reshape(-1, 3)


def _weights(
    laws: FloatArray, share: FloatArray, middle: FloatArray, covariance: FloatArray
) -> FloatArray:
    """(G,) how probable each law is by the points, at a share (R,) of the newest labels each."""
    level, rise, speed = laws.T
    gap = rise * (1 - level)
    # Each speed gives the same powers for all levels and rises.
    speeds, which = np.unique(speed, return_inverse=True)
    powers = share ** -speeds[:, None]
    curve = (level + gap)[:, None] - gap[:, None] * powers[which]
    off = middle - np.maximum(curve, 0)
    whitened = off @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    log = -0.5 * np.einsum("gr,gr->g", whitened, whitened)
    weights: FloatArray = np.exp(log - log.max())
    weights /= weights.sum()
    return weights


def _resampled(weights: FloatArray, rng: np.random.Generator) -> NDArray[np.int64]:
    """S draws by weight, evenly spread, in random order."""
    steps = (np.arange(_DRAWS) + 0.5) / _DRAWS
    drawn = np.searchsorted(np.cumsum(weights), steps).clip(max=len(weights) - 1)
    return rng.permutation(drawn)

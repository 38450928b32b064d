"""How far probabilities can be believed, and what makes them believable."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]

_COLDEST, _HOTTEST = 0.05, 20.0
_FEWEST_FORECASTS = 10
#: A probability of a label is taken for no nearer to 0 or 1, for that is what float32 resolves.
NEAREST = 1e-7


def tempered(probabilities: FloatArray, temperature: float) -> FloatArray:
    """What the softmax gives when the logits are divided by a temperature: (N, K) -> (N, K)."""
    p = probabilities.astype(np.float64)
    logits = np.log(np.maximum(p, np.finfo(np.float32).tiny)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    result: FloatArray = np.exp(logits)
    result /= result.sum(axis=1, keepdims=True)
    return result


def temperature(forecasts: FloatArray, outcomes: IntArray) -> float:
    """The temperature that makes past forecasts most likely, from 0.05 to 20.

    1, which changes nothing, for fewer than 10 forecasts or outcomes that are all the same. Guo,
    Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        forecasts: (F, K) probabilities, given before the answers were known; a model that had
            diverged has said nothing, so rows that are not finite are left out.
        outcomes: the classes (F,), or 0/1 of shape (F, K) for independent labels, which share the
            temperature of their log-odds.
    """
    said_something = np.isfinite(forecasts).all(axis=1)
    forecasts, outcomes = forecasts[said_something], outcomes[said_something]
    if len(forecasts) < _FEWEST_FORECASTS or (outcomes == outcomes.flat[0]).all():
        return 1.0
    if outcomes.ndim == 2:
        yes = np.clip(forecasts.astype(np.float64).reshape(-1), NEAREST, 1 - NEAREST)
        forecasts, outcomes = np.stack([1.0 - yes, yes], axis=1), outcomes.reshape(-1)
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(outcomes))

    def loss(log_temperature: float) -> float:
        said = tempered(forecasts, math.exp(log_temperature))[rows, outcomes]
        return float(-np.log(np.maximum(said, np.finfo(np.float64).tiny)).mean())

    # The likelihood is concave in one over the temperature, so it has one peak on this scale too.
    bounds = (math.log(_COLDEST), math.log(_HOTTEST))
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)


def tempered_labels(probabilities: FloatArray, temperature: float) -> FloatArray:
    """What the sigmoid gives when the log-odds are divided by a temperature: (N, K) -> (N, K)."""
    p = np.clip(probabilities.astype(np.float64), NEAREST, 1 - NEAREST)
    result: FloatArray = 1 / (1 + ((1 - p) / p) ** (1 / temperature))
    return result


def calibration_error(confidence: FloatArray, right: IntArray, bins: int = 10) -> float:
    """The expected calibration error: how far confidence and share of right answers lie apart.

    In bins of equal width, weighted by how much is in them. Few answers make it too large, since
    the share of right ones then varies by chance. Guo, Pleiss, Sun and Weinberger, "On Calibration
    of Modern Neural Networks", ICML 2017.

    Args:
        confidence: (N,) probabilities, at least one.
        right: (N,) 1 where what was believed so far is true, else 0.
        bins: how many.
    """
    bin_of = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    sums = np.bincount(bin_of, weights=confidence - right, minlength=bins)
    return float(np.abs(sums).sum() / len(confidence))

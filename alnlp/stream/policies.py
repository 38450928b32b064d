"""Policies decide on one example after the other; a chooser keeps them within a budget.

Most are those of Žliobaitė, Bifet, Pfahringer and Holmes, "Active Learning With Drifting Streaming
Data", IEEE Transactions on Neural Networks and Learning Systems 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

import numpy as np

from alnlp.errors import MissingExtra, StrategyError

#: Examples that the memory of what was spent reaches back to: its window is so many / the budget.
REMEMBERED = 50


class Policy:
    """Decides on one example after the other.

    Args:
        budget: the share to choose, on average.
        rng: of every draw.
    """

    def __init__(self, budget: float, rng: np.random.Generator) -> None:
        self.budget, self.rng = budget, rng

    def __call__(self, confidence: float, left: bool) -> bool:
        """Whether to choose an example, by the model's confidence from 0 to 1.

        `left` says whether any of the budget is left at this moment.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Forget what was learnt of the confidences so far."""


class Random(Policy):
    """Chooses at random, and so spends the budget on average whatever has been spent."""

    def __call__(self, confidence: float, left: bool) -> bool:
        """See `Policy`."""
        return bool(self.rng.random() < self.budget)


class Fixed(Policy):
    """Chooses what the model is less confident of than 0.9."""

    threshold = 0.9

    def __call__(self, confidence: float, left: bool) -> bool:
        """See `Policy`."""
        return left and confidence < self.threshold


class Variable(Policy):
    """Chooses below a threshold that falls by 1% at each choice and rises by 1% at each refusal.

    It stands still while no budget is left.
    """

    fall = rise = 0.01
    #: Below all that a model of up to 1000 labels can say; from 0 it would never rise again.
    lowest = 0.001
    threshold = 1.0

    def __call__(self, confidence: float, left: bool) -> bool:
        """See `Policy`."""
        if not left:
            return False
        chosen = confidence < self.threshold * self._factor()
        change = 1 - self.fall if chosen else 1 + self.rise
        self.threshold = max(self.threshold * change, self.lowest)
        return chosen

    def reset(self) -> None:
        """Begin with a threshold that every example is below."""
        self.threshold = 1.0

    def _factor(self) -> float:
        return 1.0


class Balanced(Variable):
    """Like `Variable`, but by steps that come to rest where just the budget is below the threshold.

    With steps of one size that is half of the stream, of which the budget then takes what comes
    first. The threshold moves at each example, whether any budget is left or not, to be found
    sooner. Robbins and Monro, "A Stochastic Approximation Method", 1951, for a quantile.
    """

    def __init__(self, budget: float, rng: np.random.Generator) -> None:
        super().__init__(budget, rng)
        self.fall, self.rise = 0.01 * (1 - budget), 0.01 * budget

    def __call__(self, confidence: float, left: bool) -> bool:
        """See `Policy`."""
        return super().__call__(confidence, True) and left


class Randomised(Variable):
    """Like `Variable`, but the threshold is multiplied by a draw from N(1, 1) each time, so that
    no example is sure to be refused.
    """

    def _factor(self) -> float:
        return float(self.rng.normal(1.0, 1.0))


class Split(Policy):
    """Decides on a fifth of the stream like `Random`, on the rest like `Variable`."""

    share = 0.2

    def __init__(self, budget: float, rng: np.random.Generator) -> None:
        super().__init__(budget, rng)
        self.random, self.variable = Random(budget, rng), Variable(budget, rng)

    def __call__(self, confidence: float, left: bool) -> bool:
        """See `Policy`."""
        policy = self.random if self.rng.random() < self.share else self.variable
        return policy(confidence, left)

    def reset(self) -> None:
        """Forget the threshold."""
        self.variable.reset()


POLICIES: dict[str, type[Policy]] = {
    "balanced": Balanced,
    "variable": Variable,
    "randomised": Randomised,
    "split": Split,
    "fixed": Fixed,
    "random": Random,
}


class Detector(Protocol):
    """Notices when the mean of what it is shown changes."""

    @property
    def drift_detected(self) -> bool:
        """Whether it has just changed."""

    def update(self, x: float) -> object:
        """Take one more value."""


def adwin() -> Detector:
    """ADWIN of river: Bifet and Gavaldà, "Learning from Time-Changing Data with Adaptive
    Windowing", SDM 2007.

    Raises:
        MissingExtra: river is not installed.
    """
    try:
        drift = import_module("river.drift")
    except ImportError as error:
        raise MissingExtra("river", "stream") from error
    detector: Detector = drift.ADWIN()
    return detector


class Chooser:
    """Decides on one example after the other, by a policy under a budget.

    What was spent is remembered with exponential forgetting: u <- u (1 - 1/w) + chosen, and budget
    is left while u/w is below it. The paper begins with u = 0, which lets a short stream spend
    double; here u begins as if the budget had been kept before. So it is kept on average only: of a
    short stream a few more than the share may be chosen, the first example already.

    On a drift the policy begins anew and all that was spent is forgotten, so that up to 50 more
    examples may be chosen; this at most once a window, so that never more than twice the budget is
    spent in the long run.

    Args:
        policy: one of POLICIES.
        budget: the share to choose, on average; above 0 and at most 1.
        rng: of every draw.
        detector: makes a detector of drift; none where None.

    Attributes:
        drifted: whether the newest value was found to begin a drift.
    """

    def __init__(
        self,
        policy: str,
        budget: float,
        rng: np.random.Generator,
        detector: Callable[[], Detector] | None = None,
    ) -> None:
        if policy not in POLICIES:
            raise StrategyError(f"policy: got {policy!r}, expected one of {', '.join(POLICIES)}")
        if not 0 < budget <= 1:
            raise StrategyError(f"budget: got {budget}, expected a share above 0 and at most 1")
        self.policy = POLICIES[policy](budget, rng)
        self.window = REMEMBERED / budget
        self.drifted = False
        self._spent = REMEMBERED - 1.0  # one may be chosen at once
        self._since_drift = self.window
        self._make_detector = detector
        self.new_model()

    def new_model(self) -> None:
        """Detect drift anew: another model is of another confidence, which is no drift."""
        self._detector = self._make_detector() if self._make_detector else None

    def __call__(self, uncertainty: float) -> bool:
        """Whether to choose an example of some uncertainty, from 0 to 1.

        Raises:
            StrategyError: it is not a number from 0 to 1.
        """
        if not 0 <= uncertainty <= 1:
            raise StrategyError(
                f"uncertainty: got {uncertainty}, expected 0 to 1; the model's weights have "
                "probably diverged, train again with a lower learning rate"
            )
        self._detect(uncertainty)
        left = self._spent < REMEMBERED
        chosen = self.policy(1 - uncertainty, left)
        self._spent = self._spent * (1 - 1 / self.window) + chosen
        return chosen

    def _detect(self, uncertainty: float) -> None:
        self._since_drift += 1
        self.drifted = False
        if self._detector is None:
            return
        self._detector.update(uncertainty)
        if self._detector.drift_detected:
            self.drifted = True
            self.policy.reset()
            if self._since_drift >= self.window:
                self._since_drift = 0.0
                self._spent = 0.0

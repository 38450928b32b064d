"""A stream of uncertainties with a planted drift, and a detector that finds what it is told to."""

import numpy as np


def drifting() -> np.ndarray:
    """10,000 sure values, then 10,000 unsure ones."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.beta(1, 9, size=10_000), rng.beta(5, 5, size=10_000)])


class Scripted:
    """Detects a drift at some of the values it is shown, counted from 1."""

    def __init__(self, *at: int) -> None:
        self.at, self.seen = at, 0

    @property
    def drift_detected(self) -> bool:
        return self.seen in self.at

    def update(self, x: float) -> None:
        self.seen += 1

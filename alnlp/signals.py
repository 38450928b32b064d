"""What a model says about the examples that a strategy may choose from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import StrategyError

FloatArray = NDArray[np.floating]
Loader = Callable[[], FloatArray]


def _missing(what: str) -> Loader:
    def load() -> FloatArray:
        raise StrategyError(
            f"{what}: none, because no model has been trained yet; train a round first"
        )

    return load


_NO_PROBABILITIES = _missing("probabilities")
_NO_EMBEDDINGS = _missing("embeddings")


@dataclass(frozen=True)
class Signals:
    """Lazy arrays over N candidate examples; nothing is computed before it is asked for.

    Attributes:
        size: N, the number of candidates.
        load_probabilities: gives (N, K); rows sum to 1, or are independent where `multilabel`.
        load_embeddings: gives (N, D).
        multilabel: whether each of the K probabilities stands for itself.
    """

    size: int
    load_probabilities: Loader = _NO_PROBABILITIES
    load_embeddings: Loader = _NO_EMBEDDINGS
    multilabel: bool = False

    def __len__(self) -> int:
        return self.size

    @cached_property
    def probabilities(self) -> FloatArray:
        """(N, K) class probabilities of the newest model."""
        return self._checked(self.load_probabilities(), "probabilities")

    @cached_property
    def embeddings(self) -> FloatArray:
        """(N, D) sentence embeddings of the newest model."""
        return self._checked(self.load_embeddings(), "embeddings")

    def _checked(self, array: FloatArray, what: str) -> FloatArray:
        if array.ndim != 2 or len(array) != self.size:
            raise StrategyError(f"{what}: got shape {array.shape}, expected ({self.size}, ...)")
        return array

    @staticmethod
    def of(
        probabilities: FloatArray | None = None,
        embeddings: FloatArray | None = None,
        *,
        multilabel: bool = False,
    ) -> Signals:
        """Signals over arrays that are already there, of shapes (N, K) and (N, D)."""
        given = [array for array in (probabilities, embeddings) if array is not None]
        if not given:
            raise StrategyError("signals: got no array, expected probabilities or embeddings")
        loaders = {}
        if probabilities is not None:
            loaders["load_probabilities"] = lambda: probabilities
        if embeddings is not None:
            loaders["load_embeddings"] = lambda: embeddings
        return Signals(len(given[0]), multilabel=multilabel, **loaders)

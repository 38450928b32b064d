"""What a model says about the examples that a strategy may choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import StrategyError

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]
Loader = Callable[[], FloatArray]


def _missing(what: str) -> Callable[..., FloatArray]:
    def load(*_: str) -> FloatArray:
        raise StrategyError(
            f"{what}: none, because no model has been trained yet; train a round first"
        )

    return load


_NO_PROBABILITIES = _missing("probabilities")
_NO_EMBEDDINGS = _missing("embeddings")
_NO_SCORES = _missing("scores")


@dataclass(frozen=True)
class Signals:
    """Lazy arrays over N candidate examples; nothing is computed before it is asked for.

    Attributes:
        size: N, the number of candidates.
        load_probabilities: gives (N, K); rows sum to 1, or are independent where `multilabel`.
        load_embeddings: gives (N, D).
        load_scores: gives (N,) for the name of a score that was reduced to one number per text
            while the model ran, such as "entropy:mean" or "mnlp"; for named entities.
        load_costs: gives the words of each of some texts, by their indices below N; None where
            every text costs one.
        multilabel: whether each of the K probabilities stands for itself.
    """

    size: int
    load_probabilities: Loader = _NO_PROBABILITIES
    load_embeddings: Loader = _NO_EMBEDDINGS
    load_scores: Callable[[str], FloatArray] = _NO_SCORES
    load_costs: Callable[[IntArray], NDArray[np.integer]] | None = None
    multilabel: bool = False

    def __len__(self) -> int:
        return self.size

    @cached_property
    def probabilities(self) -> FloatArray:
        """(N, K) class probabilities of the newest model."""
        return self._checked(self.load_probabilities(), "probabilities", dimensions=2)

    @cached_property
    def embeddings(self) -> FloatArray:
        """(N, D) sentence embeddings of the newest model."""
        return self._checked(self.load_embeddings(), "embeddings", dimensions=2)

    def score_of(self, name: str) -> FloatArray:
        """(N,) of a score of the newest model, by its name; higher = label sooner."""
        return finite(self._checked(self.load_scores(name), name, dimensions=1), name)

    def costs(self, indices: IntArray) -> IntArray:
        """How many words an annotator has to read in each of some examples, at least one."""
        if self.load_costs is None:
            return np.ones(len(indices), dtype=np.int64)
        costs = self._checked(self.load_costs(indices), "costs", dimensions=1, size=len(indices))
        return np.maximum(costs.astype(np.int64), 1)

    def _checked(
        self, array: NDArray[Any], what: str, *, dimensions: int, size: int | None = None
    ) -> NDArray[Any]:
        size = self.size if size is None else size
        if array.ndim != dimensions or len(array) != size:
            expected = f"({size}, ...)" if dimensions == 2 else f"({size},)"
            raise StrategyError(f"{what}: got shape {array.shape}, expected {expected}")
        return array

    @staticmethod
    def of(
        probabilities: FloatArray | None = None,
        embeddings: FloatArray | None = None,
        *,
        scores: Mapping[str, FloatArray] | None = None,
        costs: NDArray[np.integer] | None = None,
        multilabel: bool = False,
    ) -> Signals:
        """Signals over arrays that are already there: (N, K), (N, D), by name (N,), and (N,)."""
        loaders: dict[str, Any] = {}
        given: list[NDArray[Any]] = []
        for name, array in (
            ("load_probabilities", probabilities),
            ("load_embeddings", embeddings),
        ):
            if array is not None:
                given.append(array)
                loaders[name] = lambda array=array: array
        if costs is not None:
            given.append(costs)
            loaders["load_costs"] = lambda indices: costs[indices]
        if scores:
            given += scores.values()
            loaders["load_scores"] = lambda name: _named(scores, name)
        if not given:
            raise StrategyError("signals: got no array, expected probabilities or embeddings")
        return Signals(len(given[0]), multilabel=multilabel, **loaders)


def finite(scores: FloatArray, what: str = "scores") -> FloatArray:
    """The scores, if each of them is a finite number.

    Raises:
        StrategyError: some are not.
    """
    bad = int((~np.isfinite(scores)).sum())
    if bad:
        raise StrategyError(
            f"{what}: got {bad} of {len(scores)} that are not finite; the model's weights have "
            "probably diverged, train again with a lower learning rate"
        )
    return scores


def file_name(score: str) -> str:
    """The name of a score where it has to do as the name of a file."""
    return score.replace(":", "-")


def _named(scores: Mapping[str, FloatArray], name: str) -> FloatArray:
    if name not in scores:
        raise StrategyError(f"scores: got {name!r}, expected one of {', '.join(scores)}")
    return scores[name]

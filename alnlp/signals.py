"""What a model says about the examples that a strategy may choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import StrategyError

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]
Loader = Callable[..., Any]


@dataclass(frozen=True)
class Labelled:
    """What is known of the L examples that are answered; L may be 0.

    Attributes:
        embeddings: (L, D), in the space of the candidates' embeddings.
        probabilities: (L, K) of the newest model; (L, 0) without one, and for named entities.
        targets: their classes, int64 (L,), or 0/1 of shape (L, K) where several labels may hold;
            for named entities (L, 0).
        forecasts: (F, K) what models said of answered examples before these were answered.
        outcomes: what these answers turned out to be: (F,) or (F, K), like `targets`.
        pending: (P, D) embeddings of examples that are handed out and not answered yet.
    """

    embeddings: FloatArray
    probabilities: FloatArray
    targets: IntArray
    forecasts: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    outcomes: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    pending: FloatArray = field(default_factory=lambda: np.empty((0, 0)))

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def covered(self) -> FloatArray:
        """(L + P, D) embeddings of what is answered or about to be: no need of more like these."""
        return (
            np.concatenate([self.embeddings, self.pending])
            if len(self.pending)
            else self.embeddings
        )


@dataclass(frozen=True)
class Signals:
    """Lazy arrays over N candidate examples; nothing is computed before it is asked for.

    Attributes:
        size: N, the number of candidates.
        loaders: what gives the arrays, by the names of the attributes below; "costs" and
            "embeddings_of" are given indices, "scores" and "committee" a name.
        multilabel: whether each of the K probabilities stands for itself.
        spans: whether the answers are named entities, so that there are scores in place of
            probabilities.
    """

    size: int
    loaders: Mapping[str, Loader] = field(default_factory=dict)
    multilabel: bool = False
    spans: bool = False

    def __len__(self) -> int:
        return self.size

    @cached_property
    def probabilities(self) -> FloatArray:
        """(N, K) class probabilities of the newest model; rows sum to 1 unless `multilabel`."""
        return self._matrix("probabilities")

    @cached_property
    def embeddings(self) -> FloatArray:
        """(N, D) text embeddings, of the newest model or else of the pretrained network."""
        return self._matrix("embeddings")

    def embeddings_of(self, indices: IntArray) -> FloatArray:
        """The embeddings of some candidates, (n, D), without reading those of all."""
        if "embeddings_of" not in self.loaders or "embeddings" in self.__dict__:
            return self.embeddings[indices]
        found: FloatArray = self._load("embeddings_of", indices)
        return finite(found, "embeddings")

    @cached_property
    def labelled(self) -> Labelled:
        """What is known of the answered examples."""
        known: Labelled = self._load("labelled")
        for name in ("embeddings", "probabilities", "forecasts"):
            finite(getattr(known, name), f"{name} of answered examples")
        finite(known.pending, "embeddings of examples that are handed out")
        return known

    @cached_property
    def samples(self) -> FloatArray:
        """(S, N, K) probabilities of S passes with dropout left on."""
        return self._several("samples")

    def committee(self, kind: str) -> FloatArray:
        """(M, N, K) probabilities of M models: "heads" on one embedding, or "models"."""
        return self._several("committee", kind)

    @cached_property
    def history(self) -> FloatArray:
        """(R, N, K) probabilities of the last R rounds, the newest last.

        For named entities (R, N, 1): how many came or went in each of these rounds.
        """
        return self._several("history")

    @cached_property
    def label_embeddings(self) -> FloatArray:
        """(K, D) embeddings of the labels' names."""
        return finite(self._load("label_embeddings"), "label embeddings")

    @cached_property
    def query_embeddings(self) -> FloatArray:
        """(Q, D) embeddings of the texts that a person searches by; Q may be 0."""
        return finite(self._load("query_embeddings"), "query embeddings")

    @cached_property
    def label_count(self) -> int:
        """K, how many labels there are."""
        count: int = self._load("label_count")
        return count

    @cached_property
    def texts(self) -> Sequence[str]:
        """The N texts."""
        texts: Sequence[str] = self._load("texts")
        return texts

    @cached_property
    def queries(self) -> Sequence[str]:
        """The Q words or texts that a person searches by; Q may be 0."""
        queries: Sequence[str] = self._load("queries")
        return queries

    @cached_property
    def seconds(self) -> FloatArray:
        """(N,) how long an annotator is expected to take for each, above 0."""
        return finite(self._checked(self._load("seconds"), "seconds", dimensions=1), "seconds")

    def score_of(self, name: str) -> FloatArray:
        """(N,) of a score that was made while the model ran, such as "entropy:mean" or "mnlp"."""
        return finite(self._checked(self._load("scores", name), name, dimensions=1), name)

    def costs(self, indices: IntArray) -> IntArray:
        """How many words an annotator has to read in each of some examples, at least one."""
        if "costs" not in self.loaders:
            return np.ones(len(indices), dtype=np.int64)
        costs = self._checked(
            self._load("costs", indices), "costs", dimensions=1, size=len(indices)
        )
        return np.maximum(costs.astype(np.int64), 1)

    def _load(self, name: str, *what: Any) -> Any:
        if name not in self.loaders:
            raise StrategyError(
                f"{name}: none is kept; a strategy that reads it says so in its `needs`, and is "
                "trained for with project.train(strategy=...)"
            )
        return self.loaders[name](*what)

    def _matrix(self, name: str) -> FloatArray:
        array = finite(self._checked(self._load(name), name, dimensions=2), name)
        if not array.shape[1]:
            raise StrategyError(f"{name}: got shape {array.shape}, expected at least one column")
        return array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)

    def _several(self, name: str, *what: str) -> FloatArray:
        array: FloatArray = self._load(name, *what)
        if array.ndim != 3 or array.shape[1] != self.size or not len(array):
            raise StrategyError(
                f"{name}: got shape {array.shape}, expected (1 or more, {self.size}, K)"
            )
        return finite(array, name)

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
        samples: FloatArray | None = None,
        committee: FloatArray | None = None,
        history: FloatArray | None = None,
        labelled: Labelled | None = None,
        label_embeddings: FloatArray | None = None,
        label_count: int | None = None,
        texts: Sequence[str] | None = None,
        queries: Sequence[str] | None = None,
        query_embeddings: FloatArray | None = None,
        seconds: FloatArray | None = None,
        multilabel: bool = False,
        spans: bool = False,
    ) -> Signals:
        """Signals over what is there already, of the shapes named above.

        `scores` are by name; `committee` stands for both kinds.
        """
        plain = {
            "probabilities": probabilities,
            "embeddings": embeddings,
            "samples": samples,
            "history": history,
            "labelled": labelled,
            "label_embeddings": label_embeddings,
            "label_count": label_count,
            "texts": texts,
            "queries": queries,
            "query_embeddings": query_embeddings,
            "seconds": seconds,
        }
        loaders: dict[str, Loader] = {
            name: lambda given=given: given for name, given in plain.items() if given is not None
        }
        if committee is not None:
            loaders["committee"] = lambda _kind: committee
        if costs is not None:
            loaders["costs"] = lambda indices: costs[indices]
        if scores:
            loaders["scores"] = lambda name: _named(scores, name)
        sized: list[Any] = [probabilities, embeddings, texts, seconds, costs]
        sized += [*(scores or {}).values()]
        sized += [several[0] for several in (samples, committee, history) if several is not None]
        sizes = [len(given) for given in sized if given is not None]
        if not sizes:
            raise StrategyError("signals: got no array, expected probabilities or embeddings")
        return Signals(sizes[0], loaders, multilabel, spans)


def finite(scores: FloatArray, what: str = "scores") -> FloatArray:
    """The scores or arrays (N, ...), if each number in them is finite.

    Raises:
        StrategyError: some are not.
    """
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores.reshape(len(scores), -1)).all(axis=1)).sum())
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

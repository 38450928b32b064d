"""What a strategy is: `(signals, n, rng) -> indices`, and how one stands in the catalogue."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import AlnlpError, StrategyError
from alnlp.signals import FloatArray, Signals, finite

Indices = NDArray[np.int64]
Strategy = Callable[[Signals, int, np.random.Generator], Indices]
SignalScore = Callable[[Signals], FloatArray]

ALL_TASKS = ("classification", "multilabel", "ner")
LABEL_TASKS = ("classification", "multilabel")

#: What a strategy may need, by name: attributes of `Signals`, and the two kinds of committee.
SIGNALS = frozenset({
    "probabilities", "scores", "embeddings", "labelled", "samples", "committee",
    "committee_models", "history", "label_embeddings", "label_count", "query_embeddings", "texts",
    "queries", "seconds", "costs",
})  # fmt: skip
#: Signals that there are without a trained model: those of the pretrained network and the texts.
_WITHOUT_MODEL = {
    "embeddings", "labelled", "label_embeddings", "label_count", "queries", "query_embeddings",
    "texts", "seconds",
}  # fmt: skip


@dataclass(frozen=True)
class StrategySpec:
    """An entry of the catalogue.

    Attributes:
        select: the strategy itself.
        tasks: the kinds of task that it serves.
        needs: the names of the attributes of `Signals` that it reads.
        why: why an example was chosen, in words for the person who labels it.
        summary: one line for the catalogue.
        source: the paper.
        score: what `select` takes the highest of, (N,) from 0 up; None where it is no score.
        variants: by kind of task, what may be written behind the name and a colon, each an entry
            of its own; the first is meant by the bare name.
        per_word: whether the score is of one word on average, whatever the length of the text.
        cold_start: the name of the strategy that chooses while there is no trained model, as soon
            as the pretrained network has read the pool.
        explained_by: the functions whose docstrings explain it and name its papers, where these are
            not of `score` or `select` itself.
    """

    select: Strategy
    tasks: tuple[str, ...]
    needs: frozenset[str]
    why: str
    summary: str
    source: str
    score: SignalScore | None = None
    variants: Mapping[str, Mapping[str, StrategySpec]] = field(default_factory=dict)
    per_word: bool = False
    cold_start: str = "random"
    explained_by: tuple[Callable[..., object], ...] = ()

    @property
    def description(self) -> str:
        """What it does, and the titles of its papers."""
        functions = self.explained_by or (self.score or self.select,)
        return "\n\n".join(
            (inspect.getdoc(one) or "").partition("\n\nArgs:")[0] for one in functions
        )

    def needs_for(self, task: str) -> frozenset[str]:
        """What it reads for a kind of task: models of labels give probabilities, taggers scores."""
        return self.needs - {"probabilities" if task == "ner" else "scores"}

    @property
    def needs_model(self) -> bool:
        """Whether it reads what only a trained model says."""
        return bool(self.needs - _WITHOUT_MODEL)


def own(strategy: Any, task: str) -> tuple[str, StrategySpec]:
    """The name and entry of somebody's own function; what it raises will tell its name.

    Raises:
        StrategyError: it is no function, or says by `needs` what nothing meets.
    """
    if not callable(strategy):
        raise StrategyError(
            f"strategy: got {shown(strategy)}, expected a name that `alnlp strategies` lists, or a "
            "function (signals, n, rng) -> indices"
        )
    name = getattr(strategy, "__name__", type(strategy).__name__)
    usual = {"scores" if task == "ner" else "probabilities", "embeddings"}
    needs = getattr(strategy, "needs", usual)
    several = isinstance(needs, Collection) and not isinstance(needs, str)
    if not several or not all(isinstance(need, str) for need in needs):
        raise StrategyError(
            f"strategy {name}: got needs = {shown(repr(needs))}, expected a set of names such as "
            "{'probabilities', 'labelled'}"
        )
    if unknown := set(needs) - SIGNALS:
        raise StrategyError(
            f"strategy {name}: needs {', '.join(sorted(unknown))}, expected some of "
            f"{', '.join(sorted(SIGNALS))}"
        )

    def named(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
        try:
            chosen: Indices = strategy(signals, n, rng)
        except AlnlpError:
            raise
        except Exception as error:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            raise StrategyError(
                f"strategy {name}: failed with {what}; the traceback above says where"
            ) from error
        return chosen

    why = f"chosen by {name}"
    return name, StrategySpec(named, (task,), frozenset(needs), why, summary="", source="")


def top(scores: FloatArray, n: int, rng: np.random.Generator) -> Indices:
    """The n highest of (N,) scores, best first, ties broken at random."""
    finite(scores)
    if n < len(scores):
        threshold = np.partition(scores, -n)[-n]
        candidates = np.flatnonzero(scores >= threshold)
    else:
        candidates = np.arange(len(scores))
    # Shuffled first, then sorted stably: equal scores come out in random order.
    candidates = rng.permutation(candidates)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:n]].astype(np.int64)


def highest(score: SignalScore) -> Strategy:
    """The strategy that takes the highest values of a score."""

    def select(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
        return top(score(signals), n, rng)

    return select


def select(spec: StrategySpec, signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """At most n distinct indices below `signals.size`, checked; none where nothing suits it.

    Raises:
        StrategyError: the strategy broke its contract.
    """
    n = min(n, signals.size)
    if n <= 0:
        return np.empty(0, dtype=np.int64)
    given = spec.select(signals, n, rng)
    try:
        chosen = np.asarray(given)
    except ValueError:  # lists of different lengths
        raise refusal(given, n, signals.size) from None
    if chosen.shape == (0,):  # of any type: an empty list becomes an array of floats
        return np.empty(0, dtype=np.int64)
    if not (
        chosen.ndim == 1
        and len(chosen) <= n
        and np.issubdtype(chosen.dtype, np.integer)
        and len(np.unique(chosen)) == len(chosen)
        and chosen.min() >= 0
        and chosen.max() < signals.size
    ):
        raise refusal(given, n, signals.size)
    return chosen.astype(np.int64)


def refusal(given: object, n: int, size: int) -> StrategyError:
    """What is wrong with a choice of n among `size` candidates, in one line."""
    return StrategyError(
        f"strategy: got {shown(given)}, expected a list or array of 1 to {min(n, size)} distinct "
        f"whole numbers from 0 to {size - 1}"
    )


def shown(value: object) -> str:
    """A value for a message: the beginning of it, on one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."

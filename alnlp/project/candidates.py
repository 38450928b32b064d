"""The signals that a strategy sees: what was kept on disk, gathered for some candidates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.project.kept import KeptSignals, places
from alnlp.signals import Labelled, Signals, file_name
from alnlp.tasks import Answer, Task

Rows = NDArray[np.int64]

#: What a text takes an annotator as long as nobody's time is known: a moment to decide, and some
#: 200 words a minute to read.
_SECONDS, _SECONDS_A_CHARACTER = 3.0, 0.06
_TIMED = 10
#: Signals that need no network at all.
WITHOUT_NETWORK = frozenset({"texts", "queries", "seconds", "costs", "label_count"})
_SEVERAL = ("samples", "history")


@dataclass(frozen=True)
class Known:
    """What a project knows beside what a model says.

    Attributes:
        answers: by pool row.
        pending: ascending pool rows that are handed out and not answered yet, to be learnt from.
        seconds: gives how long annotators took, by pool row, where it was measured.
        queries: what people search by.
    """

    answers: Mapping[int, Answer]
    seconds: Callable[[], Mapping[int, float]]
    queries: tuple[str, ...] = ()
    pending: Rows = field(default_factory=lambda: np.empty(0, np.int64))


def signals(pool: Pool, task: Task, kept: KeptSignals | None, rows: Rows, known: Known) -> Signals:
    """What is known of candidate rows, for a strategy.

    Args:
        pool: all examples.
        task: the kind of answers.
        kept: the newest round, or what the pretrained network says; None where there is neither.
        rows: the candidates; where there are signals, they speak of each of them.
        known: of answers and searches.
    """
    found: dict[str, Callable[..., Any]] = {
        "texts": lambda: pool.texts(rows),
        "queries": lambda: known.queries,
        "seconds": lambda: expected_seconds(pool, rows, known.seconds()),
        "label_count": lambda: len(task.labels),
    }
    if task.spans:
        found["costs"] = lambda indices: _word_counts(pool, kept, rows[indices])
    if kept is not None and kept.is_scored:
        found.update(_from_disk(task, kept, rows, known))
    return Signals(len(rows), found, task.multilabel, task.spans)


def _from_disk(
    task: Task, kept: KeptSignals, rows: Rows, known: Known
) -> dict[str, Callable[..., Any]]:
    arrays, there = kept.arrays, available(task, kept, known)

    def gathered(name: str) -> Callable[..., NDArray[Any]]:
        return lambda *_: np.asarray(arrays[name][kept.positions(rows)])

    found: dict[str, Callable[..., Any]] = {
        "embeddings": gathered("embeddings"),
        "embeddings_of": lambda indices: np.asarray(
            arrays["embeddings"][kept.positions(rows[indices])]
        ),
    }
    if "probabilities" in arrays:
        found["probabilities"] = gathered("probabilities")
    if task.spans and "words" in arrays:
        found["scores"] = lambda name: gathered(file_name(name))()
    for name in _SEVERAL:
        if name in arrays:
            found[name] = lambda name=name: np.asarray(arrays[name][:, kept.positions(rows)])
    if "committee" in arrays or "committee_models" in arrays:
        files = {"heads": "committee", "models": "committee_models"}
        found["committee"] = lambda kind: np.asarray(arrays[files[kind]][:, kept.positions(rows)])
    for name in read_words(task.labels, known.queries):
        if name in there:
            found[name] = lambda name=name: np.asarray(arrays[name])
    if "labelled_rows" in arrays:
        found["labelled"] = lambda: replace(
            _labelled(task, kept, known.answers), pending=_embedded(kept, known.pending)
        )
    return found


def available(task: Task, kept: KeptSignals | None, known: Known) -> set[str]:
    """The names of the signals that there are, as `StrategySpec.needs` calls them.

    Embeddings of words, such as labels' names and searches, count only while these are the same.
    """
    if kept is None or not kept.is_scored:
        return set(WITHOUT_NETWORK)
    names = ("embeddings", "probabilities", "committee", "committee_models", *_SEVERAL)
    there = {name for name in names if name in kept.arrays}
    there |= {
        name
        for name, words in read_words(task.labels, known.queries).items()
        if name in kept.arrays and _same(kept.arrays.get(key_of(name)), words_key(words))
    }
    if "labelled_rows" in kept.arrays:
        there.add("labelled")
    if task.spans and "words" in kept.arrays:
        there.add("scores")
    return there | WITHOUT_NETWORK


def read_words(labels: tuple[str, ...], queries: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The signals that are embeddings of words, and of which."""
    names = tuple(name.replace("_", " ") for name in labels)
    return {"label_embeddings": names, "query_embeddings": queries}


def key_of(name: str) -> str:
    """Under which name the key of the words of a signal is kept."""
    return f"{name}_key"


def words_key(words: tuple[str, ...]) -> NDArray[np.uint8]:
    """Bytes that change with words."""
    content = json.dumps(words).encode()
    return np.frombuffer(hashlib.blake2b(content, digest_size=16).digest(), np.uint8)


def _same(kept: NDArray[Any] | None, key: NDArray[np.uint8]) -> bool:
    return kept is not None and kept.tobytes() == key.tobytes()


def _labelled(task: Task, kept: KeptSignals, answers: Mapping[int, Answer]) -> Labelled:
    """What is known of the answered rows: those that the round learnt from, and newer ones."""
    arrays = kept.arrays
    rows = np.array(sorted(answers), np.int64)
    learnt, scored = places(arrays["labelled_rows"], rows), kept.positions(rows)
    there = (learnt >= 0) | (scored >= 0)
    rows, learnt, scored = rows[there], learnt[there], scored[there]

    def gathered(name: str) -> NDArray[Any]:
        if name not in arrays:
            return np.empty((len(rows), 0), np.float32)
        values = np.empty((len(rows), arrays[name].shape[1]), np.float32)
        values[scored >= 0] = arrays[name][scored[scored >= 0]]
        values[learnt >= 0] = arrays[f"labelled_{name}"][learnt[learnt >= 0]]
        return values

    probabilities = gathered("probabilities")
    targets = _targets(task, [answers[row] for row in rows.tolist()])
    if "forecasts" not in arrays:
        return Labelled(gathered("embeddings"), probabilities, targets)
    # A label that was added after the round is not among its outputs.
    width = probabilities.shape[1]
    forecast_rows = arrays["forecast_rows"].tolist()
    still = [place for place, row in enumerate(forecast_rows) if row in answers]
    outcomes = _targets(task, [answers[forecast_rows[place]] for place in still])
    forecasts = np.asarray(arrays["forecasts"][still])
    if task.multilabel:
        targets, outcomes = targets[:, :width], outcomes[:, :width]
    else:
        forecasts, outcomes = forecasts[outcomes < width], outcomes[outcomes < width]
    return Labelled(gathered("embeddings"), probabilities, targets, forecasts, outcomes)


def _embedded(kept: KeptSignals, rows: Rows) -> NDArray[Any]:
    """The embeddings of those of some rows that were read, where they are kept."""
    if "embeddings" not in kept.arrays:
        return np.empty((0, 0))
    found = kept.positions(rows)
    return np.asarray(kept.arrays["embeddings"][found[found >= 0]])


def _targets(task: Task, answers: list[Answer]) -> Rows:
    if task.spans:
        return np.empty((len(answers), 0), np.int64)
    return task.encode(answers)


def expected_seconds(pool: Pool, rows: Rows, measured: Mapping[int, float]) -> NDArray[np.float64]:
    """How long each text is expected to take an annotator: a constant and a share of its length.

    Fitted to the texts whose time was measured, the slowest twentieth aside, where there are ten or
    more; by a usual speed of reading otherwise.
    """
    lengths = np.array([len(text) for text in pool.texts(rows)], np.float64)
    constant, each = _SECONDS, _SECONDS_A_CHARACTER
    if len(measured) >= _TIMED:
        from sklearn.linear_model import LinearRegression

        taken = np.array(list(measured.values()))
        usual = taken <= np.quantile(taken, 0.95)
        timed = np.array([len(text) for text in pool.texts(np.array(list(measured)))])
        line = LinearRegression(positive=True).fit(timed[usual, None], taken[usual])
        constant, each = max(float(line.intercept_), 0.5), float(line.coef_[0])
    result: NDArray[np.float64] = constant + each * lengths
    return result


def _word_counts(pool: Pool, kept: KeptSignals | None, rows: Rows) -> Rows:
    """How many words some pool rows have, from the round where it has scored them."""
    counts = np.zeros(len(rows), np.int64)
    known = np.zeros(len(rows), bool)
    if kept is not None and kept.is_scored and "words" in kept.arrays:
        found = kept.positions(rows)
        known = found >= 0
        counts[known] = kept.arrays["words"][found[known]]
    counts[~known] = [len(pool.words(row)) for row in rows[~known].tolist()]
    return counts

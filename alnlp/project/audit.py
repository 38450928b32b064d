"""The audit sample: examples drawn at random and held out, which say how good a model is.

A share of the pool is reserved when the project is made, by a hash of each text. A strategy never
sees what is reserved and no model is trained on it, so whatever else is labelled, what is drawn
from it stays a random draw from the whole pool. Those who label are not told which ones these are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from alnlp.calibration import calibration_error, temperature
from alnlp.data import Pool
from alnlp.data.spans import SpanAnswer, spans_of
from alnlp.metrics import intervals
from alnlp.metrics.intervals import Estimate
from alnlp.project import tested
from alnlp.project.readout import Arrays, cooled, predictions
from alnlp.tasks import Answer, Task

Rows = NDArray[np.int64]
Probabilities = NDArray[np.floating]

#: The usual share of a batch.
AUDIT_SHARE = 0.1
_FOLDS = 10
#: Answers kept aside from which a temperature is half believed.
_DOUBT = 20
_DRAWS_SEED = 0
#: Texts by which the words of the next ones are guessed.
_LOOKED_AT = 50
#: A temperature beyond is not believed: a few answers, all of them right, ask for any.
_HOTTEST = 3.0


def lots(pool: Pool, seed: int = 0) -> NDArray[np.uint64]:
    """A number for each row of the pool, (N,), as if drawn: the same whenever and wherever.

    By the mixing function of splitmix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom
    Number Generators", OOPSLA 2014.

    Args:
        pool: all examples.
        seed: each gives a draw of its own.
    """
    with np.errstate(over="ignore"):
        mixed = pool.id_numbers + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def reserved(drawn: NDArray[np.uint64], share: float) -> Rows:
    """The rows that are reserved, in the order in which they are to be asked for."""
    rows = np.flatnonzero(drawn < np.uint64(share * float(2**63)) * np.uint64(2))
    return rows[np.argsort(drawn[rows], kind="stable")]


def apart(pool: Pool, rows: Rows, held: Rows) -> Rows:
    """Those of some rows, in their order, that are near-duplicates neither of others nor of held.

    What is put off stays first in line, so that the draw stays random.
    """
    rows = rows[~np.isin(pool.groups[rows], pool.groups[held])]
    _, first = np.unique(pool.groups[rows], return_index=True)
    return rows[np.sort(first)]


def texts_in(pool: Pool, rows: Rows, words: int) -> int:
    """About how many texts have so many words together, by the first of some rows."""
    sizes = [len(pool.words(row)) for row in rows[:_LOOKED_AT].tolist()]
    return int(words / max(1.0, float(np.mean(sizes)))) if sizes else 0


def due(share: float, asked: Rows, drawn: Rows, more: int) -> int:
    """How many of the next examples are to be drawn for the audit sample.

    Args:
        share: of all examples.
        asked: rows that are handed out or answered.
        drawn: rows that were asked for as part of the sample.
        more: how many examples are about to be handed out.
    """
    audited = int(np.isin(asked, drawn).sum())
    return min(more, max(0, int(share * (len(asked) + more) + 1e-9) - audited))


def figures(
    task: Task, gold: Sequence[Answer], said: Arrays, taught: Sequence[Answer] = ()
) -> dict[str, Any]:
    """What an audit sample says of a model, as JSON-able values.

    "n" texts; the figures of `metrics.compute` with intervals; "labels" with the F1 of each that
    occurs, in an answer or in what the model says; and for tasks of labels the "temperature" that
    makes its probabilities most likely, with "ece", the calibration error "before" and "after" it
    (found on the others of ten parts).

    Args:
        task: with the labels of this moment.
        gold: n answers, at least one.
        said: what the model says of these n texts.
        taught: the answers that the model was trained on.
    """
    rng = np.random.default_rng(_DRAWS_SEED)
    if task.spans:
        return {"n": len(gold), "span_f1": _span_f1(task, gold, said, rng).to_json()}
    probabilities = np.asarray(said["probabilities"])
    right = task.encode(gold)
    known = tested.of_labels(task, right, _decided(task, probabilities), task.encode(taught), rng)
    return {
        "n": len(gold),
        **{name: one.to_json() for name, one in known[0].items()},
        "labels": {name: one.to_json() for name, one in known[1].items()},
        **_calibration(task, probabilities, right, rng),
    }


def _decided(task: Task, probabilities: Probabilities) -> Rows:
    chosen = probabilities >= 0.5 if task.multilabel else probabilities.argmax(axis=1)
    return chosen.astype(np.int64)


def _calibration(
    task: Task, said: Probabilities, right: Rows, rng: np.random.Generator
) -> dict[str, Any]:
    order = rng.permutation(len(right))
    after = np.array(said, np.float64)
    for part in np.array_split(order, min(_FOLDS, len(order))):
        others = np.setdiff1d(order, part)
        after[part] = cooled(task, said[part], _heat(said[others], right[others]))
    before, put_right = _error(task, said, right), _error(task, after, right)
    heat = _heat(said, right) if put_right < before else 1.0
    return {"temperature": heat, "ece": {"before": before, "after": min(before, put_right)}}


def _heat(said: Probabilities, right: Rows) -> float:
    """The temperature that fits best, drawn towards 1 where there is little to tell it from."""
    fitted = temperature(said, right) if len(said) else 1.0
    fitted = min(max(fitted, 1 / _HOTTEST), _HOTTEST)
    return float(fitted ** (len(said) / (len(said) + _DOUBT)))


def _error(task: Task, said: Probabilities, right: Rows) -> float:
    if task.multilabel:
        sure = np.maximum(said, 1 - said).ravel()
        return calibration_error(sure, ((said >= 0.5) == right).ravel().astype(np.int64))
    return calibration_error(said.max(axis=1), (said.argmax(axis=1) == right).astype(np.int64))


def _span_f1(
    task: Task, gold: Sequence[Answer], said: Arrays, rng: np.random.Generator
) -> Estimate:
    answers = [one.answer for one in predictions(task, said, np.arange(len(gold)))]
    meant, found = ([set(spans_of(cast(SpanAnswer, a))) for a in side] for side in (gold, answers))
    exact = [len(a & b) for a, b in zip(meant, found, strict=True)]
    there, said_to_be = (np.array([len(a) for a in side], np.int64) for side in (meant, found))
    return intervals.of_counts(np.array(exact, np.int64), there, said_to_be, rng)


def main_figure(audit: Mapping[str, Any]) -> tuple[str, dict[str, float]]:
    """The figure of an audit to show first, by its name."""
    name = next(name for name in ("accuracy", "micro_f1", "span_f1") if name in audit)
    return name, audit[name]

"""Where a project stands and what comes next: quality, forecast, cost, and what is in the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alnlp import forecast
from alnlp.calibration import calibration_error
from alnlp.errors import StrategyError
from alnlp.forecast import Expected, Forecast, Measured
from alnlp.metrics import intervals
from alnlp.metrics.intervals import Estimate
from alnlp.project import advising, audit
from alnlp.project.readout import cooled
from alnlp.project.rounds import Round
from alnlp.store import Ledger
from alnlp.tasks import Task

if TYPE_CHECKING:
    from alnlp.project.state import State

#: Labels that a forecast goes ahead, its points, and those of the one sentence.
_AHEAD, _STEPS, _MORE = 200, 10, 100
#: The newest labels whose effect on predictions is told.
_NEWEST = 50
#: An answer that took so many times the usual was a pause.
_PAUSE = 5.0
#: Answers of a label that few-shot learning takes for few: Tunstall and others, "Efficient Few-Shot
#: Learning Without Prompts", 2022. And those that measure it at all.
_TO_LEARN, _TO_MEASURE = 8, 3
_BINS = 10


@dataclass(frozen=True)
class _Judged:
    """What the newest model says of texts with a known answer, which it has not learnt from.

    Attributes:
        right: (n,) classes, or (n, K) of 0 and 1.
        said: (n, K) probabilities, as people are told them.
        raw: (n, K) before they were put right.
    """

    right: NDArray[np.int64]
    said: NDArray[np.floating]
    raw: NDArray[np.floating]


def outlook(state: State, history: Sequence[Round], target: float | None) -> dict[str, Any]:
    """All that helps to decide whether to go on, as JSON-able values.

    "metric": the name of the figure that the next two speak of, "" before the first measurement.
    "curve": of each round its "labels" (trained on), "value", and "low" and "high", the interval of
    95%, None where it is not known. By the test set where there is one, else by the audit sample.
    "forecast": {"points": "value", "low" and "high" of the true figure by "labels", "more": the
    same after so many "answers" more, "target": None or {"value", "answers", "seconds", "short"}},
    answers and seconds each [by the upper bound, as expected, by the lower bound], answers to give
    from now on, those that are kept aside among them, None where out of reach, "short" whether that
    is for want of texts alone}. None where "forecast_reason" says why.
    "gain": see `gain.of`. "time": "answers" that count and were timed, "seconds" of all that was
    said, skipped, replaced or taken back, without pauses, and "seconds_per_label", all this time by
    those answers. "changed": see `advising.changed_by`. "advice": "name", "stop" (None where it
    cannot tell yet), "reason".
    "calibration": {"bins": "said", "right" with "low" and "high", "n" texts; "all": the same over
    all; "ece" "before" and "after" the "temperature"}. "confusion": "labels" and "counts"
    (rows: people, columns: the model).
    "starving": a "label" that has far fewer "answers" to learn from, or "audited" to be measured
    by, than it takes and the others have.

    Args:
        state: of the project.
        history: all finished rounds, oldest first.
        target: a figure from 0 to 1 to be reached; None for no target.

    Raises:
        StrategyError: the target is not above 0 and up to 1.
    """
    if target is not None and not 0 < target <= 1:
        raise StrategyError(f"target: got {target!r}, expected a figure above 0, up to 1")
    task, newest = state.task, history[-1] if history else None
    with state.refreshed() as ledger:
        answers, audited = state.taught(ledger), state.audited(ledger)
        time = _time(ledger)
        rest = len(state.pool) - len(state.held_out) - len(state.labels(ledger))
    metric, points = _curve(history, len(state.test))
    expected, why = _forecast(history, points, rest, len(state.test))
    judged = _judged(task, newest, *audited) if newest else None
    given = Counter(name for answer in answers.values() for name in task.names(answer))
    if newest and newest.metrics:
        measured = _test_counts(task, judged)
    else:
        measured = Counter(name for answer in audited[1] for name in task.names(answer))
    pace = _Pace(rest, 1 - state.settings.audit_share, time["seconds_per_label"])
    return {
        "metric": metric,
        "curve": points,
        "forecast": expected and _carried_on(expected, pace, target),
        "forecast_reason": why,
        "gain": _gain(newest),
        "time": time,
        "changed": advising.changed_by(history, _NEWEST) if history else None,
        "advice": [
            {"name": one.criterion, "stop": one.stop, "reason": one.reason}
            for one in advising.advice(task, history)
        ],
        "calibration": _calibration(task, newest, judged) if newest and judged else None,
        "confusion": _confusion(task, judged) if judged and not task.multilabel else None,
        "starving": _starving(task, given, measured),
    }


def _curve(history: Sequence[Round], tests: int) -> tuple[str, list[dict[str, Any]]]:
    """The name of the figure, and what each round that was measured by it came to."""
    newest = history[-1] if history else None
    name = advising.main_metric(newest) if newest else None
    if name is not None:
        return name, [
            _point(made, _on_test(made, name, tests)) for made in history if name in made.metrics
        ]
    measured = [(made, *audit.main_figure(made.audit)) for made in history if made.audit]
    return (measured[-1][1] if measured else ""), [_point(made, one) for made, _, one in measured]


def _gain(newest: Round | None) -> dict[str, float] | None:
    """Of the newest round. Earlier versions took what was drawn at random for chosen as well."""
    return newest.gain if newest and newest.gain and "shared" in newest.gain else None


def _on_test(made: Round, name: str, tests: int) -> dict[str, float | None]:
    if name in made.tested:
        return dict(made.tested[name])
    value = made.metrics[name]  # of a round of an earlier version
    if name != "accuracy":
        return {"value": value, "low": None, "high": None}
    return {**intervals.of_rate(value * tests, tests).to_json()}


def _point(made: Round, figure: dict[str, Any]) -> dict[str, Any]:
    return {"round": made.number, "labels": made.labels, **figure}


def _forecast(
    history: Sequence[Round], points: Sequence[dict[str, Any]], rest: int, tests: int
) -> tuple[Forecast | None, str]:
    """The curve carried on, or why not. Rounds of another model are on another curve."""
    if not rest:
        return None, "Every text is answered."
    alike = advising.of_one_model(history)
    numbers = {made.number for made in advising.growing(alike)}
    known = [
        Measured(one["labels"], one["value"], *_bounds(one, tests))
        for one in points
        if one["round"] in numbers
    ]
    why = forecast.why_not(known)
    if why and len(alike) < len(history):
        why = f"{why} Rounds before with another model do not count."
    return (None, why) if why else (forecast.fit(known), "")


def _bounds(point: dict[str, Any], tests: int) -> tuple[float, float]:
    """Its interval; an F-measure on a test set is taken to vary as a rate over the texts would."""
    if point["low"] is None:
        rate = intervals.of_rate(point["value"] * tests, tests)
        return rate.low, rate.high
    return point["low"], point["high"]


@dataclass(frozen=True)
class _Pace:
    """What answers bring and cost.

    Attributes:
        rest: texts without an answer.
        taught: the share of answers that teach; the others are kept aside.
        seconds: of an answer, None where it is not known.
    """

    rest: int
    taught: float
    seconds: float | None

    def answers(self, labels: int | None) -> int | None:
        """How many answers teach so many labels, None where there are not enough texts."""
        if labels is None:
            return None
        given = math.ceil(labels / self.taught - 1e-9)
        return given if given <= self.rest else None


def _carried_on(curve: Forecast, pace: _Pace, target: float | None) -> dict[str, Any]:
    """A forecast as JSON-able values."""
    ahead = min(round(pace.rest * pace.taught), _AHEAD)

    def point(said: Expected, **where: int) -> dict[str, Any]:
        return {**where, "value": said.value, "low": said.low, "high": said.high}

    steps = sorted({ahead * step // _STEPS for step in range(_STEPS + 1)})
    more = min(pace.rest, _MORE)
    reached = None
    if target is not None:
        needed = curve.labels_needed(target)
        answers = [pace.answers(n) for n in needed]
        each = pace.seconds
        reached = {
            "value": target,
            "answers": answers,
            "seconds": None
            if each is None
            else [None if n is None else round(n * each, 1) for n in answers],
            "short": answers[0] is None and needed[0] is not None,
        }
    return {
        "points": [point(curve.at(step), labels=curve.labels + step) for step in steps],
        "more": point(curve.at(round(more * pace.taught)), answers=more),
        "target": reached,
    }


def _time(ledger: Ledger) -> dict[str, Any]:
    """What all that was said has cost; a pause counts as a usual answer.

    Who skips or takes back has spent the time as well, so it is part of what a label costs.
    """
    timed = [event for event in ledger.said() if event.seconds is not None]
    by_whom = {(event.example_id, event.annotator) for event in timed}
    answers = sum((i, by) in by_whom for i, given in ledger.answers().items() for by in given)
    taken = np.array([event.seconds for event in timed], np.float64)
    noticed = taken[taken > 0]
    if len(noticed):
        usual = float(np.median(noticed))
        taken = np.where(taken > _PAUSE * usual, usual, taken)
    spent = float(taken.sum())
    return {
        "answers": answers,
        "seconds": round(spent, 1),
        "seconds_per_label": round(spent / answers, 2) if answers else None,
    }


def _judged(task: Task, newest: Round, rows: NDArray[np.int64], answers: Any) -> _Judged | None:
    """By the test set where there is one, else by the audit sample with its answers of now."""
    if task.spans:
        return None
    kept = "test" if newest.metrics else "audit"
    try:
        said = np.load(newest.folder / f"{kept}_probabilities.npy", allow_pickle=False)
        if newest.metrics:
            right = np.load(newest.folder / "test_targets.npy", allow_pickle=False)
        else:
            read = np.load(newest.folder / "audit_rows.npy", allow_pickle=False)
            known = dict(zip(rows.tolist(), answers, strict=True))
            still = [place for place, row in enumerate(read.tolist()) if row in known]
            right = task.encode([known[row] for row in read[still].tolist()])
            said = said[still]
    except FileNotFoundError:  # a round of an earlier version, or one that was measured by nothing
        return None
    if not len(right):
        return None
    told = cooled(task, said, newest.temperature)
    # A label that was added after the round is not among its outputs.
    wide = [(0, 0), (0, len(task.labels) - said.shape[1])]
    if right.ndim == 2:
        right = np.pad(right, [(0, 0), (0, len(task.labels) - right.shape[1])])
    return _Judged(right, np.pad(told, wide), np.pad(said, wide))


def _test_counts(task: Task, judged: _Judged | None) -> Counter[str]:
    """How many texts of the test set carry each label."""
    if judged is None:
        return Counter()
    each = judged.right.sum(axis=0) if task.multilabel else np.bincount(judged.right)
    return Counter(dict(zip(task.labels, each.tolist(), strict=False)))


def _calibration(task: Task, newest: Round, judged: _Judged) -> dict[str, Any]:
    sure, right = _sure(task, judged.said, judged.right)
    # The labels of one text are not independent: many of them do not make the interval shorter.
    texts = len(judged.right)
    rate = intervals.of_rate(float(right.mean()) * texts, texts)
    over_all = {"said": float(sure.mean()), **_right(rate), "n": texts}
    bin_of = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    bins = []
    for number in np.unique(bin_of):
        inside = bin_of == number
        n = int(inside.reshape(texts, -1).any(axis=1).sum())
        rate = intervals.of_rate(float(right[inside].mean()) * n, n)
        bins.append({"said": float(sure[inside].mean()), **_right(rate), "n": n})
    before, after = (
        calibration_error(*_sure(task, one, judged.right)) for one in (judged.raw, judged.said)
    )
    ece = {"before": before, "after": after}
    if not newest.metrics:  # of the answers that the temperature was found on, the honest error
        ece = newest.audit.get("ece", ece)
    return {"bins": bins, "all": over_all, "ece": ece, "temperature": newest.temperature}


def _right(rate: Estimate) -> dict[str, float]:
    return {"right": rate.value, "low": rate.low, "high": rate.high}


def _sure(
    task: Task, said: NDArray[np.floating], right: NDArray[np.int64]
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """How sure each decision was, and 1 where it was right."""
    if task.multilabel:
        sure, hits = np.maximum(said, 1 - said).ravel(), ((said >= 0.5) == right).ravel()
    else:
        sure, hits = said.max(axis=1), said.argmax(axis=1) == right
    return sure, hits.astype(np.int64)


def _confusion(task: Task, judged: _Judged) -> dict[str, Any]:
    counts = np.zeros((len(task.labels), len(task.labels)), np.int64)
    np.add.at(counts, (judged.right, judged.said.argmax(axis=1)), 1)
    return {"labels": list(task.labels), "counts": counts.tolist()}


def _starving(
    task: Task, answers: Counter[str], measured: Counter[str]
) -> list[dict[str, str | int]]:
    """Labels below what it takes, and below half of what the labels have on average."""
    labels = max(1, len(task.labels))
    usual, judges = (sum(count.values()) / labels for count in (answers, measured))
    starved: list[dict[str, str | int]] = []
    for label in task.labels:
        learns = answers[label] >= min(_TO_LEARN, usual / 2)
        told = judges < _TO_MEASURE or measured[label] >= min(_TO_MEASURE, judges / 2)
        if not (learns and told):
            starved.append({"label": label, "answers": answers[label], "audited": measured[label]})
    return starved

"""Whether to stop labelling: what successive rounds said of a stop set that nobody has labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.project.readout import cooled
from alnlp.project.rounds import Round
from alnlp.scores import entropy, over_labels
from alnlp.signals import file_name
from alnlp.stopping import Advice, History, advise, changed
from alnlp.tasks import Task

Arrays = Mapping[str, NDArray[Any]]
Rows = NDArray[np.int64]

#: Texts of the stop set: those with the lowest hashes, a random draw that stays the same while the
#: pool grows. Rounds are compared on those that both have scored.
_SIZE = 500
#: As many as the criteria look back to: with each more, fewer texts are in the stop sets of all.
_ROUNDS = 4
_ROWS, _SAID, _ENDS = "stop_rows", "stop_predictions", "stop_ends"
_MAIN_METRICS = ("span_f1", "accuracy", "micro_f1", "macro_f1")


def stop_rows(pool: Pool, unlabelled: Rows) -> Rows:
    """The ascending rows of the stop set, of ascending unlabelled ones."""
    lowest = np.argsort(pool.id_numbers[unlabelled], kind="stable")[:_SIZE]
    return unlabelled[np.sort(lowest)]


def stop_set(pool: Pool, task: Task, unlabelled: Rows, said: Arrays) -> dict[str, NDArray[Any]]:
    """What a round predicts of the stop set, as arrays to be kept with it.

    The stop set consists of texts that nobody has answered. In a small pool those that the model
    was unsure of leave it first, and rounds agree on what is left sooner than on the whole pool.

    Args:
        pool: all examples.
        task: the kind of answers.
        unlabelled: (U,) the rows that were scored.
        said: what the model said of them.
    """
    rows = stop_rows(pool, unlabelled)
    places = np.searchsorted(unlabelled, rows)
    if task.spans:
        codes = [_codes(pool, row, place, said) for row, place in zip(rows, places, strict=True)]
        ends = np.cumsum([len(code) for code in codes], dtype=np.int64)
        return {_ROWS: rows, _SAID: np.concatenate([*codes, _NONE]), _ENDS: ends}
    probabilities = said["probabilities"][places]
    predicted = probabilities >= 0.5 if task.multilabel else probabilities.argmax(axis=1)
    return {_ROWS: rows, _SAID: predicted.astype(np.int64)}


_NONE = np.empty(0, np.int64)


def _codes(pool: Pool, row: int, place: int, said: Arrays) -> Rows:
    """The predicted tag of each word of a text as a number, -1 outside of entities."""
    words = pool.words(int(row))
    codes = np.full(len(words), -1, np.int64)
    ends = said["spans_ends"]
    for span in said["spans"][int(ends[place - 1]) if place else 0 : int(ends[place])]:
        inside = [k for k, (a, b) in enumerate(words) if a < span["end"] and b > span["start"]]
        codes[inside] = 2 * int(span["label"]) + 1
        codes[inside[:1]] -= 1
    return codes


def advice(
    task: Task, rounds: Sequence[Round], labels: int | None = None, budget: int | None = None
) -> list[Advice]:
    """What the criteria say of the rounds so far, oldest first.

    Args:
        task: the kind of answers.
        rounds: all finished rounds.
        labels: how many examples are answered.
        budget: how many may be answered in all, None where that is open.
    """
    if not rounds:
        return advise(History(labels=labels, budget=budget))
    newest, rounds = rounds[-1], growing(of_one_model(rounds))
    metric = main_metric(newest)
    curve = [made.metrics[metric] for made in rounds if metric in made.metrics] if metric else []
    said, texts = _predictions(rounds)
    return advise(
        History(
            labels=labels,
            budget=budget,
            predictions=said,
            uncertainties=_uncertainties(task, newest),
            curve=np.array(curve) if curve else None,
            texts=texts,
        )
    )


def of_one_model(rounds: Sequence[Round]) -> list[Round]:
    """The newest rounds in a row that trained one kind of model, oldest first.

    What changes with the model is not what the answers have changed.
    """
    model = rounds[-1].model if rounds else None
    return list(takewhile(lambda made: made.model == model, reversed(rounds)))[::-1]


def growing(rounds: Sequence[Round]) -> list[Round]:
    """Rounds that fewer answers taught than every later one, oldest first; the newest is the last.

    A training without new answers says nothing about what answers change, and one whose answers
    were taken back since is on another curve.
    """
    kept = list(rounds[-1:])
    for made in reversed(rounds[:-1]):
        if made.labels < kept[0].labels:
            kept.insert(0, made)
    return kept


def main_metric(made: Round) -> str | None:
    """The name of the figure on the test set to show first; None without a test set."""
    return next((name for name in _MAIN_METRICS if name in made.metrics), None)


def changed_by(rounds: Sequence[Round], labels: int) -> dict[str, Any] | None:
    """How many predictions on the stop set the newest labels have changed.

    {"labels": how many they were, "share" of the predictions, "of" how many}; for entities a
    prediction is that of a word. None where no two rounds have read the stop set.

    Args:
        rounds: all finished rounds, oldest first.
        labels: about how many labels to look back.
    """
    newest, before = rounds[-1], growing(of_one_model(rounds))[:-1]
    if not before:
        return None
    last = min(before, key=lambda made: abs(newest.labels - made.labels - labels))
    said, _ = _predictions([last, newest])
    if said is None or len(said) < 2 or not said.shape[1]:
        return None
    share = changed(said[0], said[1])
    return {"labels": newest.labels - last.labels, "share": share, "of": said.shape[1]}


def _predictions(rounds: Sequence[Round]) -> tuple[Rows | None, int | None]:
    """(R, N) or (R, N, K) of the newest rounds that have a stop set, on the texts of all, and
    how many texts these are; for entities N is the number of their words.
    """
    kept: list[dict[str, NDArray[Any]]] = []
    for made in reversed(rounds):
        found = _read(made.folder)
        if found and (not kept or found[_SAID].shape[1:] == kept[0][_SAID].shape[1:]):
            kept.insert(0, found)
        if len(kept) == _ROUNDS:
            break
    if not kept:
        return None, None
    common = kept[0][_ROWS]
    for found in kept[1:]:
        common = np.intersect1d(common, found[_ROWS])
    return np.stack([_of_rows(found, common) for found in kept]), len(common)


def _read(folder: Path) -> dict[str, NDArray[Any]]:
    names = [name for name in (_ROWS, _SAID, _ENDS) if (folder / f"{name}.npy").exists()]
    return {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in names}


def _of_rows(found: Arrays, rows: Rows) -> NDArray[Any]:
    places = np.searchsorted(found[_ROWS], rows)
    if _ENDS not in found:
        return found[_SAID][places]
    ends = found[_ENDS]
    parts = [found[_SAID][(ends[at - 1] if at else 0) : ends[at]] for at in places.tolist()]
    return np.concatenate([*parts, _NONE])


def _uncertainties(task: Task, newest: Round) -> NDArray[np.floating] | None:
    """How unsure the newest model is of its stop set, which is drawn at random.

    Of a large pool a round reads more of what the model before was unsure of.
    """
    found = _read(newest.folder)
    if not newest.is_scored or _ROWS not in found:
        return None
    places = newest.positions(found[_ROWS])
    if task.spans:
        return np.asarray(newest.arrays[file_name("entropy:mean")][places])
    score = over_labels(entropy) if task.multilabel else entropy
    said = np.asarray(newest.arrays["probabilities"][places])
    return score(cooled(task, said, newest.temperature))

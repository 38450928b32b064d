"""What a round keeps for its strategy besides what the model says of each text of the pool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alnlp.project import learning
from alnlp.project.candidates import key_of, read_words, words_key
from alnlp.project.kept import KeptSignals, places
from alnlp.strategies.committee import committee_heads

if TYPE_CHECKING:
    from alnlp.progress import Progress
    from alnlp.project.learning import Model
    from alnlp.project.training import Plan

Arrays = Mapping[str, NDArray[Any]]

#: Rounds whose probabilities are kept along, the newest included, and models of a cheap committee.
_ROUNDS, _HEADS = 5, 8


def collect(
    plan: Plan,
    name: str,
    model: Model,
    said: Arrays,
    cache: Path,
    progress: Progress | None,
) -> dict[str, NDArray[Any]]:
    """Arrays, by name, of the signals that the plan's strategy needs.

    Args:
        plan: of the round.
        name: of the model.
        model: trained in this round.
        said: what it says of the unlabelled rows.
        cache: of what never changes.
        progress: told how it goes on.
    """
    kept: dict[str, NDArray[Any]] = {}
    seed, needs = plan.settings.seed, plan.needs
    if needs & {"labelled", "committee"}:
        known = learning.score(model, plan.pool, plan.rows, cache, None)
        kept["labelled_rows"] = plan.rows
        kept["labelled_embeddings"] = known["embeddings"]
        if not plan.task.spans:
            kept["labelled_probabilities"] = known["probabilities"]
            kept.update(_forecasts(plan, plan.previous))
    if "committee" in needs:
        kept["committee"] = committee_heads(
            said["embeddings"],
            kept["labelled_embeddings"],
            plan.task.encode(list(plan.answers)),
            outputs=len(plan.task.labels),
            members=_HEADS,
            rng=np.random.default_rng(seed),
            multilabel=plan.task.multilabel,
        )
    if "committee_models" in needs:
        kept["committee_models"] = learning.committee(
            plan.task, name, plan.pool, plan.rows, plan.answers, plan.unlabelled,
            cache, seed, progress,
        )  # fmt: skip
    if "samples" in needs:
        kept["samples"] = learning.samples(model, plan.pool, plan.unlabelled, cache, seed, progress)
    if "history" in needs:
        kept["history"] = (_span_history if plan.task.spans else _history)(plan, said)
    kept.update(of_words(model, plan.task.labels, plan.settings.queries, needs))
    return kept


def of_words(
    model: Model, labels: tuple[str, ...], queries: tuple[str, ...], needs: frozenset[str]
) -> dict[str, NDArray[Any]]:
    """Embeddings of the labels' names and of what people search by, as far as they are needed."""
    kept: dict[str, NDArray[Any]] = {}
    for name, words in read_words(labels, queries).items():
        if name in needs:
            kept[name] = learning.text_embeddings(model, words)
            kept[key_of(name)] = words_key(words)
    return kept


def _forecasts(plan: Plan, previous: KeptSignals | None) -> dict[str, NDArray[Any]]:
    """What models said of answered examples before these were answered: rows, probabilities."""
    width = len(plan.task.labels)
    rows = [np.empty(0, np.int64)]
    said = [np.empty((0, width), np.float32)]
    if previous is not None and previous.is_scored:
        old = previous.arrays
        if "forecasts" in old and old["forecasts"].shape[1] == width:
            rows.append(old["forecast_rows"])
            said.append(old["forecasts"])
        found = previous.positions(plan.rows)
        fresh = (found >= 0) & ~np.isin(plan.rows, np.concatenate(rows))
        if "probabilities" in old and old["probabilities"].shape[1] == width:
            rows.append(plan.rows[fresh])
            said.append(old["probabilities"][found[fresh]])
    return {"forecast_rows": np.concatenate(rows), "forecasts": np.concatenate(said)}


def _history(plan: Plan, said: Arrays) -> NDArray[np.float32]:
    """(R, N, K) probabilities of the unlabelled rows in the last rounds, the newest last.

    A text that an earlier round had not scored yet counts as unchanged.
    """
    newest: NDArray[np.float32] = said["probabilities"]
    return np.stack([*_earlier(plan, newest), newest])


def _span_history(plan: Plan, said: Arrays) -> NDArray[np.float32]:
    """(R, N, 1) how many entities of the unlabelled rows came or went in each of the last rounds.

    In a text that the round before had not scored, none did.
    """
    changes = np.zeros((len(plan.unlabelled), 1), np.float32)
    before = plan.previous
    same_labels = before and plan.task.labels[: len(before.label_names)] == tuple(
        before.label_names
    )
    if before is not None and same_labels and before.is_scored and "spans" in before.arrays:
        rows = np.intersect1d(before.rows, plan.unlabelled)
        both = np.concatenate(
            [
                _entities(before.rows, before.arrays, rows),
                _entities(plan.unlabelled, said, rows),
            ]
        )
        _, places, counts = np.unique(both, axis=0, return_index=True, return_counts=True)
        changed = both[places[counts == 1], 0]
        np.add.at(changes, (np.searchsorted(plan.unlabelled, changed), 0), 1)
    return np.stack([*_earlier(plan, np.zeros_like(changes)), changes])


def _entities(scored: NDArray[np.int64], said: Arrays, rows: NDArray[np.int64]) -> NDArray[Any]:
    """(S, 4) row, start, end and label of each entity that was found in some of the scored rows."""
    spans = said["spans"]
    owners = scored[np.searchsorted(said["spans_ends"], np.arange(len(spans)), side="right")]
    fields = [owners, *(spans[name].astype(np.int64) for name in ("start", "end", "label"))]
    return np.stack(fields, axis=1)[np.isin(owners, rows)]


def _earlier(plan: Plan, unknown: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """What the last round has kept of those before, (N, K) each; `unknown` (N, K) where nothing."""
    previous = plan.previous
    if previous is None or not previous.is_scored or "history" not in previous.arrays:
        return []
    old = previous.arrays["history"]
    if old.shape[2] != unknown.shape[1]:
        return []
    found = places(previous.rows, plan.unlabelled)
    known = (found >= 0)[:, None]
    return [
        np.where(known, earlier[np.maximum(found, 0)], unknown) for earlier in old[1 - _ROUNDS :]
    ]

"""The models behind a project: which one serves its task, and how it is fed from a pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.data.words import Words
from alnlp.progress import Progress
from alnlp.project.readout import Prediction, predictions
from alnlp.tasks import Answer, Task

if TYPE_CHECKING:
    from alnlp.models.finetuned import FineTuned
    from alnlp.models.protocol import FitReport
    from alnlp.models.tagger import Tagger

    Model = FineTuned | Tagger

_TEXTS_AT_ONCE = 10_000


def new_model(task: Task, checkpoint: str) -> Model:
    """An untrained model for a task, from a pretrained checkpoint."""
    return _kind(task)(task, checkpoint)


def load_model(task: Task, folder: Path) -> Model:
    """The model that a round has written."""
    return _kind(task).load(folder)


def _kind(task: Task) -> type[Model]:
    if task.spans:
        from alnlp.models.tagger import Tagger

        return Tagger
    from alnlp.models.finetuned import FineTuned

    return FineTuned


def fit(
    model: Model,
    pool: Pool,
    rows: NDArray[np.int64],
    answers: Sequence[Answer],
    seed: int,
    progress: Progress | None,
) -> FitReport:
    """Train on the answers to some rows of a pool."""
    texts = pool.texts(rows)
    if not model.task.spans:
        return cast("FineTuned", model).fit(texts, answers, seed=seed, progress=progress)
    words = [pool.words(row) for row in rows.tolist()]
    return cast("Tagger", model).fit(
        texts,
        answers,  # type: ignore[arg-type]  # the task has checked them
        words=words,
        seed=seed,
        progress=progress,
    )


def predict(
    model: Model,
    task: Task,
    texts: Sequence[str],
    words: Sequence[Words] | None = None,
    progress: Progress | None = None,
) -> list[Prediction]:
    """What a model says of texts that are in no pool; `task` names its labels in their order."""
    if task.spans:
        from alnlp.inference.tagging import predict_spans

        arrays = predict_spans(cast("Tagger", model), texts, words, progress=progress).arrays()
    else:
        from alnlp.inference.engine import predict_texts

        arrays = predict_texts(cast("FineTuned", model), texts, progress=progress).arrays()
    return predictions(task, arrays, np.arange(len(texts)))


def score(
    model: Model, pool: Pool, rows: NDArray[np.int64], cache: Path, progress: Progress | None
) -> dict[str, NDArray[Any]]:
    """What a model says of rows of a pool, as arrays for its round; `cache` keeps the tokens."""
    if model.task.spans:
        from alnlp.inference.tagging import score_spans

        def fetch(wanted: NDArray[np.int64]) -> tuple[list[str], list[Words]]:
            return pool.texts(wanted), [pool.words(row) for row in wanted.tolist()]

        return score_spans(cast("Tagger", model), fetch, rows, progress=progress).arrays()
    from alnlp.inference import engine
    from alnlp.inference.tokens import TokenStore

    tokens = TokenStore.update(
        cache,
        model.tokenizer,
        model.max_length,
        lambda row: _texts_from(pool, row),
        len(pool),
        progress=progress,
    )
    return engine.score(cast("FineTuned", model), tokens, rows, progress=progress).arrays()


def _texts_from(pool: Pool, row: int) -> Iterator[list[str]]:
    for start in range(row, len(pool), _TEXTS_AT_ONCE):
        yield pool.texts(np.arange(start, min(start + _TEXTS_AT_ONCE, len(pool))))

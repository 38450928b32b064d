"""The models behind a project: which one serves its task, and how it is fed from a pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.data.words import Words
from alnlp.models import AUTO, DEFAULT, PROBE, SETFIT, choosing, split
from alnlp.models.choosing import Choice
from alnlp.progress import Progress, Step
from alnlp.project.cold import ColdStart
from alnlp.project.readout import Prediction, predictions
from alnlp.tasks import Answer, Task

if TYPE_CHECKING:
    from alnlp.inference.tokens import TokenStore
    from alnlp.models.finetuned import FineTuned
    from alnlp.models.frozen import Probe
    from alnlp.models.protocol import FitReport
    from alnlp.models.tagger import Tagger
    from alnlp.project.rounds import Round
    from alnlp.project.training import Plan

    Model = FineTuned | Tagger

Rows = NDArray[np.int64]

#: Passes with dropout, and models of a committee that are trained each: enough to see where they
#: disagree, at a bearable price.
SAMPLES, COMMITTEE = 10, 4

_TEXTS_AT_ONCE = 10_000
#: Texts from which the time of a training is told.
_TRIED = 32


def choose(plan: Plan) -> Choice:
    """The model of a round: the one that the settings name, or what serves best now."""
    if plan.settings.model != AUTO:
        return Choice(plan.settings.model)

    def seconds(anew: bool) -> tuple[float, float]:
        from alnlp.models.finetuned import FineTuned

        model = FineTuned(plan.task, DEFAULT)
        texts = plan.pool.texts(plan.rows[:_TRIED])
        a_step = None if anew else _seconds_of_a_step(plan.previous)
        return model.expected_seconds(texts, len(plan.rows), a_step)

    return choosing.choose(plan.task, len(plan.rows), seconds)


def _seconds_of_a_step(before: Round | None) -> float | None:
    """What a step of the round before took, where it was one of fine-tuning the same network."""
    if before is None or before.model != DEFAULT or not before.fit.get("steps"):
        return None
    return float(before.fit["seconds"] / before.fit["steps"])


def new_model(task: Task, name: str) -> Model:
    """An untrained model for a task, by a name of the catalogue of models."""
    method, checkpoint = split(name)
    if method == PROBE:
        from alnlp.models.frozen import Probe

        return Probe(task, checkpoint)
    if method == SETFIT:
        from alnlp.models.setfit import SetFit

        return SetFit(task, checkpoint)
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
    rows: Rows,
    answers: Sequence[Answer],
    seed: int,
    cache: Path,
    progress: Progress | None,
) -> FitReport:
    """Train on the answers to some rows of a pool; `cache` keeps what never changes."""
    texts = pool.texts(rows)
    if model.task.spans:
        words = [pool.words(row) for row in rows.tolist()]
        return cast("Tagger", model).fit(
            texts,
            answers,  # type: ignore[arg-type]  # the task has checked them
            words=words,
            seed=seed,
            progress=progress,
        )
    if not is_probe(model):
        return cast("FineTuned", model).fit(texts, answers, seed=seed, progress=progress)
    probe = cast("Probe", model)
    known = embeddings(probe, pool, cache, progress)[rows].astype(np.float32)
    return probe.fit(texts, answers, seed=seed, progress=progress, embeddings=known)


def predict(
    model: Model,
    task: Task,
    texts: Sequence[str],
    words: Sequence[Words] | None = None,
    progress: Progress | None = None,
    temperature: float = 1.0,
) -> list[Prediction]:
    """What a model says of texts that are in no pool; `task` names its labels in their order."""
    if task.spans:
        from alnlp.inference.tagging import predict_spans

        arrays = predict_spans(cast("Tagger", model), texts, words, progress=progress).arrays()
    else:
        from alnlp.inference.engine import predict_texts

        arrays = predict_texts(cast("FineTuned", model), texts, progress=progress).arrays()
    return predictions(task, arrays, np.arange(len(texts)), temperature)


def score(
    model: Model, pool: Pool, rows: Rows, cache: Path, progress: Progress | None
) -> dict[str, NDArray[Any]]:
    """What a model says of rows of a pool, as arrays by name; `cache` keeps what never changes."""
    if model.task.spans:
        from alnlp.inference.tagging import score_spans

        def fetch(wanted: Rows) -> tuple[list[str], list[Words]]:
            return pool.texts(wanted), [pool.words(row) for row in wanted.tolist()]

        return score_spans(cast("Tagger", model), fetch, rows, progress=progress).arrays()
    if is_probe(model):
        known = embeddings(cast("Probe", model), pool, cache, progress)[rows]
        return {"probabilities": cast("Probe", model).read(known), "embeddings": known}
    from alnlp.inference import engine

    tokens = _tokens(model, pool, cache, progress)
    return engine.score(cast("FineTuned", model), tokens, rows, progress=progress).arrays()


def embeddings(
    model: Probe, pool: Pool, cache: Path, progress: Progress | None
) -> NDArray[np.float16]:
    """What the head of a frozen network sees of each text of a pool (N, D), mapped from disk."""
    from alnlp import hardware
    from alnlp.inference import features
    from alnlp.inference.tokens import fingerprint

    model.start()
    tokens = _tokens(model, pool, cache, progress)
    reader = fingerprint(model.tokenizer, model.max_length)
    path = cache / "embeddings" / f"{reader}-{model.weights_name}.{hardware.precision()}"
    return features.embeddings(path, model, tokens, progress)


def is_probe(model: Model) -> bool:
    """Whether the model's network stays as it was pretrained, so that embeddings can be kept."""
    from alnlp.models.frozen import Probe

    return isinstance(model, Probe)


def frozen_embeddings(model: Model, plan: Plan, rows: Rows, cache: Path) -> NDArray[Any]:
    """What a frozen network says of some pool rows (n, D): as it was kept, or else read now."""
    if is_probe(model):
        return embeddings(cast("Probe", model), plan.pool, cache, None)[rows]
    cold = ColdStart.of(plan.folder, plan.settings)
    places = cold.positions(rows) if cold else np.full(len(rows), -1)
    if cold is None or (places < 0).any():
        from alnlp.models.frozen import encoder

        return text_embeddings(encoder(split(plan.settings.model)[1]), plan.pool.texts(rows))
    return np.asarray(cold.arrays["embeddings"][places])


def quick(
    task: Task, known: NDArray[Any], answers: Sequence[Answer], asked: NDArray[Any]
) -> NDArray[np.float32]:
    """Probabilities (n, K) of texts by a head alone, fitted to the embeddings of others.

    Args:
        task: of labels.
        known: (M, D) embeddings to learn from.
        answers: to these M texts.
        asked: (n, D) embeddings of the texts to be told.
    """
    import torch

    from alnlp.models.config import ProbeConfig
    from alnlp.models.probe import start_head

    head = torch.nn.Linear(known.shape[1], len(task.labels))
    strength = ProbeConfig().probe_c
    start_head(head, known.astype(np.float32), task.encode(answers), strength=strength)
    with torch.no_grad():
        logits = head(torch.from_numpy(asked.astype(np.float32)))
        said = logits.sigmoid() if task.multilabel else logits.softmax(dim=-1)
    result: NDArray[np.float32] = said.numpy()
    return result


def _tokens(model: Model, pool: Pool, cache: Path, progress: Progress | None) -> TokenStore:
    from alnlp.inference.tokens import TokenStore

    return TokenStore.update(
        cache / "tokens",
        model.tokenizer,
        model.max_length,
        lambda row: _texts_from(pool, row),
        len(pool),
        progress=progress,
    )


def _texts_from(pool: Pool, row: int) -> Iterator[list[str]]:
    for start in range(row, len(pool), _TEXTS_AT_ONCE):
        yield pool.texts(np.arange(start, min(start + _TEXTS_AT_ONCE, len(pool))))


def samples(
    model: Model, pool: Pool, rows: Rows, cache: Path, seed: int, progress: Progress | None
) -> NDArray[np.float32]:
    """Probabilities (S, N, K) of S passes over rows of a pool with dropout left on.

    Each pass is one model for all texts, see `scorer._Drawn`.
    """
    import torch

    torch.manual_seed(seed)
    if is_probe(model):
        known = embeddings(cast("Probe", model), pool, cache, progress)[rows]
        return np.stack([cast("Probe", model).read(known, dropout=True) for _ in range(SAMPLES)])
    from alnlp.inference import engine

    tokens = _tokens(model, pool, cache, progress)
    passes = []
    for done in range(SAMPLES):

        def tick(step: Step, done: int = done) -> None:
            if progress:
                progress(Step("sample", done * len(rows) + step.done, SAMPLES * len(rows), "texts"))

        scored = engine.score(cast("FineTuned", model), tokens, rows, dropout=True, progress=tick)
        passes.append(scored.probabilities)
    return np.stack(passes)


def committee(
    task: Task,
    name: str,
    pool: Pool,
    labelled: Rows,
    answers: Sequence[Answer],
    rows: Rows,
    cache: Path,
    seed: int,
    progress: Progress | None,
) -> NDArray[np.float32]:
    """Probabilities (M, N, K) of M models, each trained on a bootstrap sample with its own seed.

    Abe and Mamitsuka, "Query Learning Strategies Using Boosting and Bagging", ICML 1998.
    """
    rng = np.random.default_rng(seed)
    said = []
    for member in range(1, COMMITTEE + 1):
        bag = np.sort(rng.integers(0, len(labelled), len(labelled)))
        model = new_model(task, name)
        given = [answers[place] for place in bag.tolist()]
        fit(model, pool, labelled[bag], given, seed + member, cache, progress)
        said.append(score(model, pool, rows, cache, progress)["probabilities"])
    return np.stack(said)


def text_embeddings(model: Model, texts: Sequence[str]) -> NDArray[np.float16]:
    """Embeddings (n, D) of texts that are in no pool."""
    if model.task.spans:
        from alnlp.inference.tagging import predict_spans

        return predict_spans(cast("Tagger", model), texts).embeddings
    from alnlp.inference.engine import predict_texts

    return predict_texts(cast("FineTuned", model), texts).embeddings

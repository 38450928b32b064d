"""`alnlp bench score`: texts a second, against the pipeline of transformers and the processor."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from alnlp import hardware
from alnlp.bench.machine import operations, peak
from alnlp.bench.report import Report
from alnlp.bench.rounds import data_name, labelled_project
from alnlp.errors import DataError
from alnlp.hardware import Precision
from alnlp.inference.engine import score as score_labels
from alnlp.inference.tagging import score_spans
from alnlp.inference.tokens import TokenStore
from alnlp.models import DEFAULT, public_name
from alnlp.models.pooling import first_token_alone
from alnlp.progress import Progress, Step
from alnlp.project import Project, learning
from alnlp.scores import margin
from alnlp.signals import FloatArray
from alnlp.tasks import Kind

if TYPE_CHECKING:
    from alnlp.models.finetuned import FineTuned
    from alnlp.models.tagger import Tagger

Rows = NDArray[np.int64]

_LABELS = 100
_REPEATS = 3
#: A pipeline without batches is so slow that a part of the texts has to do.
_ONE_BY_ONE = 0.1
_NOTES = (
    "Medians of repeats in which all systems take turns. The share of the peak is that of the "
    "operations which the tokens need, padding left out, against the fastest product of square "
    "matrices in the same precision. Rank correlation is Spearman's with fp32, of margins (for "
    "ner: of the probability of the best reading). Tokens of labels are kept from round to round, "
    "so their making is not in alnlp's time; a pipeline makes them every time. For ner the texts "
    "are drawn from those that a network reads at once.",
)


@dataclass
class System:
    """One way to score texts.

    Attributes:
        name: for the table.
        precision: that it computes in.
        work: scores the texts at some places; gives an uncertainty for each, or None.
        share: of the texts that it is given in each repeat.
        rates: texts a second of each repeat.
        performed: operations a second of each repeat.
        said: the uncertainties of all texts.
    """

    name: str
    precision: Precision
    work: Callable[[Rows], FloatArray | None]
    share: float = 1.0
    rates: list[float] = field(default_factory=list)
    performed: list[float] = field(default_factory=list)
    said: FloatArray | None = None


def score(
    data: str,
    *,
    task: Kind = "classification",
    model: str = DEFAULT,
    limit: int = 2000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Score the same texts by this engine and by `transformers.pipeline`, taking turns.

    Args:
        data: a file with labels, on a hundred of which the model is fine-tuned first.
        task: of the data.
        model: as for a project.
        limit: how many texts, drawn at random.
        seed: of the draw and of the training.
        progress: told how it goes on.

    Raises:
        DataError: the file cannot be used, or has too few labels.
    """
    with tempfile.TemporaryDirectory(prefix="alnlp-") as scratch:
        folder = Path(scratch, "project")
        project = labelled_project(folder, data, task, _LABELS, progress, model=model, seed=seed)
        made = project.train(score=False, progress=progress)
        rng = np.random.default_rng(seed)
        trained = learning.load_model(project.task, made.folder)
        rows = _whole(project, trained, rng.permutation(len(project.pool))[: 2 * limit])
        rows = np.sort(rows[:limit])
        build = _taggers if project.task.spans else _classifiers
        systems, cost = build(project, trained, made.folder, rows)
        peaks = measure(systems, cost, rng, progress)
        name, size = public_name(made.model), len(rows)
        project.close()
    about = {"model": name, "texts": size, "data": data_name(data), "seed": seed}
    return Report(about | hardware.describe(), _lines(systems, peaks), _NOTES)


def measure(
    systems: Sequence[System],
    cost: NDArray[np.float64],
    rng: np.random.Generator,
    progress: Progress | None,
) -> dict[Precision, float]:
    """Let all systems take turns; the best matrix product of each precision beside them.

    Args:
        systems: their rates are filled in.
        cost: (N,) operations that each text needs.
        rng: of the parts that slow systems are given.
        progress: told about turns.
    """
    peaks: dict[Precision, float] = {}
    for system in systems:
        system.work(np.arange(min(32, len(cost))))  # what is loaded or compiled at first
    for repeat in range(_REPEATS):
        for system in systems:
            if progress:
                turn = repeat * len(systems) + systems.index(system)
                progress(Step("bench", turn, _REPEATS * len(systems), "turns"))
            fastest = peak(system.precision)
            peaks[system.precision] = max(fastest, peaks.get(system.precision, 0.0))
            size = max(1, round(system.share * len(cost)))
            places = np.sort(rng.permutation(len(cost))[:size])
            began = time.perf_counter()
            said = system.work(places)
            seconds = time.perf_counter() - began
            system.rates.append(size / seconds)
            system.performed.append(float(cost[places].sum()) / seconds)
            if size == len(cost):
                system.said = said
    return peaks


def _precisions() -> tuple[Precision, ...]:
    """That of this machine, and the full one to compare it with."""
    return ("fp32",) if hardware.precision() == "fp32" else (hardware.precision(), "fp32")


def _classifiers(
    project: Project, trained: learning.Model, folder: Path, rows: Rows
) -> tuple[list[System], NDArray[np.float64]]:
    model, texts = cast("FineTuned", trained), project.pool.texts(rows)
    tokens = TokenStore.of(texts, model.tokenizer, model.max_length)

    def ours(precision: Precision) -> System:
        def work(places: Rows) -> FloatArray:
            return margin(score_labels(model, tokens, places, precision=precision).probabilities)

        return System("alnlp", precision, work)

    cost = operations(one_text(model), tokens.lengths(np.arange(len(texts))))
    return [*map(ours, _precisions()), *_pipelines("text-classification", folder, texts)], cost


def _whole(project: Project, trained: learning.Model, rows: Rows) -> Rows:
    """Those rows of which all systems read the same.

    Of a text that is too long at once, the pipeline for entities leaves out the end.
    """
    if not project.task.spans:
        return rows
    texts = project.pool.texts(rows)
    words = [project.pool.words(row) for row in rows.tolist()]
    windows = cast("Tagger", trained).windows(texts, words)
    count = np.bincount([window.text for window in windows], minlength=len(rows))
    kept: Rows = rows[count == 1]
    if not len(kept):
        raise DataError(
            f"data: got texts of more than {trained.max_length} tokens alone, of which the "
            "pipeline for entities leaves out the end; expected some that are shorter"
        )
    return kept


def _taggers(
    project: Project, trained: learning.Model, folder: Path, rows: Rows
) -> tuple[list[System], NDArray[np.float64]]:
    model, texts = cast("Tagger", trained), project.pool.texts(rows)
    words = [project.pool.words(row) for row in rows.tolist()]

    def ours(precision: Precision) -> System:
        def work(places: Rows) -> FloatArray:
            def fetch(wanted: Rows) -> Any:
                return [texts[at] for at in wanted.tolist()], [words[at] for at in wanted.tolist()]

            return score_spans(model, fetch, places, precision=precision).scores["mnlp"]

        return System("alnlp", precision, work)

    lengths = np.zeros(len(texts), np.int64)
    for window in model.windows(texts, words):
        lengths[window.text] += len(window.ids)
    cost = operations(one_text(model), lengths)
    return [*map(ours, _precisions()), *_pipelines("token-classification", folder, texts)], cost


def one_text(model: FineTuned | Tagger) -> Callable[[int], object]:
    """Runs the model on one text of so many tokens, and leaves out what nobody reads."""

    @torch.inference_mode()
    def step(length: int) -> object:
        ids = torch.full((1, length), model.tokenizer.pad_token_id, device=hardware.device())
        with first_token_alone(model.network):
            return model.network(input_ids=ids, attention_mask=torch.ones_like(ids))

    return step


def _pipelines(name: str, folder: Path, texts: Sequence[str]) -> list[System]:
    """Plain `transformers` on the model's folder, text by text and in batches."""
    from transformers import pipeline

    from alnlp.models.loading import quiet

    more = {"truncation": True} if name == "text-classification" else {}
    with quiet():
        built: Any = pipeline(name, model=str(folder), device=torch.device(hardware.device()))  # type: ignore[call-overload]

    def system(batch: int, share: float) -> System:
        def work(places: Rows) -> None:
            for _ in built((texts[at] for at in places.tolist()), batch_size=batch, **more):
                pass

        return System(f"transformers.pipeline, batch {batch}", "fp32", work, share)

    return [system(32, 1 / _REPEATS), system(1, _ONE_BY_ONE)]


def _lines(systems: Sequence[System], peaks: dict[Precision, float]) -> list[dict[str, Any]]:
    usual = float(np.median(next(s.rates for s in systems if s.name.endswith("batch 32"))))
    full = next(s.said for s in systems if s.precision == "fp32")
    lines = [
        {
            "system": system.name,
            "precision": system.precision,
            "texts/s": float(np.median(system.rates)),
            "times pipeline": float(np.median(system.rates)) / usual,
            "GFLOP/s": float(np.median(system.performed)) / 1e9,
            "share of peak": float(np.median(system.performed)) / peaks[system.precision],
            "rank correlation": _correlation(system.said, full),
        }
        for system in systems
    ]
    for precision, best in peaks.items():
        empty = dict.fromkeys(lines[0])
        what = {"system": "matrix product", "precision": precision, "GFLOP/s": best / 1e9}
        lines.append(empty | what | {"share of peak": 1.0})
    return lines


def _correlation(said: FloatArray | None, full: FloatArray | None) -> float | None:
    from scipy.stats import spearmanr

    return None if said is None or full is None else float(spearmanr(said, full).statistic)

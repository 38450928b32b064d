"""`alnlp bench scale`: pools of many generated sentences, from import to the next batch."""

from __future__ import annotations

import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from alnlp import hardware
from alnlp.bench.report import Report
from alnlp.errors import ModelError
from alnlp.models import DEFAULT, PROBE, public_name, split
from alnlp.progress import Progress, Step
from alnlp.project import Project, Round, learning
from alnlp.project.kept import save_signals
from alnlp.project.rounds import publish, writing

SIZES = (10_000, 100_000, 1_000_000)
_LABELS = ("billing", "delivery", "other")
_SCORED, _ASKS, _BATCH, _AT_ONCE = 2_000, 5, 20, 10_000
_NOTES = (
    "Each phase ran in a process of its own, whose largest resident memory is given. The rate of "
    f"scoring was measured on {_SCORED:,} texts; for `ask`, a round that has scored the whole pool "
    "was written, its probabilities and embeddings drawn at random. Ask, by the default strategy: "
    "the first, and the median of the next, each after the answers to the one before.",
)


def scale(
    sizes: Sequence[int] = SIZES,
    *,
    model: str = DEFAULT,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Import, open, score and ask on pools of each size.

    Args:
        sizes: how many sentences.
        model: that scores them.
        seed: of the sentences.
        progress: told how it goes on.
    """
    if split(model)[0] == PROBE:
        raise ModelError(
            f"model: got {model!r}, whose network reads each text once; expected one that scores a "
            "pool anew in each round, such as minilm"
        )
    lines = []
    for done, size in enumerate(sizes):
        with tempfile.TemporaryDirectory(prefix="alnlp-") as scratch:
            folder = Path(scratch, "project")
            line: dict[str, Any] = {"sentences": size}
            for at, (phase, work) in enumerate(_PHASES.items()):
                if progress:
                    progress(Step(f"{size:,}: {phase}", at, len(_PHASES), "phases"))
                figures, peak = _apart(work, folder, size, model, seed)
                line |= figures | ({f"{phase} MB": peak} if figures else {})
            lines.append(line)
        if progress:
            progress(Step("sizes", done + 1, len(sizes), "sizes"))
    about = {"model": public_name(model), "seed": seed, **hardware.describe()}
    return Report(about, lines, _NOTES)


def sentences(n: int, seed: int = 0) -> Iterator[str]:
    """Sentences of 8 to 32 random words, from 20,000 words of random letters."""
    rng = random.Random(seed)
    letters = "abcdefghiklmnoprstuvw"
    vocabulary = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(20_000)]
    for _ in range(n):
        yield " ".join(rng.choices(vocabulary, k=rng.randint(8, 32))) + "."


def _import(folder: Path, size: int, model: str, seed: int) -> dict[str, float]:
    source = folder.with_name("sentences.jsonl")
    with source.open("w", encoding="utf-8") as file:
        for text in sentences(size, seed):
            file.write(json.dumps({"text": text}) + "\n")
    began = time.perf_counter()
    project = Project.create(
        folder, data=source, task="classification", labels=_LABELS, model=model, seed=seed
    )
    seconds = time.perf_counter() - began
    project.close()
    source.unlink()
    return {"import s": seconds}


def _score(folder: Path, size: int, model: str, seed: int) -> dict[str, float]:
    project = Project.open(folder)
    trained = learning.new_model(project.task, model)
    texts = project.pool.texts(np.arange(30))
    answers = [_LABELS[at % len(_LABELS)] for at in range(len(texts))]
    project.tell(dict(zip(project.pool.ids[: len(texts)], answers, strict=True)))
    trained.fit(texts, answers, seed=seed)  # type: ignore[arg-type]
    rows = np.sort(np.random.default_rng(seed).permutation(size)[:_SCORED])
    learning.score(trained, project.pool, rows[:64], folder / "cache", None)  # makes the tokens
    began = time.perf_counter()
    learning.score(trained, project.pool, rows, folder / "cache", None)
    rate = len(rows) / (time.perf_counter() - began)
    project.close()
    return {"score texts/s": rate}


def _publish(folder: Path, size: int, model: str, seed: int) -> dict[str, float]:
    """Write a round that has learnt from the first rows and scored the whole pool."""
    from alnlp.models.loading import load_config

    project = Project.open(folder)
    rng, answered = np.random.default_rng(seed), int(project.status()["labelled"])
    width = load_config(split(model)[1]).hidden_size
    folder = folder / "rounds"
    with writing(folder) as temporary:
        said = rng.dirichlet(np.ones(len(_LABELS)), size).astype(np.float32)
        embeddings = np.lib.format.open_memmap(
            temporary / "embeddings.npy", mode="w+", dtype=np.float16, shape=(size, width)
        )
        for start in range(0, size, _AT_ONCE):
            part = embeddings[start : start + _AT_ONCE]
            part[:] = rng.standard_normal(part.shape, dtype=np.float32)
        embeddings.flush()
        learnt = {
            "labelled_rows": np.arange(answered),
            "labelled_embeddings": np.array(embeddings[:answered]),
            "labelled_probabilities": said[:answered],
        }
        save_signals(temporary, np.arange(size), {"probabilities": said, **learnt})
        made = Round(
            number=1, folder=folder / "0001", created_at=datetime.now(UTC).isoformat(),
            model=project.settings.model, strategy=project.settings.strategy, seed=seed,
            labels=answered, per_label={}, seq=0, label_names=list(_LABELS),
        )  # fmt: skip
        publish(temporary, made)
    project.close()
    return {}


def _ask(folder: Path, size: int, model: str, seed: int) -> dict[str, float]:
    began = time.perf_counter()
    project = Project.open(folder)
    project.status()
    opened = time.perf_counter() - began
    taken = []
    for _ in range(1 + _ASKS):
        began = time.perf_counter()
        batch = project.ask(_BATCH)
        taken.append(time.perf_counter() - began)
        project.tell({example.id: _LABELS[0] for example in batch})
    project.close()
    return {"open s": opened, "first ask s": taken[0], "ask s": float(np.median(taken[1:]))}


_PHASES: dict[str, Callable[[Path, int, str, int], dict[str, float]]] = {
    "import": _import,
    "score": _score,
    "publish": _publish,  # of which nothing is told: a real round writes what it has read
    "ask": _ask,
}


def _apart(work: Callable[..., dict[str, float]], *given: object) -> tuple[dict[str, float], int]:
    """What some work found in a process of its own, and the most memory it held, in MB."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(_with_memory, (work, *given))


def _with_memory(
    work: Callable[..., dict[str, float]], *given: object
) -> tuple[dict[str, float], int]:
    figures = work(*given)
    return figures, hardware.peak_memory() // 2**20

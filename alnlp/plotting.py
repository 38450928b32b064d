"""Learning curves as pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from alnlp.simulation import Simulation


def learning_curves(
    runs: Mapping[str, Sequence[Simulation]],
    path: Path,
    *,
    metric: str,
    title: str = "",
    full: float | None = None,
    cost: Literal["labels", "tokens"] = "labels",
) -> Path:
    """Draw a metric over what was labelled, one line a name, the range over its runs shaded.

    Args:
        runs: name of the line -> its runs, which differ by seed.
        path: of the picture; the ending says the format.
        metric: a key of the rounds' metrics.
        title: above the picture.
        full: the metric of a model trained on all of the data, drawn as a level line.
        cost: what is counted: labelled examples, or for ner their words (the mean over the runs).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, several in runs.items():
        shortest = min(len(run.rounds) for run in several)
        spent = np.mean([_spent(run, cost)[:shortest] for run in several], axis=0)
        values = np.array([[p.metrics[metric] for p in run.rounds[:shortest]] for run in several])
        axes.plot(spent, values.mean(axis=0), marker="o", label=name)
        if len(several) > 1:
            axes.fill_between(spent, values.min(axis=0), values.max(axis=0), alpha=0.15)
    if full is not None:
        axes.axhline(full, color="black", linestyle="dashed", linewidth=1, label="all labels")
    axes.set_xlabel("labelled examples" if cost == "labels" else "labelled words")
    axes.set_ylabel(metric.replace("_", " "))
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    temporary = path.with_name(f".writing-{os.getpid()}-{path.name}")
    try:
        figure.savefig(temporary, dpi=150)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _spent(run: Simulation, cost: str) -> list[float]:
    if cost == "labels":
        return [point.labels for point in run.rounds]
    return [point.metrics["tokens"] for point in run.rounds]

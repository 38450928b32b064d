"""What the recipes share: learning curves over strategies and seeds, kept on disk, as a table.

Each finished run is a JSON file under --out, and a run that is there already is not run again, so
that a killed recipe goes on where it stopped.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alnlp import Project, Simulation, simulate
from alnlp.plotting import learning_curves
from alnlp.signals import file_name
from alnlp.tasks import Kind

Runs = dict[str, list[Simulation]]


@dataclass(frozen=True)
class Benchmark:
    """A data set, and how much of it a curve labels.

    Attributes:
        name: of the folder below $ALNLP_DATA, which is used where it is there.
        hub_id: of the same data set on the hub.
        title: for people.
        task: the kind of task.
        metric: what the table and the pictures show.
        strategies: compared by default, random first.
        initial: random labels before the first round.
        batch: labels a round.
        rounds: after the first.
        hub_label: the label column on the hub, where it has to be named.
    """

    name: str
    hub_id: str
    title: str
    task: Kind
    metric: str
    strategies: tuple[str, ...]
    initial: int = 20
    batch: int = 20
    rounds: int = 5
    hub_label: str | None = None

    def project(self, folder: Path, **settings: Any) -> Project:
        """A project on the data set."""
        local = Path(os.environ.get("ALNLP_DATA", "")) / self.name
        here = local.is_dir()
        return Project.create(
            folder,
            data=local / "train.jsonl.gz" if here else f"{self.hub_id}:train",
            test=local / "test.jsonl.gz" if here else f"{self.hub_id}:test",
            task=self.task,
            label_column=None if here else self.hub_label,
            keep_rounds=1,
            **{"answers": False, **settings},
        )


def main(bench: Benchmark, doc: str | None) -> None:
    """Run all strategies and seeds, then draw and print."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--strategies", default=",".join(bench.strategies))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--initial", type=int, default=bench.initial)
    parser.add_argument("--batch", type=int, default=bench.batch)
    parser.add_argument("--rounds", type=int, default=bench.rounds)
    parser.add_argument("--skip-full", action="store_true", help="no full-data line")
    parser.add_argument("--out", type=Path, default=Path("results", bench.name))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    runs: Runs = {name: [] for name in options.strategies.split(",")}
    for seed in seeds:  # a killed recipe has whole seeds to compare
        for name, several in runs.items():
            several.append(curve(bench, name, seed, options))
    best = None if options.skip_full else full(bench, options)["metrics"][bench.metric]
    report(bench, runs, best, options.out)


def curve(bench: Benchmark, strategy: str, seed: int, options: argparse.Namespace) -> Simulation:
    """One learning curve, from disk if it was run before."""
    path = options.out / f"{file_name(strategy)}-{seed}.json"
    if path.exists():
        return _same(Simulation.from_json(json.loads(path.read_text())), path, options)
    with tempfile.TemporaryDirectory() as scratch:
        project = bench.project(
            Path(scratch) / bench.name, strategy=strategy, seed=seed, model=options.model
        )
        result = simulate(
            project,
            rounds=options.rounds,
            batch_size=options.batch,
            initial=options.initial,
            on_round=lambda point: print(strategy, seed, point.labels, point.metrics, flush=True),
        )
    _write(path, result.to_json())
    return result


def full(bench: Benchmark, options: argparse.Namespace) -> dict[str, Any]:
    """Figures of a model trained on all labels, from disk if it was run before."""
    path = options.out / f"full-{Path(options.model).name}.json"
    if not path.exists():
        with tempfile.TemporaryDirectory() as scratch:
            project = bench.project(Path(scratch) / bench.name, answers=True, model=options.model)
            made = project.train(score=False)
        _write(path, {"labels": made.labels, "metrics": made.metrics, "seconds": made.seconds})
    values: dict[str, Any] = json.loads(path.read_text())
    return values


def report(bench: Benchmark, runs: Runs, best: float | None, out: Path) -> None:
    """Print tables and draw curves, for ner per word as well."""
    picture = {"metric": bench.metric, "title": bench.title, "full": best}
    learning_curves(runs, out / "curve.png", **picture)
    print(table(runs, bench.metric))
    if bench.task == "ner":
        learning_curves(runs, out / "curve-tokens.png", cost="tokens", **picture)
        print("\n" + token_table(runs, bench.metric))
    if best is not None:
        print(f"\nall labels: {best:.3f}")


def table(runs: Runs, metric: str) -> str:
    """Markdown: the mean of a metric (± standard deviation over seeds) by labels."""
    first = next(iter(runs.values()))[0]
    lines = _head("labels", [str(point.labels) for point in first.rounds])
    for name, several in runs.items():
        values = np.array([[point.metrics[metric] for point in r.rounds] for r in several])
        lines.append(_line(name, values))
    return "\n".join(lines)


def token_table(runs: Runs, metric: str, columns: int = 7) -> str:
    """Markdown: the same by words labelled, read off between the measured points."""
    several = [run for listed in runs.values() for run in listed]
    least = max(run.rounds[0].metrics["tokens"] for run in several)
    most = min(run.rounds[-1].metrics["tokens"] for run in several)
    grid = np.linspace(least, most, columns).round(-1)
    lines = _head("words", [f"{words:.0f}" for words in grid])
    for name, listed in runs.items():
        values = [
            np.interp(
                grid,
                [point.metrics["tokens"] for point in run.rounds],
                [point.metrics[metric] for point in run.rounds],
            )
            for run in listed
        ]
        lines.append(_line(name, np.array(values)))
    return "\n".join(lines)


def _head(what: str, cells: Sequence[str]) -> list[str]:
    return [f"| {what} | " + " | ".join(cells) + " |", "|---" * (len(cells) + 1) + "|"]


def _line(name: str, values: np.ndarray) -> str:
    cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(values.mean(0), values.std(0), strict=True)]
    return f"| {name} | " + " | ".join(cells) + " |"


def _same(run: Simulation, path: Path, options: argparse.Namespace) -> Simulation:
    """The run from disk, if it has the settings that are asked for."""
    first, *others = [point.labels for point in run.rounds]
    found = (
        Path(run.model).name,
        first,
        len(others),
        (others or [first + options.batch])[0] - first,
    )
    asked = (Path(options.model).name, options.initial, options.rounds, options.batch)
    if found != asked:
        raise SystemExit(
            f"{path}: got a run with (model, initial, rounds, batch) = {found}, expected {asked}; "
            "choose another --out"
        )
    return run


def _write(path: Path, values: dict[str, Any]) -> None:
    temporary = path.with_suffix(".writing")
    temporary.write_text(json.dumps(values, indent=1) + "\n")
    temporary.replace(path)

"""TREC-6, six types of question: does choosing by margin beat choosing at random?

    python recipes/trec6.py --out results/trec6

Reads the local folder $ALNLP_DATA/trec6 where there is one, else the hub id below. Each finished
run is a JSON file under --out, and a run that is there already is not run again, so that a killed
recipe goes on where it stopped.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from alnlp import Project, Simulation, simulate
from alnlp.plotting import learning_curves

HUB_ID, HUB_LABELS = "CogComp/trec", "coarse_label"
LOCAL = Path(os.environ.get("ALNLP_DATA", "")) / "trec6"


def make(folder: Path, options: argparse.Namespace, **settings: Any) -> Project:
    """A project on the data set."""
    local = LOCAL.is_dir()
    return Project.create(
        folder,
        data=LOCAL / "train.jsonl.gz" if local else f"{HUB_ID}:train",
        test=LOCAL / "test.jsonl.gz" if local else f"{HUB_ID}:test",
        task="classification",
        label_column=None if local else HUB_LABELS,
        model=options.model,
        keep_rounds=1,
        **{"answers": False, **settings},
    )


def full(options: argparse.Namespace) -> float:
    """The test accuracy of a model trained on all labels, from disk if it was run before."""
    path = options.out / "full.json"
    if not path.exists():
        with tempfile.TemporaryDirectory() as scratch:
            project = make(Path(scratch) / "trec6", options, answers=True)
            made = project.train(score=False)
        values = {"labels": made.labels, "metrics": made.metrics, "seconds": made.seconds}
        path.write_text(json.dumps(values, indent=1) + "\n")
    accuracy: float = json.loads(path.read_text())["metrics"]["accuracy"]
    return accuracy


def run(strategy: str, seed: int, options: argparse.Namespace) -> Simulation:
    """One learning curve, from disk if it was run before."""
    path = options.out / f"{strategy}-{seed}.json"
    if path.exists():
        return Simulation.from_json(json.loads(path.read_text()))
    with tempfile.TemporaryDirectory() as scratch:
        project = make(Path(scratch) / "trec6", options, strategy=strategy, seed=seed)
        result = simulate(
            project,
            rounds=options.rounds,
            batch_size=options.batch,
            initial=options.initial,
            on_round=lambda point: print(strategy, seed, point.labels, point.metrics, flush=True),
        )
    path.write_text(json.dumps(result.to_json(), indent=1) + "\n")
    return result


def table(runs: dict[str, list[Simulation]]) -> str:
    """A Markdown table of mean test accuracy (and standard deviation over seeds) by labels."""
    first = next(iter(runs.values()))[0]
    lines = ["| labels | " + " | ".join(str(point.labels) for point in first.rounds) + " |"]
    lines.append("|---" * (len(first.rounds) + 1) + "|")
    for name, several in runs.items():
        values = np.array([[point.metrics["accuracy"] for point in r.rounds] for r in several])
        cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(values.mean(0), values.std(0), strict=True)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run all strategies and seeds, then draw and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--strategies", default="random,margin")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--initial", type=int, default=20)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip-full", action="store_true", help="no full-data line")
    parser.add_argument("--out", type=Path, default=Path("results/trec6"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    runs = {
        name: [run(name, seed, options) for seed in seeds] for name in options.strategies.split(",")
    }
    best = None if options.skip_full else full(options)
    picture = options.out / "curve.png"
    learning_curves(runs, picture, metric="accuracy", title="TREC-6", full=best)
    print(table(runs))
    if best is not None:
        print(f"\nall labels: {best:.3f}")


if __name__ == "__main__":
    main()

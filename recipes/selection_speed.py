"""How long choosing a batch takes in a large pool, and how much memory.

    OMP_NUM_THREADS=2 python recipes/selection_speed.py --strategies k_center,typiclust,badge

The pool is made up: clusters of random embeddings, float16 in a file as a round keeps them, and
probabilities that go with the clusters. Each strategy runs in a process of its own; its seconds
are those of the choice, with the file read and the libraries imported that it needs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alnlp import hardware
from alnlp.signals import Labelled, Signals
from alnlp.strategies import STRATEGIES, find, select

ANSWERED = 200
AT_ONCE = 10_000
TASK = "classification"
#: What the pool has of what a strategy may need.
HAS = {"probabilities", "embeddings", "labelled", "label_embeddings"}


def make(folder: Path, rows: int, width: int, classes: int, rng: np.random.Generator) -> None:
    """Write a pool of so many rows, behind the answered examples, and its labels' embeddings."""
    centres = rng.normal(size=(classes, width))
    total = rows + ANSWERED
    embeddings = np.lib.format.open_memmap(
        folder / "embeddings.npy", mode="w+", dtype=np.float16, shape=(total, width)
    )
    labels = rng.integers(classes, size=total)
    for start in range(0, total, AT_ONCE):
        part = labels[start : start + AT_ONCE]
        embeddings[start : start + AT_ONCE] = centres[part] + rng.normal(size=(len(part), width))
    logits = rng.normal(size=(total, classes))
    logits[np.arange(total), labels] += 3 * rng.random(total)
    odds = np.exp(logits)
    np.save(folder / "probabilities.npy", (odds / odds.sum(axis=1, keepdims=True)).astype("f4"))
    np.save(folder / "labels.npy", labels[:ANSWERED])
    np.save(folder / "label_embeddings.npy", centres.astype(np.float32))


def signals_of(folder: Path) -> Signals:
    """Signals over the pool in a folder, its embeddings left in the file."""
    arrays: dict[str, NDArray[np.generic]] = {
        path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")
    }
    embeddings, probabilities = arrays["embeddings"], arrays["probabilities"]
    return Signals.of(
        probabilities[ANSWERED:],
        embeddings[ANSWERED:],
        labelled=Labelled(embeddings[:ANSWERED], probabilities[:ANSWERED], arrays["labels"]),
        label_embeddings=arrays["label_embeddings"],
    )


def measure(folder: Path, strategy: str, n: int, seed: int) -> None:
    """Choose once, and print as JSON how long it took and the most memory that was resident."""
    signals, (_, spec) = signals_of(folder), find(strategy, TASK)
    started = time.perf_counter()
    chosen = select(spec, signals, n, np.random.default_rng(seed))
    seconds = time.perf_counter() - started
    peak = hardware.peak_memory() / 2**20
    print(json.dumps({"chosen": len(chosen), "seconds": seconds, "megabytes": peak}))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each strategy in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--select", type=int, default=100)
    parser.add_argument("--strategies", default="k_center,typiclust,badge")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    for name in ("rows", "width", "classes", "select"):
        if getattr(given, name) < 1:
            raise SystemExit(f"--{name}: got {getattr(given, name)}, expected at least 1")
    if given.folder:
        measure(given.folder, given.strategies, given.select, given.seed)
        return
    from benchmark import listed  # not by the processes measured: it brings 60 MB of libraries

    serving = [name for name, spec in STRATEGIES.items() if TASK in spec.tasks]
    known = [name for name in serving if find(name, TASK)[1].needs_for(TASK) <= HAS]
    strategies = listed(given.strategies, "--strategies", known)
    print(
        f"{given.select} of {given.rows:,} texts, {given.width} numbers each, seed {given.seed}\n"
    )
    print("| strategy | seconds | peak memory, MB |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        rng = np.random.default_rng(given.seed)
        make(Path(scratch), given.rows, given.width, given.classes, rng)
        for name in strategies:
            own = [sys.executable, __file__, "--folder", scratch, "--strategies", name]
            own += ["--select", str(given.select), "--seed", str(given.seed)]
            ran = subprocess.run(own, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(ran.stdout)
            print(f"| {name} | {found['seconds']:.1f} | {found['megabytes']:.0f} |", flush=True)


if __name__ == "__main__":
    main()

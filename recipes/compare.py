"""Strategies against each other over seeds and data sets, in one run that may be killed any time.

    python recipes/compare.py --datasets trec6,ag_news_subset --strategies margin,badge --seeds 0..4

Run again, it goes on after the last finished round; several processes may share --out when they
are given different seeds. `random` and the line of all labels are always there. Under --out:
table.md, and for each data set its curves as JSON and curve.png. A strategy is tested against
`random` by the area under its curves, paired by data set and seed, see alnlp/comparing.py.
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark import (
    BASELINE,
    Benchmark,
    Help,
    Runs,
    check_first,
    curve,
    curve_file,
    full,
    full_file,
    listed,
    one_line_errors,
    rounds_on_disk,
    seed_numbers,
    strategy_names,
    whole,
)

from alnlp import hardware
from alnlp.comparing import OVERALL, against, overall_table, summarise, table
from alnlp.console import progress_bars
from alnlp.plotting import learning_curves
from alnlp.simulation import SimulatedRound

RECIPES = (
    "trec", "ag_news", "banking77", "sst2", "scicite", "goemotions",
    "ncbi_disease", "wnut17", "weibo_ner",
)  # fmt: skip


def main() -> None:
    """Run what is not on disk yet, and after each seed write tables and pictures."""
    options = arguments()
    known = {bench.name: bench for bench in benchmarks()}
    benches = [known[name] for name in listed(options.datasets, "--datasets", known)]
    strategies = strategy_names(options.strategies, benches)
    seeds = seed_numbers(options.seeds)
    check_first(options.initial_strategy, benches)
    with one_line_errors(), progress_bars() as bars:
        progress = Progress(benches, strategies, seeds, options)
        data: dict[str, Runs] = {bench.name: {name: [] for name in strategies} for bench in benches}
        best: dict[str, float] = {}
        for seed in seeds:  # a killed run has whole seeds to compare
            for bench in benches:
                here = settings(bench, options)
                for name, several in data[bench.name].items():
                    told = progress.of(bench, name, seed)
                    several.append(curve(bench, name, seed, here, told, bars))
                if bench.name not in best:
                    best[bench.name] = progress.whole(bench, here)
            report(benches, data, best, seeds, options)
    print((options.out / "table.md").read_text())


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Help)
    parser.add_argument("--datasets", default="trec6,ag_news_subset,sst2_sentences", help="by name")
    parser.add_argument("--strategies", default="margin,entropy", help="beside random")
    parser.add_argument("--seeds", default="0..4", help="such as 0,1,2 or 0..4")
    parser.add_argument("--model", default="minilm", help="see alnlp models")
    parser.add_argument("--pool", type=whole(1), help="rows of the training set, drawn at random")
    parser.add_argument("--initial-strategy", default=BASELINE, help="chooses the first labels")
    for name, least in (("initial", 1), ("batch", 1), ("rounds", 0)):
        parser.add_argument(f"--{name}", type=whole(least), help="else as the recipe has it")
    parser.add_argument("--out", type=Path, default=Path("results", "compare"), help="folder")
    return parser.parse_args()


def benchmarks() -> list[Benchmark]:
    """The data sets of all recipes."""
    modules = [importlib.import_module(name) for name in RECIPES]
    return [found for module in modules for found in vars(module).values()
            if isinstance(found, Benchmark)]  # fmt: skip


def settings(bench: Benchmark, options: argparse.Namespace) -> argparse.Namespace:
    """The options of one data set, with the defaults of its recipe."""
    part = "" if options.pool is None else f"-{options.pool}"
    same = {name: getattr(options, name) for name in ("model", "pool", "initial_strategy")}
    given = {
        name: getattr(bench, name) if (value := getattr(options, name)) is None else value
        for name in ("initial", "batch", "rounds")
    }
    out = options.out / f"{bench.name}{part}"
    return argparse.Namespace(out=out, **same, **given)


class Progress:
    """Prints a line for each finished training: how fast they come, how long the rest will take.

    Trainings grow longer with the labels, so the time left is a lower bound early in a curve.
    """

    def __init__(
        self,
        benches: Sequence[Benchmark],
        strategies: Sequence[str],
        seeds: Sequence[int],
        options: argparse.Namespace,
    ) -> None:
        self.total = self.done = self.here = 0
        for bench in benches:
            given = settings(bench, options)
            self.total += 1  # the one of all labels
            self.done += full_file(given.out).exists()
            for name in strategies:
                for seed in seeds:
                    self.total += given.rounds + 1
                    path = curve_file(given.out, name, seed)
                    self.done += rounds_on_disk(path, given.rounds + 1)
        self.began = time.monotonic()

    def of(self, bench: Benchmark, strategy: str, seed: int) -> Callable[[SimulatedRound], None]:
        """What is to be called after each round of a curve."""

        def told(point: SimulatedRound) -> None:
            value = point.metrics[bench.metric]
            self._told(f"{bench.name} {strategy} seed {seed}: {point.labels} labels", bench, value)

        return told

    def whole(self, bench: Benchmark, here: argparse.Namespace) -> float:
        """The score of a model trained on all labels, from disk if it was run before."""
        before = full_file(here.out).exists()
        found = full(bench, here)
        value = float(found["metrics"][bench.metric])
        if not before:
            self._told(f"{bench.name}: all {found['labels']} labels", bench, value)
        return value

    def _told(self, what: str, bench: Benchmark, value: float) -> None:
        self.done, self.here = self.done + 1, self.here + 1
        seconds = time.monotonic() - self.began
        left = seconds / self.here * (self.total - self.done)
        print(
            f"{what}, {bench.metric} {value:.3f} | training {self.done} of {self.total}, "
            f"{60 * self.here / seconds:.1f} a minute, {_duration(left)} left",
            flush=True,
        )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def report(
    benches: Sequence[Benchmark],
    data: dict[str, Runs],
    best: dict[str, float],
    seeds: Sequence[int],
    options: argparse.Namespace,
) -> None:
    """Write table.md and the pictures, with the seeds there are so far."""
    metrics = {bench.name: bench.metric for bench in benches}
    machine = hardware.describe()
    parts = [
        f"# {len(data[benches[0].name][BASELINE])} of {len(seeds)} seeds",
        f"`python recipes/compare.py {' '.join(sys.argv[1:])}`, model {options.model}, "
        f"{machine['name']}, {machine['threads']} threads, {machine['precision']}, "
        f"torch {machine['torch']}. Mean ± standard deviation over seeds (n - 1). Area: the mean "
        "height of the curve. Labels needed: the median over seeds, of which one that never gets "
        "there needs more than there were. "
        "Difference and wins: of the area against random, paired by seed; p "
        "two-sided, corrected after Holm for the strategies of its table; (t): a t-test, where "
        "there are too few seeds for signed ranks. It takes the differences for normal, which so "
        "few cannot show, so that its p is a hint.",
    ]
    for bench in benches:
        runs, given = data[bench.name], settings(bench, options)
        labels = [point.labels for point in runs[BASELINE][0].rounds]
        told = against({bench.name: runs}, metrics, BASELINE)
        first = runs[BASELINE][0]
        parts += [
            f"## {bench.title}",
            table(summarise(runs, bench.metric, best[bench.name]), told, bench.metric),
            f"All {first.pool} labels: {best[bench.name]:.3f} (one seed). Labels of the rounds: "
            f"{', '.join(map(str, labels))}; measured on {first.test}.",
        ]
        picture = {"metric": bench.metric, "title": bench.title, "full": best[bench.name]}
        learning_curves(runs, given.out / "curve.png", **picture)
        if bench.task == "ner":
            learning_curves(runs, given.out / "curve-tokens.png", cost="tokens", **picture)
    if len(benches) > 1:
        parts += ["## All data sets", OVERALL, overall_table(against(data, metrics, BASELINE))]
    temporary = options.out / f".writing-table-{os.getpid()}.md"  # several may share the folder
    temporary.write_text("\n\n".join(parts) + "\n")
    temporary.replace(options.out / "table.md")


if __name__ == "__main__":
    main()

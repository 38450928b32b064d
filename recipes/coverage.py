"""Are the intervals honest? Simulated projects that know no test set, against the true score.

    python recipes/coverage.py --datasets trec6,ag_news_subset,sst2_sentences --seeds 0..99

Each run labels by the project's strategy, keeps a tenth of each batch aside, and after each round
says how good the model is, and how good it will be 100 labels later, by what was kept aside alone.
The true score comes from a third of all texts, which nothing else looks at. It is drawn at random
from the training and the test set together: an audit sample speaks for the texts that it is drawn
from, and the published test questions of TREC are of another kind than those to train on. Each seed
draws another audit sample and other initial labels. Run again, it goes on after the last finished
round. Under --out: table.md, and the runs as JSON.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from benchmark import (
    BASELINE,
    Benchmark,
    Help,
    curve,
    listed,
    one_line_errors,
    read,
    seed_numbers,
    whole,
)
from compare import benchmarks

from alnlp import Project, Simulation, forecast
from alnlp.forecast import Measured
from alnlp.project.audit import AUDIT_SHARE

#: Of all texts, how many say what the true score is.
_TEST = 1 / 3
_AHEAD = 100


class Mixed(Benchmark):
    """A data set whose training and test texts are shuffled, and which keeps an audit sample."""

    def project(self, folder: Path, *, pool: int | None = None, **settings: Any) -> Project:
        """A project on two thirds of all texts, always the same; the others are its test set."""
        from datasets import concatenate_datasets

        rows = concatenate_datasets([read(file) for file in self.files()])
        order = np.random.default_rng(0).permutation(len(rows))
        tests = round(len(rows) * _TEST)
        data, test = rows.select(order[tests:]), rows.select(order[:tests])
        return self.create(folder, data, test, audit_share=AUDIT_SHARE, **settings)


def main() -> None:
    """Run what is not on disk yet; after each seed write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Help)
    parser.add_argument("--datasets", default="trec6,ag_news_subset,sst2_sentences", help="by name")
    parser.add_argument("--seeds", default="0..99", help="such as 0,1,2 or 0..99")
    parser.add_argument("--strategy", default="margin", help="see alnlp strategies")
    parser.add_argument("--model", default="probe", help="see alnlp models")
    parser.add_argument("--initial", type=whole(1), default=40)
    parser.add_argument("--batch", type=whole(1), default=40)
    parser.add_argument("--rounds", type=whole(0), default=10)
    parser.add_argument("--out", type=Path, default=Path("results", "coverage"), help="folder")
    options = parser.parse_args()
    benches = {bench.name: bench for bench in benchmarks() if bench.task == "classification"}
    names = listed(options.datasets, "--datasets", benches)
    found: dict[str, list[Cases]] = {name: [] for name in names}
    with one_line_errors():
        for seed in seed_numbers(options.seeds):
            for name in names:
                run = _run(benches[name], seed, options)
                found[name].append(cases(run))
                print(name, "seed", seed, run.rounds[-1].metrics, flush=True)
            (options.out / "table.md").write_text(report(found))
    print((options.out / "table.md").read_text())


def _run(bench: Benchmark, seed: int, options: argparse.Namespace) -> Simulation:
    mixed = Mixed(**{field.name: getattr(bench, field.name) for field in fields(Benchmark)})
    here = {
        **vars(options),
        "pool": None,
        "initial_strategy": BASELINE,
        "out": options.out / bench.name,
    }
    return curve(mixed, options.strategy, seed, argparse.Namespace(**here))


#: How many answers were kept aside, the interval, and the true score.
Case = tuple[int, float, float, float]
#: By what they are of, the cases of one run: one of each round.
Cases = dict[str, list[Case]]


def cases(run: Simulation) -> Cases:
    """What one run says of itself."""
    return {
        "accuracy": list(_audits(run, "accuracy")),
        "macro_f1": list(_audits(run, "macro_f1")),
        f"accuracy {_AHEAD} labels later": list(_forecasts(run)),
    }


def _audits(run: Simulation, metric: str) -> Iterator[Case]:
    """What each round says of itself, once something is kept aside."""
    for point in run.rounds:
        if not point.audit:
            continue
        said = point.audit[metric]
        yield point.audit["n"], said["low"], said["high"], point.metrics[metric]


def _forecasts(run: Simulation) -> Iterator[Case]:
    """What each round says of the first one with at least 100 labels more."""
    known: list[Measured] = []
    for point in run.rounds:
        if not point.audit:
            continue
        known.append(Measured(point.labels, **point.audit["accuracy"]))
        later = next((p for p in run.rounds if p.labels >= point.labels + _AHEAD), None)
        if later and not forecast.why_not(known):
            said = forecast.fit(known).at(later.labels - point.labels)
            yield point.audit["n"], said.low, said.high, later.metrics["accuracy"]


def report(found: dict[str, list[Cases]]) -> str:
    """Markdown: how often the intervals held the true score."""
    first = next(iter(found.values()))[0]
    tables = [
        _table(what, {data: [case for run in runs for case in run[what]]
                      for data, runs in found.items()})
        for what in first
    ]  # fmt: skip
    count = min(map(len, found.values()))
    return "\n\n".join([f"{count} runs on each data set.", *tables]) + "\n"


def _table(what: str, cases: dict[str, list[Case]]) -> str:
    """Of each data set, how many true scores lay in the interval; and its mean width."""
    kept = sorted({case[0] for found in cases.values() for case in found})
    kept = kept[::-2][::-1]  # every other round tells as much
    lines = [
        f"| {what}, by answers kept aside | " + " | ".join([*map(str, kept), "all rounds"]) + " |",
        "|---" * (len(kept) + 2) + "|",
    ]
    for data, found in cases.items():
        cells = [_cell([case for case in found if case[0] == n]) for n in kept]
        lines.append(f"| {data} | " + " | ".join([*cells, _cell(found)]) + " |")
    return "\n".join(lines)


def _cell(cases: Sequence[Case]) -> str:
    if not cases:
        return ""
    inside = np.mean([low <= true <= high for _, low, high, true in cases])
    width = np.mean([high - low for _, low, high, _ in cases])
    return f"{inside:.0%} (±{width / 2:.2f})"


if __name__ == "__main__":
    main()

"""Does margin save labels on a frozen network, and does it when the network is fine-tuned?

    python recipes/frozen_head.py --seeds 0..2 --pool 1500

Margin against random with both models on the same data, seeds and first labels. The last row asks
for the difference that fine-tuning makes: the gain with it less the gain without, paired by data
set and seed. Run again, it goes on after the last finished round; curves that compare.py has run
with --out OUT/frozen or OUT/fine-tuned are taken from there.
"""

import argparse
from pathlib import Path

from benchmark import BASELINE, Help, Runs, curve, listed, one_line_errors, seed_numbers, whole
from compare import Progress, benchmarks, settings

from alnlp.comparing import OVERALL, Paired, against, gains, paired, spread, summarise
from alnlp.models import AUTO, split

STRATEGY = "margin"
HEAD = ("network", "data", "area, random", "area, margin", "difference", "wins", "p")


def main() -> None:
    """Run what is not on disk yet, then print one table."""
    options = arguments()
    known = {bench.name: bench for bench in benchmarks()}
    names = listed(options.datasets, "--datasets", known)
    if split(options.model)[0] or options.model == AUTO:
        raise SystemExit(f"--model: got {options.model!r}, expected a network, such as minilm")
    benches, seeds = [known[name] for name in names], seed_numbers(options.seeds)
    titles = {bench.name: bench.title for bench in benches}
    metrics = {bench.name: bench.metric for bench in benches}
    lines = [HEAD, ("---",) * len(HEAD)]
    gained: dict[str, dict[tuple[str, int], float]] = {}
    for network, model in {"frozen": f"probe:{options.model}", "fine-tuned": options.model}.items():
        given = argparse.Namespace(
            **{**vars(options), "model": model, "out": options.out / network}
        )
        progress = Progress(benches, (BASELINE, STRATEGY), seeds, given)
        data: dict[str, Runs] = {}
        with one_line_errors():
            for bench in benches:
                here = settings(bench, given)
                data[bench.name] = {
                    name: [curve(bench, name, s, here, progress.of(bench, name, s)) for s in seeds]
                    for name in (BASELINE, STRATEGY)
                }
        for name, runs in data.items():
            test = against({name: runs}, metrics)[STRATEGY]
            lines.append((network, titles[name], *areas(runs, metrics[name]), *tested(test)))
        lines.append((network, "all", "", "", *tested(against(data, metrics)[STRATEGY])))
        gained[network] = gains(data, metrics)[STRATEGY]
    more = [gain - gained["frozen"][pair] for pair, gain in gained["fine-tuned"].items()]
    lines.append(("fine-tuned less frozen", "all", "", "", *tested(paired(more))))
    print("\n".join("| " + " | ".join(cells) + " |" for cells in lines))
    print(f"\n{OVERALL}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Help)
    parser.add_argument("--datasets", default="trec6,ag_news_subset,sst2_sentences", help="by name")
    parser.add_argument("--model", default="minilm", help="the network, frozen and fine-tuned")
    parser.add_argument("--seeds", default="0..2", help="such as 0,1,2 or 0..4")
    parser.add_argument("--pool", type=whole(1), help="rows of the training set, drawn at random")
    for name, least in (("initial", 1), ("batch", 1), ("rounds", 0)):
        parser.add_argument(f"--{name}", type=whole(least), help="else as the recipe has it")
    parser.add_argument("--out", type=Path, default=Path("results", "frozen_head"), help="folder")
    parser.set_defaults(initial_strategy=BASELINE)
    return parser.parse_args()


def areas(runs: Runs, metric: str) -> tuple[str, str]:
    """The areas under the curves of both strategies, over seeds."""
    found = {summary.strategy: summary.area for summary in summarise(runs, metric)}
    first, second = (spread(found[name]) for name in (BASELINE, STRATEGY))
    return first, second


def tested(test: Paired) -> tuple[str, str, str]:
    """Difference, wins and p."""
    p = "" if test.p is None else f"{test.p:.3g} ({test.test})"
    return f"{test.difference:+.3f}", f"{test.wins} of {test.pairs}", p


if __name__ == "__main__":
    main()

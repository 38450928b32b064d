"""What learning curves say together: areas, labels needed, and tests against a baseline.

Curves that differ by strategy alone are compared in pairs: same data set, same seed, so the same
first labels. `summarise` makes one `Summary` a strategy of them, `table` a page of Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from alnlp.errors import DataError
from alnlp.simulation import Simulation

#: Name of a strategy -> its curves, which differ by seed.
Runs = Mapping[str, Sequence[Simulation]]

SHARES = (0.9, 0.95, 0.99)
LEVEL = 0.05

#: What has to be read beside a test over several data sets, see `against`.
OVERALL = (
    "The p over all pairs of data set and seed is about these data sets alone: it says whether the "
    "difference on them is more than the chance of the seeds, not whether there is one on others."
)


@dataclass(frozen=True)
class Paired:
    """A test of whether paired differences are about zero.

    Attributes:
        test: "Wilcoxon" (signed ranks) or "t"; "" where there are too few pairs for any.
        pairs: how many.
        difference: their mean.
        wins: how many are above zero.
        p: two-sided; None where there are too few pairs.
        corrected: the same after Holm's correction over all strategies tested; None without.
    """

    test: Literal["Wilcoxon", "t", ""]
    pairs: int
    difference: float
    wins: int
    p: float | None
    corrected: float | None = None


@dataclass(frozen=True)
class Summary:
    """What the curves of one strategy on one data set come to; a figure for each seed.

    Attributes:
        strategy: its name.
        final: the metric after the last round.
        area: under the curve, see `area`.
        needed: share of the full-data score -> the labels it took to reach it, None where a curve
            does not; empty where the full-data score is not known.
        labels: how far the longest curve goes.
    """

    strategy: str
    final: tuple[float, ...]
    area: tuple[float, ...]
    needed: dict[float, tuple[float | None, ...]]
    labels: int


# Curves -----------------------------------------------------------------------------------------


def area(labels: ArrayLike, values: ArrayLike) -> float:
    """The area under a learning curve over its stretch of labels: the mean height of the curve.

    Trapezoids between the points (R,), divided by the distance from the first to the last, so that
    it is in the unit of the metric; of a single point its value.
    """
    x, y = np.asarray(labels, np.float64), np.asarray(values, np.float64)
    return float(np.trapezoid(y, x) / (x[-1] - x[0])) if len(x) > 1 else float(y[0])


def labels_to_reach(labels: ArrayLike, values: ArrayLike, target: float) -> float | None:
    """How many labels a curve first needs for a value, on the straight line between its points.

    The first point's labels where it is reached there already (it may have been with fewer), None
    where the curve never reaches it.
    """
    x, y = np.asarray(labels, np.float64), np.asarray(values, np.float64)
    reached = np.flatnonzero(y >= target)
    if not len(reached):
        return None
    at = int(reached[0])
    if at == 0:
        return float(x[0])
    share = (target - y[at - 1]) / (y[at] - y[at - 1])
    return float(x[at - 1] + share * (x[at] - x[at - 1]))


def summarise(runs: Runs, metric: str, full: float | None = None) -> list[Summary]:
    """A summary for each strategy on one data set; `full` is the score with all labels."""
    targets = {} if full is None else {share: share * full for share in SHARES}
    summaries = []
    for name, several in runs.items():
        curves = [_curve(run, metric) for run in several]
        needed = {
            share: tuple(labels_to_reach(*curve, target) for curve in curves)
            for share, target in targets.items()
        }
        summaries.append(
            Summary(
                name,
                final=tuple(values[-1] for _, values in curves),
                area=tuple(area(*curve) for curve in curves),
                needed=needed,
                labels=max(labels[-1] for labels, _ in curves),
            )
        )
    return summaries


def _curve(run: Simulation, metric: str) -> tuple[list[int], list[float]]:
    missing = [point.round for point in run.rounds if metric not in point.metrics]
    if missing:
        raise DataError(
            f"metric: got {metric!r}, expected one of {', '.join(run.rounds[missing[0]].metrics)}"
        )
    return [point.labels for point in run.rounds], [point.metrics[metric] for point in run.rounds]


# Tests ------------------------------------------------------------------------------------------


def against(
    data: Mapping[str, Runs], metrics: Mapping[str, str], baseline: str = "random"
) -> dict[str, Paired]:
    """Each strategy against the baseline, by the areas over all (data set, seed) pairs of both.

    Which test is taken is decided by the number of pairs and of strategies alone, see `paired`.

    Over several data sets a small p says that on these, taken together, the strategy differs from
    the baseline by more than the chance of the seeds. It does not say so of each of them, and
    nothing of other data sets: the differences on one set share what is particular to that set, so
    that for sets drawn at random the pairs depend on each other, and the test would find a
    difference far too often where on average there is none. That question takes one figure a data
    set, and many sets.

    Args:
        data: name of the data set -> its curves.
        metrics: name of the data set -> the metric.
        baseline: the strategy to beat.

    Raises:
        DataError: two curves of one strategy, data set and seed, or a curve without the metric.
    """
    found = gains(data, metrics, baseline)
    tests = {name: paired(list(gained.values()), len(found)) for name, gained in found.items()}
    corrected = holm([test.p for test in tests.values()])
    return {
        name: Paired(test.test, test.pairs, test.difference, test.wins, test.p, p)
        for (name, test), p in zip(tests.items(), corrected, strict=True)
    }


def gains(
    data: Mapping[str, Runs], metrics: Mapping[str, str], baseline: str = "random"
) -> dict[str, dict[tuple[str, int], float]]:
    """By how much the areas of each strategy are above the baseline's, by (data set, seed).

    Only where there are both; arguments and errors are those of `against`.
    """
    areas = {
        (name, strategy): _areas(several, metrics[name], f"{name}, {strategy}")
        for name, runs in data.items()
        for strategy, several in runs.items()
    }
    gained: dict[str, dict[tuple[str, int], float]] = {}
    for (name, strategy), found in areas.items():
        if strategy != baseline:
            base = areas.get((name, baseline), {})
            both = sorted(found.keys() & base.keys())
            pairs = gained.setdefault(strategy, {})
            pairs |= {(name, seed): found[seed] - base[seed] for seed in both}
    return gained


def _areas(several: Sequence[Simulation], metric: str, what: str) -> dict[int, float]:
    found = {run.seed: area(*_curve(run, metric)) for run in several}
    if len(found) < len(several):
        raise DataError(f"{what}: got several curves of one seed, expected one of each")
    return found


def paired(differences: Sequence[float], tests: int = 1) -> Paired:
    """Whether paired differences are about zero, two-sided.

    Wilcoxon's signed-rank test, which takes no shape of their distribution for granted, as soon as
    n pairs can decide anything: its smallest p, 2 / 2^n, times the number of tests to correct for
    must be below 0.05. With fewer pairs the paired t-test, which takes them for normal; with one
    pair none. Differences that are equal but for their last digits are equal.

    Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1945.
    """
    values = np.asarray(differences, np.float64).round(12)
    n = len(values)
    mean = float(values.mean()) if n else 0.0
    wins = int((values > 0).sum())
    if n < 2:
        return Paired("", n, mean, wins, None)
    if 2.0 ** (1 - n) * tests < LEVEL:
        return Paired("Wilcoxon", n, mean, wins, signed_rank(values))
    return Paired("t", n, mean, wins, paired_t(values))


def signed_rank(differences: ArrayLike) -> float:
    """The two-sided p of Wilcoxon's signed-rank test, exact for any number of pairs and with ties.

    Pairs without a difference are left out, ties share the mean of their ranks, and the sum of the
    positive ranks is compared with its distribution over all 2^n signs.
    """
    values = np.asarray(differences, np.float64)
    sizes = np.abs(values[values != 0])
    _, tie, tied = np.unique(sizes, return_inverse=True, return_counts=True)
    ranks = (2 * np.cumsum(tied) - tied + 1)[tie]  # twice the mean rank, so that it is whole
    chance = np.ones(1)  # of each sum of positive ranks, from 0 up
    for rank in ranks.tolist():
        without, with_it = np.pad(chance, (0, rank)), np.pad(chance, (rank, 0))
        chance = (without + with_it) / 2
    middle = ranks.sum() / 2
    seen = ranks[values[values != 0] > 0].sum()
    as_far = np.abs(np.arange(len(chance)) - middle) >= abs(seen - middle)
    return min(1.0, float(chance[as_far].sum()))


def paired_t(differences: ArrayLike) -> float | None:
    """The two-sided p of the paired t-test; 1 without any difference.

    None where all differences are the same: nothing says how much they vary.
    """
    from scipy.stats import ttest_1samp

    values = np.asarray(differences, np.float64)
    if np.ptp(values) == 0:
        return None if values[0] else 1.0
    return float(ttest_1samp(values, 0.0).pvalue)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for their number, in the order given; None stays None and counts not.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 1979: the smallest times m, the next times m - 1, ..., never below one before it.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[place] = largest
    return corrected


# Tables -----------------------------------------------------------------------------------------


def table(summaries: Sequence[Summary], tests: Mapping[str, Paired], metric: str) -> str:
    """Markdown: a line a strategy, mean ± standard deviation over seeds, p against the baseline.

    The labels needed are the median over the seeds, of which one that never got there counts as
    more than the curve has; how many got there is told where that is some of them.
    """
    shares = list(summaries[0].needed) if summaries else []
    head = [
        "strategy",
        f"final {metric}",
        "area",
        *(f"labels to {share:.0%} of full" for share in shares),
        "difference",
        "wins",
        "p",
        "p (Holm)",
    ]
    lines = [_row(head), "|---" * len(head) + "|"]
    for summary in summaries:
        needed = [_needed(summary.needed[share], summary.labels) for share in shares]
        cells = [summary.strategy, spread(summary.final), spread(summary.area), *needed]
        lines.append(_row([*cells, *_tested(tests.get(summary.strategy))]))
    return "\n".join(lines)


def overall_table(tests: Mapping[str, Paired]) -> str:
    """Markdown: the tests alone, for those over several data sets."""
    head = ["strategy", "difference of area", "wins", "p", "p (Holm)"]
    lines = [_row(head), "|---" * len(head) + "|"]
    lines += [_row([name, *_tested(test)]) for name, test in tests.items()]
    return "\n".join(lines)


def deviation(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample (n - 1); None of a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def spread(values: Sequence[float]) -> str:
    """A mean ± the standard deviation of a sample, of a single value without."""
    spread = deviation(values)
    mean = f"{np.mean(values):.3f}"
    return mean if spread is None else f"{mean} ± {spread:.3f}"


def _needed(labels: Sequence[float | None], most: int) -> str:
    """The median over seeds; one that never gets there needs more than there were."""
    usual = np.median([np.inf if count is None else count for count in labels])
    told = f"{usual:.0f}" if np.isfinite(usual) else f"> {most}"
    reached = sum(count is not None for count in labels)
    return told if reached in (0, len(labels)) else f"{told} ({reached} of {len(labels)})"


def _tested(test: Paired | None) -> list[str]:
    if test is None:
        return ["", "", "", ""]
    cells = [f"{test.difference:+.3f}", f"{test.wins} of {test.pairs}"]
    if test.p is None or test.corrected is None:
        return [*cells, "", ""]
    return [*cells, f"{test.p:.3g} ({test.test})", f"{test.corrected:.3g}"]

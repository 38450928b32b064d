"""What the recipes share: learning curves over strategies and seeds, kept on disk, as a table.

A data set is imported once, into a project under --out from a copy of which each curve starts. A
finished curve is a JSON file, one that is not finished a project folder with its finished rounds,
so that a killed recipe goes on after the last round of which the model was saved.
"""

import argparse
import gzip
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from alnlp import Project, Simulation, __version__, hardware, simulate
from alnlp.comparing import spread
from alnlp.console import progress_bars
from alnlp.errors import AlnlpError
from alnlp.models import locate
from alnlp.plotting import learning_curves
from alnlp.progress import Progress
from alnlp.signals import file_name
from alnlp.simulation import SimulatedRound
from alnlp.strategies import find
from alnlp.tasks import Kind

Runs = dict[str, list[Simulation]]

BASELINE = "random"

#: Parts of a project's cache that are made once for all copies: files that depend on nothing but
#: the texts and the network, only grow, and are locked while they do.
_SHARED = ("tokens", "embeddings", "test")


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

    def project(
        self, folder: Path, *, pool: int | None = None, tested: bool = True, **settings: Any
    ) -> Project:
        """A project on the data set, or on `pool` rows of its training set, always the same.

        Where it is not `tested`, no round spends time on the test set.
        """
        train, test = self.files()
        data = train if pool is None else _subsample(train, pool)
        return self.create(folder, data, test if tested else None, **settings)

    def files(self) -> tuple[Path | str, Path | str]:
        """What to train and to test on: local files, or splits on the hub."""
        local = Path(os.environ.get("ALNLP_DATA", "")) / self.name
        if local.is_dir():
            return local / "train.jsonl.gz", local / "test.jsonl.gz"
        return f"{self.hub_id}:train", f"{self.hub_id}:test"

    def create(self, folder: Path, data: Any, test: Any, **settings: Any) -> Project:
        """A project on rows of the data set."""
        return Project.create(
            folder,
            data=data,
            test=test,
            task=self.task,
            label_column=None if isinstance(self.files()[0], Path) else self.hub_label,
            keep_rounds=1,
            **{"answers": False, **settings},
        )


def _subsample(train: Path | str, n: int) -> Any:
    """n rows of a training set drawn at random: the same n each time."""
    rows = read(train)
    if not 0 < n <= len(rows):
        raise SystemExit(f"--pool: got {n}, expected 1 to {len(rows)} rows of {train}")
    drawn = np.random.default_rng(0).choice(len(rows), n, replace=False)
    return rows.select(np.sort(drawn).tolist())


def read(source: Path | str) -> Any:
    """The rows of a local file, or of a split on the hub, as a `datasets.Dataset`."""
    from datasets import Dataset, load_dataset

    if isinstance(source, Path):
        with gzip.open(source, "rt", encoding="utf-8") as file:
            return Dataset.from_list([json.loads(line) for line in file])
    name, split = source.split(":")
    return load_dataset(name, split=split)


def main(bench: Benchmark, doc: str | None) -> None:
    """Run all strategies and seeds, then draw and print; `random` is always among them."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=Help)
    parser.add_argument("--strategies", default=",".join(bench.strategies), help="beside random")
    parser.add_argument("--seeds", default="0..2", help="such as 0,1,2 or 0..4")
    parser.add_argument("--model", default="minilm", help="see alnlp models")
    parser.add_argument("--initial", type=whole(1), default=bench.initial)
    parser.add_argument("--batch", type=whole(1), default=bench.batch)
    parser.add_argument("--rounds", type=whole(0), default=bench.rounds)
    parser.add_argument("--pool", type=whole(1), help="rows of the training set, drawn at random")
    parser.add_argument("--initial-strategy", default=BASELINE, help="chooses the first labels")
    parser.add_argument("--skip-full", action="store_true", help="no full-data line")
    parser.add_argument("--out", type=Path, default=Path("results", bench.name), help="folder")
    options = parser.parse_args()
    seeds, strategies = seed_numbers(options.seeds), strategy_names(options.strategies, [bench])
    check_first(options.initial_strategy, [bench])
    runs: Runs = {name: [] for name in strategies}
    with one_line_errors(), progress_bars() as progress:
        for seed in seeds:  # a killed recipe has whole seeds to compare
            for name, several in runs.items():

                def told(point: SimulatedRound, curve: tuple[str, int] = (name, seed)) -> None:
                    print(*curve, point.labels, point.metrics, flush=True)

                several.append(curve(bench, name, seed, options, told, progress))
        best = None if options.skip_full else full(bench, options)["metrics"][bench.metric]
    report(bench, runs, best, options.out)


def seed_numbers(text: str) -> list[int]:
    """Seeds from numbers and ranges, such as "0..2,7"."""
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", part.strip())
        if not found:
            raise SystemExit(f"--seeds: got {text!r}, expected numbers such as 0,1,2 or 0..4")
        seeds += range(int(found[1]), int(found[2] or found[1]) + 1)
    if not seeds or len(set(seeds)) < len(seeds):
        raise SystemExit(f"--seeds: got {text!r}, expected at least one, and each seed once")
    return seeds


def strategy_names(text: str, benches: Sequence[Benchmark]) -> list[str]:
    """The strategies of a list joined by commas, random first; each serves all data sets."""
    asked = listed(text, "--strategies")
    with one_line_errors():
        for bench in benches:
            for name in asked:
                find(name, bench.task)
    return [BASELINE, *(name for name in asked if name != BASELINE)]


def check_first(strategy: str, benches: Sequence[Benchmark]) -> None:
    """End the recipe where a strategy cannot choose the first labels, before anything is made."""
    with one_line_errors():
        for bench in benches:
            if find(strategy, bench.task)[1].needs_model:
                raise SystemExit(
                    f"--initial-strategy: got {strategy!r}, which needs a trained model, expected "
                    "one that does not, such as random or typiclust"
                )


def whole(least: int) -> Callable[[str], int]:
    """What reads an option that is a whole number of at least so much."""

    def number(text: str) -> int:
        if not re.fullmatch(r"\d+", text) or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"got {text!r}, expected a whole number of at least {least}"
            )
        return int(text)

    return number


def wholes(least: int) -> Callable[[str], list[int]]:
    """What reads an option that is several such numbers, joined by commas."""
    number = whole(least)
    return lambda text: [number(part.strip()) for part in text.split(",")]


def share(text: str) -> float:
    """What reads an option that is a share."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a share from 0 to 1")
    return value


def listed(text: str, option: str, known: Iterable[str] = ()) -> list[str]:
    """The names of a list joined by commas, each once, and of the known ones where there are."""
    found, known = [name.strip() for name in text.split(",")], list(known)
    for name in found:
        if not name or found.count(name) > 1 or (known and name not in known):
            expected = f"some of {', '.join(known)}" if known else "names joined by commas"
            raise SystemExit(f"{option}: got {text!r}, expected {expected}, each once")
    return found


class Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """The docstring as it is, and the default of each option."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Errors that are the caller's to mend end the recipe with their line; so does Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        print("stopped; run again, it goes on where it stopped", file=sys.stderr)
        raise SystemExit(130) from None
    except (FileExistsError, NotADirectoryError) as error:
        raise SystemExit(
            f"--out: got {error.filename}, where a file is, expected a folder"
        ) from error
    except ConnectionError as error:
        raise SystemExit(
            f"{error}; set ALNLP_DATA to a folder with the data sets to run without the hub"
        ) from error
    except (FileNotFoundError, PermissionError) as error:
        raise SystemExit(str(error)) from error
    except AlnlpError as error:
        raise SystemExit(str(error)) from error


def curve(
    bench: Benchmark,
    strategy: str,
    seed: int,
    options: argparse.Namespace,
    on_round: Callable[[SimulatedRound], None] | None = None,
    progress: Progress | None = None,
) -> Simulation:
    """One learning curve, from disk as far as it was run before.

    Args:
        bench: the data set.
        strategy: by name.
        seed: of the curve.
        options: model, pool, initial, initial_strategy, batch, rounds, and `out`, the folder of
            this data set (and of this pool, where that is a part of it).
        on_round: told about each point that was not on disk.
        progress: told about the steps of a training.
    """
    base = _base(bench, options)
    path = curve_file(options.out, strategy, seed)
    with _alone(path):
        if not path.exists():
            folder = _unfinished(path)
            with _started(base, folder, options, strategy=strategy, seed=seed) as project:
                result = simulate(
                    project,
                    rounds=options.rounds,
                    batch_size=options.batch,
                    initial=options.initial,
                    initial_strategy=options.initial_strategy,
                    progress=progress,
                    on_round=on_round,
                )
            write_json(path, result.to_json())
        shutil.rmtree(_unfinished(path), ignore_errors=True)
    return Simulation.from_json(_finished(path))


def curve_file(out: Path, strategy: str, seed: int) -> Path:
    """Where a finished curve lies."""
    return out / f"{file_name(strategy)}-{seed}.json"


def rounds_on_disk(path: Path, whole: int) -> int:
    """How many rounds of a curve are finished; `whole` where it is finished itself."""
    if path.exists():
        return whole
    return len(list(_unfinished(path).glob("rounds/*/round.json")))


def full(bench: Benchmark, options: argparse.Namespace) -> dict[str, Any]:
    """Figures of a model trained on all labels, from disk if it was run before."""
    base = _base(bench, options)
    path = full_file(options.out)
    with _alone(path, wait=True):
        if not path.exists():
            with _started(base, _unfinished(path), options) as project:
                gold = ((row, project.pool.gold(row)) for row in range(len(project.pool)))
                ids = project.pool.ids
                project.tell({ids[row]: answer for row, answer in gold if answer is not None})
                made = project.train(score=False)
            write_json(
                path, {"labels": made.labels, "metrics": made.metrics, "seconds": made.seconds}
            )
        shutil.rmtree(_unfinished(path), ignore_errors=True)
    return _finished(path)


def full_file(out: Path) -> Path:
    """Where the figures of a model trained on all labels lie."""
    return out / "full.json"


def _finished(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise SystemExit(
            f"{path}: {error}, expected a finished run; remove the file to run it again"
        ) from error
    return values


def _unfinished(path: Path) -> Path:
    """The project folder of a run that is not finished."""
    return path.parent / "unfinished" / path.stem


@contextmanager
def _alone(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Several processes may share --out, but not a run: the second is refused, or waits."""
    lock = path.parent / "unfinished" / f"{path.stem}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=-1 if wait else 0):
            yield
    except Timeout:
        raise SystemExit(
            f"{path.stem}: another process is running it; give other --seeds"
        ) from None


@contextmanager
def _started(
    base: Path, folder: Path, options: argparse.Namespace, **settings: Any
) -> Iterator[Project]:
    """The project of a run, a copy of the data set's own where it has not begun."""
    if not folder.exists():
        temporary = folder.with_name(f".copying-{folder.name}")
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.copytree(base, temporary, ignore=shutil.ignore_patterns("cache"))
        (temporary / "cache").mkdir()
        for name in _SHARED:
            (base / "cache" / name).mkdir(parents=True, exist_ok=True)
            target = os.path.relpath(base / "cache" / name, folder / "cache")
            (temporary / "cache" / name).symlink_to(target)
        copy = Project.open(temporary)
        copy.update_settings(model=options.model, **settings)
        copy.close()
        temporary.rename(folder)
    project = Project.open(folder)
    try:
        yield project
    finally:
        project.close()


def _base(bench: Benchmark, options: argparse.Namespace) -> Path:
    """The folder of the project that each run of a data set starts from a copy of.

    A folder whose runs had other settings is refused before anything is trained, and so is one
    whose runs were made where the same settings may come to other figures.
    """
    asked = {name: getattr(options, name) for name in ("pool", "initial", "batch", "rounds")}
    asked["initial_strategy"] = options.initial_strategy
    asked["model"] = locate(options.model)
    asked |= _machine()
    folder, settings = options.out / "base", options.out / "settings.json"
    options.out.mkdir(parents=True, exist_ok=True)
    with FileLock(options.out / "base.lock"):
        if settings.exists() or folder.exists():
            _refuse_other(settings, asked)
        if not folder.exists():
            making = options.out / ".making-base"
            for left_over in (making, *options.out.glob(".alnlp-new-*")):
                shutil.rmtree(left_over, ignore_errors=True)
            bench.project(making, pool=options.pool, model=options.model).close()
            # First: a run that is killed here leaves no project to other settings.
            write_json(settings, asked)
            making.rename(folder)
    return folder


def _machine() -> dict[str, Any]:
    """What the same settings may come to other figures by."""
    machine = hardware.describe()
    return {"precision": machine["precision"], "torch": machine["torch"], "alnlp": __version__}


def claim(folder: Path, asked: dict[str, Any]) -> None:
    """Keep a folder for runs with these settings, on such a machine."""
    folder.mkdir(parents=True, exist_ok=True)
    path, asked = folder / "settings.json", asked | _machine()
    with FileLock(folder / "settings.lock"):
        if any(folder.glob("*.json")):
            _refuse_other(path, asked)
        else:
            write_json(path, asked)


def _refuse_other(claim: Path, asked: dict[str, Any]) -> None:
    """End the recipe where a folder has runs of anything else, or of nobody knows what."""
    found = json.loads(claim.read_text()) if claim.exists() else {}
    for name, value in asked.items():
        if (was := found.get(name, "unknown")) != value:
            raise SystemExit(
                f"{claim.parent}: got runs with {name} = {was!r} in this folder, expected "
                f"{value!r}; choose another --out"
            )


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
    """Markdown: the mean of a metric (± standard deviation over seeds, n - 1) by labels.

    As far as all curves go; where they differ in the labels of a round, "38 to 40" says so.
    """
    curves = [run.rounds for several in runs.values() for run in several]
    labels = [{point.labels for point in points} for points in zip(*curves, strict=False)]
    ends = [sorted({min(found), max(found)}) for found in labels]
    lines = _head("labels", [" to ".join(map(str, both)) for both in ends])
    for name, several in runs.items():
        values = [[point.metrics[metric] for point in r.rounds[: len(ends)]] for r in several]
        lines.append(_line(name, np.array(values)))
    return "\n".join(lines)


def token_table(runs: Runs, metric: str, columns: int = 7) -> str:
    """Markdown: the same by words labelled, read off between the measured points."""
    several = [run for seeds in runs.values() for run in seeds]
    least = max(run.rounds[0].metrics["tokens"] for run in several)
    most = min(run.rounds[-1].metrics["tokens"] for run in several)
    grid = np.linspace(least, most, columns).round(-1)
    lines = _head("words", [f"{words:.0f}" for words in grid])
    for name, seeds in runs.items():
        values = [
            np.interp(
                grid,
                [point.metrics["tokens"] for point in run.rounds],
                [point.metrics[metric] for point in run.rounds],
            )
            for run in seeds
        ]
        lines.append(_line(name, np.array(values)))
    return "\n".join(lines)


def _head(what: str, cells: Sequence[str]) -> list[str]:
    return [f"| {what} | " + " | ".join(cells) + " |", "|---" * (len(cells) + 1) + "|"]


def _line(name: str, values: np.ndarray) -> str:
    return f"| {name} | " + " | ".join(spread(column) for column in values.T) + " |"


def write_json(path: Path, values: Any) -> None:
    """Write a file that is there whole or not at all."""
    temporary = path.with_suffix(".writing")
    temporary.write_text(json.dumps(values, indent=1) + "\n")
    temporary.replace(path)

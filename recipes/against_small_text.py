"""Against small-text 1.4.1, on the same backbone, pool, initial labels and batches.

    python recipes/against_small_text.py --datasets trec6,ag_news_subset,sst2_sentences --seeds 0..1

small-text runs in an environment of its own below --out, made on the first run from
small_text_requirements.txt. It trains its transformer classifier and its SetFit, each with its own
settings, and chooses by breaking ties; alnlp its default model, and chooses by margin, which is the
same. A finished curve is a JSON file, so that a killed run goes on with the next one.

With OMP_NUM_THREADS=1 the processor seconds of a round are comparable beside other work as well.
"""

import argparse
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmark import (
    Benchmark,
    Help,
    claim,
    listed,
    one_line_errors,
    seed_numbers,
    whole,
    write_json,
)
from compare import benchmarks
from spent import Spent

from alnlp.data import Pool
from alnlp.models import DEFAULT, resolve
from alnlp.models.loading import load_tokenizer
from alnlp.project import Project

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "small_text_requirements.txt"
PEERS = ("transformer", "setfit")
OURS = "alnlp"
TITLES = {OURS: "alnlp", "transformer": "small-text, transformer", "setfit": "small-text, SetFit"}
#: small-text fills every text up to the longest allowed: here the longest of these texts, or this.
MOST_TOKENS = 128
Points = list[dict[str, float]]


def main() -> None:
    """Run what is not on disk yet and print the table."""
    options = arguments()
    known = {bench.name: bench for bench in benchmarks() if bench.task == "classification"}
    names = listed(options.datasets, "--datasets", known)
    options.out.mkdir(parents=True, exist_ok=True)
    runs: dict[str, dict[str, list[Points]]] = {}
    with one_line_errors():
        for name in names:
            runs[name] = {system: [] for system in (OURS, *PEERS)}
            for seed in seed_numbers(options.seeds):
                for system, several in runs[name].items():
                    several.append(curve(known[name], system, seed, options))
    text = table(runs, options)
    (options.out / "table.md").write_text(text, encoding="utf-8")
    print(text)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Help)
    parser.add_argument("--datasets", default="trec6,ag_news_subset,sst2_sentences", help="by name")
    parser.add_argument("--seeds", default="0..1", help="such as 0,1,2 or 0..4")
    parser.add_argument("--pool", type=whole(1), default=1500, help="rows of the training set")
    parser.add_argument("--initial", type=whole(1), default=20, help="random labels at first")
    parser.add_argument("--batch", type=whole(1), default=20, help="labels a round")
    parser.add_argument("--rounds", type=whole(0), default=4, help="after the first")
    parser.add_argument("--model", default="auto", help="of alnlp; small-text has the default one")
    parser.add_argument(
        "--out", type=Path, default=Path("results", "against_small_text"), help="folder"
    )
    return parser.parse_args()


def curve(bench: Benchmark, system: str, seed: int, options: argparse.Namespace) -> Points:
    """The points of a curve, from disk if it was run before."""
    folder = options.out / f"{bench.name}-{options.pool}"
    path = folder / f"{system}-{seed}.json"
    names = ("model", "initial", "batch", "rounds")
    claim(folder, {name: getattr(options, name) for name in names})
    if not path.exists():
        work = folder / f".{system}-{seed}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        drawn = bench.project(work / "drawn", pool=options.pool, seed=seed)
        first = [one.id for one in drawn.ask(options.initial, strategy="random")]
        settings = {"strategy": "margin", "seed": seed, "model": options.model}
        # Without its test set, on which no time is to be spent.
        project = Project.create(
            work / "project",
            data=candidates(drawn),
            task=bench.task,
            labels=drawn.task.labels,
            answers=False,
            audit_share=0.0,
            keep_rounds=1,
            **settings,
        )
        if system == OURS:
            made = ours(project, drawn.test, first, options)
        else:
            made = peer(project, drawn.test, first, system, work, options)
        project.close()
        drawn.close()
        write_json(path, made)
        shutil.rmtree(work)
    points: Points = json.loads(path.read_text("utf-8"))
    told = " ".join(f"{point['accuracy']:.3f}" for point in points)
    spent = np.mean([point["seconds"] for point in points])
    print(f"{bench.name} {TITLES[system]} seed {seed}: {told}, {spent:.0f} s a round", flush=True)
    return points


def candidates(drawn: Project) -> Any:
    """The texts of a pool that are not in its test set as well, with their labels."""
    from datasets import Dataset

    rows = [row for row, known in enumerate(drawn.pool.ids) if known not in drawn.test]
    gold = [drawn.pool.gold(row) for row in rows]
    return Dataset.from_dict({"text": drawn.pool.texts(np.array(rows)), "label": gold})


def ours(project: Project, test: Pool, first: Sequence[str], options: argparse.Namespace) -> Points:
    """alnlp: train, score, save and select, timed together as a person waits for them."""
    texts = test.texts(np.arange(len(test)))
    gold = [test.gold(row) for row in range(len(test))]
    points: Points = []
    batch, select = list(first), Spent()
    for _point in range(options.rounds + 1):
        project.tell({i: project.pool.gold(project.pool.row(i)) for i in batch})
        with Spent() as train:
            made = project.train(score=True)
        said = project.predict(texts)
        right = np.mean([one.answer == answer for one, answer in zip(said, gold, strict=True)])
        points.append(
            {
                "labels": made.labels,
                "accuracy": float(right),
                "seconds": train.seconds + select.seconds,
                "processor": train.processor + select.processor,
            }
        )
        with Spent() as select:
            batch = [one.id for one in project.ask(options.batch)]
    return points


def peer(
    project: Project,
    test: Pool,
    first: Sequence[str],
    system: str,
    work: Path,
    options: argparse.Namespace,
) -> Points:
    """small-text, in its own process and environment."""
    number = {label: k for k, label in enumerate(project.task.labels)}

    def part(pool: Any) -> tuple[list[str], list[int]]:
        rows = np.arange(len(pool))
        return pool.texts(rows), [number[pool.gold(row)] for row in rows.tolist()]

    task = {
        "classifier": system,
        "backbone": str(resolve(DEFAULT)),
        "classes": len(number),
        "max_length": min(MOST_TOKENS, longest(project)),
        "seed": project.settings.seed,
        "pool": part(project.pool),
        "test": part(test),
        "initial": project.pool.rows(first).tolist(),
        "batch": options.batch,
        "rounds": options.rounds,
    }
    (work / "task.json").write_text(json.dumps(task), encoding="utf-8")
    script, out = HERE / "small_text_peer.py", work / "points.json"
    with (work / "log.txt").open("w") as log:
        done = subprocess.run(
            [environment(options.out), script, "task.json", out.name],
            cwd=work,
            stdout=log,
            stderr=log,
        )
    if done.returncode:
        raise SystemExit(f"small-text ended with {done.returncode}; its words: {work / 'log.txt'}")
    points: Points = json.loads(out.read_text("utf-8"))
    return points


def longest(project: Project) -> int:
    """The tokens of the longest text."""
    texts = project.pool.texts(np.arange(len(project.pool)))
    return max(map(len, load_tokenizer(DEFAULT)(texts)["input_ids"]))


def environment(out: Path) -> Path:
    """The Python of small-text's environment, which is made if it is not there."""
    home = (out / "environment").resolve()
    python, ready = home / "bin" / "python", home / "ready"
    if not ready.exists():
        print("making an environment for small-text ...", flush=True)
        venv.create(home, with_pip=True, clear=True)
        # torch first: without CUDA where pip is set up for it, and not again for the others.
        for what in (["torch==2.13.0"], ["-r", str(REQUIREMENTS)]):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *what], check=True)
        ready.touch()
    return python


def table(runs: dict[str, dict[str, list[Points]]], options: argparse.Namespace) -> str:
    """A row for each data set and system: area, last accuracy, seconds a round."""
    last = options.initial + options.rounds * options.batch
    lines = [
        f"`python recipes/against_small_text.py {' '.join(sys.argv[1:])}`",
        "",
        f"| data | system | area | at {last} labels | s a round | processor s | times alnlp |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, systems in runs.items():
        usual = median(systems[OURS], "processor")
        for system, several in systems.items():
            scores = np.array([[point["accuracy"] for point in points] for points in several])
            areas = (scores[:, 1:] + scores[:, :-1]).mean(axis=1) / 2
            spent = median(several, "processor")
            lines.append(
                f"| {name} | {TITLES[system]} | {spread(areas)} | {spread(scores[:, -1])} | "
                f"{median(several, 'seconds'):.1f} | {spent:.1f} | {spent / usual:.1f} |"
            )
    return "\n".join(lines) + "\n"


def spread(values: Any) -> str:
    """Mean and each value."""
    return f"{np.mean(values):.3f} ({', '.join(f'{value:.3f}' for value in values)})"


def median(several: list[Points], what: str) -> float:
    """The median over rounds of what training, scoring and selection took."""
    return float(np.median([point[what] for points in several for point in points]))


if __name__ == "__main__":
    main()

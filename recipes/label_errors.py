"""How many planted label errors and contradictions does a project list?

    python recipes/label_errors.py --datasets trec6,ag_news_subset,sst2_sentences --seeds 0..2

Some answers are flipped to another label, drawn at random, and texts are added that repeat answered
ones but for a word, with another label. Then what `Project.suspects` lists is counted: precision is
the share of listed answers that were flipped, recall the share of flipped ones that are listed, and
average precision says how far up they stand. Errors that the data set itself holds count as false
alarms.
"""

import argparse
import csv
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmark import Benchmark, Help, listed, one_line_errors, seed_numbers, share, whole, wholes
from compare import benchmarks

from alnlp import Project
from alnlp.data import example_id
from alnlp.data.words import words_of

HEAD = (
    "data", "answers", "listed", "precision", "recall", "average precision", "right label proposed",
    "contradictions listed", "seconds",
)  # fmt: skip


def main() -> None:
    """Read each data set once, plant and look for each size and seed, and print one table."""
    options = arguments()
    known = {bench.name: bench for bench in benchmarks() if bench.task == "classification"}
    print("| " + " | ".join(HEAD) + " |\n" + "| --- " * len(HEAD) + "|", flush=True)
    for name in listed(options.datasets, "--datasets", known):
        with one_line_errors(), tempfile.TemporaryDirectory() as folder:
            base = Path(folder, "base")
            project = known[name].project(base, model=options.model, audit_share=0.0)
            if not options.words_alone:
                project.prepare()
            project.close()
            for size in options.sizes:
                seeds = seed_numbers(options.seeds)
                rows = [measured(base, size, seed, options) for seed in seeds]
                print(line(known[name], np.mean(rows, axis=0)), flush=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=Help)
    parser.add_argument("--datasets", default="trec6", help="by name, joined by commas")
    parser.add_argument("--sizes", type=wholes(0), default="500,1500,0", help="answers; 0 for all")
    parser.add_argument("--seeds", default="0..2", help="such as 0,1,2 or 0..4")
    parser.add_argument("--share", type=share, default=0.05, help="of answers that are flipped")
    parser.add_argument("--contradictions", type=whole(0), default=20, help="planted texts")
    parser.add_argument("--model", default="minilm", help="whose embeddings are read")
    parser.add_argument("--words-alone", action="store_true", help="read no embeddings")
    return parser.parse_args()


def line(bench: Benchmark, means: np.ndarray) -> str:
    """One row of the table."""
    answers, listed, precision, recall, average, right, found, planted, seconds = means.tolist()
    cells = [
        f"{bench.title}", f"{answers:.0f}", f"{listed:.0f}",
        *(f"{share:.2f}" for share in (precision, recall, average, right)),
        f"{found:.1f} of {planted:.0f}", f"{seconds:.1f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def measured(base: Path, size: int, seed: int, options: argparse.Namespace) -> list[float]:
    """The figures of one row for one seed, by a copy of the project that was read."""
    rng = np.random.default_rng(seed)
    folder = base.with_name("copy")
    shutil.copytree(base, folder)
    project = Project.open(folder)
    labels = project.task.labels
    right = drawn(project, size, rng)
    given = flipped(right, labels, options.share, rng)
    wrong = {i for i in right if given[i] != right[i]}
    project.tell(given)

    started = time.perf_counter()
    listed = project.suspects(limit=len(given))
    seconds = time.perf_counter() - started
    hits = [one.example.id in wrong for one in listed]
    proposed = [one.proposed == right[one.example.id] for one in listed if one.example.id in wrong]

    planted = contradictions(project, given, options.contradictions, rng)
    source = base.with_name("planted.csv")
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *planted.items()])
    project.add(source)
    found = {
        one.example.id
        for suspect in project.suspects(limit=len(given) + len(planted))
        if suspect.kind == "contradiction"
        for one in (suspect, *suspect.others)
    }
    project.close()
    shutil.rmtree(folder)
    return [
        len(given), len(listed), float(np.mean(hits or [0])), sum(hits) / max(1, len(wrong)),
        average_precision(hits, len(wrong)), float(np.mean(proposed or [0])),
        sum(example_id(text) in found for text in planted), len(planted), seconds,
    ]  # fmt: skip


def drawn(project: Project, size: int, rng: np.random.Generator) -> dict[str, str]:
    """Some examples with their gold labels, by id."""
    pool, held_out = project.pool, set(project.test.id_numbers.tolist())
    free = [row for row, number in enumerate(pool.id_numbers.tolist()) if number not in held_out]
    rows = rng.permutation(free)[: size or None].tolist()
    return {pool.ids[row]: project.task.check(pool.gold(row)) for row in rows}


def flipped(
    right: dict[str, str], labels: tuple[str, ...], share: float, rng: np.random.Generator
) -> dict[str, str]:
    """The answers, a share of them replaced by another label."""
    wrong = rng.choice(list(right), round(share * len(right)), replace=False).tolist()
    return right | {i: other(right[i], labels, rng) for i in wrong}


def other(label: str, labels: tuple[str, ...], rng: np.random.Generator) -> str:
    """Any label but this one."""
    return str(rng.choice([name for name in labels if name != label]))


def contradictions(
    project: Project, given: dict[str, str], n: int, rng: np.random.Generator
) -> dict[str, str]:
    """n texts that say what answered ones say but for a word or the case, with another label."""
    texts = {i: project.pool[project.pool.row(i)].text for i in given}
    long_enough = [i for i, text in texts.items() if len(words_of(text)) >= 8]
    planted: dict[str, str] = {}
    for turn, i in enumerate(rng.permutation(long_enough).tolist()):
        if len(planted) == n:
            break
        text = changed(texts[i], turn, texts[str(rng.choice(long_enough))], rng)
        if example_id(text) not in project.pool:
            planted[text] = other(given[i], project.task.labels, rng)
    return planted


def changed(text: str, turn: int, source: str, rng: np.random.Generator) -> str:
    """The text in capitals, or with one word replaced by, or put after, one of another text."""
    words = [(a, b) for a, b in words_of(text) if text[a].isalnum()]
    if turn % 3 == 0 or not words:
        return text.upper()
    start, end = words[int(rng.integers(len(words)))]
    foreign = [source[a:b] for a, b in words_of(source) if source[a].isalnum()] or ["then"]
    word = str(rng.choice(foreign))
    return text[:start] + word + text[end:] if turn % 3 == 1 else f"{text[:end]} {word}{text[end:]}"


def average_precision(hits: list[bool], planted: int) -> float:
    """The mean precision at the place of each planted error; 0 for those not listed."""
    places = np.flatnonzero(hits)
    return float(((np.arange(len(places)) + 1) / (places + 1)).sum() / planted)


if __name__ == "__main__":
    main()

"""A stream with a planted drift: how fast, which share, and when is the change noticed?

    python recipes/stream.py --lines 50000 --budget 0.05

A model learns AG News from 100 random labels. Then lines go through `alnlp stream`: AG News first,
and from the middle on the sentences of SST-2, which it has never seen. Reads $ALNLP_DATA.
"""

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ag_news import AG_NEWS
from benchmark import listed, one_line_errors
from sst2 import SST2

from alnlp import simulate
from alnlp.stream import POLICIES

#: Lines after the drift that have a column of their own.
AFTER = 1000

_RUN = "import sys; from alnlp.cli import main; sys.argv = ['alnlp', *sys.argv[1:]]; main()"


def texts(name: str, n: int, seed: int) -> list[str]:
    """n texts of a data set's training set in random order, again and again if need be."""
    path = Path(os.environ.get("ALNLP_DATA", ""), name, "train.jsonl.gz")
    if not path.is_file():
        raise SystemExit(f"{path}: not found; set ALNLP_DATA to the folder of the data sets")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found = [" ".join(json.loads(line)["text"].split()) for line in file]
    random.Random(seed).shuffle(found)
    return (found * (n // len(found) + 1))[:n]


def main() -> None:
    """Train, stream, and say what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=50_000)
    parser.add_argument("--budget", type=float, default=0.05)
    parser.add_argument("--policies", default="balanced,variable,split,random")
    parser.add_argument("--model", default="probe")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    policies, half = listed(options.policies, "--policies", POLICIES), options.lines // 2
    if half <= AFTER:
        raise SystemExit(
            f"--lines: got {options.lines}, expected {2 * AFTER + 2:,} or more: half of them come "
            f"after the drift, and the table tells of the first {AFTER:,} and of the rest"
        )
    lines = texts(AG_NEWS.name, half, options.seed) + texts(SST2.name, half, options.seed)
    print(
        f"| policy | lines a second | chosen | before | {AFTER:,} after | rest | noticed at line |"
    )
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch, one_line_errors():
        project = AG_NEWS.project(Path(scratch, "project"), model=options.model, pool=2000)
        simulate(project, rounds=0, initial=100, strategy="random")
        for policy in policies:
            print(row(project.folder, lines, policy, options), flush=True)


def row(folder: Path, lines: list[str], policy: str, options: argparse.Namespace) -> str:
    """One line of the table."""
    numbered = [json.dumps({"text": text, "number": n}) for n, text in enumerate(lines)]
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", _RUN, "stream", folder, "--policy", policy,
         "--budget", str(options.budget), "--seed", str(options.seed)],
        input="\n".join(numbered) + "\n", capture_output=True, text=True,
    )  # fmt: skip
    if ran.returncode:
        raise SystemExit(ran.stderr.strip())
    seconds = time.perf_counter() - began
    half = len(lines) // 2
    chosen = [json.loads(line)["number"] for line in ran.stdout.splitlines()]
    parts = ((0, half), (half, half + AFTER), (half + AFTER, len(lines)))
    shares = [sum(a <= n < b for n in chosen) / (b - a) for a, b in parts]
    drift = ran.stderr.partition("changed at line ")[2].split("\n")[0] or "never"
    cells = [
        f"{len(lines) / seconds:.0f}",
        *(f"{s:.1%}" for s in (len(chosen) / len(lines), *shares)),
    ]
    return "| " + " | ".join([policy, *cells, drift]) + " |"


if __name__ == "__main__":
    main()

"""How much memory does a round need that scores many generated sentences for entities?

    python recipes/ner_memory.py --sentences 200000

Words of random letters, 8 to 32 a sentence; the first hundred have an entity and are the answers.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark import one_line_errors, whole

from alnlp import Project, hardware
from alnlp.bench.scale import sentences


def rows(n: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows with a text, and with spans for the first hundred."""
    rng = random.Random(seed)
    for number, text in enumerate(sentences(n, seed)):
        row: dict[str, Any] = {"text": text}
        if number < 100:
            row["spans"] = [[0, text.index(" "), rng.choice(["DRUG", "DOSE", "REASON"])]]
        yield row


def peak() -> int:
    """The most resident memory so far, in MB."""
    return hardware.peak_memory() // 2**20


def main() -> None:
    """Import, train, score; the peak after each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sentences", type=whole(200), default=200_000)
    parser.add_argument("--model", default="minilm")
    options = parser.parse_args()
    with one_line_errors(), tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "data.jsonl")
        with data.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows(options.sentences))
        project = Project.create(
            Path(scratch, "project"), data=data, task="ner", model=options.model
        )
        print(f"imported: {peak()} MB", flush=True)
        made = project.train(score=True)
        print(f"scored {int(made.arrays['words'].sum())} words: {peak()} MB, {made.seconds}")


if __name__ == "__main__":
    main()

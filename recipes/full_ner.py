"""All labels of a named-entity set: alnlp's tagger against the settings of transformers' example.

    python recipes/full_ner.py wnut17 ncbi_disease --seeds 0,1 --out results/full_ner

Both start from the same checkpoint, train on the same words and tags in one run, and are measured
by the same strict span F1 on the test set. The example's settings (run_ner.py of transformers):
learning rate 5e-5 falling linearly to 0, batches of 8, 3 epochs, no warm-up, no weight decay, the
first subword of a word carries its tag. A run that is on disk already is not run again.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmark import (
    Benchmark,
    claim,
    listed,
    one_line_errors,
    seed_numbers,
    write_json,
)
from compare import benchmarks
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
)

from alnlp import Project
from alnlp.data import Pool
from alnlp.metrics import metric
from alnlp.models import locate, resolve
from alnlp.tags import encode, tag_names


def ours(project: Project, seed: int) -> dict[str, Any]:
    """The tagger of alnlp with its default settings."""
    project.update_settings(seed=seed)
    made = project.train(score=False)
    return {"span_f1": made.metrics["span_f1"], "seconds": made.seconds["train"]}


def example(project: Project, checkpoint: str, seed: int) -> dict[str, Any]:
    """Plain transformers with the settings of its token-classification example."""
    names = tag_names(project.task.labels)
    tokenizer = AutoTokenizer.from_pretrained(resolve(checkpoint))
    apart = [row for row, known in enumerate(project.pool.ids) if known not in project.test]
    train = _features(project.pool, apart, project.task.labels, tokenizer)
    test = _features(project.test, range(len(project.test)), project.task.labels, tokenizer)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model_init=lambda: AutoModelForTokenClassification.from_pretrained(
                resolve(checkpoint), num_labels=len(names)
            ),
            args=TrainingArguments(
                output_dir=scratch,
                learning_rate=5e-5,
                per_device_train_batch_size=8,
                per_device_eval_batch_size=32,
                num_train_epochs=3,
                seed=seed,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
            ),
            data_collator=DataCollatorForTokenClassification(tokenizer),
            train_dataset=train,
            processing_class=tokenizer,
        )
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
        said = trainer.predict(test).predictions.argmax(axis=-1)
    predicted, gold = [], []
    for row, tags in zip(test, said, strict=True):
        known = [at for at, label in enumerate(row["labels"]) if label >= 0]
        gold.append([names[row["labels"][at]] for at in known])
        predicted.append(_valid([names[tags[at]] for at in known]))
    figures = metric("ner").compute(predictions=predicted, references=gold)
    return {"span_f1": figures["span_f1"], "seconds": seconds}


def _features(
    pool: Pool, rows: Sequence[int], labels: Sequence[str], tokenizer: Any
) -> list[dict[str, list[int]]]:
    """Token ids and labels of each text, the first subword of a word carrying its tag."""
    features = []
    for row in rows:
        text, places = pool[row].text, pool.words(row)
        words = [text[start:end] for start, end in places]
        tags, _ = encode(pool.gold(row), places, labels)
        given = tokenizer(words, is_split_into_words=True, truncation=True, max_length=256)
        owners = given.word_ids()
        first = [at == 0 or owners[at - 1] != owner for at, owner in enumerate(owners)]
        carried = [
            int(tags[owner]) if owner is not None and begins else -100
            for owner, begins in zip(owners, first, strict=True)
        ]
        features.append(
            {**{k: given[k] for k in ("input_ids", "attention_mask")}, "labels": carried}
        )
    return features


def _valid(tags: list[str]) -> list[str]:
    """An I without its B begins an entity: the lenient reading, which favours the example."""
    before, valid = "O", []
    for tag in tags:
        if tag.startswith("I-") and before[2:] != tag[2:]:
            tag = "B-" + tag[2:]
        valid.append(tag)
        before = tag
    return valid


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", help="ncbi_disease, wnut17 or weibo_ner")
    parser.add_argument("--seeds", default="0", help="such as 0,1,2 or 0..4")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--out", type=Path, default=Path("results/full_ner"))
    options = parser.parse_args()
    known = {bench.name: bench for bench in benchmarks() if bench.task == "ner"}
    names = listed(",".join(options.names), "names", known)
    with one_line_errors():
        run([known[name] for name in names], seed_numbers(options.seeds), options)


def run(benches: Sequence[Benchmark], seeds: Sequence[int], options: argparse.Namespace) -> None:
    """Run what is not on disk yet, then print a table."""
    claim(options.out, {"model": locate(options.model)})
    print("| data | span F1, alnlp | span F1, example settings | seconds, alnlp | example |")
    print("|---|---|---|---|---|", flush=True)
    for bench in benches:
        found = [_both(bench, seed, options) for seed in seeds]
        cells = []
        for figure, form in (("span_f1", "{:.3f} ± {:.3f}"), ("seconds", "{:.0f}")):
            for who in ("alnlp", "example"):
                values = np.array([run[who][figure] for run in found])
                cells.append(form.format(values.mean(), values.std()))
        print(f"| {bench.title} | " + " | ".join(cells) + " |", flush=True)


def _both(bench: Benchmark, seed: int, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    path = options.out / f"{bench.name}-{seed}.json"
    if not path.exists():
        with tempfile.TemporaryDirectory() as scratch:
            project = bench.project(Path(scratch) / "all", answers=True, model=options.model)
            runs = {
                "alnlp": ours(project, seed),
                "example": example(project, options.model, seed),
            }
        write_json(path, runs)
    values: dict[str, dict[str, float]] = json.loads(path.read_text())
    return values


if __name__ == "__main__":
    main()

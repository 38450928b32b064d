"""The part of against_small_text.py that runs small-text, in an environment of its own.

    python small_text_peer.py TASK.json OUT.json

TASK names the classifier, the folder of the backbone, pool and test with their labels as numbers,
the initial rows, batch and rounds. OUT gets a point for each training, written as soon as it is
known.
"""

import json
import sys
from pathlib import Path

import numpy as np
from small_text import (
    BreakingTies,
    PoolBasedActiveLearner,
    SetFitClassificationFactory,
    SetFitModelArguments,
    TextDataset,
    TransformerBasedClassificationFactory,
    TransformerModelArguments,
    TransformersDataset,
)
from spent import Spent


def main(task_file: str, out: str) -> None:
    """Run one curve."""
    task = json.loads(Path(task_file).read_text("utf-8"))
    seed_all(task["seed"])
    make = {"transformer": transformer, "setfit": setfit}[task["classifier"]]
    factory, dataset = make(task)
    pool, test = (dataset(*task[part]) for part in ("pool", "test"))
    labels = np.array(task["pool"][1])
    learner = PoolBasedActiveLearner(factory, BreakingTies(), pool)
    rows = np.array(task["initial"])
    points: list[dict[str, float]] = []
    with Spent() as train:
        learner.initialize_data(rows, labels[rows])
    select = Spent()
    for point in range(task["rounds"] + 1):
        said = learner.classifier.predict(test)
        points.append(
            {
                "labels": len(rows),
                "accuracy": float((said == np.array(task["test"][1])).mean()),
                "seconds": train.seconds + select.seconds,
                "processor": train.processor + select.processor,
            }
        )
        Path(out).write_text(json.dumps(points))
        if point == task["rounds"]:
            return
        with Spent() as select:
            fresh = learner.query(num_samples=task["batch"])
        rows = np.concatenate([rows, fresh])
        with Spent() as train:
            learner.update(labels[fresh])


def seed_all(seed: int) -> None:
    """small-text draws from the global generators."""
    import random

    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def transformer(task):
    """Its fine-tuned classifier, with its own settings."""
    from transformers import AutoTokenizer

    classes = np.arange(task["classes"])
    tokenizer = AutoTokenizer.from_pretrained(task["backbone"])
    factory = TransformerBasedClassificationFactory(
        TransformerModelArguments(task["backbone"]), task["classes"], kwargs={"device": "cpu"}
    )

    def dataset(texts, labels):
        return TransformersDataset.from_arrays(
            texts, np.array(labels), tokenizer, max_length=task["max_length"], target_labels=classes
        )

    return factory, dataset


def setfit(task):
    """Its SetFit classifier, with its own settings."""
    classes = np.arange(task["classes"])
    factory = SetFitClassificationFactory(
        SetFitModelArguments(task["backbone"]),
        task["classes"],
        classification_kwargs={"device": "cpu"},
    )

    def dataset(texts, labels):
        return TextDataset.from_arrays(texts, np.array(labels), target_labels=classes)

    return factory, dataset


if __name__ == "__main__":
    main(*sys.argv[1:])

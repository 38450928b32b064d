"""Fine-tuning an encoder of the BERT family into a text classifier, from few labels."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Self

import torch
from transformers import PreTrainedModel

from alnlp import hardware
from alnlp.errors import DataError, ModelError
from alnlp.hardware import Precision
from alnlp.models.config import TrainConfig
from alnlp.models.loading import load_config, load_network, load_tokenizer, quiet
from alnlp.models.probe import head_inputs, head_of, start_head
from alnlp.models.protocol import FitReport
from alnlp.models.scorer import NetworkScorer
from alnlp.models.training import Targets, TokenIds, finetune, pad
from alnlp.progress import Progress, Step
from alnlp.tasks import Answer, Task

__all__ = ["FineTuned", "TrainConfig"]

MANIFEST = "alnlp.json"
_PROBE_BATCH = 64


class FineTuned:
    """A sequence classifier of `transformers`, fine-tuned whole from a pretrained checkpoint.

    Each `fit` starts again from the checkpoint. The head starts from a linear probe, the word
    embeddings stay as pretrained, rare classes weigh more in the loss.

    Args:
        task: the question; it must have labels.
        checkpoint: a name of the catalogue, a folder, or a hub id.
        config: how to train.

    Raises:
        ModelError: the checkpoint is no encoder of the BERT family, or the task has no labels.
        MissingExtra: the default checkpoint is neither installed nor reachable.
    """

    def __init__(
        self, task: Task, checkpoint: str = "minilm", config: TrainConfig | None = None
    ) -> None:
        if not task.labels:
            raise ModelError("model: got a task without labels, expected at least one label")
        self.task = task
        self.checkpoint = checkpoint
        self.config = config or TrainConfig()
        self.seed: int | None = None
        self._network: PreTrainedModel | None = None
        self._read_tokens(checkpoint)

    def _read_tokens(self, source: str) -> None:
        self.tokenizer = load_tokenizer(source)
        # RoBERTa and its kin number positions from 2, so two of them can hold no token.
        positions = getattr(load_config(source), "max_position_embeddings", None) or 10**9
        self.max_length = int(
            min(self.config.max_length, self.tokenizer.model_max_length, max(positions - 2, 4))
        )
        # Saved along, so that other programs cut texts where this one does.
        self.tokenizer.model_max_length = self.max_length

    @property
    def network(self) -> PreTrainedModel:
        """The trained network of `transformers`.

        Raises:
            ModelError: nothing has been trained yet.
        """
        if self._network is None:
            raise ModelError("model: not trained yet; call fit with some labelled texts first")
        return self._network

    def fit(
        self,
        texts: Sequence[str],
        answers: Sequence[Answer],
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> FitReport:
        """Train on N texts and their answers, from the pretrained weights on.

        An exception from `progress` (Cancelled) ends the training; the model stays as it was.

        Raises:
            DataError: no texts, not one answer for each, or an answer outside the task's labels.
        """
        if not texts or len(texts) != len(answers):
            raise DataError(
                f"training: got {len(texts)} texts and {len(answers)} answers, expected the same "
                "number of each and at least one"
            )
        started = time.perf_counter()
        targets = self.task.encode([self.task.check(answer) for answer in answers])
        ids = self.tokenizer(list(texts), truncation=True, max_length=self.max_length)["input_ids"]
        torch.manual_seed(seed)
        network = load_network(self.checkpoint, self.task)
        self._start_head(network, ids, targets, progress)
        steps, loss = finetune(
            network,
            ids,
            targets,
            self.config,
            classes=len(self.task.labels),
            pad_token_id=self.tokenizer.pad_token_id,
            seed=seed,
            progress=progress,
        )
        self._network, self.seed = network, seed
        return FitReport(
            examples=len(texts),
            steps=steps,
            seconds=round(time.perf_counter() - started, 3),
            loss=loss,
            seed=seed,
            precision=hardware.precision(),
            configuration=asdict(self.config),
        )

    def _start_head(
        self,
        network: PreTrainedModel,
        ids: Sequence[TokenIds],
        targets: Targets,
        progress: Progress | None,
    ) -> None:
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        chunks = [order[at : at + _PROBE_BATCH] for at in range(0, len(order), _PROBE_BATCH)]
        head = head_of(network, len(self.task.labels))

        def tick(batches: int) -> None:
            if progress:
                done = min(batches * _PROBE_BATCH, len(ids))
                progress(Step("probe", done, len(ids), "texts"))

        batches = (pad([ids[row] for row in rows], self.tokenizer.pad_token_id) for rows in chunks)
        inputs = head_inputs(network, head, batches, tick)
        start_head(head, inputs, targets[order], strength=self.config.probe_c)

    def scorer(self, precision: Precision | None = None) -> NetworkScorer:
        """The trained network ready for inference; by default at the machine's best precision."""
        return NetworkScorer(
            self.network,
            self.task,
            pad_token_id=self.tokenizer.pad_token_id,
            precision=precision or hardware.precision(),
        )

    def save(self, folder: Path) -> None:
        """Write weights (safetensors), configuration, tokenizer and `alnlp.json` into a folder.

        Plain `transformers` loads the folder: `pipeline("text-classification", model=folder)`.
        Each file appears whole or not at all; `alnlp.json` comes last and marks the model complete.

        Raises:
            ModelError: not trained yet, or the folder cannot be written.
        """
        folder, network = Path(folder), self.network
        manifest = {
            "format": 1,
            "checkpoint": self.checkpoint,
            "task": {"kind": self.task.kind, "labels": list(self.task.labels)},
            "config": asdict(self.config),
            "seed": self.seed,
            "versions": {name: version(name) for name in ("torch", "transformers")},
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as scratch, quiet():
                network.save_pretrained(scratch)
                self.tokenizer.save_pretrained(scratch)
                Path(scratch, MANIFEST).write_text(json.dumps(manifest, indent=2), "utf-8")
                for path in sorted(Path(scratch).iterdir(), key=lambda path: path.name == MANIFEST):
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
                    path.replace(folder / path.name)
        except OSError as error:
            raise ModelError(f"model: cannot be saved in {folder}: {error}") from error

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model written by `save`, ready to score.

        Raises:
            ModelError: the folder holds no complete model.
        """
        folder = Path(folder)
        try:
            manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
            model = cls.__new__(cls)
            model.task = Task(manifest["task"]["kind"], tuple(manifest["task"]["labels"]))
            model.config = TrainConfig(**manifest["config"])
            model.checkpoint, model.seed = manifest["checkpoint"], manifest["seed"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"model: no complete model in {folder} ({error}); expected a folder written by save"
            ) from error
        model._read_tokens(str(folder))
        names = load_config(str(folder)).id2label or {}
        if list(names.values()) != list(model.task.labels):
            raise ModelError(
                f"model: {MANIFEST} and config.json in {folder} name different labels; expected a "
                "folder written by save"
            )
        model._network = load_network(str(folder), model.task)
        return model

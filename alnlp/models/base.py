"""What all fine-tuned networks share: settings, tokenizer, saving and loading."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Self

from transformers import PreTrainedModel

from alnlp import hardware
from alnlp.errors import DataError, ModelError
from alnlp.models.config import TrainConfig
from alnlp.models.loading import load_config, load_network, load_tokenizer, output_names, quiet
from alnlp.models.protocol import FitReport
from alnlp.tasks import Task

MANIFEST = "alnlp.json"


class Trainable:
    """A network of `transformers` for one task, trained whole from a pretrained checkpoint.

    Args:
        task: the question; it must have labels.
        checkpoint: a name of the catalogue, a folder, or a hub id.
        config: how to train.

    Raises:
        ModelError: the checkpoint is no encoder of the BERT family, or the task has no labels.
        MissingExtra: the default checkpoint is neither installed nor reachable.
    """

    config_class: ClassVar[type[TrainConfig]] = TrainConfig
    config: TrainConfig

    def __init__(
        self, task: Task, checkpoint: str = "minilm", config: TrainConfig | None = None
    ) -> None:
        if not task.labels:
            raise ModelError("model: got a task without labels, expected at least one label")
        self.task = task
        self.checkpoint = checkpoint
        self.config = config or self.config_class()
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

    def save(self, folder: Path) -> None:
        """Write weights (safetensors), configuration, tokenizer and `alnlp.json` into a folder.

        The `pipeline` of plain `transformers` loads the folder. Each file appears whole or not at
        all; `alnlp.json` comes last and marks the model complete.

        Raises:
            ModelError: not trained yet, or the folder cannot be written.
        """
        folder, network = Path(folder), self.network
        manifest = {
            "format": 1,
            "checkpoint": self.checkpoint,
            "task": self.task.to_json(),
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

    def _report(
        self, texts: Sequence[str], steps: int, loss: float, started: float, left_out: int = 0
    ) -> FitReport:
        """What a training did that began at `started` of `time.perf_counter`."""
        return FitReport(
            examples=len(texts),
            steps=steps,
            seconds=round(time.perf_counter() - started, 3),
            loss=loss,
            seed=self.seed or 0,
            precision=hardware.precision(),
            configuration=asdict(self.config),
            left_out=left_out,
        )

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
            model.task = Task.from_json(manifest["task"])
            model.config = cls.config_class(**manifest["config"])
            model.checkpoint, model.seed = manifest["checkpoint"], manifest["seed"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"model: no complete model in {folder} ({error}); expected a folder written by save"
            ) from error
        model._read_tokens(str(folder))
        names = load_config(str(folder)).id2label or {}
        if tuple(names.values()) != output_names(model.task):
            raise ModelError(
                f"model: {MANIFEST} and config.json in {folder} name different labels; expected a "
                "folder written by save"
            )
        model._network = load_network(str(folder), model.task)
        return model


def check_pairs(texts: Sequence[str], answers: Sequence[object]) -> None:
    """Refuse to train on nothing, or on texts without just one answer for each."""
    if not texts or len(texts) != len(answers):
        raise DataError(
            f"training: got {len(texts)} texts and {len(answers)} answers, expected the same "
            "number of each and at least one"
        )

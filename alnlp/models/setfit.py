"""SetFit: the encoder learns from pairs of texts which belong together, then a head is fitted."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.trainer_callback import PrinterCallback

from alnlp import hardware
from alnlp.errors import ModelError
from alnlp.models import DEFAULT, resolve
from alnlp.models.base import check_pairs
from alnlp.models.config import ProbeConfig, TrainConfig
from alnlp.models.finetuned import FineTuned
from alnlp.models.loading import load_config, load_network, quiet
from alnlp.models.pooling import MEAN_POOLED
from alnlp.models.probe import head_of, start_head
from alnlp.models.protocol import FitReport
from alnlp.models.training import Report, Targets
from alnlp.progress import Progress
from alnlp.tasks import Answer, Task


def _tells_apart(targets: Targets) -> bool:
    """Whether some two texts share no label, so that there are pairs of both kinds."""
    if targets.ndim == 1:
        return len(np.unique(targets)) > 1
    shared = targets @ targets.T
    return bool((shared == 0).any() and targets.any())


@dataclass(frozen=True)
class SetFitConfig(ProbeConfig):
    """How a SetFit model is trained: `min_steps` batches of pairs, at the rate of its paper."""

    learning_rate: float = 2e-5
    min_steps: int = 300
    epochs: int = 1


class SetFit(FineTuned):
    """A sentence encoder trained on pairs by the trainer of `setfit`, with a regression on top.

    Pairs of one class are drawn together, others apart, by the cosine of their embeddings. What is
    saved is an ordinary classifier of `transformers`: no pickled head.

    Tunstall et al., "Efficient Few-Shot Learning Without Prompts", 2022.
    """

    config_class: ClassVar[type[TrainConfig]] = SetFitConfig

    def __init__(
        self, task: Task, checkpoint: str = DEFAULT, config: TrainConfig | None = None
    ) -> None:
        super().__init__(task, checkpoint, config)
        family = load_config(checkpoint).model_type
        if family not in MEAN_POOLED:
            raise ModelError(
                f"setfit:{checkpoint}: got a {family} network, expected one of "
                f"{', '.join(MEAN_POOLED)}, whose classifiers can read the mean of a text"
            )

    def fit(
        self,
        texts: Sequence[str],
        answers: Sequence[Answer],
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> FitReport:
        """Train on N texts and their answers, see `FineTuned.fit`.

        With one class only, or a single text, there are no pairs to learn from: then the encoder
        stays as it was pretrained.
        """
        check_pairs(texts, answers)
        started = time.perf_counter()
        targets = self.task.encode([self.task.check(answer) for answer in answers])
        with tempfile.TemporaryDirectory(prefix="alnlp-") as scratch:
            steps, loss = 0, 0.0
            source = self.checkpoint
            if _tells_apart(targets):
                steps, loss = self._pair_up(list(texts), targets, seed, scratch, progress)
                source = scratch
            torch.manual_seed(seed)
            network: PreTrainedModel = load_network(source, self.task)
        inputs = self._head_inputs(network, self._token_ids(texts), progress)
        head = head_of(network, len(self.task.labels))
        start_head(head, inputs, targets, strength=self.config.probe_c)
        self._network, self.seed = network.train(False), seed
        return self._report(texts, steps, loss, started)

    def _pair_up(
        self,
        texts: list[str],
        targets: Targets,
        seed: int,
        folder: str,
        progress: Progress | None,
    ) -> tuple[int, float]:
        """Write a trained encoder into a folder; gives the steps taken and the mean loss."""
        from sentence_transformers import SentenceTransformer
        from setfit import SetFitModel, Trainer, TrainingArguments

        with quiet(), tempfile.TemporaryDirectory(prefix="alnlp-") as scratch:
            body = SentenceTransformer(resolve(self.checkpoint), device=hardware.device())
            body.max_seq_length = self.max_length
            trainer = Trainer(
                model=SetFitModel(
                    model_body=body,
                    multi_target_strategy="one-vs-rest" if self.task.multilabel else None,
                ),
                args=TrainingArguments(
                    output_dir=scratch,
                    batch_size=self.config.batch_size,
                    body_learning_rate=self.config.learning_rate,
                    max_steps=self.config.steps(len(texts)),
                    warmup_proportion=self.config.warmup,
                    use_amp=hardware.device() == "cuda",
                    show_progress_bar=False,
                    save_strategy="no",
                    logging_strategy="no",
                    report_to="none",
                    seed=seed,
                ),
                callbacks=[Report(progress)] if progress else None,
            )
            inner: Any = trainer.st_trainer
            inner.remove_callback(PrinterCallback)
            inner.args.dataloader_pin_memory = False
            trainer.train_embeddings(texts, targets.tolist())
            body.save(folder)
        return inner.state.global_step, float(inner.state.log_history[-1].get("train_loss", 0.0))

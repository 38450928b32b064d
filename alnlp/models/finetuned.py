"""Fine-tuning an encoder of the BERT family into a text classifier, from few labels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import torch
from transformers import PreTrainedModel

from alnlp import hardware
from alnlp.hardware import Precision
from alnlp.models.base import Trainable, check_pairs
from alnlp.models.config import TrainConfig
from alnlp.models.loading import load_network
from alnlp.models.probe import FloatArray, head_inputs, head_of, start_head
from alnlp.models.protocol import FitReport
from alnlp.models.scorer import NetworkScorer
from alnlp.models.training import TokenIds, balanced_loss, finetune, pad
from alnlp.progress import Progress, Step
from alnlp.tasks import Answer

__all__ = ["FineTuned", "TrainConfig"]

_PROBE_BATCH = 64
#: Steps after the first, which is slower.
_TIMED_STEPS = 3


class _Enough(Exception):
    """Ends a training of which only the pace was of interest."""


class FineTuned(Trainable):
    """A sequence classifier of `transformers`, fine-tuned whole from a pretrained checkpoint.

    Each `fit` starts again from the checkpoint. The head starts from a linear probe, the word
    embeddings stay as pretrained, rare classes weigh more in the loss. A saved folder loads as
    `pipeline("text-classification", model=folder)`.
    """

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
        check_pairs(texts, answers)
        started = time.perf_counter()
        targets = self.task.encode([self.task.check(answer) for answer in answers])
        ids = self._token_ids(texts)
        torch.manual_seed(seed)
        network = load_network(self.checkpoint, self.task)
        inputs = self._head_inputs(network, ids, progress)
        head = head_of(network, len(self.task.labels))
        start_head(head, inputs, targets, strength=self.config.probe_c)
        steps, loss = finetune(
            network,
            ids,
            targets,
            self.config,
            loss=balanced_loss(targets, len(self.task.labels), self.config.max_weight),
            pad_token_id=self.tokenizer.pad_token_id,
            seed=seed,
            progress=progress,
        )
        self._network, self.seed = network, seed
        return self._report(texts, steps, loss, started)

    def expected_seconds(
        self, texts: Sequence[str], answers: int, a_step: float | None = None
    ) -> tuple[float, float]:
        """How long the shortest training and one on so many answers take.

        Args:
            texts: of such as are trained on.
            answers: how many of them there are.
            a_step: the seconds of a step where they are known; else a few steps are taken.
        """
        ids = self._token_ids(texts)
        if a_step is None:
            a_step = self._seconds_of_a_step(ids)
        length = sum(map(len, ids)) / len(ids)
        fewest, all_of_them = (self.config.steps(n, length) for n in (1, answers))
        return a_step * fewest, a_step * all_of_them

    def _seconds_of_a_step(self, ids: Sequence[TokenIds]) -> float:
        ends: list[float] = []

        def enough(step: Step) -> None:
            ends.append(time.perf_counter())
            if len(ends) > _TIMED_STEPS:
                raise _Enough

        with suppress(_Enough):
            finetune(
                load_network(self.checkpoint, self.task),
                ids,
                np.zeros(len(ids), np.int64),
                self.config,
                loss=lambda outputs, labels, **_: outputs.logits.float().square().mean(),
                pad_token_id=self.tokenizer.pad_token_id,
                seed=0,
                progress=enough,
            )
        return float(np.median(np.diff(ends)))

    def _token_ids(self, texts: Sequence[str]) -> list[TokenIds]:
        ids: list[TokenIds] = self.tokenizer(
            list(texts), truncation=True, max_length=self.max_length
        )["input_ids"]
        return ids

    def _head_inputs(
        self, network: PreTrainedModel, ids: Sequence[TokenIds], progress: Progress | None
    ) -> FloatArray:
        """What the head sees of N texts, (N, D); texts of like length share a batch."""
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        chunks = [order[at : at + _PROBE_BATCH] for at in range(0, len(order), _PROBE_BATCH)]
        head = head_of(network, len(self.task.labels))

        def tick(batches: int) -> None:
            if progress:
                done = min(batches * _PROBE_BATCH, len(ids))
                progress(Step("probe", done, len(ids), "texts"))

        batches = (pad([ids[row] for row in rows], self.tokenizer.pad_token_id) for rows in chunks)
        inputs = head_inputs(network, head, batches, tick)
        return inputs[np.argsort(order)]

    def scorer(self, precision: Precision | None = None, *, dropout: bool = False) -> NetworkScorer:
        """The trained network ready for inference, see `protocol.TextModel`."""
        return NetworkScorer(
            self.network,
            self.task,
            pad_token_id=self.tokenizer.pad_token_id,
            precision=precision or hardware.precision(),
            dropout=dropout,
        )

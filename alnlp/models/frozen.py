"""A classifier on a network that stays as it was pretrained: only the head is fitted."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from alnlp.models import weights
from alnlp.models.base import check_pairs
from alnlp.models.config import ProbeConfig, TrainConfig
from alnlp.models.finetuned import FineTuned
from alnlp.models.loading import load_network
from alnlp.models.probe import FloatArray, head_of, start_head
from alnlp.models.protocol import FitReport
from alnlp.models.scorer import DROPOUT
from alnlp.models.training import Targets
from alnlp.progress import Progress
from alnlp.tasks import Answer, Task

#: Some networks have untrained parts before the head; their draw has to be the same every time,
#: or embeddings could not be kept.
_SEED = 0


class Probe(FineTuned):
    """A logistic regression on what the head of a frozen network sees.

    Embeddings of texts never change, so a pool is read once and a round takes milliseconds. A saved
    folder loads as any other classifier of `transformers`.

    Alain and Bengio, "Understanding Intermediate Layers Using Linear Classifier Probes", 2016.
    """

    config_class: ClassVar[type[TrainConfig]] = ProbeConfig

    def start(self) -> None:
        """Load the pretrained network, so that `scorer` gives embeddings before any training."""
        if self._network is not None:
            return
        torch.manual_seed(_SEED)
        self._network = load_network(self.checkpoint, self.task).train(False)

    def fit(
        self,
        texts: Sequence[str],
        answers: Sequence[Answer],
        *,
        seed: int,
        progress: Progress | None = None,
        embeddings: FloatArray | None = None,
    ) -> FitReport:
        """Fit the head to N texts and their answers.

        Args:
            texts: what to learn from.
            answers: one for each text.
            seed: kept with the model; nothing here is drawn.
            progress: told how it goes on.
            embeddings: (N, D) of the texts, if they have been read before.

        Raises:
            DataError: no texts, not one answer for each, or an answer outside the task's labels.
        """
        check_pairs(texts, answers)
        started = time.perf_counter()
        targets = self.task.encode([self.task.check(answer) for answer in answers])
        self.start()
        if embeddings is None:
            embeddings = self._head_inputs(self.network, self._token_ids(texts), progress)
        head = head_of(self.network, len(self.task.labels))
        start_head(head, embeddings, targets, strength=self.config.probe_c)
        self.seed = seed
        return self._report(texts, 0, _loss(self.read(embeddings), targets), started)

    @property
    def width(self) -> int:
        """D, the width of an embedding."""
        return head_of(self.network, len(self.task.labels)).in_features

    @property
    def weights_name(self) -> str:
        """A name for the started network's weights, which changes with them as far as is seen."""
        commit = getattr(self.network.config, "_commit_hash", None)  # of a hub id
        content = [*weights(self.checkpoint), *([commit] if commit else [])]
        return hashlib.blake2b("\n".join(content).encode(), digest_size=8).hexdigest()

    @torch.no_grad()
    def read(self, embeddings: FloatArray, *, dropout: bool = False) -> NDArray[np.float32]:
        """Probabilities (N, K) of texts by their embeddings (N, D).

        With `dropout`, a draw of a head: of what it sees the same is dropped in all texts.
        """
        head = head_of(self.network, len(self.task.labels))
        given = torch.from_numpy(np.ascontiguousarray(embeddings, np.float32))
        if dropout:
            given = given * torch.nn.functional.dropout(torch.ones(given.shape[1]), DROPOUT)
        logits = head(given.to(head.weight.device)).float()
        probabilities = logits.sigmoid() if self.task.multilabel else logits.softmax(dim=-1)
        result: NDArray[np.float32] = probabilities.cpu().numpy()
        return result


def encoder(checkpoint: str) -> Probe:
    """A pretrained network as it is, for the embeddings that its `scorer` gives."""
    model = Probe(Task("classification", ("no", "yes")), checkpoint)
    model.start()
    return model


def _loss(probabilities: FloatArray, targets: Targets) -> float:
    """The mean cross-entropy of the right answers, as a training would report it."""
    if targets.ndim == 1:
        right = probabilities[np.arange(len(targets)), targets]
    else:
        right = np.where(targets > 0, probabilities, 1 - probabilities)
    return float(-np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean())

"""Fine-tuning an encoder of the BERT family into a tagger of named entities, from few labels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch

from alnlp import hardware
from alnlp.data.spans import SpanAnswer
from alnlp.data.words import Words, words_of
from alnlp.errors import DataError
from alnlp.hardware import Precision
from alnlp.models.alignment import Aligner, Window
from alnlp.models.base import Trainable
from alnlp.models.config import TaggerConfig
from alnlp.models.loading import load_network, output_names
from alnlp.models.protocol import FitReport
from alnlp.models.scorer import TokenScorer
from alnlp.models.training import Targets, finetune, token_loss
from alnlp.progress import Progress
from alnlp.tags import UNKNOWN, encode
from alnlp.tasks import Task

__all__ = ["Tagger", "TaggerConfig"]


class Tagger(Trainable):
    """A token classifier of `transformers`, fine-tuned whole from a pretrained checkpoint.

    Each `fit` starts again from the checkpoint. The first subword of a word carries its tag; words
    that nobody has confirmed are masked. A saved folder loads as
    `pipeline("token-classification", model=folder, aggregation_strategy="first", stride=32)`.
    """

    config_class = TaggerConfig
    config: TaggerConfig

    def __init__(
        self, task: Task, checkpoint: str = "minilm", config: TaggerConfig | None = None
    ) -> None:
        super().__init__(task, checkpoint, config)

    def _read_tokens(self, source: str) -> None:
        super()._read_tokens(source)
        self._aligner = Aligner(self.tokenizer, self.max_length)

    def windows(self, texts: Sequence[str], words: Sequence[Words]) -> list[Window]:
        """The texts as the network reads them; together the windows answer for each word once."""
        return self._aligner.windows(texts, words)

    def fit(
        self,
        texts: Sequence[str],
        answers: Sequence[SpanAnswer],
        *,
        words: Sequence[Words] | None = None,
        seed: int,
        progress: Progress | None = None,
    ) -> FitReport:
        """Train on N texts and their answers, from the pretrained weights on.

        An exception from `progress` (Cancelled) ends the training; the model stays as it was.

        Args:
            texts: a text whose answer holds no span is learnt from as well.
            answers: one for each text. What is not confirmed is not learnt from.
            words: of each text; by default those of `words_of`.
            seed: of the head, the order and dropout.
            progress: told about each step.

        Raises:
            DataError: no texts, not one answer and list of words for each, or an answer that does
                not fit its text or the task.
        """
        words = [words_of(text) for text in texts] if words is None else words
        if not texts or len(texts) != len(answers) or len(texts) != len(words):
            raise DataError(
                f"training: got {len(texts)} texts, {len(answers)} answers and words of "
                f"{len(words)}, expected the same number of each and at least one"
            )
        started = time.perf_counter()
        encoded = [
            encode(cast(SpanAnswer, self.task.check(answer, text)), places, self.task.labels)
            for text, answer, places in zip(texts, answers, words, strict=True)
        ]
        windows = self.windows(texts, words)
        targets = [self._targets(window, encoded[window.text][0]) for window in windows]
        # Stretches of long texts that nobody has looked at would only cost time.
        useful = [at for at, target in enumerate(targets) if (target != UNKNOWN).any()]
        useful = useful or list(range(len(windows)))
        torch.manual_seed(seed)
        network = load_network(self.checkpoint, self.task)
        steps, loss = finetune(
            network,
            [windows[at].ids for at in useful],
            [targets[at] for at in useful],
            self.config,
            loss=token_loss(len(output_names(self.task)), self.config.entity_weight),
            pad_token_id=self.tokenizer.pad_token_id,
            seed=seed,
            progress=progress,
        )
        self._network, self.seed = network, seed
        return self._report(texts, steps, loss, started, sum(left_out for _, left_out in encoded))

    def _targets(self, window: Window, tags: Targets) -> Targets:
        """The tag of each token of a window, of shape (L,); UNKNOWN where none is learnt."""
        targets = np.full(len(window.ids), UNKNOWN, dtype=np.int64)
        own = tags[window.words.start : window.words.stop]
        if self.config.label_all_subwords:
            for tag, first, size in zip(own, window.first, window.sizes, strict=True):
                # The rest of an entity's first word is inside of it: after B comes I.
                targets[first : first + size] = tag + 1 if tag > 0 and tag % 2 else tag
        targets[window.first] = own
        return targets

    def scorer(self, precision: Precision | None = None) -> TokenScorer:
        """The trained network ready for inference; by default at the machine's best precision."""
        return TokenScorer(
            self.network,
            self.task,
            pad_token_id=self.tokenizer.pad_token_id,
            precision=precision or hardware.precision(),
        )

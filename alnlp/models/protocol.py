"""What a model must do to take part: learn from answers, be saved, and score token batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from alnlp.hardware import Precision
from alnlp.progress import Progress, Step
from alnlp.tasks import Answer, Task

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from alnlp.batch import Batch

__all__ = ["FitReport", "Progress", "Scorer", "Step", "TextModel"]


@dataclass(frozen=True)
class FitReport:
    """What one training did.

    Attributes:
        examples: how many labelled texts it learned from.
        steps: optimizer steps taken.
        seconds: wall-clock time of the whole fit.
        loss: mean training loss over all steps.
        seed: the seed of weights, order and dropout.
        precision: the precision of the forward and backward passes.
        configuration: the training settings, by name.
        left_out: entities that could not be trained on, since they overlap a longer one.
        guessed: texts that it learned from besides, with its own guesses in place of answers.
    """

    examples: int
    steps: int
    seconds: float
    loss: float
    seed: int
    precision: Precision
    configuration: dict[str, Any]
    left_out: int = 0
    guessed: int = 0

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-able values."""
        return asdict(self)


class Scorer(Protocol):
    """A trained network, in evaluation mode, at one precision.

    Attributes:
        pad_token_id: the token that fills short rows.
        outputs: K, the number of labels.
        width: D, the width of an embedding.
        shares_rows: whether it reads batches whose rows hold several texts, and several batches at
            a time, each in a thread of its own.
    """

    pad_token_id: int
    outputs: int
    width: int
    shares_rows: bool

    def step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Probabilities (n, K) and embeddings (n, D), float32, of n texts."""
        ...


class TextModel(Protocol):
    """A classifier of texts that is retrained in every round.

    Attributes:
        task: the question, with the labels in the order of the outputs.
        tokenizer: turns texts into token ids.
        max_length: how many tokens of a text are read.
    """

    task: Task
    tokenizer: PreTrainedTokenizerBase
    max_length: int

    def fit(
        self,
        texts: Sequence[str],
        answers: Sequence[Answer],
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> FitReport:
        """Train from the pretrained weights on; what was learned before is forgotten."""
        ...

    def scorer(self, precision: Precision | None = None, *, dropout: bool = False) -> Scorer:
        """The trained network ready for inference, by default at the machine's best precision.

        With `dropout` left on, each pass is a draw from an approximate posterior (Gal and
        Ghahramani, "Dropout as a Bayesian Approximation", ICML 2016).
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the model into a folder that plain `transformers` can load."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model written by `save`."""
        ...

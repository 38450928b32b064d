"""The settings of a training."""

from __future__ import annotations

from dataclasses import dataclass

from alnlp.errors import ModelError

#: The share of `min_steps` below which learning suffers.
_FEWEST = 0.7
_POSITIVE = (
    "learning_rate", "batch_size", "epochs", "min_steps", "budget_tokens", "probe_c", "max_weight"
)  # fmt: skip


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained; the defaults were measured (recipes/LOG.md).

    Attributes:
        learning_rate: the highest rate, reached after the warm-up, falling linearly to 0.
        batch_size: texts in an optimizer step.
        epochs: how often each text is seen, where that is more than `min_steps` steps.
        min_steps: optimizer steps taken however few texts there are, if they are short.
        budget_tokens: what these steps may read in all; long texts get fewer, down to `_FEWEST`.
        warmup: the share of the steps in which the rate rises.
        weight_decay: of AdamW.
        max_length: how many tokens of a text are read, at most.
        probe_c: inverse regularisation of the logistic regression that the head starts from; one
            that is sure of itself leaves little to learn.
        max_weight: the most that a rare class may weigh in the loss, against an average one.
    """

    learning_rate: float = 5e-5
    batch_size: int = 16
    epochs: int = 5
    min_steps: int = 80
    budget_tokens: int = 45_000
    warmup: float = 0.1
    weight_decay: float = 0.01
    max_length: int = 256
    probe_c: float = 0.02
    max_weight: float = 5.0

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ModelError(f"{name}: got {getattr(self, name)}, expected more than 0")
        if not 0 <= self.warmup < 1:
            raise ModelError(f"warmup: got {self.warmup}, expected a share from 0 to below 1")
        if self.max_length < 4:
            raise ModelError(f"max_length: got {self.max_length}, expected at least 4 tokens")

    def steps(self, examples: int, length: float = 1.0) -> int:
        """How many optimizer steps a training takes on so many texts of so many tokens each."""
        affordable = self.budget_tokens / (length * self.batch_size)
        fewest = min(self.min_steps, max(_FEWEST * self.min_steps, affordable))
        return max(round(fewest), self.epochs * -(-examples // self.batch_size))


@dataclass(frozen=True)
class ProbeConfig(TrainConfig):
    """How a head alone is fitted: it has to say more than one that fine-tuning starts from."""

    probe_c: float = 0.1


@dataclass(frozen=True)
class TaggerConfig(TrainConfig):
    """How a tagger of named entities is trained; the defaults were measured (recipes/LOG.md).

    Attributes:
        entity_weight: how much a word in an entity weighs in the loss, against one outside of all.
        label_all_subwords: whether all subwords of a word carry its label, not the first alone.
    """

    learning_rate: float = 2e-4
    batch_size: int = 8
    min_steps: int = 150
    budget_tokens: int = 400_000
    entity_weight: float = 3.0
    label_all_subwords: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.entity_weight <= 0:
            raise ModelError(f"entity_weight: got {self.entity_weight}, expected more than 0")
